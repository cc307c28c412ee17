using System;
using System.Collections.Generic;
using System.Linq;

namespace Postbox
{
    /// <summary>
    /// Collects the exceptions of the producers that one call of the program calls on this thread. The library receives
    /// their texts only.
    /// </summary>
    internal sealed class ProducerExceptions : IDisposable
    {
        [ThreadStatic] private static ProducerExceptions current;

        // A producer may itself call Postbox, on the same thread.
        private readonly ProducerExceptions outer;
        private readonly Dictionary<string, Exception> byId = new Dictionary<string, Exception>();

        internal ProducerExceptions()
        {
            outer = current;
            current = this;
        }

        internal static void Add(IEnumerable<Message> messages, Exception thrown)
        {
            if (current != null)
                foreach (var message in messages)
                    current.byId[message.Id] = thrown;
        }

        internal Exception Of(string id) => byId.TryGetValue(id, out var thrown) ? thrown : null;

        /// <summary>The exception, an exception of all exceptions, or null.</summary>
        internal Exception All
        {
            get
            {
                var all = byId.Values.Distinct().ToList();
                return all.Count > 1 ? new AggregateException(all) : all.SingleOrDefault();
            }
        }

        public void Dispose() => current = outer;
    }
}
