//! Which messages are outstanding: from the indexes that hold nothing else, so that the cost
//! grows with what is outstanding and not with the table.

use crate::model::error::Result;
use crate::model::item::{AttributeValue, Item};
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::deposit::all_in_order;
use crate::outbox::item::attribute::{MESSAGE_ID, OUTSTANDING_CREATED_TIME, TOPIC_SHARD};
use crate::outbox::item::{number, text};
use crate::outbox::shard::MAX_SHARDS;
use crate::sdk::failure::explain;
use aws_sdk_dynamodb::types::Select;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

const BY_TOPIC: &str = "Outstanding";
const ALL_TOPICS: &str = "OutstandingAllTopics";

/// Into how many parts the index is divided that is scanned. At least one, whatever is asked for.
const SEGMENTS: i32 = 4;

/// A message as the index shows it, which may lag behind the table. Older ones are less.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sighting {
    pub(crate) created: Ticks,
    pub(crate) id: String,
    /// Empty on an item that lacks its shard.
    pub(crate) topic: Arc<str>,
}

/// The oldest of the messages that were seen, as many as were asked for.
#[derive(Debug, Default)]
pub(crate) struct Oldest {
    seen: BinaryHeap<Sighting>,
    most: usize,
    /// Only those that come after this one.
    after: Option<Sighting>,
    /// Whether there were more.
    more: bool,
}

impl Oldest {
    pub(crate) fn new(most: usize, after: Option<Sighting>) -> Self {
        Self { most, after, ..Self::default() }
    }

    pub(crate) fn see(&mut self, sighting: Sighting) {
        if self.after.as_ref().is_some_and(|after| sighting <= *after) {
            return;
        }
        self.seen.push(sighting);
        if self.seen.len() > self.most {
            self.seen.pop();
            self.more = true;
        }
    }

    /// Where to look for the next ones, if there were more.
    pub(crate) fn next(&self) -> Option<Sighting> {
        self.seen.peek().filter(|_| self.more).cloned()
    }

    /// All of them, oldest first.
    pub(crate) fn into_sorted(self) -> Vec<Sighting> {
        self.seen.into_sorted_vec()
    }
}

/// A part of an index that is being read, page by page. It belongs to the call that made it.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    what: What,
    before: Ticks,
    from: Option<Item>,
}

#[derive(Clone, Debug)]
enum What {
    Segment(i32),
    TopicShard(String),
}

/// One page of a part.
pub(crate) struct Page {
    pub(crate) sightings: Vec<Sighting>,
    /// The topics and shards that they are in.
    pub(crate) topic_shards: BTreeSet<String>,
    /// How many there are, also where they are only counted.
    pub(crate) count: u64,
    pub(crate) rest: Option<Part>,
}

impl Outbox {
    /// The parts in which the messages outstanding before this time can be found: of one topic,
    /// or of all.
    pub(crate) fn outstanding_parts(&self, topic: Option<&str>, before: Ticks) -> Vec<Part> {
        let segment = |segment| Part { what: What::Segment(segment), before, from: None };
        match topic {
            None => (0..SEGMENTS).map(segment).collect(),
            Some(topic) => self.shard_parts(self.topic_shards(topic), before),
        }
    }

    /// The parts of these shards of topics, named `{topic}_{shard}`.
    pub(crate) fn shard_parts(&self, shards: impl IntoIterator<Item = String>, before: Ticks) -> Vec<Part> {
        let part = |shard| Part { what: What::TopicShard(shard), before, from: None };
        shards.into_iter().map(part).collect()
    }

    /// Returns every shard that a topic can have: the number of shards may have been another one, and Brighter uses
    /// negative ones for some keys, which it does not search itself.
    pub(crate) fn topic_shards(&self, topic: &str) -> Vec<String> {
        (1 - MAX_SHARDS..MAX_SHARDS).map(|shard| format!("{topic}_{shard}")).collect()
    }

    /// The next page of each part, all at once; with `count_only`, without the messages.
    pub(crate) async fn next_pages(self: Arc<Self>, parts: Vec<Part>, count_only: bool) -> Vec<Result<Page>> {
        let at_once = parts.len().max(1);
        let reads = parts.into_iter().map(|part| {
            let outbox = Arc::clone(&self);
            async move { outbox.next_page(part, count_only).await }
        });
        all_in_order(reads, at_once.min(SEGMENTS as usize * 2)).await
    }

    async fn next_page(&self, part: Part, count_only: bool) -> Result<Page> {
        let (items, count, last) = match &part.what {
            What::Segment(segment) => self.scan(*segment, &part, count_only).await?,
            What::TopicShard(shard) => self.query(shard, &part, count_only).await?,
        };
        let mut topics = BTreeSet::new();
        Ok(Page {
            sightings: items.iter().filter_map(|item| sighting(item, &mut topics)).collect(),
            topic_shards: items.iter().filter_map(|item| item.get(TOPIC_SHARD)?.as_s().ok().cloned()).collect(),
            count,
            rest: last.filter(|key| !key.is_empty()).map(|key| Part { from: Some(key), ..part }),
        })
    }

    async fn scan(&self, segment: i32, part: &Part, count_only: bool) -> Result<(Vec<Item>, u64, Option<Item>)> {
        let request = self
            .client
            .scan()
            .table_name(&self.table)
            .index_name(ALL_TOPICS)
            .segment(segment)
            .total_segments(SEGMENTS)
            .filter_expression(format!("{OUTSTANDING_CREATED_TIME} <= :before"))
            .expression_attribute_values(":before", number(part.before.raw()))
            .set_exclusive_start_key(part.from.clone());
        let request = if count_only {
            request.select(Select::Count)
        } else {
            request.projection_expression(format!("{MESSAGE_ID}, {OUTSTANDING_CREATED_TIME}, {TOPIC_SHARD}"))
        };
        let answer = request.send().await.map_err(|failure| explain("Scan", &self.index(ALL_TOPICS), failure))?;
        Ok((answer.items.unwrap_or_default(), counted(answer.count), answer.last_evaluated_key))
    }

    async fn query(&self, shard: &str, part: &Part, count_only: bool) -> Result<(Vec<Item>, u64, Option<Item>)> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_TOPIC)
            .key_condition_expression(format!("{TOPIC_SHARD} = :shard AND {OUTSTANDING_CREATED_TIME} <= :before"))
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":before", number(part.before.raw()))
            .set_exclusive_start_key(part.from.clone());
        let request = if count_only {
            request.select(Select::Count)
        } else {
            request.projection_expression(format!("{MESSAGE_ID}, {OUTSTANDING_CREATED_TIME}, {TOPIC_SHARD}"))
        };
        let answer = request.send().await.map_err(|failure| explain("Query", &self.index(BY_TOPIC), failure))?;
        Ok((answer.items.unwrap_or_default(), counted(answer.count), answer.last_evaluated_key))
    }

    pub(crate) fn index(&self, name: &str) -> String {
        format!("index {name} of table {}", self.table)
    }
}

fn counted(count: i32) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// What the index shows of an item. The key of the index makes time and id sure to be there. The
/// sightings of a page share the names of their topics.
fn sighting(item: &Item, topics: &mut BTreeSet<Arc<str>>) -> Option<Sighting> {
    let shard = item.get(TOPIC_SHARD).and_then(|shard| shard.as_s().ok());
    let name = shard.and_then(|shard| shard.rsplit_once('_')).map_or("", |(topic, _)| topic);
    let topic = topics.get(name).cloned().unwrap_or_else(|| Arc::from(name));
    topics.insert(Arc::clone(&topic));
    match (item.get(MESSAGE_ID)?, item.get(OUTSTANDING_CREATED_TIME)?) {
        (AttributeValue::S(id), AttributeValue::N(created)) => Some(Sighting {
            // A time that is none sorts first, so that the item is found out soon.
            created: created.parse().ok().and_then(Ticks::from_raw).unwrap_or(Ticks::FIRST),
            id: id.clone(),
            topic,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_kept_in_order() {
        let find = |after| {
            let mut oldest = Oldest::new(2, after);
            for (created, id) in [(3, "c"), (1, "b"), (2, "d"), (1, "a"), (3, "e")] {
                oldest.see(Sighting { created: Ticks::from_raw(created).unwrap(), id: id.into(), topic: "".into() });
            }
            (oldest.next(), oldest.into_sorted().into_iter().map(|it| it.id).collect::<Vec<_>>())
        };
        let (next, ids) = find(None);
        assert_eq!(ids, ["a", "b"]);
        let (next, ids) = find(next);
        assert_eq!(ids, ["d", "c"]);
        let (next, ids) = find(next);
        assert_eq!((next, ids), (None, vec!["e".to_string()]));
    }
}
