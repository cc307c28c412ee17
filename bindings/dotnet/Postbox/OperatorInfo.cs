using System;
using System.Collections.Generic;
using System.Linq;

namespace Postbox
{
    /// <summary>The number of messages of a topic, by state.</summary>
    public sealed class TopicCount
    {
        /// <summary>Creates the information, for tests.</summary>
        /// <param name="topic">See <see cref="Topic"/>.</param>
        /// <param name="outstanding">See <see cref="Outstanding"/>.</param>
        /// <param name="oldest">See <see cref="Oldest"/>.</param>
        /// <param name="dispatched">See <see cref="Dispatched"/>.</param>
        /// <param name="parked">See <see cref="Parked"/>.</param>
        /// <param name="waiting">See <see cref="Waiting"/>.</param>
        /// <param name="nextAttempt">See <see cref="NextAttempt"/>.</param>
        /// <param name="failing">See <see cref="Failing"/>.</param>
        /// <param name="failingSince">See <see cref="FailingSince"/>.</param>
        /// <param name="lastError">See <see cref="LastError"/>.</param>
        /// <param name="invalidTimes">See <see cref="InvalidTimes"/>.</param>
        public TopicCount(
            string topic, long outstanding = 0, DateTimeOffset? oldest = null, long dispatched = 0, long parked = 0,
            long waiting = 0, DateTimeOffset? nextAttempt = null, long failing = 0, DateTimeOffset? failingSince =
            null, string? lastError = null, long invalidTimes = 0)
        {
            Topic = topic ?? throw new ArgumentNullException(nameof(topic));
            Outstanding = outstanding;
            Oldest = oldest;
            Dispatched = dispatched;
            Parked = parked;
            Waiting = waiting;
            NextAttempt = nextAttempt;
            Failing = failing;
            FailingSince = failingSince;
            LastError = lastError;
            InvalidTimes = invalidTimes;
        }

        internal TopicCount(Item map) : this(
            map.RequiredText("topic"), map.Get<long>("outstanding"), map.Time("oldest_ticks"),
            map.Get<long>("dispatched"), map.Get<long>("parked"), map.Get<long>("waiting"),
            map.Time("next_attempt_ticks"), map.Get<long>("failing"), map.Time("failing_since_ticks"),
            map.OptionalText("last_error"), map.Get<long>("invalid_times"))
        {
        }

        /// <summary>The topic.</summary>
        public string Topic { get; }

        /// <summary>The number of outstanding messages.</summary>
        public long Outstanding { get; }

        /// <summary>The creation time of the oldest outstanding message, or null.</summary>
        public DateTimeOffset? Oldest { get; }

        /// <summary>The number of dispatched messages, or 0 if only outstanding messages were counted.</summary>
        public long Dispatched { get; }

        /// <summary>The number of parked messages, or 0 if only outstanding messages were counted.</summary>
        public long Parked { get; }

        /// <summary>The outstanding messages that wait for their next attempt, or for their confirmation.</summary>
        public long Waiting { get; }

        /// <summary>The time at which the first of the waiting messages is due, or null.</summary>
        public DateTimeOffset? NextAttempt { get; }

        /// <summary>The outstanding messages of which an attempt has failed.</summary>
        public long Failing { get; }

        /// <summary>The earliest time of a first failure among the failing messages, or null.</summary>
        public DateTimeOffset? FailingSince { get; }

        /// <summary>The last error of the message whose attempts have failed since then, or null.</summary>
        public string? LastError { get; }

        /// <summary>The outstanding messages whose times are too far in the future to be right.</summary>
        public long InvalidTimes { get; }

        /// <summary>Returns the topic and its counts, such as <c>orders: 3 outstanding, 1 failing, 20 dispatched, 0 parked</c>.</summary>
        /// <returns>The text.</returns>
        public override string ToString()
        {
            return FormattableString.Invariant($"{Topic}: {Outstanding} outstanding, {Failing} failing, {Dispatched} dispatched, {Parked} parked");
        }
    }

    /// <summary>A lease in the lock table, or a pause of a lane.</summary>
    public sealed class LeaseInfo
    {
        /// <summary>Creates the information, for tests.</summary>
        /// <param name="resource">See <see cref="Resource"/>.</param>
        /// <param name="holder">See <see cref="Holder"/>.</param>
        /// <param name="expiresAt">See <see cref="ExpiresAt"/>.</param>
        /// <param name="topic">See <see cref="Topic"/>.</param>
        /// <param name="paused">See <see cref="Paused"/>.</param>
        /// <param name="isIgnored">See <see cref="IsIgnored"/>.</param>
        public LeaseInfo(
            string resource, string holder, DateTimeOffset expiresAt, string? topic = null, string? paused = null,
            bool isIgnored = false)
        {
            Resource = resource ?? throw new ArgumentNullException(nameof(resource));
            Holder = holder ?? throw new ArgumentNullException(nameof(holder));
            ExpiresAt = expiresAt;
            Topic = topic;
            Paused = paused;
            IsIgnored = isIgnored;
        }

        internal LeaseInfo(Item map) : this(
            map.RequiredText("resource"), map.RequiredText("holder"), map.RequiredTime("expires_ticks"),
            map.OptionalText("topic"), map.OptionalText("paused"), map.Get<bool>("is_ignored"))
        {
        }

        /// <summary>The resource that the lease protects, such as "brighter_outbox_OutboxSweeper".</summary>
        public string Resource { get; }

        /// <summary>A host and a process id for a lease of Postbox, and an id for a lease of Brighter.</summary>
        public string Holder { get; }

        /// <summary>The time at which the lease expires or has expired.</summary>
        public DateTimeOffset ExpiresAt { get; }

        /// <summary>The topic, for the lease or the pause of a lane, or null.</summary>
        public string? Topic { get; }

        /// <summary>
        /// The reason for which the lane is paused: "transport" if its messages cannot be sent, "marks" if sent messages
        /// cannot be marked. Null for a lease.
        /// </summary>
        public string? Paused { get; }

        /// <summary>Whether the lease ends too far in the future to be right, and is therefore ignored.</summary>
        public bool IsIgnored { get; }

        /// <summary>Returns the resource, the holder and the end of the lease or of the pause.</summary>
        /// <returns>The text.</returns>
        public override string ToString() => Resource + ": " + (Paused == null ? "held by " + Holder : "paused, " + Paused) + ", until " + Text.Time(ExpiresAt);
    }

    /// <summary>A process that has swept the outbox.</summary>
    public sealed class SweeperInfo
    {
        /// <summary>Creates the information, for tests.</summary>
        /// <param name="holder">See <see cref="Holder"/>.</param>
        /// <param name="version">See <see cref="Version"/>.</param>
        /// <param name="topics">See <see cref="Topics"/>.</param>
        /// <param name="lastSweep">See <see cref="LastSweep"/>.</param>
        /// <param name="lastSuccess">See <see cref="LastSuccess"/>.</param>
        /// <param name="lastError">See <see cref="LastError"/>.</param>
        /// <param name="stoppedAt">See <see cref="StoppedAt"/>.</param>
        public SweeperInfo(
            string holder, string version, IReadOnlyList<string> topics, DateTimeOffset lastSweep, DateTimeOffset?
            lastSuccess = null, string? lastError = null, DateTimeOffset? stoppedAt = null)
        {
            Holder = holder ?? throw new ArgumentNullException(nameof(holder));
            Version = version ?? throw new ArgumentNullException(nameof(version));
            Topics = topics ?? throw new ArgumentNullException(nameof(topics));
            LastSweep = lastSweep;
            LastSuccess = lastSuccess;
            LastError = lastError;
            StoppedAt = stoppedAt;
        }

        internal SweeperInfo(Item map) : this(
            map.RequiredText("holder"), map.RequiredText("version"),
            map.Get<List<object?>>("topics")!.Cast<string>().ToList(), map.RequiredTime("last_sweep_ticks"),
            map.Time("last_success_ticks"), map.OptionalText("last_error"), map.Time("stopped_ticks"))
        {
        }

        /// <summary>The host and the process id.</summary>
        public string Holder { get; }

        /// <summary>The version of Postbox.</summary>
        public string Version { get; }

        /// <summary>The topics for which the process has a producer. An entry that ends in * is a prefix.</summary>
        public IReadOnlyList<string> Topics { get; }

        /// <summary>The time of the last sweep that the process recorded, up to 5 minutes late.</summary>
        public DateTimeOffset LastSweep { get; }

        /// <summary>The time of the last recorded sweep that succeeded, or null.</summary>
        public DateTimeOffset? LastSuccess { get; }

        /// <summary>The reason for which the last sweep failed, or null.</summary>
        public string? LastError { get; }

        /// <summary>The time at which the sweeper was stopped. Null if the process still sweeps, or if it crashed.</summary>
        public DateTimeOffset? StoppedAt { get; }

        /// <summary>Returns the holder and the time of the last sweep.</summary>
        /// <returns>The text.</returns>
        public override string ToString()
        {
            var end = StoppedAt == null ? "" : ", stopped " + Text.Time(StoppedAt.Value);
            return Holder + ": last sweep " + Text.Time(LastSweep) + end + (LastError == null ? "" : ", last error: " + LastError);
        }
    }

    internal static class OptionalMembers
    {
        internal static DateTimeOffset RequiredTime(this Item map, string name) => new DateTimeOffset(map.Get<long>(name), TimeSpan.Zero);

        internal static DateTimeOffset? Time(this Item map, string name)
        {
            var ticks = map.Get<long?>(name);
            return ticks == null ? (DateTimeOffset?)null : new DateTimeOffset(ticks.Value, TimeSpan.Zero);
        }

        internal static string RequiredText(this Item map, string name) => map.Get<string>(name) ?? "";

        internal static string? OptionalText(this Item map, string name) => map.ContainsKey(name) ? map.Get<string>(name) : null;
    }
}
