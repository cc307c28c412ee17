//! Sweeps after the holder of the lease has crashed. A message may have caused the crash, so such a sweep claims each
//! message (it records the attempt in the table) before it sends the message.

use crate::support::fault::Fault;
use crate::support::{LOCKS, OUTBOX, TestOutbox, item, message_key, number, sdk, text};
use postbox::{Builder, CancelToken, Message, SendOutcome, SweepOptions, producer_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const RESOURCE: &str = "brighter_outbox_OutboxSweeper";

/// Configures one shard per topic, and sweeps and retries without delay.
fn one_lane(builder: Builder) -> Builder {
    builder.sweep_min_age(Duration::ZERO).dispatch_retry_delay(Duration::ZERO).number_of_shards(1)
}

/// Stores a lease that expired ten seconds ago and was not released, as after a crash of its holder.
fn abandon_the_lease(world: &TestOutbox) {
    let expiry = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - Duration::from_secs(10);
    let lease = item([
        ("ResourceId", text(RESOURCE)),
        ("LockId", text("a process that crashed")),
        ("LeaseExpiry", number(expiry.as_millis())),
    ]);
    sdk(&world.postbox, |client| async move { client.put_item().table_name(LOCKS).set_item(Some(lease)).send().await });
}

/// Returns the number of statements that claim a message.
fn claims(world: &TestOutbox) -> usize {
    let bodies = world.faults.bodies("BatchExecuteStatement");
    let statements = bodies.iter().flat_map(|body| body["Statements"].as_array().unwrap());
    let text = statements.map(|statement| statement["Statement"].as_str().unwrap().to_owned());
    text.filter(|text| text.contains("SET \"NextAttemptAt\"") && !text.contains("LastError")).count()
}

#[test]
fn messages_are_claimed_while_they_are_sent() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (items, postbox) = (Arc::clone(&seen), Arc::new(OnceLock::<postbox::Postbox>::new()));
    let reader = Arc::clone(&postbox);
    let world = TestOutbox::configured(|builder| {
        builder.sweep_min_age(Duration::ZERO).default_producer(producer_fn(move |message| {
            let stored = reader.get().unwrap().get_item(OUTBOX, message_key(message.id())).unwrap().unwrap();
            items.lock().unwrap().push(stored);
            SendOutcome::Sent
        }))
    });
    assert!(postbox.set(world.another()).is_ok());
    let ids = world.deposit(3);
    // The first sweep creates the lock table.
    let _ = world.postbox.sweep().unwrap();
    assert!(
        seen.lock().unwrap().iter().all(|item| !item.contains_key("NextAttemptAt")),
        "nothing is claimed otherwise"
    );
    seen.lock().unwrap().clear();
    let (_, more) = (ids, world.deposit(3));
    abandon_the_lease(&world);
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 3);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|item| item.contains_key("NextAttemptAt") && item.contains_key("FirstFailedAt")));
    for id in more {
        let stored = world.raw(&id).unwrap();
        assert!(!stored.contains_key("NextAttemptAt") && !stored.contains_key("FirstFailedAt"), "{stored:?}");
    }
}

#[test]
fn nothing_more_is_claimed_once_the_sweep_ends() {
    let cancel = Arc::new(CancelToken::new());
    let (canceled, is_first_sweep) = (Arc::clone(&cancel), Arc::new(AtomicBool::new(true)));
    let first = Arc::clone(&is_first_sweep);
    let world = TestOutbox::configured(|builder| {
        one_lane(builder).default_producer(producer_fn(move |_| {
            if first.load(Ordering::SeqCst) {
                return SendOutcome::Retry("lost".into());
            }
            canceled.cancel();
            SendOutcome::Sent
        }))
    });
    world.deposit(5);
    assert_eq!(world.postbox.sweep().unwrap().failed, 5);
    is_first_sweep.store(false, Ordering::SeqCst);
    abandon_the_lease(&world);
    world.faults.forget();
    let report = world.postbox.sweep_with(SweepOptions::new().cancel(&cancel)).unwrap();
    assert_eq!((report.dispatched, report.held_back, claims(&world)), (1, 4, 1));
}

#[test]
fn fresh_messages_are_tried_after_retried_ones_whose_transport_is_unavailable() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let bodies = Arc::clone(&sent);
    let world = TestOutbox::configured(|builder| {
        one_lane(builder).default_producer(producer_fn(move |message| {
            let mut bodies = bodies.lock().unwrap();
            bodies.push(message.body().to_vec());
            // In the first sweep, too few sends fail to pause the topic.
            if bodies.len() <= 3 {
                SendOutcome::Retry("lost".into())
            } else {
                SendOutcome::Unavailable("no route".into())
            }
        }))
    });
    world.deposit(3);
    let _ = world.postbox.sweep().unwrap();
    world.postbox.deposit_post(Message::new("t", "fresh")).unwrap();
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.failed, sent.lock().unwrap().last().unwrap().as_slice()), (4, b"fresh".as_slice()));
}

#[test]
fn messages_of_a_key_keep_their_order_while_they_are_claimed() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let bodies = Arc::clone(&sent);
    let world = TestOutbox::configured(|builder| {
        one_lane(builder).default_producer(producer_fn(move |message| {
            let mut bodies = bodies.lock().unwrap();
            bodies.push(String::from_utf8_lossy(message.body()).into_owned());
            if bodies.len() == 1 { SendOutcome::Retry("lost".into()) } else { SendOutcome::Sent }
        }))
    });
    let made_at = SystemTime::now() - Duration::from_secs(60);
    let deposit = |body: &str, second: u64| {
        let message =
            Message::new("t", body).with_partition_key("k").with_created_at(made_at + Duration::from_secs(second));
        world.postbox.deposit_post(message).unwrap();
    };
    deposit("2", 2);
    deposit("3", 3);
    assert_eq!(world.postbox.sweep().unwrap().failed, 1);
    // This message is older than the others, and is committed after them.
    deposit("1", 1);
    abandon_the_lease(&world);
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(*sent.lock().unwrap(), ["2", "1", "2", "3"]);
}

#[test]
fn a_drain_whose_reading_takes_longer_than_its_turn_sends_messages() {
    let turn = Duration::from_millis(1200) / 6;
    let world = TestOutbox::configured(|builder| builder.sweep_min_age(Duration::ZERO).lease_duration(turn * 6));
    world.deposit(1);
    let _ = world.postbox.sweep().unwrap();
    world.deposit(2);
    abandon_the_lease(&world);
    world.faults.when(move |request| {
        let reads_messages = request.body["RequestItems"][OUTBOX].is_object();
        reads_messages.then_some(Fault::Delay(turn + Duration::from_millis(50)))
    });
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 2);
}
