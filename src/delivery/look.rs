//! The look: learns which lanes have work from a few small pages, without reading the backlog.

use crate::delivery::order::{Order, Turn};
use crate::engine::Engine;
use crate::model::error::{ErrorCode, Result};
use crate::model::ticks::Ticks;
use crate::outbox::lane::{Group, Groups, Lane};
use crate::outbox::sightings::{Page, Range, Sighting, behind};
use std::collections::{BTreeMap, BTreeSet};

/// How many messages of the index a page shows.
const SHOWN: i32 = 25;
/// How many pages a look reads at most; the next one goes on there.
const MOST_PAGES: usize = 64;
/// In each look of so many, messages without a shard are looked for.
const UNSHARDED_EVERY: u64 = 12;

/// The times between which a message is not swept: younger than the minimum age, and not absurd.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) now: Ticks,
    /// Messages made until then are old enough.
    pub(crate) before: Ticks,
    /// Messages made later than this count as old: some clock was wrong.
    pub(crate) absurd: Ticks,
}

impl Times {
    pub(crate) fn of(engine: &Engine) -> Self {
        let now = Ticks::now();
        let ahead = engine.config.max_ahead;
        Self { now, before: crate::delivery::backlog::minimum_age(engine), absurd: now.plus(ahead) }
    }

    fn is_ripe(&self, sighting: &Sighting) -> bool {
        sighting.created <= self.before || sighting.created > self.absurd
    }
}

/// What a look saw of a lane.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// How many messages are due.
    pub(crate) due: u64,
    /// A page ended before it could show all.
    pub(crate) is_cut: bool,
    /// The shards that belong to no group of shards.
    pub(crate) other_shards: BTreeSet<String>,
    /// Messages without a shard.
    pub(crate) unsharded: Vec<Sighting>,
    /// How many wait.
    pub(crate) waiting: u64,
}

/// What a look saw.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) lanes: BTreeMap<Lane, Seen>,
    /// Messages of topics that no producer of this process serves.
    pub(crate) unserved: u64,
    pub(crate) unserved_topics: BTreeSet<String>,
}

/// Looks at the index of outstanding messages: at all topics, or at one.
pub(crate) fn look(engine: &Engine, topic: Option<&str>, times: Times) -> Result<View> {
    let groups = Groups::of(engine.outbox.shards());
    let mut view = View::default();
    match topic {
        Some(topic) => look_at_topic(engine, topic, &groups, times, &mut view)?,
        None => look_at_all(engine, &groups, times, &mut view)?,
    }
    view.lanes.retain(|lane, seen| {
        let is_served = engine.router.route(&lane.topic).is_some();
        if !is_served {
            view.unserved += seen.waiting + seen.due;
            if seen.waiting + seen.due > 0 {
                view.unserved_topics.insert(lane.topic.clone());
            }
        }
        is_served
    });
    Ok(view)
}

fn look_at_all(engine: &Engine, groups: &Groups, times: Times, view: &mut View) -> Result<()> {
    let (mut from, looks) = engine.sweeping.begin_look();
    let from_start = from.is_none();
    for page_number in 0..MOST_PAGES {
        let start = from.clone();
        let page = engine.run("looking for work", |outbox| async move { outbox.look_page(SHOWN, start).await });
        let page = match page {
            // A place that was made up is refused: from now on the pages follow each other.
            Err(error)
                if page_number > 0 && error.code() == ErrorCode::ServiceError && !engine.sweeping.looks_plainly() =>
            {
                engine.sweeping.look_plainly();
                from = None;
                continue;
            }
            page => page?,
        };
        let last = page.sightings.last().map(|sighting| sighting.topic_shard.to_string());
        let next = page.next.clone();
        see(page, groups, times, view);
        from = match (next, last) {
            (None, _) => None,
            (Some(next), Some(_)) if engine.sweeping.looks_plainly() => Some(next),
            (Some(_), Some(shard)) => Some(behind(&shard)),
            (next, None) => next,
        };
        if from.is_none() {
            break;
        }
    }
    let is_through = from.is_none();
    engine.sweeping.end_look(from);
    if !from_start && is_through {
        // It began somewhere in the middle: the beginning is the next look's.
        tracing::trace!(target: "postbox", "a look reached the end of the index");
    }
    if looks % UNSHARDED_EVERY == 0 {
        let page = engine.run("looking for work", |outbox| async move { outbox.unsharded_page(None).await })?;
        see(Page { next: None, ..page }, groups, times, view);
    }
    Ok(())
}

/// Asks each shard of the topic for its oldest messages, and for those of absurd times.
fn look_at_topic(engine: &Engine, topic: &str, groups: &Groups, times: Times, view: &mut View) -> Result<()> {
    let ranges = [Range::UpTo(times.before), Range::After(times.absurd)];
    let shards = groups.lanes(topic).into_iter().flat_map(|lane| groups.shards(&lane));
    let parts: Vec<(String, Range)> = shards.flat_map(|shard| ranges.map(|range| (shard.clone(), range))).collect();
    let mut failed = None;
    engine.run_each(
        "looking for work",
        parts,
        |outbox, (shard, range)| async move { outbox.shard_page(shard, range, SHOWN, None).await },
        |page: Option<Result<Page>>| match page {
            Some(Ok(page)) => see(page, groups, times, view),
            Some(Err(error)) => failed = Some(error),
            None => {}
        },
    )?;
    failed.map_or(Ok(()), Err)
}

/// Takes in a page. The last of its shards may have more.
fn see(page: Page, groups: &Groups, times: Times, view: &mut View) {
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
