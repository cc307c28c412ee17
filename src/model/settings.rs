//! The table of settings: name, kind, range, default and meaning of each.

use crate::model::named::named;

named! {
    /// How sweepers share the work.
    LeaseMode {
        /// One lease for all sweepers, Brighter's included: one of them sweeps at a time. The default.
        Single = "single",
        /// A lease per shard, so that several processes sweep at once. No Brighter sweeper may run beside them.
        PerShard = "per_shard",
    }
}

/// Hands the table of settings to the macro `$then`: a name, a kind with its range, the default
/// and the text, for each.
macro_rules! with_settings {
    ($then:ident) => {
        $then! {
            table_name: text(3, 255) = "brighter_outbox",
                "The outbox table.";
            number_of_shards: number(1, 20) = 3,
                "How many shards the messages of a topic are spread over in the indexes. The same value for every process on one table, Brighter's `NumberOfShards` included.";
            region: optional(1, 64) = "",
                "The AWS region. Unset: as the AWS default chain finds it (`AWS_REGION`, profile, instance).";
            profile: optional(1, 255) = "",
                "The profile of the AWS configuration files. Unset: `AWS_PROFILE` or `default`.";
            endpoint_url: optional(1, 2048) = "",
                "Another DynamoDB endpoint, such as `http://localhost:8000`. Unset: Amazon's for the region.";
            access_key_id: optional(1, 255) = "",
                "Credentials given here instead of by the AWS default chain. Needs `secret_access_key`.";
            secret_access_key: secret(1, 255) = "",
                "See `access_key_id`. Never shown in a log or an error.";
            session_token: secret(1, 16384) = "",
                "The session token of temporary credentials; see `access_key_id`.";
            embedded_path: optional(1, 4096) = "",
                "Use the embedded database in this file, or `:memory:`, instead of DynamoDB. For development, tests, demos and single-machine use.";
            routes: optional(1, 65536) = "",
                "Where messages are sent: `greeting.made = sns:greetings; orders.* = sqs:https://sqs.eu-central-1.amazonaws.com/123456789012/orders; * = sns:arn:aws:sns:eu-central-1:123456789012:rest`, one route per line or separated by `;`. Before the `=` stands a topic, the beginning of topics with a `*` after it, or `*` for all others: a topic goes before a beginning, a longer beginning before a shorter one. After it stands `sns:` or `sqs:` with a name, an ARN, or for SQS the queue's URL. The builder's `route` adds one.";
            transport_endpoint_url: optional(1, 2048) = "",
                "Another endpoint of SNS and SQS, such as `http://localhost:4566`. Unset: Amazon's for the region, or that of a queue's URL.";
            create_missing_targets: flag() = false,
                "`true`: a topic or queue that a route gives by its name and that is missing is made when the first message is sent to it, FIFO if its name ends in `.fifo`.";
            operation_timeout as "operation_timeout_ms": millis(10, 600000) = 10000,
                "Milliseconds after which an operation on DynamoDB, or sending a batch to SNS or SQS, is given up, its retries included.";
            attempt_timeout as "attempt_timeout_ms": millis(10, 600000) = 3000,
                "Milliseconds after which one request of an operation is given up and tried again.";
            connect_timeout as "connect_timeout_ms": millis(10, 600000) = 2000,
                "Milliseconds after which an attempt to connect is given up and tried again.";
            max_request_attempts: number(1, 100) = 5,
                "How often a request is made at most, the first time included, while its failure is a passing one.";
            close_timeout as "close_timeout_ms": millis(0, 600000) = 5000,
                "Milliseconds that `close` waits for calls under way before it abandons them.";
            cache_max_messages: number(0, 1000000) = 1000,
                "How many messages that this process committed a moment ago are kept in memory, so that clearing them needs no read. 0: none.";
            cache_max_bytes: number(0, 1073741824) = 16777216,
                "The bytes of message bodies and headers that are kept so at most.";
            cache_max_age as "cache_max_age_ms": millis(0, 4500) = 2000,
                "Milliseconds after which a message kept so is read from the table again. Below a sweeper's minimum age of 5 s, so that no sweeper has sent it meanwhile, and far enough below for clocks that are up to 3 s apart.";
            dispatched_ttl as "dispatched_ttl_seconds": seconds(0, 315360000) = 0,
                "Seconds after its dispatch at which DynamoDB may delete a message (it does so within days). 0: never. An unsent message never expires.";
            sweep_interval as "sweep_interval_ms": millis(10, 86400000) = 5000,
                "Milliseconds between two sweeps of the sweeper, give or take a tenth.";
            sweep_min_age as "sweep_min_age_ms": millis(0, 86400000) = 5000,
                "How old, in milliseconds, a message must be before a sweep sends it: younger ones are left to whoever committed them.";
            sweep_batch: number(1, 10000) = 100,
                "How many messages a sweep reads and sends between two looks at its lease.";
            sweep_threads: number(1, 64) = 4,
                "How many topics a sweep sends at once: the first on the thread that sweeps, the others on threads named `postbox-sweeper`. So a slow topic does not hold up the others. 1: one after the other, a batch at a time.";
            lock_table_name: text(3, 255) = "brighter_distributed_lock",
                "The table of the leases that sweepers hold, Brighter's. Made if it is missing.";
            lease_mode: choice(LeaseMode) = Single,
                "`single`: one lease for all sweepers, which excludes Brighter's too. `per_shard`: a lease per shard, shared out among the processes that sweep, so that many machines sweep at once and order per partition key holds; no Brighter sweeper may run beside them.";
            lease_group: optional(1, 255) = "",
                "The group in the name of the sweeper's lease, `GROUP_OutboxSweeper`: sweepers of one group exclude each other, Brighter's included. Unset: the name of the outbox table.";
            lease_duration as "lease_duration_ms": millis(1000, 3600000) = 60000,
                "How long a lease is, in milliseconds: after a crash, others wait for its end. It is renewed after a third of it. A producer that takes longer for one batch loses it, and others may send the same messages. Longer than an operation on DynamoDB takes.";
            max_dispatch_attempts: number(0, 1000000) = 20,
                "How often sending a message may fail before it is parked. 0: any number of times.";
            dispatch_retry_delay as "dispatch_retry_delay_ms": millis(0, 300000) = 1000,
                "Milliseconds before a sweep tries a message again that failed once; twice as long after each further failure, 5 minutes at most.";
            max_outstanding: number(0, 1000000000) = 0,
                "Deposits fail with OutboxLimitReached while more messages than this are outstanding, as last counted. 0: no limit, and no counting.";
            outstanding_check_interval as "outstanding_check_interval_ms": millis(10, 86400000) = 30000,
                "Milliseconds between two counts for `max_outstanding`. A count reads the index of outstanding messages.";
            archive_interval as "archive_interval_ms": millis(10, 86400000) = 60000,
                "Milliseconds between two runs of the archiver, give or take a tenth.";
            archive_min_age as "archive_min_age_ms": millis(0, 315360000000) = 86400000,
                "How long ago, in milliseconds, a message must have been dispatched before the archiver takes it.";
            breaker_threshold: number(0, 1000000) = 5,
                "How many failures of a topic in a row open its breaker, which holds back its messages. 0: never.";
            breaker_cooldown as "breaker_cooldown_ms": millis(1, 86400000) = 30000,
                "Milliseconds after which an open breaker lets one message through to see whether the transport is back.";
            confirm_timeout as "confirm_timeout_ms": millis(0, 86400000) = 30000,
                "Milliseconds for which a message that a producer accepted waits for its confirmation before this process may send it again.";
        }
    };
}

pub(crate) use with_settings;
