//! The blocking facade that callers hold.

use crate::Item;
use crate::bulk::deposit_all;
use crate::config::{Config, setting_argument, with_settings};
use crate::dispatch::clear::clear;
use crate::dispatch::in_flight::InFlight;
use crate::dispatch::mark::mark;
use crate::dispatch::recent::Recent;
use crate::dispatch::report::{DispatchOutcome, DispatchReport};
#[cfg(feature = "embedded")]
use crate::embedded::EmbeddedDatabase;
use crate::engine::Engine;
use crate::error::{Error, ErrorCode, Result};
use crate::message::Message;
use crate::outbox::Outbox;
use crate::outbox::deposit::Deposited;
use crate::outbox::item::StoredMessage;
use crate::outbox::table::TableReport;
use crate::runtime::Runtime;
use crate::transport::{Producer, Router, SendOutcome};
use crate::unit_of_work::UnitOfWork;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::SharedHttpClient;
use std::sync::Arc;
use std::time::Duration;

/// An outbox on DynamoDB, for callers that block: the handle that a program opens once.
///
/// It owns one thread, `postbox-runtime`, on which all requests run; callers wait for their
/// result with a deadline (`operation_timeout_ms`). It is `Send` and `Sync`, so that one serves
/// all threads. A call from inside a tokio runtime works, and blocks that thread of it. After a
/// `fork`, every call in the child fails with [`ErrorCode::Forked`]. Dropping it closes it
/// quietly; [`close`](Self::close) also tells how that went.
pub struct Postbox {
    engine: Arc<Engine>,
    #[cfg(feature = "embedded")]
    embedded: Option<EmbeddedDatabase>,
}

impl Postbox {
    /// A builder with the default settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Begins a unit of work: one DynamoDB transaction of the caller's writes and messages.
    pub fn unit_of_work(&self) -> UnitOfWork {
        UnitOfWork::new(Arc::clone(&self.engine))
    }

    /// Deposits one message outside of a transaction and gives its id. That a message of this
    /// id is there already is a success that changes nothing: a dispatched one is not brought back.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidMessage`], [`ErrorCode::ItemTooLarge`], and those of any request. A
    /// retryable one may have stored the message: deposit the same message again.
    pub fn deposit_post(&self, message: Message) -> Result<String> {
        let item = self.engine.outbox.encode(&message)?;
        let deposited = self.engine.run("deposit_post", |outbox| async move { outbox.deposit(item).await })?;
        let id = message.id().to_owned();
        if deposited == Deposited::New {
            self.engine.recent.add([message]);
        }
        Ok(id)
    }

    /// Deposits many messages outside of a transaction, 25 a request, and gives their ids. Each
    /// is stored on its own; one that is there already is a success that changes nothing.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidMessage`] or [`ErrorCode::ItemTooLarge`] for the first message that is
    /// wrong, with nothing stored; [`ErrorCode::DepositIncomplete`] with a reason for each message that could not
    /// be stored: depositing all of them again is safe.
    pub fn deposit_posts(&self, messages: &[Message]) -> Result<Vec<String>> {
        deposit_all(&self.engine, messages)
    }

    /// Deposits one message outside of a transaction, then sends it now.
    ///
    /// # Errors
    /// As [`deposit_post`](Self::deposit_post). That it was stored and not sent is in the report.
    pub fn post(&self, message: Message) -> Result<DispatchReport> {
        let id = self.deposit_post(message)?;
        self.clear_outbox(&[id])
    }

    /// Sends the outstanding messages of these ids now, on this thread, in this order, and marks
    /// them dispatched. Messages that were dispatched before are skipped; one that fails never
    /// stops the others, and stays outstanding. The report says for each what became of it.
    ///
    /// # Errors
    /// Only when nothing could be tried: [`ErrorCode::Closed`], [`ErrorCode::Forked`],
    /// [`ErrorCode::WrongThread`].
    pub fn clear_outbox(&self, ids: &[impl AsRef<str>]) -> Result<DispatchReport> {
        clear(&self.engine, &owned(ids))
    }

    /// The message of this id as it is in the outbox, read consistently.
    ///
    /// # Errors
    /// [`ErrorCode::UnreadableItem`], and those of any request.
    pub fn get(&self, id: &str) -> Result<Option<StoredMessage>> {
        let id = id.to_owned();
        self.engine.run("get", |outbox| async move { outbox.get(id).await })
    }

    /// One item of any table, read consistently through the same client.
    ///
    /// # Errors
    /// [`ErrorCode::TableNotFound`], and those of any request.
    pub fn get_item(&self, table: impl Into<String>, key: Item) -> Result<Option<Item>> {
        let table = table.into();
        self.engine.run("get_item", |outbox| async move { outbox.get_item(table, key).await })
    }

    /// Marks messages dispatched without sending them: for a host that sends them itself. An
    /// earlier dispatch time stays.
    ///
    /// # Errors
    /// As [`clear_outbox`](Self::clear_outbox).
    pub fn mark_dispatched(&self, ids: &[impl AsRef<str>]) -> Result<DispatchReport> {
        mark(&self.engine, &owned(ids))
    }

    /// What became of a message that its producer had [accepted](SendOutcome::Accepted): sent,
    /// and it is marked dispatched; or not, and it may be sent again. May be called on any
    /// thread but the Postbox's own, from inside a producer too.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for [`SendOutcome::Accepted`], or for an unknown id that is said to be sent;
    /// [`ErrorCode::MarkIncomplete`], retryable: it could not be marked and stays outstanding.
    pub fn confirm(&self, id: &str, outcome: SendOutcome) -> Result<()> {
        match outcome {
            SendOutcome::Sent => {}
            SendOutcome::Accepted => {
                return Err(Error::new(
                    ErrorCode::InvalidArgument,
                    "a message cannot be confirmed as accepted: say what became of it",
                ));
            }
            SendOutcome::Retry(text) | SendOutcome::Reject(text) => {
                let _call = self.engine.runtime.enter()?;
                tracing::warn!(target: "postbox", message_id = id, error = %text, "an accepted message was not sent");
                self.engine.in_flight.settle(id);
                return Ok(());
            }
        }
        let report = self.mark_dispatched(&[id])?;
        self.engine.in_flight.settle(id);
        let detail = report.entries().first().map_or("", |entry| entry.detail.as_str());
        match report.outcome(id) {
            Some(outcome) if outcome.is_success() => Ok(()),
            Some(DispatchOutcome::NotFound) => {
                Err(Error::new(ErrorCode::InvalidArgument, format!("the outbox has no message {id} to confirm")))
            }
            _ => Err(Error::new(
                ErrorCode::MarkIncomplete,
                format!("message {id} was sent and could not be marked: {detail}"),
            )
            .retryable()),
        }
    }

    /// Makes the outbox table if it is missing, as Brighter makes it and with time to live on
    /// `ExpiresAt`, waits until it can be used, and checks it. Waits up to two minutes or the
    /// operation timeout, whichever is longer.
    ///
    /// # Errors
    /// As [`verify_table`](Self::verify_table).
    pub fn create_table(&self) -> Result<TableReport> {
        create_table(&self.engine.runtime, &self.engine.outbox, self.engine.operation_timeout())
    }

    /// Checks that the table exists and has the keys and indexes of an outbox.
    ///
    /// # Errors
    /// [`ErrorCode::TableNotFound`]; [`ErrorCode::TableInvalid`] with a reason for each fault.
    pub fn verify_table(&self) -> Result<TableReport> {
        self.engine.run("verify_table", |outbox| async move { outbox.verify_table().await })
    }

    /// The SDK's client, for whatever Postbox does not do itself. Run its requests with
    /// [`block_on`](Self::block_on), or on a runtime of your own.
    pub fn dynamodb(&self) -> &Client {
        self.engine.outbox.client()
    }

    /// Runs a future with the SDK's client on the Postbox's thread and blocks for its result.
    ///
    /// ```
    /// # fn main() -> postbox::Result<()> {
    /// # let postbox = postbox::Postbox::builder().embedded_path(":memory:").open()?;
    /// let tables = postbox.block_on(|client| async move { client.list_tables().send().await })?;
    /// assert_eq!(tables.expect("DynamoDB answers").table_names(), ["brighter_outbox"]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorCode::Timeout`] after the operation timeout, [`ErrorCode::Closed`], [`ErrorCode::Forked`].
    pub fn block_on<T, F>(&self, operation: impl FnOnce(Client) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let future = operation(self.dynamodb().clone());
        self.engine.runtime.block_on("the future", self.engine.operation_timeout(), future)
    }

    /// The embedded database that this Postbox works on, if it does.
    #[cfg(feature = "embedded")]
    pub fn embedded(&self) -> Option<&EmbeddedDatabase> {
        self.embedded.as_ref()
    }

    /// Runs one operation by name on the embedded database, as a call of this Postbox: not after
    /// it was closed, nor in a forked child, where the database may not be touched.
    pub(crate) fn embedded_execute(&self, operation: &str, request: &str) -> Result<String> {
        let _call = self.engine.runtime.enter()?;
        #[cfg(feature = "embedded")]
        if let Some(database) = &self.embedded {
            return database.execute(operation, request);
        }
        let _ = (operation, request);
        Err(Error::new(
            ErrorCode::Embedded,
            "this Postbox does not work on an embedded database: set embedded_path before it is opened",
        ))
    }

    /// Refuses new calls, waits for those under way for `close_timeout_ms` at most, and stops the thread.
    ///
    /// # Errors
    /// [`ErrorCode::Timeout`]: something was still under way and was abandoned; committed
    /// messages stay outstanding. [`ErrorCode::Forked`].
    pub fn close(self) -> Result<()> {
        self.shut_down()
    }

    /// [`close`](Self::close) for a handle that is shared; a second call does nothing.
    pub(crate) fn shut_down(&self) -> Result<()> {
        self.engine.runtime.close(Duration::from_millis(self.engine.config.close_timeout_ms))
    }
}

impl Drop for Postbox {
    fn drop(&mut self) {
        if let Err(error) = self.shut_down() {
            tracing::debug!(target: "postbox", %error, "a Postbox was dropped");
        }
    }
}

impl std::fmt::Debug for Postbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postbox").field("table", &self.engine.outbox.table()).finish_non_exhaustive()
    }
}

/// Settings and producers of a Postbox to [`open`](Self::open). Every setting of
/// `CONFIGURATION.md` has a method of its name.
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
pub struct Builder {
    config: Config,
    router: Router,
    http_client: Option<SharedHttpClient>,
    #[cfg(feature = "embedded")]
    embedded: Option<EmbeddedDatabase>,
}

macro_rules! define_setters {
    ($($name:ident: $kind:ident $range:tt = $default:literal, $about:literal;)*) => {
        impl Builder {
            $(
                #[doc = $about]
                #[doc = concat!("\n\nDefault: `", stringify!($default), "`.")]
                pub fn $name(mut self, value: setting_argument!($kind)) -> Self {
                    self.config.$name = value.into();
                    self
                }
            )*
        }
    };
}

with_settings!(define_setters);

impl Builder {
    /// Replaces all settings by these.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The producer of one topic.
    pub fn producer(mut self, topic: impl Into<String>, producer: impl Producer + 'static) -> Self {
        self.router.add(topic.into(), Arc::new(producer));
        self
    }

    /// The producer of every topic that has none of its own.
    pub fn default_producer(mut self, producer: impl Producer + 'static) -> Self {
        self.router.set_default(Arc::new(producer));
        self
    }

    #[cfg(feature = "embedded")]
    /// An embedded database that is open already, in place of `embedded_path`.
    pub fn embedded(mut self, database: EmbeddedDatabase) -> Self {
        self.embedded = Some(database);
        self
    }

    /// The SDK's HTTP client, in place of the default one: for a proxy, or for tests that
    /// inject faults. With an embedded database it takes that one's place.
    pub fn http_client(mut self, client: impl aws_sdk_dynamodb::config::HttpClient + 'static) -> Self {
        self.http_client = Some(SharedHttpClient::new(client));
        self
    }

    /// Opens the Postbox. On DynamoDB this makes no request to the table; with the embedded
    /// database it makes the outbox table if it is missing.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidSetting`]; [`ErrorCode::NoCredentials`] if no region is known;
    /// [`ErrorCode::Embedded`].
    pub fn open(self) -> Result<Postbox> {
        self.config.validate()?;
        #[cfg(feature = "embedded")]
        let embedded = self.open_embedded()?;
        #[cfg(feature = "embedded")]
        let embedded_client = embedded.clone().map(SharedHttpClient::new);
        #[cfg(not(feature = "embedded"))]
        let embedded_client = self.refuse_embedded()?;
        let Self { config, router, http_client, .. } = self;
        let is_embedded = embedded_client.is_some();
        let runtime = Runtime::start()?;
        let timeout = Duration::from_millis(config.operation_timeout_ms);
        let client = match embedded_client {
            Some(database) => crate::client::embedded(&config, http_client.unwrap_or(database)),
            None => {
                let settings = config.clone();
                runtime.block_on("loading the AWS configuration", timeout, async move {
                    crate::client::aws(&settings, http_client).await
                })??
            }
        };
        let outbox = Arc::new(Outbox::new(client, &config));
        if is_embedded {
            create_table(&runtime, &outbox, timeout)?;
        }
        Ok(Postbox {
            engine: Arc::new(Engine {
                recent: Recent::new(&config),
                in_flight: InFlight::default(),
                config,
                runtime,
                outbox,
                router,
            }),
            #[cfg(feature = "embedded")]
            embedded,
        })
    }

    #[cfg(feature = "embedded")]
    fn open_embedded(&self) -> Result<Option<EmbeddedDatabase>> {
        match &self.embedded {
            None if !self.config.embedded_path.is_empty() => {
                EmbeddedDatabase::open(&self.config.embedded_path).map(Some)
            }
            given => Ok(given.clone()),
        }
    }

    #[cfg(not(feature = "embedded"))]
    fn refuse_embedded(&self) -> Result<Option<SharedHttpClient>> {
        if self.config.embedded_path.is_empty() {
            return Ok(None);
        }
        Err(Error::new(
            ErrorCode::Embedded,
            "embedded_path is set, and this build of Postbox has no embedded database: build it with the feature \"embedded\"",
        ))
    }
}

fn create_table(runtime: &Runtime, outbox: &Arc<Outbox>, timeout: Duration) -> Result<TableReport> {
    const LONGEST: Duration = Duration::from_secs(120);
    let outbox = Arc::clone(outbox);
    runtime.block_on("create_table", timeout.max(LONGEST), async move { outbox.create_table().await })?
}

fn owned(ids: &[impl AsRef<str>]) -> Vec<String> {
    ids.iter().map(|id| id.as_ref().to_owned()).collect()
}
