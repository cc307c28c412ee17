//! The lease of a sweeper over time: it is renewed, lost, expired or taken over.

use crate::support::fault::{Fault, Gate, Request};
use crate::support::{LOCKS, TEST_TIMEOUT, TestOutbox, item, number, numbers, sdk, take_lease, text};
use postbox::{
    AttributeValue, Builder, ErrorCode, LeaseMode, LeaseStatus, MemoryProducer, Message, MessageState, Postbox,
    Producer, SendOutcome, producer_fn,
};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const RESOURCE: &str = "brighter_outbox_OutboxSweeper";
/// The duration of a short lease. A lease is renewed after a third of its duration, and no send starts with less than
/// half of its duration left.
const LEASE: Duration = Duration::from_millis(3000);

fn short(builder: Builder) -> Builder {
    // With one shard per topic, messages are sent in the order of time.
    builder
        .number_of_shards(1)
        .sweep_min_age(Duration::from_millis(0))
        .dispatch_retry_delay(Duration::from_millis(0))
        .lease_duration(Duration::from_millis(LEASE.as_millis() as u64))
}

/// Creates a producer that waits for this time before each send.
fn slow(time: Duration) -> impl Producer {
    producer_fn(move |_| {
        std::thread::sleep(time);
        SendOutcome::Sent
    })
}

/// Opens a second Postbox, as on another machine, and returns it with its producer.
fn another_machine(world: &TestOutbox) -> (Postbox, MemoryProducer) {
    let producer = MemoryProducer::new();
    let builder = short(Postbox::builder()).default_producer(producer.clone());
    (world.backend.open(builder, &world.backend.faults()), producer)
}

fn lease(postbox: &Postbox) -> Option<postbox::Item> {
    postbox.get_item(LOCKS, item([("ResourceId", text(RESOURCE))])).unwrap()
}

/// Returns whether no process holds the lease. After a sweep, the item remains for a moment as a `rest`, for which only
/// Brighter's sweepers wait.
fn is_free(postbox: &Postbox) -> bool {
    lease(postbox).is_none_or(|item| item.get("Why") == Some(&text("rest")))
}

/// Returns the end of the lease in Unix milliseconds.
fn expiry_of(world: &TestOutbox) -> u64 {
    let take = world.faults.requests().into_iter().find(is_take).unwrap();
    take.body["ExpressionAttributeValues"][":LeaseExpiry"]["N"].as_str().unwrap().parse().unwrap()
}

fn is_take(request: &Request) -> bool {
    request.body["TableName"] == LOCKS && expression(request).starts_with("SET LockId")
}

fn is_renewal(request: &Request) -> bool {
    request.body["TableName"] == LOCKS && expression(request) == "SET LeaseExpiry = :expiry"
}

fn is_pause(request: &Request) -> bool {
    request.body["TableName"] == LOCKS && expression(request).ends_with("Why = :why")
}

fn expression(request: &Request) -> &str {
    request.body["UpdateExpression"].as_str().unwrap_or_default()
}

#[test]
fn a_long_sweep_renews_and_releases_its_lease() {
    let world = TestOutbox::configured(|builder| short(builder).default_producer(slow(LEASE / 5)));
    let (other, others) = another_machine(&world);
    world.deposit(8);
    std::thread::scope(|scope| {
        let sweep = scope.spawn(|| world.postbox.sweep().unwrap());
        // A sweep queries the index only while it holds the lease.
        world.faults.wait_for(1, "Query");
        while !sweep.is_finished() {
            let report = other.sweep().unwrap();
            assert_eq!(report.dispatched, 0, "{report:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        let report = sweep.join().unwrap();
        assert_eq!((report.dispatched, report.lease), (8, LeaseStatus::Held));
    });
    assert!(others.sent().is_empty(), "nothing is sent twice");
    let renewals = world.faults.requests().iter().filter(|request| is_renewal(request)).count();
    assert!(renewals >= 2, "renewed: {:?}", world.faults.operations());
    assert!(is_free(&other), "the lease is released");
}

#[test]
fn a_lease_taken_by_another_stops_the_sweep() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let thief = Arc::new(OnceLock::<Postbox>::new());
    let (noted, robbing) = (Arc::clone(&sent), Arc::clone(&thief));
    // The third send lasts until a renewal is due, and another process takes the lease meanwhile.
    let world = TestOutbox::configured(|builder| {
        short(builder).default_producer(producer_fn(move |message| {
            let mut sent = noted.lock().unwrap();
            sent.push(String::from_utf8_lossy(message.body()).into_owned());
            if sent.len() == 3 {
                take_lease(robbing.get().unwrap(), RESOURCE, Duration::from_secs(60));
                std::thread::sleep(LEASE * 2 / 5);
            }
            SendOutcome::Sent
        }))
    });
    let _ = thief.set(world.another());
    let ids = world.deposit(250);
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.dispatched, report.lease), (3, LeaseStatus::Lost));
    assert_eq!(*sent.lock().unwrap(), numbers(0..3), "nothing was sent afterwards");
    let states = ids.iter().map(|id| world.postbox.get_message(id).unwrap().unwrap());
    assert!(states.enumerate().all(|(n, stored)| (stored.state == MessageState::Dispatched) == (n < 3)));
    assert_eq!(lease(&world.postbox).unwrap()["LockId"], text("somebody else"), "the lease is not released");
    assert_eq!(world.postbox.stats().last_sweep.unwrap().1.lease, LeaseStatus::Lost);
    assert_eq!(world.postbox.sweep().unwrap().lease, LeaseStatus::HeldElsewhere);
}

#[test]
fn a_lease_ends_for_its_holder_before_it_expires_for_others() {
    let sent_at = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&sent_at);
    let world = TestOutbox::configured(|builder| {
        short(builder).default_producer(producer_fn(move |_| {
            noted.lock().unwrap().push(SystemTime::now());
            std::thread::sleep(Duration::from_millis(30));
            SendOutcome::Sent
        }))
    });
    let messages: Vec<Message> = (0..60).map(|n| Message::new("t", n.to_string()).with_partition_key("k")).collect();
    world.postbox.deposit_posts(&messages).unwrap();
    // The renewal succeeds only after the lease has expired. The sweep must end then, because later messages would
    // overtake those that it skipped without a lease.
    let (mut since, mut rejected_too_late) = (None, false);
    world.faults.when(move |request| {
        if !is_take(request) && !is_renewal(request) {
            return None;
        }
        let since = *since.get_or_insert_with(Instant::now);
        let is_rejected = is_renewal(request)
            && (since.elapsed() < LEASE * 11 / 12 || !std::mem::replace(&mut rejected_too_late, true));
        is_rejected.then(Fault::access_denied)
    });
    let report = world.postbox.sweep().unwrap();
    assert_eq!(report.lease, LeaseStatus::Lost);
    let sent_at = sent_at.lock().unwrap();
    assert_eq!(report.dispatched, sent_at.len() as u64);
    assert!(sent_at.len() > 2 && sent_at.len() < 50, "{}", sent_at.len());
    let expiry = expiry_of(&world);
    let last = sent_at.last().unwrap().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    // No send starts with less than half of the lease left.
    assert!(last <= expiry - 1500, "the last send began {} ms before the end by our clock", expiry - last);
}

#[test]
fn a_hanging_renewal_stops_the_sweep() {
    let world = TestOutbox::configured(|builder| {
        short(builder)
            .operation_timeout(Duration::from_millis(900))
            .attempt_timeout(Duration::from_millis(900))
            .default_producer(slow(LEASE / 5))
    });
    world.deposit(20);
    world.faults.when(|request| is_renewal(request).then_some(Fault::Hang));
    let began = Instant::now();
    let report = world.postbox.sweep().unwrap();
    assert_eq!(report.lease, LeaseStatus::Lost);
    assert!(report.dispatched < 20);
    assert!(began.elapsed() < LEASE * 3, "{:?}", began.elapsed());
}

/// The lease of a sweeper whose producer hangs is not renewed if the sweep has one thread. The lease expires, another
/// sweeper takes over, and only the message of the hanging call may be sent twice.
#[test]
fn a_hanging_producer_loses_the_lease_to_another_sweeper() {
    let (release, released) = mpsc::channel::<()>();
    let (began, begun) = mpsc::channel();
    let (released, began) = (Mutex::new(released), Mutex::new(began));
    let hanging = producer_fn(move |message: &Message| {
        began.lock().unwrap().send(String::from_utf8_lossy(message.body()).into_owned()).unwrap();
        let _ = released.lock().unwrap().recv();
        SendOutcome::Sent
    });
    let world = TestOutbox::configured(|builder| short(builder).sweep_threads(1).default_producer(hanging));
    let (other, others) = another_machine(&world);
    let ids = world.deposit(5);
    std::thread::scope(|scope| {
        let sweep = scope.spawn(|| world.postbox.sweep().unwrap());
        assert_eq!(begun.recv_timeout(TEST_TIMEOUT).unwrap(), "0");
        assert_eq!(other.sweep().unwrap().lease, LeaseStatus::HeldElsewhere);
        let deadline = Instant::now() + LEASE * 3;
        while other.sweep().unwrap().dispatched == 0 {
            assert!(Instant::now() < deadline, "the lease does not expire");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(others.sent().len(), 5);
        drop(release);
        let report = sweep.join().unwrap();
        assert_eq!((report.dispatched, report.lease), (1, LeaseStatus::Lost));
    });
    assert!(begun.try_recv().is_err(), "the first sweep sends nothing more");
    assert!(ids.iter().all(|id| world.postbox.get_message(id).unwrap().unwrap().state == MessageState::Dispatched));
}

#[test]
fn a_hanging_producer_keeps_the_lease_unless_another_sweeper_takes_it() {
    let mut first = true;
    let slow_once = Mutex::new(move || std::mem::take(&mut first));
    let world = TestOutbox::configured(|builder| {
        short(builder).sweep_threads(1).default_producer(producer_fn(move |_| {
            if slow_once.lock().unwrap()() {
                std::thread::sleep(LEASE * 3 / 2);
            }
            SendOutcome::Sent
        }))
    });
    world.deposit(3);
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.dispatched, report.lease), (3, LeaseStatus::Held), "the lease is still ours in the table");
}

#[test]
fn a_lease_whose_response_was_lost_does_not_stop_its_own_process() {
    for mode in [LeaseMode::Single, LeaseMode::PerShard] {
        let world = TestOutbox::configured(|builder| {
            builder.sweep_min_age(Duration::ZERO).max_request_attempts(1).lease_mode(mode)
        });
        let sweep_with = |fault: &dyn Fn()| {
            world.deposit(1);
            fault();
            let _ = world.postbox.sweep();
            world.faults.heal();
            world.sent().len()
        };
        let taken = || world.faults.when(|request| is_take(request).then_some(Fault::AnswerLost));
        assert_eq!(sweep_with(&taken), 0, "{mode:?}");
        let released = || world.faults.always("DeleteItem", Fault::RequestLost);
        assert_eq!(sweep_with(&|| {}), 2, "{mode:?}");
        assert_eq!(sweep_with(&released), 3, "{mode:?}");
        assert_eq!(sweep_with(&|| {}), 4, "{mode:?}");
        let ended = || world.faults.when(|request| is_pause(request).then(Fault::expired_token));
        assert_eq!(sweep_with(&ended), 5, "{mode:?}");
        assert_eq!(sweep_with(&|| {}), 6, "{mode:?}");
    }
}

#[test]
fn the_length_of_a_lease_is_a_setting() {
    for lease_ms in [5000, 60_000] {
        let world = TestOutbox::configured(|builder| {
            builder.sweep_min_age(Duration::from_millis(0)).lease_duration(Duration::from_millis(lease_ms))
        });
        world.deposit(1);
        let _ = world.postbox.sweep().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let expiry = expiry_of(&world);
        assert!((now..=now + lease_ms).contains(&expiry) && expiry + 2000 > now + lease_ms, "{expiry} {now}");
        let take = world.faults.requests().into_iter().find(is_take).unwrap();
        let taken_from: u64 = take.body["ExpressionAttributeValues"][":past"]["N"].as_str().unwrap().parse().unwrap();
        // A lease is taken only if it expired before `:past`, which allows for this difference between the clocks of
        // two machines.
        assert_eq!(expiry - lease_ms - taken_from, 5000.min(lease_ms / 12));
    }
    assert!(Postbox::builder().embedded_path(":memory:").lease_duration(Duration::from_millis(999)).open().is_err());
}

/// Writes the item of the lease.
fn put_lease(postbox: &Postbox, lease: postbox::Item) {
    sdk(postbox, |client| async move { client.put_item().table_name(LOCKS).set_item(Some(lease)).send().await });
}

fn unix_ms_in(time: Duration) -> AttributeValue {
    number((SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + time).as_millis())
}

/// The table contains a later end than the holder would write, for example because the clock of the holder was set back.
#[test]
fn a_renewal_does_not_shorten_a_lease() {
    let far = unix_ms_in(Duration::from_secs(600));
    let later = far.clone();
    let seen = Arc::new(Mutex::new(None));
    let other = Arc::new(OnceLock::<Postbox>::new());
    let (noted, reader) = (Arc::clone(&seen), Arc::clone(&other));
    let world = TestOutbox::configured(|builder| {
        short(builder).default_producer(producer_fn(move |message| {
            let reader = reader.get().unwrap();
            let mut item = lease(reader).unwrap();
            if message.body() == b"0" {
                item.insert("LeaseExpiry".into(), later.clone());
                put_lease(reader, item);
                // This takes longer than a third of the lease, so the lease is renewed before the next message is sent.
                std::thread::sleep(LEASE * 2 / 5);
            } else {
                *noted.lock().unwrap() = item.remove("LeaseExpiry");
            }
            SendOutcome::Sent
        }))
    });
    assert!(other.set(world.another()).is_ok());
    world.deposit(2);
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.dispatched, report.lease), (2, LeaseStatus::Held));
    assert!(world.faults.requests().iter().any(is_renewal));
    assert_eq!(*seen.lock().unwrap(), Some(far));
}

#[test]
fn a_renewal_that_arrives_after_the_release_has_no_effect() {
    let world = TestOutbox::configured(|builder| {
        short(builder)
            .lease_mode(LeaseMode::PerShard)
            .attempt_timeout(Duration::from_millis(100))
            .default_producer(slow(LEASE * 2 / 5))
    });
    let (from, arrived) = (Gate::new(), Gate::new());
    let mut late = Some(Fault::Late { from: from.clone(), arrived: arrived.clone() });
    world.faults.when(move |request| if is_renewal(request) { late.take() } else { None });
    world.deposit(2);
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 2);
    let renewals: Vec<Request> = world.faults.requests().into_iter().filter(is_renewal).collect();
    assert!(renewals.len() >= 2, "the first renewal is repeated");
    let key = item([("ResourceId", text(renewals[0].body["Key"]["ResourceId"]["S"].as_str().unwrap()))]);
    let read = || world.postbox.get_item(LOCKS, key.clone()).unwrap();
    assert_eq!(read(), None, "the lease is released");
    from.open();
    world.postbox.block_on(move |_| async move { arrived.pass().await }).unwrap();
    assert_eq!(read(), None);
}

#[test]
fn a_single_lease_with_an_invalid_end_is_ignored_and_listed() {
    for end in [Some(unix_ms_in(Duration::from_secs(10 * 365 * 24 * 3600))), None] {
        let world = TestOutbox::configured(short);
        world.deposit(1);
        let _ = world.postbox.sweep().unwrap();
        let mut invalid = item([("ResourceId", text(RESOURCE)), ("LockId", text("a wrong clock"))]);
        invalid.extend(end.map(|end| ("LeaseExpiry".to_owned(), end)));
        put_lease(&world.postbox, invalid);
        assert_eq!(world.postbox.leases().unwrap()[0].holder, "a wrong clock");
        world.deposit(1);
        let (other, others) = another_machine(&world);
        assert_eq!(other.sweep().unwrap().lease, LeaseStatus::Held);
        assert_eq!(others.sent().len(), 1);
    }
}

#[test]
fn a_new_topic_is_sent_while_a_producer_hangs_for_longer_than_the_lease() {
    const SHORTEST: Duration = Duration::from_millis(1000);
    for mode in [LeaseMode::Single, LeaseMode::PerShard] {
        let (began, begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let (began, released) = (Mutex::new(began), Mutex::new(released));
        let world = TestOutbox::configured(|builder| {
            short(builder)
                .lease_duration(SHORTEST)
                .lease_mode(mode)
                .sweep_interval(Duration::from_millis(20))
                .default_producer(producer_fn(move |message| {
                    began.lock().unwrap().send(message.topic().to_owned()).unwrap();
                    if message.topic() == "hangs" {
                        let _ = released.lock().unwrap().recv();
                    }
                    SendOutcome::Sent
                }))
        });
        world.postbox.deposit_post(Message::new("hangs", "x")).unwrap();
        world.postbox.start_sweeper().unwrap();
        assert_eq!(begun.recv_timeout(TEST_TIMEOUT).unwrap(), "hangs");
        std::thread::sleep(SHORTEST * 11 / 10);
        world.postbox.deposit_post(Message::new("new", "x")).unwrap();
        assert_eq!(begun.recv_timeout(TEST_TIMEOUT).unwrap(), "new", "{mode:?}");
        drop(release);
    }
}

#[test]
fn a_close_that_gives_up_gives_back_the_leases() {
    for mode in [LeaseMode::Single, LeaseMode::PerShard] {
        for closes_in_producer in [false, true] {
            let world = TestOutbox::configured(|builder| short(builder).lease_mode(mode));
            world.deposit(3);
            let (began, begun) = mpsc::channel();
            let (release, released) = mpsc::channel::<()>();
            let (began, released) = (Mutex::new(began), Mutex::new(released));
            let client = Arc::new(OnceLock::<Postbox>::new());
            let inside = Arc::downgrade(&client);
            let hang = producer_fn(move |_| {
                if closes_in_producer {
                    let closed = inside.upgrade().unwrap().get().unwrap().close_within(Duration::ZERO);
                    assert_eq!(closed.unwrap_err().code(), ErrorCode::ReentrantCall);
                }
                began.lock().unwrap().send(()).unwrap();
                let _ = released.lock().unwrap().recv();
                SendOutcome::Sent
            });
            let builder = short(Postbox::builder()).lease_mode(mode).default_producer(hang);
            client.set(world.backend.open(builder, &world.backend.faults())).unwrap();
            let client_of_sweeper = client.get().unwrap();
            client_of_sweeper.start_sweeper().unwrap();
            begun.recv_timeout(TEST_TIMEOUT).unwrap();
            if !closes_in_producer {
                assert!(!world.postbox.leases().unwrap().is_empty());
                let closed = client_of_sweeper.close_within(Duration::ZERO);
                assert_eq!(closed.unwrap_err().code(), ErrorCode::Timeout);
            }
            assert_eq!(world.postbox.leases().unwrap().len(), 0, "{mode:?}, {closes_in_producer}");
            assert_eq!(world.postbox.sweep().unwrap().dispatched, 3);
            drop(release);
        }
    }
}
