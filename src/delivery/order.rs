//! The order of a drain: whose turn it is, and what a partition key's older messages hold back. It knows no request.

use crate::model::ticks::Ticks;
use crate::outbox::sightings::Sighting;
use std::collections::HashMap;

/// What a message is to a drain that finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It was not tried before and goes in the order of time.
    Fresh,
    /// It was tried before and goes when its turn comes.
    Retried,
    /// It waits, or is behind one that does.
    Waits,
    /// It is behind one of its key that is retried: its turn comes after that.
    Behind,
}

/// What the oldest message of each key, as far as it was seen, means for those after it.
#[derive(Debug)]
pub(crate) struct Order {
    now: Ticks,
    keys: HashMap<String, Turn>,
}

impl Order {
    pub(crate) fn new(now: Ticks) -> Self {
        Self { now, keys: HashMap::new() }
    }

    /// Returns the turn of the next message of a lane; they come in the order of time.
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
            // The oldest itself, or after fresh ones: in their order.
            (Turn::Fresh, _) => Turn::Fresh,
            (Turn::Retried, _) => {
                self.keys.insert(sighting.key.clone(), Turn::Behind);
                Turn::Retried
            }
            (Turn::Behind, _) => Turn::Behind,
        }
    }
}

/// Returns how many messages a probe tries, after so many failures of its lane in a row.
pub(crate) fn probe_size(failures: u32) -> u64 {
    (10_u64 << failures.min(4)).min(160)
}

/// Returns how many of a probe's messages may be retried ones.
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
