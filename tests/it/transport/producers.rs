//! For any behaviour of a producer, every message has its own outcome. A failed message stops only later messages with the
//! same topic and partition key.

use crate::support::fault::Fault;
use crate::support::*;
use postbox::{
    DispatchOutcome, ErrorCode, MemoryProducer, Message, MessageState, Postbox, Producer, SendOutcome, producer_fn,
};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::ThreadId;
use std::time::Duration;

/// A producer that passes each batch to a function. The first field is the maximum batch size.
struct FromFunction<F>(usize, F);

impl<F: Fn(&[Message]) -> Vec<SendOutcome> + Send + Sync> Producer for FromFunction<F> {
    fn send(&self, batch: &[Message]) -> Vec<SendOutcome> {
        (self.1)(batch)
    }

    fn max_batch(&self) -> usize {
        self.0
    }
}

/// Returns a producer that returns this outcome for the message with body `1`, and sends all other messages.
fn odd_second(outcome: impl Fn() -> SendOutcome + Send + Sync + 'static) -> impl Producer + 'static {
    producer_fn(move |message| match message.body() {
        b"1" => outcome(),
        _ => SendOutcome::Sent,
    })
}

fn state(world: &TestOutbox, id: &str) -> MessageState {
    world.postbox.get_message(id).unwrap().unwrap().state
}

#[test]
fn a_failed_message_stays_outstanding_and_does_not_stop_the_others() {
    use DispatchOutcome::{Dispatched, Failed, Rejected};
    let cases: [(Box<dyn Fn() -> SendOutcome + Send + Sync>, _, _); 4] = [
        (Box::new(|| SendOutcome::Retry("the line is down".into())), Failed, "the line is down"),
        (Box::new(|| SendOutcome::Reject("far too large".into())), Rejected, "far too large"),
        (Box::new(|| panic!("the producer is broken")), Failed, "the producer is broken"),
        (Box::new(|| std::panic::panic_any(7)), Failed, "panicked"),
    ];
    for (outcome, expected, detail) in cases {
        let world = TestOutbox::configured(|builder| builder.default_producer(odd_second(outcome)));
        let ids = world.deposit(3);
        let report = world.postbox.clear_outbox(&ids).unwrap();
        assert_eq!(outcomes(&report), [Dispatched, expected, Dispatched]);
        assert!(report.entries()[1].detail.contains(detail), "{report:?}");
        assert_eq!(report.failures().count(), 1);
        assert_eq!(state(&world, &ids[0]), MessageState::Dispatched);
        let stays = if expected == Rejected { MessageState::Parked } else { MessageState::Outstanding };
        assert_eq!(state(&world, &ids[1]), stays);
        assert_eq!(state(&world, &ids[2]), MessageState::Dispatched);
    }
}

#[test]
fn missing_outcomes_leave_messages_outstanding() {
    use DispatchOutcome::{Dispatched, Failed};
    for (given, expected) in [(0, [Failed, Failed]), (1, [Dispatched, Failed]), (5, [Dispatched, Dispatched])] {
        let producer = FromFunction(2, move |_: &[Message]| vec![SendOutcome::Sent; given]);
        let world = TestOutbox::configured(|builder| builder.default_producer(producer));
        let ids = world.deposit(2);
        assert_eq!(world.outcomes(&ids), expected);
        let outstanding = ids.iter().filter(|id| state(&world, id) == MessageState::Outstanding).count();
        assert_eq!(outstanding, expected.iter().filter(|outcome| **outcome == Failed).count());
    }
}

#[test]
fn batches_respect_the_producers_limit_and_keep_order() {
    let producer = MemoryProducer::with_max_batch(10);
    let world = TestOutbox::configured(|builder| builder.default_producer(producer.clone()));
    let ids = world.deposit(25);
    world.clear(&ids);
    assert_eq!(producer.batches(), [10, 10, 5]);
    let bodies: Vec<_> =
        producer.sent().iter().map(|message| String::from_utf8_lossy(message.body()).into_owned()).collect();
    assert_eq!(bodies, numbers(0..25));
}

#[test]
fn batches_keep_the_order_between_topics() {
    let all = Arc::new(Mutex::new(Vec::new()));
    let recording = |all: &Arc<Mutex<Vec<String>>>| {
        let all = Arc::clone(all);
        FromFunction(10, move |batch: &[Message]| {
            all.lock()
                .unwrap()
                .push(batch.iter().map(|message| message.topic().to_owned()).collect::<Vec<_>>().join("+"));
            vec![SendOutcome::Sent; batch.len()]
        })
    };
    let world = TestOutbox::configured(|builder| builder.producer("a", recording(&all)).producer("b", recording(&all)));
    let messages = ["a", "a", "b", "a"].map(|topic| Message::new(topic, ""));
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    world.clear(&ids);
    assert_eq!(*all.lock().unwrap(), ["a+a", "b", "a"]);
}

#[test]
fn a_partly_failed_batch_is_partly_marked() {
    let producer = MemoryProducer::with_max_batch(3);
    producer.answer_next(SendOutcome::Sent);
    producer.answer_next(SendOutcome::Retry("busy".into()));
    let world = TestOutbox::configured(|builder| builder.default_producer(producer.clone()));
    let ids = world.deposit(3);
    use DispatchOutcome::{AlreadyDispatched, Dispatched, Failed};
    assert_eq!(world.outcomes(&ids), [Dispatched, Failed, Dispatched]);
    assert_eq!(world.outcomes(&ids), [AlreadyDispatched, Dispatched, AlreadyDispatched]);
    assert_eq!(producer.sent().len(), 3);
}

#[test]
fn a_message_that_was_not_tried_is_unchanged_and_holds_back_its_key() {
    use DispatchOutcome::{Dispatched, HeldBack, Skipped};
    let producer = FromFunction(3, |batch: &[Message]| {
        let tries = |message: &Message| message.body() == b"first";
        batch.iter().map(|it| if tries(it) { SendOutcome::Sent } else { SendOutcome::NotTried }).collect()
    });
    let world = TestOutbox::configured(|builder| builder.default_producer(producer).sweep_min_age(Duration::ZERO));
    let keyed = |body: &str, key: &str| Message::new("t", body).with_partition_key(key);
    let messages = [keyed("first", "a"), keyed("second", "b"), Message::new("t", "third"), keyed("fourth", "b")];
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    let before = world.raw(&ids[1]);
    let report = world.postbox.clear_outbox(&ids).unwrap();
    assert_eq!(outcomes(&report), [Dispatched, Skipped, Skipped, HeldBack]);
    assert!(report.entries()[1].detail.contains("did not try"), "{report:?}");
    // A sweep does not change the items of these messages either.
    let swept = world.postbox.sweep().unwrap();
    assert_eq!((swept.dispatched, swept.failed, swept.held_back), (0, 0, 3));
    assert_eq!(world.raw(&ids[1]), before);
    assert_eq!(world.postbox.stats().failed, 0);
}

#[test]
fn producers_are_called_on_the_clearing_thread() {
    let called_on = Arc::new(Mutex::new(Vec::<ThreadId>::new()));
    let threads = Arc::clone(&called_on);
    let world = TestOutbox::configured(|builder| {
        builder.default_producer(producer_fn(move |_| {
            threads.lock().unwrap().push(std::thread::current().id());
            SendOutcome::Sent
        }))
    });
    let ids = world.deposit(150);
    world.clear(&ids[..1]);
    let other = std::thread::scope(|scope| {
        let clearing = scope.spawn(|| world.clear(&ids[1..]));
        let id = clearing.thread().id();
        clearing.join().unwrap();
        id
    });
    let called_on = called_on.lock().unwrap();
    assert_eq!(called_on[0], std::thread::current().id());
    assert_eq!(called_on[1..], vec![other; 149]);
}

#[test]
fn a_producer_may_call_postbox() {
    let own = Arc::new(OnceLock::<Weak<Postbox>>::new());
    let seen = Arc::clone(&own);
    let backend = Backend::embedded();
    let follow_ups = MemoryProducer::new();
    let builder = Postbox::builder().producer("follow-up", follow_ups.clone()).producer(
        "t",
        producer_fn(move |message| {
            let postbox = seen.get().unwrap().upgrade().unwrap();
            // The producer reads, deposits, commits and even clears while a clear is calling it.
            assert!(postbox.get_message(message.id()).unwrap().is_some());
            let follow_up = Message::new("follow-up", message.body()).with_causation_id(message.id());
            let id = postbox.deposit_post(follow_up).unwrap();
            let report = postbox.clear_outbox(&[id.as_str(), message.id()]).unwrap();
            assert_eq!(outcomes(&report), [DispatchOutcome::Dispatched, DispatchOutcome::InProgress]);
            let mut work = postbox.unit_of_work();
            work.deposit_post(Message::new("follow-up", "later")).unwrap();
            work.commit().unwrap();
            SendOutcome::Sent
        }),
    );
    let postbox = Arc::new(backend.open(builder, &backend.faults()));
    own.set(Arc::downgrade(&postbox)).unwrap();
    let report = postbox.post(Message::new("t", "body")).unwrap();
    assert!(report.is_success(), "{report:?}");
    assert_eq!(follow_ups.sent()[0].header("causation_id").unwrap().as_deref(), Some(report.entries()[0].id.as_str()));
}

#[test]
fn an_accepted_message_is_dispatched_by_its_confirmation() {
    let world = TestOutbox::new();
    world.producer.answer_next(SendOutcome::Accepted);
    let ids = world.deposit(1);
    let report = world.postbox.clear_outbox(&ids).unwrap();
    assert_eq!(outcomes(&report), [DispatchOutcome::Accepted]);
    assert!(report.is_success());
    assert_eq!(state(&world, &ids[0]), MessageState::Outstanding);
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::InProgress], "it is not sent again meanwhile");

    world.postbox.confirm(&ids[0], SendOutcome::Sent).unwrap();
    assert_eq!(state(&world, &ids[0]), MessageState::Dispatched);
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::AlreadyDispatched]);
    world.postbox.confirm(&ids[0], SendOutcome::Sent).unwrap();
    assert_eq!(world.sent(), ["0"]);
}

#[test]
fn an_accepted_message_that_failed_later_is_sent_again() {
    let world = TestOutbox::configured(|builder| builder.dispatch_retry_delay(Duration::from_millis(0)));
    world.producer.answer_next(SendOutcome::Accepted);
    let ids = world.deposit(1);
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::Accepted]);
    world.postbox.confirm(&ids[0], SendOutcome::Retry("lost".into())).unwrap();
    let stored = world.postbox.get_message(&ids[0]).unwrap().unwrap();
    assert_eq!(
        (stored.dispatch_attempts, stored.last_error.as_deref()),
        (0, Some("lost")),
        "nothing shows that the transport works"
    );
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::Dispatched]);
    assert_eq!(world.sent(), ["0", "0"]);
}

#[test]
fn an_accepted_message_is_parked_after_rejection_or_too_many_failures() {
    for (failure, most) in [(SendOutcome::Retry("lost".into()), 1), (SendOutcome::Reject("refused".into()), 0)] {
        let world = TestOutbox::configured(|builder| {
            builder.max_dispatch_attempts(most).park_min_age(Duration::from_millis(0))
        });
        // Other messages of the topic are sent.
        let others = world.deposit(2);
        world.clear(&others);
        world.producer.answer_next(SendOutcome::Accepted);
        let ids = world.deposit(1);
        assert_eq!(world.outcomes(&ids), [DispatchOutcome::Accepted]);
        world.postbox.confirm(&ids[0], failure).unwrap();
        assert_eq!(state(&world, &ids[0]), MessageState::Parked);
        assert_eq!(world.postbox.stats().parked, 1);
    }
}

#[test]
fn an_unconfirmed_message_can_be_sent_again() {
    let world = TestOutbox::configured(|builder| builder.confirm_timeout(Duration::from_millis(0)));
    world.producer.answer_next(SendOutcome::Accepted);
    let ids = world.deposit(1);
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::Accepted]);
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::Dispatched]);
}

#[test]
fn a_confirmation_before_send_returns_counts() {
    let own = Arc::new(OnceLock::<Weak<Postbox>>::new());
    let seen = Arc::clone(&own);
    let backend = Backend::embedded();
    let builder = Postbox::builder().default_producer(producer_fn(move |message| {
        let postbox = seen.get().unwrap().upgrade().unwrap();
        postbox.confirm(message.id(), SendOutcome::Sent).unwrap();
        SendOutcome::Accepted
    }));
    let postbox = Arc::new(backend.open(builder, &backend.faults()));
    own.set(Arc::downgrade(&postbox)).unwrap();
    let report = postbox.post(Message::new("t", "")).unwrap();
    assert_eq!(outcomes(&report), [DispatchOutcome::Accepted]);
    let id = &report.entries()[0].id;
    assert_eq!(postbox.get_message(id).unwrap().unwrap().state, MessageState::Dispatched);
}

#[test]
fn messages_confirmed_before_send_returns_show_that_the_transport_works() {
    let own = Arc::new(OnceLock::<Weak<Postbox>>::new());
    let seen = Arc::clone(&own);
    let backend = Backend::embedded();
    let builder = Postbox::builder().sweep_min_age(Duration::ZERO).number_of_shards(1);
    let builder = builder.default_producer(producer_fn(move |message| {
        let postbox = seen.get().unwrap().upgrade().unwrap();
        let outcome = match message.body() {
            b"bad" => SendOutcome::Retry("the queue does not like it".into()),
            _ => SendOutcome::Sent,
        };
        postbox.confirm(message.id(), outcome).unwrap();
        SendOutcome::Accepted
    }));
    let postbox = Arc::new(backend.open(builder, &backend.faults()));
    own.set(Arc::downgrade(&postbox)).unwrap();
    let ids = postbox.deposit_posts(&["1", "2", "3", "bad"].map(|body| Message::new("t", body))).unwrap();
    let _ = postbox.sweep().unwrap();
    let attempts: Vec<u64> =
        ids.iter().map(|id| postbox.get_message(id).unwrap().unwrap().dispatch_attempts.into()).collect();
    assert_eq!(attempts, [0, 0, 0, 1], "the failure counts, since other messages of the topic are sent");
}

#[test]
fn a_failure_confirmed_before_send_returns_releases_the_message() {
    let own = Arc::new(OnceLock::<Weak<Postbox>>::new());
    let seen = Arc::clone(&own);
    let first = Mutex::new(true);
    let backend = Backend::embedded();
    let builder = Postbox::builder().dispatch_retry_delay(Duration::from_millis(0)).default_producer(producer_fn(
        move |message| {
            if !std::mem::take(&mut *first.lock().unwrap()) {
                return SendOutcome::Sent;
            }
            let postbox = seen.get().unwrap().upgrade().unwrap();
            postbox.confirm(message.id(), SendOutcome::Retry("lost at once".into())).unwrap();
            SendOutcome::Accepted
        },
    ));
    let postbox = Arc::new(backend.open(builder, &backend.faults()));
    own.set(Arc::downgrade(&postbox)).unwrap();
    let id = postbox.deposit_post(Message::new("t", "")).unwrap();
    let _ = postbox.clear_outbox(&[&id]).unwrap();
    let report = postbox.clear_outbox(&[&id]).unwrap();
    assert_eq!(outcomes(&report), [DispatchOutcome::Dispatched], "it does not wait for a confirmation that has come");
}

#[test]
fn an_invalid_confirmation_is_rejected() {
    let world = TestOutbox::new();
    let ids = world.deposit(1);
    let error = world.postbox.confirm(&ids[0], SendOutcome::Accepted).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    for unknown in ["unknown", ""] {
        let error = world.postbox.confirm(unknown, SendOutcome::Sent).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
    }
}

#[test]
fn a_confirmation_that_cannot_be_marked_can_be_repeated() {
    let world = TestOutbox::configured(|builder| builder.max_request_attempts(1));
    world.producer.answer_next(SendOutcome::Accepted);
    let ids = world.deposit(1);
    assert_eq!(world.outcomes(&ids), [DispatchOutcome::Accepted]);
    world.faults.next("BatchExecuteStatement", Fault::throttle());
    let error = world.postbox.confirm(&ids[0], SendOutcome::Sent).unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::MarkIncomplete, true));
    world.postbox.confirm(&ids[0], SendOutcome::Sent).unwrap();
    assert_eq!(state(&world, &ids[0]), MessageState::Dispatched);
    assert_eq!(world.sent(), ["0"]);
}

const PRODUCER_TOPIC: &str = "paramore.brighter.ProducerTopic";

/// In Brighter, a reply has the topic that the request named, but the producer of another topic sends it. An entry of the
/// bag (the message's additional headers) names this other topic.
#[test]
fn a_reply_finds_its_producer_by_the_entry_of_its_bag() {
    let (replies, others) = (MemoryProducer::new(), MemoryProducer::new());
    let world = TestOutbox::configured(|builder| {
        builder.producer("replies", replies.clone()).default_producer(others.clone()).sweep_min_age(Duration::ZERO)
    });
    // This process has a producer for `replies`, and none for `requester.queue`, the topic of the reply.
    let replying = world.backend.open(
        Postbox::builder().producer("replies", replies.clone()).sweep_min_age(Duration::ZERO),
        &world.backend.faults(),
    );
    let reply = |body: &str| Message::new("requester.queue", body).with_bag_entry(PRODUCER_TOPIC, "replies");
    let _ = world.postbox.post(reply("cleared")).unwrap();
    world.postbox.deposit_post(reply("swept")).unwrap();
    // A user's own entry `ProducerTopic`, and an entry whose value is not a string, are ignored.
    let _ = world
        .postbox
        .post(Message::new("requester.queue", "user's").with_bag_entry("ProducerTopic", "replies"))
        .unwrap();
    let _ = world.postbox.post(Message::new("requester.queue", "number").with_bag_entry(PRODUCER_TOPIC, 1)).unwrap();
    assert_eq!(replying.sweep().unwrap().dispatched, 1);
    let bodies = |producer: &MemoryProducer| -> Vec<String> {
        producer.sent().iter().map(|message| String::from_utf8_lossy(message.body()).into_owned()).collect()
    };
    assert_eq!(bodies(&replies), ["cleared", "swept"]);
    assert_eq!(replies.sent()[0].topic(), "requester.queue");
    assert_eq!(bodies(&others), ["user's", "number"]);
}

#[test]
fn marking_a_missing_message_is_not_retryable() {
    let world = TestOutbox::new();
    let ids = world.deposit(1);
    let marked = world.postbox.mark_dispatched(&[ids[0].as_str(), "missing"]).unwrap();
    assert_eq!(outcomes(&marked), [DispatchOutcome::Dispatched, DispatchOutcome::NotFound]);
    let error = marked.into_result().unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::ClearIncomplete, false));
    // With a transient failure in addition, the call can be retried.
    world.producer.answer_next(SendOutcome::Retry("busy".into()));
    let ids = world.deposit(1);
    let error = world.postbox.clear_outbox(&[ids[0].as_str(), "missing"]).unwrap().into_result().unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

#[test]
fn a_replay_and_a_release_have_a_time_of_their_own() {
    let world = TestOutbox::configured(|builder| builder.max_dispatch_attempts(1));
    let ids = world.deposit(2);
    world.producer.answer_next(SendOutcome::Reject("never".into()));
    let _ = world.postbox.clear_outbox(&ids).unwrap();
    assert!(ids.iter().all(|id| !world.raw(id).unwrap().contains_key("ReplayedAt")));
    world.postbox.unpark(&ids[0]).unwrap();
    assert!(world.postbox.replay(&ids[1..]).unwrap().is_success());
    let replayed = |id: &String| world.raw(id).unwrap()["ReplayedAt"].as_n().unwrap().parse::<i64>().unwrap();
    let first = ids.iter().map(replayed).collect::<Vec<_>>();
    world.clear(&ids);
    assert!(world.postbox.replay(&ids).unwrap().is_success());
    assert!(ids.iter().map(replayed).zip(first).all(|(second, first)| second > first));
}
