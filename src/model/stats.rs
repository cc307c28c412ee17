//! Statistics of a Postbox, its topics and its leases.

use crate::model::report::SweepReport;
use crate::model::ticks::Ticks;
use serde_json::{Value, json};
use std::time::SystemTime;

/// Statistics of a Postbox since it was opened; see [`Postbox::stats`](crate::Postbox::stats).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// Messages that were written to the outbox.
    pub deposited: u64,
    /// Messages that were sent and marked. A message that its producer accepted counts when its confirmation is marked.
    pub dispatched: u64,
    /// Failed attempts to send a message.
    pub failed: u64,
    /// Messages that were parked.
    pub parked: u64,
    /// Deposits of messages that already existed, and messages that were not sent again because they were already
    /// dispatched.
    pub duplicates_avoided: u64,
    /// Completed sweeps, of the background sweeper and of calls to `sweep`.
    pub sweeps: u64,
    /// Failed runs of the background threads. A sweep fails if sent messages cannot be marked.
    pub background_failures: u64,
    /// The error of the last failed run of a background thread.
    pub last_error: Option<String>,
    /// The last count of outstanding messages, by `count_outstanding` or in the background.
    pub outstanding: Option<OutstandingCount>,
    /// The time at which the last sweep ended, and its result.
    pub last_sweep: Option<(SystemTime, SweepReport)>,
    /// The topics whose breaker is open or half-open.
    pub breakers: Vec<(String, BreakerState)>,
    /// Messages that were sent and could not be marked dispatched yet.
    pub unmarked: u64,
    /// Whether sent messages cannot be marked at present. Nothing more is sent until they are marked. If the sweeper is
    /// running, `last_error` contains the reason.
    pub marks_fail: bool,
}

impl Stats {
    /// Returns the statistics as one JSON object with the fields of this struct. Times are in RFC 3339 format, and ages
    /// are in milliseconds.
    pub fn to_json(&self) -> Value {
        let time = |time: SystemTime| Ticks::from(time).to_text();
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
            "unmarked": self.unmarked, "marks_fail": self.marks_fail,
        })
    }
}

/// A count of outstanding messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutstandingCount {
    /// The number of outstanding messages.
    pub count: u64,
    /// The time at which the oldest outstanding message was created.
    pub oldest: Option<SystemTime>,
    /// The time of the count.
    pub counted_at: SystemTime,
}

/// The messages that [`Postbox::topic_counts`](crate::Postbox::topic_counts) counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CountScope {
    /// Outstanding messages. Counting them reads the index of outstanding messages.
    Outstanding,
    /// All messages. Counting them reads every item of the table, so its cost grows with the size of the table.
    All,
}

/// The number of messages of a topic, by state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicCount {
    /// The topic.
    pub topic: String,
    /// The number of outstanding messages.
    pub outstanding: u64,
    /// The time at which the oldest outstanding message was created.
    pub oldest: Option<SystemTime>,
    /// The number of dispatched messages, or 0 if only outstanding messages were counted.
    pub dispatched: u64,
    /// The number of parked messages, or 0 if only outstanding messages were counted.
    pub parked: u64,
    /// The number of outstanding messages that wait for their next attempt, or for their confirmation.
    pub waiting: u64,
    /// The time at which the first of the waiting messages is due.
    pub next_attempt: Option<SystemTime>,
    /// The number of outstanding messages of which an attempt has failed.
    pub failing: u64,
    /// The earliest time of a first failure among the failing messages.
    pub failing_since: Option<SystemTime>,
    /// The last error of the message whose attempts have failed since `failing_since`.
    pub last_error: Option<String>,
    /// The number of outstanding messages whose creation time or next attempt is too far in the future to be right.
    /// These times are treated as past.
    pub invalid_times: u64,
}

/// The state of the circuit breaker of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerState {
    /// Messages are sent.
    Closed,
    /// Messages are held back.
    Open,
    /// One message is being sent to test whether the transport works again.
    HalfOpen,
}

impl BreakerState {
    /// Returns `closed`, `open` or `half-open`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// A lease in the lock table, or a pause of a lane. A lane is a part of a topic that is swept as a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseInfo {
    /// The resource that the lease protects, such as `brighter_outbox_OutboxSweeper`.
    pub resource: String,
    /// The holder of the lease. A holder is a host and a process id for a lease of Postbox, and an id for a lease of
    /// Brighter.
    pub holder: String,
    /// The time at which the lease expires or has expired. An expired lease was not renewed or released by its holder.
    pub expires_at: SystemTime,
    /// The topic, for the lease or the pause of a lane.
    pub topic: Option<String>,
    /// The reason for which the lane is paused until `expires_at`: `transport` if its messages cannot be sent, `marks`
    /// if sent messages cannot be marked. `None` for a lease.
    pub paused: Option<String>,
    /// Whether `expires_at` is more than 65 minutes in the future. Such a time was written by a wrong clock, so the
    /// next process that needs the lease takes the lease.
    pub is_ignored: bool,
}

/// A process that has swept the outbox; see [`Postbox::sweepers`](crate::Postbox::sweepers). Each program has one entry
/// per host. If the program is started again, the new process replaces the earlier process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SweeperInfo {
    /// The host and the process id.
    pub holder: String,
    /// The version of Postbox.
    pub version: String,
    /// The topics for which the process has a producer, up to 100. An entry that ends in `*` stands for all topics with
    /// this prefix, and `*` alone for every topic.
    pub topics: Vec<String>,
    /// The time of the last sweep that the process recorded in the lock table. A process records its sweeps at most 5
    /// minutes late.
    pub last_sweep: SystemTime,
    /// The time of the last recorded sweep that succeeded.
    pub last_success: Option<SystemTime>,
    /// The reason for which the last sweep failed, if it failed.
    pub last_error: Option<String>,
    /// The time at which the sweeper was stopped. `None` if the process still sweeps, or if it crashed.
    pub stopped_at: Option<SystemTime>,
}
