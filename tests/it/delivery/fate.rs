//! Messages that cannot be sent, across processes and outages: how long they wait, whether the message or the transport
//! is blamed, and when they are parked or marked.

use crate::support::fault::Fault;
use crate::support::{
    OUTBOX, TEST_TIMEOUT, TestOutbox, bodies_asked, eager, message_key, messages, number, numbers, sdk, text,
    wait_until,
};
use postbox::{DispatchOutcome, ErrorCode, Message, MessageState, Postbox, Producer, SendOutcome, producer_fn};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The number of bytes by which the sizes of two messages may differ because of their times, since the size of a number
/// depends on its trailing zeros.
const TIMES_VARY: usize = 6;

const HOUR: Duration = Duration::from_secs(3600);

fn state(postbox: &Postbox, id: &str) -> MessageState {
    postbox.get_message(id).unwrap().unwrap().state
}

/// Returns the current time plus `shift` seconds, in .NET ticks.
fn ticks(shift: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    621_355_968_000_000_000 + i64::try_from(now.as_nanos() / 100).unwrap() + shift * 10_000_000
}

/// Sets attributes of a stored message, as another process would have left them.
fn set(world: &TestOutbox, id: &str, attributes: &[(&'static str, postbox::AttributeValue)]) {
    let key = message_key(id);
    let sets: Vec<String> = attributes.iter().map(|(name, _)| format!("{name} = :{name}")).collect();
    let values = attributes.iter().map(|(name, value)| (format!(":{name}"), value.clone())).collect();
    sdk(&world.postbox, move |client| async move {
        client
            .update_item()
            .table_name(OUTBOX)
            .set_key(Some(key))
            .update_expression(format!("SET {}", sets.join(", ")))
            .set_expression_attribute_values(Some(values))
            .send()
            .await
    });
}

/// Sets the attributes of a message that has `counted` failures, of which the first was this long ago, and whose next
/// attempt is due.
fn failed_before(world: &TestOutbox, id: &str, counted: u32, since: Duration) {
    let since = i64::try_from(since.as_secs()).unwrap();
    set(
        world,
        id,
        &[
            ("DispatchAttempts", number(counted)),
            ("FirstFailedAt", number(ticks(-since))),
            ("NextAttemptAt", number(ticks(-1))),
        ],
    );
}

/// A transport that can be switched off. It records the ids of the messages that it receives and the bodies that it
/// sends.
#[derive(Clone, Default)]
struct Switch {
    is_down: Arc<AtomicBool>,
    tried: Arc<Mutex<Vec<String>>>,
    sent: Arc<Mutex<Vec<String>>>,
    batch: usize,
}

impl Switch {
    fn down(batch: usize) -> Self {
        Self { is_down: Arc::new(AtomicBool::new(true)), batch, ..Self::default() }
    }

    fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }
}

impl Producer for Switch {
    fn send(&self, batch: &[Message]) -> Vec<SendOutcome> {
        let send = |message: &Message| {
            self.tried.lock().unwrap().push(message.id().to_owned());
            if self.is_down.load(Ordering::SeqCst) {
                return SendOutcome::Retry("connection refused".into());
            }
            self.sent.lock().unwrap().push(String::from_utf8_lossy(message.body()).into_owned());
            SendOutcome::Sent
        };
        batch.iter().map(send).collect()
    }

    fn max_batch(&self) -> usize {
        self.batch
    }
}

#[test]
fn an_outage_parks_nothing_and_each_message_is_tried_once() {
    for batch in [1, 100] {
        let transport = Switch::down(batch);
        let world = TestOutbox::configured(|builder| builder);
        let open = || {
            // The pauses are longer than the test.
            let builder = eager(Postbox::builder()).breaker_cooldown(HOUR).default_producer(transport.clone());
            world.backend.open(builder, &world.backend.faults())
        };
        let ids = world.deposit(300);
        let fleet: Vec<Postbox> = (0..20).map(|_| open()).collect();
        for postbox in &fleet {
            let _ = postbox.sweep().unwrap();
        }
        for id in &ids {
            let stored = world.postbox.get_message(id).unwrap().unwrap();
            assert_eq!((stored.state, stored.dispatch_attempts), (MessageState::Outstanding, 0), "{stored:?}");
        }
        let tried = transport.tried.lock().unwrap();
        assert!(!tried.is_empty() && tried.len() == tried.iter().collect::<HashSet<_>>().len(), "{}", tried.len());
    }
}

#[test]
fn a_long_outage_parks_nothing_and_the_order_of_a_key_holds_after_it() {
    let transport = Switch::down(1);
    let world = TestOutbox::configured(|builder| {
        eager(builder)
            .dispatch_retry_delay(Duration::from_millis(0))
            .breaker_cooldown(Duration::from_millis(6))
            .default_producer(transport.clone())
    });
    let all: Vec<Message> = (0..10).map(|n| Message::new("t", n.to_string()).with_partition_key("k")).collect();
    let ids = world.postbox.deposit_posts(&all).unwrap();
    // According to the time of the first failure, the outage has lasted for two days. It continues.
    let _ = world.postbox.sweep().unwrap();
    failed_before(&world, &ids[0], 0, HOUR * 48);
    for _ in 0..60 {
        let _ = world.postbox.sweep().unwrap();
        set(&world, &ids[0], &[("NextAttemptAt", number(ticks(-1)))]);
    }
    assert!(ids.iter().all(|id| state(&world.postbox, id) == MessageState::Outstanding));
    transport.is_down.store(false, Ordering::SeqCst);
    let deadline = std::time::Instant::now() + TEST_TIMEOUT;
    while transport.sent().len() < 10 {
        assert!(std::time::Instant::now() < deadline, "{:?}", transport.sent());
        set(&world, &ids[0], &[("NextAttemptAt", number(ticks(-1)))]);
        let other =
            world.backend.open(eager(Postbox::builder()).default_producer(transport.clone()), &world.backend.faults());
        let _ = other.sweep().unwrap();
    }
    assert_eq!(transport.sent(), numbers(0..10));
}

#[test]
fn a_wait_is_stored_and_heeded_by_every_process() {
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let fails = producer_fn(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        SendOutcome::Retry("no".into())
    });
    let fails: Arc<dyn Producer> = Arc::new(fails);
    let world = TestOutbox::configured(|builder| builder);
    let ids = world.deposit(1);
    for _ in 0..4 {
        let builder = eager(Postbox::builder())
            .dispatch_retry_delay(Duration::from_millis(60_000))
            .default_producer(Arc::clone(&fails));
        let _ = world.backend.open(builder, &world.backend.faults()).sweep().unwrap();
    }
    assert_eq!(tries.load(Ordering::SeqCst), 1);
    let stored = world.postbox.get_message(&ids[0]).unwrap().unwrap();
    assert_eq!(stored.last_error.as_deref(), Some("no"));
    assert!(stored.next_attempt_at.unwrap() > SystemTime::now() + Duration::from_secs(40), "{stored:?}");
    // A clear of this id does not send it either.
    let report = world.another().clear_outbox(&ids).unwrap();
    assert_eq!(crate::support::outcomes(&report), [DispatchOutcome::HeldBack]);
}

#[test]
fn a_message_that_fails_while_others_are_sent_is_parked() {
    let poison = producer_fn(|message: &Message| match message.body() {
        b"0" => SendOutcome::Retry("the queue does not like it".into()),
        _ => SendOutcome::Sent,
    });
    // All messages are in one shard, so the sweep of this shard sees that the other messages are sent before it counts
    // the failure.
    let world = TestOutbox::configured(|builder| eager(builder).number_of_shards(1).default_producer(poison));
    let ids = world.deposit(3);
    let _ = world.postbox.sweep().unwrap();
    let counted = |id: &str| world.postbox.get_message(id).unwrap().unwrap().dispatch_attempts;
    assert_eq!(counted(&ids[0]), 1, "the failure counts, since other messages of the topic are sent");
    failed_before(&world, &ids[0], 19, HOUR / 2);
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(
        (state(&world.postbox, &ids[0]), counted(&ids[0])),
        (MessageState::Outstanding, 20),
        "the hour is not over"
    );
    failed_before(&world, &ids[0], 19, HOUR * 2);
    let _ = world.postbox.sweep().unwrap();
    let parked = world.postbox.get_message(&ids[0]).unwrap().unwrap();
    assert_eq!((parked.state, parked.dispatch_attempts), (MessageState::Parked, 20));
    assert_eq!(parked.last_error.as_deref(), Some("the queue does not like it"));
    assert_eq!(world.postbox.stats().parked, 1);
    // After a replay by Brighter, the message is outstanding, although it still has the attributes of a parked message.
    set(&world, &ids[0], &[("OutstandingCreatedTime", number(ticks(-60))), ("Topic", text("t"))]);
    assert_eq!(state(&world.postbox, &ids[0]), MessageState::Outstanding);
}

#[test]
fn messages_behind_a_failing_one_are_not_read_before_it_is_due() {
    let bad = producer_fn(|_| SendOutcome::Retry("the queue does not like it".into()));
    let world = TestOutbox::configured(|builder| eager(builder).number_of_shards(1).default_producer(bad));
    let messages: Vec<Message> = (0..60).map(|n| Message::new("t", n.to_string()).with_partition_key("k")).collect();
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    world.faults.forget();
    let _ = world.postbox.sweep().unwrap();
    let bodies: usize = world.faults.requests().iter().map(bodies_asked).sum();
    assert_eq!(bodies, 8, "two reads of four, the second of which starts before the first message has failed");
    failed_before(&world, &ids[0], 1, HOUR);
    assert_eq!(world.postbox.sweep().unwrap().failed, 1);
    world.faults.forget();
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(world.faults.operations(), ["Scan", "Scan", "Query"], "a poll, and a look for newer messages");
}

#[test]
fn a_target_that_rejects_every_message_in_the_same_words_parks_none() {
    let rejects = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&rejects);
    let producer = producer_fn(move |_| match asked.load(Ordering::SeqCst) {
        true => SendOutcome::Reject("InvalidParameterValue: the queue rejects all".into()),
        false => SendOutcome::Sent,
    });
    let world = TestOutbox::configured(|builder| eager(builder).breaker_threshold(0).default_producer(producer));
    let ids = world.deposit(30);
    let _ = world.postbox.sweep().unwrap();
    assert!(ids.iter().all(|id| state(&world.postbox, id) == MessageState::Outstanding));
    // A clear has the same result.
    let more = world.deposit(4);
    let report = world.postbox.clear_outbox(&more).unwrap();
    assert!(report.entries().iter().all(|entry| entry.outcome != DispatchOutcome::Rejected), "{report:?}");
    assert!(more.iter().all(|id| state(&world.postbox, id) == MessageState::Outstanding));
}

/// If the oldest messages of all keys are rejected, nothing of the topic can be sent, so that nothing shows that the
/// target works.
#[test]
fn messages_behind_rejected_ones_of_all_keys_are_sent() {
    let rejects = producer_fn(|message: &Message| match message.body() {
        b"bad" => SendOutcome::Reject("too large".into()),
        _ => SendOutcome::Sent,
    });
    let world = TestOutbox::configured(|builder| {
        eager(builder).number_of_shards(1).breaker_cooldown(Duration::from_millis(6)).default_producer(rejects)
    });
    let post = |body: &str| {
        let message = |n: u32| Message::new("t", body).with_partition_key(n.to_string());
        world.postbox.deposit_posts(&(0..5).map(message).collect::<Vec<_>>()).unwrap()
    };
    let (bad, good) = (post("bad"), post("good"));
    let are = |ids: &[String], expected| ids.iter().all(|id| state(&world.postbox, id) == expected);
    let _ = world.postbox.sweep().unwrap();
    assert!(are(&bad, MessageState::Outstanding) && are(&good, MessageState::Outstanding));
    bad.iter().for_each(|id| failed_before(&world, id, 0, HOUR));
    wait_until("the messages behind the rejected ones are sent", || {
        let _ = world.postbox.sweep().unwrap();
        are(&good, MessageState::Dispatched)
    });
    assert!(are(&bad, MessageState::Parked));
}

/// After a crash, the messages that were claimed count as tried before, although most of them were not.
#[test]
fn messages_of_one_key_that_were_claimed_before_a_crash_are_sent_by_one_sweep() {
    let transport = Switch { batch: 1, ..Switch::default() };
    let world =
        TestOutbox::configured(|builder| eager(builder).number_of_shards(1).default_producer(transport.clone()));
    let messages: Vec<Message> = (0..40).map(|n| Message::new("t", n.to_string()).with_partition_key("k")).collect();
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    // The claims do not end in the order of the messages.
    ids[..30].iter().rev().for_each(|id| failed_before(&world, id, 0, Duration::from_secs(60)));
    world.faults.forget();
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 40);
    // Reading the lane again after each message would not help while the index lags.
    let reads_of_the_lane = world.faults.operations().iter().filter(|operation| *operation == "Query").count();
    assert!(reads_of_the_lane <= 2, "{reads_of_the_lane}");
    assert_eq!(transport.sent(), (0..40).map(|n| n.to_string()).collect::<Vec<_>>());
}

/// Returns a message that is `less` bytes smaller than the largest that can be deposited.
fn largest(world: &TestOutbox, less: usize) -> Message {
    let of_size = |bytes: usize| Message::new("t", "x".repeat(bytes)).with_partition_key("k");
    let (mut accepted, mut rejected) = (0, 400 * 1024);
    while accepted + 1 < rejected {
        let middle = (accepted + rejected) / 2;
        match world.postbox.unit_of_work().deposit_post(of_size(middle)) {
            Ok(_) => accepted = middle,
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::ItemTooLarge);
                rejected = middle;
            }
        }
    }
    of_size(accepted - less)
}

#[test]
fn the_largest_message_can_be_marked() {
    let world = TestOutbox::configured(|builder| builder.dispatched_ttl(Duration::from_secs(60)));
    let id = world.postbox.deposit_post(largest(&world, TIMES_VARY)).unwrap();
    assert_eq!(world.outcomes(&[&id]), [DispatchOutcome::Dispatched]);
    assert_eq!(state(&world.postbox, &id), MessageState::Dispatched);
}

#[test]
fn the_largest_message_can_fail_and_be_parked_and_releases_its_key() {
    let long = "a long error text of the broker ".repeat(40);
    let rejecting = producer_fn(move |message: &Message| match message.body().len() {
        0..1000 => SendOutcome::Sent,
        _ => SendOutcome::Reject(long.clone()),
    });
    let world = TestOutbox::configured(|builder| eager(builder).default_producer(rejecting));
    let id = world.postbox.deposit_post(largest(&world, TIMES_VARY)).unwrap();
    let behind = world.postbox.deposit_post(Message::new("t", "behind").with_partition_key("k")).unwrap();
    let _ = world.postbox.sweep().unwrap();
    let _ = world.postbox.sweep().unwrap();
    let parked = world.postbox.get_message(&id).unwrap().unwrap();
    assert_eq!(parked.state, MessageState::Parked);
    assert!(parked.last_error.unwrap().starts_with("a long error text"));
    assert_eq!(state(&world.postbox, &behind), MessageState::Dispatched);
}

#[test]
fn an_older_item_without_room_can_be_marked_and_wait() {
    let is_down = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&is_down);
    let producer = producer_fn(move |_| match asked.load(Ordering::SeqCst) {
        true => SendOutcome::Retry("down".into()),
        false => SendOutcome::Sent,
    });
    let world = TestOutbox::configured(|builder| eager(builder).default_producer(producer));
    let id = world.deposit(1).remove(0);
    // Earlier versions could store such large items. Only the bytes that a wait needs are free.
    let mut item = world.raw(&id).unwrap();
    let size: usize = item.iter().map(|(name, value)| name.len() + size_of(value)).sum();
    let body = "x".repeat(400 * 1024 - size - 40);
    item.insert("Body".into(), postbox::AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new(body)));
    world.put_raw(item);
    let _ = world.postbox.sweep().unwrap();
    assert!(world.postbox.get_message(&id).unwrap().unwrap().next_attempt_at.is_some(), "the message waits");
    is_down.store(false, Ordering::SeqCst);
    set(&world, &id, &[("NextAttemptAt", number(ticks(-1)))]);
    world.another();
    let other =
        world.backend.open(eager(Postbox::builder()).default_producer(world.producer.clone()), &world.backend.faults());
    let _ = other.sweep().unwrap();
    assert_eq!(state(&world.postbox, &id), MessageState::Dispatched);
}

fn size_of(value: &postbox::AttributeValue) -> usize {
    match value {
        postbox::AttributeValue::S(text) => text.len(),
        postbox::AttributeValue::B(bytes) => bytes.as_ref().len(),
        _ => 11,
    }
}

#[test]
fn deposit_rejects_a_time_far_ahead() {
    let world = TestOutbox::configured(eager);
    let ahead = |by: Duration| Message::new("t", "x").with_created_at(SystemTime::now() + by);
    let error = world.postbox.deposit_post(ahead(Duration::from_secs(400))).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidMessage);
    assert!(error.message().contains("max_ahead_ms"), "{error}");
    world.postbox.deposit_post(ahead(Duration::from_secs(200))).unwrap();
}

#[test]
fn every_write_to_an_unsent_message_removes_its_expiry() {
    // A replay by Brighter keeps ExpiresAt, so an unsent message can have this attribute.
    let producer = producer_fn(|message: &Message| match message.body() {
        b"rejected" => SendOutcome::Reject("no".into()),
        _ => SendOutcome::Retry("down".into()),
    });
    let world = TestOutbox::configured(|builder| eager(builder).default_producer(producer));
    let deposit = |body: &str| world.postbox.deposit_post(Message::new(body, body)).unwrap();
    let ids = [deposit("failed"), deposit("rejected"), deposit("parked")];
    ids.iter().for_each(|id| set(&world, id, &[("ExpiresAt", number(1_900_000_000))]));
    let sweeps = world.postbox.sweep().unwrap();
    assert_eq!(sweeps.failed, 3);
    world.postbox.unpark(&ids[1]).unwrap();
    for id in &ids {
        assert!(!world.raw(id).unwrap().contains_key("ExpiresAt"));
    }
}

#[test]
fn a_replayed_message_is_due_at_once_despite_a_late_mark() {
    let world = TestOutbox::configured(eager);
    let ids = world.deposit(1);
    world.clear(&ids);
    assert!(world.postbox.replay(&ids).unwrap().is_success());
    let stored = world.postbox.get_message(&ids[0]).unwrap().unwrap();
    assert_eq!((stored.state, stored.dispatch_attempts), (MessageState::Outstanding, 0));
    let raw = world.raw(&ids[0]).unwrap();
    assert!(raw.contains_key("ReplayedAt") && raw.contains_key("NextAttemptAt"));
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
    assert_eq!(world.sent(), ["0", "0"]);
}

#[test]
fn nothing_is_sent_until_sent_messages_are_marked() {
    let world = TestOutbox::configured(|builder| {
        eager(builder).max_request_attempts(1).operation_timeout(Duration::from_millis(500))
    });
    let ids = world.deposit(100);
    world.faults.always("BatchExecuteStatement", Fault::throttle());
    world.faults.always("UpdateItem", Fault::throttle());
    for _ in 0..20 {
        let _ = world.postbox.sweep();
        let _ = world.postbox.clear_outbox(&ids[50..60]);
    }
    assert_eq!(world.sent().len(), 1, "the first sent message could not be marked");
    world.faults.heal();
    let deadline = std::time::Instant::now() + TEST_TIMEOUT;
    while world.sent().len() < 100 {
        assert!(std::time::Instant::now() < deadline, "{} of 100", world.sent().len());
        let _ = world.postbox.sweep().unwrap();
    }
    let mut sent = world.sent();
    sent.sort_by_key(|body| body.parse::<usize>().unwrap());
    assert_eq!(sent, numbers(0..100), "each message is sent once");
}

#[test]
fn a_sent_message_is_marked_while_the_next_one_is_slow() {
    let (began, begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (began, released) = (Mutex::new(began), Mutex::new(released));
    let producer = producer_fn(move |message: &Message| {
        if message.body() == b"1" {
            began.lock().unwrap().send(()).unwrap();
            let _ = released.lock().unwrap().recv();
        }
        SendOutcome::Sent
    });
    let world = TestOutbox::configured(|builder| builder.default_producer(producer));
    let reader = world.another();
    let ids = world.deposit(2);
    std::thread::scope(|scope| {
        let clear = scope.spawn(|| world.outcomes(&ids));
        begun.recv_timeout(TEST_TIMEOUT).unwrap();
        wait_until("the message is not marked", || state(&reader, &ids[0]) == MessageState::Dispatched);
        drop(release);
        assert_eq!(clear.join().unwrap(), [DispatchOutcome::Dispatched; 2]);
    });
}

#[test]
fn a_slow_clear_reads_old_messages_again() {
    let other: Arc<std::sync::OnceLock<(Postbox, Vec<String>)>> = Arc::default();
    let sweeper = Arc::clone(&other);
    let world = TestOutbox::configured(|builder| {
        builder.cache_max_age(Duration::from_millis(100)).default_producer(producer_fn(move |message: &Message| {
            if message.body() == b"0" {
                // This takes longer than `cache_max_age`, so the other messages must be read again. Meanwhile, another
                // process sends one of them.
                std::thread::sleep(Duration::from_millis(150));
                let (other, ids) = sweeper.get().unwrap();
                assert!(other.clear_outbox(&ids[1..2]).unwrap().is_success());
            }
            SendOutcome::Sent
        }))
    });
    let ids = world.postbox.deposit_posts(&messages(3)).unwrap();
    assert!(other.set((world.another(), ids.clone())).is_ok());
    use DispatchOutcome::{AlreadyDispatched, Dispatched};
    assert_eq!(world.outcomes(&ids), [Dispatched, AlreadyDispatched, Dispatched]);
}

#[test]
fn callers_share_the_requests_that_mark() {
    let world = TestOutbox::configured(|builder| builder);
    let ids = world.deposit(64);
    let gate = crate::support::fault::Gate::new();
    world.faults.forget();
    world.faults.next_times(2, "BatchExecuteStatement", Fault::Wait(gate.clone()));
    std::thread::scope(|scope| {
        let world = &world;
        let clears: Vec<_> = ids.iter().map(|id| scope.spawn(move || world.outcomes(&[id]))).collect();
        wait_until("the messages are not sent", || world.sent().len() >= 64);
        gate.open();
        for clear in clears {
            assert_eq!(clear.join().unwrap(), [DispatchOutcome::Dispatched]);
        }
    });
    assert!(world.faults.count("BatchExecuteStatement") <= 16, "{}", world.faults.count("BatchExecuteStatement"));
}
