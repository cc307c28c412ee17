//! Shows operators which processes sweep: each writes an item in the lock table, rarely enough to cost nothing.

use crate::engine::Engine;
use crate::model::error::{ErrorCode, Result};
use crate::model::report::{LeaseStatus, SweepReport};
use crate::model::stats::SweeperInfo;
use crate::outbox::lock_table::{time_of, unix_milliseconds};
use crate::outbox::presence::Presence;
use crate::sys::clock;
use std::time::{Duration, Instant};

/// The maximum time between two writes of a process that sweeps.
const SHOWN_EVERY: Duration = Duration::from_secs(300);
/// The minimum time between two writes after sweeps that sent messages.
const WORK_SHOWN_EVERY: Duration = Duration::from_secs(60);
/// The time after which a process that did not sweep is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);
/// The maximum number of topics that are shown.
const MOST_TOPICS: usize = 100;

/// Shows that this process has swept, unless it did so a short while ago.
pub(crate) fn show(engine: &Engine, swept: &Result<SweepReport>) {
    let problem = match swept {
        Ok(SweepReport { lease: LeaseStatus::Unavailable(why), .. }) => Some(why.clone()),
        Ok(_) => None,
        Err(error) if matches!(error.code(), ErrorCode::Closed | ErrorCode::Forked) => return,
        Err(error) => Some(error.message().to_owned()),
    };
    let has_worked = swept.as_ref().is_ok_and(|report| report.dispatched > 0);
    let wait = if has_worked { WORK_SHOWN_EVERY } else { SHOWN_EVERY };
    if !engine.sweeping.shows_presence(wait, problem.is_none()) {
        return;
    }
    let now = unix_milliseconds();
    let success = problem.is_none().then_some(now);
    let (table, presence) = (engine.config.lock_table_name.clone(), presence(engine, (now, success), problem));
    let shown = engine
        .run("showing that this process sweeps", |outbox| async move { outbox.write_presence(table, presence).await });
    if let Err(error) = shown {
        tracing::debug!(target: "postbox", { error.message = error.message() }, "the lock table does not show that this process sweeps");
    }
}

/// Shows that the sweeper of this process was stopped, if the lock table shows that it sweeps.
pub(crate) fn show_end(engine: &Engine, deadline: Instant) {
    if !engine.sweeping.ends_presence() {
        return;
    }
    let now = unix_milliseconds();
    let presence = Presence { closed: Some(now), ..presence(engine, (now, None), None) };
    let (table, outbox) = (engine.config.lock_table_name.clone(), engine.outbox.clone());
    let time = deadline.saturating_duration_since(clock::now());
    let write = async move { outbox.write_presence(table, presence).await };
    // The lease shows it too, and a close waits for nothing that is not necessary.
    let _ = engine.runtime.run_inside("showing that this process sweeps no more", time, write);
}

fn presence(engine: &Engine, (last_sweep, last_success): (u64, Option<u64>), last_error: Option<String>) -> Presence {
    let mut topics = engine.router.patterns();
    topics.truncate(MOST_TOPICS);
    Presence {
        resource: engine.resource(&format!("Sweeper_{}", engine.program)),
        holder: engine.holder.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        topics,
        last_sweep,
        last_success,
        last_error,
        closed: None,
    }
}

/// Returns the processes that have swept this outbox within a day, and deletes older items.
pub(crate) fn sweepers(engine: &Engine) -> Result<Vec<SweeperInfo>> {
    let (table, prefix) = (engine.config.lock_table_name.clone(), engine.resource("Sweeper_"));
    let read = engine.run("finding the sweepers", |outbox| async move { outbox.lock_table(table, prefix).await });
    let items = match read {
        Err(error) if error.code() == ErrorCode::TableNotFound => Vec::new(),
        items => items?,
    };
    let latest = clock::system_time() - FORGOTTEN_AFTER;
    let (present, old): (Vec<Presence>, Vec<Presence>) =
        items.iter().filter_map(Presence::read).partition(|presence| presence.seen() >= latest);
    for presence in old {
        let table = engine.config.lock_table_name.clone();
        let deleted =
            engine.run("forgetting a sweeper", |outbox| async move { outbox.delete_presence(table, presence).await });
        if let Err(error) = deleted {
            tracing::debug!(target: "postbox", { error.message = error.message() }, "an old item of the lock table was not deleted");
        }
    }
    let mut sweepers: Vec<SweeperInfo> = present
        .into_iter()
        .map(|presence| SweeperInfo {
            holder: presence.holder,
            version: presence.version,
            topics: presence.topics,
            last_sweep: time_of(presence.last_sweep),
            last_success: presence.last_success.map(time_of),
            last_error: presence.last_error,
            stopped_at: presence.closed.map(time_of),
        })
        .collect();
    sweepers.sort_by_key(|sweeper| std::cmp::Reverse(sweeper.last_sweep));
    Ok(sweepers)
}
