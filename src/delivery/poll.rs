//! The poll of the index of outstanding messages. It reads a few small pages to find the lanes that have messages to
//! send, without reading the whole backlog.

use crate::delivery::order::{Order, Turn};
use crate::engine::Engine;
use crate::model::error::{ErrorCode, Result};
use crate::model::ticks::Ticks;
use crate::outbox::lane::{Group, Groups, Lane};
use crate::outbox::sightings::{Page, Range, Sighting, behind};
use std::collections::{BTreeMap, BTreeSet};

/// The number of messages in a page of the index.
const PAGE_SIZE: i32 = 25;
/// The maximum number of pages that one poll reads. The next poll continues after them.
const MAX_PAGES: usize = 64;
/// The interval at which a poll searches for messages without a shard, as a number of polls.
const UNSHARDED_EVERY: u64 = 12;

/// The times that decide whether a message is swept. A message that is younger than the minimum age is not swept,
/// unless its creation time is so far in the future that it must be wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) now: Ticks,
    /// Messages created at this time or before it are old enough.
    pub(crate) before: Ticks,
    /// Messages created later than this count as old enough, because the clock of their process was wrong.
    pub(crate) too_late: Ticks,
}

impl Times {
    pub(crate) fn of(engine: &Engine) -> Self {
        let now = Ticks::now();
        let ahead = engine.config.max_ahead;
        Self { now, before: crate::delivery::backlog::minimum_age(engine), too_late: now.plus(ahead) }
    }

    fn is_ripe(&self, sighting: &Sighting) -> bool {
        sighting.created <= self.before || sighting.created > self.too_late
    }
}

/// The messages of a lane that a poll found.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The number of messages that are due.
    pub(crate) due: u64,
    /// Whether a page ended before the last message of the lane.
    pub(crate) is_cut: bool,
    /// The shards that do not belong to any group of shards.
    pub(crate) other_shards: BTreeSet<String>,
    /// Messages without a shard.
    pub(crate) unsharded: Vec<Sighting>,
    /// The number of messages that wait.
    pub(crate) waiting: u64,
    /// The number of messages for which this process has no producer.
    pub(crate) unserved: u64,
}

/// The result of a poll.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) lanes: BTreeMap<Lane, Seen>,
    /// The topics that have messages and no producer in this process.
    pub(crate) unserved_topics: BTreeSet<String>,
}

/// Polls the index of outstanding messages, for all topics or for one. `keep` is called between requests and returns
/// whether to continue.
pub(crate) fn poll(engine: &Engine, topic: Option<&str>, times: Times, keep: &dyn Fn() -> bool) -> Result<View> {
    let groups = Groups::of(engine.outbox.shards());
    let mut view = View::default();
    match topic {
        Some(topic) => poll_topic(engine, topic, &groups, times, &mut view)?,
        None => poll_all(engine, &groups, times, keep, &mut view)?,
    }
    Ok(view)
}

fn poll_all(engine: &Engine, groups: &Groups, times: Times, keep: &dyn Fn() -> bool, view: &mut View) -> Result<()> {
    let (mut from, polls) = engine.sweeping.start_poll();
    for page_number in 0..MAX_PAGES {
        if !keep() {
            break;
        }
        let start = from.clone();
        let page =
            engine.run("finding lanes with work", |outbox| async move { outbox.poll_page(PAGE_SIZE, start).await });
        let page = match page {
            // DynamoDB rejects the start key that Postbox constructed to skip the rest of a shard. From now on, the
            // index is read page by page.
            Err(error)
                if page_number > 0
                    && error.code() == ErrorCode::ServiceError
                    && !engine.sweeping.reads_page_by_page() =>
            {
                engine.sweeping.read_page_by_page();
                from = None;
                continue;
            }
            // The lanes that were found before the error are swept. The next poll begins with the page that could not
            // be read.
            Err(error) if page_number > 0 => {
                tracing::debug!(target: "postbox", { error.message = error.message() }, "a page of the index could not be read");
                break;
            }
            page => page?,
        };
        let last = page.sightings.last().map(|sighting| sighting.topic_shard.to_string());
        let next = page.next.clone();
        add(engine, page, groups, times, view);
        from = match (next, last) {
            (None, _) => None,
            (Some(next), Some(_)) if engine.sweeping.reads_page_by_page() => Some(next),
            (Some(_), Some(shard)) => Some(behind(&shard)),
            (next, None) => next,
        };
        if from.is_none() {
            break;
        }
    }
    engine.sweeping.end_poll(from);
    if polls % UNSHARDED_EVERY == 0 && keep() {
        let page = engine.run("finding lanes with work", |outbox| async move { outbox.unsharded_page(None).await });
        match page {
            Ok(page) => add(engine, Page { next: None, ..page }, groups, times, view),
            Err(error) => {
                tracing::warn!(target: "postbox", { error.message = error.message() }, "messages without a shard could not be found");
            }
        }
    }
    Ok(())
}

/// Reads the oldest messages of each shard that the topic can have, and the messages whose creation time is too far in
/// the future.
fn poll_topic(engine: &Engine, topic: &str, groups: &Groups, times: Times, view: &mut View) -> Result<()> {
    let ranges = [Range::UpTo(times.before), Range::After(times.too_late)];
    let shards = engine.outbox.topic_shards(topic).into_iter();
    let parts: Vec<(String, Range)> = shards.flat_map(|shard| ranges.map(|range| (shard.clone(), range))).collect();
    let mut failed = None;
    engine.run_each(
        "finding lanes with work",
        parts,
        |outbox, (shard, range)| async move { outbox.shard_page(shard, range, PAGE_SIZE, None).await },
        |page: Option<Result<Page>>| match page {
            Some(Ok(page)) => add(engine, page, groups, times, view),
            Some(Err(error)) => failed = Some(error),
            None => {}
        },
    )?;
    failed.map_or(Ok(()), Err)
}

/// Adds a page to the result. The last shard of the page may have more messages.
fn add(engine: &Engine, page: Page, groups: &Groups, times: Times, view: &mut View) {
    let cut = page.next.is_some().then(|| page.sightings.last().map(|sighting| sighting.topic_shard.clone())).flatten();
    let mut orders: BTreeMap<Lane, Order> = BTreeMap::new();
    for sighting in page.sightings {
        let lane = groups.lane(&sighting.topic, &sighting.topic_shard);
        let seen = view.lanes.entry(lane.clone()).or_default();
        if lane.group == Group::Other && !sighting.topic_shard.is_empty() {
            seen.other_shards.insert(sighting.topic_shard.to_string());
        }
        if !times.is_ripe(&sighting) {
            continue;
        }
        if engine.router.route(&sighting.producer_topic).is_none() {
            seen.unserved += 1;
            let topic = &sighting.producer_topic;
            view.unserved_topics.insert(if topic.is_empty() { "(no topic)".to_owned() } else { topic.to_string() });
            continue;
        }
        seen.is_cut |= cut.as_ref() == Some(&sighting.topic_shard);
        match orders.entry(lane).or_insert_with(|| Order::new(times.now)).turn(&sighting) {
            Turn::Waits | Turn::Behind => seen.waiting += 1,
            Turn::Fresh | Turn::Retried => {
                seen.due += 1;
                if sighting.topic_shard.is_empty() {
                    seen.unsharded.push(sighting);
                }
            }
        }
    }
}
