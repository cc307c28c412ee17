//! Evidence that the transport of a topic works: the results of the first attempts of this process. A first attempt is
//! an attempt to send a message that was not tried before. A failure counts against a message only if other messages of
//! its topic are sent.

use crate::sys::clock;
use crate::sys::simulation::{Mutation, mutated};
use crate::sys::sync::{Mutex, MutexGuard};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// The time for which the result of a first attempt counts as evidence.
const WINDOW: Duration = Duration::from_secs(600);
/// The length of the interval whose first attempts are counted in one entry.
const GRAIN: Duration = Duration::from_secs(10);

/// The first attempts of the last ten minutes, by topic.
#[derive(Default)]
pub(crate) struct Evidence(Mutex<HashMap<String, VecDeque<Entry>>>);

#[derive(Clone, Copy)]
struct Entry {
    since: Instant,
    sent: u64,
    failed: u64,
}

impl Evidence {
    /// Notes the result of a first attempt.
    pub(crate) fn note(&self, topic: &str, was_sent: bool) {
        let now = clock::now();
        let mut topics = self.lock();
        let entries = topics.entry(topic.to_owned()).or_default();
        forget(entries, now);
        if entries.back().is_none_or(|last| now.saturating_duration_since(last.since) > GRAIN) {
            entries.push_back(Entry { since: now, sent: 0, failed: 0 });
        }
        if let Some(entry) = entries.back_mut() {
            *if was_sent { &mut entry.sent } else { &mut entry.failed } += 1;
        }
    }

    /// Returns whether the transport of the topic works: at least one first attempt, and at least half of the first
    /// attempts, succeeded. Returns `None` if there was no first attempt.
    pub(crate) fn verdict(&self, topic: &str) -> Option<bool> {
        let mut topics = self.lock();
        let entries = topics.get_mut(topic)?;
        forget(entries, clock::now());
        let (sent, failed) =
            entries.iter().fold((0, 0), |(sent, failed), entry| (sent + entry.sent, failed + entry.failed));
        let verdict = (sent + failed > 0).then_some(is_evidence(sent, failed));
        if entries.is_empty() {
            topics.remove(topic);
        }
        verdict
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Entry>>> {
        self.0.lock()
    }
}

/// Returns whether these numbers of first attempts show that the transport works.
pub(crate) fn is_evidence(sent: u64, failed: u64) -> bool {
    sent > 0 && (sent >= failed || mutated(Mutation::RatioIgnored))
}

fn forget(entries: &mut VecDeque<Entry>, now: Instant) {
    while entries.front().is_some_and(|entry| now.saturating_duration_since(entry.since) > WINDOW) {
        entries.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_evidence_while_at_least_half_of_its_first_attempts_are_sent() {
        let evidence = Evidence::default();
        assert_eq!(evidence.verdict("t"), None);
        evidence.note("t", false);
        assert_eq!(evidence.verdict("t"), Some(false));
        evidence.note("t", true);
        assert_eq!(evidence.verdict("t"), Some(true));
        evidence.note("t", false);
        assert_eq!(evidence.verdict("t"), Some(false));
        assert_eq!(evidence.verdict("u"), None);
    }

    #[test]
    fn first_attempts_are_forgotten_after_ten_minutes() {
        let now = Instant::now() + WINDOW * 2;
        let mut entries = VecDeque::from([
            Entry { since: now - WINDOW - GRAIN, sent: 1, failed: 0 },
            Entry { since: now - GRAIN, sent: 0, failed: 1 },
        ]);
        forget(&mut entries, now);
        assert_eq!(entries.iter().map(|entry| entry.failed).sum::<u64>(), 1);
        assert_eq!(entries.len(), 1);
    }
}
