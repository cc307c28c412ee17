//! The sweep: the messages that it finds, their order, the messages that it holds back, and its lease.

use crate::support::fault::Fault;
use crate::support::{
    LOCKS, OUTBOX, TEST_TIMEOUT, TestOutbox, item, message_key, messages, number, numbers, outcomes, sdk, text,
    wait_until,
};
use postbox::{
    Builder, DispatchOutcome, ErrorCode, LeaseMode, LeaseStatus, MemoryProducer, Message, MessageState, Postbox,
    Producer, SendOutcome, producer_fn,
};
use postbox::{CancelToken, SweepOptions};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock, Weak, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The name of the sweepers' lease on [`OUTBOX`], unless `lease_group` is set.
const RESOURCE: &str = "brighter_outbox_OutboxSweeper";

/// Configures sweeps of messages of any age and retries without delay. Each topic has one shard, so that its messages
/// are sent in the order of time.
fn eager(builder: Builder) -> Builder {
    builder.number_of_shards(1).sweep_min_age(Duration::from_millis(0)).dispatch_retry_delay(Duration::from_millis(0))
}

fn test_outbox() -> TestOutbox {
    TestOutbox::configured(eager)
}

fn state(world: &TestOutbox, id: &str) -> MessageState {
    world.postbox.get_message(id).unwrap().unwrap().state
}

/// Creates a producer that fails the messages with one of these bodies. Also returns the bodies that it sends.
fn failing(bodies: &'static [&'static str], outcome: SendOutcome) -> (impl Producer, Arc<Mutex<Vec<String>>>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&sent);
    let producer = producer_fn(move |message| {
        let body = String::from_utf8_lossy(message.body()).into_owned();
        if bodies.contains(&body.as_str()) {
            return outcome.clone();
        }
        notes.lock().unwrap().push(body);
        SendOutcome::Sent
    });
    (producer, sent)
}

fn keyed(topic: &str, key: &str, body: &str) -> Message {
    Message::new(topic, body).with_partition_key(key)
}

#[test]
fn a_sweep_sends_messages_of_a_crashed_process() {
    let world = test_outbox();
    let ids = world.deposit(250);
    let other = world.backend.open(eager(Postbox::builder()).default_producer(world.producer.clone()), &world.faults);
    let TestOutbox { postbox, producer, .. } = world;
    drop(postbox);
    let report = other.sweep().unwrap();
    assert_eq!((report.found, report.dispatched, report.failed), (250, 250, 0));
    assert_eq!(report.lease, LeaseStatus::Held);
    let sent: Vec<String> = producer.sent().iter().map(|m| String::from_utf8_lossy(m.body()).into_owned()).collect();
    assert_eq!(sent, numbers(0..250), "oldest first");
    assert!(ids.iter().all(|id| other.get_message(id).unwrap().unwrap().state == MessageState::Dispatched));
    assert_eq!(other.sweep().unwrap().found, 0);
}

#[test]
fn a_message_without_a_producer_counts_once_in_a_lane_that_is_drained() {
    let world = TestOutbox::configured(|builder| eager(builder).producer("replies", MemoryProducer::new()));
    let reply = Message::new("replies", "body").with_bag_entry("paramore.brighter.ProducerTopic", "elsewhere");
    world.postbox.deposit_post(Message::new("replies", "body")).unwrap();
    world.postbox.deposit_post(reply).unwrap();
    let sweeper =
        world.backend.open(eager(Postbox::builder()).producer("replies", MemoryProducer::new()), &world.faults);
    let report = sweeper.sweep().unwrap();
    assert_eq!((report.found, report.dispatched, report.held_back), (2, 1, 1));
    assert_eq!(report.topics_without_producer, ["elsewhere"]);
}

#[test]
fn recent_messages_are_left_to_their_committer() {
    let world = TestOutbox::configured(|builder| builder.sweep_min_age(Duration::from_millis(3_600_000)));
    let young = world.deposit(1);
    let old = SystemTime::now() - Duration::from_secs(7200);
    let old = world.postbox.deposit_post(Message::new("t", "old").with_created_at(old)).unwrap();
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
    assert_eq!(state(&world, &old), MessageState::Dispatched);
    assert_eq!(state(&world, &young[0]), MessageState::Outstanding);
}

#[test]
fn messages_are_read_consistently_before_they_are_sent() {
    let world = test_outbox();
    let ids = world.deposit(3);
    world.faults.forget();
    // Another process marks a message after the sweep has found it in the index.
    let gate = world.another();
    let marked = ids[1].clone();
    world.faults.when(move |request| {
        if !request.body["RequestItems"][OUTBOX].is_null() {
            let _ = gate.mark_dispatched(&[&marked]).unwrap();
        }
        None
    });
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.found, report.dispatched, report.already_dispatched), (3, 2, 1));
    assert_eq!(world.sent(), ["0", "2"]);
    let reads = world.faults.bodies("BatchGetItem");
    let read = reads.iter().map(|body| &body["RequestItems"][OUTBOX]).find(|read| !read.is_null()).unwrap();
    assert_eq!(read["ConsistentRead"], true);
    assert_eq!(read["Keys"].as_array().unwrap().len(), 3, "not from memory, though this process committed them");
}

#[test]
fn a_failure_holds_back_only_later_messages_of_its_key() {
    let (producer, sent) = failing(&["b1"], SendOutcome::Retry("down".into()));
    let world = TestOutbox::configured(|builder| {
        eager(builder).default_producer(producer).sweep_threads(1).dispatch_retry_delay(Duration::from_millis(300_000))
    });
    let all = [
        keyed("t", "a", "a1"),
        keyed("t", "b", "b1"),
        keyed("t", "b", "b2"),
        keyed("u", "b", "u1"),
        keyed("t", "a", "a2"),
        Message::new("t", "free"),
    ];
    let ids = world.postbox.deposit_posts(&all).unwrap();
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.dispatched, report.failed, report.held_back), (4, 1, 1));
    let mut sent = sent.lock().unwrap().clone();
    sent.retain(|body| body != "u1");
    assert_eq!(sent, ["a1", "a2", "free"]);
    // Until the next attempt of the failed message is due, sweeps send neither this message nor the one behind it.
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.dispatched, report.failed, report.held_back), (0, 0, 2));
    assert_eq!(world.postbox.get_message(&ids[1]).unwrap().unwrap().dispatch_attempts, 1);
    assert_eq!(world.postbox.get_message(&ids[2]).unwrap().unwrap().dispatch_attempts, 0);
    // A clear of these ids respects the wait too.
    let report = world.another().clear_outbox(&ids[1..3]).unwrap();
    assert_eq!(outcomes(&report), [DispatchOutcome::HeldBack, DispatchOutcome::HeldBack]);
}

#[test]
fn a_batch_has_one_message_per_key() {
    let producer = MemoryProducer::with_max_batch(10);
    producer.answer_next(SendOutcome::Retry("down".into()));
    let world = TestOutbox::configured(|builder| {
        eager(builder).default_producer(producer.clone()).dispatch_retry_delay(Duration::from_millis(300_000))
    });
    let all = [keyed("t", "a", "a1"), keyed("t", "b", "b1"), keyed("t", "a", "a2"), keyed("t", "c", "c1")];
    world.postbox.deposit_posts(&all).unwrap();
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.dispatched, report.failed, report.held_back), (2, 1, 1));
    assert_eq!(producer.batches(), [2, 1]);
}

#[test]
fn a_message_is_parked_after_too_many_failures_and_can_be_released() {
    let (producer, sent) = failing(&["0"], SendOutcome::Retry("the queue is full".into()));
    let world = TestOutbox::configured(|builder| {
        eager(builder)
            .default_producer(producer)
            .max_dispatch_attempts(3)
            .park_min_age(Duration::from_millis(0))
            .breaker_threshold(0)
    });
    let ids = world.deposit(2);
    let deadline = Instant::now() + TEST_TIMEOUT;
    // The failures count while other messages of the topic are sent.
    let parked = loop {
        assert!(Instant::now() < deadline, "the message is not parked");
        let _ = world.postbox.sweep().unwrap();
        let stored = world.postbox.get_message(&ids[0]).unwrap().unwrap();
        if stored.state == MessageState::Parked {
            break stored;
        }
        assert!(stored.dispatch_attempts < 3, "{stored:?}");
    };
    assert_eq!((parked.dispatch_attempts, parked.last_error.as_deref()), (3, Some("the queue is full")));
    assert_eq!(*sent.lock().unwrap(), ["1"]);
    assert_eq!(world.postbox.sweep().unwrap().found, 0, "a parked message is not found");
    assert_eq!(world.outcomes(&ids[..1]), [DispatchOutcome::Parked], "nor sent by a clear of its id");
    world.postbox.unpark(&ids[0]).unwrap();
    let released = world.postbox.get_message(&ids[0]).unwrap().unwrap();
    assert_eq!((released.state, released.dispatch_attempts), (MessageState::Outstanding, 0));
    assert!(world.postbox.sweep().unwrap().failed >= 1);
    for id in [ids[1].as_str(), "unknown", ""] {
        assert_eq!(world.postbox.unpark(id).unwrap_err().code(), ErrorCode::InvalidArgument);
    }
}

#[test]
fn rejected_messages_are_parked_and_malformed_ones_wait() {
    let (producer, sent) = failing(&["0"], SendOutcome::Reject("too large".into()));
    let world = TestOutbox::configured(|builder| {
        eager(builder).default_producer(producer).dispatch_retry_delay(Duration::from_millis(300_000))
    });
    let ids = world.deposit(3);
    let mut damaged = world.raw(&ids[1]).unwrap();
    damaged.insert("HeaderBag".into(), text("not json"));
    world.put_raw(damaged);
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.dispatched, report.failed), (1, 2));
    assert_eq!(*sent.lock().unwrap(), ["2"]);
    assert_eq!(state(&world, &ids[0]), MessageState::Parked);
    let raw = world.raw(&ids[1]).unwrap();
    assert!(raw.contains_key("NextAttemptAt") && raw.contains_key("OutstandingCreatedTime"));
    assert!(raw["LastError"].as_s().unwrap().contains("HeaderBag"), "{:?}", raw["LastError"]);
}

#[test]
fn a_failing_topic_is_paused_for_all_processes_without_counting_attempts() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let down = producer_fn(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        SendOutcome::Retry("down".into())
    });
    let world = TestOutbox::configured(|builder| {
        eager(builder).producer("down", down).breaker_threshold(3).breaker_cooldown(Duration::from_millis(3_600_000))
    });
    let other =
        world.backend.open(eager(Postbox::builder()).default_producer(MemoryProducer::new()), &world.backend.faults());
    let all: Vec<Message> =
        (0..50).map(|n| Message::new(if n % 2 == 0 { "down" } else { "t" }, n.to_string())).collect();
    let ids = world.postbox.deposit_posts(&all).unwrap();
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.dispatched, report.failed), (25, 10), "{report:?}");
    assert!(report.held_back > 0, "{report:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 10);
    assert!(ids.iter().all(|id| world.postbox.get_message(id).unwrap().unwrap().dispatch_attempts == 0));
    // The pause is stored, so another process respects it too, although the transport of this process works.
    assert_eq!(other.sweep().unwrap().dispatched, 0);
    let pause = &world.postbox.leases().unwrap()[0];
    assert_eq!((pause.topic.as_deref(), pause.paused.as_deref()), (Some("down"), Some("transport")));
    // Clears have their own breaker.
    let report = world.postbox.clear_outbox(&ids[40..50]).unwrap();
    let count = |outcome| outcomes(&report).into_iter().filter(|other| *other == outcome).count();
    assert_eq!((count(DispatchOutcome::Failed), count(DispatchOutcome::BreakerOpen)), (3, 2), "{report:?}");
}

#[test]
fn a_single_topic_is_swept_with_brighters_negative_shards() {
    let world = TestOutbox::configured(|builder| builder.sweep_min_age(Duration::from_millis(0)));
    let ids = world.deposit(3);
    let mut negative = world.raw(&ids[0]).unwrap();
    negative.insert("TopicShard".into(), text("t_-2"));
    world.put_raw(negative);
    world.postbox.deposit_post(Message::new("u", "other")).unwrap();
    assert_eq!(world.postbox.count_outstanding(Some("t")).unwrap().count, 3);
    assert_eq!(world.postbox.count_outstanding(Some("u")).unwrap().count, 1);
    assert_eq!(world.postbox.count_outstanding(None).unwrap().count, 4);
    assert_eq!(world.postbox.sweep_topic("t").unwrap().dispatched, 3);
    let mut sent = world.sent();
    sent.sort();
    assert_eq!(sent, numbers(0..3));
    assert_eq!(world.postbox.count_outstanding(None).unwrap().count, 1);
}

fn unix_ms(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap().as_millis()
}

/// Writes the lease as a sweeper of Brighter holds it until `expiry`, in Unix milliseconds.
fn brighter_holds_the_lease(world: &TestOutbox, expiry: u128) {
    let lease = item([("ResourceId", text(RESOURCE)), ("LockId", text("brighter")), ("LeaseExpiry", number(expiry))]);
    sdk(&world.postbox, |client| async move { client.put_item().table_name(LOCKS).set_item(Some(lease)).send().await });
}

fn lease(world: &TestOutbox) -> Option<postbox::Item> {
    world.postbox.get_item(LOCKS, item([("ResourceId", text(RESOURCE))])).unwrap()
}

#[test]
fn a_brighter_sweeper_and_ours_exclude_each_other() {
    let world = test_outbox();
    world.deposit(1);
    assert_eq!(world.postbox.sweep().unwrap().lease, LeaseStatus::Held, "the lock table is created on demand");
    let rest = lease(&world).unwrap();
    // After a sweep, the lease remains for up to two seconds, so that Brighter's sweepers wait until the index shows
    // the marks. Postbox can take the lease at once.
    assert_eq!(rest["Why"], text("rest"));
    let expiry: u128 = rest["LeaseExpiry"].as_n().unwrap().parse().unwrap();
    assert!(expiry <= unix_ms(SystemTime::now()) + 2_000, "the lease is released at the end of the sweep");
    world.deposit(1);
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
    world.deposit(1);
    brighter_holds_the_lease(&world, unix_ms(SystemTime::now()) + 60_000);
    assert_eq!(world.postbox.sweep().unwrap().lease, LeaseStatus::HeldElsewhere);
    assert_eq!(world.sent().len(), 2);
    // Brighter's clock may be wrong by some seconds, so a lease that has just expired is left alone.
    brighter_holds_the_lease(&world, unix_ms(SystemTime::now()) - 1000);
    assert_eq!(world.postbox.sweep().unwrap().lease, LeaseStatus::HeldElsewhere);
    brighter_holds_the_lease(&world, unix_ms(SystemTime::now()) - 10_000);
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
}

#[test]
fn a_sweep_holds_the_lease_in_the_table() {
    let seen = Arc::new(Mutex::new(None));
    let slot = Arc::new(Mutex::new(None::<postbox::Postbox>));
    let (noted, reader) = (Arc::clone(&seen), Arc::clone(&slot));
    let world = TestOutbox::configured(|builder| {
        eager(builder).default_producer(producer_fn(move |_| {
            let key = item([("ResourceId", text(RESOURCE))]);
            *noted.lock().unwrap() = reader.lock().unwrap().as_ref().unwrap().get_item(LOCKS, key).unwrap();
            SendOutcome::Sent
        }))
    });
    *slot.lock().unwrap() = Some(world.another());
    world.deposit(1);
    let _ = world.postbox.sweep().unwrap();
    let lease = seen.lock().unwrap().take().expect("a lease");
    let expiry: u128 = lease["LeaseExpiry"].as_n().unwrap().parse().unwrap();
    let now = unix_ms(SystemTime::now());
    assert!(expiry > now + 30_000 && expiry <= now + 60_000, "unix milliseconds: {expiry}");
    assert_eq!(lease["LockId"].as_s().unwrap().len(), 36);
}

#[test]
fn nothing_is_swept_without_a_lock_table_unless_it_is_allowed() {
    for mode in [LeaseMode::Single, LeaseMode::PerShard] {
        for is_allowed in [false, true] {
            let world = TestOutbox::configured(|builder| {
                eager(builder)
                    .lease_mode(mode)
                    .sweep_without_lease(is_allowed)
                    .sweep_interval(Duration::from_millis(10))
            });
            world.deposit(1);
            world.faults.when(|request| is_about(request, LOCKS).then(Fault::access_denied));
            let report = world.postbox.sweep().unwrap();
            assert!(matches!(&report.lease, LeaseStatus::Unavailable(why) if why.contains(LOCKS)), "{report:?}");
            assert_eq!(report.dispatched, u64::from(is_allowed), "{mode:?}");
            if !is_allowed {
                world.postbox.start_sweeper().unwrap();
                wait_until("no failure is counted", || world.postbox.stats().background_failures > 0);
                assert!(world.postbox.stats().last_error.unwrap().contains("nothing is swept"));
            }
        }
    }
}

/// Returns whether a request concerns this table.
fn is_about(request: &crate::support::fault::Request, table: &str) -> bool {
    request.body["TableName"] == table || !request.body["RequestItems"][table].is_null()
}

#[test]
fn one_denied_request_does_not_make_the_lock_table_unavailable() {
    let refusals = [
        Fault::access_denied(),
        Fault::expired_token(),
        Fault::Refuse { status: 400, code: "ValidationException", message: "injected" },
    ];
    for (refusal, operation) in refusals.into_iter().flat_map(|it| [(it.clone(), "UpdateItem"), (it, "BatchGetItem")]) {
        let world = test_outbox();
        world.deposit(1);
        let _ = world.postbox.sweep().unwrap();
        world.deposit(1);
        brighter_holds_the_lease(&world, unix_ms(SystemTime::now()) + 60_000);
        let mut refused = Some(refusal);
        world.faults.when(move |request| {
            if request.operation == operation && is_about(request, LOCKS) { refused.take() } else { None }
        });
        let _ = world.postbox.sweep();
        let _ = world.postbox.sweep();
        assert_eq!(world.sent().len(), 1, "another holds the lease");
    }
}

#[test]
fn the_background_sweeper_survives_errors() {
    let world = TestOutbox::configured(|builder| eager(builder).sweep_interval(Duration::from_millis(10)));
    world.faults.next("Scan", Fault::access_denied());
    world.postbox.start_sweeper().unwrap();
    assert_eq!(world.postbox.start_sweeper().unwrap_err().code(), ErrorCode::InvalidArgument, "one is enough");
    let ids = world.deposit(3);
    wait_until("the sweeper has not sent them", || ids.iter().all(|id| state(&world, id) == MessageState::Dispatched));
    world.postbox.stop_sweeper().unwrap();
    world.postbox.stop_sweeper().unwrap();
    let later = world.deposit(1);
    assert_eq!(state(&world, &later[0]), MessageState::Outstanding);
    world.postbox.start_sweeper().unwrap();
    world.postbox.close().unwrap();
}

#[test]
fn a_hanging_producer_does_not_block_stop_or_close() {
    let (release, released) = mpsc::channel::<()>();
    let (began, begun) = mpsc::channel();
    let released = Mutex::new(released);
    let began = Mutex::new(began);
    let world = TestOutbox::configured(|builder| {
        eager(builder)
            .sweep_interval(Duration::from_millis(10))
            .close_timeout(Duration::from_millis(50))
            .default_producer(producer_fn(move |_| {
                let _ = began.lock().unwrap().send(());
                let _ = released.lock().unwrap().recv();
                SendOutcome::Sent
            }))
    });
    world.deposit(1);
    world.postbox.start_sweeper().unwrap();
    begun.recv_timeout(TEST_TIMEOUT).unwrap();
    assert_eq!(world.postbox.stop_sweeper().unwrap_err().code(), ErrorCode::Timeout);
    assert_eq!(world.postbox.close().unwrap_err().code(), ErrorCode::Timeout);
    drop(release);
}

/// The barrier shows that two of the three producers run on additional threads of the sweeper.
#[test]
fn a_producer_that_stops_its_sweeper_does_not_wait_for_itself() {
    let (stopped, stops) = mpsc::channel();
    let (stopped, together, own) = (Mutex::new(stopped), Barrier::new(3), Arc::new(OnceLock::<Weak<Postbox>>::new()));
    let postbox = Arc::clone(&own);
    let producer = producer_fn(move |_| {
        together.wait();
        let stop = postbox.get().unwrap().upgrade().unwrap().stop_sweeper();
        stopped.lock().unwrap().send(stop.unwrap_err().code()).unwrap();
        SendOutcome::Sent
    });
    let world = TestOutbox::configured(|builder| {
        eager(builder).sweep_threads(3).close_timeout(TEST_TIMEOUT * 10).default_producer(producer)
    });
    let ids = world.postbox.deposit_posts(&["a", "b", "c"].map(|topic| Message::new(topic, ""))).unwrap();
    let postbox = Arc::new(world.postbox);
    own.set(Arc::downgrade(&postbox)).unwrap();
    postbox.start_sweeper().unwrap();
    for _ in 0..3 {
        assert_eq!(stops.recv_timeout(TEST_TIMEOUT).unwrap(), ErrorCode::ReentrantCall);
    }
    // The sweeper ends as soon as the producers have returned, and marks their messages.
    postbox.stop_sweeper().unwrap();
    for id in ids {
        assert_eq!(postbox.get_message(&id).unwrap().unwrap().state, MessageState::Dispatched);
    }
}

#[test]
fn sweeping_an_empty_outbox_takes_one_scan() {
    let world = test_outbox();
    let ids = messages(60);
    world.postbox.deposit_posts(&ids).unwrap();
    let _ = world.postbox.sweep().unwrap();
    world.faults.forget();
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(world.faults.operations(), ["Scan"], "and no write");
    let key = message_key(ids[0].id());
    assert!(world.postbox.get_item(OUTBOX, key).unwrap().is_some(), "the dispatched ones are still in the table");
}

#[test]
fn a_canceled_sweep_skips_the_remaining_messages() {
    let cancel = CancelToken::new();
    let canceled_by_producer = cancel.clone();
    let world = TestOutbox::configured(|builder| {
        eager(builder).default_producer(producer_fn(move |_| {
            canceled_by_producer.cancel();
            SendOutcome::Sent
        }))
    });
    let ids = world.deposit(3);
    let mut seen = Vec::new();
    let options = SweepOptions::new().cancel(&cancel).on_batch(|batch| seen.extend(outcomes(batch)));
    let report = world.postbox.sweep_with(options).unwrap();
    assert_eq!((report.dispatched, report.failed), (1, 0), "{report:?}");
    use DispatchOutcome::{Dispatched, Skipped};
    assert_eq!(seen, [Dispatched, Skipped, Skipped]);

    let report = world.postbox.sweep_with(SweepOptions::new().cancel(&cancel)).unwrap();
    assert_eq!((report.dispatched, report.failed), (0, 0), "{report:?}");
    assert_eq!(ids.iter().filter(|id| state(&world, id) == MessageState::Outstanding).count(), 2);
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 2);
}

#[test]
fn a_single_topic_is_swept_in_the_shards_of_an_earlier_setting() {
    let world = TestOutbox::configured(|builder| eager(builder).number_of_shards(20));
    let all: Vec<Message> = (0..100).map(|n| keyed("t", &format!("k{n}"), &n.to_string())).collect();
    world.postbox.deposit_posts(&all).unwrap();
    let builder = eager(Postbox::builder()).number_of_shards(3).default_producer(world.producer.clone());
    let three = world.backend.open(builder, &world.backend.faults());
    assert_eq!(three.sweep_topic("t").unwrap().dispatched, 100);
}

#[test]
fn a_panic_in_the_callback_of_a_sweep_reaches_its_caller() {
    let world = test_outbox();
    world.deposit(1);
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || {
        let options = SweepOptions::new().on_batch(|_| panic!("the callback of the caller"));
        let swept = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.postbox.sweep_with(options)));
        ended.send(swept.is_err()).unwrap();
    });
    assert!(end.recv_timeout(TEST_TIMEOUT).expect("the sweep ends"));
}
