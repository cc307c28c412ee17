using System;

namespace Postbox
{
    /// <summary>The result of a sweep: message counts and the status of the lease.</summary>
    public sealed class SweepResult
    {
        /// <summary>Creates a result, for tests.</summary>
        /// <param name="found">See <see cref="Found"/>.</param>
        /// <param name="dispatched">See <see cref="Dispatched"/>.</param>
        /// <param name="alreadyDispatched">See <see cref="AlreadyDispatched"/>.</param>
        /// <param name="failed">See <see cref="Failed"/>.</param>
        /// <param name="heldBack">See <see cref="HeldBack"/>.</param>
        /// <param name="lease">See <see cref="Lease"/>.</param>
        public SweepResult(
            long found = 0, long dispatched = 0, long alreadyDispatched = 0, long failed = 0, long heldBack = 0, LeaseStatus lease = LeaseStatus.Held)
        {
            Found = found;
            Dispatched = dispatched;
            AlreadyDispatched = alreadyDispatched;
            Failed = failed;
            HeldBack = heldBack;
            Lease = lease;
        }

        internal SweepResult(Native.postbox_sweep_result counts) : this(
            (long)counts.found, (long)counts.dispatched, (long)counts.already_dispatched, (long)counts.failed, (long)counts.held_back, (LeaseStatus)counts.lease)
        {
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

        /// <summary>Returns the counts and the status of the lease in one line.</summary>
        /// <returns>The line.</returns>
        public override string ToString()
        {
            return FormattableString.Invariant($"{Found} found, {Dispatched} dispatched, {AlreadyDispatched} already dispatched, {Failed} failed, {HeldBack} held back, lease {Lease}");
        }
    }

    /// <summary>The number and age of outstanding messages.</summary>
    public sealed class OutstandingCount
    {
        /// <summary>Creates a count, for tests.</summary>
        /// <param name="count">The number of outstanding messages.</param>
        /// <param name="oldestAge">The age of the oldest outstanding message.</param>
        public OutstandingCount(long count, TimeSpan oldestAge)
        {
            Count = count;
            OldestAge = oldestAge;
        }

        internal OutstandingCount(Native.postbox_outstanding_count counts)
            : this((long)counts.count, TimeSpan.FromTicks((long)counts.oldest_age_ms * TimeSpan.TicksPerMillisecond)) { }

        /// <summary>The number of outstanding messages.</summary>
        public long Count { get; }

        /// <summary>The age of the oldest outstanding message, or zero if no message is outstanding.</summary>
        public TimeSpan OldestAge { get; }

        /// <summary>Returns the count and the age: "3 outstanding, oldest 00:01:00".</summary>
        /// <returns>The text.</returns>
        public override string ToString() => FormattableString.Invariant($"{Count} outstanding, oldest {OldestAge:c}");
    }

    /// <summary>The result of archiving: message counts and the status of the lease.</summary>
    public sealed class ArchiveResult
    {
        /// <summary>Creates a result, for tests.</summary>
        /// <param name="archived">See <see cref="Archived"/>.</param>
        /// <param name="failed">See <see cref="Failed"/>.</param>
        /// <param name="lease">See <see cref="Lease"/>.</param>
        public ArchiveResult(long archived = 0, long failed = 0, LeaseStatus lease = LeaseStatus.Held)
        {
            Archived = archived;
            Failed = failed;
            Lease = lease;
        }

        internal ArchiveResult(Native.postbox_archive_result counts)
            : this((long)counts.archived, (long)counts.failed, (LeaseStatus)counts.lease) { }

        /// <summary>Messages that the archive stored and that were then deleted from the outbox.</summary>
        public long Archived { get; }

        /// <summary>
        /// Messages that stay in the outbox, because the archive did not store them, or because they could not be read
        /// or deleted. The log has the id and the reason of each message.
        /// </summary>
        public long Failed { get; }

        /// <summary>Whether the archiver held its lease.</summary>
        public LeaseStatus Lease { get; }

        /// <summary>Returns the counts and the status of the lease in one line.</summary>
        /// <returns>The line.</returns>
        public override string ToString() => FormattableString.Invariant($"{Archived} archived, {Failed} failed, lease {Lease}");
    }

    /// <summary>
    /// The statistics of a client since it was opened. Counts are numbers of messages unless stated otherwise.
    /// </summary>
    public sealed class PostboxStats
    {
        /// <summary>Creates statistics, for tests.</summary>
        /// <param name="deposited">See <see cref="Deposited"/>.</param>
        /// <param name="dispatched">See <see cref="Dispatched"/>.</param>
        /// <param name="failed">See <see cref="Failed"/>.</param>
        /// <param name="parked">See <see cref="Parked"/>.</param>
        /// <param name="duplicatesAvoided">See <see cref="DuplicatesAvoided"/>.</param>
        /// <param name="sweeps">See <see cref="Sweeps"/>.</param>
        /// <param name="backgroundFailures">See <see cref="BackgroundFailures"/>.</param>
        /// <param name="openBreakers">See <see cref="OpenBreakers"/>.</param>
        /// <param name="outstanding">See <see cref="Outstanding"/>.</param>
        public PostboxStats(
            long deposited = 0, long dispatched = 0, long failed = 0, long parked = 0, long duplicatesAvoided = 0,
            long sweeps = 0, long backgroundFailures = 0, long openBreakers = 0, long? outstanding = null)
        {
            Deposited = deposited;
            Dispatched = dispatched;
            Failed = failed;
            Parked = parked;
            DuplicatesAvoided = duplicatesAvoided;
            Sweeps = sweeps;
            BackgroundFailures = backgroundFailures;
            OpenBreakers = openBreakers;
            Outstanding = outstanding;
        }

        internal PostboxStats(Native.postbox_stats counters) : this(
            (long)counters.deposited, (long)counters.dispatched, (long)counters.failed, (long)counters.parked, (long)counters.duplicates_avoided,
            (long)counters.sweeps, (long)counters.background_failures, (long)counters.open_breakers,
            counters.outstanding == ulong.MaxValue ? (long?)null : (long)counters.outstanding)
        {
        }

        /// <summary>Messages that were written to the outbox.</summary>
        public long Deposited { get; }

        /// <summary>Messages that were sent and marked.</summary>
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

        /// <summary>Returns the most important counts in one line.</summary>
        /// <returns>The line.</returns>
        public override string ToString()
        {
            return FormattableString.Invariant($"{Deposited} deposited, {Dispatched} dispatched, {Failed} failed, {Parked} parked, {BackgroundFailures} background failures, {OpenBreakers} open breakers");
        }
    }
}
