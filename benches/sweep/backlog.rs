//! Measures how one sweeper sends a backlog: the read units of the index, the rate, the requests and the memory.

use crate::support::database::{FileDatabase, body, outstanding, ticks_before};
use crate::support::memory::{peak_kilobytes, resident_kilobytes};
use crate::support::meter::{Metered, Usages, add, sum};
use crate::support::{is_measurement, parameter};
use crate::{LEASE_MODES, is_anything_outstanding, sweeping};
use postbox::{EmbeddedDatabase, LeaseMode};
use std::time::{Duration, Instant};

const SHARDS: usize = 3;

/// The results of a sweep of a backlog.
struct Swept {
    messages: u64,
    sweeps: u64,
    time: Duration,
    requests: u64,
    /// The requests and read units of the polls, which find the shards that have messages.
    polls: (u64, f64),
    /// The read units of the queries that read the messages of these shards from the index.
    drains: f64,
    kilobytes: u64,
}

/// Measures backlogs of messages of 1 KB. The goals are up to 0.35 index units a message and less than 64 MB of memory.
/// `POSTBOX_BENCH_BACKLOG` sets the number of messages of a single backlog.
pub fn measure() {
    let sizes: Vec<usize> = match parameter("POSTBOX_BENCH_BACKLOG", 0) as usize {
        0 if is_measurement() => vec![1_000, 50_000, 500_000],
        0 => vec![100],
        size => vec![size],
    };
    head("1 KB");
    for size in sizes {
        let (first, text) = (ticks_before(Duration::from_secs(3600)), body(1024));
        let item = |n: usize| outstanding(n, "t", n % SHARDS, first + n as u128, &text);
        in_each_mode(size, (0..size).map(item));
    }
}

/// Measures a backlog of messages that are almost as large as an item may be.
pub fn measure_large() {
    let count = if is_measurement() { 400 } else { 8 };
    head("380 KB in 4 topics");
    let (first, text) = (ticks_before(Duration::from_secs(3600)), body(380 * 1000));
    let item = |n: usize| outstanding(n, &format!("t{}", n % 4), n / 4 % SHARDS, first + n as u128, &text);
    in_each_mode(count, (0..count).map(item));
}

/// Measures the sweep of these messages with each lease mode.
fn in_each_mode(count: usize, items: impl Iterator<Item = serde_json::Value>) {
    let file = FileDatabase::create("backlog", items);
    for (mode, name) in LEASE_MODES {
        let copy = file.copy(name);
        print(&format!("{count} | {name}"), &sweep(copy.open(), mode));
    }
}

/// Sweeps until nothing is left. Between two sweeps, pauses as the background sweeper does.
fn sweep(database: EmbeddedDatabase, mode: LeaseMode) -> Swept {
    let interval = Duration::from_millis(parameter("POSTBOX_BENCH_INTERVAL_MS", 5000));
    let meter = Metered::new(database.clone());
    let builder = sweeping().lease_mode(mode).sweep_interval(interval);
    let postbox = builder.embedded(database).http_client(meter.clone()).open().expect("the Postbox opens");
    meter.take();
    let idle = resident_kilobytes();
    let (start, mut usages, mut messages, mut sweeps) = (Instant::now(), Usages::new(), 0, 0);
    let time = loop {
        let report = postbox.sweep().expect("the sweep runs");
        let time = start.elapsed();
        add(&mut usages, meter.take());
        messages += report.dispatched;
        sweeps += 1;
        if !is_anything_outstanding(&postbox) {
            break time;
        }
        meter.take();
        std::thread::sleep(interval);
    };
    let kilobytes = peak_kilobytes().saturating_sub(idle);
    let polls = sum(&usages, |name| name.starts_with("Scan "));
    Swept {
        messages,
        sweeps,
        time,
        requests: sum(&usages, |_| true).requests,
        polls: (polls.requests, polls.units),
        drains: sum(&usages, |name| name.starts_with("Query ")).units,
        kilobytes,
    }
}

fn head(of: &str) {
    println!(
        "\n| outstanding messages of {of} | lease_mode | index units a message | polls: requests, units | units a message without polls | sweeps | messages a second | requests per 1,000 | memory above idle |\n|---|---|---|---|---|---|---|---|---|"
    );
}

fn print(what: &str, swept: &Swept) {
    let Swept { messages, sweeps, time, requests, polls, drains, kilobytes } = swept;
    let count = *messages as f64;
    println!(
        "| {what} | {:.3} | {}, {:.1} | {:.3} | {sweeps} | {:.0} | {:.1} | {:.1} MB |",
        (drains + polls.1) / count,
        polls.0,
        polls.1,
        drains / count,
        count / time.as_secs_f64(),
        *requests as f64 * 1000.0 / count,
        *kilobytes as f64 / 1024.0,
    );
}
