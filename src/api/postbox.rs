//! The client of an outbox.

use crate::api::deposit::deposit_all;
use crate::api::sweep_options::SweepOptions;
use crate::api::unit_of_work::UnitOfWork;
use crate::delivery::archive::{self, Archive, Schedule};
use crate::delivery::background::Worker;
use crate::delivery::backlog::count_outstanding;
use crate::delivery::blame::Blame;
use crate::delivery::clear::clear;
use crate::delivery::confirm;
use crate::delivery::confirm_many::{confirm_many, not_a_confirmation};
use crate::delivery::mark_dispatched::mark;
use crate::delivery::replay::replay;
use crate::delivery::sweep::{sweep, sweep_in_background};
use crate::engine::Engine;
use crate::model::cancel::CancelToken;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::Item;
use crate::model::message::Message;
use crate::model::page::{Cursor, MessagePage};
use crate::model::report::{ArchiveReport, DispatchReport, SweepReport};
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

/// A client of an outbox on DynamoDB, for programs that block. A program opens it once.
///
/// It owns one thread, `postbox-runtime`, which runs all requests; callers wait for their result, for at most
/// `operation_timeout_ms`. It is `Send` and `Sync`, so that all threads can share one client. A call inside a tokio
/// runtime works, and blocks the calling thread. After a `fork`, every call in the child process fails with
/// [`ErrorCode::Forked`]. Dropping a client closes it; [`close`](Self::close) also reports the result.
pub struct Postbox {
    pub(super) engine: Arc<Engine>,
    pub(super) sweeper: Worker,
    pub(super) archiver: Worker,
    /// The worker that counts outstanding messages, if `max_outstanding` is set.
    pub(super) counter: Worker,
    #[cfg(feature = "embedded")]
    pub(super) embedded: Option<EmbeddedDatabase>,
}

impl Postbox {
    /// Begins a unit of work, which is one DynamoDB transaction of the caller's writes and messages.
    pub fn unit_of_work(&self) -> UnitOfWork {
        UnitOfWork::new(Arc::clone(&self.engine))
    }

    /// Deposits one message outside a transaction and returns its id. If a message with this id already exists, the
    /// call succeeds and changes nothing; in particular it does not re-send a dispatched message.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidMessage`], [`ErrorCode::ItemTooLarge`], [`ErrorCode::OutboxLimitReached`], and those of
    /// any request. After a retryable error the message may be stored; deposit the same message again.
    pub fn deposit_post(&self, message: Message) -> Result<String> {
        self.engine.runtime.check_open()?;
        let item = self.engine.outbox.encode(&message)?;
        let _reserved = self.engine.reserve(1)?;
        let deposited = self.engine.run("deposit_post", |outbox| async move { outbox.deposit(item).await })?;
        let id = message.id().to_owned();
        self.engine.deposited(deposited, &message);
        Ok(id)
    }

    /// Deposits many messages outside a transaction, 25 per request, and returns their ids. Each message is stored
    /// independently. Depositing an existing id succeeds and changes nothing.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidMessage`] or [`ErrorCode::ItemTooLarge`] for the first invalid message, with nothing
    /// stored; [`ErrorCode::DepositIncomplete`] with a reason for each message that could not be stored, after
    /// which it is safe to deposit all of them again.
    pub fn deposit_posts(&self, messages: &[Message]) -> Result<Vec<String>> {
        deposit_all(&self.engine, messages)
    }

    /// Deposits one message outside a transaction, then sends it on this thread.
    ///
    /// # Errors
    /// As [`deposit_post`](Self::deposit_post). A stored message that could not be sent is a failure in the report.
    pub fn post(&self, message: Message) -> Result<DispatchReport> {
        let id = self.deposit_post(message)?;
        self.clear_outbox(&[id])
    }

    /// Sends the outstanding messages with these ids on this thread, in this order, and marks them dispatched.
    /// Messages that are already dispatched are not sent again. A message that fails holds back only later messages
    /// of its topic and partition key; it stays outstanding or is parked. The report has the outcome of each
    /// message.
    ///
    /// # Errors
    /// Only if no message could be tried: [`ErrorCode::Closed`], [`ErrorCode::Forked`],
    /// [`ErrorCode::ReentrantCall`].
    pub fn clear_outbox(&self, ids: &[impl AsRef<str>]) -> Result<DispatchReport> {
        self.clear_outbox_with(ids, &CancelToken::new())
    }

    /// Sends messages as [`clear_outbox`](Self::clear_outbox) does, until the token is canceled. Messages that were
    /// not tried are [`DispatchOutcome::Skipped`](crate::DispatchOutcome::Skipped).
    ///
    /// # Errors
    /// As [`clear_outbox`](Self::clear_outbox).
    pub fn clear_outbox_with(&self, ids: &[impl AsRef<str>], cancel: &CancelToken) -> Result<DispatchReport> {
        clear(&self.engine, &owned(ids), cancel)
    }

    /// Reads the stored message with this id, with a consistent read.
    ///
    /// # Errors
    /// [`ErrorCode::MalformedItem`], and those of any request.
    pub fn get_message(&self, id: &str) -> Result<Option<StoredMessage>> {
        let id = id.to_owned();
        self.engine.run("get_message", |outbox| async move { outbox.get(id).await })
    }

    /// Reads one item of any table, with a consistent read.
    ///
    /// # Errors
    /// [`ErrorCode::TableNotFound`], and those of any request.
    pub fn get_item(&self, table: impl Into<String>, key: Item) -> Result<Option<Item>> {
        let table = table.into();
        self.engine.run("get_item", |outbox| async move { outbox.get_item(table, key).await })
    }

    /// Marks messages dispatched without sending them, for programs that send messages themselves. An earlier
    /// dispatch time is kept.
    ///
    /// # Errors
    /// As [`clear_outbox`](Self::clear_outbox).
    pub fn mark_dispatched(&self, ids: &[impl AsRef<str>]) -> Result<DispatchReport> {
        mark(&self.engine, &owned(ids))
    }

    /// Confirms the outcome of a message that its producer had [accepted](SendOutcome::Accepted). A sent message is
    /// marked dispatched. Any other outcome counts as a failed attempt: the message is sent again, or parked if it
    /// was rejected or has failed too often. Any thread except the client's runtime thread may call this method,
    /// also inside a producer.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for [`SendOutcome::Accepted`] and [`SendOutcome::NotTried`], or for
    /// [`SendOutcome::Sent`] with an unknown id; [`ErrorCode::MarkIncomplete`], which is retryable, if the message could not be marked and stays
    /// outstanding; errors of DynamoDB if the failed attempt could not be counted.
    pub fn confirm(&self, id: &str, outcome: SendOutcome) -> Result<()> {
        match outcome {
            SendOutcome::Sent => confirm::sent(&self.engine, id),
            SendOutcome::Retry(text) => confirm::failed(&self.engine, id, Blame::Unknown, text),
            SendOutcome::Unavailable(text) => confirm::failed(&self.engine, id, Blame::Transport, text),
            SendOutcome::Reject(text) => confirm::failed(&self.engine, id, Blame::Message, text),
            SendOutcome::Accepted | SendOutcome::NotTried => Err(not_a_confirmation(id)),
        }
    }

    /// Confirms the outcomes of many messages that their producers had [accepted](SendOutcome::Accepted), each as
    /// [`confirm`](Self::confirm) does, with few requests: sent messages are marked 25 in a request, and failed
    /// attempts are recorded 25 in a request. An id that is passed twice is confirmed once, as sent if one of its
    /// outcomes is [`SendOutcome::Sent`], else with the first outcome.
    ///
    /// A rejected message is parked. Only if three or more messages of a topic are rejected for the same reason, and
    /// no message of the call was sent, the rejections count as failed attempts, because a transport that rejects
    /// everything is not the fault of the messages.
    ///
    /// ```
    /// use postbox::{Postbox, SendOutcome, producer_fn};
    ///
    /// # fn main() -> postbox::Result<()> {
    /// let postbox = Postbox::builder()
    ///     .embedded_path(":memory:")
    ///     .default_producer(producer_fn(|_| SendOutcome::Accepted))
    ///     .open()?;
    /// let ids = postbox.deposit_posts(&["a", "b"].map(|body| postbox::Message::new("order.placed", body)))?;
    /// postbox.clear_outbox(&ids)?.into_result()?;
    /// // Later, when the broker has responded:
    /// postbox.confirm_many(&[(&ids[0], SendOutcome::Sent), (&ids[1], SendOutcome::Retry("no leader".into()))])?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for [`SendOutcome::Accepted`] and [`SendOutcome::NotTried`], with no message
    /// confirmed; [`ErrorCode::MarkIncomplete`] with a reason for each message whose confirmation was not recorded,
    /// and with the other messages confirmed. The codes of the reasons are `NotFound`, `MarkFailed`, `ReadFailed` and
    /// `Malformed`. The error is retryable if confirming these messages again may succeed.
    pub fn confirm_many(&self, outcomes: &[(impl AsRef<str>, SendOutcome)]) -> Result<()> {
        confirm_many(&self.engine, outcomes.iter().map(|(id, outcome)| (id.as_ref(), outcome)))
    }

    /// Creates the outbox table if it does not exist, with the keys and indexes that Brighter uses and with time to
    /// live on `ExpiresAt`, waits until the table is active, and verifies it. Waits up to two minutes or the
    /// operation timeout, whichever is longer.
    ///
    /// # Errors
    /// As [`verify_table`](Self::verify_table).
    pub fn create_table(&self) -> Result<TableReport> {
        create_table(&self.engine.runtime, &self.engine.outbox, self.engine.operation_timeout())
    }

    /// Verifies that the table exists and has the keys and indexes of an outbox.
    ///
    /// # Errors
    /// [`ErrorCode::TableNotFound`]; [`ErrorCode::InvalidTable`] with a reason for each problem.
    pub fn verify_table(&self) -> Result<TableReport> {
        self.engine.run("verify_table", |outbox| async move { outbox.verify_table().await })
    }

    /// Sends the outstanding messages that are older than `sweep_min_age_ms`, oldest first, and marks them
    /// dispatched, until none is left that can be sent. It sends on this thread and on up to `sweep_threads` - 1
    /// further threads. It holds the lease of sweepers, shared with Brighter, while it runs; if another sweeper
    /// holds the lease, nothing is done.
    ///
    /// A failure of a message counts as an attempt; the message is retried after `dispatch_retry_delay_ms` and
    /// parked after `max_dispatch_attempts`. A message that its producer rejects or that cannot be read is parked
    /// at once. Later messages of the same topic and partition key wait for a failed message.
    ///
    /// # Errors
    /// The errors of any request, if messages cannot be found or the lease cannot be requested. Failures of single
    /// messages are counted in the report.
    pub fn sweep(&self) -> Result<SweepReport> {
        self.sweep_with(SweepOptions::new())
    }

    /// Sweeps one topic, as [`sweep`](Self::sweep) does.
    ///
    /// # Errors
    /// As [`sweep`](Self::sweep).
    pub fn sweep_topic(&self, topic: &str) -> Result<SweepReport> {
        self.sweep_with(SweepOptions::new().topic(topic))
    }

    /// Sweeps with options: a topic, a token that cancels the sweep, or a function that receives the report of each
    /// batch.
    ///
    /// # Errors
    /// As [`sweep`](Self::sweep).
    pub fn sweep_with(&self, options: SweepOptions<'_>) -> Result<SweepReport> {
        let SweepOptions { topic, cancel, mut on_batch } = options;
        sweep(&self.engine, topic, &cancel, &mut *on_batch)
    }

    /// Starts the sweeper, a thread that sweeps all topics at once and then every `sweep_interval_ms`. It logs
    /// errors and continues. Producers are called on that thread and, for other topics at the same time, on up to
    /// `sweep_threads` - 1 further threads.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if the sweeper is already running.
    pub fn start_sweeper(&self) -> Result<()> {
        self.sweeper.start(&self.engine, self.engine.config.sweep_interval, Box::new(sweep_in_background))
    }

    /// Stops the sweeper after the messages that it is sending, and waits for it for at most `close_timeout_ms`.
    /// Does nothing if the sweeper is not running.
    ///
    /// # Errors
    /// [`ErrorCode::Timeout`] if a producer has not returned; the sweeper stops when it does. Call this again to
    /// wait longer. The sweeper cannot be started again until it has stopped.
    pub fn stop_sweeper(&self) -> Result<()> {
        self.stop_sweeper_until(self.close_deadline())
    }

    fn stop_sweeper_until(&self, deadline: Instant) -> Result<()> {
        self.engine.runtime.check()?;
        self.stop(&self.sweeper, deadline)
    }

    /// Passes every message that was dispatched longer than `archive_min_age_ms` ago to the archive, and deletes
    /// each message that the archive kept. Messages that are not dispatched are not touched. It holds the lease of
    /// archivers, shared with Brighter, while it runs.
    ///
    /// # Errors
    /// The errors of any request. Failures of single messages are counted in the report.
    pub fn archive(&self, archive: &dyn Archive) -> Result<ArchiveReport> {
        self.archive_with(archive, &CancelToken::new())
    }

    /// Archives messages as [`archive`](Self::archive) does, until the token is canceled; it stops after the
    /// current batch.
    ///
    /// # Errors
    /// As [`archive`](Self::archive).
    pub fn archive_with(&self, archive: &dyn Archive, cancel: &CancelToken) -> Result<ArchiveReport> {
        archive::archive(&self.engine, archive, self.engine.config.archive_min_age, cancel)
            .map(|archived| archived.report)
    }

    /// Starts the archiver, a thread that archives messages at once and then every `archive_interval_ms`. It makes no
    /// request before another message can be old enough.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if the archiver is already running.
    pub fn start_archiver(&self, archive: impl Archive + 'static) -> Result<()> {
        let schedule = Schedule::default();
        let job = move |engine: &Engine, cancel: &CancelToken| {
            schedule.run(engine, &archive, engine.config.archive_min_age, cancel)
        };
        self.archiver.start(&self.engine, self.engine.config.archive_interval, Box::new(job))
    }

    /// Stops the archiver, as [`stop_sweeper`](Self::stop_sweeper) stops the sweeper.
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

    /// Counts the outstanding messages of one topic or of all, and returns the creation time of the oldest. It
    /// reads the index of outstanding messages, so its cost grows with their number.
    ///
    /// # Errors
    /// The errors of any request.
    pub fn count_outstanding(&self, topic: Option<&str>) -> Result<OutstandingCount> {
        count_outstanding(&self.engine, topic)
    }

    /// Lists about `limit` messages of a state, of one topic or of all, starting at the cursor of the previous
    /// page. A page may contain fewer messages, or none, without being the last. The index may lag slightly behind
    /// the table. Parked messages are not indexed, so listing them reads the whole table.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for a cursor that does not belong to this list, and those of any request.
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

    /// Releases a parked message, which becomes outstanding again with no failed attempts.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if the message is not parked.
    pub fn unpark(&self, id: &str) -> Result<()> {
        let unparked = id.to_owned();
        self.engine.run("unpark", |outbox| async move { outbox.unpark(unparked).await })
    }

    /// Makes messages outstanding again, with no failed attempts, so that the next sweep or clear sends them.
    ///
    /// # Errors
    /// As [`clear_outbox`](Self::clear_outbox).
    pub fn replay(&self, ids: &[impl AsRef<str>]) -> Result<DispatchReport> {
        replay(&self.engine, &owned(ids))
    }

    /// Replays every message with this causation id, as [`replay`](Self::replay) does.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidTable`] if the table lacks the index `Causation`, and those of any request.
    pub fn replay_causation(&self, causation_id: &str) -> Result<DispatchReport> {
        let cause = causation_id.to_owned();
        let ids = self.engine.run("finding by causation", |outbox| async move { outbox.caused_by(cause).await })?;
        replay(&self.engine, &ids)
    }

    /// Returns the statistics of this client since it was opened. Sends no request.
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }

    #[cfg(feature = "capi")]
    /// Checks that the handle may be used in this process. It may not in a forked child, because its locks may be
    /// held by threads that do not exist there.
    pub(crate) fn check(&self) -> Result<()> {
        self.engine.runtime.check()
    }

    /// Returns the client of the AWS SDK, for requests that Postbox does not offer. Run them with
    /// [`block_on`](Self::block_on), or on your own runtime.
    pub fn dynamodb(&self) -> &Client {
        self.engine.outbox.client()
    }

    /// Runs a future with the client of the AWS SDK on the runtime thread and blocks until its result is available.
    ///
    /// ```
    /// # fn main() -> postbox::Result<()> {
    /// # let postbox = postbox::Postbox::builder().embedded_path(":memory:").open()?;
    /// let tables = postbox.block_on(|client| async move { client.list_tables().send().await })?;
    /// assert_eq!(tables.expect("DynamoDB responds").table_names(), ["brighter_outbox"]);
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

    /// Returns the embedded database that this client uses, if it uses one.
    #[cfg(feature = "embedded")]
    pub fn embedded(&self) -> Option<&EmbeddedDatabase> {
        self.embedded.as_ref()
    }

    #[cfg(feature = "capi")]
    /// Runs an operation on the embedded database by name, as a call of this client. It fails after the client was
    /// closed, and in a forked child process, where the database must not be touched.
    pub(crate) fn embedded_execute(&self, operation: &str, request: &str) -> Result<String> {
        let _call = self.engine.runtime.enter()?;
        #[cfg(feature = "embedded")]
        if let Some(database) = &self.embedded {
            return database.execute(operation, request);
        }
        let _ = (operation, request);
        Err(Error::new(
            ErrorCode::EmbeddedUnavailable,
            "this Postbox does not use an embedded database: set embedded_path before opening it",
        ))
    }

    /// Stops the sweeper and the archiver, rejects new calls, waits for calls in progress, all within
    /// `close_timeout_ms`, and stops the runtime thread. A second call waits in the same way.
    ///
    /// # Errors
    /// [`ErrorCode::Timeout`] if something was still in progress and was abandoned; committed messages stay
    /// outstanding. [`ErrorCode::Forked`].
    pub fn close(&self) -> Result<()> {
        self.engine.runtime.check()?;
        // All workers share one deadline.
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
            // Producers, connections and the embedded database belong to the parent process.
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

pub(super) fn create_table(runtime: &Runtime, outbox: &Arc<Outbox>, timeout: Duration) -> Result<TableReport> {
    const LONGEST: Duration = Duration::from_secs(120);
    let outbox = Arc::clone(outbox);
    runtime.block_on("create_table", timeout.max(LONGEST), async move { outbox.create_table().await })?
}

fn owned(ids: &[impl AsRef<str>]) -> Vec<String> {
    ids.iter().map(|id| id.as_ref().to_owned()).collect()
}
