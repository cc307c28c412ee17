//! Threads that borrow from the function that starts them, as in [`std::thread::scope`]. A forked child has none of these
//! threads, so it does not wait for them.

#![allow(unsafe_code)] // To start threads that borrow.

use crate::sys::sync::{Condvar, Mutex};
use crate::sys::threads;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// A scope in which threads can be started. The scope ends after all of its threads have ended.
pub(crate) struct Scope<'scope, 'env: 'scope> {
    threads: Arc<Threads>,
    // As in the standard library, the lifetimes are invariant.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// The threads of a scope.
#[derive(Default)]
struct Threads {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: usize,
    /// Whether one of the threads has panicked.
    panicked: bool,
}

/// A guard of a thread. Dropping the guard reports the end of the thread, even after a panic.
struct Running(Arc<Threads>);

impl Running {
    fn begin(threads: &Arc<Threads>) -> Self {
        threads.state.lock().running += 1;
        Self(Arc::clone(threads))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.running -= 1;
        state.panicked |= std::thread::panicking();
        self.0.changed.notify_all();
    }
}

/// A guard of a scope. Dropping the guard waits for the threads, unless this process was forked in the scope.
struct End {
    threads: Arc<Threads>,
    process: u32,
}

impl End {
    /// Waits for the threads. Returns whether one of them has panicked.
    fn wait(&self) -> bool {
        if std::process::id() != self.process {
            return false;
        }
        let mut state = self.threads.state.lock();
        while state.running > 0 {
            state = self.threads.changed.wait_timeout_while(state, Duration::MAX, |state| state.running > 0);
        }
        state.panicked
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.wait();
    }
}

/// Runs `work`, and waits for the threads that it starts in the scope. Panics if one of them has panicked.
pub(crate) fn scope<'env, T>(work: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T) -> T {
    let threads = Arc::<Threads>::default();
    let end = End { threads: Arc::clone(&threads), process: std::process::id() };
    let scope = Scope { threads, scope: PhantomData, env: PhantomData };
    let result = work(&scope);
    assert!(!end.wait(), "a thread panicked");
    result
}

impl<'scope> Scope<'scope, '_> {
    /// Starts a thread with this name, as [`threads::spawn`] does.
    pub(crate) fn spawn(&'scope self, name: &str, body: impl FnOnce() + Send + 'scope) -> io::Result<()> {
        let running = Running::begin(&self.threads);
        let body = move || {
            // The guard is dropped after `body` and all that it has borrowed.
            let _running = running;
            body();
        };
        // SAFETY: `body` may borrow for `'scope`, which lasts until `scope` returns or unwinds. Before that, `scope` waits
        // for the end of `body`. In a forked child, it does not wait, but the child does not have this thread.
        threads::start(name, |builder| unsafe { builder.spawn_unchecked(body) }).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    #[test]
    fn a_scope_waits_for_its_threads() {
        let (ended, (release, released)) = (AtomicUsize::new(0), mpsc::channel::<()>());
        scope(|scope| {
            let ended = &ended;
            scope
                .spawn("first", move || {
                    let _ = released.recv();
                    scope.spawn("second", || ended.store(1, Ordering::SeqCst)).unwrap();
                })
                .unwrap();
            drop(release);
        });
        assert_eq!(ended.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_panic_of_a_thread_or_of_the_caller_is_a_panic_of_the_scope() {
        let ended = AtomicUsize::new(0);
        let thread = catch_unwind(AssertUnwindSafe(|| {
            scope(|scope| scope.spawn("panics", || panic!("boom")).unwrap());
        }));
        let caller = catch_unwind(AssertUnwindSafe(|| {
            scope(|scope| {
                scope.spawn("ends", || ended.store(1, Ordering::SeqCst)).unwrap();
                panic!("boom");
            });
        }));
        assert!(thread.is_err() && caller.is_err());
        assert_eq!(ended.load(Ordering::SeqCst), 1, "the scope waits before it unwinds");
    }
}
