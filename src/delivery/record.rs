//! Writes the outcomes of attempts to their messages.

use crate::engine::Engine;
use crate::engine::counters::Counters;
use crate::model::fate::Fate;
use crate::outbox::attempts::Attempt;
use crate::outbox::change::Changed;
use crate::outbox::partiql::MAX_STATEMENTS;

/// Writes attempts, up to 25 per request. Returns the results in the same order. The result is `None` if its request
/// received no response in time. If an attempt cannot be written, a warning is logged, and the message may be tried
/// again sooner because its wait is not stored.
pub(crate) fn record(engine: &Engine, attempts: &[(String, Fate, Attempt)]) -> Vec<Option<Changed>> {
    let mut done = Vec::with_capacity(attempts.len());
    if attempts.is_empty() {
        return done;
    }
    let mut written = attempts.chunks(MAX_STATEMENTS);
    let recorded = engine.run_each(
        "recording failed attempts",
        attempts.chunks(MAX_STATEMENTS).map(<[_]>::to_vec),
        |outbox, attempts| outbox.record(attempts),
        |results: Option<Vec<Changed>>| {
            let mut results = results.unwrap_or_default().into_iter();
            for (id, _, attempt) in written.next().unwrap_or_default() {
                let result = results.next();
                match (&result, attempt) {
                    (Some(Changed::Done), Attempt::Parked { error, .. }) => {
                        tracing::warn!(target: "postbox", { messaging.message.id = %id, error.message = %error }, "a message was parked");
                        Counters::add(&engine.counters.parked, 1);
                    }
                    (Some(Changed::Done | Changed::Refused(_)), _) => {}
                    (Some(Changed::Failed(error)), _) => {
                        tracing::warn!(target: "postbox", { messaging.message.id = %id, error.message = error.message() }, "a failed attempt could not be recorded");
                    }
                    (None, _) => {
                        tracing::warn!(target: "postbox", { messaging.message.id = %id }, "a failed attempt could not be recorded: no response within operation_timeout_ms");
                    }
                }
                done.push(result);
            }
        },
    );
    if let Err(error) = recorded {
        tracing::debug!(target: "postbox", { error.message = error.message() }, "failed attempts were not recorded");
    }
    done
}
