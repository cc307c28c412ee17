//! Delivery: sends given messages on this thread, in their order, and marks them dispatched.

use crate::delivery::marker::Marking;
use crate::engine::Engine;
use crate::engine::breaker::Permit;
use crate::engine::counters::Counters;
use crate::engine::in_flight::Claim;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::message::Message;
use crate::model::report::{DispatchOutcome, DispatchReport, distinct};
use crate::model::stored_message::{MessageState, StoredMessage};
use crate::model::ticks::Ticks;
use crate::outbox::attempts::Attempt;
use crate::outbox::read::MAX_BATCH_GET;
use crate::runtime::{Call, Task};
use crate::sys::simulation::{Mutation, mutated};
use crate::transport::{Producer, SendOutcome, send_batch};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tracing::{Instrument, Span};

/// Who asks for the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// A caller that named the messages: what was committed a moment ago is taken from memory.
    Clear,
    /// A sweep: every message is read first, and one that failed lately waits.
    Sweep,
}

/// Sends messages, batch after batch, and remembers what holds back others.
pub(crate) struct Delivery<'a> {
    engine: &'a Engine,
    call: &'a Call<'a>,
    purpose: For,
    held: Held,
}

/// What waits for earlier messages that could not be sent.
#[derive(Default)]
struct Held {
    /// Partition keys, with their topics, of which a message failed.
    keys: HashSet<(String, String)>,
    /// Every key: a message could not be read, so that its key is not known.
    all_keys: bool,
}

impl Held {
    fn hold(&mut self, message: &Message) {
        self.keys.extend(key_of(message));
    }

    fn holds(&self, message: &Message) -> bool {
        key_of(message).is_some_and(|key| self.all_keys || self.keys.contains(&key))
    }
}

impl<'a> Delivery<'a> {
    pub(crate) fn new(engine: &'a Engine, call: &'a Call<'a>, purpose: For) -> Self {
        Self { engine, call, purpose, held: Held::default() }
    }

    /// Sends the messages of these ids, as long as `go_on` says so. One that fails never stops
    /// the others, but for those after it with the same topic and partition key.
    pub(crate) fn run(&mut self, ids: &[String], mut go_on: impl FnMut() -> bool) -> DispatchReport {
        let ids = distinct(ids);
        let mut sending = Sending {
            engine: self.engine,
            purpose: self.purpose,
            report: DispatchReport::of(&ids),
            marking: Marking::new(self.engine, self.call),
            batch: Batch::default(),
            held: &mut self.held,
            failures: Vec::new(),
            go_on: &mut go_on,
        };
        let mut windows = ids.chunks(MAX_BATCH_GET).enumerate().map(|(window, ids)| (window * MAX_BATCH_GET, ids));
        let start = |(first, ids)| Window::start(self.engine, self.call, self.purpose, first, ids);
        // The next window is being read while this one is being sent.
        let mut next = windows.next().map(start);
        while let Some(window) = next {
            let candidates = window.finish(&mut sending);
            next = windows.next().map(start);
            for candidate in candidates {
                sending.consider(candidate);
            }
        }
        sending.finish()
    }
}

/// A message that is to be sent, with its place in the report.
struct Candidate<'a> {
    index: usize,
    message: Message,
    /// How often sending it has failed before.
    attempts: u32,
    claim: Claim<'a>,
}

/// Up to 100 messages that are read together: from memory, or with one BatchGetItem.
struct Window<'a> {
    engine: &'a Engine,
    wanted: Vec<(usize, String, Source<'a>)>,
    reading: Option<Task<BatchRead>>,
}

type BatchRead = (HashMap<String, Result<StoredMessage>>, Result<()>);

/// Where a message comes from.
enum Source<'a> {
    Memory(Box<Message>, Claim<'a>),
    Table(Claim<'a>),
    ClaimedByAnother,
}

impl<'a> Window<'a> {
    fn start(engine: &'a Engine, call: &Call<'_>, purpose: For, first: usize, ids: &[String]) -> Self {
        let wanted: Vec<_> = ids
            .iter()
            .enumerate()
            .map(|(position, id)| {
                let source = match engine.in_flight.claim(id) {
                    None => Source::ClaimedByAnother,
                    Some(claim) => match engine.recent.take(id).filter(|_| purpose == For::Clear) {
                        Some(message) => Source::Memory(Box::new(message), claim),
                        None => Source::Table(claim),
                    },
                };
                (first + position, id.clone(), source)
            })
            .collect();
        let to_read: Vec<String> = wanted
            .iter()
            // One that somebody else is sending is read for its key.
            .filter(|(_, _, source)| matches!(source, Source::Table(_) | Source::ClaimedByAnother))
            .map(|(_, id, _)| id.clone())
            .collect();
        let reading = (!to_read.is_empty()).then(|| {
            let outbox = Arc::clone(&engine.outbox);
            let read =
                async move { outbox.get_batch(to_read).await }.instrument(engine.request_span("reading messages"));
            engine.runtime.start_task(call, engine.operation_timeout(), read)
        });
        Self { engine, wanted, reading }
    }

    /// The messages that are to be sent; of the others the report says what became of them.
    fn finish(self, sending: &mut Sending<'a, '_>) -> Vec<Candidate<'a>> {
        let no_answer = || {
            let text = format!(
                "no answer within operation_timeout_ms ({} ms)",
                self.engine.config.operation_timeout.as_millis()
            );
            Err(Error::new(ErrorCode::Timeout, text))
        };
        let (mut found, read) = match self.reading {
            None => (HashMap::new(), Ok(())),
            Some(reading) => reading.wait().unwrap_or_else(|| (HashMap::new(), no_answer())),
        };
        let report = &mut sending.report;
        let mut candidates = Vec::with_capacity(self.wanted.len());
        for (index, id, source) in self.wanted {
            let claim = match source {
                Source::ClaimedByAnother => {
                    match found.get(&id) {
                        _ if self.engine.in_flight.is_accepted(&id) => {}
                        Some(Ok(stored)) if stored.state == MessageState::Outstanding => {
                            sending.held.hold(&stored.message);
                        }
                        None if read.is_err() => sending.held.all_keys = true,
                        _ => {}
                    }
                    report.set(index, DispatchOutcome::InProgress, "this process is sending it already");
                    continue;
                }
                Source::Memory(message, claim) => {
                    candidates.push(Candidate { index, message: *message, attempts: 0, claim });
                    continue;
                }
                Source::Table(claim) => claim,
            };
            match (found.remove(&id), &read) {
                (Some(Ok(stored)), _) => match stored.state {
                    MessageState::Outstanding => {
                        let (message, attempts) = (stored.message, stored.dispatch_attempts);
                        candidates.push(Candidate { index, message, attempts, claim });
                    }
                    MessageState::Dispatched => report.set(index, DispatchOutcome::AlreadyDispatched, ""),
                    MessageState::Parked => {
                        report.set(index, DispatchOutcome::Parked, stored.last_error.unwrap_or_default());
                    }
                },
                (Some(Err(error)), _) => {
                    report.set(index, DispatchOutcome::Malformed, error.message());
                    // Nobody can send it, and it would be found again by every sweep.
                    sending.failures.push(Attempt { id, error: error.message().to_owned(), earlier: 0, park: true });
                }
                (None, Err(error)) => {
                    report.set(index, DispatchOutcome::ReadFailed, error.message());
                    sending.held.all_keys = true;
                }
                (None, Ok(())) => report.set(index, DispatchOutcome::NotFound, "the outbox has no such message"),
            }
        }
        candidates
    }
}

/// Messages of one producer that are sent in one call.
#[derive(Default)]
struct Batch<'a> {
    producer: Option<Arc<dyn Producer>>,
    places: Vec<Place<'a>>,
    messages: Vec<Message>,
}

/// Where a message of a batch stands in the report, and what is known of it.
struct Place<'a> {
    index: usize,
    attempts: u32,
    claim: Claim<'a>,
}

/// A delivery of some messages under way.
struct Sending<'a, 'd> {
    engine: &'a Engine,
    purpose: For,
    report: DispatchReport,
    marking: Marking<'a>,
    batch: Batch<'a>,
    held: &'d mut Held,
    failures: Vec<Attempt>,
    go_on: &'d mut dyn FnMut() -> bool,
}

impl<'a> Sending<'a, '_> {
    fn consider(&mut self, candidate: Candidate<'a>) {
        let Candidate { index, message, attempts, claim } = candidate;
        // Whether an earlier message of its key has failed is known when that one was sent.
        let same_key = |other: &Message| key_of(other).is_some() && key_of(other) == key_of(&message);
        if self.batch.messages.iter().any(same_key) {
            self.send();
        }
        if self.held.holds(&message) {
            let detail = "an earlier message of its partition key could not be sent";
            return self.report.set(index, DispatchOutcome::HeldBack, detail);
        }
        if self.purpose == For::Sweep && self.engine.backoff.is_waiting(message.id()) {
            self.held.hold(&message);
            return self.report.set(
                index,
                DispatchOutcome::HeldBack,
                "it failed lately and waits for its next attempt",
            );
        }
        let topic = message.producer_topic();
        let Some(producer) = self.engine.router.route(topic).cloned() else {
            self.held.hold(&message);
            let detail = format!(
                "no producer serves topic {topic}: add one or a route for it, or a default one, when the Postbox is opened"
            );
            return self.report.set(index, DispatchOutcome::NoProducer, detail);
        };
        let same_producer = self.batch.producer.as_ref().is_some_and(|current| Arc::ptr_eq(current, &producer));
        // Before the breaker is asked: it is to know what became of these.
        if !same_producer || self.batch.messages.len() >= producer.max_batch() {
            self.send();
        }
        let permit = self.engine.breakers.permit(message.topic());
        if permit == Permit::HoldBack {
            self.held.hold(&message);
            let detail = format!("the breaker of topic {} is open", message.topic());
            return self.report.set(index, DispatchOutcome::BreakerOpen, detail);
        }
        if permit == Permit::Probe {
            self.send();
        }
        self.batch.producer = Some(producer);
        self.batch.places.push(Place { index, attempts, claim });
        self.batch.messages.push(message);
        if permit == Permit::Probe {
            self.send();
        }
    }

    fn send(&mut self) {
        let Batch { producer, places, messages } = std::mem::take(&mut self.batch);
        let Some(producer) = producer.filter(|_| !messages.is_empty()) else {
            return;
        };
        if !(self.go_on)() {
            for place in places {
                self.report.set(
                    place.index,
                    DispatchOutcome::Skipped,
                    "the operation was stopped before the message was sent",
                );
            }
            return;
        }
        if mutated(Mutation::MarkBeforeSend) {
            let ids: Vec<String> = messages.iter().map(|message| message.id().to_owned()).collect();
            let _ = self
                .engine
                .run("mark_dispatched", |outbox| async move { Ok(outbox.mark_dispatched(ids, Ticks::now()).await) });
        }
        let outcomes = self.send_span(&messages).in_scope(|| send_batch(producer.as_ref(), &messages));
        for ((place, message), outcome) in places.into_iter().zip(&messages).zip(outcomes) {
            match outcome {
                SendOutcome::Sent => {
                    self.accepted(message);
                    self.marking.add(&mut self.report, place.index, place.claim);
                }
                SendOutcome::Accepted => {
                    self.accepted(message);
                    place.claim.keep(self.engine.config.confirm_timeout);
                    self.report.set(place.index, DispatchOutcome::Accepted, "");
                }
                SendOutcome::Retry(text) => {
                    self.engine.breakers.failed(message.topic());
                    let park = self.engine.parks_after(place.attempts);
                    self.failed(place, message, DispatchOutcome::Failed, text, park);
                }
                SendOutcome::Reject(text) => self.failed(place, message, DispatchOutcome::Rejected, text, true),
            }
        }
        self.marking.tick(&mut self.report);
    }

    /// The span of a call of a producer, by OpenTelemetry's conventions for messaging.
    fn send_span(&self, messages: &[Message]) -> Span {
        let first = messages.first();
        tracing::info_span!(
            target: "postbox",
            "send",
            otel.kind = "producer",
            messaging.system = "postbox",
            messaging.operation.name = "send",
            messaging.operation.type = "send",
            messaging.destination.name = first.map_or("", Message::topic),
            messaging.message.id = first.map_or("", Message::id),
            messaging.batch.message_count = messages.len(),
        )
    }

    fn accepted(&self, message: &Message) {
        self.engine.breakers.succeeded(message.topic());
        self.engine.backoff.forget(message.id());
    }

    fn failed(&mut self, place: Place<'a>, message: &Message, outcome: DispatchOutcome, text: String, park: bool) {
        tracing::warn!(
            target: "postbox", { messaging.message.id = message.id(), messaging.destination.name = message.topic(), error.message = %text, parked = park },
            "a message could not be sent"
        );
        self.held.hold(message);
        if park {
            self.engine.backoff.forget(message.id());
        } else {
            self.engine.backoff.wait(message.id(), place.attempts);
        }
        self.failures.push(Attempt { id: message.id().to_owned(), error: text.clone(), earlier: place.attempts, park });
        self.report.set(place.index, outcome, text);
    }

    fn finish(mut self) -> DispatchReport {
        self.send();
        self.marking.finish(&mut self.report);
        self.record_failures();
        self.engine.counters.delivered(&self.report);
        self.report
    }

    fn record_failures(&mut self) {
        let failures = std::mem::take(&mut self.failures);
        if failures.is_empty() {
            return;
        }
        let parked = failures.iter().filter(|attempt| attempt.park).count();
        Counters::add(&self.engine.counters.parked, parked as u64);
        let at = Ticks::now();
        let recorded = self.engine.run_each(
            "counting a failed attempt",
            failures,
            |outbox, attempt| async move { outbox.record_failure(attempt, at).await },
            |result| {
                if let Some(Err(error)) = result {
                    tracing::warn!(target: "postbox", { error.message = error.message() }, "a failed attempt could not be counted");
                }
            },
        );
        if let Err(error) = recorded {
            tracing::debug!(target: "postbox", { error.message = error.message() }, "failed attempts were not counted");
        }
    }
}

/// What orders messages: topic and partition key, if there is one.
fn key_of(message: &Message) -> Option<(String, String)> {
    let key = message.partition_key();
    (!key.is_empty()).then(|| (message.topic().to_owned(), key.to_owned()))
}
