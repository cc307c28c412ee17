//! The table of settings, with the name, kind, range, default and description of each.

use crate::model::named::named;

named! {
    /// The way in which sweepers share the work.
    LeaseMode {
        /// One lease for all sweepers, including Brighter's, so that only one sweeps at a time. The default.
        Single = "single",
        /// A lease per shard, so that several processes sweep at once. No Brighter sweeper may run at the same time.
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

/// Passes the table of settings to the macro `$then`. Each row has a name, a kind with its range, a default and a
/// description.
macro_rules! with_settings {
    ($then:ident) => {
        $then! {
            table_name: text(3, 255) = "brighter_outbox",
                "The name of the outbox table.";
            number_of_shards: number(1, 20) = 3,
                "The number of shards over which the messages of a topic are spread in the indexes. It must be the same for every process that uses the table, and equal to Brighter's `NumberOfShards`.";
            region: optional(1, 64) = "",
                "The AWS region. If it is not set, the AWS default chain finds it (`AWS_REGION`, profile, instance).";
            profile: optional(1, 255) = "",
                "The profile in the AWS configuration files. If it is not set, `AWS_PROFILE` or `default` is used.";
            endpoint_url: optional(1, 2048) = "",
                "The DynamoDB endpoint, such as `http://localhost:8000`. If it is not set, Amazon's endpoint for the region is used.";
            access_key_id: optional(1, 255) = "",
                "The access key to use instead of the AWS default chain. Requires `secret_access_key`.";
            secret_access_key: secret(1, 255) = "",
                "The secret of `access_key_id`. It never appears in a log or an error.";
            session_token: secret(1, 16384) = "",
                "The session token of temporary credentials; see `access_key_id`. It never appears in a log or an error.";
            embedded_path: optional(1, 4096) = "",
                "The file of an embedded database to use instead of DynamoDB, or `:memory:`. For development, tests, demos and programs on a single machine.";
            routes: optional(1, 65536) = "",
                "The destinations of messages, one route per line or separated by `;`: `greeting.made = sns:greetings; orders.* = sqs:https://sqs.eu-central-1.amazonaws.com/123456789012/orders; * = sns:arn:aws:sns:eu-central-1:123456789012:rest`. The left side is a topic, a prefix of topics followed by `*`, or `*` for all other topics. Exact topics take precedence over prefixes, and longer prefixes over shorter ones. The right side is `sns:` or `sqs:` followed by a name or an ARN, or for SQS by the URL of the queue. The builder's `route` adds one route.";
            transport_endpoint_url: optional(1, 2048) = "",
                "The endpoint of SNS and SQS, such as `http://localhost:4566`. If it is not set, Amazon's endpoint for the region is used, or the endpoint in the URL of a queue.";
            create_missing_targets: flag() = false,
                "If `true`, a topic or queue that a route names and that does not exist is created when the first message is sent to it. It is a FIFO topic or queue if its name ends in `.fifo`.";
            operation_timeout as "operation_timeout_ms": millis(10, 600000) = 10000,
                "The time limit of an operation on DynamoDB, or of sending a batch to SNS or SQS, including retries.";
            attempt_timeout as "attempt_timeout_ms": millis(10, 600000) = 3000,
                "The time limit of a single request attempt. After it, the request is retried.";
            connect_timeout as "connect_timeout_ms": millis(10, 600000) = 2000,
                "The time limit of an attempt to connect. After it, the request is retried.";
            max_request_attempts: number(1, 100) = 5,
                "The maximum number of attempts per request, including the first. Only transient failures are retried.";
            close_timeout as "close_timeout_ms": millis(0, 600000) = 5000,
                "The time for which `close` waits for calls in progress before it abandons them.";
            cache_max_messages: number(0, 1000000) = 1000,
                "The maximum number of recently committed messages that are kept in memory, so that clearing them needs no read. 0 keeps none.";
            cache_max_bytes: number(0, 1073741824) = 16777216,
                "The maximum total size of the bodies and headers of the messages in memory, in bytes.";
            cache_max_age as "cache_max_age_ms": millis(0, 4500) = 2000,
                "The time after which a message is no longer taken from memory but read from the table again. It is below the minimum age of 5 s at which a sweeper sends a message, by a margin that allows for clocks up to 3 s apart.";
            dispatched_ttl as "dispatched_ttl_seconds": seconds(0, 315360000) = 0,
                "The time after its dispatch at which a message expires. DynamoDB deletes expired messages, usually within a few days. 0 means never. A message that is not dispatched does not expire.";
            sweep_interval as "sweep_interval_ms": millis(10, 86400000) = 5000,
                "The time between two sweeps of the background sweeper, varied at random by up to a tenth.";
            sweep_min_age as "sweep_min_age_ms": millis(0, 86400000) = 5000,
                "The minimum age of a message that a sweep sends. Younger messages are left to the process that committed them.";
            sweep_batch: number(1, 10000) = 100,
                "The maximum number of messages that a sweep reads at once. Values above 100 have the effect of 100. A sweep starts with ten, and reads more at once while they are small.";
            sweep_threads: number(1, 64) = 4,
                "The maximum number of topics that a sweep sends at the same time, so that a slow topic does not delay the others. The first is sent on the sweeping thread, the others on threads named `postbox-sweeper`. With 1, topics take turns of a sixth of `lease_duration_ms`.";
            lock_table_name: text(3, 255) = "brighter_distributed_lock",
                "The name of the lock table, which holds the leases of sweepers and archivers and is shared with Brighter. It is created if it does not exist.";
            lease_mode: choice(LeaseMode) = Single,
                "`single`: one lease for all sweepers, which excludes Brighter's too. `per_shard`: a lease for each topic and group of its shards, so that many machines sweep at once and order per partition key holds; no Brighter sweeper may run beside them.";
            sweep_without_lease: flag() = false,
                "`true`: if the lock table cannot be used at all, a sweep continues without a lease, and others may send the same messages. `false`: the sweep sends nothing, and its report contains the reason.";
            lease_group: optional(1, 255) = "",
                "The group in the name of the sweeper's lease, `GROUP_OutboxSweeper`. Sweepers of one group exclude each other, including Brighter's. If it is not set, the group is the name of the outbox table.";
            lease_duration as "lease_duration_ms": millis(1000, 3600000) = 60000,
                "The duration of a lease. After a crash, other sweepers wait until it has expired. It is renewed after a third of its duration. If a producer takes longer than this for one batch, the lease expires and another sweeper may send the same messages. It should be longer than `operation_timeout_ms`.";
            max_dispatch_attempts: number(0, 1000000) = 20,
                "The number of failures after which a message is parked, once `park_min_age_ms` has passed since the first. A failure counts only while at least half of the messages that are tried for the first time are sent, so that an outage parks nothing. 0 means no limit.";
            park_min_age as "park_min_age_ms": millis(0, 86400000) = 3600000,
                "The time that must have passed since the first failure of a message before its failures park it.";
            park_after as "park_after_ms": millis(0, 31536000000) = 259200000,
                "The time after its first failure at which a message is parked even if no other message shows whether its transport works. 0 means never.";
            park_keyed: flag() = true,
                "`true`: messages with a partition key are parked like all others, and the later messages of their key are sent. `false`: messages with a partition key are tried every 5 minutes until they are sent, and the later messages of their key wait; rejected messages are parked nevertheless.";
            dispatch_retry_delay as "dispatch_retry_delay_ms": millis(0, 300000) = 1000,
                "The time before a sweep retries a message that failed once. Later waits are as long as the message has been failing, at most 5 minutes. The time is stored in the message, so that every process waits for it.";
            clear_marks: choice(ClearMarks) = Wait,
                "`wait`: `clear_outbox` returns when the messages are marked dispatched. `background`: it returns when they are sent, and messages that this process committed less than a second or so ago are marked in the background: up to 1,000 of them, in requests that are shared by all callers. If the process crashes, or ends without `close`, before they are marked, they are sent again. It requires that `sweep_min_age_ms` exceeds `attempt_timeout_ms` by more than a second, so that no sweeper finds them unmarked.";
            dispatch_after_commit: flag() = false,
                "`true`: the messages of a committed unit of work are sent at once by a thread of the sweeper, so that no call of `clear_outbox` is needed. The sweeper must have been started in this process. Up to 1,000 messages wait for that thread; later ones, and messages that are older than 3 seconds when their turn comes, are sent by the next sweep that finds them old enough.";
            max_ahead as "max_ahead_ms": millis(0, 86400000) = 300000,
                "The limit for creation times ahead of this machine's clock. A deposit of a message with a later one fails, and a stored one counts as past.";
            brighter_reads: flag() = true,
                "`true`: a deposit fails if Brighter's reader could not read the message, since one such row stops its sweeper for all messages: a `content_type` that is no media type, a `baggage` beyond its grammar, a bag with blank names or with numbers beyond a decimal of .NET. `false`: no Brighter reads the table.";
            max_outstanding: number(0, 1000000000) = 0,
                "The limit of outstanding messages: a deposit that would exceed it fails with OutboxLimitReached. The deposits and dispatches of this process count at once, those by others from the next count on. 0 means no limit and no counting.";
            outstanding_check_interval as "outstanding_check_interval_ms": millis(10, 86400000) = 30000,
                "The time between two counts for `max_outstanding`. A count reads the index of outstanding messages.";
            archive_interval as "archive_interval_ms": millis(10, 86400000) = 60000,
                "The time between two runs of the background archiver, varied at random by up to a tenth.";
            archive_min_age as "archive_min_age_ms": millis(0, 315360000000) = 86400000,
                "The time since its dispatch after which a message is archived.";
            breaker_threshold: number(0, 1000000) = 5,
                "The number of consecutive failures of a topic that open its circuit breaker, which holds back its messages. 0 means never.";
            breaker_cooldown as "breaker_cooldown_ms": millis(1, 86400000) = 30000,
                "The time after which an open breaker lets one message through to test the transport.";
            confirm_timeout as "confirm_timeout_ms": millis(0, 86400000) = 30000,
                "The time for which a message that a producer accepted waits for its confirmation before this process may send it again.";
        }
    };
}

pub(crate) use with_settings;
