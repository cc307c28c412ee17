//! Callers that each commit and clear one message at a time, and share the requests for their marks.

use crate::support::figures::Series;
use crate::support::is_measurement;
use crate::{commit, network, open};
use postbox::{MemoryProducer, Postbox};
use std::time::Instant;

const CALLERS: usize = 32;

pub fn measure() {
    let network = network();
    let postbox = open(Postbox::builder().default_producer(MemoryProducer::new()), &network);
    let rounds = if is_measurement() { 60 } else { 2 };
    println!(
        "\n| callers, 5 ms a request | requests a message (goal: up to 1.2) | commit | clear | mean request | clear in requests (goal: up to 1.35) | clear in commits |\n|---|---|---|---|---|---|---|"
    );
    for callers in [1, CALLERS] {
        network.take_requests();
        let times = std::thread::scope(|threads| {
            let callers: Vec<_> = (0..callers).map(|_| threads.spawn(|| caller(&postbox, rounds))).collect();
            callers.into_iter().map(|caller| caller.join().expect("no caller panics")).collect::<Vec<_>>()
        });
        let request = network.round_trip().as_secs_f64() * 1e3;
        let requests = network.take_requests() as f64 / (callers * rounds) as f64;
        let mean = |times: Vec<&Series>| times.iter().map(|times| times.mean()).sum::<f64>() / times.len() as f64 / 1e3;
        let commit = mean(times.iter().map(|(commit, _)| commit).collect());
        let clear = mean(times.iter().map(|(_, clear)| clear).collect());
        println!(
            "| {callers} | {requests:.2} | {commit:.2} ms | {clear:.2} ms | {request:.2} ms | {:.2} | {:.2} |",
            clear / request,
            clear / commit
        );
    }
}

/// Commits and clears messages. Returns the times of the commits and of the clears.
fn caller(postbox: &Postbox, rounds: usize) -> (Series, Series) {
    let (mut commits, mut clears) = (Series::default(), Series::default());
    for _ in 0..rounds {
        let start = Instant::now();
        let id = commit(postbox);
        commits.add_micros(start.elapsed());
        let start = Instant::now();
        let report = postbox.clear_outbox(&[id]).expect("the clear is made");
        clears.add_micros(start.elapsed());
        assert!(report.is_success(), "{report:?}");
    }
    (commits, clears)
}
