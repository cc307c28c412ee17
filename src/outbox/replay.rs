//! Replay: dispatched messages made outstanding again.

use crate::model::error::{Error, ErrorCode, Result};
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::item::attribute::{
    CAUSATION_ID, CREATED_TIME, DELIVERED_AT, DELIVERY_TIME, DISPATCH_ATTEMPTS, EXPIRES_AT, MESSAGE_ID,
    OUTSTANDING_CREATED_TIME, PARKED_AT, REPLAYED_AT,
};
use crate::outbox::item::{is_possible_id, key, message_id, number, text};
use crate::outbox::table::CAUSATION;
use crate::sdk::failure::explain;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;

impl Outbox {
    /// Makes a message outstanding again, with no failed attempts. Whether there is one. What
    /// would let it expire goes too: an unsent message never expires.
    pub(crate) async fn replay(&self, id: String) -> Result<bool> {
        if !is_possible_id(&id) {
            return Ok(false);
        }
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&id)))
            .condition_expression(format!("attribute_exists({MESSAGE_ID})"))
            .update_expression(format!(
                "SET {OUTSTANDING_CREATED_TIME} = {CREATED_TIME}, {REPLAYED_AT} = :now \
                 REMOVE {DELIVERY_TIME}, {DELIVERED_AT}, {EXPIRES_AT}, {PARKED_AT}, {DISPATCH_ATTEMPTS}"
            ))
            .expression_attribute_values(":now", number(Ticks::now().raw()))
            .send()
            .await;
        match update {
            Ok(_) => {
                self.changed_outstanding(1);
                Ok(true)
            }
            Err(failure) if failure.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(failure) => Err(explain("UpdateItem", &self.subject(), failure)),
        }
    }

    /// The ids of all messages that have this causation id, as the index shows them.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidTable`] if the table lacks the index.
    pub(crate) async fn caused_by(&self, causation_id: String) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        let mut from = None;
        // No message has such a one, and DynamoDB refuses to look for it.
        if !is_possible_id(&causation_id) {
            return Ok(ids);
        }
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(CAUSATION)
                .key_condition_expression(format!("{CAUSATION_ID} = :id"))
                .expression_attribute_values(":id", text(&causation_id))
                .projection_expression(MESSAGE_ID)
                .set_exclusive_start_key(from)
                .send()
                .await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(failure) if self.lacks_causation_index(&failure).await => {
                    return Err(Error::new(
                        ErrorCode::InvalidTable,
                        format!(
                            "table {} has no index {CAUSATION}, so messages cannot be replayed by causation: replay them by id, or add the index (hash key {CAUSATION_ID}, all attributes projected)",
                            self.table
                        ),
                    ));
                }
                Err(failure) => return Err(explain("Query", &self.index(CAUSATION), failure)),
            };
            ids.extend(answer.items().iter().filter_map(|item| message_id(item)).map(str::to_owned));
            match answer.last_evaluated_key.filter(|key| !key.is_empty()) {
                None => return Ok(ids),
                key => from = key,
            }
        }
    }

    async fn lacks_causation_index(&self, failure: &impl ProvideErrorMetadata) -> bool {
        failure.code() == Some("ValidationException")
            && self.verify_table().await.is_ok_and(|report| !report.has_causation_index)
    }
}
