//! When a message that failed may be swept again. Kept in memory: a new process tries at once.

use crate::sys::clock;
use crate::sys::sync::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// No message waits longer than this for its next attempt.
const LONGEST: Duration = Duration::from_secs(300);
/// How many waiting messages are remembered; beyond that, one is tried sooner than it need be.
const MOST: usize = 100_000;

/// The messages that failed lately, with the time of their next attempt.
pub(crate) struct Backoff {
    first: Duration,
    waiting: Mutex<HashMap<String, Instant>>,
}

impl Backoff {
    pub(crate) fn new(first: Duration) -> Self {
        Self { first, waiting: Mutex::default() }
    }

    /// Whether the message is to be left alone for now.
    pub(crate) fn is_waiting(&self, id: &str) -> bool {
        self.waiting.lock().get(id).is_some_and(|until| *until > clock::now())
    }

    /// The message failed, after so many failures before: twice as long after each.
    pub(crate) fn wait(&self, id: &str, earlier_failures: u32) {
        let delay = self.first.saturating_mul(1 << earlier_failures.min(20)).min(LONGEST);
        let now = clock::now();
        let mut waiting = self.waiting.lock();
        if waiting.len() >= MOST {
            waiting.retain(|_, until| *until > now);
        }
        if waiting.len() < MOST {
            waiting.insert(id.to_owned(), now + delay);
        }
    }

    pub(crate) fn forget(&self, id: &str) {
        self.waiting.lock().remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_message_waits_until_it_is_forgotten_or_its_time_has_come() {
        let backoff = Backoff::new(Duration::from_secs(3600));
        assert!(!backoff.is_waiting("a"));
        backoff.wait("a", 0);
        assert!(backoff.is_waiting("a") && !backoff.is_waiting("b"));
        backoff.forget("a");
        assert!(!backoff.is_waiting("a"));
        let none = Backoff::new(Duration::ZERO);
        none.wait("a", u32::MAX);
        assert!(!none.is_waiting("a"));
    }

    #[test]
    fn the_wait_is_bounded() {
        let backoff = Backoff::new(Duration::from_secs(1));
        backoff.wait("a", u32::MAX);
        assert!(backoff.waiting.lock()["a"] <= Instant::now() + LONGEST);
    }
}
