//! A transactional outbox on Amazon DynamoDB for programs that block.
#![deny(missing_docs)]
#![deny(unsafe_code)]

mod bulk;
mod client;
mod config;
mod dispatch;
pub mod dynamodb_json;
#[cfg(feature = "embedded")]
mod embedded;
mod engine;
mod error;
#[allow(unsafe_code)]
mod ffi;
mod message;
mod outbox;
mod postbox;
mod runtime;
mod ticks;
mod transport;
mod unit_of_work;

pub use crate::config::Config;
pub use crate::dispatch::report::{DispatchEntry, DispatchOutcome, DispatchReport};
#[cfg(feature = "embedded")]
pub use crate::embedded::EmbeddedDatabase;
pub use crate::error::{Error, ErrorCode, Reason, Result};
pub use crate::message::{CharacterEncoding, Message, MessageType};
pub use crate::outbox::item::{MessageState, StoredMessage};
pub use crate::outbox::table::TableReport;
pub use crate::postbox::{Builder, Postbox};
pub use crate::transport::{MemoryProducer, Producer, SendOutcome, producer_fn};
pub use crate::unit_of_work::UnitOfWork;
pub use aws_sdk_dynamodb::types::AttributeValue;

/// An item of a DynamoDB table, or a key of one: attributes by name.
pub type Item = std::collections::HashMap<String, AttributeValue>;
