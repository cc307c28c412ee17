#if !NETSTANDARD
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;

namespace Postbox
{
    /// <summary>
    /// The activity of an asynchronous call that clears messages. The library calls the producers on its own threads, on which
    /// no activity is current.
    /// </summary>
    internal sealed class ClearActivity : IDisposable
    {
        private static readonly List<ClearActivity> Running = new List<ClearActivity>();

        private readonly ISet<string> ids;
        private readonly ActivityContext context;

        private ClearActivity(IEnumerable<string> ids, ActivityContext context)
        {
            this.ids = new HashSet<string>(ids);
            this.context = context;
            lock (Running)
                Running.Add(this);
        }

        /// <summary>Remembers the current activity for a call with these ids. Returns null if nobody needs it.</summary>
        internal static ClearActivity? Begin(IEnumerable<string> ids)
        {
            var current = Telemetry.HasTracers ? Activity.Current : null;
            return current == null ? null : new ClearActivity(ids, current.Context);
        }

        /// <summary>Returns the activity that clears one of these messages, or default.</summary>
        internal static ActivityContext Of(IEnumerable<OutboxMessage> messages)
        {
            lock (Running)
                return Running.Count == 0 ? default : messages.Select(message => message.Id)
                    .Select(id => Running.FirstOrDefault(clear => clear.ids.Contains(id))).FirstOrDefault(clear => clear != null)?.context ?? default;
        }

        public void Dispose()
        {
            lock (Running)
                Running.Remove(this);
        }
    }
}
#endif
