//! The requests with which a sweep finds the shards that have messages to send (a poll).

use crate::support::fault::{Fault, Request};
use crate::support::{TestOutbox, eager};
use postbox::{MemoryProducer, Message, Postbox};

/// Returns the segments that the scans read, each with the total number of segments, in ascending order and without
/// repetitions.
fn segments(requests: &[Request]) -> Vec<(u64, u64)> {
    let scans = requests.iter().filter(|request| request.operation == "Scan");
    let mut segments: Vec<_> =
        scans.filter_map(|scan| Some((scan.body["Segment"].as_u64()?, scan.body["TotalSegments"].as_u64()?))).collect();
    segments.sort_unstable();
    segments.dedup();
    segments
}

#[test]
fn an_index_of_many_shards_is_read_in_segments() {
    let world = TestOutbox::in_process(|builder| eager(builder).number_of_shards(1));
    let deposit = || {
        let messages: Vec<Message> = (0..480).map(|n| Message::new(format!("topic-{}", n % 16), "x")).collect();
        let _ = world.postbox.deposit_posts(&messages).unwrap();
    };
    deposit();
    let _ = world.postbox.sweep().unwrap();
    // After eight pages, the first poll divides the index into eight segments. The index has 16 pages, so the next
    // polls divide it into two or three.
    let segments_of = |counts: &[u64]| {
        let all = segments(&world.faults.requests());
        counts.iter().all(|count| (0..*count).all(|number| all.contains(&(number, *count))))
    };
    assert!(segments_of(&[8]) && (segments_of(&[2]) || segments_of(&[3])), "{:?}", segments(&world.faults.requests()));
    deposit();
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 480);
    world.faults.forget();
    let _ = world.postbox.sweep().unwrap();
    assert!(segments(&world.faults.requests()).is_empty(), "an idle sweep makes one request");
}

#[test]
fn lanes_are_swept_although_the_segments_of_the_index_cannot_be_read() {
    let world = TestOutbox::configured(|builder| eager(builder).number_of_shards(1).max_request_attempts(1));
    let messages: Vec<Message> = (0..480).map(|n| Message::new(format!("topic-{}", n % 16), "x")).collect();
    let _ = world.postbox.deposit_posts(&messages).unwrap();
    world.faults.when(|request| (request.body["TotalSegments"].is_number()).then(Fault::throttle));
    assert_eq!(world.postbox.sweep().unwrap().dispatched, 480);
}

#[test]
fn every_idle_sweep_after_the_first_makes_one_request() {
    let world = TestOutbox::configured(eager);
    let _ = world.postbox.sweep().unwrap();
    world.faults.forget();
    for _ in 0..24 {
        let _ = world.postbox.sweep().unwrap();
    }
    assert_eq!(world.faults.operations(), ["Scan"; 24]);
}

#[test]
fn a_message_without_a_shard_is_found_behind_a_backlog_that_waits() {
    let world = TestOutbox::configured(|builder| builder);
    let messages: Vec<Message> = (0..60).map(|n| Message::new("unserved", n.to_string())).collect();
    let _ = world.postbox.deposit_posts(&messages).unwrap();
    let ids = world.postbox.deposit_posts(&[Message::new("t", "first"), Message::new("t", "second")]).unwrap();
    for id in &ids {
        let mut raw = world.raw(id).unwrap();
        raw.remove("TopicShard");
        world.put_raw(raw);
    }
    let producer = MemoryProducer::new();
    let sweeper = world.backend.open(eager(Postbox::builder()).producer("t", producer.clone()), &world.faults);
    // Every twelfth sweep searches 25 messages for those without a shard, so three searches get past the backlog.
    let sent: u64 = (0..36).map(|_| sweeper.sweep().unwrap().dispatched).sum();
    assert_eq!((sent, producer.sent().len()), (2, 2));
}
