using System;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// An operation of the library that was started. No thread waits for it: the library calls <see cref="Done"/> when it
    /// has ended.
    /// </summary>
    internal abstract class Completion
    {
        /// <summary>The callback of all operations. It runs no code of the program, since it delays other operations.</summary>
        internal static readonly Native.postbox_completion_callback Done = (data, error, result) =>
        {
            RuntimeSignals.Unblock();
            OnDone(data, error, result);
        };

        /// <summary>The result of an operation that has none.</summary>
        internal static readonly Func<IntPtr, bool> Nothing = _ => true;

        /// <summary>The handle of the operation, which the library writes.</summary>
        internal IntPtr Operation;

        // The library has this handle until it reports the operation.
        private GCHandle kept;

        // Also keeps the client of the operation until then.
        private readonly Func<Completion, IntPtr> start;

        protected Completion(Func<Completion, IntPtr> start)
        {
            this.start = start;
        }

        /// <summary>The data that is passed with <see cref="Done"/>.</summary>
        internal IntPtr Data => GCHandle.ToIntPtr(kept);

        /// <summary>
        /// Starts an operation and waits for its result. If the token is cancelled, the operation is cancelled too. The
        /// task is cancelled as soon as the library has reported the end of the operation, with the library's error as
        /// the inner exception. All exceptions are those of the task.
        /// </summary>
        /// <param name="start">
        /// Calls the function that starts the operation, with <see cref="Done"/>, <see cref="Data"/> and
        /// <see cref="Operation"/>, and returns its error.
        /// </param>
        /// <param name="read">Reads the result of the operation. It does not free the result.</param>
        /// <param name="cancellation">The token.</param>
        internal static Task<T> Run<T>(Func<Completion, IntPtr> start, Func<IntPtr, T> read, CancellationToken cancellation)
        {
            return cancellation.CanBeCanceled ? RunCancelable(start, read, cancellation) : RunToEnd(start, read);
        }

        /// <summary>Starts an operation that nobody can cancel. Its task needs no continuation of this assembly.</summary>
        private static Task<T> RunToEnd<T>(Func<Completion, IntPtr> start, Func<IntPtr, T> read)
        {
            var completion = new Completion<T>(start, read);
            try
            {
                completion.Start();
            }
            catch (Exception failure)
            {
                return Task.FromException<T>(failure);
            }
            Native.postbox_operation_free(completion.Operation);
            return completion.Result;
        }

        private static async Task<T> RunCancelable<T>(Func<Completion, IntPtr> start, Func<IntPtr, T> read, CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            var completion = new Completion<T>(start, read);
            completion.Start();
            using (var operation = new OperationHandle(completion.Operation))
            using (cancellation.Register(operation.Cancel))
                try
                {
                    return await completion.Result.ConfigureAwait(false);
                }
                catch (PostboxException failure) when (cancellation.IsCancellationRequested && IsOfCancellation(failure))
                {
                    throw new OperationCanceledException("the operation was cancelled", failure, cancellation);
                }
        }

        private static bool IsOfCancellation(PostboxException failure)
        {
            return failure.Code == PostboxErrorCode.Canceled || failure.Code == PostboxErrorCode.OutcomeUnknown;
        }

        private void Start()
        {
            kept = GCHandle.Alloc(this);
            try
            {
                Errors.Check(start(this));
            }
            catch
            {
                kept.Free();
                throw;
            }
        }

        private static void OnDone(IntPtr data, IntPtr error, IntPtr result)
        {
            var handle = GCHandle.FromIntPtr(data);
            var completion = (Completion)handle.Target!;
            handle.Free();
            completion.End(error, result);
        }

        /// <summary>Receives the error or the result, and frees it. Throws no exception.</summary>
        protected abstract void End(IntPtr error, IntPtr result);
    }

    internal sealed class Completion<T> : Completion
    {
        private readonly TaskCompletionSource<T> ended = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Func<IntPtr, T> read;

        internal Completion(Func<Completion, IntPtr> start, Func<IntPtr, T> read) : base(start)
        {
            this.read = read;
        }

        internal Task<T> Result => ended.Task;

        protected override void End(IntPtr error, IntPtr result)
        {
            try
            {
                if (error == IntPtr.Zero)
                    ended.TrySetResult(read(result));
                else
                    ended.TrySetException(Errors.Take(error));
            }
            catch (Exception failure)
            {
                ended.TrySetException(failure);
            }
            finally
            {
                if (result != IntPtr.Zero)
                    Native.postbox_result_free(result);
            }
        }
    }
}
