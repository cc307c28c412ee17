//! Writes new messages to the table: inside a transaction, alone, or in bulk.

use crate::model::brighter_reader;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::{AttributeValue, Item};
use crate::model::message::Message;
use crate::outbox::Outbox;
use crate::outbox::action::{Action, ActionName};
use crate::outbox::attribute::{EXPIRES_AT, MESSAGE_ID};
use crate::outbox::item::{encode, number};
use crate::outbox::partiql::{Executed, Statement};
use crate::outbox::size::{MAX_ITEM_BYTES, ROOM_BYTES, item_size};
use crate::sdk::failure::explain;
use crate::sys::clock;
use crate::sys::simulation::{Mutation, mutated};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use std::sync::Arc;
use tokio::task::JoinSet;

/// The maximum number of concurrent requests of a bulk operation.
pub(crate) const CONCURRENT_REQUESTS: usize = 8;

/// Returns the condition that the item does not exist, because a deposit never overwrites.
fn not_there() -> Option<String> {
    (!mutated(Mutation::DuplicateOverwrites)).then(|| "attribute_not_exists(MessageId)".to_owned())
}

/// The result of a deposit that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deposited {
    New,
    AlreadyThere,
}

impl Outbox {
    /// Checks the message and returns its item.
    pub(crate) fn encode(&self, message: &Message) -> Result<Item> {
        message.validate()?;
        self.check_age(message)?;
        if self.brighter_reads
            && let Some(why) = brighter_reader::refusal(message)
        {
            return Err(Error::new(
                ErrorCode::InvalidMessage,
                format!(
                    "message {}: {why}, and such a row stops Brighter's sweeper for all messages; where no Brighter reads the table, set brighter_reads = false",
                    message.id()
                ),
            ));
        }
        let mut item = encode(message, self.shards);
        if mutated(Mutation::ExpiryAtDeposit) {
            let lifetime = self.dispatched_ttl.unwrap_or_default().as_secs();
            item.insert(EXPIRES_AT.into(), number(message.created().unix_seconds() + lifetime));
        }
        let size = item_size(&item);
        let most = MAX_ITEM_BYTES - ROOM_BYTES;
        if size > most {
            return Err(Error::new(
                ErrorCode::ItemTooLarge,
                format!(
                    "message {} would be an item of {size} bytes, more than the maximum of {most}, which leaves room in DynamoDB's {MAX_ITEM_BYTES} to mark it: shorten the body, or store it elsewhere and set data_ref",
                    message.id()
                ),
            ));
        }
        Ok(item)
    }

    /// Rejects a message whose creation time is too far ahead, because a sweeper would assume that the clock of its
    /// process was wrong.
    fn check_age(&self, message: &Message) -> Result<()> {
        let ahead = message.created_at().duration_since(clock::system_time()).unwrap_or_default();
        if ahead <= self.max_ahead {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::InvalidMessage,
            format!(
                "message {}: its created_at, {}, is {} seconds ahead of this machine's clock, max_ahead_ms allows {} ms: correct the time or the clock",
                message.id(),
                message.created().to_text(),
                ahead.as_secs(),
                self.max_ahead.as_millis()
            ),
        ))
    }

    /// Returns the action that deposits a message in a transaction.
    pub(crate) fn deposit_action(&self, id: &str, item: Item) -> Result<Action> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .set_condition_expression(not_there())
            .build()
            .map_err(|error| crate::outbox::internal("Put", error))?;
        Ok(Action {
            item: TransactWriteItem::builder().put(put).build(),
            name: ActionName::new("Put", &self.table, Some(id)),
        })
    }

    /// Stores one message outside a transaction. Depositing a message whose id already exists succeeds.
    pub(crate) async fn deposit(&self, item: Item) -> Result<Deposited> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .set_condition_expression(not_there())
            .send()
            .await;
        match put {
            Ok(_) => {
                self.changed_outstanding(1);
                Ok(Deposited::New)
            }
            Err(failure) if failure.code() == Some("ConditionalCheckFailedException") => Ok(Deposited::AlreadyThere),
            Err(failure) => Err(explain("PutItem", &self.subject(), failure)),
        }
    }

    /// Stores messages outside a transaction, independently of each other. Returns one result per item, in the same
    /// order.
    pub(crate) async fn deposit_batch(self: Arc<Self>, items: Vec<Item>) -> Vec<Result<Deposited>> {
        let statements: Vec<Statement> = items.iter().map(|item| self.insert(item)).collect();
        if let Some(results) = self.execute_batch(&statements).await {
            return results
                .into_iter()
                .map(|result| match result {
                    Executed::Done => {
                        self.changed_outstanding(1);
                        Ok(Deposited::New)
                    }
                    Executed::Duplicate | Executed::ConditionFailed(_) => Ok(Deposited::AlreadyThere),
                    Executed::Failed(error) => Err(error),
                })
                .collect();
        }
        let puts = items.into_iter().map(|item| {
            let outbox = Arc::clone(&self);
            async move { outbox.deposit(item).await }
        });
        all_in_order(puts, CONCURRENT_REQUESTS).await
    }

    fn insert(&self, item: &Item) -> Statement {
        let mut text = format!("INSERT INTO {} VALUE {{", self.quoted_table());
        let mut parameters: Vec<AttributeValue> = Vec::with_capacity(item.len());
        for (name, value) in item {
            let separator = if parameters.is_empty() { "" } else { ", " };
            text += &format!("{separator}'{name}': ?");
            parameters.push(value.clone());
        }
        text.push('}');
        debug_assert!(item.contains_key(MESSAGE_ID));
        Statement { text, parameters }
    }
}

/// Runs the futures, up to `at_once` at the same time, and returns their results in order.
pub(crate) async fn all_in_order<T, F>(futures: impl IntoIterator<Item = F>, at_once: usize) -> Vec<Result<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let mut waiting = futures.into_iter().enumerate();
    let mut running = JoinSet::new();
    let mut results = Vec::new();
    loop {
        while running.len() < at_once
            && let Some((index, future)) = waiting.next()
        {
            results.push(Err(Error::new(ErrorCode::Internal, "a request panicked inside Postbox")));
            running.spawn(async move { (index, future.await) });
        }
        match running.join_next().await {
            None => return results,
            Some(Ok((index, result))) => results[index] = result,
            Some(Err(_)) => {}
        }
    }
}
