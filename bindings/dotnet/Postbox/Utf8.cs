using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

namespace Postbox
{
    /// <summary>
    /// Converts strings for the library and back. .NET Standard 2.0 does not marshal UTF-8, and marshalling would not
    /// reject strings that UTF-8 in C cannot represent.
    /// </summary>
    internal static class Utf8
    {
        private static readonly UTF8Encoding Strict = new UTF8Encoding(false, true);

        /// <summary>Returns the NUL-terminated bytes of a string that must not be null.</summary>
        internal static byte[] Required(string text, string name)
        {
            if (text == null)
                throw new ArgumentNullException(name);
            RejectNul(text, name);
            return Encode(text, name, 1);
        }

        internal static void RejectNul(string text, string name)
        {
            if (text.IndexOf('\0') >= 0)
                throw new ArgumentException("the text has a NUL character, and everything after it would be lost: remove it", name);
        }

        /// <summary>Returns the NUL-terminated bytes of a string, or null for null.</summary>
        internal static byte[]? Optional(string? text, string name) => text == null ? null : Required(text, name);

        /// <summary>
        /// Returns the bytes of a body. NUL characters are allowed, since a body is passed with its length.
        /// </summary>
        internal static byte[] Body(string text, string name)
        {
            if (text == null)
                throw new ArgumentNullException(name);
            return Encode(text, name, 0);
        }

        private static byte[] Encode(string text, string name, int zeros)
        {
            try
            {
                var bytes = new byte[Strict.GetByteCount(text) + zeros];
                Strict.GetBytes(text, 0, text.Length, bytes, 0);
                return bytes;
            }
            catch (EncoderFallbackException failure)
            {
                throw Unpaired(failure, name);
            }
        }

        internal static ArgumentException Unpaired(EncoderFallbackException failure, string? name)
        {
            return new ArgumentException(
                "the text has an unpaired surrogate at index " + failure.Index + ", which UTF-8 cannot represent: remove or complete it",
                name, failure);
        }

        /// <summary>
        /// Writes the bytes of a string to a buffer, which is enlarged if it does not have room for them and one more byte.
        /// Returns the number of bytes.
        /// </summary>
        /// <exception cref="EncoderFallbackException">The string has an unpaired surrogate.</exception>
        internal static int Write(string text, ref byte[] buffer, int at)
        {
            if (buffer.Length - at <= Strict.GetMaxByteCount(text.Length))
            {
                var needed = at + Strict.GetByteCount(text) + 1;
                if (buffer.Length < needed)
                    Array.Resize(ref buffer, Math.Max(needed, 2 * buffer.Length));
            }
            return Strict.GetBytes(text, 0, text.Length, buffer, at);
        }

        /// <summary>Copies the string at a borrowed pointer, which is not NULL.</summary>
        internal static string Read(IntPtr text) => ReadOptional(text) ?? throw Missing();

        /// <summary>Copies the string at a borrowed pointer. Returns null for NULL.</summary>
        internal static unsafe string? ReadOptional(IntPtr text)
        {
            if (text == IntPtr.Zero)
                return null;
            var bytes = (byte*)text;
            var length = 0;
            while (bytes[length] != 0)
                length++;
            return Read(text, length);
        }

        /// <summary>Copies a string of this many bytes.</summary>
        internal static unsafe string Read(IntPtr text, int length) => Strict.GetString((byte*)text, length);

        /// <summary>Decodes bytes. Invalid bytes become replacement characters.</summary>
        internal static unsafe string Decode(ReadOnlySpan<byte> bytes)
        {
            fixed (byte* start = bytes)
                return bytes.IsEmpty ? "" : Encoding.UTF8.GetString(start, bytes.Length);
        }

        /// <summary>Copies the string at a pointer, which is not NULL, and frees it.</summary>
        internal static string Take(IntPtr text) => TakeOptional(text) ?? throw Missing();

        /// <summary>Copies the string at a pointer and frees it. Returns null for NULL.</summary>
        internal static string? TakeOptional(IntPtr text)
        {
            try
            {
                return ReadOptional(text);
            }
            finally
            {
                Native.postbox_string_free(text);
            }
        }

        private static InvalidOperationException Missing() => new InvalidOperationException("the native library returned NULL instead of a text");

        /// <summary>
        /// Returns the NUL-terminated bytes of a reason, which is never rejected: an unpaired surrogate is replaced by
        /// a replacement character, and NUL by a space.
        /// </summary>
        internal static byte[] Lossy(string text) => Encoding.UTF8.GetBytes(text.Replace('\0', ' ') + '\0');

        /// <summary>Writes a reason and a NUL into a buffer of the library. A reason that is too long is cut.</summary>
        internal static void Write(string text, IntPtr buffer, UIntPtr size)
        {
            var bytes = Lossy(text);
            var length = Math.Min(bytes.Length, checked((int)size)) - 1;
            while (length > 0 && (bytes[length] & 0xC0) == 0x80)
                length--;
            Marshal.Copy(bytes, 0, buffer, length);
            Marshal.WriteByte(buffer, length, 0);
        }
    }

    /// <summary>Strings as an array of pointers, in pinned memory until it is disposed of.</summary>
    internal sealed class Utf8Array : IDisposable
    {
        private readonly List<GCHandle> pinned = new List<GCHandle>();

        internal Utf8Array(IEnumerable<string> texts, string name) : this(Required(texts, name)) { }

        /// <summary>Takes strings that are already NUL-terminated bytes.</summary>
        internal Utf8Array(IEnumerable<byte[]> texts)
        {
            var pointers = new List<IntPtr>();
            try
            {
                foreach (var text in texts)
                {
                    var bytes = GCHandle.Alloc(text, GCHandleType.Pinned);
                    pinned.Add(bytes);
                    pointers.Add(bytes.AddrOfPinnedObject());
                }
            }
            catch
            {
                Dispose();
                throw;
            }
            Pointers = pointers.ToArray();
        }

        private static IEnumerable<byte[]> Required(IEnumerable<string> texts, string name)
        {
            if (texts == null)
                throw new ArgumentNullException(name);
            foreach (var text in texts)
                yield return Utf8.Required(text, name);
        }

        internal IntPtr[] Pointers { get; }

        internal UIntPtr Count => (UIntPtr)Pointers.Length;

        public void Dispose()
        {
            foreach (var bytes in pinned)
                bytes.Free();
            pinned.Clear();
        }
    }
}
