using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Postbox.Extensions.Hosting;

namespace Postbox.Tests
{
    /// <summary>The client in a host: options, start, log, several clients.</summary>
    public static class HostTests
    {
        /// <summary>The program that teams wish to write.</summary>
        public static void A_host_sends_what_is_committed()
        {
            var outbox = new SentMessages();
            var settings = Settings(("Postbox:EmbeddedPath", ":memory:"), ("Postbox:SweepMinAge", "00:00:00"), ("Postbox:SweepInterval", "00:00:00.020"));
            var builder = Host.CreateDefaultBuilder().ConfigureLogging(logging => logging.SetMinimumLevel(LogLevel.Warning)).ConfigureServices(services =>
            {
                services.AddSingleton(outbox);
                services.AddPostbox(settings.GetSection("Postbox"))
                    .AddProducer<OrderEvents>("order.*")
                    .AddSweeper()
                    .AddHealthCheck(maxOldestAge: TimeSpan.FromMinutes(5));
            });
            using (var host = builder.Build())
            {
                Wait.For(host.StartAsync());
                var postbox = host.Services.GetRequiredService<IPostbox>();
                Check.That(ReferenceEquals(postbox, host.Services.GetRequiredService<PostboxClient>()), "there are two clients");
                string id;
                using (var work = postbox.BeginUnitOfWork())
                using (var message = new OutboxMessage("order.made", "hello"))
                {
                    id = work.DepositPost(message);
                    work.Commit();
                }
                outbox.WaitFor(id);
                var health = Wait.For(host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync());
                Check.Equal(HealthStatus.Healthy, health.Entries["postbox"].Status);
                Wait.For(host.StopAsync());
                Check.Fails(PostboxErrorCode.Closed, () => postbox.CountOutstanding());
            }
        }

        public static void A_wrong_option_is_an_error_at_the_start_that_names_it()
        {
            Check.Contains("SweepBatch is not valid: sweep_batch", FailsToStart<OptionsValidationException>(("Postbox:SweepBatch", "0")));
            Check.Contains("Postbox:SweepIntervall", FailsToStart<OptionsValidationException>(("Postbox:SweepIntervall", "00:00:05")));
            Check.Contains("Postbox:SweepInterval", FailsToStart<InvalidOperationException>(("Postbox:SweepInterval", "soon")));
            Check.Contains("secret_access_key", FailsToStart<PostboxException>(("Postbox:AccessKeyId", "a"), ("Postbox:Region", "eu-west-1")));
        }

        public static void All_wrong_options_are_named_with_their_client()
        {
            var settings = Settings(("P:SweepBatch", "0"), ("P:LeaseDuration", "00:00:00.001"), ("P:Table", "t"));
            using (var host = new TestHost(services => services.AddPostbox("orders", settings.GetSection("P"))))
            {
                var text = Check.Throws<OptionsValidationException>(() => host.Start()).Message;
                foreach (var part in new[] { "client \"orders\"", "SweepBatch", "LeaseDuration", "P:Table" })
                    Check.Contains(part, text);
            }
        }

        public static void Only_the_overloads_with_a_configuration_warn_of_trimming()
        {
            foreach (var method in typeof(PostboxServiceCollectionExtensions).GetMethods().Where(method => method.Name == "AddPostbox"))
            {
                var expected = method.GetParameters().Any(parameter => parameter.ParameterType == typeof(IConfiguration))
                    ? new[] { "RequiresDynamicCodeAttribute", "RequiresUnreferencedCodeAttribute" }
                    : new string[0];
                var found = method.CustomAttributes.Select(attribute => attribute.AttributeType.Name).Where(name => name.StartsWith("Requires"));
                Check.Same(expected, found.OrderBy(name => name, StringComparer.Ordinal));
            }
        }

        /// <summary>Starts a host with these settings, and returns the text of the exception.</summary>
        private static string FailsToStart<T>(params (string, string)[] settings) where T : Exception
        {
            var started = 0;
            using (var host = new TestHost(services =>
            {
                // This service is added first, and must nevertheless not start.
                services.AddSingleton<IHostedService>(new Service(() => started++));
                services.AddPostbox(Settings(settings).GetSection("Postbox")).AddSweeper();
            }))
            {
                var text = Check.Throws<T>(() => host.Start()).Message;
                Check.Equal(0, started);
                return text;
            }
        }

        public static void A_missing_library_is_an_error_at_the_start()
        {
            var (code, errors) = Child.Run("missing-library", start => start.EnvironmentVariables.Remove("LD_LIBRARY_PATH"));
            Check.Equal(3, code);
            Check.Contains("the native library \"postbox\"", errors);
            Check.Contains("LD_LIBRARY_PATH", errors);
        }

        public static void A_client_is_opened_when_it_is_first_resolved()
        {
            var opened = 0;
            using (var host = new TestHost(services => services.AddPostbox(TestHost.Eager).Configure((_, config) => opened++)))
            {
                Check.Equal(0, opened);
                GC.KeepAlive(host.Client);
                Check.Equal(1, opened);
                host.Start();
                Check.Equal(1, opened);
            }
        }

        public static void A_host_that_is_not_started_opens_nothing()
        {
            var opened = 0;
            using (new TestHost(services => services.AddPostbox(TestHost.Eager).AddSweeper().AddHealthCheck().Configure((_, config) => opened++))) { }
            Check.Equal(0, opened);
        }

        public static void A_host_has_several_clients()
        {
            var orders = new SentMessages();
            var bills = new SentMessages();
            using (var host = new TestHost(services =>
            {
                services.AddPostbox("orders", TestHost.Eager).AddProducer(null, (_, message) => orders.Add(message)).AddSweeper().AddHealthCheck();
                services.AddPostbox("bills", TestHost.Eager).AddProducer(null, (_, message) => bills.Add(message)).AddSweeper().AddHealthCheck();
            }).Start())
            {
                var clients = host.Host.Services.GetRequiredService<IPostboxClients>();
                var order = TestHost.Deposit(clients.Get("orders"));
                var bill = TestHost.Deposit(clients.Get("bills"));
                orders.WaitFor(order);
                bills.WaitFor(bill);
                Check.Equal(1, orders.Count);
                Check.Contains("\"other\"", Check.Throws<ArgumentException>(() => clients.Get("other")).Message);
                Check.Throws<ArgumentException>(() => GC.KeepAlive(host.Client));
                var health = Wait.For(host.Host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync());
                Check.Same(new[] { "postbox-bills", "postbox-orders" }, health.Entries.Keys.OrderBy(name => name));
                clients.Get("orders").ClearOutbox(new[] { "none" }, out _);
                Check.That(host.Log.Lines.Any(line => line.Category == "Postbox.orders"), "the client orders has not logged");
            }
        }

        public static void A_client_that_is_needed_to_configure_itself_is_an_error_that_names_it()
        {
            using (var host = new TestHost(services => services.AddPostbox(TestHost.Eager).Configure((provider, _) => provider.GetRequiredService<IPostbox>())))
                Check.Contains("the default client is needed to configure itself", Check.Throws<InvalidOperationException>(() => host.Start()).Message);
            var isCyclic = true;
            using (var host = new TestHost(services =>
            {
                services.AddPostbox("orders", TestHost.Eager).Configure((provider, _) => provider.GetRequiredService<IPostboxClients>().Get("bills"));
                services.AddPostbox("bills", TestHost.Eager).Configure((provider, _) =>
                {
                    if (isCyclic)
                        provider.GetRequiredService<IPostboxClients>().Get("orders");
                });
            }))
            {
                var clients = host.Host.Services.GetRequiredService<IPostboxClients>();
                Check.Contains("client \"bills\" is needed", Check.Throws<InvalidOperationException>(() => clients.Get("bills")).Message);
                isCyclic = false;
                Check.Equal(0L, clients.Get("orders").CountOutstanding().Count);
            }
        }

        public static void Threads_that_resolve_the_client_first_do_not_wait_for_each_other_in_a_circle()
        {
            var configuring = new ManualResetEventSlim();
            var resolving = new ManualResetEventSlim();
            using (var host = new TestHost(services =>
            {
                services.AddSingleton<SentMessages>();
                services.AddPostbox(TestHost.Eager).Configure((provider, _) =>
                {
                    configuring.Set();
                    Wait.For(resolving, "the other thread");
                    provider.GetRequiredService<SentMessages>();
                });
                // The container creates this service under a lock, which creating any other service may need.
                services.AddSingleton(provider =>
                {
                    resolving.Set();
                    return Tuple.Create(provider.GetRequiredService<IPostboxClients>().Get(""));
                });
            }))
            {
                var clients = host.Host.Services.GetRequiredService<IPostboxClients>();
                var one = Task.Run(() => clients.Get(""));
                Wait.For(configuring, "the configuration");
                var other = Task.Run(() => host.Host.Services.GetRequiredService<Tuple<IPostbox>>());
                Wait.For(one);
                Wait.For(other);
                Check.That(ReferenceEquals(one.Result, other.Result.Item1), "there are two clients");
            }
        }

        public static void Options_and_services_are_added_to_a_client_in_several_places()
        {
            using (var host = new TestHost(services =>
            {
                services.AddPostbox(TestHost.Eager).AddSweeper();
                services.AddPostbox(options => options.SweepBatch = 7).AddSweeper();
            }).Start())
            {
                Check.Equal(1, host.Host.Services.GetServices<PostboxClient>().Count());
                Check.Equal(7, host.Host.Services.GetRequiredService<IOptionsMonitor<PostboxOptions>>().CurrentValue.SweepBatch);
                host.Stop();
            }
        }

        public static void Each_host_has_its_own_log()
        {
            using (var one = Failing().Start())
            using (var two = Failing().Start())
            {
                var id = TestHost.Deposit(one.Client);
                one.Client.ClearOutbox(new[] { id }, out _);
                Check.That(one.Log.Has("Postbox", id), "the host has not logged the failure");
                Check.That(!two.Log.Has("Postbox", id), "the other host has logged the failure");
                Check.Equal(LogLevel.Warning, one.Log.Lines.First(line => line.Text.Contains(id) && line.Text.Contains("full")).Level);
            }
        }

        private static TestHost Failing()
        {
            return new TestHost(services => services.AddPostbox(TestHost.Eager).AddProducer(null, (_, message) => SendResult.Retry("the queue is full")));
        }

        public static void Nothing_is_logged_after_the_container_is_disposed_of()
        {
            var called = new ManualResetEventSlim();
            var free = new ManualResetEventSlim();
            var host = new TestHost(services => services.AddPostbox(options =>
                {
                    TestHost.Eager(options);
                    options.CloseTimeout = TimeSpan.FromMilliseconds(100);
                })
                .AddProducer(null, (_, message) =>
                {
                    called.Set();
                    free.Wait();
                    return SendResult.Retry("too late");
                })
                .AddSweeper()).Start();
            TestHost.Deposit(host.Client);
            Wait.For(called, "the call of the producer");
            host.Stop();
            host.Dispose();
            Check.That(host.Log.IsDisposed, "the log is not disposed of");
            var before = host.Log.Late;
            free.Set();
            // The abandoned thread of the sweeper ends now, for which there is no event.
            Thread.Sleep(500);
            Check.Equal(0, before);
            Check.Equal(0, host.Log.Late);
        }

        public static void Hosts_leave_no_threads_and_files()
        {
            for (var i = 0; i < 5; i++)
                StartAndStop();
            var (threads, files) = Count();
            for (var i = 0; i < 100; i++)
                StartAndStop();
            GC.Collect();
            GC.WaitForPendingFinalizers();
            var (threadsAfter, filesAfter) = Count();
            Check.That(threadsAfter <= threads + 10, threads + " threads became " + threadsAfter);
            Check.That(filesAfter <= files + 10, files + " files became " + filesAfter);
        }

        private static void StartAndStop()
        {
            using (var host = new TestHost(services => services.AddPostbox(TestHost.Eager).AddProducer<OrderEvents>(null).AddSweeper().AddHealthCheck()).Start())
                host.Stop();
        }

        private static (int Threads, int Files) Count()
        {
            return (Directory.GetDirectories("/proc/self/task").Length, Directory.GetFiles("/proc/self/fd").Length);
        }

        internal static IConfiguration Settings(params (string Name, string Value)[] settings)
        {
            return new ConfigurationBuilder().AddInMemoryCollection(settings.ToDictionary(setting => setting.Name, setting => setting.Value)).Build();
        }
    }

    /// <summary>The messages that producers have sent.</summary>
    public sealed class SentMessages
    {
        private readonly List<string> ids = new List<string>();

        /// <summary>Keeps the id of a message.</summary>
        public SendResult Add(OutboxMessage message)
        {
            lock (ids)
            {
                ids.Add(message.Id);
                Monitor.PulseAll(ids);
            }
            return SendResult.Sent;
        }

        /// <summary>The number of calls.</summary>
        public int Count
        {
            get
            {
                lock (ids)
                    return ids.Count;
            }
        }

        /// <summary>The ids that were sent.</summary>
        public IReadOnlyList<string> Ids
        {
            get
            {
                lock (ids)
                    return ids.ToList();
            }
        }

        /// <summary>Waits until a message is sent.</summary>
        public void WaitFor(string id)
        {
            var clock = Stopwatch.StartNew();
            lock (ids)
                while (!ids.Contains(id))
                {
                    Check.That(clock.Elapsed < TimeSpan.FromSeconds(60), id + " was not sent");
                    Monitor.Wait(ids, 1000);
                }
        }
    }

    /// <summary>A producer as a team writes it.</summary>
    public sealed class OrderEvents : IProducer
    {
        private readonly SentMessages sent;

        /// <summary>Takes a service of the container.</summary>
        public OrderEvents(SentMessages sent)
        {
            this.sent = sent;
        }

        /// <inheritdoc/>
        public SendResult Send(OutboxMessage message) => sent.Add(message);
    }
}
