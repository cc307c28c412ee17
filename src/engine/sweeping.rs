//! The memory of a process between its sweeps. It only saves work: every decision that must last is stored.

use crate::model::item::Item;
use crate::outbox::lane::Lane;
use crate::sys::clock;
use crate::sys::sync::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Where the next look begins, and what is left alone until when.
#[derive(Default)]
pub(crate) struct Sweeping(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    look_from: Option<Item>,
    looks: u64,
    /// DynamoDB refuses places of the index that no page gave.
    looks_plainly: bool,
    lanes: HashMap<Lane, Instant>,
    idle: HashMap<Lane, Instant>,
    topics: HashMap<String, Instant>,
}

impl Sweeping {
    /// Begins a look. Returns where, and how many there were before.
    pub(crate) fn begin_look(&self) -> (Option<Item>, u64) {
        let mut memory = self.lock();
        memory.looks += 1;
        (memory.look_from.take(), memory.looks - 1)
    }

    /// The next look goes on here.
    pub(crate) fn end_look(&self, from: Option<Item>) {
        self.lock().look_from = from;
    }

    pub(crate) fn looks_plainly(&self) -> bool {
        self.lock().looks_plainly
    }

    pub(crate) fn look_plainly(&self) {
        self.lock().looks_plainly = true;
    }

    /// Leaves a lane alone for so long: another process is at it, or it is paused.
    pub(crate) fn leave_lane(&self, lane: &Lane, time: Duration) {
        let now = clock::now();
        let mut memory = self.lock();
        memory.lanes.retain(|_, until| *until > now);
        memory.lanes.insert(lane.clone(), now + time);
    }

    /// Nothing in a lane is due for so long, as far as a drain has found.
    pub(crate) fn idle_lane(&self, lane: &Lane, time: Duration) {
        let now = clock::now();
        let mut memory = self.lock();
        memory.idle.retain(|_, until| *until > now);
        memory.idle.insert(lane.clone(), now + time);
    }

    /// Returns whether nothing in the lane was due when it was last read to its end.
    pub(crate) fn is_idle(&self, lane: &Lane) -> bool {
        self.lock().idle.get(lane).is_some_and(|until| *until > clock::now())
    }

    /// Leaves a topic alone for so long, since this process cannot send its messages.
    pub(crate) fn leave_topic(&self, topic: &str, time: Duration) {
        let now = clock::now();
        let mut memory = self.lock();
        memory.topics.retain(|_, until| *until > now);
        memory.topics.insert(topic.to_owned(), now + time);
    }

    /// Returns whether the lane is left alone now.
    pub(crate) fn leaves(&self, lane: &Lane) -> bool {
        let now = clock::now();
        let memory = self.lock();
        let is_later = |until: Option<&Instant>| until.is_some_and(|until| *until > now);
        is_later(memory.lanes.get(lane)) || is_later(memory.topics.get(&lane.topic))
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::lane::Group;

    #[test]
    fn a_lane_and_a_topic_are_left_alone_for_a_time() {
        let sweeping = Sweeping::default();
        let lane = |group| Lane { topic: "t".into(), group: Group::Numbered(group) };
        sweeping.leave_lane(&lane(0), Duration::from_secs(60));
        assert!(sweeping.leaves(&lane(0)) && !sweeping.leaves(&lane(1)));
        sweeping.leave_lane(&lane(0), Duration::ZERO);
        assert!(!sweeping.leaves(&lane(0)));
        sweeping.leave_topic("t", Duration::from_secs(60));
        assert!(sweeping.leaves(&lane(1)));
    }
}
