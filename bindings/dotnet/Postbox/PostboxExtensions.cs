using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>Enumerations of stored messages, which read a page when it is needed.</summary>
    public static class PostboxExtensions
    {
        /// <summary>
        /// Enumerates the stored messages in a state that match a selection, as <see cref="PostboxClient.SelectMessages"/> lists
        /// them. The next page is read when all messages of a page were enumerated. Messages that cannot be read are left out;
        /// <see cref="EnumeratePagesAsync"/> has them.
        /// </summary>
        /// <param name="postbox">The Postbox.</param>
        /// <param name="state">The state of the messages.</param>
        /// <param name="selection">
        /// The selection, or null for all messages. It is copied before this method returns. Its limit is the maximum number of
        /// messages per page, not of all messages, and its cursor is where the enumeration starts.
        /// </param>
        /// <param name="cancellation">Ends the enumeration with an <see cref="OperationCanceledException"/>.</param>
        /// <returns>
        /// The messages. A message is valid until the next message is requested or the enumeration ends, and is then disposed
        /// of: copy what is needed later. Every enumeration reads the messages again.
        /// </returns>
        /// <example><code>
        /// await foreach (var message in postbox.EnumerateMessagesAsync(MessageState.Parked))
        ///     Console.WriteLine(message.Id + ": " + message.LastError);
        /// </code></example>
        public static IAsyncEnumerable<OutboxMessage> EnumerateMessagesAsync(
            this IPostbox postbox, MessageState state, Selection? selection = null, CancellationToken cancellation = default(CancellationToken))
        {
            return Messages(postbox ?? throw new ArgumentNullException(nameof(postbox)), state, CopyOf(selection), cancellation);
        }

        /// <summary>
        /// Enumerates the pages of the stored messages in a state that match a selection, as
        /// <see cref="PostboxClient.SelectMessages"/> lists them.
        /// </summary>
        /// <param name="postbox">The Postbox.</param>
        /// <param name="state">The state of the messages.</param>
        /// <param name="selection">See <see cref="EnumerateMessagesAsync"/>.</param>
        /// <param name="cancellation">Ends the enumeration with an <see cref="OperationCanceledException"/>.</param>
        /// <returns>
        /// The pages, which can be empty. A page and its messages are valid until the next page is requested or the enumeration
        /// ends, and are then disposed of.
        /// </returns>
        public static IAsyncEnumerable<MessagePage> EnumeratePagesAsync(
            this IPostbox postbox, MessageState state, Selection? selection = null, CancellationToken cancellation = default(CancellationToken))
        {
            return Pages(postbox ?? throw new ArgumentNullException(nameof(postbox)), state, CopyOf(selection), cancellation);
        }

        private static Selection CopyOf(Selection? selection) => (selection ?? new Selection()).Copy();

        private static async IAsyncEnumerable<OutboxMessage> Messages(
            IPostbox postbox, MessageState state, Selection first, [EnumeratorCancellation] CancellationToken cancellation)
        {
            await foreach (var page in Pages(postbox, state, first, cancellation).ConfigureAwait(false))
                foreach (var message in page)
                    using (message)
                    {
                        yield return message;
                        cancellation.ThrowIfCancellationRequested();
                    }
        }

        private static async IAsyncEnumerable<MessagePage> Pages(
            IPostbox postbox, MessageState state, Selection first, [EnumeratorCancellation] CancellationToken cancellation)
        {
            // Every enumeration starts at the first page.
            var next = first.Copy();
            do
            {
                using (var page = await postbox.SelectMessagesAsync(state, next, cancellation).ConfigureAwait(false))
                {
                    yield return page;
                    next.Cursor = page.Next;
                }
            }
            while (next.Cursor != null);
        }
    }
}
