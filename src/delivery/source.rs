//! The messages of a lane in the order of their creation times. The shards of the lane are read page by page, in
//! advance, and merged.

use crate::engine::Engine;
use crate::model::error::{Error, Result};
use crate::outbox::pages::PageStart;
use crate::outbox::sightings::{Page, Range, Sighting};
use crate::runtime::{Call, Task};
use crate::sys::simulation::{Mutation, mutated};
use std::collections::VecDeque;
use std::sync::Arc;
use tracing::Instrument;

/// The maximum number of messages of a page. It is halved when a page cannot be read.
const MAX_PAGE: i32 = 1000;
/// The next page is requested when this number of messages remains.
const AHEAD: usize = 100;
/// The name of the requests in errors and logs.
const FINDING: &str = "finding outstanding messages";
/// The minimum number of messages of a page. If such a page cannot be read, its shard waits for the next sweep.
const MIN_PAGE: i32 = 10;

/// A merged sequence of the messages of some shards.
pub(crate) struct Source<'a> {
    engine: &'a Engine,
    call: &'a Call,
    parts: Vec<Part>,
    /// Whether a shard could not be read to its end, so that the lane may have more messages that are due.
    pub(crate) is_incomplete: bool,
    /// The first error for which a shard could not be read.
    pub(crate) failed: Option<Error>,
}

/// A range of creation times in one shard.
struct Part {
    shard: String,
    range: Range,
    found: VecDeque<Sighting>,
    from: Option<PageStart>,
    is_at_end: bool,
    limit: i32,
    request: Option<Task<Result<Page>>>,
}

impl<'a> Source<'a> {
    /// Creates a source from these ranges of shards and from the messages that were already found.
    pub(crate) fn new(
        engine: &'a Engine,
        call: &'a Call,
        shards: impl IntoIterator<Item = (String, Range)>,
        mut found: Vec<Sighting>,
    ) -> Self {
        let part = |(shard, range)| Part {
            shard,
            range,
            found: VecDeque::new(),
            from: None,
            is_at_end: false,
            limit: MAX_PAGE,
            request: None,
        };
        let mut parts: Vec<Part> = shards.into_iter().map(part).collect();
        found.sort_by(|one, other| one.place().cmp(&other.place()));
        if let Some(first) = found.first() {
            let (shard, range) = (first.topic_shard.to_string(), Range::UpTo(first.created));
            let known = Part { found: found.into(), is_at_end: true, ..part((shard, range)) };
            parts.push(known);
        }
        Self { engine, call, parts, is_incomplete: false, failed: None }
    }

    /// Returns the oldest message that has not been returned yet. `keep` is called between requests and returns whether
    /// to continue.
    pub(crate) fn next(&mut self, keep: &dyn Fn() -> bool) -> Option<Sighting> {
        for index in 0..self.parts.len() {
            self.ask(index, 0);
        }
        for index in 0..self.parts.len() {
            while self.parts[index].found.is_empty() && !self.parts[index].is_at_end {
                if !mutated(Mutation::RenewedOnlyToSend) && !keep() {
                    self.is_incomplete = true;
                    return None;
                }
                self.ask(index, 0);
                self.receive(index);
            }
        }
        let oldest = self
            .parts
            .iter()
            .enumerate()
            .filter_map(|(index, part)| Some((part.found.front()?.place(), index)))
            .min()
            .map(|(_, index)| index)?;
        let next = self.parts[oldest].found.pop_front();
        self.ask(oldest, AHEAD);
        next
    }

    /// Requests the next page of a part if at most `left` messages of its last page remain.
    // The future takes stack in each function into which this one is inlined.
    #[inline(never)]
    fn ask(&mut self, index: usize, left: usize) {
        let part = &mut self.parts[index];
        if part.is_at_end || part.request.is_some() || part.found.len() > left {
            return;
        }
        let (outbox, shard, range) = (Arc::clone(&self.engine.outbox), part.shard.clone(), part.range);
        let (limit, from) = (part.limit, part.from.clone());
        let read = async move { outbox.shard_page(shard, range, limit, from).await }
            .instrument(self.engine.request_span(FINDING));
        part.request = Some(self.engine.runtime.start_task(self.call, self.engine.operation_timeout(), read));
    }

    /// Waits for the requested page. If it could not be read, a page of half its size is requested next, because a
    /// large page may take too long or be throttled.
    fn receive(&mut self, index: usize) {
        let part = &mut self.parts[index];
        let read = part.request.take().and_then(Task::wait).unwrap_or_else(|| Err(self.engine.timed_out(FINDING)));
        match read {
            Ok(page) => {
                part.found.extend(page.sightings);
                part.is_at_end = page.next.is_none();
                part.from = page.next;
            }
            Err(error) => {
                part.limit /= 2;
                if part.limit < MIN_PAGE || error.fails_at_any_size() {
                    tracing::warn!(target: "postbox", { shard = %part.shard, error.message = error.message() }, "a shard could not be read and waits");
                    part.is_at_end = true;
                    self.is_incomplete = true;
                    self.failed.get_or_insert(error);
                }
            }
        }
    }
}
