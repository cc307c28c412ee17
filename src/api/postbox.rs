//! The blocking facade that callers hold.

use crate::api::deposit::deposit_all;
use crate::api::sweep_options::SweepOptions;
use crate::api::unit_of_work::UnitOfWork;
use crate::delivery::archive::Archive;
use crate::delivery::background::Worker;
use crate::delivery::backlog::count_outstanding;
use crate::delivery::clear::clear;
use crate::delivery::confirm;
use crate::delivery::mark_dispatched::mark;
use crate::delivery::replay::replay;
use crate::delivery::sharded_sweep::leave;
use crate::delivery::sweep::sweep;
use crate::engine::Engine;
use crate::model::cancel::CancelToken;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::Item;
use crate::model::message::Message;
use crate::model::page::{Cursor, MessagePage};
use crate::model::report::{ArchiveReport, DispatchReport, SweepReport};
use crate::model::settings::LeaseMode;
use crate::model::stats::{OutstandingCount, Stats};
use crate::model::stored_message::{MessageState, StoredMessage};
use crate::outbox::Outbox;
use crate::outbox::table::TableReport;
use crate::runtime::Runtime;
#[cfg(feature = "embedded")]
use crate::sdk::embedded::EmbeddedDatabase;
use crate::transport::SendOutcome;
use aws_sdk_dynamodb::Client;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An outbox on DynamoDB, for callers that block: the handle that a program opens once.
///
/// It owns one thread, `postbox-runtime`, on which all requests run; callers wait for their
/// result with a deadline (`operation_timeout_ms`). It is `Send` and `Sync`, so that one serves
/// all threads. A call from inside a tokio runtime works, and blocks that thread of it. After a
/// `fork`, every call in the child fails with [`ErrorCode::Forked`]. Dropping it closes it
/// quietly; [`close`](Self::close) also tells how that went.
pub struct Postbox {
    pub(super) engine: Arc<Engine>,
    pub(super) sweeper: Worker,
    pub(super) archiver: Worker,
    /// Counts what is outstanding, if that is limited.
    pub(super) counter: Worker,
    #[cfg(feature = "embedded")]
    pub(super) embedded: Option<EmbeddedDatabase>,
}

impl Postbox {
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
    /// them dispatched. Messages that are already dispatched are not sent again; one that fails never
    /// stops the others, and stays outstanding. The report says for each what became of it.
    ///
    /// # Errors
    /// Only when nothing could be tried: [`ErrorCode::Closed`], [`ErrorCode::Forked`],
    /// [`ErrorCode::ReentrantCall`].
    pub fn clear_outbox(&self, ids: &[impl AsRef<str>]) -> Result<DispatchReport> {
        self.clear_outbox_with(ids, &CancelToken::new())
    }

    /// Does the same as [`clear_outbox`](Self::clear_outbox) until the token is canceled. Messages that were not tried are
    /// [`DispatchOutcome::Skipped`](crate::DispatchOutcome::Skipped).
    ///
    /// # Errors
    /// As [`clear_outbox`](Self::clear_outbox).
    pub fn clear_outbox_with(&self, ids: &[impl AsRef<str>], cancel: &CancelToken) -> Result<DispatchReport> {
        clear(&self.engine, &owned(ids), cancel)
    }

    /// The message of this id as it is in the outbox, read consistently.
    ///
    /// # Errors
    /// [`ErrorCode::MalformedItem`], and those of any request.
    pub fn get_message(&self, id: &str) -> Result<Option<StoredMessage>> {
        let id = id.to_owned();
        self.engine.run("get_message", |outbox| async move { outbox.get(id).await })
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
    /// [`ErrorCode::TableNotFound`]; [`ErrorCode::InvalidTable`] with a reason for each fault.
    pub fn verify_table(&self) -> Result<TableReport> {
        self.engine.run("verify_table", |outbox| async move { outbox.verify_table().await })
    }

    /// Finds the outstanding messages that are older than `sweep_min_age_ms`, oldest first, sends
    /// them on this thread and up to `sweep_threads` - 1 more, and marks them dispatched, until none is left that can be sent. It
    /// holds Brighter's lease while it does: if another sweeper has it, nothing is done.
    ///
    /// A message that fails counts an attempt, waits for its next one (`dispatch_retry_delay_ms`), and is
    /// parked after `max_dispatch_attempts`, or at once if its producer rejects it or it cannot
    /// be read. Later messages of its topic and partition key wait for it.
    ///
    /// # Errors
    /// Those of any request, when messages cannot be found or the lease cannot be asked for. What
    /// happened to single messages is in the report.
    pub fn sweep(&self) -> Result<SweepReport> {
        self.sweep_with(SweepOptions::new())
    }

    /// [`sweep`](Self::sweep) of one topic.
    ///
    /// # Errors
    /// As [`sweep`](Self::sweep).
    pub fn sweep_topic(&self, topic: &str) -> Result<SweepReport> {
        self.sweep_with(SweepOptions::new().topic(topic))
    }

    /// [`sweep`](Self::sweep) with a topic, a token that stops it, or a function that sees each batch.
    ///
    /// # Errors
    /// As [`sweep`](Self::sweep).
    pub fn sweep_with(&self, options: SweepOptions<'_>) -> Result<SweepReport> {
        let SweepOptions { topic, cancel, mut on_batch } = options;
        sweep(&self.engine, topic, &cancel, &mut *on_batch)
    }

    /// Starts the sweeper: a thread that sweeps every `sweep_interval_ms`, survives every error
    /// and logs it. Producers are called on that
    /// thread and, for other topics at the same time, on up to `sweep_threads` - 1 more.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if it is running already.
    pub fn start_sweeper(&self) -> Result<()> {
        let job = |engine: &Engine, cancel: &CancelToken| sweep(engine, None, cancel, &mut |_| {}).map(drop);
        self.sweeper.start(&self.engine, self.engine.config.sweep_interval, Box::new(job))
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
        if was_running && self.engine.config.lease_mode == LeaseMode::PerShard {
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
        self.archive_with(archive, &CancelToken::new())
    }

    /// [`archive`](Self::archive) that another thread can stop; it ends after the batch at hand.
    ///
    /// # Errors
    /// As [`archive`](Self::archive).
    pub fn archive_with(&self, archive: &dyn Archive, cancel: &CancelToken) -> Result<ArchiveReport> {
        archive_once(&self.engine, archive, cancel)
    }

    /// Starts the archiver: a thread that does so every `archive_interval_ms`.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if it is running already.
    pub fn start_archiver(&self, archive: impl Archive + 'static) -> Result<()> {
        let job = move |engine: &Engine, cancel: &CancelToken| archive_once(engine, &archive, cancel).map(drop);
        self.archiver.start(&self.engine, self.engine.config.archive_interval, Box::new(job))
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
        Instant::now() + self.engine.config.close_timeout
    }

    /// How many messages are outstanding, of one topic or of all, and since when. It reads the
    /// index of outstanding messages, whose size is theirs.
    ///
    /// # Errors
    /// Those of any request.
    pub fn count_outstanding(&self, topic: Option<&str>) -> Result<OutstandingCount> {
        count_outstanding(&self.engine, topic)
    }

    /// A page of about `limit` messages of a state, of one topic or of all, beginning at the
    /// cursor that the page before gave. A page may be short, or empty, and not the last. The index lags behind the table a little. Parked
    /// messages are in no index: listing them reads the whole table.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for a cursor that no page of this list gave; those of any request.
    pub fn list_messages(
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
    /// [`ErrorCode::InvalidTable`] if the table lacks the index `Causation`; those of any request.
    pub fn replay_causation(&self, causation_id: &str) -> Result<DispatchReport> {
        let cause = causation_id.to_owned();
        let ids = self.engine.run("finding by causation", |outbox| async move { outbox.caused_by(cause).await })?;
        replay(&self.engine, &ids)
    }

    /// What this Postbox has done since it was opened. Makes no request.
    pub fn stats(&self) -> Stats {
        self.engine.stats()
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
            ErrorCode::EmbeddedUnavailable,
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
        let timeout = self.engine.config.close_timeout;
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

fn archive_once(engine: &Engine, archive: &dyn Archive, cancel: &CancelToken) -> Result<ArchiveReport> {
    crate::delivery::archive::archive(engine, archive, engine.config.archive_min_age, cancel)
}

pub(super) fn create_table(runtime: &Runtime, outbox: &Arc<Outbox>, timeout: Duration) -> Result<TableReport> {
    const LONGEST: Duration = Duration::from_secs(120);
    let outbox = Arc::clone(outbox);
    runtime.block_on("create_table", timeout.max(LONGEST), async move { outbox.create_table().await })?
}

fn owned(ids: &[impl AsRef<str>]) -> Vec<String> {
    ids.iter().map(|id| id.as_ref().to_owned()).collect()
}
