using System;
using System.Collections.Generic;

namespace Postbox
{
    public sealed partial class PostboxClient
    {
        /// <summary>
        /// Reads the messages with these ids from the outbox, with consistent reads of up to 100 messages per request.
        /// </summary>
        /// <param name="ids">The ids. An id that is passed twice is read once.</param>
        /// <returns>
        /// The messages, in the order of the ids. <see cref="MessagePage.Missing"/> has the ids that the outbox does not
        /// have, and <see cref="MessagePage.Malformed"/> the messages that cannot be read. The page is to be disposed of.
        /// </returns>
        public MessagePage GetMessages(IEnumerable<string> ids)
        {
            IntPtr page;
            using (var array = new Utf8Array(ids, nameof(ids)))
                Errors.Check(Native.postbox_get_messages(Handle, array.Pointers, array.Count, out page));
            return new MessagePage(new PageHandle(page));
        }

        /// <summary>Reads messages as the other overload does.</summary>
        /// <param name="ids">The ids. An id that is passed twice is read once.</param>
        /// <returns>The page, to be disposed of.</returns>
        public MessagePage GetMessages(params string[] ids) => GetMessages((IEnumerable<string>)ids);

        /// <summary>
        /// Marks messages as <see cref="MarkDispatched(string[])"/> does, with this dispatch time instead of the current
        /// time.
        /// </summary>
        /// <param name="ids">The ids.</param>
        /// <param name="time">
        /// The time at which the messages were sent, which is kept to 100 ns. The settings "dispatched_ttl_seconds" and
        /// "archive_min_age_ms" count from it.
        /// </param>
        /// <exception cref="PostboxException">
        /// <see cref="PostboxErrorCode.InvalidArgument"/>: the time is <see cref="DateTimeOffset.MinValue"/>.
        /// <see cref="PostboxErrorCode.ClearIncomplete"/>, with a reason for each message that could not be marked.
        /// </exception>
        public void MarkDispatchedAt(IEnumerable<string> ids, DateTimeOffset time)
        {
            using (var array = new Utf8Array(ids, nameof(ids)))
                Errors.Check(Native.postbox_mark_dispatched_at(Handle, array.Pointers, array.Count, time.UtcTicks, IntPtr.Zero));
        }

        /// <summary>Marks messages as the other overload does.</summary>
        /// <param name="time">The time at which the messages were sent.</param>
        /// <param name="ids">The ids.</param>
        public void MarkDispatchedAt(DateTimeOffset time, params string[] ids) => MarkDispatchedAt(ids, time);

        /// <summary>Marks messages as the other overload does, and reports the outcome of each message.</summary>
        /// <param name="ids">The ids.</param>
        /// <param name="time">The time at which the messages were sent.</param>
        /// <param name="report">
        /// The outcome of each message. A message that could not be marked does not cause an exception here.
        /// </param>
        public void MarkDispatchedAt(IEnumerable<string> ids, DateTimeOffset time, out Report report)
        {
            using (var array = new Utf8Array(ids, nameof(ids)))
            {
                IntPtr pointer;
                Errors.Check(Native.postbox_mark_dispatched_at(Handle, array.Pointers, array.Count, time.UtcTicks, out pointer));
                report = Report.Take(pointer);
            }
        }

        /// <summary>
        /// Deletes a message if it is in this state. An outstanding message that is deleted is never sent.
        /// </summary>
        /// <param name="id">The id of the message.</param>
        /// <param name="state">The state in which the message must be.</param>
        /// <returns>
        /// Whether the message was deleted. False if the outbox has no such message, or if the message is in another
        /// state.
        /// </returns>
        public bool DeleteMessage(string id, MessageState state)
        {
            byte deleted;
            Errors.Check(Native.postbox_delete_message(Handle, Utf8.Required(id, nameof(id)), (int)state, out deleted));
            return deleted != 0;
        }
    }
}
