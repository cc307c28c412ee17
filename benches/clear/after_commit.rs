//! The time of a commit whose messages are sent without a clear, compared with a commit whose messages are not sent,
//! and the time after which a message is sent.

use crate::support::figures::{Comparison, Series};
use crate::support::is_measurement;
use crate::{commit, network, open};
use postbox::{Postbox, SendOutcome, producer_fn};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const COMMITS: usize = 10;
/// The mean time between commits, over all callers, which is long enough that the database is not the limit.
const PAUSE: Duration = Duration::from_millis(5);

/// The times at which messages were sent, by their ids.
type Sent = Arc<Mutex<HashMap<String, Instant>>>;

pub fn measure() {
    println!(
        "\n| callers, 5 ms a request | commit | with dispatch_after_commit | ratio of medians (goal: up to 1.05) | half of the rounds | message sent after the commit: median | 99 % | last (goal: 20 ms) |\n|---|---|---|---|---|---|---|---|"
    );
    for callers in [1, 32] {
        let rounds = if is_measurement() { 1280 / (callers + 31) } else { 1 };
        let sent = Sent::default();
        let noted = Arc::clone(&sent);
        let producer = producer_fn(move |message| {
            noted.lock().expect("no thread panics").insert(message.id().to_owned(), Instant::now());
            SendOutcome::Sent
        });
        let sending = open(Postbox::builder().dispatch_after_commit(true).default_producer(producer), &network());
        let plain = open(Postbox::builder(), &network());
        sending.start_sweeper().expect("the sweeper starts");
        let (mut time, mut delays) = (Comparison::default(), Series::default());
        for _ in 0..rounds {
            let (plain, _) = commits(&plain, callers);
            let (ours, committed) = commits(&sending, callers);
            time.add_round(plain, ours);
            std::thread::sleep(Duration::from_millis(200));
            let sent = sent.lock().expect("no thread panics");
            for (id, at) in committed {
                let sent = sent.get(&id).expect("the message was sent");
                delays.add_micros(sent.saturating_duration_since(at));
            }
        }
        let (low, high) = time.ratios.quartiles();
        let [median, most, last] = [0.5, 0.99, 1.0].map(|part| delays.quantile(part) / 1e3);
        println!(
            "| {callers} | {:.2} ms | {:.2} ms | {:.3} | {low:.3} to {high:.3} | {median:.2} ms | {most:.2} ms | {last:.2} ms |",
            time.raw.median(),
            time.postbox.median(),
            time.ratio(),
        );
    }
}

/// Commits messages from several callers. Returns the median duration of a commit in milliseconds, and for each message
/// its id and the time at which its commit returned.
fn commits(postbox: &Postbox, callers: usize) -> (f64, Vec<(String, Instant)>) {
    let pause = PAUSE * u32::try_from(callers).unwrap_or(u32::MAX);
    let caller = |number: usize| {
        std::thread::sleep(pause.mul_f64(number as f64 / callers as f64));
        let mut times = Series::default();
        let mut committed = Vec::with_capacity(COMMITS);
        for _ in 0..COMMITS {
            let start = Instant::now();
            let id = commit(postbox);
            times.add_micros(start.elapsed());
            committed.push((id, Instant::now()));
            std::thread::sleep(pause);
        }
        (times.median() / 1e3, committed)
    };
    let results: Vec<_> = std::thread::scope(|threads| {
        let callers: Vec<_> = (0..callers).map(|number| threads.spawn(move || caller(number))).collect();
        callers.into_iter().map(|caller| caller.join().expect("no caller panics")).collect()
    });
    let mean = results.iter().map(|(mean, _)| mean).sum::<f64>() / callers as f64;
    (mean, results.into_iter().flat_map(|(_, committed)| committed).collect())
}
