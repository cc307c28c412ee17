//! The messages of a lane in the order of time: its shards, each read page by page and ahead, and merged.

use crate::engine::Engine;
use crate::model::error::Result;
use crate::model::item::Item;
use crate::outbox::sightings::{Page, Range, Sighting};
use crate::runtime::{Call, Task};
use crate::sys::simulation::{Mutation, mutated};
use std::collections::VecDeque;
use std::sync::Arc;
use tracing::Instrument;

/// A page has so many messages at most, as long as it can be read.
const MOST: i32 = 1000;
/// With fewer than this left of a page, the next one is asked for.
const AHEAD: usize = 100;
/// A page that cannot be read even when it is so small makes its shard wait.
const FEWEST: i32 = 10;

/// The messages of some shards, merged.
pub(crate) struct Source<'a> {
    engine: &'a Engine,
    call: &'a Call<'a>,
    parts: Vec<Part>,
    /// A shard could not be read to its end: keys may have older messages in it.
    pub(crate) is_incomplete: bool,
}

/// A shard, or a part of its time.
struct Part {
    shard: String,
    range: Range,
    found: VecDeque<Sighting>,
    from: Option<Item>,
    is_at_end: bool,
    limit: i32,
    request: Option<Task<Result<Page>>>,
}

impl<'a> Source<'a> {
    /// Reads these parts of shards, beside what was found already.
    pub(crate) fn new(
        engine: &'a Engine,
        call: &'a Call<'a>,
        shards: impl IntoIterator<Item = (String, Range)>,
        mut found: Vec<Sighting>,
    ) -> Self {
        let part = |(shard, range)| Part {
            shard,
            range,
            found: VecDeque::new(),
            from: None,
            is_at_end: false,
            limit: MOST,
            request: None,
        };
        let mut parts: Vec<Part> = shards.into_iter().map(part).collect();
        found.sort_by(|one, other| one.place().cmp(&other.place()));
        if let Some(first) = found.first() {
            let (shard, range) = (first.topic_shard.to_string(), Range::UpTo(first.created));
            let known = Part { found: found.into(), is_at_end: true, ..part((shard, range)) };
            parts.push(known);
        }
        Self { engine, call, parts, is_incomplete: false }
    }

    /// Returns the oldest message that was not returned before. `keep` is asked between requests and says whether to
    /// go on.
    pub(crate) fn next(&mut self, keep: &dyn Fn() -> bool) -> Option<Sighting> {
        for index in 0..self.parts.len() {
            self.ask(index, 0);
        }
        for index in 0..self.parts.len() {
            while self.parts[index].found.is_empty() && !self.parts[index].is_at_end {
                if !mutated(Mutation::RenewedOnlyToSend) && !keep() {
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

    /// Asks for the next page of a part of which so few are left.
    fn ask(&mut self, index: usize, left: usize) {
        let part = &mut self.parts[index];
        if part.is_at_end || part.request.is_some() || part.found.len() > left {
            return;
        }
        let (outbox, shard, range) = (Arc::clone(&self.engine.outbox), part.shard.clone(), part.range);
        let (limit, from) = (part.limit, part.from.clone());
        let read = async move { outbox.shard_page(shard, range, limit, from).await }
            .instrument(self.engine.request_span("finding outstanding messages"));
        part.request = Some(self.engine.runtime.start_task(self.call, self.engine.operation_timeout(), read));
    }

    /// Waits for the page that was asked for. One that cannot be read is asked for again, in half its size.
    fn receive(&mut self, index: usize) {
        let part = &mut self.parts[index];
        match part.request.take().map(Task::wait) {
            Some(Some(Ok(page))) => {
                part.found.extend(page.sightings);
                part.is_at_end = page.next.is_none();
                part.from = page.next;
            }
            failed => {
                part.limit /= 2;
                if part.limit < FEWEST {
                    let why = match failed {
                        Some(Some(Err(error))) => error.message().to_owned(),
                        _ => "no answer within operation_timeout_ms".to_owned(),
                    };
                    tracing::warn!(target: "postbox", { shard = %part.shard, error.message = %why }, "a shard could not be read and waits");
                    part.is_at_end = true;
                    self.is_incomplete = true;
                }
            }
        }
    }
}
