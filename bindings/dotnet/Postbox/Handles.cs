using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace Postbox
{
    /// <summary>
    /// A handle of the library. It is freed exactly once, after it was disposed of or garbage-collected, as soon as no
    /// call uses it.
    /// </summary>
    internal abstract class NativeHandle : SafeHandle
    {
        private long weight;

        protected NativeHandle(IntPtr pointer) : base(IntPtr.Zero, true)
        {
            SetHandle(pointer);
        }

        public override bool IsInvalid => handle == IntPtr.Zero;

        /// <summary>Whether the handle was disposed of. If a call uses the handle then, it is closed after the
        /// call.</summary>
        internal bool IsDisposed { get; private set; }

        /// <summary>Makes further calls of the program fail. Calls that have begun continue.</summary>
        protected void RejectCalls() => IsDisposed = true;

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }

        /// <summary>
        /// Frees the handle, and reports to the collector that its memory was freed.
        /// </summary>
        protected sealed override bool ReleaseHandle()
        {
            Free();
            Weigh(0);
            return true;
        }

        protected abstract void Free();

        /// <summary>
        /// Reports to the collector how many bytes of the library's memory belong to the handle. Otherwise it would not
        /// collect handles that a program forgot to dispose of before the memory is exhausted.
        /// </summary>
        internal void Weigh(long bytes)
        {
            var change = bytes - Interlocked.Exchange(ref weight, bytes);
            if (change > 0)
                GC.AddMemoryPressure(change);
            else if (change < 0)
                GC.RemoveMemoryPressure(-change);
        }

        internal long Weight => Interlocked.Read(ref weight);

        /// <summary>Keeps the handle alive while a string or a body that is borrowed from it is read.</summary>
        internal Use Using() => new Use(this);

        internal struct Use : IDisposable
        {
            private readonly NativeHandle kept;

            internal Use(NativeHandle handle)
            {
                var added = false;
                handle.DangerousAddRef(ref added);
                kept = handle;
            }

            internal IntPtr Pointer => kept.handle;

            public void Dispose() => kept.DangerousRelease();
        }
    }

    internal sealed class ConfigHandle : NativeHandle
    {
        internal ConfigHandle(IntPtr pointer) : base(pointer) { }

        protected override void Free() => Native.postbox_config_free(handle);
    }

    internal sealed class ClientHandle : NativeHandle
    {
        private int disposals;
        private bool isFinalized;
        private volatile bool isClosed, wasGivenUp;

        internal ClientHandle(IntPtr pointer, Sending? sending) : base(pointer)
        {
            Sending = sending;
        }

        /// <summary>The messages of asynchronous producers. Null if the client has no such producers.</summary>
        internal Sending? Sending { get; }

        /// <summary>The renewal of the credentials. Null if they come from the settings or the default chain.</summary>
        internal CredentialRenewal? Renewal { get; set; }

        internal void SetCredentials(PostboxCredentials credentials)
        {
            var key = Utf8.Required(credentials.AccessKeyId, nameof(credentials.AccessKeyId));
            var secret = Utf8.Required(credentials.SecretAccessKey, nameof(credentials.SecretAccessKey));
            var token = Utf8.Optional(credentials.SessionToken, nameof(credentials.SessionToken));
            Errors.Check(Native.postbox_set_credentials(this, key, secret, token));
        }

        /// <summary>
        /// Closes the client, so that its background threads and the calls of other threads end, and then frees it.
        /// </summary>
        internal void CloseAndFree()
        {
            if (Interlocked.Exchange(ref disposals, 1) != 0)
                return;
            RejectCalls();
#if !NETSTANDARD
            ClientMetrics.Remove(this);
#endif
            // A close that has given up calls in progress has waited for them already.
            Close(wasGivenUp ? 0 : (ulong?)null);
            OpenClients.Remove(this);
            Dispose();
        }

        /// <summary>
        /// Closes the client within this time in milliseconds, or within "close_timeout_ms", and returns the error or null.
        /// Committed messages that were not sent in this time stay outstanding, so no message is lost.
        /// </summary>
        internal PostboxException? Close(ulong? timeout)
        {
            Renewal?.End(timeout ?? ulong.MaxValue);
            try
            {
                var abandoned = Sending?.End(ref timeout);
                var error = timeout == null ? Native.postbox_close(this) : Native.postbox_close_within(this, timeout.Value);
                isClosed |= error == IntPtr.Zero;
                var failure = error == IntPtr.Zero ? abandoned : Errors.Take(error);
                wasGivenUp |= failure?.Code == PostboxErrorCode.Timeout;
                return failure;
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
        }

        protected override void Dispose(bool disposing)
        {
            isFinalized |= !disposing;
            base.Dispose(disposing);
        }

        /// <summary>
        /// Frees the client. If it is not closed, this can wait for a producer. It then happens on another thread if a close
        /// has waited for the producer already, or if this thread runs a producer, a log receiver or finalizers, and not at
        /// all when the process ends.
        /// </summary>
        protected override void Free()
        {
            OpenClients.Remove(this);
            if (!OpenClients.AreEnding)
                Renewal?.End(0);
            var pointer = handle;
            if (isClosed || !(isFinalized || wasGivenUp || Callbacks.RunOnThisThread || Callbacks.LogOnThisThread))
                Native.postbox_free(pointer);
            else if (!OpenClients.AreEnding)
                new Thread(() => Native.postbox_free(pointer)) { IsBackground = true }.Start();
        }
    }

    internal sealed class CancelTokenHandle : NativeHandle
    {
        internal CancelTokenHandle(IntPtr pointer) : base(pointer) { }

        protected override void Free() => Native.postbox_cancel_token_free(handle);
    }

    internal sealed class OperationHandle : NativeHandle
    {
        internal OperationHandle(IntPtr pointer) : base(pointer) { }

        internal void Cancel() => Native.postbox_operation_cancel(this);

        protected override void Free() => Native.postbox_operation_free(handle);
    }

    internal sealed class UnitOfWorkHandle : NativeHandle
    {
        internal UnitOfWorkHandle(IntPtr pointer) : base(pointer) { }

        protected override void Free() => Native.postbox_unit_of_work_free(handle);
    }

    /// <summary>
    /// An item that one method creates, passes and frees. No other code has it, so it needs no SafeHandle, which would cost more
    /// than some of the calls.
    /// </summary>
    internal readonly struct OwnedItem : IDisposable
    {
        internal OwnedItem(IntPtr pointer)
        {
            Pointer = pointer;
        }

        internal IntPtr Pointer { get; }

        public void Dispose() => Native.postbox_item_free(Pointer);
    }

    internal sealed class SelectionHandle : NativeHandle
    {
        internal SelectionHandle(IntPtr pointer) : base(pointer) { }

        protected override void Free() => Native.postbox_selection_free(handle);
    }

    internal sealed class HeldLeaseHandle : NativeHandle
    {
        private readonly ClientHandle client;

        /// <summary>Keeps the client open, so that a lease that is garbage-collected together with its client is released.</summary>
        internal HeldLeaseHandle(IntPtr pointer, ClientHandle client) : base(pointer)
        {
            this.client = client;
        }

        /// <summary>
        /// Frees the lease. If it is held, this sends a request. The garbage collector must not wait for the request, so the
        /// lease is then freed on another thread, and not at all when the process ends.
        /// </summary>
        protected override void Free()
        {
            var pointer = handle;
            if (!isFinalized || client.IsDisposed)
                Native.postbox_held_lease_free(pointer);
            else if (!OpenClients.AreEnding)
                new Thread(() => Native.postbox_held_lease_free(pointer)) { IsBackground = true }.Start();
        }

        private bool isFinalized;

        protected override void Dispose(bool disposing)
        {
            isFinalized |= !disposing;
            base.Dispose(disposing);
        }
    }

    internal sealed class PageHandle : NativeHandle
    {
        internal PageHandle(IntPtr pointer) : base(pointer) { }

        protected override void Free() => Native.postbox_page_free(handle);
    }

    /// <summary>The handle of a message, regardless of its owner.</summary>
    internal abstract class MessageHandle : NativeHandle
    {
        protected MessageHandle(IntPtr pointer) : base(pointer) { }

        internal virtual long BodyLength
        {
            get
            {
                UIntPtr length;
                Native.postbox_message_body(this, out length);
                return (long)length;
            }
        }
    }

    /// <summary>A message that this assembly created.</summary>
    internal sealed class OwnedMessageHandle : MessageHandle
    {
        internal OwnedMessageHandle(IntPtr pointer) : base(pointer)
        {
            Weigh(base.BodyLength);
        }

        internal OwnedMessageHandle(IntPtr pointer, int bodyLength) : base(pointer)
        {
            Weigh(bodyLength);
        }

        internal override long BodyLength => Weight;

        protected override void Free() => Native.postbox_message_free(handle);
    }

    /// <summary>A message of a page. The message keeps the page alive.</summary>
    internal sealed class PageMessageHandle : MessageHandle
    {
        private readonly PageHandle page;

        internal PageMessageHandle(PageHandle page, int index) : base(IntPtr.Zero)
        {
            var added = false;
            page.DangerousAddRef(ref added);
            this.page = page;
            SetHandle(Native.postbox_page_message(page, (UIntPtr)index));
        }

        protected override void Free() => page.DangerousRelease();
    }

    /// <summary>
    /// A message that is valid during a callback only. The callback does not end while another thread reads the
    /// message.
    /// </summary>
    internal sealed class LentMessageHandle : MessageHandle
    {
        private readonly ManualResetEventSlim unused = new ManualResetEventSlim();

        internal LentMessageHandle(IntPtr pointer) : base(pointer) { }

        internal void TakeBack()
        {
            Dispose();
            Uninterrupted.Run(unused.Wait);
        }

        protected override void Free() => unused.Set();
    }
}
