using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;

namespace Postbox
{
    /// <summary>
    /// Passes delegates of the program to the library, which keeps a GCHandle of each delegate until it releases the
    /// delegate. The library calls the static delegates of this class, which are never garbage-collected and call the
    /// delegates of the program. No exception leaves the static delegates.
    /// </summary>
    internal static class Callbacks
    {
        internal static readonly Native.MessageCallback Send = OnSend;
        internal static readonly Native.BatchCallback SendBatch = OnSendBatch;
        internal static readonly Native.MessageCallback Archive = OnArchive;
        internal static readonly Native.LogCallback Log = OnLog;
        internal static readonly Native.ReleaseCallback Release = OnRelease;

        [ThreadStatic] private static int running;

        /// <summary>Whether this thread is inside a producer or an archive.</summary>
        internal static bool RunOnThisThread => running > 0;

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

        private static T Target<T>(IntPtr data) => (T)GCHandle.FromIntPtr(data).Target;

        private static int OnSend(IntPtr data, IntPtr message, IntPtr reason, UIntPtr reasonSize)
        {
            return (int)WithMessage(message, reason, reasonSize, Target<Func<Message, SendResult>>(data));
        }

        /// <summary>
        /// Calls a batch producer with messages that are valid during the call only. An exception counts as the result
        /// of each message whose result is not set.
        /// </summary>
        private static void OnSendBatch(IntPtr data, IntPtr messages, UIntPtr count, IntPtr results)
        {
            var lent = new List<LentMessageHandle>();
            var set = new SendResults(checked((int)count));
            SendResult rest = null;
            running++;
            try
            {
                for (var i = 0; i < set.Count; i++)
                    lent.Add(new LentMessageHandle(Marshal.ReadIntPtr(messages, i * IntPtr.Size)));
                Target<Action<IReadOnlyList<Message>, SendResults>>(data)(lent.ConvertAll(handle => new Message(handle)), set);
            }
            catch (ThreadAbortException failure)
            {
                // The process ends, as in WithMessage.
                Thread.ResetAbort();
                rest = SendResult.Retry(Describe(failure));
            }
            catch (Exception failure)
            {
                rest = SendResult.Retry(Describe(failure));
            }
            running--;
            foreach (var handle in lent)
                handle.TakeBack();
            var finished = set.Finish();
            for (var i = 0; i < finished.Length; i++)
            {
                var result = finished[i] ?? rest;
                if (result != null)
                    Native.postbox_send_results_set(results, (UIntPtr)i, (int)result.Outcome, Utf8.Lossy(result.Reason));
            }
        }

        private static int OnArchive(IntPtr data, IntPtr message, IntPtr reason, UIntPtr reasonSize)
        {
            var archive = Target<Action<Message>>(data);
            return (int)WithMessage(message, reason, reasonSize, lent =>
            {
                archive(lent);
                return SendResult.Sent;
            });
        }

        /// <summary>
        /// Calls a delegate with a message that is valid during the call only. An exception counts as a failure, with
        /// the text of the exception as the reason.
        /// </summary>
        private static SendOutcome WithMessage(IntPtr message, IntPtr reason, UIntPtr reasonSize, Func<Message, SendResult> call)
        {
            var lent = new LentMessageHandle(message);
            SendResult result;
            running++;
            try
            {
                result = call(new Message(lent)) ?? SendResult.Retry("the producer returned null");
            }
            catch (ThreadAbortException failure)
            {
                // Mono and .NET Framework abort the thread when the process ends. Without ResetAbort, the exception
                // would be rethrown after this block, into the library.
                Thread.ResetAbort();
                result = SendResult.Retry(Describe(failure));
            }
            catch (Exception failure)
            {
                result = SendResult.Retry(Describe(failure));
            }
            running--;
            lent.TakeBack();
            Utf8.Write(result.Reason, reason, reasonSize);
            return result.Outcome;
        }

        private static string Describe(Exception failure)
        {
            try
            {
                return failure.GetType().FullName + ": " + failure.Message;
            }
            catch
            {
                // The Message property of the exception threw another exception.
                return failure.GetType().FullName;
            }
        }

        private static void OnLog(IntPtr data, int level, IntPtr text)
        {
            try
            {
                Target<Action<PostboxLogLevel, string>>(data)((PostboxLogLevel)level, Utf8.Read(text));
            }
            catch (ThreadAbortException)
            {
                Thread.ResetAbort();
            }
            catch
            {
                // Logging must not make the caller fail, and the exception cannot be reported anywhere else.
            }
        }

        private static void OnRelease(IntPtr data) => GCHandle.FromIntPtr(data).Free();
    }
}
