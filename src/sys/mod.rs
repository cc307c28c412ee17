//! Clock, chance, locks and threads: the system's, or those of a simulation.

pub(crate) mod clock;
pub(crate) mod park;
pub(crate) mod random;
#[cfg(feature = "simulation")]
#[doc(hidden)]
pub mod simulation;
#[cfg(not(feature = "simulation"))]
pub(crate) mod simulation;
pub(crate) mod sync;
