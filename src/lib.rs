//! A transactional outbox on Amazon DynamoDB for programs that block.
//!
//! You put your data and a message into one DynamoDB transaction; after the commit the message is
//! sent, and marked as sent. **What you commit with your data is sent at least once. What you
//! roll back is never sent.** The table and the format are those of Brighter's DynamoDB outbox
//! (Paramore.Brighter.Outbox.DynamoDB), so that both can work on one outbox.
//!
//! ```
//! use postbox::{AttributeValue, Item, MemoryProducer, Message, Postbox};
//!
//! # fn main() -> postbox::Result<()> {
//! let producer = MemoryProducer::new(); // or your own: the trait Producer
//! let postbox = Postbox::builder()
//!     .embedded_path(":memory:") // without it: DynamoDB, found as the AWS CLI finds it
//!     .producer("greeting.made", producer.clone())
//!     .open()?;
//! # postbox.embedded().unwrap().execute("CreateTable", r#"{"TableName":"People","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"Name","AttributeType":"S"}],"KeySchema":[{"AttributeName":"Name","KeyType":"HASH"}]}"#)?;
//!
//! let mut work = postbox.unit_of_work();
//! work.put("People", Item::from([("Name".into(), AttributeValue::S("Ada".into()))]))?;
//! let id = work.deposit_post(Message::new("greeting.made", "Hello Ada"))?;
//! work.commit()?; // both or neither
//!
//! postbox.clear_outbox(&[id])?.into_result()?; // send now
//! assert_eq!(producer.sent()[0].body(), b"Hello Ada");
//! # Ok(()) }
//! ```
//!
//! - [`Postbox`] is the handle that a program opens once; [`Builder`] has its settings.
//! - [`UnitOfWork`] collects a transaction; [`Message`] is what goes with it.
//! - [`Producer`] is what sends, by topic.
//! - [`Error`] says what happened, to which thing, and what to do.
//! - [`EmbeddedDatabase`] is a DynamoDB in this process, for development and tests.
//!
//! # Features
//!
//! - `embedded` (default): the embedded database.
//! - `cli`: the operator's command `postbox`.
//! - `sso` (default): credentials from AWS SSO and `credential_process`, as the AWS CLI has them.
//! - `sns`, `sqs` (default): producers of Amazon SNS and SQS, by the setting `routes`.
//!
//! # Logging
//!
//! Events and spans of the crate `tracing` with the target `postbox`; they hold no secrets and no
//! bodies. Names follow OpenTelemetry's conventions for
//! [messaging](https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/) and
//! [databases](https://opentelemetry.io/docs/specs/semconv/database/database-spans/):
//!
//! | span | level | fields |
//! |---|---|---|
//! | `send`: a call of a producer | info | `otel.kind`, `messaging.system`, `messaging.operation.name`, `messaging.operation.type`, `messaging.destination.name` (topic), `messaging.message.id` (of the first), `messaging.batch.message_count` |
//! | `dynamodb`: an operation on the outbox | debug | `otel.kind`, `db.system.name`, `db.operation.name`, `db.collection.name` (table) |
//!
//! Events use `messaging.message.id`, `messaging.destination.name`, `db.collection.name` and `error.message` where they concern one of these.
#![deny(missing_docs)]
#![deny(unsafe_code)]

mod bulk;
mod client;
mod clock;
mod config;
mod connector;
mod dispatch;
pub mod dynamodb_json;
#[cfg(feature = "embedded")]
mod embedded;
mod engine;
mod error;
#[allow(unsafe_code)]
mod ffi;
mod gate;
mod message;
mod outbox;
mod postbox;
mod random;
mod retry;
mod runtime;
mod sdk_failure;
#[cfg(feature = "simulation")]
#[doc(hidden)]
pub mod simulation;
#[cfg(not(feature = "simulation"))]
mod simulation;
mod sync;
mod ticks;
mod transport;
mod unit_of_work;
mod waiting;

pub use crate::config::Config;
pub use crate::dispatch::archive::{Archive, ArchiveReport, JsonLinesArchive};
pub use crate::dispatch::breaker::BreakerState;
pub use crate::dispatch::lease::LeaseState;
pub use crate::dispatch::report::{DispatchEntry, DispatchOutcome, DispatchReport};
pub use crate::dispatch::stats::{Outstanding, Stats};
pub use crate::dispatch::sweep::{SweepLease, SweepReport};
pub use crate::dispatch::topic_counts::TopicCount;
#[cfg(feature = "embedded")]
pub use crate::embedded::EmbeddedDatabase;
pub use crate::error::{Error, ErrorCode, Reason, Result};
pub use crate::message::{CharacterEncoding, Message, MessageType};
pub use crate::outbox::item::{MessageState, StoredMessage};
pub use crate::outbox::listing::{Cursor, MessagePage};
pub use crate::outbox::table::TableReport;
pub use crate::postbox::{Builder, Postbox};
pub use crate::transport::{MemoryProducer, Producer, SendOutcome, producer_fn};
pub use crate::unit_of_work::UnitOfWork;
pub use aws_sdk_dynamodb::types::AttributeValue;

/// An item of a DynamoDB table, or a key of one: attributes by name.
pub type Item = std::collections::HashMap<String, AttributeValue>;
