using System;
using System.Collections.Generic;
using System.Linq;

namespace Postbox
{
    /// <summary>The number of messages of a topic, by state.</summary>
    public sealed class TopicCount
    {
        internal TopicCount(Item map)
        {
            Topic = map.RequiredText("topic");
            Outstanding = map.Get<long>("outstanding");
            Oldest = map.Time("oldest_ticks");
            Dispatched = map.Get<long>("dispatched");
            Parked = map.Get<long>("parked");
            Waiting = map.Get<long>("waiting");
            NextAttempt = map.Time("next_attempt_ticks");
            Failing = map.Get<long>("failing");
            FailingSince = map.Time("failing_since_ticks");
            LastError = map.Text("last_error");
            InvalidTimes = map.Get<long>("invalid_times");
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
    }

    /// <summary>A lease in the lock table, or a pause of a lane.</summary>
    public sealed class LeaseInfo
    {
        internal LeaseInfo(Item map)
        {
            Resource = map.RequiredText("resource");
            Holder = map.RequiredText("holder");
            ExpiresAt = map.RequiredTime("expires_ticks");
            Topic = map.Text("topic");
            Paused = map.Text("paused");
            IsIgnored = map.Get<bool>("is_ignored");
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
    }

    /// <summary>A process that has swept the outbox.</summary>
    public sealed class SweeperInfo
    {
        internal SweeperInfo(Item map)
        {
            Holder = map.RequiredText("holder");
            Version = map.RequiredText("version");
            Topics = map.Get<List<object?>>("topics")!.Cast<string>().ToList();
            LastSweep = map.RequiredTime("last_sweep_ticks");
            LastSuccess = map.Time("last_success_ticks");
            LastError = map.Text("last_error");
            StoppedAt = map.Time("stopped_ticks");
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

        internal static string? Text(this Item map, string name) => map.ContainsKey(name) ? map.Get<string>(name) : null;
    }
}
