using System;
using System.Diagnostics;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Postbox.Extensions.Hosting;

namespace Postbox.Tests
{
    /// <summary>Health checks of a host.</summary>
    public static class HealthTests
    {
        public static void The_age_of_the_oldest_message_decides()
        {
            using (var host = Checked(options =>
            {
                options.MaxOldestAge = TimeSpan.FromMinutes(10);
                options.DegradedOldestAge = TimeSpan.FromMinutes(5);
                options.CacheDuration = TimeSpan.FromTicks(1);
            }).Start())
            {
                var healthy = Result(host);
                Check.Equal(HealthStatus.Healthy, healthy.Status);
                Check.Equal(0L, healthy.Data["outstanding"]);
                Deposit(host, TimeSpan.FromMinutes(2));
                Check.Equal(HealthStatus.Healthy, Result(host).Status);
                Deposit(host, TimeSpan.FromMinutes(7));
                Check.Equal(HealthStatus.Degraded, Result(host).Status);
                Deposit(host, TimeSpan.FromMinutes(12));
                var unhealthy = Result(host);
                Check.Equal(HealthStatus.Unhealthy, unhealthy.Status);
                Check.Equal(3L, unhealthy.Data["outstanding"]);
                Check.Equal(12.0, Math.Floor(((TimeSpan)unhealthy.Data["oldest_age"]).TotalMinutes));
                Check.Contains("3 messages are outstanding", unhealthy.Description);
            }
        }

        public static void The_failure_status_and_the_name_can_be_chosen()
        {
            using (var host = new TestHost(services => services.AddPostbox(TestHost.Eager)
                .AddHealthCheck(TimeSpan.FromMinutes(1))
                .AddHealthCheck(null, "outbox", HealthStatus.Degraded, new[] { "ready" })).Start())
            {
                Deposit(host, TimeSpan.FromMinutes(12));
                var report = Wait.For(Service(host).CheckHealthAsync());
                Check.Equal(HealthStatus.Unhealthy, report.Entries["postbox"].Status);
                Check.Equal(HealthStatus.Degraded, report.Entries["outbox"].Status);
                Check.Same(new[] { "ready" }, report.Entries["outbox"].Tags);
            }
        }

        public static void Parked_messages_degrade_the_result_for_a_time()
        {
            using (var host = Checked(options => options.DegradedAfterParking = TimeSpan.FromMilliseconds(500)).Start())
            {
                Park(host);
                var degraded = Result(host);
                Check.Equal(HealthStatus.Degraded, degraded.Status);
                Check.Equal(1L, degraded.Data["parked"]);
                Until.True(() => Result(host).Status == HealthStatus.Healthy, "the end of the time");
                Park(host);
                Check.Equal(HealthStatus.Degraded, Result(host).Status);
            }
        }

        public static void Parked_messages_of_all_processes_can_be_counted()
        {
            TestHost.WithAFile(file =>
            {
                using (var other = Checked(options => { }, file).Start())
                    Park(other);
                using (var host = Checked(options => options.CountParkedEvery = TimeSpan.FromTicks(1), file).Start())
                {
                    var degraded = Result(host);
                    Check.Equal(HealthStatus.Degraded, degraded.Status);
                    Check.Equal(0L, degraded.Data["parked"]);
                    Check.Equal(1L, degraded.Data["parked_in_table"]);
                    using (var parked = host.Client.ListMessages(MessageState.Parked))
                        host.Client.Unpark(parked.Single().Id);
                    Check.Equal(HealthStatus.Healthy, Result(host).Status);
                }
            });
        }

        public static void A_database_that_cannot_be_reached_is_unhealthy()
        {
            using (var host = Remote("http://127.0.0.1:1", options => { }).Start())
            {
                var result = Result(host);
                Check.Equal(HealthStatus.Unhealthy, result.Status);
                Check.Equal(PostboxErrorCode.Unreachable, ((PostboxException)result.Exception).Code);
                Check.Contains("127.0.0.1:1", result.Description);
            }
        }

        public static void A_database_that_is_silent_is_unhealthy_in_time()
        {
            using (var server = new Server())
            using (var host = Remote(server.Url, options => options.Timeout = TimeSpan.FromMilliseconds(300)).Start())
            {
                var clock = Stopwatch.StartNew();
                var result = Result(host);
                Check.Equal(HealthStatus.Unhealthy, result.Status);
                Check.Contains("00:00:00.3", result.Description);
                Check.That(clock.Elapsed.TotalSeconds < 2, "the check took " + clock.Elapsed);
            }
        }

        public static void Checks_share_one_count_for_a_time()
        {
            using (var server = new Server())
            using (var host = Remote(server.Url, options => options.CacheDuration = TimeSpan.FromMinutes(1)).Start())
            {
                server.Respond();
                Check.Equal(HealthStatus.Healthy, Result(host).Status);
                server.WaitFor(1);
                server.WaitFor(server.Unexpected);
                var service = Service(host);
                foreach (var result in Wait.For(Task.WhenAll(Enumerable.Range(0, 20).Select(_ => service.CheckHealthAsync()))))
                    Check.Equal(HealthStatus.Healthy, result.Status);
                Check.Equal(0, server.Unexpected);
            }
        }

        public static void Checks_at_the_same_time_share_one_count() => Check.Equal(RequestsOf(1), RequestsOf(20));

        /// <summary>Returns the number of requests that checks at the same time send.</summary>
        private static int RequestsOf(int checks)
        {
            using (var server = new Server())
            using (var host = Remote(server.Url, options => options.CacheDuration = TimeSpan.FromTicks(1)).Start())
            {
                var service = Service(host);
                var running = Enumerable.Range(0, checks).Select(_ => service.CheckHealthAsync()).ToList();
                server.Respond();
                foreach (var result in Wait.For(Task.WhenAll(running)))
                    Check.Equal(HealthStatus.Healthy, result.Status);
                return server.Unexpected;
            }
        }

        public static void A_check_after_the_stop_is_unhealthy()
        {
            using (var host = Checked(options => { }).Start())
            {
                host.Stop();
                Check.Equal(HealthStatus.Unhealthy, Result(host).Status);
            }
        }

        public static void Times_that_are_not_positive_are_rejected()
        {
            var builder = new ServiceCollection().AddPostbox(TestHost.Eager);
            Check.Throws<ArgumentOutOfRangeException>(() => builder.AddHealthCheck(TimeSpan.Zero));
            Check.Contains("Timeout", Check.Throws<ArgumentOutOfRangeException>(() => builder.AddHealthCheck(options => options.Timeout = -TimeSpan.FromSeconds(1))).Message);
        }

        private static TestHost Checked(Action<PostboxHealthCheckOptions> configure, string file = ":memory:")
        {
            return new TestHost(services => services.AddPostbox(TestHost.Eager(file))
                .AddProducer(null, (_, message) => SendResult.Reject("too large"))
                .AddHealthCheck(configure));
        }

        private static TestHost Remote(string url, Action<PostboxHealthCheckOptions> configure)
        {
            return new TestHost(services => services.AddPostbox(options =>
            {
                options.EndpointUrl = url;
                options.Region = "eu-west-1";
                options.AccessKeyId = "a";
                options.SecretAccessKey = "b";
                options.MaxRequestAttempts = 1;
                options.CloseTimeout = TimeSpan.FromMilliseconds(200);
            }).AddHealthCheck(configure));
        }

        private static HealthCheckService Service(TestHost host) => host.Host.Services.GetRequiredService<HealthCheckService>();

        private static HealthReportEntry Result(TestHost host) => Wait.For(Service(host).CheckHealthAsync()).Entries.Single().Value;

        private static void Park(TestHost host) => host.Client.ClearOutbox(new[] { TestHost.Deposit(host.Client) }, out _);

        private static void Deposit(TestHost host, TimeSpan age)
        {
            using (var message = new OutboxMessage("order.made", "x") { CreatedAt = DateTimeOffset.UtcNow - age })
                host.Client.DepositPost(message);
        }
    }
}
