//! Counts of the outstanding messages.

use crate::engine::Engine;
use crate::model::error::{Error, Result};
use crate::model::stats::{CountScope, OutstandingCount, TopicCount};
use crate::model::stored_message::MessageState;
use crate::model::ticks::Ticks;
use crate::outbox::counts::MessagePlace;
use crate::outbox::outstanding::Part;
use crate::sys::clock;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// Returns the time before which a message must have been created to be old enough for a sweep.
pub(crate) fn minimum_age(engine: &Engine) -> Ticks {
    let age = engine.config.sweep_min_age;
    Ticks::from(clock::system_time().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH))
}

/// Counts the outstanding messages of one topic or of all topics, and finds the creation time of the oldest message.
pub(crate) fn count_outstanding(engine: &Engine, topic: Option<&str>) -> Result<OutstandingCount> {
    let (mut count, mut count_then) = (0, 0);
    let mut oldest: Option<Ticks> = None;
    let (began, change_then) = (Ticks::next(), engine.outbox.outstanding_change());
    let parts = engine.outbox.outstanding_parts(topic, Ticks::LAST);
    read_parts(engine, parts, false, |page| {
        count += page.count;
        // This process counts its own deposits during the count separately.
        count_then += page.created.iter().filter(|created| **created <= began).count() as u64;
        oldest = page.created.into_iter().chain(oldest).min();
    })?;
    let counted =
        OutstandingCount { count, oldest: oldest.map(Ticks::to_system_time), counted_at: clock::system_time() };
    if topic.is_none() {
        engine.counted(counted, count_then, change_then);
    }
    Ok(counted)
}

/// Counts the outstanding messages for `max_outstanding`, without reading them.
pub(crate) fn refresh_count(engine: &Engine) -> Result<()> {
    let mut count = 0;
    let (began, change_then) = (Ticks::next(), engine.outbox.outstanding_change());
    read_parts(engine, engine.outbox.outstanding_parts(None, began), true, |page| count += page.count)?;
    engine.counted(OutstandingCount { count, oldest: None, counted_at: clock::system_time() }, count, change_then);
    Ok(())
}

/// Counts the messages of each topic, sorted by topic. The operation timeout applies to each page.
pub(crate) fn count_topics(engine: &Engine, scope: CountScope) -> Result<Vec<TopicCount>> {
    let mut topics: BTreeMap<String, TopicCount> = BTreeMap::new();
    let (mut from, now) = (None, Ticks::now());
    let latest = now.plus(engine.config.max_ahead);
    loop {
        let start = from.take();
        let (places, next) = engine.run("counting by topic", |outbox| async move {
            outbox.places_page(scope == CountScope::All, start).await
        })?;
        for place in places {
            let count = topics.entry(place.topic.clone()).or_default();
            match place.state {
                MessageState::Outstanding => add_outstanding(count, place, now, latest),
                MessageState::Dispatched => count.dispatched += 1,
                MessageState::Parked => count.parked += 1,
            }
        }
        match next {
            None => return Ok(topics.into_iter().map(|(topic, count)| TopicCount { topic, ..count }).collect()),
            next => from = next,
        }
    }
}

fn add_outstanding(count: &mut TopicCount, place: MessagePlace, now: Ticks, latest: Ticks) {
    let earliest = |known: Option<SystemTime>, other: Option<Ticks>| {
        known.into_iter().chain(other.map(Ticks::to_system_time)).min()
    };
    let fate = place.fate;
    count.outstanding += 1;
    count.oldest = earliest(count.oldest, place.created);
    if fate.is_waiting(now) {
        count.waiting += 1;
        count.next_attempt = earliest(count.next_attempt, fate.next_attempt);
    }
    if let Some(first) = fate.failures(now).first {
        count.failing += 1;
        if count.failing_since.is_none_or(|since| first.to_system_time() < since) {
            (count.failing_since, count.last_error) = (Some(first.to_system_time()), place.last_error);
        }
    }
    if fate.has_invalid_wait(now) || place.created.is_some_and(|created| created > latest) {
        count.invalid_times += 1;
    }
}

/// Reads parts of an index to their end, one page of each part at a time. The operation timeout applies to each page.
pub(crate) fn read_parts(
    engine: &Engine,
    mut parts: Vec<Part>,
    count_only: bool,
    mut each: impl FnMut(crate::outbox::outstanding::Page),
) -> Result<()> {
    while !parts.is_empty() {
        let round = std::mem::take(&mut parts);
        let pages = engine.run("finding outstanding messages", |outbox| async move {
            Ok::<_, Error>(outbox.next_pages(round, count_only).await)
        })?;
        for page in pages {
            let mut page = page?;
            parts.extend(page.rest.take());
            each(page);
        }
    }
    Ok(())
}
