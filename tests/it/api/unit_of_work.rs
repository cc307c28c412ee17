//! A unit of work takes effect as a whole, once, or not at all.

use crate::support::*;
use aws_sdk_dynamodb::types::{ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use postbox::{DispatchOutcome, ErrorCode, Message, MessageState};

on_both_backends!(
    commit_writes_the_data_and_the_message,
    a_cancelled_commit_writes_neither_the_data_nor_the_message,
    rollback_and_drop_send_nothing,
    a_second_commit_is_rejected,
    an_existing_message_id_takes_effect_once,
    a_unit_of_work_reads_items,
);

fn commit_writes_the_data_and_the_message(backend: Backend) {
    let world = TestOutbox::on(backend);
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    let id = work.deposit_post(Message::new("greeting.made", "Hello Ada")).unwrap();
    assert_eq!(work.len(), 2);
    work.commit().unwrap();
    assert_eq!(world.faults.operations(), ["TransactWriteItems"], "one request for all of it");
    assert!(world.person("Ada").is_some());
    let stored = world.postbox.get_message(&id).unwrap().unwrap();
    assert_eq!(stored.state, MessageState::Outstanding);
    assert_eq!(stored.message.body(), b"Hello Ada");
}

fn a_cancelled_commit_writes_neither_the_data_nor_the_message(backend: Backend) {
    let world = TestOutbox::on(backend);
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    let id = work.deposit_post(Message::new("greeting.made", "Hello Ada")).unwrap();
    work.condition_check(must_exist("Nobody")).unwrap();
    let error = work.commit().unwrap_err();
    assert_eq!(error.code(), ErrorCode::TransactionCanceled);
    assert!(!error.is_retryable());
    assert!(world.person("Ada").is_none());
    assert!(world.postbox.get_message(&id).unwrap().is_none());
    assert_eq!(world.outcomes(&[&id]), [DispatchOutcome::NotFound], "the message is not in memory either");
    assert!(world.sent().is_empty());
}

fn rollback_and_drop_send_nothing(backend: Backend) {
    let world = TestOutbox::on(backend);
    let mut rolled_back = world.postbox.unit_of_work();
    rolled_back.put(PEOPLE, person("Ada")).unwrap();
    let first = rolled_back.deposit_post(Message::new("t", "never")).unwrap();
    rolled_back.rollback().unwrap();
    let mut dropped = world.postbox.unit_of_work();
    let second = dropped.deposit_post(Message::new("t", "never")).unwrap();
    drop(dropped);
    assert_eq!(world.faults.operations(), [""; 0]);

    assert_eq!(world.outcomes(&[first, second]), [DispatchOutcome::NotFound; 2]);
    assert!(world.sent().is_empty(), "a rolled-back message is never sent");
    for error in [
        rolled_back.commit().unwrap_err(),
        rolled_back.rollback().unwrap_err(),
        rolled_back.put(PEOPLE, person("Ada")).unwrap_err(),
        rolled_back.deposit_post(Message::new("t", "")).unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::UnitOfWorkClosed);
        assert!(error.message().contains("rolled back"), "{error}");
    }
    assert!(world.person("Ada").is_none());
}

fn a_second_commit_is_rejected(backend: Backend) {
    let world = TestOutbox::on(backend);
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    work.commit().unwrap();
    for error in [
        work.commit().unwrap_err(),
        work.rollback().unwrap_err(),
        work.put(PEOPLE, person("Bob")).unwrap_err(),
        work.delete(PEOPLE, person("Bob")).unwrap_err(),
        work.deposit_post(Message::new("t", "")).unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::UnitOfWorkClosed);
        assert!(error.message().contains("was committed"), "{error}");
        assert!(!error.is_retryable());
    }
    assert_eq!(world.faults.operations(), ["TransactWriteItems"]);
}

fn an_existing_message_id_takes_effect_once(backend: Backend) {
    let world = TestOutbox::on(backend);
    let command = |greeting: &str| {
        let mut work = world.postbox.unit_of_work();
        let greeted = item([("Name", text("Ada")), ("Greeting", text(greeting))]);
        work.put(PEOPLE, greeted).unwrap();
        work.deposit_post(Message::new("t", greeting).with_id("command-1")).unwrap();
        work.commit()
    };
    command("first").unwrap();
    let error = command("second").unwrap_err();
    assert_eq!(error.code(), ErrorCode::DuplicateMessage);
    assert!(error.message().contains("command-1"), "{error}");
    assert_eq!(world.person("Ada").unwrap()["Greeting"], text("first"));

    world.clear(&["command-1"]);
    assert_eq!(command("third").unwrap_err().code(), ErrorCode::DuplicateMessage);
    let stored = world.postbox.get_message("command-1").unwrap().unwrap();
    assert_eq!(stored.state, MessageState::Dispatched, "a dispatched message is not brought back");
    world.clear(&["command-1"]);
    assert_eq!(world.sent(), ["first"]);
}

fn a_unit_of_work_reads_items(backend: Backend) {
    let world = TestOutbox::on(backend);
    let mut work = world.postbox.unit_of_work();
    assert!(work.get_item(PEOPLE, person("Ada")).unwrap().is_none());
    work.put(PEOPLE, person("Ada")).unwrap();
    assert!(work.get_item(PEOPLE, person("Ada")).unwrap().is_none(), "it is not written before the commit");
    work.commit().unwrap();
    let work = world.postbox.unit_of_work();
    assert_eq!(work.get_item(PEOPLE, person("Ada")).unwrap().unwrap(), person("Ada"));
    assert!(world.faults.bodies("GetItem").iter().all(|request| request["ConsistentRead"] == true));
}

#[test]
fn every_kind_of_action_takes_effect() {
    let world = TestOutbox::new();
    let mut before = world.postbox.unit_of_work();
    before.put(PEOPLE, person("deleted")).unwrap();
    before.put(PEOPLE, person("checked")).unwrap();
    before.commit().unwrap();

    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("put")).unwrap();
    let update = Update::builder()
        .table_name(PEOPLE)
        .set_key(Some(person("updated")))
        .update_expression("SET Age = :age")
        .expression_attribute_values(":age", number(36));
    work.update(update.build().unwrap()).unwrap();
    work.delete(PEOPLE, person("deleted")).unwrap();
    work.condition_check(must_exist("checked")).unwrap();
    let raw = Put::builder().table_name(PEOPLE).set_item(Some(person("raw"))).build().unwrap();
    work.add(TransactWriteItem::builder().put(raw).build()).unwrap();
    work.commit().unwrap();
    assert!(world.person("put").is_some());
    assert_eq!(world.person("updated").unwrap()["Age"], number(36));
    assert!(world.person("deleted").is_none());
    assert!(world.person("raw").is_some());
}

#[test]
fn an_action_must_be_exactly_one() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    let put = Put::builder().table_name(PEOPLE).set_item(Some(person("Ada"))).build().unwrap();
    let check = must_exist("Bob");
    for action in
        [TransactWriteItem::builder().build(), TransactWriteItem::builder().put(put).condition_check(check).build()]
    {
        let error = work.add(action).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
        assert!(error.message().contains("exactly one"), "{error}");
    }
    assert_eq!(work.put("", person("Ada")).unwrap_err().code(), ErrorCode::InvalidArgument);
    assert_eq!(work.deposit_post(Message::new("", "no topic")).unwrap_err().code(), ErrorCode::InvalidMessage);
    assert!(work.is_empty());
}

#[test]
fn an_empty_unit_of_work_commits_without_a_request() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    assert!(work.is_empty());
    work.commit().unwrap();
    assert_eq!(work.commit().unwrap_err().code(), ErrorCode::UnitOfWorkClosed);
    assert_eq!(world.faults.operations(), [""; 0]);
}

#[test]
fn a_cancelled_commit_returns_a_reason_per_action() {
    let world = TestOutbox::new();
    let ada = item([("Name", text("Ada")), ("Age", number(36))]);
    let mut before = world.postbox.unit_of_work();
    before.put(PEOPLE, ada.clone()).unwrap();
    before.commit().unwrap();

    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("Bob")).unwrap();
    work.condition_check(must_exist("Nobody")).unwrap();
    let only_new = Put::builder()
        .table_name(PEOPLE)
        .set_item(Some(person("Ada")))
        .condition_expression("attribute_not_exists(#n)")
        .expression_attribute_names("#n", "Name")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    work.add(TransactWriteItem::builder().put(only_new.build().unwrap()).build()).unwrap();
    let error = work.commit().unwrap_err();
    assert_eq!(error.code(), ErrorCode::TransactionCanceled);
    assert!(error.message().contains("2 of 3 actions"), "{error}");
    let [check, put] = error.reasons() else { panic!("{error:?}") };
    assert_eq!((check.index, check.subject.as_str()), (1, "ConditionCheck People"));
    assert_eq!(check.code, "ConditionalCheckFailed");
    assert!(!check.message.is_empty());
    assert_eq!(check.item, None);
    assert_eq!((put.index, put.subject.as_str()), (2, "Put People"));
    assert_eq!(put.item.as_ref(), Some(&ada));
}

#[test]
fn a_cancelled_unit_of_work_can_be_committed_again() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    work.condition_check(must_exist("Ada")).unwrap();
    let id = work.deposit_post(Message::new("t", "body")).unwrap();
    assert_eq!(work.commit().unwrap_err().code(), ErrorCode::TransactionCanceled);
    assert_eq!(work.len(), 2);

    let mut other = world.postbox.unit_of_work();
    other.put(PEOPLE, person("Ada")).unwrap();
    other.commit().unwrap();
    work.put(PEOPLE, person("Bob")).unwrap();
    work.commit().unwrap();
    assert!(world.person("Bob").is_some());
    world.clear(&[id]);
    assert_eq!(world.sent(), ["body"]);
    let tokens: Vec<_> = tokens(&world);
    assert_ne!(tokens[0], tokens[2], "a request that may differ from the cancelled one has its own token");
}

#[test]
fn a_cancelled_unit_of_work_can_be_rolled_back() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    work.condition_check(must_exist("Ada")).unwrap();
    work.commit().unwrap_err();
    work.rollback().unwrap();
    assert_eq!(world.faults.count("TransactWriteItems"), 1);
}

#[test]
fn units_of_work_have_different_tokens() {
    let world = TestOutbox::new();
    for name in ["Ada", "Bob"] {
        let mut work = world.postbox.unit_of_work();
        work.put(PEOPLE, person(name)).unwrap();
        work.commit().unwrap();
    }
    let tokens = tokens(&world);
    assert_eq!(tokens.len(), 2);
    assert_ne!(tokens[0], tokens[1]);
}

#[test]
fn an_unknown_table_is_named() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    work.put("Nowhere", person("Ada")).unwrap();
    let error = work.commit().unwrap_err();
    assert_eq!(error.code(), ErrorCode::TableNotFound);
    assert!(error.message().contains("Nowhere"), "{error}");
    assert!(!error.is_retryable());
    work.rollback().unwrap();
}

fn must_exist(name: &str) -> ConditionCheck {
    ConditionCheck::builder()
        .table_name(PEOPLE)
        .set_key(Some(person(name)))
        .condition_expression("attribute_exists(#n)")
        .expression_attribute_names("#n", "Name")
        .build()
        .unwrap()
}

fn tokens(world: &TestOutbox) -> Vec<String> {
    let requests = world.faults.bodies("TransactWriteItems");
    requests.iter().map(|body| body["ClientRequestToken"].as_str().expect("a token").to_owned()).collect()
}
