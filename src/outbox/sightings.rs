//! Outstanding messages as the indexes show them, a page at a time. An index may lag behind the table.

use crate::model::error::Result;
use crate::model::fate::Fate;
use crate::model::item::{AttributeValue, Item};
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::attribute::{
    ACCEPTED_AT, DISPATCH_ATTEMPTS, FIRST_FAILED_AT, MESSAGE_ID, NEXT_ATTEMPT_AT, OUTSTANDING_CREATED_TIME, TOPIC_SHARD,
};
use crate::outbox::item::{message_id, number, text};
use crate::outbox::state::{fate, ticks};
use crate::sdk::failure::explain;
use std::sync::Arc;

const BY_TOPIC: &str = "Outstanding";
const ALL_TOPICS: &str = "OutstandingAllTopics";
/// The largest number that DynamoDB knows: no time is later.
const AFTER_ALL_TIMES: &str = "9.9999999999999999999999999999999999999E+125";
/// How many messages of a shard a page shows at most.
const MOST_SHOWN: i32 = 1000;

/// A message as the index shows it. Older ones are less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) created: Ticks,
    pub(crate) id: String,
    pub(crate) topic: Arc<str>,
    /// Empty on an item that lacks it.
    pub(crate) topic_shard: Arc<str>,
    /// Empty if there is none.
    pub(crate) key: String,
    pub(crate) fate: Fate,
}

impl Sighting {
    /// Returns what orders messages: first the time, then the id.
    pub(crate) fn place(&self) -> (Ticks, &str) {
        (self.created, &self.id)
    }
}

/// A page of sightings.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) sightings: Vec<Sighting>,
    /// Where the next page begins; `None` after the last one.
    pub(crate) next: Option<Item>,
}

/// The messages of a shard that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// Those made at this time or before.
    UpTo(Ticks),
    /// Those made after it.
    After(Ticks),
}

impl Outbox {
    /// Reads a page of so many messages of any topic, in the index's own order of shards; within a shard, oldest
    /// first.
    pub(crate) async fn look_page(&self, limit: i32, from: Option<Item>) -> Result<Page> {
        let answer = self
            .client
            .scan()
            .table_name(&self.table)
            .index_name(BY_TOPIC)
            .projection_expression(projection())
            .limit(limit)
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(|failure| explain("Scan", &self.index(BY_TOPIC), failure))?;
        Ok(page(answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// Reads a page of the messages of a shard of a topic, oldest first.
    pub(crate) async fn shard_page(&self, shard: String, range: Range, limit: i32, from: Option<Item>) -> Result<Page> {
        let (comparison, time) = match range {
            Range::UpTo(time) => ("<=", time),
            Range::After(time) => (">", time),
        };
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_TOPIC)
            .key_condition_expression(format!(
                "{TOPIC_SHARD} = :shard AND {OUTSTANDING_CREATED_TIME} {comparison} :time"
            ))
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":time", number(time.raw()))
            .projection_expression(projection())
            .limit(limit.min(MOST_SHOWN))
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(|failure| explain("Query", &self.index(BY_TOPIC), failure))?;
        Ok(page(answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// Reads a page of the messages that lack their shard, so that they are in no other index, in no order.
    pub(crate) async fn unsharded_page(&self, from: Option<Item>) -> Result<Page> {
        let answer = self
            .client
            .scan()
            .table_name(&self.table)
            .index_name(ALL_TOPICS)
            .filter_expression(format!("attribute_not_exists({TOPIC_SHARD})"))
            .projection_expression(projection())
            .limit(MOST_SHOWN)
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(|failure| explain("Scan", &self.index(ALL_TOPICS), failure))?;
        Ok(page(answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}

/// Returns the place behind all messages of a shard, where a page of [`Outbox::look_page`] may begin.
pub(crate) fn behind(topic_shard: &str) -> Item {
    Item::from([
        (TOPIC_SHARD.to_owned(), text(topic_shard)),
        (OUTSTANDING_CREATED_TIME.to_owned(), number(AFTER_ALL_TIMES)),
        (MESSAGE_ID.to_owned(), text("~")),
    ])
}

fn projection() -> String {
    [
        MESSAGE_ID,
        OUTSTANDING_CREATED_TIME,
        TOPIC_SHARD,
        "Topic",
        "PartitionKey",
        NEXT_ATTEMPT_AT,
        FIRST_FAILED_AT,
        DISPATCH_ATTEMPTS,
        ACCEPTED_AT,
    ]
    .join(", ")
}

fn page(items: Vec<Item>, last: Option<Item>) -> Page {
    let mut names: Vec<Arc<str>> = Vec::new();
    // The sightings of a page share the names of their topics and shards.
    let mut shared = |name: &str| match names.iter().find(|known| &***known == name) {
        Some(known) => Arc::clone(known),
        None => {
            names.push(Arc::from(name));
            Arc::from(name)
        }
    };
    let string = |item: &Item, name: &str| match item.get(name) {
        Some(AttributeValue::S(text)) => text.clone(),
        _ => String::new(),
    };
    let sightings = items.iter().filter_map(|item| {
        Some(Sighting {
            // A time that is none sorts first, so that the item is found out soon.
            created: ticks(item, OUTSTANDING_CREATED_TIME).unwrap_or(Ticks::FIRST),
            id: message_id(item)?.to_owned(),
            topic: shared(&string(item, "Topic")),
            topic_shard: shared(&string(item, TOPIC_SHARD)),
            key: string(item, "PartitionKey"),
            fate: fate(item),
        })
    });
    Page { sightings: sightings.collect(), next: last.filter(|key| !key.is_empty()) }
}
