using System;
using System.Runtime.InteropServices;

namespace Postbox
{
    /// <summary>
    /// Unblocks the signals with which the runtime suspends a thread, for example for a garbage collection.
    /// The library blocks signals on its threads. A runtime would wait forever for a thread on which its signals are
    /// blocked.
    /// </summary>
    internal static class RuntimeSignals
    {
        // The real-time signals, from 34. Bit 0 is signal 1.
        private const ulong Signals = ~0UL << 33;
        private const int Unblocks = 1;
        private const int WordsOfASet = 16;

        private static readonly bool Needed = RuntimeInformation.IsOSPlatform(OSPlatform.Linux);

        [DllImport("libc", CallingConvention = CallingConvention.Cdecl)]
        private static extern unsafe int pthread_sigmask(int how, ulong* set, ulong* before);

        /// <summary>
        /// Must be the first statement of a callback, before the thread allocates memory or waits for a lock. This
        /// method does neither.
        /// </summary>
        internal static unsafe void Unblock()
        {
            if (!Needed)
                return;
            var set = stackalloc ulong[WordsOfASet];
            for (var i = 1; i < WordsOfASet; i++)
                set[i] = 0;
            set[0] = Signals;
            pthread_sigmask(Unblocks, set, null);
        }
    }
}
