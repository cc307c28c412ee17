using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// More forms of archives and producers. They are extension methods because the compiler chooses one of them only if no method
    /// of the class fits. A lambda that returns a task is therefore never taken for one that returns nothing, whose end nobody
    /// would wait for, and a lambda that only throws an exception is not ambiguous.
    /// </summary>
    public static class DelegateExtensions
    {
        /// <summary>Archives messages as <see cref="PostboxClient.Archive"/> does, with a delegate that blocks.</summary>
        /// <param name="postbox">The Postbox.</param>
        /// <param name="archive">
        /// Stores a message durably. A message for which it throws stays in the outbox, and the exception is logged.
        /// </param>
        /// <param name="cancellation">See <see cref="PostboxClient.Archive"/>.</param>
        /// <returns>The message counts and the status of the lease.</returns>
        /// <exception cref="ArgumentException">The delegate is an <c>async void</c> method.</exception>
        public static ArchiveResult Archive(this IPostbox postbox, Action<OutboxMessage> archive, CancellationToken cancellation = default(CancellationToken))
        {
            return Existing(postbox).Archive(TaskOf(archive), cancellation);
        }

        /// <summary>Archives messages as <see cref="PostboxClient.Archive"/> does.</summary>
        /// <param name="postbox">The Postbox.</param>
        /// <param name="archive">See <see cref="PostboxClient.Archive"/>.</param>
        /// <param name="cancellation">See <see cref="PostboxClient.Archive"/>.</param>
        /// <returns>The message counts and the status of the lease.</returns>
        public static ArchiveResult Archive(this IPostbox postbox, Func<OutboxMessage, ValueTask> archive, CancellationToken cancellation = default(CancellationToken))
        {
            return Existing(postbox).Archive(TaskOf(archive), cancellation);
        }

        /// <summary>Starts the archiver as <see cref="PostboxClient.StartArchiver"/> does, with a delegate that blocks.</summary>
        /// <param name="postbox">The Postbox.</param>
        /// <param name="archive">
        /// Stores a message durably. A message for which it throws stays in the outbox, and the exception is logged.
        /// </param>
        /// <exception cref="ArgumentException">The delegate is an <c>async void</c> method.</exception>
        public static void StartArchiver(this IPostbox postbox, Action<OutboxMessage> archive) => Existing(postbox).StartArchiver(TaskOf(archive));

        /// <summary>Starts the archiver as <see cref="PostboxClient.StartArchiver"/> does.</summary>
        /// <param name="postbox">The Postbox.</param>
        /// <param name="archive">See <see cref="PostboxClient.Archive"/>.</param>
        public static void StartArchiver(this IPostbox postbox, Func<OutboxMessage, ValueTask> archive) => Existing(postbox).StartArchiver(TaskOf(archive));

        /// <summary>
        /// Adds the asynchronous producer of a topic, as
        /// <see cref="PostboxConfig.AddProducer(string, Func{OutboxMessage, CancellationToken, ValueTask{SendResult}})"/> does.
        /// </summary>
        /// <param name="config">The configuration.</param>
        /// <param name="topic">The topic, a prefix of topics and "*", or null (or "*") for every topic that has no producer of its own.</param>
        /// <param name="send">See <see cref="IAsyncProducer.SendAsync"/>.</param>
        /// <returns>The configuration.</returns>
        public static PostboxConfig AddProducer(this PostboxConfig config, string? topic, Func<OutboxMessage, ValueTask<SendResult>> send)
        {
            if (config == null)
                throw new ArgumentNullException(nameof(config));
            if (send == null)
                throw new ArgumentNullException(nameof(send));
            return config.AddProducer(topic, (message, _) => send(message));
        }

        /// <summary>
        /// Adds a producer that receives several messages in one call. A topic has only one producer, of either kind. The
        /// delegate is kept alive as <see cref="PostboxConfig.AddProducer(string, Func{OutboxMessage, SendResult})"/> describes.
        /// </summary>
        /// <param name="config">The configuration.</param>
        /// <param name="topic">The topic, a prefix of topics and "*", or null (or "*") for every topic that has no producer of its own.</param>
        /// <param name="maxBatch">The maximum number of messages in one call, at least 1.</param>
        /// <param name="send">See <see cref="IBatchProducer.Send"/>.</param>
        /// <returns>The configuration.</returns>
        /// <exception cref="ArgumentException">The delegate is an <c>async void</c> method.</exception>
        public static PostboxConfig AddBatchProducer(
            this PostboxConfig config, string? topic, int maxBatch, Action<IReadOnlyList<OutboxMessage>, SendResults> send)
        {
            return (config ?? throw new ArgumentNullException(nameof(config))).AddBlockingBatchProducer(topic, maxBatch, send);
        }

        /// <summary>Does not compile. Postbox would not wait for the task.</summary>
        /// <param name="config">The configuration.</param>
        /// <param name="topic">The topic.</param>
        /// <param name="maxBatch">The maximum number of messages in one call.</param>
        /// <param name="send">The producer.</param>
        /// <returns>Nothing.</returns>
        [Obsolete("An asynchronous producer returns a ValueTask: write async (messages, results, closing) => await ... around the method.", true)]
        [EditorBrowsable(EditorBrowsableState.Never)]
        public static PostboxConfig AddBatchProducer(
            this PostboxConfig config, string? topic, int maxBatch, Func<IReadOnlyList<OutboxMessage>, SendResults, Task> send) => throw new NotSupportedException();

        private static IPostbox Existing(IPostbox postbox) => postbox ?? throw new ArgumentNullException(nameof(postbox));

        private static Func<OutboxMessage, Task> TaskOf(Action<OutboxMessage> archive)
        {
            Callbacks.Observable(archive, nameof(archive));
            return message =>
            {
                archive(message);
                return Task.CompletedTask;
            };
        }

        private static Func<OutboxMessage, Task> TaskOf(Func<OutboxMessage, ValueTask> archive)
        {
            if (archive == null)
                throw new ArgumentNullException(nameof(archive));
            return message => archive(message).AsTask();
        }
    }
}
