//! Producers, and the transports SNS and SQS.

#[cfg(all(feature = "sns", feature = "sqs"))]
mod aws;
#[cfg(all(feature = "sns", feature = "sqs"))]
mod aws_limits;
mod producers;
