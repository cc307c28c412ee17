//! What the simulation of `tests/simulation` takes the place of: time, waiting, random ids; and
//! the mistakes that its oracle must find. Only with the feature `simulation` is there any of it.

#[cfg(postbox_simulation)]
mod on;
#[cfg(postbox_simulation)]
pub(crate) use on::{Simulated, instant, mutated, next_tick, random_bytes, sleep, sleeper, system_time};
#[cfg(postbox_simulation)]
pub use on::{World, enter};

#[cfg(not(postbox_simulation))]
mod off;
#[cfg(not(postbox_simulation))]
pub(crate) use off::{instant, mutated, next_tick, random_bytes, sleep, system_time};

/// A mistake that Postbox could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// A message is marked dispatched before it is sent.
    MarkBeforeSend,
    /// A commit is tried again with another token.
    NewTokenOnRetry,
    /// A message gets the end of its life when it is deposited.
    ExpiryAtDeposit,
    /// A sweep goes on without looking at its lease.
    LeaseNotChecked,
    /// A message is kept in memory after it was taken from there.
    CacheNotInvalidated,
    /// A deposit overwrites the message that is there.
    DuplicateOverwrites,
}
