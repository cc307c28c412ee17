using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Tests
{
    public static class CredentialTests
    {
        public static void Credentials_are_replaced_while_a_client_is_open()
        {
            using (var server = new Server())
            using (var client = server.Open())
            {
                server.Respond();
                client.GetMessage("x");
                client.SetCredentials(new PostboxCredentials("NEWKEY", "secret", "token"));
                client.GetMessage("x");
                Check.Fails(PostboxErrorCode.InvalidSetting, () => client.SetCredentials(new PostboxCredentials("", "secret")));
                Check.Throws<ArgumentNullException>(() => client.SetCredentials(null));
                client.GetMessage("x");
                Check.Same(new[] { "a", "NEWKEY", "NEWKEY" }, server.Keys);
            }
        }

        public static void A_source_of_credentials_is_asked_as_long_as_the_client_is_open()
        {
            var asked = 0;
            var told = new List<string>();
            using (var renewed = new ManualResetEventSlim())
            using (var waits = new ManualResetEventSlim())
            using (var ended = new ManualResetEventSlim())
            using (var server = new Server())
            {
                server.Respond();
                async ValueTask<PostboxCredentials> Ask(CancellationToken closing)
                {
                    await Task.Yield();
                    switch (Interlocked.Increment(ref asked))
                    {
                        case 1: return new PostboxCredentials("FIRST", "secret");
                        case 2: throw new InvalidOperationException("no network");
                        case 3: return new PostboxCredentials("SECOND", "secret");
                        case 4:
                            renewed.Set();
                            return new PostboxCredentials("SECOND", "secret");
                        default:
                            closing.Register(() => ended.Set());
                            waits.Set();
                            await Task.Delay(Timeout.Infinite, closing);
                            return null;
                    }
                }
                using (var client = server.Open(more: config => config
                    .SetLog(PostboxLogLevel.Warn, (level, text) => { lock (told) told.Add(level + " " + text); })
                    .SetCredentials(Ask, TimeSpan.FromMilliseconds(20))))
                {
                    client.GetMessage("x");
                    Wait.For(renewed, "a renewal");
                    client.GetMessage("x");
                    Wait.For(waits, "a call of the source");
                    Check.That(!ended.IsSet, "the client is open");
                }
                Wait.For(ended, "the cancellation of the source");
                Check.Same(new[] { "FIRST", "SECOND" }, server.Keys.Where((key, index) => index == 0 || index == server.Keys.Count - 1));
                Check.Same(new[] { "Warn AWS credentials could not be renewed: InvalidOperationException: no network" }, told);
            }
        }

        public static void A_client_is_not_opened_without_credentials()
        {
            using (var config = new PostboxConfig().Set("region", "eu-west-1"))
            {
                config.SetCredentials(_ => throw new InvalidOperationException("no network"));
                Check.Throws<InvalidOperationException>(() => config.Open());
                config.SetCredentials(_ => new ValueTask<PostboxCredentials>((PostboxCredentials)null));
                Check.Contains("returned null", Check.Throws<InvalidOperationException>(() => config.Open()).Message);
                config.SetCredentials(_ => new ValueTask<PostboxCredentials>(new PostboxCredentials("key", "")));
                Check.Fails(PostboxErrorCode.InvalidSetting, () => config.Open());
                Check.Throws<ArgumentOutOfRangeException>(() => config.SetCredentials(_ => default, TimeSpan.Zero));
                Check.Throws<ArgumentNullException>(() => config.SetCredentials((Func<CancellationToken, ValueTask<PostboxCredentials>>)null));
            }
            Check.Equal("PostboxCredentials (key)", new PostboxCredentials("key", "hush", "hush").ToString());
        }

        public static void A_renewal_keeps_no_client_alive()
        {
            using (var server = new Server())
            {
                var client = Forget(server);
                for (var attempt = 0; client.IsAlive && attempt < 100; attempt++)
                {
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                }
                Check.That(!client.IsAlive, "the client was kept");
            }
        }

        private static WeakReference Forget(Server server) => new WeakReference(
            server.Open(more: config => config.SetCredentials(_ => new ValueTask<PostboxCredentials>(new PostboxCredentials("k", "s")), TimeSpan.FromMilliseconds(5))));
    }
}
