//! Decides the consequences of a failed attempt for its message: how long the message waits, whether the failure
//! counts, and whether the message is parked. This module makes no requests.

use crate::model::config::Config;
use crate::model::fate::{Failures, Fate};
use crate::model::ticks::Ticks;
use crate::outbox::attempts::Attempt;
use crate::sys::simulation::{Mutation, mutated};
use std::time::Duration;

/// The maximum wait after a failure that counts.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// The maximum wait after a failure that does not count.
const LONGEST_UNCOUNTED_WAIT: Duration = Duration::from_secs(60);
/// The maximum time for which a message waits for its confirmation after it was accepted again.
const LONGEST_ACCEPTANCE: Duration = Duration::from_secs(24 * 3600);
/// The time after which a malformed item is parked.
const MALFORMED_FOR: Duration = Duration::from_secs(24 * 3600);
/// The number of rejections with the same reason from which the target, and not the messages, counts as their cause.
/// This applies only if no message was sent.
const MIN_SAME_REJECTIONS: usize = 3;

/// The cause of a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The transport.
    Transport,
    /// Either the transport or the message.
    Unknown,
    /// The target, because it rejected several messages with the same reason and no message was sent. If the target
    /// still rejects a message after a long time, the message is blamed, because other messages may wait for it.
    Target,
    /// The message, because its producer can never send it.
    Message,
    /// The stored item, because it cannot be read.
    Item,
}

impl Blame {
    /// Returns whether the failure counts against its message if other messages of the topic are sent.
    pub(crate) fn is_undecided(self) -> bool {
        matches!(self, Self::Transport | Self::Unknown | Self::Target)
    }
}

/// The facts about a topic at the end of a drain. A drain is the part of a sweep in which one thread works on one lane,
/// which is a group of shards of a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// Whether the drain ended because messages could not be sent or marked, so that the lane is paused.
    pub(crate) in_trouble: bool,
    /// Whether other messages of the topic were sent recently. This is evidence that the transport works, so a failure
    /// is blamed on the message.
    pub(crate) has_evidence: bool,
}

/// The settings that decide the consequences.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    shortest_wait: Duration,
    max_attempts: u64,
    park_min_age: Duration,
    park_after: Option<Duration>,
    parks_keyed: bool,
    confirm_timeout: Duration,
}

impl Rules {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            shortest_wait: config.dispatch_retry_delay,
            max_attempts: config.max_dispatch_attempts,
            park_min_age: config.park_min_age,
            park_after: Some(config.park_after).filter(|time| !time.is_zero()),
            parks_keyed: config.park_keyed,
            confirm_timeout: config.confirm_timeout,
        }
    }

    /// Returns the attempt to write for a failure. `luck` is a random number from 0 to 1 that varies the wait.
    pub(crate) fn attempt(
        &self,
        (fate, is_keyed): (&Fate, bool),
        (blame, error): (Blame, &str),
        circumstances: Circumstances,
        (now, luck): (Ticks, f64),
    ) -> Attempt {
        let failures = fate.failures(now);
        let first = failures.first.unwrap_or(now);
        let age = now.since(first);
        let Circumstances { in_trouble, has_evidence } = circumstances;
        let may_count = !in_trouble || mutated(Mutation::ProbesCounted);
        let counts = may_count && has_evidence && blame.is_undecided();
        let counted = failures.counted.saturating_add(u32::from(counts || blame == Blame::Message));
        let error = error.to_owned();
        let failed_enough =
            counts && self.max_attempts > 0 && u64::from(counted) >= self.max_attempts && age >= self.park_min_age;
        let failed_long_enough = (!in_trouble || has_evidence) && self.park_after.is_some_and(|longest| age >= longest);
        let may_be_parked = self.parks_keyed || !is_keyed;
        let parks = match blame {
            Blame::Message => true,
            Blame::Target => age >= self.park_min_age,
            Blame::Item => age >= MALFORMED_FOR,
            Blame::Unknown | Blame::Transport => may_be_parked && (failed_enough || failed_long_enough),
        };
        if parks {
            return Attempt::Parked { at: now, first, counted, error };
        }
        let longest = if counts { LONGEST_WAIT } else { LONGEST_UNCOUNTED_WAIT };
        let wait = age.clamp(self.shortest_wait.min(LONGEST_WAIT), longest.max(self.shortest_wait));
        Attempt::Failed { next: now.plus(wait.mul_f64(0.8 + 0.4 * luck)), first, counted, error }
    }

    /// Returns the attempt to write for a message that its producer accepted and did not confirm yet. If an earlier
    /// acceptance of the message was not confirmed in time, this attempt is treated as a failed one.
    pub(crate) fn acceptance(
        &self,
        (fate, is_keyed): (&Fate, bool),
        circumstances: Circumstances,
        (now, luck): (Ticks, f64),
    ) -> Attempt {
        let since = fate.accepted.unwrap_or(now);
        let next = now.plus(self.acceptance_wait(fate, now));
        let before = fate.failures(now);
        if fate.accepted.is_none() {
            // Before the message was sent, a claim may have been written to its item, which changed the stored
            // failures. The failures are restored to their values before the claim.
            let failures = fate.before_claim.map(|before| (before.first.unwrap_or(now), before.counted));
            return Attempt::Accepted { since, next, failures };
        }
        let overdue =
            Fate { before_claim: Some(Failures { first: Some(before.first.unwrap_or(since)), ..before }), ..*fate };
        let error = "the producer accepted the message, which was not confirmed in time";
        match self.attempt((&overdue, is_keyed), (Blame::Unknown, error), circumstances, (now, luck)) {
            Attempt::Failed { first, counted, .. } => {
                Attempt::Accepted { since, next, failures: Some((first, counted)) }
            }
            parked => parked,
        }
    }

    /// Returns the time limit for a confirmation. The limit increases each time the confirmation is overdue, up to a
    /// day.
    pub(crate) fn acceptance_wait(&self, fate: &Fate, now: Ticks) -> Duration {
        let age = fate.accepted.map_or(Duration::ZERO, |since| now.since(since));
        self.confirm_timeout.max(age.min(LONGEST_ACCEPTANCE))
    }
}

/// Returns whether the target, and not a message, is the cause of a rejection with this text: three or more rejections
/// have the same text, and no message was sent.
pub(crate) fn target_refuses<'a>(rejections: impl IntoIterator<Item = &'a str>, sent: u64, words: &str) -> bool {
    sent == 0 && rejections.into_iter().filter(|other| *other == words).count() >= MIN_SAME_REJECTIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTHY: Circumstances = Circumstances { in_trouble: false, has_evidence: true };
    const TROUBLE: Circumstances = Circumstances { in_trouble: true, has_evidence: true };
    const NO_EVIDENCE: Circumstances = Circumstances { in_trouble: false, has_evidence: false };
    const HOUR: Duration = Duration::from_secs(3600);

    fn rules() -> Rules {
        Rules::of(&Config::default())
    }

    /// Returns the fate of a message whose first attempt failed this long ago, that has failed `attempts` times, and
    /// that is due.
    fn failed(attempts: u32, since: Duration, now: Ticks) -> Fate {
        Fate {
            next_attempt: Some(now),
            first_failed: Some(Ticks::from(now.to_system_time() - since)),
            attempts: Some(attempts),
            ..Fate::default()
        }
    }

    fn attempt(fate: &Fate, blame: Blame, circumstances: Circumstances, now: Ticks) -> Attempt {
        rules().attempt((fate, false), (blame, "x"), circumstances, (now, 0.5))
    }

    fn parks(attempt: &Attempt) -> bool {
        matches!(attempt, Attempt::Parked { .. })
    }

    #[test]
    fn a_message_is_parked_after_twenty_counts_and_an_hour_with_evidence() {
        let now = Ticks::now();
        let ripe = failed(19, HOUR, now);
        assert!(parks(&attempt(&ripe, Blame::Unknown, HEALTHY, now)));
        for circumstances in [TROUBLE, NO_EVIDENCE] {
            assert!(!parks(&attempt(&ripe, Blame::Unknown, circumstances, now)), "{circumstances:?}");
        }
        assert!(!parks(&attempt(&failed(18, HOUR * 5, now), Blame::Unknown, HEALTHY, now)), "a count is missing");
        assert!(!parks(&attempt(&failed(50, HOUR / 2, now), Blame::Unknown, HEALTHY, now)), "it is too early");
    }

    #[test]
    fn a_message_without_evidence_is_parked_after_three_days() {
        let now = Ticks::now();
        assert!(parks(&attempt(&failed(0, HOUR * 72, now), Blame::Unknown, NO_EVIDENCE, now)));
        assert!(!parks(&attempt(&failed(0, HOUR * 71, now), Blame::Unknown, NO_EVIDENCE, now)));
        let outage = Circumstances { in_trouble: true, has_evidence: false };
        assert!(!parks(&attempt(&failed(0, HOUR * 100, now), Blame::Transport, outage, now)));
    }

    #[test]
    fn a_rejected_message_is_parked_at_once_and_an_item_after_a_day() {
        let now = Ticks::now();
        assert!(parks(&attempt(&Fate::default(), Blame::Message, NO_EVIDENCE, now)));
        assert!(!parks(&attempt(&Fate::default(), Blame::Item, HEALTHY, now)));
        assert!(parks(&attempt(&failed(0, HOUR * 24, now), Blame::Item, HEALTHY, now)));
    }

    #[test]
    fn a_message_that_the_target_rejects_for_an_hour_is_parked_also_during_a_pause() {
        let now = Ticks::now();
        let outage = Circumstances { in_trouble: true, has_evidence: false };
        for circumstances in [HEALTHY, TROUBLE, NO_EVIDENCE, outage] {
            assert!(parks(&attempt(&failed(0, HOUR, now), Blame::Target, circumstances, now)), "{circumstances:?}");
            assert!(
                !parks(&attempt(&failed(0, HOUR / 2, now), Blame::Target, circumstances, now)),
                "{circumstances:?}"
            );
        }
    }

    #[test]
    fn keyed_messages_are_parked_only_if_allowed() {
        let now = Ticks::now();
        let rules = Rules { parks_keyed: false, ..rules() };
        let ripe = failed(19, HOUR, now);
        let decide = |is_keyed, blame| rules.attempt((&ripe, is_keyed), (blame, "x"), HEALTHY, (now, 0.5));
        assert!(parks(&decide(false, Blame::Unknown)));
        assert!(!parks(&decide(true, Blame::Unknown)));
        assert!(parks(&decide(true, Blame::Message)));
        assert!(parks(&decide(true, Blame::Target)));
    }

    #[test]
    fn the_wait_is_the_age_of_the_failure_within_bounds() {
        let now = Ticks::now();
        let wait = |since, circumstances| match attempt(&failed(1, since, now), Blame::Unknown, circumstances, now) {
            Attempt::Failed { next, .. } => next.since(now),
            parked => panic!("{parked:?}"),
        };
        let seconds = Duration::from_secs;
        assert_eq!(wait(Duration::ZERO, HEALTHY), seconds(1));
        assert_eq!(wait(seconds(40), HEALTHY), seconds(40));
        assert_eq!(wait(HOUR, HEALTHY), seconds(300));
        assert_eq!(wait(HOUR, TROUBLE), seconds(60));
    }

    #[test]
    fn failures_count_only_without_trouble_and_with_evidence() {
        let now = Ticks::now();
        let count = |blame, circumstances| match attempt(&failed(3, HOUR, now), blame, circumstances, now) {
            Attempt::Failed { counted, .. } => counted,
            parked => panic!("{parked:?}"),
        };
        assert_eq!(count(Blame::Unknown, HEALTHY), 4);
        assert_eq!(count(Blame::Unknown, TROUBLE), 3);
        assert_eq!(count(Blame::Unknown, NO_EVIDENCE), 3);
    }

    #[test]
    fn an_acceptance_counts_as_a_failure_once_an_earlier_one_is_overdue() {
        let now = Ticks::now();
        let accept = |fate: &Fate, circumstances| rules().acceptance((fate, false), circumstances, (now, 0.5));
        let Attempt::Accepted { since, next, failures } = accept(&Fate::default(), HEALTHY) else { panic!("parked") };
        assert_eq!((since, next.since(now), failures), (now, Duration::from_secs(30), None));
        let since = Ticks::from(now.to_system_time() - HOUR);
        let overdue = Fate { accepted: Some(since), next_attempt: Some(now), ..Fate::default() };
        let expected = |counted| Attempt::Accepted { since, next: now.plus(HOUR), failures: Some((since, counted)) };
        assert_eq!(accept(&overdue, HEALTHY), expected(1));
        assert_eq!(accept(&overdue, NO_EVIDENCE), expected(0));
        let ripe = Fate { accepted: Some(since), ..failed(19, HOUR, now) };
        assert!(parks(&accept(&ripe, HEALTHY)) && !parks(&accept(&ripe, TROUBLE)));
    }

    #[test]
    fn three_rejections_in_the_same_words_are_blamed_on_the_target() {
        assert!(target_refuses(["no", "no", "no"], 0, "no"));
        assert!(!target_refuses(["no", "no", "no"], 1, "no"));
        assert!(!target_refuses(["no", "no", "other"], 0, "no"));
    }
}
