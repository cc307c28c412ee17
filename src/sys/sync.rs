//! What the hand-written synchronisation is made of. `tests/interleavings.rs` compiles those files
//! again with a scheduler's own locks and threads in this place.

pub(crate) use crate::sys::clock::now;
pub(crate) use std::sync::atomic::{AtomicBool, Ordering};
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
pub(crate) use std::thread::{Thread, current, park_timeout};
