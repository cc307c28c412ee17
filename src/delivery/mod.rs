//! Moves messages from the table to a transport: clear, sweep, confirm, replay, archive.
//!
//! Terms:
//!
//! - Shard: a partition of the indexes. The partition key of a message determines its shard.
//! - Lane: a topic and a group of its shards. All messages with the same partition key are in one lane.
//! - Drain: the work of one process on one lane.
//! - Pause: a time for which no process drains a lane, because its messages could not be sent or marked.
//! - Probe: the first drain after a pause. It sends only a few messages until a message is sent successfully.
//! - Evidence: results of attempts to send messages for the first time. They show whether a transport works.
//! - Claim: in this process, the right of one thread to send a message. In the table, a wait that is written before a
//!   message is sent, so that no other process sends the message.
//! - Fate: the stored failures, wait and acceptance of a message.

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
pub(crate) mod held_lease;
pub(crate) mod lease;
pub(crate) mod mark_dispatched;
pub(crate) mod marking;
mod order;
mod outcomes;
mod pause;
mod poll;
pub(crate) mod presence;
mod reading;
mod record;
pub(crate) mod replay;
mod sender;
mod source;
mod stuck;
pub(crate) mod sweep;
mod tally;
