using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// A call that sends messages and waits for the tasks of asynchronous producers. While a message that was accepted is not
    /// confirmed, the library holds back later messages with the same topic and partition key. These messages are cleared in
    /// further rounds.
    /// </summary>
    internal sealed class Clearing : IDisposable
    {
        // Null if the client has no asynchronous producers. There is only one round then.
        private readonly Sending? sending;
        private readonly List<string> watched = new List<string>();
        private IReadOnlyList<Task<MessageReport>> tasks = new Task<MessageReport>[0];

        internal Clearing(Sending? sending, IReadOnlyList<string> ids)
        {
            this.sending = sending;
            Ids = ids;
            if (sending == null)
                return;
            // The library rejects null.
            watched = ids.Where(id => id != null).Distinct().ToList();
            sending.Watch(watched);
        }

        /// <summary>The ids of the next round.</summary>
        internal IReadOnlyList<string> Ids { get; private set; }

        /// <summary>Whether no task is left that sends a message of this call.</summary>
        internal bool HasEnded { get; private set; } = true;

        /// <summary>The report of all rounds so far.</summary>
        internal Report Report { get; private set; } = Report.Empty;

        /// <summary>Adds the report of a round.</summary>
        internal void Add(Report round)
        {
            Report = Report.Count == 0 ? round : Report.With(round);
            if (sending != null)
                tasks = round.Where(message => message.Outcome == Outcome.Accepted).Select(message => sending.OutcomeOf(message.Id)).OfType<Task<MessageReport>>().ToList();
        }

        /// <summary>Waits for the tasks of this round, unless the token is cancelled.</summary>
        internal void Wait(CancellationToken cancellation)
        {
            if (tasks.Count == 0)
                return;
            var all = Task.WhenAll(tasks);
            try
            {
                Uninterrupted.Run(() => all.Wait(cancellation));
            }
            catch (OperationCanceledException)
            {
                // The tasks continue.
            }
        }

        /// <summary>Waits as <see cref="Wait"/> does, without a thread.</summary>
        internal async Task WaitAsync(CancellationToken cancellation)
        {
            if (tasks.Count == 0)
                return;
            var canceled = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            using (cancellation.Register(() => canceled.TrySetResult(true)))
                await Task.WhenAny(Task.WhenAll(tasks), canceled.Task).ConfigureAwait(false);
        }

        /// <summary>
        /// Notes the outcomes of this round. Returns whether another round can send messages that were held back.
        /// </summary>
        internal bool Next()
        {
            if (tasks.Count == 0)
                return false;
            var ended = tasks.Where(task => task.IsCompleted).ToList();
            HasEnded = ended.Count == tasks.Count;
            Report = Report.With(ended.Select(task => task.Result));
            Ids = Report.Where(message => message.Outcome == Outcome.HeldBack).Select(message => message.Id).ToList();
            return Ids.Count > 0 && HasEnded;
        }

        public void Dispose() => sending?.Unwatch(watched);
    }
}
