//! Zombies: sweepers that stand still (SIGSTOP) for longer than their lease, while another takes over,
//! and then go on. They must not send anything more.
//!
//! The sweepers are this test binary again, running the test [`process`]. `POSTBOX_ZOMBIES` says how many.

use crate::support::http::{self, HttpDatabase};
use crate::support::processes::rerun;
use crate::support::{TEST_TIMEOUT, messages};
use postbox::{Builder, LeaseStatus, MemoryProducer, Message, Postbox, SendOutcome, producer_fn};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const DATABASE: &str = "POSTBOX_ZOMBIE_DATABASE";
const TABLE: &str = "POSTBOX_ZOMBIE_TABLE";
const FILE: &str = "POSTBOX_ZOMBIE_FILE";
const LEASE: Duration = Duration::from_millis(4000);
/// What the process writes down.
const CALLED: &str = "called ";
const SENT: &str = "sent ";
const ENDED: &str = "ended ";
/// So many stand still at the same time.
const AT_ONCE: usize = 4;
/// More than a sweep can send before it is stopped.
const MESSAGES: usize = 400;

/// Each zombie has an outbox and so a lease of its own.
fn builder(database: &str, table: &str) -> Builder {
    http::configure(Postbox::builder(), database)
        .table_name(table)
        // A busy machine takes its time.
        .attempt_timeout(Duration::from_millis(30_000))
        .operation_timeout(Duration::from_millis(60_000))
        .sweep_min_age(Duration::from_millis(0))
        .lease_duration(LEASE)
}

/// Not a test by itself: one sweep, whose producer says when it is called and when it has sent, and takes its time in between.
#[test]
fn process() {
    let Ok(file) = std::env::var(FILE) else { return };
    let variable = |name| std::env::var(name).unwrap();
    let file = Arc::new(File::options().append(true).create(true).open(file).unwrap());
    let line = |file: &File, what: &str| (&*file).write_all(format!("{what}\n").as_bytes()).unwrap();
    let sends = Arc::clone(&file);
    let producer = producer_fn(move |message: &Message| {
        line(&sends, &format!("{CALLED}{}", message.id()));
        std::thread::sleep(Duration::from_millis(2));
        line(&sends, &format!("{SENT}{}", message.id()));
        SendOutcome::Sent
    });
    let postbox = builder(&variable(DATABASE), &variable(TABLE)).default_producer(producer).open().unwrap();
    line(&file, &format!("{ENDED}{}", postbox.sweep().unwrap().lease.name()));
}

/// A process that sweeps once, and what it has written down.
struct Zombie {
    child: Child,
    file: PathBuf,
}

impl Zombie {
    fn start(database: &str, table: &str) -> Self {
        let file = std::env::temp_dir().join(format!("postbox-{table}-{}", std::process::id()));
        let _ = std::fs::remove_file(&file);
        let child = rerun(process)
            .env(DATABASE, database)
            .env(TABLE, table)
            .env(FILE, &file)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, file }
    }

    fn lines(&self) -> Vec<String> {
        std::fs::read_to_string(&self.file).unwrap_or_default().lines().map(String::from).collect()
    }

    /// Whether it is sending still when it has written so many lines: on a busy machine it may have lost its lease.
    fn is_sending_after(&self, lines: usize) -> bool {
        let deadline = Instant::now() + TEST_TIMEOUT;
        while self.lines().len() < lines && with(&self.lines(), ENDED).is_empty() {
            assert!(Instant::now() < deadline, "it does not sweep");
            std::thread::sleep(Duration::from_micros(300));
        }
        with(&self.lines(), ENDED).is_empty()
    }

    fn signal(&self, signal: i32) {
        // SAFETY: a child of ours that was not waited for: its id is its own.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    /// Stops it, and waits until it stands still.
    fn stop(&self) {
        self.signal(libc::SIGSTOP);
        let status = Path::new("/proc").join(self.child.id().to_string()).join("status");
        while !std::fs::read_to_string(&status).unwrap().contains("State:\tT") {
            std::thread::sleep(Duration::from_micros(300));
        }
    }

    /// Lets it go on to its end; the lines that it wrote meanwhile.
    fn resume(&mut self) -> Vec<String> {
        let before = self.lines().len();
        self.signal(libc::SIGCONT);
        self.child.wait().unwrap();
        self.lines().split_off(before)
    }
}

impl Drop for Zombie {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.file);
    }
}

fn with<'a>(lines: &'a [String], start: &str) -> Vec<&'a str> {
    lines.iter().filter_map(|line| line.strip_prefix(start)).collect()
}

/// What came of one zombie.
struct Outcome {
    /// How many messages it began to send after its lease was gone.
    late: usize,
    /// How many both sent, it and the one that took over.
    twice: usize,
}

/// `None` if it came to its end before it could be stopped.
fn raise_one(database: &str, table: &str) -> Option<Outcome> {
    let taker_sent = MemoryProducer::new();
    let taker = builder(database, table).default_producer(taker_sent.clone()).open().unwrap();
    taker.create_table().unwrap();
    taker.deposit_posts(&messages(MESSAGES)).unwrap();
    let mut zombie = Zombie::start(database, table);
    if !zombie.is_sending_after(fastrand::usize(1..MESSAGES)) {
        return None;
    }
    zombie.stop();
    let deadline = Instant::now() + TEST_TIMEOUT;
    while taker.sweep().unwrap().lease != LeaseStatus::Held {
        assert!(Instant::now() < deadline, "its lease is held for ever");
        std::thread::sleep(Duration::from_millis(20));
    }
    let after = zombie.resume();
    assert_eq!(with(&after, ENDED), [LeaseStatus::Lost.name()], "{after:?}");
    let all = zombie.lines();
    let zombies: BTreeSet<&str> = with(&all, SENT).into_iter().collect();
    let takers: BTreeSet<String> = taker_sent.sent().iter().map(|message| message.id().to_owned()).collect();
    let twice = takers.iter().filter(|id| zombies.contains(id.as_str())).count();
    assert_eq!(zombies.len() + takers.len() - twice, MESSAGES, "every message was sent");
    Some(Outcome { late: with(&after, CALLED).len(), twice })
}

#[test]
fn a_sweeper_suspended_beyond_its_lease_sends_nothing_more() {
    let zombies = std::env::var("POSTBOX_ZOMBIES").ok().and_then(|value| value.parse().ok()).unwrap_or(8);
    let database = HttpDatabase::start();
    let url = database.url();
    let mut outcomes = Vec::new();
    for first in (0..zombies).step_by(AT_ONCE) {
        let tables = (first..zombies.min(first + AT_ONCE)).map(|number| format!("zombie-{number}"));
        outcomes.extend(std::thread::scope(|scope| {
            let raised: Vec<_> = tables
                .map(|table| {
                    scope.spawn({
                        let url = &url;
                        move || raise_one(url, &table)
                    })
                })
                .collect();
            raised.into_iter().filter_map(|one| one.join().unwrap()).collect::<Vec<_>>()
        }));
    }
    let late: usize = outcomes.iter().map(|outcome| outcome.late).sum();
    let twice: usize = outcomes.iter().map(|outcome| outcome.twice).sum();
    println!(
        "{} zombies, {late} messages begun after the lease was gone, {twice} of {} messages sent by both",
        outcomes.len(),
        outcomes.len() * MESSAGES
    );
    assert!(outcomes.len() > zombies / 2, "most ended before they could be stopped");
    // Who is stopped between its last look at the clock and the call of the producer makes that call, and no other.
    assert!(outcomes.iter().all(|outcome| outcome.late <= 1), "a zombie went on");
}
