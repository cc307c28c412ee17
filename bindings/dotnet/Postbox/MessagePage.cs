using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;

namespace Postbox
{
    /// <summary>A page of stored messages, from <see cref="PostboxClient.ListMessages"/> or <see cref="PostboxClient.GetMessages(IEnumerable{string})"/>.</summary>
    public sealed class MessagePage : IReadOnlyList<OutboxMessage>, IDisposable
    {
        // Null for a page that a test has created.
        private readonly PageHandle? handle;
        private readonly OutboxMessage[] messages;

        /// <summary>Creates a page, for tests.</summary>
        /// <param name="messages">The messages, which belong to the page.</param>
        /// <param name="next">The cursor of the next page, or null.</param>
        /// <param name="malformed">The messages that could not be read, or null if there are none.</param>
        /// <param name="missing">The ids that the outbox does not have, or null if there are none.</param>
        public MessagePage(
            IEnumerable<OutboxMessage> messages, string? next = null, IReadOnlyList<MalformedMessage>? malformed = null, IReadOnlyList<string>? missing = null)
        {
            this.messages = (messages ?? throw new ArgumentNullException(nameof(messages))).ToArray();
            Next = next;
            Malformed = malformed ?? Array.Empty<MalformedMessage>();
            Missing = missing ?? Array.Empty<string>();
        }

        internal MessagePage(PageHandle handle)
        {
            this.handle = handle;
            messages = new OutboxMessage[(int)Native.postbox_page_count(handle)];
            for (var i = 0; i < messages.Length; i++)
                messages[i] = new OutboxMessage(new PageMessageHandle(handle, i));
            handle.Weigh(messages.Sum(message => message.Handle.BodyLength));
            Malformed = ReadMalformed(handle);
            Missing = ReadMissing(handle);
            using (handle.Using())
                Next = Utf8.ReadOptional(Native.postbox_page_next(handle));
        }

        /// <summary>The number of messages in the page. A page that is not the last page can be empty.</summary>
        public int Count => messages.Length;

        /// <summary>The messages that could not be read.</summary>
        public IReadOnlyList<MalformedMessage> Malformed { get; }

        /// <summary>The ids that the outbox does not have, for a page of <see cref="PostboxClient.GetMessages(IEnumerable{string})"/>.</summary>
        public IReadOnlyList<string> Missing { get; }

        /// <summary>
        /// The cursor of the next page, for <see cref="PostboxClient.ListMessages"/> in this or another process. Null
        /// after the last page.
        /// </summary>
        public string? Next { get; }

        /// <summary>A message in the page.</summary>
        /// <param name="index">The index of the message. The first index is 0.</param>
        public OutboxMessage this[int index] => messages[index];

        /// <summary>Returns an enumerator of the messages.</summary>
        /// <returns>The enumerator.</returns>
        public IEnumerator<OutboxMessage> GetEnumerator() => ((IEnumerable<OutboxMessage>)messages).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        /// <summary>Returns the number of messages, and whether there are more: "100 messages, more follow".</summary>
        /// <returns>The text.</returns>
        public override string ToString()
        {
            return Text.Plural(Count, "message") + (Malformed.Count == 0 ? "" : ", " + Malformed.Count + " malformed")
                + (Missing.Count == 0 ? "" : ", " + Missing.Count + " missing") + (Next == null ? "" : ", more follow");
        }

        /// <summary>Frees the page and its messages. Disposing twice is harmless.</summary>
        public void Dispose()
        {
            foreach (var message in messages)
                message.Dispose();
            handle?.Dispose();
        }

        private static IReadOnlyList<string> ReadMissing(PageHandle handle)
        {
            using (handle.Using())
            {
                var missing = new string[(int)Native.postbox_page_missing_count(handle)];
                for (var i = 0; i < missing.Length; i++)
                    missing[i] = Utf8.Read(Native.postbox_page_missing(handle, (UIntPtr)i));
                return missing;
            }
        }

        private static IReadOnlyList<MalformedMessage> ReadMalformed(PageHandle handle)
        {
            using (handle.Using())
            {
                var malformed = new MalformedMessage[(int)Native.postbox_page_malformed_count(handle)];
                for (var i = 0; i < malformed.Length; i++)
                {
                    IntPtr reason;
                    var id = Native.postbox_page_malformed(handle, (UIntPtr)i, out reason);
                    malformed[i] = new MalformedMessage(Utf8.Read(id), Utf8.Read(reason));
                }
                return malformed;
            }
        }
    }

    /// <summary>A message that could not be read.</summary>
    public sealed class MalformedMessage
    {
        /// <summary>Creates a message that could not be read, for tests.</summary>
        /// <param name="id">The id of the message.</param>
        /// <param name="reason">The reason for which the item cannot be read.</param>
        public MalformedMessage(string id, string reason)
        {
            Id = id ?? throw new ArgumentNullException(nameof(id));
            Reason = reason ?? throw new ArgumentNullException(nameof(reason));
        }

        /// <summary>The id of the message.</summary>
        public string Id { get; }

        /// <summary>The reason for which the item cannot be read.</summary>
        public string Reason { get; }

        /// <summary>Returns the id and the reason in one line.</summary>
        /// <returns>The line.</returns>
        public override string ToString() => Id + ": " + Reason;
    }
}
