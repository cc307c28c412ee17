//! Figures of a Postbox, of its topics and of its leases.

use crate::model::report::SweepReport;
use crate::model::ticks::Ticks;
use serde_json::{Value, json};
use std::time::SystemTime;

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
    pub outstanding: Option<OutstandingCount>,
    /// When the last sweep ended, and what it did.
    pub last_sweep: Option<(SystemTime, SweepReport)>,
    /// The topics whose breaker is not closed.
    pub breakers: Vec<(String, BreakerState)>,
}

impl Stats {
    /// As one JSON object: the fields by their names, times as RFC 3339, ages in milliseconds.
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
        })
    }
}

/// What was outstanding when it was last counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutstandingCount {
    /// How many messages.
    pub count: u64,
    /// When the oldest of them was made.
    pub oldest: Option<SystemTime>,
    /// When they were counted.
    pub counted_at: SystemTime,
}

/// Which messages [`Postbox::topic_counts`](crate::Postbox::topic_counts) counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CountScope {
    /// Outstanding messages: reads their index.
    Outstanding,
    /// All messages: reads every item of the table, which on DynamoDB costs as much as the table is large.
    All,
}

/// How many messages of a topic there are, by state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicCount {
    /// The topic.
    pub topic: String,
    /// Messages not yet sent.
    pub outstanding: u64,
    /// When the oldest of them was made.
    pub oldest: Option<SystemTime>,
    /// Messages that were sent; 0 if only outstanding ones were counted.
    pub dispatched: u64,
    /// Messages set aside; 0 if only outstanding ones were counted.
    pub parked: u64,
}

/// The state of a topic's breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerState {
    /// Messages are sent.
    Closed,
    /// Messages are held back.
    Open,
    /// One message is being tried.
    HalfOpen,
}

impl BreakerState {
    /// `closed`, `open` or `half-open`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// A lease as the lock table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseInfo {
    /// What it is on, such as `brighter_outbox_OutboxSweeper`.
    pub resource: String,
    /// Its holder, by an id of its own.
    pub holder: String,
    /// When it runs out, or did: its holder died then without giving it back.
    pub expires_at: SystemTime,
}
