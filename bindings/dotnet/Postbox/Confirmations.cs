using System;
using System.Collections.Generic;

namespace Postbox
{
    /// <summary>The ids, outcomes and reasons of many messages, as arrays that are valid until it is disposed of.</summary>
    internal sealed class Confirmations : IDisposable
    {
        private readonly Utf8Array ids, reasons;

        internal Confirmations(IEnumerable<KeyValuePair<string, SendResult>> results, string name)
        {
            if (results == null)
                throw new ArgumentNullException(name);
            var of = new List<string>();
            var outcomes = new List<int>();
            var texts = new List<byte[]>();
            foreach (var result in results)
            {
                if (result.Value == null)
                    throw new ArgumentException("message " + result.Key + " has no result", name);
                of.Add(result.Key);
                outcomes.Add((int)result.Value.Outcome);
                texts.Add(Utf8.Lossy(result.Value.Reason));
            }
            ids = new Utf8Array(of, name);
            reasons = new Utf8Array(texts);
            Outcomes = outcomes.ToArray();
        }

        internal IntPtr[] Ids => ids.Pointers;

        internal int[] Outcomes { get; }

        internal IntPtr[] Reasons => reasons.Pointers;

        internal UIntPtr Count => ids.Count;

        /// <summary>
        /// The reason of a result, or null if it has none. As in a producer, the reason is never rejected: invalid
        /// characters are replaced.
        /// </summary>
        internal static byte[]? ReasonOf(SendResult result) => result.Reason.Length == 0 ? null : Utf8.Lossy(result.Reason);

        public void Dispose()
        {
            ids.Dispose();
            reasons.Dispose();
        }
    }
}
