//! The blocking API: the client, its builder, units of work.

mod admin;
pub(crate) mod builder;
mod by_id;
mod credentials;
mod deposit;
mod lease;
mod messages;
mod operation;
mod operations;
pub(crate) mod postbox;
mod put;
mod select;
#[cfg(feature = "capi")]
mod start;
pub(crate) mod sweep_options;
#[cfg(feature = "serde")]
mod typed;
pub(crate) mod unit_of_work;
