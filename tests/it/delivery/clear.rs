//! `clear_outbox` sends the messages with the given ids once and in order, and reports the outcome of each.

use crate::support::fault::{Fault, Gate};
use crate::support::*;
use postbox::{
    CancelToken, DispatchOutcome, ErrorCode, MemoryProducer, Message, MessageState, SendOutcome, producer_fn,
};
use std::sync::Barrier;
use std::time::{Duration, SystemTime};

on_both_backends!(
    messages_are_sent_in_the_order_of_the_ids,
    a_dispatched_message_is_skipped,
    a_missing_message_does_not_stop_the_others,
    several_read_batches_are_sent_in_order,
);

fn messages_are_sent_in_the_order_of_the_ids(backend: Backend) {
    let world = TestOutbox::on(backend);
    let mut ids = world.deposit(10);
    ids.reverse();
    world.clear(&ids);
    let mut expected = numbers(0..10);
    expected.reverse();
    assert_eq!(world.sent(), expected);

    // Another process, which reads the messages from the table, also sends them in the order of the ids.
    let mut ids = world.deposit(10);
    ids.rotate_left(3);
    let report = world.another().clear_outbox(&ids).unwrap();
    assert_eq!(report.entries().iter().map(|entry| &entry.id).collect::<Vec<_>>(), ids.iter().collect::<Vec<_>>());
    let mut expected = numbers(0..10);
    expected.rotate_left(3);
    assert_eq!(world.sent()[10..], expected);
}

fn a_dispatched_message_is_skipped(backend: Backend) {
    let world = TestOutbox::on(backend);
    let ids = world.deposit(3);
    world.clear(&ids[1..2]);
    let outcomes = world.outcomes(&ids);
    use DispatchOutcome::{AlreadyDispatched, Dispatched};
    assert_eq!(outcomes, [Dispatched, AlreadyDispatched, Dispatched]);
    assert_eq!(world.sent(), ["1", "0", "2"]);
    assert_eq!(world.outcomes(&ids), [AlreadyDispatched; 3]);
    assert_eq!(world.sent().len(), 3);
}

fn a_missing_message_does_not_stop_the_others(backend: Backend) {
    let world = TestOutbox::on(backend);
    let ids = world.deposit(2);
    // DynamoDB rejects a whole batch if one of its keys is empty or too long.
    let too_long = "x".repeat(2049);
    let asked = [ids[0].as_str(), "unknown", "", &too_long, &ids[1]];
    let reader = world.another();
    let report = reader.clear_outbox(&asked).unwrap();
    use DispatchOutcome::{Dispatched, NotFound};
    assert_eq!(outcomes(&report), [Dispatched, NotFound, NotFound, NotFound, Dispatched]);
    assert_eq!(world.sent(), ["0", "1"]);
    assert!(["", &too_long].iter().all(|id| reader.get_message(id).unwrap().is_none()));
    assert_eq!(outcomes(&reader.clear_outbox(&[""]).unwrap()), [NotFound]);
    let error = report.into_result().unwrap_err();
    assert_eq!(error.code(), postbox::ErrorCode::ClearIncomplete);
    assert_eq!(error.reasons().iter().map(|reason| reason.index).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(error.reasons()[0].subject, "unknown");
}

fn several_read_batches_are_sent_in_order(backend: Backend) {
    let world = TestOutbox::on(backend);
    let ids = world.deposit(250);
    let report = world.another().clear_outbox(&ids).unwrap();
    assert!(report.is_success(), "{report:?}");
    assert_eq!(world.sent(), numbers(0..250));
    assert!(ids.iter().all(|id| world.postbox.get_message(id).unwrap().unwrap().state == MessageState::Dispatched));
}

#[test]
fn a_hundred_recent_messages_take_four_requests_and_no_read() {
    let world = batching(100);
    let ids = world.deposit(100);
    world.faults.forget();
    world.clear(&ids);
    assert_eq!(world.faults.operations(), ["BatchExecuteStatement"; 4]);
    assert_eq!(world.sent(), numbers(0..100));
}

#[test]
fn a_committed_message_is_sent_from_memory() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    let id = work.deposit_post(Message::new("t", "body")).unwrap();
    work.commit().unwrap();
    world.faults.forget();
    world.clear(&[id]);
    assert_eq!(world.faults.operations(), ["BatchExecuteStatement"]);
    assert_eq!(world.sent(), ["body"]);
}

#[test]
fn uncached_messages_are_read_consistently_in_batches_of_100() {
    let world = TestOutbox::configured(|builder| builder.cache_max_messages(0));
    let ids = world.deposit(150);
    world.faults.forget();
    world.clear(&ids);
    let reads = world.faults.bodies("BatchGetItem");
    let asked: Vec<_> =
        reads.iter().map(|read| read["RequestItems"][OUTBOX]["Keys"].as_array().unwrap().len()).collect();
    assert_eq!(asked, [100, 50]);
    assert!(reads.iter().all(|read| read["RequestItems"][OUTBOX]["ConsistentRead"] == true));
    assert_eq!(world.faults.count("GetItem") + world.faults.count("Query") + world.faults.count("Scan"), 0);
    assert_eq!(world.sent(), numbers(0..150));
}

#[test]
fn unprocessed_keys_are_requested_again() {
    let world = TestOutbox::configured(|builder| builder.cache_max_messages(0));
    let ids = world.deposit(10);
    for after in [4, 0, 3] {
        world.faults.next("BatchGetItem", Fault::Unprocessed { after });
    }
    world.clear(&ids);
    assert_eq!(world.faults.count("BatchGetItem"), 4);
    assert_eq!(world.sent(), numbers(0..10));
}

#[test]
fn keys_that_stay_unprocessed_are_not_reported_missing() {
    let world = TestOutbox::configured(|builder| builder.cache_max_messages(0).max_request_attempts(2));
    let ids = world.deposit(4);
    world.faults.next("BatchGetItem", Fault::Unprocessed { after: 2 });
    world.faults.next_times(2, "BatchGetItem", Fault::Unprocessed { after: 0 });
    let report = world.postbox.clear_outbox(&ids).unwrap();
    use DispatchOutcome::{Dispatched, ReadFailed};
    assert_eq!(outcomes(&report), [Dispatched, Dispatched, ReadFailed, ReadFailed]);
    assert!(report.entries()[3].detail.contains("2 of 4"), "{report:?}");
    world.clear(&ids);
    assert_eq!(world.sent(), numbers(0..4));
}

#[test]
fn a_failed_read_sends_nothing() {
    let world = TestOutbox::configured(|builder| builder.cache_max_messages(0));
    let ids = world.deposit(3);
    world.faults.next("BatchGetItem", Fault::access_denied());
    let report = world.postbox.clear_outbox(&ids).unwrap();
    assert_eq!(outcomes(&report), [DispatchOutcome::ReadFailed; 3]);
    assert!(report.entries()[0].detail.contains("AccessDeniedException"), "{report:?}");
    assert!(world.sent().is_empty());
    world.clear(&ids);
}

#[test]
fn a_repeated_id_is_sent_and_reported_once() {
    let world = TestOutbox::configured(|builder| builder.cache_max_messages(0));
    let ids = world.deposit(2);
    let report = world.postbox.clear_outbox(&[&ids[0], &ids[1], &ids[0]]).unwrap();
    assert_eq!(outcomes(&report), [DispatchOutcome::Dispatched; 2]);
    assert_eq!(world.sent(), ["0", "1"]);
}

#[test]
fn clearing_no_ids_makes_no_request() {
    let world = TestOutbox::new();
    let report = world.postbox.clear_outbox(&[""; 0]).unwrap();
    assert!(report.is_success() && report.entries().is_empty());
    assert_eq!(world.faults.operations(), [""; 0]);
}

#[test]
fn a_malformed_item_does_not_stop_the_others() {
    let world = TestOutbox::configured(|builder| builder.cache_max_messages(0));
    let ids = world.deposit(3);
    set(&world, &ids[1], "MessageType", number(1));
    let report = world.postbox.clear_outbox(&ids).unwrap();
    use DispatchOutcome::{Dispatched, Malformed};
    assert_eq!(outcomes(&report), [Dispatched, Malformed, Dispatched]);
    assert!(report.entries()[1].detail.contains("MessageType"), "{report:?}");
    assert_eq!(world.sent(), ["0", "2"]);
    let error = world.postbox.get_message(&ids[1]).unwrap_err();
    assert_eq!(error.code(), postbox::ErrorCode::MalformedItem);
    assert!(error.message().contains("MessageType") && error.message().contains(&ids[1]), "{error}");
}

#[test]
fn a_parked_message_is_not_sent() {
    let world = TestOutbox::configured(|builder| builder.cache_max_messages(0));
    let ids = world.deposit(1);
    let mut parked = world.raw(&ids[0]).unwrap();
    parked.insert("ParkedAt".into(), number(638_448_068_967_890_000i64));
    parked.remove("OutstandingCreatedTime");
    world.put_raw(parked);
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::Parked]);
    assert!(world.sent().is_empty());
}

#[test]
fn concurrent_clears_send_each_message_once() {
    for recent in [0u64, 1000] {
        let world = TestOutbox::configured(|builder| builder.cache_max_messages(recent));
        let ids = world.deposit(60);
        let start = Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    let report = world.postbox.clear_outbox(&ids).unwrap();
                    assert!(report.is_success(), "{report:?}");
                });
            }
        });
        let mut sent = world.sent();
        sent.sort_by_key(|body| body.parse::<usize>().unwrap());
        assert_eq!(sent, numbers(0..60));
    }
}

#[test]
fn a_message_sent_by_another_thread_is_in_progress() {
    let world = TestOutbox::new();
    let ids = world.deposit(1);
    let gate = Gate::new();
    world.faults.next("BatchExecuteStatement", Fault::Wait(gate.clone()));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| world.outcomes(&ids));
        // The message is sent and not yet marked, so it is outstanding for every reader of the table.
        world.faults.wait_for(2, "BatchExecuteStatement");
        assert_eq!(world.outcomes(&ids), [DispatchOutcome::InProgress]);
        gate.open();
        assert_eq!(first.join().unwrap(), [DispatchOutcome::Dispatched]);
    });
    assert_eq!(world.sent(), ["0"]);
}

#[test]
fn a_topic_uses_its_own_producer_or_the_default() {
    let orders = MemoryProducer::new();
    let world = TestOutbox::configured(|builder| builder.producer("orders", orders.clone()));
    let ids =
        ["orders", "other", "orders"].map(|topic| world.postbox.deposit_post(Message::new(topic, topic)).unwrap());
    world.clear(&ids);
    assert_eq!(orders.sent().iter().map(Message::topic).collect::<Vec<_>>(), ["orders", "orders"]);
    assert_eq!(world.sent(), ["other"]);
}

#[test]
fn a_topic_without_a_producer_does_not_stop_the_others() {
    let backend = Backend::embedded();
    let orders = MemoryProducer::new();
    let postbox = backend.open(postbox::Postbox::builder().producer("orders", orders.clone()), &backend.faults());
    let ids = ["orders", "nobody's", "orders"].map(|topic| postbox.deposit_post(Message::new(topic, "")).unwrap());
    let report = postbox.clear_outbox(&ids).unwrap();
    use DispatchOutcome::{Dispatched, NoProducer};
    assert_eq!(outcomes(&report), [Dispatched, NoProducer, Dispatched]);
    assert!(report.entries()[1].detail.contains("nobody's"), "{report:?}");
    assert_eq!(orders.sent().len(), 2);
    assert_eq!(postbox.get_message(&ids[1]).unwrap().unwrap().state, MessageState::Outstanding);
}

#[test]
fn post_deposits_and_sends() {
    let world = TestOutbox::new();
    let report = world.postbox.post(Message::new("t", "body")).unwrap();
    assert_eq!(outcomes(&report), [DispatchOutcome::Dispatched]);
    let stored = world.postbox.get_message(&report.entries()[0].id).unwrap().unwrap();
    assert_eq!(stored.state, MessageState::Dispatched);
    assert_eq!(world.sent(), ["body"]);
}

#[test]
fn a_failed_cached_message_is_sent_from_the_table_later() {
    let world = TestOutbox::new();
    world.producer.answer_next(SendOutcome::Retry("down".into()));
    let ids = world.deposit(1);
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::Failed]);
    world.clear(&ids);
    assert_eq!(world.sent(), ["0"]);
}

#[test]
fn the_producer_receives_the_deposited_message() {
    let (sender, sent) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let world = TestOutbox::configured(|builder| {
        builder.default_producer(producer_fn(move |message| {
            sender.lock().unwrap().send(message.clone()).unwrap();
            SendOutcome::Sent
        }))
    });
    let message = Message::new("t", [0, 0xff, 7])
        .with_content_type("application/octet-stream")
        .with_partition_key("key")
        .with_correlation_id("corr")
        .with_bag_entry("tenant", "42")
        .with_message_type(postbox::MessageType::Command);
    let mut ids = [String::new()];
    for recent in [true, false] {
        let message = message.clone().with_id(format!("from memory: {recent}"));
        ids[0] = world.postbox.deposit_post(message.clone()).unwrap();
        if !recent {
            world.producer.answer_next(SendOutcome::Sent);
            let reader = world.another();
            let report = reader.clear_outbox(&ids).unwrap();
            assert!(report.is_success());
            let read = world.producer.sent().pop().unwrap();
            assert_eq!(comparable(&read), comparable(&message));
        } else {
            world.clear(&ids);
            assert_eq!(sent.recv().unwrap(), message);
        }
    }
}

/// Returns all header fields and the body of a message, for comparison.
fn comparable(message: &Message) -> (Vec<Option<String>>, Vec<u8>) {
    let names = ["id", "topic", "message_type", "character_encoding", "content_type", "created_at", "partition_key"];
    let more = ["correlation_id", "bag.tenant", "source", "spec_version"];
    let fields = names.iter().chain(&more).map(|name| message.header(name).unwrap().map(|value| value.into_owned()));
    (fields.collect(), message.body().to_vec())
}

/// Creates an outbox whose producer receives batches of up to `size` messages.
fn batching(size: usize) -> TestOutbox {
    let producer = MemoryProducer::with_max_batch(size);
    let mut world = TestOutbox::configured(|builder| builder.default_producer(producer.clone()));
    world.producer = producer;
    world
}

/// Sets one attribute of a stored message, as another process may have done.
fn set(world: &TestOutbox, id: &str, attribute: &'static str, value: postbox::AttributeValue) {
    let key = message_key(id);
    sdk(&world.postbox, move |client| async move {
        client
            .update_item()
            .table_name(OUTBOX)
            .set_key(Some(key))
            .update_expression(format!("SET {attribute} = :value"))
            .expression_attribute_values(":value", value)
            .send()
            .await
    });
}

#[test]
fn a_canceled_clear_skips_the_remaining_messages() {
    let cancel = CancelToken::new();
    let canceled_by_producer = cancel.clone();
    let world = TestOutbox::configured(|builder| {
        builder.default_producer(producer_fn(move |_| {
            canceled_by_producer.cancel();
            SendOutcome::Sent
        }))
    });
    use DispatchOutcome::{AlreadyDispatched, Dispatched, Skipped};
    let ids = world.deposit(3);
    let report = world.postbox.clear_outbox_with(&ids, &cancel).unwrap();
    assert_eq!(outcomes(&report), [Dispatched, Skipped, Skipped]);
    let report = world.postbox.clear_outbox_with(&ids[1..], &cancel).unwrap();
    assert_eq!(outcomes(&report), [Skipped, Skipped]);

    for id in &ids[1..] {
        let stored = world.postbox.get_message(id).unwrap().unwrap();
        assert_eq!((stored.state, stored.dispatch_attempts), (MessageState::Outstanding, 0));
    }
    assert_eq!(world.outcomes(&ids), [AlreadyDispatched, Dispatched, Dispatched]);
}

/// Deposits a message with the key `k`.
fn deposit_keyed(world: &TestOutbox, body: &str) -> [String; 1] {
    [world.postbox.deposit_post(Message::new("t", body).with_partition_key("k")).unwrap()]
}

#[test]
fn a_later_clear_does_not_overtake_an_unsent_message_of_its_key() {
    use DispatchOutcome::{Dispatched, Failed, HeldBack};
    let world = TestOutbox::new();
    world.producer.answer_next(SendOutcome::Retry("busy".into()));
    let first = deposit_keyed(&world, "first");
    assert_eq!(world.outcomes(&first), [Failed]);
    let second = deposit_keyed(&world, "second");
    assert_eq!(world.outcomes(&second), [HeldBack]);
    assert_eq!(world.outcomes(&world.deposit(1)), [Dispatched], "another key");
    assert!(world.another().clear_outbox(&first).unwrap().is_success());
    let third = deposit_keyed(&world, "third");
    assert_eq!(world.outcomes(&third), [HeldBack], "the second message is unsent");
    assert_eq!(world.outcomes(&[&second[0], &third[0]]), [Dispatched; 2]);
    assert_eq!(world.outcomes(&deposit_keyed(&world, "fourth")), [Dispatched]);
    assert_eq!(world.sent(), ["0", "first", "second", "third", "fourth"]);
}

#[test]
fn a_clear_goes_on_when_another_process_has_sent_or_deleted_the_earlier_message() {
    use DispatchOutcome::{Dispatched, Failed, HeldBack};
    let world = TestOutbox::new();
    let other = world.another();
    for deletes in [false, true] {
        world.producer.answer_next(SendOutcome::Retry("busy".into()));
        let first = deposit_keyed(&world, "first");
        assert_eq!(world.outcomes(&first), [Failed]);
        let second = deposit_keyed(&world, "second");
        world.faults.next_times(3, "GetItem", Fault::access_denied());
        assert_eq!(world.outcomes(&second), [HeldBack], "the earlier message cannot be read");
        world.faults.heal();
        if deletes {
            assert!(other.delete_message(&first[0], MessageState::Outstanding).unwrap());
        } else {
            assert!(other.clear_outbox(&first).unwrap().is_success());
        }
        assert_eq!(world.outcomes(&second), [Dispatched]);
    }
}

#[test]
fn a_message_whose_commit_was_in_doubt_is_read_before_it_is_sent() {
    let world = TestOutbox::configured(|builder| builder.max_request_attempts(1));
    let mut work = world.postbox.unit_of_work();
    let id = work.deposit_post(Message::new("t", "once")).unwrap();
    world.faults.next("TransactWriteItems", Fault::AnswerLost);
    assert_eq!(work.commit().unwrap_err().code(), ErrorCode::OutcomeUnknown);
    // Another process sends the message while the outcome is unknown.
    assert!(world.another().clear_outbox(&[&id]).unwrap().is_success());
    work.commit().unwrap();
    assert_eq!(world.outcomes(&[&id]), [DispatchOutcome::AlreadyDispatched]);
    assert_eq!(world.sent(), ["once"]);
}

#[test]
fn a_message_created_long_before_its_commit_is_read_before_it_is_sent() {
    let world = TestOutbox::new();
    let mut work = world.postbox.unit_of_work();
    let created = SystemTime::now() - Duration::from_secs(60);
    let id = work.deposit_post(Message::new("t", "once").with_created_at(created)).unwrap();
    work.commit().unwrap();
    // The message is old enough for a sweep of another process.
    assert_eq!(world.another().sweep().unwrap().dispatched, 1);
    assert_eq!(world.outcomes(&[&id]), [DispatchOutcome::AlreadyDispatched]);
    assert_eq!(world.sent(), ["once"]);
}
