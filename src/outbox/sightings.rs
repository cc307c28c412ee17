//! Reads outstanding messages from the indexes, a page at a time. An index may lag behind the table.

use crate::model::error::Result;
use crate::model::fate::Fate;
use crate::model::item::{AttributeValue, Item};
use crate::model::message::PRODUCER_TOPIC;
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::attribute::{
    ACCEPTED_AT, DISPATCH_ATTEMPTS, FIRST_FAILED_AT, MESSAGE_ID, NEXT_ATTEMPT_AT, OUTSTANDING_CREATED_TIME, TOPIC_SHARD,
};
use crate::outbox::decimal::ticks;
use crate::outbox::item::{message_id, number, text};
use crate::outbox::pages::PageStart;
use crate::outbox::state::fate;
use crate::sdk::failure::explain;
use std::sync::Arc;

const HEADER_BAG: &str = "HeaderBag";
const BY_TOPIC: &str = "Outstanding";
const ALL_TOPICS: &str = "OutstandingAllTopics";
/// The largest number of DynamoDB, which is after every time.
const AFTER_ALL_TIMES: &str = "9.9999999999999999999999999999999999999E+125";
/// The maximum number of messages in a page.
const MAX_PAGE: i32 = 1000;

/// A message as the index shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) created: Ticks,
    pub(crate) id: String,
    pub(crate) topic: Arc<str>,
    /// The topic whose producer sends it; see
    /// [`Message::producer_topic`](crate::model::message::Message::producer_topic).
    pub(crate) producer_topic: Arc<str>,
    /// The shard, or an empty string if the item has no shard.
    pub(crate) topic_shard: Arc<str>,
    /// The partition key, or an empty string if the item has no partition key.
    pub(crate) key: String,
    pub(crate) fate: Fate,
}

impl Sighting {
    /// Returns the sort key of the message: the time, then the id.
    pub(crate) fn place(&self) -> (Ticks, &str) {
        (self.created, &self.id)
    }
}

/// A page of sightings. A sighting is a message as an index shows it.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) sightings: Vec<Sighting>,
    /// The start key of the next page; `None` after the last page.
    pub(crate) next: Option<PageStart>,
}

/// A part of the index of outstanding messages. Different segments can be read at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The number of the segment, from 0.
    pub(crate) number: i32,
    /// The number of segments into which the index is divided.
    pub(crate) count: i32,
}

/// A range of the messages of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// Messages created at or before this time.
    UpTo(Ticks),
    /// Messages created after this time.
    After(Ticks),
    /// Messages created between these times, including both.
    Between(Ticks, Ticks),
}

impl Outbox {
    /// Reads a page of up to `limit` messages of any topic in a segment of the index. The messages are in the index's own
    /// order of shards, and oldest first within each shard.
    pub(crate) async fn poll_page(&self, limit: i32, segment: Segment, from: Option<PageStart>) -> Result<Page> {
        let is_divided = segment.count > 1;
        let response = self
            .client
            .scan()
            .table_name(&self.table)
            .index_name(BY_TOPIC)
            .projection_expression(projection())
            .limit(limit)
            .set_segment(is_divided.then_some(segment.number))
            .set_total_segments(is_divided.then_some(segment.count))
            .set_exclusive_start_key(PageStart::key(from.as_ref()))
            .send()
            .await
            .map_err(|failure| explain("Scan", &self.index(BY_TOPIC), failure))?;
        let (last, evaluated) = (response.last_evaluated_key, response.scanned_count);
        let next = PageStart::next(from, last, evaluated, "Scan", &self.index(BY_TOPIC))?;
        Ok(page(response.items.unwrap_or_default(), next))
    }

    /// Reads a page of the messages of a shard of a topic, oldest first.
    pub(crate) async fn shard_page(
        &self,
        shard: String,
        range: Range,
        limit: i32,
        from: Option<PageStart>,
    ) -> Result<Page> {
        let (comparison, time, end) = match range {
            Range::UpTo(time) => ("<= :time", time, None),
            Range::After(time) => ("> :time", time, None),
            Range::Between(time, end) => ("BETWEEN :time AND :end", time, Some(end)),
        };
        let mut request = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_TOPIC)
            .key_condition_expression(format!("{TOPIC_SHARD} = :shard AND {OUTSTANDING_CREATED_TIME} {comparison}"))
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":time", number(time.raw()));
        if let Some(end) = end {
            request = request.expression_attribute_values(":end", number(end.raw()));
        }
        let response = request
            .projection_expression(projection())
            .limit(limit.min(MAX_PAGE))
            .set_exclusive_start_key(PageStart::key(from.as_ref()))
            .send()
            .await
            .map_err(|failure| explain("Query", &self.index(BY_TOPIC), failure))?;
        let (last, evaluated) = (response.last_evaluated_key, response.scanned_count);
        let next = PageStart::next(from, last, evaluated, "Query", &self.index(BY_TOPIC))?;
        Ok(page(response.items.unwrap_or_default(), next))
    }

    /// Searches up to `limit` messages for those without a shard, which are missing from the indexes by topic. Returns
    /// them in no order, and the number of searched messages.
    pub(crate) async fn unsharded_page(&self, limit: i32, from: Option<PageStart>) -> Result<(Page, i32)> {
        let response = self
            .client
            .scan()
            .table_name(&self.table)
            .index_name(ALL_TOPICS)
            .filter_expression(format!("attribute_not_exists({TOPIC_SHARD})"))
            .projection_expression(projection())
            .limit(limit)
            .set_exclusive_start_key(PageStart::key(from.as_ref()))
            .send()
            .await
            .map_err(|failure| explain("Scan", &self.index(ALL_TOPICS), failure))?;
        let (last, searched) = (response.last_evaluated_key, response.scanned_count);
        let next = PageStart::next(from, last, searched, "Scan", &self.index(ALL_TOPICS))?;
        Ok((page(response.items.unwrap_or_default(), next), searched))
    }
}

/// Returns the start key after all messages of a shard, for [`Outbox::poll_page`].
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
        HEADER_BAG,
        NEXT_ATTEMPT_AT,
        FIRST_FAILED_AT,
        DISPATCH_ATTEMPTS,
        ACCEPTED_AT,
    ]
    .join(", ")
}

/// Returns the topic whose producer sends the message of an item.
fn producer_topic(item: &Item) -> String {
    if let Some(topic) = named_in_bag(item) {
        return topic;
    }
    match item.get("Topic") {
        Some(AttributeValue::S(topic)) => topic.clone(),
        None | Some(AttributeValue::Null(_)) => String::new(),
        Some(_) => {
            let shard = item.get(TOPIC_SHARD).and_then(|shard| shard.as_s().ok()).map_or("", String::as_str);
            shard.rsplit_once('_').map_or("", |(topic, _)| topic).to_owned()
        }
    }
}

/// Returns the topic that the bag names for the producer.
fn named_in_bag(item: &Item) -> Option<String> {
    let bag = item.get(HEADER_BAG)?.as_s().ok()?;
    // Few bags contain a producer topic, so most bags need not be parsed.
    if !bag.contains(PRODUCER_TOPIC) {
        return None;
    }
    let bag: serde_json::Value = serde_json::from_str(bag).ok()?;
    bag.get(PRODUCER_TOPIC)?.as_str().filter(|topic| !topic.is_empty()).map(str::to_owned)
}

fn page(items: Vec<Item>, next: Option<PageStart>) -> Page {
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
            // An item with an invalid time sorts first, so that it is found early.
            created: ticks(item, OUTSTANDING_CREATED_TIME).unwrap_or(Ticks::FIRST),
            id: message_id(item)?.to_owned(),
            topic: shared(&string(item, "Topic")),
            producer_topic: shared(&producer_topic(item)),
            topic_shard: shared(&string(item, TOPIC_SHARD)),
            key: string(item, "PartitionKey"),
            fate: fate(item),
        })
    });
    Page { sightings: sightings.collect(), next }
}
