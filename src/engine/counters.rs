//! The counters of a Postbox since it was opened.

use crate::model::report::{DispatchOutcome, DispatchReport, SweepReport};
use crate::model::stats::{BreakerState, OutstandingCount, Stats};
use crate::sys::clock;
use crate::sys::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Counters that any thread can increase.
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
    outstanding: Option<OutstandingCount>,
    last_sweep: Option<(SystemTime, SweepReport)>,
    last_error: Option<String>,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts the outcomes of a report. Messages that were sent are counted when they are marked.
    pub(crate) fn delivered(&self, report: &DispatchReport) {
        for entry in report.entries() {
            match entry.outcome {
                DispatchOutcome::Failed | DispatchOutcome::Rejected => Self::add(&self.failed, 1),
                DispatchOutcome::AlreadyDispatched => Self::add(&self.duplicates_avoided, 1),
                _ => {}
            }
        }
    }

    pub(crate) fn swept(&self, report: &SweepReport) {
        Self::add(&self.sweeps, 1);
        self.latest.lock().last_sweep = Some((clock::system_time(), report.clone()));
    }

    pub(crate) fn background_failed(&self, problem: String) {
        Self::add(&self.background_failures, 1);
        self.latest.lock().last_error = Some(problem);
    }

    pub(crate) fn counted(&self, outstanding: OutstandingCount) {
        self.latest.lock().outstanding = Some(outstanding);
    }

    /// Returns the statistics. The states of the breakers and of the marks are passed as arguments.
    pub(crate) fn read(&self, breakers: Vec<(String, BreakerState)>, (unmarked, marks_fail): (usize, bool)) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let latest = self.latest.lock().clone();
        Stats {
            deposited: read(&self.deposited),
            dispatched: read(&self.dispatched),
            failed: read(&self.failed),
            parked: read(&self.parked),
            duplicates_avoided: read(&self.duplicates_avoided),
            sweeps: read(&self.sweeps),
            background_failures: read(&self.background_failures),
            last_error: latest.last_error,
            outstanding: latest.outstanding,
            last_sweep: latest.last_sweep,
            breakers,
            unmarked: unmarked as u64,
            marks_fail,
        }
    }
}
