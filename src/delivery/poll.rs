//! The poll of the index of outstanding messages. It reads a few small pages to find the lanes that have messages to
//! send, without reading the whole backlog.

use crate::delivery::order::{Order, Turn};
use crate::engine::Engine;
use crate::engine::polling::{MAX_SEGMENTS, PAGES_IN_SEQUENCE};
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::Item;
use crate::model::ticks::Ticks;
use crate::outbox::lane::{Group, Groups, Lane};
use crate::outbox::sightings::{Page, Range, Segment, Sighting, behind};
use crate::runtime::timed_out;
use std::collections::{BTreeMap, BTreeSet};

/// The number of messages in a page of the index.
const PAGE_SIZE: i32 = 25;
/// The maximum number of pages that one poll reads. The next poll continues after them.
const MAX_PAGES: usize = 64;
/// The number of messages among which a poll searches for messages without a shard. The next search continues after
/// them.
const SEARCHED_AT_ONCE: i32 = 200;
/// The name of the requests in errors and logs.
const FINDING: &str = "finding lanes with work";

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

/// Reads the index of all topics, in as many segments at the same time as the last poll has suggested.
fn poll_all(engine: &Engine, groups: &Groups, times: Times, keep: &dyn Fn() -> bool, view: &mut View) -> Result<()> {
    let starts = engine.polling.start();
    let unsharded = starts.unsharded.and_then(|from| search_unsharded(engine, from));
    // The first poll reads both indexes, because a process that sweeps only once must not depend on the faster one.
    let is_idle = unsharded.as_ref().is_some_and(|search| search.is_index_empty) && !starts.is_first;
    let mut reading = IndexReading::new(starts.segments);
    if !is_idle {
        while reading.is_open() && keep() {
            if reading.has_too_many_pages() {
                reading = IndexReading::new(vec![None; MAX_SEGMENTS]);
                *view = View::default();
            }
            reading.read_pages(engine, |page| add(engine, page, groups, times, view))?;
        }
        reading.check()?;
    }
    let IndexReading { parts, pages, .. } = reading;
    engine.polling.end(parts.into_iter().map(|part| part.from).collect(), pages);
    if let Some(Search { page, .. }) = unsharded {
        add(engine, page, groups, times, view);
    }
    Ok(())
}

/// A poll of the index of all topics.
struct IndexReading {
    parts: Vec<Part>,
    /// The number of pages that were read.
    pages: usize,
    failed: Option<Error>,
}

/// The position of a poll in a segment of the index.
struct Part {
    segment: Segment,
    from: Option<Item>,
    /// Whether the segment has further pages for this poll.
    is_open: bool,
}

impl IndexReading {
    fn new(starts: Vec<Option<Item>>) -> Self {
        let count = i32::try_from(starts.len()).unwrap_or(i32::MAX);
        let part = |(number, from)| Part { segment: Segment { number, count }, from, is_open: true };
        Self { parts: (0..count).zip(starts).map(part).collect(), pages: 0, failed: None }
    }

    fn is_open(&self) -> bool {
        self.failed.is_none() && self.pages < MAX_PAGES && self.parts.iter().any(|part| part.is_open)
    }

    /// Returns whether the pages of an index that was not divided take too long to be read one after another.
    fn has_too_many_pages(&self) -> bool {
        self.parts.len() == 1 && self.pages >= PAGES_IN_SEQUENCE
    }

    /// Reads the next page of each segment, and passes the pages on.
    fn read_pages(&mut self, engine: &Engine, mut found: impl FnMut(Page)) -> Result<()> {
        let open = self.parts.iter_mut().filter(|part| part.is_open).take(MAX_PAGES - self.pages);
        let mut open: Vec<&mut Part> = open.collect();
        let starts: Vec<_> = open.iter().map(|part| (part.segment, part.from.clone())).collect();
        let mut parts = open.iter_mut();
        engine.run_each(
            FINDING,
            starts,
            |outbox, (segment, from)| async move { outbox.poll_page(PAGE_SIZE, segment, from).await },
            |page| {
                let Some(part) = parts.next() else { return };
                match page.unwrap_or_else(|| Err(timed_out(FINDING, engine.operation_timeout()))) {
                    Ok(page) => {
                        self.pages += 1;
                        part.advance(&page, engine.polling.reads_page_by_page());
                        found(page);
                    }
                    // DynamoDB rejects the start key that Postbox constructed to skip the rest of a shard. From now on,
                    // the index is read page by page.
                    Err(error)
                        if part.from.is_some()
                            && error.code() == ErrorCode::ServiceError
                            && !engine.polling.reads_page_by_page() =>
                    {
                        engine.polling.read_page_by_page();
                        part.from = None;
                    }
                    Err(error) => self.failed = Some(error),
                }
            },
        )
    }

    /// Fails if no page could be read. Otherwise, the lanes that were found before an error are swept, and the next
    /// poll begins with the page that could not be read.
    fn check(&mut self) -> Result<()> {
        match self.failed.take() {
            Some(error) if self.pages == 0 => Err(error),
            Some(error) => {
                tracing::debug!(target: "postbox", { error.message = error.message() }, "a page of the index could not be read");
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Part {
    /// Advances to the next page. The rest of a shard is skipped, unless the index is read page by page.
    fn advance(&mut self, page: &Page, page_by_page: bool) {
        let shard = page.sightings.last().map(|sighting| &sighting.topic_shard).filter(|_| !page_by_page);
        self.from = page.next.as_ref().map(|next| shard.map_or_else(|| next.clone(), |shard| behind(shard)));
        self.is_open = self.from.is_some();
    }
}

/// The result of a search for messages without a shard.
struct Search {
    page: Page,
    is_index_empty: bool,
}

/// Searches for messages without a shard, which the index by topic does not contain. Returns `None` if the search fails.
fn search_unsharded(engine: &Engine, from: Option<Item>) -> Option<Search> {
    let is_start = from.is_none();
    let found = engine.run(FINDING, |outbox| async move { outbox.unsharded_page(SEARCHED_AT_ONCE, from).await });
    match found {
        Ok((mut page, searched)) => {
            let next = page.next.take();
            let is_index_empty = is_start && next.is_none() && searched == 0;
            engine.polling.searched(next);
            Some(Search { page, is_index_empty })
        }
        Err(error) => {
            tracing::warn!(target: "postbox", { error.message = error.message() }, "messages without a shard could not be found");
            None
        }
    }
}

/// Reads the oldest messages of each shard that the topic can have, and the messages whose creation time is too far in
/// the future.
fn poll_topic(engine: &Engine, topic: &str, groups: &Groups, times: Times, view: &mut View) -> Result<()> {
    let ranges = [Range::UpTo(times.before), Range::After(times.too_late)];
    let shards = engine.outbox.topic_shards(topic).into_iter();
    let parts: Vec<(String, Range)> = shards.flat_map(|shard| ranges.map(|range| (shard.clone(), range))).collect();
    let mut failed = None;
    engine.run_each(
        FINDING,
        parts,
        |outbox, (shard, range)| async move { outbox.shard_page(shard, range, PAGE_SIZE, None).await },
        |page: Option<Result<Page>>| match page {
            Some(Ok(page)) => add(engine, page, groups, times, view),
            Some(Err(error)) => failed = Some(error),
            None => failed = Some(timed_out(FINDING, engine.operation_timeout())),
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
