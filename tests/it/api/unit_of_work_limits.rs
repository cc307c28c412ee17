//! An action that exceeds a limit of DynamoDB is rejected when it is added. The error contains the numbers, and the
//! unit of work is unchanged.

use crate::support::fault::Fault;
use crate::support::*;
use aws_sdk_dynamodb::types::{ConditionCheck, KeyType, ScalarAttributeType, Update};
use postbox::{AttributeValue, Error, ErrorCode, Message, UnitOfWork};

/// DynamoDB's limit for an item, in bytes.
const ITEM: usize = 400 * 1024;

/// Checks that the unit still has this many actions after a rejected one, and that it commits.
fn unchanged_and_committable(world: &TestOutbox, mut work: UnitOfWork, actions: usize) {
    assert_eq!(work.len(), actions);
    work.commit().unwrap();
    let sent = world.faults.bodies("TransactWriteItems");
    assert_eq!(sent.len(), 1, "nothing was sent before the commit");
    assert_eq!(sent[0]["TransactItems"].as_array().unwrap().len(), actions);
}

fn assert_rejected(error: &Error, code: ErrorCode, words: &[&str]) {
    assert_eq!(error.code(), code, "{error}");
    assert!(!error.is_retryable());
    for word in words {
        assert!(error.message().contains(word), "{error} does not say {word}");
    }
}

#[test]
fn the_101st_action_is_rejected() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    for n in 0..99 {
        work.delete(PEOPLE, person(&n.to_string())).unwrap();
    }
    work.deposit_post(Message::new("t", "the 100th")).unwrap();
    let error = work.delete(PEOPLE, person("one more")).unwrap_err();
    assert_rejected(&error, ErrorCode::TooManyActions, &["100"]);
    let error = work.deposit_post(Message::new("t", "one more")).unwrap_err();
    assert_rejected(&error, ErrorCode::TooManyActions, &["100"]);
    unchanged_and_committable(&world, work, 100);
}

#[test]
fn an_item_over_400_kb_is_rejected() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    let error = work.put(PEOPLE, large_person("Bob", ITEM)).unwrap_err();
    // The size also includes the names and the value of the key.
    let size = ITEM + "Notes".len() + "Name".len() + "Bob".len();
    assert_rejected(&error, ErrorCode::ItemTooLarge, &[&size.to_string(), "409600", PEOPLE]);
    let update = Update::builder()
        .table_name(PEOPLE)
        .set_key(Some(person("Bob")))
        .update_expression("SET Notes = :notes")
        .expression_attribute_values(":notes", text("x".repeat(ITEM)));
    let error = work.update(update.build().unwrap()).unwrap_err();
    assert_rejected(&error, ErrorCode::ItemTooLarge, &["409600", PEOPLE]);
    let error = work.deposit_post(Message::new("t", vec![0; ITEM]).with_id("large")).unwrap_err();
    assert_rejected(&error, ErrorCode::ItemTooLarge, &["409600", "large"]);
    unchanged_and_committable(&world, work, 1);
}

#[test]
fn an_item_of_exactly_400_kb_is_accepted() {
    let world = TestOutbox::new();
    let rest = "Notes".len() + "Name".len() + "Bob".len();
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, large_person("Bob", ITEM - rest)).unwrap();
    work.commit().unwrap();
    assert!(world.person("Bob").is_some());
}

#[test]
fn a_value_that_dynamodb_cannot_store_is_rejected_with_its_path() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    let nested = (0..33).fold(text("x"), |value, _| AttributeValue::L(vec![value]));
    for (value, problem) in [
        (nested, "more than 32 lists and maps"),
        (AttributeValue::N("9".repeat(39)), "39 digits"),
        (AttributeValue::N("NaN".into()), "Put People: Age is not a decimal number: \"NaN\""),
        (AttributeValue::Ss(vec![]), "Age is an empty set"),
    ] {
        let error = work.put(PEOPLE, item([("Name", text("Bob")), ("Age", value)])).unwrap_err();
        assert_rejected(&error, ErrorCode::InvalidArgument, &[problem]);
    }
    let error = work.update(birthday("Bob", AttributeValue::N("1e126".into()))).unwrap_err();
    assert_rejected(&error, ErrorCode::InvalidArgument, &["Update People: :age is outside the range"]);
    unchanged_and_committable(&world, work, 1);
}

#[test]
fn more_than_4_mb_in_total_is_rejected() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    // A transaction can have 4 MB, so ten items of 400 KB leave room for 96 KB.
    for n in 0..10 {
        let rest = "Notes".len() + "Name".len() + 1;
        work.put(PEOPLE, large_person(&n.to_string(), ITEM - rest)).unwrap();
    }
    let error = work.put(PEOPLE, large_person("x", 100 * 1024)).unwrap_err();
    let size = 11 * ITEM - 300 * 1024 + "NotesNamex".len();
    assert_rejected(&error, ErrorCode::TransactionTooLarge, &[&size.to_string(), "4194304", PEOPLE]);
    let error = work.deposit_post(Message::new("t", vec![0; 100 * 1024])).unwrap_err();
    assert_rejected(&error, ErrorCode::TransactionTooLarge, &["4194304", OUTBOX]);
    work.put(PEOPLE, large_person("y", 90 * 1024)).unwrap();
    assert_eq!(work.len(), 11, "a rejected action does not count");
}

#[test]
fn putting_an_item_twice_is_rejected() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, item([("Name", text("Ada")), ("Age", number(1))])).unwrap();
    assert_eq!(world.faults.operations(), [""; 0], "one put needs no knowledge of the table's key");
    let error = work.put(PEOPLE, item([("Name", text("Ada")), ("Age", number(2))])).unwrap_err();
    assert_rejected(&error, ErrorCode::DuplicateItem, &["Put People", "action 0"]);
    work.put(PEOPLE, item([("Name", text("Bob")), ("Age", number(1))])).unwrap();
    assert_eq!(world.faults.operations(), ["DescribeTable"], "the key is requested once");
    unchanged_and_committable(&world, work, 2);
}

#[test]
fn two_actions_on_one_item_are_rejected() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, item([("Name", text("Ada")), ("Age", number(1))])).unwrap();
    let error = work.update(birthday("Ada", number(2))).unwrap_err();
    assert_rejected(&error, ErrorCode::DuplicateItem, &["Update People", "action 0 (Put People)"]);
    assert_rejected(&work.delete(PEOPLE, person("Ada")).unwrap_err(), ErrorCode::DuplicateItem, &["Delete People"]);
    let check = ConditionCheck::builder()
        .table_name(PEOPLE)
        .set_key(Some(person("Ada")))
        .condition_expression("attribute_exists(Age)");
    let error = work.condition_check(check.build().unwrap()).unwrap_err();
    assert_rejected(&error, ErrorCode::DuplicateItem, &["ConditionCheck People"]);
    work.delete(PEOPLE, person("Bob")).unwrap();
    let error = work.put(PEOPLE, item([("Name", text("Bob")), ("Age", number(1))])).unwrap_err();
    assert_rejected(&error, ErrorCode::DuplicateItem, &["Put People", "action 1 (Delete People)"]);
    assert_eq!(world.faults.operations(), [""; 0], "an action with a key shows the names of the key");
    unchanged_and_committable(&world, work, 2);
}

#[test]
fn depositing_a_message_twice_is_rejected() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    let id = work.deposit_post(Message::new("t", "1")).unwrap();
    let error = work.deposit_post(Message::new("t", "2").with_id(&id)).unwrap_err();
    assert_rejected(&error, ErrorCode::DuplicateItem, &[OUTBOX]);
    assert_rejected(&work.delete(OUTBOX, message_key(&id)).unwrap_err(), ErrorCode::DuplicateItem, &[OUTBOX]);
    unchanged_and_committable(&world, work, 1);
    world.clear(&[id]);
    assert_eq!(world.sent(), ["1"]);
}

#[test]
fn items_with_different_sort_keys_are_distinct() {
    let world = TestOutbox::new();
    sdk(&world.postbox, |client| async move {
        client
            .create_table()
            .table_name("Visits")
            .billing_mode(aws_sdk_dynamodb::types::BillingMode::PayPerRequest)
            .attribute_definitions(attribute("Name", ScalarAttributeType::S))
            .attribute_definitions(attribute("Year", ScalarAttributeType::N))
            .key_schema(key_element("Name", KeyType::Hash))
            .key_schema(key_element("Year", KeyType::Range))
            .send()
            .await
    });
    let visit = |year: u32| item([("Name", text("Ada")), ("Year", number(year))]);
    let mut work = world.postbox.unit_of_work();
    work.put("Visits", visit(1842)).unwrap();
    work.put("Visits", visit(1843)).unwrap();
    let error = work.put("Visits", visit(1842)).unwrap_err();
    assert_rejected(&error, ErrorCode::DuplicateItem, &["Put Visits", "action 0"]);
    work.put(PEOPLE, person("Ada")).unwrap();
    work.commit().unwrap();
}

#[test]
fn commit_rejects_a_duplicate_item_of_an_unknown_key_schema() {
    let world = TestOutbox::new();
    world.faults.always("DescribeTable", Fault::access_denied());
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    work.put(PEOPLE, person("Ada")).unwrap();
    let error = work.commit().unwrap_err();
    assert_rejected(&error, ErrorCode::ServiceError, &["ValidationException"]);
    assert!(world.person("Ada").is_none());
    work.rollback().unwrap();
}

fn birthday(name: &str, age: AttributeValue) -> Update {
    Update::builder()
        .table_name(PEOPLE)
        .set_key(Some(person(name)))
        .update_expression("SET Age = :age")
        .expression_attribute_values(":age", age)
        .build()
        .unwrap()
}
