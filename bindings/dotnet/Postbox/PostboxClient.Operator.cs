using System;
using System.Collections.Generic;
using System.Linq;

namespace Postbox
{
    public sealed partial class PostboxClient
    {
        /// <summary>
        /// Lists the stored messages in a state that match a selection, page by page. With a topic, only messages of this
        /// topic and of the selected ages are read. Without a topic, the messages that the ages or topics leave out are read
        /// too. Parked messages are found by reading the whole table.
        /// </summary>
        /// <param name="state">The state of the messages.</param>
        /// <param name="selection">The selection, or null for all messages.</param>
        /// <returns>
        /// The page, to be disposed of. It may have fewer messages than the limit, or none. Only
        /// <see cref="MessagePage.Next"/> shows whether it is the last page.
        /// </returns>
        /// <exception cref="PostboxException">
        /// <see cref="PostboxErrorCode.InvalidArgument"/>: no message can match the selection, or the cursor does not belong
        /// to this list.
        /// </exception>
        /// <exception cref="ArgumentOutOfRangeException">The limit is less than 1, or an age is negative.</exception>
        public MessagePage SelectMessages(MessageState state, Selection? selection = null)
        {
            IntPtr page;
            using (var native = (selection ?? new Selection()).ToNative())
                Errors.Check(Native.postbox_select_messages(Handle, (int)state, native, out page));
            return new MessagePage(new PageHandle(page));
        }

        /// <summary>
        /// Counts the stored messages in a state that match a selection. The count ends when it reaches the limit of the
        /// selection. It reads the same parts of the table as <see cref="SelectMessages"/>.
        /// </summary>
        /// <param name="state">The state of the messages.</param>
        /// <param name="selection">The selection, or null for all messages.</param>
        /// <returns>The number of messages.</returns>
        /// <exception cref="PostboxException">
        /// <see cref="PostboxErrorCode.InvalidArgument"/>: no message can match the selection, or it has a cursor.
        /// </exception>
        /// <exception cref="ArgumentOutOfRangeException">The limit is less than 1, or an age is negative.</exception>
        public long CountMessages(MessageState state, Selection? selection = null)
        {
            ulong count;
            using (var native = (selection ?? new Selection()).ToNative())
                Errors.Check(Native.postbox_count_messages(Handle, (int)state, native, out count));
            return (long)count;
        }

        /// <summary>Counts the messages of each topic.</summary>
        /// <param name="allStates">
        /// Whether dispatched and parked messages are counted too, for which the whole table is read.
        /// </param>
        /// <returns>The counts, sorted by topic.</returns>
        public IReadOnlyList<TopicCount> GetTopicCounts(bool allStates = false)
        {
            IntPtr counts;
            Errors.Check(Native.postbox_topic_counts(Handle, allStates, out counts));
            return Maps(counts, "topics").Select(map => new TopicCount(map)).ToList();
        }

        /// <summary>Counts the messages of a topic that were dispatched within a time.</summary>
        /// <param name="topic">The topic.</param>
        /// <param name="from">The start of the time, which belongs to it.</param>
        /// <param name="to">The end of the time, which does not belong to it.</param>
        /// <returns>The number of messages, from an index that DynamoDB updates a moment after the table.</returns>
        public long CountDispatchedBetween(string topic, DateTimeOffset from, DateTimeOffset to)
        {
            ulong count;
            Errors.Check(Native.postbox_dispatched_between(Handle, Utf8.Required(topic, nameof(topic)), from.UtcTicks, to.UtcTicks, out count));
            return (long)count;
        }

        /// <summary>
        /// Returns the leases of the sweepers and archivers of this outbox, including expired leases, sorted by resource.
        /// </summary>
        /// <returns>The leases.</returns>
        public IReadOnlyList<LeaseInfo> GetLeases()
        {
            IntPtr leases;
            Errors.Check(Native.postbox_leases(Handle, out leases));
            return Maps(leases, "leases").Select(map => new LeaseInfo(map)).ToList();
        }

        /// <summary>
        /// Returns the processes that have swept this outbox within the last day, the latest first. Brighter's sweepers are
        /// not in the list.
        /// </summary>
        /// <returns>The processes.</returns>
        public IReadOnlyList<SweeperInfo> GetSweepers()
        {
            IntPtr sweepers;
            Errors.Check(Native.postbox_sweepers(Handle, out sweepers));
            return Maps(sweepers, "sweepers").Select(map => new SweeperInfo(map)).ToList();
        }

        /// <summary>
        /// Describes where the outbox table is, for prompts and logs: with its account and region, its endpoint, or the file
        /// of the embedded database.
        /// </summary>
        /// <returns>The description.</returns>
        public string GetLocation()
        {
            IntPtr location;
            Errors.Check(Native.postbox_location(Handle, out location));
            return Utf8.Take(location);
        }

        private static IEnumerable<Item> Maps(IntPtr item, string name) => ItemReader.Take(item).Get<List<object?>>(name)!.Cast<Item>();
    }
}
