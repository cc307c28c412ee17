//! A conditional change of one message, which is written as a statement of a batch or with a separate request.

use crate::model::error::{Error, Result};
use crate::model::item::{AttributeValue, Item};
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::attribute::{LAST_ERROR, MESSAGE_ID};
use crate::outbox::deposit::{CONCURRENT_REQUESTS, all_in_order};
use crate::outbox::item;
use crate::outbox::partiql::{Executed, Statement};
use crate::sdk::failure::explain;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use std::collections::HashMap;
use std::sync::Arc;

/// A condition of a change on one attribute.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Exists(&'static str),
    Missing(&'static str),
    Equals(&'static str, AttributeValue),
}

impl Condition {
    /// Returns the condition that the attribute has this time, or is missing for `None`.
    pub(crate) fn same(name: &'static str, time: Option<Ticks>) -> Self {
        time.map_or(Self::Missing(name), |time| Self::Equals(name, item::number(time.raw())))
    }
}

/// Attributes that are set and removed on one message if all conditions hold. A change never creates an item.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) id: String,
    /// The attributes to set. If the item has no room for all of them, only the first is written.
    pub(crate) set: Vec<(&'static str, AttributeValue)>,
    pub(crate) remove: Vec<&'static str>,
    pub(crate) conditions: Vec<Condition>,
    /// The difference that the change makes to the number of outstanding messages.
    pub(crate) outstanding: i64,
}

/// The result of a change.
#[derive(Clone, Debug)]
pub(crate) enum Changed {
    Done,
    /// A condition does not hold. Contains the current item, if it exists.
    Refused(Option<Item>),
    Failed(Error),
}

impl Outbox {
    /// Applies up to 25 changes of different messages, and retries after transient failures. Returns one result for
    /// each change, in the same order.
    pub(crate) async fn apply(self: Arc<Self>, changes: Vec<Change>) -> Vec<Changed> {
        let statements: Vec<Statement> = changes.iter().map(|change| self.statement(change)).collect();
        let executed = self.execute_batch(&statements).await;
        self.finish(changes, executed).await
    }

    /// Applies up to 25 changes of different messages with one request, so that no change waits for the retry of
    /// another.
    pub(crate) async fn apply_once(self: Arc<Self>, changes: Vec<Change>) -> Vec<Changed> {
        let statements: Vec<Statement> = changes.iter().map(|change| self.statement(change)).collect();
        let executed = self.execute_batch_once(&statements).await;
        self.finish(changes, executed).await
    }

    /// Converts the results of the statements. If PartiQL cannot be used, the changes are applied one by one. If an
    /// item has no room for a change, a smaller change is applied.
    async fn finish(self: Arc<Self>, changes: Vec<Change>, executed: Option<Vec<Executed>>) -> Vec<Changed> {
        let Some(executed) = executed else {
            let updates = changes.into_iter().map(|change| Arc::clone(&self).apply_alone(change));
            let done = all_in_order(updates, CONCURRENT_REQUESTS).await;
            return done.into_iter().map(|result| result.unwrap_or_else(Changed::Failed)).collect();
        };
        let mut results = Vec::with_capacity(changes.len());
        for (change, executed) in changes.into_iter().zip(executed) {
            results.push(match executed {
                Executed::Done => {
                    self.changed_outstanding(change.outstanding);
                    Changed::Done
                }
                Executed::ConditionFailed(item) => Changed::Refused(item),
                Executed::Duplicate => Changed::Refused(None),
                Executed::Failed(error) if has_no_room(&error) => {
                    self.update(&change.lean()).await.unwrap_or_else(Changed::Failed)
                }
                Executed::Failed(error) => Changed::Failed(error),
            });
        }
        results
    }

    async fn apply_alone(self: Arc<Self>, change: Change) -> Result<Changed> {
        match self.update(&change).await {
            Err(error) if has_no_room(&error) => self.update(&change.lean()).await,
            result => result,
        }
    }

    /// Applies a change with a separate request.
    pub(crate) async fn update(&self, change: &Change) -> Result<Changed> {
        let (mut names, mut values) = (HashMap::new(), HashMap::new());
        let mut place = |name: &'static str| {
            names.insert(format!("#{name}"), name.to_owned());
            format!("#{name}")
        };
        let mut clauses = vec![format!("attribute_exists({})", place(MESSAGE_ID))];
        for condition in &change.conditions {
            clauses.push(match condition {
                Condition::Exists(name) => format!("attribute_exists({})", place(name)),
                Condition::Missing(name) => format!("attribute_not_exists({})", place(name)),
                Condition::Equals(name, value) => {
                    values.insert(format!(":was{name}"), value.clone());
                    format!("{} = :was{name}", place(name))
                }
            });
        }
        let mut expression = String::new();
        for (position, (name, value)) in change.set.iter().enumerate() {
            expression += if position == 0 { "SET " } else { ", " };
            expression += &format!("{} = :{name}", place(name));
            values.insert(format!(":{name}"), value.clone());
        }
        for (position, name) in change.remove.iter().enumerate() {
            expression += if position == 0 { " REMOVE " } else { ", " };
            expression += &place(name);
        }
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item::key(&change.id)))
            .update_expression(expression)
            .condition_expression(clauses.join(" AND "))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values).filter(|values| !values.is_empty()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match update {
            Ok(_) => {
                self.changed_outstanding(change.outstanding);
                Ok(Changed::Done)
            }
            Err(failure) => match failure.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Changed::Refused(failed.item().filter(|item| !item.is_empty()).cloned()))
                }
                _ => Err(explain("UpdateItem", &self.subject(), failure)),
            },
        }
    }

    /// Returns the change as a statement. An UPDATE of a missing item fails, so the statement need not check that the
    /// item exists.
    fn statement(&self, change: &Change) -> Statement {
        let mut text = format!("UPDATE {}", self.quoted_table());
        let mut parameters = Vec::new();
        for (name, value) in &change.set {
            text += &format!(" SET \"{name}\" = ?");
            parameters.push(value.clone());
        }
        for name in &change.remove {
            text += &format!(" REMOVE \"{name}\"");
        }
        text += &format!(" WHERE \"{MESSAGE_ID}\" = ?");
        parameters.push(item::text(&change.id));
        for condition in &change.conditions {
            text += &match condition {
                Condition::Exists(name) => format!(" AND \"{name}\" IS NOT MISSING"),
                Condition::Missing(name) => format!(" AND \"{name}\" IS MISSING"),
                Condition::Equals(name, value) => {
                    parameters.push(value.clone());
                    format!(" AND \"{name}\" = ?")
                }
            };
        }
        Statement { text, parameters }
    }
}

impl Change {
    /// Returns the change that fits into a full item: it sets only the first attribute, and also removes the text of
    /// the last error.
    fn lean(mut self) -> Self {
        self.set.truncate(1);
        if !self.remove.contains(&LAST_ERROR) {
            self.remove.push(LAST_ERROR);
        }
        self
    }
}

/// Returns whether the item would exceed DynamoDB's maximum size. Deposits leave room for changes in the item, but
/// deposits by earlier versions of Postbox may not have left enough.
fn has_no_room(error: &Error) -> bool {
    error.message().contains("maximum allowed size")
}
