using System;
using System.Collections.Generic;

namespace Postbox
{
    /// <summary>Messages as an array of pointers, which are valid until it is disposed of.</summary>
    internal sealed class MessageArray : IDisposable
    {
        private readonly List<NativeHandle.Use> kept = new List<NativeHandle.Use>();
        private readonly List<string> ids = new List<string>();

        internal MessageArray(IEnumerable<OutboxMessage> messages, string name)
        {
            if (messages == null)
                throw new ArgumentNullException(name);
            try
            {
                foreach (var message in messages)
                {
                    if (message == null)
                        throw new ArgumentNullException(name);
                    kept.Add(message.Handle.Using());
                    ids.Add(message.Id);
                }
            }
            catch
            {
                Dispose();
                throw;
            }
            Pointers = kept.ConvertAll(use => use.Pointer).ToArray();
        }

        internal IntPtr[] Pointers { get; }

        internal UIntPtr Count => (UIntPtr)Pointers.Length;

        internal IReadOnlyList<string> Ids => ids;

        public void Dispose()
        {
            foreach (var use in kept)
                use.Dispose();
            kept.Clear();
        }
    }
}
