//! Several sweeper processes send a backlog, with one database in its own process. The database is pinned to the first
//! processor and the sweepers to the others.

use crate::support::delay::Delayed;
use crate::support::figures::{Series, processor_time};
use crate::support::is_measurement;
use crate::support::memory::{peak_kilobytes, resident_kilobytes};
use crate::support::parameter;
use crate::support::request::drop_stream;
use crate::support::server::{Kind, Server, pin};
use crate::{is_anything_outstanding, sweeping};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use postbox::{Builder, LeaseMode, Message, Postbox, SendOutcome, producer_fn};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The environment variable with the endpoint of a sweeper process.
const SWEEPER: &str = "POSTBOX_BENCH_SWEEPER";
/// The environment variable with the delay of each request in milliseconds.
const DELAY: &str = "POSTBOX_BENCH_DELAY";
/// The environment variable with the number of shards of a topic.
const SHARDS: &str = "POSTBOX_BENCH_SHARDS";
/// The environment variable that makes a process sweep only once.
const ONCE: &str = "POSTBOX_BENCH_ONCE";

/// A backlog on a server.
#[derive(Clone, Copy)]
struct Backlog {
    messages: usize,
    topics: usize,
    shards: u64,
    /// The number of bytes of each body.
    bytes: usize,
}

/// The results of a sweeper process, which it prints.
#[derive(Default)]
struct Sweeper {
    sent: u64,
    processor_ms: u64,
    /// The peak of its memory, less the memory that it used before its first sweep.
    kilobytes: u64,
    /// The time from the start of the process to its first message, and the number of requests before it.
    first: Option<(u64, u64)>,
}

/// The results of a group of sweeper processes.
struct Run {
    time: Duration,
    sent_twice: u64,
    /// The processor time of the database and of the sweepers, each as a share of the time of the run.
    busy: (f64, f64),
}

/// Measures the speed-up by several processes. The goals are 1.7 for two processes and 3 for four. With a long delay of
/// each request, the rate is limited by the round trips and not by the database, so it shows the speed-up.
/// `POSTBOX_BENCH_DELAY` sets a single delay in milliseconds.
pub fn measure() {
    let delays = match parameter(DELAY, 0) {
        0 => vec![5, 50, 200],
        delay => vec![delay],
    };
    for delay in delays {
        compare(Backlog { messages: size(), topics: 20, shards: 3, bytes: 1024 }, Duration::from_millis(delay));
    }
}

pub fn measure_one_topic() {
    for (shards, delay) in [(3, 5), (3, 50), (20, 5), (20, 50)] {
        compare(Backlog { messages: size(), topics: 1, shards, bytes: 1024 }, Duration::from_millis(delay));
    }
}

/// Returns the number of messages, which `POSTBOX_BENCH_MESSAGES` sets.
fn size() -> usize {
    parameter("POSTBOX_BENCH_MESSAGES", if is_measurement() { 10_000 } else { 40 }) as usize
}

/// Measures the rate of one, two and four processes, in alternating rounds.
fn compare(backlog: Backlog, delay: Duration) {
    let rounds = if is_measurement() { parameter("POSTBOX_BENCH_ROUNDS", 3) } else { 1 };
    let Backlog { messages, topics, shards, .. } = backlog;
    println!(
        "\n| sweepers of {messages} messages, topics: {topics}, shards: {shards}, {delay:?} a request | messages a second | times one | round trips | sent twice | database busy | sweepers busy |\n|---|---|---|---|---|---|---|"
    );
    let mut results = [1, 2, 4].map(|processes| (processes, Series::default(), Series::default(), 0, (0.0, 0.0)));
    for _ in 0..rounds {
        let mut one = f64::NAN;
        for (processes, times, ratios, twice, busy) in &mut results {
            let run = backlog.run(*processes, delay);
            let time = run.time.as_secs_f64();
            if *processes == 1 {
                one = time;
            }
            times.add(time);
            ratios.add(one / time);
            *twice += run.sent_twice;
            *busy = run.busy;
        }
    }
    for (processes, times, ratios, twice, busy) in &results {
        println!(
            "| {processes} | {:.0} | {:.2} | {:.0} | {twice} | {:.0} % | {:.0} % |",
            messages as f64 / times.median(),
            ratios.median(),
            times.median() / delay.as_secs_f64(),
            busy.0 * 100.0,
            busy.1 * 100.0,
        );
    }
}

/// Measures the time until a process that sweeps once sends its first message while four others sweep.
pub fn measure_once() {
    let backlog = Backlog { messages: size() * 2, topics: 20, shards: 3, bytes: 1024 };
    println!(
        "\n| one sweep beside four sweepers, topics: 20 | first message after | requests before it | sent by it | sent twice |\n|---|---|---|---|---|---|"
    );
    for delay in [5, 50].map(Duration::from_millis) {
        let (server, depositor) = backlog.deposit();
        let fleet: Vec<Child> = (0..4).map(|_| backlog.spawn(&server, delay, false)).collect();
        std::thread::sleep(Duration::from_secs(1));
        let once = Sweeper::of(backlog.spawn(&server, delay, true));
        let sent: u64 = fleet.into_iter().map(|child| Sweeper::of(child).sent).sum();
        let twice = sent + once.sent - backlog.messages as u64;
        let Sweeper { sent, first, .. } = once;
        let first = first.map_or_else(|| "none | ".to_owned(), |(time, requests)| format!("{time} ms | {requests}"));
        println!("| {delay:?} a request | {first} | {sent} | {twice} |");
        assert_eq!(depositor.count_outstanding(None).expect("they are counted").count, 0);
    }
}

/// Measures the memory of a process that sweeps messages that are almost as large as an item may be. The database runs
/// in another process.
pub fn measure_memory() {
    let messages = if is_measurement() { 400 } else { 8 };
    let backlog = Backlog { messages, topics: 4, shards: 3, bytes: 380 * 1000 };
    println!("\n| one sweeper process, messages of 380 KB in 4 topics | sent | memory above idle |\n|---|---|---|");
    for delay in [5, 50].map(Duration::from_millis) {
        let (server, _depositor) = backlog.deposit();
        let Sweeper { sent, kilobytes, .. } = Sweeper::of(backlog.spawn(&server, delay, false));
        println!("| {messages}, {delay:?} a request | {sent} | {:.1} MB |", kilobytes as f64 / 1024.0);
    }
}

impl Backlog {
    /// Starts a database and deposits the messages.
    fn deposit(self) -> (Server, Postbox) {
        let server = Server::start(Kind::Pinned);
        let network = Delayed::new(Plain(Arc::default()), Duration::ZERO);
        let depositor = over_http(&server.url, network, self.shards).open().expect("the Postbox opens");
        depositor.create_table().expect("the table is made");
        depositor.block_on(drop_stream).expect("the stream is dropped");
        let messages: Vec<Message> = (0..self.messages)
            .map(|n| {
                let message = Message::new(format!("t{}", n % self.topics), vec![b'x'; self.bytes]);
                message.with_partition_key(format!("key-{}", n / self.topics % 1000))
            })
            .collect();
        for messages in messages.chunks(100) {
            depositor.deposit_posts(messages).expect("the messages are deposited");
        }
        (server, depositor)
    }

    fn run(self, processes: usize, delay: Duration) -> Run {
        let (server, depositor) = self.deposit();
        let (start, before) = (Instant::now(), server.processor_time());
        let children: Vec<Child> = (0..processes).map(|_| self.spawn(&server, delay, false)).collect();
        let sweepers: Vec<Sweeper> = children.into_iter().map(Sweeper::of).collect();
        let time = start.elapsed();
        let database = server.processor_time() - before;
        assert_eq!(depositor.count_outstanding(None).expect("they are counted").count, 0);
        let sent: u64 = sweepers.iter().map(|sweeper| sweeper.sent).sum();
        let processor_ms: u64 = sweepers.iter().map(|sweeper| sweeper.processor_ms).sum();
        let share = |used: Duration| used.as_secs_f64() / time.as_secs_f64();
        let busy = (share(database), share(Duration::from_millis(processor_ms)));
        Run { time, sent_twice: sent - self.messages as u64, busy }
    }

    fn spawn(self, server: &Server, delay: Duration, once: bool) -> Child {
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        if once {
            command.env(ONCE, "1");
        }
        command
            .env(SWEEPER, &server.url)
            .env(DELAY, delay.as_millis().to_string())
            .env(SHARDS, self.shards.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the sweeper starts")
    }
}

impl Sweeper {
    /// Waits for a sweeper process and reads its results.
    fn of(child: Child) -> Self {
        let output = child.wait_with_output().expect("the sweeper ends");
        let text = String::from_utf8_lossy(&output.stdout);
        let mut numbers = text.split_whitespace().map(|number| number.parse().expect("a number"));
        let mut next = || numbers.next();
        let (sent, processor_ms) = (next().expect("a count"), next().expect("a time"));
        Self { sent, processor_ms, kilobytes: next().expect("a size"), first: next().zip(next()) }
    }
}

fn over_http(url: &str, network: Delayed<Plain>, shards: u64) -> Builder {
    sweeping()
        .number_of_shards(shards)
        .lease_mode(LeaseMode::PerShard)
        .endpoint_url(url)
        .region("us-east-1")
        .access_key_id("bench")
        .secret_access_key("bench")
        .http_client(network)
}

/// The SDK's own HTTP client, as a connector that another connector can wrap.
#[derive(Clone, Debug)]
struct Plain(Arc<OnceLock<SharedHttpConnector>>);

impl HttpConnector for Plain {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.0.get_or_init(|| {
            let connector = aws_smithy_http_client::Connector::builder().build_http();
            SharedHttpConnector::new(connector)
        });
        connector.call(request)
    }
}

/// Sweeps and returns `true` if this process was started as a sweeper.
pub fn sweep_if_asked() -> bool {
    let Ok(url) = std::env::var(SWEEPER) else {
        return false;
    };
    pin(|processor| processor > 0);
    let delay = Duration::from_millis(parameter(DELAY, 0));
    let network = Delayed::new(Plain(Arc::default()), delay);
    let (sent, first, start) = (Arc::new(AtomicU64::new(0)), Arc::new(OnceLock::new()), Instant::now());
    let (counted, noted, requests) = (Arc::clone(&sent), Arc::clone(&first), network.clone());
    let producer = producer_fn(move |_| {
        noted.get_or_init(|| format!("{} {}", start.elapsed().as_millis(), requests.requests()));
        counted.fetch_add(1, Ordering::Relaxed);
        SendOutcome::Sent
    });
    let postbox = over_http(&url, network, parameter(SHARDS, 3)).default_producer(producer).open();
    let postbox = postbox.expect("the Postbox opens");
    let is_once = std::env::var(ONCE).is_ok();
    let idle = resident_kilobytes();
    let sweep = || postbox.sweep().expect("the sweep runs").found > 0;
    // The pause keeps a sweeper that finds nothing to send from slowing down the others.
    while (sweep() || is_anything_outstanding(&postbox)) && !is_once {
        std::thread::sleep(Duration::from_millis(20));
    }
    let first = first.get().cloned().unwrap_or_default();
    let kilobytes = peak_kilobytes().saturating_sub(idle);
    println!("{} {} {kilobytes} {first}", sent.load(Ordering::Relaxed), processor_time().as_millis());
    true
}
