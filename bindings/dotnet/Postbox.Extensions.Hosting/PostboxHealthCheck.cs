using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Postbox.Extensions.Hosting
{
    /// <summary>The health checks of a host by name. Each keeps what it has read from DynamoDB between its runs.</summary>
    internal sealed class HealthChecks
    {
        private readonly ConcurrentDictionary<string, PostboxHealthCheck> checks = new ConcurrentDictionary<string, PostboxHealthCheck>();
        private readonly IPostboxClients clients;

        public HealthChecks(IPostboxClients clients)
        {
            this.clients = clients;
        }

        internal IHealthCheck Get(string name, string client, PostboxHealthCheckOptions options)
        {
            return checks.GetOrAdd(name, _ => new PostboxHealthCheck(() => clients.Get(client), options));
        }
    }

    /// <summary>Checks the age of the oldest outstanding message of a client, and whether messages were parked.</summary>
    internal sealed class PostboxHealthCheck : IHealthCheck
    {
        // More parked messages are not counted, since the number of requests would grow with the number of messages.
        private const int MostParked = 100;

        private readonly Func<IPostbox> client;
        private readonly PostboxHealthCheckOptions options;
        private readonly Measurement<OutstandingCount> outstanding;
        private readonly Measurement<long>? parked;
        private readonly object key = new object();
        private long parkedHere;
        private Stopwatch? sinceParking;

        internal PostboxHealthCheck(Func<IPostbox> client, PostboxHealthCheckOptions options)
        {
            this.client = client;
            this.options = options;
            outstanding = new Measurement<OutstandingCount>(end => client().CountOutstandingAsync(null, end), options.Timeout, options.CacheDuration);
            if (options.CountParkedEvery is TimeSpan interval)
                parked = new Measurement<long>(
                    end => client().CountMessagesAsync(MessageState.Parked, new Selection { Limit = MostParked }, end), options.Timeout, interval);
        }

        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            var data = new Dictionary<string, object>();
            try
            {
                var problems = Statistics(data);
                var (count, age) = await outstanding.Get(cancellationToken).ConfigureAwait(false);
                var oldest = count.Count == 0 ? TimeSpan.Zero : count.OldestAge + age;
                data["outstanding"] = count.Count;
                data["oldest_age"] = oldest;
                if (parked != null)
                    problems.AddRange(ParkedAnywhere((await parked.Get(cancellationToken).ConfigureAwait(false)).Value, data));
                var text = count.Count + " messages are outstanding, the oldest for " + oldest;
                if (oldest > options.MaxOldestAge)
                    return new HealthCheckResult(context.Registration.FailureStatus, text + ", which is longer than " + options.MaxOldestAge, null, data);
                if (oldest > options.DegradedOldestAge)
                    problems.Add(text + ", which is longer than " + options.DegradedOldestAge);
                return problems.Count == 0 ? HealthCheckResult.Healthy(text, data) : HealthCheckResult.Degraded(string.Join("; ", problems), null, data);
            }
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                return new HealthCheckResult(context.Registration.FailureStatus, "the outbox cannot be read: " + failure.Message, failure, data);
            }
        }

        /// <summary>Adds the statistics of this process to the data, and returns the problems that they show.</summary>
        private List<string> Statistics(Dictionary<string, object> data)
        {
            var problems = new List<string>();
            var stats = client().GetStats();
            data["parked"] = stats.Parked;
            data["dispatched"] = stats.Dispatched;
            data["failed"] = stats.Failed;
            data["background_failures"] = stats.BackgroundFailures;
            data["open_breakers"] = stats.OpenBreakers;
            using (var all = JsonDocument.Parse(client().GetStatsJson()))
            {
                var error = all.RootElement.GetProperty("last_error").GetString();
                if (error != null)
                    data["last_error"] = error;
                if (all.RootElement.GetProperty("marks_fail").GetBoolean())
                    problems.Add("sent messages cannot be marked" + (error == null ? "" : ": " + error));
            }
            if (WasParkedRecently(stats.Parked))
                problems.Add("this process has parked " + stats.Parked + " messages, the last of them within " + options.DegradedAfterParking);
            return problems;
        }

        private bool WasParkedRecently(long count)
        {
            lock (key)
            {
                if (count > parkedHere)
                    sinceParking = Stopwatch.StartNew();
                parkedHere = count;
                return sinceParking?.Elapsed < options.DegradedAfterParking;
            }
        }

        private static IEnumerable<string> ParkedAnywhere(long count, Dictionary<string, object> data)
        {
            data["parked_in_table"] = count;
            return count == 0 ? Enumerable.Empty<string>() : new[] { (count == MostParked ? "at least " : "") + count + " messages are parked" };
        }
    }
}
