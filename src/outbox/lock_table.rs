//! The lock table: who sweeps. The item is Brighter's, so that its sweepers and ours exclude each other.

use crate::model::error::{ErrorCode, Result};
use crate::model::item::Item;
use crate::outbox::Outbox;
use crate::outbox::item::{number, text};
use crate::sdk::failure::explain;
use crate::sys::clock;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const RESOURCE_ID: &str = "ResourceId";
const LOCK_ID: &str = "LockId";
const LEASE_EXPIRY: &str = "LeaseExpiry";
const NOT_MET: Option<&str> = Some("ConditionalCheckFailedException");

/// A lease in the lock table.
#[derive(Clone, Debug)]
pub(crate) struct Lock {
    pub(crate) table: String,
    pub(crate) resource: String,
    /// Ours alone.
    pub(crate) id: String,
}

/// A lock as the table holds it.
pub(crate) struct LockItem {
    pub(crate) lock: Lock,
    /// Since when it has run out; `None` if it has not.
    pub(crate) expired_for: Option<Duration>,
    pub(crate) expires_at: SystemTime,
}

impl LockItem {
    fn read(table: &str, item: &Item, now: u128) -> Option<Self> {
        let expiry: u128 = item.get(LEASE_EXPIRY)?.as_n().ok()?.parse().ok()?;
        let lock = Lock {
            table: table.to_owned(),
            resource: item.get(RESOURCE_ID)?.as_s().ok()?.clone(),
            id: item.get(LOCK_ID)?.as_s().ok()?.clone(),
        };
        let late = now.checked_sub(expiry).map(|late| Duration::from_millis(u64::try_from(late).unwrap_or(u64::MAX)));
        let expires_at = UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(expiry).ok()?))?;
        Some(Self { lock, expired_for: late, expires_at })
    }
}

impl Lock {
    fn subject(&self) -> String {
        format!("lock table {}", self.table)
    }
}

impl Outbox {
    /// Takes the lease for so long, if nobody has it or its holder's has run out, also by a
    /// clock that is late by `skew`. Whether it is ours now.
    pub(crate) async fn obtain_lock(&self, lock: Lock, length: Duration, skew: Duration) -> Result<bool> {
        let now = unix_milliseconds(clock::system_time());
        let put = self
            .client
            .put_item()
            .table_name(&lock.table)
            .item(RESOURCE_ID, text(&lock.resource))
            .item(LOCK_ID, text(&lock.id))
            .item(LEASE_EXPIRY, number(now + length.as_millis()))
            .condition_expression(format!(
                "attribute_not_exists({LOCK_ID}) OR {LEASE_EXPIRY} <= :now OR {LOCK_ID} = :mine"
            ))
            .expression_attribute_values(":now", number(now.saturating_sub(skew.as_millis())))
            .expression_attribute_values(":mine", text(&lock.id))
            .send()
            .await;
        match put {
            Ok(_) => Ok(true),
            Err(failure) if failure.code() == NOT_MET => Ok(false),
            Err(failure) => Err(explain("PutItem", &lock.subject(), failure)),
        }
    }

    /// Extends the lease to so long from now. Whether it is still ours.
    pub(crate) async fn renew_lock(&self, lock: Lock, length: Duration) -> Result<bool> {
        let expiry = unix_milliseconds(clock::system_time()) + length.as_millis();
        let update = self
            .client
            .update_item()
            .table_name(&lock.table)
            .key(RESOURCE_ID, text(&lock.resource))
            .condition_expression(format!("{LOCK_ID} = :mine"))
            .update_expression(format!("SET {LEASE_EXPIRY} = :expiry"))
            .expression_attribute_values(":mine", text(&lock.id))
            .expression_attribute_values(":expiry", number(expiry))
            .send()
            .await;
        match update {
            Ok(_) => Ok(true),
            Err(failure) if failure.code() == NOT_MET => Ok(false),
            Err(failure) => Err(explain("UpdateItem", &lock.subject(), failure)),
        }
    }

    /// Gives the lease back, if it is still ours.
    pub(crate) async fn release_lock(&self, lock: Lock) -> Result<()> {
        let delete = self
            .client
            .delete_item()
            .table_name(&lock.table)
            .key(RESOURCE_ID, text(&lock.resource))
            .condition_expression(format!("{LOCK_ID} = :mine"))
            .expression_attribute_values(":mine", text(&lock.id))
            .send()
            .await;
        match delete {
            Ok(_) => Ok(()),
            Err(failure) if failure.code() == NOT_MET => Ok(()),
            Err(failure) => Err(explain("DeleteItem", &lock.subject(), failure)),
        }
    }

    /// The locks whose resource begins so, those that have run out included.
    pub(crate) async fn locks(&self, table: String, prefix: String) -> Result<Vec<LockItem>> {
        let now = unix_milliseconds(clock::system_time());
        let mut locks = Vec::new();
        let mut from = None;
        loop {
            let answer = self
                .client
                .scan()
                .table_name(&table)
                .filter_expression(format!("begins_with({RESOURCE_ID}, :prefix)"))
                .expression_attribute_values(":prefix", text(&prefix))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|failure| explain("Scan", &format!("lock table {table}"), failure))?;
            locks.extend(answer.items().iter().filter_map(|item| LockItem::read(&table, item, now)));
            match answer.last_evaluated_key.filter(|key| !key.is_empty()) {
                None => return Ok(locks),
                key => from = key,
            }
        }
    }

    /// Makes the lock table if it is missing and waits until it can be used.
    pub(crate) async fn create_lock_table(&self, table: String) -> Result<()> {
        let build = |error| crate::outbox::internal("CreateTable", error);
        let created = self
            .client
            .create_table()
            .table_name(&table)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(
                AttributeDefinition::builder()
                    .attribute_name(RESOURCE_ID)
                    .attribute_type(ScalarAttributeType::S)
                    .build()
                    .map_err(build)?,
            )
            .key_schema(
                KeySchemaElement::builder()
                    .attribute_name(RESOURCE_ID)
                    .key_type(KeyType::Hash)
                    .build()
                    .map_err(build)?,
            )
            .send()
            .await;
        match created {
            Err(failure) if failure.code() != Some("ResourceInUseException") => {
                return Err(explain("CreateTable", &format!("lock table {table}"), failure));
            }
            _ => {}
        }
        loop {
            match self.is_active(&table).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if error.code() == ErrorCode::TableNotFound => {}
                Err(error) => return Err(error),
            }
            crate::sys::clock::sleep(crate::outbox::table::POLL).await;
        }
    }
}

fn unix_milliseconds(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}
