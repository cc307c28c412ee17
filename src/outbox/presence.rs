//! The items of the lock table that show who sweeps: one for each program on each host. Brighter ignores them, since it
//! reads the lock table by the names of its resources.

use crate::model::error::Result;
use crate::model::item::{AttributeValue, Item};
use crate::outbox::Outbox;
use crate::outbox::item::{number, text};
use crate::outbox::lock_table::{RESOURCE_ID, time_of};
use crate::sdk::failure::explain;
use std::time::SystemTime;

const HOLDER: &str = "Holder";
const VERSION: &str = "Version";
const TOPICS: &str = "Topics";
const LAST_SWEEP: &str = "LastSweep";
const LAST_SUCCESS: &str = "LastSuccess";
const LAST_ERROR: &str = "LastError";
const CLOSED: &str = "Closed";

/// A program on a host that sweeps an outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Presence {
    pub(crate) resource: String,
    /// The host and process that wrote the item last.
    pub(crate) holder: String,
    /// The version of Postbox.
    pub(crate) version: String,
    /// The topics that the process serves; a trailing `*` stands for any end.
    pub(crate) topics: Vec<String>,
    /// The times in Unix milliseconds.
    pub(crate) last_sweep: u64,
    pub(crate) last_success: Option<u64>,
    /// The reason for which the last sweep failed, if it failed.
    pub(crate) last_error: Option<String>,
    /// The time at which the sweeper was stopped.
    pub(crate) closed: Option<u64>,
}

impl Presence {
    pub(crate) fn read(item: &Item) -> Option<Self> {
        let string = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let time = |name: &str| item.get(name).and_then(|value| value.as_n().ok()?.parse::<u64>().ok());
        Some(Self {
            resource: string(RESOURCE_ID)?,
            holder: string(HOLDER).unwrap_or_default(),
            version: string(VERSION).unwrap_or_default(),
            topics: item.get(TOPICS).and_then(|value| value.as_ss().ok()).cloned().unwrap_or_default(),
            last_sweep: time(LAST_SWEEP)?,
            last_success: time(LAST_SUCCESS),
            last_error: string(LAST_ERROR),
            closed: time(CLOSED),
        })
    }

    /// Returns the last time at which the process was seen.
    pub(crate) fn seen(&self) -> SystemTime {
        time_of(self.last_sweep.max(self.closed.unwrap_or(0)))
    }
}

impl Outbox {
    /// Writes what a sweeper shows about itself. The time of its last success stays if there is no new one.
    pub(crate) async fn write_presence(&self, table: String, presence: Presence) -> Result<()> {
        let Presence { resource, holder, version, topics, last_sweep, last_success, last_error, closed } = presence;
        let mut set = vec![(HOLDER, text(holder)), (VERSION, text(version)), (LAST_SWEEP, number(last_sweep))];
        // DynamoDB has no empty sets.
        let topics = Some(topics).filter(|topics| !topics.is_empty()).map(AttributeValue::Ss);
        let mut remove = Vec::new();
        for (name, value) in [(TOPICS, topics), (LAST_ERROR, last_error.map(text)), (CLOSED, closed.map(number))] {
            match value {
                Some(value) => set.push((name, value)),
                None => remove.push(name),
            }
        }
        set.extend(last_success.map(|time| (LAST_SUCCESS, number(time))));
        let names: Vec<String> = set.iter().map(|(name, _)| format!("{name} = :{name}")).collect();
        let remove = if remove.is_empty() { String::new() } else { format!(" REMOVE {}", remove.join(", ")) };
        self.client
            .update_item()
            .table_name(&table)
            .key(RESOURCE_ID, text(resource))
            .update_expression(format!("SET {}{remove}", names.join(", ")))
            .set_expression_attribute_values(Some(
                set.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect(),
            ))
            .send()
            .await
            .map_err(|failure| explain("UpdateItem", &format!("lock table {table}"), failure))?;
        Ok(())
    }

    /// Deletes a presence unless it was written since it was read.
    pub(crate) async fn delete_presence(&self, table: String, presence: Presence) -> Result<()> {
        self.client
            .delete_item()
            .table_name(&table)
            .key(RESOURCE_ID, text(presence.resource))
            .condition_expression(format!("{LAST_SWEEP} = :seen"))
            .expression_attribute_values(":seen", number(presence.last_sweep))
            .send()
            .await
            .map_err(|failure| explain("DeleteItem", &format!("lock table {table}"), failure))?;
        Ok(())
    }
}
