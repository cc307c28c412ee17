//! What a Postbox has done since it was opened, in numbers.

use crate::clock;
use crate::dispatch::breaker::BreakerState;
use crate::dispatch::report::{DispatchOutcome, DispatchReport};
use crate::dispatch::sweep::SweepReport;
use crate::engine::Engine;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Counts, from any thread.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) deposited: AtomicU64,
    pub(crate) dispatched: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) parked: AtomicU64,
    pub(crate) duplicates_avoided: AtomicU64,
    pub(crate) sweeps: AtomicU64,
    pub(crate) background_failures: AtomicU64,
    latest: Mutex<Latest>,
}

#[derive(Clone, Debug, Default)]
struct Latest {
    outstanding: Option<Outstanding>,
    last_sweep: Option<(SystemTime, SweepReport)>,
    last_error: Option<String>,
}

/// What was outstanding when it was last counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outstanding {
    /// How many messages.
    pub count: u64,
    /// When the oldest of them was made.
    pub oldest: Option<SystemTime>,
    /// When they were counted.
    pub counted_at: SystemTime,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn delivered(&self, report: &DispatchReport) {
        for entry in report.entries() {
            match entry.outcome {
                DispatchOutcome::Dispatched | DispatchOutcome::Accepted => Self::add(&self.dispatched, 1),
                DispatchOutcome::Failed | DispatchOutcome::Rejected => Self::add(&self.failed, 1),
                DispatchOutcome::AlreadyDispatched => Self::add(&self.duplicates_avoided, 1),
                _ => {}
            }
        }
    }

    pub(crate) fn swept(&self, report: &SweepReport) {
        Self::add(&self.sweeps, 1);
        self.lock().last_sweep = Some((clock::system_time(), report.clone()));
    }

    pub(crate) fn background_failed(&self, problem: String) {
        Self::add(&self.background_failures, 1);
        self.lock().last_error = Some(problem);
    }

    pub(crate) fn counted(&self, outstanding: Outstanding) {
        self.lock().outstanding = Some(outstanding);
    }

    pub(crate) fn outstanding(&self) -> Option<Outstanding> {
        self.lock().outstanding
    }

    fn lock(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a Postbox has done since it was opened; see [`Postbox::stats`](crate::Postbox::stats).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// Messages that were written to the outbox.
    pub deposited: u64,
    /// Messages that were sent and marked, or accepted by their producer.
    pub dispatched: u64,
    /// Attempts to send a message that failed.
    pub failed: u64,
    /// Messages that were parked.
    pub parked: u64,
    /// Deposits of messages that were there already, and messages found dispatched and not sent again.
    pub duplicates_avoided: u64,
    /// Sweeps that ended, by the sweeper and by calls.
    pub sweeps: u64,
    /// Runs of the background threads that failed.
    pub background_failures: u64,
    /// Why the last of them failed.
    pub last_error: Option<String>,
    /// What was outstanding when it was last counted: by `outstanding`, or in the background.
    pub outstanding: Option<Outstanding>,
    /// When the last sweep ended, and what it did.
    pub last_sweep: Option<(SystemTime, SweepReport)>,
    /// The topics whose breaker is not closed.
    pub breakers: Vec<(String, BreakerState)>,
}

impl Stats {
    pub(crate) fn of(engine: &Engine) -> Self {
        let counters = &engine.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let latest = counters.lock().clone();
        Self {
            deposited: read(&counters.deposited),
            dispatched: read(&counters.dispatched),
            failed: read(&counters.failed),
            parked: read(&counters.parked),
            duplicates_avoided: read(&counters.duplicates_avoided),
            sweeps: read(&counters.sweeps),
            background_failures: read(&counters.background_failures),
            last_error: latest.last_error,
            outstanding: latest.outstanding,
            last_sweep: latest.last_sweep,
            breakers: engine.breakers.states(),
        }
    }

    /// As one JSON object: the fields by their names, times as RFC 3339, ages in milliseconds.
    pub fn to_json(&self) -> Value {
        let time = |time: SystemTime| crate::ticks::Ticks::from(time).to_text();
        let outstanding = self.outstanding.map(|outstanding| {
            let age = outstanding
                .oldest
                .map(|oldest| outstanding.counted_at.duration_since(oldest).unwrap_or_default().as_millis() as u64);
            json!({"count": outstanding.count, "oldest_age_ms": age, "counted_at": time(outstanding.counted_at)})
        });
        let last_sweep = self.last_sweep.as_ref().map(|(at, report)| {
            json!({
                "at": time(*at), "found": report.found, "dispatched": report.dispatched,
                "already_dispatched": report.already_dispatched, "failed": report.failed,
                "held_back": report.held_back, "lease": report.lease.name(),
            })
        });
        let breakers: serde_json::Map<String, Value> =
            self.breakers.iter().map(|(topic, state)| (topic.clone(), Value::from(state.name()))).collect();
        json!({
            "deposited": self.deposited, "dispatched": self.dispatched, "failed": self.failed,
            "parked": self.parked, "duplicates_avoided": self.duplicates_avoided, "sweeps": self.sweeps,
            "background_failures": self.background_failures, "last_error": self.last_error,
            "outstanding": outstanding, "last_sweep": last_sweep, "breakers": breakers,
        })
    }
}
