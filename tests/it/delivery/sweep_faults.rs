//! Faults during a sweep: tables, items, producers and requests that are missing, damaged, slow or throttled.

use crate::support::fault::{Fault, Gate, Request};
use crate::support::{
    LOCKS, OUTBOX, TEST_TIMEOUT, TestOutbox, attribute, key_element, number, numbers, sdk, text, wait_until,
};
use aws_sdk_dynamodb::types::{BillingMode, KeyType, ScalarAttributeType};
use postbox::{
    AttributeValue, Builder, DispatchOutcome, ErrorCode, LeaseMode, LeaseStatus, Message, MessageState, Producer,
    SendOutcome, SweepReport, producer_fn,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant, SystemTime};

fn eager(builder: Builder) -> Builder {
    // Each topic has one shard, so that its messages are sent in the order of time.
    builder.number_of_shards(1).sweep_min_age(Duration::from_millis(0)).dispatch_retry_delay(Duration::from_millis(0))
}

fn test_outbox() -> TestOutbox {
    TestOutbox::configured(eager)
}

/// Creates a producer with the outcomes of this function. Also returns the bodies that the producer receives.
fn recording(outcome: impl Fn(&Message) -> SendOutcome + Send + Sync) -> (impl Producer, Arc<Mutex<Vec<String>>>) {
    let given: Arc<Mutex<Vec<String>>> = Arc::default();
    let notes = Arc::clone(&given);
    let producer = producer_fn(move |message| {
        notes.lock().unwrap().push(body(message));
        outcome(message)
    });
    (producer, given)
}

fn body(message: &Message) -> String {
    String::from_utf8_lossy(message.body()).into_owned()
}

fn keyed(topic: &str, key: &str, body: impl Into<String>) -> Message {
    Message::new(topic, body.into()).with_partition_key(key)
}

fn state(world: &TestOutbox, id: &str) -> MessageState {
    world.postbox.get_message(id).unwrap().unwrap().state
}

fn counts(report: &SweepReport) -> (u64, u64, u64) {
    (report.dispatched, report.failed, report.held_back)
}

fn throughput_exceeded() -> Fault {
    Fault::Refuse {
        status: 400,
        code: "ProvisionedThroughputExceededException",
        message: "The level of configured provisioned throughput for the index was exceeded",
    }
}

// The lock table.

#[test]
fn nothing_is_swept_without_permission_to_create_the_lock_table() {
    let world = test_outbox();
    world.deposit(2);
    world.faults.always("CreateTable", Fault::access_denied());
    let report = world.postbox.sweep().unwrap();
    assert!(
        matches!(&report.lease, LeaseStatus::Unavailable(why) if why.contains(LOCKS) && why.contains("CreateTable")),
        "{report:?}"
    );
    assert_eq!(counts(&report), (0, 0, 2), "others may be sweeping");
    world.faults.heal();
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.dispatched, report.lease), (2, LeaseStatus::Held));
}

#[test]
fn a_sweep_runs_without_a_lease_if_it_is_allowed() {
    let world = TestOutbox::configured(|builder| eager(builder).sweep_without_lease(true));
    world.deposit(2);
    world.faults.always("CreateTable", Fault::access_denied());
    let report = world.postbox.sweep().unwrap();
    assert!(matches!(&report.lease, LeaseStatus::Unavailable(_)), "{report:?}");
    assert_eq!(report.dispatched, 2);
}

/// A lock table that stays in the state CREATING for longer than the operation timeout. Until it is active, DynamoDB
/// responds to other requests as if it did not exist.
#[test]
fn nothing_is_swept_until_the_new_lock_table_is_active() {
    for (mode, without_lease) in [(LeaseMode::Single, false), (LeaseMode::Single, true), (LeaseMode::PerShard, true)] {
        let world = TestOutbox::in_process(|builder| {
            let builder = eager(builder).lease_mode(mode).sweep_without_lease(without_lease);
            builder.operation_timeout(Duration::from_millis(600)).sweep_interval(Duration::from_millis(10))
        });
        let ids = world.deposit(2);
        world.faults.when(|request| {
            let is_about = request.body["TableName"] == LOCKS || request.body["RequestItems"][LOCKS].is_object();
            match &*request.operation {
                "CreateTable" => None,
                "DescribeTable" if is_about => {
                    Some(Fault::Edit { pointer: "/Table/TableStatus", value: "CREATING".into() })
                }
                _ => is_about.then_some(Fault::Refuse {
                    status: 400,
                    code: "ResourceNotFoundException",
                    message: "Requested resource not found",
                }),
            }
        });
        // The first sweep creates the table, and the second one finds it.
        for _ in 0..2 {
            let error = world.postbox.sweep().unwrap_err();
            assert!(error.is_retryable() && error.message().contains(LOCKS), "{error}");
            assert!(error.message().contains("CREATING"), "{error}");
        }
        world.postbox.start_sweeper().unwrap();
        wait_until("the failure is shown", || {
            world.postbox.stats().last_error.is_some_and(|error| error.contains(LOCKS))
        });
        assert!(world.sent().is_empty(), "{mode:?}: others may be sweeping");
        world.faults.forget();
        world.faults.heal();
        wait_until("the messages are sent", || ids.iter().all(|id| state(&world, id) == MessageState::Dispatched));
        assert_eq!(world.sent().len(), 2, "{mode:?}");
        let requests = world.faults.requests();
        let first = |is: fn(&Request) -> bool| requests.iter().position(is);
        let taken = first(|request| request.operation == "UpdateItem" && request.body["TableName"] == LOCKS);
        let read = first(|request| request.body["RequestItems"][OUTBOX].is_object());
        assert!(taken.is_some() && taken < read, "{mode:?}: {requests:?}");
    }
}

#[test]
fn nothing_is_swept_with_a_foreign_lock_table() {
    let world = test_outbox();
    sdk(&world.postbox, |client| async move {
        client
            .create_table()
            .table_name(LOCKS)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute("Id", ScalarAttributeType::N))
            .key_schema(key_element("Id", KeyType::Hash))
            .send()
            .await
    });
    world.deposit(2);
    let report = world.postbox.sweep().unwrap();
    assert!(matches!(&report.lease, LeaseStatus::Unavailable(why) if why.contains(LOCKS)), "{report:?}");
    assert_eq!(counts(&report), (0, 0, 2));
}

#[test]
fn a_throttled_lock_table_is_not_reported_missing() {
    let world = test_outbox();
    world.deposit(2);
    world.faults.when(|request| (request.body["TableName"] == LOCKS).then(throughput_exceeded));
    let error = world.postbox.sweep().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Throttled);
    assert!(world.sent().is_empty(), "others may be sweeping");
    world.faults.heal();
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 2);
}

#[test]
fn a_lost_response_to_a_lease_request_keeps_the_lease() {
    let world = test_outbox();
    let _ = world.postbox.sweep().unwrap();
    world.deposit(2);
    world.faults.next("PutItem", Fault::AnswerLost);
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.dispatched, report.lease), (2, LeaseStatus::Held));
}

// Sweepers of one handle.

#[test]
fn a_second_background_sweeper_is_rejected() {
    let (began, begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (began, released) = (Mutex::new(began), Mutex::new(released));
    let (producer, given) = recording(move |_| {
        let _ = began.lock().unwrap().send(());
        let _ = released.lock().unwrap().recv();
        SendOutcome::Sent
    });
    let world = TestOutbox::configured(|builder| {
        eager(builder)
            .sweep_interval(Duration::from_millis(10))
            .close_timeout(Duration::from_millis(50))
            .default_producer(producer)
    });
    let ids = world.deposit(3);
    world.postbox.start_sweeper().unwrap();
    begun.recv_timeout(TEST_TIMEOUT).unwrap();
    assert_eq!(world.postbox.start_sweeper().unwrap_err().code(), ErrorCode::InvalidArgument);
    assert_eq!(world.postbox.sweep().unwrap().lease, LeaseStatus::HeldElsewhere);
    // A hanging sweeper still counts as running after it was asked to stop, and no other call sends its message.
    assert_eq!(world.postbox.stop_sweeper().unwrap_err().code(), ErrorCode::Timeout);
    assert_eq!(world.postbox.start_sweeper().unwrap_err().code(), ErrorCode::InvalidArgument);
    assert_eq!(world.outcomes(&ids[..1]), [DispatchOutcome::InProgress]);
    drop(release);
    while world.postbox.stop_sweeper().is_err() {}
    world.postbox.start_sweeper().unwrap();
    wait_until("the second sweeper has not continued", || {
        ids.iter().all(|id| state(&world, id) == MessageState::Dispatched)
    });
    assert_eq!(*given.lock().unwrap(), numbers(0..3), "each once");
}

// Producers.

#[test]
fn a_panicking_producer_fails_only_its_message() {
    let (producer, _) = recording(|message| {
        assert_ne!(message.body(), b"1", "the producer panics for this message");
        SendOutcome::Sent
    });
    let world = TestOutbox::configured(|builder| {
        eager(builder)
            .sweep_interval(Duration::from_millis(10))
            .max_dispatch_attempts(3)
            .park_min_age(Duration::from_millis(0))
            .default_producer(producer)
    });
    let ids = world.deposit(3);
    world.postbox.start_sweeper().unwrap();
    wait_until("the sweeper does not live", || state(&world, &ids[1]) == MessageState::Parked);
    world.postbox.stop_sweeper().unwrap();
    assert!(world.postbox.get_message(&ids[1]).unwrap().unwrap().last_error.unwrap().contains("the producer panics"));
    assert_eq!((state(&world, &ids[0]), state(&world, &ids[2])), (MessageState::Dispatched, MessageState::Dispatched));
    assert_eq!(world.postbox.stats().background_failures, 0);
}

#[test]
fn a_hanging_topic_does_not_delay_the_others() {
    let (others_are_sent, go_on) = mpsc::channel();
    let go_on = Mutex::new(go_on);
    let (hanging, _) = recording(move |_| match go_on.lock().unwrap().recv_timeout(TEST_TIMEOUT) {
        Ok(()) => SendOutcome::Sent,
        Err(_) => SendOutcome::Retry("the other topic was not sent meanwhile".into()),
    });
    let left = Mutex::new(50);
    let (quick, _) = recording(move |_| {
        let mut left = left.lock().unwrap();
        *left -= 1;
        if *left == 0 {
            others_are_sent.send(()).unwrap();
        }
        SendOutcome::Sent
    });
    let world = TestOutbox::configured(|builder| eager(builder).producer("hangs", hanging).producer("quick", quick));
    let mut messages = vec![Message::new("hangs", "")];
    messages.extend((0..50).map(|n| Message::new("quick", n.to_string())));
    world.postbox.deposit_posts(&messages).unwrap();
    assert_eq!(counts(&world.postbox.sweep().unwrap()), (51, 0, 0));
}

#[test]
fn a_paused_topic_is_not_read() {
    let (down, _) = recording(|_| SendOutcome::Retry("down".into()));
    let world = TestOutbox::configured(|builder| {
        eager(builder).default_producer(down).breaker_cooldown(Duration::from_millis(3_600_000))
    });
    world.deposit(15);
    assert_eq!(counts(&world.postbox.sweep().unwrap()), (0, 10, 5));
    world.faults.forget();
    assert_eq!(counts(&world.postbox.sweep().unwrap()), (0, 0, 15));
    assert_eq!(world.faults.operations(), ["Scan"], "neither a message nor a lease is read");
}

#[test]
fn a_slow_failing_topic_is_limited_by_its_pause() {
    let (slow, _) = recording(|_| {
        std::thread::sleep(Duration::from_millis(50));
        SendOutcome::Retry("too slow".into())
    });
    let world = TestOutbox::configured(|builder| {
        eager(builder).producer("slow", slow).breaker_cooldown(Duration::from_millis(3_600_000))
    });
    let messages: Vec<Message> = (0..200).map(|n| Message::new(["slow", "t"][n % 2], n.to_string())).collect();
    world.postbox.deposit_posts(&messages).unwrap();
    let began = Instant::now();
    let report = world.postbox.sweep().unwrap();
    assert_eq!(counts(&report), (100, 10, 90));
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "the pause bounds the cost of a dead topic: {:?}",
        began.elapsed()
    );
}

#[test]
fn a_lane_is_paused_after_ten_failures_in_a_row() {
    let (producer, given) = recording(|_| SendOutcome::Retry("down".into()));
    let world = TestOutbox::configured(|builder| {
        eager(builder).default_producer(producer).breaker_cooldown(Duration::from_millis(3_600_000))
    });
    world.deposit(20);
    assert_eq!(counts(&world.postbox.sweep().unwrap()), (0, 10, 10));
    assert_eq!(*given.lock().unwrap(), numbers(0..10));
}

// Order.

#[test]
fn messages_behind_a_pause_are_not_overtaken() {
    const DOWN: usize = 10;
    let failures = Mutex::new(0);
    let (producer, given) = recording(move |message| {
        let mut failures = failures.lock().unwrap();
        if message.body() == b"down" && *failures < DOWN {
            *failures += 1;
            return SendOutcome::Retry("down".into());
        }
        SendOutcome::Sent
    });
    let world = TestOutbox::configured(|builder| {
        eager(builder).default_producer(producer).breaker_cooldown(Duration::from_millis(600))
    });
    let mut all =
        vec![Message::new("t", "down"); DOWN].into_iter().map(|it| Message::new("t", it.body())).collect::<Vec<_>>();
    all.extend([
        keyed("t", "k", "first"),
        Message::new("other", "x"),
        keyed("t", "k", "second"),
        keyed("t", "l", "third"),
    ]);
    world.postbox.deposit_posts(&all).unwrap();
    let _ = world.postbox.sweep().unwrap();
    let mut expected = vec!["down".to_owned(); DOWN];
    expected.push("x".into());
    let mut sent = given.lock().unwrap().clone();
    sent.sort();
    assert_eq!(sent, expected);
    let deadline = Instant::now() + TEST_TIMEOUT;
    while world.postbox.count_outstanding(None).unwrap().count > 0 {
        assert!(Instant::now() < deadline, "the pause does not end");
        let _ = world.postbox.sweep().unwrap();
    }
    let given = given.lock().unwrap();
    let at = |body| given.iter().position(|given| given == body).unwrap();
    assert!(at("first") < at("second"), "{given:?}");
}

#[test]
fn messages_whose_read_failed_are_not_overtaken() {
    let world = TestOutbox::configured(|builder| eager(builder).sweep_batch(150).max_request_attempts(1));
    let messages: Vec<Message> = (0..150)
        .map(|n| {
            if n % 3 == 0 { Message::new("t", n.to_string()) } else { keyed("t", &(n % 7).to_string(), n.to_string()) }
        })
        .collect();
    world.postbox.deposit_posts(&messages).unwrap();
    // The second request that reads bodies of messages fails.
    let reads = Mutex::new(0);
    world.faults.when(move |request| {
        let reads_bodies = request.operation == "BatchGetItem" && !request.body["RequestItems"][OUTBOX].is_null();
        let mut reads = reads.lock().unwrap();
        *reads += usize::from(reads_bodies);
        (reads_bodies && *reads == 2).then(throughput_exceeded)
    });
    let report = world.postbox.sweep().unwrap();
    assert_eq!(counts(&report), (150, 0, 0), "they are read again, fewer at a time");
    let mut latest: HashMap<String, usize> = HashMap::new();
    for message in world.producer.sent().iter().filter(|message| !message.partition_key().is_empty()) {
        let number = body(message).parse().unwrap();
        if let Some(before) = latest.insert(message.partition_key().to_owned(), number) {
            assert!(before < number, "{before} before {number}");
        }
    }
}

#[test]
fn messages_in_progress_are_not_overtaken() {
    let (release, released) = mpsc::channel::<()>();
    let (began, begun) = mpsc::channel();
    let (began, released) = (Mutex::new(began), Mutex::new(released));
    let (producer, given) = recording(move |message| {
        if message.body() == b"first" {
            began.lock().unwrap().send(()).unwrap();
            let _ = released.lock().unwrap().recv();
        }
        SendOutcome::Sent
    });
    let world = TestOutbox::configured(|builder| eager(builder).default_producer(producer));
    let all = [keyed("t", "k", "first"), keyed("t", "k", "second"), keyed("t", "l", "third")];
    let ids = world.postbox.deposit_posts(&all).unwrap();
    std::thread::scope(|scope| {
        let clear = scope.spawn(|| world.outcomes(&ids[..1]));
        begun.recv_timeout(TEST_TIMEOUT).unwrap();
        assert_eq!(counts(&world.postbox.sweep().unwrap()), (1, 0, 2));
        drop(release);
        assert_eq!(clear.join().unwrap(), [DispatchOutcome::Dispatched]);
    });
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(*given.lock().unwrap(), ["first", "third", "second"]);
}

#[test]
fn an_accepted_message_holds_back_later_ones_of_its_key() {
    let world = test_outbox();
    let ids = world.postbox.deposit_posts(&[keyed("t", "k", "0"), keyed("t", "k", "1")]).unwrap();
    world.producer.answer_next(SendOutcome::Accepted);
    assert_eq!(world.outcomes(&ids[..1]), [DispatchOutcome::Accepted]);
    assert_eq!(counts(&world.postbox.sweep().unwrap()), (0, 0, 2), "the confirmation may report a failure");
    world.postbox.confirm(&ids[0], SendOutcome::Sent).unwrap();
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
    assert_eq!(world.sent(), ["0", "1"]);
}

#[test]
fn ten_thousand_messages_of_one_key_keep_their_order() {
    const COUNT: usize = 10_000;
    let failed = Mutex::new(false);
    let (producer, given) = recording(move |message| {
        if message.body() == b"7000" && !std::mem::replace(&mut *failed.lock().unwrap(), true) {
            return SendOutcome::Retry("once".into());
        }
        SendOutcome::Sent
    });
    let world = TestOutbox::configured(|builder| eager(builder).default_producer(producer).cache_max_messages(0));
    let messages: Vec<Message> = (0..COUNT).map(|n| keyed("t", "k", n.to_string())).collect();
    world.postbox.deposit_posts(&messages).unwrap();
    world.faults.forget();
    let report = world.postbox.sweep().unwrap();
    assert_eq!(counts(&report), (COUNT as u64, 1, 0), "the failed one is tried again in the same sweep");
    let mut given = given.lock().unwrap();
    assert_eq!(given.remove(7000), "7000");
    assert_eq!(*given, numbers(0..COUNT));
}

#[test]
fn a_backlog_of_a_failing_topic_does_not_block_the_others() {
    const COUNT: usize = 20_100;
    let (down, given) = recording(|_| SendOutcome::Retry("down".into()));
    let world = TestOutbox::configured(|builder| {
        eager(builder)
            .producer("down", down)
            .breaker_cooldown(Duration::from_millis(3_600_000))
            .sweep_batch(1000)
            .cache_max_messages(0)
    });
    let old = SystemTime::now() - Duration::from_secs(60);
    let dead: Vec<Message> = (0..COUNT).map(|n| Message::new("down", n.to_string()).with_created_at(old)).collect();
    world.postbox.deposit_posts(&dead).unwrap();
    world.deposit(5);
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.dispatched, report.failed), (5, 10));
    assert_eq!(given.lock().unwrap().len(), 10);
    assert_eq!(world.sent(), numbers(0..5));
}

#[test]
fn a_backlog_of_a_failing_topic_ends_a_sharded_sweep() {
    const COUNT: usize = 2_500;
    let (down, _) = recording(|_| SendOutcome::Retry("down".into()));
    let world = TestOutbox::configured(|builder| {
        eager(builder)
            .lease_mode(postbox::LeaseMode::PerShard)
            .number_of_shards(1)
            .producer("down", down)
            .breaker_cooldown(Duration::from_millis(3_600_000))
            .cache_max_messages(0)
    });
    let old = SystemTime::now() - Duration::from_secs(60);
    let dead: Vec<Message> = (0..COUNT).map(|n| Message::new("down", n.to_string()).with_created_at(old)).collect();
    world.postbox.deposit_posts(&dead).unwrap();
    world.deposit(5);
    let (done, waiting) = mpsc::channel();
    std::thread::spawn(move || {
        let report = world.postbox.sweep().unwrap();
        done.send((report.dispatched, world.sent())).unwrap();
    });
    assert_eq!(waiting.recv_timeout(TEST_TIMEOUT).expect("the sweep ends"), (5, numbers(0..5)));
}

// Clocks.

#[test]
fn a_message_from_the_future_is_sent_later() {
    let world = test_outbox();
    let ahead = SystemTime::now() + Duration::from_secs(2);
    let id = world.postbox.deposit_post(Message::new("t", "ahead").with_created_at(ahead)).unwrap();
    let behind = SystemTime::now() - Duration::from_secs(2);
    world.postbox.deposit_post(Message::new("t", "behind").with_created_at(behind)).unwrap();
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
    assert_eq!((world.sent(), state(&world, &id)), (vec!["behind".to_string()], MessageState::Outstanding));
    assert_eq!(world.postbox.count_outstanding(None).unwrap().count, 1, "it is counted");
    std::thread::sleep(ahead.duration_since(SystemTime::now()).unwrap_or_default());
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
}

// Throttling.

#[test]
fn a_throttled_index_read_is_retried() {
    let world = test_outbox();
    world.deposit(3);
    world.faults.next_times(2, "Scan", throughput_exceeded());
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 3);
    world.deposit(3);
    world.faults.next_times(2, "Query", throughput_exceeded());
    assert_eq!(world.postbox.sweep_topic("t").unwrap().dispatched, 3);
}

#[test]
fn a_sweep_of_a_throttled_index_takes_no_lease() {
    let world = TestOutbox::configured(|builder| eager(builder).max_request_attempts(2));
    world.deposit(3);
    for operation in ["Scan", "Query"] {
        world.faults.always(operation, throughput_exceeded());
    }
    world.faults.forget();
    for error in [world.postbox.sweep().unwrap_err(), world.postbox.sweep_topic("t").unwrap_err()] {
        assert_eq!(error.code(), ErrorCode::Throttled);
        assert!(error.is_retryable());
        assert!(error.message().contains("index Outstanding"), "{error}");
    }
    let takes_lease = |request: &Request| request.body["ExpressionAttributeValues"][":LockId"].is_object();
    assert!(!world.faults.requests().iter().any(takes_lease), "no lease is taken before work is seen");
    assert!(world.faults.count("Scan") <= 8, "no storm: {}", world.faults.count("Scan"));
    world.faults.heal();
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 3);
}

/// The program can commit and clear without these permissions, so that only the sweeper can show that they are missing.
#[test]
fn messages_that_cannot_be_read_are_an_error_of_the_sweep() {
    type Reads = fn(&Request) -> bool;
    let bodies: Reads =
        |request| request.body["RequestItems"][OUTBOX].is_object() && request.operation == "BatchGetItem";
    let lanes: Reads = |request| request.operation == "Query";
    for (reads, fault, code, operation) in [
        (bodies, Fault::access_denied(), ErrorCode::AccessDenied, "BatchGetItem"),
        (lanes, Fault::access_denied(), ErrorCode::AccessDenied, "Query"),
        (lanes, throughput_exceeded(), ErrorCode::Throttled, "Query"),
    ] {
        let world = TestOutbox::configured(|builder| {
            eager(builder).sweep_interval(Duration::from_millis(10)).max_request_attempts(1)
        });
        let ids = world.deposit(100);
        world.faults.when(move |request| reads(request).then(|| fault.clone()));
        let error = world.postbox.sweep().unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.message().contains(operation), "{error}");
        let count = world.faults.count(operation);
        let most = if code == ErrorCode::AccessDenied { 4 } else { 20 };
        assert!(count <= most, "{count} requests of {operation}");
        world.postbox.start_sweeper().unwrap();
        wait_until("the failure is shown", || world.postbox.stats().background_failures > 0);
        assert!(world.postbox.stats().last_error.unwrap().contains(operation));
        world.faults.heal();
        wait_until("the messages are sent", || ids.iter().all(|id| state(&world, id) == MessageState::Dispatched));
    }
}

#[test]
fn failures_of_one_client_do_not_use_up_the_retries_of_another() {
    let (failing, other) = (test_outbox(), test_outbox());
    failing.faults.always("GetItem", Fault::throttle());
    // The budget of the SDK suffices for 100 retries.
    for _ in 0..40 {
        failing.postbox.get_message("x").unwrap_err();
    }
    other.faults.next_times(2, "GetItem", Fault::throttle());
    assert!(other.postbox.get_message("x").unwrap().is_none());
}

#[test]
fn the_background_sweeper_survives_a_throttled_index() {
    let world = TestOutbox::configured(|builder| {
        eager(builder).sweep_interval(Duration::from_millis(10)).max_request_attempts(1)
    });
    world.faults.always("Scan", throughput_exceeded());
    world.postbox.start_sweeper().unwrap();
    let ids = world.deposit(3);
    let deadline = Instant::now() + TEST_TIMEOUT;
    let wait = |done: &dyn Fn() -> bool| {
        while !done() {
            assert!(Instant::now() < deadline, "the sweeper does not live");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    wait(&|| world.postbox.stats().background_failures >= 3);
    assert!(world.postbox.stats().last_error.unwrap().contains("ProvisionedThroughputExceeded"));
    world.faults.heal();
    wait(&|| ids.iter().all(|id| state(&world, id) == MessageState::Dispatched));
}

#[test]
fn runs_of_the_background_sweeper_never_overlap() {
    let gate = Gate::new();
    let world = TestOutbox::configured(|builder| eager(builder).sweep_interval(Duration::from_millis(10)));
    let _ = world.postbox.sweep().unwrap();
    world.faults.forget();
    world.faults.always("Scan", Fault::Wait(gate.clone()));
    world.postbox.start_sweeper().unwrap();
    world.faults.wait_for(1, "Scan");
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(world.faults.operations(), ["Scan"]);
    gate.open();
    world.faults.wait_for(2, "Scan");
}

// Items.

#[test]
fn a_brighter_item_is_swept_in_its_own_shard() {
    let world = test_outbox();
    let ids = world.deposit(1);
    let mut item = world.raw(&ids[0]).unwrap();
    for (name, value) in [
        ("MessageId", text("b-1")),
        ("TopicShard", text("t_-1")),
        ("PartitionKey", text("abc")),
        ("HeaderBag", text(r#"{"tenant":"42"}"#)),
        ("MessageType", text("MT_COMMAND")),
        ("SomethingNew", text("that nobody here knows")),
    ] {
        item.insert(name.into(), value);
    }
    world.put_raw(item);
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 2);
    let sent = world.producer.sent();
    let sent = sent.iter().find(|message| message.id() == "b-1").unwrap();
    assert_eq!((sent.partition_key(), &sent.bag()["tenant"]), ("abc", &"42".into()));
    let marked = world.raw("b-1").unwrap();
    assert!(marked.contains_key("DeliveryTime") && !marked.contains_key("OutstandingCreatedTime"));
    assert!(marked.contains_key("SomethingNew"), "unknown attributes stay");
}

#[test]
fn damaged_items_wait_with_a_reason_and_block_no_others() {
    let world = test_outbox();
    let damages: Vec<(&str, Option<AttributeValue>)> = vec![
        ("Topic", Some(number(1))),
        ("Body", None),
        ("Body", Some(AttributeValue::Bool(true))),
        ("MessageType", None),
        ("MessageType", Some(number(1))),
        ("CharacterEncoding", Some(number(1))),
        ("HeaderBag", Some(text("[1]"))),
        ("OutstandingCreatedTime", Some(number(-1))),
    ];
    let ids = world.deposit(damages.len() + 1);
    for ((name, value), id) in damages.iter().zip(&ids) {
        let mut item = world.raw(id).unwrap();
        match value {
            Some(value) => item.insert((*name).into(), value.clone()),
            None => item.remove(*name),
        };
        world.put_raw(item);
    }
    let _ = world.postbox.sweep().unwrap();
    assert!(world.sent().contains(&damages.len().to_string()), "the sound one is sent");
    for ((name, _), id) in damages.iter().zip(&ids) {
        let item = world.raw(id).unwrap();
        if *name == "OutstandingCreatedTime" {
            assert!(item.contains_key("DeliveryTime"), "the message is sent with an invalid creation time");
            continue;
        }
        // A later version may be able to read the item, so it is parked only after a day.
        assert!(item.contains_key("NextAttemptAt") && !item.contains_key("ParkedAt"), "{name}: {item:?}");
        assert!(item["LastError"].as_s().unwrap().contains(name), "{:?}", item["LastError"]);
    }
}
