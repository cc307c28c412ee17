//! Compatibility with Brighter: its items can be read, and Postbox writes the items that Brighter expects.

use crate::support::*;
use aws_sdk_dynamodb::primitives::Blob;
use postbox::{Archive, AttributeValue, CharacterEncoding, Item, Message, MessageState, MessageType, StoredMessage};
use std::time::{Duration, UNIX_EPOCH};

/// 2024-02-29T12:34:56.7891234Z in .NET ticks.
const TICKS: i64 = 638_448_068_967_891_234;

/// Returns an item with every attribute that Brighter's DynamoDB outbox writes.
fn brighters_item() -> Item {
    item([
        ("MessageId", text("b-1")),
        ("Topic", text("greeting.made")),
        ("TopicShard", text("greeting.made_-2")),
        ("MessageType", text("MT_COMMAND")),
        ("Body", AttributeValue::B(Blob::new(r#"{"Greeting":"Hello"}"#))),
        ("CharacterEncoding", text("UTF8")),
        ("ContentType", text("application/json; charset=utf-8")),
        ("HeaderBag", text(r#"{"tenant":"42","messageDeduplicationId":"d-1"}"#)),
        ("SpecVersion", text("1.0")),
        ("Source", text("http://goparamore.io")),
        ("CreatedAt", text("2024-02-29T12:34:56.789Z")),
        ("CreatedTime", number(TICKS)),
        ("OutstandingCreatedTime", number(TICKS)),
        ("HandledCount", number(0)),
        ("DelayedMilliseconds", number(0)),
        ("CorrelationId", text("corr")),
        ("CausationId", text("cause")),
        ("PartitionKey", text("abc")),
        ("ReplyTo", text("reply")),
        ("Subject", text("subj")),
        ("Type", text("goparamore.greeting")),
        ("DataSchema", text("http://schema.example/greeting")),
        ("DataRef", text("s3://bucket/key")),
        ("TraceParent", text("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")),
        ("TraceState", text("vendor=1")),
        ("Baggage", text("user=1,plan=2")),
        ("JobId", text("job")),
        ("WorkflowId", text("flow")),
    ])
}

fn store(world: &TestOutbox, item: Item) {
    world.put_raw(item);
}

on_both_backends!(
    a_brighter_item_is_read_sent_and_marked,
    a_row_of_brighter_9_with_the_delivery_time_0_is_sent_and_never_archived,
);

/// An archive that accepts every message.
struct Everything;

impl Archive for Everything {
    fn archive(&self, batch: &[StoredMessage]) -> Vec<Result<(), String>> {
        vec![Ok(()); batch.len()]
    }
}

/// Brighter 9 stored the delivery time 0 in the items of messages that it had not sent (Brighter#3352).
fn a_row_of_brighter_9_with_the_delivery_time_0_is_sent_and_never_archived(backend: Backend) {
    let world =
        TestOutbox::with(backend, |builder| builder.archive_min_age(Duration::ZERO).sweep_min_age(Duration::ZERO));
    let row = |id: &str| {
        let mut row = brighters_item();
        row.insert("MessageId".into(), text(id));
        row.insert("DeliveryTime".into(), number(0));
        row
    };
    store(&world, row("indexed"));
    let mut unindexed = row("not indexed");
    unindexed.remove("OutstandingCreatedTime");
    store(&world, unindexed);
    let postbox = &world.postbox;
    let state = |id: &str| postbox.get_message(id).unwrap().map(|stored| stored.state);

    assert_eq!(postbox.archive(&Everything).unwrap().archived, 0);
    for id in ["indexed", "not indexed"] {
        assert_eq!(state(id), Some(MessageState::Outstanding), "{id}");
        assert!(!postbox.delete_message(id, MessageState::Dispatched).unwrap(), "{id}");
        assert!(!postbox.delete_message(id, MessageState::Parked).unwrap(), "{id}");
    }
    let dispatched = postbox.list_messages(MessageState::Dispatched, None, 10, None).unwrap();
    assert_eq!(dispatched.messages, []);

    // The sweep finds the message in the index. The other message can only be cleared by id.
    let _ = postbox.sweep().unwrap();
    assert_eq!(state("indexed"), Some(MessageState::Dispatched));
    world.clear(&["not indexed"]);
    assert_eq!(state("not indexed"), Some(MessageState::Dispatched));
    assert_eq!(world.producer.sent().len(), 2);
    assert_eq!(postbox.archive(&Everything).unwrap().archived, 2);
}

fn a_brighter_item_is_read_sent_and_marked(backend: Backend) {
    let world = TestOutbox::on(backend);
    store(&world, brighters_item());
    let stored = world.postbox.get_message("b-1").unwrap().unwrap();
    assert_eq!(stored.state, MessageState::Outstanding);
    assert_eq!((stored.dispatched_at, stored.expires_at, stored.dispatch_attempts), (None, None, 0));
    let message = stored.message;
    assert_eq!((message.id(), message.topic(), message.message_type()), ("b-1", "greeting.made", MessageType::Command));
    assert_eq!(message.body(), br#"{"Greeting":"Hello"}"#);
    assert_eq!(message.character_encoding(), CharacterEncoding::Utf8);
    assert_eq!(message.bag()["tenant"], "42");
    assert_eq!(message.created_at(), UNIX_EPOCH + Duration::new(1_709_210_096, 789_123_400));
    for (field, value) in [
        ("content_type", "application/json; charset=utf-8"),
        ("spec_version", "1.0"),
        ("source", "http://goparamore.io"),
        ("correlation_id", "corr"),
        ("causation_id", "cause"),
        ("partition_key", "abc"),
        ("reply_to", "reply"),
        ("subject", "subj"),
        ("event_type", "goparamore.greeting"),
        ("data_schema", "http://schema.example/greeting"),
        ("data_ref", "s3://bucket/key"),
        ("trace_parent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("trace_state", "vendor=1"),
        ("baggage", "user=1,plan=2"),
        ("job_id", "job"),
        ("workflow_id", "flow"),
        ("bag.messageDeduplicationId", "d-1"),
    ] {
        assert_eq!(message.header(field).unwrap().as_deref(), Some(value), "{field}");
    }

    world.clear(&["b-1"]);
    assert_eq!(world.producer.sent(), [message]);
    // The message is marked as Brighter marks messages: two attributes are added, one is removed, and nothing else
    // changes.
    let mut marked = world.raw("b-1").unwrap();
    let AttributeValue::N(delivery_time) = marked.remove("DeliveryTime").unwrap() else { panic!("not a number") };
    assert!(delivery_time.parse::<i64>().unwrap() > TICKS);
    let AttributeValue::S(delivered_at) = marked.remove("DeliveredAt").unwrap() else { panic!("not a string") };
    assert_eq!((delivered_at.len(), &delivered_at[19..20]), ("2024-02-29T12:34:56.789Z".len(), "."));
    let mut expected = brighters_item();
    expected.remove("OutstandingCreatedTime");
    assert_eq!(marked, expected);
}

#[test]
fn a_message_dispatched_by_brighter_is_not_sent_again() {
    let world = TestOutbox::new();
    let mut dispatched = brighters_item();
    dispatched.remove("OutstandingCreatedTime");
    dispatched.insert("DeliveryTime".into(), number(TICKS + 1));
    dispatched.insert("DeliveredAt".into(), text("2024-02-29T12:34:56.789Z"));
    dispatched.insert("ExpiresAt".into(), number(1_709_300_000));
    store(&world, dispatched);
    assert_eq!(world.outcomes(&["b-1"]), [postbox::DispatchOutcome::AlreadyDispatched]);
    let stored = world.postbox.get_message("b-1").unwrap().unwrap();
    assert_eq!(stored.state, MessageState::Dispatched);
    assert_eq!(stored.dispatched_at, Some(UNIX_EPOCH + Duration::new(1_709_210_096, 789_123_500)));
    assert_eq!(stored.expires_at, Some(UNIX_EPOCH + Duration::from_secs(1_709_300_000)));
}

#[test]
fn a_minimal_item_with_a_text_body_is_sent() {
    let world = TestOutbox::new();
    store(
        &world,
        item([
            ("MessageId", text("old")),
            ("Topic", text("t")),
            ("TopicShard", text("t_0")),
            ("MessageType", text("MT_EVENT")),
            ("Body", text("Grüße")),
            ("HeaderBag", text("{}")),
            ("CreatedAt", text("2024-02-29T12:34:56.789Z")),
            ("CreatedTime", number(TICKS)),
            ("OutstandingCreatedTime", number(TICKS)),
        ]),
    );
    world.clear(&["old"]);
    let sent = world.producer.sent();
    assert_eq!(sent[0].body(), "Grüße".as_bytes());
    assert_eq!(sent[0].character_encoding(), CharacterEncoding::Utf8);
}

#[test]
fn rows_of_later_versions_and_other_programs_are_sent_and_not_parked() {
    let world = TestOutbox::configured(|builder| builder.sweep_min_age(Duration::ZERO));
    let changes = [
        ("MessageType", text("MT_NEWER")),
        ("CharacterEncoding", text("UTF32")),
        ("HandledCount", number(-1)),
        ("DelayedMilliseconds", number("1.5")),
        ("CreatedTime", text("yesterday")),
        ("LastError", number(1)),
        ("HeaderBag", text(r#"{"far":1e400,"n":12345678901234567890123}"#)),
    ];
    for (name, value) in &changes {
        let mut changed = brighters_item();
        changed.insert("MessageId".into(), text(*name));
        changed.insert((*name).into(), value.clone());
        store(&world, changed);
    }
    let _ = world.postbox.sweep().unwrap();
    let sent = world.producer.sent();
    assert_eq!(sent.len(), changes.len(), "{sent:?}");
    let message = |id: &str| sent.iter().find(|message| message.id() == id).unwrap();
    assert_eq!(message("MessageType").message_type(), MessageType::Other("MT_NEWER".into()));
    assert_eq!(message("CharacterEncoding").character_encoding().name(), "UTF32");
    assert_eq!(message("HandledCount").handled_count(), -1);
    assert_eq!(message("HeaderBag").bag_json(), r#"{"far":1e400,"n":12345678901234567890123}"#);
    assert_eq!(message("HeaderBag").header("bag.n").unwrap().unwrap(), "12345678901234567890123");
}

/// Brighter omits an empty topic.
#[test]
fn a_row_without_a_topic_is_a_message_without_a_producer() {
    let world = TestOutbox::configured(|builder| builder.sweep_min_age(Duration::ZERO).max_dispatch_attempts(1));
    let mut row = brighters_item();
    row.remove("Topic");
    row.insert("TopicShard".into(), text("_0"));
    store(&world, row);
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(world.outcomes(&["b-1"]), [postbox::DispatchOutcome::NoProducer]);
    let stored = world.postbox.get_message("b-1").unwrap().unwrap();
    assert_eq!((stored.state, stored.message.topic()), (MessageState::Outstanding, ""));
    assert_eq!(world.producer.sent(), []);
}

#[test]
fn unreadable_bag_is_rejected_when_added() {
    let world = TestOutbox::new();
    let nested = (0..140).fold(serde_json::json!("x"), |value, _| serde_json::Value::Array(vec![value]));
    let message = Message::new("t", "deep").with_bag_entry("h", nested);
    for rejected in [
        world.postbox.unit_of_work().deposit_post(message.clone()).unwrap_err(),
        world.postbox.deposit_post(message).unwrap_err(),
    ] {
        assert_eq!(rejected.code(), postbox::ErrorCode::InvalidMessage);
        assert!(rejected.message().contains("nested"), "{rejected}");
    }
    assert_eq!(world.faults.operations(), [""; 0]);
}

#[test]
fn the_item_that_is_stored_has_exactly_the_contracts_attributes() {
    let world = TestOutbox::new();
    let message = Message::new("greeting.made", "Hello")
        .with_id("p-1")
        .with_partition_key("abc")
        .with_correlation_id("corr")
        .with_created_at(UNIX_EPOCH + Duration::new(1_709_210_096, 789_123_400));
    let mut work = world.postbox.unit_of_work();
    work.deposit_post(message).unwrap();
    work.commit().unwrap();
    let expected = item([
        ("MessageId", text("p-1")),
        ("Topic", text("greeting.made")),
        // SHA-256 of "abc" starts with ba 78 16 bf, so the shard is 0xbf1678ba modulo 3.
        ("TopicShard", text(format!("greeting.made_{}", 0xbf16_78bau32 % 3))),
        ("MessageType", text("MT_EVENT")),
        ("Body", AttributeValue::B(Blob::new("Hello"))),
        ("CharacterEncoding", text("UTF8")),
        ("ContentType", text("application/json; charset=utf-8")),
        ("HeaderBag", text("{}")),
        ("SpecVersion", text("1.0")),
        ("Source", text("http://goparamore.io")),
        ("CreatedAt", text("2024-02-29T12:34:56.789Z")),
        ("CreatedTime", number(TICKS)),
        ("OutstandingCreatedTime", number(TICKS)),
        ("HandledCount", number(0)),
        ("DelayedMilliseconds", number(0)),
        ("CorrelationId", text("corr")),
        ("PartitionKey", text("abc")),
    ]);
    assert_eq!(world.raw("p-1").unwrap(), expected);
}

#[test]
fn shards_are_never_negative() {
    let world = TestOutbox::new();
    for n in 0..40 {
        // Of 40 keys, about half have a hash that is negative as a signed integer.
        let message = Message::new("t", "").with_partition_key(format!("key {n}"));
        let id = world.postbox.deposit_post(message).unwrap();
        let shard = world.raw(&id).unwrap()["TopicShard"].as_s().unwrap().clone();
        assert!(["t_0", "t_1", "t_2"].contains(&shard.as_str()), "{shard}");
    }
}

#[test]
fn messages_without_a_key_are_spread_over_the_shards() {
    let world = TestOutbox::new();
    let ids = world.deposit(60);
    let mut shards: Vec<_> =
        ids.iter().map(|id| world.raw(id).unwrap()["TopicShard"].as_s().unwrap().clone()).collect();
    shards.sort();
    shards.dedup();
    // The probability that 60 draws miss one of three shards is about 10^-10.
    assert_eq!(shards, ["t_0", "t_1", "t_2"]);
}

#[test]
fn a_deposited_message_has_no_expiry() {
    let world = TestOutbox::new();
    let ids = world.deposit(1);
    assert!(!world.raw(&ids[0]).unwrap().contains_key("ExpiresAt"), "an unsent message never expires");
    let mut work = world.postbox.unit_of_work();
    let id = work.deposit_post(Message::new("t", "")).unwrap();
    work.commit().unwrap();
    assert!(!world.raw(&id).unwrap().contains_key("ExpiresAt"));
}
