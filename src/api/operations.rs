//! Operations of one request each, which the blocking methods and the completions of the C interface share.

use crate::api::operation::Operation;
use crate::delivery::presence::warn_if_nobody_sweeps;
use crate::engine::Engine;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::Item;
use crate::model::message::Message;
use crate::model::page::{Cursor, MessagePage};
use crate::model::stored_message::{MessageState, StoredMessage};
use crate::model::table_report::TableReport;
use crate::outbox::deposit::Deposited;

/// Checks a message, and returns the operation that deposits it. The operation returns the id of the message.
pub(super) fn deposit_post(engine: &Engine, message: Message) -> Result<Operation<Deposited, String>> {
    engine.runtime.check_open()?;
    let message = engine.traced(message);
    let item = engine.outbox.encode(&message)?;
    let reserved = engine.reserve(1)?;
    let request = Operation::request(engine, "deposit_post", |outbox| async move { outbox.deposit(item).await });
    Ok(request.then(move |engine, deposited| {
        let _reserved = reserved;
        engine.deposited(deposited?, &message);
        warn_if_nobody_sweeps(engine);
        Ok(message.id().to_owned())
    }))
}

pub(super) fn get_message(engine: &Engine, id: &str) -> Operation<Option<StoredMessage>> {
    let id = id.to_owned();
    Operation::request(engine, "get_message", |outbox| async move { outbox.get(id).await })
}

pub(super) fn get_item(engine: &Engine, table: String, key: Item) -> Operation<Option<Item>> {
    Operation::request(engine, "get_item", |outbox| async move { outbox.get_item(table, key).await })
}

pub(super) fn list_messages(
    engine: &Engine,
    state: MessageState,
    topic: Option<&str>,
    limit: u32,
    cursor: Option<&Cursor>,
) -> Result<Operation<MessagePage>> {
    if limit == 0 {
        return Err(Error::new(ErrorCode::InvalidArgument, "the limit of the list is 0: it must be at least 1"));
    }
    let (topic, cursor) = (topic.map(str::to_owned), cursor.cloned());
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    Ok(Operation::request(engine, "list", |outbox| async move { outbox.list(state, topic, limit, cursor).await }))
}

pub(super) fn verify_table(engine: &Engine) -> Operation<TableReport> {
    let lock_table = engine.config.lock_table_name.clone();
    Operation::request(engine, "verify_table", |outbox| async move { outbox.verify_table(&lock_table).await })
}

pub(super) fn unpark(engine: &Engine, id: &str) -> Operation<()> {
    let id = id.to_owned();
    Operation::request(engine, "unpark", |outbox| async move { outbox.unpark(id).await })
}

pub(super) fn delete_message(engine: &Engine, id: &str, state: MessageState) -> Operation<bool> {
    let id = id.to_owned();
    // A deleted message must not be sent from memory.
    drop(engine.recent.take(&id));
    Operation::request(engine, "delete_message", |outbox| async move { outbox.delete_in_state(id, state).await })
}
