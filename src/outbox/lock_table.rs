//! The lock table, which holds the leases of sweepers and archivers. The items have Brighter's format, with additional
//! attributes that Brighter ignores, so that sweepers of Brighter and of Postbox exclude each other.

use crate::model::error::{ErrorCode, Result};
use crate::model::item::Item;
use crate::outbox::Outbox;
use crate::outbox::item::{number, text};
use crate::outbox::pages::PageStart;
use crate::outbox::read::MAX_BATCH_GET;
use crate::sdk::failure::explain;
use crate::sys::clock;
use crate::sys::simulation::{Mutation, mutated};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ReturnValue, ReturnValuesOnConditionCheckFailure,
    ScalarAttributeType,
};
use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) const RESOURCE_ID: &str = "ResourceId";
const LOCK_ID: &str = "LockId";
const LEASE_EXPIRY: &str = "LeaseExpiry";
const TOPIC: &str = "Topic";
pub(crate) const HOLDER: &str = "Holder";
const FAILURES: &str = "Failures";
const WHY: &str = "Why";
const NOT_MET: Option<&str> = Some("ConditionalCheckFailedException");
/// The maximum remaining time of a valid lease. A lease that ends later was written by a process with a wrong clock,
/// because no lease is longer than an hour.
const MAX_REMAINING: Duration = Duration::from_secs(65 * 60);

/// A lease in the lock table. A new lock id is written each time that the lease is taken.
#[derive(Clone, Debug)]
pub(crate) struct Lock {
    pub(crate) table: String,
    pub(crate) resource: String,
    /// The lock id, which no other holder uses.
    pub(crate) id: String,
}

/// The reason for which a lane is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The messages of the lane cannot be sent.
    Transport,
    /// Sent messages cannot be marked.
    Marks,
    /// The lease was released. Brighter's sweepers wait until the indexes show the marks. Sweepers of Postbox do not
    /// need to wait.
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

/// The readable attributes of an item of the lock table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LockItem {
    pub(crate) resource: String,
    pub(crate) id: Option<String>,
    /// The end of the lease or pause, in Unix milliseconds.
    pub(crate) expiry: Option<u64>,
    pub(crate) topic: Option<String>,
    pub(crate) holder: Option<String>,
    /// The number of consecutive failed probes of the lane. A probe is the first drain after a pause of the lane, and
    /// tests whether its transport works again.
    pub(crate) failures: u32,
    pub(crate) why: Option<String>,
}

/// The state of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Free,
    /// The lease expired without being released.
    Abandoned,
    /// The lane is paused until this time, in Unix milliseconds.
    Paused(u64),
    /// A process holds the lease until this time, in Unix milliseconds.
    Held(u64),
}

impl LockItem {
    pub(crate) fn read(item: &Item) -> Option<Self> {
        Some(Self {
            resource: text_of(item, RESOURCE_ID)?,
            id: text_of(item, LOCK_ID),
            expiry: number_of(item, LEASE_EXPIRY),
            topic: text_of(item, TOPIC),
            holder: text_of(item, HOLDER),
            failures: number_of(item, FAILURES).and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
            why: text_of(item, WHY),
        })
    }

    /// Returns whether the lease or pause ends too far in the future to be right.
    pub(crate) fn ends_too_late(&self, now: u64) -> bool {
        self.expiry.is_some_and(|expiry| expiry > latest_end(now))
    }

    /// Returns the state of the lease at this time by a clock that may be wrong by `skew`.
    pub(crate) fn standing(&self, now: u64, skew: Duration) -> Standing {
        let (Some(_), Some(expiry)) = (&self.id, self.expiry) else {
            return Standing::Free;
        };
        if self.why.as_deref() == Some(Why::Rest.name()) {
            return Standing::Free;
        }
        let too_late = self.ends_too_late(now);
        match &self.why {
            Some(_) if too_late || expiry <= now => Standing::Free,
            Some(_) => Standing::Paused(expiry),
            None if too_late || expiry <= now.saturating_sub(milliseconds(skew)) => Standing::Abandoned,
            None => Standing::Held(expiry),
        }
    }
}

/// The values with which a lease is taken.
#[derive(Clone, Debug)]
pub(crate) struct Taking {
    pub(crate) length: Duration,
    /// The maximum difference between clocks.
    pub(crate) skew: Duration,
    pub(crate) topic: Option<String>,
    pub(crate) holder: String,
    /// The number of failures and the reason of a pause, if a pause is written instead of a lease.
    pub(crate) pause: Option<(u32, Why)>,
}

/// The result of a request for a lease.
#[derive(Clone, Debug)]
pub(crate) enum Taken {
    /// The lease was taken. Contains the item that the lease replaced, if there was one.
    Ours(Option<LockItem>),
    Others,
}

impl Lock {
    fn subject(&self) -> String {
        format!("lock table {}", self.table)
    }
}

impl Outbox {
    /// Takes a lease if it is free, or if it has expired even by a clock that is slow by the maximum difference between
    /// clocks.
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
                "attribute_not_exists({LOCK_ID}) OR attribute_not_exists({LEASE_EXPIRY}) OR {LEASE_EXPIRY} > :latest \
                 OR {LEASE_EXPIRY} <= :past OR (attribute_exists({WHY}) AND {LEASE_EXPIRY} <= :now) \
                 OR ({WHY} = :rest AND {LOCK_ID} <> :{LOCK_ID})"
            ))
            .set_expression_attribute_values(Some(
                set.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect(),
            ))
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":past", number(now.saturating_sub(milliseconds(taking.skew))))
            .expression_attribute_values(":latest", number(latest_end(now)))
            .expression_attribute_values(":rest", text(Why::Rest.name()))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let old = match update {
            Ok(response) => return Ok(Taken::Ours(response.attributes.as_ref().and_then(LockItem::read))),
            Err(failure) => match failure.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    failed.item().and_then(LockItem::read)
                }
                _ => return Err(explain("UpdateItem", &lock.subject(), failure)),
            },
        };
        let old = old.unwrap_or_default();
        // An earlier attempt of this request took effect, but its response was lost.
        let is_ours = old.id.as_deref() == Some(&lock.id) && (old.why.is_none() || taking.pause.is_some());
        Ok(if is_ours { Taken::Ours(None) } else { Taken::Others })
    }

    /// Extends a lease by `length` from now, and never shortens it. If this process still holds the lease, returns its
    /// end in Unix milliseconds.
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

    /// Releases a lease if this process still holds it.
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

    /// Turns a lease into a pause of this length if this process still holds the lease.
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

    /// Reads the existing items of these resources with consistent reads. Returns the items by resource.
    pub(crate) async fn lock_items(&self, table: String, resources: Vec<String>) -> Result<HashMap<String, LockItem>> {
        let mut found = HashMap::new();
        for part in resources.chunks(MAX_BATCH_GET) {
            let keys = part.iter().map(|resource| Item::from([(RESOURCE_ID.to_owned(), text(resource))])).collect();
            let (items, read) = self.get_all(&table, &format!("lock table {table}"), keys).await;
            read?;
            let items = items.iter().filter_map(LockItem::read);
            found.extend(items.map(|item| (item.resource.clone(), item)));
        }
        Ok(found)
    }

    /// Reads the items whose resource has this prefix, including expired leases. Returns no items if the table does not
    /// exist.
    pub(crate) async fn lock_table(&self, table: String, prefix: String) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        let mut from: Option<PageStart> = None;
        let subject = format!("lock table {table}");
        loop {
            let response = self
                .client
                .scan()
                .table_name(&table)
                .filter_expression(format!("begins_with({RESOURCE_ID}, :prefix)"))
                .expression_attribute_values(":prefix", text(&prefix))
                .consistent_read(true)
                .set_exclusive_start_key(PageStart::key(from.as_ref()))
                .send()
                .await
                .map_err(|failure| explain("Scan", &subject, failure));
            let response = match response {
                Err(error) if error.code() == ErrorCode::TableNotFound => return Ok(Vec::new()),
                response => response?,
            };
            items.extend(response.items.unwrap_or_default());
            match PageStart::next(from, response.last_evaluated_key, response.scanned_count, "Scan", &subject)? {
                None => return Ok(items),
                next => from = next,
            }
        }
    }

    /// Creates the lock table if it does not exist, and waits until it is active.
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

/// Returns the latest time at which a lease or a pause can end. A later end was written by a wrong clock.
fn latest_end(now: u64) -> u64 {
    now.saturating_add(if mutated(Mutation::FarLeaseTrusted) { u64::MAX / 4 } else { milliseconds(MAX_REMAINING) })
}

/// Returns a time of the lock table.
pub(crate) fn time_of(milliseconds: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds)).unwrap_or(UNIX_EPOCH)
}

/// Returns the current time in the unit of the lock table.
pub(crate) fn unix_milliseconds() -> u64 {
    unix_milliseconds_of(clock::system_time())
}

/// Returns a time in the unit of the lock table.
pub(crate) fn unix_milliseconds_of(time: SystemTime) -> u64 {
    milliseconds(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// Reads a text of an item of the lock table, if the attribute is one.
pub(crate) fn text_of(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

/// Reads a number of an item of the lock table, if the attribute is one.
pub(crate) fn number_of(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
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
    fn a_lease_is_free_after_its_end_and_the_skew_or_if_its_end_is_invalid() {
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
