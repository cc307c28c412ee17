//! The circuit breakers that clear operations use, one for each topic. After consecutive failures in a topic, clear
//! operations hold back its messages for a while. The held back messages are not counted as failed. While a breaker is
//! open, it lets one message through from time to time as a probe, which tests whether the transport works again.

use crate::model::stats::BreakerState;
use crate::sys::clock;
use crate::sys::sync::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The time for which a breaker stays open before its first probe. Each failed probe doubles this time. No cooldown,
/// including the first, is longer than `breaker_cooldown_ms`.
const FIRST_COOLDOWN: Duration = Duration::from_secs(5);

/// The breakers of all topics that have failed since their last success.
pub(crate) struct Breakers {
    /// The number of consecutive failures after which a breaker opens, or 0 if breakers never open.
    threshold: u64,
    max_cooldown: Duration,
    topics: Mutex<HashMap<String, Breaker>>,
}

#[derive(Clone, Copy, Debug)]
enum Breaker {
    Closed {
        failures: u64,
    },
    Open {
        until: Instant,
        cooldown: Duration,
    },
    /// One message is being sent as a probe.
    Probing {
        since: Instant,
        cooldown: Duration,
    },
}

/// The decision whether a message of a topic may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    Send,
    /// Send this message alone. Its outcome decides whether the other messages are sent.
    Probe,
    HoldBack,
}

impl Breakers {
    pub(crate) fn new(threshold: u64, max_cooldown: Duration) -> Self {
        Self { threshold, max_cooldown, topics: Mutex::default() }
    }

    pub(crate) fn permit(&self, topic: &str) -> Permit {
        let mut topics = self.topics.lock();
        let Some(breaker) = topics.get_mut(topic) else {
            return Permit::Send;
        };
        let now = clock::now();
        match *breaker {
            Breaker::Closed { .. } => Permit::Send,
            Breaker::Open { until, .. } if until > now => Permit::HoldBack,
            // If the outcome of a probe is never reported, the next probe is permitted one cooldown after this one.
            Breaker::Probing { since, cooldown } if now.duration_since(since) < cooldown => Permit::HoldBack,
            Breaker::Open { cooldown, .. } | Breaker::Probing { cooldown, .. } => {
                *breaker = Breaker::Probing { since: now, cooldown };
                Permit::Probe
            }
        }
    }

    pub(crate) fn succeeded(&self, topic: &str) {
        if matches!(self.topics.lock().remove(topic), Some(Breaker::Open { .. } | Breaker::Probing { .. })) {
            tracing::info!(target: "postbox", { messaging.destination.name = topic }, "the breaker closed: messages of the topic are sent again");
        }
    }

    pub(crate) fn failed(&self, topic: &str) {
        if self.threshold == 0 {
            return;
        }
        // The log message is emitted without the lock, because a log callback may wait for a thread that reads the
        // states.
        if let Some(cooldown) = self.open(topic) {
            tracing::warn!(
                target: "postbox", { messaging.destination.name = topic, cooldown_ms = cooldown.as_millis() as u64 },
                "the breaker opened: messages of the topic are held back"
            );
        }
    }

    /// Counts a failure. Returns the time until the next probe if the failure opened the breaker.
    fn open(&self, topic: &str) -> Option<Duration> {
        let mut topics = self.topics.lock();
        let breaker = topics.entry(topic.to_owned()).or_insert(Breaker::Closed { failures: 0 });
        let cooldown = match *breaker {
            Breaker::Closed { failures } if failures + 1 < self.threshold => {
                *breaker = Breaker::Closed { failures: failures + 1 };
                return None;
            }
            Breaker::Open { .. } => return None,
            Breaker::Closed { .. } => FIRST_COOLDOWN.min(self.max_cooldown),
            Breaker::Probing { cooldown, .. } => cooldown.saturating_mul(2).min(self.max_cooldown),
        };
        *breaker = Breaker::Open { until: clock::now() + cooldown, cooldown };
        Some(cooldown)
    }

    /// Returns the topics whose breaker is open or half-open.
    pub(crate) fn states(&self) -> Vec<(String, BreakerState)> {
        let mut states: Vec<_> = self
            .topics
            .lock()
            .iter()
            .map(|(topic, breaker)| {
                let state = match breaker {
                    Breaker::Closed { .. } => BreakerState::Closed,
                    Breaker::Open { .. } => BreakerState::Open,
                    Breaker::Probing { .. } => BreakerState::HalfOpen,
                };
                (topic.clone(), state)
            })
            .filter(|(_, state)| *state != BreakerState::Closed)
            .collect();
        states.sort_by(|one, other| one.0.cmp(&other.0));
        states
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn a_topic_is_held_back_after_consecutive_failures() {
        let breakers = Breakers::new(2, LONG);
        breakers.failed("a");
        breakers.succeeded("a");
        breakers.failed("a");
        assert_eq!(breakers.permit("a"), Permit::Send, "a success resets the count");
        breakers.failed("a");
        assert_eq!(breakers.permit("a"), Permit::HoldBack);
        assert_eq!(breakers.permit("b"), Permit::Send);
        assert_eq!(breakers.states(), [("a".to_string(), BreakerState::Open)]);
    }

    #[test]
    fn after_the_cooldown_one_probe_decides() {
        let breakers = Breakers::new(1, Duration::from_millis(200));
        breakers.failed("a");
        while breakers.permit("a") == Permit::HoldBack {
            std::thread::yield_now();
        }
        assert_eq!(breakers.permit("a"), Permit::HoldBack, "one probe at a time");
        assert_eq!(breakers.states(), [("a".to_string(), BreakerState::HalfOpen)]);
        breakers.failed("a");
        assert_eq!(breakers.states(), [("a".to_string(), BreakerState::Open)]);
        breakers.succeeded("a");
        assert_eq!(breakers.permit("a"), Permit::Send);
        assert!(breakers.states().is_empty());
    }

    #[test]
    fn the_cooldown_doubles_with_each_failed_probe() {
        let breakers = Breakers::new(1, Duration::from_secs(30));
        let cooldowns: Vec<_> = (0..5)
            .map(|_| {
                // As if the cooldown had passed.
                for breaker in breakers.topics.lock().values_mut() {
                    if let Breaker::Open { cooldown, .. } = *breaker {
                        *breaker = Breaker::Probing { since: clock::now(), cooldown };
                    }
                }
                breakers.open("a").map(|cooldown| cooldown.as_secs())
            })
            .collect();
        assert_eq!(cooldowns, [5, 10, 20, 30, 30].map(Some));
    }

    #[test]
    fn breakers_never_open_without_a_threshold() {
        let breakers = Breakers::new(0, LONG);
        for _ in 0..100 {
            breakers.failed("a");
        }
        assert_eq!(breakers.permit("a"), Permit::Send);
    }
}
