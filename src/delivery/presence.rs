//! Shows operators which processes sweep. Each process that sweeps writes an item in the lock table every few minutes.

use crate::delivery::lease::lock_table;
use crate::engine::Engine;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::report::{LeaseStatus, SweepReport};
use crate::model::stats::SweeperInfo;
use crate::outbox::presence::Presence;
use crate::sys::clock;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The maximum time between two writes of a process that sweeps.
const SHOWN_EVERY: Duration = Duration::from_secs(300);
/// The minimum time between two writes after sweeps that sent messages.
const WORK_SHOWN_EVERY: Duration = Duration::from_secs(60);
/// The time after which a process that did not sweep is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);
/// The time after its first deposit at which a process checks once whether any process sweeps, as a number of sweep
/// intervals.
const LOOKS_AFTER_INTERVALS: u32 = 12;
/// The maximum number of topics that are shown.
const MOST_TOPICS: usize = 100;

/// Writes to the lock table that this process has swept, unless this was written a short while ago.
pub(crate) fn show(engine: &Engine, swept: std::result::Result<&SweepReport, &Error>) {
    let problem = match swept {
        Ok(SweepReport { lease: LeaseStatus::Unavailable(why), .. }) => Some(why.clone()),
        Ok(_) => engine.marker.failure().map(|failure| failure.message().to_owned()),
        Err(error) if matches!(error.code(), ErrorCode::Closed | ErrorCode::Forked) => return,
        Err(error) => Some(error.message().to_owned()),
    };
    let has_worked = swept.is_ok_and(|report| report.dispatched > 0);
    let wait = if has_worked { WORK_SHOWN_EVERY } else { SHOWN_EVERY };
    if !engine.sweeping.shows_presence(wait, problem.is_none()) {
        return;
    }
    let now = clock::system_time();
    let mut topics = engine.router.patterns();
    topics.truncate(MOST_TOPICS);
    let sweeper = SweeperInfo {
        holder: engine.holder.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        topics,
        last_sweep: now,
        last_success: problem.is_none().then_some(now),
        last_error: problem,
        stopped_at: None,
    };
    let (table, presence) = (engine.config.lock_table_name.clone(), Presence { resource: resource(engine), sweeper });
    let shown = engine
        .run("showing that this process sweeps", |outbox| async move { outbox.write_presence(table, presence).await });
    if let Err(error) = shown {
        tracing::debug!(target: "postbox", { error.message = error.message() }, "the lock table does not show that this process sweeps");
    }
}

/// Shows a sweep that still runs, so that a sweep that lasts long is not taken for a process that has stopped. Only the
/// end of a sweep shows that sweeps succeed again.
pub(crate) fn show_progress(engine: &Engine, report: &SweepReport) {
    if !engine.sweeping.is_shown_as_failing() {
        show(engine, Ok(report));
    }
}

/// Writes to the item of this process that its sweeper was stopped, if the item exists.
pub(crate) fn show_end(engine: &Engine, deadline: Instant) {
    if !engine.sweeping.ends_presence() {
        return;
    }
    let (table, outbox, resource) =
        (engine.config.lock_table_name.clone(), Arc::clone(&engine.outbox), resource(engine));
    let time = deadline.saturating_duration_since(clock::now());
    let write = async move { outbox.end_presence(table, resource, clock::system_time()).await };
    // If the write fails, the close succeeds nevertheless. The item then shows only the time of the last sweep.
    let _ = engine.runtime.run_inside("showing that this process sweeps no more", time, write);
}

/// Warns once if this process deposits messages, and no process has shown a sweep within a day. Does not wait.
pub(crate) fn warn_if_nobody_sweeps(engine: &Engine) {
    if !engine.sweeping.looks_who_sweeps(engine.config.sweep_interval.saturating_mul(LOOKS_AFTER_INTERVALS)) {
        return;
    }
    let Ok(call) = engine.runtime.enter() else { return };
    let (outbox, table, prefix) =
        (Arc::clone(&engine.outbox), engine.config.lock_table_name.clone(), engine.resource("Sweeper_"));
    engine.runtime.spawn(&call, async move {
        // A process that only deposits needs no permission for the lock table.
        let Ok(items) = outbox.lock_table(table, prefix).await else { return };
        let latest = clock::system_time() - FORGOTTEN_AFTER;
        if !items.iter().filter_map(Presence::read).any(|presence| presence.sweeper.last_sweep >= latest) {
            tracing::warn!(
                target: "postbox", { db.collection.name = outbox.table() },
                "no process of Postbox has swept this outbox within a day: messages that are not cleared are sent only if Brighter sweeps it. Start a sweeper, or run `postbox sweep` at intervals"
            );
        }
    });
}

/// Returns the resource of this program's item.
fn resource(engine: &Engine) -> String {
    engine.resource(&format!("Sweeper_{}", engine.program))
}

/// Returns the processes that have swept this outbox within a day, and deletes older items.
pub(crate) fn sweepers(engine: &Engine) -> Result<Vec<SweeperInfo>> {
    let items = lock_table(engine, &engine.resource("Sweeper_"))?;
    let latest = clock::system_time() - FORGOTTEN_AFTER;
    let (present, old): (Vec<Presence>, Vec<Presence>) =
        items.iter().filter_map(Presence::read).partition(|presence| {
            let SweeperInfo { last_sweep, stopped_at, .. } = presence.sweeper;
            Some(last_sweep).max(stopped_at) >= Some(latest)
        });
    for presence in old {
        let table = engine.config.lock_table_name.clone();
        let deleted =
            engine.run("forgetting a sweeper", |outbox| async move { outbox.delete_presence(table, presence).await });
        if let Err(error) = deleted {
            tracing::debug!(target: "postbox", { error.message = error.message() }, "an old item of the lock table was not deleted");
        }
    }
    let mut sweepers: Vec<SweeperInfo> = present.into_iter().map(|presence| presence.sweeper).collect();
    sweepers.sort_by_key(|sweeper| Reverse(sweeper.last_sweep));
    Ok(sweepers)
}
