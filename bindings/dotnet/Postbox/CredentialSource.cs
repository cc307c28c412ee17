using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>A source of credentials of the program, which is asked before a client is opened and from time to time after that.</summary>
    internal sealed class CredentialSource
    {
        private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

        private readonly Func<CancellationToken, ValueTask<PostboxCredentials>> ask;

        internal CredentialSource(Func<CancellationToken, ValueTask<PostboxCredentials>> ask, TimeSpan interval)
        {
            this.ask = ask;
            Interval = interval;
        }

        internal TimeSpan Interval { get; }

        /// <summary>Waits for credentials. The source runs on the thread pool, without the SynchronizationContext of this thread.</summary>
        internal PostboxCredentials Wait() => Task.Run(() => Ask(CancellationToken.None)).GetAwaiter().GetResult();

        /// <summary>Asks for credentials. The task fails after two minutes, even if the source ignores its token.</summary>
        internal async Task<PostboxCredentials> Ask(CancellationToken ended)
        {
            using (var limit = CancellationTokenSource.CreateLinkedTokenSource(ended))
            {
                var asked = ask(limit.Token).AsTask();
                if (await Task.WhenAny(asked, Task.Delay(Limit, limit.Token)).ConfigureAwait(false) != asked)
                    throw new TimeoutException("the source of credentials did not return within " + Limit.TotalSeconds + " s");
                limit.Cancel();
                return await asked.ConfigureAwait(false) ?? throw new InvalidOperationException("the source of credentials returned null");
            }
        }
    }

    /// <summary>Asks a source for new credentials as long as a client is open, and passes them to the client.</summary>
    internal sealed class CredentialRenewal
    {
        private readonly CredentialSource source;
        private readonly Action<PostboxLogLevel, string> log;
        private readonly CancellationTokenSource ended = new CancellationTokenSource();

        // The renewal must not keep a client alive that the program has forgotten.
        private readonly WeakReference<ClientHandle> client;
        private PostboxCredentials current;

        internal CredentialRenewal(CredentialSource source, PostboxCredentials current, ClientHandle client, Action<PostboxLogLevel, string> log)
        {
            this.source = source;
            this.current = current;
            this.client = new WeakReference<ClientHandle>(client);
            this.log = log;
        }

        internal void Start() => Task.Run(Run);

        internal void End() => ended.Cancel();

        private async Task Run()
        {
            try
            {
                while (true)
                {
                    await Task.Delay(source.Interval, ended.Token).ConfigureAwait(false);
                    await Renew().ConfigureAwait(false);
                }
            }
            catch (Exception) when (ended.IsCancellationRequested)
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
                    ended.Cancel();
                else
                    open.SetCredentials(renewed);
                current = renewed;
            }
            catch (Exception failure) when (!ended.IsCancellationRequested)
            {
                log(PostboxLogLevel.Warn, "AWS credentials could not be renewed: " + failure.GetType().Name + ": " + failure.Message);
            }
        }
    }
}
