//! Sends the messages of committed units of work immediately, without a call to clear.

use crate::delivery::clear::clear;
use crate::engine::Engine;
use crate::model::cancel::CancelToken;
use crate::model::error::Result;
use crate::outbox::read::MAX_BATCH_GET;

/// Clears the messages whose ids [`Committed`](crate::engine::committed::Committed) returns, until the token is
/// canceled. A message that fails is left to the sweeps.
pub(crate) fn send_committed(engine: &Engine, cancel: &CancelToken) -> Result<()> {
    while let Some(ids) = engine.committed.next(MAX_BATCH_GET, cancel) {
        let report = clear(engine, &ids, cancel)?;
        for entry in report.entries().iter().filter(|entry| !entry.outcome.is_success()) {
            tracing::debug!(
                target: "postbox", { messaging.message.id = %entry.id, outcome = ?entry.outcome, error.message = %entry.detail },
                "a committed message was not sent at once: the sweeps send it"
            );
        }
    }
    Ok(())
}
