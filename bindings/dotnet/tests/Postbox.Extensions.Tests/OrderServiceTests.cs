using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;

namespace Postbox.Tests
{
    /// <summary>
    /// The service examples/dotnet/OrderService under load, which is killed, stopped and started again on one database. The
    /// variable POSTBOX_ORDER_SECONDS is the time of the test in seconds, 30 unless it is set.
    /// </summary>
    public static class OrderServiceTests
    {
        // The time limit of the host for its stop in .NET Core 3.1, and some time for the start of processes on a busy machine.
        private const double LongestStop = 5 + 3;

        private const string Sent = ".sent";

        public static void Every_committed_order_is_announced_and_no_other_one()
        {
            var seconds = int.Parse(Environment.GetEnvironmentVariable("POSTBOX_ORDER_SECONDS") ?? "30");
            TestHost.WithAFile(database =>
            {
                var random = new Random(1);
                var clock = Stopwatch.StartNew();
                int kills = 0, stops = 0;
                var slowest = TimeSpan.Zero;
                while (clock.Elapsed.TotalSeconds < seconds || kills < 2 || stops < 2)
                    if (random.Next(2) == 0)
                    {
                        Kill(database, random);
                        kills++;
                    }
                    else
                    {
                        var stop = Stop(database, random);
                        slowest = stop > slowest ? stop : slowest;
                        stops++;
                    }
                SendTheRest(database);
                var orders = OrdersOf(database);
                var sent = new HashSet<string>(File.ReadAllLines(database + Sent));
                Console.WriteLine("       " + orders.Count + " orders, " + kills + " kills, " + stops + " stops, the slowest in " + slowest);
                Check.That(orders.Count > 0, "no order was placed");
                Check.Same(new string[0], orders.Where(order => !sent.Contains(order)));
                Check.Same(new string[0], sent.Where(order => !orders.Contains(order)));
            });
        }

        private static void Kill(string database, Random random)
        {
            using (var service = Start(database, TimeSpan.FromSeconds(1)))
            {
                RunsFor(service, database, random.Next(2000));
                service.Kill();
                service.WaitForExit();
            }
            // The lease of a killed process ends by itself, and the next stop must not be blamed for it.
            using (var client = Open(database))
                Until.True(() =>
                {
                    using (var lease = client.ObtainLease("OutboxSweeper", TimeSpan.FromSeconds(1)))
                        return lease != null;
                }, "the end of the lease");
        }

        /// <summary>Stops the service with SIGTERM, checks that its lease is free then, and returns the time of the stop.</summary>
        private static TimeSpan Stop(string database, Random random)
        {
            using (var service = Start(database, TimeSpan.FromMinutes(10)))
            {
                RunsFor(service, database, random.Next(2000));
                var clock = Stopwatch.StartNew();
                using (var signal = Process.Start("kill", "-TERM " + service.Id))
                    signal.WaitForExit();
                Check.That(service.WaitForExit(60000), "the service did not end");
                clock.Stop();
                Check.Equal(0, service.ExitCode);
                Check.That(clock.Elapsed.TotalSeconds < LongestStop, "the service ended after " + clock.Elapsed);
                using (var next = Open(database))
                    Check.Equal(LeaseStatus.Held, next.Sweep().Lease);
                return clock.Elapsed;
            }
        }

        private static Process Start(string database, TimeSpan lease)
        {
            return Child.Start("order-service", database, start => start.EnvironmentVariables["POSTBOX_TEST_LEASE"] = lease.ToString("c"));
        }

        /// <summary>Waits until the service has sent a message, and then for some milliseconds.</summary>
        private static void RunsFor(Process service, string database, int milliseconds)
        {
            var before = LengthOf(database + Sent);
            Until.True(() => LengthOf(database + Sent) > before || service.HasExited, "the first message");
            Check.That(!service.HasExited, "the service has ended");
            Thread.Sleep(milliseconds);
        }

        private static long LengthOf(string file) => File.Exists(file) ? new FileInfo(file).Length : 0;

        private static void SendTheRest(string database)
        {
            using (var client = Open(database))
                Until.True(() =>
                {
                    client.Sweep();
                    return client.CountOutstanding().Count == 0;
                }, "the last message");
        }

        private static PostboxClient Open(string database)
        {
            var options = new PostboxOptions();
            TestHost.Eager(database)(options);
            using (var config = new PostboxConfig(options).AddProducer(null, message =>
            {
                File.AppendAllText(database + Sent, message.Id + "\n");
                return SendResult.Sent;
            }))
                return config.Open();
        }

        private static HashSet<string> OrdersOf(string database)
        {
            var orders = new HashSet<string>();
            using (var client = Open(database))
            {
                var start = "";
                do
                    using (var page = JsonDocument.Parse(client.EmbeddedExecute("Scan", "{\"TableName\":\"Orders\"" + start + "}")))
                    {
                        foreach (var item in page.RootElement.GetProperty("Items").EnumerateArray())
                            orders.Add(item.GetProperty("Id").GetProperty("S").GetString());
                        start = page.RootElement.TryGetProperty("LastEvaluatedKey", out var last) ? ",\"ExclusiveStartKey\":" + last.GetRawText() : null;
                    }
                while (start != null);
            }
            return orders;
        }

        /// <summary>Runs the service in the process that the test has started.</summary>
        internal static int Serve(string database)
        {
            OrderService.Program.Main(new[]
            {
                "--Postbox:EmbeddedPath", database, "--Postbox:LeaseDuration", Environment.GetEnvironmentVariable("POSTBOX_TEST_LEASE"),
                "--Postbox:SweepInterval", "00:00:00.1", "--Postbox:SweepMinAge", "00:00:00.2", "--Postbox:DispatchRetryDelay", "00:00:00.1",
                "--Orders:Sent", database + Sent, "--Logging:LogLevel:Default", "Error", "--Logging:LogLevel:Postbox", "Error",
            }).GetAwaiter().GetResult();
            return Environment.ExitCode;
        }
    }
}
