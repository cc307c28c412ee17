//! Operations for operators: lists and their cursors, replay, retention, the limit for outstanding messages, and
//! statistics.

use crate::support::fault::{Fault, Gate};
use crate::support::{
    OUTBOX, PEOPLE, TEST_TIMEOUT, TestOutbox, message_key, number, numbers, outcomes, person, sdk, text,
};
use postbox::{
    Builder, Cursor, DispatchOutcome, ErrorCode, Message, MessagePage, MessageState, Postbox, SendOutcome, producer_fn,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn eager(builder: Builder) -> Builder {
    // Each topic has one shard, so that its messages are sent in the order of time.
    builder.number_of_shards(1).sweep_min_age(Duration::from_millis(0)).dispatch_retry_delay(Duration::from_millis(0))
}

fn test_outbox() -> TestOutbox {
    TestOutbox::configured(eager)
}

fn ids_of(page: &MessagePage) -> Vec<String> {
    page.messages.iter().map(|stored| stored.message.id().to_owned()).collect()
}

/// Returns the ids of all pages of a list.
fn listed(postbox: &Postbox, state: MessageState, topic: Option<&str>, limit: u32) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let page = postbox.list_messages(state, topic, limit, cursor.as_ref()).unwrap();
        assert!(page.messages.iter().all(|stored| stored.state == state));
        ids.extend(ids_of(&page));
        match page.next {
            None => return ids,
            next => cursor = next,
        }
    }
}

/// Creates eight messages of each state, of the topics `a` and `b`. Returns their ids by state and topic.
fn some_of_each(world: &TestOutbox) -> Vec<(MessageState, &'static str, BTreeSet<String>)> {
    let mut all = Vec::new();
    for state in [MessageState::Dispatched, MessageState::Parked, MessageState::Outstanding] {
        for topic in ["a", "b"] {
            let messages: Vec<Message> = (0..4).map(|n| Message::new(topic, n.to_string())).collect();
            let ids = world.postbox.deposit_posts(&messages).unwrap();
            match state {
                MessageState::Dispatched => world.clear(&ids),
                MessageState::Parked => {
                    // Rejections with the same error text would be blamed on the transport, and would park nothing.
                    ids.iter().for_each(|id| world.producer.answer_next(SendOutcome::Reject(format!("not {id}"))));
                    let _ = world.postbox.clear_outbox(&ids).unwrap();
                }
                _ => {}
            }
            all.push((state, topic, ids.into_iter().collect()));
        }
    }
    all
}

#[test]
fn every_state_is_listed_with_and_without_a_topic() {
    let world = test_outbox();
    let all = some_of_each(&world);
    for limit in [1, 3, 4, 100, u32::MAX] {
        for (state, topic, expected) in &all {
            let ids = listed(&world.postbox, *state, Some(topic), limit);
            assert_eq!(ids.len(), 4, "none twice: {state:?} {topic} {limit}");
            assert_eq!(&ids.into_iter().collect::<BTreeSet<_>>(), expected);
        }
        for state in [MessageState::Dispatched, MessageState::Parked, MessageState::Outstanding] {
            let ids = listed(&world.postbox, state, None, limit);
            let expected: BTreeSet<String> =
                all.iter().filter(|entry| entry.0 == state).flat_map(|entry| entry.2.clone()).collect();
            assert_eq!(ids.len(), 8, "none twice: {state:?} {limit}");
            assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), expected);
        }
        assert!(listed(&world.postbox, MessageState::Outstanding, Some("c"), limit).is_empty());
    }
}

#[test]
fn a_page_has_at_most_the_requested_messages() {
    let world = test_outbox();
    some_of_each(&world);
    for topic in [None, Some("a")] {
        for state in [MessageState::Dispatched, MessageState::Outstanding] {
            let page = world.postbox.list_messages(state, topic, 3, None).unwrap();
            assert_eq!(page.messages.len(), 3);
            assert!(page.next.is_some());
        }
    }
}

#[test]
fn concurrent_lists_are_independent() {
    let world = test_outbox();
    let ids: BTreeSet<String> = world.deposit(9).into_iter().collect();
    let list =
        |cursor: Option<&Cursor>| world.postbox.list_messages(MessageState::Outstanding, Some("t"), 2, cursor).unwrap();
    let mut seen: [BTreeSet<String>; 2] = Default::default();
    let mut cursors = [None, None];
    // Another process reads the same list, one page behind. Both continue from the text of their cursors.
    let first = list(None);
    seen[0].extend(ids_of(&first));
    cursors[0] = first.next;
    let other = world.another();
    for _ in 0..20 {
        for (at, postbox) in [(0, &world.postbox), (1, &other)] {
            if at == 0 && cursors[0].is_none() {
                continue;
            }
            let cursor = cursors[at].take().map(|cursor: Cursor| Cursor::from(cursor.as_str()));
            let page = postbox.list_messages(MessageState::Outstanding, Some("t"), 2, cursor.as_ref()).unwrap();
            seen[at].extend(ids_of(&page));
            cursors[at] = page.next;
        }
    }
    assert_eq!(seen[0], ids);
    assert_eq!(seen[1], ids);
    assert_eq!(ids_of(&list(None)).len(), 2, "a list without a cursor starts at the first message");
}

#[test]
fn malformed_items_are_listed_with_a_reason() {
    let world = test_outbox();
    let ids = world.deposit(3);
    let mut damaged = world.raw(&ids[1]).unwrap();
    damaged.insert("HeaderBag".into(), text("not json"));
    world.put_raw(damaged);
    let check = |state, topic| {
        let page = world.postbox.list_messages(state, topic, 100, None).unwrap();
        let [(id, error)] = &page.malformed[..] else { panic!("{page:?}") };
        assert_eq!((id, error.code()), (&ids[1], ErrorCode::MalformedItem));
        assert!(error.message().contains("HeaderBag"), "{error}");
        page.messages.len()
    };
    assert_eq!(check(MessageState::Outstanding, None), 2);
    assert_eq!(check(MessageState::Outstanding, Some("t")), 2);
    let _ = world.postbox.sweep().unwrap();
    // The message is parked after a day of failures.
    let mut parked = world.raw(&ids[1]).unwrap();
    parked.remove("OutstandingCreatedTime");
    parked.insert("ParkedAt".into(), number(638_448_068_967_890_000_i64));
    world.put_raw(parked);
    assert_eq!(check(MessageState::Parked, None), 0);
    assert_eq!(check(MessageState::Parked, Some("t")), 0);
}

#[test]
fn a_cursor_of_another_list_is_rejected() {
    let world = test_outbox();
    some_of_each(&world);
    let refused = |state, topic, cursor: &Cursor| {
        let answer = world.postbox.list_messages(state, topic, 3, Some(cursor));
        let error = answer.map(|page| ids_of(&page)).expect_err(cursor.as_str());
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{}: {error}", cursor.as_str());
        assert!(error.message().contains("cursor"), "{error}");
    };
    for nonsense in
        ["", "x", "1", ":", "0:{", "99:", "-1:", "0:[]", "0:{\"A\":{\"S\":\"b\"}}", "[]", "null", "{\"a\":1}"]
    {
        for topic in [None, Some("a")] {
            refused(MessageState::Outstanding, topic, &nonsense.into());
            refused(MessageState::Parked, topic, &nonsense.into());
        }
    }
    let lists = [
        (MessageState::Outstanding, None),
        (MessageState::Outstanding, Some("a")),
        (MessageState::Outstanding, Some("b")),
        (MessageState::Dispatched, None),
        (MessageState::Dispatched, Some("a")),
    ];
    for (from, &(state, topic)) in lists.iter().enumerate() {
        let cursor = world.postbox.list_messages(state, topic, 3, None).unwrap().next.unwrap();
        for (to, &(state, topic)) in lists.iter().enumerate() {
            if from != to {
                refused(state, topic, &cursor);
            }
        }
    }
}

#[test]
fn requests_have_valid_limits_and_segments() {
    const EMPTY_LIST: &str = "the limit of the list is 0: it must be at least 1";
    let world = TestOutbox::configured(|builder| eager(builder).sweep_batch(1).number_of_shards(1));
    world.deposit(3);
    let _ = world.postbox.sweep().unwrap();
    world.postbox.count_outstanding(None).unwrap();
    for state in [MessageState::Dispatched, MessageState::Parked, MessageState::Outstanding] {
        for topic in [None, Some("t")] {
            world.postbox.list_messages(state, topic, 1, None).unwrap();
            let error = world.postbox.list_messages(state, topic, 0, None).unwrap_err();
            assert_eq!((error.code(), error.message()), (ErrorCode::InvalidArgument, EMPTY_LIST));
        }
    }
    for request in world.faults.requests() {
        assert_ne!(request.body["Limit"], 0, "{request:?}");
        if request.body["TotalSegments"].is_number() {
            assert!(request.body["TotalSegments"].as_i64() > request.body["Segment"].as_i64());
        }
    }
}

#[test]
fn listing_parked_messages_of_a_large_table_returns_short_pages() {
    let world = TestOutbox::configured(|builder| eager(builder).operation_timeout(Duration::from_millis(4000)));
    let large: Vec<Message> = (0..40).map(|n| Message::new("t", vec![b'x'; 100_000]).with_id(n.to_string())).collect();
    world.postbox.deposit_posts(&large).unwrap();
    world.producer.answer_next(SendOutcome::Reject("no".into()));
    let _ = world.postbox.clear_outbox(&["7"]).unwrap();
    // Reading all pages of the table in one call would take longer than the operation timeout.
    world.faults.always("Scan", Fault::Delay(Duration::from_millis(1100)));
    assert_eq!(listed(&world.postbox, MessageState::Parked, None, 10), ["7"]);
    assert!(world.faults.count("Scan") >= 4);
}

#[test]
fn replayed_messages_are_sent_again() {
    let world = TestOutbox::configured(|builder| eager(builder).dispatched_ttl(Duration::from_secs(3600)));
    let ids = world.deposit(3);
    world.clear(&ids[..2]);
    let before = world.raw(&ids[0]).unwrap();
    assert!(before.contains_key("ExpiresAt"));
    let asked = [&ids[..], &["unknown".into(), String::new()]].concat();
    let report = world.postbox.replay(&asked).unwrap();
    use DispatchOutcome::{NotFound, Replayed};
    assert_eq!(outcomes(&report), [Replayed, Replayed, Replayed, NotFound, NotFound]);
    let after = world.raw(&ids[0]).unwrap();
    assert_eq!(after["OutstandingCreatedTime"], after["CreatedTime"]);
    for gone in ["DeliveryTime", "DeliveredAt", "ExpiresAt"] {
        assert!(!after.contains_key(gone), "{gone}: an unsent message never expires");
    }
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 3);
    assert_eq!(world.sent(), ["0", "1", "0", "1", "2"]);
    assert!(world.raw(&ids[0]).unwrap().contains_key("ExpiresAt"), "the expiry is set again");
}

#[test]
fn replaying_a_parked_message_resets_its_attempts() {
    let world = TestOutbox::configured(eager);
    let ids = world.deposit(1);
    world.producer.answer_next(SendOutcome::Reject("no".into()));
    let _ = world.postbox.sweep().unwrap();
    let stored = || world.postbox.get_message(&ids[0]).unwrap().unwrap();
    assert_eq!(stored().state, MessageState::Parked);
    assert!(world.postbox.replay(&ids).unwrap().is_success());
    let raw = world.raw(&ids[0]).unwrap();
    assert!(["ParkedAt", "FirstFailedAt", "LastError"].iter().all(|name| !raw.contains_key(*name)), "{raw:?}");
    assert_eq!((stored().state, stored().dispatch_attempts), (MessageState::Outstanding, 0));
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(stored().state, MessageState::Dispatched);
}

#[test]
fn messages_are_replayed_by_causation() {
    let world = test_outbox();
    let caused = |cause: &str, n: usize| Message::new(format!("t{}", n % 2), n.to_string()).with_causation_id(cause);
    let all: Vec<Message> = (0..6).map(|n| caused(if n < 4 { "order-1" } else { "order-2" }, n)).collect();
    let ids = world.postbox.deposit_posts(&all).unwrap();
    world.clear(&ids);
    let report = world.postbox.replay_causation("order-1").unwrap();
    let replayed: BTreeSet<&str> = report.entries().iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(replayed, ids[..4].iter().map(String::as_str).collect());
    assert!(report.is_success());
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 4);
    // Two topics are replayed at once.
    let again: BTreeSet<String> = world.sent()[6..].iter().cloned().collect();
    assert_eq!(again, numbers(0..4).into_iter().collect());
    for nobody in ["order-3", "", &"x".repeat(3000)] {
        assert!(world.postbox.replay_causation(nobody).unwrap().entries().is_empty());
    }
}

#[test]
fn a_missing_causation_index_affects_only_replay_by_causation() {
    let world = TestOutbox::in_process(eager);
    let ids = world.deposit(2);
    world.clear(&ids);
    let database = world.postbox.embedded().unwrap();
    let update =
        r#"{"TableName":"brighter_outbox","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"Causation"}}]}"#;
    database.execute("UpdateTable", update).unwrap();
    world.faults.forget();
    let error = world.postbox.replay_causation("order-1").unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTable);
    assert!(!error.is_retryable());
    assert!(error.message().contains("Causation") && error.message().contains("by id"), "{error}");
    assert!(world.faults.requests().len() <= 3, "no storm: {:?}", world.faults.operations());
    assert!(world.postbox.replay(&ids).unwrap().is_success());
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 2);
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn expiry_is_set_at_dispatch_in_unix_seconds() {
    let world = TestOutbox::configured(|builder| eager(builder).dispatched_ttl(Duration::from_secs(86_400)));
    let ids = world.deposit(3);
    assert!(ids.iter().all(|id| !world.raw(id).unwrap().contains_key("ExpiresAt")), "an unsent message never expires");
    let before = unix_seconds(SystemTime::now());
    world.clear(&ids[..1]);
    assert!(world.postbox.mark_dispatched(&ids[1..2]).unwrap().is_success());
    // Without permission for PartiQL, messages are marked one by one.
    world.faults.always("BatchExecuteStatement", Fault::access_denied());
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
    let after = unix_seconds(SystemTime::now());
    for id in &ids {
        let expires: u64 = world.raw(id).unwrap()["ExpiresAt"].as_n().unwrap().parse().unwrap();
        assert!((before + 86_400..=after + 86_400).contains(&expires), "{expires}");
        let stored = world.postbox.get_message(id).unwrap().unwrap();
        assert_eq!(stored.expires_at, Some(UNIX_EPOCH + Duration::from_secs(expires)));
    }
    // A failure does not set an expiry either.
    world.producer.answer_next(SendOutcome::Reject("no".into()));
    let parked = world.deposit(1);
    let _ = world.postbox.sweep().unwrap();
    assert!(!world.raw(&parked[0]).unwrap().contains_key("ExpiresAt"));
}

#[test]
fn a_dispatched_message_without_ttl_has_no_expiry() {
    let world = test_outbox();
    let ids = world.deposit(1);
    world.clear(&ids);
    assert!(!world.raw(&ids[0]).unwrap().contains_key("ExpiresAt"));
}

/// Repeats the attempt until it returns a value. Fails the test if that takes too long.
fn soon<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TEST_TIMEOUT;
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < deadline, "the attempt returned no value");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_limit_applies_before_the_first_count() {
    // The deposits of this process are counted without a count of the table.
    let world = TestOutbox::in_process(|builder| {
        eager(builder).max_outstanding(4).outstanding_check_interval(Duration::from_millis(86_400_000))
    });
    soon(|| world.postbox.stats().outstanding);
    let one = || Message::new("t", "one");
    world.deposit(3);
    assert_eq!(world.postbox.deposit_posts(&[one(), one()]).unwrap_err().code(), ErrorCode::OutboxLimitReached);
    let mut work = world.postbox.unit_of_work();
    work.put(PEOPLE, person("Ada")).unwrap();
    let fourth = work.deposit_post(one()).unwrap();
    for rejected in
        [world.postbox.deposit_post(one()), world.postbox.post(one()).map(|_| String::new()), work.deposit_post(one())]
    {
        let error = rejected.unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::OutboxLimitReached, true));
        assert!(error.message().contains("max_outstanding"), "{error}");
    }
    // The unit of work is unchanged, and existing messages can be sent.
    work.commit().unwrap();
    assert!(world.person("Ada").is_some());
    assert!(world.postbox.deposit_post(one()).is_err());
    world.clear(&[fourth]);
    world.postbox.deposit_post(one()).unwrap();
    assert!(world.postbox.deposit_post(one()).is_err());
    // A deposit of an existing message does not count against the limit, nor does a unit of work that is rolled back or
    // dropped.
    let _ = world.postbox.sweep().unwrap();
    for _ in 0..9 {
        world.postbox.deposit_post(one().with_id("same")).unwrap();
        let mut work = world.postbox.unit_of_work();
        work.deposit_post(one()).unwrap();
        work.deposit_post(one()).unwrap();
        drop(work);
    }
    world.deposit(3);
    assert!(world.postbox.deposit_post(one()).is_err());
    assert_eq!(world.postbox.count_outstanding(None).unwrap().count, 4);
    assert!(world.postbox.deposit_post(one()).is_err(), "a count changes nothing");
}

#[test]
fn changes_by_other_processes_count_after_the_next_count() {
    let world = TestOutbox::configured(|builder| {
        eager(builder).max_outstanding(3).outstanding_check_interval(Duration::from_millis(10))
    });
    let other = world.another();
    let ids: Vec<String> = (0..5).map(|_| other.deposit_post(Message::new("t", "theirs")).unwrap()).collect();
    let counted = |count| soon(|| world.postbox.stats().outstanding.filter(|counted| counted.count == count));
    counted(5);
    assert!(world.postbox.deposit_post(Message::new("t", "x")).is_err());
    assert!(other.clear_outbox(&ids).unwrap().is_success());
    soon(|| world.postbox.deposit_post(Message::new("t", "x")).ok());
}

#[test]
fn a_deposit_during_a_count_counts_once() {
    let world = TestOutbox::in_process(|builder| {
        eager(builder).max_outstanding(3).outstanding_check_interval(Duration::from_millis(86_400_000))
    });
    soon(|| world.postbox.stats().outstanding);
    let gate = Gate::new();
    world.faults.forget();
    world.faults.always("Scan", Fault::Wait(gate.clone()));
    std::thread::scope(|scope| {
        let count = scope.spawn(|| world.postbox.count_outstanding(None).unwrap().count);
        world.faults.wait_for(1, "Scan");
        world.deposit(2);
        gate.open();
        assert_eq!(count.join().unwrap(), 2, "the table is read after the deposits");
    });
    world.deposit(1);
    let error = world.postbox.deposit_post(Message::new("t", "fourth")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutboxLimitReached);
}

#[test]
fn counting_for_the_limit_reads_no_messages() {
    let world = TestOutbox::in_process(|builder| {
        eager(builder).max_outstanding(2).outstanding_check_interval(Duration::from_millis(10))
    });
    soon(|| world.postbox.stats().outstanding);
    world.faults.next("Scan", Fault::access_denied());
    world.faults.forget();
    world.deposit(2);
    soon(|| world.postbox.stats().outstanding.filter(|counted| counted.count == 2));
    assert!(world.postbox.deposit_post(Message::new("t", "x")).is_err());
    assert!(world.faults.bodies("Scan").iter().all(|body| body["Select"] == "COUNT"));
    let stats = world.postbox.stats();
    assert_eq!(stats.background_failures, 1);
    assert!(stats.last_error.unwrap().contains("counter"));
}

#[test]
fn a_topic_is_read_in_all_its_possible_shards() {
    let world = TestOutbox::configured(|builder| eager(builder).number_of_shards(20));
    let messages: Vec<Message> = (0..100).map(|n| Message::new("t", "x").with_partition_key(format!("k{n}"))).collect();
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    // Brighter uses negative shards for some keys.
    let mut row = world.raw(&ids[0]).unwrap();
    row.insert("TopicShard".into(), text("t_-19"));
    world.put_raw(row);
    let three = world.another();
    let listed = |state: MessageState| {
        let (mut count, mut cursor) = (0, None);
        loop {
            let page = three.list_messages(state, Some("t"), 40, cursor.as_ref()).unwrap();
            count += page.messages.len();
            cursor = page.next;
            if cursor.is_none() {
                return count;
            }
        }
    };
    assert_eq!(three.count_outstanding(Some("t")).unwrap().count, 100);
    assert_eq!(listed(MessageState::Outstanding), 100);
    let from = SystemTime::now() - Duration::from_secs(3600);
    assert!(three.clear_outbox(&ids).unwrap().is_success());
    assert_eq!(listed(MessageState::Dispatched), 100);
    assert_eq!(three.dispatched_between("t", from, SystemTime::now() + Duration::from_secs(3600)).unwrap(), 100);
}

#[test]
fn nothing_is_counted_without_a_limit() {
    let world = TestOutbox::configured(|builder| eager(builder).outstanding_check_interval(Duration::from_millis(10)));
    world.deposit(1);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(world.faults.count("Scan"), 0);
    assert_eq!(world.postbox.stats().outstanding, None);
}

#[test]
fn statistics_count_every_operation() {
    let world = TestOutbox::configured(|builder| {
        eager(builder)
            .producer("down", producer_fn(|_| SendOutcome::Retry("down".into())))
            .breaker_threshold(2)
            .breaker_cooldown(Duration::from_millis(3_600_000))
            .dispatch_retry_delay(Duration::from_millis(300_000))
    });
    let old = SystemTime::now() - Duration::from_secs(60);
    let down: Vec<Message> = (0..3).map(|n| Message::new("down", n.to_string()).with_created_at(old)).collect();
    let down = world.postbox.deposit_posts(&down).unwrap();
    let _ = world.postbox.clear_outbox(&down[..2]).unwrap();
    let sent = world.deposit(2);
    let twice = Message::new("t", "x").with_id(sent[0].as_str());
    world.postbox.deposit_post(twice).unwrap();
    let _ = world.postbox.sweep().unwrap();
    world.producer.answer_next(SendOutcome::Reject("never".into()));
    let rejected = world.deposit(1);
    let _ = world.postbox.clear_outbox(&[&rejected[0], &sent[1]]).unwrap();
    let counted = world.postbox.count_outstanding(None).unwrap();
    assert_eq!(counted.count, 3);
    assert!(counted.oldest.unwrap().duration_since(old).unwrap_or_default() < Duration::from_millis(1));

    let stats = world.postbox.stats();
    assert_eq!((stats.deposited, stats.dispatched, stats.failed, stats.parked), (6, 2, 6, 1));
    assert_eq!(stats.duplicates_avoided, 2, "a deposit and a clear");
    assert_eq!((stats.sweeps, stats.background_failures, &stats.last_error), (1, 0, &None));
    let json: Value = serde_json::from_str(&stats.to_json().to_string()).unwrap();
    for (name, value) in [
        ("deposited", 6),
        ("dispatched", 2),
        ("failed", 6),
        ("parked", 1),
        ("duplicates_avoided", 2),
        ("sweeps", 1),
        ("background_failures", 0),
    ] {
        assert_eq!(json[name], value, "{name}");
    }
    assert_eq!(json["last_error"], Value::Null);
    assert_eq!(json["outstanding"]["count"], 3);
    let age = json["outstanding"]["oldest_age_ms"].as_u64().unwrap();
    assert!((60_000..90_000).contains(&age), "{age}");
    assert!(json["outstanding"]["counted_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(json["breakers"], serde_json::json!({"down": "open"}));
    let last = &json["last_sweep"];
    assert_eq!((&last["found"], &last["dispatched"], &last["failed"]), (&5.into(), &2.into(), &3.into()));
    assert_eq!((&last["held_back"], &last["lease"]), (&0.into(), &"held".into()));
    assert!(last["at"].as_str().unwrap().starts_with("20"));
    // The statistics of a new Postbox have the same form.
    let json = world.another().stats().to_json();
    assert_eq!(
        (&json["deposited"], &json["outstanding"], &json["last_sweep"]),
        (&0.into(), &Value::Null, &Value::Null)
    );
}

#[test]
fn a_message_without_a_creation_time_can_be_released_and_replayed() {
    let world = TestOutbox::configured(eager);
    let ids = world.deposit(1);
    world.producer.answer_next(SendOutcome::Reject("never".into()));
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::Rejected]);
    let key = message_key(&ids[0]);
    sdk(&world.postbox, |client| async move {
        let update = client.update_item().table_name(OUTBOX).set_key(Some(key));
        update.update_expression("REMOVE CreatedTime").send().await
    });
    world.postbox.unpark(&ids[0]).unwrap();
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
    assert!(world.postbox.replay(&ids).unwrap().is_success());
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
}
