using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    public sealed partial class PostboxConfig
    {
        private CredentialSource? credentials;
        private PostboxLogLevel logLevel;
        private Action<PostboxLogLevel, string>? log;

        /// <summary>
        /// Sets a source of credentials, in place of the settings "access_key_id", "secret_access_key" and "session_token", and of
        /// the default chain of AWS. <see cref="Open"/> waits for the first credentials. As long as a client is open, the source
        /// is asked again at intervals, and the client uses new credentials from its next request on.
        /// </summary>
        /// <remarks>
        /// The source runs on the thread pool, for one client at a time and for several clients in parallel. It should return
        /// credentials that are valid for longer than the interval, and may return the same credentials again. If it fails while a
        /// client is open, or takes longer than two minutes, the client continues with its credentials, and the receiver of
        /// <see cref="SetLog(PostboxLogLevel, Action{PostboxLogLevel, string})"/> gets a warning.
        /// </remarks>
        /// <param name="source">Returns credentials. Its token is cancelled when the client is closed, and after two minutes.</param>
        /// <param name="interval">The time between two calls of the source, more than zero. One minute unless given.</param>
        /// <returns>This configuration.</returns>
        public PostboxConfig SetCredentials(Func<CancellationToken, ValueTask<PostboxCredentials>> source, TimeSpan? interval = null)
        {
            if (source == null)
                throw new ArgumentNullException(nameof(source));
            var between = interval ?? TimeSpan.FromMinutes(1);
            if (between <= TimeSpan.Zero || between.TotalMilliseconds > int.MaxValue)
                throw new ArgumentOutOfRangeException(nameof(interval), interval, "the interval is not between 0 and 24 days");
            credentials = new CredentialSource(source, between);
            return this;
        }

        private void BeginRenewal(ClientHandle client, PostboxCredentials? current)
        {
            if (credentials == null || current == null)
                return;
            try
            {
                client.SetCredentials(current);
            }
            catch
            {
                client.CloseAndFree();
                throw;
            }
            var (level, receiver) = (logLevel, log);
            client.Renewal = new CredentialRenewal(credentials, current, client, (severity, text) =>
            {
                if (severity <= level)
                    receiver?.Invoke(severity, text);
            });
            client.Renewal.Start();
        }
    }
}
