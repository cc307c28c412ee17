using System;
using System.Diagnostics;
using System.IO;
using System.Threading;

namespace Postbox.Tests
{
    /// <summary>Programs that end while the sweeper is running, each in its own process.</summary>
    internal static class Child
    {
        /// <summary>Runs in the process that <see cref="Start"/> starts.</summary>
        internal static int Run(string what, string database)
        {
            var called = new ManualResetEventSlim();
            Func<Message, SendResult> producer = message =>
            {
                called.Set();
                if (what == "in-a-call")
                    Thread.Sleep(Timeout.Infinite);
                return SendResult.Retry("always");
            };
            PostboxLog.Set(PostboxLogLevel.Trace, (level, text) => GC.KeepAlive(text));
            var world = new World(
                config => config.Set("sweep_interval_ms", 10).Set("max_dispatch_attempts", 0).Set("close_timeout_ms", 500), producer, database);
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

        public static void A_process_may_exit_from_the_middle() => EndsWithoutLoss("environment-exit");

        /// <summary>Unloads a domain, as ASP.NET does. Does nothing under .NET Core, which has only one
        /// domain.</summary>
        public static void A_domain_may_be_unloaded_while_the_sweeper_is_running()
        {
            AppDomain domain;
            try
            {
                domain = AppDomain.CreateDomain("another");
            }
            catch (PlatformNotSupportedException)
            {
                return;
            }
            Check.Equal(0, domain.ExecuteAssembly(typeof(Child).Assembly.Location, new[] { "--child", "running", ":memory:" }));
            AppDomain.Unload(domain);
            GC.Collect();
            using (var world = new World(producer: _ => SendResult.Retry("this is logged, and not to the domain that is gone")))
            {
                world.Deposit();
                Check.Equal(1L, world.Client.Sweep().Failed);
            }
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
