//! Sweeps that find nothing: of an empty table, of dispatched messages only, and by a fleet of sweepers.

use crate::support::database::{body, dispatched, fill, in_memory, ticks_before};
use crate::support::meter::{Metered, Usages, reads, sum};
use crate::support::{is_measurement, parameter};
use crate::{LEASE_MODES, sweeping};
use postbox::{EmbeddedDatabase, LeaseMode, Postbox};
use std::time::Duration;

/// The number of sweeps after the first. Every twelfth sweep also searches for messages without a shard, so this is a
/// multiple of 12: the average then includes the right share of these searches.
const SWEEPS: u64 = 24;
const FLEET: usize = 12;

pub fn measure() {
    let count = if is_measurement() { 200_000 } else { 200 };
    println!(
        "\n| idle sweep of | lease_mode | first sweep: requests | read units | later sweeps: requests | read units | most units of a request | writes |\n|---|---|---|---|---|---|---|---|"
    );
    for (what, count) in [("an empty table", 0), ("dispatched messages only", count)] {
        let database = in_memory();
        let (at, text) = (ticks_before(Duration::from_secs(60)), body(1));
        fill(&database, (0..count).map(|n| dispatched(n, "t", n % 3, at + n as u128, &text)));
        for (mode, name) in LEASE_MODES {
            sweep(&database, mode, &format!("{what} ({count}) | {name}"));
        }
    }
}

fn sweep(database: &EmbeddedDatabase, mode: LeaseMode, what: &str) {
    let meter = Metered::new(database.clone());
    let postbox = postbox(database, &meter, mode, Duration::from_secs(5));
    meter.take();
    let _ = postbox.sweep().expect("the sweep runs");
    let first = sum(&meter.take(), |_| true);
    for _ in 0..SWEEPS {
        let _ = postbox.sweep().expect("the sweep runs");
    }
    let later = meter.take();
    let (all, read) = (sum(&later, |_| true), sum(&later, reads));
    println!(
        "| {what} | {} | {} | {:.2} | {:.2} | {} | {} |",
        first.requests,
        first.units,
        all.requests as f64 / SWEEPS as f64,
        read.units / SWEEPS as f64,
        read.most,
        all.requests - read.requests,
    );
}

/// Measures the requests of sweepers that run for a time and find nothing. `POSTBOX_BENCH_SECONDS` sets the time.
pub fn measure_fleet() {
    let seconds = if is_measurement() { parameter("POSTBOX_BENCH_SECONDS", 600) } else { 1 };
    for (mode, name) in LEASE_MODES {
        let (database, interval) = (in_memory(), Duration::from_millis(if is_measurement() { 5000 } else { 50 }));
        let meter = Metered::new(database.clone());
        let fleet: Vec<_> = (0..FLEET).map(|_| postbox(&database, &meter, mode, interval)).collect();
        meter.take();
        fleet.iter().for_each(|postbox| postbox.start_sweeper().expect("the sweeper starts"));
        std::thread::sleep(Duration::from_secs(seconds));
        print_fleet(name, seconds, &meter.take());
        fleet.iter().for_each(|postbox| postbox.close().expect("the Postbox closes"));
    }
}

fn print_fleet(mode: &str, seconds: u64, all: &Usages) {
    println!(
        "\n| {FLEET} idle sweepers for {seconds} s, {mode} | requests | units | most units of a request | rejected |"
    );
    println!("|---|---|---|---|---|");
    for (name, usage) in all {
        println!("| {name} | {} | {:.1} | {} | {} |", usage.requests, usage.units, usage.most, usage.rejected);
    }
    assert_eq!(sum(all, |_| true).rejected, 0, "an idle fleet has no rejected writes");
}

fn postbox(
    database: &EmbeddedDatabase,
    meter: &Metered<EmbeddedDatabase>,
    mode: LeaseMode,
    interval: Duration,
) -> Postbox {
    let builder = sweeping().lease_mode(mode).sweep_interval(interval);
    builder.embedded(database.clone()).http_client(meter.clone()).open().expect("the Postbox opens")
}
