//! Lists of messages by state, a page at a time. A cursor is valid for the same state and topic only.

use crate::model::dynamodb_json::{item_from_json, item_to_json};
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::{AttributeValue, Item};
use crate::model::page::{Cursor, MessagePage};
use crate::model::stored_message::MessageState;
use crate::outbox::Outbox;
use crate::outbox::attribute::{PARKED_AT, TOPIC_SHARD};
use crate::outbox::item::{decode, message_id, text};
use crate::outbox::pages::PageStart;
use crate::sdk::failure::explain;
use crate::sys::clock;
use serde_json::json;
use std::time::Duration;

/// The time after which a page is returned even if it is not full. A filter may match few items of a large table, so
/// that reading until the page is full could exceed the timeout of the call.
const LONG_ENOUGH: Duration = Duration::from_secs(2);

/// The parts of a cursor: the name of the list, the number of the part, the last key read from it, and the state that shows
/// whether the server repeats itself.
type Parts = (String, usize, String, (u64, u64, u64));

/// A place within a list: the number of the part, and the last key read from the part.
#[derive(Debug, Default)]
struct Place {
    part: usize,
    after: Option<PageStart>,
}

impl Place {
    /// Parses a cursor of the list of this state and topic, which has `parts` parts.
    fn read(cursor: &Cursor, state: MessageState, topic: Option<&str>, parts: usize) -> Result<Self> {
        let place = || {
            let (listed, part, after, progress) = serde_json::from_str::<Parts>(&cursor.0).ok()?;
            let start = |key: &str| Some(PageStart::resumed(item_from_json(key).ok()?, progress));
            let after = if after.is_empty() { None } else { Some(start(&after)?) };
            (listed == list_name(state, topic) && part < parts).then_some(Self { part, after })
        };
        place().ok_or_else(|| {
            Error::new(
                ErrorCode::InvalidArgument,
                "the cursor is not from a page of this list: list the same state and topic as before",
            )
        })
    }

    fn write(&self, state: MessageState, topic: Option<&str>) -> Cursor {
        let after = PageStart::key(self.after.as_ref()).map(|key| item_to_json(&key)).unwrap_or_default();
        let progress = self.after.as_ref().map(PageStart::progress).unwrap_or_default();
        Cursor(json!([list_name(state, topic), self.part, after, progress]).to_string())
    }
}

/// Returns the name of a list in its cursors.
fn list_name(state: MessageState, topic: Option<&str>) -> String {
    topic.map_or_else(|| state.name().to_owned(), |topic| format!("{} {topic}", state.name()))
}

impl Outbox {
    /// Returns a page of up to `limit` messages of this state, of one topic or of all topics. Within a topic, each
    /// shard is sorted by time.
    pub(crate) async fn list(
        &self,
        state: MessageState,
        topic: Option<String>,
        limit: i32,
        cursor: Option<Cursor>,
    ) -> Result<MessagePage> {
        let shards = match (&topic, state) {
            // Parked messages are not in the index, so the whole table is scanned.
            (None, _) | (_, MessageState::Parked) => Vec::new(),
            (Some(topic), _) => self.topic_shards(topic),
        };
        let topic = topic.as_deref();
        let parts = shards.len().max(1);
        let mut place = match &cursor {
            Some(cursor) => Place::read(cursor, state, topic, parts)?,
            None => Place::default(),
        };
        let mut page = MessagePage::default();
        let mut wanted = limit.max(1);
        let began = clock::now();
        // A cursor does not record that pages were empty, so the call continues until a page is not.
        let is_idle = |place: &Place| place.after.as_ref().is_some_and(PageStart::is_idle);
        while wanted > 0 && place.part < parts && (clock::since(began) < LONG_ENOUGH || is_idle(&place)) {
            let (items, next) = match shards.get(place.part) {
                Some(shard) => self.query_page(state, shard, wanted, place.after.take()).await?,
                None => self.scan_page(state, topic, wanted, place.after.take()).await?,
            };
            wanted = wanted.saturating_sub(i32::try_from(items.len()).unwrap_or(i32::MAX));
            for item in &items {
                match decode(item) {
                    // The indexes of dispatched messages contain outstanding rows of Brighter 9.
                    Ok(message) if message.state != state => {}
                    Ok(message) => page.messages.push(message),
                    Err(error) => page.malformed.push((message_id(item).unwrap_or_default().to_owned(), error)),
                }
            }
            place = match next {
                Some(next) => Place { part: place.part, after: Some(next) },
                None => Place { part: place.part + 1, after: None },
            };
        }
        page.next = (place.part < parts).then(|| place.write(state, topic));
        Ok(page)
    }

    async fn query_page(
        &self,
        state: MessageState,
        shard: &str,
        limit: i32,
        after: Option<PageStart>,
    ) -> Result<(Vec<Item>, Option<PageStart>)> {
        let index = if state == MessageState::Dispatched { "Delivered" } else { "Outstanding" };
        let subject = self.index(index);
        let response = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(index)
            .key_condition_expression(format!("{TOPIC_SHARD} = :shard"))
            .expression_attribute_values(":shard", text(shard))
            .limit(limit)
            .set_exclusive_start_key(PageStart::key(after.as_ref()))
            .send()
            .await
            .map_err(|failure| explain("Query", &subject, failure))?;
        let next = PageStart::next(after, response.last_evaluated_key, response.scanned_count, "Query", &subject)?;
        Ok((response.items.unwrap_or_default(), next))
    }

    async fn scan_page(
        &self,
        state: MessageState,
        topic: Option<&str>,
        limit: i32,
        after: Option<PageStart>,
    ) -> Result<(Vec<Item>, Option<PageStart>)> {
        let request =
            self.client.scan().table_name(&self.table).set_exclusive_start_key(PageStart::key(after.as_ref()));
        let request = match (state, topic) {
            (MessageState::Outstanding, _) => request.index_name("OutstandingAllTopics").limit(limit),
            (MessageState::Dispatched, _) => request.index_name("DeliveredAllTopics").limit(limit),
            // A limit would also count the items that do not match the filter.
            (MessageState::Parked, None) => request.filter_expression(format!("attribute_exists({PARKED_AT})")),
            (MessageState::Parked, Some(topic)) => request
                .filter_expression(format!("attribute_exists({PARKED_AT}) AND Topic = :topic"))
                .expression_attribute_values(":topic", AttributeValue::S(topic.to_owned())),
        };
        let subject = self.subject();
        let response = request.send().await.map_err(|failure| explain("Scan", &subject, failure))?;
        let next = PageStart::next(after, response.last_evaluated_key, response.scanned_count, "Scan", &subject)?;
        Ok((response.items.unwrap_or_default(), next))
    }
}
