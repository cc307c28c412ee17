//! Bulk deposits outside a transaction.

use crate::delivery::presence::warn_if_nobody_sweeps;
use crate::engine::Engine;
use crate::model::error::{Error, ErrorCode, Reason, Result};
use crate::model::item::Item;
use crate::model::message::Message;
use crate::outbox::deposit::Deposited;
use crate::outbox::partiql::MAX_STATEMENTS;
use crate::outbox::size::item_size;
use std::collections::HashSet;

/// The maximum total size of the items of one request, well below the limit of DynamoDB.
const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;

/// The messages of one request: their positions in the argument of [`deposit_all`], and their encoded items.
#[derive(Default)]
struct Batch {
    indexes: Vec<usize>,
    items: Vec<Item>,
    bytes: usize,
}

/// Checks all messages before the first request, and stores none of them if one is invalid. Otherwise, each message is
/// stored independently of the others. If several messages have the same id, only the first of them is stored. Returns
/// the ids of all messages.
pub(crate) fn deposit_all(engine: &Engine, messages: &[Message]) -> Result<Vec<String>> {
    engine.runtime.check_open()?;
    let messages = &*engine.traced_all(messages);
    let (places, batches): (Vec<_>, Vec<_>) =
        batches(engine, messages)?.into_iter().map(|batch| (batch.indexes, batch.items)).unzip();
    let _reserved = engine.reserve(batches.iter().map(Vec::len).sum())?;
    let mut places = places.into_iter();
    let mut reasons = Vec::new();
    engine.run_each(
        "deposit_posts",
        batches,
        |outbox, items| outbox.deposit_batch(items),
        |results: Option<Vec<Result<Deposited>>>| {
            let results = results.unwrap_or_default();
            for (position, index) in places.next().unwrap_or_default().into_iter().enumerate() {
                let message = &messages[index];
                match results.get(position) {
                    Some(Ok(deposited)) => engine.deposited(*deposited, message),
                    failed => reasons.push(reason(index, message, failed)),
                }
            }
        },
    )?;
    warn_if_nobody_sweeps(engine);
    if reasons.is_empty() {
        return Ok(messages.iter().map(|message| message.id().to_owned()).collect());
    }
    let text = format!(
        "{} of {} messages could not be stored; it is safe to deposit all of them again",
        reasons.len(),
        messages.len()
    );
    Err(Error::new(ErrorCode::DepositIncomplete, text).retryable().with_reasons(reasons))
}

fn reason(index: usize, message: &Message, failed: Option<&Result<Deposited>>) -> Reason {
    match failed {
        Some(Err(error)) => Reason::new(index, message.id(), format!("{:?}", error.code()), error.message()),
        _ => Reason::new(index, message.id(), "Timeout", "no response within operation_timeout_ms"),
    }
}

fn batches(engine: &Engine, messages: &[Message]) -> Result<Vec<Batch>> {
    let mut seen = HashSet::new();
    let mut batches = vec![Batch::default()];
    for (index, message) in messages.iter().enumerate() {
        let item = engine.outbox.encode(message)?;
        if !seen.insert(message.id()) {
            continue;
        }
        let bytes = item_size(&item);
        let full = |batch: &Batch| batch.items.len() >= MAX_STATEMENTS || batch.bytes + bytes > MAX_REQUEST_BYTES;
        if batches.last().is_some_and(full) {
            batches.push(Batch::default());
        }
        if let Some(batch) = batches.last_mut() {
            batch.indexes.push(index);
            batch.items.push(item);
            batch.bytes += bytes;
        }
    }
    batches.retain(|batch| !batch.items.is_empty());
    Ok(batches)
}
