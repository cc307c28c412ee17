using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
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

        public static void Opening_asynchronously_occupies_no_thread_of_the_caller_and_can_be_cancelled()
        {
            var given = new TaskCompletionSource<PostboxCredentials>(TaskCreationOptions.RunContinuationsAsynchronously);
            using (var server = new Server())
            using (var canceled = new CancellationTokenSource())
            using (var asked = new ManualResetEventSlim())
            using (var ended = new ManualResetEventSlim())
            {
                server.Respond();
                var opening = PostboxClient.OpenAsync(config => server.Configure(config).SetCredentials(_ => new ValueTask<PostboxCredentials>(given.Task)));
                var abandoned = PostboxClient.OpenAsync(config => server.Configure(config).SetCredentials(async ending =>
                {
                    ending.Register(() => ended.Set());
                    asked.Set();
                    await Task.Delay(Timeout.Infinite, ending);
                    return null;
                }), canceled.Token);
                Wait.For(asked, "a call of the source");
                Check.That(!opening.IsCompleted && !abandoned.IsCompleted, "both wait for credentials");
                canceled.Cancel();
                Check.Throws<OperationCanceledException>(() => abandoned.GetAwaiter().GetResult());
                Check.That(abandoned.IsCanceled, "the task is cancelled");
                Wait.For(ended, "the cancellation of the source");
                given.SetResult(new PostboxCredentials("LATER", "secret"));
                using (var client = Wait.For(opening))
                    client.GetMessage("x");
                Check.Same(new[] { "LATER" }, server.Keys);
            }
        }

        public static void A_log_receiver_does_not_end_the_renewal()
        {
            var asked = 0;
            var codes = new List<PostboxErrorCode>();
            PostboxClient client = null;
            Action<PostboxLogLevel, string> receiver = (level, text) =>
            {
                try
                {
                    client.Sweep();
                }
                catch (PostboxException failure)
                {
                    codes.Add(failure.Code);
                }
                throw new InvalidOperationException("the receiver failed");
            };
            using (var opened = new ManualResetEventSlim())
            using (var renewed = new ManualResetEventSlim())
            using (var server = new Server())
            using (client = server.Open(more: config => config
                .SetLog(PostboxLogLevel.Warn, receiver)
                .SetCredentials(_ =>
                {
                    switch (Interlocked.Increment(ref asked))
                    {
                        case 1: return Valid("FIRST");
                        case 2:
                            Wait.For(opened, "the client");
                            throw new InvalidOperationException("no network");
                        default:
                            renewed.Set();
                            return Valid("SECOND");
                    }
                }, TimeSpan.FromMilliseconds(5))))
            {
                opened.Set();
                Wait.For(renewed, "a renewal");
                Check.Same(new[] { PostboxErrorCode.ReentrantCall }, codes);
            }
        }

        public static void A_failure_without_a_receiver_of_its_own_goes_to_that_of_the_process()
        {
            var asked = 0;
            using (var told = new ManualResetEventSlim())
            {
                PostboxLog.Set(PostboxLogLevel.Warn, (level, text) =>
                {
                    if (text == "AWS credentials could not be renewed: InvalidOperationException: no network")
                        told.Set();
                });
                try
                {
                    using (var server = new Server())
                    using (server.Open(more: config => config.SetCredentials(
                        _ => Interlocked.Increment(ref asked) == 1 ? Valid("FIRST") : throw new InvalidOperationException("no network"), TimeSpan.FromMilliseconds(5))))
                        Wait.For(told, "a warning");
                }
                finally
                {
                    PostboxLog.Off();
                }
            }
        }

        public static void A_close_waits_for_the_log_receiver()
        {
            var asked = 0;
            var runs = 0;
            using (var told = new ManualResetEventSlim())
            using (var never = new ManualResetEventSlim())
            using (var server = new Server())
            using (var client = server.Open(more: config => config
                .SetLog(PostboxLogLevel.Warn, (level, text) =>
                {
                    Interlocked.Increment(ref runs);
                    told.Set();
                    never.Wait(TimeSpan.FromMilliseconds(200));
                    Interlocked.Decrement(ref runs);
                })
                .SetCredentials(_ => Interlocked.Increment(ref asked) == 1 ? Valid("FIRST") : throw new InvalidOperationException(), TimeSpan.FromMilliseconds(1))))
            {
                Wait.For(told, "a warning");
                client.Close();
                Check.Equal(0, Volatile.Read(ref runs));
            }
        }

        public static void Code_of_the_program_at_the_token_decides_nothing()
        {
            var asked = 0;
            var told = new List<string>();
            var closes = 0;
            using (var waits = new ManualResetEventSlim())
            using (var ended = new ManualResetEventSlim())
            using (var server = new Server())
            {
                var client = server.Open(more: config => config
                    .SetLog(PostboxLogLevel.Warn, (level, text) => { lock (told) told.Add(text); })
                    .SetCredentials(async closing =>
                    {
                        closing.Register(() =>
                        {
                            closes = Thread.CurrentThread.ManagedThreadId;
                            ended.Set();
                            throw new InvalidOperationException("the registration failed");
                        });
                        if (Interlocked.Increment(ref asked) < 3)
                            return await Valid("KEY" + asked);
                        waits.Set();
                        await Task.Delay(Timeout.Infinite, closing);
                        return null;
                    }, TimeSpan.FromMilliseconds(5)));
                Wait.For(waits, "a call of the source");
                Check.That(!ended.IsSet, "a call that succeeds cancels nothing");
                client.Close();
                client.Dispose();
                Wait.For(ended, "the cancellation of the source");
                Check.That(closes != Thread.CurrentThread.ManagedThreadId, "the registration ran on the thread that closes the client");
                Check.Same(new string[0], told);
            }
        }

        public static void A_source_that_is_late_is_cancelled_and_asked_again()
        {
            var asked = 0;
            var told = new List<string>();
            using (var canceled = new CountdownEvent(2))
            using (var renewed = new ManualResetEventSlim())
            using (var server = new Server())
            {
                async ValueTask<PostboxCredentials> Ask(CancellationToken token)
                {
                    switch (Interlocked.Increment(ref asked))
                    {
                        case 1:
                        case 3:
                            token.Register(() =>
                            {
                                canceled.Signal();
                                throw new InvalidOperationException("the registration failed");
                            });
                            // Ignores that its token is cancelled.
                            await new TaskCompletionSource<bool>().Task;
                            return null;
                        case 5:
                            renewed.Set();
                            break;
                    }
                    return await Valid("KEY");
                }
                void Use(PostboxConfig config) => SetCredentials(
                    config.SetLog(PostboxLogLevel.Warn, (level, text) => { lock (told) told.Add(text); }), Ask, TimeSpan.FromMilliseconds(5), TimeSpan.FromSeconds(0.5));
                Check.Throws<TimeoutException>(() => server.Open(more: Use));
                using (server.Open(more: Use))
                {
                    Wait.For(renewed, "a renewal");
                    Check.That(canceled.Wait(TimeSpan.FromSeconds(60)), "a token was not cancelled");
                    Check.Same(new[] { "AWS credentials could not be renewed: TimeoutException: the source of credentials did not return within 0.5 s" }, told);
                }
            }
        }

        public static void A_source_is_asked_again_before_its_credentials_expire()
        {
            var asked = 0;
            var clock = System.Diagnostics.Stopwatch.StartNew();
            using (var renewed = new ManualResetEventSlim())
            using (var server = new Server())
            using (server.Open(more: config => config.SetCredentials(_ =>
            {
                if (Interlocked.Increment(ref asked) > 1)
                    renewed.Set();
                return new ValueTask<PostboxCredentials>(new PostboxCredentials("key", "secret", null, DateTimeOffset.UtcNow));
            }, TimeSpan.FromHours(1))))
            {
                Wait.For(renewed, "a renewal");
                Check.That(clock.Elapsed > TimeSpan.FromSeconds(0.9), "the source was asked again at once");
            }
            var expires = DateTimeOffset.UtcNow;
            Check.That(!new PostboxCredentials("a", "b", null, expires).Equals(new PostboxCredentials("a", "b")), "another expiration");
            Check.Equal(expires, new PostboxCredentials("a", "b", null, expires).Expiration);
        }

        private static ValueTask<PostboxCredentials> Valid(string key) => new ValueTask<PostboxCredentials>(new PostboxCredentials(key, "secret"));

        /// <summary>Sets a source whose limit is not two minutes.</summary>
        private static void SetCredentials(PostboxConfig config, Func<CancellationToken, ValueTask<PostboxCredentials>> source, TimeSpan? interval, TimeSpan limit)
        {
            typeof(PostboxConfig).GetMethods(BindingFlags.Instance | BindingFlags.NonPublic)
                .Single(method => method.Name == "SetCredentials").Invoke(config, new object[] { source, interval, limit });
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
