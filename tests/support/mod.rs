//! The fixtures of the integration tests: a Postbox with its own database, in this process or over HTTP. Its requests are
//! recorded, and faults can be injected into them.

pub mod amazon;
pub mod canned;
pub mod fault;
pub mod faults;
pub mod http;
#[cfg(all(feature = "sns", feature = "sqs"))]
pub mod moto;
#[cfg(all(feature = "sns", feature = "sqs"))]
pub mod partial_failure;
pub mod processes;
pub mod proxy;
pub mod tls;
pub mod trace_recorder;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription,
};
use fault::Request;
use faults::Faults;
use http::HttpDatabase;
use postbox::{
    AttributeValue, Builder, DispatchOutcome, DispatchReport, EmbeddedDatabase, Item, MemoryProducer, Message, Postbox,
};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A table with the caller's own data. Its key is `Name`.
pub const PEOPLE: &str = "People";
/// The outbox table.
pub const OUTBOX: &str = "brighter_outbox";
/// The table of leases.
pub const LOCKS: &str = "brighter_distributed_lock";
/// The time after which a test fails if an expected event does not come.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Turns each function `fn name(backend: Backend)` into two tests, `embedded::name` and `over_http::name`.
macro_rules! on_both_backends {
    ($($name:ident),+ $(,)?) => {
        mod embedded {
            $(#[test]
            fn $name() {
                super::$name($crate::support::Backend::embedded());
            })+
        }
        mod over_http {
            $(#[test]
            fn $name() {
                super::$name($crate::support::Backend::over_http());
            })+
        }
    };
}

/// A database without tables.
pub enum Backend {
    /// The database is called through the SDK's connector interface, without a socket.
    Embedded(EmbeddedDatabase),
    /// The same database behind a socket of 127.0.0.1, with the SDK's real HTTP client.
    Http(HttpDatabase),
}

impl Backend {
    pub fn embedded() -> Self {
        if http::endpoint().is_some() { Self::over_http() } else { Self::in_process() }
    }

    /// Returns an embedded database even if the tests run on another implementation, for tests that depend on its speed, on
    /// its handle or on its division of an index.
    pub fn in_process() -> Self {
        Self::Embedded(EmbeddedDatabase::open(":memory:").unwrap())
    }

    pub fn over_http() -> Self {
        Self::Http(HttpDatabase::start())
    }

    /// Returns a connector to this database that injects faults.
    pub fn faults(&self) -> Faults {
        match self {
            Self::Embedded(database) => Faults::new(database.clone()),
            Self::Http(_) => Faults::new(aws_smithy_http_client::Builder::new().build_http()),
        }
    }

    /// Opens a Postbox on this database, through these faults.
    pub fn open(&self, builder: Builder, faults: &Faults) -> Postbox {
        let builder = builder.http_client(faults.clone());
        match self {
            Self::Embedded(database) => builder.embedded(database.clone()).open().unwrap(),
            Self::Http(database) => {
                let postbox = database.configure(builder).open().unwrap();
                postbox.create_table().unwrap();
                postbox
            }
        }
    }
}

/// A Postbox whose requests and sent messages are recorded. At first the tables `brighter_outbox` and `People` exist,
/// and no request is recorded.
pub struct TestOutbox {
    pub postbox: Postbox,
    pub faults: Faults,
    /// The default producer.
    pub producer: MemoryProducer,
    pub backend: Backend,
}

impl TestOutbox {
    /// Creates an outbox on a new embedded database, with default settings.
    pub fn new() -> Self {
        Self::on(Backend::embedded())
    }

    pub fn on(backend: Backend) -> Self {
        Self::with(backend, |builder| builder)
    }

    /// Creates an outbox with settings and producers of the test.
    pub fn with(backend: Backend, configure: impl FnOnce(Builder) -> Builder) -> Self {
        let producer = MemoryProducer::new();
        let faults = backend.faults();
        let builder = configure(Postbox::builder().default_producer(producer.clone()));
        let postbox = backend.open(builder, &faults);
        create_people(&postbox);
        faults.forget();
        Self { postbox, faults, producer, backend }
    }

    /// Creates an embedded outbox with settings and producers of the test.
    pub fn configured(configure: impl FnOnce(Builder) -> Builder) -> Self {
        Self::with(Backend::embedded(), configure)
    }

    /// Creates an outbox with settings of the test on an embedded database in this process.
    pub fn in_process(configure: impl FnOnce(Builder) -> Builder) -> Self {
        Self::with(Backend::in_process(), configure)
    }

    /// Opens another Postbox on the same database. The two share no memory, as if they were in different processes.
    pub fn another(&self) -> Postbox {
        self.backend.open(Postbox::builder().default_producer(self.producer.clone()), &self.backend.faults())
    }

    /// Deposits this many messages of topic `t`, with bodies `0`, `1`, ..., and returns their ids.
    pub fn deposit(&self, count: usize) -> Vec<String> {
        self.postbox.deposit_posts(&messages(count)).unwrap()
    }

    /// Clears these messages and returns their outcomes.
    pub fn outcomes(&self, ids: &[impl AsRef<str>]) -> Vec<DispatchOutcome> {
        outcomes(&self.postbox.clear_outbox(ids).unwrap())
    }

    /// Clears these messages and fails the test if one of them fails.
    pub fn clear(&self, ids: &[impl AsRef<str>]) {
        let report = self.postbox.clear_outbox(ids).unwrap();
        assert!(report.is_success(), "{report:?}");
    }

    /// Returns the bodies of the messages that the default producer sent, in order.
    pub fn sent(&self) -> Vec<String> {
        self.producer.sent().iter().map(|message| String::from_utf8_lossy(message.body()).into_owned()).collect()
    }

    /// Returns the stored item of a message.
    pub fn raw(&self, id: &str) -> Option<Item> {
        self.postbox.get_item(OUTBOX, message_key(id)).unwrap()
    }

    /// Stores an item in the outbox as it is.
    pub fn put_raw(&self, item: Item) {
        sdk(
            &self.postbox,
            |client| async move { client.put_item().table_name(OUTBOX).set_item(Some(item)).send().await },
        );
    }

    /// Returns the stored person of this name.
    pub fn person(&self, name: &str) -> Option<Item> {
        self.postbox.get_item(PEOPLE, person(name)).unwrap()
    }
}

/// Assigns a lease to another holder, even if it is held.
pub fn take_lease(postbox: &Postbox, resource: &str, length: Duration) {
    let expiry = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + length;
    let lease = item([
        ("ResourceId", text(resource)),
        ("LockId", text("somebody else")),
        ("LeaseExpiry", number(expiry.as_millis())),
    ]);
    sdk(postbox, |client| async move { client.put_item().table_name(LOCKS).set_item(Some(lease)).send().await });
}

/// Waits until a background thread has made the condition true.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + TEST_TIMEOUT;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the outcomes of a report, in order.
pub fn outcomes(report: &DispatchReport) -> Vec<DispatchOutcome> {
    report.entries().iter().map(|entry| entry.outcome).collect()
}

/// Writes a file in the directory of the tests.
pub fn file(name: &str, content: &str) -> String {
    let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Runs a request with the SDK's client, and fails the test if it fails.
pub fn sdk<T, E, F>(postbox: &Postbox, operation: impl FnOnce(Client) -> F) -> T
where
    T: Send + 'static,
    E: std::error::Error + Send + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    match postbox.block_on(operation).unwrap() {
        Ok(answer) => answer,
        Err(error) => panic!("{}", aws_sdk_dynamodb::error::DisplayErrorContext(error)),
    }
}

pub fn create_people(postbox: &Postbox) {
    sdk(postbox, |client| async move {
        client
            .create_table()
            .table_name(PEOPLE)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute("Name", ScalarAttributeType::S))
            .key_schema(key_element("Name", KeyType::Hash))
            .send()
            .await
    });
}

pub fn describe(postbox: &Postbox, table: &'static str) -> TableDescription {
    sdk(postbox, move |client| async move { client.describe_table().table_name(table).send().await }).table.unwrap()
}

pub fn attribute(name: &str, kind: ScalarAttributeType) -> AttributeDefinition {
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap()
}

pub fn key_element(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
}

/// Returns an item of `People` with no attribute except the key.
pub fn person(name: &str) -> Item {
    item([("Name", text(name))])
}

/// Returns an item of `People` of about this many bytes.
pub fn large_person(name: &str, bytes: usize) -> Item {
    item([("Name", text(name)), ("Notes", text("x".repeat(bytes)))])
}

/// Returns the key of a message in the outbox table.
pub fn message_key(id: &str) -> Item {
    item([("MessageId", text(id))])
}

pub fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Configures sweeps of messages of any age.
pub fn eager(builder: Builder) -> Builder {
    builder.sweep_min_age(Duration::ZERO)
}

/// Returns the number of messages that a request reads by their ids.
pub fn bodies_asked(request: &Request) -> usize {
    request.body["RequestItems"][OUTBOX]["Keys"].as_array().map_or(0, Vec::len)
}

/// Returns messages of topic `t` with bodies `0`, `1`, ...
pub fn messages(count: usize) -> Vec<Message> {
    (0..count).map(|n| Message::new("t", n.to_string())).collect()
}

/// Returns the numbers of the range as text. The bodies of [`messages`] are such numbers.
pub fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}
