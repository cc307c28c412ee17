using System;
using System.Collections.Generic;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Postbox.Extensions.Hosting;

namespace Microsoft.Extensions.DependencyInjection
{
    /// <summary>Adds health checks of Postbox.</summary>
    public static class PostboxHealthCheckExtensions
    {
        /// <summary>Adds a health check of the client: <c>builder.AddHealthCheck(TimeSpan.FromMinutes(5))</c>.</summary>
        /// <param name="builder">The builder.</param>
        /// <param name="maxOldestAge">See <see cref="PostboxHealthCheckOptions.MaxOldestAge"/>.</param>
        /// <returns>The builder.</returns>
        /// <exception cref="ArgumentOutOfRangeException">The age is not greater than zero.</exception>
        public static IPostboxBuilder AddHealthCheck(this IPostboxBuilder builder, TimeSpan maxOldestAge)
        {
            return builder.AddHealthCheck(options => options.MaxOldestAge = maxOldestAge);
        }

        /// <summary>
        /// Adds a health check of the client. It fails if messages stay outstanding for too long or if DynamoDB does not respond, and
        /// is degraded after messages were parked, or while sent messages cannot be marked. The data of the result has the numbers:
        /// "outstanding" and "oldest_age" when they were counted last, and "parked", "dispatched", "failed", "background_failures" and
        /// "open_breakers" of this process.
        /// </summary>
        /// <param name="builder">The builder.</param>
        /// <param name="configure">Sets the limits, or null for the default ones.</param>
        /// <param name="name">The name of the check, or null for "postbox", which is "postbox-NAME" if the client has a name.</param>
        /// <param name="failureStatus">The status of a failure, or null for "unhealthy".</param>
        /// <param name="tags">The tags of the check, by which endpoints select it.</param>
        /// <returns>The builder.</returns>
        /// <exception cref="ArgumentOutOfRangeException">A time is not greater than zero.</exception>
        public static IPostboxBuilder AddHealthCheck(
            this IPostboxBuilder builder, Action<PostboxHealthCheckOptions>? configure = null, string? name = null,
            HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
        {
            if (builder == null)
                throw new ArgumentNullException(nameof(builder));
            var options = new PostboxHealthCheckOptions();
            configure?.Invoke(options);
            Check(options);
            var client = builder.Name;
            name ??= client.Length == 0 ? "postbox" : "postbox-" + client;
            builder.Services.TryAddSingleton<HealthChecks>();
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
                name, services => services.GetRequiredService<HealthChecks>().Get(name, client, options), failureStatus, tags));
            return builder;
        }

        private static void Check(PostboxHealthCheckOptions options)
        {
            Check(options.MaxOldestAge, nameof(options.MaxOldestAge));
            Check(options.DegradedOldestAge, nameof(options.DegradedOldestAge));
            Check(options.DegradedAfterParking, nameof(options.DegradedAfterParking));
            Check(options.CountParkedEvery, nameof(options.CountParkedEvery));
            Check(options.Timeout, nameof(options.Timeout));
            Check(options.CacheDuration, nameof(options.CacheDuration));
        }

        private static void Check(TimeSpan? time, string name)
        {
            if (time <= TimeSpan.Zero)
                throw new ArgumentOutOfRangeException(name, time, "the time is not greater than zero");
        }
    }
}
