//! Producers, and the transports SNS and SQS.

#[cfg(all(feature = "sns", feature = "sqs"))]
mod aws;
mod producers;
