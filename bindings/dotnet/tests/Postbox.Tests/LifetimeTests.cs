using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Tests
{
    public static class LifetimeTests
    {
        public static void What_was_disposed_of_says_so()
        {
            var world = new World();
            var work = world.Client.BeginUnitOfWork();
            var message = new OutboxMessage("t", "x");
            var config = new PostboxConfig();
            work.Dispose();
            message.Dispose();
            config.Dispose();
            Check.Contains("UnitOfWork", Check.Throws<ObjectDisposedException>(work.Commit).Message);
            Check.Contains("Message", Check.Throws<ObjectDisposedException>(() => message.Id = "1").Message);
            Check.Throws<ObjectDisposedException>(() => message.GetBody().ToString());
            Check.Throws<ObjectDisposedException>(() => world.Client.DepositPost(message));
            Check.Contains("PostboxConfig", Check.Throws<ObjectDisposedException>(() => config.Open()).Message);
            world.Dispose();
            Check.Contains("PostboxClient", Check.Throws<ObjectDisposedException>(() => world.Client.BeginUnitOfWork()).Message);
        }

        public static void After_a_close_calls_say_that_it_is_closed()
        {
            using (var world = new World())
            using (var work = world.Client.BeginUnitOfWork())
            {
                work.Put("People", World.Person("Ada"));
                world.Client.Close();
                world.Client.Close();
                Check.Fails(PostboxErrorCode.Closed, () => world.Deposit());
                Check.Fails(PostboxErrorCode.Closed, work.Commit);
                Check.Equal(0L, world.Client.GetStats().Deposited);
            }
        }

        public static void Disposing_does_not_wait_again_for_a_call_that_a_close_has_given_up()
        {
            var called = new ManualResetEventSlim();
            var free = new ManualResetEventSlim();
            var world = new World(config => config.Set("close_timeout_ms", TimeSpan.FromSeconds(50)), message =>
            {
                called.Set();
                free.Wait();
                return SendResult.Sent;
            });
            world.Deposit();
            world.Client.StartSweeper();
            Wait.For(called, "the call of the producer");
            Check.Fails(PostboxErrorCode.Timeout, () => world.Client.Close(TimeSpan.Zero));
            var clock = Stopwatch.StartNew();
            world.Client.Dispose();
            Check.That(clock.Elapsed < TimeSpan.FromSeconds(20), "the client was disposed of after " + clock.Elapsed);
            free.Set();
        }

        public static void A_unit_of_work_may_outlive_its_client()
        {
            var world = new World();
            using (var work = world.Client.BeginUnitOfWork())
            {
                world.Dispose();
                Check.Fails(PostboxErrorCode.Closed, () =>
                {
                    work.Put("People", World.Person("Ada"));
                    work.Commit();
                });
            }
        }

        public static void Messages_of_a_page_end_with_it()
        {
            using (var world = new World())
            {
                world.Deposit();
                OutboxMessage kept;
                using (var page = world.Client.ListMessages(MessageState.Outstanding))
                    kept = page[0];
                Check.Throws<ObjectDisposedException>(() => kept.GetBody().ToString());
            }
        }

        public static void A_message_of_a_page_that_was_collected_stays_valid()
        {
            using (var world = new World())
            {
                world.Deposit();
                var kept = FirstOf(world);
                for (var i = 0; i < 3; i++)
                {
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                }
                Check.Equal("hello", kept.BodyText);
            }
        }

        public static void Disposing_twice_is_harmless()
        {
            for (var i = 0; i < 100; i++)
            {
                var world = new World();
                world.Deposit();
                var config = new PostboxConfig();
                var work = world.Client.BeginUnitOfWork();
                var message = new OutboxMessage("t", "x");
                var page = world.Client.ListMessages(MessageState.Outstanding);
                foreach (var twice in new IDisposable[] { config, work, message, page[0], page, world.Client })
                {
                    twice.Dispose();
                    twice.Dispose();
                }
            }
        }

        public static void Disposing_while_another_thread_is_in_a_call_waits_for_the_call()
        {
            using (var called = new ManualResetEventSlim())
            using (var disposing = new ManualResetEventSlim())
            {
                string id = null, read = null;
                Exception failure = null;
                var world = new World(producer: message =>
                {
                    called.Set();
                    Wait.For(disposing, "disposing");
                    read = message.Id;
                    return SendResult.Sent;
                });
                var clearing = new Thread(() =>
                {
                    try
                    {
                        id = world.Deposit();
                        world.Client.ClearOutbox(id);
                    }
                    catch (Exception thrown)
                    {
                        failure = thrown;
                    }
                });
                clearing.Start();
                Wait.For(called, "the call of the producer");
                var closing = new Thread(world.Client.Dispose);
                closing.Start();
                Wait.UntilClosed(world.Client);
                disposing.Set();
                Wait.For(closing);
                Wait.For(clearing);
                Check.Equal(null, failure);
                Check.Equal(id, read);
            }
        }

        public static void Threads_that_use_and_dispose_of_messages_at_once_get_values_or_errors()
        {
            for (var i = 0; i < 200; i++)
            {
                var message = new OutboxMessage("t", "body") { PartitionKey = "key" };
                var wrong = false;
                var reader = new Thread(() =>
                {
                    try
                    {
                        for (var n = 0; n < 100; n++)
                        {
                            var key = message.PartitionKey;
                            wrong |= key != "key" && key != "another key";
                        }
                    }
                    catch (ObjectDisposedException)
                    {
                    }
                });
                reader.Start();
                message.PartitionKey = "another key";
                message.PartitionKey = "key";
                message.Dispose();
                Wait.For(reader);
                Check.That(!wrong, "a value was read that nobody had set");
            }
        }

        public static void Two_threads_in_one_unit_of_work_are_an_error()
        {
            using (var sending = new ManualResetEventSlim())
            using (var world = new World())
            using (var work = world.Client.BeginUnitOfWork())
            {
                // For most of the time, one of the two threads is in a call. The calls overlap at random, and no
                // overlap may cause damage.
                PostboxException failure = null;
                var other = new Thread(() =>
                {
                    sending.Set();
                    failure = UntilConcurrentUse(work);
                });
                other.Start();
                Wait.For(sending, "the start of the other thread");
                var here = UntilConcurrentUse(work);
                Wait.For(other);
                Check.That(failure != null || here != null, "no call met another");
            }
        }

        public static void A_producer_may_dispose_of_its_client()
        {
            using (var disposed = new ManualResetEventSlim())
            {
                World world = null;
                // If the client waited for its own producer, it would wait longer than the test.
                world = new World(config => config.Set("close_timeout_ms", TimeSpan.FromMinutes(10)), message =>
                {
                    world.Client.Dispose();
                    disposed.Set();
                    return SendResult.Sent;
                });
                world.Deposit();
                world.Client.StartSweeper();
                Wait.For(disposed, "disposing");
                Check.Throws<ObjectDisposedException>(() => world.Deposit());
            }
        }

        public static void Ten_thousand_handles_take_no_memory_that_stays()
        {
            using (var world = new World())
            {
                MakeAndDispose(world, 10000, true);
                var before = ResidentKilobytes();
                MakeAndDispose(world, 10000, true);
                Check.That(ResidentKilobytes() - before < 20000, "disposed handles left " + (ResidentKilobytes() - before) + " KB behind");
            }
        }

        public static void Ten_thousand_handles_that_nobody_disposed_of_are_collected()
        {
            using (var world = new World())
            {
                MakeAndDispose(world, 10000, false);
                var before = ResidentKilobytes();
                MakeAndDispose(world, 10000, false);
                Check.That(ResidentKilobytes() - before < 20000, "collected handles left " + (ResidentKilobytes() - before) + " KB behind");
            }
        }

        public static void A_thousand_clients_leave_nothing_behind()
        {
            OpenAndDispose(100);
            var before = Resources();
            OpenAndDispose(1000);
            Resource[] after = null;
            // Threads that have ended are still counted for a moment.
            SpinWait.SpinUntil(() => (after = Resources()).Zip(before, (now, then) => now.Amount <= then.Amount + then.Tolerance).All(within => within), TimeSpan.FromSeconds(20));
            foreach (var (now, then) in after.Zip(before, (now, then) => (now, then)))
                Check.That(now.Amount <= then.Amount + then.Tolerance, now.Name + " grew from " + then.Amount + " to " + now.Amount);
        }

        /// <summary>Opens clients one after another. Each sends a message, and half of them are disposed of asynchronously.</summary>
        private static void OpenAndDispose(int clients)
        {
            for (var i = 0; i < clients; i++)
                using (var config = new PostboxConfig().Set("embedded_path", ":memory:").AddProducer("t", async message =>
                {
                    await Task.Yield();
                    return SendResult.Sent;
                }))
                {
                    var client = config.Open();
                    if (i % 10 == 0)
                        client.StartSweeper();
                    using (var message = new OutboxMessage("t", "x"))
                        Check.Equal(Outcome.Dispatched, Wait.For(client.PostAsync(message)).Single().Outcome);
                    if (i % 2 == 0)
                        client.Dispose();
                    else
                        Wait.For(client.DisposeAsync().AsTask());
                }
        }

        private static Resource[] Resources()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return new[]
            {
                // The pool and the library keep some threads.
                new Resource("the number of threads", Directory.GetDirectories("/proc/self/task").Length, 20),
                new Resource("the number of file descriptors", Directory.GetFiles("/proc/self/fd").Length, 20),
                new Resource("the memory in KB", ResidentKilobytes(), 30000),
                new Resource("the managed memory in KB", GC.GetTotalMemory(true) / 1024, 2000),
            };
        }

        private sealed class Resource
        {
            internal readonly string Name;
            internal readonly long Amount, Tolerance;

            internal Resource(string name, long amount, long tolerance)
            {
                Name = name;
                Amount = amount;
                Tolerance = tolerance;
            }
        }

        public static void Disposing_ends_the_sweeper_and_the_call_of_another_thread()
        {
            CancelTests.WithAFile(file =>
            {
                using (var called = new ManualResetEventSlim())
                using (var release = new ManualResetEventSlim())
                {
                    Report report = null;
                    var world = new World(config => config.Set("sweep_interval_ms", 10), message =>
                    {
                        called.Set();
                        Wait.For(release, "the release of the producer");
                        return SendResult.Sent;
                    }, file);
                    var ids = new[] { world.Deposit(), world.Deposit() };
                    var clearing = new Thread(() => world.Client.ClearOutbox(ids, out report));
                    clearing.Start();
                    Wait.For(called, "the call of the producer");
                    world.Client.StartSweeper();
                    var disposing = new Thread(world.Client.Dispose);
                    disposing.Start();
                    Wait.UntilClosed(world.Client);
                    release.Set();
                    Wait.For(disposing);
                    Wait.For(clearing);
                    Check.Equal(Outcome.Skipped, report[1].Outcome);
                    // The sweeper has returned its lease, and has ended.
                    using (var config = World.Eager(file).AddProducer(null, _ => SendResult.Sent))
                    using (var next = config.Open())
                        Check.Equal(1L, next.Sweep().Dispatched);
                }
            });
        }

        public static void A_collected_client_with_a_pending_request_does_not_hold_the_finalizers()
        {
            var silent = new TcpListener(IPAddress.Loopback, 0);
            silent.Start();
            using (var finalized = new ManualResetEventSlim())
            {
                OnAThread(() => GC.KeepAlive(OpenCounting(((IPEndPoint)silent.LocalEndpoint).Port)));
                using (silent.AcceptTcpClient())
                    for (var i = 0; i < 3; i++)
                    {
                        OnAThread(() => GC.KeepAlive(new Canary(finalized)));
                        GC.Collect();
                        Wait.For(finalized, "another finalizer");
                        finalized.Reset();
                    }
            }
            silent.Stop();
        }

        /// <summary>
        /// Opens a client that counts messages in the background. The close of the client waits for the count, for longer
        /// than the test.
        /// </summary>
        private static PostboxClient OpenCounting(int port)
        {
            using (var config = new PostboxConfig()
                .Set("endpoint_url", "http://127.0.0.1:" + port).Set("region", "eu-west-1").Set("access_key_id", "a")
                .Set("secret_access_key", "b").Set("max_outstanding", 1).Set("attempt_timeout_ms", TimeSpan.FromMinutes(10))
                .Set("operation_timeout_ms", TimeSpan.FromMinutes(10)).Set("close_timeout_ms", TimeSpan.FromMinutes(10)))
                return config.Open();
        }

        public static void Forgotten_messages_are_collected()
        {
            var body = new byte[200000];
            var before = ResidentKilobytes();
            for (var i = 0; i < 5000; i++)
                GC.KeepAlive(new OutboxMessage("t", body));
            Check.That(ResidentKilobytes() - before < 500000, "forgotten messages hold " + (ResidentKilobytes() - before) + " KB");
        }

        private static void OnAThread(Action action)
        {
            var thread = new Thread(() => action());
            thread.Start();
            Wait.For(thread);
        }

        private sealed class Canary
        {
            private readonly ManualResetEventSlim finalized;

            internal Canary(ManualResetEventSlim finalized)
            {
                this.finalized = finalized;
            }

            ~Canary()
            {
                finalized.Set();
            }
        }

        private static OutboxMessage FirstOf(World world) => world.Client.ListMessages(MessageState.Outstanding)[0];

        private static PostboxException UntilConcurrentUse(UnitOfWork work)
        {
            for (var i = 0; i < 20000; i++)
            {
                try
                {
                    work.GetItem("People", World.Person("Ada"));
                }
                catch (PostboxException failure) when (failure.Code == PostboxErrorCode.ConcurrentUse)
                {
                    return failure;
                }
            }
            return null;
        }

        /// <summary>
        /// Creates handles that each have more than 10 KB outside the managed heap, so that a leak of 10,000 handles
        /// would be visible as 100 MB.
        /// </summary>
        private static void MakeAndDispose(World world, int turns, bool dispose)
        {
            var body = new byte[10000];
            var text = new string('x', body.Length);
            for (var i = 0; i < turns; i++)
            {
                var config = new PostboxConfig().Set("session_token", text).AddProducer("t", _ => SendResult.Sent);
                var message = new OutboxMessage("t", body);
                var work = world.Client.BeginUnitOfWork();
                work.DepositPost(message);
                try
                {
                    message[text] = "no field has this name";
                }
                catch (PostboxException)
                {
                    // An error is also a handle.
                }
                if (dispose)
                {
                    work.Dispose();
                    message.Dispose();
                    config.Dispose();
                }
                else if (i % 500 == 0)
                {
                    // The collector does not know how much memory belongs to a handle.
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                }
            }
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        private static long ResidentKilobytes()
        {
            foreach (var line in File.ReadAllLines("/proc/self/status"))
                if (line.StartsWith("VmRSS:", StringComparison.Ordinal))
                    return long.Parse(line.Substring(6).Replace("kB", "").Trim(), CultureInfo.InvariantCulture);
            throw new CheckFailedException("/proc/self/status has no VmRSS");
        }
    }
}
