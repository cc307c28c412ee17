using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Postbox;
using Postbox.Extensions.Hosting;

namespace Microsoft.Extensions.DependencyInjection
{
    /// <summary>Adds producers and background work to a client of a host.</summary>
    /// <remarks>
    /// Each call to a producer or an archive has a scope of its own, whose services are disposed of after the call. An exception of the
    /// container, and a service that is null, count as a failed attempt of the messages of the call.
    /// </remarks>
    public static class PostboxBuilderExtensions
    {
        /// <summary>
        /// Adds a producer that the container creates: <c>builder.AddProducer&lt;OrderEvents&gt;("order.*")</c>. If the container does
        /// not have the class, the class is added as a scoped service.
        /// </summary>
        /// <typeparam name="T">
        /// A type that implements <see cref="IAsyncProducer"/> or <see cref="IProducer"/>. If it implements both, it is called
        /// asynchronously.
        /// </typeparam>
        /// <param name="builder">The builder.</param>
        /// <param name="topic">
        /// The topic, or a prefix and "*", or null for every topic that has no producer of its own.
        /// </param>
        /// <returns>The builder.</returns>
        /// <exception cref="ArgumentException">The type is not a producer of single messages.</exception>
        public static IPostboxBuilder AddProducer<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
            this IPostboxBuilder builder, string? topic) where T : class
        {
            AddClass<T>(builder);
            if (Is<IAsyncProducer, T>())
                return builder.AddProducer(topic, (services, message, closing) =>
                    ((IAsyncProducer)ClientScopes.Resolve<T>(services)).SendAsync(message, closing));
            if (Is<IProducer, T>())
                return builder.AddProducer(topic, (services, message) => ((IProducer)ClientScopes.Resolve<T>(services)).Send(message));
            throw Unsuitable<T>(nameof(IAsyncProducer), nameof(IProducer));
        }

        /// <summary>Adds an asynchronous producer.</summary>
        /// <param name="builder">The builder.</param>
        /// <param name="topic">
        /// The topic, or a prefix and "*", or null for every topic that has no producer of its own.
        /// </param>
        /// <param name="send">
        /// Sends one message, with the services of a scope. See <see cref="IAsyncProducer.SendAsync"/>.
        /// </param>
        /// <returns>The builder.</returns>
        public static IPostboxBuilder AddProducer(
            this IPostboxBuilder builder, string? topic, Func<IServiceProvider, OutboxMessage, CancellationToken, ValueTask<SendResult>> send)
        {
            if (send == null)
                throw new ArgumentNullException(nameof(send));
            return builder.AddCalls((scopes, config) =>
            {
                Func<OutboxMessage, CancellationToken, ValueTask<SendResult>> scoped =
                    (message, closing) => scopes.CallAsync(services => send(services, message, closing));
                config.AddProducer(topic, scoped);
            });
        }

        /// <summary>Adds a producer that blocks the thread that clears or sweeps.</summary>
        /// <param name="builder">The builder.</param>
        /// <param name="topic">
        /// The topic, or a prefix and "*", or null for every topic that has no producer of its own.
        /// </param>
        /// <param name="send">Sends one message, with the services of a scope. See <see cref="IProducer.Send"/>.</param>
        /// <returns>The builder.</returns>
        public static IPostboxBuilder AddProducer(this IPostboxBuilder builder, string? topic, Func<IServiceProvider, OutboxMessage, SendResult> send)
        {
            if (send == null)
                throw new ArgumentNullException(nameof(send));
            return builder.AddCalls((scopes, config) =>
            {
                Func<OutboxMessage, SendResult> scoped = message => scopes.Call(services => send(services, message));
                config.AddProducer(topic, scoped);
            });
        }

        /// <summary>
        /// Adds a producer of several messages that the container creates. If the container does not have the class, the class is
        /// added as a scoped service.
        /// </summary>
        /// <typeparam name="T">
        /// A type that implements <see cref="IAsyncBatchProducer"/> or <see cref="IBatchProducer"/>. If it implements both, it is
        /// called asynchronously.
        /// </typeparam>
        /// <param name="builder">The builder.</param>
        /// <param name="topic">
        /// The topic, or a prefix and "*", or null for every topic that has no producer of its own.
        /// </param>
        /// <param name="maxBatch">The maximum number of messages in one call, at least 1.</param>
        /// <returns>The builder.</returns>
        /// <exception cref="ArgumentException">The type is not a producer of several messages.</exception>
        public static IPostboxBuilder AddBatchProducer<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
            this IPostboxBuilder builder, string? topic, int maxBatch) where T : class
        {
            AddClass<T>(builder);
            if (Is<IAsyncBatchProducer, T>())
                return builder.AddBatchProducer(topic, maxBatch, (services, messages, results, closing) =>
                    ((IAsyncBatchProducer)ClientScopes.Resolve<T>(services)).SendAsync(messages, results, closing));
            if (Is<IBatchProducer, T>())
                return builder.AddBlockingBatchProducer<T>(topic, maxBatch);
            throw Unsuitable<T>(nameof(IAsyncBatchProducer), nameof(IBatchProducer));
        }

        /// <summary>Adds an asynchronous producer of several messages.</summary>
        /// <param name="builder">The builder.</param>
        /// <param name="topic">
        /// The topic, or a prefix and "*", or null for every topic that has no producer of its own.
        /// </param>
        /// <param name="maxBatch">The maximum number of messages in one call, at least 1.</param>
        /// <param name="send">
        /// Sends messages, with the services of a scope. See <see cref="IAsyncBatchProducer.SendAsync"/>.
        /// </param>
        /// <returns>The builder.</returns>
        public static IPostboxBuilder AddBatchProducer(
            this IPostboxBuilder builder, string? topic, int maxBatch,
            Func<IServiceProvider, IReadOnlyList<OutboxMessage>, SendResults, CancellationToken, ValueTask> send)
        {
            if (send == null)
                throw new ArgumentNullException(nameof(send));
            return builder.AddCalls((scopes, config) =>
            {
                Func<IReadOnlyList<OutboxMessage>, SendResults, CancellationToken, ValueTask> scoped =
                    (messages, results, closing) => scopes.CallAsync(services => send(services, messages, results, closing));
                config.AddBatchProducer(topic, maxBatch, scoped);
            });
        }

        /// <summary>
        /// Runs the sweeper of the client while the host runs. It starts after the hosted services that are added before, and stops
        /// before them. The threads of all clients start at the place of the first <c>AddSweeper</c> or <c>AddArchiver</c>. The
        /// sweeper stops when its current calls to producers have ended, so that its lease is free for the next process at once. Failed
        /// sweeps are logged, and do not end the host.
        /// </summary>
        /// <param name="builder">The builder.</param>
        /// <returns>The builder.</returns>
        public static IPostboxBuilder AddSweeper(this IPostboxBuilder builder) => builder.AddWork(setup => setup.Sweeps = true);

        /// <summary>Runs an archiver while the host runs, as <see cref="AddSweeper"/> runs the sweeper.</summary>
        /// <param name="builder">The builder.</param>
        /// <param name="archive">
        /// Stores a message durably, with the services of a scope. The message is deleted from the outbox when the task has succeeded.
        /// See <see cref="PostboxClient.StartArchiver(Func{OutboxMessage, Task})"/>.
        /// </param>
        /// <returns>The builder.</returns>
        public static IPostboxBuilder AddArchiver(this IPostboxBuilder builder, Func<IServiceProvider, OutboxMessage, ValueTask> archive)
        {
            if (archive == null)
                throw new ArgumentNullException(nameof(archive));
            return builder.AddWork(setup => setup.StartArchiver = (provider, client) =>
            {
                var scopes = new ClientScopes(provider, builder.Name);
                client.StartArchiver(message => scopes.CallAsync(services => archive(services, message)).AsTask());
            });
        }

        /// <summary>Runs an archiver that appends the messages to a file while the host runs.</summary>
        /// <param name="builder">The builder.</param>
        /// <param name="path">See <see cref="PostboxClient.StartArchiverToFile"/>.</param>
        /// <returns>The builder.</returns>
        public static IPostboxBuilder AddArchiver(this IPostboxBuilder builder, string path)
        {
            if (path == null)
                throw new ArgumentNullException(nameof(path));
            return builder.AddWork(setup => setup.StartArchiver = (provider, client) => client.StartArchiverToFile(path));
        }

        /// <summary>
        /// Changes the configuration of the client before it is opened, with the services of the host. The calls take effect in their
        /// order, after the options. If several threads resolve the client for the first time at the same moment, each of them may call
        /// the delegate, with a configuration of its own. One of them opens the client.
        /// </summary>
        /// <param name="builder">The builder.</param>
        /// <param name="change">Changes the configuration. It must not resolve a service that needs the client.</param>
        /// <returns>The builder.</returns>
        public static IPostboxBuilder Configure(this IPostboxBuilder builder, Action<IServiceProvider, PostboxConfig> change)
        {
            if (change == null)
                throw new ArgumentNullException(nameof(change));
            return builder.SetUp(setup => setup.Changes.Add(change));
        }

        private static IPostboxBuilder AddBlockingBatchProducer<T>(this IPostboxBuilder builder, string? topic, int maxBatch) where T : class
        {
            return builder.AddCalls((scopes, config) => config.AddBatchProducer(topic, maxBatch, (messages, results) => scopes.Call(services =>
            {
                ((IBatchProducer)ClientScopes.Resolve<T>(services)).Send(messages, results);
                return true;
            })));
        }

        private static IPostboxBuilder AddCalls(this IPostboxBuilder builder, Action<ClientScopes, PostboxConfig> add)
        {
            return builder.Configure((services, config) => add(new ClientScopes(services, builder.Name), config));
        }

        private static IPostboxBuilder AddWork(this IPostboxBuilder builder, Action<ClientSetup> add)
        {
            builder.SetUp(add);
            builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, BackgroundWork>());
            return builder;
        }

        private static IPostboxBuilder SetUp(this IPostboxBuilder builder, Action<ClientSetup> change)
        {
            if (builder == null)
                throw new ArgumentNullException(nameof(builder));
            builder.Services.Configure(builder.Name, change);
            return builder;
        }

        private static void AddClass<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(IPostboxBuilder builder)
            where T : class
        {
            if (builder == null)
                throw new ArgumentNullException(nameof(builder));
            if (!typeof(T).IsAbstract)
                builder.Services.TryAddScoped<T>();
        }

        private static bool Is<TInterface, T>() => typeof(TInterface).IsAssignableFrom(typeof(T));

        private static ArgumentException Unsuitable<T>(string first, string second)
        {
            return new ArgumentException(typeof(T) + " is not such a producer: let it implement " + first + " or " + second);
        }
    }
}
