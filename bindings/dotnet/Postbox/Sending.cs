using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Postbox
{
    /// <summary>
    /// The messages of one client that asynchronous producers are sending. The library hands messages over on one of its
    /// threads, and the producer accepts them. A task then sends them, and confirms the results. No thread waits for the
    /// task.
    /// </summary>
    internal sealed class Sending
    {
        // The time within which tasks that were cancelled are expected to end.
        private const ulong Grace = 250;

        private static readonly AsyncLocal<SentBatch?> Current = new AsyncLocal<SentBatch?>();

        private readonly object key = new object();
        private readonly ulong closeTimeout;
        private readonly CancellationTokenSource closing = new CancellationTokenSource();
        private readonly HashSet<SentBatch> running = new HashSet<SentBatch>();
        private readonly Dictionary<string, Watched> watched = new Dictionary<string, Watched>();

        // The library has the producers as long as the client, which must not keep the client alive.
        private readonly WeakReference<ClientHandle> client = new WeakReference<ClientHandle>(null!);
        private bool isClosing;

        internal Sending(ulong closeTimeout)
        {
            this.closeTimeout = closeTimeout;
        }

        /// <summary>Sets the client that calls the producers.</summary>
        internal void Begin(ClientHandle open) => client.SetTarget(open);

        /// <summary>
        /// Starts a task that sends messages. Returns false if the client is closed, so that they are not tried.
        /// </summary>
        internal bool Accept(IReadOnlyList<OutboxMessage> lent, Func<IReadOnlyList<OutboxMessage>, SendResults, CancellationToken, ValueTask> send)
        {
            ClientHandle? open;
            SentBatch batch;
            lock (key)
            {
                if (isClosing || !client.TryGetTarget(out open))
                    return false;
                batch = new SentBatch(this, lent);
                running.Add(batch);
                foreach (var message in batch.Sent)
                    if (watched.TryGetValue(message.Id, out var watch))
                        watch.Sent = message.Confirmed;
            }
            Task.Run(() => Send(open, batch, send));
            return true;
        }

        /// <summary>Sends messages, and confirms the results. Throws no exception.</summary>
        private async Task Send(ClientHandle open, SentBatch batch, Func<IReadOnlyList<OutboxMessage>, SendResults, CancellationToken, ValueTask> send)
        {
            Current.Value = batch;
            var results = new SendResults(batch.Sent.Count);
            Exception? thrown = null;
#if !NETSTANDARD
            SendSpan? span = null;
#endif
            Callbacks.Enter();
            try
            {
                closing.Token.ThrowIfCancellationRequested();
#if !NETSTANDARD
                span = SendSpan.Start(batch.Messages);
#endif
                await send(batch.Messages, results, closing.Token).ConfigureAwait(false);
            }
            catch (Exception failure)
            {
                thrown = failure;
            }
            finally
            {
                Callbacks.Leave();
                batch.HasEnded = true;
            }
            // A message without a result was not tried.
            var rest = thrown == null ? SendResult.NotTried : Callbacks.ResultOf(thrown);
            var set = results.Finish();
#if !NETSTANDARD
            span?.End(set, thrown);
#endif
            await Task.WhenAll(batch.Sent.Select((message, i) =>
                message.Confirm(open, set[i] ?? rest, set[i] == null ? thrown : null))).ConfigureAwait(false);
            batch.Dispose();
            lock (key)
            {
                running.Remove(batch);
                Monitor.PulseAll(key);
            }
        }

        /// <summary>Notes the tasks that send these messages, until <see cref="Unwatch"/> is called.</summary>
        internal void Watch(IEnumerable<string> ids)
        {
            lock (key)
                foreach (var id in ids)
                {
                    if (!watched.TryGetValue(id, out var watch))
                        watched.Add(id, watch = new Watched());
                    watch.Watchers++;
                }
        }

        internal void Unwatch(IEnumerable<string> ids)
        {
            lock (key)
                foreach (var id in ids)
                    if (--watched[id].Watchers == 0)
                        watched.Remove(id);
        }

        /// <summary>
        /// Returns a task with the outcome of a message that is watched and was accepted since then. Null for a message whose
        /// producer is not asynchronous.
        /// </summary>
        internal Task<MessageReport>? OutcomeOf(string id)
        {
            lock (key)
                return watched[id].Sent;
        }

        /// <summary>
        /// Accepts no more messages, and waits for the tasks. The tasks that still run after the timeout in milliseconds, or
        /// after "close_timeout_ms", are cancelled, and are abandoned if they do not end soon.
        /// </summary>
        /// <param name="timeout">The timeout. Receives the rest of it.</param>
        /// <returns>The error if tasks were abandoned. Otherwise null.</returns>
        internal PostboxException? End(ref ulong? timeout)
        {
            var limit = timeout ?? closeTimeout;
            var clock = Stopwatch.StartNew();
            var isInside = Current.Value != null && Current.Value.Owner == this && !Current.Value.HasEnded;
            lock (key)
                isClosing = true;
            if (isInside)
                OwnThread.Cancel(closing);
            else if (!HaveEnded(limit))
            {
                OwnThread.Cancel(closing);
                HaveEnded(Grace);
            }
            var elapsed = (ulong)clock.ElapsedMilliseconds;
            timeout = limit > elapsed ? limit - elapsed : 0;
            var abandoned = Abandon();
            if (isInside)
                return Errors.Reentrant("an asynchronous producer of this client closes it, so the close does not wait for the producer: close the client elsewhere");
            return abandoned == 0 ? null : Errors.NotEnded(abandoned + " messages were abandoned whose asynchronous producers did not end: they stay outstanding");
        }

        /// <summary>Waits for the tasks up to this time in milliseconds, and returns whether all of them have ended.</summary>
        private bool HaveEnded(ulong limit)
        {
            var clock = Stopwatch.StartNew();
            var ended = false;
            Uninterrupted.Run(() =>
            {
                lock (key)
                {
                    for (var elapsed = 0UL; running.Count > 0 && elapsed < limit; elapsed = (ulong)clock.ElapsedMilliseconds)
                        Monitor.Wait(key, (int)Math.Min(limit - elapsed, int.MaxValue));
                    ended = running.Count == 0;
                }
            });
            return ended;
        }

        /// <summary>Ends the waits for the tasks that run, and returns the number of their messages.</summary>
        private int Abandon()
        {
            lock (key)
            {
                var messages = running.SelectMany(batch => batch.Sent).ToList();
                running.Clear();
                messages.ForEach(message => message.Abandon());
                return messages.Count;
            }
        }

        /// <summary>A message that calls wait for.</summary>
        private sealed class Watched
        {
            internal int Watchers;
            internal Task<MessageReport>? Sent;
        }
    }
}
