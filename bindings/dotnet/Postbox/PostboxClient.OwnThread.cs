using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    public sealed partial class PostboxClient
    {
        /// <summary>Opens a client on a thread of its own, which is not one of the pool, and disposes of its configuration.</summary>
        /// <param name="configure">Sets the settings and adds the producers. It runs on the thread of the caller.</param>
        /// <param name="cancellation">Ends the wait for credentials with an <see cref="OperationCanceledException"/>.</param>
        /// <returns>The task, whose result is the client, to be disposed of.</returns>
        /// <exception cref="PostboxException">The same as for <see cref="PostboxConfig.Open"/>.</exception>
        public static async Task<PostboxClient> OpenAsync(Action<PostboxConfig> configure, CancellationToken cancellation = default(CancellationToken))
        {
            Callbacks.Observable(configure, nameof(configure));
            using (var config = new PostboxConfig())
            {
                configure(config);
                return await config.OpenAsync(cancellation).ConfigureAwait(false);
            }
        }

        /// <summary>
        /// Runs <see cref="Sweep"/> on a thread of its own, which is not one of the pool. A sweep is a long call that calls
        /// producers.
        /// </summary>
        /// <param name="topic">The topic, or null for all topics.</param>
        /// <param name="cancellation">
        /// Cancels the sweep: the task ends with an <see cref="OperationCanceledException"/> when the current calls to
        /// producers have ended, the messages that were sent are marked, and the lease was returned.
        /// </param>
        /// <returns>The task, whose result is that of the sweep.</returns>
        public Task<SweepResult> SweepAsync(string? topic = null, CancellationToken cancellation = default(CancellationToken))
        {
            return OwnThread.RunCancelable(() => Sweep(topic, cancellation), cancellation);
        }

        /// <summary>
        /// Runs <see cref="Archive"/> on a thread of its own, which is not one of the
        /// pool, and which waits for each task.
        /// </summary>
        /// <param name="archive">Stores a message durably.</param>
        /// <param name="cancellation">
        /// Cancels the call: the task ends with an <see cref="OperationCanceledException"/> when the current call to
        /// the archive has ended and the lease was returned.
        /// </param>
        /// <returns>The task, whose result is that of the archiver.</returns>
        public Task<ArchiveResult> ArchiveAsync(Func<OutboxMessage, Task> archive, CancellationToken cancellation = default(CancellationToken))
        {
            return OwnThread.RunCancelable(() => Archive(archive, cancellation), cancellation);
        }

        /// <summary>Runs <see cref="ArchiveToFile"/> on a thread of its own, which is not one of the pool.</summary>
        /// <param name="path">The path of the file to which the messages are appended.</param>
        /// <param name="cancellation">
        /// Cancels the call: the task ends with an <see cref="OperationCanceledException"/> when the lease was returned.
        /// </param>
        /// <returns>The task, whose result is that of the archiver.</returns>
        public Task<ArchiveResult> ArchiveToFileAsync(string path, CancellationToken cancellation = default(CancellationToken))
        {
            return OwnThread.RunCancelable(() => ArchiveToFile(path, cancellation), cancellation);
        }

        /// <summary>Runs <see cref="StopSweeper"/> on a thread of its own, which is not one of the pool.</summary>
        /// <param name="cancellation">Ends the wait. The sweeper stops all the same.</param>
        /// <returns>The task.</returns>
        public Task StopSweeperAsync(CancellationToken cancellation = default(CancellationToken)) => OwnThread.Run(StopSweeper, cancellation);

        /// <summary>Runs <see cref="StopArchiver"/> on a thread of its own, which is not one of the pool.</summary>
        /// <param name="cancellation">Ends the wait. The archiver stops all the same.</param>
        /// <returns>The task.</returns>
        public Task StopArchiverAsync(CancellationToken cancellation = default(CancellationToken)) => OwnThread.Run(StopArchiver, cancellation);

        /// <summary>Runs <see cref="Close()"/> on a thread of its own, which is not one of the pool.</summary>
        /// <param name="cancellation">Ends the wait. The client is closed all the same.</param>
        /// <returns>The task.</returns>
        public Task CloseAsync(CancellationToken cancellation = default(CancellationToken)) => OwnThread.Run(Close, cancellation);

        /// <summary>Runs <see cref="Close(TimeSpan)"/> on a thread of its own, which is not one of the pool.</summary>
        /// <param name="timeout">The time, rounded down to whole milliseconds. Zero does not wait.</param>
        /// <param name="cancellation">Ends the wait. The client is closed all the same.</param>
        /// <returns>The task.</returns>
        public Task CloseAsync(TimeSpan timeout, CancellationToken cancellation = default(CancellationToken)) => OwnThread.Run(() => Close(timeout), cancellation);

        /// <summary>
        /// Runs <see cref="Dispose"/> on a thread of its own, which is not one of the pool. Like <see cref="Dispose"/>, it does
        /// not wait in a producer or an archive of this client.
        /// </summary>
        /// <returns>The task, which does not fail.</returns>
        public ValueTask DisposeAsync()
        {
            if (!handle.IsDisposed && !Callbacks.RunOnThisThread && !Callbacks.LogOnThisThread)
                return new ValueTask(OwnThread.Run(Dispose));
            // The library does not let this thread wait, and would let another thread wait for this one.
            Dispose();
            return default(ValueTask);
        }
    }
}
