//! Clocks, random ids, locks and threads of the system, or of a simulation.

pub(crate) mod client_log;
pub(crate) mod clock;
pub(crate) mod descriptors;
#[cfg(feature = "embedded")]
pub(crate) mod fork;
pub(crate) mod park;
pub(crate) mod random;
pub(crate) mod scope;
#[cfg(postbox_simulation)]
#[doc(hidden)]
pub mod simulation;
#[cfg(not(postbox_simulation))]
pub(crate) mod simulation;
pub(crate) mod sync;
pub(crate) mod threads;
