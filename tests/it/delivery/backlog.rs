//! Sweeps of backlogs that are large, slow to read, or ahead of other messages.

use crate::support::fault::{Fault, Request};
use crate::support::{OUTBOX, TEST_TIMEOUT, TestOutbox, bodies_asked, eager, message_key, sdk, wait_until};
use postbox::{LeaseMode, MemoryProducer, Message, Postbox, SendOutcome, producer_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

#[test]
fn two_sweepers_send_a_backlog_that_takes_longer_to_read_than_a_lease() {
    let world = TestOutbox::configured(|builder| builder);
    world.deposit(20);
    let open = || {
        let faults = world.backend.faults();
        faults.always("Query", Fault::Delay(Duration::from_millis(700)));
        faults.always("Scan", Fault::Delay(Duration::from_millis(1500)));
        let builder = eager(Postbox::builder())
            .default_producer(world.producer.clone())
            .lease_duration(Duration::from_millis(1000));
        world.backend.open(builder.sweep_interval(Duration::from_millis(20)), &faults)
    };
    let sweepers = [open(), open()];
    sweepers.iter().for_each(|postbox| postbox.start_sweeper().unwrap());
    wait_until("they keep each other from sending", || world.sent().len() >= 20);
}

#[test]
fn an_item_without_a_topic_is_not_read_by_every_sweep() {
    let world = TestOutbox::configured(eager);
    let ids = world.deposit(1);
    let key = message_key(&ids[0]);
    sdk(&world.postbox, |client| async move {
        let update = client.update_item().table_name(OUTBOX).set_key(Some(key)).update_expression("REMOVE Topic");
        update.send().await
    });
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.dispatched, report.held_back), (0, 1));
    assert_eq!(report.topics_without_producer, ["(no topic)"]);
    world.faults.forget();
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(world.faults.operations(), ["Scan"]);
}

#[test]
fn a_new_topic_does_not_wait_for_a_slow_one() {
    let (fast, arrived) = mpsc::channel();
    let (fast, hold) = (Mutex::new(fast), Arc::new((Mutex::new(false), std::sync::Condvar::new())));
    let held = Arc::clone(&hold);
    let world = TestOutbox::configured(|builder| {
        eager(builder).sweep_interval(Duration::from_millis(20)).default_producer(producer_fn(move |message| {
            if message.topic() == "fast" {
                fast.lock().unwrap().send(()).unwrap();
            } else {
                drop(held.1.wait_timeout_while(held.0.lock().unwrap(), TEST_TIMEOUT, |open| !*open).unwrap());
            }
            SendOutcome::Sent
        }))
    });
    world.postbox.deposit_post(Message::new("slow", "x")).unwrap();
    world.postbox.start_sweeper().unwrap();
    world.faults.wait_for(2, "BatchGetItem");
    world.postbox.deposit_post(Message::new("fast", "x")).unwrap();
    arrived.recv_timeout(TEST_TIMEOUT).expect("it is sent while the slow one is");
    *hold.0.lock().unwrap() = true;
    hold.1.notify_all();
}

#[test]
fn a_new_topic_has_its_turn_before_other_backlogs_end() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let topics = Arc::clone(&sent);
    let world = TestOutbox::configured(|builder| {
        let builder = eager(builder).sweep_threads(2).lease_duration(Duration::from_millis(3000));
        builder.sweep_interval(Duration::from_millis(20)).default_producer(producer_fn(move |message| {
            std::thread::sleep(Duration::from_millis(20));
            topics.lock().unwrap().push(message.topic().to_owned());
            SendOutcome::Sent
        }))
    });
    let slow: Vec<Message> = (0..800).map(|n| Message::new(["slow", "slower"][n % 2], "x")).collect();
    world.postbox.deposit_posts(&slow).unwrap();
    world.postbox.start_sweeper().unwrap();
    wait_until("nothing is sent", || !sent.lock().unwrap().is_empty());
    world.postbox.deposit_post(Message::new("new", "x")).unwrap();
    wait_until("the new topic is not sent", || sent.lock().unwrap().iter().any(|topic| topic == "new"));
    let before = sent.lock().unwrap().len();
    assert!(before < 600, "it waited for {before} messages of other topics");
}

#[test]
fn bodies_that_exceed_the_timeout_are_read_in_smaller_parts() {
    let world = TestOutbox::in_process(|builder| {
        eager(builder)
            .number_of_shards(1)
            .attempt_timeout(Duration::from_millis(100))
            .operation_timeout(Duration::from_millis(300))
            .cache_max_messages(0)
    });
    world.deposit(60);
    world.faults.when(|request| (bodies_asked(request) > 7).then_some(Fault::Hang));
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 60);
    assert_eq!(world.sent(), crate::support::numbers(0..60), "in order");
}

#[test]
fn a_shard_that_cannot_be_read_does_not_stop_the_others() {
    let world = TestOutbox::configured(|builder| eager(builder).max_request_attempts(1));
    let messages: Vec<Message> = (0..60).map(|n| Message::new("t", n.to_string())).collect();
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    world.faults.when(|request| {
        let shard = &request.body["ExpressionAttributeValues"][":shard"]["S"];
        (request.operation == "Query" && shard == "t_2").then(Fault::throttle)
    });
    let _ = world.postbox.sweep().unwrap();
    let in_shard = |id: &&String| world.raw(id).unwrap()["TopicShard"].as_s().unwrap() == "t_2";
    assert_eq!(world.sent().len(), 60 - ids.iter().filter(in_shard).count());
}

#[test]
fn waiting_messages_are_not_read_again() {
    let world = TestOutbox::configured(|builder| {
        let producer = failing_first(&Arc::default(), &Arc::default());
        eager(builder).default_producer(producer).dispatch_retry_delay(Duration::from_millis(60_000))
    });
    let all: Vec<Message> = (0..500).map(|n| Message::new("t", n.to_string()).with_partition_key("k")).collect();
    world.postbox.deposit_posts(&all).unwrap();
    let _ = world.postbox.sweep().unwrap();
    let _ = world.postbox.sweep().unwrap();
    world.faults.forget();
    for _ in 0..3 {
        let _ = world.postbox.sweep().unwrap();
    }
    assert_eq!(world.faults.requests().iter().map(bodies_asked).sum::<usize>(), 0);
    // One small page shows whether there are newer messages.
    let is_small = |request: &Request| request.operation == "Scan" || request.body["Limit"] == 5;
    assert!(world.faults.requests().iter().all(is_small), "{:?}", world.faults.operations());
}

/// A producer that fails for the body `0` until the switch is set, and records the bodies that it sends.
fn failing_first(works: &Arc<AtomicBool>, sent: &Arc<Mutex<Vec<String>>>) -> impl postbox::Producer + use<> {
    let (works, sent) = (Arc::clone(works), Arc::clone(sent));
    producer_fn(move |message: &Message| {
        if message.body() == b"0" && !works.load(Ordering::SeqCst) {
            return SendOutcome::Retry("poison".into());
        }
        sent.lock().unwrap().push(String::from_utf8_lossy(message.body()).into_owned());
        SendOutcome::Sent
    })
}

#[test]
fn new_messages_are_sent_past_a_backlog_that_waits_without_reading_it_again() {
    let (works, sent) = (Arc::default(), Arc::default());
    let world = TestOutbox::configured(|builder| {
        let builder = eager(builder).number_of_shards(1).default_producer(failing_first(&works, &sent));
        builder.dispatch_retry_delay(Duration::from_millis(60_000))
    });
    let of_key = |n: u32, key: &str| Message::new("t", n.to_string()).with_partition_key(key);
    let all: Vec<Message> = (0..100).map(|n| of_key(n, "k")).collect();
    let ids = world.postbox.deposit_posts(&all).unwrap();
    let _ = world.postbox.sweep().unwrap();
    world.postbox.deposit_posts(&[of_key(100, "k"), of_key(101, "other"), of_key(102, "other")]).unwrap();
    world.faults.forget();
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 2);
    assert_eq!(*sent.lock().unwrap(), ["101", "102"]);
    let reads_old = |request: &Request| {
        let condition = request.body["KeyConditionExpression"].as_str().unwrap_or_default();
        request.operation == "Query" && condition.contains("<=")
    };
    assert!(!world.faults.requests().iter().any(reads_old), "the backlog is read again");
    // When the first message is due and can be sent, the messages behind it are read and sent too.
    works.store(true, Ordering::SeqCst);
    let mut raw = world.raw(&ids[0]).unwrap();
    raw.remove("NextAttemptAt");
    world.put_raw(raw);
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 101);
    let expected: Vec<String> = [101, 102].into_iter().chain(0..101).map(|n| n.to_string()).collect();
    assert_eq!(*sent.lock().unwrap(), expected);
}

#[test]
fn a_topic_without_a_producer_is_not_read_and_hides_no_other() {
    let world = TestOutbox::configured(|builder| builder);
    let all: Vec<Message> = (0..2000).map(|n| Message::new("theirs", n.to_string())).collect();
    world.postbox.deposit_posts(&all).unwrap();
    world.postbox.deposit_post(Message::new("mine", "x")).unwrap();
    let (mine, faults) = (MemoryProducer::new(), world.backend.faults());
    let one = world.backend.open(eager(Postbox::builder()).producer("mine", mine.clone()), &faults);
    faults.forget();
    assert_eq!(one.sweep().unwrap().dispatched, 1);
    assert_eq!(faults.requests().iter().map(bodies_asked).sum::<usize>(), 1);
    assert!(faults.count("Scan") < 20, "{}", faults.count("Scan"));
}

#[test]
fn failing_messages_do_not_stop_the_others() {
    let producer = producer_fn(|message: &Message| match message.body() {
        b"bad" => SendOutcome::Retry("never".into()),
        _ => SendOutcome::Sent,
    });
    let world = TestOutbox::configured(|builder| {
        eager(builder)
            .sweep_interval(Duration::from_millis(20))
            .breaker_cooldown(Duration::from_millis(60))
            .dispatch_retry_delay(Duration::from_millis(60_000))
            .default_producer(producer)
    });
    let bad: Vec<Message> = (0..60).map(|n| Message::new("t", "bad").with_partition_key(format!("b{n}"))).collect();
    let good: Vec<Message> = (0..20).map(|n| Message::new("t", "good").with_partition_key(format!("g{n}"))).collect();
    world.postbox.deposit_posts(&bad).unwrap();
    let good = world.postbox.deposit_posts(&good).unwrap();
    world.postbox.start_sweeper().unwrap();
    let sent = |id: &String| world.postbox.get_message(id).unwrap().unwrap().state == postbox::MessageState::Dispatched;
    wait_until("the good ones wait behind the bad ones", || good.iter().all(sent));
}

#[test]
fn close_ends_a_sweep_that_reads_and_releases_its_lease() {
    let world = TestOutbox::configured(eager);
    world.deposit(3000);
    let faults = world.backend.faults();
    faults.always("Query", Fault::Delay(Duration::from_millis(300)));
    let builder =
        eager(Postbox::builder()).default_producer(world.producer.clone()).close_timeout(Duration::from_millis(20_000));
    let one = world.backend.open(builder, &faults);
    one.start_sweeper().unwrap();
    faults.wait_for(1, "Query");
    one.close().unwrap();
    assert!(world.sent().is_empty(), "nothing is sent after the close");
    assert!(world.postbox.leases().unwrap().is_empty(), "{:?}", world.postbox.leases().unwrap());
}

#[test]
fn a_message_far_in_the_future_is_swept() {
    let world = TestOutbox::configured(eager);
    let ids = world.deposit(1);
    let mut raw = world.raw(&ids[0]).unwrap();
    raw.insert("OutstandingCreatedTime".into(), crate::support::number(3_000_000_000_000_000_000_i64));
    world.put_raw(raw);
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
}

#[test]
fn large_messages_are_read_a_few_at_a_time() {
    let world = TestOutbox::configured(|builder| eager(builder).number_of_shards(1));
    let large: Vec<Message> = (0..40).map(|_| Message::new("t", vec![b'x'; 350_000])).collect();
    world.postbox.deposit_posts(&large).unwrap();
    world.faults.forget();
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 40);
    let most = world.faults.requests().iter().map(bodies_asked).max();
    assert!(most <= Some(10), "{most:?} in one request");
}

#[test]
fn a_page_of_the_poll_that_cannot_be_read_does_not_hide_the_others() {
    let world = TestOutbox::configured(|builder| eager(builder).max_request_attempts(1));
    let messages: Vec<Message> = (0..200).map(|n| Message::new("t", n.to_string())).collect();
    let _ = world.postbox.deposit_posts(&messages).unwrap();
    let mut scans = 0;
    world.faults.when(move |request| {
        scans += i32::from(request.operation == "Scan");
        (request.operation == "Scan" && scans == 3).then(Fault::throttle)
    });
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 200);
}

#[test]
fn a_sweep_does_not_leave_the_lanes_that_it_drains_to_other_processes() {
    let world = TestOutbox::configured(|builder| {
        let builder = eager(builder).lease_mode(LeaseMode::PerShard).lease_duration(Duration::from_millis(3000));
        builder.sweep_interval(Duration::from_millis(20)).default_producer(producer_fn(|_| {
            std::thread::sleep(Duration::from_millis(5));
            SendOutcome::Sent
        }))
    });
    // Each of the two lanes (shards with their own lease) takes longer than its turn, the half second after which a
    // sweep turns to the next lane.
    let messages: Vec<Message> = (0..500).map(|n| Message::new("t", n.to_string())).collect();
    let _ = world.postbox.deposit_posts(&messages).unwrap();
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 500);
}

#[test]
fn messages_behind_a_failing_one_are_read_once_per_sweep() {
    let world = TestOutbox::configured(|builder| {
        let builder = eager(builder).number_of_shards(1).dispatch_retry_delay(Duration::ZERO);
        builder.default_producer(producer_fn(|_| SendOutcome::Retry("busy".into())))
    });
    let messages: Vec<Message> = (0..60).map(|n| Message::new("t", n.to_string()).with_partition_key("k")).collect();
    let _ = world.postbox.deposit_posts(&messages).unwrap();
    let _ = world.postbox.sweep().unwrap();
    wait_until("the first failure waits on", || {
        world.faults.forget();
        world.postbox.sweep().unwrap().failed == 1
    });
    let reads = world.faults.operations().iter().filter(|operation| *operation == "Query").count();
    assert_eq!(reads, 2, "the messages up to now, and those of the future: {:?}", world.faults.operations());
}

#[test]
fn a_stopped_sweeper_reads_no_further_page_of_the_poll() {
    let world = TestOutbox::configured(|builder| eager(builder).sweep_interval(Duration::from_millis(10)));
    let messages: Vec<Message> = (0..300).map(|n| Message::new(format!("topic-{}", n % 10), "x")).collect();
    let _ = world.postbox.deposit_posts(&messages).unwrap();
    world.faults.forget();
    world.faults.always("Scan", Fault::Delay(Duration::from_millis(300)));
    world.postbox.start_sweeper().unwrap();
    world.faults.wait_for(1, "Scan");
    world.postbox.stop_sweeper().unwrap();
    let pages = world.faults.operations().iter().filter(|operation| *operation == "Scan").count();
    assert_eq!(pages, 1, "the page that was being read: {:?}", world.faults.operations());
}
