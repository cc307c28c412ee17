//! One sweep: finds outstanding messages that are older than the minimum age, and delivers them.

use crate::delivery::backlog::find;
use crate::delivery::lease::{Lease, Obtained};
use crate::delivery::sharded_sweep::sweep_shards;
use crate::delivery::topic_rounds::Topics;
use crate::engine::Engine;
use crate::model::error::Result;
use crate::model::report::{Each, SweepLease, SweepReport};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Sweeps all topics, or one, until nothing old enough is left that can be sent, or until `stop`.
/// Hands what became of each batch to `each`.
pub(crate) fn sweep(
    engine: &Engine,
    topic: Option<&str>,
    stop: &AtomicBool,
    each: &mut Each<'_>,
) -> Result<SweepReport> {
    let report = match engine.config.sweep_leases.as_str() {
        "shards" => sweep_shards(engine, topic, stop, each)?,
        _ => sweep_all(engine, topic, stop, each)?,
    };
    engine.counters.swept(&report);
    if report.found > 0 {
        tracing::info!(
            target: "postbox", found = report.found, dispatched = report.dispatched, failed = report.failed,
            held_back = report.held_back, lease = report.lease.name(), "swept"
        );
    }
    Ok(report)
}

/// With one lease for all sweepers.
fn sweep_all(engine: &Engine, topic: Option<&str>, stop: &AtomicBool, each: &mut Each<'_>) -> Result<SweepReport> {
    let call = &engine.runtime.enter()?;
    let (lease, mut report) = match Lease::obtain(engine, &engine.resource("OutboxSweeper"))? {
        Obtained::HeldByAnother => return Ok(SweepReport::new(SweepLease::HeldByAnother)),
        Obtained::Held(lease) => (Some(lease), SweepReport::new(SweepLease::Held)),
        Obtained::Alone(why) => {
            tracing::warn!(target: "postbox", reason = %why, "sweeping without a lease: other sweepers may send the same messages");
            (None, SweepReport::new(SweepLease::Alone(why)))
        }
    };
    let lease = Mutex::new(lease);
    let is_held = || lease.lock().unwrap_or_else(PoisonError::into_inner).as_mut().is_none_or(Lease::is_held);
    let mut topics = Topics::new(engine, call);
    // After what was tried already: however many cannot be sent, they are not in the way of the rest.
    let mut after = None;
    loop {
        let oldest = find(engine, topic, after)?;
        after = oldest.next();
        let go_on = || !stop.load(Ordering::Relaxed) && is_held();
        let is_complete = topics.deliver(oldest.into_sorted(), None, (&mut report, each), &go_on);
        if stop.load(Ordering::Relaxed) {
            return Ok(report);
        }
        if !is_held() {
            report.lease = SweepLease::Lost;
            return Ok(report);
        }
        if !is_complete {
            // From the oldest again, with all that was held back: so it comes before what is younger.
            (after, topics) = (None, Topics::new(engine, call));
        } else if after.is_none() {
            return Ok(report);
        }
    }
}
