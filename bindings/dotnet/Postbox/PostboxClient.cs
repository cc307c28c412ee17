using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// An open Postbox, which a program opens once and shares between its threads. Calls block, for up to
    /// "operation_timeout_ms" per operation on DynamoDB, unless their names end in Async. Keep a reference to the client, in
    /// a field or a <c>using</c> statement, because a client that is garbage-collected is closed. A client whose sweeper or
    /// archiver is running, or whose operation is awaited, is not garbage-collected.
    /// </summary>
    /// <remarks>
    /// Calls throw <see cref="PostboxException"/> for errors of Postbox, <see cref="ArgumentException"/> for a string
    /// that contains a NUL character or an unpaired surrogate, and <see cref="ObjectDisposedException"/> after
    /// <see cref="Dispose"/>. After an error, every object is still usable.
    /// <para>
    /// The asynchronous methods return before DynamoDB responds, and no thread waits for the response. A method that needs a
    /// thread says so. All exceptions, including those for invalid arguments, are exceptions of the task. If a token is
    /// cancelled, the operation ends early and its task is cancelled as soon as it has ended; the
    /// <see cref="Exception.InnerException"/> of the task's exception is the error of the library. A write may or may not
    /// have taken effect then. If the token was cancelled before the call, nothing is sent.
    /// </para>
    /// </remarks>
    public sealed partial class PostboxClient : IPostbox
    {
        private readonly ClientHandle handle;
        private readonly string description;

        internal PostboxClient(ClientHandle handle, string description)
        {
            this.handle = handle;
            this.description = description;
            OpenClients.Add(handle);
        }

        /// <summary>Opens a client, and disposes of its configuration.</summary>
        /// <param name="configure">Sets the settings and adds the producers.</param>
        /// <returns>The client, to be disposed of.</returns>
        /// <exception cref="PostboxException">The same as for <see cref="PostboxConfig.Open"/>.</exception>
        /// <example><code>
        /// using var postbox = PostboxClient.Open(config =&gt; config.Set("region", "eu-west-1").AddProducer("orders", producer));
        /// </code></example>
        public static PostboxClient Open(Action<PostboxConfig> configure)
        {
            Callbacks.Observable(configure, nameof(configure));
            using (var config = new PostboxConfig())
            {
                configure(config);
                return config.Open();
            }
        }

        /// <summary>
        /// Stops the sweeper and the archiver, rejects new calls, and waits up to "close_timeout_ms" for calls in
        /// progress. A call that sends or archives messages finishes its current calls to producers and archives, and
        /// starts no further ones. Tasks of asynchronous producers that still run after this time are cancelled.
        /// <see cref="Dispose"/> does the same, but does not report a failure.
        /// </summary>
        /// <exception cref="PostboxException">
        /// <see cref="PostboxErrorCode.Timeout"/>: a call, a task or a background thread did not end in time and was abandoned.
        /// Committed messages that were not sent stay outstanding. <see cref="PostboxErrorCode.MarkIncomplete"/>: sent
        /// messages were not marked in time, and a sweep sends them again.
        /// <see cref="PostboxErrorCode.ReentrantCall"/>: a producer or an archive of this client called this method,
        /// which therefore could not wait. The client stops as soon as they return. If the task of an asynchronous producer
        /// called this method, its message stays outstanding and is sent again.
        /// </exception>
        public void Close() => Close(null);

        /// <summary>
        /// Closes the client as the other overload does, and waits up to <paramref name="timeout"/> instead of
        /// "close_timeout_ms". This method returns no later than 500 milliseconds after that time, or 750 if tasks of
        /// asynchronous producers do not end. A host uses it to
        /// stay within its own time limit. Several threads can close several clients at the same time.
        /// </summary>
        /// <param name="timeout">The time, rounded down to whole milliseconds. Zero does not wait.</param>
        /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
        /// <exception cref="PostboxException">The same as for the other overload.</exception>
        public void Close(TimeSpan timeout)
        {
            if (timeout < TimeSpan.Zero)
                throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "the time is negative");
            Close((ulong)(timeout.Ticks / TimeSpan.TicksPerMillisecond));
        }

        private void Close(ulong? milliseconds)
        {
            var failure = Handle.Close(milliseconds);
            OpenClients.LetGo(handle, OpenClients.Background.Sweeper | OpenClients.Background.Archiver);
            if (failure != null)
                throw failure;
        }

        /// <summary>
        /// Closes the client as <see cref="Close()"/> does, and frees it. Disposing twice is harmless. In a producer or
        /// an archive of this client, this method does not wait. If another thread is still in a call, the client is
        /// freed when that call returns.
        /// </summary>
        public void Dispose() => handle.CloseAndFree();

        /// <summary>
        /// Creates the outbox table if it does not exist, waits until the table is active, and verifies it. The table
        /// has the keys and indexes that Brighter uses, and time to live.
        /// </summary>
        public void CreateTable() => Errors.Check(Native.postbox_create_table(Handle));

        /// <summary>
        /// Checks that the table exists and has the keys and indexes of an outbox. The exception has a reason for each
        /// problem.
        /// </summary>
        /// <returns>
        /// Whether messages can be replayed by causation id. Tables that older versions of Brighter created lack the
        /// index that this requires.
        /// </returns>
        public bool VerifyTable()
        {
            byte hasCausationIndex;
            Errors.Check(Native.postbox_verify_table(Handle, out hasCausationIndex));
            return hasCausationIndex != 0;
        }

        /// <summary>
        /// Checks the table as <see cref="VerifyTable"/> does, and returns a text for each property that does not prevent
        /// the use of the table, but costs more or makes some functions unavailable.
        /// </summary>
        /// <returns>The warnings.</returns>
        public IReadOnlyList<string> GetTableWarnings()
        {
            IntPtr warnings;
            Errors.Check(Native.postbox_table_warnings(Handle, out warnings));
            return Lines(warnings);
        }

        private static IReadOnlyList<string> Lines(IntPtr text) => text == IntPtr.Zero ? new string[0] : Utf8.Take(text).Split('\n');

        /// <summary>Starts a unit of work.</summary>
        /// <returns>The unit of work, to be disposed of.</returns>
        public UnitOfWork BeginUnitOfWork() => new UnitOfWork(new UnitOfWorkHandle(Native.postbox_unit_of_work_begin(Handle)), handle);

        IUnitOfWork IPostbox.BeginUnitOfWork() => BeginUnitOfWork();

        /// <summary>
        /// Deposits one message outside a transaction. Depositing an existing id succeeds and changes nothing.
        /// </summary>
        /// <param name="message">The message, which is copied.</param>
        /// <returns>The id of the message.</returns>
        public string DepositPost(OutboxMessage message)
        {
            TraceContext.Carry();
            Errors.Check(Native.postbox_deposit_post(Handle, HandleOf(message, nameof(message))));
            return message.Id;
        }

        /// <summary>
        /// Returns the action that deposits a message, for a transaction that the program sends itself, for example with
        /// the AWS SDK. Nothing is stored before the program sends the transaction. The message is checked as
        /// <see cref="DepositPost"/> checks it.
        /// </summary>
        /// <remarks>
        /// The action must be sent unchanged: its condition prevents that a message is stored twice. After the transaction
        /// has succeeded, pass the id of the message to <see cref="ClearOutbox(string[])"/> or to
        /// <see cref="NotifyCommitted(string[])"/>. If the program does neither, a sweep sends the message.
        /// </remarks>
        /// <param name="message">The message, which is copied.</param>
        /// <returns>DynamoDB JSON: {"Put": {"TableName": ..., "Item": ..., "ConditionExpression": ...}}.</returns>
        public string MessageToPut(OutboxMessage message)
        {
            IntPtr put;
            TraceContext.Carry();
            Errors.Check(Native.postbox_message_to_put(Handle, HandleOf(message, nameof(message)), out put));
            return Utf8.Take(put);
        }

        /// <summary>
        /// Returns the exception for a transaction of another client that DynamoDB cancelled. It is the exception that
        /// <see cref="UnitOfWork.Commit"/> would throw: <see cref="DuplicateMessageException"/> if the outbox had one of
        /// the messages already, and <see cref="PostboxTransactionCanceledException"/> otherwise, with a reason for each action
        /// that failed.
        /// </summary>
        /// <param name="actions">
        /// The JSON list of the actions of the transaction (TransactItems). Only the verb, the table and the message id of
        /// each action are read.
        /// </param>
        /// <param name="reasons">
        /// The JSON list of the reasons of the cancellation (CancellationReasons), in the same order.
        /// </param>
        /// <returns>The exception, which is not thrown.</returns>
        public PostboxException CancellationError(string actions, string reasons)
        {
            var sent = Utf8.Required(actions, nameof(actions));
            var failed = Utf8.Required(reasons, nameof(reasons));
            return Errors.Take(Native.postbox_cancellation_error(Handle, sent, failed));
        }

        /// <summary>
        /// Deposits messages outside a transaction, up to 25 per request. Each message is stored independently.
        /// Depositing an existing id succeeds and changes nothing.
        /// </summary>
        /// <param name="messages">The messages, which are copied.</param>
        /// <returns>The ids of the messages.</returns>
        /// <exception cref="PostboxException">
        /// A message is invalid, and nothing was stored. Or, with <see cref="PostboxErrorCode.DepositIncomplete"/>,
        /// some messages could not be stored. The exception then has a reason for each of them, and it is safe to
        /// deposit all messages again.
        /// </exception>
        public IReadOnlyList<string> DepositPosts(IEnumerable<OutboxMessage> messages)
        {
            using (var array = new MessageArray(messages, nameof(messages)))
            {
                TraceContext.Carry();
                Errors.Check(Native.postbox_deposit_posts(Handle, array.Pointers, array.Count));
                return array.Ids;
            }
        }

        /// <summary>Deposits one message outside a transaction, then sends it on this thread.</summary>
        /// <param name="message">The message, which is copied.</param>
        /// <returns>The id of the message.</returns>
        /// <exception cref="PostboxException">
        /// <see cref="PostboxErrorCode.ClearIncomplete"/>: the message is in the outbox, but could not be sent or
        /// marked.
        /// </exception>
        public string Post(OutboxMessage message)
        {
            Report report;
            var id = Post(message, out report);
            Checked(report, true);
            return id;
        }

        /// <summary>
        /// Deposits one message outside a transaction, then sends it on this thread, and reports its outcome.
        /// </summary>
        /// <param name="message">The message, which is copied.</param>
        /// <param name="report">
        /// The outcome of the message. A message that could not be sent does not cause an exception here.
        /// </param>
        /// <returns>The id of the message.</returns>
        public string Post(OutboxMessage message, out Report report)
        {
            var posted = HandleOf(message, nameof(message));
            var id = message.Id;
            using (var clearing = new Clearing(Handle.Sending, new[] { id }))
            using (var thrown = new ProducerExceptions())
            {
                IntPtr pointer;
                TraceContext.Carry();
                Errors.Check(Native.postbox_post(Handle, posted, out pointer), thrown);
                clearing.Add(Report.Take(pointer, thrown));
                clearing.Wait(CancellationToken.None);
                clearing.Next();
                report = clearing.Report;
            }
            return id;
        }

        /// <summary>
        /// Sends the outstanding messages with these ids on this thread, in this order, and marks them dispatched.
        /// Messages that are already dispatched are not sent again. A message that fails holds back only later messages
        /// of its topic and partition key. This thread also waits for the tasks of asynchronous producers.
        /// </summary>
        /// <param name="ids">The ids.</param>
        /// <exception cref="PostboxException">
        /// <see cref="PostboxErrorCode.ClearIncomplete"/>, with a reason for each message that could not be sent or
        /// marked.
        /// </exception>
        public void ClearOutbox(params string[] ids) => ClearOutbox(ids, CancellationToken.None);

        /// <summary>Sends messages as the other overload does, until the token is cancelled.</summary>
        /// <param name="ids">The ids.</param>
        /// <param name="cancellation">
        /// Ends the call after the current call to a producer. The other messages stay outstanding, and no attempt is
        /// counted for them. Tasks of asynchronous producers continue. The token may be cancelled on any thread, and by a
        /// producer.
        /// </param>
        /// <exception cref="OperationCanceledException">
        /// The token was cancelled before all messages were sent. <see cref="Exception.InnerException"/> has a reason
        /// for each message that was not sent.
        /// </exception>
        /// <exception cref="PostboxException">The same as for the other overload.</exception>
        public void ClearOutbox(IEnumerable<string> ids, CancellationToken cancellation = default(CancellationToken))
        {
            bool hasEnded;
            Cleared(Clear(ids, cancellation, out hasEnded), hasEnded, true, cancellation);
        }

        /// <summary>Sends messages as the other overload does, and reports the outcome of each message.</summary>
        /// <param name="ids">The ids.</param>
        /// <param name="report">
        /// The outcome of each message. A message that could not be sent does not cause an exception here. Neither does
        /// a cancelled token: the messages that were not tried have the outcome <see cref="Outcome.Skipped"/>.
        /// </param>
        /// <param name="cancellation">
        /// Ends the call after the current call to a producer. A message whose task continues has the outcome
        /// <see cref="Outcome.Accepted"/>.
        /// </param>
        public void ClearOutbox(IEnumerable<string> ids, out Report report, CancellationToken cancellation = default(CancellationToken))
        {
            bool hasEnded;
            report = Clear(ids, cancellation, out hasEnded);
        }

        private Report Clear(IEnumerable<string> ids, CancellationToken cancellation, out bool hasEnded)
        {
            using (var clearing = new Clearing(Handle.Sending, All(ids)))
            using (var cancel = new NativeCancellation(cancellation))
            using (var thrown = new ProducerExceptions())
            {
                do
                {
                    using (var array = new Utf8Array(clearing.Ids, nameof(ids)))
                    {
                        IntPtr pointer;
                        Errors.Check(Native.postbox_clear_outbox(Handle, array.Pointers, array.Count, cancel.Pointer, out pointer), thrown);
                        clearing.Add(Report.Take(pointer, thrown));
                    }
                    clearing.Wait(cancellation);
                }
                while (clearing.Next());
                hasEnded = clearing.HasEnded;
                return clearing.Report;
            }
        }

        private static IReadOnlyList<string> All(IEnumerable<string> ids)
        {
            if (ids == null)
                throw new ArgumentNullException(nameof(ids));
            return ids.ToList();
        }

        /// <summary>Returns the report of a call that sends messages, unless the call was cancelled or a message failed.</summary>
        private static Report Cleared(Report report, bool hasEnded, bool throwOnFailure, CancellationToken cancellation)
        {
            if (cancellation.IsCancellationRequested && (report.FailureCount > 0 || !hasEnded))
                throw new OperationCanceledException("the call was cancelled before all messages were sent", report.Failure, cancellation);
            return Checked(report, throwOnFailure);
        }

        /// <summary>
        /// Marks messages dispatched without sending them, for a program that sends them itself. If a message was
        /// already dispatched, its dispatch time does not change.
        /// </summary>
        /// <param name="ids">The ids.</param>
        public void MarkDispatched(params string[] ids) => MarkDispatched((IEnumerable<string>)ids);

        /// <summary>Marks messages as the other overload does.</summary>
        /// <param name="ids">The ids.</param>
        public void MarkDispatched(IEnumerable<string> ids)
        {
            using (var array = new Utf8Array(ids, nameof(ids)))
                Errors.Check(Native.postbox_mark_dispatched(Handle, array.Pointers, array.Count, IntPtr.Zero));
        }

        /// <summary>Marks messages as the other overload does, and reports the outcome of each message.</summary>
        /// <param name="ids">The ids.</param>
        /// <param name="report">
        /// The outcome of each message. A message that could not be marked does not cause an exception here.
        /// </param>
        public void MarkDispatched(IEnumerable<string> ids, out Report report)
        {
            using (var array = new Utf8Array(ids, nameof(ids)))
            {
                IntPtr pointer;
                Errors.Check(Native.postbox_mark_dispatched(Handle, array.Pointers, array.Count, out pointer));
                report = Report.Take(pointer);
            }
        }

        /// <summary>
        /// Reports the outcome of a message that its producer accepted. Any thread may call this method, and a producer
        /// may call it too.
        /// </summary>
        /// <param name="id">The id of the message.</param>
        /// <param name="result">
        /// The outcome. <see cref="SendResult.Sent"/> marks the message dispatched. <see cref="SendResult.Reject"/>
        /// parks the message. After <see cref="SendResult.Retry"/> and <see cref="SendResult.Unavailable"/>, the
        /// message is sent again.
        /// </param>
        public void Confirm(string id, SendResult result)
        {
            if (result == null)
                throw new ArgumentNullException(nameof(result));
            Errors.Check(Native.postbox_confirm(Handle, Utf8.Required(id, nameof(id)), (int)result.Outcome, Confirmations.ReasonOf(result)));
        }

        /// <summary>
        /// Confirms the outcomes of many messages that their producers had accepted. Up to 25 messages are marked, or
        /// their failed attempts recorded, per request. An id that is passed twice is confirmed once: as sent if one of
        /// its results is <see cref="SendResult.Sent"/>, and otherwise with its first result. If three or more messages
        /// of a topic are rejected with the same reason, they are parked only if a message of the call was sent, or if
        /// park_min_age_ms has passed since their first failures. Any thread may call this method, and a producer may
        /// call it too.
        /// </summary>
        /// <param name="results">The ids, such as the keys of a dictionary, with their results.</param>
        /// <exception cref="PostboxException">
        /// <see cref="PostboxErrorCode.InvalidArgument"/>: a result is <see cref="SendResult.Accepted"/>, and no message was
        /// confirmed.
        /// <see cref="PostboxErrorCode.MarkIncomplete"/>: some confirmations were not recorded, and all other messages
        /// are confirmed. The exception has a reason for each message whose confirmation was not recorded.
        /// </exception>
        public void ConfirmMany(IEnumerable<KeyValuePair<string, SendResult>> results)
        {
            using (var confirmed = new Confirmations(results, nameof(results)))
                Errors.Check(Native.postbox_confirm_many(Handle, confirmed.Ids, confirmed.Outcomes, confirmed.Reasons, confirmed.Count));
        }

        /// <summary>Reads the message with this id from the outbox, with a consistent read.</summary>
        /// <param name="id">The id of the message.</param>
        /// <returns>The message, or null if the outbox has no such message.</returns>
        public OutboxMessage? GetMessage(string id)
        {
            IntPtr message;
            Errors.Check(Native.postbox_get_message(Handle, Utf8.Required(id, nameof(id)), out message));
            return message == IntPtr.Zero ? null : new OutboxMessage(new OwnedMessageHandle(message));
        }

        /// <summary>Reads one item of any table, with a consistent read.</summary>
        /// <param name="table">The table.</param>
        /// <param name="key">The key, as DynamoDB JSON: <c>{"Name": {"S": "Ada"}}</c>.</param>
        /// <returns>The item as DynamoDB JSON, or null if the table has no such item.</returns>
        public string? GetItem(string table, string key)
        {
            IntPtr item;
            Errors.Check(Native.postbox_get_item(Handle, Utf8.Required(table, nameof(table)), Utf8.Required(key, nameof(key)), out item));
            return Utf8.TakeOptional(item);
        }

        /// <summary>Reads one item of any table, with a consistent read.</summary>
        /// <param name="table">The table.</param>
        /// <param name="key">The key.</param>
        /// <returns>The item, or null if the table has no such item.</returns>
        public Item? GetItem(string table, Item key)
        {
            IntPtr item;
            using (var written = ItemWriter.Write(key, nameof(key)))
                Errors.Check(Native.postbox_read_item(Handle, Utf8.Required(table, nameof(table)), written.Pointer, out item));
            return ItemReader.TakeOptional(item);
        }

        /// <summary>
        /// Runs a DynamoDB operation on the embedded database. This is meant for development, to set up the program's
        /// own tables.
        /// </summary>
        /// <param name="operation">The name, such as "CreateTable".</param>
        /// <param name="request">The request, as JSON.</param>
        /// <returns>The response, as JSON.</returns>
        public string EmbeddedExecute(string operation, string request)
        {
            IntPtr answer;
            Errors.Check(Native.postbox_embedded_execute(
                Handle, Utf8.Required(operation, nameof(operation)), Utf8.Required(request, nameof(request)), out answer));
            return Utf8.Take(answer);
        }

        /// <summary>
        /// Sends the outstanding messages that are older than "sweep_min_age_ms", and marks them dispatched. In each
        /// lane (a group of shards of a topic), the oldest messages are sent first. The producer of one topic is called on this thread, and the
        /// producers of other topics at the same time on up to "sweep_threads" - 1 further threads. See postbox_sweep
        /// in postbox.h for leases, failed attempts and parking.
        /// </summary>
        /// <param name="topic">The topic, or null for all topics.</param>
        /// <param name="cancellation">
        /// Ends the sweep after its current calls to producers, and returns the lease. A cancelled sweep returns what
        /// it has done, without an exception. The token may be cancelled on any thread, and by a producer.
        /// </param>
        /// <returns>The message counts and the status of the lease.</returns>
        public SweepResult Sweep(string? topic = null, CancellationToken cancellation = default(CancellationToken))
        {
            Native.postbox_sweep_result counts;
            using (var cancel = new NativeCancellation(cancellation))
                Errors.Check(Native.postbox_sweep(Handle, Utf8.Optional(topic, nameof(topic)), cancel.Pointer, out counts));
            return new SweepResult(counts);
        }

        /// <summary>
        /// Starts the sweeper, a background thread that sweeps all topics. The first sweep begins immediately, and
        /// later sweeps follow at intervals of "sweep_interval_ms". The sweeper logs errors and continues.
        /// </summary>
        public void StartSweeper()
        {
            Errors.Check(Native.postbox_start_sweeper(Handle));
            OpenClients.Keep(handle, OpenClients.Background.Sweeper);
        }

        /// <summary>
        /// Notifies the sweeper of this client that another client, for example the AWS SDK, has committed messages. A
        /// thread of the sweeper sends the messages immediately. This method does not wait for that thread. If the
        /// sweeper is not running, or if 1,000 messages already wait for that thread, the next sweep sends the
        /// messages. For units of work of Postbox, use the setting "dispatch_after_commit" instead.
        /// </summary>
        /// <param name="ids">The ids. Ids of messages that do not exist are ignored.</param>
        public void NotifyCommitted(params string[] ids) => NotifyCommitted((IEnumerable<string>)ids);

        /// <summary>Notifies the sweeper as the other overload does.</summary>
        /// <param name="ids">The ids. Ids of messages that do not exist are ignored.</param>
        public void NotifyCommitted(IEnumerable<string> ids)
        {
            using (var array = new Utf8Array(ids, nameof(ids)))
                Errors.Check(Native.postbox_notify_committed(Handle, array.Pointers, array.Count));
        }

        /// <summary>
        /// Tells the sweeper to stop when its current calls to producers return, and waits up to "close_timeout_ms" for
        /// it to stop. Does nothing if the sweeper is not running.
        /// </summary>
        /// <exception cref="PostboxException">
        /// <see cref="PostboxErrorCode.Timeout"/>: a producer has not returned in this time. The sweeper stops when the
        /// producer returns.
        /// <see cref="PostboxErrorCode.ReentrantCall"/>: a producer that the sweeper has called calls this method, which
        /// therefore cannot wait. The sweeper stops as soon as the producer returns.
        /// </exception>
        public void StopSweeper()
        {
            Errors.Check(Native.postbox_stop_sweeper(Handle));
            OpenClients.LetGo(handle, OpenClients.Background.Sweeper);
        }

        /// <summary>Counts the outstanding messages, and returns the age of the oldest message.</summary>
        /// <param name="topic">The topic, or null for all topics.</param>
        /// <returns>The count and the age.</returns>
        public OutstandingCount CountOutstanding(string? topic = null)
        {
            Native.postbox_outstanding_count counts;
            Errors.Check(Native.postbox_count_outstanding(Handle, Utf8.Optional(topic, nameof(topic)), out counts));
            return new OutstandingCount(counts);
        }

        /// <summary>
        /// Lists stored messages, page by page. Outstanding and dispatched messages are read from an index, which
        /// DynamoDB updates a moment after the table. Listing parked messages reads the whole table.
        /// </summary>
        /// <param name="state">The state of the messages.</param>
        /// <param name="topic">The topic, or null for all topics.</param>
        /// <param name="limit">
        /// The maximum number of messages per page.
        /// </param>
        /// <param name="cursor">
        /// Null for the first page. For every other page, <see cref="MessagePage.Next"/> of the previous page, which
        /// must have been read with the same state and topic.
        /// </param>
        /// <returns>The page, to be disposed of.</returns>
        public MessagePage ListMessages(MessageState state, string? topic = null, int limit = 100, string? cursor = null)
        {
            IntPtr page;
            Errors.Check(Native.postbox_list_messages(
                Handle, (int)state, Utf8.Optional(topic, nameof(topic)), PageLimit(limit), Utf8.Optional(cursor, nameof(cursor)), out page));
            return new MessagePage(new PageHandle(page));
        }

        private static uint PageLimit(int limit)
        {
            if (limit < 1)
                throw new ArgumentOutOfRangeException(nameof(limit), limit, "a page has at least 1 message");
            return (uint)limit;
        }

        /// <summary>
        /// Releases a parked message. The message becomes outstanding again, and its count of failed attempts is reset.
        /// </summary>
        /// <param name="id">The id of the message.</param>
        public void Unpark(string id) => Errors.Check(Native.postbox_unpark(Handle, Utf8.Required(id, nameof(id))));

        /// <summary>
        /// Makes dispatched or parked messages outstanding again, so that the next sweep or clear sends them.
        /// </summary>
        /// <param name="ids">The ids.</param>
        public void Replay(params string[] ids) => Replay((IEnumerable<string>)ids);

        /// <summary>Replays messages as the other overload does.</summary>
        /// <param name="ids">The ids.</param>
        public void Replay(IEnumerable<string> ids)
        {
            using (var array = new Utf8Array(ids, nameof(ids)))
                Errors.Check(Native.postbox_replay(Handle, array.Pointers, array.Count, IntPtr.Zero));
        }

        /// <summary>Replays messages as the other overload does, and reports the outcome of each message.</summary>
        /// <param name="ids">The ids.</param>
        /// <param name="report">
        /// The outcome of each message. A message that could not be replayed does not cause an exception here.
        /// </param>
        public void Replay(IEnumerable<string> ids, out Report report)
        {
            using (var array = new Utf8Array(ids, nameof(ids)))
            {
                IntPtr pointer;
                Errors.Check(Native.postbox_replay(Handle, array.Pointers, array.Count, out pointer));
                report = Report.Take(pointer);
            }
        }

        /// <summary>
        /// Replays every message with this causation id that the index shows. Succeeds if the index shows no such
        /// message.
        /// </summary>
        /// <param name="causationId">The causation id.</param>
        /// <returns>The outcome of each message.</returns>
        public Report ReplayCausation(string causationId)
        {
            IntPtr report;
            Errors.Check(Native.postbox_replay_causation(Handle, Utf8.Required(causationId, nameof(causationId)), out report));
            return Report.Take(report);
        }

        /// <summary>
        /// Passes the messages that have been dispatched for longer than "archive_min_age_ms" to
        /// <paramref name="archive"/>, on this thread, and deletes each message that was archived. If another archiver,
        /// including one of Brighter's, holds the archivers' lease, nothing is archived.
        /// </summary>
        /// <param name="archive">
        /// Stores a message durably. This thread waits for each task, and a message is deleted only after its task has
        /// succeeded. The message is valid until then. If the task fails, the message stays in the outbox, and the exception is
        /// logged. The tasks run without the SynchronizationContext of this thread.
        /// </param>
        /// <param name="cancellation">
        /// Ends the call after the current call to <paramref name="archive"/>, and returns the lease. A cancelled call
        /// returns what it has done, without an exception.
        /// </param>
        /// <returns>The message counts and the status of the lease.</returns>
        public ArchiveResult Archive(Func<OutboxMessage, Task> archive, CancellationToken cancellation = default(CancellationToken))
        {
            var awaited = Awaited(archive);
            var counts = default(Native.postbox_archive_result);
            using (var cancel = new NativeCancellation(cancellation))
                Callbacks.Lend(awaited, data => Native.postbox_archive(Handle, Callbacks.Archive, data, cancel.Pointer, out counts));
            return new ArchiveResult(counts);
        }

        /// <summary>
        /// Archives messages in a file. Each line of the file contains one item as DynamoDB JSON. The file is
        /// synchronized to disk before a message is deleted.
        /// </summary>
        /// <param name="path">The path of the file to which the messages are appended.</param>
        /// <param name="cancellation">
        /// Ends the call, and returns the lease. A cancelled call returns what it has done, without an exception.
        /// </param>
        /// <returns>The message counts and the status of the lease.</returns>
        public ArchiveResult ArchiveToFile(string path, CancellationToken cancellation = default(CancellationToken))
        {
            Native.postbox_archive_result counts;
            using (var cancel = new NativeCancellation(cancellation))
                Errors.Check(Native.postbox_archive_to_file(Handle, Utf8.Required(path, nameof(path)), cancel.Pointer, out counts));
            return new ArchiveResult(counts);
        }

        /// <summary>
        /// Starts the archiver, a background thread that archives messages. The first run begins immediately, and later
        /// runs follow at intervals of "archive_interval_ms". The archiver logs errors and continues.
        /// </summary>
        /// <param name="archive">
        /// See <see cref="Archive"/>. The delegate is kept alive until the archiver has ended, and the thread of the archiver
        /// waits for each task.
        /// </param>
        public void StartArchiver(Func<OutboxMessage, Task> archive)
        {
            var awaited = Awaited(archive);
            Callbacks.Give(awaited, data => Native.postbox_start_archiver(Handle, Callbacks.Archive, data, Callbacks.Release));
            OpenClients.Keep(handle, OpenClients.Background.Archiver);
        }

        private static Action<OutboxMessage> Awaited(Func<OutboxMessage, Task> archive)
        {
            if (archive == null)
                throw new ArgumentNullException(nameof(archive));
            return message => Callbacks.Await(archive(message));
        }

        /// <summary>
        /// Starts the archiver, which appends messages to a file as <see cref="ArchiveToFile"/> does.
        /// </summary>
        /// <param name="path">The path of the file to which the messages are appended.</param>
        public void StartArchiverToFile(string path)
        {
            Errors.Check(Native.postbox_start_archiver_to_file(Handle, Utf8.Required(path, nameof(path))));
            OpenClients.Keep(handle, OpenClients.Background.Archiver);
        }

        /// <summary>Stops the archiver as <see cref="StopSweeper"/> stops the sweeper.</summary>
        public void StopArchiver()
        {
            Errors.Check(Native.postbox_stop_archiver(Handle));
            OpenClients.LetGo(handle, OpenClients.Background.Archiver);
        }

        /// <summary>
        /// Returns the statistics of this client since it was opened. Sends no request, and can be called even after
        /// <see cref="Close()"/>.
        /// </summary>
        /// <returns>The counts.</returns>
        public PostboxStats GetStats()
        {
            Native.postbox_stats counters;
            Errors.Check(Native.postbox_get_stats(Handle, out counters));
            return new PostboxStats(counters);
        }

        /// <summary>
        /// Returns the statistics as a JSON object. The object also contains the last sweep, the last error and the
        /// state of the breaker of each topic.
        /// </summary>
        /// <returns>The JSON.</returns>
        public string GetStatsJson()
        {
            IntPtr json;
            Errors.Check(Native.postbox_stats_json(Handle, out json));
            return Utf8.Take(json);
        }

        /// <summary>Returns the table of the client: "PostboxClient (table brighter_outbox)".</summary>
        /// <returns>The text.</returns>
        public override string ToString() => nameof(PostboxClient) + " (" + (handle.IsDisposed ? "disposed" : description) + ")";

        private ClientHandle Handle
        {
            get
            {
                Callbacks.RejectLogReceiver();
                if (handle.IsDisposed)
                    throw new ObjectDisposedException(nameof(PostboxClient));
                return handle;
            }
        }

        private static MessageHandle HandleOf(OutboxMessage message, string name)
        {
            if (message == null)
                throw new ArgumentNullException(name);
            return message.Handle;
        }
    }
}
