//! Messages that their producer has accepted. Other processes do not send them until their confirmations are overdue.

use crate::support::fault::{Fault, Gate};
use crate::support::{TEST_TIMEOUT, TestOutbox, outcomes, wait_until};
use postbox::{
    Builder, DispatchOutcome, ErrorCode, MemoryProducer, Message, MessageState, Postbox, SendOutcome, StoredMessage,
    producer_fn,
};
use std::time::{Duration, Instant, SystemTime};

const WRITE: &str = "BatchExecuteStatement";

fn accepting(builder: Builder) -> Builder {
    builder
        .number_of_shards(1)
        .sweep_min_age(Duration::from_millis(0))
        .dispatch_retry_delay(Duration::from_millis(0))
        .default_producer(producer_fn(|_| SendOutcome::Accepted))
}

fn stored(postbox: &Postbox, id: &str) -> StoredMessage {
    postbox.get_message(id).unwrap().unwrap()
}

/// Waits until the table shows that a producer has accepted the message.
fn wait_for_acceptance(postbox: &Postbox, id: &str) -> SystemTime {
    let deadline = Instant::now() + TEST_TIMEOUT;
    loop {
        if let Some(accepted) = stored(postbox, id).accepted_at {
            return accepted;
        }
        assert!(Instant::now() < deadline, "the acceptance is not stored");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn another_process_leaves_an_accepted_message_alone() {
    let world = TestOutbox::configured(accepting);
    let ids = world.deposit(1);
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
    let message = stored(&world.postbox, &ids[0]);
    assert_eq!((message.state, message.dispatch_attempts), (MessageState::Outstanding, 0));
    assert!(message.accepted_at.is_some() && message.next_attempt_at.unwrap() > SystemTime::now(), "{message:?}");
    let other = world.backend.open(accepting(Postbox::builder()), &world.backend.faults());
    assert_eq!(other.sweep().unwrap().held_back, 1);
    assert_eq!(outcomes(&other.clear_outbox(&ids).unwrap()), [DispatchOutcome::HeldBack]);
    world.postbox.confirm(&ids[0], SendOutcome::Sent).unwrap();
    let message = stored(&world.postbox, &ids[0]);
    assert_eq!((message.state, message.next_attempt_at, message.accepted_at), (MessageState::Dispatched, None, None));
}

#[test]
fn an_acceptance_of_a_clear_is_stored_unless_it_is_confirmed_soon() {
    let world = TestOutbox::configured(accepting);
    let ids = world.deposit(2);
    world.faults.forget();
    let report = world.postbox.clear_outbox(&ids).unwrap();
    assert_eq!(outcomes(&report), [DispatchOutcome::Accepted, DispatchOutcome::Accepted]);
    assert_eq!(world.faults.count(WRITE), 0, "the confirmation may come first");
    world.postbox.confirm(&ids[0], SendOutcome::Sent).unwrap();
    let accepted = wait_for_acceptance(&world.postbox, &ids[1]);
    assert!(accepted <= SystemTime::now());
    assert_eq!(stored(&world.postbox, &ids[0]).state, MessageState::Dispatched);
    assert_eq!(stored(&world.postbox, &ids[0]).accepted_at, None);
}

#[test]
fn an_overdue_message_is_sent_again_and_then_waits_longer() {
    let world = TestOutbox::configured(|builder| accepting(builder).confirm_timeout(Duration::from_millis(300)));
    let ids = world.deposit(1);
    let _ = world.postbox.sweep().unwrap();
    let first = stored(&world.postbox, &ids[0]);
    let other = world.backend.open(accepting(Postbox::builder()), &world.backend.faults());
    wait_until("the message is not sent again", || other.sweep().unwrap().dispatched > 0);
    assert!(SystemTime::now() >= first.next_attempt_at.unwrap(), "not before the confirmation was overdue");
    let again = stored(&world.postbox, &ids[0]);
    assert_eq!(again.accepted_at, first.accepted_at, "the first acceptance counts");
    assert_eq!(again.first_failed_at, first.accepted_at);
    assert!(again.next_attempt_at > first.next_attempt_at);
}

#[test]
fn a_rejected_confirmation_parks_and_a_failed_one_ends_the_wait() {
    let world = TestOutbox::configured(accepting);
    let ids = world.deposit(2);
    let _ = world.postbox.sweep().unwrap();
    world.postbox.confirm(&ids[0], SendOutcome::Reject("never".into())).unwrap();
    assert_eq!(stored(&world.postbox, &ids[0]).state, MessageState::Parked);
    world.postbox.confirm(&ids[1], SendOutcome::Retry("lost".into())).unwrap();
    let failed = stored(&world.postbox, &ids[1]);
    assert_eq!((failed.accepted_at, failed.last_error.as_deref()), (None, Some("lost")));
    assert_eq!(outcomes(&world.postbox.clear_outbox(&ids[1..]).unwrap()), [DispatchOutcome::Accepted]);
}

#[test]
fn accepted_messages_are_counted_when_they_are_confirmed() {
    let world = TestOutbox::configured(accepting);
    let counted = || {
        let stats = world.postbox.stats();
        (stats.dispatched, stats.failed)
    };
    let ids = world.deposit(6);
    world.clear(&ids);
    assert_eq!(counted(), (0, 0));
    world.postbox.confirm(&ids[0], SendOutcome::Sent).unwrap();
    world.postbox.confirm(&ids[0], SendOutcome::Sent).unwrap();
    world.postbox.confirm(&ids[1], SendOutcome::Retry("lost".into())).unwrap();
    world.postbox.confirm(&ids[2], SendOutcome::NotTried).unwrap();
    assert_eq!(counted(), (1, 1));
    // A mark of another process.
    let other = world.backend.open(accepting(Postbox::builder()), &world.backend.faults());
    world.postbox.confirm(&ids[0], SendOutcome::Sent).unwrap();
    other.confirm(&ids[0], SendOutcome::Sent).unwrap();
    assert_eq!((counted(), other.stats().dispatched), ((1, 1), 0));
    let outcomes = [SendOutcome::Sent, SendOutcome::Reject("never".into()), SendOutcome::Unavailable("down".into())];
    world.postbox.confirm_many(&ids[3..].iter().zip(outcomes).collect::<Vec<_>>()).unwrap();
    assert_eq!(counted(), (2, 3));
}

#[test]
fn a_failed_confirmation_counts_although_its_acceptance_is_stored_at_the_same_time() {
    let world = TestOutbox::configured(accepting);
    for call in ["confirm", "confirm_many"] {
        let ids = world.deposit(1);
        world.faults.forget();
        let (storing, recording) = (Gate::new(), Gate::new());
        world.faults.next(WRITE, Fault::Wait(storing.clone()));
        world.faults.next(WRITE, Fault::Wait(recording.clone()));
        world.clear(&ids);
        world.faults.wait_for(1, WRITE);
        let refused = SendOutcome::Reject("never".into());
        std::thread::scope(|scope| {
            scope.spawn(|| match call {
                "confirm" => world.postbox.confirm(&ids[0], refused).unwrap(),
                _ => world.postbox.confirm_many(&[(&ids[0], refused)]).unwrap(),
            });
            world.faults.wait_for(2, WRITE);
            storing.open();
            wait_for_acceptance(&world.postbox, &ids[0]);
            recording.open();
        });
        let message = stored(&world.postbox, &ids[0]);
        assert_eq!((message.state, message.last_error.as_deref()), (MessageState::Parked, Some("never")), "{call}");
    }
}

#[test]
fn no_more_than_a_thousand_messages_of_a_topic_wait_for_confirmations() {
    let world = TestOutbox::configured(accepting);
    let messages: Vec<Message> = (0..1001).map(|n| Message::new("t", n.to_string())).collect();
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    world.postbox.deposit_post(Message::new("u", "of another topic")).unwrap();
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.dispatched, report.held_back), (1001, 1), "{report:?}");
    world.postbox.confirm(&ids[0], SendOutcome::Sent).unwrap();
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1);
}

#[test]
fn a_message_marked_by_the_caller_no_longer_waits_for_its_confirmation() {
    let world = TestOutbox::configured(accepting);
    let ids = world.deposit(1000);
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 1000);
    assert!(world.postbox.mark_dispatched(&ids).unwrap().is_success());
    world.deposit(1);
    let report = world.postbox.sweep().unwrap();
    assert_eq!((report.dispatched, report.held_back), (1, 0), "{report:?}");
}

#[test]
fn a_confirmation_closes_the_breaker_and_an_acceptance_does_not() {
    let producer = MemoryProducer::new();
    let world = TestOutbox::configured(|builder| {
        let builder = builder.breaker_threshold(1).breaker_cooldown(Duration::from_millis(500));
        builder.default_producer(producer.clone())
    });
    producer.answer_next(SendOutcome::Retry("down".into()));
    assert_eq!(world.outcomes(&world.deposit(1)), [DispatchOutcome::Failed]);
    producer.answer_next(SendOutcome::Accepted);
    let ids = world.deposit(1);
    // After the cooldown, the breaker lets one message through, to find out whether the transport works.
    wait_until("no probe is sent", || world.outcomes(&ids) != [DispatchOutcome::BreakerOpen]);
    assert_eq!(world.postbox.stats().breakers.len(), 1, "the confirmation may report a failure");
    world.postbox.confirm(&ids[0], SendOutcome::Sent).unwrap();
    assert!(world.postbox.stats().breakers.is_empty());
}

/// Returns an outbox with a message that was accepted and confirmed, whose mark failed with this error, and that an
/// operator replayed after that.
fn replayed_with_an_unmarked_confirmation(status: u16, code: &'static str) -> (TestOutbox, Vec<String>) {
    let world = TestOutbox::configured(|builder| {
        let builder = builder.max_request_attempts(1).confirm_timeout(Duration::ZERO);
        builder.default_producer(producer_fn(|_| SendOutcome::Accepted))
    });
    let ids = world.deposit(1);
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::Accepted]);
    world.faults.next(WRITE, Fault::Refuse { status, code, message: "no" });
    assert_eq!(world.postbox.confirm(&ids[0], SendOutcome::Sent).unwrap_err().code(), ErrorCode::MarkIncomplete);
    let operator = world.another();
    let _ = operator.mark_dispatched(&ids).unwrap();
    let _ = operator.replay(&ids).unwrap();
    (world, ids)
}

#[test]
fn a_replay_is_sent_although_an_earlier_confirmation_could_not_be_marked() {
    // An error of one mark does not show that marks fail, so that the mark is not tried again before the clear.
    let (world, ids) = replayed_with_an_unmarked_confirmation(400, "ValidationException");
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::Accepted]);
}

#[test]
fn a_replay_is_sent_although_an_earlier_confirmation_is_marked_late() {
    // Marks fail, so that the next clear marks the confirmed message before it sends any message.
    let (world, ids) = replayed_with_an_unmarked_confirmation(500, "InternalServerError");
    let other = world.deposit(1);
    assert_eq!(world.outcomes(&other), [DispatchOutcome::Accepted]);
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::Accepted]);
}
