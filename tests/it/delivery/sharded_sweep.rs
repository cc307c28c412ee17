//! Sweeping on many machines: `lease_mode = shards`.

use crate::support::{OUTBOX, TestOutbox, item, number, sdk, text};
use postbox::{Builder, Item, LeaseStatus, Message, MessageState, Postbox};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const LOCKS: &str = "brighter_distributed_lock";
const SHARDS: u64 = 4;

fn sharded(builder: Builder) -> Builder {
    builder.sweep_min_age(Duration::from_millis(0)).lease_mode(postbox::LeaseMode::PerShard).number_of_shards(SHARDS)
}

fn test_outbox() -> TestOutbox {
    let world = TestOutbox::configured(sharded);
    // Makes the lock table.
    world.postbox.deposit_post(Message::new("t", "first")).unwrap();
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
    world
}

/// Messages of many keys, so that every shard has some.
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
        ("ResourceId", text(format!("{OUTBOX}_OutboxSweeper_{resource}"))),
        ("LockId", text(holder)),
        ("LeaseExpiry", number(expiry)),
    ]);
    sdk(&world.postbox, |client| async move { client.put_item().table_name(LOCKS).set_item(Some(lock)).send().await });
}

fn shard_of(world: &TestOutbox, id: &str) -> String {
    world.raw(id).unwrap()["TopicShard"].as_s().unwrap().clone()
}

/// The shards of the messages in this state.
fn shards(world: &TestOutbox, ids: &[String], state: MessageState) -> BTreeSet<String> {
    let in_state = |id: &&String| world.postbox.get_message(id).unwrap().unwrap().state == state;
    ids.iter().filter(in_state).map(|id| shard_of(world, id)).collect()
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn sweepers_share_the_shards() {
    let world = test_outbox();
    deposit_everywhere(&world, 200);
    put_lock(&world, "Member_another", "another", MINUTE, false);
    world.faults.forget();
    // Who comes first in the list of members takes the odd shard.
    assert!(world.postbox.sweep().unwrap().dispatched >= 150);
    let requests = world.faults.requests();
    let first_read = requests.iter().position(|request| request.operation == "BatchGetItem").unwrap();
    let queried: BTreeSet<&str> = requests[..first_read]
        .iter()
        .filter(|request| request.operation == "Query")
        .map(|request| request.body["ExpressionAttributeValues"][":shard"]["S"].as_str().unwrap())
        .collect();
    assert_eq!(queried.len(), 2, "half of them: {queried:?}");
    let order: Vec<String> = world.producer.sent()[1..].iter().map(|message| shard_of(&world, message.id())).collect();
    let share = order.iter().take_while(|shard| queried.contains(shard.as_str())).count();
    assert!(order[share..].iter().all(|shard| !queried.contains(shard.as_str())), "{order:?}");
}

#[test]
fn a_shard_held_by_another_is_skipped_until_its_lease_expires() {
    let world = test_outbox();
    let ids = deposit_everywhere(&world, 200);
    put_lock(&world, "2", "another", MINUTE, false);
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(shards(&world, &ids, MessageState::Outstanding), BTreeSet::from(["t_2".to_string()]));
    assert_eq!(world.postbox.sweep().unwrap().lease, LeaseStatus::HeldElsewhere);
    put_lock(&world, "2", "another", MINUTE, true);
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(shards(&world, &ids, MessageState::Outstanding).len(), 0);
    assert_eq!(world.sent().len(), 201, "each was sent once");
}

#[test]
fn brighters_negative_shards_are_swept() {
    let world = test_outbox();
    let id = world.postbox.deposit_post(Message::new("t", "negative")).unwrap();
    let mut moved = world.raw(&id).unwrap();
    moved.insert("TopicShard".into(), text("t_-3"));
    sdk(
        &world.postbox,
        |client| async move { client.put_item().table_name(OUTBOX).set_item(Some(moved)).send().await },
    );
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
}

#[test]
fn an_idle_outbox_takes_no_leases() {
    let world = test_outbox();
    world.faults.forget();
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(world.faults.operations(), ["Scan"; 4]);
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
