//! Confirms many messages that their producers had accepted. The messages share the requests that mark them, read them
//! and record their failures.

use crate::delivery::blame::Blame;
use crate::delivery::confirm::{self, mark_confirmed};
use crate::delivery::tally::{Failure, Tally};
use crate::engine::Engine;
use crate::model::error::{Error, ErrorCode, Reason, Result};
use crate::model::stored_message::{MessageState, StoredMessage};
use crate::outbox::mark::Marked;
use crate::outbox::read::MAX_BATCH_GET;
use crate::runtime::Call;
use crate::transport::SendOutcome;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use tracing::Instrument;

/// A message that was not sent, with its place in the call.
struct Unsent<'o> {
    place: usize,
    id: &'o str,
    blame: Blame,
    error: &'o str,
}

/// The messages of a call whose confirmations were not recorded.
#[derive(Default)]
struct Unrecorded {
    reasons: Vec<Reason>,
    /// Whether confirming one of these messages again may succeed.
    is_retryable: bool,
}

impl Unrecorded {
    fn add(&mut self, (place, id): (usize, &str), code: &str, why: &str) {
        self.is_retryable |= matches!(code, "MarkFailed" | "ReadFailed");
        self.reasons.push(Reason::new(place, id, code, why));
    }

    fn into_result(mut self, count: usize) -> Result<()> {
        if self.reasons.is_empty() {
            return Ok(());
        }
        self.reasons.sort_by_key(|reason| reason.index);
        let text = format!(
            "the confirmations of {} of {count} messages were not recorded; there is a reason for each",
            self.reasons.len()
        );
        let error = Error::new(ErrorCode::MarkIncomplete, text).with_reasons(self.reasons);
        Err(if self.is_retryable { error.retryable() } else { error })
    }
}

/// Marks the messages that were sent, and records the failures of the others.
pub(crate) fn confirm_many<'o>(
    engine: &Engine,
    outcomes: impl Iterator<Item = (&'o str, &'o SendOutcome)>,
) -> Result<()> {
    let (mut sent, mut unsent, mut not_tried) = (BTreeMap::new(), Vec::new(), Vec::new());
    let mut ids = HashSet::new();
    for (place, (id, outcome)) in outcomes.enumerate() {
        let (blame, error) = match outcome {
            SendOutcome::Sent => {
                if ids.insert((id, true)) {
                    sent.insert(place, id);
                }
                continue;
            }
            SendOutcome::Retry(text) => (Blame::Unknown, text),
            SendOutcome::Unavailable(text) => (Blame::Transport, text),
            SendOutcome::Reject(text) => (Blame::Message, text),
            SendOutcome::NotTried => {
                not_tried.push(id);
                continue;
            }
            SendOutcome::Accepted => return Err(not_a_confirmation(id)),
        };
        if ids.insert((id, false)) {
            unsent.push(Unsent { place, id, blame, error });
        }
    }
    unsent.retain(|unsent| !ids.contains(&(unsent.id, true)));
    let call = &engine.runtime.enter()?;
    for id in not_tried {
        confirm::not_tried(engine, id)?;
    }
    let mut unrecorded = Unrecorded::default();
    let (sent_count, count) = (sent.len() as u64, sent.len() + unsent.len());
    for (place, id, marked) in mark_confirmed(engine, call, sent)? {
        match marked {
            Marked::Failed(error) => unrecorded.add((place, id), "MarkFailed", error.message()),
            Marked::Missing => unrecorded.add((place, id), "NotFound", "the outbox has no such message"),
            Marked::Dispatched | Marked::AlreadyDispatched | Marked::Replayed => {}
        }
    }
    record(engine, call, &unsent, sent_count, &mut unrecorded);
    unrecorded.into_result(count)
}

/// Returns the error for an outcome that is not a confirmation.
pub(crate) fn not_a_confirmation(id: &str) -> Error {
    Error::new(
        ErrorCode::InvalidArgument,
        format!(
            "message {id} cannot be confirmed as accepted: confirm it as sent, retry, unavailable, reject or not tried"
        ),
    )
}

/// Records failed attempts in the same way as a sweep does. After a failed attempt, the message waits or is parked, and
/// the attempt can count towards the maximum number of attempts.
fn record(engine: &Engine, call: &Call, unsent: &[Unsent<'_>], sent: u64, unrecorded: &mut Unrecorded) {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for part in unsent.chunks(MAX_BATCH_GET) {
        let (mut found, read) = read(engine, call, part);
        for &Unsent { place, id, blame, error } in part {
            tracing::warn!(target: "postbox", { messaging.message.id = id, error.message = error }, "an accepted message was not sent");
            // The message may be sent again, even if its attempt cannot be recorded.
            let acceptance = engine.in_flight.settle(id);
            let StoredMessage { message, fate, .. } = match (found.remove(id), &read) {
                (Some(Ok(stored)), _) if stored.state == MessageState::Outstanding => stored,
                (Some(Err(error)), _) => {
                    unrecorded.add((place, id), "Malformed", error.message());
                    continue;
                }
                (None, Err(error)) => {
                    unrecorded.add((place, id), "ReadFailed", error.message());
                    continue;
                }
                _ => continue,
            };
            if blame != Blame::Message {
                engine.confirmed_as_failed(acceptance, message.topic(), &fate);
            }
            engine.unsent_keys.note(&message);
            let tally = tallies.entry(message.topic().to_owned()).or_default();
            // The sent messages are not read, so their topics are not known. They therefore count as sent for each
            // topic of the call.
            tally.sent = sent;
            let is_keyed = message.is_keyed();
            tally.fail(Failure { id: id.to_owned(), fate, is_keyed, blame, error: error.to_owned() });
        }
    }
    for (topic, tally) in &mut tallies {
        tally.settle_confirmed(engine, topic);
    }
}

fn read(engine: &Engine, call: &Call, unsent: &[Unsent<'_>]) -> (HashMap<String, Result<StoredMessage>>, Result<()>) {
    let outbox = Arc::clone(&engine.outbox);
    let ids = unsent.iter().map(|unsent| unsent.id.to_owned()).collect();
    let read = async move { outbox.get_batch(ids).await }.instrument(engine.request_span("reading messages"));
    engine.runtime.start_task(call, engine.operation_timeout(), read).wait().unwrap_or_else(|| {
        let text = "no response within operation_timeout_ms";
        (HashMap::new(), Err(Error::new(ErrorCode::Timeout, text)))
    })
}
