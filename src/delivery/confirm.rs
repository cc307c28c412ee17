//! Confirmations of messages that their producers had accepted.

use crate::delivery::blame::Blame;
use crate::delivery::tally::{Failure, Tally};
use crate::engine::Engine;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::stored_message::MessageState;
use crate::model::ticks::Ticks;
use crate::outbox::item::is_possible_id;
use crate::outbox::mark::{Mark, Marked};
use crate::runtime::Call;
use std::collections::BTreeMap;
use tokio::sync::mpsc::unbounded_channel;
#[cfg(feature = "capi")]
use {crate::runtime::Cancel, std::sync::Arc};

/// Marks a message dispatched whose confirmation reports that it was sent.
pub(crate) fn sent(engine: &Engine, id: &str) -> Result<()> {
    let call = &engine.runtime.enter()?;
    mark_confirmed(engine, call, BTreeMap::from([(0, id)]))?
        .into_iter()
        .try_for_each(|(_, _, marked)| result(id, marked))
}

/// Starts a confirmation as [`sent`] makes it. `done` is called once with the result, on the thread for completions. If an
/// error is returned, `done` is not called.
#[cfg(feature = "capi")]
pub(crate) fn start_sent(
    engine: &Arc<Engine>,
    id: String,
    done: impl FnOnce(Result<()>) + Send + 'static,
) -> Result<Cancel> {
    let call = engine.runtime.enter()?;
    drop(engine.recent.take(&id));
    let (answers, mut answered) = unbounded_channel();
    if is_possible_id(&id) {
        engine.marker.mark(&engine.runtime, &call, [(0, Mark::by_name(&id, Ticks::now()))], &answers);
    } else {
        let _ = answers.send((0, Marked::Missing));
    }
    drop(answers);
    let (of_result, wanted) = (Arc::clone(engine), id.clone());
    let marked = async move {
        let marked = answered.recv().await.map_or_else(|| Marked::Failed(no_response()), |(_, marked)| marked);
        note(&of_result, &wanted, &marked);
        result(&wanted, marked)
    };
    engine.runtime.start_operation("confirm", engine.mark_timeout(), marked, move |marked| {
        let is_late = |error: &Error| error.code() == ErrorCode::Timeout;
        done(marked.map_err(|error| if is_late(&error) { not_marked(&id, &error) } else { error }));
    })
}

/// Returns the result of the confirmation of one message.
fn result(id: &str, marked: Marked) -> Result<()> {
    match marked {
        Marked::Failed(error) => Err(not_marked(id, &error)),
        Marked::Missing => {
            Err(Error::new(ErrorCode::InvalidArgument, format!("the outbox has no message {id} to confirm")))
        }
        Marked::Dispatched | Marked::AlreadyDispatched | Marked::Replayed => Ok(()),
    }
}

fn not_marked(id: &str, error: &Error) -> Error {
    let text = format!("message {id} was sent and could not be marked: {}", error.message());
    Error::new(ErrorCode::MarkIncomplete, text).retryable()
}

fn no_response() -> Error {
    Error::new(ErrorCode::Timeout, "no response within operation_timeout_ms").retryable()
}

/// Notes the result of the mark of a message that was confirmed as sent.
fn note(engine: &Engine, id: &str, marked: &Marked) {
    match marked {
        Marked::Failed(_) => {}
        Marked::Missing => drop(engine.in_flight.settle(id)),
        Marked::Dispatched | Marked::AlreadyDispatched | Marked::Replayed => engine.confirmed_as_sent(id),
    }
}

/// Marks messages that were confirmed as sent, and ends their acceptances. The ids are passed with their places in the
/// call. Returns the result for each message. The marks of concurrent calls share requests. If a mark fails, the
/// message stays claimed, so that it is not sent again before the caller confirms it again.
pub(crate) fn mark_confirmed<'o>(
    engine: &Engine,
    call: &Call,
    sent: BTreeMap<usize, &'o str>,
) -> Result<Vec<(usize, &'o str, Marked)>> {
    let now = Ticks::now();
    let (mut open, impossible): (BTreeMap<_, _>, BTreeMap<_, _>) =
        sent.into_iter().partition(|(_, id)| is_possible_id(id));
    let mut results: Vec<_> = impossible.into_iter().map(|(place, id)| (place, id, Marked::Missing)).collect();
    // A marked message must not be sent from memory.
    open.values().for_each(|id| drop(engine.recent.take(id)));
    let (answers, mut answered) = unbounded_channel();
    let marks: Vec<_> = open.iter().map(|(place, id)| (*place, Mark::by_name(id, now))).collect();
    engine.marker.mark(&engine.runtime, call, marks, &answers);
    drop(answers);
    let patience = engine.mark_timeout();
    while !open.is_empty() {
        let answer = match engine.runtime.run_inside("marking", patience, answered.recv()) {
            Ok(answer) => answer,
            Err(error) if error.code() == ErrorCode::Timeout => None,
            Err(error) => return Err(error),
        };
        let Some((place, marked)) = answer else {
            results.extend(open.into_iter().map(|(place, id)| (place, id, Marked::Failed(no_response()))));
            break;
        };
        let Some(id) = open.remove(&place) else { continue };
        note(engine, id, &marked);
        results.push((place, id, marked));
    }
    Ok(results)
}

/// Gives back an accepted message that its producer has not tried to send. This counts as no attempt. If the acceptance is
/// stored already, the message waits until the acceptance ends.
pub(crate) fn not_tried(engine: &Engine, id: &str) -> Result<()> {
    engine.runtime.check_open()?;
    drop(engine.in_flight.settle(id));
    Ok(())
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
    engine.unsent_keys.note(&stored.message);
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
