using System;
using System.Threading;

namespace Postbox
{
    /// <summary>A cancel token of the library for the duration of one call, which a token of the program cancels.</summary>
    internal sealed class NativeCancellation : IDisposable
    {
        private readonly CancelTokenHandle? handle;
        private readonly CancellationTokenRegistration registration;

        internal NativeCancellation(CancellationToken token)
        {
            if (!token.CanBeCanceled)
                return;
            IntPtr pointer;
            Errors.Check(Native.postbox_cancel_token_new(out pointer));
            handle = new CancelTokenHandle(pointer);
            registration = token.Register(() => Native.postbox_cancel_token_cancel(handle));
        }

        /// <summary>The token, or NULL for a call that cannot be cancelled.</summary>
        internal IntPtr Pointer => handle == null ? IntPtr.Zero : handle.DangerousGetHandle();

        /// <summary>Waits for a callback of the registration on another thread, then frees the token.</summary>
        public void Dispose()
        {
            Uninterrupted.Run(registration.Dispose);
            handle?.Dispose();
        }
    }
}
