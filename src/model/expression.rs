//! The expressions of an action of a transaction, and the actions with them.

use crate::model::item::Item;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, Update};
use std::collections::HashMap;

#[derive(Default)]
pub(crate) struct Expression {
    /// The update expression, for an update only.
    pub(crate) update: Option<String>,
    pub(crate) condition: Option<String>,
    /// The names of attributes that begin with `#` in the expressions.
    pub(crate) names: Option<HashMap<String, String>>,
    /// The values that begin with `:` in the expressions.
    pub(crate) values: Option<Item>,
    pub(crate) return_values: Option<ReturnValuesOnConditionCheckFailure>,
}

/// Builds an action with a condition. The builders of the SDK have the same methods, but no trait in common.
macro_rules! build {
    ($builder:expr, $table:expr, $expression:expr) => {
        $builder
            .set_table_name(Some($table))
            .set_condition_expression($expression.condition)
            .set_expression_attribute_names($expression.names)
            .set_expression_attribute_values($expression.values)
            .set_return_values_on_condition_check_failure($expression.return_values)
            .build()
    };
}

impl Expression {
    pub(crate) fn put(self, table: String, item: Item) -> Result<Put, BuildError> {
        build!(Put::builder().set_item(Some(item)), table, self)
    }

    pub(crate) fn update(self, table: String, key: Item) -> Result<Update, BuildError> {
        build!(Update::builder().set_key(Some(key)).set_update_expression(self.update), table, self)
    }

    pub(crate) fn delete(self, table: String, key: Item) -> Result<Delete, BuildError> {
        build!(Delete::builder().set_key(Some(key)), table, self)
    }

    pub(crate) fn condition_check(self, table: String, key: Item) -> Result<ConditionCheck, BuildError> {
        build!(ConditionCheck::builder().set_key(Some(key)), table, self)
    }
}
