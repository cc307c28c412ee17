// Generated from src/model/settings.rs by tools/csharp_options.py; do not edit.
#nullable enable
using System;
using System.Diagnostics;

namespace Postbox
{
    public sealed partial class PostboxOptions
    {
        /// <summary>The name of the outbox table.</summary>
        /// <remarks>
        /// From 3 to 255 characters. The default is <c>brighter_outbox</c>. This is the setting <c>table_name</c>.
        /// </remarks>
        public string? TableName { get; set; }

        /// <summary>
        /// The key of a table that <see cref="PostboxClient.CreateTable"/> creates.
        /// <see cref="TableEncryption.AwsManaged"/>: the key <c>aws/dynamodb</c>, as in Brighter's tables; KMS charges
        /// for its use, and the table cannot be used from another account. <see cref="TableEncryption.Owned"/>: a key
        /// that DynamoDB owns, without charges. An existing table keeps its key.
        /// </summary>
        /// <remarks>
        /// The default is <see cref="TableEncryption.AwsManaged"/>. This is the setting <c>table_encryption</c>.
        /// </remarks>
        public TableEncryption? TableEncryption { get; set; }

        /// <summary>
        /// The customer managed KMS key of a table that <see cref="PostboxClient.CreateTable"/> creates, instead of
        /// <c>aws/dynamodb</c>: its ARN, its id, or an alias such as <c>alias/outbox</c>. KMS charges for the key and
        /// its use. It cannot be combined with <see cref="TableEncryption.Owned"/>.
        /// </summary>
        /// <remarks>Up to 2048 characters. Unset by default. This is the setting <c>table_kms_key</c>.</remarks>
        public string? TableKmsKey { get; set; }

        /// <summary>
        /// The number of shards over which the messages of a topic are spread in the indexes. It must be the same for
        /// every process that uses the table, and equal to Brighter's <c>NumberOfShards</c>.
        /// </summary>
        /// <remarks>From 1 to 20. The default is 3. This is the setting <c>number_of_shards</c>.</remarks>
        public int? NumberOfShards { get; set; }

        /// <summary>
        /// The AWS region. If it is not set, the default chain of the AWS SDK determines the region (<c>AWS_REGION</c>,
        /// profile, instance).
        /// </summary>
        /// <remarks>Up to 64 characters. Unset by default. This is the setting <c>region</c>.</remarks>
        public string? Region { get; set; }

        /// <summary>
        /// The profile in the AWS configuration files. It must exist, and credentials in the environment are not used.
        /// If it is not set, <c>AWS_PROFILE</c> or <c>default</c> is used, and credentials in the environment take
        /// precedence.
        /// </summary>
        /// <remarks>Up to 255 characters. Unset by default. This is the setting <c>profile</c>.</remarks>
        public string? Profile { get; set; }

        /// <summary>
        /// The DynamoDB endpoint, such as <c>http://localhost:8000</c>. If it is not set, Amazon's endpoint for the
        /// region is used.
        /// </summary>
        /// <remarks>Up to 2048 characters. Unset by default. This is the setting <c>endpoint_url</c>.</remarks>
        public string? EndpointUrl { get; set; }

        /// <summary>
        /// The access key to use instead of the default chain of the AWS SDK. Requires
        /// <see cref="PostboxOptions.SecretAccessKey"/>.
        /// </summary>
        /// <remarks>Up to 255 characters. Unset by default. This is the setting <c>access_key_id</c>.</remarks>
        public string? AccessKeyId { get; set; }

        /// <summary>
        /// The secret of <see cref="PostboxOptions.AccessKeyId"/>. It never appears in a log or an error.
        /// </summary>
        /// <remarks>Up to 255 characters. Unset by default. This is the setting <c>secret_access_key</c>.</remarks>
        [DebuggerBrowsable(DebuggerBrowsableState.Never)]
        public string? SecretAccessKey { get; set; }

        /// <summary>
        /// The session token of temporary credentials; see <see cref="PostboxOptions.AccessKeyId"/>. It never appears
        /// in a log or an error.
        /// </summary>
        /// <remarks>Up to 16384 characters. Unset by default. This is the setting <c>session_token</c>.</remarks>
        [DebuggerBrowsable(DebuggerBrowsableState.Never)]
        public string? SessionToken { get; set; }

        /// <summary>
        /// The file of an embedded database to use instead of DynamoDB, or <c>:memory:</c>. For development, tests,
        /// demos and programs on a single machine.
        /// </summary>
        /// <remarks>Up to 4096 characters. Unset by default. This is the setting <c>embedded_path</c>.</remarks>
        public string? EmbeddedPath { get; set; }

        /// <summary>
        /// The destinations of messages by topic. A key is a topic, a prefix of topics followed by <c>*</c>, or
        /// <c>*</c> for all other topics. Exact topics take precedence over prefixes, and longer prefixes over shorter
        /// ones. A value is <c>sns:</c> or <c>sqs:</c>, followed by a name or an ARN, such as <c>sns:greetings</c>. For
        /// SQS, it can also be followed by the URL of the queue. A configuration can also have all routes in one text:
        /// <c>greeting.made = sns:greetings; * = sqs:rest</c>.
        /// </summary>
        /// <remarks>
        /// The whole text has up to 65536 characters. There are no routes by default. This is the setting
        /// <c>routes</c>.
        /// </remarks>
        public PostboxRoutes? Routes { get; set; }

        /// <summary>
        /// The endpoint of SNS and SQS, such as <c>http://localhost:5000</c>. If it is not set, the endpoint in the URL
        /// of the queue is used, or else Amazon's endpoint for the region.
        /// </summary>
        /// <remarks>
        /// Up to 2048 characters. Unset by default. This is the setting <c>transport_endpoint_url</c>.
        /// </remarks>
        public string? TransportEndpointUrl { get; set; }

        /// <summary>
        /// The endpoint of SNS, if it differs from <see cref="PostboxOptions.TransportEndpointUrl"/>.
        /// </summary>
        /// <remarks>Up to 2048 characters. Unset by default. This is the setting <c>sns_endpoint_url</c>.</remarks>
        public string? SnsEndpointUrl { get; set; }

        /// <summary>
        /// The endpoint of SQS, if it differs from <see cref="PostboxOptions.TransportEndpointUrl"/>.
        /// </summary>
        /// <remarks>Up to 2048 characters. Unset by default. This is the setting <c>sqs_endpoint_url</c>.</remarks>
        public string? SqsEndpointUrl { get; set; }

        /// <summary>
        /// If <c>true</c>, a topic or queue that a route names is created if it does not exist when the first message
        /// is sent to it. It is created as a FIFO topic or queue if its name ends in <c>.fifo</c>.
        /// </summary>
        /// <remarks>The default is <c>false</c>. This is the setting <c>create_missing_targets</c>.</remarks>
        public bool? CreateMissingTargets { get; set; }

        /// <summary>
        /// The time limit of one operation on DynamoDB, or of sending one batch to SNS or SQS, including retries.
        /// </summary>
        /// <remarks>
        /// From <c>00:00:00.010</c> to <c>00:10:00</c>, in whole milliseconds. The default is <c>00:00:10</c>. This is
        /// the setting <c>operation_timeout_ms</c>.
        /// </remarks>
        public TimeSpan? OperationTimeout { get; set; }

        /// <summary>
        /// The time limit of a single attempt of a request. When it has passed, the request is retried.
        /// </summary>
        /// <remarks>
        /// From <c>00:00:00.010</c> to <c>00:10:00</c>, in whole milliseconds. The default is <c>00:00:03</c>. This is
        /// the setting <c>attempt_timeout_ms</c>.
        /// </remarks>
        public TimeSpan? AttemptTimeout { get; set; }

        /// <summary>
        /// <see cref="ClockSource.Server"/>: the clock of this machine, corrected by the <c>Date</c> header of the
        /// responses of AWS if the clocks differ by a second or more. The correction applies to the whole process: to
        /// leases, to the times that are stored in the table, and to the signatures of requests. Other endpoints and
        /// the embedded database correct nothing. <see cref="ClockSource.Local"/>: the clock of this machine.
        /// </summary>
        /// <remarks>The default is <see cref="ClockSource.Server"/>. This is the setting <c>clock</c>.</remarks>
        public ClockSource? Clock { get; set; }

        /// <summary>The time limit of an attempt to connect. When it has passed, the request is retried.</summary>
        /// <remarks>
        /// From <c>00:00:00.010</c> to <c>00:10:00</c>, in whole milliseconds. The default is <c>00:00:02</c>. This is
        /// the setting <c>connect_timeout_ms</c>.
        /// </remarks>
        public TimeSpan? ConnectTimeout { get; set; }

        /// <summary>
        /// The maximum number of attempts per request, including the first attempt. Only transient failures are
        /// retried. 0 means the value of <c>AWS_MAX_ATTEMPTS</c> or of <c>max_attempts</c> in the profile, or else 5.
        /// </summary>
        /// <remarks>From 0 to 100. The default is 0. This is the setting <c>max_request_attempts</c>.</remarks>
        public int? MaxRequestAttempts { get; set; }

        /// <summary>
        /// The time for which <see cref="PostboxClient.Close()"/> waits for calls in progress before it abandons them.
        /// </summary>
        /// <remarks>
        /// From <c>00:00:00</c> to <c>00:10:00</c>, in whole milliseconds. The default is <c>00:00:05</c>. This is the
        /// setting <c>close_timeout_ms</c>.
        /// </remarks>
        public TimeSpan? CloseTimeout { get; set; }

        /// <summary>
        /// The maximum number of recently committed messages that are kept in memory, so that clearing them needs no
        /// read. 0 keeps none.
        /// </summary>
        /// <remarks>From 0 to 1000000. The default is 1000. This is the setting <c>cache_max_messages</c>.</remarks>
        public int? CacheMaxMessages { get; set; }

        /// <summary>The maximum total size of the bodies and headers of the messages in memory, in bytes.</summary>
        /// <remarks>
        /// From 0 to 1073741824. The default is 16777216. This is the setting <c>cache_max_bytes</c>.
        /// </remarks>
        public int? CacheMaxBytes { get; set; }

        /// <summary>
        /// The time after which a message is no longer taken from memory but read from the table again. The default is
        /// 3 s shorter than the default of <see cref="PostboxOptions.SweepMinAge"/> (5 s), so that clocks that differ
        /// by up to 3 s do no harm.
        /// </summary>
        /// <remarks>
        /// From <c>00:00:00</c> to <c>00:00:04.500</c>, in whole milliseconds. The default is <c>00:00:02</c>. This is
        /// the setting <c>cache_max_age_ms</c>.
        /// </remarks>
        public TimeSpan? CacheMaxAge { get; set; }

        /// <summary>
        /// The time between the dispatch of a message and its expiry. DynamoDB deletes expired messages, usually within
        /// a few days. 0 means never. A message that is not dispatched does not expire.
        /// </summary>
        /// <remarks>
        /// From <c>00:00:00</c> to <c>3650.00:00:00</c>, in whole seconds. The default is <c>00:00:00</c>. This is the
        /// setting <c>dispatched_ttl_seconds</c>.
        /// </remarks>
        public TimeSpan? DispatchedTtl { get; set; }

        /// <summary>The time between two sweeps of the background sweeper, varied at random by up to a tenth.</summary>
        /// <remarks>
        /// From <c>00:00:00.010</c> to <c>1.00:00:00</c>, in whole milliseconds. The default is <c>00:00:05</c>. This
        /// is the setting <c>sweep_interval_ms</c>.
        /// </remarks>
        public TimeSpan? SweepInterval { get; set; }

        /// <summary>
        /// The minimum age of a message that a sweep sends. Younger messages are left to the process that committed
        /// them.
        /// </summary>
        /// <remarks>
        /// From <c>00:00:00</c> to <c>1.00:00:00</c>, in whole milliseconds. The default is <c>00:00:05</c>. This is
        /// the setting <c>sweep_min_age_ms</c>.
        /// </remarks>
        public TimeSpan? SweepMinAge { get; set; }

        /// <summary>
        /// The maximum number of messages that a sweep reads in one request. Values above 100 have the effect of 100. A
        /// sweep starts with ten messages per request, and reads more messages per request while the messages are
        /// small.
        /// </summary>
        /// <remarks>From 1 to 10000. The default is 100. This is the setting <c>sweep_batch</c>.</remarks>
        public int? SweepBatch { get; set; }

        /// <summary>
        /// The maximum number of topics that a sweep sends at the same time, so that a slow topic does not delay other
        /// topics. One topic is sent on the sweeping thread, and the other topics on threads named
        /// <c>postbox-sweeper</c>. With 1, topics take turns of a sixth of <see cref="PostboxOptions.LeaseDuration"/>,
        /// and a producer that does not return stops the sweeper. With a higher value, another thread then takes the
        /// place of the thread that waits for the producer.
        /// </summary>
        /// <remarks>From 1 to 64. The default is 4. This is the setting <c>sweep_threads</c>.</remarks>
        public int? SweepThreads { get; set; }

        /// <summary>
        /// The name of the lock table, which holds the leases of sweepers and archivers and is shared with Brighter. It
        /// is created if it does not exist.
        /// </summary>
        /// <remarks>
        /// From 3 to 255 characters. The default is <c>brighter_distributed_lock</c>. This is the setting
        /// <c>lock_table_name</c>.
        /// </remarks>
        public string? LockTableName { get; set; }

        /// <summary>
        /// <see cref="LeaseMode.Single"/>: one lease for all sweepers, which also excludes Brighter's sweepers.
        /// <see cref="LeaseMode.PerShard"/>: a lease for each lane, that is, for each topic and group of its shards.
        /// Many machines can then sweep at the same time, and the order per partition key is kept. No sweeper of
        /// Brighter may run on the same table.
        /// </summary>
        /// <remarks>The default is <see cref="LeaseMode.Single"/>. This is the setting <c>lease_mode</c>.</remarks>
        public LeaseMode? LeaseMode { get; set; }

        /// <summary>
        /// <c>true</c>: if the lock table cannot be used at all, a sweep continues without a lease, and other sweepers
        /// may send the same messages. <c>false</c>: the sweep sends nothing, and its report contains the reason.
        /// </summary>
        /// <remarks>The default is <c>false</c>. This is the setting <c>sweep_without_lease</c>.</remarks>
        public bool? SweepWithoutLease { get; set; }

        /// <summary>
        /// The group in the name of the sweeper's lease, <c>GROUP_OutboxSweeper</c>. Sweepers of one group exclude each
        /// other, including Brighter's. If it is not set, the group is the name of the outbox table.
        /// </summary>
        /// <remarks>Up to 255 characters. Unset by default. This is the setting <c>lease_group</c>.</remarks>
        public string? LeaseGroup { get; set; }

        /// <summary>
        /// The duration of a lease. After a crash, other sweepers wait until the lease has expired. A lease is renewed
        /// after a third of its duration. If a producer takes longer than half of this for one batch, other sweepers
        /// may send the other messages of its lane, and the same messages later. It should be longer than
        /// <see cref="PostboxOptions.OperationTimeout"/>.
        /// </summary>
        /// <remarks>
        /// From <c>00:00:01</c> to <c>01:00:00</c>, in whole milliseconds. The default is <c>00:01:00</c>. This is the
        /// setting <c>lease_duration_ms</c>.
        /// </remarks>
        public TimeSpan? LeaseDuration { get; set; }

        /// <summary>
        /// The number of counted failures after which a message is parked, if <see cref="PostboxOptions.ParkMinAge"/>
        /// has also passed since its first failure. A failure counts only if at least half of the first attempts in the
        /// topic succeed, so that an outage does not park messages. 0 means no limit.
        /// </summary>
        /// <remarks>From 0 to 1000000. The default is 20. This is the setting <c>max_dispatch_attempts</c>.</remarks>
        public int? MaxDispatchAttempts { get; set; }

        /// <summary>
        /// The time that must have passed since the first failure of a message before its counted failures park it, or
        /// before it is parked because its topic's target rejects several messages with the same reason and none is
        /// sent.
        /// </summary>
        /// <remarks>
        /// From <c>00:00:00</c> to <c>1.00:00:00</c>, in whole milliseconds. The default is <c>01:00:00</c>. This is
        /// the setting <c>park_min_age_ms</c>.
        /// </remarks>
        public TimeSpan? ParkMinAge { get; set; }

        /// <summary>
        /// The time after its first failure at which a message that still fails is parked, even if no other message
        /// shows whether its transport works. 0 means never.
        /// </summary>
        /// <remarks>
        /// From <c>00:00:00</c> to <c>365.00:00:00</c>, in whole milliseconds. The default is <c>3.00:00:00</c>. This
        /// is the setting <c>park_after_ms</c>.
        /// </remarks>
        public TimeSpan? ParkAfter { get; set; }

        /// <summary>
        /// <c>true</c>: messages with a partition key are parked like all other messages, and the later messages of
        /// their key are then sent. <c>false</c>: messages with a partition key are tried every 5 minutes until they
        /// are sent, and the later messages of their key wait. Rejected messages are parked nevertheless.
        /// </summary>
        /// <remarks>The default is <c>true</c>. This is the setting <c>park_keyed</c>.</remarks>
        public bool? ParkKeyed { get; set; }

        /// <summary>
        /// The time before a sweep retries a message that failed once. Later waits are as long as the time since the
        /// first failure, up to 5 minutes, or up to 1 minute after a failure that does not count. The end of the wait
        /// is stored in the item of the message, so that no process sends the message earlier.
        /// </summary>
        /// <remarks>
        /// From <c>00:00:00</c> to <c>00:05:00</c>, in whole milliseconds. The default is <c>00:00:01</c>. This is the
        /// setting <c>dispatch_retry_delay_ms</c>.
        /// </remarks>
        public TimeSpan? DispatchRetryDelay { get; set; }

        /// <summary>
        /// <see cref="ClearMarks.Wait"/>: <see cref="PostboxClient.ClearOutbox(string[])"/> returns when the messages
        /// are marked dispatched. <see cref="ClearMarks.Background"/>: it returns when the messages are sent. Messages
        /// that this process committed less than about a second ago are then marked in the background, up to 1,000 at a
        /// time, in requests that are shared by all callers. If the process crashes, or ends without
        /// <see cref="PostboxClient.Close()"/>, before a message is marked, the message is sent again. This value
        /// requires that <see cref="PostboxOptions.SweepMinAge"/> exceeds <see cref="PostboxOptions.AttemptTimeout"/>
        /// by more than a second, so that no sweeper finds the messages before they are marked.
        /// </summary>
        /// <remarks>The default is <see cref="ClearMarks.Wait"/>. This is the setting <c>clear_marks</c>.</remarks>
        public ClearMarks? ClearMarks { get; set; }

        /// <summary>
        /// <c>true</c>: a thread of the sweeper sends the messages of a committed unit of work immediately, so that no
        /// call to <see cref="PostboxClient.ClearOutbox(string[])"/> is needed. The sweeper must have been started in
        /// this process. Up to 1,000 messages can wait for that thread. Messages that exceed this limit, and messages
        /// that have waited for more than 3 seconds, are sent by the next sweep that finds them old enough.
        /// </summary>
        /// <remarks>The default is <c>false</c>. This is the setting <c>dispatch_after_commit</c>.</remarks>
        public bool? DispatchAfterCommit { get; set; }

        /// <summary>
        /// The maximum time by which the creation time of a message may be ahead of this machine's clock. A deposit
        /// with a later creation time fails. A stored message with a later creation time counts as old enough for a
        /// sweep.
        /// </summary>
        /// <remarks>
        /// From <c>00:00:00</c> to <c>1.00:00:00</c>, in whole milliseconds. The default is <c>00:05:00</c>. This is
        /// the setting <c>max_ahead_ms</c>.
        /// </remarks>
        public TimeSpan? MaxAhead { get; set; }

        /// <summary>
        /// <c>true</c>: a deposit fails if Brighter's reader could not read the message, because one such row stops
        /// Brighter's sweeper for all messages. Examples are a <see cref="OutboxMessage.ContentType"/> that is not a
        /// media type, a <c>baggage</c> with invalid syntax, and a bag with blank names or with numbers that exceed the
        /// range of a .NET decimal. <c>false</c>: these checks are omitted. Use this value if Brighter does not read
        /// the table.
        /// </summary>
        /// <remarks>The default is <c>true</c>. This is the setting <c>brighter_reads</c>.</remarks>
        public bool? BrighterReads { get; set; }

        /// <summary>
        /// The maximum number of outstanding messages. A deposit that would exceed it fails with OutboxLimitReached.
        /// The deposits and dispatches of this process are taken into account immediately, and those of other processes
        /// from the next count on. 0 means no limit and no counting.
        /// </summary>
        /// <remarks>From 0 to 1000000000. The default is 0. This is the setting <c>max_outstanding</c>.</remarks>
        public int? MaxOutstanding { get; set; }

        /// <summary>
        /// The time between two counts for <see cref="PostboxOptions.MaxOutstanding"/>. A count reads the index of
        /// outstanding messages.
        /// </summary>
        /// <remarks>
        /// From <c>00:00:00.010</c> to <c>1.00:00:00</c>, in whole milliseconds. The default is <c>00:00:30</c>. This
        /// is the setting <c>outstanding_check_interval_ms</c>.
        /// </remarks>
        public TimeSpan? OutstandingCheckInterval { get; set; }

        /// <summary>The time between two runs of the background archiver, varied at random by up to a tenth.</summary>
        /// <remarks>
        /// From <c>00:00:00.010</c> to <c>1.00:00:00</c>, in whole milliseconds. The default is <c>00:01:00</c>. This
        /// is the setting <c>archive_interval_ms</c>.
        /// </remarks>
        public TimeSpan? ArchiveInterval { get; set; }

        /// <summary>The time between the dispatch of a message and its archiving.</summary>
        /// <remarks>
        /// From <c>00:00:00</c> to <c>3650.00:00:00</c>, in whole milliseconds. The default is <c>1.00:00:00</c>. This
        /// is the setting <c>archive_min_age_ms</c>.
        /// </remarks>
        public TimeSpan? ArchiveMinAge { get; set; }

        /// <summary>
        /// The number of consecutive failures in a topic after which its circuit breaker opens. An open breaker holds
        /// back the messages that a clear would send to this topic. 0 means that breakers never open.
        /// </summary>
        /// <remarks>From 0 to 1000000. The default is 5. This is the setting <c>breaker_threshold</c>.</remarks>
        public int? BreakerThreshold { get; set; }

        /// <summary>
        /// The longest time after which an open breaker lets one message through to test the transport. The first time
        /// is 5 seconds, or this time if it is shorter. It doubles after each failed test.
        /// </summary>
        /// <remarks>
        /// From <c>00:00:00.001</c> to <c>1.00:00:00</c>, in whole milliseconds. The default is <c>00:00:30</c>. This
        /// is the setting <c>breaker_cooldown_ms</c>.
        /// </remarks>
        public TimeSpan? BreakerCooldown { get; set; }

        /// <summary>
        /// The time for which an accepted message waits for its confirmation before it may be sent again.
        /// </summary>
        /// <remarks>
        /// From <c>00:00:00</c> to <c>1.00:00:00</c>, in whole milliseconds. The default is <c>00:00:30</c>. This is
        /// the setting <c>confirm_timeout_ms</c>.
        /// </remarks>
        public TimeSpan? ConfirmTimeout { get; set; }

        private OptionText[] Texts() => new[]
        {
            OptionText.Of(nameof(TableName), "table_name", TableName),
            OptionText.Of(nameof(TableEncryption), "table_encryption", SettingNames.Of(TableEncryption)),
            OptionText.Of(nameof(TableKmsKey), "table_kms_key", TableKmsKey),
            OptionText.Of(nameof(NumberOfShards), "number_of_shards", NumberOfShards),
            OptionText.Of(nameof(Region), "region", Region),
            OptionText.Of(nameof(Profile), "profile", Profile),
            OptionText.Of(nameof(EndpointUrl), "endpoint_url", EndpointUrl),
            OptionText.Of(nameof(AccessKeyId), "access_key_id", AccessKeyId),
            OptionText.Secret(nameof(SecretAccessKey), "secret_access_key", SecretAccessKey),
            OptionText.Secret(nameof(SessionToken), "session_token", SessionToken),
            OptionText.Of(nameof(EmbeddedPath), "embedded_path", EmbeddedPath),
            OptionText.Of(nameof(Routes), "routes", Routes),
            OptionText.Of(nameof(TransportEndpointUrl), "transport_endpoint_url", TransportEndpointUrl),
            OptionText.Of(nameof(SnsEndpointUrl), "sns_endpoint_url", SnsEndpointUrl),
            OptionText.Of(nameof(SqsEndpointUrl), "sqs_endpoint_url", SqsEndpointUrl),
            OptionText.Of(nameof(CreateMissingTargets), "create_missing_targets", CreateMissingTargets),
            OptionText.Of(nameof(OperationTimeout), "operation_timeout_ms", OperationTimeout),
            OptionText.Of(nameof(AttemptTimeout), "attempt_timeout_ms", AttemptTimeout),
            OptionText.Of(nameof(Clock), "clock", SettingNames.Of(Clock)),
            OptionText.Of(nameof(ConnectTimeout), "connect_timeout_ms", ConnectTimeout),
            OptionText.Of(nameof(MaxRequestAttempts), "max_request_attempts", MaxRequestAttempts),
            OptionText.Of(nameof(CloseTimeout), "close_timeout_ms", CloseTimeout),
            OptionText.Of(nameof(CacheMaxMessages), "cache_max_messages", CacheMaxMessages),
            OptionText.Of(nameof(CacheMaxBytes), "cache_max_bytes", CacheMaxBytes),
            OptionText.Of(nameof(CacheMaxAge), "cache_max_age_ms", CacheMaxAge),
            OptionText.Of(nameof(DispatchedTtl), "dispatched_ttl_seconds", DispatchedTtl),
            OptionText.Of(nameof(SweepInterval), "sweep_interval_ms", SweepInterval),
            OptionText.Of(nameof(SweepMinAge), "sweep_min_age_ms", SweepMinAge),
            OptionText.Of(nameof(SweepBatch), "sweep_batch", SweepBatch),
            OptionText.Of(nameof(SweepThreads), "sweep_threads", SweepThreads),
            OptionText.Of(nameof(LockTableName), "lock_table_name", LockTableName),
            OptionText.Of(nameof(LeaseMode), "lease_mode", SettingNames.Of(LeaseMode)),
            OptionText.Of(nameof(SweepWithoutLease), "sweep_without_lease", SweepWithoutLease),
            OptionText.Of(nameof(LeaseGroup), "lease_group", LeaseGroup),
            OptionText.Of(nameof(LeaseDuration), "lease_duration_ms", LeaseDuration),
            OptionText.Of(nameof(MaxDispatchAttempts), "max_dispatch_attempts", MaxDispatchAttempts),
            OptionText.Of(nameof(ParkMinAge), "park_min_age_ms", ParkMinAge),
            OptionText.Of(nameof(ParkAfter), "park_after_ms", ParkAfter),
            OptionText.Of(nameof(ParkKeyed), "park_keyed", ParkKeyed),
            OptionText.Of(nameof(DispatchRetryDelay), "dispatch_retry_delay_ms", DispatchRetryDelay),
            OptionText.Of(nameof(ClearMarks), "clear_marks", SettingNames.Of(ClearMarks)),
            OptionText.Of(nameof(DispatchAfterCommit), "dispatch_after_commit", DispatchAfterCommit),
            OptionText.Of(nameof(MaxAhead), "max_ahead_ms", MaxAhead),
            OptionText.Of(nameof(BrighterReads), "brighter_reads", BrighterReads),
            OptionText.Of(nameof(MaxOutstanding), "max_outstanding", MaxOutstanding),
            OptionText.Of(nameof(OutstandingCheckInterval), "outstanding_check_interval_ms", OutstandingCheckInterval),
            OptionText.Of(nameof(ArchiveInterval), "archive_interval_ms", ArchiveInterval),
            OptionText.Of(nameof(ArchiveMinAge), "archive_min_age_ms", ArchiveMinAge),
            OptionText.Of(nameof(BreakerThreshold), "breaker_threshold", BreakerThreshold),
            OptionText.Of(nameof(BreakerCooldown), "breaker_cooldown_ms", BreakerCooldown),
            OptionText.Of(nameof(ConfirmTimeout), "confirm_timeout_ms", ConfirmTimeout),
        };
    }
}
