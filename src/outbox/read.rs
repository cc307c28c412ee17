//! Consistent reads of messages and of the caller's own items.

use crate::model::error::Result;
use crate::model::fate::Fate;
use crate::model::item::Item;
use crate::model::stored_message::{MessageState, StoredMessage};
use crate::outbox::Outbox;
use crate::outbox::item;
use crate::outbox::state::{fate, state};
use crate::sdk::failure::{explain, service_error};
use crate::sdk::retry::Retry;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use std::collections::HashMap;

/// DynamoDB's limit for one BatchGetItem, as of November 2026.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
pub(crate) const MAX_BATCH_GET: usize = 100;

impl Outbox {
    /// Reads one item of any table with a consistent read.
    pub(crate) async fn get_item(&self, table: String, key: Item) -> Result<Option<Item>> {
        self.client
            .get_item()
            .table_name(&table)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await
            .map(|response| response.item)
            .map_err(|failure| explain("GetItem", &format!("table {table}"), failure))
    }

    /// Reads one message with a consistent read.
    pub(crate) async fn get(&self, id: String) -> Result<Option<StoredMessage>> {
        if !item::is_possible_id(&id) {
            return Ok(None);
        }
        self.get_item(self.table.clone(), item::key(&id)).await?.map(|found| item::decode(&found)).transpose()
    }

    /// Reads the state of a message. `None` if the outbox has no such message.
    pub(crate) async fn get_state(&self, id: String) -> Result<Option<MessageState>> {
        Ok(self.get_item(self.table.clone(), item::key(&id)).await?.map(|item| state(&item)))
    }

    /// Reads the topic and the fate of a message, even if its item is otherwise malformed.
    pub(crate) async fn get_fate(&self, id: String) -> Result<Option<(String, Fate)>> {
        let item = self.get_item(self.table.clone(), item::key(&id)).await?;
        Ok(item.map(|item| {
            let topic = item.get("Topic").and_then(|topic| topic.as_s().ok()).cloned().unwrap_or_default();
            (topic, fate(&item))
        }))
    }

    /// Reads up to [`MAX_BATCH_GET`] different messages by id, with consistent reads. The result does not contain
    /// missing messages. For an item that cannot be read, it contains an error.
    ///
    /// # Errors
    /// The error of the last request, with the items that were read before.
    pub(crate) async fn get_batch(&self, ids: Vec<String>) -> (HashMap<String, Result<StoredMessage>>, Result<()>) {
        let (items, read) = self.get_items(ids).await;
        let decoded =
            items.iter().filter_map(|stored| Some((item::message_id(stored)?.to_owned(), item::decode(stored))));
        (decoded.collect(), read)
    }

    /// Reads the existing items of up to [`MAX_BATCH_GET`] different messages with consistent reads. Keys that DynamoDB
    /// leaves unprocessed are requested again.
    ///
    /// # Errors
    /// The error of the last request, with the items that were read before.
    pub(crate) async fn get_items(&self, ids: Vec<String>) -> (Vec<Item>, Result<()>) {
        let keys = ids.iter().filter(|id| item::is_possible_id(id)).map(|id| item::key(id)).collect();
        self.get_all(&self.table, &self.subject(), keys).await
    }

    /// Reads the existing items of up to [`MAX_BATCH_GET`] keys of a table, as [`get_items`](Self::get_items) does.
    pub(super) async fn get_all(&self, table: &str, subject: &str, mut keys: Vec<Item>) -> (Vec<Item>, Result<()>) {
        let count = keys.len();
        let mut found = Vec::with_capacity(count);
        if keys.is_empty() {
            return (found, Ok(()));
        }
        let mut remaining = keys.len();
        let mut retry = Retry::new(self.max_attempts);
        loop {
            match self.get_keys(table, subject, keys).await {
                Err(error) => return (found, Err(error)),
                Ok((items, unprocessed)) => {
                    found.extend(items);
                    if unprocessed.is_empty() {
                        return (found, Ok(()));
                    }
                    // Large messages need several responses. A response that contains some of the items therefore does
                    // not count as a failure.
                    if unprocessed.len() < remaining {
                        retry = Retry::new(self.max_attempts);
                    }
                    remaining = unprocessed.len();
                    keys = unprocessed;
                }
            }
            if !retry.again().await {
                let throttled = service_error(
                    "BatchGetItem",
                    subject,
                    "ThrottlingException",
                    &format!("{} of {count} keys stayed unprocessed", keys.len()),
                    400,
                );
                return (found, Err(throttled));
            }
        }
    }

    async fn get_keys(&self, table: &str, subject: &str, keys: Vec<Item>) -> Result<(Vec<Item>, Vec<Item>)> {
        let request = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .build()
            .map_err(|error| crate::outbox::internal("BatchGetItem", error))?;
        let response = self
            .client
            .batch_get_item()
            .request_items(table, request)
            .send()
            .await
            .map_err(|failure| explain("BatchGetItem", subject, failure))?;
        let items = response.responses.unwrap_or_default().into_values().flatten().collect();
        let unprocessed =
            response.unprocessed_keys.unwrap_or_default().into_values().flat_map(|rest| rest.keys).collect();
        Ok((items, unprocessed))
    }
}
