//! Lists of messages by state, a page at a time. The cursor belongs to the call that made it (W11).

use crate::dynamodb_json::{item_from_json, item_to_json};
use crate::error::{Error, ErrorCode, Result};
use crate::outbox::Outbox;
use crate::outbox::failure::explain;
use crate::outbox::item::attribute::{PARKED_AT, TOPIC_SHARD};
use crate::outbox::item::{MessageState, StoredMessage, decode, message_id, text};
use crate::{AttributeValue, Item};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// A page of messages.
#[derive(Debug)]
#[non_exhaustive]
pub struct MessagePage {
    /// The messages that could be read.
    pub messages: Vec<StoredMessage>,
    /// Those that could not: their ids, and why.
    pub unreadable: Vec<(String, Error)>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
}

/// Where a page begins. A text without meaning to others; it may be kept and used by another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// The cursor as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Cursor {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A place within a list: which part, and after which key of it.
#[derive(Debug, Default)]
struct Place {
    part: usize,
    after: Option<Item>,
}

impl Place {
    fn read(cursor: Option<&Cursor>) -> Result<Self> {
        let Some(Cursor(text)) = cursor else {
            return Ok(Self::default());
        };
        let (part, after) = text.split_once(':').ok_or_else(foreign_cursor)?;
        let after = match after {
            "" => None,
            json => Some(item_from_json(json).map_err(|_| foreign_cursor())?),
        };
        Ok(Self { part: part.parse().map_err(|_| foreign_cursor())?, after })
    }

    fn write(&self) -> Cursor {
        let after = self.after.as_ref().map(item_to_json).unwrap_or_default();
        Cursor(format!("{}:{after}", self.part))
    }
}

impl Outbox {
    /// A page of up to `limit` messages of this state, of one topic or of all. Within a topic,
    /// each shard is in the order of time.
    pub(crate) async fn list(
        &self,
        state: MessageState,
        topic: Option<String>,
        limit: i32,
        cursor: Option<Cursor>,
    ) -> Result<MessagePage> {
        let mut place = Place::read(cursor.as_ref())?;
        let shards = match (&topic, state) {
            // The index does not hold parked messages: they are looked for in the whole table.
            (None, _) | (_, MessageState::Parked) => Vec::new(),
            (Some(topic), _) => self.topic_shards(topic),
        };
        if place.part >= shards.len().max(1) {
            return Err(foreign_cursor());
        }
        let mut page = MessagePage { messages: Vec::new(), unreadable: Vec::new(), next: None };
        let mut wanted = limit.max(1);
        while wanted > 0 {
            let (items, last) = match shards.get(place.part) {
                Some(shard) => self.query_page(state, shard, wanted, place.after.take()).await?,
                None if shards.is_empty() && place.part == 0 => {
                    self.scan_page(state, topic.as_deref(), wanted, place.after.take()).await?
                }
                None => return Ok(page),
            };
            wanted = wanted.saturating_sub(i32::try_from(items.len()).unwrap_or(i32::MAX));
            for item in &items {
                match decode(item) {
                    Ok(message) => page.messages.push(message),
                    Err(error) => page.unreadable.push((message_id(item).unwrap_or_default().to_owned(), error)),
                }
            }
            place = match last {
                Some(key) => Place { part: place.part, after: Some(key) },
                None => Place { part: place.part + 1, after: None },
            };
        }
        page.next = (place.after.is_some() || place.part < shards.len()).then(|| place.write());
        Ok(page)
    }

    async fn query_page(
        &self,
        state: MessageState,
        shard: &str,
        limit: i32,
        after: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>)> {
        let is_resumed = after.is_some();
        let index = if state == MessageState::Dispatched { "Delivered" } else { "Outstanding" };
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(index)
            .key_condition_expression(format!("{TOPIC_SHARD} = :shard"))
            .expression_attribute_values(":shard", text(shard))
            .limit(limit)
            .set_exclusive_start_key(after)
            .send()
            .await
            .map_err(|failure| page_failure(is_resumed, "Query", &self.index(index), failure))?;
        Ok((answer.items.unwrap_or_default(), last_key(answer.last_evaluated_key)))
    }

    async fn scan_page(
        &self,
        state: MessageState,
        topic: Option<&str>,
        limit: i32,
        after: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>)> {
        let is_resumed = after.is_some();
        let request = self.client.scan().table_name(&self.table).set_exclusive_start_key(after);
        let request = match (state, topic) {
            (MessageState::Outstanding, _) => request.index_name("OutstandingAllTopics").limit(limit),
            (MessageState::Dispatched, _) => request.index_name("DeliveredAllTopics").limit(limit),
            // A limit would count what the filter leaves out.
            (MessageState::Parked, None) => request.filter_expression(format!("attribute_exists({PARKED_AT})")),
            (MessageState::Parked, Some(topic)) => request
                .filter_expression(format!("attribute_exists({PARKED_AT}) AND Topic = :topic"))
                .expression_attribute_values(":topic", AttributeValue::S(topic.to_owned())),
        };
        let answer =
            request.send().await.map_err(|failure| page_failure(is_resumed, "Scan", &self.subject(), failure))?;
        Ok((answer.items.unwrap_or_default(), last_key(answer.last_evaluated_key)))
    }
}

fn last_key(key: Option<Item>) -> Option<Item> {
    key.filter(|key| !key.is_empty())
}

fn foreign_cursor() -> Error {
    Error::new(ErrorCode::InvalidArgument, "the cursor is not one that a page of this list gave")
}

/// DynamoDB refuses a key from which it cannot go on: that of another list.
fn page_failure<E>(is_resumed: bool, operation: &str, subject: &str, failure: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if is_resumed && failure.code() == Some("ValidationException") {
        return foreign_cursor();
    }
    explain(operation, subject, failure)
}
