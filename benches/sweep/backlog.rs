//! One sweeper sends a backlog: the read units of its index, the rate, the requests and the memory.

use crate::support::database::{FileDatabase, body, fill, outstanding, ticks_before};
use crate::support::memory::{peak_kilobytes, resident_kilobytes};
use crate::support::meter::{Metered, sum};
use crate::support::{is_measurement, parameter};
use crate::{LEASE_MODES, sweeping};
use postbox::LeaseMode;
use std::time::{Duration, Instant};

const SHARDS: usize = 3;

/// The results of a sweep of a backlog.
struct Swept {
    messages: u64,
    time: Duration,
    requests: u64,
    /// The requests and read units of the polls, which find the lanes with work.
    polls: (u64, f64),
    /// The read units of the drains, which read the index of a lane.
    drains: f64,
    kilobytes: u64,
}

pub fn measure() {
    let sizes: &[usize] = if is_measurement() { &[1_000, 50_000, 500_000] } else { &[100] };
    let largest = parameter("POSTBOX_BENCH_BACKLOG", 500_000) as usize;
    println!(
        "\n| outstanding messages of 1 KB | lease_mode | index units a message (goal: up to 0.35) | polls: requests, units | units a message without polls | messages a second | requests per 1,000 | memory above idle (goal: under 64 MB) |\n|---|---|---|---|---|---|---|---|"
    );
    for &size in sizes.iter().filter(|size| **size <= largest) {
        for (mode, name) in LEASE_MODES {
            let file = FileDatabase::create("backlog");
            let first = ticks_before(Duration::from_secs(3600));
            let text = body(1024);
            fill(&file.database, (0..size).map(|n| outstanding(n, "t", n % SHARDS, first + n as u128, &text)));
            print(&format!("{size} | {name}"), &sweep(&file, mode));
        }
    }
}

/// Measures messages whose bodies have almost the largest size of an item.
pub fn measure_large() {
    let count = if is_measurement() { 400 } else { 8 };
    println!(
        "\n| outstanding messages of 380 KB in 4 topics | lease_mode | index units a message | polls: requests, units | units a message without polls | messages a second | requests per 1,000 | memory above idle (goal: under 64 MB) |\n|---|---|---|---|---|---|---|---|"
    );
    for (mode, name) in LEASE_MODES {
        let file = FileDatabase::create("large");
        let first = ticks_before(Duration::from_secs(3600));
        let text = body(380 * 1000);
        let item = |n: usize| outstanding(n, &format!("t{}", n % 4), n / 4 % SHARDS, first + n as u128, &text);
        fill(&file.database, (0..count).map(item));
        print(&format!("{count} | {name}"), &sweep(&file, mode));
    }
}

fn sweep(file: &FileDatabase, mode: LeaseMode) -> Swept {
    let meter = Metered::new(file.database.clone());
    let builder = sweeping().lease_mode(mode).embedded(file.database.clone()).http_client(meter.clone());
    let postbox = builder.open().expect("the Postbox opens");
    meter.take();
    let idle = resident_kilobytes();
    let start = Instant::now();
    let report = postbox.sweep().expect("the sweep runs");
    let (time, usages) = (start.elapsed(), meter.take());
    let kilobytes = peak_kilobytes().saturating_sub(idle);
    assert_eq!(postbox.count_outstanding(None).expect("they are counted").count, 0);
    let polls = sum(&usages, |name| name.starts_with("Scan "));
    Swept {
        messages: report.dispatched,
        time,
        requests: sum(&usages, |_| true).requests,
        polls: (polls.requests, polls.units),
        drains: sum(&usages, |name| name.starts_with("Query ")).units,
        kilobytes,
    }
}

fn print(what: &str, swept: &Swept) {
    let Swept { messages, time, requests, polls, drains, kilobytes } = swept;
    let count = *messages as f64;
    println!(
        "| {what} | {:.3} | {}, {:.1} | {:.3} | {:.0} | {:.1} | {:.1} MB |",
        (drains + polls.1) / count,
        polls.0,
        polls.1,
        drains / count,
        count / time.as_secs_f64(),
        *requests as f64 * 1000.0 / count,
        *kilobytes as f64 / 1024.0,
    );
}
