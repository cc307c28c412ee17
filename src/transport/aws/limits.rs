//! The limits of SNS and SQS. Each limit names the page of AWS that states it, as of November 2026.

/// The maximum size in bytes of one SQS message and of all messages of a batch together, and the largest
/// `MaximumMessageSize` of an SNS topic: 1 MiB.
///
/// - <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
/// - <https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html>
#[cfg_attr(not(feature = "sqs"), allow(dead_code))]
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// The maximum size in bytes of one message and of one batch for an SNS topic without the attribute
/// [`MAXIMUM_MESSAGE_SIZE`]: 256 KiB.
///
/// - <https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html>
#[cfg_attr(not(feature = "sns"), allow(dead_code))]
pub(super) const TOPIC_BYTES: usize = 256 * 1024;

/// The attribute of an SNS topic that allows messages of more than [`TOPIC_BYTES`].
#[cfg_attr(not(feature = "sns"), allow(dead_code))]
pub(super) const MAXIMUM_MESSAGE_SIZE: &str = "MaximumMessageSize";

/// The maximum number of messages of a batch.
///
/// - <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>
/// - <https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html>
pub(super) const MAX_ENTRIES: usize = 10;

/// The maximum delay of an SQS message.
///
/// - <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
pub(super) const MAX_DELAY_SECONDS: i64 = 900;

/// The maximum length of a message group or deduplication id.
///
/// - <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatchRequestEntry.html>
pub(super) const MAX_FIFO_ID: usize = 128;

/// The maximum length of the subject of an SNS notification.
///
/// - <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
pub(super) const MAX_SUBJECT: usize = 99;
