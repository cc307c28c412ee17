//! The cost of a commit through Postbox compared with the same commit by the SDK alone: the latency of one thread, and
//! the throughput of 32.

#[allow(dead_code)]
mod support;

use aws_sdk_dynamodb::Client;
use postbox::Postbox;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::figures::{Comparison, Series, head, processor_time};
use support::request::{commit, create_people, drop_stream, raw_client, raw_commit};
use support::server::{Kind, Server, serve_if_asked};

const COMMITS_A_ROUND: usize = 25;
const CALLERS: usize = 32;
const SLICE: Duration = Duration::from_millis(250);

fn main() {
    serve_if_asked();
    for kind in [Kind::Stub, Kind::Dynoxide] {
        let server = Server::start(kind);
        let client = raw_client(|config| config.endpoint_url(&server.url));
        let postbox = Postbox::builder()
            .endpoint_url(&server.url)
            .region("us-east-1")
            .access_key_id("id")
            .secret_access_key("secret")
            .open()
            .expect("the Postbox opens");
        if kind == Kind::Dynoxide {
            postbox.create_table().expect("the outbox table is made");
            postbox.block_on(drop_stream).expect("the stream is dropped");
            postbox.block_on(create_people).expect("the table of the business writes is made");
        }
        println!("\nServer: {kind:?}");
        head();
        let rounds = if support::is_measurement() { 400 } else { 2 };
        let (latency, processor) = latency(&postbox, &client, rounds);
        latency.print("commit, one thread", "us  ", "<= 1.03");
        processor.print("the same, processor time of the client", "us  ", "");
        let rounds = if support::is_measurement() { 30 } else { 1 };
        let (throughput, processor) = throughput(&postbox, client, rounds);
        throughput.print("commits of 32 callers", "/s  ", ">= 0.95");
        processor.print("the same, processor time of the client", "us  ", "");
    }
}

/// Measures the duration and the processor time of a commit in microseconds, in alternating rounds.
fn latency(postbox: &Postbox, client: &Client, rounds: usize) -> (Comparison, Comparison) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let raw = || measure(|| runtime.block_on(raw_commit(client, "Ada")));
    let ours = || measure(|| commit(postbox, "Ada"));
    for _ in 0..if support::is_measurement() { 40 } else { 0 } {
        let _ = (raw(), ours());
    }
    let (mut time, mut processor) = (Comparison::default(), Comparison::default());
    for round in 0..rounds {
        let (raw, ours) = in_turns(round, raw, ours);
        time.add_round(raw.0, ours.0);
        processor.add_round(raw.1, ours.1);
    }
    (time, processor)
}

/// Returns the median duration of a round's commits, and their mean processor time.
fn measure(mut one: impl FnMut()) -> (f64, f64) {
    let mut times = Series::default();
    let before = processor_time();
    for _ in 0..COMMITS_A_ROUND {
        let start = Instant::now();
        one();
        times.add_micros(start.elapsed());
    }
    let processor = (processor_time() - before).as_secs_f64() * 1e6 / COMMITS_A_ROUND as f64;
    (times.median(), processor)
}

/// Measures the commits per second of many callers, and the processor time of each commit, in alternating slices.
fn throughput(postbox: &Postbox, client: Client, rounds: usize) -> (Comparison, Comparison) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    let client = Arc::new(client);
    let raw = || {
        rate(|end| {
            runtime.block_on(async {
                let mut callers = tokio::task::JoinSet::new();
                for caller in 0..CALLERS {
                    let client = Arc::clone(&client);
                    callers.spawn(async move {
                        let name = format!("Ada {caller}");
                        let mut count = 0;
                        while Instant::now() < end {
                            raw_commit(&client, &name).await;
                            count += 1;
                        }
                        count
                    });
                }
                callers.join_all().await.into_iter().sum()
            })
        })
    };
    let ours = || {
        rate(|end| {
            std::thread::scope(|threads| {
                let caller = |caller: usize| {
                    let name = format!("Ada {caller}");
                    let mut count = 0;
                    while Instant::now() < end {
                        commit(postbox, &name);
                        count += 1;
                    }
                    count
                };
                let callers: Vec<_> = (0..CALLERS).map(|number| threads.spawn(move || caller(number))).collect();
                callers.into_iter().map(|caller| caller.join().expect("no caller panics")).sum()
            })
        })
    };
    let _ = (raw(), ours());
    let (mut rates, mut processor) = (Comparison::default(), Comparison::default());
    for round in 0..rounds {
        let (raw, ours) = in_turns(round, raw, ours);
        rates.add_round(raw.0, ours.0);
        processor.add_round(raw.1, ours.1);
    }
    (rates, processor)
}

/// Runs callers until the end of a slice. Returns the commits per second, and the microseconds of processor time of each.
fn rate(callers: impl FnOnce(Instant) -> usize) -> (f64, f64) {
    let (start, before) = (Instant::now(), processor_time());
    let count = callers(start + SLICE) as f64;
    let processor = (processor_time() - before).as_secs_f64() * 1e6;
    (count / start.elapsed().as_secs_f64(), processor / count)
}

/// Runs both measurements. In every other round, the second one runs first.
fn in_turns<T>(round: usize, raw: impl Fn() -> T, ours: impl Fn() -> T) -> (T, T) {
    if round.is_multiple_of(2) {
        let raw = raw();
        (raw, ours())
    } else {
        let ours = ours();
        (raw(), ours)
    }
}
