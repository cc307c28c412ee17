//! The blocking API: the client, its builder, units of work.

mod admin;
pub(crate) mod builder;
mod deposit;
mod messages;
pub(crate) mod postbox;
mod put;
pub(crate) mod sweep_options;
#[cfg(feature = "serde")]
mod typed;
pub(crate) mod unit_of_work;
