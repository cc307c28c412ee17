//! Lists and counts by age, with a maximum, and without given topics.

use crate::support::fault::Fault;
use crate::support::{TestOutbox, eager, number};
use postbox::{Cursor, ErrorCode, Message, MessageState, Postbox, Selection, SendOutcome};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

const MINUTE: Duration = Duration::from_secs(60);
const STATES: [MessageState; 3] = [MessageState::Outstanding, MessageState::Dispatched, MessageState::Parked];

/// Stores ten messages of each state, of the topics `a` and `b` in turn. Message `outstanding-3` is 3 minutes old.
fn some_of_each() -> TestOutbox {
    let world = TestOutbox::configured(eager);
    let now = SystemTime::now();
    for state in STATES {
        for minutes in 0..10 {
            let (topic, id) = (["a", "b"][minutes % 2], format!("{}-{minutes}", state.name()));
            let time = now - MINUTE * u32::try_from(minutes).unwrap();
            let message = Message::new(topic, "x").with_id(&id).with_created_at(time);
            world.postbox.deposit_post(message).unwrap();
            match state {
                MessageState::Dispatched => drop(world.postbox.mark_dispatched_at(&[&id], time).unwrap()),
                MessageState::Parked => {
                    world.producer.answer_next(SendOutcome::Reject(format!("not {id}")));
                    let _ = world.postbox.clear_outbox(&[&id]).unwrap();
                }
                _ => {}
            }
        }
    }
    world
}

/// Returns the minutes of all pages of a list, and checks the size of each page and the count.
fn minutes(postbox: &Postbox, state: MessageState, selection: &Selection) -> Vec<u32> {
    let mut found = BTreeSet::new();
    for limit in [1, 3, 100] {
        let mut all = BTreeSet::new();
        let mut next: Option<Cursor> = None;
        loop {
            let selection = next.iter().fold(selection.clone().limit(limit), |all, next| all.cursor(next.clone()));
            let page = postbox.select_messages(state, &selection).unwrap();
            assert!(page.messages.len() <= limit as usize, "{limit}");
            for stored in page.messages {
                assert_eq!(stored.state, state);
                let id = stored.message.id().to_owned();
                assert!(all.insert(id.rsplit_once('-').unwrap().1.parse().unwrap()), "{id} was listed twice");
            }
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(postbox.count_messages(state, selection).unwrap(), all.len() as u64, "{state:?} {selection:?}");
        assert!(limit == 1 || found == all, "{limit}");
        found = all;
    }
    found.into_iter().collect()
}

#[test]
fn every_part_of_a_selection_applies_to_every_state() {
    let world = some_of_each();
    // The ages are between two minutes, so that the time that the test takes does not matter.
    let (least, most) = (MINUTE * 5 / 2, MINUTE * 13 / 2);
    for state in STATES {
        let select = |selection: Selection| minutes(&world.postbox, state, &selection);
        let all = Selection::new;
        assert_eq!(select(all()), (0..10).collect::<Vec<_>>());
        assert_eq!(select(all().topic("a")), [0, 2, 4, 6, 8]);
        assert_eq!(select(all().older_than(least)), [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(select(all().younger_than(least)), [0, 1, 2]);
        assert_eq!(select(all().older_than(least).younger_than(most)), [3, 4, 5, 6]);
        assert_eq!(select(all().topic("b").older_than(least).younger_than(most)), [3, 5]);
        assert_eq!(select(all().without_topics(["a"])), [1, 3, 5, 7, 9]);
        assert_eq!(select(all().without_topics(["c", "b"]).younger_than(most)), [0, 2, 4, 6]);
        assert!(select(all().without_topics(["a", "b"])).is_empty());
        assert!(select(all().topic("a").without_topics(["a"])).is_empty());
        assert_eq!(select(all().topic("a").without_topics(["b"])), [0, 2, 4, 6, 8]);
        assert_eq!(world.postbox.count_messages(state, &all().limit(4)).unwrap(), 4);
        assert_eq!(world.postbox.count_messages(state, &all().topic("a").limit(4)).unwrap(), 4);
        assert_eq!(world.postbox.count_messages(state, &all().limit(11)).unwrap(), 10);
    }
}

/// The age of a dispatched message is counted from its dispatch, and not from its creation.
/// DynamoDB rejects a start key outside of the condition on the keys.
#[test]
fn list_continues_after_a_message_that_is_outside_of_its_ages() {
    let world = some_of_each();
    let ages = MINUTE * 5 / 2;
    for state in [MessageState::Outstanding, MessageState::Dispatched] {
        let all = || Selection::new().topic("a");
        // The messages are in shards at random. The first page can therefore contain any of them.
        let first = world.postbox.select_messages(state, &all().limit(1)).unwrap();
        let younger =
            world.postbox.select_messages(state, &all().younger_than(ages).cursor(first.next.unwrap())).unwrap();
        let ids: BTreeSet<&str> = younger.messages.iter().map(|stored| stored.message.id()).collect();
        let young = ["0", "2"].map(|minutes| format!("{}-{minutes}", state.name()));
        let mut expected = BTreeSet::from(young.each_ref().map(String::as_str));
        expected.remove(first.messages[0].message.id());
        assert_eq!(ids, expected);
        let mut last = all().limit(4);
        while let Some(next) = world.postbox.select_messages(state, &last).unwrap().next {
            let older = world.postbox.select_messages(state, &all().older_than(ages).cursor(next.clone())).unwrap();
            assert!(older.messages.iter().all(|stored| stored.message.created_at() < SystemTime::now() - ages));
            last = all().limit(4).cursor(next);
        }
    }
}

#[test]
fn the_age_of_a_dispatched_message_is_the_time_since_its_dispatch() {
    let world = TestOutbox::configured(eager);
    let old = Message::new("t", "x").with_id("old").with_created_at(SystemTime::now() - MINUTE * 60);
    world.postbox.deposit_post(old).unwrap();
    let late = Selection::new().older_than(MINUTE);
    assert_eq!(world.postbox.count_messages(MessageState::Outstanding, &late).unwrap(), 1);
    let _ = world.postbox.mark_dispatched(&["old"]).unwrap();
    assert_eq!(world.postbox.count_messages(MessageState::Dispatched, &late).unwrap(), 0);
    assert!(world.postbox.select_messages(MessageState::Dispatched, &late).unwrap().messages.is_empty());
}

#[test]
fn a_count_ends_at_its_maximum() {
    let world = TestOutbox::configured(eager);
    world.deposit(3);
    world.faults.forget();
    assert_eq!(
        world.postbox.count_messages(MessageState::Outstanding, &Selection::new().topic("t").limit(1)).unwrap(),
        1
    );
    let asked = world.faults.count("Query");
    // Without a maximum, each of the 39 shards that a topic can have is read.
    assert!(asked < 39, "{asked}");
    world.faults.always("Query", Fault::access_denied());
    let denied = world.postbox.count_messages(MessageState::Outstanding, &Selection::new().topic("t"));
    assert_eq!(denied.unwrap_err().code(), ErrorCode::AccessDenied);
}

#[test]
fn impossible_selections_are_rejected_without_a_request() {
    let world = TestOutbox::configured(eager);
    world.faults.forget();
    let many = (0..101).map(|n| n.to_string());
    for (selection, problem) in [
        (Selection::new().limit(0), "the limit is 0"),
        (Selection::new().topic(""), "a topic is empty"),
        (Selection::new().without_topics([""]), "a topic is empty"),
        (Selection::new().without_topics(many), "101 topics are left out"),
        (Selection::new().older_than(MINUTE).younger_than(MINUTE / 2), "older than 60000 ms and younger than 30000 ms"),
    ] {
        let listed = world.postbox.select_messages(MessageState::Outstanding, &selection).unwrap_err();
        let counted = world.postbox.count_messages(MessageState::Outstanding, &selection).unwrap_err();
        for error in [listed, counted] {
            assert!(error.code() == ErrorCode::InvalidArgument && error.message().contains(problem), "{error}");
        }
    }
    let cursor = Selection::new().cursor("x".into());
    let error = world.postbox.count_messages(MessageState::Parked, &cursor).unwrap_err();
    assert!(error.message().contains("a count has no pages"), "{error}");
    let error = world.postbox.select_messages(MessageState::Parked, &cursor).unwrap_err();
    assert!(error.message().contains("the cursor is not from a page of this list"), "{error}");
    assert_eq!(world.faults.requests().len(), 0);
    // Ages before the year 1 are possible.
    let ages = Selection::new().younger_than(Duration::MAX).older_than(Duration::ZERO);
    assert_eq!(world.postbox.count_messages(MessageState::Parked, &ages).unwrap(), 0);
}

#[test]
fn a_count_leaves_out_rows_of_another_state() {
    let world = TestOutbox::configured(eager);
    let ids = world.deposit(2);
    // Brighter 9 has stored this dispatch time with messages that were not sent.
    let mut unsent = world.raw(&ids[0]).unwrap();
    unsent.remove("OutstandingCreatedTime");
    unsent.insert("DeliveryTime".into(), number(0));
    world.put_raw(unsent);
    // A replay by another program keeps attributes of the earlier state.
    let mut replayed = world.raw(&ids[1]).unwrap();
    replayed.extend([("ParkedAt".to_owned(), number(1)), ("DeliveryTime".to_owned(), number(5))]);
    world.put_raw(replayed);
    for state in [MessageState::Dispatched, MessageState::Parked] {
        for selection in [Selection::new(), Selection::new().topic("t")] {
            assert_eq!(world.postbox.count_messages(state, &selection).unwrap(), 0, "{state:?} {selection:?}");
            assert!(world.postbox.select_messages(state, &selection).unwrap().messages.is_empty());
        }
    }
}
