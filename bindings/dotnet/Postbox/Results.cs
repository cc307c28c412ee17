using System;

namespace Postbox
{
    /// <summary>The result of a sweep, in messages.</summary>
    public sealed class SweepResult
    {
        internal SweepResult(Native.SweepCounts counts)
        {
            Found = (long)counts.Found;
            Dispatched = (long)counts.Dispatched;
            AlreadyDispatched = (long)counts.AlreadyDispatched;
            Failed = (long)counts.Failed;
            HeldBack = (long)counts.HeldBack;
            Lease = (LeaseStatus)counts.Lease;
        }

        /// <summary>Messages that the index shows as outstanding and old enough.</summary>
        public long Found { get; }

        /// <summary>Messages that were sent, or accepted by their producer.</summary>
        public long Dispatched { get; }

        /// <summary>Messages that another process dispatched meanwhile. They were not sent again.</summary>
        public long AlreadyDispatched { get; }

        /// <summary>Messages that could not be sent.</summary>
        public long Failed { get; }

        /// <summary>Messages that this sweep did not try to send. They wait for an earlier message with the same partition key, for the end of a retry delay or of a pause after failures, for their confirmation, or for the next sweep.</summary>
        public long HeldBack { get; }

        /// <summary>Whether the sweep had its lease.</summary>
        public LeaseStatus Lease { get; }
    }

    /// <summary>The number and age of outstanding messages.</summary>
    public sealed class OutstandingCount
    {
        internal OutstandingCount(Native.OutstandingCounts counts)
        {
            Count = (long)counts.Count;
            OldestAge = TimeSpan.FromTicks((long)counts.OldestAgeMs * TimeSpan.TicksPerMillisecond);
        }

        /// <summary>The number of outstanding messages.</summary>
        public long Count { get; }

        /// <summary>The age of the oldest outstanding message; zero if there is none.</summary>
        public TimeSpan OldestAge { get; }
    }

    /// <summary>The result of archiving, in messages.</summary>
    public sealed class ArchiveResult
    {
        internal ArchiveResult(Native.ArchiveCounts counts)
        {
            Archived = (long)counts.Archived;
            Failed = (long)counts.Failed;
            Lease = (LeaseStatus)counts.Lease;
        }

        /// <summary>Messages that the archive stored, and that were deleted.</summary>
        public long Archived { get; }

        /// <summary>Messages that stay in the outbox, because the archive did not store them, or because they could not be read or deleted. The log has the id and the reason of each.</summary>
        public long Failed { get; }

        /// <summary>Whether the archiver had its lease.</summary>
        public LeaseStatus Lease { get; }
    }

    /// <summary>Statistics of a client since it was opened, in messages unless stated otherwise.</summary>
    public sealed class PostboxStats
    {
        internal PostboxStats(Native.Counters counters)
        {
            Deposited = (long)counters.Deposited;
            Dispatched = (long)counters.Dispatched;
            Failed = (long)counters.Failed;
            Parked = (long)counters.Parked;
            DuplicatesAvoided = (long)counters.DuplicatesAvoided;
            Sweeps = (long)counters.Sweeps;
            BackgroundFailures = (long)counters.BackgroundFailures;
            OpenBreakers = (long)counters.OpenBreakers;
            Outstanding = counters.Outstanding == ulong.MaxValue ? (long?)null : (long)counters.Outstanding;
        }

        /// <summary>Messages that were written to the outbox.</summary>
        public long Deposited { get; }

        /// <summary>Messages that were sent and marked, or accepted by their producer.</summary>
        public long Dispatched { get; }

        /// <summary>Failed attempts to send a message.</summary>
        public long Failed { get; }

        /// <summary>Messages that were parked.</summary>
        public long Parked { get; }

        /// <summary>Deposits of existing messages, and messages that were found dispatched and not sent again.</summary>
        public long DuplicatesAvoided { get; }

        /// <summary>Sweeps that ended.</summary>
        public long Sweeps { get; }

        /// <summary>Runs of the background threads that failed.</summary>
        public long BackgroundFailures { get; }

        /// <summary>Topics whose breaker is not closed.</summary>
        public long OpenBreakers { get; }

        /// <summary>The number of outstanding messages when they were last counted, by <see cref="PostboxClient.CountOutstanding"/> or in the background; null if never.</summary>
        public long? Outstanding { get; }
    }
}
