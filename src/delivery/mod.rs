//! From the table to the transport, and back: clear, sweep, confirm, replay, archive.

pub(crate) mod archive;
pub(crate) mod background;
pub(crate) mod backlog;
pub(crate) mod clear;
pub(crate) mod confirm;
pub(crate) mod lease;
pub(crate) mod mark_dispatched;
mod marker;
pub(crate) mod replay;
mod sender;
pub(crate) mod sharded_sweep;
pub(crate) mod sweep;
mod topic_rounds;
