//! Messages that could not be sent: their attempts counted, parked, released again.

use crate::model::error::{Error, ErrorCode, Result};
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::item::attribute::{
    CREATED_TIME, DELIVERY_TIME, DISPATCH_ATTEMPTS, LAST_ERROR, OUTSTANDING_CREATED_TIME, PARKED_AT, REPLAYED_AT,
};
use crate::outbox::item::{is_possible_id, key, number, text};
use crate::sdk::failure::explain;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;

/// How much of an error's text is stored.
const MAX_ERROR_CHARACTERS: usize = 1000;

/// A failed attempt to send a message.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) id: String,
    pub(crate) error: String,
    /// How often it had failed before, as far as its sender knew.
    pub(crate) earlier: u32,
    /// Whether the message is to be set aside now.
    pub(crate) park: bool,
}

impl Outbox {
    /// Counts a failed attempt on the item, and parks the message if it is to be. One that was
    /// dispatched, parked or deleted meanwhile stays as it is; and so does one whose count is
    /// another by now: this attempt may have been counted, by a request whose answer was lost.
    pub(crate) async fn record_failure(&self, attempt: Attempt, at: Ticks) -> Result<()> {
        let mut expression = format!("SET {LAST_ERROR} = :error, {DISPATCH_ATTEMPTS} = :attempts");
        let mut condition = format!("attribute_exists({OUTSTANDING_CREATED_TIME})");
        let error: String = attempt.error.chars().take(MAX_ERROR_CHARACTERS).collect();
        let mut request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&attempt.id)))
            .expression_attribute_values(":attempts", number(attempt.earlier.saturating_add(1)))
            .expression_attribute_values(":error", text(if error.is_empty() { "no text" } else { &error }));
        if attempt.park {
            expression += &format!(", {PARKED_AT} = :at REMOVE {OUTSTANDING_CREATED_TIME}");
            request = request.expression_attribute_values(":at", number(at.raw()));
        } else if attempt.earlier == 0 {
            condition += &format!(" AND attribute_not_exists({DISPATCH_ATTEMPTS})");
        } else {
            condition += &format!(" AND {DISPATCH_ATTEMPTS} = :earlier");
            request = request.expression_attribute_values(":earlier", number(attempt.earlier));
        }
        match request.update_expression(expression).condition_expression(condition).send().await {
            Ok(_) => {
                self.changed_outstanding(-i64::from(attempt.park));
                Ok(())
            }
            Err(failure) if failure.code() == Some("ConditionalCheckFailedException") => Ok(()),
            Err(failure) => Err(explain("UpdateItem", &self.subject(), failure)),
        }
    }

    /// Makes a parked message outstanding again, with no attempts.
    pub(crate) async fn unpark(&self, id: String) -> Result<()> {
        let not_parked = || Error::new(ErrorCode::InvalidArgument, format!("message {id} is not parked"));
        if !is_possible_id(&id) {
            return Err(not_parked());
        }
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&id)))
            .condition_expression(format!("attribute_exists({PARKED_AT}) AND attribute_not_exists({DELIVERY_TIME})"))
            .update_expression(format!(
                "SET {OUTSTANDING_CREATED_TIME} = {CREATED_TIME}, {REPLAYED_AT} = :now REMOVE {PARKED_AT}, {DISPATCH_ATTEMPTS}"
            ))
            .expression_attribute_values(":now", number(Ticks::now().raw()))
            .send()
            .await;
        match update {
            Ok(_) => {
                self.changed_outstanding(1);
                Ok(())
            }
            Err(failure) if failure.code() == Some("ConditionalCheckFailedException") => Err(not_parked()),
            Err(failure) => Err(explain("UpdateItem", &self.subject(), failure)),
        }
    }
}
