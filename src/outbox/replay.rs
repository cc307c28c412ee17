//! Makes messages outstanding again. Dispatched messages are replayed, and parked messages are released.

use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::Item;
use crate::model::stored_message::MessageState;
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::attribute::{
    ACCEPTED_AT, CAUSATION_ID, CREATED_TIME, DELIVERED_AT, DELIVERY_TIME, DISPATCH_ATTEMPTS, EXPIRES_AT,
    FIRST_FAILED_AT, LAST_ERROR, MESSAGE_ID, NEXT_ATTEMPT_AT, OUTSTANDING_CREATED_TIME, PARKED_AT, REPLAYED_AT,
};
use crate::outbox::change::{Change, Changed, Condition};
use crate::outbox::decimal::ticks;
use crate::outbox::item::{is_possible_id, key, message_id, number, text};
use crate::outbox::pages::PageStart;
use crate::outbox::state::{fate, state};
use crate::outbox::table::CAUSATION;
use crate::sdk::failure::explain;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;

impl Outbox {
    /// Makes a message outstanding again, with no failed attempts, and due immediately. Returns whether the message
    /// exists.
    pub(crate) async fn replay(&self, id: String) -> Result<bool> {
        let Some(item) = self.raw(&id).await? else {
            return Ok(false);
        };
        let change = match state(&item) {
            MessageState::Dispatched => replaying(id, &item),
            MessageState::Parked => releasing(id, &item),
            MessageState::Outstanding => making_due(id, &item),
        };
        // A condition fails if the item was changed after it was read, for example by an earlier attempt of this
        // replay.
        Ok(!matches!(self.update(&change).await?, Changed::Refused(None)))
    }

    /// Makes a parked message outstanding again, with no failed attempts, and due immediately.
    pub(crate) async fn unpark(&self, id: String) -> Result<()> {
        let not_parked = || Error::new(ErrorCode::InvalidArgument, format!("message {id} is not parked"));
        let Some(item) = self.raw(&id).await?.filter(|item| state(item) == MessageState::Parked) else {
            return Err(not_parked());
        };
        match self.update(&releasing(id.clone(), &item)).await? {
            Changed::Refused(_) => Err(not_parked()),
            _ => Ok(()),
        }
    }

    async fn raw(&self, id: &str) -> Result<Option<Item>> {
        if !is_possible_id(id) {
            return Ok(None);
        }
        self.get_item(self.table.clone(), key(id)).await
    }

    /// Reads the ids of all messages with this causation id from the index.
    ///
    /// # Errors
    /// Returns [`ErrorCode::InvalidTable`] if the table does not have the index.
    pub(crate) async fn caused_by(&self, causation_id: String) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        let mut from: Option<PageStart> = None;
        // DynamoDB rejects a query for an id that is empty or too long for a key. No message has such an id.
        if !is_possible_id(&causation_id) {
            return Ok(ids);
        }
        loop {
            let response = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(CAUSATION)
                .key_condition_expression(format!("{CAUSATION_ID} = :id"))
                .expression_attribute_values(":id", text(&causation_id))
                .projection_expression(MESSAGE_ID)
                .set_exclusive_start_key(PageStart::key(from.as_ref()))
                .send()
                .await;
            let response = match response {
                Ok(response) => response,
                Err(failure) if self.lacks_causation_index(&failure).await => {
                    return Err(Error::new(
                        ErrorCode::InvalidTable,
                        format!(
                            "table {} has no index {CAUSATION}, so messages cannot be replayed by causation: replay them by id, or add the index (hash key {CAUSATION_ID}, any projection)",
                            self.table
                        ),
                    ));
                }
                Err(failure) => return Err(explain("Query", &self.index(CAUSATION), failure)),
            };
            ids.extend(response.items().iter().filter_map(|item| message_id(item)).map(str::to_owned));
            let (last, evaluated) = (response.last_evaluated_key, response.scanned_count);
            match PageStart::next(from, last, evaluated, "Query", &self.index(CAUSATION))? {
                None => return Ok(ids),
                next => from = next,
            }
        }
    }

    async fn lacks_causation_index(&self, failure: &impl ProvideErrorMetadata) -> bool {
        failure.code() == Some("ValidationException")
            && self.has_causation_index().await.is_ok_and(|has_index| !has_index)
    }
}

/// Returns a change that makes a message outstanding again, without failures. It removes `ExpiresAt`, because an unsent
/// message never expires.
fn outstanding_again(id: String, item: &Item) -> Change {
    let now = Ticks::now();
    let created = ticks(item, CREATED_TIME).unwrap_or(now);
    Change {
        id,
        set: vec![
            (OUTSTANDING_CREATED_TIME, number(created.raw())),
            (NEXT_ATTEMPT_AT, number(now.raw())),
            (DISPATCH_ATTEMPTS, number(0)),
            (REPLAYED_AT, number(now.raw())),
        ],
        remove: vec![FIRST_FAILED_AT, ACCEPTED_AT, PARKED_AT, LAST_ERROR, EXPIRES_AT, DELIVERY_TIME, DELIVERED_AT],
        conditions: Vec::new(),
        outstanding: 1,
    }
}

/// Returns the condition that the attribute is unchanged since the item was read.
fn unchanged(item: &Item, name: &'static str) -> Condition {
    item.get(name).map_or(Condition::Missing(name), |value| Condition::Equals(name, value.clone()))
}

fn replaying(id: String, item: &Item) -> Change {
    let mut change = outstanding_again(id, item);
    change.conditions.push(unchanged(item, DELIVERY_TIME));
    change
}

fn releasing(id: String, item: &Item) -> Change {
    let mut change = outstanding_again(id, item);
    change.conditions.push(unchanged(item, PARKED_AT));
    change
}

/// Returns the change that makes a waiting message due now. The message keeps its place in the index.
fn making_due(id: String, item: &Item) -> Change {
    let mut change = outstanding_again(id, item);
    change.set.retain(|(name, _)| ![OUTSTANDING_CREATED_TIME, REPLAYED_AT].contains(name));
    change.outstanding = 0;
    change.remove.retain(|name| ![DELIVERY_TIME, DELIVERED_AT].contains(name));
    change.conditions = vec![Condition::same(NEXT_ATTEMPT_AT, fate(item).next_attempt)];
    if item.contains_key(OUTSTANDING_CREATED_TIME) {
        change.conditions.push(Condition::Exists(OUTSTANDING_CREATED_TIME));
    }
    change
}
