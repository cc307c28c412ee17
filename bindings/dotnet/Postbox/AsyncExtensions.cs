using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// Asynchronous methods for callers that must not block, such as a user interface. Postbox itself blocks, so each
    /// call runs on a thread of its own until it returns. The calls do not occupy threads of the pool. All exceptions of
    /// the synchronous methods arrive at the <c>await</c>.
    /// </summary>
    public static class AsyncExtensions
    {
        /// <summary>Runs <see cref="UnitOfWork.Commit"/> on another thread.</summary>
        /// <remarks>
        /// If the token is cancelled, the <c>await</c> ends immediately with an
        /// <see cref="OperationCanceledException"/>, and the commit continues in the background, for up to
        /// "operation_timeout_ms". The outcome is then unknown: the transaction may or may not take effect. To find
        /// out, call this method again on the same unit of work. It waits for the same commit and returns the outcome
        /// of this commit. If the unit of work is disposed of, the commit still ends.
        /// </remarks>
        /// <param name="work">The unit of work.</param>
        /// <param name="cancellation">Ends the <c>await</c>.</param>
        /// <returns>The task.</returns>
        public static Task CommitAsync(this UnitOfWork work, CancellationToken cancellation = default(CancellationToken))
        {
            if (work == null)
                throw new ArgumentNullException(nameof(work));
            if (cancellation.IsCancellationRequested)
                return Task.FromCanceled(cancellation);
            return Commit(work, cancellation);
        }

        private static async Task Commit(UnitOfWork work, CancellationToken cancellation)
        {
            var commit = work.CommitInBackground();
            try
            {
                await UntilCanceled(commit, cancellation).ConfigureAwait(false);
            }
            finally
            {
                if (commit.IsCompleted)
                    work.ForgetCommit();
            }
        }

        /// <summary>Runs <see cref="PostboxClient.DepositPost"/> on another thread.</summary>
        /// <remarks>
        /// If the token is cancelled, the <c>await</c> ends immediately with an
        /// <see cref="OperationCanceledException"/>, and the request continues in the background. The message may or
        /// may not be stored, and it is safe to deposit the same message again.
        /// </remarks>
        /// <param name="client">The client.</param>
        /// <param name="message">The message.</param>
        /// <param name="cancellation">Ends the <c>await</c>.</param>
        /// <returns>The task, whose result is the id of the message.</returns>
        public static Task<string> DepositPostAsync(this PostboxClient client, Message message, CancellationToken cancellation = default(CancellationToken))
        {
            if (client == null)
                throw new ArgumentNullException(nameof(client));
            return UntilCanceled(Start(() => client.DepositPost(message), cancellation), cancellation);
        }

        /// <summary>
        /// Runs <see cref="PostboxClient.ClearOutbox(IEnumerable{string}, CancellationToken)"/> on another thread, on
        /// which the producers are called.
        /// </summary>
        /// <param name="client">The client.</param>
        /// <param name="ids">The ids.</param>
        /// <param name="cancellation">
        /// Cancels the call: the task ends with an <see cref="OperationCanceledException"/> when the current call to a
        /// producer has ended and the messages that were sent are marked.
        /// </param>
        /// <returns>The task.</returns>
        public static Task ClearOutboxAsync(this PostboxClient client, IEnumerable<string> ids, CancellationToken cancellation = default(CancellationToken))
        {
            if (client == null)
                throw new ArgumentNullException(nameof(client));
            return Start(() =>
            {
                client.ClearOutbox(ids, cancellation);
                return true;
            }, cancellation);
        }

        /// <summary>Runs <see cref="PostboxClient.Sweep"/> on another thread.</summary>
        /// <param name="client">The client.</param>
        /// <param name="topic">The topic, or null for all topics.</param>
        /// <param name="cancellation">
        /// Cancels the sweep: the task ends with an <see cref="OperationCanceledException"/> when the current calls to
        /// producers have ended, the messages that were sent are marked, and the lease was returned.
        /// </param>
        /// <returns>The task, whose result is that of the sweep.</returns>
        public static Task<SweepResult> SweepAsync(this PostboxClient client, string topic = null, CancellationToken cancellation = default(CancellationToken))
        {
            if (client == null)
                throw new ArgumentNullException(nameof(client));
            return StartCancelable(() => client.Sweep(topic, cancellation), cancellation);
        }

        /// <summary>
        /// Runs <see cref="PostboxClient.Archive(Func{Message, Task}, CancellationToken)"/> on another thread.
        /// </summary>
        /// <param name="client">The client.</param>
        /// <param name="archive">Stores a message durably. The archiver waits for the task.</param>
        /// <param name="cancellation">
        /// Cancels the call: the task ends with an <see cref="OperationCanceledException"/> when the current call to
        /// the archive has ended and the lease was returned.
        /// </param>
        /// <returns>The task, whose result is that of the archiver.</returns>
        public static Task<ArchiveResult> ArchiveAsync(this PostboxClient client, Func<Message, Task> archive, CancellationToken cancellation = default(CancellationToken))
        {
            if (client == null)
                throw new ArgumentNullException(nameof(client));
            return StartCancelable(() => client.Archive(archive, cancellation), cancellation);
        }

        /// <summary>Starts a call that blocks on a thread of its own.</summary>
        internal static Task<T> Start<T>(Func<T> call, CancellationToken cancellation)
        {
            return Task.Factory.StartNew(call, cancellation, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        }

        private static Task<T> StartCancelable<T>(Func<T> call, CancellationToken cancellation)
        {
            return Start(() =>
            {
                var result = call();
                cancellation.ThrowIfCancellationRequested();
                return result;
            }, cancellation);
        }

        /// <summary>Waits for a call until it ends or the token is cancelled.</summary>
        private static async Task<T> UntilCanceled<T>(Task<T> call, CancellationToken cancellation)
        {
            var canceled = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
            using (cancellation.Register(() => canceled.TrySetCanceled(cancellation)))
            {
                var first = await Task.WhenAny(call, canceled.Task).ConfigureAwait(false);
                return await first.ConfigureAwait(false);
            }
        }
    }
}
