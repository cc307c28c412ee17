//! Messages that are sent after a commit without a call of clear, and marks that are written in the background.

use crate::support::fault::{Fault, Gate};
use crate::support::{TEST_TIMEOUT, TestOutbox, outcomes};
use postbox::{
    Builder, ClearMarks, DispatchOutcome, ErrorCode, Message, MessageState, Postbox, SendOutcome, producer_fn,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

/// Returns settings with which the periodic sweep finds no message that is old enough, and a channel of the sent
/// bodies.
fn reporting() -> (impl Fn(Builder) -> Builder, Receiver<String>) {
    let (sent, messages) = mpsc::channel();
    let sent = Arc::new(Mutex::new(sent));
    let configure = move |builder: Builder| {
        let sent = Arc::clone(&sent);
        builder.sweep_interval(Duration::from_secs(3600)).default_producer(producer_fn(move |message| {
            sent.lock().unwrap().send(String::from_utf8_lossy(message.body()).into_owned()).unwrap();
            SendOutcome::Sent
        }))
    };
    (configure, messages)
}

fn commit(postbox: &Postbox, body: &str) -> String {
    let mut work = postbox.unit_of_work();
    let id = work.deposit_post(Message::new("t", body)).unwrap();
    work.commit().unwrap();
    id
}

fn wait_for_state(postbox: &Postbox, id: &str, state: MessageState) {
    let deadline = Instant::now() + TEST_TIMEOUT;
    while postbox.get_message(id).unwrap().unwrap().state != state {
        assert!(Instant::now() < deadline, "message {id} is not {state:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn committed_messages_are_sent_without_being_asked_for() {
    let (configure, sent) = reporting();
    let world = TestOutbox::configured(|builder| configure(builder).dispatch_after_commit(true));
    let early = commit(&world.postbox, "before the sweeper is started");
    world.postbox.start_sweeper().unwrap();
    world.faults.forget();
    let id = commit(&world.postbox, "now");
    assert_eq!(sent.recv_timeout(TEST_TIMEOUT).unwrap(), "now");
    wait_for_state(&world.postbox, &id, MessageState::Dispatched);
    assert_eq!(world.faults.count("BatchGetItem"), 0, "it is sent from memory");
    assert_eq!(world.postbox.get_message(&early).unwrap().unwrap().state, MessageState::Outstanding);
    // A unit that is rolled back leaves nothing to send.
    let mut work = world.postbox.unit_of_work();
    work.deposit_post(Message::new("t", "rolled back")).unwrap();
    work.rollback().unwrap();
    world.postbox.stop_sweeper().unwrap();
    commit(&world.postbox, "after the sweeper was stopped");
    assert!(sent.try_recv().is_err());
}

#[test]
fn a_producer_of_a_committed_message_that_stops_the_sweeper_does_not_wait_for_itself() {
    let (stopped, stops) = mpsc::channel();
    let (stopped, own) = (Mutex::new(stopped), Arc::new(OnceLock::<Weak<Postbox>>::new()));
    let postbox = Arc::clone(&own);
    let producer = producer_fn(move |_| {
        let stop = postbox.get().unwrap().upgrade().unwrap().stop_sweeper();
        stopped.lock().unwrap().send(stop.unwrap_err().code()).unwrap();
        SendOutcome::Sent
    });
    let world = TestOutbox::configured(|builder| {
        builder.dispatch_after_commit(true).close_timeout(TEST_TIMEOUT * 10).default_producer(producer)
    });
    let postbox = Arc::new(world.postbox);
    own.set(Arc::downgrade(&postbox)).unwrap();
    postbox.start_sweeper().unwrap();
    let id = commit(&postbox, "stops");
    assert_eq!(stops.recv_timeout(TEST_TIMEOUT).unwrap(), ErrorCode::ReentrantCall);
    postbox.stop_sweeper().unwrap();
    wait_for_state(&postbox, &id, MessageState::Dispatched);
}

#[test]
fn messages_of_a_foreign_transaction_are_sent_when_they_are_named() {
    let (configure, sent) = reporting();
    let world = TestOutbox::configured(&configure);
    world.postbox.start_sweeper().unwrap();
    let id = world.another().deposit_post(Message::new("t", "foreign")).unwrap();
    world.postbox.notify_committed(&[id.as_str(), "nobody"]).unwrap();
    assert_eq!(sent.recv_timeout(TEST_TIMEOUT).unwrap(), "foreign");
    wait_for_state(&world.postbox, &id, MessageState::Dispatched);
    world.postbox.close().unwrap();
    assert_eq!(world.postbox.notify_committed(&[id]).unwrap_err().code(), ErrorCode::Closed);
}

#[test]
fn a_failing_or_panicking_producer_leaves_committed_messages_to_the_sweeps() {
    let calls = AtomicUsize::new(0);
    let (sent, messages) = mpsc::channel();
    let producer = producer_fn(move |message| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => panic!("the first call fails"),
        1 => SendOutcome::Retry("so does the second".into()),
        _ => {
            sent.send(message.id().to_owned()).unwrap();
            SendOutcome::Sent
        }
    });
    let world = TestOutbox::configured(|builder| {
        builder.sweep_interval(Duration::from_millis(20)).dispatch_after_commit(true).default_producer(producer)
    });
    world.postbox.start_sweeper().unwrap();
    let ids: Vec<String> = (0..3).map(|n| commit(&world.postbox, &n.to_string())).collect();
    assert_eq!(messages.recv_timeout(TEST_TIMEOUT).unwrap(), ids[2], "the thread continues");
    wait_for_state(&world.postbox, &ids[0], MessageState::Dispatched);
    wait_for_state(&world.postbox, &ids[1], MessageState::Dispatched);
}

#[test]
fn a_clear_returns_before_its_background_marks() {
    let (configure, sent) = reporting();
    let world = TestOutbox::configured(|builder| configure(builder).clear_marks(ClearMarks::Background));
    let gate = Gate::new();
    let id = commit(&world.postbox, "marked later");
    world.faults.always("BatchExecuteStatement", Fault::Wait(gate.clone()));
    let report = world.postbox.clear_outbox(&[id.as_str()]).unwrap();
    assert_eq!(outcomes(&report), [DispatchOutcome::Dispatched]);
    assert!(report.entries()[0].detail.contains("background"), "{report:?}");
    assert_eq!(sent.recv_timeout(TEST_TIMEOUT).unwrap(), "marked later");
    assert_eq!(world.postbox.get_message(&id).unwrap().unwrap().state, MessageState::Outstanding);
    // Until the message is marked, this process does not send it again.
    assert_eq!(outcomes(&world.postbox.clear_outbox(&[id.as_str()]).unwrap()), [DispatchOutcome::InProgress]);
    gate.open();
    wait_for_state(&world.postbox, &id, MessageState::Dispatched);
    assert!(sent.try_recv().is_err());
}

#[test]
fn close_waits_for_the_background_marks() {
    let (configure, _sent) = reporting();
    let world = TestOutbox::configured(|builder| configure(builder).clear_marks(ClearMarks::Background));
    let ids: Vec<String> = (0..30).map(|n| commit(&world.postbox, &n.to_string())).collect();
    world.faults.next_times(2, "BatchExecuteStatement", Fault::Delay(Duration::from_millis(200)));
    let _ = world.postbox.clear_outbox(&ids).unwrap();
    world.postbox.close().unwrap();
    let other = world.another();
    assert!(ids.iter().all(|id| other.get_message(id).unwrap().unwrap().state == MessageState::Dispatched));
}

#[test]
fn close_waits_for_the_marks_of_a_clear_that_is_ending() {
    let (began, begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (began, released) = (Mutex::new(began), Mutex::new(released));
    let world = TestOutbox::configured(|builder| {
        builder.clear_marks(ClearMarks::Background).default_producer(producer_fn(move |_| {
            began.lock().unwrap().send(()).unwrap();
            let _ = released.lock().unwrap().recv();
            SendOutcome::Sent
        }))
    });
    let id = commit(&world.postbox, "x");
    std::thread::scope(|scope| {
        let clear = scope.spawn(|| world.postbox.clear_outbox(&[id.as_str()]).unwrap());
        begun.recv_timeout(TEST_TIMEOUT).unwrap();
        let close = scope.spawn(|| world.postbox.close());
        drop(release);
        close.join().unwrap().unwrap();
        assert!(clear.join().unwrap().is_success());
    });
    assert_eq!(world.another().get_message(&id).unwrap().unwrap().state, MessageState::Dispatched);
}

#[test]
fn close_reports_the_marks_that_are_missing() {
    let (configure, _sent) = reporting();
    let world = TestOutbox::configured(|builder| {
        configure(builder).clear_marks(ClearMarks::Background).close_timeout(Duration::from_millis(100))
    });
    let id = commit(&world.postbox, "x");
    let gate = Gate::new();
    world.faults.always("BatchExecuteStatement", Fault::Wait(gate.clone()));
    let _ = world.postbox.clear_outbox(&[id]).unwrap();
    let error = world.postbox.close().unwrap_err();
    assert_eq!(error.code(), ErrorCode::MarkIncomplete, "{error}");
    assert!(error.message().contains("sent and not marked: 1"), "{error}");
    gate.open();
}

#[test]
fn messages_that_were_read_are_marked_before_a_clear_returns() {
    let (configure, _sent) = reporting();
    let world = TestOutbox::configured(|builder| configure(builder).clear_marks(ClearMarks::Background));
    let id = world.another().deposit_post(Message::new("t", "of another process")).unwrap();
    assert_eq!(outcomes(&world.postbox.clear_outbox(&[id.as_str()]).unwrap()), [DispatchOutcome::Dispatched]);
    assert_eq!(world.postbox.get_message(&id).unwrap().unwrap().state, MessageState::Dispatched);
}

#[test]
fn background_marks_require_time_before_a_sweep() {
    let error = Postbox::builder()
        .embedded_path(":memory:")
        .clear_marks(ClearMarks::Background)
        .sweep_min_age(Duration::from_millis(4000))
        .open()
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidSetting);
    assert!(error.message().contains("sweep_min_age_ms (4000)"), "{error}");
}
