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
        protected NativeHandle(IntPtr pointer) : base(IntPtr.Zero, true)
        {
            SetHandle(pointer);
        }

        public override bool IsInvalid => handle == IntPtr.Zero;

        /// <summary>Whether the handle was disposed of. If a call uses the handle then, it is closed after the
        /// call.</summary>
        internal bool IsDisposed { get; private set; }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }

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

        protected override bool ReleaseHandle()
        {
            Native.postbox_config_free(handle);
            return true;
        }
    }

    internal sealed class ClientHandle : NativeHandle
    {
        internal ClientHandle(IntPtr pointer) : base(pointer) { }

        protected override bool ReleaseHandle()
        {
            // A producer may dispose of its own client. Freeing the client waits for the sweeper, which may run on the
            // thread of this producer, so the client is freed on another thread.
            var pointer = handle;
            if (Callbacks.RunOnThisThread)
                ThreadPool.QueueUserWorkItem(_ => Native.postbox_free(pointer));
            else
                Native.postbox_free(pointer);
            return true;
        }
    }

    internal sealed class UnitOfWorkHandle : NativeHandle
    {
        internal UnitOfWorkHandle(IntPtr pointer) : base(pointer) { }

        protected override bool ReleaseHandle()
        {
            Native.postbox_unit_of_work_free(handle);
            return true;
        }
    }

    internal sealed class PageHandle : NativeHandle
    {
        internal PageHandle(IntPtr pointer) : base(pointer) { }

        protected override bool ReleaseHandle()
        {
            Native.postbox_page_free(handle);
            return true;
        }
    }

    /// <summary>The handle of a message, regardless of its owner.</summary>
    internal abstract class MessageHandle : NativeHandle
    {
        protected MessageHandle(IntPtr pointer) : base(pointer) { }
    }

    /// <summary>A message that this assembly created.</summary>
    internal sealed class OwnedMessageHandle : MessageHandle
    {
        internal OwnedMessageHandle(IntPtr pointer) : base(pointer) { }

        protected override bool ReleaseHandle()
        {
            Native.postbox_message_free(handle);
            return true;
        }
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

        protected override bool ReleaseHandle()
        {
            page.DangerousRelease();
            return true;
        }
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
            unused.Wait();
        }

        protected override bool ReleaseHandle()
        {
            unused.Set();
            return true;
        }
    }
}
