using System;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox.Tests
{
    internal static class Wait
    {
        /// <summary>Waits for an event that must come; the limit only ends a test that fails.</summary>
        internal static void For(ManualResetEventSlim happened, string what)
        {
            Check.That(happened.Wait(TimeSpan.FromSeconds(60)), what + " did not happen");
        }

        /// <summary>Waits until another thread has begun to close the client or to dispose of it.</summary>
        internal static void UntilClosed(PostboxClient client)
        {
            try
            {
                for (;;)
                    client.CountOutstanding();
            }
            catch (ObjectDisposedException)
            {
            }
            catch (PostboxException failure) when (failure.Code == PostboxErrorCode.Closed)
            {
            }
        }

        /// <summary>Waits for the end of a task, and throws its exception.</summary>
        internal static void For(Task task)
        {
            Check.That(((IAsyncResult)task).AsyncWaitHandle.WaitOne(TimeSpan.FromSeconds(60)), "a task did not end");
            task.GetAwaiter().GetResult();
        }

        internal static T For<T>(Task<T> task)
        {
            For((Task)task);
            return task.Result;
        }

        internal static void For(Thread thread)
        {
            Check.That(thread.Join(TimeSpan.FromSeconds(60)), "a thread did not end");
        }
    }
}
