//! The messages that this process is sending. Each of these messages is claimed by one thread, so that no two threads
//! of this process send the same message. A claim in this file exists only in memory.

use crate::sys::clock::now;
use crate::sys::sync::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The ids of the messages that are being sent, or wait for a confirmation or a mark.
#[derive(Default)]
pub(crate) struct InFlight(Mutex<State>);

#[derive(Default)]
struct State {
    holders: HashMap<String, Holder>,
    /// The number of messages of each topic that wait for their confirmation.
    accepted: HashMap<String, usize>,
}

/// The reason why no other thread of this process may send a message.
enum Holder {
    /// A thread is sending the message.
    Sending { settled: Settled },
    /// The producer accepted the message, which waits for its confirmation until this time.
    Accepted { until: Instant, acceptance: Acceptance },
    /// The message was sent, and waits for its mark until this time.
    Marking { until: Instant },
}

/// The confirmation of a message that arrived before its producer has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    No,
    AsSent,
    /// The message was confirmed as failed, or was marked by the caller.
    Otherwise,
}

/// A message that its producer accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acceptance {
    pub(crate) topic: String,
    /// Whether this was the first attempt, so that the confirmation is evidence for or against the transport.
    pub(crate) is_first_try: bool,
}

/// The right to send a message, which ends when this value is dropped.
pub(crate) struct Claim<'a> {
    in_flight: &'a InFlight,
    id: String,
    kept: bool,
}

impl InFlight {
    /// Returns the right to send the message, unless another thread of this process has this right.
    pub(crate) fn claim(&self, id: &str) -> Option<Claim<'_>> {
        let mut state = self.0.lock();
        if state.holders.get(id).is_some_and(|holder| !holder.is_over(now())) {
            return None;
        }
        state.insert(id, Holder::Sending { settled: Settled::No });
        Some(Claim { in_flight: self, id: id.to_owned(), kept: false })
    }

    /// Notes that the message was confirmed or marked, so that it may be sent again when the thread that is sending it
    /// has finished. Returns the acceptance of the message, if the message was waiting for its confirmation.
    pub(crate) fn settle(&self, id: &str) -> Option<Acceptance> {
        self.settle_as(id, Settled::Otherwise)
    }

    /// Settles a message as [`settle`](Self::settle) does, because it was confirmed as sent.
    pub(crate) fn settle_as_sent(&self, id: &str) -> Option<Acceptance> {
        self.settle_as(id, Settled::AsSent)
    }

    fn settle_as(&self, id: &str, how: Settled) -> Option<Acceptance> {
        let mut state = self.0.lock();
        match state.holders.get_mut(id) {
            Some(Holder::Sending { settled }) => {
                // Only the first confirmation counts.
                if *settled != Settled::AsSent {
                    *settled = how;
                }
                None
            }
            Some(_) => match state.remove(id) {
                Some(Holder::Accepted { acceptance, .. }) => Some(acceptance),
                _ => None,
            },
            None => None,
        }
    }

    /// Returns whether the message still waits for its confirmation.
    pub(crate) fn is_accepted(&self, id: &str) -> bool {
        matches!(self.0.lock().holders.get(id), Some(Holder::Accepted { .. }))
    }

    /// Returns whether at least this number of messages of the topic wait for their confirmations.
    pub(crate) fn has_accepted(&self, topic: &str, limit: usize) -> bool {
        let mut state = self.0.lock();
        if state.accepted.get(topic).is_none_or(|count| *count < limit) {
            return false;
        }
        state.forget_overdue();
        state.accepted.get(topic).is_some_and(|count| *count >= limit)
    }
}

impl State {
    fn insert(&mut self, id: &str, holder: Holder) {
        self.remove(id);
        if let Holder::Accepted { acceptance, .. } = &holder {
            *self.accepted.entry(acceptance.topic.clone()).or_default() += 1;
        }
        self.holders.insert(id.to_owned(), holder);
    }

    fn remove(&mut self, id: &str) -> Option<Holder> {
        let removed = self.holders.remove(id)?;
        if let Holder::Accepted { acceptance, .. } = &removed
            && let Some(count) = self.accepted.get_mut(&acceptance.topic)
        {
            *count -= 1;
            if *count == 0 {
                self.accepted.remove(&acceptance.topic);
            }
        }
        Some(removed)
    }

    fn forget_overdue(&mut self) {
        let now = now();
        let overdue: Vec<String> =
            self.holders.iter().filter(|(_, holder)| holder.is_over(now)).map(|(id, _)| id.clone()).collect();
        for id in overdue {
            self.remove(&id);
        }
    }
}

impl Holder {
    fn is_over(&self, now: Instant) -> bool {
        match self {
            Self::Sending { .. } => false,
            Self::Accepted { until, .. } | Self::Marking { until } => *until <= now,
        }
    }
}

impl Claim<'_> {
    /// Keeps the message claimed until it is confirmed, or until this time has passed. If the message is already
    /// confirmed, the claim ends. Returns whether the message is already confirmed as sent.
    pub(crate) fn keep_accepted(self, acceptance: Acceptance, time: Duration) -> bool {
        self.keep(Holder::Accepted { until: now() + time, acceptance }) == Settled::AsSent
    }

    /// Keeps the message claimed until it is marked, or until this time has passed.
    pub(crate) fn keep_until_marked(self, time: Duration) {
        self.keep(Holder::Marking { until: now() + time });
    }

    fn keep(mut self, holder: Holder) -> Settled {
        let mut state = self.in_flight.0.lock();
        let settled = match state.holders.get(&self.id) {
            Some(Holder::Sending { settled }) => *settled,
            _ => Settled::Otherwise,
        };
        if settled == Settled::No {
            state.insert(&self.id, holder);
            self.kept = true;
        }
        settled
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.in_flight.0.lock().remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn acceptance() -> Acceptance {
        Acceptance { topic: "t".into(), is_first_try: true }
    }

    #[test]
    fn a_message_is_claimed_by_one_thread_at_a_time() {
        let in_flight = InFlight::default();
        let claim = in_flight.claim("a").unwrap();
        assert!(in_flight.claim("a").is_none());
        assert_eq!(in_flight.settle("a"), None);
        assert!(in_flight.claim("a").is_none(), "settling does not take a claim from its holder");
        drop(claim);
        assert!(in_flight.claim("a").is_some());
    }

    #[test]
    fn an_accepted_message_stays_claimed_until_settled_or_overdue() {
        let in_flight = InFlight::default();
        in_flight.claim("a").unwrap().keep_accepted(acceptance(), LONG);
        assert!(in_flight.claim("a").is_none() && in_flight.is_accepted("a"));
        assert_eq!(in_flight.settle("a"), Some(acceptance()));
        assert!(in_flight.claim("a").is_some() && !in_flight.is_accepted("a"));
        in_flight.claim("b").unwrap().keep_accepted(acceptance(), Duration::ZERO);
        assert!(in_flight.claim("b").is_some());
    }

    #[test]
    fn a_message_settled_before_it_is_kept_is_free() {
        let in_flight = InFlight::default();
        let claim = in_flight.claim("a").unwrap();
        in_flight.settle_as_sent("a");
        assert!(in_flight.claim("a").is_none(), "it is still being sent");
        assert!(claim.keep_accepted(acceptance(), LONG));
        let claim = in_flight.claim("a").expect("its confirmation has come");
        in_flight.settle("a");
        assert!(!claim.keep_accepted(acceptance(), LONG), "the confirmation was that of a failure");
        let claim = in_flight.claim("a").expect("its confirmation has come");
        assert!(!claim.keep_accepted(acceptance(), LONG));
        assert!(in_flight.claim("a").is_none(), "the next acceptance waits for its confirmation");
    }

    #[test]
    fn accepted_messages_are_counted_by_topic_while_they_wait() {
        let in_flight = InFlight::default();
        for id in ["a", "b"] {
            in_flight.claim(id).unwrap().keep_accepted(acceptance(), LONG);
        }
        assert!(in_flight.has_accepted("t", 2) && !in_flight.has_accepted("t", 3) && !in_flight.has_accepted("u", 1));
        in_flight.settle("a");
        assert!(!in_flight.has_accepted("t", 2));
        in_flight.claim("c").unwrap().keep_accepted(acceptance(), Duration::ZERO);
        assert!(!in_flight.has_accepted("t", 2), "an overdue one is not counted");
        in_flight.claim("d").unwrap().keep_until_marked(LONG);
        assert!(in_flight.claim("d").is_none() && !in_flight.has_accepted("t", 2));
    }
}
