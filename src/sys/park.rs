//! The wait of a caller between two polls of its future.

use crate::sys::sync::{AtomicBool, Ordering, Thread, current, park_timeout};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

/// A wait of a caller between two polls of its future.
pub(crate) trait Waiter {
    /// Returns a waker that ends a [`park`](Self::park).
    fn waker(&self) -> Waker;
    /// Waits until the waker is called or the timeout has passed.
    fn park(&self, timeout: Duration);
}

/// A waiter that parks the thread of the caller.
pub(crate) struct ThisThread(Arc<Unpark>);

impl ThisThread {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Unpark { thread: current(), is_woken: AtomicBool::new(false) }))
    }
}

impl Waiter for ThisThread {
    fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.0))
    }

    fn park(&self, timeout: Duration) {
        if !self.0.is_woken.swap(false, Ordering::SeqCst) {
            park_timeout(timeout);
            self.0.is_woken.swap(false, Ordering::SeqCst);
        }
    }
}

/// The waker of a parked thread.
struct Unpark {
    thread: Thread,
    /// Whether the waker was called. The `unpark` token of the thread does not show this reliably, because code inside
    /// the future may park the thread too and take the token.
    is_woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}
