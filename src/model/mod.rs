//! Values: messages, settings, errors, reports and times. They make no requests.

pub(crate) mod bag;
#[cfg(feature = "capi")]
pub(crate) mod bag_item;
pub(crate) mod brighter_reader;
pub(crate) mod cancel;
pub(crate) mod config;
pub mod dynamodb_json;
pub(crate) mod error;
pub(crate) mod expression;
pub(crate) mod fate;
pub(crate) mod header;
mod header_access;
pub(crate) mod item;
pub(crate) mod item_limits;
mod json;
pub(crate) mod media_type;
pub(crate) mod message;
mod named;
pub(crate) mod page;
pub(crate) mod report;
pub(crate) mod selection;
pub(crate) mod settings;
pub(crate) mod stats;
pub(crate) mod stored_message;
pub(crate) mod table_report;
pub(crate) mod ticks;
pub(crate) mod trace_context;
