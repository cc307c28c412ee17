//! The order in which a drain sends the messages of its lane. A drain is the part of a sweep in which one thread works
//! on one lane. This module makes no requests.

use crate::model::ticks::Ticks;
use crate::outbox::sightings::Sighting;
use std::collections::{HashMap, VecDeque};

/// The place of a message in the order of a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The message is sent in the order of creation times. Either the message was not tried before, or an older message
    /// with the same partition key is fresh.
    Fresh,
    /// The message was tried before, and is sent with the retried messages.
    Retried,
    /// The message or an older message with the same partition key waits for its next attempt.
    Waits,
    /// An older message with the same partition key is retried. This message is sent after it, in the same drain.
    Behind,
}

/// The partition keys of the messages that were found so far, each with the turn that decides about the next message
/// with this key.
#[derive(Debug)]
pub(crate) struct Order {
    now: Ticks,
    keys: HashMap<String, Turn>,
}

impl Order {
    pub(crate) fn new(now: Ticks) -> Self {
        Self { now, keys: HashMap::new() }
    }

    /// Returns the turn of the next message of the lane. Call this with the messages in the order of their creation
    /// times.
    pub(crate) fn turn(&mut self, sighting: &Sighting) -> Turn {
        let own = match &sighting.fate {
            fate if fate.is_waiting(self.now) => Turn::Waits,
            fate if fate.is_retried(self.now) => Turn::Retried,
            _ => Turn::Fresh,
        };
        if sighting.key.is_empty() {
            return own;
        }
        let first = *self.keys.entry(sighting.key.clone()).or_insert(own);
        match (first, own) {
            (Turn::Waits, _) | (_, Turn::Waits) => {
                self.keys.insert(sighting.key.clone(), Turn::Waits);
                Turn::Waits
            }
            (Turn::Fresh, _) => Turn::Fresh,
            (Turn::Retried, _) => {
                self.keys.insert(sighting.key.clone(), Turn::Behind);
                Turn::Retried
            }
            (Turn::Behind, _) => Turn::Behind,
        }
    }

    /// Lets the later messages with the key of this message wait, because this message is not sent in this drain.
    pub(crate) fn wait(&mut self, sighting: &Sighting) {
        if !sighting.key.is_empty() {
            self.keys.insert(sighting.key.clone(), Turn::Waits);
        }
    }
}

/// Puts the retried messages and the messages behind them into the order in which they are sent. The messages that have
/// been due for the longest time come first, and the messages behind others last. `behind` is in the order of creation
/// times. If `crashes` is given, the messages with the fewest crashes come first, and each message follows the older
/// ones of its key.
pub(crate) fn retried_line(
    mut retried: Vec<Sighting>,
    behind: Vec<Sighting>,
    crashes: Option<&dyn Fn(&Sighting) -> u32>,
) -> VecDeque<Sighting> {
    retried.sort_by_key(|sighting| sighting.fate.next_attempt);
    retried.extend(behind);
    let Some(crashes) = crashes else {
        return retried.into();
    };
    let mut most: HashMap<String, u32> = HashMap::new();
    let mut ranked: Vec<(u32, Sighting)> = Vec::with_capacity(retried.len());
    for sighting in retried {
        let own = crashes(&sighting);
        let rank = match sighting.key.as_str() {
            "" => own,
            key => {
                let rank = most.entry(key.to_owned()).or_default();
                *rank = own.max(*rank);
                *rank
            }
        };
        ranked.push((rank, sighting));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, sighting)| sighting).collect()
}

/// Returns the number of messages that a probe tries. A probe is the first drain after a pause of the lane, and tests
/// whether its transport works again. `failures` is the number of consecutive probes that have failed.
pub(crate) fn probe_size(failures: u32) -> u64 {
    (10_u64 << failures.min(4)).min(160)
}

/// Returns the maximum number of retried messages in a probe.
pub(crate) fn retried_of_probe(failures: u32) -> u64 {
    (probe_size(failures) / 4).max(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fate::Fate;
    use std::sync::Arc;
    use std::time::Duration;

    fn seen(now: Ticks, id: &str, key: &str, fate: Fate) -> Sighting {
        let (id, key, topic) = (id.to_owned(), key.to_owned(), Arc::<str>::from("t"));
        Sighting { created: now, id, producer_topic: topic.clone(), topic, topic_shard: "t_0".into(), key, fate }
    }

    fn turns(now: Ticks, sightings: &[(&str, Fate)]) -> Vec<Turn> {
        let mut order = Order::new(now);
        sightings.iter().map(|(key, fate)| order.turn(&seen(now, "", key, *fate))).collect()
    }

    #[test]
    fn only_the_oldest_of_a_key_has_a_turn() {
        let now = Ticks::now();
        let fresh = Fate::default();
        let waits = Fate { next_attempt: Some(now.plus(Duration::from_secs(9))), ..fresh };
        let retried = Fate { next_attempt: Some(now), first_failed: Some(now), ..fresh };
        use Turn::{Behind, Fresh, Retried, Waits};
        assert_eq!(turns(now, &[("a", waits), ("a", fresh), ("b", fresh)]), [Waits, Waits, Fresh]);
        assert_eq!(turns(now, &[("a", retried), ("a", fresh), ("a", retried)]), [Retried, Behind, Behind]);
        assert_eq!(
            turns(now, &[("a", fresh), ("a", retried), ("a", waits), ("a", fresh)]),
            [Fresh, Fresh, Waits, Waits]
        );
        assert_eq!(turns(now, &[("", waits), ("", fresh), ("", retried)]), [Waits, Fresh, Retried]);
    }

    #[test]
    fn messages_behind_retried_ones_follow_them_in_the_order_of_their_key() {
        let now = Ticks::now();
        let retried = |id, key, late: u64, crashes| {
            let next = Ticks::from(now.to_system_time() - Duration::from_secs(late));
            seen(
                now,
                id,
                key,
                Fate { next_attempt: Some(next), first_failed: Some(now), attempts: Some(crashes), ..Fate::default() },
            )
        };
        let heads = || vec![retried("a1", "a", 1, 0), retried("b1", "b", 2, 0), retried("x", "", 3, 1)];
        let behind = || vec![retried("b2", "b", 9, 2), retried("a2", "a", 5, 0), retried("b3", "b", 9, 0)];
        let ids = |line: VecDeque<Sighting>| line.into_iter().map(|sighting| sighting.id).collect::<Vec<_>>();
        assert_eq!(ids(retried_line(heads(), behind(), None)), ["x", "b1", "a1", "b2", "a2", "b3"]);
        let crashes = |sighting: &Sighting| sighting.fate.failures(now).counted;
        let line = retried_line(heads(), behind(), Some(&crashes));
        assert_eq!(ids(line), ["b1", "a1", "a2", "x", "b2", "b3"]);
    }

    #[test]
    fn later_messages_of_a_key_wait_for_one_that_is_left_out() {
        let now = Ticks::now();
        let retried = Fate { next_attempt: Some(now), first_failed: Some(now), ..Fate::default() };
        let mut order = Order::new(now);
        let first = seen(now, "1", "a", retried);
        assert_eq!(order.turn(&first), Turn::Retried);
        order.wait(&first);
        assert_eq!(order.turn(&seen(now, "2", "a", retried)), Turn::Waits);
    }

    #[test]
    fn a_probe_grows_with_the_failures_before_it() {
        assert_eq!((0..6).map(probe_size).collect::<Vec<_>>(), [10, 20, 40, 80, 160, 160]);
        assert_eq!(retried_of_probe(1), 10);
        assert_eq!(retried_of_probe(4), 40);
    }
}
