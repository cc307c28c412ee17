//! From the table to the transport, and back: clear, sweep, confirm, replay, archive.

pub(crate) mod archive;
pub(crate) mod background;
pub(crate) mod backlog;
pub(crate) mod blame;
pub(crate) mod clear;
pub(crate) mod confirm;
pub(crate) mod confirm_many;
mod drain;
pub(crate) mod lease;
mod look;
pub(crate) mod mark_dispatched;
mod marking;
mod order;
mod outcomes;
mod reading;
pub(crate) mod replay;
mod sender;
mod source;
pub(crate) mod sweep;
mod tally;
