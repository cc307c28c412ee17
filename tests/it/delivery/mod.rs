//! The delivery of messages from the table to the transport.

mod accepted;
mod after_commit;
mod archive;
mod backlog;
mod careful;
mod clear;
mod clear_marking;
mod confirm_many;
mod endless;
mod fate;
mod held_lease;
mod lease;
mod list_replay_limits;
mod poll;
mod presence;
mod selection;
mod sharded_sweep;
mod stuck;
mod sweep;
mod sweep_faults;
