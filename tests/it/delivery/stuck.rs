//! Producers that do not return: what happens to their messages, to their lane, and to the other topics.

use crate::support::{TestOutbox, take_lease, wait_until};
use postbox::{Builder, LeaseMode, MemoryProducer, Message, MessageState, Postbox, Producer, SendOutcome, producer_fn};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, SystemTime};

/// Configures sweeps at short intervals with leases of a second, so that a call counts as stuck after half a second.
fn eager(builder: Builder) -> Builder {
    builder
        .number_of_shards(1)
        .sweep_min_age(Duration::ZERO)
        .sweep_interval(Duration::from_millis(10))
        .lease_duration(Duration::from_secs(1))
}

/// Creates a producer that does not return for the body "stuck" until the returned sender is dropped. Also returns the
/// bodies that it sends.
fn producer_that_hangs() -> (impl Producer, Arc<Mutex<Vec<String>>>, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (released, sent) = (Arc::new(Mutex::new(released)), Arc::<Mutex<Vec<String>>>::default());
    let bodies = Arc::clone(&sent);
    let producer = producer_fn(move |message: &Message| {
        let body = String::from_utf8_lossy(message.body()).into_owned();
        if body == "stuck" {
            let _ = released.lock().unwrap().recv();
        }
        bodies.lock().unwrap().push(body);
        SendOutcome::Sent
    });
    (producer, sent, release)
}

fn state(world: &TestOutbox, id: &str) -> MessageState {
    world.postbox.get_message(id).unwrap().unwrap().state
}

/// Waits until a failed attempt is stored with the message.
fn wait_for_failure(postbox: &Postbox, id: &str) {
    wait_until("no failure is stored", || postbox.get_message(id).unwrap().unwrap().dispatch_attempts == 1);
}

#[test]
fn other_topics_are_sent_while_a_producer_does_not_return() {
    let (producer, sent, release) = producer_that_hangs();
    let world = TestOutbox::configured(|builder| eager(builder).default_producer(producer));
    let stuck = world.postbox.deposit_post(Message::new("slow", "stuck")).unwrap();
    world.postbox.start_sweeper().unwrap();
    wait_for_failure(&world.postbox, &stuck);
    let info = world.postbox.get_message(&stuck).unwrap().unwrap();
    let wait = info.next_attempt_at.unwrap().duration_since(SystemTime::now()).unwrap();
    assert!((250..310).contains(&wait.as_secs()), "{wait:?}");
    assert_eq!(info.last_error.as_deref(), Some("the producer did not return within 500 ms"));
    for n in 0..3 {
        // The sweeper must find each message although a call of a producer occupies one of its threads.
        world.postbox.deposit_post(Message::new("fast", n.to_string())).unwrap();
        wait_until("the other topic is not sent", || sent.lock().unwrap().len() == n + 1);
    }
    drop(release);
    wait_until("it is not marked", || state(&world, &stuck) == MessageState::Dispatched);
    assert_eq!(sent.lock().unwrap().iter().filter(|body| *body == "stuck").count(), 1, "it is sent once");
}

#[test]
fn another_process_sends_the_rest_of_a_lane_whose_producer_does_not_return() {
    for mode in [LeaseMode::Single, LeaseMode::PerShard] {
        let (producer, sent, release) = producer_that_hangs();
        let configure = |builder| eager(builder).lease_mode(mode).breaker_cooldown(Duration::from_millis(60));
        let world = TestOutbox::configured(|builder| configure(builder).default_producer(producer));
        let ids = ["stuck", "1", "2"].map(|body| world.postbox.deposit_post(Message::new("slow", body)).unwrap());
        world.postbox.start_sweeper().unwrap();
        wait_for_failure(&world.postbox, &ids[0]);
        let others = MemoryProducer::new();
        let other = world.backend.open(configure(Postbox::builder()).default_producer(others.clone()), &world.faults);
        wait_until("the rest is not sent", || {
            let _ = other.sweep().unwrap();
            others.sent().len() == 2
        });
        assert!(sent.lock().unwrap().is_empty());
        drop(release);
        wait_until("it is not marked", || state(&world, &ids[0]) == MessageState::Dispatched);
        assert_eq!(others.sent().len(), 2, "the message of the stuck call waits: {mode:?}");
    }
}

/// A sweep cannot end while a producer is stuck, so it continues even after it loses its lease.
#[test]
fn a_lease_that_is_lost_while_a_producer_is_stuck_does_not_stop_the_sweeper() {
    let (hanging, _, release) = producer_that_hangs();
    let (sent, robber) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(OnceLock::<Postbox>::new()));
    let (bodies, robbing) = (Arc::clone(&sent), Arc::clone(&robber));
    let fast = producer_fn(move |message: &Message| {
        if bodies.lock().unwrap().is_empty() {
            take_lease(robbing.get().unwrap(), "brighter_outbox_OutboxSweeper", Duration::from_millis(10));
            // This takes longer than a third of the lease, after which a renewal is due.
            std::thread::sleep(Duration::from_millis(400));
        }
        bodies.lock().unwrap().push(String::from_utf8_lossy(message.body()).into_owned());
        SendOutcome::Sent
    });
    let world = TestOutbox::configured(|builder| eager(builder).producer("slow", hanging).producer("fast", fast));
    let _ = robber.set(world.another());
    let stuck = world.postbox.deposit_post(Message::new("slow", "stuck")).unwrap();
    world.postbox.start_sweeper().unwrap();
    wait_for_failure(&world.postbox, &stuck);
    for (count, body) in [(1, "robbed"), (2, "after")] {
        world.postbox.deposit_post(Message::new("fast", body)).unwrap();
        wait_until(body, || sent.lock().unwrap().len() >= count);
    }
    drop(release);
}

/// After half a lease, the failed attempt of a stuck call is stored with its message. Otherwise each process in turn
/// would send the message and wait for its producer.
#[test]
fn a_message_whose_producer_never_returns_is_parked_in_the_end() {
    let (producer, _, release) = producer_that_hangs();
    let configure = |builder| eager(builder).max_dispatch_attempts(1).park_min_age(Duration::ZERO);
    let world = TestOutbox::configured(|builder| configure(builder).default_producer(producer));
    let stuck = world.postbox.deposit_post(Message::new("slow", "stuck")).unwrap();
    world.postbox.start_sweeper().unwrap();
    wait_until("it is not parked", || state(&world, &stuck) == MessageState::Parked);
    drop(release);
    wait_until("it is not marked", || state(&world, &stuck) == MessageState::Dispatched);
}
