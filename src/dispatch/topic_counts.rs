//! What the outbox holds, counted by topic.

use crate::engine::Engine;
use crate::error::Result;
use crate::outbox::item::MessageState;
use crate::ticks::Ticks;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// How many messages of a topic there are, by state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicCount {
    /// The topic.
    pub topic: String,
    /// Messages not yet sent.
    pub outstanding: u64,
    /// When the oldest of them was made.
    pub oldest: Option<SystemTime>,
    /// Messages that were sent; 0 if only outstanding ones were counted.
    pub dispatched: u64,
    /// Messages set aside; 0 if only outstanding ones were counted.
    pub parked: u64,
}

/// Counts page after page, each with the operation timeout, in the order of the topics' names.
pub(crate) fn count_topics(engine: &Engine, whole_table: bool) -> Result<Vec<TopicCount>> {
    let mut topics: BTreeMap<String, TopicCount> = BTreeMap::new();
    let mut from = None;
    loop {
        let start = from.take();
        let (places, next) =
            engine.run("counting by topic", |outbox| async move { outbox.places_page(whole_table, start).await })?;
        for place in places {
            let count = topics.entry(place.topic).or_default();
            match place.state {
                MessageState::Outstanding => {
                    count.outstanding += 1;
                    let made = place.created.map(Ticks::to_system_time);
                    count.oldest = count.oldest.into_iter().chain(made).min();
                }
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
