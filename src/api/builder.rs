//! The builder, which opens a Postbox.

use crate::api::postbox::{Postbox, create_table};
use crate::delivery::background::Worker;
use crate::delivery::backlog::refresh_count;
use crate::engine::{Engine, TraceContextSource};
use crate::model::config::{Config, setting_name, setting_type};
use crate::model::error::Result;
#[cfg(not(feature = "embedded"))]
use crate::model::error::{Error, ErrorCode};
use crate::model::settings::{ClearMarks, ClockSource, LeaseMode, TableEncryption, with_settings};
use crate::model::trace_context::TraceContext;
use crate::outbox::Outbox;
use crate::runtime::Runtime;
#[cfg(feature = "embedded")]
use crate::sdk::embedded::EmbeddedDatabase;
use crate::sdk::{Server, max_attempts, server_of};
use crate::transport::{Producer, Router, add_routes, route};
use aws_sdk_dynamodb::config::SharedHttpClient;
use std::sync::Arc;
use std::time::Duration;

impl Postbox {
    /// Returns a builder with the default settings.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

/// The settings and producers with which [`open`](Self::open) opens a client. Every setting of `CONFIGURATION.md` has a method;
/// durations are of type [`Duration`].
///
/// ```
/// use postbox::{MemoryProducer, Postbox};
///
/// # fn main() -> postbox::Result<()> {
/// let postbox = Postbox::builder()
///     .embedded_path(":memory:")
///     .number_of_shards(5)
///     .producer("greeting.made", MemoryProducer::new())
///     .open()?;
/// # Ok(()) }
/// ```
#[derive(Default)]
#[must_use = "nothing is opened unless open is called"]
pub struct Builder {
    config: Config,
    router: Router,
    http_client: Option<SharedHttpClient>,
    transport_http_client: Option<SharedHttpClient>,
    must_exist: bool,
    trace_context: Option<Arc<TraceContextSource>>,
    #[cfg(feature = "embedded")]
    embedded: Option<EmbeddedDatabase>,
}

/// Expands to the argument type of the builder's method for a setting of this kind.
macro_rules! setting_argument {
    (text $range:tt) => { impl Into<String> };
    (optional $range:tt) => { impl Into<String> };
    (secret $range:tt) => { impl Into<String> };
    ($kind:ident $range:tt) => { setting_type!($kind $range) };
}

macro_rules! define_setters {
    ($($name:ident $(as $text:literal)?: $kind:ident $range:tt = $default:tt, $about:literal;)*) => {
        impl Builder {
            $(
                #[doc = $about]
                #[doc = concat!("\n\nSetting `", setting_name!($name $($text)?), "`; default `", stringify!($default), "`.")]
                pub fn $name(mut self, value: setting_argument!($kind $range)) -> Self {
                    self.config.$name = value.into();
                    self
                }
            )*
        }
    };
}

with_settings!(define_setters);

impl Builder {
    /// Replaces all settings.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Adds the producer of one topic, or of all topics with a prefix, as in `orders.*`. Exact topics take precedence over
    /// prefixes, and longer prefixes over shorter ones. The new producer replaces an earlier producer of the same topic.
    pub fn producer(mut self, topic: impl Into<String>, producer: impl Producer + 'static) -> Self {
        self.router.add(topic.into(), Arc::new(producer));
        self
    }

    /// Sets the producer of every topic without a producer of its own.
    pub fn default_producer(mut self, producer: impl Producer + 'static) -> Self {
        self.router.set_default(Arc::new(producer));
        self
    }

    /// Sets a function that returns the trace context of the calling thread. A message that a thread deposits, or turns into
    /// a put, gets the context in its fields `trace_parent` and `trace_state`, unless `trace_parent` is set.
    ///
    /// ```
    /// use postbox::{Message, Postbox, TraceContext};
    /// use std::cell::RefCell;
    ///
    /// thread_local! {
    ///     /// The header `traceparent` of the request that the thread is processing.
    ///     static TRACE_PARENT: RefCell<String> = RefCell::default();
    /// }
    ///
    /// # fn main() -> postbox::Result<()> {
    /// let postbox = Postbox::builder()
    ///     .embedded_path(":memory:")
    ///     .trace_context(|| TRACE_PARENT.with_borrow(|parent| TraceContext::new(parent, "").ok()))
    ///     .open()?;
    /// TRACE_PARENT.set("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    /// let id = postbox.deposit_post(Message::new("greeting.made", "Hello Ada"))?;
    /// let stored = postbox.get_message(&id)?.expect("the message was deposited");
    /// assert_eq!(stored.message.trace_parent(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    /// # Ok(()) }
    /// ```
    ///
    /// With OpenTelemetry, the propagator of `opentelemetry::global::get_text_map_propagator` writes both values to a
    /// `HashMap<String, String>`: its function `inject_context` sets the entries `traceparent` and `tracestate` to those of
    /// a context. The crate `tracing-opentelemetry` returns the context of the current span of `tracing`, with
    /// `Span::current().context()` of its trait `OpenTelemetrySpanExt`.
    pub fn trace_context(mut self, source: impl Fn() -> Option<TraceContext> + Send + Sync + 'static) -> Self {
        self.trace_context = Some(Arc::new(source));
        self
    }

    /// Adds a route to the setting [`routes`](Self::routes): the messages of a topic, of topics with a prefix
    /// (`orders.*`), or of all other topics (`*`) are sent to an SNS topic or an SQS queue.
    ///
    /// ```
    /// # fn main() -> postbox::Result<()> {
    /// let postbox = postbox::Postbox::builder()
    ///     .embedded_path(":memory:")
    ///     .region("eu-central-1")
    ///     .route("greeting.made", "sns:greetings")
    ///     .route("orders.*", "sqs:https://sqs.eu-central-1.amazonaws.com/123456789012/orders")
    ///     .route("*", "sns:arn:aws:sns:eu-central-1:123456789012:rest")
    ///     .open()?;
    /// # Ok(()) }
    /// ```
    pub fn route(mut self, topics: &str, target: &str) -> Self {
        let routes = &mut self.config.routes;
        if !routes.is_empty() {
            routes.push('\n');
        }
        routes.push_str(&format!("{topics} = {target}"));
        self
    }

    #[cfg(feature = "embedded")]
    /// Uses an embedded database that is already open, instead of `embedded_path`.
    pub fn embedded(mut self, database: EmbeddedDatabase) -> Self {
        self.embedded = Some(database);
        self
    }

    /// Opens an embedded database only if its file exists, and does not create the outbox table in it, for programs that
    /// only read. Without this method, a missing file and a missing table are created. It has no effect on DynamoDB, where
    /// [`open`](Self::open) never creates a table.
    pub fn must_exist(mut self) -> Self {
        self.must_exist = true;
        self
    }

    /// Sets the HTTP client of the AWS SDK, for a proxy or for tests that inject faults. If an embedded database is set
    /// too, this HTTP client is used instead of it.
    pub fn http_client(mut self, client: impl aws_sdk_dynamodb::config::HttpClient + 'static) -> Self {
        self.http_client = Some(SharedHttpClient::new(client));
        self
    }

    /// Sets the HTTP client of the AWS SDK for SNS and SQS. If it is not set, requests to SNS and SQS use
    /// [`http_client`](Self::http_client), or the default client of the SDK if an embedded database is used.
    pub fn transport_http_client(mut self, client: impl aws_sdk_dynamodb::config::HttpClient + 'static) -> Self {
        self.transport_http_client = Some(SharedHttpClient::new(client));
        self
    }

    /// Opens the client. With DynamoDB, this method sends no request to the table. In an embedded database, it creates
    /// the outbox table, unless the table exists or [`must_exist`](Self::must_exist) was called.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidSetting`](crate::ErrorCode::InvalidSetting); [`ErrorCode::NoAwsConfig`](crate::ErrorCode::NoAwsConfig) if no region is set or found;
    /// [`ErrorCode::EmbeddedUnavailable`](crate::ErrorCode::EmbeddedUnavailable).
    pub fn open(self) -> Result<Postbox> {
        self.config.validate()?;
        #[cfg(feature = "embedded")]
        let embedded = self.open_embedded()?;
        #[cfg(feature = "embedded")]
        let embedded_client = embedded.clone().map(SharedHttpClient::new);
        #[cfg(not(feature = "embedded"))]
        let embedded_client = self.reject_embedded()?;
        let Self { mut config, mut router, http_client, transport_http_client, must_exist, trace_context, .. } = self;
        let routes = route::parse(&config.routes)?;
        let is_embedded = embedded_client.is_some();
        let runtime = Arc::new(Runtime::start()?);
        let timeout = config.operation_timeout;
        let load = |config: Config, http_client: Option<SharedHttpClient>| {
            runtime.block_on("loading the AWS configuration", timeout, async move {
                crate::sdk::load(&config, http_client).await
            })?
        };
        let (client, shared) = match embedded_client {
            Some(database) => {
                let shared = if routes.is_empty() { None } else { Some(load(config.clone(), None)?) };
                config.max_request_attempts = max_attempts(&config, shared.as_ref());
                (crate::sdk::embedded(&config, http_client.unwrap_or(database)), shared)
            }
            None => {
                let shared = load(config.clone(), http_client)?;
                config.max_request_attempts = max_attempts(&config, Some(&shared));
                (crate::sdk::aws(&config, &shared)?, Some(shared))
            }
        };
        let server = match &shared {
            Some(shared) if !is_embedded => server_of(&config, shared, &client),
            _ => Server::Embedded(Some(config.embedded_path.clone()).filter(|path| !path.is_empty())),
        };
        let credentials = shared.as_ref().map(|shared| shared.credentials.clone());
        if let Some(shared) = shared {
            add_routes(&mut router, routes, &config, &shared, &runtime, transport_http_client)?;
        }
        let outbox = Arc::new(Outbox::new(client, server, &config));
        if is_embedded && !must_exist {
            create_table(&runtime, &outbox, timeout)?;
        }
        let postbox = Postbox {
            engine: Arc::new(Engine::new(config, runtime, outbox, router, credentials, trace_context)),
            sweeper: Worker::new("sweeper"),
            dispatcher: Worker::new("dispatcher"),
            archiver: Worker::new("archiver"),
            counter: Worker::new("counter"),
            #[cfg(feature = "embedded")]
            embedded,
        };
        let engine = &postbox.engine;
        if engine.config.max_outstanding > 0 {
            let interval = engine.config.outstanding_check_interval;
            postbox.counter.start(engine, interval, Box::new(|engine, _| refresh_count(engine)))?;
        }
        Ok(postbox)
    }

    #[cfg(feature = "embedded")]
    fn open_embedded(&self) -> Result<Option<EmbeddedDatabase>> {
        let path = &self.config.embedded_path;
        match &self.embedded {
            None if !path.is_empty() => {
                if self.must_exist {
                    EmbeddedDatabase::check_exists(path)?;
                }
                EmbeddedDatabase::open(path).map(Some)
            }
            given => Ok(given.clone()),
        }
    }

    #[cfg(not(feature = "embedded"))]
    fn reject_embedded(&self) -> Result<Option<SharedHttpClient>> {
        if self.config.embedded_path.is_empty() {
            return Ok(None);
        }
        Err(Error::new(
            ErrorCode::EmbeddedUnavailable,
            "embedded_path is set, but this build of Postbox has no embedded database: build it with the feature \"embedded\"",
        ))
    }
}

#[cfg(all(test, feature = "embedded"))]
mod tests {
    use super::*;
    use crate::api::unit_of_work::{State, TOKEN_LIFE};
    use crate::model::error::{Error, ErrorCode};
    use crate::model::item::Item;
    use crate::outbox::item::text;
    use crate::sys::clock::Moment;

    // The monotonic clock stops while the machine is suspended, and the wall clock jumps when it is corrected. A token
    // therefore expires as soon as it has expired by one of the clocks.
    #[test]
    fn token_expires_by_either_clock() {
        let postbox = Postbox::builder().embedded_path(":memory:").open().unwrap();
        let mut work = postbox.unit_of_work();
        work.put("brighter_outbox", Item::from([("MessageId".into(), text("m"))])).unwrap();
        let now = Moment::now();
        for (token_ends, is_past) in [
            (Moment { wall: now.wall - Duration::from_secs(1), ..now + TOKEN_LIFE }, true),
            (Moment { steady: now.steady, ..now + TOKEN_LIFE }, true),
            (now + TOKEN_LIFE, false),
        ] {
            work.state = State::InDoubt(token_ends);
            let error = work.commit().err();
            assert_eq!(error.as_ref().map(Error::code), is_past.then_some(ErrorCode::OutcomeUnknown));
            assert!(error.is_none_or(|error| !error.is_retryable()));
            let is_written =
                postbox.get_item("brighter_outbox", Item::from([("MessageId".into(), text("m"))])).unwrap();
            assert_eq!(is_written.is_some(), !is_past, "nothing is sent with an expired token");
        }
    }
}
