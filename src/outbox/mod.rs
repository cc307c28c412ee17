//! The outbox table: its items, reads, writes and schema. Knows DynamoDB and no transport.

pub(crate) mod action;
pub(crate) mod attempts;
pub(crate) mod attribute;
pub(crate) mod change;
mod counts;
mod delete;
pub(crate) mod delivered;
pub(crate) mod deposit;
pub(crate) mod item;
pub(crate) mod lane;
mod list;
pub(crate) mod lock_table;
pub(crate) mod mark;
pub(crate) mod outstanding;
pub(crate) mod partiql;
pub(crate) mod read;
mod replay;
mod shard;
pub(crate) mod sightings;
pub(crate) mod size;
pub(crate) mod state;
pub(crate) mod table;
pub(crate) mod transaction;

use crate::model::config::Config;
use crate::model::error::{Error, ErrorCode};
use crate::sys::sync::Mutex;
use aws_sdk_dynamodb::Client;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

/// The outbox table behind an SDK client. Every method is `async` and runs on the runtime thread.
pub(crate) struct Outbox {
    client: Client,
    /// The same client without the SDK's retries, for transactions: a retry of ours knows
    /// whether an earlier attempt may have taken effect.
    single_attempt: Client,
    table: String,
    shards: u32,
    max_attempts: u64,
    /// How long a dispatched message is kept; for ever if `None`.
    dispatched_ttl: Option<Duration>,
    /// The limit for creation times ahead of this machine's clock.
    max_ahead: Duration,
    /// Whether messages are checked for Brighter's reader.
    brighter_reads: bool,
    /// Whether the table is made with a stream, as Brighter makes it.
    has_stream: bool,
    /// By how much this process has changed the number of outstanding messages, as far as it knows.
    outstanding_change: AtomicI64,
    /// Set once a PartiQL request was refused for lack of permission.
    partiql_denied: AtomicBool,
    /// Set once an index could not be read from behind a shard.
    index_jumps_refused: AtomicBool,
    /// The primary keys of the callers' tables, as far as they were asked for.
    key_names: Mutex<HashMap<String, Vec<String>>>,
}

impl Outbox {
    pub(crate) fn new(client: Client, config: &Config) -> Self {
        let single_attempt =
            client.config().to_builder().retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled()).build();
        Self {
            single_attempt: Client::from_conf(single_attempt),
            client,
            table: config.table_name.clone(),
            shards: u32::try_from(config.number_of_shards).unwrap_or(1),
            max_attempts: config.max_request_attempts,
            dispatched_ttl: Some(config.dispatched_ttl).filter(|ttl| !ttl.is_zero()),
            max_ahead: config.max_ahead,
            brighter_reads: config.brighter_reads,
            has_stream: true,
            outstanding_change: AtomicI64::new(0),
            partiql_denied: AtomicBool::new(false),
            index_jumps_refused: AtomicBool::new(false),
            key_names: Mutex::default(),
        }
    }

    /// For the embedded database, where a stream has no reader, keeps every change for ever and
    /// makes each write slower than the one before.
    pub(crate) fn without_stream(self) -> Self {
        Self { has_stream: false, ..self }
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

    /// Returns by how much this process has changed the number of outstanding messages, by requests that succeeded.
    pub(crate) fn outstanding_change(&self) -> i64 {
        self.outstanding_change.load(Ordering::SeqCst)
    }

    fn changed_outstanding(&self, by: i64) {
        self.outstanding_change.fetch_add(by, Ordering::SeqCst);
    }

    /// The table as errors name it.
    fn subject(&self) -> String {
        format!("table {}", self.table)
    }
}

/// A request that the SDK could not build from what we gave it.
fn internal(operation: &str, error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Internal, format!("{operation} could not be built: {error}"))
}
