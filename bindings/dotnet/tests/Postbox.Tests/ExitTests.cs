using System;
using System.Diagnostics;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Tests
{
    internal static partial class Harness
    {
        static partial void RunChild(string what, string database, ref int code) => code = Child.Run(what, database);
    }

    /// <summary>Programs that end while the sweeper is running, each in its own process.</summary>
    internal static class Child
    {
        /// <summary>Runs in the process that <see cref="Start"/> starts.</summary>
        internal static int Run(string what, string database)
        {
            switch (what)
            {
                case "several-clients": return LeaveSeveralClients();
                case "exit-in-a-producer": return ExitInAProducer(world => world.Client.ClearOutbox(world.Deposit()), database);
                case "exit-in-a-sweep": return ExitInAProducer(SweepHere, database);
                case "exit-on-the-sweepers-thread": return ExitInAProducer(SweepOnce, database);
                case "exit-in-the-log": return ExitInTheLog(database);
                case "exit-in-a-task": return ExitInATask(database);
                case "task": return LeaveATask(database);
                case "collected": return CollectARunningClient(database);
                default: return LeaveASweeper(what, database);
            }
        }

        private static int LeaveSeveralClients()
        {
            for (var i = 0; i < 5; i++)
                LeaveInACall();
            return 0;
        }

        private static void LeaveInACall()
        {
            var called = new ManualResetEventSlim();
            Func<OutboxMessage, SendResult> hang = _ =>
            {
                called.Set();
                Thread.Sleep(Timeout.Infinite);
                return SendResult.Sent;
            };
            var world = new World(Patient(4), hang);
            world.Deposit();
            world.Client.StartSweeper();
            Wait.For(called, "the call of the producer");
        }

        private static Action<PostboxConfig> Patient(int seconds) => config => config.Set("close_timeout_ms", TimeSpan.FromSeconds(seconds));

        private static void SweepHere(World world)
        {
            world.Deposit();
            world.Client.Sweep();
        }

        private static void SweepOnce(World world)
        {
            world.Deposit();
            world.Client.StartSweeper();
        }

        /// <summary>The exit waits for the time limit of the client if it waits for its own producer.</summary>
        private static int ExitInAProducer(Action<World> send, string database)
        {
            // The clients are closed on several threads, and this one on the first.
            var idle = new World();
            var world = new World(Patient(ExitTests.Patience), _ =>
            {
                Environment.Exit(0);
                return SendResult.Sent;
            }, database);
            send(world);
            Thread.Sleep(Timeout.Infinite);
            GC.KeepAlive(idle);
            return 1;
        }

        private static int ExitInATask(string database)
        {
            var world = new World(config => Patient(ExitTests.Patience)(config.AddProducer(World.Topic, async message =>
            {
                await Task.Yield();
                Environment.Exit(0);
                return SendResult.Sent;
            })), null, database);
            world.Client.ClearOutbox(world.Deposit());
            Thread.Sleep(Timeout.Infinite);
            return 1;
        }

        /// <summary>The process ends while a task and operations are awaited.</summary>
        private static int LeaveATask(string database)
        {
            var called = new ManualResetEventSlim();
            var world = new World(config => config.Set("close_timeout_ms", 500).AddProducer(World.Topic, message =>
            {
                called.Set();
                return new ValueTask<SendResult>(new TaskCompletionSource<SendResult>().Task);
            }), null, database);
            GC.KeepAlive(world.Client.ClearOutboxAsync(new[] { world.Deposit() }));
            Wait.For(called, "the task");
            for (var i = 0; i < 100; i++)
                GC.KeepAlive(world.Client.CountOutstandingAsync());
            return 0;
        }

        private static int ExitInTheLog(string database)
        {
            PostboxLog.Set(PostboxLogLevel.Warn, (level, text) => Environment.Exit(0));
            SweepOnce(new World(Patient(ExitTests.Patience), _ => SendResult.Retry("always"), database));
            Thread.Sleep(Timeout.Infinite);
            return 1;
        }

        /// <summary>Nothing refers to the client, and its sweeper must nevertheless continue.</summary>
        private static int CollectARunningClient(string database)
        {
            var sent = new ManualResetEventSlim();
            var starting = new Thread(() => new World(config => config.Set("sweep_interval_ms", 10), _ =>
            {
                sent.Set();
                return SendResult.Sent;
            }, database).Client.StartSweeper());
            starting.Start();
            Wait.For(starting);
            for (var i = 0; i < 5; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            using (var config = World.Eager(database))
            using (var other = config.Open())
            using (var message = new OutboxMessage("t", "x"))
                other.DepositPost(message);
            Wait.For(sent, "the call of the producer");
            return 0;
        }

        private static int LeaveASweeper(string what, string database)
        {
            var called = new ManualResetEventSlim();
            Func<OutboxMessage, SendResult> producer = message =>
            {
                called.Set();
                if (what == "in-a-call")
                    Thread.Sleep(Timeout.Infinite);
                return SendResult.Retry("always");
            };
            PostboxLog.Set(PostboxLogLevel.Trace, (level, text) => GC.KeepAlive(text));
            var world = new World(config =>
            {
                config.Set("sweep_interval_ms", 10).Set("max_dispatch_attempts", 0).Set("close_timeout_ms", 500);
                if (what == "own-log")
                    config.SetLog(PostboxLogLevel.Trace, (level, text) => GC.KeepAlive(text));
            }, producer, database);
            world.Deposit();
            world.Client.StartSweeper();
            Wait.For(called, "the call of the producer");
            if (what == "environment-exit")
                Environment.Exit(0);
            GC.KeepAlive(world);
            return 0;
        }

        /// <summary>
        /// Starts a child process, waits for its end and returns its exit code. The script that runs the tests sets the
        /// command in POSTBOX_TEST_HOST.
        /// </summary>
        internal static int Start(string what, string database)
        {
            var host = Environment.GetEnvironmentVariable("POSTBOX_TEST_HOST").Split(new[] { ' ' }, 2);
            var program = typeof(Child).Assembly.Location;
            var start = new ProcessStartInfo(host[0], (host.Length > 1 ? host[1] + " " : "") + "\"" + program + "\" --child " + what + " \"" + database + "\"")
            {
                UseShellExecute = false,
                RedirectStandardError = true,
            };
            using (var process = Process.Start(start))
            {
                var errors = process.StandardError.ReadToEnd();
                Check.That(process.WaitForExit(60000), "the process did not end");
                Check.Equal("", errors);
                return process.ExitCode;
            }
        }
    }

    public static class ExitTests
    {
        public static void A_process_may_end_while_the_sweeper_is_running() => EndsWithoutLoss("running");

        public static void A_process_may_end_while_a_producer_is_in_its_call() => EndsWithoutLoss("in-a-call");

        public static void A_process_may_end_while_a_task_sends_and_operations_are_awaited() => EndsWithoutLoss("task");

        public static void A_process_may_end_while_a_client_logs_to_its_own_receiver() => EndsWithoutLoss("own-log");

        public static void A_process_may_exit_from_the_middle() => EndsWithoutLoss("environment-exit");

        public static void Clients_are_closed_side_by_side_at_the_end() => EndsWithin(12, "several-clients");

        public static void An_exit_in_a_producer_does_not_wait_for_the_producer() => EndsWithin(20, "exit-in-a-producer");

        public static void An_exit_on_the_thread_of_the_sweeper_does_not_wait_for_the_thread() => EndsWithin(20, "exit-on-the-sweepers-thread");

        public static void An_exit_in_a_task_does_not_wait_for_the_task() => EndsWithin(20, "exit-in-a-task");

        public static void An_exit_in_a_log_receiver_does_not_wait_for_the_receiver() => EndsWithin(20, "exit-in-the-log");

        public static void An_exit_in_a_callback_gives_back_the_lease()
        {
            foreach (var what in new[] { "exit-in-a-sweep", "exit-on-the-sweepers-thread", "exit-in-the-log" })
                CancelTests.WithAFile(file =>
                {
                    Check.Equal(0, Child.Start(what, file));
                    using (var config = World.Eager(file).AddProducer(null, _ => SendResult.Sent))
                    using (var next = config.Open())
                    {
                        var sweep = next.Sweep();
                        Check.Equal(LeaseStatus.Held, sweep.Lease);
                        Check.Equal(1L, sweep.Dispatched);
                    }
                });
        }

        public static void A_client_whose_sweeper_runs_is_not_collected()
        {
            CancelTests.WithAFile(file => Check.Equal(0, Child.Start("collected", file)));
        }

        /// <summary>The "close_timeout_ms" of a client whose callback exits, which the exit must not wait for.</summary>
        internal const int Patience = 40;

        private static void EndsWithin(int seconds, string what)
        {
            var clock = Stopwatch.StartNew();
            Check.Equal(0, Child.Start(what, ":memory:"));
            Check.That(clock.Elapsed.TotalSeconds < seconds, "the process ended after " + clock.Elapsed);
        }

        private static void EndsWithoutLoss(string what)
        {
            for (var i = 0; i < 5; i++)
            {
                var database = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
                try
                {
                    Check.Equal(0, Child.Start(what, database));
                    using (var config = World.Eager(database))
                    using (var client = config.Open())
                        Check.Equal(1L, client.CountOutstanding().Count);
                }
                finally
                {
                    foreach (var file in Directory.GetFiles(Path.GetTempPath(), Path.GetFileName(database) + "*"))
                        File.Delete(file);
                }
            }
        }
    }
}
