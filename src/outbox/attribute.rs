//! The names of the attributes of the table that more than one file uses.

pub(crate) const MESSAGE_ID: &str = "MessageId";
pub(crate) const TOPIC_SHARD: &str = "TopicShard";
pub(crate) const OUTSTANDING_CREATED_TIME: &str = "OutstandingCreatedTime";
pub(crate) const DELIVERY_TIME: &str = "DeliveryTime";
pub(crate) const DELIVERED_AT: &str = "DeliveredAt";
pub(crate) const CAUSATION_ID: &str = "CausationId";
pub(crate) const EXPIRES_AT: &str = "ExpiresAt";
pub(crate) const CREATED_TIME: &str = "CreatedTime";
pub(crate) const DISPATCH_ATTEMPTS: &str = "DispatchAttempts";
pub(crate) const LAST_ERROR: &str = "LastError";
pub(crate) const PARKED_AT: &str = "ParkedAt";
pub(crate) const NEXT_ATTEMPT_AT: &str = "NextAttemptAt";
pub(crate) const FIRST_FAILED_AT: &str = "FirstFailedAt";
pub(crate) const ACCEPTED_AT: &str = "AcceptedAt";
pub(crate) const REPLAYED_AT: &str = "ReplayedAt";
