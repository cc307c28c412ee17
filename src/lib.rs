//! A transactional outbox on Amazon DynamoDB for programs that block.
//!
//! Your data and a message are written in one DynamoDB transaction. After the commit, the message is sent and marked as
//! sent. **Committed messages are sent at least once. Rolled-back messages are never sent.** The table and the format
//! are those of Brighter's DynamoDB outbox (Paramore.Brighter.Outbox.DynamoDB), so Postbox and Brighter can share one
//! outbox.
//!
//! ```
//! use postbox::{AttributeValue, Item, MemoryProducer, Message, Postbox};
//!
//! # fn main() -> postbox::Result<()> {
//! let producer = MemoryProducer::new(); // or your own type with the trait Producer
//! let postbox = Postbox::builder()
//!     .embedded_path(":memory:") // if it is not set: DynamoDB, configured as for the AWS CLI
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
//! - [`Postbox`] is the client that a program opens once; [`Builder`] has its settings.
//! - [`UnitOfWork`] collects a transaction, including each [`Message`] to send.
//! - [`Producer`] sends the messages of a topic.
//! - [`Error`] has a code, a message, and a reason for each part that failed.
//! - [`EmbeddedDatabase`] is a DynamoDB inside this process, for development and tests.
//!
//! # Features
//!
//! - `embedded` (default): the embedded database.
//! - `server`: the embedded database as an HTTP endpoint for other processes (`EmbeddedDatabase::serve`).
//! - `capi`: the C interface of `include/postbox.h`, exported by the shared and the static library. A Rust
//!   program does not need it.
//! - `cli`: the `postbox` command for operators.
//! - `serde` (default): items and bodies as types of the program, through `serde_dynamo` and `serde_json`.
//! - `sso` (default): credentials from AWS SSO and `credential_process`, as in the AWS CLI.
//! - `sns`, `sqs` (default): producers for Amazon SNS and SQS; see the setting `routes`.
//!
//! # Logging
//!
//! Postbox emits `tracing` events and spans with the target `postbox`. Events and spans contain no secrets and no
//! message bodies. The names of spans and fields follow OpenTelemetry's conventions for
//! [messaging](https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/) and
//! [databases](https://opentelemetry.io/docs/specs/semconv/database/database-spans/):
//!
//! | span | level | fields | |---|---|---| | `send`: a call to a producer | info | `otel.kind`, `messaging.system`,
//! `messaging.operation.name`, `messaging.operation.type`, `messaging.destination.name` (topic), `messaging.message.id`
//! (of the first message), `messaging.batch.message_count` | | `dynamodb`: an operation on the outbox | debug |
//! `otel.kind`, `db.system.name`, `db.operation.name`, `db.collection.name` (table) |
//!
//! Events have the fields `messaging.message.id`, `messaging.destination.name`, `db.collection.name` and
//! `error.message` if they concern a message, a topic, a table or an error.
// On docs.rs, items that need a feature are marked.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
#![deny(unsafe_code)]

mod api;
mod delivery;
mod engine;
#[cfg(feature = "capi")]
#[allow(unsafe_code)]
mod ffi;
mod model;
mod outbox;
mod runtime;
mod sdk;
mod sys;
mod transport;

pub use crate::api::builder::Builder;
pub use crate::api::postbox::Postbox;
pub use crate::api::sweep_options::SweepOptions;
pub use crate::api::unit_of_work::UnitOfWork;
#[cfg(feature = "capi")]
pub(crate) use crate::api::unit_of_work::incomplete;
pub use crate::delivery::archive::{Archive, JsonLinesArchive};
pub use crate::delivery::held_lease::HeldLease;
pub use crate::model::cancel::CancelToken;
pub use crate::model::config::Config;
pub use crate::model::dynamodb_json;
#[cfg(feature = "capi")]
pub(crate) use crate::model::error::panic_text;
pub use crate::model::error::{Error, ErrorCode, Reason, Result};
pub use crate::model::header::{CharacterEncoding, MessageType};
pub use crate::model::item::{AttributeValue, Item};
pub use crate::model::message::Message;
pub use crate::model::page::{Cursor, MessagePage};
pub use crate::model::report::{
    ArchiveReport, DispatchEntry, DispatchOutcome, DispatchReport, LeaseStatus, SweepReport,
};
pub use crate::model::selection::Selection;
pub use crate::model::settings::{ClearMarks, ClockSource, LeaseMode, TableEncryption};
pub use crate::model::stats::{BreakerState, CountScope, LeaseInfo, OutstandingCount, Stats, SweeperInfo, TopicCount};
pub use crate::model::stored_message::{MessageState, StoredMessage};
pub use crate::model::table_report::{TableReport, TableWarning};
#[cfg(feature = "capi")]
pub(crate) use crate::model::ticks::Ticks;
pub use crate::model::trace_context::TraceContext;
#[cfg(feature = "capi")]
pub(crate) use crate::model::{expression::Expression, item_limits};
#[cfg(feature = "capi")]
pub(crate) use crate::runtime::Cancel;
#[cfg(feature = "embedded")]
pub use crate::sdk::embedded::EmbeddedDatabase;
#[cfg(postbox_simulation)]
#[doc(hidden)]
pub use crate::sys::simulation;
#[cfg(feature = "capi")]
pub(crate) use crate::sys::{client_log, sync};
pub use crate::transport::{MemoryProducer, Producer, SendOutcome, producer_fn};
/// The AWS SDK of DynamoDB, whose types appear in this interface.
pub use aws_sdk_dynamodb;
