using Microsoft.Extensions.Logging;

namespace Postbox.Extensions.Hosting
{
    /// <summary>Passes the log messages of a client to a logger of the host.</summary>
    internal static class ClientLog
    {
        private const string Category = "Postbox";

        /// <summary>Returns the category of a client: "Postbox", or "Postbox.NAME".</summary>
        internal static string CategoryOf(string name) => name.Length == 0 ? Category : Category + "." + name;

        /// <summary>
        /// Sends the log messages of the clients that the configuration opens to the logger. The library only writes messages
        /// of the levels that the logger has now, because writing the other ones would be in vain for most programs.
        /// </summary>
        internal static void Attach(PostboxConfig config, ILogger logger)
        {
            for (var level = PostboxLogLevel.Trace; level >= PostboxLogLevel.Error; level--)
                if (logger.IsEnabled(LevelOf(level)))
                {
                    config.SetLog(level, (of, text) => logger.Log(LevelOf(of), 0, text, null, (line, _) => line));
                    return;
                }
            // Without a receiver of its own, the client would log to the one of the process.
            config.SetLog(PostboxLogLevel.Error, (of, text) => { });
        }

        private static LogLevel LevelOf(PostboxLogLevel level)
        {
            switch (level)
            {
                case PostboxLogLevel.Error:
                    return LogLevel.Error;
                case PostboxLogLevel.Warn:
                    return LogLevel.Warning;
                case PostboxLogLevel.Info:
                    return LogLevel.Information;
                case PostboxLogLevel.Debug:
                    return LogLevel.Debug;
                default:
                    return LogLevel.Trace;
            }
        }
    }
}
