//! The cost of sweeping when nothing is outstanding, with a backlog, and with several processes.

#[allow(dead_code)]
mod support;

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use postbox::{Builder, EmbeddedDatabase, Message, MessageState, Postbox, SendOutcome, producer_fn};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::delay::Delayed;
use support::figures::Series;
use support::is_measurement;
use support::request::drop_stream;
use support::server::{Kind, Server, serve_if_asked};

/// The environment variable with the endpoint of a sweeper process.
const SWEEPER: &str = "POSTBOX_BENCH_SWEEPER";
/// The environment variable with the delay of each request in milliseconds.
const DELAY: &str = "POSTBOX_BENCH_DELAY";
const BODY: [u8; 1024] = [b'x'; 1024];
const SHARDS: u64 = 20;

fn main() {
    serve_if_asked();
    if let Ok(url) = std::env::var(SWEEPER) {
        return sweep_as_child(&url);
    }
    let scale = if is_measurement() { 1 } else { 1000 };
    if is_wanted("idle") {
        idle(200_000 / scale);
    }
    if is_wanted("backlog") {
        backlog(100_000 / scale);
    }
    if is_wanted("processes") {
        for delay in [5, 50] {
            processes(10_000 / scale, Duration::from_millis(delay));
        }
    }
}

/// Returns whether this part is selected. Arguments select parts: `cargo bench --bench sweep -- processes`.
fn is_wanted(part: &str) -> bool {
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    named.is_empty() || named.iter().any(|name| name == part)
}

/// A connector that adds up the read units that the embedded database reports for each request.
#[derive(Clone, Debug)]
struct Metered {
    database: EmbeddedDatabase,
    requests: Arc<AtomicU64>,
    /// The number of units in hundredths.
    units: Arc<AtomicU64>,
}

impl HttpConnector for Metered {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default();
        let mut json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        json["ReturnConsumedCapacity"] = "TOTAL".into();
        let operation = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        if let Ok(answer) = self.database.execute(&operation, &json.to_string()) {
            let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
            let units = answer["ConsumedCapacity"]["CapacityUnits"].as_f64().unwrap_or_default();
            self.units.fetch_add((units * 100.0) as u64, Ordering::Relaxed);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        *request.body_mut() = body_of(&json);
        self.database.call(request)
    }
}

fn body_of(json: &serde_json::Value) -> aws_smithy_types::body::SdkBody {
    aws_smithy_types::body::SdkBody::from(json.to_string())
}

impl HttpClient for Metered {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn sweeping(builder: Builder) -> Builder {
    builder.sweep_min_age(Duration::from_millis(0)).default_producer(producer_fn(|_| SendOutcome::Sent))
}

/// Measures an idle sweep of an empty table, and of a table full of dispatched messages. The meter repeats only reads, so
/// the units do not include the leases.
fn idle(dispatched: usize) {
    let measure = |messages: usize| {
        let database = EmbeddedDatabase::open(":memory:").expect("the database opens");
        let meter = Metered { database: database.clone(), requests: Arc::default(), units: Arc::default() };
        let postbox = sweeping(Postbox::builder()).embedded(database.clone()).open().expect("the Postbox opens");
        fill_with_dispatched(&database, messages);
        let metered = sweeping(Postbox::builder())
            .lease_mode(postbox::LeaseMode::PerShard)
            .embedded(database)
            .http_client(meter.clone())
            .open()
            .expect("the Postbox opens");
        drop(postbox);
        meter.requests.store(0, Ordering::Relaxed);
        meter.units.store(0, Ordering::Relaxed);
        let start = Instant::now();
        let _ = metered.sweep().expect("the sweep is made");
        let units = meter.units.load(Ordering::Relaxed) as f64 / 100.0;
        (meter.requests.load(Ordering::Relaxed), units, start.elapsed())
    };
    println!("\n| an idle sweep of | requests | read units | time |\n|---|---|---|---|");
    for (what, messages) in [("an empty table", 0), ("dispatched messages only", dispatched)] {
        let (requests, units, time) = measure(messages);
        println!("| {what} ({messages}) | {requests} | {units} | {time:.1?} |");
    }
}

fn fill_with_dispatched(database: &EmbeddedDatabase, messages: usize) {
    for first in (0..messages).step_by(25) {
        let puts: Vec<serde_json::Value> = (first..(first + 25).min(messages))
            .map(|n| {
                serde_json::json!({"PutRequest": {"Item": {
                    "MessageId": {"S": format!("id-{n}")}, "Topic": {"S": "t"}, "TopicShard": {"S": format!("t_{}", n % 3)},
                    "Body": {"S": "x"}, "CreatedTime": {"N": n.to_string()}, "DeliveryTime": {"N": n.to_string()},
                }}})
            })
            .collect();
        let request = serde_json::json!({"RequestItems": {"brighter_outbox": puts}});
        database.execute("BatchWriteItem", &request.to_string()).expect("the messages are written");
    }
}

fn messages(count: usize) -> Vec<Message> {
    (0..count).map(|n| Message::new("t", BODY).with_partition_key(format!("key-{}", n % 1000))).collect()
}

/// Measures the throughput, requests and memory of sweeping a backlog.
fn backlog(count: usize) {
    let file = std::env::temp_dir().join(format!("postbox-bench-{}.db", std::process::id()));
    let path = file.to_str().expect("the temporary directory has a plain name");
    let database = EmbeddedDatabase::open(path).expect("the database opens");
    let network = Delayed::new(database.clone(), Duration::ZERO);
    let postbox =
        sweeping(Postbox::builder()).embedded(database).http_client(network.clone()).open().expect("the Postbox opens");
    for _ in 0..count.div_ceil(1000) {
        postbox.deposit_posts(&messages(1000.min(count))).expect("the messages are deposited");
    }
    network.take_requests();
    let idle = resident_kilobytes();
    let start = Instant::now();
    let report = postbox.sweep().expect("the sweep runs");
    let (time, requests) = (start.elapsed(), network.take_requests());
    let per_second = report.dispatched as f64 / time.as_secs_f64();
    let per_thousand = requests as f64 * 1000.0 / report.dispatched as f64;
    println!("\n| a backlog of {} messages of 1 KB, one sweeper | |\n|---|---|", report.dispatched);
    println!("| messages a second | {per_second:.0} |");
    println!("| requests per 1,000 messages (goal: at most 60) | {per_thousand:.1} |");
    let peak = peak_kilobytes().saturating_sub(idle);
    println!(
        "| memory above that before the sweep, at its peak (goal: under 64 MB) | {:.1} MB |",
        peak as f64 / 1024.0
    );
    drop(postbox);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{path}{suffix}"));
    }
}

fn status_kilobytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn resident_kilobytes() -> u64 {
    // Resets the peak.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    status_kilobytes("VmRSS:")
}

fn peak_kilobytes() -> u64 {
    status_kilobytes("VmHWM:")
}

/// Measures the throughput for several numbers of processes, on a database in its own process.
fn processes(count: usize, delay: Duration) {
    let rounds = if is_measurement() { 3 } else { 1 };
    let mut single = f64::NAN;
    println!(
        "\n| sweeper processes, {count} messages, {delay:?} a request | messages a second | times one | sent twice |\n|---|---|---|---|"
    );
    for processes in [1, 2, 4] {
        let (mut rate, mut twice) = (Series::default(), 0);
        for _ in 0..rounds {
            let server = Server::start(Kind::Dynoxide);
            let depositor = over_http(&server.url, Duration::ZERO).open().expect("the Postbox opens");
            depositor.create_table().expect("the table is made");
            depositor.block_on(drop_stream).expect("the stream is dropped");
            let _ = depositor.sweep().expect("the lock table is made");
            for _ in 0..count.div_ceil(1000) {
                depositor.deposit_posts(&messages(1000.min(count))).expect("the messages are deposited");
            }
            let deposited = depositor.count_outstanding(None).expect("they are counted").count;
            let start = Instant::now();
            let children: Vec<Child> = (0..processes).map(|_| spawn_sweeper(&server.url, delay)).collect();
            let sent: u64 = children.into_iter().map(sent_by).sum();
            rate.add(deposited as f64 / start.elapsed().as_secs_f64());
            twice += sent - deposited;
            assert_eq!(depositor.count_outstanding(None).expect("they are counted").count, 0);
        }
        if processes == 1 {
            single = rate.median();
        }
        println!("| {processes} | {:.0} | {:.2} | {twice} |", rate.median(), rate.median() / single);
    }
}

fn over_http(url: &str, delay: Duration) -> Builder {
    let client = Delayed::new(Plain(Arc::default()), delay);
    sweeping(Postbox::builder())
        .number_of_shards(SHARDS)
        .lease_mode(postbox::LeaseMode::PerShard)
        .endpoint_url(url)
        .region("us-east-1")
        .access_key_id("bench")
        .secret_access_key("bench")
        .http_client(client)
}

/// The SDK's own HTTP client, as a connector that another connector can wrap.
#[derive(Clone, Debug)]
struct Plain(Arc<std::sync::OnceLock<SharedHttpConnector>>);

impl HttpConnector for Plain {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.0.get_or_init(|| {
            let connector = aws_smithy_http_client::Connector::builder().build_http();
            SharedHttpConnector::new(connector)
        });
        connector.call(request)
    }
}

fn spawn_sweeper(url: &str, delay: Duration) -> Child {
    Command::new(std::env::current_exe().expect("this program has a path"))
        .env(SWEEPER, url)
        .env(DELAY, delay.as_millis().to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the sweeper starts")
}

/// Waits for a sweeper and returns the number of messages that it sent.
fn sent_by(child: Child) -> u64 {
    let output = child.wait_with_output().expect("the sweeper ends");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number of messages")
}

fn sweep_as_child(url: &str) {
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    let producer = producer_fn(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        SendOutcome::Sent
    });
    let delay =
        std::env::var(DELAY).ok().and_then(|text| text.parse().ok()).map(Duration::from_millis).expect("a delay");
    let postbox = over_http(url, delay).default_producer(producer).open().expect("the Postbox opens");
    // A sweeper without a shard polls rarely, so that it does not slow down the others.
    while postbox.sweep().expect("the sweep runs").found > 0 || is_anything_outstanding(&postbox) {
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("{}", sent.load(Ordering::Relaxed));
}

fn is_anything_outstanding(postbox: &Postbox) -> bool {
    let page = postbox.list_messages(MessageState::Outstanding, None, 1, None).expect("they are listed");
    !page.messages.is_empty() || page.next.is_some()
}
