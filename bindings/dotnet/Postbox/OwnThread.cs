using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>Runs calls that block on threads of their own, so that they occupy no threads of the pool.</summary>
    internal static class OwnThread
    {
        internal static Task<T> Run<T>(Func<T> call, CancellationToken cancellation)
        {
            return Task.Factory.StartNew(call, cancellation, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        }

        internal static Task Run(Action call) => Run(() =>
        {
            call();
            return true;
        }, CancellationToken.None);

        /// <summary>Cancels a source. This runs code of the program, whose exceptions nobody receives.</summary>
        internal static Task Cancel(CancellationTokenSource source) => Run(() =>
        {
            try
            {
                source.Cancel();
            }
            catch (AggregateException)
            {
                // A callback of the program has thrown it.
            }
        });

        /// <summary>Runs a call that cannot be cancelled. The token ends the wait only, and the call is made in any case.</summary>
        internal static async Task Run(Action call, CancellationToken cancellation)
        {
            var ran = Run(call);
            var canceled = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            using (cancellation.Register(() => canceled.TrySetResult(true)))
                if (await Task.WhenAny(ran, canceled.Task).ConfigureAwait(false) != ran)
                    throw new OperationCanceledException("the wait was cancelled, and the call continues", cancellation);
            await ran.ConfigureAwait(false);
        }

        /// <summary>
        /// Runs a call that ends early, without an exception, if the token is cancelled. The task is then cancelled.
        /// </summary>
        internal static Task<T> RunCancelable<T>(Func<T> call, CancellationToken cancellation)
        {
            return Run(() =>
            {
                var result = call();
                cancellation.ThrowIfCancellationRequested();
                return result;
            }, cancellation);
        }
    }
}
