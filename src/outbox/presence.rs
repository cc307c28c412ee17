//! The items of the lock table that show which programs sweep. There is one item for each program on each host.
//! Brighter ignores them, since it reads the lock table by the names of its resources.

use crate::model::error::Result;
use crate::model::item::{AttributeValue, Item};
use crate::model::stats::SweeperInfo;
use crate::outbox::Outbox;
use crate::outbox::item::{number, text};
use crate::outbox::lock_table::{HOLDER, RESOURCE_ID, number_of, text_of, time_of, unix_milliseconds_of};
use crate::sdk::failure::explain;
use std::time::SystemTime;

const VERSION: &str = "Version";
const TOPICS: &str = "Topics";
const LAST_SWEEP: &str = "LastSweep";
const LAST_SUCCESS: &str = "LastSuccess";
const LAST_ERROR: &str = "LastError";
const CLOSED: &str = "Closed";

/// A program on a host that sweeps an outbox, with the resource of its item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Presence {
    pub(crate) resource: String,
    pub(crate) sweeper: SweeperInfo,
}

impl Presence {
    pub(crate) fn read(item: &Item) -> Option<Self> {
        let time = |name: &str| number_of(item, name).map(time_of);
        Some(Self {
            resource: text_of(item, RESOURCE_ID)?,
            sweeper: SweeperInfo {
                holder: text_of(item, HOLDER).unwrap_or_default(),
                version: text_of(item, VERSION).unwrap_or_default(),
                topics: item.get(TOPICS).and_then(|value| value.as_ss().ok()).cloned().unwrap_or_default(),
                last_sweep: time(LAST_SWEEP)?,
                last_success: time(LAST_SUCCESS),
                last_error: text_of(item, LAST_ERROR),
                stopped_at: time(CLOSED),
            },
        })
    }
}

fn of_time(time: SystemTime) -> AttributeValue {
    number(unix_milliseconds_of(time))
}

impl Outbox {
    /// Writes the item of a sweeper after a sweep. If the sweep failed, the time of the last success stays.
    pub(crate) async fn write_presence(&self, table: String, presence: Presence) -> Result<()> {
        let Presence { resource, sweeper } = presence;
        let mut set = vec![
            (HOLDER, text(sweeper.holder)),
            (VERSION, text(sweeper.version)),
            (LAST_SWEEP, of_time(sweeper.last_sweep)),
        ];
        let mut remove = vec![CLOSED];
        // DynamoDB has no empty sets.
        let topics = Some(sweeper.topics).filter(|topics| !topics.is_empty()).map(AttributeValue::Ss);
        for (name, value) in [(TOPICS, topics), (LAST_ERROR, sweeper.last_error.map(text))] {
            match value {
                Some(value) => set.push((name, value)),
                None => remove.push(name),
            }
        }
        set.extend(sweeper.last_success.map(|time| (LAST_SUCCESS, of_time(time))));
        let names: Vec<String> = set.iter().map(|(name, _)| format!("{name} = :{name}")).collect();
        self.client
            .update_item()
            .table_name(&table)
            .key(RESOURCE_ID, text(resource))
            .update_expression(format!("SET {} REMOVE {}", names.join(", "), remove.join(", ")))
            .set_expression_attribute_values(Some(
                set.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect(),
            ))
            .send()
            .await
            .map_err(|failure| explain("UpdateItem", &format!("lock table {table}"), failure))?;
        Ok(())
    }

    /// Writes that a sweeper was stopped, unless its item was deleted.
    pub(crate) async fn end_presence(&self, table: String, resource: String, stopped_at: SystemTime) -> Result<()> {
        self.client
            .update_item()
            .table_name(&table)
            .key(RESOURCE_ID, text(resource))
            .update_expression(format!("SET {CLOSED} = :{CLOSED}"))
            .condition_expression(format!("attribute_exists({LAST_SWEEP})"))
            .expression_attribute_values(format!(":{CLOSED}"), of_time(stopped_at))
            .send()
            .await
            .map_err(|failure| explain("UpdateItem", &format!("lock table {table}"), failure))?;
        Ok(())
    }

    /// Deletes the item of a sweeper, unless the item was written again after it was read.
    pub(crate) async fn delete_presence(&self, table: String, presence: Presence) -> Result<()> {
        self.client
            .delete_item()
            .table_name(&table)
            .key(RESOURCE_ID, text(presence.resource))
            .condition_expression(format!("{LAST_SWEEP} = :seen"))
            .expression_attribute_values(":seen", of_time(presence.sweeper.last_sweep))
            .send()
            .await
            .map_err(|failure| explain("DeleteItem", &format!("lock table {table}"), failure))?;
        Ok(())
    }
}
