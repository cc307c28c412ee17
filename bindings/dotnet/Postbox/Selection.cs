using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Postbox
{
    /// <summary>
    /// A selection of stored messages, for <see cref="PostboxClient.SelectMessages"/> and
    /// <see cref="PostboxClient.CountMessages"/>. A new selection contains all messages. The age of a dispatched message is
    /// the time since its dispatch, and that of any other message the time since its creation.
    /// </summary>
    /// <example><code>
    /// var late = new Selection { OlderThan = TimeSpan.FromMinutes(1), WithoutTopics = { "bills" } };
    /// var count = postbox.CountMessages(MessageState.Outstanding, late);
    /// </code></example>
    public sealed class Selection
    {
        /// <summary>The topic of the messages, or null for all topics.</summary>
        public string? Topic { get; set; }

        /// <summary>The topics whose messages are left out, up to 100.</summary>
        public ICollection<string> WithoutTopics { get; } = new List<string>();

        /// <summary>The minimum age, rounded down to whole milliseconds.</summary>
        public TimeSpan? OlderThan { get; set; }

        /// <summary>The maximum age, rounded down to whole milliseconds.</summary>
        public TimeSpan? YoungerThan { get; set; }

        /// <summary>
        /// The maximum number of messages, at least 1. It is 100 per page of a list unless it is set. A count has no maximum
        /// unless it is set, and ends when it reaches the maximum.
        /// </summary>
        public int? Limit { get; set; }

        /// <summary>
        /// Null for the first page of a list. For every other page, <see cref="MessagePage.Next"/> of the previous page,
        /// which must have been read with the same state and topic.
        /// </summary>
        public string? Cursor { get; set; }

        /// <summary>Returns the parts that are set: "topic orders, older than 00:01:00".</summary>
        /// <returns>The text, or "all messages".</returns>
        public override string ToString()
        {
            var parts = new[]
            {
                Topic == null ? null : "topic " + Topic,
                WithoutTopics.Count == 0 ? null : "without topics " + string.Join(", ", WithoutTopics),
                OlderThan == null ? null : FormattableString.Invariant($"older than {OlderThan:c}"),
                YoungerThan == null ? null : FormattableString.Invariant($"younger than {YoungerThan:c}"),
                Limit == null ? null : "limit " + Text.Number(Limit.Value),
                Cursor == null ? null : "from a cursor",
            };
            return parts.All(part => part == null) ? "all messages" : string.Join(", ", parts.Where(part => part != null));
        }

        internal Selection Copy()
        {
            var copy = new Selection { Topic = Topic, OlderThan = OlderThan, YoungerThan = YoungerThan, Limit = Limit, Cursor = Cursor };
            foreach (var topic in WithoutTopics)
                copy.WithoutTopics.Add(topic);
            return copy;
        }

        /// <summary>Returns the selection as the library takes it.</summary>
        internal SelectionHandle ToNative()
        {
            var handle = new SelectionHandle(Native.postbox_selection_new());
            try
            {
                Set(handle, "topic", Topic);
                foreach (var topic in WithoutTopics)
                    Set(handle, "without_topic", topic ?? throw new ArgumentException("a topic to leave out is null", nameof(WithoutTopics)));
                Set(handle, "older_than_ms", Milliseconds(OlderThan, nameof(OlderThan)));
                Set(handle, "younger_than_ms", Milliseconds(YoungerThan, nameof(YoungerThan)));
                if (Limit < 1)
                    throw new ArgumentOutOfRangeException(nameof(Limit), Limit, "the limit of a selection is at least 1");
                Set(handle, "limit", Limit?.ToString(CultureInfo.InvariantCulture));
                Set(handle, "cursor", Cursor);
                return handle;
            }
            catch
            {
                handle.Dispose();
                throw;
            }
        }

        private static string? Milliseconds(TimeSpan? age, string name)
        {
            if (age < TimeSpan.Zero)
                throw new ArgumentOutOfRangeException(name, age, "an age is not negative");
            return (age?.Ticks / TimeSpan.TicksPerMillisecond)?.ToString(CultureInfo.InvariantCulture);
        }

        private static void Set(SelectionHandle handle, string name, string? value)
        {
            if (value != null)
                Errors.Check(Native.postbox_selection_set(handle, Utf8.Required(name, nameof(name)), Utf8.Required(value, name)));
        }
    }
}
