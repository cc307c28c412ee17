using System;

namespace Postbox.Extensions.Hosting
{
    /// <summary>The limits of a health check of Postbox. All times are greater than zero.</summary>
    public sealed class PostboxHealthCheckOptions
    {
        /// <summary>
        /// The age of the oldest outstanding message above which the check fails. The default is 5 minutes. The failure is
        /// "unhealthy" unless the registration of the check has another failure status.
        /// </summary>
        public TimeSpan MaxOldestAge { get; set; } = TimeSpan.FromMinutes(5);

        /// <summary>
        /// The age of the oldest outstanding message above which the result is "degraded", or null if only
        /// <see cref="MaxOldestAge"/> counts, which is the default.
        /// </summary>
        public TimeSpan? DegradedOldestAge { get; set; }

        /// <summary>
        /// The time after this process has parked a message during which the result is "degraded". The default is 1 hour. Null
        /// ignores parked messages. This sends no request.
        /// </summary>
        public TimeSpan? DegradedAfterParking { get; set; } = TimeSpan.FromHours(1);

        /// <summary>
        /// The time between two counts of the parked messages of all processes, of which any makes the result "degraded". A count
        /// reads the whole table, unless it finds 100 messages before. Null never counts them, which is the default.
        /// </summary>
        public TimeSpan? CountParkedEvery { get; set; }

        /// <summary>
        /// The time after which the check fails if DynamoDB does not respond, or if the count of the outstanding messages
        /// takes longer. The default is 5 seconds.
        /// </summary>
        public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

        /// <summary>
        /// The time for which a count of the outstanding messages is used again, at the price of results that are as old. A count
        /// reads the index of the outstanding messages. The default is 15 seconds.
        /// </summary>
        public TimeSpan CacheDuration { get; set; } = TimeSpan.FromSeconds(15);
    }
}
