//! The archiver: the messages that it archives and deletes, and those that it keeps after a failure.

use crate::support::fault::Fault;
use crate::support::{LOCKS, OUTBOX, TestOutbox, item, number, numbers, take_lease, text, wait_until};
use postbox::dynamodb_json::item_from_json;
use postbox::{
    Archive, ArchiveReport, Builder, CancelToken, ErrorCode, Item, JsonLinesArchive, LeaseStatus, Message,
    MessageState, Postbox, SendOutcome, StoredMessage,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const RESOURCE: &str = "brighter_outbox_Archiver";

/// Configures the archiver for all dispatched messages.
fn at_once(builder: Builder) -> Builder {
    builder.archive_min_age(Duration::from_millis(0))
}

fn test_outbox() -> TestOutbox {
    TestOutbox::configured(at_once)
}

/// Deposits and clears messages. Returns their ids.
fn dispatched(world: &TestOutbox, count: usize) -> Vec<String> {
    let ids = world.deposit(count);
    world.clear(&ids);
    ids
}

fn state(postbox: &Postbox, id: &str) -> Option<MessageState> {
    postbox.get_message(id).unwrap().map(|stored| stored.state)
}

fn counts(report: &ArchiveReport) -> (u64, u64) {
    (report.archived, report.failed)
}

/// An archive that records the ids of the messages that it receives, and returns the results of a function.
struct Noting<F> {
    ids: Arc<Mutex<Vec<String>>>,
    results: F,
}

impl<F: Fn(&[StoredMessage]) -> Vec<Result<(), String>> + Send + Sync> Archive for Noting<F> {
    fn archive(&self, batch: &[StoredMessage]) -> Vec<Result<(), String>> {
        assert!(!batch.is_empty(), "an archive is not called without messages");
        self.ids.lock().unwrap().extend(batch.iter().map(|stored| stored.message.id().to_owned()));
        (self.results)(batch)
    }
}

fn noting<F>(results: F) -> (Noting<F>, Arc<Mutex<Vec<String>>>)
where
    F: Fn(&[StoredMessage]) -> Vec<Result<(), String>> + Send + Sync,
{
    let ids: Arc<Mutex<Vec<String>>> = Arc::default();
    (Noting { ids: Arc::clone(&ids), results }, ids)
}

fn keep_all(batch: &[StoredMessage]) -> Vec<Result<(), String>> {
    vec![Ok(()); batch.len()]
}

/// A file that is removed at the end of the test.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        Self(std::env::temp_dir().join(format!("postbox-archive-{}-{number}.jsonl", std::process::id())))
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Returns the items in an archive file, by id.
fn lines(path: &Path) -> BTreeMap<String, Item> {
    let file = std::fs::read_to_string(path).unwrap();
    let items = file.lines().map(|line| item_from_json(line).unwrap());
    items.map(|item| (item["MessageId"].as_s().unwrap().clone(), item)).collect()
}

#[test]
fn dispatched_messages_of_all_topics_are_archived_to_the_file() {
    let world = test_outbox();
    world.producer.answer_next(SendOutcome::Reject("never".into()));
    let messages: Vec<Message> = (0..9)
        .map(|n| {
            Message::new(format!("topic-{}", n % 3), format!("body {n}\nü"))
                .with_bag_entry("n", n.to_string())
                .with_partition_key("k")
        })
        .collect();
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    // The first message is parked, the next five are dispatched, and the other messages stay outstanding.
    let _ = world.postbox.clear_outbox(&ids[..1]).unwrap();
    world.clear(&ids[1..6]);
    let file = TemporaryFile::new();
    let report = world.postbox.archive(&JsonLinesArchive::open(&file.0).unwrap()).unwrap();
    assert_eq!(counts(&report), (5, 0));
    assert_eq!((report.first_failure, report.lease), (None, LeaseStatus::Held));
    let archived = lines(&file.0);
    assert_eq!(archived.keys().collect::<BTreeSet<_>>(), ids[1..6].iter().collect());
    for (message, id) in messages[1..6].iter().zip(&ids[1..6]) {
        let item = &archived[id];
        assert_eq!(item["Body"].as_b().unwrap().as_ref(), message.body());
        assert_eq!(item["Topic"].as_s().unwrap(), message.topic());
        assert_eq!(item["PartitionKey"].as_s().unwrap(), "k");
        assert_eq!(item["HeaderBag"].as_s().unwrap(), &serde_json::to_string(message.bag()).unwrap());
        assert!(item.contains_key("DeliveryTime") && item.contains_key("DeliveredAt"));
        assert!(!item.contains_key("OutstandingCreatedTime"), "put back as it is, it would not be sent again");
        assert_eq!(state(&world.postbox, id), None);
    }
    assert_eq!(state(&world.postbox, &ids[0]), Some(MessageState::Parked));
    assert!(ids[6..].iter().all(|id| state(&world.postbox, id) == Some(MessageState::Outstanding)));
    // A further run appends to the file.
    world.clear(&ids[6..]);
    assert_eq!(counts(&world.postbox.archive(&JsonLinesArchive::open(&file.0).unwrap()).unwrap()), (3, 0));
    assert_eq!(lines(&file.0).len(), 8);
}

#[test]
fn recently_dispatched_messages_are_kept() {
    let world = TestOutbox::configured(|builder| builder.archive_min_age(Duration::from_millis(3_600_000)));
    let ids = dispatched(&world, 2);
    let (archive, given) = noting(keep_all);
    assert_eq!(counts(&world.postbox.archive(&archive).unwrap()), (0, 0));
    assert!(given.lock().unwrap().is_empty());
    assert_eq!(state(&world.postbox, &ids[0]), Some(MessageState::Dispatched));
}

#[test]
fn a_message_the_archive_rejects_is_kept_and_the_others_are_deleted() {
    let world = test_outbox();
    let ids = dispatched(&world, 150);
    let bad = ids[70].clone();
    let (archive, _) = noting(|batch: &[StoredMessage]| {
        let keep = |stored: &StoredMessage| if stored.message.id() == bad { Err("no room".into()) } else { Ok(()) };
        batch.iter().map(keep).collect()
    });
    let report = world.postbox.archive(&archive).unwrap();
    assert_eq!(counts(&report), (149, 1));
    let failure = report.first_failure.unwrap();
    assert!(failure.contains(&bad) && failure.contains("no room"), "{failure}");
    let left: Vec<&String> = ids.iter().filter(|id| state(&world.postbox, id).is_some()).collect();
    assert_eq!(left, [&bad]);
}

#[test]
fn nothing_is_deleted_when_the_archive_panics() {
    let world = test_outbox();
    let ids = dispatched(&world, 2);
    let (archive, _) = noting(|_| panic!("no shelf left"));
    let report = world.postbox.archive(&archive).unwrap();
    assert_eq!(counts(&report), (0, 2));
    assert!(report.first_failure.unwrap().contains("no shelf left"));
    assert!(ids.iter().all(|id| state(&world.postbox, id) == Some(MessageState::Dispatched)));
}

#[test]
fn missing_archive_results_count_as_failures() {
    let world = TestOutbox::configured(|builder| at_once(builder).number_of_shards(1));
    let ids = dispatched(&world, 3);
    let (archive, given) = noting(|_: &[StoredMessage]| vec![Ok(())]);
    assert_eq!(counts(&world.postbox.archive(&archive).unwrap()), (1, 2));
    let kept = given.lock().unwrap()[0].clone();
    for id in &ids {
        assert_eq!(state(&world.postbox, id).is_none(), *id == kept);
    }
}

#[test]
fn a_message_that_cannot_be_read_or_deleted_is_kept_and_the_others_are_deleted() {
    let world = test_outbox();
    let ids = dispatched(&world, 5);
    let mut damaged = world.raw(&ids[1]).unwrap();
    damaged.insert("MessageType".into(), number(1));
    world.put_raw(damaged);
    let stays = ids[3].clone();
    world.faults.when(move |request| {
        let is_it = request.operation == "DeleteItem" && request.body["Key"]["MessageId"]["S"] == stays.as_str();
        is_it.then(Fault::access_denied)
    });
    let (archive, given) = noting(keep_all);
    let report = world.postbox.archive(&archive).unwrap();
    assert_eq!(counts(&report), (3, 2));
    assert_eq!(given.lock().unwrap().len(), 4, "unreadable messages are not archived");
    let left: Vec<&String> = ids.iter().filter(|id| world.raw(id).is_some()).collect();
    assert_eq!(left, [&ids[1], &ids[3]]);
}

#[test]
fn nothing_is_deleted_when_the_disk_is_full() {
    let world = test_outbox();
    let ids = dispatched(&world, 3);
    let report = world.postbox.archive(&JsonLinesArchive::open("/dev/full").unwrap()).unwrap();
    assert_eq!(counts(&report), (0, 3));
    let failure = report.first_failure.unwrap();
    assert!(failure.contains("No space left"), "{failure}");
    assert!(ids.iter().all(|id| state(&world.postbox, id) == Some(MessageState::Dispatched)));
}

#[test]
fn an_unwritable_archive_file_is_rejected() {
    // These paths cannot be written even by root.
    for path in ["/proc/no-such-file", "/", "/dev/null/archive"] {
        assert!(JsonLinesArchive::open(path).is_err(), "{path}");
    }
}

#[test]
fn a_message_replayed_during_archiving_is_not_deleted() {
    let world = test_outbox();
    let ids = dispatched(&world, 3);
    // The message is replayed after the archiver has found and read it.
    let (other, replayed) = (world.another(), ids[1].clone());
    let (archive, _) = noting(|batch: &[StoredMessage]| {
        assert!(other.replay(&[&replayed]).unwrap().is_success());
        keep_all(batch)
    });
    assert_eq!(counts(&world.postbox.archive(&archive).unwrap()), (2, 0));
    assert_eq!(state(&world.postbox, &ids[1]), Some(MessageState::Outstanding));
    // The message is replayed after the archiver has found it in the index, and before the archiver reads it.
    world.clear(&ids[1..2]);
    let (other, replayed) = (world.another(), ids[1].clone());
    world.faults.when(move |request| {
        if request.operation == "BatchGetItem" {
            assert!(other.replay(&[&replayed]).unwrap().is_success());
        }
        None
    });
    let (archive, given) = noting(keep_all);
    assert_eq!(counts(&world.postbox.archive(&archive).unwrap()), (0, 0));
    assert!(given.lock().unwrap().is_empty());
    assert_eq!(state(&world.postbox, &ids[1]), Some(MessageState::Outstanding));
}

fn lease(postbox: &Postbox) -> Option<Item> {
    postbox.get_item(LOCKS, item([("ResourceId", text(RESOURCE))])).unwrap()
}

fn somebody_takes_the_lease(postbox: &Postbox) {
    take_lease(postbox, RESOURCE, Duration::from_secs(60));
}

#[test]
fn archiving_holds_and_releases_brighters_archiver_lease() {
    let world = test_outbox();
    dispatched(&world, 1);
    let other = world.another();
    let (archive, _) = noting(|batch: &[StoredMessage]| {
        assert!(lease(&other).is_some());
        assert_eq!(
            other.archive(&Noting { ids: Arc::default(), results: keep_all }).unwrap().lease,
            LeaseStatus::HeldElsewhere
        );
        assert_eq!(other.sweep().unwrap().lease, LeaseStatus::Held, "sweepers have a lease of their own");
        keep_all(batch)
    });
    assert_eq!(counts(&world.postbox.archive(&archive).unwrap()), (1, 0));
    assert_eq!(lease(&world.postbox), None);
    dispatched(&world, 1);
    somebody_takes_the_lease(&world.postbox);
    let report = world.postbox.archive(&archive).unwrap();
    assert_eq!((counts(&report), report.lease), ((0, 0), LeaseStatus::HeldElsewhere));
}

#[test]
fn lease_groups_do_not_exclude_each_other() {
    let world = TestOutbox::configured(|builder| at_once(builder).lease_group("night"));
    let _ = world.postbox.archive(&noting(keep_all).0).unwrap();
    let taken = world.faults.bodies("UpdateItem");
    assert_eq!(taken[0]["Key"]["ResourceId"]["S"], "night_Archiver");
}

#[test]
fn a_lost_lease_stops_archiving_between_batches() {
    let world = TestOutbox::configured(|builder| {
        at_once(builder).lease_duration(Duration::from_millis(1000)).number_of_shards(1)
    });
    let ids = dispatched(&world, 250);
    let other = world.another();
    let (archive, given) = noting(|batch: &[StoredMessage]| {
        somebody_takes_the_lease(&other);
        // This takes longer than a third of the duration of the lease, after which the lease must be renewed.
        std::thread::sleep(Duration::from_millis(400));
        keep_all(batch)
    });
    let report = world.postbox.archive(&archive).unwrap();
    assert_eq!((counts(&report), report.lease), ((100, 0), LeaseStatus::Lost));
    assert_eq!(given.lock().unwrap().len(), 100);
    assert_eq!(ids.iter().filter(|id| world.raw(id).is_some()).count(), 150);
    assert!(lease(&world.postbox).is_some(), "the lease of another process is not released");
}

#[test]
fn one_run_archives_several_pages() {
    let world = TestOutbox::configured(|builder| at_once(builder).number_of_shards(1));
    let messages: Vec<Message> = (0..250).map(|n| Message::new("t", vec![b'x'; 10_000 + n])).collect();
    let ids = world.postbox.deposit_posts(&messages).unwrap();
    world.clear(&ids);
    world.faults.forget();
    let (archive, given) = noting(keep_all);
    assert_eq!(counts(&world.postbox.archive(&archive).unwrap()), (250, 0));
    assert!(world.faults.count("Query") > 2, "the shard has several pages, and the first later message is requested");
    assert_eq!(given.lock().unwrap().iter().collect::<BTreeSet<_>>(), ids.iter().collect());
}

/// Sets the dispatch time of these messages.
fn set_dispatched(world: &TestOutbox, ids: &[String], at: SystemTime) {
    const UNIX_EPOCH_TICKS: u128 = 621_355_968_000_000_000;
    let ticks = UNIX_EPOCH_TICKS + at.duration_since(UNIX_EPOCH).unwrap().as_nanos() / 100;
    for id in ids {
        let mut row = world.raw(id).unwrap();
        row.insert("DeliveryTime".into(), number(ticks));
        put(world, row);
    }
}

fn put(world: &TestOutbox, row: Item) {
    world.put_raw(row);
}

/// Archives five messages that were dispatched an hour ago, among this number of large ones that were dispatched now.
/// Returns the requests that read the index, and the number of archived messages.
fn requests_beside_younger(younger: usize) -> (Vec<String>, u64) {
    let world =
        TestOutbox::configured(|builder| builder.archive_min_age(Duration::from_millis(60_000)).number_of_shards(1));
    let old = dispatched(&world, 5);
    set_dispatched(&world, &old, SystemTime::now() - Duration::from_secs(3600));
    let young: Vec<Message> = (0..younger).map(|_| Message::new("t", vec![b'x'; 100_000])).collect();
    world.clear(&world.postbox.deposit_posts(&young).unwrap());
    world.faults.forget();
    let archived = world.postbox.archive(&noting(keep_all).0).unwrap().archived;
    let requests = world.faults.requests().into_iter();
    let reads = requests.filter(|request| request.body["IndexName"] == "Delivered");
    (reads.map(|request| format!("{} {}", request.operation, request.body["Limit"])).collect(), archived)
}

#[test]
fn younger_messages_are_not_read() {
    let alone = requests_beside_younger(0);
    assert_eq!(alone, (["Scan 1", "Query null", "Query 1", "Scan 1"].map(str::to_owned).to_vec(), 5));
    assert_eq!(requests_beside_younger(60), alone);
}

#[test]
fn a_run_without_old_messages_reads_one_item_per_shard() {
    let world =
        TestOutbox::configured(|builder| builder.archive_min_age(Duration::from_millis(60_000)).number_of_shards(2));
    for topic in ["a", "b", "c"] {
        let messages: Vec<Message> =
            (0..40).map(|n| Message::new(topic, "x").with_partition_key(n.to_string())).collect();
        world.clear(&world.postbox.deposit_posts(&messages).unwrap());
    }
    world.faults.forget();
    assert_eq!(counts(&world.postbox.archive(&noting(keep_all).0).unwrap()), (0, 0));
    let scans = world.faults.bodies("Scan");
    assert_eq!(scans.len(), 3 * 2 + 1);
    assert!(scans.iter().all(|scan| scan["Limit"] == 1));
    assert_eq!((world.faults.count("Query"), world.faults.count("BatchGetItem")), (0, 0));
}

#[test]
fn an_index_that_rejects_constructed_start_keys_is_read_page_by_page() {
    let rejected =
        || Fault::Refuse { status: 400, code: "ValidationException", message: "The provided starting key is invalid" };
    let world = TestOutbox::configured(|builder| at_once(builder).number_of_shards(3));
    let ids = dispatched(&world, 40);
    world.faults.when(move |request| {
        let start = request.body["ExclusiveStartKey"]["DeliveryTime"]["N"].as_str().unwrap_or_default();
        (request.operation == "Scan" && start.ends_with("E+125")).then(rejected)
    });
    for _ in 0..2 {
        assert_eq!(world.postbox.archive(&noting(keep_all).0).unwrap().failed, 0);
    }
    assert!(ids.iter().all(|id| world.raw(id).is_none()));
    let constructed = world.faults.bodies("Scan").iter().filter(|scan| scan["Limit"] == 1).count();
    assert_eq!(constructed, 2, "a constructed start key is tried once");
}

#[test]
fn cancellation_takes_effect_between_any_two_requests() {
    let world = TestOutbox::configured(|builder| at_once(builder).number_of_shards(2));
    let ids = dispatched(&world, 20);
    for operation in ["Scan", "Query", "BatchGetItem"] {
        let cancel = CancelToken::new();
        let elsewhere = cancel.clone();
        world.faults.when(move |request| {
            if request.operation == operation {
                elsewhere.cancel();
            }
            None
        });
        world.faults.forget();
        let report = world
            .postbox
            .archive_with(&noting(|batch: &[StoredMessage]| vec![Err("full".into()); batch.len()]).0, &cancel);
        assert_eq!(report.unwrap().lease, LeaseStatus::Held);
        let reads: Vec<_> = world.faults.operations();
        let reads: Vec<_> =
            reads.iter().filter(|it| !["PutItem", "DeleteItem", "UpdateItem"].contains(&it.as_str())).collect();
        assert_eq!(reads.last().unwrap().as_str(), operation, "{reads:?}");
        world.faults.heal();
    }
    assert!(ids.iter().all(|id| state(&world.postbox, id) == Some(MessageState::Dispatched)));
}

#[test]
fn the_background_archiver_makes_no_request_before_something_can_be_old_enough() {
    let world = TestOutbox::configured(|builder| {
        builder.archive_min_age(Duration::from_millis(1500)).archive_interval(Duration::from_millis(10))
    });
    let ids = dispatched(&world, 3);
    let began = Instant::now();
    world.postbox.start_archiver(noting(keep_all).0).unwrap();
    wait_until("the archiver has not archived them", || {
        ids.iter().all(|id| world.faults.count("DeleteItem") > 0 && state(&world.postbox, id).is_none())
    });
    assert!(began.elapsed() >= Duration::from_millis(1000), "the messages were old enough only then");
    world.postbox.stop_archiver().unwrap();
    let runs = world.faults.bodies("UpdateItem").iter().filter(|put| put["TableName"] == LOCKS).count();
    assert!(
        (2..=4).contains(&runs),
        "one run finds nothing, and others archive the messages when they are old enough: {runs}"
    );
}

#[test]
fn an_item_is_archived_as_it_is_stored() {
    let world = test_outbox();
    let ids = world.deposit(2);
    for (id, body) in ids.iter().zip([None, Some("of an older version")]) {
        let mut row = world.raw(id).unwrap();
        row.insert("TenantOfMine".into(), text("42"));
        row.insert("HandledCount".into(), number("1.5"));
        row.insert("HeaderBag".into(), text(r#"{ "n": 12345678901234567890123 }"#));
        row.insert("TopicShard".into(), text("t_-2"));
        row.extend(body.map(|body| ("Body".to_owned(), text(body))));
        put(&world, row);
    }
    world.clear(&ids);
    let stored: Vec<Item> = ids.iter().map(|id| world.raw(id).unwrap()).collect();
    let file = TemporaryFile::new();
    assert_eq!(world.postbox.archive(&JsonLinesArchive::open(&file.0).unwrap()).unwrap().archived, 2);
    let archived = lines(&file.0);
    for (id, stored) in ids.iter().zip(&stored) {
        assert_eq!(&archived[id], stored);
    }
}

#[test]
fn messages_are_never_deleted_before_they_are_archived() {
    let world = test_outbox();
    let ids = dispatched(&world, 2);
    let (archive, _) = noting(|batch: &[StoredMessage]| vec![Err("closed for today".into()); batch.len()]);
    assert_eq!(counts(&world.postbox.archive(&archive).unwrap()), (0, 2));
    assert_eq!(world.faults.bodies("DeleteItem").iter().filter(|body| body["TableName"] == OUTBOX).count(), 0);
    assert!(ids.iter().all(|id| state(&world.postbox, id) == Some(MessageState::Dispatched)));
}

#[test]
fn the_background_archiver_survives_errors_and_panics() {
    let world = TestOutbox::configured(|builder| at_once(builder).archive_interval(Duration::from_millis(10)));
    let ids = dispatched(&world, 3);
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let (archive, _) = noting(move |batch: &[StoredMessage]| match counted.fetch_add(1, Ordering::SeqCst) {
        0 => panic!("the archive panics once"),
        1 => vec![Err("and fails once".into()); batch.len()],
        _ => keep_all(batch),
    });
    world.faults.next("Scan", Fault::access_denied());
    world.postbox.start_archiver(archive).unwrap();
    let (second, _) = noting(keep_all);
    assert_eq!(world.postbox.start_archiver(second).unwrap_err().code(), ErrorCode::InvalidArgument);
    wait_until("the archiver has not archived them", || ids.iter().all(|id| state(&world.postbox, id).is_none()));
    world.postbox.stop_archiver().unwrap();
    world.postbox.stop_archiver().unwrap();
    let stats = world.postbox.stats();
    assert_eq!(stats.background_failures, 1, "{:?}", stats.last_error);
    assert!(stats.last_error.unwrap().contains("archiver"));
    let later = dispatched(&world, 1);
    assert_eq!(state(&world.postbox, &later[0]), Some(MessageState::Dispatched));
    assert_eq!(world.sent(), [numbers(0..3), numbers(0..1)].concat());
}
