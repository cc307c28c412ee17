//! The poll of the index of outstanding messages. It reads a few small pages to find the lanes that have messages to
//! send, without reading the whole backlog.

use crate::delivery::order::{Order, Turn};
use crate::engine::Engine;
use crate::engine::polling::{MAX_SEGMENTS, PAGE, PAGES_IN_SEQUENCE, SMALL_PAGE, UnshardedSearch};
use crate::engine::sweeping::Known;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::ticks::Ticks;
use crate::outbox::lane::{Group, Groups, Lane};
use crate::outbox::pages::PageStart;
use crate::outbox::sightings::{Page, Range, Segment, Sighting, behind};
use std::collections::{BTreeMap, BTreeSet};

/// The maximum number of pages that one poll reads. The next poll continues after them.
const MAX_PAGES: usize = 64;
/// The number of messages among which a poll searches for messages without a shard. The next search continues after
/// them.
const SEARCHED_AT_ONCE: i32 = 25;
/// The number of messages in a page of a search that reads all pages.
const SEARCHED_PAGE: i32 = 1000;
/// The name of the requests in errors and logs.
const FINDING: &str = "finding lanes with work";

/// The times that decide whether a message is swept. A message that is younger than the minimum age is not swept,
/// unless its creation time is so far in the future that it must be wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) now: Ticks,
    /// Messages created at this time or before it are old enough.
    pub(crate) before: Ticks,
    /// Messages created after this time are treated as old enough, because the clock of their process was wrong.
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
    /// The ids of the messages that are due.
    pub(crate) due: Vec<String>,
    /// The shards that may have more messages than the pages that were read.
    pub(crate) cut: BTreeSet<String>,
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

/// Reads the index of all topics. The last poll has determined the number of segments that are read in parallel.
fn poll_all(engine: &Engine, groups: &Groups, times: Times, keep: &dyn Fn() -> bool, view: &mut View) -> Result<()> {
    let starts = engine.polling.start();
    let unsharded = starts.unsharded.and_then(|search| search_unsharded(engine, search, keep));
    // The first poll also reads the index by topic if the search has found an empty index. One index may show a new
    // message before the other does, and a process that sweeps only once must find the message.
    let is_idle = unsharded.as_ref().is_some_and(|search| search.is_index_empty) && !starts.is_first;
    let mut reading = IndexReading::new(starts.segments, starts.page_size);
    if is_idle {
        reading.parts.iter_mut().for_each(|part| part.is_open = false);
    }
    while reading.is_open() && !reading.has_too_many_pages() && keep() {
        reading.read_pages(engine, |page| add(engine, page, groups, times, view))?;
    }
    if reading.is_open() && reading.has_too_many_pages() {
        let mut divided = IndexReading::new(vec![None; MAX_SEGMENTS], starts.page_size);
        let mut found = View::default();
        while divided.is_open() && keep() {
            divided.read_pages(engine, |page| add(engine, page, groups, times, &mut found))?;
        }
        view.complete_with(found);
        // If no segment could be read, the next poll continues after the pages that were read before.
        match divided.pages {
            0 => reading.failed = divided.failed,
            _ => reading = divided,
        }
    }
    if let Some(Search { page, .. }) = unsharded {
        add(engine, page, groups, times, view);
    }
    reading.end(engine)
}

impl View {
    /// Adds the lanes of a later view, which replace the lanes that both views contain.
    fn complete_with(&mut self, later: View) {
        self.lanes.extend(later.lanes);
        self.unserved_topics.extend(later.unserved_topics);
    }
}

/// A poll of the index of all topics.
struct IndexReading {
    parts: Vec<Part>,
    page_size: i32,
    /// The number of pages that were read.
    pages: usize,
    failed: Option<Error>,
}

/// The position of a poll in a segment of the index.
struct Part {
    segment: Segment,
    from: Option<PageStart>,
    /// Whether the segment has further pages for this poll.
    is_open: bool,
}

impl IndexReading {
    fn new(starts: Vec<Option<PageStart>>, page_size: i32) -> Self {
        let count = i32::try_from(starts.len()).unwrap_or(i32::MAX);
        let part = |(number, from)| Part { segment: Segment { number, count }, from, is_open: true };
        Self { parts: (0..count).zip(starts).map(part).collect(), page_size, pages: 0, failed: None }
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
        let (page_by_page, page_size) = (engine.polling.reads_page_by_page(), self.page_size);
        engine.run_each(
            FINDING,
            starts,
            |outbox, (segment, from)| async move { outbox.poll_page(page_size, segment, from).await },
            |page| {
                let Some(part) = parts.next() else { return };
                match page.unwrap_or_else(|| Err(engine.timed_out(FINDING))) {
                    Ok(page) => {
                        self.pages += 1;
                        part.advance(&page, page_by_page);
                        found(page);
                    }
                    // DynamoDB rejects the start key that Postbox constructed to skip the rest of a shard. From now on,
                    // the index is read page by page.
                    Err(error) if part.from.is_some() && error.code() == ErrorCode::ServiceError && !page_by_page => {
                        engine.polling.read_page_by_page();
                        part.from = None;
                    }
                    Err(error) => self.failed = Some(error),
                }
            },
        )
    }

    /// Notes the positions at which the next poll continues. The next poll begins with the pages that could not be read.
    /// Fails if no page could be read. Otherwise, the lanes that were found before an error are swept.
    fn end(self, engine: &Engine) -> Result<()> {
        match self.failed {
            Some(error) if self.pages == 0 => return Err(error),
            Some(error) if error.is_retryable() => {
                tracing::debug!(target: "postbox", { error.message = error.message() }, "a page of the index could not be read");
            }
            Some(error) => {
                tracing::warn!(target: "postbox", { error.message = error.message() }, "a page of the index could not be read");
            }
            None => {}
        }
        let is_complete = self.parts.iter().all(|part| !part.is_open);
        engine.polling.end(self.parts.into_iter().map(|part| part.from).collect(), self.pages, is_complete);
        Ok(())
    }
}

impl Part {
    /// Advances to the next page. The rest of a shard is skipped, unless the index is read page by page.
    fn advance(&mut self, page: &Page, page_by_page: bool) {
        let shard = page.sightings.last().map(|sighting| &sighting.topic_shard).filter(|_| !page_by_page);
        self.from = page.next.clone().map(|next| match shard {
            Some(shard) => next.skip_to(behind(shard)),
            None => next,
        });
        self.is_open = self.from.is_some();
    }
}

/// The result of a search for messages without a shard.
struct Search {
    page: Page,
    is_index_empty: bool,
}

/// Searches for messages without a shard, which the index by topic does not contain. As soon as such a message is found,
/// all pages are read, because the index that is searched has no order and messages with the same key must be sent in
/// order. Returns `None` if the search fails.
fn search_unsharded(engine: &Engine, search: UnshardedSearch, keep: &dyn Fn() -> bool) -> Option<Search> {
    if let UnshardedSearch::From(from) = search {
        let (page, searched) = search_page(engine, SEARCHED_AT_ONCE, from.clone())?;
        if page.sightings.is_empty() {
            let is_index_empty = from.is_none() && page.next.is_none() && searched == 0;
            engine.polling.searched(page.next, false);
            return Some(Search { page: Page::default(), is_index_empty });
        }
    }
    let (mut all, mut from, mut is_index_empty) = (Page::default(), None, true);
    for _ in 0..MAX_PAGES {
        let (page, searched) = search_page(engine, SEARCHED_PAGE, from)?;
        is_index_empty &= searched == 0;
        all.sightings.extend(page.sightings);
        from = page.next;
        if from.is_none() || !keep() {
            break;
        }
    }
    all.sightings.sort_by(|one, other| one.place().cmp(&other.place()));
    engine.polling.searched(None, !all.sightings.is_empty());
    Some(Search { page: all, is_index_empty })
}

fn search_page(engine: &Engine, limit: i32, from: Option<PageStart>) -> Option<(Page, i32)> {
    match engine.run(FINDING, |outbox| async move { outbox.unsharded_page(limit, from).await }) {
        Ok(found) => Some(found),
        Err(error) => {
            // A start key that DynamoDB rejects must not be used again.
            if !error.is_retryable() {
                engine.polling.searched(None, false);
            }
            tracing::warn!(target: "postbox", { error.message = error.message() }, "the search for messages without a shard failed");
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
    first_pages(engine, parts, PAGE, |page| match page {
        Ok(page) => add(engine, page, groups, times, view),
        Err(error) => failed = Some(error),
    })?;
    failed.map_or(Ok(()), Err)
}

/// Reads the first page of each of these ranges of shards, and passes the results on in order.
fn first_pages(
    engine: &Engine,
    parts: impl IntoIterator<Item = (String, Range)>,
    limit: i32,
    mut found: impl FnMut(Result<Page>),
) -> Result<()> {
    engine.run_each(
        FINDING,
        parts,
        |outbox, (shard, range)| async move { outbox.shard_page(shard, range, limit, None).await },
        |page| found(page.unwrap_or_else(|| Err(engine.timed_out(FINDING)))),
    )
}

/// A lane whose messages wait, and of which a poll has not seen all messages.
pub(crate) struct Quiet<'a> {
    pub(crate) known: &'a Known,
    /// The shards whose newest messages the poll has not seen.
    pub(crate) cut: &'a BTreeSet<String>,
}

/// Returns for each of these lanes whether it may have messages that are due and newer than the known ones.
pub(crate) fn have_news(engine: &Engine, lanes: &[Quiet<'_>], times: Times) -> Result<Vec<bool>> {
    let mut have = vec![false; lanes.len()];
    let of_lane = |(index, Quiet { known, cut }): (usize, &Quiet<'_>)| {
        let newer = Range::Between(known.read_to, times.before);
        cut.iter().map(|shard| (index, (shard.clone(), newer))).collect::<Vec<_>>()
    };
    let (indexes, parts): (Vec<usize>, Vec<_>) = lanes.iter().enumerate().flat_map(of_lane).unzip();
    let mut indexes = indexes.into_iter();
    first_pages(engine, parts, SMALL_PAGE, |page| {
        // A page that could not be read shows nothing, and is read again by the next poll.
        let (Some(index), Ok(page)) = (indexes.next(), page) else { return };
        let mut order = Order::new(times.now);
        for head in lanes[index].known.heads.iter().flatten() {
            if page.sightings.iter().all(|found| found.id != head.id) {
                order.turn(head);
            }
        }
        let mut served =
            page.sightings.iter().filter(|sighting| engine.router.route(&sighting.producer_topic).is_some());
        have[index] |= served.any(|sighting| matches!(order.turn(sighting), Turn::Fresh | Turn::Retried));
    })?;
    Ok(have)
}

/// Returns whether these shards have no message that is old enough to be sent. A shard that cannot be read counts as not
/// empty.
pub(crate) fn is_empty(engine: &Engine, shards: Vec<String>, times: Times) -> bool {
    let mut is_empty = true;
    let parts = shards.into_iter().map(|shard| (shard, Range::UpTo(times.before)));
    let read = first_pages(engine, parts, 1, |page| is_empty &= page.is_ok_and(|page| page.sightings.is_empty()));
    read.is_ok() && is_empty
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
        if cut.as_ref() == Some(&sighting.topic_shard) {
            seen.cut.insert(sighting.topic_shard.to_string());
        }
        match orders.entry(lane).or_insert_with(|| Order::new(times.now)).turn(&sighting) {
            Turn::Waits | Turn::Behind => seen.waiting += 1,
            Turn::Fresh | Turn::Retried => {
                seen.due.push(sighting.id.clone());
                if sighting.topic_shard.is_empty() {
                    seen.unsharded.push(sighting);
                }
            }
        }
    }
}
