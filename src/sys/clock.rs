//! The time and the waiting: the system's, or those of a simulation.

use crate::sys::simulation;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

/// Now, by the clock that never goes back.
pub(crate) fn now() -> Instant {
    simulation::instant().unwrap_or_else(Instant::now)
}

/// How long ago this was.
pub(crate) fn since(then: Instant) -> Duration {
    now().saturating_duration_since(then)
}

/// Now, by the clock that machines agree on.
pub(crate) fn system_time() -> SystemTime {
    simulation::system_time().unwrap_or_else(SystemTime::now)
}

/// Ends after this time.
pub(crate) async fn sleep(time: Duration) {
    match simulation::sleep(time) {
        Some(sleep) => sleep.await,
        None => tokio::time::sleep(time).await,
    }
}

/// What the future gives, if it does within this time.
pub(crate) async fn timeout<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    let (mut future, mut end) = (pin!(future), pin!(sleep(time)));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}
