//! How a caller waits for its future: polled on this thread, which is parked in between.

use crate::sync::{AtomicBool, Ordering, Thread, current, now, park_timeout};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// How the wait ended.
pub(crate) enum Waited<T> {
    Done(T),
    /// Nobody waits for this call any longer.
    Abandoned,
    TimedOut,
}

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

/// Blocks until the future is done, or the call is abandoned, or the deadline has passed.
pub(crate) fn wait_for<T>(
    future: impl Future<Output = T>,
    abandoned: impl Future<Output = ()>,
    deadline: Instant,
    parking: &impl Parking,
) -> Waited<T> {
    let waker = parking.waker();
    let (mut future, mut abandoned) = (pin!(future), pin!(abandoned));
    let mut context = Context::from_waker(&waker);
    loop {
        if abandoned.as_mut().poll(&mut context).is_ready() {
            return Waited::Abandoned;
        }
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Waited::Done(value);
        }
        let remaining = deadline.saturating_duration_since(now());
        if remaining.is_zero() {
            return Waited::TimedOut;
        }
        parking.park(remaining);
    }
}
