using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    public sealed partial class PostboxConfig
    {
        private CredentialSource? credentials;
        private LogReceiver? log;

        /// <summary>
        /// Sets a source of credentials, in place of the settings "access_key_id", "secret_access_key" and "session_token", and of
        /// the default chain of AWS. <see cref="Open"/> and <see cref="OpenAsync"/> wait for the first credentials. As long as a
        /// client is open, the source is asked again at intervals, and the client uses new credentials from its next request on.
        /// </summary>
        /// <remarks>
        /// The source runs on the thread pool, for one client at a time and for several clients in parallel. It should return
        /// credentials that are valid for longer than the interval, and may return the same credentials again. If they have an
        /// <see cref="PostboxCredentials.Expiration"/>, the source is asked at the latest after half of the time that remains until
        /// then, but not more than once per second. If it fails while a client is open, or takes longer than two minutes, the client
        /// continues with its credentials, and the receiver of <see cref="SetLog(PostboxLogLevel, Action{PostboxLogLevel, string})"/>,
        /// or otherwise that of <see cref="PostboxLog"/>, gets a warning.
        /// </remarks>
        /// <param name="source">Returns credentials. Its token is cancelled when the client is closed, when its opening is cancelled, and after two minutes.</param>
        /// <param name="interval">The longest time between two calls of the source, more than zero. One minute unless given.</param>
        /// <returns>This configuration.</returns>
        public PostboxConfig SetCredentials(Func<CancellationToken, ValueTask<PostboxCredentials>> source, TimeSpan? interval = null)
        {
            return SetCredentials(source, interval, TimeSpan.FromMinutes(2));
        }

        /// <summary>Sets a source of credentials, and the limit of its time.</summary>
        internal PostboxConfig SetCredentials(Func<CancellationToken, ValueTask<PostboxCredentials>> source, TimeSpan? interval, TimeSpan limit)
        {
            if (source == null)
                throw new ArgumentNullException(nameof(source));
            var between = interval ?? TimeSpan.FromMinutes(1);
            if (between <= TimeSpan.Zero || between.TotalMilliseconds > int.MaxValue)
                throw new ArgumentOutOfRangeException(nameof(interval), interval, "the interval is not between 0 and 24 days");
            credentials = new CredentialSource(source, between, limit);
            return this;
        }

        private void BeginRenewal(ClientHandle client, CredentialSource? source, PostboxCredentials? current)
        {
            if (source == null || current == null)
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
            var receiver = log;
            Action<PostboxLogLevel, string> write = PostboxLog.Write;
            client.Renewal = new CredentialRenewal(source, current, client, receiver == null ? write : receiver.Write);
            client.Renewal.Start();
        }
    }
}
