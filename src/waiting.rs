//! How a caller waits for its future: polled on this thread, which is parked in between.

use crate::sync::{Thread, current, park_timeout};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

/// How the wait ended.
pub(crate) enum Waited<T> {
    Done(T),
    /// Nobody waits for this call any longer.
    Abandoned,
    TimedOut,
}

/// Wakes a caller that waits for its future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks until the future is done, or the call is abandoned, or the deadline has passed.
pub(crate) fn wait_for<T>(
    future: impl Future<Output = T>,
    abandoned: impl Future<Output = ()>,
    deadline: Instant,
) -> Waited<T> {
    let waker = Waker::from(Arc::new(Unpark(current())));
    let (mut future, mut abandoned) = (pin!(future), pin!(abandoned));
    let mut context = Context::from_waker(&waker);
    loop {
        if abandoned.as_mut().poll(&mut context).is_ready() {
            return Waited::Abandoned;
        }
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Waited::Done(value);
        }
        let remaining = deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return Waited::TimedOut;
        }
        park_timeout(remaining);
    }
}
