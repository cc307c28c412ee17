//! Sends messages on this thread, in the order in which they are offered, and marks them dispatched.

use crate::delivery::acceptance::{Accepted, MAX_UNCONFIRMED};
use crate::delivery::blame::{Blame, Rules};
use crate::delivery::marking::{Marking, Sent};
use crate::delivery::outcomes::Outcomes;
use crate::delivery::record::record;
use crate::delivery::stuck::{Called, CalledFor, Calls};
use crate::delivery::tally::{Failure, Tally};
use crate::engine::Engine;
use crate::engine::breaker::Permit;
use crate::engine::in_flight::{Acceptance, Claim};
use crate::engine::unsent_keys::key_of;
use crate::model::fate::Fate;
use crate::model::message::Message;
use crate::model::report::{DispatchOutcome, DispatchReport};
use crate::model::stored_message::MessageState;
use crate::model::ticks::Ticks;
use crate::outbox::attempts::Attempt;
use crate::outbox::mark::Mark;
use crate::runtime::Call;
use crate::sys::clock;
use crate::sys::simulation::{Mutation, mutated};
use crate::transport::{Producer, SendOutcome, send_batch};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::Span;

/// The wait of a message that was sent and cannot be marked.
const UNMARKED_WAIT: Duration = Duration::from_secs(300);

/// The reason for [`DispatchOutcome::Skipped`].
pub(crate) const NOT_TRIED: &str = "the operation ended before the message was tried";

/// The number of failures as which one outcome `Unavailable` counts.
const UNAVAILABLE_STRIKES: u64 = 10;

/// The operation that sends the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// A clear, whose caller names the messages. Recently committed messages are taken from memory.
    Clear,
    /// A drain, which is the part of a sweep in which one thread works on one lane. Each message is read from the table
    /// before it is sent.
    Drain,
}

/// A message to send.
pub(crate) struct Candidate<'a> {
    /// The place of the message in the report.
    pub(crate) index: usize,
    pub(crate) message: Message,
    pub(crate) fate: Fate,
    pub(crate) claim: Claim<'a>,
    /// Whether the message was taken from memory, which contains only messages that this process committed recently.
    pub(crate) is_from_memory: bool,
    /// The time after which the message is read again before it is sent.
    pub(crate) fresh_until: Option<Instant>,
}

impl Candidate<'_> {
    /// Returns whether the message was read too long ago to be sent.
    pub(crate) fn is_stale(&self) -> bool {
        self.fresh_until.is_some_and(|until| clock::now() > until)
    }

    /// Returns the place of the message in the report, and the id of the message.
    pub(crate) fn place(&self) -> (usize, String) {
        (self.index, self.message.id().to_owned())
    }
}

/// The topics and partition keys for which an earlier message could not be sent.
#[derive(Debug, Default)]
pub(crate) struct Held {
    keys: HashSet<(String, String)>,
    /// Whether a message could not be read. Its partition key is then not known, so the messages of all keys are held
    /// back.
    pub(crate) all_keys: bool,
}

impl Held {
    /// Holds back the later messages with the key of this message.
    pub(crate) fn hold(&mut self, message: &Message) {
        self.keys.extend(key_of(message));
    }

    /// Returns whether this message is held back.
    pub(crate) fn holds(&self, message: &Message) -> bool {
        key_of(message).is_some_and(|key| self.all_keys || self.keys.contains(&key))
    }

    /// Returns whether messages of this topic with this partition key are held back.
    pub(crate) fn holds_key(&self, topic: &str, key: &str) -> bool {
        !key.is_empty() && self.keys.contains(&(topic.to_owned(), key.to_owned()))
    }
}

/// The data of a message in a batch, without its content.
struct Place<'a> {
    index: usize,
    fate: Fate,
    claim: Claim<'a>,
    is_from_memory: bool,
}

/// The messages that one producer sends in one call.
#[derive(Default)]
struct Batch<'a> {
    producer: Option<Arc<dyn Producer>>,
    places: Vec<Place<'a>>,
    messages: Vec<Message>,
}

/// A running dispatch of some messages, with their outcomes.
pub(crate) struct Sender<'a, 'd> {
    engine: &'a Engine,
    purpose: For,
    pub(crate) outcomes: Outcomes,
    pub(crate) held: &'d mut Held,
    pub(crate) tallies: &'d mut BTreeMap<String, Tally>,
    marking: Marking<'a>,
    batch: Batch<'a>,
    go_on: &'d dyn Fn() -> bool,
    /// The calls of the sweep, if another thread of the sweep watches them.
    watched: Option<(&'d Calls, Arc<CalledFor>)>,
    /// Whether a call of a producer did not return in time.
    is_stuck: bool,
    /// The number of failures since the last success. An outcome `Unavailable` counts as ten failures.
    strikes: u64,
    /// The number of consecutive failures after which no more messages are sent.
    most_strikes: u64,
    sent: u64,
}

impl<'a, 'd> Sender<'a, 'd> {
    pub(crate) fn new(
        engine: &'a Engine,
        call: &'a Call,
        purpose: For,
        (held, tallies): (&'d mut Held, &'d mut BTreeMap<String, Tally>),
        go_on: &'d dyn Fn() -> bool,
    ) -> Self {
        Self {
            engine,
            purpose,
            outcomes: Outcomes::default(),
            held,
            tallies,
            marking: Marking::new(engine, call),
            batch: Batch::default(),
            go_on,
            watched: None,
            is_stuck: false,
            strikes: 0,
            most_strikes: u64::MAX,
            sent: 0,
        }
    }

    /// Notes each call of a producer, so that another thread can see which calls do not return.
    pub(crate) fn watch(&mut self, calls: &'d Calls, called_for: Arc<CalledFor>) {
        self.watched = Some((calls, called_for));
    }

    /// Returns whether a call of a producer did not return in time, so that other threads have taken over its topic.
    pub(crate) fn is_stuck(&self) -> bool {
        self.is_stuck
    }

    /// Starts to count consecutive failures from zero again, and sends no more messages after this number of failures.
    pub(crate) fn give_up_after(&mut self, strikes: u64) {
        (self.strikes, self.most_strikes) = (0, strikes);
    }

    /// Returns whether sending must stop, because of too many consecutive failures, because a call of a producer was
    /// stuck, or because marks fail.
    pub(crate) fn is_in_trouble(&self) -> bool {
        self.strikes >= self.most_strikes || self.is_stuck || self.engine.marker.is_failing()
    }

    /// Returns the number of messages that were sent.
    pub(crate) fn sent_count(&self) -> u64 {
        self.sent
    }

    /// Returns whether a mark has succeeded.
    pub(crate) fn has_marked(&self) -> bool {
        self.marking.has_worked
    }

    /// Takes the outcomes that are known.
    pub(crate) fn take(&mut self) -> DispatchReport {
        let report = self.outcomes.take();
        self.engine.counters.delivered(&report);
        report
    }

    /// Adds the message to the batch, which is sent as soon as it is full, unless the message is held back.
    pub(crate) fn offer(&mut self, candidate: Candidate<'a>) {
        let Candidate { index, message, fate, claim, is_from_memory, .. } = candidate;
        if let Some(mark) = self.engine.marker.unmarked(message.id()) {
            if fate.replayed.is_none_or(|replayed| replayed <= mark.at) {
                // The message was sent before, and only its mark is missing.
                let mark = Mark { replayed: Some(fate.replayed), ..mark };
                return self.marking.add(vec![(index, Sent { mark, fate, _claim: claim })]);
            }
            // The message was replayed after it was sent.
            self.engine.marker.forget(message.id());
        }
        // If the batch contains an earlier message with the same key, the batch is sent first, because a failure of the
        // earlier message would hold back this message.
        let same_key = |other: &Message| key_of(other).is_some() && key_of(other) == key_of(&message);
        if self.batch.messages.iter().any(same_key) {
            self.flush();
        }
        if self.held.holds(&message) || self.overtakes(&message) {
            self.hold(&message);
            let detail = "an earlier message of its partition key could not be sent";
            return self.outcomes.set(index, DispatchOutcome::HeldBack, detail);
        }
        if self.engine.in_flight.has_accepted(message.topic(), MAX_UNCONFIRMED) {
            self.hold(&message);
            let detail =
                format!("{MAX_UNCONFIRMED} messages of topic {} wait for their confirmations", message.topic());
            return self.outcomes.set(index, DispatchOutcome::HeldBack, detail);
        }
        let topic = message.producer_topic();
        let Some(producer) = self.engine.router.route(topic).cloned() else {
            self.hold(&message);
            let detail = format!(
                "no producer serves topic {topic}: add one or a route for it, or a default one, when the Postbox is opened"
            );
            return self.outcomes.set(index, DispatchOutcome::NoProducer, detail);
        };
        let same_producer = self.batch.producer.as_ref().is_some_and(|current| Arc::ptr_eq(current, &producer));
        // The outcomes of the earlier messages can open the breaker, so they must be known before this message is
        // offered.
        if !same_producer {
            self.flush();
        }
        // A drain needs no breaker, because its lane is paused after failures.
        let permit = match self.purpose {
            For::Clear => self.engine.breakers.permit(message.topic()),
            For::Drain => Permit::Send,
        };
        if permit == Permit::HoldBack {
            self.hold(&message);
            let detail = format!("the breaker of topic {} is open", message.topic());
            return self.outcomes.set(index, DispatchOutcome::BreakerOpen, detail);
        }
        if permit == Permit::Probe {
            self.flush();
        }
        let is_full = permit == Permit::Probe || self.batch.messages.len() + 1 >= producer.max_batch();
        self.batch.producer = Some(producer);
        self.batch.places.push(Place { index, fate, claim, is_from_memory });
        self.batch.messages.push(message);
        if is_full {
            self.flush();
        }
    }

    /// Sends the offered messages that are not sent yet.
    pub(crate) fn flush(&mut self) {
        let Batch { producer, mut places, messages } = std::mem::take(&mut self.batch);
        let Some(producer) = producer.filter(|_| !messages.is_empty()) else {
            return;
        };
        self.marking.make_room(&mut self.outcomes);
        let untried = match () {
            () if self.is_in_trouble() => Some((DispatchOutcome::HeldBack, "earlier messages of its topic failed")),
            () if !(self.go_on)() => Some((DispatchOutcome::Skipped, NOT_TRIED)),
            () => None,
        };
        // The guard is taken last, so that no call begins after the Postbox was closed.
        let callback = if untried.is_none() { self.engine.runtime.enter_callback() } else { None };
        if callback.is_none() {
            let (outcome, why) = untried.unwrap_or((DispatchOutcome::Skipped, NOT_TRIED));
            for (place, message) in places.into_iter().zip(&messages) {
                self.held.hold(message);
                self.outcomes.set(place.index, outcome, why);
            }
            return;
        }
        if mutated(Mutation::MarkBeforeSend) {
            let marks = messages.iter().map(|message| Mark::by_name(message.id(), Ticks::now())).collect();
            let _ = self.engine.run("mark_dispatched", |outbox| async move { Ok(outbox.mark_dispatched(marks).await) });
        }
        let outcomes = self.call(producer.as_ref(), &mut places, &messages);
        drop(callback);
        let now = Ticks::now();
        let mut sent = Vec::new();
        for ((place, message), outcome) in places.into_iter().zip(&messages).zip(outcomes) {
            let Place { index, fate, claim, is_from_memory } = place;
            let is_first_try = !fate.is_retried(now);
            if fate.accepted.is_some() && fate.failures(now).first.is_none() {
                // The first acceptance of the message was not confirmed in time.
                self.engine.evidence.note(message.topic(), false);
            }
            match outcome {
                SendOutcome::Sent => {
                    self.engine.unsent_keys.settle(message.id());
                    self.note_sent(message, is_first_try);
                    let mark = Mark::of(message.id(), &fate, now);
                    if is_from_memory && self.marking.may_be_left_to_the_background(message) {
                        self.marking.leave_to_the_background(mark, claim);
                        self.outcomes.set(
                            index,
                            DispatchOutcome::Dispatched,
                            "the message is being marked in the background",
                        );
                        continue;
                    }
                    sent.push((index, Sent { mark, fate, _claim: claim }));
                }
                SendOutcome::Accepted => {
                    self.outcomes.set(index, DispatchOutcome::Accepted, "");
                    let acceptance = Acceptance { topic: message.topic().to_owned(), is_first_try };
                    let wait = Rules::of(&self.engine.config).acceptance_wait(&fate, now);
                    if claim.keep_accepted(acceptance, wait) {
                        self.note_sent(message, is_first_try);
                        continue;
                    }
                    // Later messages with the same key wait for the confirmation.
                    self.hold(message);
                    let is_keyed = message.is_keyed();
                    let (id, created) = (message.id().to_owned(), message.created());
                    self.tally(message).accepted.push(Accepted { id, fate, is_keyed, created });
                }
                SendOutcome::Retry(text) => self.failed((index, fate, message), Blame::Unknown, text, is_first_try),
                SendOutcome::Unavailable(text) => {
                    self.failed((index, fate, message), Blame::Transport, text, is_first_try);
                }
                SendOutcome::Reject(text) => self.failed((index, fate, message), Blame::Message, text, false),
                SendOutcome::NotTried => {
                    self.hold(message);
                    self.outcomes.set(index, DispatchOutcome::Skipped, "the producer did not try the message");
                }
            }
        }
        if !sent.is_empty() {
            self.marking.add(sent);
        }
    }

    fn note_sent(&mut self, message: &Message, is_first_try: bool) {
        self.engine.note_sent(message.topic(), is_first_try);
        (self.strikes, self.sent) = (0, self.sent + 1);
        self.tally(message).sent += 1;
    }

    /// Calls the producer. If the call was stuck, another thread has written a failed attempt to each message. The
    /// fates of the messages, which are the attributes that decide when a message is sent next, are then updated.
    fn call(&mut self, producer: &dyn Producer, places: &mut [Place<'a>], messages: &[Message]) -> Vec<SendOutcome> {
        let call = self.watched.as_ref().map(|(calls, called_for)| {
            let called = places.iter().zip(messages).map(|(place, message)| Called {
                id: message.id().to_owned(),
                fate: place.fate,
                is_keyed: message.is_keyed(),
            });
            (*calls, calls.begin(Arc::clone(called_for), called.collect()))
        });
        let outcomes = send_span(messages).in_scope(|| send_batch(producer, messages));
        if let Some(fates) = call.and_then(|(calls, number)| calls.end(number)) {
            self.is_stuck = true;
            places.iter_mut().zip(fates).for_each(|(place, fate)| place.fate = fate);
        }
        outcomes
    }

    /// Holds back the later messages with the key of this message, which is not sent.
    pub(crate) fn hold(&mut self, message: &Message) {
        self.held.hold(message);
        if self.purpose == For::Clear {
            self.engine.unsent_keys.note(message);
        }
    }

    /// Returns whether an earlier message of the key, which a clear of this process left unsent, is still outstanding.
    /// A message that cannot be read counts as outstanding.
    fn overtakes(&self, message: &Message) -> bool {
        if self.purpose == For::Drain {
            return false;
        }
        while let Some(earlier) = self.engine.unsent_keys.earlier(message) {
            let id = earlier.clone();
            let read = self.engine.run_to_end("reading", |outbox| async move { outbox.get_state(id).await });
            if !read.is_ok_and(|state| state != Some(MessageState::Outstanding)) {
                return true;
            }
            self.engine.unsent_keys.settle(&earlier);
        }
        false
    }

    fn tally(&mut self, message: &Message) -> &mut Tally {
        self.tallies.entry(message.topic().to_owned()).or_default()
    }

    fn failed(
        &mut self,
        (index, fate, message): (usize, Fate, &Message),
        blame: Blame,
        text: String,
        is_first_try: bool,
    ) {
        tracing::warn!(
            target: "postbox", { messaging.message.id = message.id(), messaging.destination.name = message.topic(), error.message = %text },
            "a message could not be sent"
        );
        self.hold(message);
        if is_first_try {
            self.engine.evidence.note(message.topic(), false);
        }
        let outcome = match blame {
            Blame::Message => DispatchOutcome::Rejected,
            _ => {
                self.strike(message, blame);
                DispatchOutcome::Failed
            }
        };
        self.outcomes.set(index, outcome, text.clone());
        let is_keyed = message.is_keyed();
        let failure = Failure { id: message.id().to_owned(), fate, is_keyed, blame, error: text };
        for excused in self.tally(message).fail(failure) {
            self.strike(message, Blame::Target);
            self.outcomes.change(&excused, DispatchOutcome::Rejected, DispatchOutcome::Failed);
        }
    }

    fn strike(&mut self, message: &Message, blame: Blame) {
        self.strikes = self.strikes.saturating_add(match blame {
            Blame::Transport | Blame::Target => UNAVAILABLE_STRIKES,
            _ => 1,
        });
        if self.purpose == For::Clear {
            self.engine.breakers.failed(message.topic());
        }
    }

    /// Sends the rest, waits for all marks, and returns the outcomes that were not taken yet.
    pub(crate) fn finish(mut self) -> DispatchReport {
        self.flush();
        self.marking.finish(&mut self.outcomes);
        leave_unmarked(self.engine, std::mem::take(&mut self.marking.failed));
        let report = self.outcomes.take_all(DispatchOutcome::Skipped, NOT_TRIED);
        self.engine.counters.delivered(&report);
        report
    }
}

/// Delays messages whose marks fail while other marks succeed, so that not every sweep sends these messages again.
fn leave_unmarked(engine: &Engine, failed: Vec<(String, Fate, String)>) {
    // If no mark succeeds, no wait can be written either.
    if engine.marker.is_failing() {
        return;
    }
    let now = Ticks::now();
    let wait = |(id, fate, why): (String, Fate, String)| {
        let failures = fate.failures(now);
        let (first, counted) = (failures.first.unwrap_or(now), failures.counted);
        let error = format!("the message was sent and could not be marked: {why}");
        (id, fate, Attempt::Failed { next: now.plus(UNMARKED_WAIT), first, counted, error })
    };
    record(engine, &failed.into_iter().map(wait).collect::<Vec<_>>());
}

/// Returns the span of a call to a producer, according to OpenTelemetry's conventions for messaging.
fn send_span(messages: &[Message]) -> Span {
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
