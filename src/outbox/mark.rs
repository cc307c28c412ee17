//! Marking messages dispatched: 25 a request, never over an earlier dispatch time.

use crate::model::error::{Error, Result};
use crate::model::item::{AttributeValue, Item};
use crate::model::stored_message::MessageState;
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::deposit::{CONCURRENT_REQUESTS, all_in_order};
use crate::outbox::item;
use crate::outbox::item::attribute::{DELIVERED_AT, DELIVERY_TIME, EXPIRES_AT, MESSAGE_ID, OUTSTANDING_CREATED_TIME};
use crate::outbox::partiql::{Executed, Statement};
use crate::sdk::failure::explain;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use std::sync::Arc;

/// What became of a message that was to be marked.
#[derive(Clone, Debug)]
pub(crate) enum Marked {
    Dispatched,
    /// It has a dispatch time already, which stays.
    AlreadyDispatched,
    Missing,
    Failed(Error),
}

impl Outbox {
    /// Marks up to 25 different messages dispatched at this time: one result each, in order.
    pub(crate) async fn mark_dispatched(self: Arc<Self>, ids: Vec<String>, at: Ticks) -> Vec<Marked> {
        let statements: Vec<Statement> = ids.iter().map(|id| self.mark_statement(id, at)).collect();
        if let Some(results) = self.execute_batch(&statements).await {
            let mut marked = Vec::with_capacity(ids.len());
            for (id, result) in ids.iter().zip(results) {
                marked.push(match result {
                    Executed::Done => {
                        self.changed_outstanding(-1);
                        Marked::Dispatched
                    }
                    Executed::ConditionFailed(Some(item)) if is_unsent(&item) => {
                        self.mark_one(id, at).await.unwrap_or_else(Marked::Failed)
                    }
                    Executed::ConditionFailed(item) => condition_failed(item.as_ref()),
                    Executed::Duplicate => Marked::AlreadyDispatched,
                    Executed::Failed(error) => Marked::Failed(error),
                });
            }
            return marked;
        }
        let updates = ids.into_iter().map(|id| {
            let outbox = Arc::clone(&self);
            async move { outbox.mark_one(&id, at).await }
        });
        all_in_order(updates, CONCURRENT_REQUESTS)
            .await
            .into_iter()
            .map(|result| result.unwrap_or_else(Marked::Failed))
            .collect()
    }

    fn mark_statement(&self, id: &str, at: Ticks) -> Statement {
        let mut text = format!("UPDATE {}", self.quoted_table());
        let mut parameters = Vec::new();
        for (name, value) in self.dispatched(at) {
            text += &format!(" SET \"{name}\" = ?");
            parameters.push(value);
        }
        text += &format!(
            " REMOVE \"{OUTSTANDING_CREATED_TIME}\" WHERE \"{MESSAGE_ID}\" = ? AND \"{DELIVERY_TIME}\" IS MISSING"
        );
        parameters.push(item::text(id));
        Statement { text, parameters }
    }

    /// What marking sets. Only here does a message get an end of its life: one that was not
    /// sent never expires.
    fn dispatched(&self, at: Ticks) -> Vec<(&'static str, AttributeValue)> {
        let mut attributes = Vec::from(dispatched_attributes(at));
        if let Some(lifetime) = self.dispatched_ttl {
            attributes.push((EXPIRES_AT, item::number(at.unix_seconds().saturating_add(lifetime.as_secs()))));
        }
        attributes
    }

    async fn mark_one(&self, id: &str, at: Ticks) -> Result<Marked> {
        let dispatched = self.dispatched(at);
        let set: Vec<String> = dispatched.iter().map(|(name, _)| format!("{name} = :{name}")).collect();
        let values = dispatched.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect();
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item::key(id)))
            .update_expression(format!("SET {} REMOVE {OUTSTANDING_CREATED_TIME}", set.join(", ")))
            .condition_expression(format!(
                "attribute_exists({MESSAGE_ID}) AND (attribute_not_exists({DELIVERY_TIME}) OR {DELIVERY_TIME} = :zero)"
            ))
            .set_expression_attribute_values(Some(values))
            .expression_attribute_values(":zero", item::number(0))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match update {
            Ok(_) => {
                self.changed_outstanding(-1);
                Ok(Marked::Dispatched)
            }
            Err(failure) => match failure.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => Ok(condition_failed(failed.item())),
                _ => Err(explain("UpdateItem", &self.subject(), failure)),
            },
        }
    }
}

/// Checks whether an item has the dispatch time 0, by which Brighter 9 meant none. PartiQL has no OR to allow it.
fn is_unsent(item: &Item) -> bool {
    item.contains_key(DELIVERY_TIME) && item::state_of(item) == MessageState::Outstanding
}

/// The condition fails when the message is missing or has a dispatch time: the item tells which.
fn condition_failed(item: Option<&Item>) -> Marked {
    match item {
        Some(item) if !item.is_empty() => Marked::AlreadyDispatched,
        _ => Marked::Missing,
    }
}

/// The two forms of a dispatch time.
pub(crate) fn dispatched_attributes(at: Ticks) -> [(&'static str, AttributeValue); 2] {
    [(DELIVERY_TIME, item::number(at.raw())), (DELIVERED_AT, item::text(at.to_text()))]
}
