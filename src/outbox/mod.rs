//! The outbox table: its items, reads, writes and schema. This module contains the requests to DynamoDB, and depends on
//! no transport.

pub(crate) mod action;
pub(crate) mod attempts;
pub(crate) mod attribute;
pub(crate) mod change;
pub(crate) mod counts;
pub(crate) mod decimal;
mod delete;
pub(crate) mod delivered;
pub(crate) mod deposit;
pub(crate) mod item;
pub(crate) mod lane;
mod list;
mod location;
pub(crate) mod lock_table;
pub(crate) mod mark;
pub(crate) mod outstanding;
pub(crate) mod pages;
pub(crate) mod partiql;
pub(crate) mod presence;
pub(crate) mod read;
mod replay;
mod shard;
pub(crate) mod sightings;
pub(crate) mod size;
pub(crate) mod state;
pub(crate) mod table;
pub(crate) mod table_warnings;
mod time_to_live;
pub(crate) mod transaction;
pub(crate) mod wanted;

use crate::model::config::Config;
use crate::model::error::{Error, ErrorCode};
use crate::model::settings::TableEncryption;
use crate::sdk::rejection::NoOtherRetry;
use crate::sdk::{Server, with_backoff};
use crate::sys::sync::Mutex;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

/// The outbox table behind an SDK client. Every method is `async` and runs on the runtime thread.
pub(crate) struct Outbox {
    client: Client,
    /// The same client for transactions. Except for requests with a rejected signature, Postbox retries transactions
    /// itself, because it must know whether an earlier attempt may have taken effect.
    single_attempt: Client,
    table: String,
    server: Server,
    shards: u32,
    max_attempts: u64,
    /// The time for which a dispatched message is kept, or `None` to keep it forever.
    dispatched_ttl: Option<Duration>,
    /// The limit for creation times ahead of this machine's clock.
    max_ahead: Duration,
    /// Whether messages are checked for Brighter's reader.
    brighter_reads: bool,
    /// The key of a new table.
    encryption: TableEncryption,
    /// The customer managed key of a table that this Postbox creates.
    kms_key: Option<String>,
    /// The number of messages that this process has made outstanding, minus the number that it has made not
    /// outstanding, as far as the process knows.
    outstanding_change: AtomicI64,
    /// Whether a PartiQL request was rejected because the permission is missing or the server has no PartiQL.
    without_partiql: AtomicBool,
    /// Whether a constructed start key was rejected, or did not skip a shard of an index.
    index_jumps_refused: AtomicBool,
    /// The primary keys of those tables of callers that were described.
    key_names: Mutex<HashMap<String, Vec<String>>>,
}

impl Outbox {
    pub(crate) fn new(client: Client, server: Server, config: &Config) -> Self {
        // The second attempt is for a request that was rejected for its signature.
        let retries = with_backoff(RetryConfig::standard(), 2);
        let single_attempt = client.config().to_builder().retry_config(retries).retry_classifier(NoOtherRetry);
        Self {
            single_attempt: Client::from_conf(single_attempt.build()),
            client,
            table: config.table_name.clone(),
            server,
            shards: u32::try_from(config.number_of_shards).unwrap_or(1),
            max_attempts: config.max_request_attempts,
            dispatched_ttl: Some(config.dispatched_ttl).filter(|ttl| !ttl.is_zero()),
            max_ahead: config.max_ahead,
            brighter_reads: config.brighter_reads,
            encryption: config.table_encryption,
            kms_key: Some(config.table_kms_key.clone()).filter(|key| !key.is_empty()),
            outstanding_change: AtomicI64::new(0),
            without_partiql: AtomicBool::new(false),
            index_jumps_refused: AtomicBool::new(false),
            key_names: Mutex::default(),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn shards(&self) -> u32 {
        self.shards
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// Returns the change by this process to the number of outstanding messages, counting successful requests only.
    pub(crate) fn outstanding_change(&self) -> i64 {
        self.outstanding_change.load(Ordering::SeqCst)
    }

    fn changed_outstanding(&self, by: i64) {
        self.outstanding_change.fetch_add(by, Ordering::SeqCst);
    }

    /// Returns the name of the table in errors.
    fn subject(&self) -> String {
        format!("table {}", self.table)
    }
}

/// Returns the error for a request that the SDK could not build from our arguments.
fn internal(operation: &str, error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Internal, format!("{operation} could not be built: {error}"))
}
