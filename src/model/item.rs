//! Items of DynamoDB tables.

pub use aws_sdk_dynamodb::types::AttributeValue;

/// An item of a DynamoDB table, or the key of an item. It maps the names of attributes to their values.
pub type Item = std::collections::HashMap<String, AttributeValue>;
