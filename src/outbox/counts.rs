//! The topics and states of the items of the table, which are read without the messages.

use crate::model::error::Result;
use crate::model::fate::Fate;
use crate::model::item::Item;
use crate::model::stored_message::MessageState;
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::attribute::{
    ACCEPTED_AT, DELIVERY_TIME, FIRST_FAILED_AT, LAST_ERROR, NEXT_ATTEMPT_AT, OUTSTANDING_CREATED_TIME, PARKED_AT,
    TOPIC_SHARD,
};
use crate::outbox::decimal::ticks;
use crate::outbox::item::{number, text};
use crate::outbox::pages::PageStart;
use crate::outbox::state::{fate, state};
use crate::sdk::failure::explain;
use aws_sdk_dynamodb::types::Select;

const OUTSTANDING: &str = "OutstandingAllTopics";
const DELIVERED_BY_TOPIC: &str = "Delivered";
/// The attributes that are read to count messages.
const PLACE: [&str; 8] = [
    "Topic",
    OUTSTANDING_CREATED_TIME,
    DELIVERY_TIME,
    PARKED_AT,
    NEXT_ATTEMPT_AT,
    FIRST_FAILED_AT,
    LAST_ERROR,
    ACCEPTED_AT,
];

/// The topic and state of one message.
pub(crate) struct MessagePlace {
    pub(crate) topic: String,
    pub(crate) state: MessageState,
    /// The creation time, if the message is outstanding.
    pub(crate) created: Option<Ticks>,
    pub(crate) fate: Fate,
    pub(crate) last_error: Option<String>,
}

impl Outbox {
    /// Reads a page of places, of the outstanding messages or of the whole table. Also returns the start key of the
    /// next page.
    pub(crate) async fn places_page(
        &self,
        whole_table: bool,
        from: Option<PageStart>,
    ) -> Result<(Vec<MessagePlace>, Option<PageStart>)> {
        let index = (!whole_table).then(|| OUTSTANDING.to_owned());
        let subject = index.as_deref().map_or_else(|| self.subject(), |name| self.index(name));
        let response = self
            .client
            .scan()
            .table_name(&self.table)
            .set_index_name(index)
            .projection_expression(PLACE.join(", "))
            .set_exclusive_start_key(PageStart::key(from.as_ref()))
            .send()
            .await
            .map_err(|failure| explain("Scan", &subject, failure))?;
        let places = response.items().iter().map(place).collect();
        let next = PageStart::next(from, response.last_evaluated_key, response.scanned_count, "Scan", &subject)?;
        Ok((places, next))
    }

    /// Counts the messages of a topic that were dispatched at or after `from` and before `to`.
    pub(crate) async fn dispatched_between(&self, topic: &str, from: Ticks, to: Ticks) -> Result<u64> {
        let mut count = 0;
        // DynamoDB rejects an empty range.
        if to <= from {
            return Ok(0);
        }
        let subject = self.index(DELIVERED_BY_TOPIC);
        for shard in self.topic_shards(topic) {
            let mut after: Option<PageStart> = None;
            loop {
                let response = self
                    .client
                    .query()
                    .table_name(&self.table)
                    .index_name(DELIVERED_BY_TOPIC)
                    .key_condition_expression(format!(
                        "{TOPIC_SHARD} = :shard AND {DELIVERY_TIME} BETWEEN :first AND :last"
                    ))
                    .expression_attribute_values(":shard", text(&shard))
                    .expression_attribute_values(":first", number(from.raw()))
                    .expression_attribute_values(":last", number(to.raw() - 1))
                    .select(Select::Count)
                    .set_exclusive_start_key(PageStart::key(after.as_ref()))
                    .send()
                    .await
                    .map_err(|failure| explain("Query", &subject, failure))?;
                count += u64::try_from(response.count).unwrap_or(0);
                after = PageStart::next(after, response.last_evaluated_key, response.scanned_count, "Query", &subject)?;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(count)
    }

    /// Reads the ten newest messages of a topic that were dispatched since this time. Returns for each whether its
    /// first attempt succeeded.
    pub(crate) async fn newest_delivered(&self, topic: String, since: Ticks) -> Result<Vec<bool>> {
        const NEWEST: usize = 10;
        let mut found: Vec<(Ticks, bool)> = Vec::new();
        for shard in self.topic_shards(&topic) {
            let response = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(DELIVERED_BY_TOPIC)
                .key_condition_expression(format!("{TOPIC_SHARD} = :shard AND {DELIVERY_TIME} >= :since"))
                .expression_attribute_values(":shard", text(&shard))
                .expression_attribute_values(":since", number(since.raw()))
                .projection_expression(format!("{DELIVERY_TIME}, {FIRST_FAILED_AT}"))
                .scan_index_forward(false)
                .limit(NEWEST as i32)
                .send()
                .await
                .map_err(|failure| explain("Query", &self.index(DELIVERED_BY_TOPIC), failure))?;
            let sent = |item| Some((ticks(item, DELIVERY_TIME)?, !item.contains_key(FIRST_FAILED_AT)));
            found.extend(response.items().iter().filter_map(sent));
        }
        found.sort_unstable_by_key(|other| std::cmp::Reverse(other.0));
        Ok(found.into_iter().take(NEWEST).map(|(_, at_first_try)| at_first_try).collect())
    }
}

fn place(item: &Item) -> MessagePlace {
    let topic = item.get("Topic").and_then(|topic| topic.as_s().ok()).cloned().unwrap_or_default();
    let state = state(item);
    let last_error = item.get(LAST_ERROR).and_then(|error| error.as_s().ok()).cloned();
    MessagePlace { topic, state, created: ticks(item, OUTSTANDING_CREATED_TIME), fate: fate(item), last_error }
}
