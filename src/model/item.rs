//! Items of DynamoDB tables.

pub use aws_sdk_dynamodb::types::AttributeValue;

/// An item of a DynamoDB table, or a key of one: attributes by name.
pub type Item = std::collections::HashMap<String, AttributeValue>;
