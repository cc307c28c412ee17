using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;

namespace Postbox
{
    /// <summary>
    /// Collects the exceptions of the producers that one call of the program calls. The library receives their texts only.
    /// </summary>
    internal sealed class ProducerExceptions : IDisposable
    {
        // Not a [ThreadStatic] field; see Callbacks.
        private static readonly ThreadLocal<object?> Current = new ThreadLocal<object?>();

        // The calls whose producers are called on threads of the library.
        private static readonly HashSet<ProducerExceptions> Elsewhere = new HashSet<ProducerExceptions>();

        // A producer may itself call Postbox, on the same thread.
        private readonly ProducerExceptions? outer;
        private readonly ISet<string>? ids;
        private readonly Dictionary<string, Exception> byId = new Dictionary<string, Exception>();

        /// <summary>Collects the exceptions on this thread.</summary>
        internal ProducerExceptions()
        {
            outer = OfThisThread;
            Current.Value = this;
        }

        /// <summary>Collects the exceptions for these messages on threads of the library.</summary>
        internal ProducerExceptions(IEnumerable<string> ids)
        {
            this.ids = new HashSet<string>(ids);
            lock (Elsewhere)
                Elsewhere.Add(this);
        }

        internal static void Add(IEnumerable<OutboxMessage> messages, Exception thrown)
        {
            var here = OfThisThread;
            foreach (var message in messages)
            {
                var id = message.Id;
                if (here != null)
                    here.byId[id] = thrown;
                else
                    lock (Elsewhere)
                        foreach (var call in Elsewhere.Where(call => call.ids!.Contains(id)))
                            call.byId[id] = thrown;
            }
        }

        private static ProducerExceptions? OfThisThread => (ProducerExceptions?)Current.Value;

        internal Exception? Of(string id)
        {
            lock (Elsewhere)
                return byId.TryGetValue(id, out var thrown) ? thrown : null;
        }

        /// <summary>The exception, an exception of all exceptions, or null.</summary>
        internal Exception? All => Together(byId.Values);

        /// <summary>Returns the exception, an exception of all exceptions, or null. Ignores nulls.</summary>
        internal static Exception? Together(IEnumerable<Exception?> thrown)
        {
            var all = thrown.OfType<Exception>().Distinct().ToList();
            return all.Count > 1 ? new AggregateException(all) : all.SingleOrDefault();
        }

        public void Dispose()
        {
            if (ids == null)
                Current.Value = outer;
            else
                lock (Elsewhere)
                    Elsewhere.Remove(this);
        }
    }
}
