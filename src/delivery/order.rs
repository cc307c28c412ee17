//! The order in which a drain sends the messages of its lane. A drain is the part of a sweep in which one thread works
//! on one lane. This module makes no requests.

use crate::model::ticks::Ticks;
use crate::outbox::sightings::Sighting;
use std::collections::HashMap;

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
    /// An older message with the same key is retried, and this message is sent after it.
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
    use std::time::Duration;

    fn turns(now: Ticks, sightings: &[(&str, Fate)]) -> Vec<Turn> {
        let mut order = Order::new(now);
        let turn = |(key, fate): &(&str, Fate)| {
            order.turn(&Sighting {
                created: now,
                id: String::new(),
                topic: "t".into(),
                producer_topic: "t".into(),
                topic_shard: "t_0".into(),
                key: (*key).to_owned(),
                fate: *fate,
            })
        };
        sightings.iter().map(turn).collect()
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
    fn a_probe_grows_with_the_failures_before_it() {
        assert_eq!((0..6).map(probe_size).collect::<Vec<_>>(), [10, 20, 40, 80, 160, 160]);
        assert_eq!(retried_of_probe(1), 10);
        assert_eq!(retried_of_probe(4), 40);
    }
}
