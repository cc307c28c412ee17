using System;

namespace Postbox
{
    /// <summary>
    /// The log messages of all clients of the process, to a delegate of yours:
    /// <c>PostboxLog.Set(PostboxLogLevel.Info, (level, text) => logger.Log(Map(level), text))</c> attaches an <c>ILogger</c>.
    /// </summary>
    public static class PostboxLog
    {
        /// <summary>
        /// Sends log messages up to <paramref name="level"/> to <paramref name="receiver"/>, in place of an earlier one. It is called by whatever thread has something to say, by
        /// several at once, should return soon, and may not use Postbox. What it throws is lost.
        /// </summary>
        /// <param name="level">The least important level that it gets.</param>
        /// <param name="receiver">Gets the level and a line of text, without secrets and message bodies.</param>
        public static void Set(PostboxLogLevel level, Action<PostboxLogLevel, string> receiver)
        {
            if (receiver == null)
                throw new ArgumentNullException(nameof(receiver));
            PostboxLibrary.Check();
            Callbacks.Give(receiver, data => Native.postbox_set_log_callback((int)level, Callbacks.Log, data, Callbacks.Release));
        }

        /// <summary>Sends no log messages any more.</summary>
        public static void Off()
        {
            PostboxLibrary.Check();
            Errors.Check(Native.postbox_set_log_callback(0, null, IntPtr.Zero, null));
        }
    }
}
