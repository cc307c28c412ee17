//! One sweep: finds outstanding messages that are older than the minimum age, and delivers them.

use crate::delivery::backlog::find;
use crate::delivery::lease::{Lease, Obtained};
use crate::delivery::sharded_sweep::sweep_shards;
use crate::delivery::topic_rounds::Topics;
use crate::engine::Engine;
use crate::model::cancel::CancelToken;
use crate::model::error::Result;
use crate::model::report::{LeaseStatus, OnBatch, SweepReport};
use crate::model::settings::LeaseMode;
use crate::sys::sync::Mutex;

/// Sweeps all topics, or one, until nothing old enough is left that can be sent, or until `stop`.
/// Hands what became of each batch to `on_batch`.
pub(crate) fn sweep(
    engine: &Engine,
    topic: Option<&str>,
    cancel: &CancelToken,
    on_batch: &mut OnBatch<'_>,
) -> Result<SweepReport> {
    let report = match engine.config.lease_mode {
        LeaseMode::PerShard => sweep_shards(engine, topic, cancel, on_batch)?,
        LeaseMode::Single => sweep_all(engine, topic, cancel, on_batch)?,
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
fn sweep_all(
    engine: &Engine,
    topic: Option<&str>,
    cancel: &CancelToken,
    on_batch: &mut OnBatch<'_>,
) -> Result<SweepReport> {
    let call = &engine.runtime.enter()?;
    let (lease, mut report) = match Lease::obtain(engine, &engine.resource("OutboxSweeper"))? {
        Obtained::HeldElsewhere => return Ok(SweepReport::new(LeaseStatus::HeldElsewhere)),
        Obtained::Held(lease) => (Some(lease), SweepReport::new(LeaseStatus::Held)),
        Obtained::Unavailable(why) => {
            tracing::warn!(target: "postbox", reason = %why, "sweeping without a lease: other sweepers may send the same messages");
            (None, SweepReport::new(LeaseStatus::Unavailable(why)))
        }
    };
    let lease = Mutex::new(lease);
    let is_held = || lease.lock().as_mut().is_none_or(Lease::is_held);
    let mut topics = Topics::new(engine, call);
    // After what was tried already: however many cannot be sent, they are not in the way of the rest.
    let mut after = None;
    loop {
        let oldest = find(engine, topic, after)?;
        after = oldest.next();
        let go_on = || !cancel.is_canceled() && is_held();
        let is_complete = topics.deliver(oldest.into_sorted(), None, (&mut report, on_batch), &go_on);
        if cancel.is_canceled() {
            return Ok(report);
        }
        if !is_held() {
            report.lease = LeaseStatus::Lost;
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
