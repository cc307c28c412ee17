//! Clear: send given outstanding messages now, in their order, and mark them dispatched.

use crate::dispatch::in_flight::Claim;
use crate::dispatch::marking::Marking;
use crate::dispatch::report::{DispatchOutcome, DispatchReport};
use crate::engine::Engine;
use crate::error::{Error, ErrorCode, Result};
use crate::message::Message;
use crate::outbox::item::{MessageState, StoredMessage};
use crate::outbox::read::MAX_BATCH_GET;
use crate::runtime::Call;
use crate::transport::{Producer, SendOutcome, send_batch};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Sends the messages of these ids on this thread. One that fails never stops the others.
pub(crate) fn clear(engine: &Engine, ids: &[String]) -> Result<DispatchReport> {
    let call = &engine.runtime.enter()?;
    let mut seen = HashSet::new();
    let ids: Vec<String> = ids.iter().filter(|id| seen.insert(id.as_str())).cloned().collect();
    let mut clearing = Clearing {
        engine,
        report: DispatchReport::of(&ids),
        marking: Marking::new(engine, call),
        batch: Batch::default(),
    };
    let mut windows = ids.chunks(MAX_BATCH_GET).enumerate().map(|(window, ids)| (window * MAX_BATCH_GET, ids));
    // The next window is being read while this one is being sent.
    let mut next = windows.next().map(|(first, ids)| Window::start(engine, call, first, ids));
    while let Some(window) = next {
        let candidates = window.finish(&mut clearing.report);
        next = windows.next().map(|(first, ids)| Window::start(engine, call, first, ids));
        for candidate in candidates {
            clearing.consider(candidate);
        }
    }
    Ok(clearing.finish())
}

/// A message that is to be sent, with its place in the report.
struct Candidate<'a> {
    index: usize,
    message: Message,
    claim: Claim<'a>,
}

/// Up to 100 messages that are read together: from memory, or with one BatchGetItem.
struct Window<'a> {
    engine: &'a Engine,
    wanted: Vec<(usize, String, Source<'a>)>,
    reading: Option<Receiver<BatchRead>>,
}

type BatchRead = (HashMap<String, Result<StoredMessage>>, Result<()>);

/// Where a message comes from.
enum Source<'a> {
    Memory(Box<Message>, Claim<'a>),
    Table(Claim<'a>),
    ClaimedByAnother,
}

impl<'a> Window<'a> {
    fn start(engine: &'a Engine, call: &Call<'_>, first: usize, ids: &[String]) -> Self {
        let wanted: Vec<_> = ids
            .iter()
            .enumerate()
            .map(|(position, id)| {
                let source = match engine.in_flight.claim(id) {
                    None => Source::ClaimedByAnother,
                    Some(claim) => match engine.recent.take(id) {
                        Some(message) => Source::Memory(Box::new(message), claim),
                        None => Source::Table(claim),
                    },
                };
                (first + position, id.clone(), source)
            })
            .collect();
        let to_read: Vec<String> = wanted
            .iter()
            .filter(|(_, _, source)| matches!(source, Source::Table(_)))
            .map(|(_, id, _)| id.clone())
            .collect();
        let reading = (!to_read.is_empty()).then(|| {
            let outbox = Arc::clone(&engine.outbox);
            let read = async move { outbox.get_batch(to_read).await };
            engine.runtime.start_task(call, engine.operation_timeout(), read)
        });
        Self { engine, wanted, reading }
    }

    /// The messages that are to be sent; of the others the report says what became of them.
    fn finish(self, report: &mut DispatchReport) -> Vec<Candidate<'a>> {
        let no_answer = || {
            let text =
                format!("no answer within operation_timeout_ms ({} ms)", self.engine.config.operation_timeout_ms);
            Err(Error::new(ErrorCode::Timeout, text))
        };
        let (mut found, read) = match self.reading {
            None => (HashMap::new(), Ok(())),
            Some(result) => result.recv().unwrap_or_else(|_| (HashMap::new(), no_answer())),
        };
        let mut candidates = Vec::with_capacity(self.wanted.len());
        for (index, id, source) in self.wanted {
            let claim = match source {
                Source::ClaimedByAnother => {
                    report.set(index, DispatchOutcome::InProgress, "this process is sending it already");
                    continue;
                }
                Source::Memory(message, claim) => {
                    candidates.push(Candidate { index, message: *message, claim });
                    continue;
                }
                Source::Table(claim) => claim,
            };
            match (found.remove(&id), &read) {
                (Some(Ok(stored)), _) => match stored.state {
                    MessageState::Outstanding => {
                        candidates.push(Candidate { index, message: stored.message, claim });
                    }
                    MessageState::Dispatched => report.set(index, DispatchOutcome::AlreadyDispatched, ""),
                    MessageState::Parked => {
                        report.set(index, DispatchOutcome::Parked, stored.last_error.unwrap_or_default());
                    }
                },
                (Some(Err(error)), _) => report.set(index, DispatchOutcome::Unreadable, error.message()),
                (None, Err(error)) => report.set(index, DispatchOutcome::NotRead, error.message()),
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
    places: Vec<(usize, Claim<'a>)>,
    messages: Vec<Message>,
}

/// A clear under way.
struct Clearing<'a> {
    engine: &'a Engine,
    report: DispatchReport,
    marking: Marking<'a>,
    batch: Batch<'a>,
}

impl<'a> Clearing<'a> {
    fn consider(&mut self, candidate: Candidate<'a>) {
        let Some(producer) = self.engine.router.route(candidate.message.topic()) else {
            let detail = format!(
                "no producer serves topic {}: add one for it, or a default one, when the Postbox is opened",
                candidate.message.topic()
            );
            self.report.set(candidate.index, DispatchOutcome::NoProducer, detail);
            return;
        };
        let same = self.batch.producer.as_ref().is_some_and(|current| Arc::ptr_eq(current, producer));
        if !same || self.batch.messages.len() >= producer.max_batch() {
            self.send();
            self.batch.producer = Some(Arc::clone(producer));
        }
        self.batch.places.push((candidate.index, candidate.claim));
        self.batch.messages.push(candidate.message);
    }

    fn send(&mut self) {
        let Batch { producer, places, messages } = std::mem::take(&mut self.batch);
        let Some(producer) = producer.filter(|_| !messages.is_empty()) else {
            return;
        };
        let outcomes = send_batch(producer.as_ref(), &messages);
        for (((index, claim), message), outcome) in places.into_iter().zip(&messages).zip(outcomes) {
            match outcome {
                SendOutcome::Sent => self.marking.add(&mut self.report, index, claim),
                SendOutcome::Accepted => {
                    claim.keep(Duration::from_millis(self.engine.config.confirm_timeout_ms));
                    self.report.set(index, DispatchOutcome::Accepted, "");
                }
                SendOutcome::Retry(text) => self.failed(index, message, DispatchOutcome::Failed, text),
                SendOutcome::Reject(text) => self.failed(index, message, DispatchOutcome::Rejected, text),
            }
        }
        self.marking.tick(&mut self.report);
    }

    fn failed(&mut self, index: usize, message: &Message, outcome: DispatchOutcome, text: String) {
        tracing::warn!(
            target: "postbox", message_id = message.id(), topic = message.topic(), error = %text,
            "a message could not be sent"
        );
        self.report.set(index, outcome, text);
    }

    fn finish(mut self) -> DispatchReport {
        self.send();
        self.marking.finish(&mut self.report);
        self.report
    }
}
