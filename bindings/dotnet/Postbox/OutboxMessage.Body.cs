using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace Postbox
{
    /// <summary>Reads the body of a message, and returns a result.</summary>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="body">The bytes in the memory of the library, which are valid until this delegate returns.</param>
    /// <returns>The result.</returns>
    public delegate T BodyReader<out T>(ReadOnlySpan<byte> body);

    /// <summary>Reads the body of a message.</summary>
    /// <param name="body">The bytes in the memory of the library, which are valid until this delegate returns.</param>
    public delegate void BodyReader(ReadOnlySpan<byte> body);

    public sealed partial class OutboxMessage
    {
        // The calls that read the memory of the body, which a change could free.
        private int readers;

        /// <summary>The number of bytes in the body.</summary>
        public int BodyLength => ReadBody(body => body.Length);

        /// <summary>The body as a string, decoded from UTF-8.</summary>
        public string BodyText => ReadBody(Utf8.Decode);

        /// <summary>Returns a copy of the bytes of the body.</summary>
        /// <returns>The bytes.</returns>
        public byte[] GetBody() => ReadBody(body => body.ToArray());

        /// <summary>Copies the bytes of the body to the start of a buffer.</summary>
        /// <param name="destination">The buffer, of at least <see cref="BodyLength"/> bytes.</param>
        /// <returns>The number of bytes in the body.</returns>
        /// <exception cref="ArgumentException">The buffer is smaller than the body.</exception>
        public int CopyBodyTo(Span<byte> destination)
        {
            var kept = BeginReading();
            try
            {
                var body = Body;
                body.CopyTo(destination);
                return body.Length;
            }
            finally
            {
                EndReading(kept);
            }
        }

        /// <summary>
        /// Passes the body to a delegate without a copy, and returns the result of the delegate. The memory stays valid while
        /// the delegate runs, even if the message is disposed of meanwhile. The message cannot be changed during this time.
        /// </summary>
        /// <typeparam name="T">The type of the result.</typeparam>
        /// <param name="read">Reads the bytes.</param>
        /// <returns>The result of the delegate.</returns>
        /// <example><code>
        /// var order = message.ReadBody(body =&gt; JsonSerializer.Deserialize&lt;Order&gt;(body));
        /// </code></example>
        public T ReadBody<T>(BodyReader<T> read)
        {
            if (read == null)
                throw new ArgumentNullException(nameof(read));
            var kept = BeginReading();
            try
            {
                return read(Body);
            }
            finally
            {
                EndReading(kept);
            }
        }

        /// <summary>Passes the body to a delegate without a copy, as the other overload does.</summary>
        /// <param name="read">Reads the bytes.</param>
        public void ReadBody(BodyReader read)
        {
            if (read == null)
                throw new ArgumentNullException(nameof(read));
            ReadBody(body =>
            {
                read(body);
                return true;
            });
        }

        /// <summary>Replaces the body.</summary>
        /// <param name="body">The bytes, which are copied.</param>
        /// <exception cref="InvalidOperationException">
        /// The message belongs to a page or to a call, or a call of <see cref="ReadBody{T}(BodyReader{T})"/> is in progress.
        /// </exception>
        public void SetBody(ReadOnlySpan<byte> body)
        {
            lock (handle)
            {
                Errors.Check(Native.postbox_message_set_body(Changeable, in MemoryMarshal.GetReference(body), (UIntPtr)body.Length));
                handle.Weigh(body.Length);
            }
        }

        /// <summary>The memory of the body, which the caller keeps between BeginReading and EndReading.</summary>
        private unsafe ReadOnlySpan<byte> Body
        {
            get
            {
                UIntPtr length;
                var start = Native.postbox_message_body(handle, out length);
                return new ReadOnlySpan<byte>((void*)start, checked((int)length));
            }
        }

        private NativeHandle.Use BeginReading()
        {
            lock (handle)
            {
                var kept = Handle.Using();
                Interlocked.Increment(ref readers);
                return kept;
            }
        }

        private void EndReading(NativeHandle.Use kept)
        {
            Interlocked.Decrement(ref readers);
            kept.Dispose();
        }
    }
}
