//! Where a caller waits between two polls of its future.

use crate::sys::sync::{AtomicBool, Ordering, Thread, current, park_timeout};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

/// Where a caller waits: what it does between two polls.
pub(crate) trait Parking {
    /// Ends a [`park`](Self::park).
    fn waker(&self) -> Waker;
    fn park(&self, timeout: Duration);
}

/// The caller's thread, which stands still.
pub(crate) struct ThisThread(Arc<Unpark>);

impl ThisThread {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Unpark { thread: current(), is_woken: AtomicBool::new(false) }))
    }
}

impl Parking for ThisThread {
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

/// Wakes a caller that waits for its future.
struct Unpark {
    thread: Thread,
    /// A thread has one token to be unparked by, and what the future calls may park it too, and take that.
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
