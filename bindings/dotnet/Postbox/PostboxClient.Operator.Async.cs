using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    public sealed partial class PostboxClient
    {
        private static readonly Func<IntPtr, long> Number = result => (long)Native.postbox_result_number(result);
        private static readonly Func<IntPtr, string> TakenText = result => Utf8.Take(Native.postbox_result_take_text(result));

        /// <summary>Lists messages as <see cref="SelectMessages"/> does.</summary>
        /// <param name="state">The state of the messages.</param>
        /// <param name="selection">The selection, or null for all messages. It is copied before this method returns.</param>
        /// <param name="cancellation">Ends the wait.</param>
        /// <returns>The task, whose result is the page, to be disposed of.</returns>
        public Task<MessagePage> SelectMessagesAsync(MessageState state, Selection? selection = null, CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started =>
                {
                    using (var native = (selection ?? new Selection()).ToNative())
                        return Native.postbox_select_messages_async(
                            Handle, (int)state, native, Completion.Done, started.Data, out started.Operation);
                },
                Page, cancellation);
        }

        /// <summary>Counts messages as <see cref="CountMessages"/> does.</summary>
        /// <param name="state">The state of the messages.</param>
        /// <param name="selection">The selection, or null for all messages. It is copied before this method returns.</param>
        /// <param name="cancellation">Ends the wait.</param>
        /// <returns>The task, whose result is the number of messages.</returns>
        public Task<long> CountMessagesAsync(MessageState state, Selection? selection = null, CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started =>
                {
                    using (var native = (selection ?? new Selection()).ToNative())
                        return Native.postbox_count_messages_async(
                            Handle, (int)state, native, Completion.Done, started.Data, out started.Operation);
                },
                Number, cancellation);
        }

        /// <summary>Counts the messages of each topic as <see cref="GetTopicCounts"/> does.</summary>
        /// <param name="allStates">
        /// Whether dispatched and parked messages are counted too, for which the whole table is read.
        /// </param>
        /// <param name="cancellation">Ends the wait.</param>
        /// <returns>The task, whose result are the counts, sorted by topic.</returns>
        public Task<IReadOnlyList<TopicCount>> GetTopicCountsAsync(bool allStates = false, CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_topic_counts_async(Handle, allStates, Completion.Done, started.Data, out started.Operation),
                result => Listed(result, "topics", map => new TopicCount(map)), cancellation);
        }

        /// <summary>
        /// Counts the messages of a topic that were dispatched within a time, as <see cref="CountDispatchedBetween"/> does.
        /// </summary>
        /// <param name="topic">The topic.</param>
        /// <param name="from">The start of the time, which belongs to it.</param>
        /// <param name="to">The end of the time, which does not belong to it.</param>
        /// <param name="cancellation">Ends the wait.</param>
        /// <returns>The task, whose result is the number of messages.</returns>
        public Task<long> CountDispatchedBetweenAsync(string topic, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_dispatched_between_async(
                    Handle, Utf8.Required(topic, nameof(topic)), from.UtcTicks, to.UtcTicks, Completion.Done, started.Data, out started.Operation),
                Number, cancellation);
        }

        /// <summary>Reads the leases as <see cref="GetLeases"/> does.</summary>
        /// <param name="cancellation">Ends the wait.</param>
        /// <returns>The task, whose result are the leases.</returns>
        public Task<IReadOnlyList<LeaseInfo>> GetLeasesAsync(CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_leases_async(Handle, Completion.Done, started.Data, out started.Operation),
                result => Listed(result, "leases", map => new LeaseInfo(map)), cancellation);
        }

        /// <summary>Reads the processes that sweep as <see cref="GetSweepers"/> does.</summary>
        /// <param name="cancellation">Ends the wait.</param>
        /// <returns>The task, whose result are the processes.</returns>
        public Task<IReadOnlyList<SweeperInfo>> GetSweepersAsync(CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_sweepers_async(Handle, Completion.Done, started.Data, out started.Operation),
                result => Listed(result, "sweepers", map => new SweeperInfo(map)), cancellation);
        }

        /// <summary>Describes where the outbox table is, as <see cref="GetLocation"/> does.</summary>
        /// <param name="cancellation">Ends the wait.</param>
        /// <returns>The task, whose result is the description.</returns>
        public Task<string> GetLocationAsync(CancellationToken cancellation = default(CancellationToken))
        {
            return Completion.Run(
                started => Native.postbox_location_async(Handle, Completion.Done, started.Data, out started.Operation), TakenText, cancellation);
        }

        private static IReadOnlyList<T> Listed<T>(IntPtr result, string name, Func<Item, T> read)
        {
            return Maps(Native.postbox_result_take_item(result), name).Select(read).ToList();
        }
    }
}
