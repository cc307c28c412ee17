//! Clocks and timers of the system, or of a simulation.

use crate::sys::simulation;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

/// Returns the time of the monotonic clock.
pub(crate) fn now() -> Instant {
    simulation::instant().unwrap_or_else(Instant::now)
}

/// Returns the time that has passed since an earlier [`now`].
pub(crate) fn since(then: Instant) -> Duration {
    now().saturating_duration_since(then)
}

/// The correction of the wall clock in milliseconds.
static CORRECTION: AtomicI64 = AtomicI64::new(0);

/// Changes the correction of the wall clock of this process.
pub(crate) fn correct(milliseconds: i64) {
    CORRECTION.store(milliseconds, Ordering::Relaxed);
}

/// Returns the time of day. It is corrected if the clock of this machine is known to be wrong; see `sdk::server_clock`.
pub(crate) fn system_time() -> SystemTime {
    simulation::system_time().unwrap_or_else(|| {
        let (now, correction) = (SystemTime::now(), CORRECTION.load(Ordering::Relaxed));
        let size = Duration::from_millis(correction.unsigned_abs());
        let corrected = if correction < 0 { now.checked_sub(size) } else { now.checked_add(size) };
        corrected.unwrap_or(now)
    })
}

/// A moment on two clocks. The monotonic clock never jumps, but stops while the machine is suspended. The wall clock
/// continues, but can jump. A moment is past when it is past on one of the two clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moment {
    pub(crate) steady: Instant,
    pub(crate) wall: SystemTime,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self { steady: now(), wall: system_time() }
    }

    pub(crate) fn is_past(&self) -> bool {
        now() >= self.steady || system_time() >= self.wall
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self { steady: self.steady + time, wall: self.wall + time }
    }
}

/// Waits for this time.
pub(crate) async fn sleep(time: Duration) {
    match simulation::sleep(time) {
        Some(sleep) => sleep.await,
        None => tokio::time::sleep(time).await,
    }
}

/// Returns the output of the future, or `None` if it is not ready within this time.
pub(crate) async fn timeout<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    unless(sleep(time), future).await
}

/// Runs a future until it is done, or until another future is done. Returns `None` in the second case.
pub(crate) async fn unless<F: Future>(end: impl Future<Output = ()>, future: F) -> Option<F::Output> {
    let (mut future, mut end) = (pin!(future), pin!(end));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}
