//! Lanes. A lane is a topic and a group of its shards. All messages of a partition key are in one lane, whether Postbox
//! or Brighter stored them.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A part of a topic, which one sweeper works on at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Lane {
    pub(crate) topic: String,
    pub(crate) group: Group,
}

/// A group of shard numbers. Its name is the smallest shard number of the group that is not negative. If Postbox stores
/// a partition key in a shard of the group, Brighter stores the key in a shard of the same group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Group {
    Numbered(i64),
    /// The items without a shard, and the shards in which no partition key is stored with the present number of shards.
    Other,
}

/// The groups of a number of shards.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    by_shard: BTreeMap<i64, i64>,
}

impl Groups {
    /// Computes the groups. Postbox stores a key whose hash is `u` in the shard `u mod n`. Brighter reads `u` as a
    /// signed number, and its remainder has the sign of `u`, so that it stores half of the keys in a shard of zero or
    /// less.
    pub(crate) fn of(shards: u32) -> Self {
        let n = i64::from(shards.max(1));
        let mut by_shard: BTreeMap<i64, i64> = (1 - n..n).map(|shard| (shard, shard)).collect();
        let wrap = (1_i64 << 32) % n;
        for ours in 0..n {
            let brighters = -((wrap - ours).rem_euclid(n));
            join(&mut by_shard, ours, brighters);
        }
        // The name of a group is its smallest member that is not negative. Every group has such a member.
        let mut names: BTreeMap<i64, i64> = BTreeMap::new();
        for (&shard, &root) in by_shard.iter().filter(|(shard, _)| **shard >= 0) {
            names.entry(root).or_insert(shard);
        }
        by_shard.values_mut().for_each(|root| *root = names.get(root).copied().unwrap_or(*root));
        Self { by_shard }
    }

    /// Returns the lane of a message. The topic is taken from the name of the shard, or from the message if the name
    /// contains no topic.
    pub(crate) fn lane(&self, topic: &str, topic_shard: &str) -> Lane {
        let named = topic_shard.rsplit_once('_').and_then(|(of, number)| Some((of, number.parse::<i64>().ok()?)));
        let (topic, group) = match named {
            Some((of, number)) => {
                (of, self.by_shard.get(&number).map_or(Group::Other, |group| Group::Numbered(*group)))
            }
            None => (topic, Group::Other),
        };
        Lane { topic: topic.to_owned(), group }
    }

    /// Returns the shards of a lane, by their names in the index.
    pub(crate) fn shards(&self, lane: &Lane) -> Vec<String> {
        let Group::Numbered(group) = lane.group else {
            return Vec::new();
        };
        let members = self.by_shard.iter().filter(|(_, of)| **of == group);
        members.map(|(shard, _)| format!("{}_{shard}", lane.topic)).collect()
    }
}

fn join(roots: &mut BTreeMap<i64, i64>, one: i64, other: i64) {
    let (Some(&kept), Some(&replaced)) = (roots.get(&one), roots.get(&other)) else {
        return;
    };
    roots.values_mut().filter(|root| **root == replaced).for_each(|root| *root = kept);
}

impl Lane {
    /// Returns the name of the lane's lease within a group of sweepers.
    pub(crate) fn resource(&self) -> String {
        let hash = Sha256::digest(self.topic.as_bytes());
        let hash: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        match self.group {
            Group::Numbered(number) => format!("Lane_{hash}_{number}"),
            Group::Other => format!("Lane_{hash}_x"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn groups_of(shards: u32) -> Vec<Vec<String>> {
        let groups = Groups::of(shards);
        let names: BTreeSet<i64> = groups.by_shard.values().copied().collect();
        let lanes = names.into_iter().map(|name| Lane { topic: "t".into(), group: Group::Numbered(name) });
        lanes.map(|lane| groups.shards(&lane)).collect()
    }

    #[test]
    fn shards_that_share_a_key_form_a_group() {
        assert_eq!(groups_of(1), [["t_0"]]);
        assert_eq!(groups_of(3), [vec!["t_-1", "t_0", "t_1"], vec!["t_-2", "t_2"]]);
        assert_eq!(groups_of(20).len(), 19);
    }

    #[test]
    fn both_shards_of_every_key_are_in_one_lane() {
        for shards in 1..=20 {
            let groups = Groups::of(shards);
            for hash in (0..1000_u32).map(|step| step.wrapping_mul(4_294_967)) {
                let ours = i64::from(hash % shards);
                let brighters = i64::from(hash as i32 % shards as i32);
                let lane = |shard: i64| groups.lane("t", &format!("t_{shard}"));
                assert_eq!(lane(ours), lane(brighters), "{hash} of {shards}");
                assert!(groups.shards(&lane(ours)).contains(&format!("t_{brighters}")));
            }
        }
    }

    #[test]
    fn a_shard_of_another_number_or_none_is_in_the_other_lane() {
        let groups = Groups::of(3);
        for shard in ["t_7", "t_-3", "t_x", "t", ""] {
            assert_eq!(groups.lane("t", shard), Lane { topic: "t".into(), group: Group::Other }, "{shard}");
        }
        assert_eq!(groups.lane("", "u_1"), groups.lane("u", "u_1"));
        assert_eq!(groups.lane("a_b", "a_b_-1").group, Group::Numbered(0));
        let resource = groups.lane("t", "t_2").resource();
        assert!(resource.starts_with("Lane_") && resource.ends_with("_2") && resource.len() == 5 + 32 + 2);
    }
}
