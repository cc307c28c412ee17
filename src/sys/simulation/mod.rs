//! The time, timers and random ids of the simulation in `tests/simulation`, and the mistakes that its oracle must find.
//! They exist only with `cfg(postbox_simulation)`.

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

/// A deliberate mistake that the simulation can add to Postbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// A message is marked dispatched before it is sent.
    MarkBeforeSend,
    /// A commit is retried with a new token.
    NewTokenOnRetry,
    /// A message gets its time to live when it is deposited.
    ExpiryAtDeposit,
    /// A sweep continues without checking its lease.
    LeaseNotChecked,
    /// A message stays in the cache after it was taken from there.
    CacheNotInvalidated,
    /// A deposit overwrites an existing message.
    DuplicateOverwrites,
}
