//! The size of an item as DynamoDB counts it, so that items that DynamoDB would reject are rejected early.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>

use crate::model::item::{AttributeValue, Item};

/// DynamoDB's limit for one item: 400 KB, as of November 2026.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
pub(crate) const MAX_ITEM_BYTES: usize = 400 * 1024;
/// The number of bytes that a deposit leaves free for the marks, waits and errors that are written later.
pub(crate) const ROOM_BYTES: usize = 1024;
/// DynamoDB's limit for the items of one transaction: 4 MB, from the same page.
pub(crate) const MAX_TRANSACTION_BYTES: usize = 4 * 1024 * 1024;
/// The number of bytes that a list or a map costs beyond its content.
const CONTAINER_BYTES: usize = 3;

/// Returns the size of an item or a key: its names and values.
pub(crate) fn item_size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

/// Returns the size of one value. If Amazon documents a size as "approximately", the lower bound is used, so that an
/// item that DynamoDB would accept is never rejected.
pub(crate) fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_size(number),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        AttributeValue::Ns(numbers) => numbers.iter().map(|number| number_size(number)).sum(),
        AttributeValue::Bs(blobs) => blobs.iter().map(|bytes| bytes.as_ref().len()).sum(),
        AttributeValue::L(values) => CONTAINER_BYTES + values.iter().map(|value| 1 + value_size(value)).sum::<usize>(),
        AttributeValue::M(values) => {
            CONTAINER_BYTES + values.iter().map(|(name, value)| 1 + name.len() + value_size(value)).sum::<usize>()
        }
        _ => 0,
    }
}

fn number_size(number: &str) -> usize {
    let digits =
        number.split(['e', 'E']).next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect::<String>();
    1 + digits.trim_matches('0').len() / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::primitives::Blob;
    use std::collections::HashMap;

    #[test]
    fn sizes_are_those_of_the_developer_guide() {
        assert_eq!(value_size(&AttributeValue::S("äb".into())), 3);
        assert_eq!(value_size(&AttributeValue::N("-00120.50".into())), 1 + 2);
        assert_eq!(value_size(&AttributeValue::B(Blob::new([0; 10]))), 10);
        assert_eq!(value_size(&AttributeValue::Null(true)), 1);
        let list = AttributeValue::L(vec![AttributeValue::S("ab".into()), AttributeValue::Bool(true)]);
        assert_eq!(value_size(&list), 3 + 3 + 2);
        let item = HashMap::from([
            ("name".to_string(), list.clone()),
            ("m".to_string(), AttributeValue::M(HashMap::from([("k".to_string(), list)]))),
        ]);
        assert_eq!(item_size(&item), 4 + 8 + 1 + 3 + 1 + 1 + 8);
        let sets = [
            AttributeValue::Ss(vec!["a".into(), "bc".into()]),
            AttributeValue::Bs(vec![Blob::new([0; 4])]),
            AttributeValue::Ns(vec!["12".into()]),
        ];
        assert_eq!(sets.iter().map(value_size).collect::<Vec<_>>(), [3, 4, 2]);
    }
}
