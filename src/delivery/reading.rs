//! Reads the messages to be sent. Recently committed messages are taken from memory, and all others from the table.

use crate::delivery::blame::Blame;
use crate::delivery::sender::{Candidate, For, Sender};
use crate::delivery::tally::Failure;
use crate::engine::Engine;
use crate::engine::in_flight::Claim;
use crate::model::cancel::CancelToken;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::fate::Fate;
use crate::model::message::Message;
use crate::model::report::DispatchOutcome;
use crate::model::stored_message::{MessageState, StoredMessage};
use crate::model::ticks::Ticks;
use crate::runtime::{Call, Task};
use crate::sys::clock;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::Instrument;

/// The maximum time between the read of a message for a clear and its send. After this time, the message is read again,
/// because no lease keeps sweepers from sending it.
const FRESH: Duration = Duration::from_secs(2);
/// The time within which a read ends after its token was canceled.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Messages that are read together, from memory or with one BatchGetItem.
pub(crate) struct Reading<'a> {
    engine: &'a Engine,
    purpose: For,
    wanted: Vec<(usize, String, Source<'a>)>,
    request: Option<Task<BatchRead>>,
}

type BatchRead = (HashMap<String, Result<StoredMessage>>, Result<()>);

/// The source of a message.
enum Source<'a> {
    Memory(Box<Message>, Instant, Claim<'a>),
    Table(Claim<'a>),
    ClaimedByAnother,
}

/// The messages that a drain (the work of a sweep on one lane) leaves because a read failed.
pub(crate) struct Unread {
    /// The places of the first message that could not be read and of all later messages, which must not overtake it.
    pub(crate) places: Vec<usize>,
    pub(crate) error: Error,
}

impl<'a> Reading<'a> {
    /// Starts to read up to 100 messages. Each message is passed with its place in the report. If the token is canceled
    /// before the messages have arrived, they are not sent, and their outcomes stay open.
    // The future takes stack in each function into which this one is inlined.
    #[inline(never)]
    pub(crate) fn start(
        engine: &'a Engine,
        call: &Call,
        purpose: For,
        ids: impl IntoIterator<Item = (usize, String)>,
        cancel: Option<&CancelToken>,
    ) -> Self {
        let wanted: Vec<_> = ids
            .into_iter()
            .map(|(index, id)| {
                let source = match engine.in_flight.claim(&id) {
                    None => Source::ClaimedByAnother,
                    Some(claim) => match engine.recent.take(&id).filter(|_| purpose == For::Clear) {
                        Some((message, until)) => Source::Memory(Box::new(message), until, claim),
                        None => Source::Table(claim),
                    },
                };
                (index, id, source)
            })
            .collect();
        // A message that another thread is sending is read too, because later messages with its partition key must
        // wait.
        let to_read: Vec<String> = wanted
            .iter()
            .filter(|(_, _, source)| !matches!(source, Source::Memory(..)))
            .map(|(_, id, _)| id.clone())
            .collect();
        let request = (!to_read.is_empty()).then(|| {
            let (outbox, canceled) = (Arc::clone(&engine.outbox), canceled(cancel.cloned()));
            let read = async move {
                let read = clock::unless(canceled, outbox.get_batch(to_read)).await;
                read.unwrap_or_else(|| (HashMap::new(), Err(Error::new(ErrorCode::Canceled, "the read was canceled"))))
            };
            let read = read.instrument(engine.request_span("reading messages"));
            engine.runtime.start_task(call, engine.operation_timeout(), read)
        });
        Self { engine, purpose, wanted, request }
    }

    /// Returns the messages to be sent, and sets the outcomes of all other messages. For a drain, also returns the
    /// messages that it leaves because a read failed, if there are any.
    pub(crate) fn finish(self, sender: &mut Sender<'a, '_>) -> (Vec<Candidate<'a>>, Option<Unread>) {
        let no_response = || {
            let text = format!(
                "no response within operation_timeout_ms ({} ms)",
                self.engine.config.operation_timeout.as_millis()
            );
            Err(Error::new(ErrorCode::Timeout, text))
        };
        let (mut found, read) = match self.request {
            None => (HashMap::new(), Ok(())),
            Some(request) => request.wait().unwrap_or_else(|| (HashMap::new(), no_response())),
        };
        let mut candidates = Vec::with_capacity(self.wanted.len());
        let (now, read_at) = (Ticks::now(), clock::now());
        let mut unread = Vec::new();
        for (index, id, source) in self.wanted {
            if !unread.is_empty() {
                unread.push(index);
                continue;
            }
            let claim = match source {
                Source::Memory(message, until, claim) => {
                    let (message, fate, fresh_until) = (*message, Fate::default(), Some(until));
                    candidates.push(Candidate { index, message, fate, claim, is_from_memory: true, fresh_until });
                    continue;
                }
                Source::ClaimedByAnother => {
                    match found.get(&id) {
                        Some(Ok(stored)) if stored.state == MessageState::Outstanding => sender.hold(&stored.message),
                        None if read.is_err() => sender.held.all_keys = true,
                        _ => {}
                    }
                    sender.outcomes.set(
                        index,
                        DispatchOutcome::InProgress,
                        "this process is already sending the message",
                    );
                    continue;
                }
                Source::Table(claim) => claim,
            };
            match (found.remove(&id), &read) {
                (Some(Ok(stored)), _) => match stored.state {
                    // A message whose wait has not ended is held back. The next arm passes on a message that this
                    // process sent and could not mark, even if it waits.
                    MessageState::Outstanding
                        if stored.fate.is_waiting(now) && self.engine.marker.unmarked(&id).is_none() =>
                    {
                        sender.hold(&stored.message);
                        let detail = waiting_text(&stored);
                        sender.outcomes.set(index, DispatchOutcome::HeldBack, detail);
                    }
                    MessageState::Outstanding => {
                        let fresh_until = (self.purpose == For::Clear).then_some(read_at + FRESH);
                        let StoredMessage { message, fate, .. } = stored;
                        candidates.push(Candidate { index, message, fate, claim, is_from_memory: false, fresh_until });
                    }
                    MessageState::Dispatched => sender.outcomes.set(index, DispatchOutcome::AlreadyDispatched, ""),
                    MessageState::Parked => {
                        sender.outcomes.set(index, DispatchOutcome::Parked, stored.last_error.unwrap_or_default());
                    }
                },
                (Some(Err(error)), _) => {
                    sender.outcomes.set(index, DispatchOutcome::Malformed, error.message());
                    malformed(self.engine, id, &error, sender);
                }
                (None, Err(_)) if self.purpose == For::Drain => unread.push(index),
                (None, Err(error)) if error.code() == ErrorCode::Canceled => {}
                (None, Err(error)) => {
                    sender.outcomes.set(index, DispatchOutcome::ReadFailed, error.message());
                    sender.held.all_keys = true;
                }
                (None, Ok(())) => {
                    sender.outcomes.set(index, DispatchOutcome::NotFound, "the outbox has no such message");
                }
            }
        }
        let error = read.err().filter(|_| !unread.is_empty());
        (candidates, error.map(|error| Unread { places: unread, error }))
    }
}

/// Ends soon after the token is canceled. A signal handler may cancel the token, and cannot wake a task.
async fn canceled(cancel: Option<CancelToken>) {
    let Some(cancel) = cancel else {
        return std::future::pending().await;
    };
    while !cancel.is_canceled() {
        clock::sleep(BETWEEN_LOOKS).await;
    }
}

/// Returns the detail for a message that waits: the end of the wait, and the last error.
fn waiting_text(stored: &StoredMessage) -> String {
    let until = stored.fate.next_attempt.map(Ticks::to_text).unwrap_or_default();
    match &stored.last_error {
        Some(error) => format!("the message failed and waits until {until} for its next attempt: {error}"),
        None => format!("another process may be sending the message until {until}"),
    }
}

/// Records a malformed item as a failed message, so that the item waits and is not tried in every sweep.
fn malformed(engine: &Engine, id: String, error: &Error, sender: &mut Sender<'_, '_>) {
    let wanted = id.clone();
    let read = engine.run("reading a malformed item", |outbox| async move { outbox.get_fate(wanted).await });
    if let Ok(Some((topic, fate))) = read {
        let error = error.message().to_owned();
        let failure = Failure { id, fate, is_keyed: false, blame: Blame::Item, error };
        sender.tallies.entry(topic).or_default().fail(failure);
    }
}
