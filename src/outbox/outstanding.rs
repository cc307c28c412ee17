//! Reads the outstanding messages from indexes that contain no other messages, so that the cost depends on the number
//! of outstanding messages and not on the size of the table.

use crate::model::error::Result;
use crate::model::item::Item;
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::attribute::{OUTSTANDING_CREATED_TIME, TOPIC_SHARD};
use crate::outbox::decimal::ticks;
use crate::outbox::deposit::all_in_order;
use crate::outbox::item::{number, text};
use crate::outbox::pages::PageStart;
use crate::outbox::shard::MAX_SHARDS;
use crate::sdk::failure::explain;
use aws_sdk_dynamodb::types::Select;
use std::sync::Arc;

const BY_TOPIC: &str = "Outstanding";
const ALL_TOPICS: &str = "OutstandingAllTopics";

/// The number of segments of a parallel scan.
const SEGMENTS: i32 = 4;

/// A part of an index that one call reads page by page.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    what: What,
    before: Ticks,
    from: Option<PageStart>,
}

#[derive(Clone, Debug)]
enum What {
    Segment(i32),
    TopicShard(String),
}

/// One page of a part.
pub(crate) struct Page {
    /// The creation time of each message; empty if messages are only counted.
    pub(crate) created: Vec<Ticks>,
    /// The number of messages.
    pub(crate) count: u64,
    pub(crate) rest: Option<Part>,
}

impl Outbox {
    /// Returns the parts that contain the messages of one topic or of all that are outstanding since before this time.
    pub(crate) fn outstanding_parts(&self, topic: Option<&str>, before: Ticks) -> Vec<Part> {
        let segment = |segment| Part { what: What::Segment(segment), before, from: None };
        match topic {
            None => (0..SEGMENTS).map(segment).collect(),
            Some(topic) => self.shard_parts(self.topic_shards(topic), before),
        }
    }

    /// Returns the parts of these shards of topics, which are named `{topic}_{shard}`.
    pub(crate) fn shard_parts(&self, shards: impl IntoIterator<Item = String>, before: Ticks) -> Vec<Part> {
        let part = |shard| Part { what: What::TopicShard(shard), before, from: None };
        shards.into_iter().map(part).collect()
    }

    /// Returns every shard that a topic can have. The number of shards may have been different before, and Brighter
    /// stores some keys in negative shards, which it does not search itself.
    pub(crate) fn topic_shards(&self, topic: &str) -> Vec<String> {
        (1 - MAX_SHARDS..MAX_SHARDS).map(|shard| format!("{topic}_{shard}")).collect()
    }

    /// Reads the next page of each part, several at the same time. With `count_only`, messages are only counted.
    pub(crate) async fn next_pages(self: Arc<Self>, parts: Vec<Part>, count_only: bool) -> Vec<Result<Page>> {
        let at_once = parts.len().max(1);
        let reads = parts.into_iter().map(|part| {
            let outbox = Arc::clone(&self);
            async move { outbox.next_page(part, count_only).await }
        });
        all_in_order(reads, at_once.min(SEGMENTS as usize * 2)).await
    }

    async fn next_page(&self, part: Part, count_only: bool) -> Result<Page> {
        let (items, count, next) = match &part.what {
            What::Segment(segment) => self.scan(*segment, &part, count_only).await?,
            What::TopicShard(shard) => self.query(shard, &part, count_only).await?,
        };
        Ok(Page {
            created: items.iter().filter_map(|item| ticks(item, OUTSTANDING_CREATED_TIME)).collect(),
            count,
            rest: next.map(|next| Part { from: Some(next), ..part }),
        })
    }

    async fn scan(&self, segment: i32, part: &Part, count_only: bool) -> Result<(Vec<Item>, u64, Option<PageStart>)> {
        let request = self
            .client
            .scan()
            .table_name(&self.table)
            .index_name(ALL_TOPICS)
            .segment(segment)
            .total_segments(SEGMENTS)
            .filter_expression(format!("{OUTSTANDING_CREATED_TIME} <= :before"))
            .expression_attribute_values(":before", number(part.before.raw()))
            .set_exclusive_start_key(PageStart::key(part.from.as_ref()));
        let request = if count_only {
            request.select(Select::Count)
        } else {
            request.projection_expression(OUTSTANDING_CREATED_TIME)
        };
        let subject = self.index(ALL_TOPICS);
        let response = request.send().await.map_err(|failure| explain("Scan", &subject, failure))?;
        let (last, evaluated) = (response.last_evaluated_key, response.scanned_count);
        let next = PageStart::next(part.from.clone(), last, evaluated, "Scan", &subject)?;
        Ok((response.items.unwrap_or_default(), counted(response.count), next))
    }

    async fn query(&self, shard: &str, part: &Part, count_only: bool) -> Result<(Vec<Item>, u64, Option<PageStart>)> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_TOPIC)
            .key_condition_expression(format!("{TOPIC_SHARD} = :shard AND {OUTSTANDING_CREATED_TIME} <= :before"))
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":before", number(part.before.raw()))
            .set_exclusive_start_key(PageStart::key(part.from.as_ref()));
        let request = if count_only {
            request.select(Select::Count)
        } else {
            request.projection_expression(OUTSTANDING_CREATED_TIME)
        };
        let subject = self.index(BY_TOPIC);
        let response = request.send().await.map_err(|failure| explain("Query", &subject, failure))?;
        let (last, evaluated) = (response.last_evaluated_key, response.scanned_count);
        let next = PageStart::next(part.from.clone(), last, evaluated, "Query", &subject)?;
        Ok((response.items.unwrap_or_default(), counted(response.count), next))
    }

    pub(crate) fn index(&self, name: &str) -> String {
        format!("index {name} of table {}", self.table)
    }
}

fn counted(count: i32) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
