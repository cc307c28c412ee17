//! Marks messages dispatched that the caller has sent without Postbox.

use crate::engine::Engine;
use crate::model::error::Result;
use crate::model::report::{DispatchOutcome, DispatchReport, distinct};
use crate::model::ticks::Ticks;
use crate::outbox::item::is_possible_id;
use crate::outbox::mark::{Mark, Marked};
use crate::outbox::partiql::MAX_STATEMENTS;

/// Marks the messages with these ids with the current time; see [`mark_dispatched_at`].
pub(crate) fn mark_dispatched(engine: &Engine, ids: &[String]) -> Result<DispatchReport> {
    mark_dispatched_at(engine, ids, Ticks::now())
}

/// Marks the messages with these ids, up to 25 per request. If a producer had accepted a message, this process no longer
/// waits for the confirmation of that message.
pub(crate) fn mark_dispatched_at(engine: &Engine, ids: &[String], time: Ticks) -> Result<DispatchReport> {
    engine.runtime.check_open()?;
    let ids = distinct(ids);
    let mut report = DispatchReport::of(&ids);
    let mut known = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        if !is_possible_id(id) {
            report.set(index, DispatchOutcome::NotFound, "the outbox has no such message");
            continue;
        }
        // A marked message must not be sent from memory.
        drop(engine.recent.take(id));
        known.push((index, id.clone()));
    }
    let mut chunks = known.chunks(MAX_STATEMENTS);
    engine.run_each(
        "mark_dispatched",
        known.chunks(MAX_STATEMENTS).map(|chunk| chunk.iter().map(|(_, id)| Mark::by_name(id, time)).collect()),
        |outbox, marks| outbox.mark_dispatched(marks),
        |results: Option<Vec<Marked>>| {
            let results = results.unwrap_or_default();
            for (position, (index, _)) in chunks.next().unwrap_or_default().iter().enumerate() {
                let (outcome, detail) = outcome_of(results.get(position));
                report.set(*index, outcome, detail);
            }
        },
    )?;
    for entry in report.entries().iter().filter(|entry| entry.outcome != DispatchOutcome::MarkFailed) {
        engine.in_flight.settle(&entry.id);
    }
    Ok(report)
}

fn outcome_of(marked: Option<&Marked>) -> (DispatchOutcome, &str) {
    match marked {
        Some(Marked::Dispatched) => (DispatchOutcome::Dispatched, ""),
        Some(Marked::AlreadyDispatched | Marked::Replayed) => (DispatchOutcome::AlreadyDispatched, ""),
        Some(Marked::Missing) => (DispatchOutcome::NotFound, "the outbox has no such message"),
        Some(Marked::Failed(error)) => (DispatchOutcome::MarkFailed, error.message()),
        None => (DispatchOutcome::MarkFailed, "no response within operation_timeout_ms"),
    }
}
