//! Reads the state and the fate of a message from its item, even if the item is otherwise malformed.

use crate::model::fate::Fate;
use crate::model::item::Item;
use crate::model::stored_message::MessageState;
use crate::outbox::attribute::{
    ACCEPTED_AT, DELIVERY_TIME, DISPATCH_ATTEMPTS, FIRST_FAILED_AT, NEXT_ATTEMPT_AT, OUTSTANDING_CREATED_TIME,
    PARKED_AT, REPLAYED_AT,
};
use crate::outbox::decimal::ticks;

/// Returns the state of an item's message. An item in the index of outstanding messages is outstanding.
pub(crate) fn state(item: &Item) -> MessageState {
    if item.contains_key(OUTSTANDING_CREATED_TIME) {
        MessageState::Outstanding
    } else if item.contains_key(DELIVERY_TIME) && !has_zero_delivery(item) {
        MessageState::Dispatched
    } else if item.contains_key(PARKED_AT) {
        MessageState::Parked
    } else {
        MessageState::Outstanding
    }
}

/// Returns the fate of an item's message. Attributes that cannot be read count as missing.
pub(crate) fn fate(item: &Item) -> Fate {
    Fate {
        next_attempt: ticks(item, NEXT_ATTEMPT_AT),
        first_failed: ticks(item, FIRST_FAILED_AT),
        attempts: number(item, DISPATCH_ATTEMPTS).and_then(|count| count.parse().ok()),
        accepted: ticks(item, ACCEPTED_AT),
        parked: ticks(item, PARKED_AT),
        replayed: ticks(item, REPLAYED_AT),
        before_claim: None,
        has_zero_delivery: has_zero_delivery(item),
    }
}

/// Returns whether the delivery time is 0, which Brighter 9 stored with messages that were not sent.
fn has_zero_delivery(item: &Item) -> bool {
    number(item, DELIVERY_TIME).and_then(|time| time.parse::<f64>().ok()) == Some(0.0)
}

fn number<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_n().ok().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::item::number;

    #[test]
    fn the_first_matching_attribute_decides_the_state() {
        let state_with = |attributes: &[(&str, i64)]| {
            state(&attributes.iter().map(|(name, value)| ((*name).to_owned(), number(value))).collect())
        };
        use MessageState::{Dispatched, Outstanding, Parked};
        assert_eq!(state_with(&[(OUTSTANDING_CREATED_TIME, 1), (PARKED_AT, 1)]), Outstanding);
        assert_eq!(state_with(&[(OUTSTANDING_CREATED_TIME, 1), (DELIVERY_TIME, 1)]), Outstanding);
        assert_eq!(state_with(&[(DELIVERY_TIME, 1), (PARKED_AT, 1)]), Dispatched);
        assert_eq!(state_with(&[(DELIVERY_TIME, 0), (PARKED_AT, 1)]), Parked);
        assert_eq!(state_with(&[(DELIVERY_TIME, 0)]), Outstanding);
        assert_eq!(state_with(&[]), Outstanding);
    }

    #[test]
    fn unreadable_attributes_count_as_missing() {
        let item = Item::from([
            (NEXT_ATTEMPT_AT.to_owned(), number(-1)),
            (DISPATCH_ATTEMPTS.to_owned(), number("1.5")),
            (ACCEPTED_AT.to_owned(), crate::outbox::item::text("x")),
        ]);
        assert_eq!(fate(&item), Fate::default());
    }
}
