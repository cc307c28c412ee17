using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>A source of credentials of the program, which is asked before a client is opened and from time to time after that.</summary>
    internal sealed class CredentialSource
    {
        private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

        private readonly Func<CancellationToken, ValueTask<PostboxCredentials>> ask;
        private readonly TimeSpan interval, limit;

        internal CredentialSource(Func<CancellationToken, ValueTask<PostboxCredentials>> ask, TimeSpan interval, TimeSpan limit)
        {
            this.ask = ask;
            this.interval = interval;
            this.limit = limit;
        }

        /// <summary>Returns the time after which the source is asked again, so that these credentials do not expire before.</summary>
        internal TimeSpan Pause(PostboxCredentials current)
        {
            if (current.Expiration == null)
                return interval;
            var half = TimeSpan.FromTicks((current.Expiration.Value - DateTimeOffset.UtcNow).Ticks / 2);
            var pause = half > Shortest ? half : Shortest;
            return pause < interval ? pause : interval;
        }

        /// <summary>Waits for credentials.</summary>
        internal PostboxCredentials Wait(CancellationToken cancellation) => Ask(cancellation).GetAwaiter().GetResult();

        /// <summary>
        /// Asks for credentials. The source runs on the thread pool, without the SynchronizationContext of this thread. The task
        /// fails after the limit, or when the token is cancelled, even if the source ignores that its token is cancelled.
        /// </summary>
        internal async Task<PostboxCredentials> Ask(CancellationToken ended)
        {
            // The token of the source is not used here, since code of the program that is registered with it may throw an exception.
            var asking = new CancellationTokenSource();
            using (var waiting = CancellationTokenSource.CreateLinkedTokenSource(ended))
            {
                var asked = Task.Run(() => ask(asking.Token).AsTask());
                var isLate = await Task.WhenAny(asked, Task.Delay(limit, waiting.Token)).ConfigureAwait(false) != asked;
                waiting.Cancel();
                if (isLate)
                {
                    _ = OwnThread.Cancel(asking);
                    ended.ThrowIfCancellationRequested();
                    throw new TimeoutException("the source of credentials did not return within " + limit.TotalSeconds + " s");
                }
                return await asked.ConfigureAwait(false) ?? throw new InvalidOperationException("the source of credentials returned null");
            }
        }
    }

    /// <summary>Asks a source for new credentials as long as a client is open, and passes them to the client.</summary>
    internal sealed class CredentialRenewal
    {
        // The time in milliseconds that a close waits for a log receiver that runs.
        private const ulong Grace = 1000;

        private readonly object key = new object();
        private readonly CredentialSource source;

        // Throws no exception.
        private readonly Action<PostboxLogLevel, string> log;

        private readonly CancellationTokenSource ended = new CancellationTokenSource();

        // The renewal must not keep a client alive that the program has forgotten.
        private readonly WeakReference<ClientHandle> client;
        private PostboxCredentials current;
        private int ends;

        internal CredentialRenewal(CredentialSource source, PostboxCredentials current, ClientHandle client, Action<PostboxLogLevel, string> log)
        {
            this.source = source;
            this.current = current;
            this.client = new WeakReference<ClientHandle>(client);
            this.log = log;
        }

        private bool HasEnded => Volatile.Read(ref ends) > 0;

        internal void Start() => Task.Run(Run);

        /// <summary>
        /// Ends the renewal. The log receiver is not called after that. If it runs on another thread, this waits for it up to
        /// this time in milliseconds, and not for longer than a second.
        /// </summary>
        internal void End(ulong timeout)
        {
            if (Interlocked.Exchange(ref ends, 1) == 0)
                OwnThread.Cancel(ended);
            if (timeout == 0)
                return;
            Uninterrupted.Run(() =>
            {
                if (Monitor.TryEnter(key, (int)Math.Min(timeout, Grace)))
                    Monitor.Exit(key);
            });
        }

        private async Task Run()
        {
            try
            {
                while (!HasEnded)
                {
                    await Task.Delay(source.Pause(current), ended.Token).ConfigureAwait(false);
                    await Renew().ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException)
            {
                // The client is closed, so nobody needs the credentials.
            }
        }

        /// <summary>Renews the credentials. After a failure, the client continues with those that it has.</summary>
        private async Task Renew()
        {
            try
            {
                var renewed = await source.Ask(ended.Token).ConfigureAwait(false);
                if (renewed.Equals(current))
                    return;
                if (!client.TryGetTarget(out var open))
                    End(0);
                else
                    open.SetCredentials(renewed);
                current = renewed;
            }
            catch (Exception failure)
            {
                Report(failure);
            }
        }

        private void Report(Exception failure)
        {
            lock (key)
                if (!HasEnded)
                    log(PostboxLogLevel.Warn, "AWS credentials could not be renewed: " + failure.GetType().Name + ": " + Text(failure));
        }

        private static string Text(Exception failure)
        {
            try
            {
                return failure.Message;
            }
            catch
            {
                // The Message property of the exception threw another exception.
                return "";
            }
        }
    }
}
