//! What became of each message that was to be sent or marked.

use crate::model::error::{Error, ErrorCode, Reason, Result};
use std::collections::HashSet;

/// What became of one message. The numbers are stable and are those of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum DispatchOutcome {
    /// It was sent and marked dispatched; or only marked, if that was asked for.
    Dispatched = 0,
    /// It had been dispatched before and was not sent again.
    AlreadyDispatched = 1,
    /// Its producer accepted it and will confirm it later.
    Accepted = 2,
    /// Another thread of this process is sending it, or waits for its confirmation.
    InProgress = 3,
    /// It is outstanding again, as was asked for.
    Replayed = 4,
    /// The outbox has no message of this id.
    NotFound = 10,
    /// It is parked: not sent until it is released.
    Parked = 11,
    /// No producer serves its topic. It stays outstanding.
    NoProducer = 12,
    /// Its producer failed. It stays outstanding, or is parked after "max_dispatch_attempts".
    Failed = 13,
    /// Its producer can never send it as it is. It is parked.
    Rejected = 14,
    /// Its stored item cannot be read. It is parked.
    Malformed = 15,
    /// The table could not be read, so it was not sent. It stays outstanding.
    ReadFailed = 16,
    /// It was sent, and could not be marked: it stays outstanding and will be sent again.
    MarkFailed = 17,
    /// It waits: an earlier message of its topic and partition key failed, or it did so lately itself.
    HeldBack = 18,
    /// The breaker of its topic is open: it waits, and no attempt is counted.
    BreakerOpen = 19,
    /// The operation was stopped before the message was tried; it stays as it was.
    Skipped = 20,
}

impl DispatchOutcome {
    /// Whether the message needs no more care by the caller.
    pub fn is_success(self) -> bool {
        (self as i32) < Self::NotFound as i32
    }
}

/// One message of a [`DispatchReport`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DispatchEntry {
    /// The message's id.
    pub id: String,
    /// What became of it.
    pub outcome: DispatchOutcome,
    /// Why, where there is more to say; else empty.
    pub detail: String,
}

/// What became of each message, in the order of the ids that were given; an id that was given
/// twice is there once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a message that failed is only reported here: look, or call into_result"]
pub struct DispatchReport {
    entries: Vec<DispatchEntry>,
}

/// The ids of a report: an id that was given twice is there once.
pub(crate) fn distinct(ids: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    ids.iter().filter(|id| seen.insert(id.as_str())).cloned().collect()
}

impl DispatchReport {
    /// A report in which nothing is known of the messages yet.
    pub(crate) fn of(ids: &[String]) -> Self {
        let entry =
            |id: &String| DispatchEntry { id: id.clone(), outcome: DispatchOutcome::Skipped, detail: String::new() };
        Self { entries: ids.iter().map(entry).collect() }
    }

    pub(crate) fn set(&mut self, index: usize, outcome: DispatchOutcome, detail: impl Into<String>) {
        if let Some(entry) = self.entries.get_mut(index) {
            entry.outcome = outcome;
            entry.detail = detail.into();
        }
    }

    /// One entry per message.
    pub fn entries(&self) -> &[DispatchEntry] {
        &self.entries
    }

    /// What became of this message; `None` if it was not among those given.
    pub fn outcome(&self, id: &str) -> Option<DispatchOutcome> {
        self.entries.iter().find(|entry| entry.id == id).map(|entry| entry.outcome)
    }

    /// The messages that need care.
    pub fn failures(&self) -> impl Iterator<Item = &DispatchEntry> {
        self.entries.iter().filter(|entry| !entry.outcome.is_success())
    }

    /// Whether no message failed.
    pub fn is_success(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Success if no message failed, else an error with a reason for each that did.
    ///
    /// # Errors
    /// [`ErrorCode::ClearIncomplete`], retryable: what failed stays outstanding.
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
        Err(Error::new(
            ErrorCode::ClearIncomplete,
            format!("{} of {} messages failed: the reasons say which and why", reasons.len(), self.entries.len()),
        )
        .retryable()
        .with_reasons(reasons))
    }
}

/// Whether a sweep had the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeaseStatus {
    /// It had, to the end.
    Held,
    /// Another sweeper has it: nothing was done.
    HeldElsewhere,
    /// It had, and lost it: it stopped at once.
    Lost,
    /// It ran without one, for this reason: other sweepers may send the same messages.
    Unavailable(String),
}

impl LeaseStatus {
    /// `held`, `held elsewhere`, `lost` or `alone`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::HeldElsewhere => "held elsewhere",
            Self::Lost => "lost",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

/// What a sweep did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "its lease says whether another sweeper was at work, its counts what could not be sent"]
pub struct SweepReport {
    /// Messages that the index showed as outstanding and old enough.
    pub found: u64,
    /// Messages that were sent, or accepted by their producer.
    pub dispatched: u64,
    /// Messages that somebody else had dispatched meanwhile: not sent.
    pub already_dispatched: u64,
    /// Messages that could not be sent.
    pub failed: u64,
    /// Messages that wait: behind one of their partition key, behind an open breaker, for their
    /// next attempt, behind the end of the sweep. One that waits may be counted again by a long sweep.
    pub held_back: u64,
    /// Whether it had the lease.
    pub lease: LeaseStatus,
}

impl SweepReport {
    pub(crate) fn new(lease: LeaseStatus) -> Self {
        Self { found: 0, dispatched: 0, already_dispatched: 0, failed: 0, held_back: 0, lease }
    }

    /// Messages that were found and left as they are.
    pub(crate) fn pass_over(&mut self, messages: u64) {
        self.found += messages;
        self.held_back += messages;
    }

    pub(crate) fn add(&mut self, report: &DispatchReport) {
        for entry in report.entries() {
            self.found += 1;
            *match entry.outcome {
                DispatchOutcome::Dispatched | DispatchOutcome::Accepted => &mut self.dispatched,
                DispatchOutcome::AlreadyDispatched | DispatchOutcome::NotFound | DispatchOutcome::Parked => {
                    &mut self.already_dispatched
                }
                DispatchOutcome::HeldBack
                | DispatchOutcome::BreakerOpen
                | DispatchOutcome::InProgress
                | DispatchOutcome::Skipped => &mut self.held_back,
                _ => &mut self.failed,
            } += 1;
        }
    }
}

/// Told what became of each batch of a sweep, on whichever of its threads sent it.
pub(crate) type OnBatch<'e> = dyn FnMut(&DispatchReport) + Send + 'e;

/// What an archiver did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "it says what could not be archived"]
pub struct ArchiveReport {
    /// Messages that the archive kept and that were deleted.
    pub archived: u64,
    /// Messages that stay: the archive did not keep them, or they could not be read or deleted.
    pub failed: u64,
    /// Why the first of them failed.
    pub first_failure: Option<String>,
    /// Whether it had the lease of archivers.
    pub lease: LeaseStatus,
}

impl ArchiveReport {
    pub(crate) fn fail(&mut self, id: &str, why: &str) {
        tracing::warn!(target: "postbox", { messaging.message.id = id, error.message = why }, "a message could not be archived");
        self.failed += 1;
        self.first_failure.get_or_insert_with(|| format!("message {id}: {why}"));
    }
}
