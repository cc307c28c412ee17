using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// Passes delegates of the program to the library, which keeps a GCHandle of each delegate until it releases the
    /// delegate. The library calls the static delegates of this class, which are never garbage-collected and call the
    /// delegates of the program. No exception leaves the static delegates.
    /// </summary>
    internal static class Callbacks
    {
        internal static readonly Native.postbox_send_callback Send = (data, message, reason, size) =>
        {
            RuntimeSignals.Unblock();
            return OnSend(data, message, reason, size);
        };

        internal static readonly Native.postbox_send_batch_callback SendBatch = (data, messages, count, results) =>
        {
            RuntimeSignals.Unblock();
            OnSendBatch(data, messages, count, results);
        };

        internal static readonly Native.postbox_archive_callback Archive = (data, message, reason, size) =>
        {
            RuntimeSignals.Unblock();
            return OnArchive(data, message, reason, size);
        };

        internal static readonly Native.postbox_log_callback Log = (data, level, text) =>
        {
            RuntimeSignals.Unblock();
            OnLog(data, level, text);
        };

        internal static readonly Native.postbox_release_callback Release = data =>
        {
            RuntimeSignals.Unblock();
            Guard(() => GCHandle.FromIntPtr(data).Free());
        };

        private static int inProgress;

        // CoreCLR may crash if a thread ends that has values of a [ThreadStatic] field of an AssemblyLoadContext that was
        // unloaded. Fields of the runtime's own types are never unloaded.
        private static readonly ThreadLocal<int> Running = new ThreadLocal<int>();
        private static readonly ThreadLocal<bool> Logging = new ThreadLocal<bool>();

        /// <summary>Whether any thread is inside a producer, an archive or a log receiver.</summary>
        internal static bool RunOnAnyThread => Volatile.Read(ref inProgress) > 0;

        /// <summary>Whether this thread is inside a producer or an archive.</summary>
        internal static bool RunOnThisThread => Running.Value > 0;

        /// <summary>Whether this thread is inside the log receiver.</summary>
        internal static bool LogOnThisThread => Logging.Value;

        /// <summary>
        /// Rejects a call by the log receiver. The call would log, and so call the receiver again, or wait for the
        /// thread that waits for the receiver.
        /// </summary>
        internal static void RejectLogReceiver()
        {
            if (Logging.Value)
                throw Errors.Reentrant("a log receiver must not call Postbox: pass the text to another thread, and call Postbox there");
        }

        /// <summary>
        /// Passes a delegate to the library with <paramref name="give"/>, which returns whether the library accepted
        /// the delegate. Frees the handle of a delegate that was not accepted.
        /// </summary>
        internal static void Give(Delegate callback, Func<IntPtr, IntPtr> give)
        {
            var kept = GCHandle.Alloc(callback);
            try
            {
                Errors.Check(give(GCHandle.ToIntPtr(kept)));
            }
            catch
            {
                kept.Free();
                throw;
            }
        }

        /// <summary>Passes a delegate to the library for the duration of one call.</summary>
        internal static void Lend(Delegate callback, Func<IntPtr, IntPtr> call)
        {
            var kept = GCHandle.Alloc(callback);
            try
            {
                Errors.Check(call(GCHandle.ToIntPtr(kept)));
            }
            finally
            {
                kept.Free();
            }
        }

        /// <summary>
        /// Returns the delegate, unless it is null or an <c>async void</c> method, whose end and whose exceptions
        /// nobody can observe. The compiler prefers the overloads with a task for a lambda, but not for a method.
        /// </summary>
        internal static T Observable<T>(T callback, string name) where T : class
        {
            if (callback == null)
                throw new ArgumentNullException(name);
            foreach (var single in ((Delegate)(object)callback).GetInvocationList())
                if (single.Method.ReturnType == typeof(void) && single.Method.IsDefined(typeof(AsyncStateMachineAttribute), false))
                    throw new ArgumentException("the method " + single.Method.Name + " is async void, so it cannot be waited for: let it return a Task", name);
            return callback;
        }

        /// <summary>Waits for the task that an asynchronous delegate returned.</summary>
        internal static void Await(Task task)
        {
            (task ?? throw new InvalidOperationException("the asynchronous method returned null instead of a task")).GetAwaiter().GetResult();
        }

        /// <summary>Notes that the task of an asynchronous producer has started.</summary>
        internal static void Enter() => Interlocked.Increment(ref inProgress);

        /// <summary>Notes that the task of an asynchronous producer has ended.</summary>
        internal static void Leave() => Interlocked.Decrement(ref inProgress);

        private static T Target<T>(IntPtr data) => (T)GCHandle.FromIntPtr(data).Target!;

        /// <summary>Runs a callback, and returns its exception or null.</summary>
        private static Exception? Guard(Action callback)
        {
            try
            {
                callback();
                return null;
            }
            catch (Exception failure)
            {
                return failure;
            }
        }

        private static int OnSend(IntPtr data, IntPtr message, IntPtr reason, UIntPtr reasonSize)
        {
            return OnMessage(message, reason, reasonSize, lent =>
                Target<Func<OutboxMessage, SendResult>>(data)(lent) ?? SendResult.Nothing);
        }

        private static int OnArchive(IntPtr data, IntPtr message, IntPtr reason, UIntPtr reasonSize)
        {
            return OnMessage(message, reason, reasonSize, lent =>
            {
                Target<Action<OutboxMessage>>(data)(lent);
                return SendResult.Sent;
            });
        }

        private static int OnMessage(IntPtr message, IntPtr reason, UIntPtr reasonSize, Func<OutboxMessage, SendResult> call)
        {
            var outcome = SendOutcome.Retry;
            Guard(() =>
            {
                var result = SendResult.Nothing;
                var failure = WithMessages(new[] { message }, lent => result = call(lent[0]));
                result = failure == null ? result : ResultOf(failure);
                outcome = result.Outcome;
                Utf8.Write(result.Reason, reason, reasonSize);
            });
            return (int)outcome;
        }

        /// <summary>
        /// Calls a batch producer. An exception counts as the result of each message whose result is not set.
        /// </summary>
        private static void OnSendBatch(IntPtr data, IntPtr messages, UIntPtr count, IntPtr results)
        {
            Guard(() =>
            {
                var pointers = new IntPtr[checked((int)count)];
                Marshal.Copy(messages, pointers, 0, pointers.Length);
                var set = new SendResults(pointers.Length);
                var failure = WithMessages(pointers, lent => Target<Action<IReadOnlyList<OutboxMessage>, SendResults>>(data)(lent, set));
                var rest = failure == null ? null : ResultOf(failure);
                var finished = set.Finish();
                for (var i = 0; i < finished.Length; i++)
                {
                    var result = finished[i] ?? rest;
                    if (result != null)
                        Native.postbox_send_results_set(results, (UIntPtr)i, (int)result.Outcome, Utf8.Lossy(result.Reason));
                }
            });
        }

        /// <summary>
        /// Calls a delegate with messages that are valid during the call only, and returns its exception or null. The
        /// delegate runs without the SynchronizationContext of this thread: if it waits for asynchronous code, that
        /// code would otherwise wait for this thread.
        /// </summary>
        private static Exception? WithMessages(IntPtr[] pointers, Action<IReadOnlyList<OutboxMessage>> call)
        {
            var lent = Array.ConvertAll(pointers, pointer => new LentMessageHandle(pointer));
            var messages = Array.ConvertAll(lent, handle => new OutboxMessage(handle));
            var context = SynchronizationContext.Current;
            SynchronizationContext.SetSynchronizationContext(null);
            Running.Value++;
            Interlocked.Increment(ref inProgress);
            try
            {
                var failure = Guard(() => call(messages));
                if (failure != null)
                    Guard(() => ProducerExceptions.Add(messages, failure));
                return failure;
            }
            finally
            {
                Running.Value--;
                Interlocked.Decrement(ref inProgress);
                SynchronizationContext.SetSynchronizationContext(context);
                foreach (var handle in lent)
                    handle.TakeBack();
            }
        }

        /// <summary>
        /// Converts an exception to a result. A cancelled producer has not tried to send the message. HttpClient
        /// reports a timeout as a cancellation too, although the message may then have been sent.
        /// </summary>
        internal static SendResult ResultOf(Exception failure)
        {
            return failure is OperationCanceledException && !(failure.InnerException is TimeoutException)
                ? SendResult.Canceled(Describe(failure))
                : SendResult.Retry(Describe(failure));
        }

        /// <summary>Returns the type, text, inner exceptions and stack of an exception in one line.</summary>
        private static string Describe(Exception failure)
        {
            try
            {
                var lines = failure.ToString().Split(new[] { '\r', '\n' }, StringSplitOptions.RemoveEmptyEntries);
                return string.Join(" ", lines.Select(line => line.Trim()));
            }
            catch
            {
                // The Message property of the exception threw another exception.
                return failure.GetType().ToString();
            }
        }

        private static void OnLog(IntPtr data, int level, IntPtr text)
        {
            Tell(() => Target<Action<PostboxLogLevel, string>>(data)((PostboxLogLevel)level, Utf8.Read(text)));
        }

        /// <summary>
        /// Calls the log receiver. Its exceptions are ignored, because logging must not make the caller fail, and the
        /// exception cannot be reported anywhere else.
        /// </summary>
        internal static void Tell(Action receiver)
        {
            if (Logging.Value)
                return;
            Logging.Value = true;
            Interlocked.Increment(ref inProgress);
            Guard(receiver);
            Interlocked.Decrement(ref inProgress);
            Logging.Value = false;
        }
    }
}
