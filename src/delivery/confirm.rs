//! Confirmations of messages that their producers had accepted.

use crate::delivery::blame::Blame;
use crate::delivery::mark_dispatched::mark;
use crate::delivery::tally::{Failure, Tally};
use crate::engine::Engine;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::report::DispatchOutcome;
use crate::model::stored_message::MessageState;

/// Marks a message dispatched whose confirmation reports that it was sent.
pub(crate) fn sent(engine: &Engine, id: &str) -> Result<()> {
    let report = mark(engine, &[id.to_owned()])?;
    // A message that could not be marked stays claimed, so that it is not sent again before the caller confirms it
    // again.
    if report.outcome(id) != Some(DispatchOutcome::MarkFailed) {
        engine.confirmed_as_sent(id);
    }
    let detail = report.entries().first().map_or("", |entry| entry.detail.as_str());
    match report.outcome(id) {
        Some(outcome) if outcome.is_success() => Ok(()),
        Some(DispatchOutcome::NotFound) => {
            Err(Error::new(ErrorCode::InvalidArgument, format!("the outbox has no message {id} to confirm")))
        }
        _ => Err(Error::new(
            ErrorCode::MarkIncomplete,
            format!("message {id} was sent and could not be marked: {detail}"),
        )
        .retryable()),
    }
}

/// Records that an accepted message was not sent. This counts like every other failed attempt: the message waits, and
/// is parked after too many failures.
pub(crate) fn failed(engine: &Engine, id: &str, blame: Blame, error: String) -> Result<()> {
    engine.runtime.check_open()?;
    tracing::warn!(target: "postbox", { messaging.message.id = id, error.message = %error }, "an accepted message was not sent");
    let wanted = id.to_owned();
    let stored = engine.run("reading the message", |outbox| async move { outbox.get(wanted).await });
    // The acceptance ends here even if the read above failed, so that the message may be sent again.
    let acceptance = engine.in_flight.settle(id);
    let Some(stored) = stored?.filter(|stored| stored.state == MessageState::Outstanding) else {
        return Ok(());
    };
    let (topic, fate) = (stored.message.topic(), stored.fate);
    if blame != Blame::Message {
        engine.confirmed_as_failed(acceptance, topic, &fate);
    }
    let is_keyed = stored.message.is_keyed();
    let mut tally = Tally::default();
    tally.fail(Failure { id: id.to_owned(), fate, is_keyed, blame, error });
    tally.settle_confirmed(engine, topic);
    Ok(())
}
