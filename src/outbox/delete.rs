//! Messages deleted: dispatched ones for the archiver, which deletes nothing without a dispatch
//! time, and single ones for an operator.

use crate::model::error::Result;
use crate::model::item::Item;
use crate::model::stored_message::MessageState;
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::deposit::{CONCURRENT_REQUESTS, all_in_order};
use crate::outbox::item::attribute::{DELIVERY_TIME, MESSAGE_ID, PARKED_AT};
use crate::outbox::item::{is_possible_id, key, message_id, number};
use crate::sdk::failure::explain;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use std::sync::Arc;

/// The index of everything that was dispatched, over all topics.
const ALL_TOPICS: &str = "DeliveredAllTopics";

impl Outbox {
    /// A page of the ids of messages that were dispatched before this time, and where the next begins.
    pub(crate) async fn dispatched_before(
        &self,
        time: Ticks,
        from: Option<Item>,
    ) -> Result<(Vec<String>, Option<Item>)> {
        let answer = self
            .client
            .scan()
            .table_name(&self.table)
            .index_name(ALL_TOPICS)
            .filter_expression(format!("{DELIVERY_TIME} <= :time"))
            .expression_attribute_values(":time", number(time.raw()))
            .projection_expression(MESSAGE_ID)
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(|failure| explain("Scan", &self.index(ALL_TOPICS), failure))?;
        let ids = answer.items().iter().filter_map(message_id).map(str::to_owned).collect();
        Ok((ids, answer.last_evaluated_key.filter(|key| !key.is_empty())))
    }

    /// Deletes messages if they were dispatched before this time and not replayed since: for each
    /// whether it is gone, in order.
    pub(crate) async fn delete_dispatched(self: Arc<Self>, ids: Vec<String>, time: Ticks) -> Vec<Result<bool>> {
        let deletes = ids.into_iter().map(|id| {
            let outbox = Arc::clone(&self);
            async move { outbox.delete_one(&id, time).await }
        });
        all_in_order(deletes, CONCURRENT_REQUESTS).await
    }

    /// Deletes a message that is in this state; whether it did.
    pub(crate) async fn delete_in_state(&self, id: String, state: MessageState) -> Result<bool> {
        if !is_possible_id(&id) {
            return Ok(false);
        }
        // As a message is read: one that has a dispatch time is dispatched, whatever else it has.
        let condition = match state {
            MessageState::Dispatched => format!("attribute_exists({DELIVERY_TIME})"),
            MessageState::Parked => format!("attribute_exists({PARKED_AT}) AND attribute_not_exists({DELIVERY_TIME})"),
            MessageState::Outstanding => format!(
                "attribute_exists({MESSAGE_ID}) AND attribute_not_exists({DELIVERY_TIME}) AND attribute_not_exists({PARKED_AT})"
            ),
        };
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key(&id)));
        match delete.condition_expression(condition).send().await {
            Ok(_) => Ok(true),
            Err(failure) if failure.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(failure) => Err(explain("DeleteItem", &self.subject(), failure)),
        }
    }

    async fn delete_one(&self, id: &str, time: Ticks) -> Result<bool> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(id)))
            .condition_expression(format!("{DELIVERY_TIME} <= :time"))
            .expression_attribute_values(":time", number(time.raw()))
            .send()
            .await;
        match delete {
            Ok(_) => Ok(true),
            Err(failure) if failure.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(failure) => Err(explain("DeleteItem", &self.subject(), failure)),
        }
    }
}
