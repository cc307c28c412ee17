//! Sweeps on many machines, with `lease_mode = per_shard`.

use crate::support::fault::Request;
use crate::support::{OUTBOX, TestOutbox, item, number, sdk, text, wait_until};
use postbox::{
    Builder, Item, LeaseMode, LeaseStatus, MemoryProducer, Message, MessageState, Postbox, SendOutcome, producer_fn,
};
use sha2::Digest;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const LOCKS: &str = "brighter_distributed_lock";
const SHARDS: u64 = 4;

fn sharded(builder: Builder) -> Builder {
    builder.sweep_min_age(Duration::from_millis(0)).lease_mode(postbox::LeaseMode::PerShard).number_of_shards(SHARDS)
}

fn test_outbox() -> TestOutbox {
    let world = TestOutbox::configured(sharded);
    // The first sweep creates the lock table.
    world.postbox.deposit_post(Message::new("t", "first")).unwrap();
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
    world
}

/// Deposits messages of many keys, so that every shard has some.
fn deposit_everywhere(world: &TestOutbox, count: usize) -> Vec<String> {
    let messages: Vec<Message> =
        (0..count).map(|n| Message::new("t", n.to_string()).with_partition_key(format!("key-{}", n % 40))).collect();
    world.postbox.deposit_posts(&messages).unwrap()
}

fn put_lock(world: &TestOutbox, resource: &str, holder: &str, from_now: Duration, past: bool) {
    let now = SystemTime::now();
    let expiry = if past { now - from_now } else { now + from_now };
    let expiry = expiry.duration_since(UNIX_EPOCH).unwrap().as_millis();
    let lock: Item = item([
        ("ResourceId", text(format!("{OUTBOX}_{resource}"))),
        ("LockId", text(holder)),
        ("LeaseExpiry", number(expiry)),
    ]);
    sdk(&world.postbox, |client| async move { client.put_item().table_name(LOCKS).set_item(Some(lock)).send().await });
}

/// Returns the name of the lease of a lane (shards that are swept together): a hash of the topic, and the lowest number
/// of these shards that is not negative.
fn lane(topic: &str, number: i64) -> String {
    let hash = sha2::Sha256::digest(topic.as_bytes());
    let hash: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("Lane_{hash}_{number}")
}

/// Opens a second Postbox, as in another process.
fn another(world: &TestOutbox) -> Postbox {
    let builder = sharded(Postbox::builder()).default_producer(world.producer.clone());
    world.backend.open(builder, &world.backend.faults())
}

fn shard_of(world: &TestOutbox, id: &str) -> String {
    world.raw(id).unwrap()["TopicShard"].as_s().unwrap().clone()
}

/// Returns the shards of the messages in this state.
fn shards(world: &TestOutbox, ids: &[String], state: MessageState) -> BTreeSet<String> {
    let in_state = |id: &&String| world.postbox.get_message(id).unwrap().unwrap().state == state;
    ids.iter().filter(in_state).map(|id| shard_of(world, id)).collect()
}

/// A repeated request for a lease can arrive after the lease was released. It must not stop the process that sent it.
#[test]
fn a_late_request_for_a_lease_does_not_stop_its_own_process() {
    let world = test_outbox();
    let take = world.faults.requests().into_iter().rfind(|request| {
        request.body["TableName"] == LOCKS
            && request.body["UpdateExpression"].as_str().is_some_and(|text| text.starts_with("SET LockId"))
    });
    let take = take.unwrap().body;
    let value = |name: &str| take["ExpressionAttributeValues"][name].clone();
    let lock: Item = item([
        ("ResourceId", text(take["Key"]["ResourceId"]["S"].as_str().unwrap())),
        ("LockId", text(value(":LockId")["S"].as_str().unwrap())),
        ("LeaseExpiry", number(value(":LeaseExpiry")["N"].as_str().unwrap())),
    ]);
    let shard = lock["ResourceId"].as_s().unwrap().rsplit_once('_').unwrap().1.to_owned();
    sdk(&world.postbox, |client| async move { client.put_item().table_name(LOCKS).set_item(Some(lock)).send().await });
    let ids = deposit_everywhere(&world, 40);
    assert!(shards(&world, &ids, MessageState::Outstanding).contains(&format!("t_{shard}")), "the lane has messages");
    let _ = world.postbox.sweep().unwrap();
    assert!(shards(&world, &ids, MessageState::Outstanding).is_empty());
}

/// A pause keeps the id of the lease that it ended. The process must not mistake the pause for a lease that a late
/// request took again.
#[test]
fn a_pause_is_longer_each_time_although_the_same_process_sweeps() {
    let world = TestOutbox::configured(|builder| {
        let down = producer_fn(|_| SendOutcome::Unavailable("down".into()));
        sharded(builder).number_of_shards(1).breaker_cooldown(Duration::from_millis(60)).default_producer(down)
    });
    world.postbox.deposit_post(Message::new("t", "x")).unwrap();
    let failures = || {
        let key = item([("ResourceId", text(format!("{OUTBOX}_{}", lane("t", 0))))]);
        let item = world.postbox.get_item(LOCKS, key).unwrap().unwrap_or_default();
        item.get("Failures").map_or(0, |failures| failures.as_n().unwrap().parse().unwrap())
    };
    for expected in 1..=3 {
        wait_until("the next drain does not fail", || {
            let _ = world.postbox.sweep().unwrap();
            failures() == expected
        });
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_lane_held_by_another_process_is_left_alone_until_its_lease_expires() {
    let world = test_outbox();
    let ids = deposit_everywhere(&world, 200);
    put_lock(&world, &lane("t", 2), "another", MINUTE, false);
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(shards(&world, &ids, MessageState::Outstanding), BTreeSet::from(["t_2".to_string()]));
    assert_eq!(another(&world).sweep().unwrap().lease, LeaseStatus::HeldElsewhere);
    put_lock(&world, &lane("t", 2), "another", MINUTE, true);
    let _ = another(&world).sweep().unwrap();
    assert_eq!(shards(&world, &ids, MessageState::Outstanding).len(), 0);
    assert_eq!(world.sent().len(), 201, "each was sent once");
}

#[test]
fn nothing_is_swept_without_permission_to_write_leases() {
    let world = test_outbox();
    let denies = |request: &crate::support::fault::Request| {
        let writes = request.operation == "UpdateItem" && request.body["TableName"] == LOCKS;
        writes.then(crate::support::fault::Fault::access_denied)
    };
    world.faults.when(denies);
    for topic in ["t", "u", "v"] {
        world.postbox.deposit_post(Message::new(topic, "x")).unwrap();
    }
    let before = world.producer.sent().len();
    let report = world.postbox.sweep().unwrap();
    assert!(matches!(&report.lease, LeaseStatus::Unavailable(why) if why.contains(LOCKS)), "{report:?}");
    assert_eq!((report.dispatched, world.producer.sent().len()), (0, before), "others may be sweeping");

    let allowed = world.backend.open(
        sharded(Postbox::builder()).sweep_without_lease(true).default_producer(world.producer.clone()),
        &world.faults,
    );
    assert_eq!(allowed.sweep().unwrap().dispatched, 3);
}

#[test]
fn leases_that_stay_unprocessed_are_read_again_a_few_times() {
    let world = TestOutbox::configured(|builder| sharded(builder).max_request_attempts(3));
    world.deposit(1);
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
    world.deposit(1);
    world.faults.forget();
    world.faults.always("BatchGetItem", crate::support::fault::Fault::Unprocessed { after: 0 });
    let error = world.postbox.sweep().unwrap_err();
    assert_eq!(error.code(), postbox::ErrorCode::Throttled);
    assert!(error.message().contains(LOCKS), "{error}");
    assert_eq!(world.faults.count("BatchGetItem"), 3);
}

#[test]
fn a_lease_with_an_invalid_end_is_ignored() {
    let world = test_outbox();
    deposit_everywhere(&world, 200);
    put_lock(&world, &lane("t", 0), "another", MINUTE * 60 * 24 * 365 * 10, false);
    let endless = item([("ResourceId", text(format!("{OUTBOX}_{}", lane("t", 1)))), ("LockId", text("x"))]);
    sdk(
        &world.postbox,
        |client| async move { client.put_item().table_name(LOCKS).set_item(Some(endless)).send().await },
    );
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 200);
}

#[test]
fn a_process_that_serves_other_topics_blocks_no_lane() {
    let world = test_outbox();
    let (a, b) = (MemoryProducer::new(), MemoryProducer::new());
    let open = |topic: &str, producer: &MemoryProducer| {
        let builder = sharded(Postbox::builder()).producer(topic, producer.clone());
        world.backend.open(builder, &world.backend.faults())
    };
    let (one, other) = (open("a", &a), open("b", &b));
    let all: Vec<Message> =
        (0..80).map(|n| Message::new("b", n.to_string()).with_partition_key(format!("k{n}"))).collect();
    world.postbox.deposit_posts(&all).unwrap();
    assert_eq!(one.sweep().unwrap().dispatched, 0);
    assert_eq!(other.sweep().unwrap().dispatched, 80);
}

#[test]
fn processes_that_sweep_once_do_not_delay_the_next() {
    let world = test_outbox();
    for round in 0..10 {
        let all: Vec<Message> =
            (0..9).map(|n| Message::new("t", round.to_string()).with_partition_key(format!("k{n}"))).collect();
        world.postbox.deposit_posts(&all).unwrap();
        let once = another(&world);
        assert_eq!(once.sweep().unwrap().dispatched, 9);
        once.close().unwrap();
    }
}

#[test]
fn a_message_without_a_shard_is_sent_in_both_modes() {
    for mode in [LeaseMode::Single, LeaseMode::PerShard] {
        let world = TestOutbox::configured(|builder| builder.sweep_min_age(Duration::from_millis(0)).lease_mode(mode));
        let ids = world.deposit(2);
        for (id, shard) in ids.iter().zip([None, Some("t_odd")]) {
            let mut raw = world.raw(id).unwrap();
            raw.remove("TopicShard");
            raw.extend(shard.map(|shard| ("TopicShard".to_owned(), text(shard))));
            world.put_raw(raw);
        }
        assert_eq!(world.postbox.sweep().unwrap().dispatched, 2, "{mode:?}");
    }
}

#[test]
fn a_key_in_brighters_shard_and_in_ours_keeps_its_order() {
    let world = TestOutbox::configured(|builder| sharded(builder).number_of_shards(3));
    let keyed = |body: &str| Message::new("t", body).with_partition_key("k");
    let first = world.postbox.deposit_post(keyed("1 of Brighter")).unwrap();
    let ours = shard_of(&world, &first);
    let brighters = if ours == "t_2" { "t_-2" } else { "t_-1" };
    let mut raw = world.raw(&first).unwrap();
    raw.insert("TopicShard".into(), text(brighters));
    world.put_raw(raw);
    world.postbox.deposit_post(keyed("2 of ours")).unwrap();
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(world.sent(), ["1 of Brighter", "2 of ours"]);
}

#[test]
fn brighters_negative_shards_are_swept() {
    let world = test_outbox();
    let id = world.postbox.deposit_post(Message::new("t", "negative")).unwrap();
    let mut moved = world.raw(&id).unwrap();
    moved.insert("TopicShard".into(), text("t_-3"));
    world.put_raw(moved);
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
}

#[test]
fn an_idle_outbox_takes_no_leases() {
    let world = test_outbox();
    world.faults.forget();
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(world.faults.operations(), ["Scan"]);
}

#[test]
fn no_lease_is_taken_for_a_lane_that_another_process_has_emptied() {
    let world = test_outbox();
    let other = another(&world);
    let ids = world.postbox.deposit_posts(&["a", "b"].map(|topic| Message::new(topic, "x"))).unwrap();
    // While the first message is sent, another process sends the other one, and the poll becomes too old.
    let producer = producer_fn(move |message: &Message| {
        let topic = if message.topic() == "a" { "b" } else { "a" };
        assert_eq!(other.sweep_topic(topic).unwrap().dispatched, 1);
        std::thread::sleep(Duration::from_millis(1100));
        SendOutcome::Sent
    });
    let builder = sharded(Postbox::builder()).sweep_threads(1).default_producer(producer);
    let faults = world.backend.faults();
    let sweeper = world.backend.open(builder, &faults);
    assert_eq!(sweeper.sweep().unwrap().dispatched, 1);
    let takes_lease = |request: &Request| request.body["ExpressionAttributeValues"][":LockId"].is_object();
    assert_eq!(faults.requests().iter().filter(|request| takes_lease(request)).count(), 1);
    assert!(ids.iter().all(|id| sweeper.get_message(id).unwrap().unwrap().state == MessageState::Dispatched));
}

#[test]
fn concurrent_sweepers_send_each_message_once_in_key_order() {
    let world = test_outbox();
    deposit_everywhere(&world, 2000);
    let others: Vec<Postbox> = (0..2)
        .map(|_| {
            let builder = sharded(Postbox::builder()).default_producer(world.producer.clone());
            world.backend.open(builder, &world.backend.faults())
        })
        .collect();
    std::thread::scope(|scope| {
        for postbox in &others {
            scope.spawn(move || {
                while postbox.count_outstanding(None).unwrap().count > 0 {
                    let _ = postbox.sweep().unwrap();
                }
            });
        }
    });
    let sent = world.producer.sent();
    assert_eq!(sent.len(), 2001);
    let mut by_key: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for message in &sent[1..] {
        let number: usize = std::str::from_utf8(message.body()).unwrap().parse().unwrap();
        by_key.entry(message.partition_key()).or_default().push(number);
    }
    assert_eq!(by_key.len(), 40);
    for (key, numbers) in by_key {
        assert!(numbers.is_sorted(), "{key}: {numbers:?}");
        assert_eq!(numbers.len(), 50);
    }
}
