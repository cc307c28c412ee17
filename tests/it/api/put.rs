//! Messages in a transaction that another client sends.

use crate::support::*;
use postbox::aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use postbox::aws_sdk_dynamodb::types::{CancellationReason, Put, TransactWriteItem};
use postbox::{Error, ErrorCode, Item, Message, Postbox};

on_both_backends!(a_message_and_data_are_written_by_another_client, a_message_that_was_there_already_is_named,);

/// Sends a transaction with the SDK alone, and returns the reasons if it is cancelled.
fn transact(postbox: &Postbox, actions: &[TransactWriteItem]) -> Result<(), Vec<CancellationReason>> {
    let actions = actions.to_vec();
    let sent = postbox
        .block_on(|client| async move { client.transact_write_items().set_transact_items(Some(actions)).send().await });
    match sent.unwrap().map_err(|error| error.into_service_error()) {
        Ok(_) => Ok(()),
        Err(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
            Err(canceled.cancellation_reasons().to_vec())
        }
        Err(error) => panic!("{error:?}"),
    }
}

fn put(table: &str, item: Item) -> TransactWriteItem {
    let put = Put::builder().table_name(table).set_item(Some(item)).build().unwrap();
    TransactWriteItem::builder().put(put).build()
}

fn a_message_and_data_are_written_by_another_client(backend: Backend) {
    let world = TestOutbox::on(backend);
    let message = Message::new("t", "Hello").with_partition_key("Ada").with_bag_entry("tenant", 7);
    let action = world.postbox.message_to_put(&message).unwrap();
    assert_eq!(world.raw(message.id()), None, "nothing is stored before the transaction");

    transact(&world.postbox, &[put(PEOPLE, person("Ada")), action]).unwrap();
    assert_eq!(world.person("Ada"), Some(person("Ada")));
    let stored = world.raw(message.id()).unwrap();
    assert_eq!(stored, world.postbox.message_to_item(&message).unwrap());
    world.clear(&[message.id()]);
    assert_eq!(world.sent(), ["Hello"]);

    // A deposit stores the same item.
    let deposited = message.clone().with_id("deposited");
    world.postbox.deposit_post(deposited.clone()).unwrap();
    assert_eq!(world.raw("deposited").unwrap(), world.postbox.message_to_item(&deposited).unwrap());
}

fn a_message_that_was_there_already_is_named(backend: Backend) {
    let world = TestOutbox::on(backend);
    let message = Message::new("t", "Hello").with_id("42");
    let action = world.postbox.message_to_put(&message).unwrap();
    transact(&world.postbox, std::slice::from_ref(&action)).unwrap();
    world.clear(&["42"]);

    let actions = [put(PEOPLE, person("Ada")), action];
    let reasons = transact(&world.postbox, &actions).unwrap_err();
    let error = world.postbox.cancellation_error(&actions, &reasons);
    assert_eq!(error.code(), ErrorCode::DuplicateMessage);
    assert!(error.message().contains("the outbox already has message 42"), "{error}");
    assert_eq!((error.reasons()[0].index, error.reasons()[0].subject.as_str()), (1, "Put brighter_outbox"));
    assert_eq!(world.person("Ada"), None);
    assert_eq!(world.sent(), ["Hello"], "the message is not outstanding again");
}

#[test]
fn a_condition_of_the_programs_own_item_is_no_duplicate() {
    let world = TestOutbox::new();
    let message = world.postbox.message_to_put(&Message::new("t", "Hello")).unwrap();
    let reason = |code: &str| CancellationReason::builder().code(code).build();
    let failed = |actions: &[TransactWriteItem], codes: [&str; 2]| -> Error {
        world.postbox.cancellation_error(actions, &codes.map(reason))
    };
    let people = put(PEOPLE, person("Ada"));
    let error = failed(&[people.clone(), message.clone()], ["ConditionalCheckFailed", "None"]);
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::TransactionCanceled, false));
    assert_eq!(error.reasons()[0].subject, "Put People");

    // An item with the same attribute in another table is no message.
    let other = put(PEOPLE, item([("Name", text("Ada")), ("MessageId", text("1"))]));
    let error = failed(&[other, message.clone()], ["ConditionalCheckFailed", "None"]);
    assert_eq!(error.code(), ErrorCode::TransactionCanceled);

    let error = failed(&[people, message], ["None", "TransactionConflict"]);
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::TransactionCanceled, true));
}

/// A put has the limits of a deposit, which leave room for marks.
#[test]
fn a_message_that_cannot_be_deposited_is_rejected() {
    let world = TestOutbox::configured(|builder| builder.max_outstanding(1));
    let code = |message: &Message| {
        let (put, deposit) =
            (world.postbox.message_to_put(message), world.postbox.unit_of_work().deposit_post(message.clone()));
        let codes = (put.err().map(|error| error.code()), deposit.err().map(|error| error.code()));
        assert_eq!(codes.0, codes.1);
        codes.0
    };
    let time = std::time::SystemTime::now(); // Its digits have a size.
    let of_size = |bytes: usize| Message::new("t", vec![b'x'; bytes]).with_created_at(time);
    let largest = (0..400 * 1024).collect::<Vec<_>>().partition_point(|&bytes| code(&of_size(bytes)).is_none());
    assert_eq!(code(&of_size(largest)), Some(ErrorCode::ItemTooLarge));
    assert!(largest > 398 * 1024, "{largest}");
    assert_eq!(code(&Message::new("", "no topic")), Some(ErrorCode::InvalidMessage));

    world.postbox.deposit_post(Message::new("t", "one")).unwrap();
    assert_eq!(code(&Message::new("t", "two")), Some(ErrorCode::OutboxLimitReached));
    world.postbox.close().unwrap();
    assert_eq!(code(&Message::new("t", "three")), Some(ErrorCode::Closed));
}
