//! Deletes messages: dispatched messages for the archiver, and single messages for an operator. The archiver never
//! deletes a message without a dispatch time.

use crate::model::error::Result;
use crate::model::stored_message::MessageState;
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::attribute::{DELIVERY_TIME, MESSAGE_ID, OUTSTANDING_CREATED_TIME, PARKED_AT};
use crate::outbox::deposit::{CONCURRENT_REQUESTS, all_in_order};
use crate::outbox::item::{is_possible_id, key, number};
use crate::sdk::failure::explain;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use std::sync::Arc;

impl Outbox {
    /// Deletes messages if they were dispatched up to this time and were not replayed since then. Returns for each
    /// message, in order, whether it was deleted.
    pub(crate) async fn delete_dispatched(self: Arc<Self>, ids: Vec<String>, time: Ticks) -> Vec<Result<bool>> {
        let deletes = ids.into_iter().map(|id| {
            let outbox = Arc::clone(&self);
            async move { outbox.delete_one(&id, time).await }
        });
        all_in_order(deletes, CONCURRENT_REQUESTS).await
    }

    /// Deletes a message if it is in this state. Returns whether it was deleted.
    pub(crate) async fn delete_in_state(&self, id: String, state: MessageState) -> Result<bool> {
        if !is_possible_id(&id) {
            return Ok(false);
        }
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(&id)))
            .condition_expression(is_in(state))
            .expression_attribute_values(":zero", number(0));
        match delete.send().await {
            Ok(_) => {
                self.changed_outstanding(-i64::from(state == MessageState::Outstanding));
                Ok(true)
            }
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
            .condition_expression(format!("{} AND {DELIVERY_TIME} <= :time", is_in(MessageState::Dispatched)))
            .expression_attribute_values(":time", number(time.raw()))
            .expression_attribute_values(":zero", number(0))
            .send()
            .await;
        match delete {
            Ok(_) => Ok(true),
            Err(failure) if failure.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(failure) => Err(explain("DeleteItem", &self.subject(), failure)),
        }
    }
}

/// Returns the condition that an item is in this state, as [`state`](crate::outbox::state::state) reads it.
/// The value `:zero` must be 0.
fn is_in(state: MessageState) -> String {
    let unsent = format!("(attribute_not_exists({DELIVERY_TIME}) OR {DELIVERY_TIME} = :zero)");
    match state {
        MessageState::Dispatched => {
            format!("attribute_not_exists({OUTSTANDING_CREATED_TIME}) AND {DELIVERY_TIME} > :zero")
        }
        MessageState::Parked => {
            format!("attribute_not_exists({OUTSTANDING_CREATED_TIME}) AND attribute_exists({PARKED_AT}) AND {unsent}")
        }
        MessageState::Outstanding => format!(
            "attribute_exists({MESSAGE_ID}) AND (attribute_exists({OUTSTANDING_CREATED_TIME}) OR (attribute_not_exists({PARKED_AT}) AND {unsent}))"
        ),
    }
}
