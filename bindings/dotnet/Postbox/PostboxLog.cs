using System;
using System.ComponentModel;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// Passes the log messages of the process to your delegate: <c>PostboxLog.Set(PostboxLogLevel.Info,
    /// (level, text) => logger.Log(Map(level), text))</c> attaches an <c>ILogger</c>. This receiver gets the messages of all
    /// clients that have no receiver of their own. If a process contains several hosts, each with its own clients, use
    /// <see cref="PostboxConfig.SetLog(PostboxLogLevel, Action{PostboxLogLevel, string})"/> instead.
    /// </summary>
    public static class PostboxLog
    {
        // The lines of this assembly, which the library does not log.
        private static volatile LogReceiver? current;

        /// <summary>
        /// Sends log messages up to <paramref name="level"/> to <paramref name="receiver"/>, and replaces an earlier
        /// receiver. The receiver runs on the thread that logs the message. Several threads may call the receiver at
        /// the same time. It should return quickly. Exceptions in the receiver are ignored.
        /// </summary>
        /// <remarks>
        /// The receiver must not call Postbox. Such a call fails with <see cref="PostboxErrorCode.ReentrantCall"/>. The
        /// receiver is not called for a message that is logged while it runs on the same thread.
        /// </remarks>
        /// <param name="level">The least severe level that is sent to the receiver.</param>
        /// <param name="receiver">
        /// Receives the level and a line of text, which contains no secrets and no message bodies.
        /// </param>
        /// <exception cref="ArgumentException">The receiver is an <c>async void</c> method.</exception>
        public static void Set(PostboxLogLevel level, Action<PostboxLogLevel, string> receiver)
        {
            Callbacks.Observable(receiver, nameof(receiver));
            PostboxLibrary.Check();
            Callbacks.Give(receiver, data => Native.postbox_set_log_callback((int)level, Callbacks.Log, data, Callbacks.Release));
            current = new LogReceiver(level, receiver);
            OpenClients.SetLog(true);
        }

        /// <summary>
        /// Does not compile. Postbox waits for the receiver, which therefore cannot be asynchronous.
        /// </summary>
        /// <param name="level">The level.</param>
        /// <param name="receiver">The receiver.</param>
        [Obsolete("A log receiver cannot be asynchronous: write the text to a queue, and read the queue elsewhere.", true)]
        [EditorBrowsable(EditorBrowsableState.Never)]
        public static void Set(PostboxLogLevel level, Func<PostboxLogLevel, string, Task> receiver) => throw new NotSupportedException();

        /// <summary>Stops sending log messages.</summary>
        public static void Off()
        {
            PostboxLibrary.Check();
            current = null;
            Errors.Check(Native.postbox_set_log_callback(0, null, IntPtr.Zero, null));
            OpenClients.SetLog(false);
        }

        /// <summary>Passes a line of this assembly to the receiver, if there is one.</summary>
        internal static void Write(PostboxLogLevel level, string text) => current?.Write(level, text);
    }

    /// <summary>A log receiver, and the least severe level that it gets.</summary>
    internal sealed class LogReceiver
    {
        private readonly PostboxLogLevel least;
        private readonly Action<PostboxLogLevel, string> receiver;

        internal LogReceiver(PostboxLogLevel least, Action<PostboxLogLevel, string> receiver)
        {
            this.least = least;
            this.receiver = receiver;
        }

        internal void Write(PostboxLogLevel level, string text)
        {
            if (level <= least)
                Callbacks.Tell(() => receiver(level, text));
        }
    }
}
