//! The time, timers and random ids of the simulation in `tests/simulation`, and the deliberate mistakes that its oracle
//! must find. This code exists only with `cfg(postbox_simulation)`.

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
    /// The expiry of a message is set when it is deposited.
    ExpiryAtDeposit,
    /// A sweep continues without checking its lease.
    LeaseNotChecked,
    /// A message stays in the cache after it was taken from there.
    CacheNotInvalidated,
    /// A deposit overwrites an existing message.
    DuplicateOverwrites,
    /// A message that waits for its next attempt is sent.
    WaitIgnored,
    /// A failure counts although its drain ended with a pause. A drain is the part of a sweep in which one thread works
    /// on one lane, which is a group of shards of a topic.
    ProbesCounted,
    /// One sent message counts as evidence that the transport works, no matter how many messages failed.
    RatioIgnored,
    /// The pause of a lane is kept in memory only.
    PauseInMemory,
    /// A lease is not renewed while a lane is read.
    RenewedOnlyToSend,
    /// A sweeper leaves half of the lanes to another sweeper, even if there is no other sweeper.
    SharesDealt,
    /// A drain that claims its messages (stores a wait before it sends them) starts with the messages that may have
    /// crashed the last process.
    CrashersFirst,
    /// Messages are sent although no message can be marked.
    SentUnmarked,
    /// A drain that reads only new messages sends them before older, unread messages of their key.
    UnreadOvertaken,
    /// A wait that ends too far in the future is treated as valid.
    FarWaitTrusted,
    /// A lease that ends too far in the future is treated as valid.
    FarLeaseTrusted,
    /// A renewal that arrives late makes the lease end earlier.
    LeaseShortened,
    /// All leases that a Postbox takes have the same id.
    OneLockId,
    /// A message is marked dispatched even if it was replayed after it was sent.
    MarkOverReplay,
    /// A sweep concludes from a single rejected request that the lock table cannot be used.
    RefusalBelieved,
}
