using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Postbox.Extensions.Hosting;

namespace Postbox.Tests
{
    /// <summary>A host that is stopped at any moment.</summary>
    public static class StopTests
    {
        public static void A_host_stops_while_it_opens_its_client()
        {
            var opening = new ManualResetEventSlim();
            var stopped = new ManualResetEventSlim();
            using (var host = new TestHost(services => services.AddPostbox(TestHost.Eager).AddSweeper().Configure((_, config) =>
            {
                opening.Set();
                stopped.Wait();
            })))
            {
                var lifetime = host.Host.Services.GetRequiredService<IHostApplicationLifetime>();
                var running = Task.Run(() => host.Host.RunAsync());
                Wait.For(opening, "the opening of the client");
                lifetime.StopApplication();
                stopped.Set();
                Wait.For(running);
            }
        }

        public static void A_start_that_is_cancelled_opens_nothing()
        {
            var opened = 0;
            using (var host = new TestHost(services => services.AddPostbox(TestHost.Eager).AddSweeper().Configure((_, config) => opened++)))
                Check.That(Task.Run(() => host.Host.StartAsync(new CancellationToken(true))).ContinueWith(start => start.IsCanceled).Result, "the start was not cancelled");
            Check.Equal(0, opened);
        }

        public static void Other_services_use_the_client_until_they_have_stopped()
        {
            var deposited = new List<string>();
            TestHost.WithAFile(file =>
            {
                using (var host = new TestHost(services =>
                {
                    Action<PostboxClient> last = client => deposited.Add(TestHost.Deposit(client));
                    services.AddSingleton<IHostedService>(provider => new Service(stop: () => last(provider.GetRequiredService<PostboxClient>())));
                    services.AddPostbox(TestHost.Eager(file)).AddSweeper();
                    services.AddSingleton<IHostedService>(provider => new Service(stop: () => last(provider.GetRequiredService<PostboxClient>())));
                }).Start())
                {
                    host.Stop();
                    Check.Fails(PostboxErrorCode.Closed, () => host.Client.CountOutstanding());
                }
                using (var next = Next(file))
                    Check.Equal(2L, next.Sweep().Dispatched);
            });
            Check.Equal(2, deposited.Count);
        }

        public static void The_sweeper_stops_after_the_services_that_are_added_later()
        {
            var sent = new SentMessages();
            string late = null;
            using (var host = new TestHost(services =>
            {
                services.AddSingleton<IHostedService>(provider => new Service(stop: () => late = TestHost.Deposit(provider.GetRequiredService<PostboxClient>())));
                services.AddPostbox(TestHost.Eager).AddProducer(null, (_, message) => sent.Add(message)).AddSweeper();
                services.AddSingleton<IHostedService>(provider => new Service(stop: () => sent.WaitFor(TestHost.Deposit(provider.GetRequiredService<PostboxClient>()))));
            }).Start())
                host.Stop();
            Check.Equal(1, sent.Count);
            Check.That(late != null && !sent.Ids.Contains(late), "the sweeper has not stopped before the service that was added first");
        }

        public static void A_stop_ends_a_sweep_between_two_messages()
        {
            StopsInASweep((builder, sent) => builder.AddProducer(null, (_, message) =>
            {
                Thread.Sleep(20);
                return sent.Add(message);
            }));
        }

        public static void A_stop_ends_a_sweep_of_an_asynchronous_producer()
        {
            StopsInASweep((builder, sent) => builder.AddProducer(null, async (_, message, closing) =>
            {
                await Task.Delay(20);
                return sent.Add(message);
            }));
        }

        /// <summary>A host with hundreds of outstanding messages stops soon, has marked what it has sent, and has returned its lease.</summary>
        private static void StopsInASweep(Action<IPostboxBuilder, SentMessages> add)
        {
            const int Messages = 400;
            TestHost.WithAFile(file =>
            {
                var sent = new SentMessages();
                using (var before = Next(file))
                    for (var i = 0; i < Messages; i++)
                        TestHost.Deposit(before);
                using (var host = new TestHost(services => add(services.AddPostbox(TestHost.Eager(file)).AddSweeper(), sent)).Start())
                {
                    Until.True(() => sent.Count > 5, "the sweep");
                    var clock = Stopwatch.StartNew();
                    host.Stop();
                    Check.That(clock.Elapsed.TotalSeconds < 4, "the host has stopped after " + clock.Elapsed);
                    Check.Same(new Line[0], host.Log.Lines.Where(line => line.Level >= LogLevel.Warning));
                }
                using (var next = Next(file))
                {
                    Check.Equal((long)Messages - sent.Count, next.CountOutstanding().Count);
                    Check.Equal(LeaseStatus.Held, next.Sweep().Lease);
                    Check.Equal(0L, next.CountOutstanding().Count);
                }
                Check.Equal(sent.Count, sent.Ids.Distinct().Count());
                Check.That(sent.Count < Messages, "all messages were sent before the stop");
            });
        }

        public static void A_producer_that_hangs_does_not_hold_up_the_stop()
        {
            HoldsUp((builder, called, free) => builder.AddProducer(null, (_, message) =>
            {
                called.Set();
                free.Wait();
                return SendResult.Sent;
            }));
        }

        public static void A_task_that_hangs_does_not_hold_up_the_stop()
        {
            HoldsUp((builder, called, free) => builder.AddProducer(null, async (_, message, closing) =>
            {
                called.Set();
                await Task.Run(free.Wait);
                return SendResult.Sent;
            }));
        }

        public static void A_task_is_cancelled_at_the_end_of_the_stop()
        {
            var cancelled = new ManualResetEventSlim();
            HoldsUp((builder, called, free) => builder.AddProducer(null, async (_, message, closing) =>
            {
                closing.Register(cancelled.Set);
                called.Set();
                await Task.Delay(Timeout.Infinite, closing);
                return SendResult.Sent;
            }));
            Wait.For(cancelled, "the cancellation");
        }

        /// <summary>A host whose producer does not return ends within its time, although the client would wait longer.</summary>
        private static void HoldsUp(Action<IPostboxBuilder, ManualResetEventSlim, ManualResetEventSlim> add)
        {
            TestHost.WithAFile(file =>
            {
                var called = new ManualResetEventSlim();
                var free = new ManualResetEventSlim();
                var clock = new Stopwatch();
                using (var host = new TestHost(services =>
                {
                    services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(2));
                    add(services.AddPostbox(options =>
                    {
                        TestHost.Eager(file)(options);
                        options.CloseTimeout = TimeSpan.FromSeconds(30);
                    }).AddSweeper(), called, free);
                }).Start())
                {
                    TestHost.Deposit(host.Client);
                    Wait.For(called, "the call of the producer");
                    clock.Start();
                    try
                    {
                        host.Stop();
                    }
                    catch (OperationCanceledException)
                    {
                        // The host of .NET Core 3.1 throws this if its time is up.
                    }
                }
                Check.That(clock.Elapsed.TotalSeconds < 4, "the host has stopped after " + clock.Elapsed);
                using (var next = Next(file))
                {
                    Check.Equal(1L, next.CountOutstanding().Count);
                    Check.Equal(LeaseStatus.Held, next.Sweep().Lease);
                }
                free.Set();
            });
        }

        public static void A_host_stops_during_a_health_check()
        {
            using (var server = new Server())
            using (var host = Health(server).Start())
            {
                var checking = host.Host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
                server.WaitFor(1);
                host.Stop();
                Check.Equal(HealthStatus.Unhealthy, Wait.For(checking).Status);
            }
        }

        private static TestHost Health(Server server)
        {
            return new TestHost(services => services.AddPostbox(options =>
            {
                options.EndpointUrl = server.Url;
                options.Region = "eu-west-1";
                options.AccessKeyId = "a";
                options.SecretAccessKey = "b";
                options.CloseTimeout = TimeSpan.FromMilliseconds(200);
            }).AddHealthCheck());
        }

        public static void Failing_sweeps_are_logged_and_do_not_end_the_host()
        {
            using (var host = new TestHost(services => services.AddPostbox(options =>
            {
                options.EndpointUrl = "http://127.0.0.1:1";
                options.Region = "eu-west-1";
                options.AccessKeyId = "a";
                options.SecretAccessKey = "b";
                options.MaxRequestAttempts = 1;
                options.SweepInterval = TimeSpan.FromMilliseconds(20);
            }).AddSweeper()).Start())
            {
                Until.True(() => host.Client.GetStats().BackgroundFailures > 2, "the failures");
                Check.That(host.Log.Lines.Any(line => line.Category == "Postbox" && line.Level >= LogLevel.Warning), "nothing was logged");
                Check.That(!host.Host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested, "the host stops");
                host.Stop();
            }
        }

        /// <summary>The client of another process.</summary>
        private static PostboxClient Next(string file)
        {
            var options = new PostboxOptions();
            TestHost.Eager(file)(options);
            using (var config = new PostboxConfig(options).AddProducer(null, message => SendResult.Sent))
                return config.Open();
        }
    }
}
