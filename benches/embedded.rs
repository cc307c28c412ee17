//! The time of a commit to the embedded database while its tables grow. Each commit is compared with one to an empty
//! database.

#[allow(dead_code)]
mod support;

use postbox::Postbox;
use std::time::Instant;
use support::figures::Series;
use support::request::{commit, create_people};

/// The number of commits between two measurements.
const BLOCK: u64 = 20_000;
/// The number of commits of a measurement.
const MEASURED: u64 = 1_000;

fn main() {
    let grown = new_database();
    let last = if support::is_measurement() { 100_000 } else { 0 };
    println!("| commits before | empty database | this database | ratio |");
    println!("|---|---|---|---|");
    for before in (0..=last).step_by(BLOCK as usize) {
        let (empty, this) = measure(&new_database(), &grown, before);
        println!("| {before} | {empty:.0} us | {this:.0} us | {:.2} |", this / empty);
        if before < last {
            (before + MEASURED..before + BLOCK).for_each(|number| write(&grown, number));
        }
    }
}

fn new_database() -> Postbox {
    let postbox = Postbox::builder().embedded_path(":memory:").open().expect("the Postbox opens");
    postbox.block_on(create_people).expect("the table of the business writes is created");
    postbox
}

/// Returns the median times of commits in microseconds.
fn measure(empty: &Postbox, grown: &Postbox, before: u64) -> (f64, f64) {
    let mut times = [Series::default(), Series::default()];
    for number in before..before + MEASURED {
        for (postbox, times) in [empty, grown].into_iter().zip(&mut times) {
            let start = Instant::now();
            write(postbox, number);
            times.add_micros(start.elapsed());
        }
    }
    (times[0].median(), times[1].median())
}

/// Commits a new item and a message.
fn write(postbox: &Postbox, number: u64) {
    commit(postbox, &format!("Ada {number}"));
}
