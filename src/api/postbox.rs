//! The client of an outbox.

use crate::api::deposit::deposit_all;
use crate::api::operations;
use crate::api::sweep_options::SweepOptions;
use crate::api::unit_of_work::UnitOfWork;
use crate::delivery::after_commit::send_committed;
use crate::delivery::archive::{self, Archive, Schedule};
use crate::delivery::background::Worker;
use crate::delivery::backlog::count_outstanding;
use crate::delivery::blame::Blame;
use crate::delivery::clear::clear;
use crate::delivery::confirm;
use crate::delivery::confirm_many::{confirm_many, not_a_confirmation};
use crate::delivery::lease::give_back_leases;
use crate::delivery::mark_dispatched::mark_dispatched;
use crate::delivery::marking::flush_marks;
use crate::delivery::presence::show_end;
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
use crate::model::table_report::TableReport;
use crate::outbox::Outbox;
use crate::runtime::Runtime;
#[cfg(feature = "embedded")]
use crate::sdk::embedded::EmbeddedDatabase;
use crate::transport::SendOutcome;
use aws_sdk_dynamodb::Client;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A client of an outbox on DynamoDB, with a synchronous (blocking) API. A program opens one client and shares it
/// between its threads.
///
/// The client owns a thread, `postbox-runtime`, which runs all requests. A call waits up to `operation_timeout_ms` for
/// each operation. Calls can be made inside a tokio runtime, where they block the calling thread. After a `fork`, every
/// call in the child process fails with [`ErrorCode::Forked`]. Dropping a client closes it. The method
/// [`close`](Self::close) also returns an error if closing fails.
///
/// All threads of a client have a stack of 8 MB. They block all signals except those that report an error of the thread
/// itself, so that signal handlers run on other threads. If a thread cannot be started, a method fails with
/// [`ErrorCode::NoResources`]. A process that ends without closing its
/// clients loses no message; its leases end after `lease_duration_ms`.
///
/// Every method that sends a request to DynamoDB can fail with a *request error*: [`ErrorCode::TableNotFound`],
/// [`ErrorCode::NoAwsConfig`], [`ErrorCode::AccessDenied`], [`ErrorCode::Throttled`], [`ErrorCode::Unreachable`],
/// [`ErrorCode::Timeout`], [`ErrorCode::ServiceError`], [`ErrorCode::Closed`], [`ErrorCode::Forked`] or
/// [`ErrorCode::ReentrantCall`].
pub struct Postbox {
    pub(super) engine: Arc<Engine>,
    pub(super) sweeper: Worker,
    /// The worker that sends messages right after their commit. It runs while the sweeper runs.
    pub(super) dispatcher: Worker,
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

    /// Stores one message in the outbox, without a transaction, and returns the message id. If the outbox already has a
    /// message with this id, the call succeeds and changes nothing. A message that was dispatched is not sent again.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidMessage`], [`ErrorCode::ItemTooLarge`], [`ErrorCode::OutboxLimitReached`], and request
    /// errors. After a retryable error, the message may or may not be stored, and it is safe to deposit the same
    /// message again.
    pub fn deposit_post(&self, message: Message) -> Result<String> {
        operations::deposit_post(&self.engine, message)?.run(&self.engine)
    }

    /// Stores many messages in the outbox, without a transaction, in requests of up to 25 messages, and returns their
    /// ids. One message can be stored while another is not. Depositing a message whose id already exists succeeds and
    /// changes nothing.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidMessage`] or [`ErrorCode::ItemTooLarge`] if a message is invalid, or
    /// [`ErrorCode::OutboxLimitReached`]. If one of these errors is returned, no message is stored.
    /// [`ErrorCode::DepositIncomplete`] with a reason for each message that could not be stored. After this error, it
    /// is safe to deposit all messages again.
    pub fn deposit_posts(&self, messages: &[Message]) -> Result<Vec<String>> {
        deposit_all(&self.engine, messages)
    }

    /// Stores one message in the outbox, without a transaction, and sends it on this thread.
    ///
    /// # Errors
    /// The same as for [`deposit_post`](Self::deposit_post). If the message was stored and could not be sent, the
    /// report contains the failure.
    pub fn post(&self, message: Message) -> Result<DispatchReport> {
        let id = self.deposit_post(message)?;
        self.clear_outbox(&[id])
    }

    /// Clears messages: sends the outstanding messages with these ids on the calling thread, in the order in
    /// which the ids are passed, and marks the messages dispatched. Messages that are already dispatched are not sent
    /// again. The report contains the outcome of each message.
    ///
    /// If a message cannot be sent, the later messages with the same topic and partition key are held back, and all
    /// other messages are sent. The failed message stays outstanding, and a later sweep tries to send it again. A
    /// message that its producer rejects is parked. A message is also held back if a previous clear of
    /// this Postbox could not send an earlier message with the same topic and partition key, and that message is still
    /// outstanding.
    ///
    /// # Errors
    /// Only if no message could be tried: [`ErrorCode::Closed`], [`ErrorCode::Forked`],
    /// [`ErrorCode::ReentrantCall`].
    pub fn clear_outbox(&self, ids: &[impl AsRef<str>]) -> Result<DispatchReport> {
        self.clear_outbox_with(ids, &CancelToken::new())
    }

    /// Sends messages as [`clear_outbox`](Self::clear_outbox) does, until the token is canceled. Messages that were not
    /// tried have the outcome [`DispatchOutcome::Skipped`](crate::DispatchOutcome::Skipped).
    ///
    /// # Errors
    /// The same as for [`clear_outbox`](Self::clear_outbox).
    pub fn clear_outbox_with(&self, ids: &[impl AsRef<str>], cancel: &CancelToken) -> Result<DispatchReport> {
        clear(&self.engine, &owned(ids), cancel)
    }

    /// Uses a consistent read to read the stored message with this id.
    ///
    /// # Errors
    /// [`ErrorCode::MalformedItem`], and request errors.
    pub fn get_message(&self, id: &str) -> Result<Option<StoredMessage>> {
        operations::get_message(&self.engine, id).run(&self.engine)
    }

    /// Reads one item of any table, with a consistent read.
    ///
    /// # Errors
    /// Request errors.
    pub fn get_item(&self, table: impl Into<String>, key: Item) -> Result<Option<Item>> {
        operations::get_item(&self.engine, table.into(), key).run(&self.engine)
    }

    /// Marks messages dispatched without sending them, for programs that send messages without Postbox. The dispatch time
    /// of a message that was already dispatched does not change.
    ///
    /// # Errors
    /// The same as for [`clear_outbox`](Self::clear_outbox).
    pub fn mark_dispatched(&self, ids: &[impl AsRef<str>]) -> Result<DispatchReport> {
        mark_dispatched(&self.engine, &owned(ids))
    }

    /// Confirms the outcome of a message that its producer had [accepted](SendOutcome::Accepted). A sent message is
    /// marked dispatched. After [`NotTried`](SendOutcome::NotTried), the message can be sent again, and no attempt is
    /// counted. Any other outcome counts as a failed attempt: the message is sent again, or parked if it was
    /// rejected or has failed too often. Any thread except the client's runtime thread may call this method, and a
    /// producer may call it too.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for [`SendOutcome::Accepted`], or for
    /// [`SendOutcome::Sent`] with an unknown id; [`ErrorCode::MarkIncomplete`], which is retryable, if the message
    /// could not be marked and stays outstanding; request errors if the failed attempt could not be counted.
    pub fn confirm(&self, id: &str, outcome: SendOutcome) -> Result<()> {
        match outcome {
            SendOutcome::Sent => confirm::sent(&self.engine, id),
            SendOutcome::Retry(text) => confirm::failed(&self.engine, id, Blame::Unknown, text),
            SendOutcome::Unavailable(text) => confirm::failed(&self.engine, id, Blame::Transport, text),
            SendOutcome::Reject(text) => confirm::failed(&self.engine, id, Blame::Message, text),
            SendOutcome::NotTried => confirm::not_tried(&self.engine, id),
            SendOutcome::Accepted => Err(not_a_confirmation(id)),
        }
    }

    /// Confirms the outcomes of many messages that their producers had [accepted](SendOutcome::Accepted), as
    /// [`confirm`](Self::confirm) does for one message. One request marks up to 25 messages or records up to 25 failed
    /// attempts. An id that is passed twice is confirmed once. The message is confirmed as sent if one of its outcomes
    /// is [`SendOutcome::Sent`], and otherwise with its first outcome.
    ///
    /// A rejected message is parked. If a call rejects three or more messages of a topic with the same reason, and
    /// confirms none of the messages of this topic as sent, the rejections count as failed attempts, because the cause
    /// may be the target and not the messages. The messages are then parked only if `park_min_age_ms` has passed since
    /// their first failures.
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
    /// [`ErrorCode::InvalidArgument`] for [`SendOutcome::Accepted`]; in this case, no
    /// message is confirmed. [`ErrorCode::MarkIncomplete`] with a reason for each message whose confirmation was not
    /// recorded; all other messages are confirmed. The codes of the reasons are `NotFound`, `MarkFailed`, `ReadFailed`
    /// and `Malformed`. This error is retryable if confirming the failed messages again may succeed.
    pub fn confirm_many(&self, outcomes: &[(impl AsRef<str>, SendOutcome)]) -> Result<()> {
        confirm_many(&self.engine, outcomes.iter().map(|(id, outcome)| (id.as_ref(), outcome)))
    }

    /// Creates the outbox table if it does not exist, waits until the table is active, and verifies the table as
    /// [`verify_table`](Self::verify_table) does. The table has the keys and indexes that Brighter uses, and time to live
    /// on `ExpiresAt`. Time to live of a table that already exists is not changed; if `dispatched_ttl_seconds` is set and
    /// time to live is not enabled, the report contains a warning, which is also logged. This method waits for up to two minutes, or for up to `operation_timeout_ms` if that is longer.
    ///
    /// # Errors
    /// The same as for [`verify_table`](Self::verify_table).
    pub fn create_table(&self) -> Result<TableReport> {
        create_table(&self.engine.runtime, &self.engine.outbox, self.engine.operation_timeout())
    }

    /// Verifies that the table exists and has the keys and indexes of an outbox. The report contains warnings about the
    /// billing mode, time to live, the lock table and missing permissions.
    ///
    /// # Errors
    /// [`ErrorCode::TableNotFound`]; [`ErrorCode::InvalidTable`] with a reason for each problem.
    pub fn verify_table(&self) -> Result<TableReport> {
        operations::verify_table(&self.engine).run(&self.engine)
    }

    /// Sends the outstanding messages that are older than `sweep_min_age_ms`, and marks them dispatched. The oldest
    /// messages of each lane (see below) are sent first.
    ///
    /// The messages of a topic are spread over `number_of_shards` shards. A lane is the part of a topic that one thread
    /// sweeps as a unit. A lane consists of one or more shards. If Brighter and Postbox use different shards for the
    /// same partition key, both shards belong to the same lane, so that the messages with this key are sent in order.
    /// Each thread of a sweep works on one lane at a time. The calling thread is one of these threads. If several
    /// topics have outstanding messages, up to `sweep_threads` - 1 additional threads work at the same time. Two
    /// threads of one sweep never work on the same topic at the same time. The sweep ends when it finds no more
    /// messages that it can send.
    ///
    /// With `sweep_threads` above 1, a producer that does not return within half of `lease_duration_ms` does not stop the
    /// sweep. Another thread sends the messages of the other topics. For the next 5 minutes, no process sends the
    /// messages that were passed to the slow producer in that call.
    ///
    /// While the sweep sends, it holds a lease in the lock table. With `lease_mode` = `single`, this is one lease for
    /// all lanes, which also excludes the sweepers of Brighter. In this mode, if the outbox has messages of topics that
    /// have no producer in this process, the sweep does not begin another lane after it has run for 30 seconds. Another
    /// sweeper can then take the lease and send these messages. With `per_shard`, each lane has its own lease. Messages
    /// in a lane whose lease is held by another sweeper are left to that sweeper.
    ///
    /// A message that could not be sent waits before its next attempt. After the first failure, it waits for
    /// `dispatch_retry_delay_ms`. After each later failure, the wait is as long as the time since the first failure,
    /// up to a limit. The limit is 5 minutes if the failure counts toward `max_dispatch_attempts`, and 1 minute if it
    /// does not. Later messages with the same topic and partition key wait too.
    ///
    /// A failure counts toward `max_dispatch_attempts` only if the transport of the topic works: at least half of the
    /// recent first attempts in the topic succeeded. A first attempt is an attempt to send a message that was not tried
    /// before. A message is parked
    ///
    /// - when `max_dispatch_attempts` failures have counted and `park_min_age_ms` has passed since its first failure;
    /// - when its producer rejects it. Exception: if the producer rejects three or more messages of the topic in this
    ///   sweep with the same reason and sends none, these messages are parked only when `park_min_age_ms` has passed
    ///   since their first failures, because the cause may be the target;
    /// - when it still cannot be sent and its first failure was at least `park_after_ms` ago, whether or not
    ///   its failures count. Exception: the message is not parked if the sweep pauses the lane of the message (see
    ///   below) and sends no other message of the topic;
    /// - when the stored item is malformed and still cannot be read a day after the first failure to read it.
    ///
    /// With `park_keyed` = `false`, a message with a partition key is parked only when it is rejected or malformed.
    ///
    /// The sweep stops working on a lane after ten consecutive failures, after
    /// [`SendOutcome::Unavailable`](crate::SendOutcome::Unavailable), or if sent messages cannot be marked. It then
    /// pauses the lane: for a limited time, no process sweeps the lane. The failures that lead to a pause do not
    /// count toward `max_dispatch_attempts`.
    ///
    /// # Errors
    /// Request errors, if the messages or the lease could not be read. A message that could not be sent is not an
    /// error; the report counts it.
    pub fn sweep(&self) -> Result<SweepReport> {
        self.sweep_with(SweepOptions::new())
    }

    /// Sweeps one topic, as [`sweep`](Self::sweep) does.
    ///
    /// # Errors
    /// The same as for [`sweep`](Self::sweep).
    pub fn sweep_topic(&self, topic: &str) -> Result<SweepReport> {
        self.sweep_with(SweepOptions::new().topic(topic))
    }

    /// Sweeps with options: a topic, a token that cancels the sweep, or a function that receives the report of each
    /// batch.
    ///
    /// # Errors
    /// The same as for [`sweep`](Self::sweep).
    pub fn sweep_with(&self, options: SweepOptions<'_>) -> Result<SweepReport> {
        let SweepOptions { topic, cancel, mut on_batch } = options;
        sweep(&self.engine, topic, &cancel, &mut *on_batch)
    }

    /// Starts the sweeper, a background thread that sweeps all topics. The first sweep begins immediately, and later
    /// sweeps follow at intervals of `sweep_interval_ms`. The sweeper logs errors and continues. It calls the producers
    /// on its own thread. At the same time it calls the producers of other topics on up to `sweep_threads` - 1 further
    /// threads. A second thread, `postbox-dispatcher`, sends the messages that
    /// [`notify_committed`](Self::notify_committed) and the setting `dispatch_after_commit` hand over.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if the sweeper is already running.
    pub fn start_sweeper(&self) -> Result<()> {
        let interval = self.engine.config.sweep_interval;
        self.sweeper.start(&self.engine, interval, Box::new(sweep_in_background))?;
        let dispatcher = self.dispatcher.start(&self.engine, interval, Box::new(send_committed));
        dispatcher.inspect_err(|_| self.sweeper.ask_to_stop())?;
        self.engine.committed.open();
        Ok(())
    }

    /// Hands messages over to the sweeper of this Postbox. Use this method for messages that were committed without
    /// Postbox, for example with an AWS SDK. A thread of the sweeper sends the messages immediately, as
    /// [`clear_outbox`](Self::clear_outbox) does. This method does not wait for that thread. If the sweeper is not
    /// running, or if 1,000 messages already wait for that thread, the next sweep sends the messages. Ids of messages
    /// that do not exist are ignored.
    ///
    /// # Errors
    /// [`ErrorCode::Closed`], [`ErrorCode::Forked`], [`ErrorCode::ReentrantCall`].
    pub fn notify_committed(&self, ids: &[impl AsRef<str>]) -> Result<()> {
        self.engine.runtime.check_open()?;
        self.engine.committed.add(owned(ids));
        Ok(())
    }

    /// Tells the sweeper to stop after its current calls to producers, and waits up to `close_timeout_ms` for it to
    /// stop. Does nothing if the sweeper is not running.
    ///
    /// # Errors
    /// [`ErrorCode::Timeout`] if a producer has not returned in this time. The sweeper stops when the producer returns,
    /// and cannot be started again before that. Call this method again to wait longer. [`ErrorCode::ReentrantCall`] if a
    /// producer that the sweeper has called calls this method, which therefore cannot wait. The sweeper stops as soon as
    /// the producer returns.
    pub fn stop_sweeper(&self) -> Result<()> {
        self.stop_sweeper_until(deadline(self.engine.config.close_timeout))
    }

    fn stop_sweeper_until(&self, deadline: Instant) -> Result<()> {
        self.engine.runtime.check()?;
        self.ask_dispatcher_to_stop();
        let stopped = self.stop(&self.sweeper, deadline).and(self.stop(&self.dispatcher, deadline));
        if stopped.is_ok() && self.sweeper.was_started() {
            show_end(&self.engine, deadline);
        }
        stopped
    }

    fn ask_dispatcher_to_stop(&self) {
        self.dispatcher.ask_to_stop();
        self.engine.committed.close();
    }

    /// Passes the messages that have been dispatched for longer than `archive_min_age_ms` to the archive, and deletes each
    /// message that the archive stored. Messages in other states are not changed.
    ///
    /// While this method runs, it holds the archivers' lease in the lock table, which excludes other archivers, including
    /// those of Brighter. If another archiver holds the lease, this method does nothing.
    ///
    /// # Errors
    /// Request errors. The report counts the messages that could not be archived.
    pub fn archive(&self, archive: &dyn Archive) -> Result<ArchiveReport> {
        self.archive_with(archive, &CancelToken::new())
    }

    /// Archives messages as [`archive`](Self::archive) does, until the token is canceled. The current
    /// batch is completed.
    ///
    /// # Errors
    /// The same as for [`archive`](Self::archive).
    pub fn archive_with(&self, archive: &dyn Archive, cancel: &CancelToken) -> Result<ArchiveReport> {
        archive::archive(&self.engine, archive, self.engine.config.archive_min_age, cancel)
            .map(|archived| archived.report)
    }

    /// Starts the archiver, a background thread that archives messages. The first run begins immediately, and later
    /// runs follow at intervals of `archive_interval_ms`. After a run, the archiver makes no request until the next
    /// message is old enough to be archived, but for at most an hour.
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

    /// Stops the archiver as [`stop_sweeper`](Self::stop_sweeper) stops the sweeper.
    ///
    /// # Errors
    /// The same as for [`stop_sweeper`](Self::stop_sweeper).
    pub fn stop_archiver(&self) -> Result<()> {
        self.stop(&self.archiver, deadline(self.engine.config.close_timeout))
    }

    fn stop(&self, worker: &Worker, deadline: Instant) -> Result<()> {
        self.engine.runtime.check()?;
        worker.stop(deadline.saturating_duration_since(Instant::now()))
    }

    /// Counts the outstanding messages of one topic or of all topics, and returns the creation time of the oldest message.
    /// The count reads the index of outstanding messages, so its cost grows with the number of outstanding messages.
    ///
    /// # Errors
    /// Request errors.
    pub fn count_outstanding(&self, topic: Option<&str>) -> Result<OutstandingCount> {
        count_outstanding(&self.engine, topic)
    }

    /// Lists the stored messages that are in this state, in one topic or in all topics, page by page. A page has
    /// up to `limit` messages. It may have fewer than `limit` messages, or no messages. Only [`MessagePage::next`] shows
    /// whether a page is the last page. [`select_messages`](Self::select_messages) also selects by age.
    ///
    /// Outstanding and dispatched messages are read from an index, which DynamoDB updates a moment after the table. There
    /// is no index of parked messages, so listing them reads the whole table.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for a limit of 0 or for a cursor that does not belong to this list, and request errors.
    pub fn list_messages(
        &self,
        state: MessageState,
        topic: Option<&str>,
        limit: u32,
        cursor: Option<&Cursor>,
    ) -> Result<MessagePage> {
        operations::list_messages(&self.engine, state, topic, limit, cursor)?.run(&self.engine)
    }

    /// Releases a parked message. The message becomes outstanding again, and its count of failed attempts is reset.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if the message is not parked.
    pub fn unpark(&self, id: &str) -> Result<()> {
        operations::unpark(&self.engine, id).run(&self.engine)
    }

    /// Replays messages: makes dispatched or parked messages outstanding again, so that the next sweep or clear sends
    /// them. Their counts of failed attempts are reset.
    ///
    /// # Errors
    /// The same as for [`clear_outbox`](Self::clear_outbox).
    pub fn replay(&self, ids: &[impl AsRef<str>]) -> Result<DispatchReport> {
        replay(&self.engine, &owned(ids))
    }

    /// Replays every message with this causation id, as [`replay`](Self::replay) does.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidTable`] if the table lacks the index `Causation`, and request errors.
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
    /// Checks that the handle may be used in this process. A forked child process must not use the handle, because
    /// threads that do not exist in the child may hold the locks of the client.
    pub(crate) fn check(&self) -> Result<()> {
        self.engine.runtime.check()
    }

    /// Returns the client of the AWS SDK, for requests that Postbox does not offer. Run these requests with
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
    /// Runs an operation on the embedded database by name. The operation counts as a call on this client. It fails
    /// after the client was closed, and in a forked child process, in which the database must not be accessed.
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

    /// Closes the client: stops the sweeper and the archiver, waits up to `close_timeout_ms` for calls in progress, and
    /// stops the runtime thread. As soon as the sweeper and the archiver have stopped, new calls fail with
    /// [`ErrorCode::Closed`]. A second call to this method waits in the same way.
    ///
    /// A call that is sending or archiving messages finishes its current calls to producers and archives, starts no
    /// further ones, and returns. After this method has returned, even with an error, no call to a producer or an archive
    /// begins. If a producer or an archive has not returned in time, its lease is released nevertheless, so that another
    /// process can send the messages.
    ///
    /// # Errors
    /// [`ErrorCode::Timeout`] if a call or a background thread did not end in time and was abandoned; committed
    /// messages that were not sent stay outstanding. [`ErrorCode::MarkIncomplete`] if sent messages were not marked in
    /// time; a sweep sends them again. [`ErrorCode::ReentrantCall`] if a producer or an archive of this client called this
    /// method, which therefore could not wait. The client stops as soon as they return. [`ErrorCode::Forked`].
    pub fn close(&self) -> Result<()> {
        let timeout = self.engine.config.close_timeout;
        self.close_until(deadline(timeout), &format!("close_timeout_ms ({} ms)", timeout.as_millis()))
    }

    /// Closes the client as [`close`](Self::close) does, and waits up to `timeout` instead of `close_timeout_ms`.
    ///
    /// A producer or an archive that ends the process calls this method with a timeout of zero first. The method then also
    /// releases the leases of the calls in progress. Otherwise, these leases end after `lease_duration_ms`.
    ///
    /// # Errors
    /// The same as for [`close`](Self::close).
    pub fn close_within(&self, timeout: Duration) -> Result<()> {
        self.close_until(deadline(timeout), &format!("{} ms", timeout.as_millis()))
    }

    /// Closes the client. All steps share one deadline. `limit` describes it in errors.
    fn close_until(&self, deadline: Instant, limit: &str) -> Result<()> {
        self.engine.runtime.check()?;
        self.engine.runtime.end_callbacks();
        for worker in [&self.sweeper, &self.archiver, &self.counter] {
            worker.ask_to_stop();
        }
        self.ask_dispatcher_to_stop();
        if self.engine.runtime.is_in_callback() {
            // The calls in progress include the caller's own, which cannot end before this method returns.
            let marked = flush_marks(&self.engine, deadline);
            if deadline <= Instant::now() {
                // The callback may never return, for example because it ends the process.
                give_back_leases(&self.engine);
            }
            marked?;
            return Err(Error::new(
                ErrorCode::ReentrantCall,
                "close was called by a producer, an archive or a completion of the same Postbox, for which it cannot wait: the Postbox stops as soon as they return; close it again after that",
            ));
        }
        let stopped = [
            self.stop_sweeper_until(deadline),
            self.stop(&self.archiver, deadline),
            self.stop(&self.counter, deadline),
        ];
        // Calls in progress may still send messages that are to be marked in the background, so marks are written after
        // these calls.
        self.engine.runtime.end_calls(deadline);
        let marked = flush_marks(&self.engine, deadline);
        let closed = self.engine.runtime.close(deadline, limit, || give_back_leases(&self.engine));
        stopped.into_iter().chain([marked]).fold(closed, Result::and)
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

/// Returns the end of this time from now. A time beyond the range of the clock ends in a day.
fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86_400))
}

pub(super) fn owned(ids: &[impl AsRef<str>]) -> Vec<String> {
    ids.iter().map(|id| id.as_ref().to_owned()).collect()
}
