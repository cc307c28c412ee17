//! One action of a transaction, and the item that it touches.

use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::{AttributeValue, Item};
use crate::model::item_limits::check_item;
use crate::outbox::size::{item_size, value_size};
use aws_sdk_dynamodb::types::TransactWriteItem;
use std::collections::HashMap;

/// An action of a unit of work.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) item: TransactWriteItem,
    pub(crate) name: ActionName,
}

/// The name of an action in error messages.
#[derive(Clone, Debug)]
pub(crate) struct ActionName {
    /// The verb and the table.
    pub(crate) subject: String,
    /// The id of the message, if the action is a deposit.
    pub(crate) message_id: Option<String>,
}

/// The verb of an action and the item that the action applies to.
pub(crate) struct Target<'a> {
    pub(crate) verb: &'static str,
    pub(crate) table: &'a str,
    /// The key of the item. For a put, the whole item.
    pub(crate) fields: &'a Item,
    pub(crate) is_key: bool,
    /// The values of the update expression.
    values: Option<&'a HashMap<String, AttributeValue>>,
}

impl ActionName {
    pub(crate) fn new(verb: &str, table: &str, message_id: Option<&str>) -> Self {
        Self { subject: format!("{verb} {table}"), message_id: message_id.map(str::to_owned) }
    }
}

impl<'a> Target<'a> {
    /// Returns the target of an action.
    ///
    /// # Errors
    /// Returns [`ErrorCode::InvalidArgument`] unless `item` is exactly one action, on a table with a name.
    pub(crate) fn of(item: &'a TransactWriteItem) -> Result<Self> {
        let on_key = |verb, table, fields, values| Self { verb, table, fields, is_key: true, values };
        let put = item.put().map(|put| Self {
            verb: "Put",
            table: put.table_name(),
            fields: put.item(),
            is_key: false,
            values: None,
        });
        let update = item
            .update()
            .map(|update| on_key("Update", update.table_name(), update.key(), update.expression_attribute_values()));
        let delete = item.delete().map(|delete| on_key("Delete", delete.table_name(), delete.key(), None));
        let check = item.condition_check().map(|check| on_key("ConditionCheck", check.table_name(), check.key(), None));
        let count = [&put, &update, &delete, &check].into_iter().flatten().count();
        let target = put.or(update).or(delete).or(check).filter(|_| count == 1).ok_or_else(|| {
            Error::new(
                ErrorCode::InvalidArgument,
                format!("an action is exactly one of Put, Update, Delete and ConditionCheck; this one holds {count}"),
            )
        })?;
        if target.table.is_empty() {
            return Err(Error::new(ErrorCode::InvalidArgument, format!("{}: the table name is empty", target.verb)));
        }
        Ok(target)
    }

    /// Checks the item or key and the values of the expression against the limits of DynamoDB, except the size.
    ///
    /// # Errors
    /// Returns [`ErrorCode::InvalidArgument`] with the path of the value.
    pub(crate) fn check_limits(&self) -> Result<()> {
        [Some(self.fields), self.values].into_iter().flatten().try_for_each(check_item).map_err(|violation| {
            Error::new(ErrorCode::InvalidArgument, format!("{} {}: {violation}", self.verb, self.table))
        })
    }

    /// Computes the size as DynamoDB counts it.
    pub(crate) fn bytes(&self) -> usize {
        let values = self.values.map_or(0, |values| values.values().map(value_size).sum());
        item_size(self.fields) + values
    }
}
