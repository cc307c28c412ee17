//! The wait of a caller for its future. The future is polled on the thread of the caller.

use crate::sys::clock::now;
use crate::sys::park::Waiter;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Instant;

/// The result of a wait.
pub(crate) enum Waited<T> {
    Done(T),
    /// The runtime was closed and no longer waits for this call.
    Abandoned,
    TimedOut,
}

/// Blocks until the future is done, or the call is abandoned, or the deadline has passed.
pub(crate) fn wait_for<T>(
    future: impl Future<Output = T>,
    abandoned: impl Future<Output = ()>,
    deadline: Instant,
    waiter: &impl Waiter,
) -> Waited<T> {
    let waker = waiter.waker();
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
        waiter.park(remaining);
    }
}
