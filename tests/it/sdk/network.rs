//! The main path over real sockets with the SDK's real HTTP client, with and without network failures.

use crate::support::http::HttpDatabase;
use crate::support::*;
use postbox::{Builder, DispatchOutcome, ErrorCode, MemoryProducer, Message, Postbox};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A proxy between Postbox and the database. It forwards requests, closes connections in place of a response, and
/// forgets connections.
struct Proxy {
    address: SocketAddr,
    faults: Arc<Faults>,
}

#[derive(Default)]
struct Faults {
    /// The number of next responses to drop after their requests took effect.
    responses_to_drop: AtomicUsize,
    /// The number of connections that were opened, and the number that must be open before any request is forwarded.
    connections: Mutex<(usize, usize)>,
    opened: Condvar,
    /// The number of the first connections that get no response any more.
    forgotten: AtomicUsize,
    /// Whether a forgotten connection is closed when it has a request, or stays open.
    closes: AtomicBool,
}

impl Proxy {
    fn start(database: &HttpDatabase) -> Self {
        let upstream = database.url().trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let faults = Arc::new(Faults::default());
        let shared = Arc::clone(&faults);
        // The thread waits for connections until the test's process ends.
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (upstream, faults) = (upstream.clone(), Arc::clone(&shared));
                std::thread::spawn(move || forward(client.unwrap(), &upstream, &faults));
            }
        });
        Self { address, faults }
    }

    /// Makes as many requests at the same time, each on a connection of its own.
    fn warm_up(&self, postbox: &Postbox, connections: usize) {
        self.faults.connections.lock().unwrap().1 = connections;
        std::thread::scope(|scope| {
            for _ in 0..connections {
                scope.spawn(|| postbox.get_message("none").unwrap());
            }
        });
        self.faults.connections.lock().unwrap().1 = 0;
    }

    /// Forgets all connections, as a router does with idle ones.
    fn forget(&self, closes: bool) {
        self.faults.closes.store(closes, Ordering::SeqCst);
        self.faults.forgotten.store(self.faults.connections.lock().unwrap().0, Ordering::SeqCst);
    }

    fn configure(&self, builder: Builder) -> Builder {
        builder
            .endpoint_url(format!("http://{}", self.address))
            .region("eu-central-1")
            .access_key_id("test")
            .secret_access_key("test")
    }
}

fn forward(client: TcpStream, upstream: &str, faults: &Faults) {
    let server = TcpStream::connect(upstream).unwrap();
    let number = {
        let mut connections = faults.connections.lock().unwrap();
        connections.0 += 1;
        faults.opened.notify_all();
        connections.0
    };
    let (mut from_client, mut from_server) = (BufReader::new(&client), BufReader::new(&server));
    while let Some(request) = read_message(&mut from_client) {
        let enough = faults.opened.wait_while(faults.connections.lock().unwrap(), |(opened, needed)| opened < needed);
        drop(enough.unwrap());
        if number <= faults.forgotten.load(Ordering::SeqCst) {
            if faults.closes.load(Ordering::SeqCst) {
                return;
            }
            continue;
        }
        (&server).write_all(&request).unwrap();
        let Some(response) = read_message(&mut from_server) else { return };
        let count = &faults.responses_to_drop;
        let swallowed = count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if swallowed.is_ok() {
            return;
        }
        (&client).write_all(&response).unwrap();
    }
}

/// Reads the bytes of one HTTP message with a Content-Length, or returns `None` at the end of the connection.
fn read_message(from: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let mut length = 0;
    loop {
        let start = message.len();
        if from.read_until(b'\n', &mut message).ok()? == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&message[start..]).to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let start = message.len();
    message.resize(start + length, 0);
    from.read_exact(&mut message[start..]).ok()?;
    Some(message)
}

fn open(builder: Builder, producer: &MemoryProducer) -> Postbox {
    let postbox = builder.default_producer(producer.clone()).open().unwrap();
    postbox.create_table().unwrap();
    postbox
}

#[test]
fn the_main_path_works_with_the_default_http_client() {
    let database = HttpDatabase::start();
    let producer = MemoryProducer::new();
    let postbox = open(database.configure(Postbox::builder()), &producer);
    create_people(&postbox);
    let mut work = postbox.unit_of_work();
    assert!(work.get_item(PEOPLE, person("Ada")).unwrap().is_none());
    work.put(PEOPLE, person("Ada")).unwrap();
    let id = work.deposit_post(Message::new("t", "body")).unwrap();
    work.commit().unwrap();
    assert!(postbox.clear_outbox(&[&id]).unwrap().is_success());
    assert_eq!(outcomes(&postbox.clear_outbox(&[&id]).unwrap()), [DispatchOutcome::AlreadyDispatched]);
    let ids = postbox.deposit_posts(&messages(120)).unwrap();
    assert!(postbox.clear_outbox(&ids).unwrap().is_success());
    assert_eq!(producer.sent().len(), 121);
    postbox.close().unwrap();
}

#[test]
fn a_commit_over_a_cut_connection_takes_effect_once() {
    let database = HttpDatabase::start();
    let proxy = Proxy::start(&database);
    let producer = MemoryProducer::new();
    let postbox = open(proxy.configure(Postbox::builder()), &producer);
    create_people(&postbox);
    proxy.faults.responses_to_drop.store(2, Ordering::SeqCst);
    let mut work = counting(&postbox);
    work.commit().unwrap();
    assert_eq!(proxy.faults.responses_to_drop.load(Ordering::SeqCst), 0);
    assert_eq!(postbox.get_item(PEOPLE, person("Ada")).unwrap().unwrap()["Visits"], number(1));
}

#[test]
fn a_commit_is_resolved_when_the_network_returns() {
    let database = HttpDatabase::start();
    let proxy = Proxy::start(&database);
    let producer = MemoryProducer::new();
    let postbox = open(proxy.configure(Postbox::builder().max_request_attempts(3)), &producer);
    create_people(&postbox);
    proxy.faults.responses_to_drop.store(3, Ordering::SeqCst);
    let mut work = counting(&postbox);
    let error = work.commit().unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::OutcomeUnknown, true), "{error}");
    assert_eq!(work.rollback().unwrap_err().code(), ErrorCode::OutcomeUnknown);
    work.commit().unwrap();
    assert_eq!(postbox.get_item(PEOPLE, person("Ada")).unwrap().unwrap()["Visits"], number(1));
    assert!(postbox.clear_outbox(&["visit"]).unwrap().is_success());
    assert_eq!(producer.sent().len(), 1);
}

/// A retry must not take another dead connection, or ten of them would cost ten times the time limit of an attempt.
#[test]
fn dead_connections_cost_one_attempt() {
    for closes in [false, true] {
        let database = HttpDatabase::start();
        let proxy = Proxy::start(&database);
        let producer = MemoryProducer::new();
        let builder = Postbox::builder().max_request_attempts(2).attempt_timeout(Duration::from_secs(1));
        let postbox = open(proxy.configure(builder), &producer);
        create_people(&postbox);
        for round in 1..=2 {
            proxy.warm_up(&postbox, 10 * round);
            proxy.forget(closes);
            assert!(postbox.get_message("none").unwrap().is_none());
            proxy.warm_up(&postbox, 20 * round);
            proxy.forget(closes);
            let mut work = postbox.unit_of_work();
            work.deposit_post(Message::new("t", "").with_id(format!("m-{round}"))).unwrap();
            work.commit().unwrap();
        }
    }
}

#[test]
fn calls_succeed_again_when_the_server_returns() {
    let mut database = HttpDatabase::start();
    let producer = MemoryProducer::new();
    let builder = database.configure(Postbox::builder().max_request_attempts(2));
    let postbox = open(builder, &producer);
    create_people(&postbox);
    let before = postbox.deposit_post(Message::new("t", "before").with_id("before")).unwrap();
    let mut work = counting(&postbox);
    database.stop();

    // Nothing was written. Either the server had closed the connection before, or it accepts no new one.
    let error = work.commit().unwrap_err();
    assert!(error.is_retryable());
    assert!(matches!(error.code(), ErrorCode::Unreachable | ErrorCode::OutcomeUnknown), "{error}");
    assert_eq!(postbox.get_message("before").unwrap_err().code(), ErrorCode::Unreachable);
    assert_eq!(postbox.deposit_post(Message::new("t", "")).unwrap_err().code(), ErrorCode::Unreachable);
    // The message is sent from memory, and only its mark fails.
    assert_eq!(outcomes(&postbox.clear_outbox(&[&before]).unwrap()), [DispatchOutcome::MarkFailed]);
    assert_eq!(outcomes(&postbox.clear_outbox(&[&before]).unwrap()), [DispatchOutcome::ReadFailed]);

    database.restart();
    work.commit().unwrap();
    assert_eq!(postbox.get_item(PEOPLE, person("Ada")).unwrap().unwrap()["Visits"], number(1));
    assert!(postbox.clear_outbox(&["visit", "before"]).unwrap().is_success());
    let bodies: Vec<_> = producer.sent().iter().map(|message| message.body().to_vec()).collect();
    assert_eq!(bodies, [b"before".as_slice(), b"Ada came"], "only the mark was missing");
}

#[test]
fn a_silent_server_is_a_timeout_or_an_unknown_outcome() {
    // The operating system accepts the connection and the request, but no server reads them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let postbox = Postbox::builder()
        .endpoint_url(format!("http://{}", silent.local_addr().unwrap()))
        .region("eu-central-1")
        .access_key_id("test")
        .secret_access_key("test")
        .attempt_timeout(Duration::from_millis(100))
        .max_request_attempts(2)
        .open()
        .unwrap();
    let error = postbox.get_message("id").unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Timeout, true), "{error}");
    assert!(error.message().contains("GetItem"), "{error}");
    let mut work = counting(&postbox);
    assert_eq!(work.commit().unwrap_err().code(), ErrorCode::OutcomeUnknown);
    let error = postbox.deposit_posts(&messages(2)).unwrap_err();
    assert_eq!((error.code(), error.reasons().len()), (ErrorCode::DepositIncomplete, 2));
}

/// Returns a unit of work that deposits the message `visit` and adds one to a counter, which shows a repetition.
fn counting(postbox: &Postbox) -> postbox::UnitOfWork {
    let mut work = postbox.unit_of_work();
    let visits = aws_sdk_dynamodb::types::Update::builder()
        .table_name(PEOPLE)
        .set_key(Some(person("Ada")))
        .update_expression("ADD Visits :one")
        .expression_attribute_values(":one", number(1));
    work.update(visits.build().unwrap()).unwrap();
    work.deposit_post(Message::new("t", "Ada came").with_id("visit")).unwrap();
    work
}
