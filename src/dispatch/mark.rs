//! Marks messages dispatched that somebody else sent.

use crate::dispatch::report::{DispatchOutcome, DispatchReport, IMPOSSIBLE_ID};
use crate::engine::Engine;
use crate::error::Result;
use crate::message::is_possible_id;
use crate::outbox::mark::Marked;
use crate::outbox::partiql::MAX_STATEMENTS;
use crate::ticks::Ticks;
use std::collections::HashSet;
use std::sync::Arc;

/// Marks the messages of these ids, 25 a request, all requests at once.
pub(crate) fn mark(engine: &Engine, ids: &[String]) -> Result<DispatchReport> {
    let call = engine.runtime.enter()?;
    let mut seen = HashSet::new();
    let ids: Vec<String> = ids.iter().filter(|id| seen.insert(id.as_str())).cloned().collect();
    let mut report = DispatchReport::of(&ids);
    let now = Ticks::now();
    let known = ids.iter().enumerate().filter(|(index, id)| {
        let possible = is_possible_id(id);
        if !possible {
            report.set(*index, DispatchOutcome::NotFound, IMPOSSIBLE_ID);
        }
        // What is marked is not to be sent from memory.
        drop(engine.recent.take(id));
        possible
    });
    let known: Vec<(usize, &String)> = known.collect();
    let running: Vec<_> = known
        .chunks(MAX_STATEMENTS)
        .map(|chunk| {
            let outbox = Arc::clone(&engine.outbox);
            let marking = outbox.mark_dispatched(chunk.iter().map(|(_, id)| (*id).clone()).collect(), now);
            (chunk, engine.runtime.start_task(&call, engine.operation_timeout(), marking))
        })
        .collect();
    for (chunk, result) in running {
        let marked = result.recv().unwrap_or_default();
        for (position, (index, _)) in chunk.iter().enumerate() {
            let (outcome, detail) = match marked.get(position) {
                Some(Marked::Dispatched) => (DispatchOutcome::Dispatched, ""),
                Some(Marked::AlreadyDispatched) => (DispatchOutcome::AlreadyDispatched, ""),
                Some(Marked::Missing) => (DispatchOutcome::NotFound, "the outbox has no such message"),
                Some(Marked::Failed(error)) => (DispatchOutcome::NotMarked, error.message()),
                None => (DispatchOutcome::NotMarked, "no answer within operation_timeout_ms"),
            };
            report.set(*index, outcome, detail);
        }
    }
    Ok(report)
}
