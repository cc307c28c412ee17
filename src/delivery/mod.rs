//! Moves messages from the table to a transport: clear, sweep, confirm, replay, archive.

mod acceptance;
pub(crate) mod after_commit;
pub(crate) mod archive;
pub(crate) mod background;
pub(crate) mod backlog;
pub(crate) mod blame;
pub(crate) mod clear;
pub(crate) mod confirm;
pub(crate) mod confirm_many;
mod drain;
pub(crate) mod lease;
pub(crate) mod mark_dispatched;
pub(crate) mod marking;
mod order;
mod outcomes;
mod poll;
pub(crate) mod presence;
mod reading;
mod record;
pub(crate) mod replay;
mod sender;
mod source;
pub(crate) mod sweep;
mod tally;
