//! Many confirmations share the requests that mark, read and record messages. Each message has the same result as if it
//! were confirmed alone.

use crate::support::fault::{Fault, Gate};
use crate::support::*;
use postbox::{DispatchOutcome, ErrorCode, Message, MessageState, Postbox, SendOutcome, producer_fn};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const WRITE: &str = "BatchExecuteStatement";
const READ: &str = "BatchGetItem";

/// An outbox with messages that the producer accepted.
fn accepted(count: usize) -> (TestOutbox, Vec<String>) {
    let world = TestOutbox::configured(|builder| {
        builder.max_request_attempts(1).default_producer(producer_fn(|_| SendOutcome::Accepted))
    });
    let ids = world.deposit(count);
    world.clear(&ids);
    world.faults.forget();
    (world, ids)
}

fn state(postbox: &Postbox, id: &str) -> MessageState {
    postbox.get_message(id).unwrap().unwrap().state
}

/// Returns the number of statements of each write, in ascending order.
fn statements(world: &TestOutbox) -> Vec<usize> {
    let bodies = world.faults.bodies(WRITE);
    let mut counts: Vec<usize> = bodies.iter().map(|body| body["Statements"].as_array().unwrap().len()).collect();
    counts.sort_unstable();
    counts
}

fn all<'i>(ids: &'i [String], outcome: &SendOutcome) -> Vec<(&'i String, SendOutcome)> {
    ids.iter().map(|id| (id, outcome.clone())).collect()
}

#[test]
fn confirmed_messages_are_marked_25_in_a_request() {
    let (world, ids) = accepted(60);
    world.postbox.confirm_many(&all(&ids, &SendOutcome::Sent)).unwrap();
    // Two requests start at once, and the third one marks the remaining messages.
    assert_eq!((statements(&world).iter().sum::<usize>(), world.faults.count(WRITE)), (60, 3));
    assert!(ids.iter().all(|id| state(&world.postbox, id) == MessageState::Dispatched));
    assert_eq!(world.outcomes(&ids[..1]), [DispatchOutcome::AlreadyDispatched]);
}

#[test]
fn confirmations_of_concurrent_callers_share_requests() {
    let (world, ids) = accepted(64);
    let (gate, started) = (Gate::new(), AtomicUsize::new(0));
    world.faults.next_times(2, WRITE, Fault::Wait(gate.clone()));
    std::thread::scope(|scope| {
        for id in &ids {
            scope.spawn(|| {
                started.fetch_add(1, Ordering::Relaxed);
                world.postbox.confirm(id, SendOutcome::Sent).unwrap();
            });
        }
        wait_until("the callers do not confirm", || {
            started.load(Ordering::Relaxed) == 64 && world.faults.count(WRITE) >= 2
        });
        gate.open();
    });
    assert!(world.faults.count(WRITE) <= 16, "{}", world.faults.count(WRITE));
    assert!(ids.iter().all(|id| state(&world.postbox, id) == MessageState::Dispatched));
}

#[test]
fn failed_attempts_are_read_and_recorded_in_batches() {
    let (world, ids) = accepted(30);
    let (lost, refused) = ids.split_at(28);
    let mut outcomes = all(lost, &SendOutcome::Retry("lost".into()));
    outcomes.push((&refused[0], SendOutcome::Reject("too large".into())));
    outcomes.push((&refused[1], SendOutcome::Unavailable("no leader".into())));
    world.postbox.confirm_many(&outcomes).unwrap();
    assert_eq!((world.faults.count(READ), statements(&world)), (1, vec![5, 25]));
    assert_eq!(state(&world.postbox, &refused[0]), MessageState::Parked);
    for (id, error) in lost.iter().map(|id| (id, "lost")).chain([(&refused[1], "no leader")]) {
        let stored = world.postbox.get_message(id).unwrap().unwrap();
        assert_eq!((stored.state, stored.last_error.as_deref()), (MessageState::Outstanding, Some(error)));
    }
}

#[test]
fn a_target_that_rejects_everything_parks_nothing() {
    let (world, ids) = accepted(7);
    let refused = SendOutcome::Reject("the queue refuses".into());
    world.postbox.confirm_many(&all(&ids[..3], &refused)).unwrap();
    assert!(ids.iter().all(|id| state(&world.postbox, id) == MessageState::Outstanding));
    // A sent message shows that the transport works.
    let mut outcomes = all(&ids[3..6], &refused);
    outcomes.push((&ids[6], SendOutcome::Sent));
    world.postbox.confirm_many(&outcomes).unwrap();
    assert!(ids[3..6].iter().all(|id| state(&world.postbox, id) == MessageState::Parked));
}

#[test]
fn an_unrecorded_confirmation_has_a_reason_and_stops_no_other() {
    let (world, ids) = accepted(4);
    let reasons = |error: &postbox::Error| -> Vec<(usize, String)> {
        error.reasons().iter().map(|reason| (reason.index, reason.code.clone())).collect()
    };
    let outcomes =
        [("unknown", SendOutcome::Sent), (&ids[0], SendOutcome::Sent), ("", SendOutcome::Sent), ("?", retry())];
    let error = world.postbox.confirm_many(&outcomes).unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::MarkIncomplete, false));
    assert_eq!(reasons(&error), [(0, "NotFound".into()), (2, "NotFound".into())]);
    assert!(error.message().contains("2 of 4"), "{error}");
    assert_eq!(state(&world.postbox, &ids[0]), MessageState::Dispatched);

    world.faults.next(WRITE, Fault::server_error());
    world.faults.next(READ, Fault::server_error());
    let outcomes = [(&ids[1], retry()), (&ids[2], SendOutcome::Sent)];
    let error = world.postbox.confirm_many(&outcomes).unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::MarkIncomplete, true));
    assert_eq!(reasons(&error), [(0, "ReadFailed".into()), (1, "MarkFailed".into())]);
    assert_eq!(world.outcomes(&ids[2..3]), [DispatchOutcome::InProgress], "it is not sent again before its mark");
    world.postbox.confirm_many(&outcomes).unwrap();
    assert_eq!(state(&world.postbox, &ids[2]), MessageState::Dispatched);
}

#[test]
fn an_id_that_is_passed_twice_is_confirmed_once() {
    let (world, ids) = accepted(2);
    let outcomes = [
        (&ids[0], SendOutcome::Reject("no".into())),
        (&ids[0], SendOutcome::Sent),
        (&ids[1], retry()),
        (&ids[1], SendOutcome::Reject("no".into())),
        (&ids[0], SendOutcome::Sent),
    ];
    world.postbox.confirm_many(&outcomes).unwrap();
    assert_eq!(statements(&world), [1, 1]);
    assert_eq!(state(&world.postbox, &ids[0]), MessageState::Dispatched);
    assert_eq!(state(&world.postbox, &ids[1]), MessageState::Outstanding);
}

#[test]
fn an_outcome_that_confirms_nothing_is_rejected_before_any_request() {
    let (world, ids) = accepted(2);
    let error = world.postbox.confirm(&ids[1], SendOutcome::Accepted).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    let outcomes = [(&ids[0], SendOutcome::Sent), (&ids[1], SendOutcome::Accepted)];
    let error = world.postbox.confirm_many(&outcomes).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert!(error.message().contains(&ids[1]), "{error}");
    world.postbox.confirm_many(&[] as &[(&str, SendOutcome)]).unwrap();
    assert_eq!(world.faults.requests().len(), 0);
    world.postbox.close().unwrap();
    let error = world.postbox.confirm_many(&[(&ids[0], SendOutcome::Sent)]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Closed);
}

#[test]
fn a_failed_message_is_free_to_be_sent_again() {
    let world = TestOutbox::configured(|builder| builder.dispatch_retry_delay(Duration::ZERO));
    world.producer.answer_next(SendOutcome::Accepted);
    let ids = world.deposit(1);
    world.clear(&ids);
    world.postbox.confirm_many(&[(&ids[0], retry())]).unwrap();
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::Dispatched]);
}

#[test]
fn a_message_that_was_not_tried_is_free_and_has_no_failure() {
    let (world, ids) = accepted(2);
    world.postbox.confirm(&ids[0], SendOutcome::NotTried).unwrap();
    world.postbox.confirm_many(&[(&ids[1], SendOutcome::NotTried)]).unwrap();
    assert_eq!(world.faults.requests().len(), 0);
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::Accepted; 2]);
    assert_eq!(world.postbox.get_message(&ids[0]).unwrap().unwrap().dispatch_attempts, 0);
}

#[test]
fn a_clear_holds_back_the_later_messages_of_a_key_after_a_failed_confirmation() {
    for many in [false, true] {
        let world = TestOutbox::new();
        let ids = ["first", "second"]
            .map(|body| world.postbox.deposit_post(Message::new("t", body).with_partition_key("k")).unwrap());
        world.producer.answer_next(SendOutcome::Accepted);
        world.clear(&ids[..1]);
        if many {
            world.postbox.confirm_many(&[(&ids[0], retry())]).unwrap();
        } else {
            world.postbox.confirm(&ids[0], retry()).unwrap();
        }
        assert_eq!(world.outcomes(&ids[1..]), [DispatchOutcome::HeldBack]);
    }
}

fn retry() -> SendOutcome {
    SendOutcome::Retry("lost".into())
}
