//! Sweepers that are suspended (SIGSTOP) for longer than their lease while another process takes over. After they resume,
//! they must not send anything more.
//!
//! The sweepers run the test [`process`] of this binary. `POSTBOX_ZOMBIES` sets their number.

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
/// The prefixes of the lines that the process writes.
const CALLED: &str = "called ";
const SENT: &str = "sent ";
const ENDED: &str = "ended ";
/// The number of sweepers that are suspended at the same time.
const AT_ONCE: usize = 4;
/// The number of messages per sweeper, more than a sweep can send before it is suspended.
const MESSAGES: usize = 400;

/// Returns the settings for an outbox. Each suspended sweeper has its own outbox, and so its own lease.
fn builder(database: &str, table: &str) -> Builder {
    http::configure(Postbox::builder(), database)
        .table_name(table)
        // The timeouts are long enough for a busy machine.
        .attempt_timeout(Duration::from_millis(30_000))
        .operation_timeout(Duration::from_millis(60_000))
        .sweep_min_age(Duration::from_millis(0))
        .lease_duration(LEASE)
}

/// Runs one sweep if the environment names a file. Otherwise it is no test and does nothing. The producer writes a line
/// when it is called, sleeps, and writes another when it has sent.
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

/// A process that sweeps once, and the file with its lines.
struct Suspended {
    child: Child,
    file: PathBuf,
}

impl Suspended {
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

    /// Waits until the process has written this many lines or has ended. Returns whether the process still runs. On a
    /// busy machine, it may have lost its lease and ended.
    fn is_sending_after(&self, lines: usize) -> bool {
        let deadline = Instant::now() + TEST_TIMEOUT;
        while self.lines().len() < lines && with(&self.lines(), ENDED).is_empty() {
            assert!(Instant::now() < deadline, "the process does not sweep");
            std::thread::sleep(Duration::from_micros(300));
        }
        with(&self.lines(), ENDED).is_empty()
    }

    fn signal(&self, signal: i32) {
        // SAFETY: the id is that of our child, and cannot be reused, since the child was not waited for.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    /// Suspends the process, and waits until the system reports it as stopped.
    fn stop(&self) {
        self.signal(libc::SIGSTOP);
        let status = Path::new("/proc").join(self.child.id().to_string()).join("status");
        while !std::fs::read_to_string(&status).unwrap().contains("State:\tT") {
            std::thread::sleep(Duration::from_micros(300));
        }
    }

    /// Resumes the process and waits for its end. Returns the lines that it wrote meanwhile.
    fn resume(&mut self) -> Vec<String> {
        let before = self.lines().len();
        self.signal(libc::SIGCONT);
        self.child.wait().unwrap();
        self.lines().split_off(before)
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.file);
    }
}

fn with<'a>(lines: &'a [String], start: &str) -> Vec<&'a str> {
    lines.iter().filter_map(|line| line.strip_prefix(start)).collect()
}

/// The result of one suspended sweeper.
struct Outcome {
    /// The number of messages that it started to send after its lease was lost.
    late: usize,
    /// The number of messages that both it and its successor sent.
    twice: usize,
}

/// Suspends one sweeper beyond its lease. Returns `None` if it ended before it could be suspended.
fn suspend_one(database: &str, table: &str) -> Option<Outcome> {
    let taker_sent = MemoryProducer::new();
    let taker = builder(database, table).default_producer(taker_sent.clone()).open().unwrap();
    taker.create_table().unwrap();
    taker.deposit_posts(&messages(MESSAGES)).unwrap();
    let mut sweeper = Suspended::start(database, table);
    if !sweeper.is_sending_after(fastrand::usize(1..MESSAGES)) {
        return None;
    }
    sweeper.stop();
    let deadline = Instant::now() + TEST_TIMEOUT;
    while taker.sweep().unwrap().lease != LeaseStatus::Held {
        assert!(Instant::now() < deadline, "the lease of the suspended sweeper never expires");
        std::thread::sleep(Duration::from_millis(20));
    }
    let after = sweeper.resume();
    assert_eq!(with(&after, ENDED), [LeaseStatus::Lost.name()], "{after:?}");
    let all = sweeper.lines();
    let sent: BTreeSet<&str> = with(&all, SENT).into_iter().collect();
    let takers: BTreeSet<String> = taker_sent.sent().iter().map(|message| message.id().to_owned()).collect();
    let twice = takers.iter().filter(|id| sent.contains(id.as_str())).count();
    assert_eq!(sent.len() + takers.len() - twice, MESSAGES, "every message was sent");
    Some(Outcome { late: with(&after, CALLED).len(), twice })
}

#[test]
fn a_sweeper_suspended_beyond_its_lease_sends_nothing_more() {
    let count = std::env::var("POSTBOX_ZOMBIES").ok().and_then(|value| value.parse().ok()).unwrap_or(8);
    let database = HttpDatabase::start();
    let url = database.url();
    let mut outcomes = Vec::new();
    for first in (0..count).step_by(AT_ONCE) {
        let tables = (first..count.min(first + AT_ONCE)).map(|number| format!("suspended-{number}"));
        outcomes.extend(std::thread::scope(|scope| {
            let started: Vec<_> = tables
                .map(|table| {
                    scope.spawn({
                        let url = &url;
                        move || suspend_one(url, &table)
                    })
                })
                .collect();
            started.into_iter().filter_map(|one| one.join().unwrap()).collect::<Vec<_>>()
        }));
    }
    let late: usize = outcomes.iter().map(|outcome| outcome.late).sum();
    let twice: usize = outcomes.iter().map(|outcome| outcome.twice).sum();
    println!(
        "{} suspended sweepers, {late} sends started after the lease was lost, {twice} of {} messages sent by both",
        outcomes.len(),
        outcomes.len() * MESSAGES
    );
    assert!(outcomes.len() > count / 2, "most ended before they could be suspended");
    // A sweeper that is suspended between its last check of the lease and the call of the producer still makes that call.
    assert!(outcomes.iter().all(|outcome| outcome.late <= 1), "a sweeper continued after it had lost its lease");
}
