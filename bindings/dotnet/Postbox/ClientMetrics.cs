#if !NETSTANDARD
using System;
using System.Collections.Generic;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Linq;

namespace Postbox
{
    /// <summary>The statistics of the open clients, as instruments that exist while a client is open.</summary>
    internal static class ClientMetrics
    {
        private static readonly object Key = new object();
        private static long lastId;
        private static Meter? meter;

        // Replaced rather than changed, so that a listener never waits for a thread that opens or disposes of a client.
        private static volatile Observed[] clients = Array.Empty<Observed>();

        /// <summary>Observes a client, which is not kept alive, until it is removed.</summary>
        internal static void Add(ClientHandle client, string table)
        {
            lock (Key)
            {
                var observed = new Observed(client, (++lastId).ToString(CultureInfo.InvariantCulture), table);
                clients = Alive().Append(observed).ToArray();
                if (meter != null)
                    return;
                var created = meter = new Meter(Telemetry.Name, Telemetry.Version);
                Telemetry.Guard(() => Publish(created));
            }
        }

        /// <summary>Ends the observation of a client that is disposed of.</summary>
        internal static void Remove(ClientHandle client)
        {
            lock (Key)
            {
                clients = Alive().Where(other => other.Client != client).ToArray();
                if (clients.Length > 0)
                    return;
                var ended = meter;
                meter = null;
                Telemetry.Guard(() => ended?.Dispose());
            }
        }

        private static IEnumerable<Observed> Alive() => clients.Where(observed => observed.Client != null);

        private static void Publish(Meter created)
        {
            Count(created, "deposited", "{message}", "Messages written to the outbox.", stats => stats.deposited);
            Count(created, "dispatched", "{message}", "Messages sent and marked.", stats => stats.dispatched);
            Count(created, "failed", "{attempt}", "Failed attempts to send a message.", stats => stats.failed);
            Count(created, "parked", "{message}", "Messages parked.", stats => stats.parked);
            Count(created, "duplicates_avoided", "{message}",
                "Deposits of messages that already existed, and dispatched messages that were not sent again.", stats => stats.duplicates_avoided);
            Count(created, "sweeps", "{sweep}", "Completed sweeps.", stats => stats.sweeps);
            Count(created, "background_failures", "{run}", "Failed runs of the background threads.", stats => stats.background_failures);
            created.CreateObservableGauge(
                "postbox.open_breakers", () => Read(stats => (long)stats.open_breakers), "{topic}", "Topics whose breaker is open or half-open.");
            created.CreateObservableGauge(
                "postbox.outstanding", () => Read(stats => stats.outstanding == ulong.MaxValue ? (long?)null : (long)stats.outstanding),
                "{message}", "Outstanding messages at the last count.");
        }

        private static void Count(Meter created, string name, string unit, string description, Func<Native.postbox_stats, ulong> count)
        {
            created.CreateObservableCounter("postbox." + name, () => Read(stats => (long)count(stats)), unit, description);
        }

        private static IEnumerable<Measurement<long>> Read(Func<Native.postbox_stats, long?> read)
        {
            foreach (var observed in clients)
                if (observed.Stats() is Native.postbox_stats stats && read(stats) is long value)
                    yield return new Measurement<long>(value, observed.Tags);
        }

        /// <summary>An open client and its attributes.</summary>
        private sealed class Observed
        {
            private readonly WeakReference<ClientHandle> client;

            internal Observed(ClientHandle client, string id, string table)
            {
                this.client = new WeakReference<ClientHandle>(client);
                Tags = new[] { Telemetry.Tag(Telemetry.ClientId, id), Telemetry.Tag(Telemetry.Table, table) };
            }

            internal KeyValuePair<string, object?>[] Tags { get; }

            /// <summary>The client, or null if it was collected.</summary>
            internal ClientHandle? Client => client.TryGetTarget(out var open) ? open : null;

            /// <summary>Returns the statistics, or null if the client was disposed of or belongs to the parent of this process.</summary>
            internal Native.postbox_stats? Stats()
            {
                var open = Client;
                if (open == null || open.IsDisposed)
                    return null;
                try
                {
                    var error = Native.postbox_get_stats(open, out var stats);
                    Native.postbox_error_free(error);
                    return error == IntPtr.Zero ? stats : (Native.postbox_stats?)null;
                }
                catch (ObjectDisposedException)
                {
                    return null;
                }
            }
        }
    }
}
#endif
