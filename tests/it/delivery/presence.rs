//! The processes that sweep an outbox, as operators see them.

use crate::support::fault::{Fault, Request};
use crate::support::processes::in_own_process;
use crate::support::trace_recorder::TraceRecorder;
use crate::support::{LOCKS, TEST_TIMEOUT, TestOutbox, eager, item, number, sdk, text, wait_until};
use postbox::{Message, MessageState, Postbox, SendOutcome, producer_fn};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, SystemTime};

fn is_shown(request: &Request) -> bool {
    request.body["ExpressionAttributeValues"][":LastSweep"].is_object()
}

/// Returns the number of requests that record a sweep in the table, for operators.
fn shown(world: &TestOutbox) -> usize {
    world.faults.requests().iter().filter(|request| is_shown(request)).count()
}

#[test]
fn a_process_shows_that_it_sweeps_and_that_it_stopped() {
    let world = TestOutbox::configured(eager);
    assert!(world.postbox.sweepers().unwrap().is_empty());
    world.deposit(1);
    let _ = world.postbox.sweep().unwrap();
    let [sweeper] = world.postbox.sweepers().unwrap().try_into().unwrap();
    assert!(sweeper.holder.ends_with(&format!(" {}", std::process::id())), "{sweeper:?}");
    assert_eq!(
        (sweeper.version.as_str(), sweeper.topics.as_slice()),
        (env!("CARGO_PKG_VERSION"), &["*".to_owned()][..])
    );
    assert_eq!((sweeper.last_success, sweeper.last_error, sweeper.stopped_at), (Some(sweeper.last_sweep), None, None));
    assert!(sweeper.last_sweep.elapsed().unwrap() < Duration::from_secs(60));
    // Leases and sweeping processes are stored in one table, but each list shows only its own kind.
    assert!(world.postbox.leases().unwrap().iter().all(|lease| !lease.resource.contains("Sweeper_")));
    let reader = world.another();
    world.postbox.start_sweeper().unwrap();
    world.postbox.close().unwrap();
    let stopped = &reader.sweepers().unwrap()[0];
    assert!(stopped.stopped_at.is_some());
    assert_eq!(stopped.last_sweep, sweeper.last_sweep, "the end is not a sweep");
}

#[test]
fn a_sweep_that_still_runs_is_shown() {
    let (hold, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let world = TestOutbox::configured(|builder| {
        eager(builder).default_producer(producer_fn(move |message| {
            if message.topic() == "slow" {
                // The wait ends when `hold` is dropped.
                let _ = held.lock().unwrap().recv_timeout(TEST_TIMEOUT);
            }
            SendOutcome::Sent
        }))
    });
    let _ = world.postbox.deposit_posts(&[Message::new("slow", "x"), Message::new("fast", "x")]).unwrap();
    let reader = world.another();
    std::thread::scope(|scope| {
        let sweep = scope.spawn(|| world.postbox.sweep().unwrap());
        wait_until("the sweep is not shown", || !reader.sweepers().unwrap().is_empty());
        drop(hold);
        assert_eq!(sweep.join().unwrap().dispatched, 2);
    });
}

#[test]
fn idle_sweeps_write_nothing() {
    let world = TestOutbox::configured(eager);
    world.deposit(1);
    let _ = world.postbox.sweep().unwrap();
    world.faults.forget();
    for _ in 0..5 {
        let _ = world.postbox.sweep().unwrap();
    }
    assert_eq!(world.faults.operations(), ["Scan"; 5]);
}

#[test]
fn a_sweep_that_begins_to_fail_is_shown_with_its_reason() {
    let world = TestOutbox::configured(|builder| eager(builder).max_request_attempts(1));
    world.deposit(1);
    let _ = world.postbox.sweep().unwrap();
    world.faults.forget();
    world.faults.always("Scan", Fault::access_denied());
    for _ in 0..3 {
        assert!(world.postbox.sweep().is_err());
    }
    assert_eq!(shown(&world), 1);
    world.faults.heal();
    let [sweeper] = world.postbox.sweepers().unwrap().try_into().unwrap();
    assert!(sweeper.last_error.unwrap().contains("not authorized"));
    assert!(sweeper.last_success.unwrap() < sweeper.last_sweep);
    let _ = world.postbox.sweep().unwrap();
    assert_eq!(world.postbox.sweepers().unwrap()[0].last_error, None);
}

#[test]
fn marks_that_fail_are_shown_as_the_reason_of_a_failed_sweep() {
    let world = TestOutbox::configured(|builder| eager(builder).sweep_interval(Duration::from_millis(10)));
    let ids = world.deposit(1);
    world.faults.always("BatchExecuteStatement", Fault::expired_token());
    world.postbox.start_sweeper().unwrap();
    let has_reason = |error: Option<String>| {
        error.is_some_and(|error| error.contains("cannot be marked") && error.contains("ExpiredTokenException"))
    };
    wait_until("the statistics show the reason", || has_reason(world.postbox.stats().last_error));
    let stats = world.postbox.stats();
    assert!(stats.marks_fail && stats.background_failures > 0, "{stats:?}");
    wait_until("the lock table shows the reason", || {
        world.postbox.sweepers().unwrap().pop().is_some_and(|sweeper| has_reason(sweeper.last_error))
    });

    world.faults.heal();
    wait_until("the message is marked", || {
        world.postbox.get_message(&ids[0]).unwrap().unwrap().state == MessageState::Dispatched
    });
    assert_eq!(world.sent(), ["0"]);
    wait_until("a sweep succeeds", || world.postbox.sweepers().unwrap()[0].last_error.is_none());
}

#[test]
fn a_process_that_did_not_sweep_for_a_day_is_forgotten() {
    let world = TestOutbox::configured(eager);
    world.deposit(1);
    let _ = world.postbox.sweep().unwrap();
    let long_ago = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() - Duration::from_secs(25 * 3600);
    let key = [("ResourceId", text("brighter_outbox_Sweeper_gone"))];
    let [resource] = key.clone();
    let old = item([resource, ("Holder", text("gone 1")), ("LastSweep", number(long_ago.as_millis()))]);
    sdk(&world.postbox, |client| async move { client.put_item().table_name(LOCKS).set_item(Some(old)).send().await });
    assert_eq!(world.postbox.sweepers().unwrap().len(), 1);
    assert_eq!(world.postbox.get_item(LOCKS, item(key)).unwrap(), None);
}

#[test]
fn a_depositing_process_logs_one_warning_without_sweepers() {
    in_own_process(|| {
        let recorder = TraceRecorder::install();
        let warnings = || recorder.lines().iter().filter(|line| line.contains("has swept this outbox")).count();
        let world = TestOutbox::configured(|builder| builder.sweep_interval(Duration::from_millis(10)));
        while warnings() < 1 {
            world.deposit(1);
        }
        world.deposit(1);
        world.postbox.close().unwrap();
        assert_eq!((warnings(), world.faults.count("Scan")), (1, 1));

        // No warning appears if another process has swept.
        let faults = world.backend.faults();
        let other = world.backend.open(eager(Postbox::builder().default_producer(world.producer.clone())), &faults);
        assert!(other.sweep().unwrap().dispatched > 0);
        faults.forget();
        let builder = Postbox::builder().sweep_interval(Duration::from_millis(10));
        let depositor = world.backend.open(builder, &faults);
        while faults.count("Scan") < 1 {
            depositor.deposit_post(Message::new("t", "x")).unwrap();
        }
        depositor.close().unwrap();
        assert_eq!(warnings(), 1);
    });
}
