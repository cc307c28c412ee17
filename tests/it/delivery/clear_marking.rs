//! Sent messages are marked dispatched, 25 in a request, while the next messages are being sent. An earlier dispatch
//! time is never overwritten.

use crate::support::fault::Fault;
use crate::support::faults::Faults;
use crate::support::*;
use postbox::{DispatchOutcome, ErrorCode, MemoryProducer, MessageState, SendOutcome, producer_fn};
use serde_json::Value;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

const MARK: &str = "BatchExecuteStatement";

/// Creates an outbox whose producer receives batches of up to `size` messages, so that they are marked together.
fn batching(size: usize) -> TestOutbox {
    let producer = MemoryProducer::with_max_batch(size);
    let mut world = TestOutbox::configured(|builder| builder.default_producer(producer.clone()));
    world.producer = producer;
    world
}

/// Returns the number of statements of each request.
fn statements(faults: &Faults) -> Vec<usize> {
    faults.bodies(MARK).iter().map(|body| body["Statements"].as_array().unwrap().len()).collect()
}

#[test]
fn messages_are_marked_in_batches_of_25() {
    let world = batching(60);
    let ids = world.deposit(60);
    world.faults.forget();
    world.clear(&ids);
    let mut marked = statements(&world.faults);
    marked.sort_unstable();
    assert_eq!(marked, [10, 25, 25]);
    for id in &ids {
        let item = world.raw(id).unwrap();
        assert!(!item.contains_key("OutstandingCreatedTime"));
        assert!(item["DeliveryTime"].is_n() && item["DeliveredAt"].as_s().unwrap().ends_with('Z'));
    }
}

#[test]
fn marking_overlaps_with_sending() {
    let faults_of_world: &'static OnceLock<Faults> = Box::leak(Box::default());
    let sent: &'static AtomicUsize = Box::leak(Box::default());
    let world = TestOutbox::configured(|builder| {
        builder.default_producer(producer_fn(|_| {
            if sent.fetch_add(1, Ordering::SeqCst) == 30 {
                // The producer returns from the 31st message only after the request that marks the first messages has
                // started.
                faults_of_world.get().unwrap().wait_for(1, MARK);
            }
            SendOutcome::Sent
        }))
    });
    let ids = world.deposit(50);
    world.faults.forget();
    faults_of_world.set(world.faults.clone()).unwrap();
    world.clear(&ids);
    assert_eq!(sent.load(Ordering::SeqCst), 50);
    assert_eq!(statements(&world.faults).iter().sum::<usize>(), 50);
}

#[test]
fn an_earlier_dispatch_time_is_not_overwritten() {
    for partiql in [true, false] {
        let world = TestOutbox::new();
        if !partiql {
            world.faults.always(MARK, Fault::access_denied());
        }
        let id = world.postbox.deposit_post(postbox::Message::new("t", "")).unwrap();
        let first = world.postbox.mark_dispatched(&[&id]).unwrap();
        assert_eq!(outcomes(&first), [DispatchOutcome::Dispatched]);
        let before = world.raw(&id).unwrap();
        let dispatched_at = world.postbox.get_message(&id).unwrap().unwrap().dispatched_at.unwrap();
        let again = world.postbox.mark_dispatched(&[&id]).unwrap();
        assert_eq!(outcomes(&again), [DispatchOutcome::AlreadyDispatched]);
        assert_eq!(world.raw(&id).unwrap(), before);
        assert_eq!(world.postbox.get_message(&id).unwrap().unwrap().dispatched_at, Some(dispatched_at));
    }
}

#[test]
fn a_clear_keeps_the_dispatch_time_of_another_sender() {
    let world = TestOutbox::new();
    let ids = world.deposit(1);
    // Another process dispatches the message while it is still in the memory of the first process.
    let report = world.another().clear_outbox(&ids).unwrap();
    assert!(report.is_success());
    let before = world.raw(&ids[0]).unwrap();
    let report = world.postbox.clear_outbox(&ids).unwrap();
    assert_eq!(outcomes(&report), [DispatchOutcome::Dispatched]);
    assert!(report.entries()[0].detail.contains("another sender"), "{report:?}");
    assert_eq!(world.raw(&ids[0]).unwrap(), before);
}

#[test]
fn marking_falls_back_to_updates_without_partiql_permission() {
    let world = TestOutbox::new();
    let ids = world.deposit(30);
    world.faults.always(MARK, Fault::access_denied());
    world.faults.forget();
    world.clear(&ids);
    assert_eq!(world.faults.count("UpdateItem"), 30);
    assert!(world.faults.count(MARK) <= 2, "marking is not tried forever: {:?}", statements(&world.faults));
    assert!(ids.iter().all(|id| world.postbox.get_message(id).unwrap().unwrap().state == MessageState::Dispatched));
    assert_eq!(world.sent(), numbers(0..30));
}

#[test]
fn marking_falls_back_if_partiql_is_denied_for_each_statement() {
    let world = batching(5);
    let ids = world.deposit(5);
    world.faults.next(MARK, Fault::Statements { at: vec![1, 3], code: "AccessDenied" });
    world.faults.forget();
    world.clear(&ids);
    assert!(world.faults.count("UpdateItem") >= 2);
    assert!(ids.iter().all(|id| world.postbox.get_message(id).unwrap().unwrap().state == MessageState::Dispatched));
    assert_eq!(world.sent(), numbers(0..5));
}

#[test]
fn throttled_statements_are_marked_by_a_further_request() {
    let world = batching(10);
    let ids = world.deposit(10);
    world.faults.next(MARK, Fault::Statements { at: vec![0, 4, 9], code: "ThrottlingError" });
    world.faults.next(MARK, Fault::Statements { at: vec![1], code: "TransactionConflict" });
    world.faults.forget();
    world.clear(&ids);
    assert_eq!(statements(&world.faults), [10, 3, 1]);
    assert!(ids.iter().all(|id| world.postbox.get_message(id).unwrap().unwrap().state == MessageState::Dispatched));
    assert_eq!(world.sent(), numbers(0..10));
}

#[test]
fn an_unmarked_message_is_reported_and_marked_later_without_being_sent_again() {
    let world = batching(3);
    let ids = world.deposit(3);
    let rejected = Fault::Refuse { status: 400, code: "ValidationException", message: "injected" };
    world.faults.next(MARK, rejected);
    let report = world.postbox.clear_outbox(&ids).unwrap();
    assert_eq!(outcomes(&report), [DispatchOutcome::MarkFailed; 3]);
    assert!(report.entries()[0].detail.contains("injected"), "{report:?}");
    assert!(ids.iter().all(|id| world.postbox.get_message(id).unwrap().unwrap().state == MessageState::Outstanding));
    world.clear(&ids);
    assert_eq!(world.sent(), ["0", "1", "2"]);
}

#[test]
fn one_statement_that_fails_leaves_only_its_message_unmarked() {
    let world = batching(3);
    let ids = world.deposit(3);
    world.faults.next(MARK, Fault::Statements { at: vec![0], code: "ValidationError" });
    use DispatchOutcome::{Dispatched, MarkFailed};
    assert_eq!(world.outcomes(&ids), [MarkFailed, Dispatched, Dispatched]);
    let waits = world.postbox.get_message(&ids[0]).unwrap().unwrap();
    assert!(waits.next_attempt_at.is_some() && waits.last_error.unwrap().contains("could not be marked"));
    assert_eq!(world.sent(), ["0", "1", "2"]);
}

#[test]
fn a_mark_with_a_lost_response_is_retried() {
    let world = TestOutbox::new();
    let ids = world.deposit(3);
    world.faults.next(MARK, Fault::AnswerLost);
    let report = world.postbox.clear_outbox(&ids).unwrap();
    assert_eq!(outcomes(&report), [DispatchOutcome::Dispatched; 3]);
    assert!(
        report.entries().iter().all(|entry| entry.detail.is_empty()),
        "no other sender has dispatched them: {report:?}"
    );
    assert_eq!(world.postbox.stats().dispatched, 3);
    assert_eq!(world.sent(), numbers(0..3));
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::AlreadyDispatched; 3]);
}

#[test]
fn a_message_deleted_during_sending_counts_as_sent() {
    let world = TestOutbox::new();
    let ids = world.deposit(1);
    let key = message_key(&ids[0]);
    sdk(&world.postbox, move |client| async move {
        client.delete_item().table_name(OUTBOX).set_key(Some(key)).send().await
    });
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::Dispatched]);
    assert!(world.raw(&ids[0]).is_none(), "marking does not create an incomplete item");
}

#[test]
fn mark_dispatched_reports_each_message_and_prevents_sending() {
    let world = TestOutbox::new();
    let ids = world.deposit(60);
    world.clear(&ids[..1]);
    world.faults.forget();
    let mut asked: Vec<&str> = ids.iter().map(String::as_str).collect();
    let too_long = "x".repeat(2049);
    asked.extend(["unknown", "", &too_long]);
    let report = world.postbox.mark_dispatched(&asked).unwrap();
    assert_eq!(world.faults.count(MARK), 3);
    let found = outcomes(&report);
    assert_eq!(found[0], DispatchOutcome::AlreadyDispatched);
    assert_eq!(found[1..60], [DispatchOutcome::Dispatched; 59]);
    assert_eq!(found[60..], [DispatchOutcome::NotFound; 3]);
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::AlreadyDispatched; 60]);
    assert_eq!(world.sent(), ["0"], "a message that the caller sent itself is not sent from memory either");
}

#[test]
fn a_mark_has_the_time_of_sending() {
    let world = TestOutbox::new();
    let before = std::time::SystemTime::now();
    let ids = world.deposit(1);
    world.clear(&ids);
    let after = std::time::SystemTime::now();
    let at = world.postbox.get_message(&ids[0]).unwrap().unwrap().dispatched_at.unwrap();
    // Times are stored in ticks of 100 ns, so a stored time may be a little earlier.
    assert!(at + std::time::Duration::from_nanos(100) >= before && at <= after);
    let statement = &world.faults.bodies(MARK)[1]["Statements"][0]["Statement"];
    let statement = statement.as_str().unwrap().replace('"', "");
    assert!(
        statement.contains("REMOVE OutstandingCreatedTime") && statement.contains("SET DeliveryTime"),
        "{statement}"
    );
}

#[test]
fn mark_dispatched_fails_after_close() {
    let world = TestOutbox::new();
    let ids = world.deposit(1);
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    world.faults.forget();
    let reader = world.another();
    let TestOutbox { postbox, faults, .. } = world;
    postbox.close().unwrap();
    assert_eq!(work.commit().unwrap_err().code(), ErrorCode::Closed);
    assert_eq!(faults.requests().iter().map(|request| &request.body).collect::<Vec<_>>(), Vec::<&Value>::new());
    assert_eq!(reader.get_message(&ids[0]).unwrap().unwrap().state, MessageState::Outstanding);
}
