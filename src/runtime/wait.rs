//! How a caller waits for its future: polled on this thread, which is parked in between.

use crate::sys::park::Parking;
use crate::sys::sync::now;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Instant;

/// How the wait ended.
pub(crate) enum Waited<T> {
    Done(T),
    /// Nobody waits for this call any longer.
    Abandoned,
    TimedOut,
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
