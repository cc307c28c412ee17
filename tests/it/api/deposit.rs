//! Deposits outside a transaction, single or in bulk, which never overwrite an existing message.

use crate::support::fault::{Fault, Gate};
use crate::support::*;
use postbox::{DispatchOutcome, ErrorCode, Message, MessageState};
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const BULK: &str = "BatchExecuteStatement";

on_both_backends!(
    depositing_an_existing_id_changes_nothing,
    sixty_messages_are_deposited_in_three_requests,
    a_bulk_deposit_does_not_change_existing_messages,
);

fn depositing_an_existing_id_changes_nothing(backend: Backend) {
    let world = TestOutbox::on(backend);
    let message = |body: &str| Message::new("t", body).with_id("fixed");
    assert_eq!(world.postbox.deposit_post(message("first")).unwrap(), "fixed");
    let stored = world.raw("fixed").unwrap();
    assert_eq!(world.postbox.deposit_post(message("second")).unwrap(), "fixed");
    assert_eq!(world.raw("fixed").unwrap(), stored);

    world.clear(&["fixed"]);
    let dispatched = world.raw("fixed").unwrap();
    world.postbox.deposit_post(message("third")).unwrap();
    assert_eq!(world.raw("fixed").unwrap(), dispatched, "a dispatched message is not brought back");
    assert_eq!(world.outcomes(&["fixed"]), [DispatchOutcome::AlreadyDispatched], "nor is it sent from memory");
    assert_eq!(world.sent(), ["first"]);
}

fn sixty_messages_are_deposited_in_three_requests(backend: Backend) {
    let world = TestOutbox::on(backend);
    let messages = messages(60);
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    assert_eq!(ids, messages.iter().map(|message| message.id().to_owned()).collect::<Vec<_>>());
    assert_eq!(world.faults.operations(), [BULK; 3]);
    for (id, message) in ids.iter().zip(&messages) {
        let stored = world.postbox.get_message(id).unwrap().unwrap();
        assert_eq!((stored.state, stored.message.body()), (MessageState::Outstanding, message.body()));
    }
}

fn a_bulk_deposit_does_not_change_existing_messages(backend: Backend) {
    let world = TestOutbox::on(backend);
    let mut messages = messages(3);
    world.postbox.deposit_post(messages[1].clone()).unwrap();
    world.clear(&[messages[1].id()]);
    let dispatched = world.raw(messages[1].id()).unwrap();
    messages[1] = messages[1].clone().with_body("changed");
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    assert_eq!(world.raw(&ids[1]).unwrap(), dispatched);
    use DispatchOutcome::{AlreadyDispatched, Dispatched};
    assert_eq!(world.outcomes(&ids), [Dispatched, AlreadyDispatched, Dispatched]);
    assert_eq!(world.sent(), ["1", "0", "2"]);
}

#[test]
fn a_repeated_id_in_one_bulk_is_stored_once() {
    let world = TestOutbox::new();
    let mut messages = messages(30);
    messages[3] = Message::new("t", "first").with_id("same");
    messages[28] = Message::new("t", "second").with_id("same");
    messages[29] = Message::new("t", "third").with_id("same");
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    assert_eq!(ids, messages.iter().map(|message| message.id().to_owned()).collect::<Vec<_>>());
    assert_eq!(world.postbox.get_message("same").unwrap().unwrap().message.body(), b"first");
    world.clear(&ids);
    let mut expected = numbers(0..28);
    expected[3] = "first".into();
    assert_eq!(world.sent(), expected);
}

#[test]
fn a_large_bulk_limits_concurrent_requests() {
    let world = TestOutbox::new();
    let gate = Gate::new();
    world.faults.always(BULK, Fault::Wait(gate.clone()));
    std::thread::scope(|scope| {
        let depositing = scope.spawn(|| world.deposit(500));
        world.faults.wait_for(8, BULK);
        // The runtime has one thread, so any further request would have been recorded before this response.
        assert!(world.postbox.get_message("anything").unwrap().is_none());
        assert_eq!(world.faults.count(BULK), 8);
        gate.open();
        assert_eq!(depositing.join().unwrap().len(), 500);
    });
    assert_eq!(world.faults.count(BULK), 20);
}

#[test]
fn a_bulk_deposit_stores_complete_messages() {
    let world = TestOutbox::new();
    let message = Message::new("t", [0, 0xff])
        .with_content_type("application/octet-stream")
        .with_subject("subj")
        .with_bag_entry("tenant", "42")
        .with_id("bulk");
    world.postbox.deposit_posts(std::slice::from_ref(&message)).unwrap();
    world.postbox.deposit_post(message.with_id("single")).unwrap();
    let (mut bulk, mut single) = (world.raw("bulk").unwrap(), world.raw("single").unwrap());
    for item in [&mut bulk, &mut single] {
        item.remove("MessageId");
        item.remove("TopicShard"); // The shard is random without a partition key.
    }
    assert_eq!(bulk, single);
}

#[test]
fn a_bulk_deposit_of_no_messages_makes_no_request() {
    let world = TestOutbox::new();
    assert!(world.postbox.deposit_posts(&[]).unwrap().is_empty());
    assert_eq!(world.faults.operations(), [""; 0]);
}

#[test]
fn large_messages_are_split_over_more_requests() {
    let world = TestOutbox::new();
    let messages: Vec<_> = (0..25).map(|_| Message::new("t", vec![b'x'; 300 * 1024])).collect();
    world.postbox.deposit_posts(&messages).unwrap();
    let sizes: Vec<_> =
        world.faults.bodies(BULK).iter().map(|body| body["Statements"].as_array().unwrap().len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 25);
    assert!(sizes.iter().all(|size| *size <= 13), "at most 4 MB a request: {sizes:?}");
}

#[test]
fn an_invalid_message_prevents_the_whole_bulk() {
    let world = TestOutbox::new();
    let wrong = [
        (Message::new("", "no topic"), ErrorCode::InvalidMessage),
        (Message::new("t", "").with_id(""), ErrorCode::InvalidMessage),
        (Message::new("t", vec![0; 400 * 1024]), ErrorCode::ItemTooLarge),
    ];
    for (message, code) in wrong {
        let error = world.postbox.deposit_posts(&[Message::new("t", "good"), message.clone()]).unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(world.postbox.deposit_post(message).unwrap_err().code(), code);
    }
    assert_eq!(world.faults.operations(), [""; 0]);
}

#[test]
fn only_throttled_statements_are_retried() {
    let world = TestOutbox::new();
    world.faults.next(BULK, Fault::Statements { at: vec![1, 3], code: "ThrottlingError" });
    world.faults.next(BULK, Fault::Statements { at: vec![0], code: "ProvisionedThroughputExceeded" });
    world.faults.next(BULK, Fault::Statements { at: vec![0], code: "TransactionConflict" });
    let ids = world.deposit(5);
    let requests = world.faults.bodies(BULK);
    let sizes: Vec<_> = requests.iter().map(|body| body["Statements"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [5, 2, 1, 1]);
    assert!(ids.iter().all(|id| world.raw(id).is_some()));
}

#[test]
fn a_bulk_deposit_with_a_lost_response_is_retried() {
    let world = TestOutbox::new();
    world.faults.next(BULK, Fault::AnswerLost);
    world.faults.next("PutItem", Fault::AnswerLost);
    let mut ids = world.deposit(3);
    ids.push(world.postbox.deposit_post(Message::new("t", "3")).unwrap());
    world.clear(&ids);
    assert_eq!(world.sent(), numbers(0..4));
}

#[test]
fn a_bulk_deposit_falls_back_to_puts_without_partiql_permission() {
    let world = TestOutbox::new();
    world.postbox.deposit_post(Message::new("t", "before").with_id("there")).unwrap();
    world.faults.forget();
    world.faults.always(BULK, Fault::access_denied());
    let mut messages = messages(30);
    messages[7] = Message::new("t", "after").with_id("there");
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    assert_eq!(world.faults.count("PutItem"), 30);
    assert!(ids.iter().all(|id| world.raw(id).is_some()));
    assert_eq!(world.postbox.get_message("there").unwrap().unwrap().message.body(), b"before");
    world.faults.forget();
    world.deposit(30);
    assert_eq!(world.faults.operations(), ["PutItem"; 30], "the missing permission is remembered");
}

#[test]
fn puts_store_statements_that_partiql_rejected() {
    let world = TestOutbox::new();
    world.faults.next(BULK, Fault::Statements { at: vec![2], code: "AccessDenied" });
    let ids = world.deposit(4);
    assert!(ids.iter().all(|id| world.raw(id).is_some()));
    assert!(world.faults.count("PutItem") >= 1);
    world.clear(&ids);
    assert_eq!(world.sent(), numbers(0..4));
}

#[test]
fn an_incomplete_deposit_names_the_failures_and_can_be_repeated() {
    let world = TestOutbox::configured(|builder| builder.max_request_attempts(2));
    world.faults.next_times(2, BULK, Fault::Statements { at: vec![0], code: "ThrottlingError" });
    let messages = messages(3);
    let error = world.postbox.deposit_posts(&messages).unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::DepositIncomplete, true));
    assert!(error.message().contains("1 of 3"), "{error}");
    let [reason] = error.reasons() else { panic!("{error:?}") };
    assert_eq!((reason.index, reason.subject.as_str()), (0, messages[0].id()));
    assert!(reason.message.contains("ThrottlingError"), "{error}");
    assert!(world.raw(messages[0].id()).is_none() && world.raw(messages[1].id()).is_some());

    world.clear(&[messages[1].id()]);
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    world.clear(&ids);
    assert_eq!(world.sent(), ["1", "0", "2"]);
}

#[test]
fn a_failed_request_of_a_bulk_names_only_its_messages() {
    let world = TestOutbox::new();
    let refused = Fault::Refuse { status: 400, code: "ValidationException", message: "injected" };
    let messages = messages(60);
    let second = messages[25].id().to_owned();
    world.faults.when(move |request| request.body.to_string().contains(&second).then(|| refused.clone()));
    let error = world.postbox.deposit_posts(&messages).unwrap_err();
    assert_eq!(error.code(), ErrorCode::DepositIncomplete);
    assert_eq!(error.reasons().iter().map(|reason| reason.index).collect::<Vec<_>>(), (25..50).collect::<Vec<_>>());
    assert!(messages[..25].iter().chain(&messages[50..]).all(|message| world.raw(message.id()).is_some()));
}

#[test]
fn a_bulk_without_a_response_names_every_message_and_can_be_repeated() {
    let world = TestOutbox::configured(|builder| builder.operation_timeout(Duration::from_millis(200)));
    world.faults.next(BULK, Fault::HangAfter);
    let messages = messages(3);
    let error = world.postbox.deposit_posts(&messages).unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::DepositIncomplete, true));
    assert!(error.reasons().iter().all(|reason| reason.code == "Timeout"), "{error}");
    assert_eq!(error.reasons().len(), 3);
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    world.clear(&ids);
    assert_eq!(world.sent(), numbers(0..3));
}

#[test]
fn a_failed_deposit_is_not_sent_from_memory() {
    let world = TestOutbox::new();
    world.faults.next("PutItem", Fault::access_denied());
    let error = world.postbox.deposit_post(Message::new("t", "").with_id("refused")).unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::AccessDenied, false));
    assert!(error.message().contains("PutItem") && error.message().contains(OUTBOX), "{error}");
    assert_eq!(world.outcomes(&["refused"]), [DispatchOutcome::NotFound]);
}

#[test]
fn invalid_message_is_rejected_without_a_request() {
    let world = TestOutbox::new();
    let message = || Message::new("t", "x").with_id("m");
    let ahead = |seconds| message().with_created_at(SystemTime::now() + Duration::from_secs(seconds));
    for (refused, expected) in [
        (message().with_id("i".repeat(1025)), "at most 1024"),
        (ahead(3600), "created_at"),
        (ahead(900 * 365 * 86_400), "max_ahead_ms"),
        (message().with_content_type("json"), "content_type"),
        (message().with_baggage("user.id=1"), "baggage"),
        (message().with_bag_entry("", "x"), "empty or blank"),
        (message().with_bag_entry("n", 1e300), "decimal"),
    ] {
        for error in [
            world.postbox.deposit_post(refused.clone()).unwrap_err(),
            world.postbox.deposit_posts(std::slice::from_ref(&refused)).unwrap_err(),
            world.postbox.unit_of_work().deposit_post(refused).unwrap_err(),
        ] {
            assert_eq!((error.code(), error.is_retryable()), (ErrorCode::InvalidMessage, false));
            assert!(error.message().contains(expected) && error.message().contains("message "), "{error}");
        }
    }
    assert_eq!(world.faults.operations(), [""; 0]);
    world.postbox.deposit_post(ahead(60)).unwrap();
    world.postbox.deposit_post(message().with_id("i".repeat(1024)).with_created_at(UNIX_EPOCH)).unwrap();
}

#[test]
fn brighters_rules_do_not_apply_where_no_brighter_reads() {
    let world = TestOutbox::configured(|builder| builder.brighter_reads(false).max_ahead(Duration::ZERO));
    for message in [
        Message::new("t", "0").with_content_type("json"),
        Message::new("t", "1").with_baggage("user.id = 1"),
        Message::new("t", "2").with_bag_entry("", "x"),
        Message::new("t", "3").with_bag_entry("n", 1e300),
    ] {
        let _ = world.postbox.post(message).unwrap();
    }
    assert_eq!(world.sent(), numbers(0..4));
    let error = world.postbox.deposit_post(Message::new("t", "x").with_id("i".repeat(1025))).unwrap_err();
    assert!(error.message().contains("1024"), "an item that DynamoDB rejects is rejected nevertheless: {error}");
}

#[test]
fn the_reasons_of_throttling_are_in_the_error() {
    let world = TestOutbox::configured(|builder| builder.max_request_attempts(1));
    let throttled = |name: &str, reasons: &str| Fault::Answer {
        status: 400,
        body: json!({
            "__type": format!("com.amazonaws.dynamodb.v20120810#{name}"),
            "message": "Throughput exceeds the current capacity",
            reasons: [{"reason": "IndexWriteKeyRangeThroughputExceeded", "resource": "arn:aws:dynamodb:eu-central-1:1:table/o/index/Outstanding"}],
        }),
    };
    for (name, reasons) in [
        ("ThrottlingException", "throttlingReasons"),
        ("ProvisionedThroughputExceededException", "ThrottlingReasons"),
        ("RequestLimitExceeded", "ThrottlingReasons"),
    ] {
        world.faults.next("PutItem", throttled(name, reasons));
        let error = world.postbox.deposit_post(Message::new("t", "x")).unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Throttled, true), "{error}");
        for expected in [name, "IndexWriteKeyRangeThroughputExceeded", "index/Outstanding"] {
            assert!(error.message().contains(expected), "{error}");
        }
    }
}
