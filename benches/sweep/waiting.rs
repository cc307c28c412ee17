//! Measures a backlog that cannot be sent at present: the read units of the sweeps that find it repeatedly, and the
//! time until it is sent after the cause is removed.

use crate::LEASE_MODES;
use crate::support::database::in_memory;
use crate::support::meter::{Metered, reads, reads_index, sum};
use crate::support::{is_measurement, parameter};
use postbox::{Builder, EmbeddedDatabase, LeaseMode, Message, Postbox, SendOutcome, producer_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const SWEEPS: u32 = 20;

/// The reason for which the backlog waits.
#[derive(Clone, Copy)]
enum Cause {
    /// The first message of the only key fails.
    FailingKey,
    /// The sweeper has no producer for the topic, until another sweeper that has one starts.
    NoProducer,
}

/// A backlog, and the sends that its producer counts.
struct Backlog {
    database: EmbeddedDatabase,
    mode: LeaseMode,
    count: usize,
    /// Whether sending works.
    works: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
}

/// Runs all cases at the same time, since they mostly wait.
pub fn measure() {
    println!(
        "\n| backlog of 1 KB messages that waits | lease_mode | units of all its items | units of the first sweep | mean units of {SWEEPS} later sweeps | of these, of indexes | share (goal: up to 5 %) | least, most | sent in full after |\n|---|---|---|---|---|---|---|---|---|"
    );
    let sizes: &[usize] = if is_measurement() { &[500, 5000] } else { &[50] };
    std::thread::scope(|threads| {
        for (cause, what) in [(Cause::FailingKey, "behind a failing key"), (Cause::NoProducer, "without a producer")] {
            for (&count, (mode, name)) in sizes.iter().flat_map(|count| LEASE_MODES.map(|mode| (count, mode))) {
                threads.spawn(move || println!("| {count} {what} | {name} | {}", Backlog::new(count, mode).run(cause)));
            }
        }
    });
}

impl Backlog {
    fn new(count: usize, mode: LeaseMode) -> Self {
        Self { database: in_memory(), mode, count, works: Arc::default(), sent: Arc::default() }
    }

    fn run(&self, cause: Cause) -> String {
        let interval =
            Duration::from_millis(if is_measurement() { parameter("POSTBOX_BENCH_INTERVAL_MS", 5000) } else { 20 });
        let key = |n: usize| match cause {
            Cause::FailingKey => "key".to_owned(),
            Cause::NoProducer => format!("key-{}", n % 1000),
        };
        let messages: Vec<_> =
            (0..self.count).map(|n| Message::new("t", [b'x'; 1024]).with_partition_key(key(n))).collect();
        let meter = Metered::new(self.database.clone());
        let postbox = match cause {
            Cause::FailingKey => self.open(|builder| builder.default_producer(self.producer()), &meter),
            Cause::NoProducer => self.open(|builder| builder.producer("other", self.producer()), &meter),
        };
        postbox.deposit_posts(&messages).expect("the messages are deposited");
        let whole = units_of_all(&self.database);
        let sweep = || {
            meter.take();
            let _ = postbox.sweep().expect("the sweep runs");
            let usages = meter.take();
            (sum(&usages, reads).units, sum(&usages, reads_index).units)
        };
        let (first, _) = sweep();
        let later: Vec<(f64, f64)> = (0..SWEEPS)
            .map(|_| {
                std::thread::sleep(interval);
                sweep()
            })
            .collect();
        let mean = later.iter().map(|(all, _)| all).sum::<f64>() / f64::from(SWEEPS);
        let of_indexes = later.iter().map(|(_, index)| index).sum::<f64>() / f64::from(SWEEPS);
        let (least, most) = later.iter().fold((f64::MAX, 0.0_f64), |(low, high), &(it, _)| (low.min(it), high.max(it)));
        let time = self.sent_after(cause, &postbox, interval);
        let share = mean / whole * 100.0;
        format!(
            "{whole:.1} | {first:.1} | {mean:.1} | {of_indexes:.1} | {share:.1} % | {least:.1}, {most:.1} | {time:.1?} |"
        )
    }

    /// Removes the cause, and returns the time until all messages are sent.
    fn sent_after(&self, cause: Cause, postbox: &Postbox, interval: Duration) -> Duration {
        let start = Instant::now();
        self.works.store(true, Ordering::Relaxed);
        let able = match cause {
            Cause::FailingKey => None,
            Cause::NoProducer => Some(
                self.open(|builder| builder.default_producer(self.producer()), &Metered::new(self.database.clone())),
            ),
        };
        while self.sent.load(Ordering::Relaxed) < self.count {
            let _ = able.as_ref().unwrap_or(postbox).sweep().expect("the sweep runs");
            std::thread::sleep(if self.sent.load(Ordering::Relaxed) < self.count { interval } else { Duration::ZERO });
        }
        start.elapsed()
    }

    fn open(&self, producer: impl FnOnce(Builder) -> Builder, meter: &Metered<EmbeddedDatabase>) -> Postbox {
        let builder = Postbox::builder().sweep_min_age(Duration::ZERO).lease_mode(self.mode);
        let builder = producer(builder).embedded(self.database.clone()).http_client(meter.clone());
        builder.open().expect("the Postbox opens")
    }

    fn producer(&self) -> impl postbox::Producer + use<> {
        let (works, sent) = (Arc::clone(&self.works), Arc::clone(&self.sent));
        producer_fn(move |_| match works.load(Ordering::Relaxed) {
            true => {
                sent.fetch_add(1, Ordering::Relaxed);
                SendOutcome::Sent
            }
            false => SendOutcome::Retry("the consumer is not ready".into()),
        })
    }
}

/// Returns the read units of one read of all outstanding messages from the index.
fn units_of_all(database: &EmbeddedDatabase) -> f64 {
    let (mut units, mut from) = (0.0, serde_json::Value::Null);
    loop {
        let mut request = serde_json::json!({
            "TableName": "brighter_outbox", "IndexName": "Outstanding", "ReturnConsumedCapacity": "TOTAL",
        });
        if from.is_object() {
            request["ExclusiveStartKey"] = from;
        }
        let page = database.execute("Scan", &request.to_string()).expect("the index is read");
        let mut page: serde_json::Value = serde_json::from_str(&page).expect("JSON");
        units += page["ConsumedCapacity"]["CapacityUnits"].as_f64().unwrap_or_default();
        from = page["LastEvaluatedKey"].take();
        if !from.is_object() {
            return units;
        }
    }
}
