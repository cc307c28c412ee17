//! Replacements for builds without `cfg(postbox_simulation)`, which use the clock of the system and add no mistakes.

use crate::sys::simulation::Mutation;
use std::future::Ready;
use std::time::{Duration, Instant, SystemTime};

pub(crate) fn instant() -> Option<Instant> {
    None
}

pub(crate) fn system_time() -> Option<SystemTime> {
    None
}

pub(crate) fn sleep(_: Duration) -> Option<Ready<()>> {
    None
}

pub(crate) fn mutated(_: Mutation) -> bool {
    false
}

pub(crate) fn random_bytes() -> Option<[u8; 16]> {
    None
}

pub(crate) fn next_tick(_: impl FnOnce(i64) -> i64) -> Option<i64> {
    None
}
