//! The information that a process keeps in memory between its sweeps. The information only saves requests. Every
//! decision that must outlive the process is stored in the tables.

use crate::model::ticks::Ticks;
use crate::outbox::lane::Lane;
use crate::outbox::lock_table::Lock;
use crate::outbox::sightings::Sighting;
use crate::sys::clock;
use crate::sys::sync::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The maximum number of ids of lost leases of one resource that are remembered.
const MOST_LEFT_LEASES: usize = 8;

/// The lanes and topics that this process ignores, and the leases that the lock table may still show as its own. A lane is
/// a group of shards of a topic that one thread sweeps as a unit. Each ignored lane or topic has the time until which it
/// is ignored.
#[derive(Default)]
pub(crate) struct Sweeping(Mutex<Memory>);

/// A lane all of whose messages wait, as a drain has found it. The messages that wait themselves are its heads. All
/// other messages wait for a head with their partition key.
#[derive(Debug)]
pub(crate) struct Known {
    /// The heads, of which there is at least one, or `None` if there are too many to be kept in memory.
    pub(crate) heads: Option<Vec<Sighting>>,
    /// Messages that were created before this time were read.
    pub(crate) read_to: Ticks,
    /// The end of the first wait.
    pub(crate) due: Instant,
    /// The time at which the lane is read in full again.
    pub(crate) until: Instant,
}

impl Known {
    /// Returns whether all of these messages, which are due, are heads whose waits have ended.
    pub(crate) fn explains(&self, due: &[String], now: Ticks) -> bool {
        let has_ended =
            |id: &String| self.heads.iter().flatten().any(|head| head.id == *id && !head.fate.is_waiting(now));
        due.iter().all(has_ended)
    }
}

#[derive(Default)]
struct Memory {
    lanes: HashMap<Lane, Instant>,
    known: HashMap<Lane, Arc<Known>>,
    topics: HashMap<String, Instant>,
    /// The ids of leases by their resources, as in [`leave_lease`](Sweeping::leave_lease).
    left_leases: HashMap<String, Vec<String>>,
    /// The leases that this process holds.
    held_leases: Vec<Lock>,
    /// The leases that this process has released, by resource and id, each with the time until which it is remembered.
    released: HashMap<(String, String), Instant>,
    /// The time of the last write that shows that this process sweeps, and whether its sweep succeeded.
    shown: Option<(Instant, bool)>,
    first_deposit: Option<Instant>,
    has_looked: bool,
}

impl Sweeping {
    /// Ignores a lane for this time, because another process holds the lane or because the lane is paused.
    pub(crate) fn leave_lane(&self, lane: &Lane, time: Duration) {
        remember(&mut self.lock().lanes, lane.clone(), time);
    }

    /// Notes what a drain has found in a lane all of whose messages wait.
    pub(crate) fn know_lane(&self, lane: &Lane, known: Known) {
        let mut memory = self.lock();
        memory.known.retain(|_, known| known.until > clock::now());
        memory.known.insert(lane.clone(), Arc::new(known));
    }

    /// Forgets what a drain has found in a lane, which is then read in full.
    pub(crate) fn forget_lane(&self, lane: &Lane) {
        self.lock().known.remove(lane);
    }

    /// Returns what a drain has found in a lane all of whose messages wait, unless this was too long ago.
    pub(crate) fn known_lane(&self, lane: &Lane) -> Option<Arc<Known>> {
        self.lock().known.get(lane).filter(|known| known.until > clock::now()).cloned()
    }

    /// Ignores a topic for this time, because this process cannot send its messages.
    pub(crate) fn leave_topic(&self, topic: &str, time: Duration) {
        remember(&mut self.lock().topics, topic.to_owned(), time);
    }

    /// Returns whether to show now that this process sweeps. This is the case if it was last shown at least this time
    /// ago, or if the sweeps have begun to fail or to succeed since then.
    pub(crate) fn shows_presence(&self, every: Duration, succeeds: bool) -> bool {
        let mut memory = self.lock();
        let is_shown = memory.shown.is_some_and(|(at, succeeded)| succeeded == succeeds && clock::since(at) < every);
        if !is_shown {
            memory.shown = Some((clock::now(), succeeds));
        }
        !is_shown
    }

    /// Returns whether the lock table shows that the sweeps of this process fail.
    pub(crate) fn is_shown_as_failing(&self) -> bool {
        self.lock().shown.is_some_and(|(_, succeeded)| !succeeded)
    }

    /// Returns `true` once, for a process that does not sweep, at the first deposit that comes at least this time after
    /// its first deposit. The process then checks whether any process sweeps.
    pub(crate) fn looks_who_sweeps(&self, after: Duration) -> bool {
        let mut memory = self.lock();
        if memory.has_looked || memory.shown.is_some() {
            return false;
        }
        let first = *memory.first_deposit.get_or_insert_with(clock::now);
        memory.has_looked = clock::since(first) >= after;
        memory.has_looked
    }

    /// Returns whether the lock table shows that this process sweeps. The next sweep is shown again.
    pub(crate) fn ends_presence(&self) -> bool {
        self.lock().shown.take().is_some()
    }

    /// Notes a lease that this process has obtained.
    pub(crate) fn hold_lease(&self, lock: &Lock) {
        self.lock().held_leases.push(lock.clone());
    }

    /// Forgets a lease that this process no longer holds.
    pub(crate) fn let_go_of_lease(&self, lock: &Lock) {
        self.lock().held_leases.retain(|held| held.id != lock.id);
    }

    /// Returns the leases that this process holds.
    pub(crate) fn held_leases(&self) -> Vec<Lock> {
        self.lock().held_leases.clone()
    }

    /// Notes the id of a lease that this process does not hold, although the lock table may show this process as the
    /// holder, because the response to a request for the lease or to its release was lost.
    pub(crate) fn leave_lease(&self, resource: &str, id: String) {
        let mut memory = self.lock();
        let ids = memory.left_leases.entry(resource.to_owned()).or_default();
        ids.truncate(MOST_LEFT_LEASES - 1);
        ids.insert(0, id);
    }

    /// Returns the ids that were noted for a resource. The newest id comes first.
    pub(crate) fn left_leases(&self, resource: &str) -> Vec<String> {
        self.lock().left_leases.get(resource).cloned().unwrap_or_default()
    }

    /// Forgets the ids that were noted for a resource.
    pub(crate) fn forget_left_leases(&self, resource: &str) {
        self.lock().left_leases.remove(resource);
    }

    /// Notes the id of a lease that this process has released. A delayed request for the lease may still arrive, and
    /// take the lease again.
    pub(crate) fn release_lease(&self, resource: &str, id: &str, time: Duration) {
        remember(&mut self.lock().released, (resource.to_owned(), id.to_owned()), time);
    }

    /// Returns whether this process has released the lease with this id, as noted by
    /// [`release_lease`](Self::release_lease).
    pub(crate) fn has_released(&self, resource: &str, id: &str) -> bool {
        let key = (resource.to_owned(), id.to_owned());
        self.lock().released.get(&key).is_some_and(|until| *until > clock::now())
    }

    /// Returns whether the lane is ignored now.
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

/// Remembers a key for this time, and forgets those whose time is over.
fn remember<K: Eq + Hash>(until: &mut HashMap<K, Instant>, key: K, time: Duration) {
    let now = clock::now();
    until.retain(|_, until| *until > now);
    until.insert(key, now + time);
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
