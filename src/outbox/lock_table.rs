//! The lock table: the leases of sweepers and archivers. The items are Brighter's, with attributes that it ignores, so
//! that its sweepers and ours exclude each other.

use crate::model::error::{ErrorCode, Result};
use crate::model::item::Item;
use crate::outbox::Outbox;
use crate::outbox::item::{number, text};
use crate::sdk::failure::explain;
use crate::sys::clock;
use crate::sys::simulation::{Mutation, mutated};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, KeysAndAttributes, ReturnValue,
    ReturnValuesOnConditionCheckFailure, ScalarAttributeType,
};
use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const RESOURCE_ID: &str = "ResourceId";
const LOCK_ID: &str = "LockId";
const LEASE_EXPIRY: &str = "LeaseExpiry";
const TOPIC: &str = "Topic";
const HOLDER: &str = "Holder";
const FAILURES: &str = "Failures";
const WHY: &str = "Why";
const NOT_MET: Option<&str> = Some("ConditionalCheckFailedException");
/// A lease that ends later than this is not believed: the clock of its holder was wrong. No lease is longer than an
/// hour.
const ABSURD: Duration = Duration::from_secs(65 * 60);
/// DynamoDB's limit for one BatchGetItem.
const MOST_READ: usize = 100;

/// The right to one lease in the lock table, new for each time that it is taken.
#[derive(Clone, Debug)]
pub(crate) struct Lock {
    pub(crate) table: String,
    pub(crate) resource: String,
    /// Ours alone.
    pub(crate) id: String,
}

/// Why nobody may take a lane before its time, though nobody holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Its messages cannot be sent.
    Transport,
    /// Sent messages cannot be marked.
    Marks,
    /// Its holder has given it back. Brighter waits until indexes show what was marked; ours need not.
    Rest,
}

impl Why {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Marks => "marks",
            Self::Rest => "rest",
        }
    }
}

/// An item of the lock table, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LockItem {
    pub(crate) resource: String,
    pub(crate) id: Option<String>,
    /// In Unix milliseconds.
    pub(crate) expiry: Option<u64>,
    pub(crate) topic: Option<String>,
    pub(crate) holder: Option<String>,
    /// How many probes of the lane have failed in a row.
    pub(crate) failures: u32,
    pub(crate) why: Option<String>,
}

/// Whether a lease can be had, by its item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Free,
    /// Its holder died without giving it back.
    Abandoned,
    /// Nobody may take it before this, in Unix milliseconds.
    Paused(u64),
    /// Somebody holds it until then.
    Held(u64),
}

impl LockItem {
    fn read(item: &Item) -> Option<Self> {
        let string = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let number = |name: &str| item.get(name).and_then(|value| value.as_n().ok()?.parse::<u64>().ok());
        Some(Self {
            resource: string(RESOURCE_ID)?,
            id: string(LOCK_ID),
            expiry: number(LEASE_EXPIRY),
            topic: string(TOPIC),
            holder: string(HOLDER),
            failures: number(FAILURES).and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
            why: string(WHY),
        })
    }

    /// Returns whether the lease can be had at this time by a clock that may be off by `skew`.
    pub(crate) fn standing(&self, now: u64, skew: Duration) -> Standing {
        let (Some(_), Some(expiry)) = (&self.id, self.expiry) else {
            return Standing::Free;
        };
        if self.why.as_deref() == Some(Why::Rest.name()) {
            return Standing::Free;
        }
        let absurd = expiry > absurd_after(now);
        match &self.why {
            Some(_) if absurd || expiry <= now => Standing::Free,
            Some(_) => Standing::Paused(expiry),
            None if absurd || expiry <= now.saturating_sub(milliseconds(skew)) => Standing::Abandoned,
            None => Standing::Held(expiry),
        }
    }

    /// Returns when the lease ends, if that is a time.
    pub(crate) fn expires_at(&self) -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::from_millis(self.expiry?))
    }
}

/// What a lease is taken with.
#[derive(Clone, Debug)]
pub(crate) struct Taking {
    pub(crate) length: Duration,
    /// How far clocks may be apart.
    pub(crate) skew: Duration,
    pub(crate) topic: Option<String>,
    pub(crate) holder: String,
    /// A pause is written at once, where nobody holds the lane.
    pub(crate) pause: Option<(u32, Why)>,
}

/// The answer to a request for a lease.
#[derive(Clone, Debug)]
pub(crate) enum Taken {
    /// It is ours, with the item that was there before.
    Ours(Option<LockItem>),
    Others,
}

impl Lock {
    fn subject(&self) -> String {
        format!("lock table {}", self.table)
    }
}

impl Outbox {
    /// Takes a lease if nobody has it, or if its holder's has run out, also by a clock that is late by the skew.
    pub(crate) async fn take_lock(&self, lock: Lock, taking: Taking) -> Result<Taken> {
        let now = unix_milliseconds();
        let mut set = vec![(LOCK_ID, text(&lock.id)), (LEASE_EXPIRY, number(now + milliseconds(taking.length)))];
        set.push((HOLDER, text(&taking.holder)));
        set.extend(taking.topic.map(|topic| (TOPIC, text(topic))));
        let mut remove = String::new();
        match taking.pause {
            Some((failures, why)) => set.extend([(FAILURES, number(failures)), (WHY, text(why.name()))]),
            None => remove = format!(" REMOVE {WHY}"),
        }
        let names: Vec<String> = set.iter().map(|(name, _)| format!("{name} = :{name}")).collect();
        let update = self
            .client
            .update_item()
            .table_name(&lock.table)
            .key(RESOURCE_ID, text(&lock.resource))
            .update_expression(format!("SET {}{remove}", names.join(", ")))
            .condition_expression(format!(
                "attribute_not_exists({LOCK_ID}) OR attribute_not_exists({LEASE_EXPIRY}) OR {LEASE_EXPIRY} > :absurd \
                 OR {LEASE_EXPIRY} <= :past OR (attribute_exists({WHY}) AND {LEASE_EXPIRY} <= :now) OR {WHY} = :rest"
            ))
            .set_expression_attribute_values(Some(
                set.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect(),
            ))
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":past", number(now.saturating_sub(milliseconds(taking.skew))))
            .expression_attribute_values(":absurd", number(absurd_after(now)))
            .expression_attribute_values(":rest", text(Why::Rest.name()))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let old = match update {
            Ok(answer) => return Ok(Taken::Ours(answer.attributes.as_ref().and_then(LockItem::read))),
            Err(failure) => match failure.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    failed.item().and_then(LockItem::read)
                }
                _ => return Err(explain("UpdateItem", &lock.subject(), failure)),
            },
        };
        let old = old.unwrap_or_default();
        // An earlier attempt of this very request was answered to nobody.
        let is_ours = old.id.as_deref() == Some(&lock.id) && (old.why.is_none() || taking.pause.is_some());
        Ok(if is_ours { Taken::Ours(None) } else { Taken::Others })
    }

    /// Extends a lease to so long from now; never to an earlier end than it has. Returns its end in Unix
    /// milliseconds if it is still ours.
    pub(crate) async fn renew_lock(&self, lock: Lock, length: Duration) -> Result<Option<u64>> {
        let expiry = unix_milliseconds() + milliseconds(length);
        let no_earlier = if mutated(Mutation::LeaseShortened) { ":expiry" } else { LEASE_EXPIRY };
        let update = self
            .client
            .update_item()
            .table_name(&lock.table)
            .key(RESOURCE_ID, text(&lock.resource))
            .condition_expression(format!(
                "{LOCK_ID} = :mine AND attribute_not_exists({WHY}) AND {no_earlier} <= :expiry"
            ))
            .update_expression(format!("SET {LEASE_EXPIRY} = :expiry"))
            .expression_attribute_values(":mine", text(&lock.id))
            .expression_attribute_values(":expiry", number(expiry))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match update {
            Ok(_) => Ok(Some(expiry)),
            Err(failure) => match failure.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let item = failed.item().and_then(LockItem::read).unwrap_or_default();
                    let is_ours = item.id.as_deref() == Some(&lock.id) && item.why.is_none();
                    Ok(item.expiry.filter(|_| is_ours))
                }
                _ => Err(explain("UpdateItem", &lock.subject(), failure)),
            },
        }
    }

    /// Gives a lease back, if it is still ours.
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

    /// Turns a lease that is ours into a pause of this length.
    pub(crate) async fn pause_lock(&self, lock: Lock, pause: Duration, failures: u32, why: Why) -> Result<()> {
        let update = self
            .client
            .update_item()
            .table_name(&lock.table)
            .key(RESOURCE_ID, text(&lock.resource))
            .condition_expression(format!("{LOCK_ID} = :mine"))
            .update_expression(format!("SET {LEASE_EXPIRY} = :until, {FAILURES} = :failures, {WHY} = :why"))
            .expression_attribute_values(":mine", text(&lock.id))
            .expression_attribute_values(":until", number(unix_milliseconds() + milliseconds(pause)))
            .expression_attribute_values(":failures", number(failures))
            .expression_attribute_values(":why", text(why.name()))
            .send()
            .await;
        match update {
            Ok(_) => Ok(()),
            Err(failure) if failure.code() == NOT_MET => Ok(()),
            Err(failure) => Err(explain("UpdateItem", &lock.subject(), failure)),
        }
    }

    /// Reads the items of these resources consistently, by resource; those that are missing are left out.
    pub(crate) async fn lock_items(&self, table: String, resources: Vec<String>) -> Result<HashMap<String, LockItem>> {
        let mut found = HashMap::new();
        let mut keys: Vec<Item> =
            resources.iter().map(|resource| Item::from([(RESOURCE_ID.to_owned(), text(resource))])).collect();
        while !keys.is_empty() {
            let rest = keys.split_off(keys.len().min(MOST_READ));
            let request = KeysAndAttributes::builder()
                .set_keys(Some(std::mem::replace(&mut keys, rest)))
                .consistent_read(true)
                .build()
                .map_err(|error| crate::outbox::internal("BatchGetItem", error))?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&table, request)
                .send()
                .await
                .map_err(|failure| explain("BatchGetItem", &format!("lock table {table}"), failure))?;
            for item in answer.responses.unwrap_or_default().into_values().flatten() {
                found.extend(LockItem::read(&item).map(|item| (item.resource.clone(), item)));
            }
            let left = answer.unprocessed_keys.unwrap_or_default().into_values().flat_map(|left| left.keys);
            keys.extend(left);
        }
        Ok(found)
    }

    /// Reads the items whose resource begins so, those that have run out included.
    pub(crate) async fn locks(&self, table: String, prefix: String) -> Result<Vec<LockItem>> {
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
            locks.extend(answer.items().iter().filter_map(LockItem::read));
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

/// Returns the last time until which a lease or a pause may last.
fn absurd_after(now: u64) -> u64 {
    now.saturating_add(if mutated(Mutation::FarLeaseTrusted) { u64::MAX / 4 } else { milliseconds(ABSURD) })
}

/// Returns the time as the lock table has it.
pub(crate) fn unix_milliseconds() -> u64 {
    milliseconds(clock::system_time().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SKEW: Duration = Duration::from_secs(5);
    const NOW: u64 = 1_800_000_000_000;

    fn standing(expiry: Option<u64>, why: Option<Why>) -> Standing {
        let why = why.map(|why| why.name().to_owned());
        LockItem { id: Some("x".into()), expiry, why, ..LockItem::default() }.standing(NOW, SKEW)
    }

    #[test]
    fn a_lease_can_be_had_when_it_is_past_by_the_skew_or_absurd() {
        assert_eq!(standing(Some(NOW + 1), None), Standing::Held(NOW + 1));
        assert_eq!(standing(Some(NOW - 4_999), None), Standing::Held(NOW - 4_999));
        assert_eq!(standing(Some(NOW - 5_000), None), Standing::Abandoned);
        assert_eq!(standing(Some(NOW + 66 * 60_000), None), Standing::Abandoned);
        assert_eq!(standing(None, None), Standing::Free);
        assert_eq!(LockItem::default().standing(NOW, SKEW), Standing::Free);
    }

    #[test]
    fn a_pause_ends_at_its_time_and_a_rest_is_no_pause_for_ours() {
        assert_eq!(standing(Some(NOW + 1), Some(Why::Marks)), Standing::Paused(NOW + 1));
        assert_eq!(standing(Some(NOW), Some(Why::Transport)), Standing::Free);
        assert_eq!(standing(Some(NOW + 1), Some(Why::Rest)), Standing::Free);
    }
}
