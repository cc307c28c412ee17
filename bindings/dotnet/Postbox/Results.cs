using System;

namespace Postbox
{
    /// <summary>The result of a sweep: message counts and the status of the lease.</summary>
    public sealed class SweepResult
    {
        internal SweepResult(Native.postbox_sweep_result counts)
        {
            Found = (long)counts.found;
            Dispatched = (long)counts.dispatched;
            AlreadyDispatched = (long)counts.already_dispatched;
            Failed = (long)counts.failed;
            HeldBack = (long)counts.held_back;
            Lease = (LeaseStatus)counts.lease;
        }

        /// <summary>Outstanding messages in the index that are older than `sweep_min_age_ms`.</summary>
        public long Found { get; }

        /// <summary>Messages that were sent, or accepted by their producer.</summary>
        public long Dispatched { get; }

        /// <summary>
        /// Messages that this sweep did not send, because another process had dispatched, parked or deleted them in the
        /// meantime.
        /// </summary>
        public long AlreadyDispatched { get; }

        /// <summary>Messages that could not be sent.</summary>
        public long Failed { get; }

        /// <summary>
        /// Messages that this sweep did not try to send. They wait for an earlier message with the same partition key,
        /// for the end of a retry delay, for the end of a pause after failures, for their confirmation, or for the next
        /// sweep.
        /// </summary>
        public long HeldBack { get; }

        /// <summary>Whether the sweep held its lease.</summary>
        public LeaseStatus Lease { get; }
    }

    /// <summary>The number and age of outstanding messages.</summary>
    public sealed class OutstandingCount
    {
        internal OutstandingCount(Native.postbox_outstanding_count counts)
        {
            Count = (long)counts.count;
            OldestAge = TimeSpan.FromTicks((long)counts.oldest_age_ms * TimeSpan.TicksPerMillisecond);
        }

        /// <summary>The number of outstanding messages.</summary>
        public long Count { get; }

        /// <summary>The age of the oldest outstanding message, or zero if no message is outstanding.</summary>
        public TimeSpan OldestAge { get; }
    }

    /// <summary>The result of archiving: message counts and the status of the lease.</summary>
    public sealed class ArchiveResult
    {
        internal ArchiveResult(Native.postbox_archive_result counts)
        {
            Archived = (long)counts.archived;
            Failed = (long)counts.failed;
            Lease = (LeaseStatus)counts.lease;
        }

        /// <summary>Messages that the archive stored and that were then deleted from the outbox.</summary>
        public long Archived { get; }

        /// <summary>
        /// Messages that stay in the outbox, because the archive did not store them, or because they could not be read
        /// or deleted. The log has the id and the reason of each message.
        /// </summary>
        public long Failed { get; }

        /// <summary>Whether the archiver held its lease.</summary>
        public LeaseStatus Lease { get; }
    }

    /// <summary>
    /// The statistics of a client since it was opened. Counts are numbers of messages unless stated otherwise.
    /// </summary>
    public sealed class PostboxStats
    {
        internal PostboxStats(Native.postbox_stats counters)
        {
            Deposited = (long)counters.deposited;
            Dispatched = (long)counters.dispatched;
            Failed = (long)counters.failed;
            Parked = (long)counters.parked;
            DuplicatesAvoided = (long)counters.duplicates_avoided;
            Sweeps = (long)counters.sweeps;
            BackgroundFailures = (long)counters.background_failures;
            OpenBreakers = (long)counters.open_breakers;
            Outstanding = counters.outstanding == ulong.MaxValue ? (long?)null : (long)counters.outstanding;
        }

        /// <summary>Messages that were written to the outbox.</summary>
        public long Deposited { get; }

        /// <summary>Messages that were sent and marked, or accepted by their producer.</summary>
        public long Dispatched { get; }

        /// <summary>Failed attempts to send a message.</summary>
        public long Failed { get; }

        /// <summary>Messages that were parked.</summary>
        public long Parked { get; }

        /// <summary>
        /// Deposits of messages that already existed, and messages that were not sent again because they were already
        /// dispatched.
        /// </summary>
        public long DuplicatesAvoided { get; }

        /// <summary>Completed sweeps.</summary>
        public long Sweeps { get; }

        /// <summary>Failed runs of the background threads.</summary>
        public long BackgroundFailures { get; }

        /// <summary>Topics whose circuit breaker holds back messages of this client.</summary>
        public long OpenBreakers { get; }

        /// <summary>
        /// The number of outstanding messages when <see cref="PostboxClient.CountOutstanding"/> or the background
        /// thread last counted them. Null before the first count.
        /// </summary>
        public long? Outstanding { get; }
    }
}
