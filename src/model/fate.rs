//! The fate of a message: the attributes of its item that decide when the message is sent next. They contain the end of
//! its wait (the time before which no process sends the message), its failures, and the time at which its producer
//! accepted it. A producer that accepts a message confirms later whether the message was sent. A claim is a wait that a
//! process writes before it sends a message, so that no other process sends the same message.

use crate::model::ticks::Ticks;
use crate::sys::simulation::{Mutation, mutated};
use std::time::Duration;

/// The maximum remaining time of a valid wait. A wait that ends later was written by a wrong clock and is ignored.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);
/// The maximum remaining time of a valid wait for a confirmation.
const LONGEST_ACCEPTANCE: Duration = Duration::from_secs(25 * 3600);
/// The time after the end of the last wait at which the failures of a message stop counting.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The attributes of a stored message that decide when it is sent next. The values are kept exactly in the form in
/// which they were read, because later writes have them as a condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// The time before which no process sends the message.
    pub(crate) next_attempt: Option<Ticks>,
    pub(crate) first_failed: Option<Ticks>,
    /// The stored number of failures that count toward `max_dispatch_attempts`.
    pub(crate) attempts: Option<u32>,
    pub(crate) accepted: Option<Ticks>,
    pub(crate) parked: Option<Ticks>,
    pub(crate) replayed: Option<Ticks>,
    /// The failures before this process claimed the message, if it did. They are used instead of the stored failures,
    /// which the claim has overwritten.
    pub(crate) before_claim: Option<Failures>,
    /// Whether the delivery time is 0, which Brighter 9 stores with messages that were not sent.
    pub(crate) has_zero_delivery: bool,
}

/// The failures of a message that still count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failures {
    pub(crate) first: Option<Ticks>,
    pub(crate) counted: u32,
}

impl Fate {
    /// Returns whether the message waits for a later time.
    pub(crate) fn is_waiting(&self, now: Ticks) -> bool {
        if mutated(Mutation::WaitIgnored) {
            return false;
        }
        let is_believed = !self.has_invalid_wait(now) || mutated(Mutation::FarWaitTrusted);
        self.next_attempt.is_some_and(|at| at > now && is_believed)
    }

    /// Returns whether the wait ends too far in the future to be right.
    pub(crate) fn has_invalid_wait(&self, now: Ticks) -> bool {
        let longest = if self.accepted.is_some() { LONGEST_ACCEPTANCE } else { LONGEST_WAIT };
        self.next_attempt.is_some_and(|at| at > now.plus(longest))
    }

    /// Returns the failures of the message that still count. Failures stop counting a day after the end of the last
    /// wait.
    pub(crate) fn failures(&self, now: Ticks) -> Failures {
        if let Some(before) = self.before_claim {
            return before;
        }
        match self.next_attempt {
            Some(at) if at.plus(FORGOTTEN_AFTER) >= now => {
                Failures { first: self.first_failed, counted: self.attempts.unwrap_or(0) }
            }
            _ => Failures::default(),
        }
    }

    /// Records the values of a claim that was written to the table, because later writes have them as a condition.
    pub(crate) fn claim(&mut self, now: Ticks, next: Ticks, first: Ticks, counted: u32) {
        self.before_claim = Some(self.failures(now));
        self.next_attempt = Some(next);
        self.first_failed = Some(first);
        self.attempts = Some(counted);
    }

    /// Returns whether the message was tried before.
    pub(crate) fn is_retried(&self, now: Ticks) -> bool {
        self.accepted.is_some() || self.failures(now).first.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(count: u64) -> Duration {
        Duration::from_secs(count * 3600)
    }

    #[test]
    fn a_message_waits_until_its_time_and_ignores_times_far_ahead() {
        let now = Ticks::now();
        let until =
            |next: Ticks, accepted: Option<Ticks>| Fate { next_attempt: Some(next), accepted, ..Fate::default() };
        assert!(!Fate::default().is_waiting(now));
        assert!(until(now.plus(Duration::from_secs(599)), None).is_waiting(now));
        assert!(!until(now, None).is_waiting(now));
        assert!(!until(now.plus(Duration::from_secs(601)), None).is_waiting(now));
        assert!(until(now.plus(hours(24)), Some(now)).is_waiting(now));
        assert!(!until(now.plus(hours(26)), Some(now)).is_waiting(now));
    }

    #[test]
    fn failures_are_forgotten_a_day_after_the_last_wait() {
        let first = Ticks::now();
        let fate = Fate { next_attempt: Some(first), first_failed: Some(first), attempts: Some(7), ..Fate::default() };
        assert_eq!(fate.failures(first.plus(hours(23))), Failures { first: Some(first), counted: 7 });
        assert_eq!(fate.failures(first.plus(hours(25))), Failures::default());
        let old_version = Fate { next_attempt: None, ..fate };
        assert_eq!(old_version.failures(first), Failures::default());
        assert!(fate.is_retried(first) && !old_version.is_retried(first));
    }
}
