using System;
using System.Collections;
using System.Collections.Generic;

namespace Postbox
{
    /// <summary>A page of stored messages, from <see cref="PostboxClient.List"/>..</summary>
    public sealed class MessagePage : IReadOnlyList<Message>, IDisposable
    {
        private readonly PageHandle handle;
        private readonly Message[] messages;

        internal MessagePage(PageHandle handle)
        {
            this.handle = handle;
            messages = new Message[(int)Native.postbox_page_count(handle)];
            for (var i = 0; i < messages.Length; i++)
                messages[i] = new Message(new PageMessageHandle(handle, i));
            Unreadable = ReadUnreadable();
            using (handle.Using())
                Next = Utf8.Read(Native.postbox_page_next(handle));
        }

        /// <summary>How many messages the page has. It may be none, and the page not the last.</summary>
        public int Count => messages.Length;

        /// <summary>The messages that could not be read.</summary>
        public IReadOnlyList<UnreadableMessage> Unreadable { get; }

        /// <summary>Where the next page begins, to keep or to give to <see cref="PostboxClient.List"/>, in another process too; null after the last one.</summary>
        public string Next { get; }

        /// <summary>A message of the page.</summary>
        /// <param name="index">Which, from 0.</param>
        public Message this[int index] => messages[index];

        /// <summary>Goes through the messages.</summary>
        /// <returns>The enumerator.</returns>
        public IEnumerator<Message> GetEnumerator() => ((IEnumerable<Message>)messages).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        /// <summary>Frees the page with its messages. Doing it twice is harmless.</summary>
        public void Dispose()
        {
            foreach (var message in messages)
                message.Dispose();
            handle.Dispose();
        }

        private IReadOnlyList<UnreadableMessage> ReadUnreadable()
        {
            using (handle.Using())
            {
                var unreadable = new UnreadableMessage[(int)Native.postbox_page_unreadable_count(handle)];
                for (var i = 0; i < unreadable.Length; i++)
                {
                    IntPtr why;
                    var id = Native.postbox_page_unreadable(handle, (UIntPtr)i, out why);
                    unreadable[i] = new UnreadableMessage(Utf8.Read(id), Utf8.Read(why));
                }
                return unreadable;
            }
        }
    }

    /// <summary>A message that could not be read.</summary>
    public sealed class UnreadableMessage
    {
        internal UnreadableMessage(string id, string why)
        {
            Id = id;
            Why = why;
        }

        /// <summary>Its id.</summary>
        public string Id { get; }

        /// <summary>What is wrong with its item.</summary>
        public string Why { get; }
    }
}
