//! The guarantee of delivery: committed messages are sent at least once, and rolled-back messages never.
//!
//! Processes that deposit, clear and sweep are killed repeatedly at random moments, some of them after a pause longer than
//! their lease. In one test the network also cuts connections, and delays or drops bytes. The processes run the test [`process`]
//! of this binary. Each test prints its seed: `POSTBOX_KILL_SEED` repeats the same choices, and
//! `POSTBOX_KILLS` sets the number of kills.

use crate::support::http::{self, HttpDatabase};
use crate::support::processes::rerun;
use crate::support::proxy::Proxy;
use crate::support::{OUTBOX, PEOPLE, create_people, person, sdk};
use aws_sdk_dynamodb::types::ConditionCheck;
use fastrand::Rng;
use postbox::{Builder, Item, LeaseMode, LeaseStatus, Message, Postbox, Producer, SendOutcome};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

const ROLE: &str = "POSTBOX_KILL_ROLE";
const DATABASE: &str = "POSTBOX_KILL_DATABASE";
const FILE: &str = "POSTBOX_KILL_FILE";
const SEED: &str = "POSTBOX_KILL_SEED";
const LEASES: &str = "POSTBOX_KILL_LEASES";
const ROLES: [&str; 4] = ["depositor", "depositor", "sweeper", "sweeper"];
/// A fleet in which each process does something else.
const FLEET: [&str; 9] = [
    "depositor",
    "depositor",
    "depositor-that-never-clears",
    "depositor-with-a-sweeper",
    "sweeper",
    "sweeper-of-one-topic",
    "sweeper-of-batches",
    "sweeper-by-cron",
    "sweeper-with-confirmations",
];
const TOPICS: [&str; 2] = ["greeting.made", "greeting.read"];
/// The longest lifetime of a process.
const LONGEST_LIFE_MS: u64 = 900;
const LEASE_MS: u64 = 1000;

fn settings(builder: Builder) -> Builder {
    builder
        .lease_mode(
            std::env::var(LEASES).ok().and_then(|mode| LeaseMode::from_name(&mode)).unwrap_or(LeaseMode::Single),
        )
        .lease_duration(Duration::from_millis(LEASE_MS))
        .sweep_interval(Duration::from_millis(20))
        .sweep_min_age(Duration::from_millis(150))
        .cache_max_age(Duration::from_millis(50))
        .dispatch_retry_delay(Duration::from_millis(20))
        .confirm_timeout(Duration::from_millis(500))
        .breaker_threshold(0)
        .max_dispatch_attempts(0)
}

/// Returns the settings for a database with this URL, or in this file.
fn builder(database: &str) -> Builder {
    match database.starts_with("http://") {
        // The timeouts are short, since the processes do not live long enough to wait for lost responses.
        true => http::configure(Postbox::builder(), database)
            .attempt_timeout(Duration::from_millis(200))
            .operation_timeout(Duration::from_millis(2000)),
        false => Postbox::builder().embedded_path(database),
    }
}

/// A producer that appends the ids of sent messages to a file before it reports success. The file keeps its content when
/// the process is killed.
struct FileProducer {
    file: File,
    /// The random numbers that decide which sends fail. Without them, no send fails.
    failures: Option<Mutex<Rng>>,
    max_batch: usize,
    /// Receives the ids of accepted messages, which are confirmed later. Without it, messages are reported as sent.
    confirmations: Option<Sender<String>>,
}

impl FileProducer {
    fn new(sends: &Path, failures: Option<Rng>) -> Self {
        let file = File::options().append(true).create(true).open(sends).unwrap();
        Self { file, failures: failures.map(Mutex::new), max_batch: 1, confirmations: None }
    }

    fn send_one(&self, message: &Message) -> SendOutcome {
        if self.failures.as_ref().is_some_and(|chance| chance.lock().unwrap().u8(..20) == 0) {
            return SendOutcome::Retry("the transport is down for a moment".into());
        }
        (&self.file).write_all(format!("{}\n", message.id()).as_bytes()).unwrap();
        match &self.confirmations {
            None => SendOutcome::Sent,
            Some(ids) => {
                ids.send(message.id().to_owned()).unwrap();
                SendOutcome::Accepted
            }
        }
    }
}

impl Producer for FileProducer {
    fn send(&self, batch: &[Message]) -> Vec<SendOutcome> {
        batch.iter().map(|message| self.send_one(message)).collect()
    }

    fn max_batch(&self) -> usize {
        self.max_batch
    }
}

/// Runs as one of the processes if the environment names a role. Otherwise it is no test and does nothing.
#[test]
fn process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let variable = |name| std::env::var(name).unwrap();
    let mut chance = Rng::with_seed(variable(SEED).parse().unwrap());
    let sends = PathBuf::from(variable(FILE));
    let mut producer = FileProducer::new(&sends, Some(chance.fork()));
    let (ids, accepted) = mpsc::channel();
    match role.as_str() {
        "sweeper-of-batches" => producer.max_batch = 10,
        "sweeper-with-confirmations" => producer.confirmations = Some(ids),
        _ => {}
    }
    let open = |producer: FileProducer| {
        let builder = settings(builder(&variable(DATABASE)));
        let builder = match role.as_str() {
            "sweeper-of-one-topic" => builder.producer(TOPICS[0], producer),
            _ => builder.default_producer(producer),
        };
        builder.dispatch_after_commit(role == "depositor-with-a-sweeper").open().unwrap()
    };
    if role == "sweeper-by-cron" {
        loop {
            let postbox = open(FileProducer::new(&sends, Some(chance.fork())));
            let _ = postbox.sweep();
            let _ = postbox.close();
        }
    }
    let postbox = open(producer);
    if !role.starts_with("depositor") || role == "depositor-with-a-sweeper" {
        postbox.start_sweeper().unwrap();
    }
    let clears = role == "depositor";
    match role.as_str() {
        role if role.starts_with("depositor") => loop {
            handle(&postbox, &mut chance, clears);
        },
        "sweeper-with-confirmations" => accepted.iter().for_each(|id| {
            let _ = postbox.confirm(&id, SendOutcome::Sent);
        }),
        _ => loop {
            std::thread::park();
        },
    }
}

/// Runs the handler: commits a person and a message in one unit of work, then clears the message. Some units are rolled
/// back, dropped or cancelled, and some messages are left to the sweepers.
fn handle(postbox: &Postbox, chance: &mut Rng, clears: bool) {
    let name = format!("{}-{:016x}", std::process::id(), chance.u64(..));
    let mut work = postbox.unit_of_work();
    work.put(PEOPLE, person(&name)).unwrap();
    let message = Message::new(TOPICS[chance.usize(..2)], name.as_str()).with_id(name.as_str());
    let message = if chance.bool() { message.with_partition_key(format!("key-{}", chance.u8(..4))) } else { message };
    let id = work.deposit_post(message).unwrap();
    match chance.u8(..8) {
        0 => work.rollback().unwrap(),
        1 => drop(work),
        2 => {
            // No person has this name, so the transaction is cancelled.
            let check = ConditionCheck::builder().table_name(PEOPLE).set_key(Some(person("nobody")));
            work.condition_check(check.condition_expression("attribute_exists(Notes)").build().unwrap()).unwrap();
            work.commit().unwrap_err();
        }
        number => {
            if work.commit().is_ok() && number != 3 && clears {
                let _ = postbox.clear_outbox(&[id]);
            }
        }
    }
}

/// A process that the test kills.
struct Victim {
    role: &'static str,
    child: Child,
    /// Whether the process is suspended by SIGSTOP.
    is_stopped: bool,
    /// The time of the next kill, stop or resumption.
    next_at: Instant,
}

impl Victim {
    fn signal(&self, signal: i32) {
        // SAFETY: the id is that of our child, and cannot be reused, since the child was not waited for.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    /// Suspends the process for longer than its lease, so that another process takes over.
    fn stop(&mut self, chance: &mut Rng) {
        self.signal(libc::SIGSTOP);
        self.is_stopped = true;
        self.next_at = Instant::now() + Duration::from_millis(chance.u64(LEASE_MS + 100..LEASE_MS * 2));
    }

    fn resume(&mut self, chance: &mut Rng) {
        self.signal(libc::SIGCONT);
        self.is_stopped = false;
        self.next_at = Instant::now() + Duration::from_millis(chance.u64(20..LONGEST_LIFE_MS));
    }
}

/// The database and the directory of the processes of one test.
struct Scene {
    /// The URL or the file of the database.
    database: String,
    /// The setting `lease_mode` of the processes.
    leases: &'static str,
    directory: PathBuf,
    chance: Rng,
    started: usize,
}

impl Scene {
    fn start(&mut self, role: &'static str) -> Victim {
        self.started += 1;
        let child = rerun(process)
            .env(ROLE, role)
            .env(DATABASE, &self.database)
            .env(LEASES, self.leases)
            .env(FILE, self.directory.join(format!("sends-{role}-{}", self.started)))
            .env(SEED, self.chance.u64(..).to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let life = Duration::from_millis(self.chance.u64(20..LONGEST_LIFE_MS));
        Victim { role, child, is_stopped: false, next_at: Instant::now() + life }
    }

    /// Counts the sends of each message by processes of this role, or of any role if it is empty.
    fn sends(&self, role: &str) -> BTreeMap<String, usize> {
        let mut sends = BTreeMap::new();
        for entry in std::fs::read_dir(&self.directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().to_string_lossy().starts_with(&format!("sends-{role}")) {
                for id in std::fs::read_to_string(entry.path()).unwrap().lines() {
                    *sends.entry(id.to_owned()).or_default() += 1;
                }
            }
        }
        sends
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the ids of sent messages are in {}", self.directory.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

impl Drop for Victim {
    /// Kills the process with SIGKILL.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the values of this attribute in all items of the table.
fn all(postbox: &Postbox, table: &'static str, attribute: &'static str) -> BTreeSet<String> {
    let pages = sdk(postbox, move |client| async move {
        let pages = client.scan().table_name(table).consistent_read(true).into_paginator().items();
        pages.send().collect::<Result<Vec<Item>, _>>().await
    });
    pages.iter().map(|item| item[attribute].as_s().unwrap().clone()).collect()
}

/// Sweeps until nothing is outstanding.
fn sweep_calmly(postbox: &Postbox) {
    // This is long, because a message that has failed for some time waits as long again for its next attempt.
    let deadline = Instant::now() + Duration::from_secs(300);
    loop {
        // The first sweep may have to wait until the lease of a killed process expires.
        let report = postbox.sweep().unwrap();
        if report.lease == LeaseStatus::Held && postbox.count_outstanding(None).unwrap().count == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "messages stay outstanding: {report:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn at_least_once_with_a_single_lease() {
    let database = HttpDatabase::start();
    kill_processes_on(&ROLES, &database.url(), &database.url(), "single", 200, seed(), || true);
}

#[test]
fn at_least_once_with_a_lease_per_shard() {
    let database = HttpDatabase::start();
    kill_processes_on(&ROLES, &database.url(), &database.url(), "per_shard", 60, seed(), || true);
}

#[test]
fn at_least_once_with_a_shared_database_file() {
    let seed = seed();
    let file = std::env::temp_dir().join(format!("postbox-kill-{}-{seed:x}.db", std::process::id()));
    let file = file.to_str().unwrap();
    kill_processes_on(&ROLES, file, file, "single", 40, seed, || true);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{file}{suffix}"));
    }
}

#[test]
fn at_least_once_over_a_lossy_network() {
    kill_processes_over_a_lossy_network(&ROLES, "single");
}

#[test]
fn at_least_once_by_a_fleet_in_different_roles() {
    for leases in ["single", "per_shard"] {
        kill_processes_over_a_lossy_network(&FLEET, leases);
    }
}

fn kill_processes_over_a_lossy_network(roles: &[&'static str], leases: &'static str) {
    let (database, seed) = (HttpDatabase::start(), seed());
    let proxy = Proxy::start(&database.url(), 20, Rng::with_seed(seed));
    let is_lossy = || proxy.troubles().iter().all(|&times| times > 10);
    kill_processes_on(roles, &database.url(), &proxy.url(), leases, 60, seed, is_lossy);
    let troubles @ [delayed, cut, blocked] = proxy.troubles();
    println!("the network delayed {delayed} times, cut {cut} connections and blocked {blocked} connections");
    assert!(is_lossy(), "the network caused too few faults: {troubles:?}");
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

fn seed() -> u64 {
    let seed = variable(SEED).unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}");
    seed
}

/// Kills this many processes, and up to ten times as many until `is_enough` holds. The test reaches the database at
/// `database`, and the processes reach it at `theirs`, which may be a lossy network.
fn kill_processes_on(
    roles: &[&'static str],
    database: &str,
    theirs: &str,
    leases: &'static str,
    kills: u64,
    seed: u64,
    is_enough: impl Fn() -> bool,
) {
    let kills = variable("POSTBOX_KILLS").unwrap_or(kills);
    let directory = std::env::temp_dir().join(format!("postbox-kill-{}-{seed:x}-{leases}-{kills}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let mut scene = Scene { database: theirs.to_owned(), leases, directory, chance: Rng::with_seed(seed), started: 0 };
    let producer = FileProducer::new(&scene.directory.join("sends-calm"), None);
    // This process is not killed, and may wait for slow responses.
    let patient = builder(database).attempt_timeout(Duration::from_secs(3)).operation_timeout(Duration::from_secs(10));
    let postbox = settings(patient).default_producer(producer).open().unwrap();
    postbox.create_table().unwrap();
    create_people(&postbox);

    let mut victims: Vec<Victim> = roles.iter().map(|role| scene.start(role)).collect();
    let (mut killed, mut stops) = (0, 0);
    while killed < kills || (killed < 10 * kills && !is_enough()) {
        let next = (0..victims.len()).min_by_key(|&at| victims[at].next_at).unwrap();
        std::thread::sleep(victims[next].next_at.saturating_duration_since(Instant::now()));
        let victim = &mut victims[next];
        let ended = victim.child.try_wait().unwrap();
        assert!(ended.is_none(), "the {} ended by itself: {ended:?}", victim.role);
        if victim.is_stopped {
            victim.resume(&mut scene.chance);
        } else if scene.chance.u8(..8) == 0 {
            victim.stop(&mut scene.chance);
            stops += 1;
        } else {
            victims[next] = scene.start(victim.role);
            killed += 1;
        }
    }
    drop(victims);
    sweep_calmly(&postbox);

    let people = all(&postbox, PEOPLE, "Name");
    let messages = all(&postbox, OUTBOX, "MessageId");
    let sends = scene.sends("");
    let twice = sends.values().filter(|&&times| times > 1).count();
    let (swept, calm) = (scene.sends("sweeper").len(), scene.sends("calm").len());
    println!(
        "{killed} kills, {stops} stops of more than a lease, {} messages committed, {} sent, {twice} sent more than once; {swept} sent by sweepers that were killed, {calm} by the last sweep",
        messages.len(),
        sends.len(),
    );
    assert_eq!(people, messages, "data and messages are committed together");
    let sent: BTreeSet<String> = sends.into_keys().collect();
    let lost: Vec<&String> = messages.difference(&sent).collect();
    assert!(lost.is_empty(), "committed and never sent: {lost:?}");
    let invented: Vec<&String> = sent.difference(&messages).collect();
    assert!(invented.is_empty(), "sent and never committed: {invented:?}");
    // Checks that the processes lived long enough to do something.
    assert!(messages.len() > kills as usize && swept > 0, "the processes did next to nothing");
}
