using System;
using System.Threading;

namespace Postbox
{
    /// <summary>Runs code that no exception of another thread may stop.</summary>
    internal static class Uninterrupted
    {
        /// <summary>
        /// Repeats an action until no <see cref="Thread.Interrupt"/> stops it. Afterwards the thread is
        /// interrupted again, so that the program receives the exception at its next wait.
        /// </summary>
        internal static void Run(Action action)
        {
            var interrupted = false;
            while (!Finishes(action, ref interrupted))
            {
            }
            if (interrupted)
                Thread.CurrentThread.Interrupt();
        }

        private static bool Finishes(Action action, ref bool interrupted)
        {
            try
            {
                action();
                return true;
            }
            catch (ThreadInterruptedException)
            {
                interrupted = true;
            }
            return false;
        }
    }
}
