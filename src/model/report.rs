//! Reports of calls that send, mark or archive messages.

use crate::model::error::{Error, ErrorCode, Reason, Result};
use std::collections::HashSet;

/// The outcome of one message that was passed to a call. The meaning of a number never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum DispatchOutcome {
    /// The message was sent and marked dispatched. If the call only marks messages, the message was marked but not sent
    /// by Postbox.
    Dispatched = 0,
    /// The message was already dispatched and was not sent again.
    AlreadyDispatched = 1,
    /// The producer accepted the message. The program must still confirm whether the message was sent.
    Accepted = 2,
    /// Another thread of this process is sending the message, or the message waits for its confirmation.
    InProgress = 3,
    /// The message was replayed, and is outstanding again.
    Replayed = 4,
    /// The outbox has no message with this id.
    NotFound = 10,
    /// The message is parked and is not sent until a program or an operator releases it.
    Parked = 11,
    /// The topic has no producer. The message stays outstanding.
    NoProducer = 12,
    /// The producer could not send the message. The message stays outstanding, and a later sweep sends it again or
    /// parks it.
    Failed = 13,
    /// The producer rejected the message permanently, and the message is parked.
    Rejected = 14,
    /// The stored item cannot be read as a message. A sweep parks the item if it still cannot be read after a day.
    Malformed = 15,
    /// The table could not be read, so the message was not sent. The message stays outstanding.
    ReadFailed = 16,
    /// The message could not be marked dispatched after it was sent, or could not be replayed. A message that was sent
    /// and not marked stays outstanding and may be sent again.
    MarkFailed = 17,
    /// The message was not tried. Either an earlier message with the same topic and partition key could not be sent, or
    /// the message itself waits for its next attempt, or too many messages of its topic wait for their confirmations,
    /// or messages that were sent cannot be marked dispatched. The detail of the outcome names the reason.
    HeldBack = 18,
    /// The message was held back, because the circuit breaker of its topic is open. No attempt is counted.
    BreakerOpen = 19,
    /// The operation stopped before the message was tried. The message is unchanged.
    Skipped = 20,
}

impl DispatchOutcome {
    /// Returns whether the message needs no further action by the caller.
    pub fn is_success(self) -> bool {
        (self as i32) < Self::NotFound as i32
    }

    /// Returns whether the same call would have the same outcome until an operator intervenes.
    fn is_lasting(self) -> bool {
        matches!(self, Self::NotFound | Self::Parked | Self::Rejected | Self::Malformed)
    }
}

/// One message of a [`DispatchReport`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DispatchEntry {
    /// The id of the message.
    pub id: String,
    /// The outcome of the message.
    pub outcome: DispatchOutcome,
    /// The reason for the outcome, or an empty string if there is no reason.
    pub detail: String,
}

/// The outcomes of the messages of one call, in the order in which their ids were passed. An id that was passed twice
/// has one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a message that failed is only reported here: check the report, or call into_result"]
pub struct DispatchReport {
    entries: Vec<DispatchEntry>,
}

/// Returns the ids without repetitions, in the order of their first occurrence.
pub(crate) fn distinct(ids: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    ids.iter().filter(|id| seen.insert(id.as_str())).cloned().collect()
}

impl DispatchReport {
    /// Creates a report in which every message has the outcome `Skipped`, until [`set`](Self::set) changes it.
    pub(crate) fn of(ids: &[String]) -> Self {
        let entry =
            |id: &String| DispatchEntry { id: id.clone(), outcome: DispatchOutcome::Skipped, detail: String::new() };
        Self { entries: ids.iter().map(entry).collect() }
    }

    /// Creates the report of these messages, with their outcomes and details.
    pub(crate) fn new(entries: impl IntoIterator<Item = (String, DispatchOutcome, String)>) -> Self {
        let entry = |(id, outcome, detail)| DispatchEntry { id, outcome, detail };
        Self { entries: entries.into_iter().map(entry).collect() }
    }

    pub(crate) fn set(&mut self, index: usize, outcome: DispatchOutcome, detail: impl Into<String>) {
        if let Some(entry) = self.entries.get_mut(index) {
            entry.outcome = outcome;
            entry.detail = detail.into();
        }
    }

    /// Returns one entry per message.
    pub fn entries(&self) -> &[DispatchEntry] {
        &self.entries
    }

    /// Returns the outcome of this message, or `None` if the report does not contain it.
    pub fn outcome(&self, id: &str) -> Option<DispatchOutcome> {
        self.entries.iter().find(|entry| entry.id == id).map(|entry| entry.outcome)
    }

    /// Returns the messages that failed.
    pub fn failures(&self) -> impl Iterator<Item = &DispatchEntry> {
        self.entries.iter().filter(|entry| !entry.outcome.is_success())
    }

    /// Returns whether no message failed.
    pub fn is_success(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Returns success if no message failed, and otherwise an error with a reason for each failed message.
    ///
    /// # Errors
    /// [`ErrorCode::ClearIncomplete`], which is retryable if the same call may succeed later for one of the failed
    /// messages.
    pub fn into_result(self) -> Result<()> {
        if self.is_success() {
            return Ok(());
        }
        let reasons: Vec<Reason> = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| !entry.outcome.is_success())
            .map(|(index, entry)| Reason::new(index, &entry.id, format!("{:?}", entry.outcome), &entry.detail))
            .collect();
        let error = Error::new(
            ErrorCode::ClearIncomplete,
            format!("{} of {} messages failed; there is a reason for each", reasons.len(), self.entries.len()),
        )
        .with_reasons(reasons);
        let may_succeed = self.failures().any(|entry| !entry.outcome.is_lasting());
        Err(if may_succeed { error.retryable() } else { error })
    }
}

/// Whether a sweep or an archiver held its lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeaseStatus {
    /// The lease was held for the whole run.
    Held,
    /// Another sweeper or archiver holds the lease. This run did nothing.
    HeldElsewhere,
    /// The lease was lost during the run, and the run stopped.
    Lost,
    /// The lock table could not be used. The value is the reason. A sweep then sends nothing, unless
    /// `sweep_without_lease` is set; an archiver runs without a lease.
    Unavailable(String),
}

impl LeaseStatus {
    /// Returns `held`, `held elsewhere`, `lost` or `unavailable`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::HeldElsewhere => "held elsewhere",
            Self::Lost => "lost",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

/// The result of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "the report says whether another sweeper held the lease, and how many messages could not be sent"]
pub struct SweepReport {
    /// Outstanding messages that the sweep found in the index and that are older than `sweep_min_age_ms`.
    pub found: u64,
    /// Messages that were sent, or that were accepted by their producer.
    pub dispatched: u64,
    /// Messages that this sweep did not send, because another process had dispatched, parked or deleted them in the
    /// meantime.
    pub already_dispatched: u64,
    /// Messages that could not be sent.
    pub failed: u64,
    /// Messages that this sweep did not try to send. They wait for an earlier message with the same partition key, for
    /// the end of a retry delay, for the end of a pause of their lane (see [`Postbox::sweep`](crate::Postbox::sweep)),
    /// for their confirmation, or for the next sweep.
    pub held_back: u64,
    /// The topics of messages that the sweep found and for which this process has no producer.
    pub topics_without_producer: Vec<String>,
    /// The status of the lease.
    pub lease: LeaseStatus,
}

impl SweepReport {
    pub(crate) fn new(lease: LeaseStatus) -> Self {
        Self {
            found: 0,
            dispatched: 0,
            already_dispatched: 0,
            failed: 0,
            held_back: 0,
            topics_without_producer: Vec::new(),
            lease,
        }
    }

    /// Counts messages that were found and left unchanged.
    pub(crate) fn pass_over(&mut self, messages: u64) {
        self.found += messages;
        self.held_back += messages;
    }

    /// Counts the messages that were tried or were already dispatched. Returns the number of all other messages, which
    /// a later part of the sweep may still send.
    pub(crate) fn add(&mut self, report: &DispatchReport) -> u64 {
        let mut held_back = 0;
        for entry in report.entries() {
            let count = match entry.outcome {
                DispatchOutcome::Dispatched | DispatchOutcome::Accepted => &mut self.dispatched,
                DispatchOutcome::AlreadyDispatched | DispatchOutcome::NotFound | DispatchOutcome::Parked => {
                    &mut self.already_dispatched
                }
                DispatchOutcome::HeldBack
                | DispatchOutcome::BreakerOpen
                | DispatchOutcome::InProgress
                | DispatchOutcome::Skipped => {
                    held_back += 1;
                    continue;
                }
                _ => &mut self.failed,
            };
            *count += 1;
            self.found += 1;
        }
        held_back
    }
}

/// A callback that receives the report of each batch of a sweep, on the thread that sent the batch.
pub(crate) type OnBatch<'e> = dyn FnMut(&DispatchReport) + Send + 'e;

/// The result of archiving.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "the report says how many messages could not be archived"]
pub struct ArchiveReport {
    /// Messages that the archive stored and that were then deleted from the outbox.
    pub archived: u64,
    /// Messages that were not deleted from the outbox: the archive did not store them, or they could not be read or
    /// deleted.
    pub failed: u64,
    /// The reason for which the first of the failed messages could not be archived.
    pub first_failure: Option<String>,
    /// The status of the lease of archivers.
    pub lease: LeaseStatus,
}

impl ArchiveReport {
    pub(crate) fn fail(&mut self, id: &str, why: &str) {
        tracing::warn!(target: "postbox", { messaging.message.id = id, error.message = why }, "a message could not be archived");
        self.failed += 1;
        self.first_failure.get_or_insert_with(|| format!("message {id}: {why}"));
    }
}
