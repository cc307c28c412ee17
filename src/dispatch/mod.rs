//! From the table to the transport.

pub(crate) mod archive;
pub(crate) mod backoff;
pub(crate) mod breaker;
pub(crate) mod clear;
pub(crate) mod confirm;
mod delivery;
pub(crate) mod in_flight;
pub(crate) mod lease;
pub(crate) mod mark;
mod marking;
pub(crate) mod recent;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod shards;
pub(crate) mod stats;
pub(crate) mod sweep;
pub(crate) mod topic_counts;
mod topics;
pub(crate) mod worker;
