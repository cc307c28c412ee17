//! The blocking facade that callers hold.

use crate::Item;
use crate::bulk::deposit_all;
use crate::config::{Config, setting_argument, with_settings};
use crate::dispatch::archive::{Archive, ArchiveReport};
use crate::dispatch::clear::clear;
use crate::dispatch::confirm;
use crate::dispatch::lease::{LeaseState, lease_states};
use crate::dispatch::mark::mark;
use crate::dispatch::replay::replay;
use crate::dispatch::report::DispatchReport;
use crate::dispatch::shards::leave;
use crate::dispatch::stats::{Outstanding, Stats};
use crate::dispatch::sweep::{SweepReport, count_outstanding, refresh_count, sweep};
use crate::dispatch::topic_counts::{TopicCount, count_topics};
use crate::dispatch::worker::Worker;
#[cfg(feature = "embedded")]
use crate::embedded::EmbeddedDatabase;
use crate::engine::Engine;
use crate::error::{Error, ErrorCode, Result};
use crate::message::Message;
use crate::outbox::Outbox;
use crate::outbox::item::{MessageState, StoredMessage};
use crate::outbox::listing::{Cursor, MessagePage};
use crate::outbox::table::TableReport;
use crate::runtime::Runtime;
use crate::ticks::Ticks;
use crate::transport::{Producer, Router, SendOutcome, add_routes, route};
use crate::unit_of_work::UnitOfWork;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::SharedHttpClient;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

/// An outbox on DynamoDB, for callers that block: the handle that a program opens once.
///
/// It owns one thread, `postbox-runtime`, on which all requests run; callers wait for their
/// result with a deadline (`operation_timeout_ms`). It is `Send` and `Sync`, so that one serves
/// all threads. A call from inside a tokio runtime works, and blocks that thread of it. After a
/// `fork`, every call in the child fails with [`ErrorCode::Forked`]. Dropping it closes it
/// quietly; [`close`](Self::close) also tells how that went.
pub struct Postbox {
    engine: Arc<Engine>,
    sweeper: Worker,
    archiver: Worker,
    /// Counts what is outstanding, if that is limited.
    counter: Worker,
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
        self.engine.runtime.check_open()?;
        self.engine.check_limit()?;
        let item = self.engine.outbox.encode(&message)?;
        let deposited = self.engine.run("deposit_post", |outbox| async move { outbox.deposit(item).await })?;
        let id = message.id().to_owned();
        self.engine.deposited(deposited, &message);
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
        self.clear_outbox_until(ids, &AtomicBool::new(false))
    }

    /// [`clear_outbox`](Self::clear_outbox) that sends nothing more once `stop` is set, from any
    /// thread. Messages that were not tried are [`DispatchOutcome::NotRead`](crate::DispatchOutcome::NotRead).
    ///
    /// # Errors
    /// As [`clear_outbox`](Self::clear_outbox).
    pub fn clear_outbox_until(&self, ids: &[impl AsRef<str>], stop: &AtomicBool) -> Result<DispatchReport> {
        clear(&self.engine, &owned(ids), stop)
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
    /// and it is marked dispatched; or not, which counts as a failed attempt: it is sent again, or
    /// parked where it was rejected or has failed too often. May be called on any
    /// thread but the Postbox's own, from inside a producer too.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for [`SendOutcome::Accepted`], or for an unknown id that is said to be sent;
    /// [`ErrorCode::MarkIncomplete`], retryable: it could not be marked and stays outstanding;
    /// errors of DynamoDB where the failed attempt could not be counted.
    pub fn confirm(&self, id: &str, outcome: SendOutcome) -> Result<()> {
        match outcome {
            SendOutcome::Sent => confirm::sent(&self.engine, id),
            SendOutcome::Retry(text) => confirm::failed(&self.engine, id, text, false),
            SendOutcome::Reject(text) => confirm::failed(&self.engine, id, text, true),
            SendOutcome::Accepted => Err(Error::new(
                ErrorCode::InvalidArgument,
                "a message cannot be confirmed as accepted: say what became of it",
            )),
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

    /// Finds the outstanding messages that are older than `sweep_min_age_ms`, oldest first, sends
    /// them on this thread and up to `sweep_threads` - 1 more, and marks them dispatched, until none is left that can be sent. It
    /// holds Brighter's lease while it does: if another sweeper has it, nothing is done.
    ///
    /// A message that fails counts an attempt, waits for its next one (`retry_delay_ms`), and is
    /// parked after `max_dispatch_attempts`, or at once if its producer rejects it or it cannot
    /// be read. Later messages of its topic and partition key wait for it.
    ///
    /// # Errors
    /// Those of any request, when messages cannot be found or the lease cannot be asked for. What
    /// happened to single messages is in the report.
    pub fn sweep(&self) -> Result<SweepReport> {
        self.sweep_until(None, &AtomicBool::new(false), |_| {})
    }

    /// [`sweep`](Self::sweep) of one topic.
    ///
    /// # Errors
    /// As [`sweep`](Self::sweep).
    pub fn sweep_topic(&self, topic: &str) -> Result<SweepReport> {
        self.sweep_until(Some(topic), &AtomicBool::new(false), |_| {})
    }

    /// [`sweep`](Self::sweep) of one topic or of all, for a caller that watches it: what became of each batch goes to
    /// `each`, on whichever thread sent it, and once `stop` is set, from any thread, nothing more is sent. Messages that were
    /// found and then not tried are [`DispatchOutcome::HeldBack`](crate::DispatchOutcome::HeldBack).
    ///
    /// # Errors
    /// As [`sweep`](Self::sweep).
    pub fn sweep_until(
        &self,
        topic: Option<&str>,
        stop: &AtomicBool,
        mut each: impl FnMut(&DispatchReport) + Send,
    ) -> Result<SweepReport> {
        sweep(&self.engine, topic, stop, &mut each)
    }

    /// Starts the sweeper: a thread that sweeps every `sweep_interval_ms`, survives every error
    /// and logs it. Producers are called on that
    /// thread and, for other topics at the same time, on up to `sweep_threads` - 1 more.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if it is running already.
    pub fn start_sweeper(&self) -> Result<()> {
        let job = |engine: &Engine, stop: &AtomicBool| sweep(engine, None, stop, &mut |_| {}).map(drop);
        self.sweeper.start(&self.engine, self.engine.config.sweep_interval_ms, Box::new(job))
    }

    /// Stops the sweeper after what it is sending, and waits `close_timeout_ms` for it at most.
    /// Without one running, does nothing.
    ///
    /// # Errors
    /// [`ErrorCode::Timeout`]: a producer has not returned; the sweeper stops when it does. Call this
    /// again to wait longer; until it has stopped, it cannot be started again.
    pub fn stop_sweeper(&self) -> Result<()> {
        self.stop_sweeper_until(self.close_deadline())
    }

    fn stop_sweeper_until(&self, deadline: Instant) -> Result<()> {
        self.engine.runtime.check()?;
        let was_running = self.sweeper.is_running();
        let stopped = self.stop(&self.sweeper, deadline);
        if was_running && self.engine.config.sweep_leases == "shards" {
            leave(&self.engine, deadline.saturating_duration_since(Instant::now()));
        }
        stopped
    }

    /// Hands every message that was dispatched longer than `archive_min_age_ms` ago to the
    /// archive, and deletes those that it kept. Never touches one that is not dispatched. It holds
    /// Brighter's lease of archivers while it does.
    ///
    /// # Errors
    /// Those of any request. What happened to single messages is in the report.
    pub fn archive(&self, archive: &dyn Archive) -> Result<ArchiveReport> {
        self.archive_until(archive, &AtomicBool::new(false))
    }

    /// [`archive`](Self::archive) that ends after the batch at hand once `stop` is set, from any thread.
    ///
    /// # Errors
    /// As [`archive`](Self::archive).
    pub fn archive_until(&self, archive: &dyn Archive, stop: &AtomicBool) -> Result<ArchiveReport> {
        archive_once(&self.engine, archive, stop)
    }

    /// Starts the archiver: a thread that does so every `archive_interval_ms`.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if it is running already.
    pub fn start_archiver(&self, archive: impl Archive + 'static) -> Result<()> {
        let job = move |engine: &Engine, stop: &AtomicBool| archive_once(engine, &archive, stop).map(drop);
        self.archiver.start(&self.engine, self.engine.config.archive_interval_ms, Box::new(job))
    }

    /// Stops the archiver, as [`stop_sweeper`](Self::stop_sweeper) does the sweeper.
    ///
    /// # Errors
    /// As [`stop_sweeper`](Self::stop_sweeper).
    pub fn stop_archiver(&self) -> Result<()> {
        self.stop(&self.archiver, self.close_deadline())
    }

    fn stop(&self, worker: &Worker, deadline: Instant) -> Result<()> {
        self.engine.runtime.check()?;
        worker.stop(deadline.saturating_duration_since(Instant::now()))
    }

    fn close_deadline(&self) -> Instant {
        Instant::now() + Duration::from_millis(self.engine.config.close_timeout_ms)
    }

    /// How many messages are outstanding, of one topic or of all, and since when. It reads the
    /// index of outstanding messages, whose size is theirs.
    ///
    /// # Errors
    /// Those of any request.
    pub fn outstanding(&self, topic: Option<&str>) -> Result<Outstanding> {
        count_outstanding(&self.engine, topic)
    }

    /// A page of about `limit` messages of a state, of one topic or of all, beginning at the
    /// cursor that the page before gave. A page may be short, or empty, and not the last. The index lags behind the table a little. Parked
    /// messages are in no index: listing them reads the whole table.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for a cursor that no page of this list gave; those of any request.
    pub fn list(
        &self,
        state: MessageState,
        topic: Option<&str>,
        limit: u32,
        cursor: Option<&Cursor>,
    ) -> Result<MessagePage> {
        let (topic, cursor) = (topic.map(str::to_owned), cursor.cloned());
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        self.engine.run("list", |outbox| async move { outbox.list(state, topic, limit, cursor).await })
    }

    /// How many messages of each topic are outstanding, and with `whole_table` also how many are dispatched
    /// and parked. Without, it reads the index of outstanding messages; with it, every item of the
    /// table, which on DynamoDB costs as much as the table is large.
    ///
    /// # Errors
    /// Those of any request.
    pub fn topics(&self, whole_table: bool) -> Result<Vec<TopicCount>> {
        count_topics(&self.engine, whole_table)
    }

    /// How many messages of a topic were dispatched from this time on and before that one, as the index shows them.
    ///
    /// # Errors
    /// Those of any request.
    pub fn dispatched_between(&self, topic: &str, from: SystemTime, to: SystemTime) -> Result<u64> {
        let (topic, from, to) = (topic.to_owned(), Ticks::from(from), Ticks::from(to));
        self.engine.run("dispatched_between", |outbox| async move { outbox.dispatched_between(&topic, from, to).await })
    }

    /// The leases of sweepers and archivers of this outbox, those that have run out included; none without a lock table.
    ///
    /// # Errors
    /// Those of any request.
    pub fn leases(&self) -> Result<Vec<LeaseState>> {
        lease_states(&self.engine)
    }

    /// Deletes a message that is in this state, and says whether it did: one that is in another
    /// state by now stays. An outstanding message that is deleted is never sent.
    ///
    /// # Errors
    /// Those of any request.
    pub fn delete(&self, id: &str, state: MessageState) -> Result<bool> {
        let id = id.to_owned();
        self.engine.run("delete", |outbox| async move { outbox.delete_in_state(id, state).await })
    }

    /// Releases a parked message: it is outstanding again, with no failed attempts.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if it is not parked.
    pub fn unpark(&self, id: &str) -> Result<()> {
        let unparked = id.to_owned();
        self.engine.run("unpark", |outbox| async move { outbox.unpark(unparked).await })
    }

    /// Makes messages outstanding again, dispatched or not, so that the next sweep or clear sends them.
    ///
    /// # Errors
    /// As [`clear_outbox`](Self::clear_outbox).
    pub fn replay(&self, ids: &[impl AsRef<str>]) -> Result<DispatchReport> {
        replay(&self.engine, &owned(ids))
    }

    /// [`replay`](Self::replay) of every message with this causation id.
    ///
    /// # Errors
    /// [`ErrorCode::TableInvalid`] if the table lacks the index `Causation`; those of any request.
    pub fn replay_causation(&self, causation_id: &str) -> Result<DispatchReport> {
        let cause = causation_id.to_owned();
        let ids = self.engine.run("finding by causation", |outbox| async move { outbox.caused_by(cause).await })?;
        replay(&self.engine, &ids)
    }

    /// What this Postbox has done since it was opened. Makes no request.
    pub fn stats(&self) -> Stats {
        Stats::of(&self.engine)
    }

    /// Whether this handle may be used here: not in a forked child, whose locks may be held by
    /// threads that it does not have.
    pub(crate) fn check(&self) -> Result<()> {
        self.engine.runtime.check()
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

    /// Stops the sweeper and the archiver, refuses new calls, waits for those under way, each for
    /// `close_timeout_ms` at most, and stops the thread. A second call waits for the same.
    ///
    /// # Errors
    /// [`ErrorCode::Timeout`]: something was still under way and was abandoned; committed
    /// messages stay outstanding. [`ErrorCode::Forked`].
    pub fn close(&self) -> Result<()> {
        self.engine.runtime.check()?;
        // Together they have the time that one has.
        let deadline = self.close_deadline();
        for worker in [&self.sweeper, &self.archiver, &self.counter] {
            worker.ask_to_stop();
        }
        let stopped = [
            self.stop_sweeper_until(deadline),
            self.stop(&self.archiver, deadline),
            self.stop(&self.counter, deadline),
        ];
        let timeout = Duration::from_millis(self.engine.config.close_timeout_ms);
        let closed = self.engine.runtime.close(deadline, timeout);
        stopped.into_iter().fold(closed, Result::and)
    }
}

impl Drop for Postbox {
    fn drop(&mut self) {
        if self.engine.runtime.is_forked() {
            // What is in it, such as producers, connections and the embedded database, is the parent's to end.
            std::mem::forget(Arc::clone(&self.engine));
            #[cfg(feature = "embedded")]
            std::mem::forget(self.embedded.clone());
            return;
        }
        if let Err(error) = self.close() {
            tracing::debug!(target: "postbox", { error.message = %error }, "a Postbox was dropped");
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
    transport_http_client: Option<SharedHttpClient>,
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

    /// Adds a route to the setting [`routes`](Self::routes): the messages of a topic, of topics that begin so
    /// (`orders.*`), or of all others (`*`) are sent to a topic of SNS or a queue of SQS.
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

    /// The SDK's HTTP client for SNS and SQS, in place of [`http_client`](Self::http_client), or, with an
    /// embedded database, of the default one.
    pub fn transport_http_client(mut self, client: impl aws_sdk_dynamodb::config::HttpClient + 'static) -> Self {
        self.transport_http_client = Some(SharedHttpClient::new(client));
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
        let Self { config, mut router, http_client, transport_http_client, .. } = self;
        let routes = route::parse(&config.routes)?;
        let is_embedded = embedded_client.is_some();
        let runtime = Arc::new(Runtime::start()?);
        let timeout = Duration::from_millis(config.operation_timeout_ms);
        let load = |http_client: Option<SharedHttpClient>| {
            let settings = config.clone();
            runtime.block_on("loading the AWS configuration", timeout, async move {
                crate::client::load(&settings, http_client).await
            })
        };
        let (client, shared) = match embedded_client {
            Some(database) => {
                let shared = if routes.is_empty() { None } else { Some(load(None)?) };
                (crate::client::embedded(&config, http_client.unwrap_or(database)), shared)
            }
            None => {
                let shared = load(http_client)?;
                (crate::client::aws(&config, &shared)?, Some(shared))
            }
        };
        if let Some(shared) = shared {
            add_routes(&mut router, routes, &config, &shared, &runtime, transport_http_client)?;
        }
        let outbox = Outbox::new(client, &config);
        let outbox = Arc::new(if is_embedded { outbox.without_stream() } else { outbox });
        if is_embedded {
            create_table(&runtime, &outbox, timeout)?;
        }
        let postbox = Postbox {
            engine: Arc::new(Engine::new(config, runtime, outbox, router)),
            sweeper: Worker::new("sweeper"),
            archiver: Worker::new("archiver"),
            counter: Worker::new("counter"),
            #[cfg(feature = "embedded")]
            embedded,
        };
        let engine = &postbox.engine;
        if engine.config.outstanding_limit > 0 {
            let interval = engine.config.outstanding_check_interval_ms;
            postbox.counter.start(engine, interval, Box::new(|engine, _| refresh_count(engine)))?;
        }
        Ok(postbox)
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

fn archive_once(engine: &Engine, archive: &dyn Archive, stop: &AtomicBool) -> Result<ArchiveReport> {
    crate::dispatch::archive::archive(engine, archive, Duration::from_millis(engine.config.archive_min_age_ms), stop)
}

fn create_table(runtime: &Runtime, outbox: &Arc<Outbox>, timeout: Duration) -> Result<TableReport> {
    const LONGEST: Duration = Duration::from_secs(120);
    let outbox = Arc::clone(outbox);
    runtime.block_on("create_table", timeout.max(LONGEST), async move { outbox.create_table().await })?
}

fn owned(ids: &[impl AsRef<str>]) -> Vec<String> {
    ids.iter().map(|id| id.as_ref().to_owned()).collect()
}
