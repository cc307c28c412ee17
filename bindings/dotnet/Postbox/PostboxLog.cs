using System;

namespace Postbox
{
    /// <summary>
    /// Passes the log messages of all clients of the process to your delegate: <c>PostboxLog.Set(PostboxLogLevel.Info,
    /// (level, text) => logger.Log(Map(level), text))</c> attaches an <c>ILogger</c>.
    /// </summary>
    public static class PostboxLog
    {
        /// <summary>
        /// Sends log messages up to <paramref name="level"/> to <paramref name="receiver"/>, and replaces an earlier
        /// receiver. The receiver runs on the thread that logs the message. Several threads may call the receiver at
        /// the same time. It should return quickly, and must not call Postbox. Exceptions in the receiver are ignored.
        /// </summary>
        /// <param name="level">The least severe level that is sent to the receiver.</param>
        /// <param name="receiver">
        /// Receives the level and a line of text, which contains no secrets and no message bodies.
        /// </param>
        public static void Set(PostboxLogLevel level, Action<PostboxLogLevel, string> receiver)
        {
            if (receiver == null)
                throw new ArgumentNullException(nameof(receiver));
            PostboxLibrary.Check();
            Callbacks.Give(receiver, data => Native.postbox_set_log_callback((int)level, Callbacks.Log, data, Callbacks.Release));
        }

        /// <summary>Stops sending log messages.</summary>
        public static void Off()
        {
            PostboxLibrary.Check();
            Errors.Check(Native.postbox_set_log_callback(0, null, IntPtr.Zero, null));
        }
    }
}
