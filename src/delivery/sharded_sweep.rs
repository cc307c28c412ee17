//! Sweeping on many machines: a lease for each shard number, shared out among the processes that
//! are alive. All messages of one partition key lie in one shard, so their order holds.

use crate::delivery::backlog::{minimum_age, read_parts};
use crate::delivery::lease::{Lease, Obtained};
use crate::delivery::topic_rounds::Topics;
use crate::engine::Engine;
use crate::model::cancel::CancelToken;
use crate::model::error::Result;
use crate::model::report::{LeaseStatus, OnBatch, SweepReport};
use crate::outbox::lock_table::{Lock, LockItem};
use crate::outbox::outstanding::{Oldest, Sighting};
use crate::sys::clock;
use crate::sys::sync::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How many messages are found at once: between two looks at who else is there.
const MOST_FOUND: usize = 2_000;
/// After how long a sweep looks who else is there, however much it has found.
const REBALANCE_AFTER: Duration = Duration::from_secs(5);

/// Sweeps the shards that are this process's share, until nothing in them can be sent.
pub(crate) fn sweep_shards(
    engine: &Engine,
    topic: Option<&str>,
    cancel: &CancelToken,
    on_batch: &mut OnBatch<'_>,
) -> Result<SweepReport> {
    let call = &engine.runtime.enter()?;
    let mut report = SweepReport::new(LeaseStatus::Held);
    let mut held: BTreeMap<i64, Lease> = BTreeMap::new();
    loop {
        let active = Active::discover(engine, topic)?;
        if let Some(why) = balance(engine, &active, &mut held)? {
            report.lease = why;
            return Ok(report);
        }
        let before = report.dispatched;
        let mut topics = Topics::new(engine, call);
        // After what was tried already: however many cannot be sent, they are not in the way of the rest.
        let mut after = None;
        while !held.is_empty() && !cancel.is_canceled() {
            let oldest = active.find(engine, &held, after)?;
            after = oldest.next();
            let sent = report.dispatched;
            let found = oldest.into_sorted();
            if found.is_empty() {
                break;
            }
            let leases = Mutex::new(&mut held);
            let all_held = || {
                let mut leases = leases.lock();
                // Renewing one takes time, in which another may run out.
                leases.values_mut().all(Lease::is_held) && leases.values_mut().all(Lease::is_running)
            };
            let go_on = || !cancel.is_canceled() && all_held();
            let ends = Some(clock::now() + REBALANCE_AFTER);
            let is_complete = topics.deliver(found, ends, (&mut report, on_batch), &go_on);
            if !all_held() {
                report.lease = LeaseStatus::Lost;
                return Ok(report);
            }
            if !is_complete {
                (after, topics) = (None, Topics::new(engine, call));
            }
            if after.is_none() && report.dispatched == sent {
                break;
            }
            let shards: Vec<i64> = held.keys().copied().collect();
            balance(engine, &active, &mut held)?;
            // A shard that has come may have older ones.
            after = after.filter(|_| held.keys().all(|shard| shards.contains(shard)));
        }
        if report.dispatched == before {
            return Ok(report);
        }
    }
}

/// This process takes no part any more: its share is free at once. Waits so long at most.
pub(crate) fn leave(engine: &Engine, timeout: Duration) {
    let (outbox, member) = (Arc::clone(&engine.outbox), member(engine));
    let timeout = timeout.min(engine.operation_timeout());
    let left = engine.runtime.run("leaving the sweepers", timeout, async move { outbox.release_lock(member).await });
    if let Err(error) = left.and_then(|left| left) {
        tracing::debug!(target: "postbox", { error.message = error.message() }, "the sweepers were not left; the lease runs out by itself");
    }
}

/// The topics and shards that have anything outstanding: `{topic}_{shard}`.
struct Active(BTreeSet<String>);

impl Active {
    /// Reads the index of all topics, and so needs no query per topic and shard.
    fn discover(engine: &Engine, topic: Option<&str>) -> Result<Self> {
        let mut active = BTreeSet::new();
        read_parts(engine, engine.outbox.outstanding_parts(topic, minimum_age(engine)), false, |page| {
            active.extend(page.topic_shards);
        })?;
        Ok(Self(active))
    }

    fn numbers(&self) -> BTreeSet<i64> {
        self.0.iter().filter_map(|shard| number_of(shard)).collect()
    }

    /// The oldest messages of the shards that are held, which come after this one.
    fn find(&self, engine: &Engine, held: &BTreeMap<i64, Lease>, after: Option<Sighting>) -> Result<Oldest> {
        let ours = self.0.iter().filter(|shard| number_of(shard).is_some_and(|number| held.contains_key(&number)));
        let parts = engine.outbox.shard_parts(ours.cloned(), minimum_age(engine));
        let mut oldest = Oldest::new(MOST_FOUND, after);
        read_parts(engine, parts, false, |page| {
            page.sightings.into_iter().for_each(|sighting| oldest.see(sighting));
        })?;
        Ok(oldest)
    }
}

/// The shard's number: `-1` of `orders.placed_-1`.
fn number_of(topic_shard: &str) -> Option<i64> {
    topic_shard.rsplit_once('_')?.1.parse().ok()
}

/// Gives back the leases beyond this process's share of the active shards, and takes free ones
/// up to it. Why there is nothing to do, if so.
fn balance<'a>(
    engine: &'a Engine,
    active: &Active,
    held: &mut BTreeMap<i64, Lease<'a>>,
) -> Result<Option<LeaseStatus>> {
    let numbers = active.numbers();
    held.retain(|number, lease| numbers.contains(number) && lease.is_held());
    if numbers.is_empty() {
        return Ok(None);
    }
    let share = match join(engine)? {
        Ok(members) => Share::of(&members, &engine.member_id, numbers.len()),
        Err(why) => return Ok(Some(why)),
    };
    while held.len() > share.count {
        held.pop_last();
    }
    // OnBatch begins at another place, so that they do not all ask for the same.
    let numbers: Vec<i64> = numbers.into_iter().collect();
    for number in numbers.iter().cycle().skip(share.first).take(numbers.len()) {
        if held.len() >= share.count {
            break;
        }
        if !held.contains_key(number)
            && let Obtained::Held(lease) = Lease::obtain(engine, &resource(engine, number))?
        {
            held.insert(*number, lease);
        }
    }
    Ok(if held.is_empty() { Some(LeaseStatus::HeldElsewhere) } else { None })
}

/// How many of the shards are a process's, and where it begins to ask for them.
#[derive(Debug, PartialEq)]
struct Share {
    first: usize,
    count: usize,
}

impl Share {
    fn of(members: &[String], member: &str, shards: usize) -> Self {
        let all = members.len().max(1);
        let rank = members.iter().position(|other| other == member).unwrap_or(0);
        let (each, over) = (shards / all, shards % all);
        Self { first: rank * each + rank.min(over), count: each + usize::from(rank < over) }
    }
}

/// Says that this process is alive, and gives the ids of all that are, in order; or why that
/// cannot be said: it sweeps nothing then.
fn join(engine: &Engine) -> Result<Result<Vec<String>, LeaseStatus>> {
    match Lease::obtain_lock(engine, member(engine))? {
        Err(why) => return Ok(Err(LeaseStatus::Unavailable(why))),
        Ok(true) => {}
        Ok(false) => return Ok(Err(LeaseStatus::HeldElsewhere)),
    }
    let (table, prefix) = (engine.config.lock_table_name.clone(), resource(engine, "Member_"));
    let locks = engine.run("finding the sweepers", |outbox| async move { outbox.locks(table, prefix).await })?;
    let mut members = Vec::new();
    for LockItem { lock, expired_for, .. } in locks {
        match expired_for {
            None => members.push(lock.id),
            // Nobody else clears away what a killed process left.
            Some(time) if time > Duration::from_secs(3600) => {
                engine.run("clearing away a dead sweeper", |outbox| async move { outbox.release_lock(lock).await })?;
            }
            Some(_) => {}
        }
    }
    members.sort_unstable();
    Ok(Ok(members))
}

fn member(engine: &Engine) -> Lock {
    Lock {
        table: engine.config.lock_table_name.clone(),
        resource: resource(engine, format!("Member_{}", engine.member_id)),
        id: engine.member_id.clone(),
    }
}

fn resource(engine: &Engine, what: impl std::fmt::Display) -> String {
    format!("{}_{what}", engine.resource("OutboxSweeper"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even_and_cover_every_shard_once() {
        for (members, shards) in [(1, 5), (2, 5), (4, 5), (4, 20), (7, 3)] {
            let ids: Vec<String> = (0..members).map(|n| format!("m{n}")).collect();
            let shares: Vec<Share> = ids.iter().map(|id| Share::of(&ids, id, shards)).collect();
            let mut next = 0;
            for share in &shares {
                assert_eq!(share.first, next);
                assert!(share.count == shards / members || share.count == shards / members + 1);
                next += share.count;
            }
            assert_eq!(next, shards);
        }
    }

    #[test]
    fn the_number_of_a_shard_may_be_negative_and_the_topic_may_have_underscores() {
        assert_eq!(number_of("orders_placed_2"), Some(2));
        assert_eq!(number_of("orders_-1"), Some(-1));
        assert_eq!(number_of("orders"), None);
    }
}
