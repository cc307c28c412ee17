//! The read units of archiving, in a table with younger dispatched messages that are retained.

use crate::support::database::{body, dispatched, fill, in_memory, ticks_before};
use crate::support::is_measurement;
use crate::support::meter::{Metered, reads, reads_index, sum};
use postbox::{Archive, Postbox, StoredMessage};
use std::time::Duration;

const SHARDS: usize = 3;
const HOUR: Duration = Duration::from_secs(3600);

/// An archive that discards the messages.
struct Discard;

impl Archive for Discard {
    fn archive(&self, batch: &[StoredMessage]) -> Vec<Result<(), String>> {
        batch.iter().map(|_| Ok(())).collect()
    }
}

pub fn measure() {
    let scale = if is_measurement() { 1 } else { 100 };
    println!(
        "\n| retained messages | archived | read units a message | of these, of indexes | requests a message | write units a message |\n|---|---|---|---|---|---|"
    );
    for retained in [0, 10_000, 100_000] {
        let (database, text) = (in_memory(), body(1024));
        let (old, young) = (ticks_before(48 * HOUR), ticks_before(HOUR));
        let (archived, retained) = (2_000 / scale, retained / scale);
        let item = |n: usize| {
            let at = if n < archived { old } else { young } + n as u128;
            dispatched(n, "t", n % SHARDS, at, &text)
        };
        fill(&database, (0..archived + retained).map(item));
        let meter = Metered::new(database.clone());
        let postbox = Postbox::builder().embedded(database).http_client(meter.clone()).open();
        let postbox = postbox.expect("the Postbox opens");
        meter.take();
        let report = postbox.archive(&Discard).expect("the archiver runs");
        let usages = meter.take();
        assert_eq!((report.archived, report.failed), (archived as u64, 0));
        let per_message = |value: f64| value / archived as f64;
        let all = sum(&usages, |_| true);
        let read = sum(&usages, reads).units;
        println!(
            "| {retained} | {archived} | {:.4} | {:.4} | {:.4} | {:.2} |",
            per_message(read),
            per_message(sum(&usages, reads_index).units),
            per_message(all.requests as f64),
            per_message(all.units - read),
        );
    }
}
