//! The table of settings, with the name, kind, range, default and description of each.

use crate::model::named::named;

named! {
    /// The way in which sweepers share the work.
    LeaseMode {
        /// One lease for all sweepers, including Brighter's, so that only one sweeper works at a time. This is the
        /// default.
        Single = "single",
        /// One lease for each lane, that is, for each topic and group of its shards, so that several processes can
        /// sweep at the same time. No sweeper of Brighter may run on the same table.
        PerShard = "per_shard",
    }
}

named! {
    /// The time at which `clear_outbox` returns.
    ClearMarks {
        /// After the messages are marked dispatched. The default.
        Wait = "wait",
        /// After the messages are sent. Their marks are written in the background.
        Background = "background",
    }
}

named! {
    /// The clock whose time Postbox uses.
    ClockSource {
        /// The clock of this machine. It is corrected if the `Date` header of the responses of AWS differs from it by a
        /// second or more. The default.
        Server = "server",
        /// The clock of this machine.
        Local = "local",
    }
}

named! {
    /// The key that encrypts a table which Postbox creates.
    TableEncryption {
        /// The AWS managed key `aws/dynamodb`, as in tables of Brighter. KMS charges for its use, and tables with this
        /// key cannot be used from another account. The default.
        AwsManaged = "aws_managed",
        /// A key that DynamoDB owns, without charges.
        Owned = "owned",
    }
}

/// Passes the table of settings to the macro `$then`. Each row has a name, a kind with its range, a default and a
/// description.
macro_rules! with_settings {
    ($then:ident) => {
        $then! {
            table_name: text(3, 255) = "brighter_outbox",
                "The name of the outbox table.";
            table_encryption: choice(TableEncryption) = AwsManaged,
                "The key of a table that `create_table` creates. `aws_managed`: the key `aws/dynamodb`, as in Brighter's tables; KMS charges for its use, and the table cannot be used from another account. `owned`: a key that DynamoDB owns, without charges. An existing table keeps its key.";
            table_kms_key: optional(1, 2048) = "",
                "The customer managed KMS key of a table that `create_table` creates, instead of `aws/dynamodb`: its ARN, its id, or an alias such as `alias/outbox`. KMS charges for the key and its use. It cannot be combined with `table_encryption` = `owned`.";
            number_of_shards: number(1, 20) = 3,
                "The number of shards over which the messages of a topic are spread in the indexes. It must be the same for every process that uses the table, and equal to Brighter's `NumberOfShards`.";
            region: optional(1, 64) = "",
                "The AWS region. If it is not set, the default chain of the AWS SDK determines the region (`AWS_REGION`, profile, instance).";
            profile: optional(1, 255) = "",
                "The profile in the AWS configuration files. It must exist, and credentials in the environment are not used. If it is not set, `AWS_PROFILE` or `default` is used, and credentials in the environment take precedence.";
            endpoint_url: optional(1, 2048) = "",
                "The DynamoDB endpoint, such as `http://localhost:8000`. If it is not set, Amazon's endpoint for the region is used.";
            access_key_id: optional(1, 255) = "",
                "The access key to use instead of the default chain of the AWS SDK. Requires `secret_access_key`.";
            secret_access_key: secret(1, 255) = "",
                "The secret of `access_key_id`. It never appears in a log or an error.";
            session_token: secret(1, 16384) = "",
                "The session token of temporary credentials; see `access_key_id`. It never appears in a log or an error.";
            embedded_path: optional(1, 4096) = "",
                "The file of an embedded database to use instead of DynamoDB, or `:memory:`. For development, tests, demos and programs on a single machine.";
            routes: optional(1, 65536) = "",
                "The destinations of messages, one route per line or separated by `;`: `greeting.made = sns:greetings; orders.* = sqs:https://sqs.eu-central-1.amazonaws.com/123456789012/orders; * = sns:arn:aws:sns:eu-central-1:123456789012:rest`. The left side is a topic, a prefix of topics followed by `*`, or `*` for all other topics. Exact topics take precedence over prefixes, and longer prefixes over shorter ones. The right side is `sns:` or `sqs:`, followed by a name or an ARN. For SQS, it can also be followed by the URL of the queue. The builder's `route` adds one route.";
            transport_endpoint_url: optional(1, 2048) = "",
                "The endpoint of SNS and SQS, such as `http://localhost:5000`. If it is not set, the endpoint in the URL of the queue is used, or else Amazon's endpoint for the region.";
            sns_endpoint_url: optional(1, 2048) = "",
                "The endpoint of SNS, if it differs from `transport_endpoint_url`.";
            sqs_endpoint_url: optional(1, 2048) = "",
                "The endpoint of SQS, if it differs from `transport_endpoint_url`.";
            create_missing_targets: flag() = false,
                "If `true`, a topic or queue that a route names is created if it does not exist when the first message is sent to it. It is created as a FIFO topic or queue if its name ends in `.fifo`.";
            operation_timeout as "operation_timeout_ms": millis(10, 600000) = 10000,
                "The time limit of one operation on DynamoDB, or of sending one batch to SNS or SQS, including retries.";
            attempt_timeout as "attempt_timeout_ms": millis(10, 600000) = 3000,
                "The time limit of a single attempt of a request. When it has passed, the request is retried.";
            clock: choice(ClockSource) = Server,
                "`server`: the clock of this machine, corrected by the `Date` header of the responses of AWS if the clocks differ by a second or more. The correction applies to the whole process: to leases, to the times that are stored in the table, and to the signatures of requests. Other endpoints and the embedded database correct nothing. `local`: the clock of this machine.";
            connect_timeout as "connect_timeout_ms": millis(10, 600000) = 2000,
                "The time limit of an attempt to connect. When it has passed, the request is retried.";
            max_request_attempts: number(0, 100) = 0,
                "The maximum number of attempts per request, including the first attempt. Only transient failures are retried. 0 means the value of `AWS_MAX_ATTEMPTS` or of `max_attempts` in the profile, or else 5.";
            close_timeout as "close_timeout_ms": millis(0, 600000) = 5000,
                "The time for which `close` waits for calls in progress before it abandons them.";
            cache_max_messages: number(0, 1000000) = 1000,
                "The maximum number of recently committed messages that are kept in memory, so that clearing them needs no read. 0 keeps none.";
            cache_max_bytes: number(0, 1073741824) = 16777216,
                "The maximum total size of the bodies and headers of the messages in memory, in bytes.";
            cache_max_age as "cache_max_age_ms": millis(0, 4500) = 2000,
                "The time after which a message is no longer taken from memory but read from the table again. The default is 3 s shorter than the default of `sweep_min_age_ms` (5 s), so that clocks that differ by up to 3 s do no harm.";
            dispatched_ttl as "dispatched_ttl_seconds": seconds(0, 315360000) = 0,
                "The time between the dispatch of a message and its expiry. DynamoDB deletes expired messages, usually within a few days. 0 means never. A message that is not dispatched does not expire.";
            sweep_interval as "sweep_interval_ms": millis(10, 86400000) = 5000,
                "The time between two sweeps of the background sweeper, varied at random by up to a tenth.";
            sweep_min_age as "sweep_min_age_ms": millis(0, 86400000) = 5000,
                "The minimum age of a message that a sweep sends. Younger messages are left to the process that committed them.";
            sweep_batch: number(1, 10000) = 100,
                "The maximum number of messages that a sweep reads in one request. Values above 100 have the effect of 100. A sweep starts with ten messages per request, and reads more messages per request while the messages are small.";
            sweep_threads: number(1, 64) = 4,
                "The maximum number of topics that a sweep sends at the same time, so that a slow topic does not delay other topics. One topic is sent on the sweeping thread, and the other topics on threads named `postbox-sweeper`. With 1, topics take turns of a sixth of `lease_duration_ms`, and a producer that does not return stops the sweeper. With a higher value, another thread then takes the place of the thread that waits for the producer.";
            lock_table_name: text(3, 255) = "brighter_distributed_lock",
                "The name of the lock table, which holds the leases of sweepers and archivers and is shared with Brighter. It is created if it does not exist.";
            lease_mode: choice(LeaseMode) = Single,
                "`single`: one lease for all sweepers, which also excludes Brighter's sweepers. `per_shard`: a lease for each lane, that is, for each topic and group of its shards. Many machines can then sweep at the same time, and the order per partition key is kept. No sweeper of Brighter may run on the same table.";
            sweep_without_lease: flag() = false,
                "`true`: if the lock table cannot be used at all, a sweep continues without a lease, and other sweepers may send the same messages. `false`: the sweep sends nothing, and its report contains the reason.";
            lease_group: optional(1, 255) = "",
                "The group in the name of the sweeper's lease, `GROUP_OutboxSweeper`. Sweepers of one group exclude each other, including Brighter's. If it is not set, the group is the name of the outbox table.";
            lease_duration as "lease_duration_ms": millis(1000, 3600000) = 60000,
                "The duration of a lease. After a crash, other sweepers wait until the lease has expired. A lease is renewed after a third of its duration. If a producer takes longer than half of this for one batch, other sweepers may send the other messages of its lane, and the same messages later. It should be longer than `operation_timeout_ms`.";
            max_dispatch_attempts: number(0, 1000000) = 20,
                "The number of counted failures after which a message is parked, if `park_min_age_ms` has also passed since its first failure. A failure counts only if at least half of the first attempts in the topic succeed, so that an outage does not park messages. 0 means no limit.";
            park_min_age as "park_min_age_ms": millis(0, 86400000) = 3600000,
                "The time that must have passed since the first failure of a message before its counted failures park it, or before it is parked because its topic's target rejects several messages with the same reason and none is sent.";
            park_after as "park_after_ms": millis(0, 31536000000) = 259200000,
                "The time after its first failure at which a message that still fails is parked, even if no other message shows whether its transport works. 0 means never.";
            park_keyed: flag() = true,
                "`true`: messages with a partition key are parked like all other messages, and the later messages of their key are then sent. `false`: messages with a partition key are tried every 5 minutes until they are sent, and the later messages of their key wait. Rejected messages are parked nevertheless.";
            dispatch_retry_delay as "dispatch_retry_delay_ms": millis(0, 300000) = 1000,
                "The time before a sweep retries a message that failed once. Later waits are as long as the time since the first failure, up to 5 minutes, or up to 1 minute after a failure that does not count. The end of the wait is stored in the item of the message, so that no process sends the message earlier.";
            clear_marks: choice(ClearMarks) = Wait,
                "`wait`: `clear_outbox` returns when the messages are marked dispatched. `background`: it returns when the messages are sent. Messages that this process committed less than about a second ago are then marked in the background, up to 1,000 at a time, in requests that are shared by all callers. If the process crashes, or ends without `close`, before a message is marked, the message is sent again. This value requires that `sweep_min_age_ms` exceeds `attempt_timeout_ms` by more than a second, so that no sweeper finds the messages before they are marked.";
            dispatch_after_commit: flag() = false,
                "`true`: a thread of the sweeper sends the messages of a committed unit of work immediately, so that no call to `clear_outbox` is needed. The sweeper must have been started in this process. Up to 1,000 messages can wait for that thread. Messages that exceed this limit, and messages that have waited for more than 3 seconds, are sent by the next sweep that finds them old enough.";
            max_ahead as "max_ahead_ms": millis(0, 86400000) = 300000,
                "The maximum time by which the creation time of a message may be ahead of this machine's clock. A deposit with a later creation time fails. A stored message with a later creation time counts as old enough for a sweep.";
            brighter_reads: flag() = true,
                "`true`: a deposit fails if Brighter's reader could not read the message, because one such row stops Brighter's sweeper for all messages. Examples are a `content_type` that is not a media type, a `baggage` with invalid syntax, and a bag with blank names or with numbers that exceed the range of a .NET decimal. `false`: these checks are omitted. Use this value if Brighter does not read the table.";
            max_outstanding: number(0, 1000000000) = 0,
                "The maximum number of outstanding messages. A deposit that would exceed it fails with OutboxLimitReached. The deposits and dispatches of this process are taken into account immediately, and those of other processes from the next count on. 0 means no limit and no counting.";
            outstanding_check_interval as "outstanding_check_interval_ms": millis(10, 86400000) = 30000,
                "The time between two counts for `max_outstanding`. A count reads the index of outstanding messages.";
            archive_interval as "archive_interval_ms": millis(10, 86400000) = 60000,
                "The time between two runs of the background archiver, varied at random by up to a tenth.";
            archive_min_age as "archive_min_age_ms": millis(0, 315360000000) = 86400000,
                "The time between the dispatch of a message and its archiving.";
            breaker_threshold: number(0, 1000000) = 5,
                "The number of consecutive failures in a topic after which its circuit breaker opens. An open breaker holds back the messages that a clear would send to this topic. 0 means that breakers never open.";
            breaker_cooldown as "breaker_cooldown_ms": millis(1, 86400000) = 30000,
                "The longest time after which an open breaker lets one message through to test the transport. The first time is 5 seconds, or this time if it is shorter. It doubles after each failed test.";
            confirm_timeout as "confirm_timeout_ms": millis(0, 86400000) = 30000,
                "The time for which an accepted message waits for its confirmation before it may be sent again.";
        }
    };
}

pub(crate) use with_settings;
