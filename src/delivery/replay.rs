//! Replay, which makes messages outstanding again.

use crate::engine::Engine;
use crate::model::error::Result;
use crate::model::report::{DispatchOutcome, DispatchReport, distinct};

/// Makes the messages with these ids outstanding again.
pub(crate) fn replay(engine: &Engine, ids: &[String]) -> Result<DispatchReport> {
    let ids = distinct(ids);
    let mut report = DispatchReport::of(&ids);
    let mut index = 0;
    engine.run_each(
        "replay",
        ids,
        |outbox, id| async move { outbox.replay(id).await },
        |replayed: Option<Result<bool>>| {
            match replayed {
                Some(Ok(true)) => report.set(index, DispatchOutcome::Replayed, ""),
                Some(Ok(false)) => report.set(index, DispatchOutcome::NotFound, "the outbox has no such message"),
                Some(Err(error)) => report.set(index, DispatchOutcome::MarkFailed, error.message()),
                None => report.set(index, DispatchOutcome::MarkFailed, "no response within operation_timeout_ms"),
            }
            index += 1;
        },
    )?;
    Ok(report)
}
