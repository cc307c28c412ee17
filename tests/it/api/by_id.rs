//! Messages that are read and marked by id.

use crate::support::TestOutbox;
use crate::support::fault::Fault;
use postbox::{DispatchOutcome, ErrorCode, Message, MessageState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[test]
fn messages_are_read_in_the_order_of_their_ids() {
    let world = TestOutbox::new();
    let mut ids = world.deposit(250);
    ids.reverse();
    let mut wanted = ids.clone();
    wanted.insert(120, "nobody".into());
    wanted.extend([ids[7].clone(), String::new(), "x".repeat(3000)]);
    let page = world.postbox.get_messages(&wanted).unwrap();
    let found: Vec<&str> = page.messages.iter().map(|stored| stored.message.id()).collect();
    assert_eq!(found, ids);
    assert_eq!(page.missing, ["nobody".to_owned(), String::new(), "x".repeat(3000)]);
    assert!(page.malformed.is_empty() && page.next.is_none());
    assert_eq!(world.faults.count("BatchGetItem"), 3);
}

#[test]
fn a_message_that_was_not_read_does_not_count_as_missing() {
    let world = TestOutbox::new();
    let ids = world.deposit(3);
    world.faults.next("BatchGetItem", Fault::Unprocessed { after: 1 });
    assert_eq!(world.postbox.get_messages(&ids).unwrap().messages.len(), 3);
    world.faults.always("BatchGetItem", Fault::access_denied());
    assert_eq!(world.postbox.get_messages(&ids).unwrap_err().code(), ErrorCode::AccessDenied);
}

#[test]
fn a_given_dispatch_time_is_the_start_of_the_retention() {
    let world = TestOutbox::configured(|builder| builder.dispatched_ttl(Duration::from_secs(60)));
    let id = world.postbox.deposit_post(Message::new("t", "x")).unwrap();
    let sent = UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_700);
    let too_early = UNIX_EPOCH - Duration::from_secs(70_000_000_000);
    let too_late = UNIX_EPOCH + Duration::from_secs(300_000_000_000);
    for wrong in [too_early, too_late] {
        let error = world.postbox.mark_dispatched_at(&[&id], wrong).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{error}");
    }
    let report = world.postbox.mark_dispatched_at(&[&id], sent).unwrap();
    assert_eq!(report.entries()[0].outcome, DispatchOutcome::Dispatched);
    let stored = world.postbox.get_message(&id).unwrap().unwrap();
    assert_eq!((stored.state, stored.dispatched_at), (MessageState::Dispatched, Some(sent)));
    assert_eq!(stored.expires_at, Some(UNIX_EPOCH + Duration::from_secs(1_700_000_060)));
    // A time in the future is accepted, since the clocks of machines differ.
    let id = world.postbox.deposit_post(Message::new("t", "x")).unwrap();
    world.postbox.mark_dispatched_at(&[id], SystemTime::now() + Duration::from_secs(5)).unwrap().into_result().unwrap();
}
