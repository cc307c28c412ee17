//! Delays a fork until no thread of the process uses the embedded database. SQLite has locks that belong to the
//! process. A child that was forked while another thread held one of them could never open a database.

#![allow(unsafe_code)] // To register functions for a fork.

use std::cell::RefCell;
use std::sync::{Once, PoisonError, RwLock, RwLockWriteGuard};

/// Threads hold this lock for reading while they use the embedded database. A thread that forks holds it for writing.
static IN_USE: RwLock<()> = RwLock::new(());
static REGISTERED: Once = Once::new();

thread_local! {
    /// The lock while this thread forks.
    static FORKING: RefCell<Option<RwLockWriteGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Runs `work`, which uses the embedded database. A fork on another thread waits until `work` returns. `work` itself must
/// not fork.
pub(crate) fn without_fork<T>(work: impl FnOnce() -> T) -> T {
    REGISTERED.call_once(register);
    let _in_use = IN_USE.read().unwrap_or_else(PoisonError::into_inner);
    work()
}

#[cfg(unix)]
fn register() {
    // SAFETY: the functions match the declaration, and belong to this library, so that the C library forgets them when
    // this library is unloaded. If they cannot be registered for lack of memory, a fork is not delayed.
    unsafe { libc::pthread_atfork(Some(begin), Some(end), Some(end)) };
}

#[cfg(not(unix))]
fn register() {}

#[cfg(unix)]
extern "C" fn begin() {
    let forking = IN_USE.write().unwrap_or_else(PoisonError::into_inner);
    // A thread that is ending has no thread-local values any more. The lock is then released at once, and the fork is
    // not delayed further.
    let _ = FORKING.try_with(|held| held.replace(Some(forking)));
}

#[cfg(unix)]
extern "C" fn end() {
    let _ = FORKING.try_with(|held| held.take());
}
