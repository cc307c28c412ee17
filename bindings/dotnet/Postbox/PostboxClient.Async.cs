using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    public sealed partial class PostboxClient
    {
        private static readonly Func<IntPtr, bool> Flag = Native.postbox_result_flag;
        private static readonly Func<IntPtr, MessagePage> Page = result => new MessagePage(new PageHandle(Native.postbox_result_take_page(result)));
        private static readonly Func<IntPtr, Report> WholeReport = result => Report.Take(Native.postbox_result_take_report(result));

        private static readonly Func<IntPtr, OutboxMessage?> StoredMessage = result =>
        {
            var message = Native.postbox_result_take_message(result);
            return message == IntPtr.Zero ? null : new OutboxMessage(new OwnedMessageHandle(message));
        };

        private static readonly Func<IntPtr, OutstandingCount> Counted = result =>
        {
            Native.postbox_outstanding_count counts;
            Native.postbox_result_outstanding_count(result, out counts);
            return new OutstandingCount(counts);
        };

        /// <summary>
        /// Starts a unit of work for a caller that must not block. The methods that add actions send no request. If two items
        /// are put into one table, two puts of the same item may be detected only at the commit, which then fails with
        /// <see cref="PostboxErrorCode.ServiceError"/>. Commit the unit of work with
        /// <see cref="UnitOfWork.CommitAsync(CancellationToken)"/>, and read items with
        /// <see cref="UnitOfWork.GetItemAsync(string, Item, CancellationToken)"/>.
        /// </summary>
        /// <returns>The unit of work, to be disposed of.</returns>
        public UnitOfWork BeginAsyncUnitOfWork()
        {
            return new UnitOfWork(new UnitOfWorkHandle(Native.postbox_unit_of_work_begin_async(Handle)), handle);
        }

        IUnitOfWork IPostbox.BeginAsyncUnitOfWork() => BeginAsyncUnitOfWork();

        /// <summary>Creates the table as <see cref="CreateTable"/> does.</summary>
        /// <param name="cancellation">Ends the wait. The table may be created nevertheless.</param>
        /// <returns>The task.</returns>
        public Task CreateTableAsync(CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_create_table_async(Handle, Completion.Done, started.Data, out started.Operation),
                Completion.Nothing, cancellation);
        }

        /// <summary>Checks the table as <see cref="VerifyTable"/> does.</summary>
        /// <param name="cancellation">Ends the check.</param>
        /// <returns>The task, whose result is whether messages can be replayed by causation id.</returns>
        public Task<bool> VerifyTableAsync(CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_verify_table_async(Handle, Completion.Done, started.Data, out started.Operation), Flag, cancellation);
        }

        /// <summary>Checks the table as <see cref="GetTableWarnings"/> does.</summary>
        /// <param name="cancellation">Ends the check.</param>
        /// <returns>The task, whose result are the warnings.</returns>
        public Task<IReadOnlyList<string>> GetTableWarningsAsync(CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_table_warnings_async(Handle, Completion.Done, started.Data, out started.Operation),
                result => Lines(Native.postbox_result_take_text(result)), cancellation);
        }

        /// <summary>Deposits a message as <see cref="DepositPost"/> does.</summary>
        /// <param name="message">The message, which is copied before this method returns.</param>
        /// <param name="cancellation">
        /// Ends the wait. The message may or may not be stored then, and it is safe to deposit the same message again.
        /// </param>
        /// <returns>The task, whose result is the id of the message.</returns>
        public async Task<string> DepositPostAsync(OutboxMessage message, CancellationToken cancellation = default(CancellationToken))
        {
            var id = "";
            await Completion.Run(
                started =>
                {
                    var deposited = HandleOf(message, nameof(message));
                    id = message.Id;
                    TraceContext.Carry();
                    return Native.postbox_deposit_post_async(Handle, deposited, Completion.Done, started.Data, out started.Operation);
                },
                Completion.Nothing, cancellation).ConfigureAwait(false);
            return id;
        }

        /// <summary>Deposits messages as <see cref="DepositPosts"/> does.</summary>
        /// <param name="messages">The messages, which are copied before this method returns.</param>
        /// <param name="cancellation">
        /// Ends the wait. Some of the messages may be stored then, and it is safe to deposit all messages again.
        /// </param>
        /// <returns>The task, whose result are the ids of the messages.</returns>
        public async Task<IReadOnlyList<string>> DepositPostsAsync(IEnumerable<OutboxMessage> messages, CancellationToken cancellation = default(CancellationToken))
        {
            IReadOnlyList<string> ids = Array.Empty<string>();
            await Completion.Run(
                started =>
                {
                    using (var array = new MessageArray(messages, nameof(messages)))
                    {
                        ids = array.Ids;
                        TraceContext.Carry();
                        return Native.postbox_deposit_posts_async(
                            Handle, array.Pointers, array.Count, Completion.Done, started.Data, out started.Operation);
                    }
                },
                Completion.Nothing, cancellation).ConfigureAwait(false);
            return ids;
        }

        /// <summary>
        /// Deposits one message outside a transaction, then sends it as
        /// <see cref="ClearOutboxAsync(IEnumerable{string}, CancellationToken)"/> does.
        /// </summary>
        /// <param name="message">The message, which is copied before this method returns.</param>
        /// <param name="cancellation">Ends the wait. The message may be in the outbox then.</param>
        /// <returns>The task, whose result is the outcome of the message.</returns>
        public Task<Report> PostAsync(OutboxMessage message, CancellationToken cancellation = default(CancellationToken)) => PostAsync(message, true, cancellation);

        /// <summary>Deposits and sends one message as the other overload does.</summary>
        /// <param name="message">The message, which is copied before this method returns.</param>
        /// <param name="throwOnFailure">
        /// Whether a message that could not be sent or marked causes an exception. If false, only the report shows the failure.
        /// </param>
        /// <param name="cancellation">Ends the wait. The message may be in the outbox then.</param>
        /// <returns>The task, whose result is the outcome of the message.</returns>
        public async Task<Report> PostAsync(OutboxMessage message, bool throwOnFailure, CancellationToken cancellation = default(CancellationToken))
        {
            var id = await DepositPostAsync(message, cancellation).ConfigureAwait(false);
            return await ClearOutboxAsync(new[] { id }, throwOnFailure, cancellation).ConfigureAwait(false);
        }

        /// <summary>
        /// Sends messages as <see cref="ClearOutbox(string[])"/> does, and waits for the tasks of asynchronous producers.
        /// Producers that block are called on a thread of the library.
        /// </summary>
        /// <param name="ids">The ids.</param>
        /// <param name="cancellation">
        /// Ends the call after the current call to a producer. The other messages stay outstanding, and no attempt is
        /// counted for them. Tasks of asynchronous producers continue. If a message was not sent, the task is cancelled, and the
        /// <see cref="Exception.InnerException"/> of its exception has a reason for each of these messages.
        /// </param>
        /// <returns>The task, whose result is the outcome of each message.</returns>
        /// <exception cref="PostboxException">
        /// <see cref="PostboxErrorCode.ClearIncomplete"/>, with a reason for each message that could not be sent or
        /// marked.
        /// </exception>
        public Task<Report> ClearOutboxAsync(IEnumerable<string> ids, CancellationToken cancellation = default(CancellationToken))
        {
            return ClearOutboxAsync(ids, true, cancellation);
        }

        /// <summary>Sends messages as the other overload does.</summary>
        /// <param name="ids">The ids.</param>
        /// <returns>The task, whose result is the outcome of each message.</returns>
        public Task<Report> ClearOutboxAsync(params string[] ids) => ClearOutboxAsync((IEnumerable<string>)ids);

        /// <summary>Sends messages as the other overload does.</summary>
        /// <param name="ids">The ids.</param>
        /// <param name="throwOnFailure">
        /// Whether a message that could not be sent or marked causes an exception. If false, only the report shows the failure.
        /// </param>
        /// <param name="cancellation">Ends the call as in the other overload.</param>
        /// <returns>The task, whose result is the outcome of each message.</returns>
        public async Task<Report> ClearOutboxAsync(IEnumerable<string> ids, bool throwOnFailure, CancellationToken cancellation = default(CancellationToken))
        {
            cancellation.ThrowIfCancellationRequested();
            var all = All(ids);
#if !NETSTANDARD
            using (ClearActivity.Begin(all))
#endif
            using (var clearing = new Clearing(Handle.Sending, all))
            using (var thrown = new ProducerExceptions(all))
            {
                do
                {
                    clearing.Add(await ClearAsync(clearing.Ids, thrown, cancellation).ConfigureAwait(false));
                    await clearing.WaitAsync(cancellation).ConfigureAwait(false);
                }
                while (clearing.Next() && !cancellation.IsCancellationRequested);
                return Cleared(clearing.Report, clearing.HasEnded, throwOnFailure, cancellation);
            }
        }

        private Task<Report> ClearAsync(IEnumerable<string> ids, ProducerExceptions thrown, CancellationToken cancellation)
        {
            return Completion.Run(
                started =>
                {
                    using (var array = new Utf8Array(ids, nameof(ids)))
                        return Native.postbox_clear_outbox_async(
                            Handle, array.Pointers, array.Count, Completion.Done, started.Data, out started.Operation);
                },
                result => Report.Take(Native.postbox_result_take_report(result), thrown), cancellation);
        }

        /// <summary>Marks messages as <see cref="MarkDispatched(string[])"/> does.</summary>
        /// <param name="ids">The ids.</param>
        /// <param name="cancellation">Ends the wait. Some of the messages may be marked then.</param>
        /// <returns>The task, whose result is the outcome of each message.</returns>
        public Task<Report> MarkDispatchedAsync(IEnumerable<string> ids, CancellationToken cancellation = default(CancellationToken))
        {
            return MarkDispatchedAsync(ids, true, cancellation);
        }

        /// <summary>Marks messages as the other overload does.</summary>
        /// <param name="ids">The ids.</param>
        /// <returns>The task, whose result is the outcome of each message.</returns>
        public Task<Report> MarkDispatchedAsync(params string[] ids) => MarkDispatchedAsync((IEnumerable<string>)ids);

        /// <summary>Marks messages as the other overload does.</summary>
        /// <param name="ids">The ids.</param>
        /// <param name="throwOnFailure">
        /// Whether a message that could not be marked causes an exception. If false, only the report shows the failure.
        /// </param>
        /// <param name="cancellation">Ends the wait. Some of the messages may be marked then.</param>
        /// <returns>The task, whose result is the outcome of each message.</returns>
        public Task<Report> MarkDispatchedAsync(IEnumerable<string> ids, bool throwOnFailure, CancellationToken cancellation = default(CancellationToken))
        {
            return ReportAsync(
                ids,
                (array, started) => Native.postbox_mark_dispatched_async(
                    Handle, array.Pointers, array.Count, Completion.Done, started.Data, out started.Operation),
                throwOnFailure, cancellation);
        }

        /// <summary>Marks messages as <see cref="MarkDispatchedAt(IEnumerable{string}, DateTimeOffset)"/> does.</summary>
        /// <param name="ids">The ids.</param>
        /// <param name="time">The time at which the messages were sent.</param>
        /// <param name="cancellation">Ends the wait. Some of the messages may be marked then.</param>
        /// <returns>The task, whose result is the outcome of each message.</returns>
        public Task<Report> MarkDispatchedAtAsync(IEnumerable<string> ids, DateTimeOffset time, CancellationToken cancellation = default(CancellationToken))
        {
            return MarkDispatchedAtAsync(ids, time, true, cancellation);
        }

        /// <summary>Marks messages as the other overload does.</summary>
        /// <param name="time">The time at which the messages were sent.</param>
        /// <param name="ids">The ids.</param>
        /// <returns>The task, whose result is the outcome of each message.</returns>
        public Task<Report> MarkDispatchedAtAsync(DateTimeOffset time, params string[] ids) => MarkDispatchedAtAsync(ids, time);

        /// <summary>Marks messages as the other overload does.</summary>
        /// <param name="ids">The ids.</param>
        /// <param name="time">The time at which the messages were sent.</param>
        /// <param name="throwOnFailure">
        /// Whether a message that could not be marked causes an exception. If false, only the report shows the failure.
        /// </param>
        /// <param name="cancellation">Ends the wait. Some of the messages may be marked then.</param>
        /// <returns>The task, whose result is the outcome of each message.</returns>
        public Task<Report> MarkDispatchedAtAsync(IEnumerable<string> ids, DateTimeOffset time, bool throwOnFailure, CancellationToken cancellation = default(CancellationToken))
        {
            return ReportAsync(
                ids,
                (array, started) => Native.postbox_mark_dispatched_at_async(
                    Handle, array.Pointers, array.Count, time.UtcTicks, Completion.Done, started.Data, out started.Operation),
                throwOnFailure, cancellation);
        }

        /// <summary>Replays messages as <see cref="Replay(string[])"/> does.</summary>
        /// <param name="ids">The ids.</param>
        /// <param name="cancellation">Ends the wait. Some of the messages may be outstanding then.</param>
        /// <returns>The task, whose result is the outcome of each message.</returns>
        public Task<Report> ReplayAsync(IEnumerable<string> ids, CancellationToken cancellation = default(CancellationToken))
        {
            return ReplayAsync(ids, true, cancellation);
        }

        /// <summary>Replays messages as the other overload does.</summary>
        /// <param name="ids">The ids.</param>
        /// <returns>The task, whose result is the outcome of each message.</returns>
        public Task<Report> ReplayAsync(params string[] ids) => ReplayAsync((IEnumerable<string>)ids);

        /// <summary>Replays messages as the other overload does.</summary>
        /// <param name="ids">The ids.</param>
        /// <param name="throwOnFailure">
        /// Whether a message that could not be replayed causes an exception. If false, only the report shows the failure.
        /// </param>
        /// <param name="cancellation">Ends the wait. Some of the messages may be outstanding then.</param>
        /// <returns>The task, whose result is the outcome of each message.</returns>
        public Task<Report> ReplayAsync(IEnumerable<string> ids, bool throwOnFailure, CancellationToken cancellation = default(CancellationToken))
        {
            return ReportAsync(
                ids,
                (array, started) => Native.postbox_replay_async(
                    Handle, array.Pointers, array.Count, Completion.Done, started.Data, out started.Operation),
                throwOnFailure, cancellation);
        }

        /// <summary>Replays messages as <see cref="ReplayCausation"/> does.</summary>
        /// <param name="causationId">The causation id.</param>
        /// <param name="cancellation">Ends the wait. Some of the messages may be outstanding then.</param>
        /// <returns>
        /// The task, whose result is the outcome of each message. A message that could not be replayed does not cause an
        /// exception.
        /// </returns>
        public Task<Report> ReplayCausationAsync(string causationId, CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_replay_causation_async(
                    Handle, Utf8.Required(causationId, nameof(causationId)), Completion.Done, started.Data, out started.Operation),
                WholeReport, cancellation);
        }

        /// <summary>Confirms the outcome of a message as <see cref="Confirm"/> does.</summary>
        /// <param name="id">The id of the message.</param>
        /// <param name="result">The outcome.</param>
        /// <param name="cancellation">Ends the wait. The outcome may or may not be recorded then.</param>
        /// <returns>The task.</returns>
        public Task ConfirmAsync(string id, SendResult result, CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started =>
                {
                    if (result == null)
                        throw new ArgumentNullException(nameof(result));
                    return Native.postbox_confirm_async(
                        Handle, Utf8.Required(id, nameof(id)), (int)result.Outcome, Confirmations.ReasonOf(result),
                        Completion.Done, started.Data, out started.Operation);
                },
                Completion.Nothing, cancellation);
        }

        /// <summary>Confirms the outcomes of many messages as <see cref="ConfirmMany"/> does.</summary>
        /// <param name="results">The ids, such as the keys of a dictionary, with their results.</param>
        /// <param name="cancellation">Ends the wait. Some of the outcomes may be recorded then.</param>
        /// <returns>The task.</returns>
        public Task ConfirmManyAsync(IEnumerable<KeyValuePair<string, SendResult>> results, CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started =>
                {
                    using (var confirmed = new Confirmations(results, nameof(results)))
                        return Native.postbox_confirm_many_async(
                            Handle, confirmed.Ids, confirmed.Outcomes, confirmed.Reasons, confirmed.Count,
                            Completion.Done, started.Data, out started.Operation);
                },
                Completion.Nothing, cancellation);
        }

        /// <summary>Reads a message as <see cref="GetMessage"/> does.</summary>
        /// <param name="id">The id of the message.</param>
        /// <param name="cancellation">Ends the read.</param>
        /// <returns>The task, whose result is the message, or null if the outbox has no such message.</returns>
        public Task<OutboxMessage?> GetMessageAsync(string id, CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_get_message_async(
                    Handle, Utf8.Required(id, nameof(id)), Completion.Done, started.Data, out started.Operation),
                StoredMessage, cancellation);
        }

        /// <summary>Reads messages as <see cref="GetMessages(IEnumerable{string})"/> does.</summary>
        /// <param name="ids">The ids. An id that is passed twice is read once.</param>
        /// <param name="cancellation">Ends the read.</param>
        /// <returns>The task, whose result is the page, to be disposed of.</returns>
        public Task<MessagePage> GetMessagesAsync(IEnumerable<string> ids, CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started =>
                {
                    using (var array = new Utf8Array(ids, nameof(ids)))
                        return Native.postbox_get_messages_async(
                            Handle, array.Pointers, array.Count, Completion.Done, started.Data, out started.Operation);
                },
                Page, cancellation);
        }

        /// <summary>Reads messages as the other overload does.</summary>
        /// <param name="ids">The ids.</param>
        /// <returns>The task, whose result is the page, to be disposed of.</returns>
        public Task<MessagePage> GetMessagesAsync(params string[] ids) => GetMessagesAsync((IEnumerable<string>)ids);

        /// <summary>Deletes a message as <see cref="DeleteMessage"/> does.</summary>
        /// <param name="id">The id of the message.</param>
        /// <param name="state">The state in which the message must be.</param>
        /// <param name="cancellation">Ends the wait. The message may or may not be deleted then.</param>
        /// <returns>The task, whose result is whether the message was deleted.</returns>
        public Task<bool> DeleteMessageAsync(string id, MessageState state, CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_delete_message_async(
                    Handle, Utf8.Required(id, nameof(id)), (int)state, Completion.Done, started.Data, out started.Operation),
                Flag, cancellation);
        }

        /// <summary>Reads an item as <see cref="GetItem(string, string)"/> does.</summary>
        /// <param name="table">The table.</param>
        /// <param name="key">The key, as DynamoDB JSON: <c>{"Name": {"S": "Ada"}}</c>.</param>
        /// <param name="cancellation">Ends the read.</param>
        /// <returns>The task, whose result is the item as DynamoDB JSON, or null if the table has no such item.</returns>
        public Task<string?> GetItemAsync(string table, string key, CancellationToken cancellation = default(CancellationToken))
        {
            return AsyncItems.Read(() => Handle, table, key, cancellation);
        }

        /// <summary>Reads an item as <see cref="GetItem(string, Item)"/> does.</summary>
        /// <param name="table">The table.</param>
        /// <param name="key">The key.</param>
        /// <param name="cancellation">Ends the read.</param>
        /// <returns>The task, whose result is the item, or null if the table has no such item.</returns>
        public Task<Item?> GetItemAsync(string table, Item key, CancellationToken cancellation = default(CancellationToken))
        {
            return AsyncItems.Read(() => Handle, table, key, cancellation);
        }

        /// <summary>Counts the outstanding messages as <see cref="CountOutstanding"/> does.</summary>
        /// <param name="topic">The topic, or null for all topics.</param>
        /// <param name="cancellation">Ends the wait.</param>
        /// <returns>The task, whose result is the count and the age.</returns>
        public Task<OutstandingCount> CountOutstandingAsync(string? topic = null, CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_count_outstanding_async(
                    Handle, Utf8.Optional(topic, nameof(topic)), Completion.Done, started.Data, out started.Operation),
                Counted, cancellation);
        }

        /// <summary>Lists stored messages as <see cref="ListMessages"/> does.</summary>
        /// <param name="state">The state of the messages.</param>
        /// <param name="topic">The topic, or null for all topics.</param>
        /// <param name="limit">The maximum number of messages per page.</param>
        /// <param name="cursor">
        /// Null for the first page. For every other page, <see cref="MessagePage.Next"/> of the previous page, which
        /// must have been read with the same state and topic.
        /// </param>
        /// <param name="cancellation">Ends the read.</param>
        /// <returns>The task, whose result is the page, to be disposed of.</returns>
        public Task<MessagePage> ListMessagesAsync(
            MessageState state, string? topic = null, int limit = 100, string? cursor = null, CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_list_messages_async(
                    Handle, (int)state, Utf8.Optional(topic, nameof(topic)), PageLimit(limit), Utf8.Optional(cursor, nameof(cursor)),
                    Completion.Done, started.Data, out started.Operation),
                Page, cancellation);
        }

        /// <summary>Releases a parked message as <see cref="Unpark"/> does.</summary>
        /// <param name="id">The id of the message.</param>
        /// <param name="cancellation">Ends the wait. The message may or may not be released then.</param>
        /// <returns>The task.</returns>
        public Task UnparkAsync(string id, CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_unpark_async(
                    Handle, Utf8.Required(id, nameof(id)), Completion.Done, started.Data, out started.Operation),
                Completion.Nothing, cancellation);
        }

        private Task<Report> ReportAsync(IEnumerable<string> ids, Func<Utf8Array, Completion, IntPtr> start, bool throwOnFailure, CancellationToken cancellation)
        {
            return Completion.Run(
                started =>
                {
                    using (var array = new Utf8Array(ids, nameof(ids)))
                        return start(array, started);
                },
                result => Checked(WholeReport(result), throwOnFailure), cancellation);
        }

        private static Report Checked(Report report, bool throwOnFailure)
        {
            var failure = throwOnFailure ? report.Failure : null;
            if (failure != null)
                throw failure;
            return report;
        }
    }
}
