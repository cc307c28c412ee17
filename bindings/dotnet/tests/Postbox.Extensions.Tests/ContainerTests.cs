using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Postbox.Extensions.Hosting;

namespace Postbox.Tests
{
    /// <summary>Producers and archives that a container creates.</summary>
    public static class ContainerTests
    {
        public static void Producers_of_every_kind_are_called_in_a_scope_of_their_own()
        {
            foreach (var add in new Action<IPostboxBuilder>[]
            {
                builder => builder.AddProducer<Blocking>("order.made"),
                builder => builder.AddProducer<Asynchronous>("order.made"),
                builder => builder.AddBatchProducer<BlockingBatch>("order.made", 10),
                builder => builder.AddBatchProducer<AsynchronousBatch>("order.made", 10),
                builder => builder.AddProducer("order.made", (services, message) => services.GetRequiredService<Scoped>().Send(message)),
                builder => builder.AddProducer("order.made", async (services, message, closing) =>
                {
                    await Task.Yield();
                    return services.GetRequiredService<Scoped>().Send(message);
                }),
                builder => builder.AddBatchProducer("order.made", 10, async (services, messages, results, closing) =>
                {
                    await Task.Yield();
                    for (var i = 0; i < messages.Count; i++)
                        results[i] = services.GetRequiredService<Scoped>().Send(messages[i]);
                }),
            })
                SendsInScopes(add);
        }

        private static void SendsInScopes(Action<IPostboxBuilder> add)
        {
            var calls = new Calls();
            using (var host = new TestHost(services =>
            {
                services.AddSingleton(calls).AddScoped<Scoped>();
                add(services.AddPostbox(TestHost.Eager));
            }).Start())
            {
                for (var i = 1; i <= 3; i++)
                {
                    var id = TestHost.Deposit(host.Client);
                    host.Client.ClearOutbox(id);
                    Check.Equal(id, calls.Sent.Last());
                    Check.Equal(i, calls.Scopes);
                    // A task disposes of its scope after the call has ended, and before its message is marked.
                    Check.Equal(0, calls.Open);
                }
                Check.Equal(3, calls.Sent.Count);
            }
        }

        public static void A_singleton_is_not_disposed_of_after_a_call()
        {
            var calls = new Calls();
            using (var host = new TestHost(services =>
            {
                services.AddSingleton(calls).AddSingleton<Scoped>();
                services.AddPostbox(TestHost.Eager).AddProducer<Blocking>("order.made");
                services.AddSingleton<Blocking>();
            }).Start())
            {
                host.Client.ClearOutbox(TestHost.Deposit(host.Client), TestHost.Deposit(host.Client));
                Check.Equal(1, calls.Scopes);
                Check.Equal(1, calls.Open);
            }
        }

        public static void A_service_that_is_null_is_a_failed_attempt()
        {
            Fails("Postbox.Tests.Blocking", services => services.AddScoped<Blocking>(_ => null), builder => builder.AddProducer<Blocking>("order.made"));
            Fails("Postbox.Tests.Asynchronous", services => services.AddScoped<Asynchronous>(_ => null), builder => builder.AddProducer<Asynchronous>("order.made"));
            Fails("Postbox.Tests.BlockingBatch", services => services.AddScoped<BlockingBatch>(_ => null), builder => builder.AddBatchProducer<BlockingBatch>("order.made", 5));
            Fails("Postbox.Tests.AsynchronousBatch", services => services.AddScoped<AsynchronousBatch>(_ => null), builder => builder.AddBatchProducer<AsynchronousBatch>("order.made", 5));
            Fails("IProducer", services => { }, builder => builder.AddProducer<IProducer>("order.made"));
        }

        public static void A_service_that_cannot_be_created_is_a_failed_attempt()
        {
            foreach (var add in new Action<IPostboxBuilder>[]
            {
                builder => builder.AddProducer<Blocking>("order.made"), builder => builder.AddProducer<Asynchronous>("order.made"),
                builder => builder.AddBatchProducer<BlockingBatch>("order.made", 5), builder => builder.AddBatchProducer<AsynchronousBatch>("order.made", 5),
            })
            {
                Fails("no connection", services => services.AddScoped<Scoped>(_ => throw new FormatException("no connection")), add);
                // The container does not have the service that the constructors take.
                Fails("Postbox.Tests.Scoped", services => { }, add);
            }
        }

        /// <summary>Checks that a message of this host fails with this reason, and is sent when the container works again.</summary>
        private static void Fails(string reason, Action<IServiceCollection> register, Action<IPostboxBuilder> add)
        {
            using (var host = new TestHost(services =>
            {
                var builder = services.AddPostbox(TestHost.Eager);
                add(builder);
                register(services);
            }).Start())
            {
                var id = TestHost.Deposit(host.Client);
                host.Client.ClearOutbox(new[] { id }, out var report);
                Check.Equal(Outcome.Failed, report.Single().Outcome);
                Check.Contains(reason, report.Single().Detail);
                Check.Equal(1L, host.Client.CountOutstanding().Count);
            }
        }

        public static void A_scope_that_cannot_be_disposed_of_does_not_change_the_result()
        {
            foreach (var add in new Action<IPostboxBuilder>[] { builder => builder.AddProducer<Blocking>("order.made"), builder => builder.AddProducer<Asynchronous>("order.made") })
            {
                var calls = new Calls { FailsToEnd = true };
                using (var host = new TestHost(services =>
                {
                    services.AddSingleton(calls).AddScoped<Scoped>();
                    add(services.AddPostbox(TestHost.Eager));
                }).Start())
                {
                    host.Client.ClearOutbox(TestHost.Deposit(host.Client));
                    Check.Equal(1, calls.Sent.Count);
                    Check.Equal(0L, host.Client.CountOutstanding().Count);
                    Check.That(host.Log.Has("Postbox", "the disk is full"), "the failure is not logged");
                }
            }
        }

        public static void A_scope_with_only_asynchronous_ends_is_disposed_of()
        {
            // The container of .NET Core 3.1 ends such a service twice.
            var ended = false;
            using (var host = new TestHost(services =>
            {
                services.AddScoped(_ => new EndsLater(() => ended = true));
                services.AddPostbox(TestHost.Eager).AddProducer(null, (scope, message) =>
                {
                    scope.GetRequiredService<EndsLater>();
                    return SendResult.Sent;
                });
            }).Start())
                host.Client.ClearOutbox(TestHost.Deposit(host.Client));
            Check.That(ended, "the service was not disposed of");
        }

        public static void A_call_during_the_end_of_the_container_is_no_attempt()
        {
            foreach (var add in new Action<IPostboxBuilder>[]
            {
                builder => builder.AddProducer<Blocking>(null), builder => builder.AddProducer<Asynchronous>(null),
                builder => builder.AddBatchProducer<BlockingBatch>(null, 5), builder => builder.AddBatchProducer<AsynchronousBatch>(null, 5),
            })
            {
                var calls = new Calls();
                Report report = null;
                var services = new ServiceCollection();
                services.AddSingleton(calls).AddScoped<Scoped>();
                add(services.AddPostbox(TestHost.Eager));
                // The container disposes of this service before it closes the client, and has no scopes at that time.
                services.AddSingleton(provider =>
                {
                    var client = provider.GetRequiredService<PostboxClient>();
                    var id = TestHost.Deposit(client);
                    return new Ends(() => client.ClearOutbox(new[] { id }, out report));
                });
                using (var provider = services.BuildServiceProvider())
                    provider.GetRequiredService<Ends>();
                Check.Equal(Outcome.Skipped, report.Single().Outcome);
                Check.Equal(0, calls.Scopes);
            }
        }

        public static void A_type_that_is_no_producer_is_rejected()
        {
            var builder = new ServiceCollection().AddPostbox(TestHost.Eager);
            Check.Contains("IAsyncProducer", Check.Throws<ArgumentException>(() => builder.AddProducer<BlockingBatch>("t")).Message);
            Check.Contains("IAsyncBatchProducer", Check.Throws<ArgumentException>(() => builder.AddBatchProducer<Blocking>("t", 1)).Message);
        }

        public static void An_archiver_runs_in_the_host_with_scopes()
        {
            var calls = new Calls();
            var archived = new SentMessages();
            using (var host = new TestHost(services =>
            {
                services.AddSingleton(calls).AddScoped<Scoped>();
                services.AddPostbox(options =>
                    {
                        TestHost.Eager(options);
                        options.ArchiveInterval = TimeSpan.FromMilliseconds(20);
                    })
                    .AddProducer(null, (scope, message) => SendResult.Sent)
                    .AddArchiver(async (scope, message) =>
                    {
                        await Task.Yield();
                        scope.GetRequiredService<Scoped>().Send(message);
                        archived.Add(message);
                    });
            }).Start())
            {
                var id = TestHost.Deposit(host.Client);
                host.Client.ClearOutbox(id);
                archived.WaitFor(id);
                Until.True(() => host.Client.GetMessage(id) == null, "the end of the archived message");
                host.Stop();
            }
            Check.Equal(0, calls.Open);
        }
    }

    /// <summary>The calls of the producers of a test.</summary>
    public sealed class Calls
    {
        private int scopes, open;

        internal List<string> Sent { get; } = new List<string>();

        internal bool FailsToEnd { get; set; }

        internal int Scopes => scopes;

        internal int Open => Volatile.Read(ref open);

        internal void Begin()
        {
            Interlocked.Increment(ref scopes);
            Interlocked.Increment(ref open);
        }

        internal void End() => Interlocked.Decrement(ref open);
    }

    /// <summary>A service with a lifetime of one call.</summary>
    public sealed class Scoped : IDisposable
    {
        private readonly Calls calls;
        private bool isDisposed;

        /// <summary>Begins the scope.</summary>
        public Scoped(Calls calls)
        {
            this.calls = calls;
            calls.Begin();
        }

        /// <summary>Keeps the id of the message.</summary>
        public SendResult Send(OutboxMessage message)
        {
            Check.That(!isDisposed, "the scope has ended before the call");
            lock (calls)
                calls.Sent.Add(message.Id);
            return SendResult.Sent;
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            isDisposed = true;
            calls.End();
            if (calls.FailsToEnd)
                throw new InvalidOperationException("the disk is full");
        }
    }

    internal sealed class Ends : IDisposable
    {
        private readonly Action end;

        internal Ends(Action end)
        {
            this.end = end;
        }

        public void Dispose() => end();
    }

    internal sealed class EndsLater : IAsyncDisposable
    {
        private readonly Action ended;

        internal EndsLater(Action ended)
        {
            this.ended = ended;
        }

        public async ValueTask DisposeAsync()
        {
            await Task.Yield();
            ended();
        }
    }

#pragma warning disable 1591
    public sealed class Blocking : IProducer
    {
        private readonly Scoped scoped;

        public Blocking(Scoped scoped) => this.scoped = scoped;

        public SendResult Send(OutboxMessage message) => scoped.Send(message);
    }

    public sealed class Asynchronous : IAsyncProducer
    {
        private readonly Scoped scoped;

        public Asynchronous(Scoped scoped) => this.scoped = scoped;

        public async ValueTask<SendResult> SendAsync(OutboxMessage message, CancellationToken closing)
        {
            await Task.Yield();
            return scoped.Send(message);
        }
    }

    public sealed class BlockingBatch : IBatchProducer
    {
        private readonly Scoped scoped;

        public BlockingBatch(Scoped scoped) => this.scoped = scoped;

        public void Send(IReadOnlyList<OutboxMessage> messages, SendResults results)
        {
            for (var i = 0; i < messages.Count; i++)
                results[i] = scoped.Send(messages[i]);
        }
    }

    public sealed class AsynchronousBatch : IAsyncBatchProducer
    {
        private readonly Scoped scoped;

        public AsynchronousBatch(Scoped scoped) => this.scoped = scoped;

        public async ValueTask SendAsync(IReadOnlyList<OutboxMessage> messages, SendResults results, CancellationToken closing)
        {
            await Task.Yield();
            for (var i = 0; i < messages.Count; i++)
                results[i] = scoped.Send(messages[i]);
        }
    }
}
