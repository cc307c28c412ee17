//! How long to wait before a request is tried again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(25);
const LONGEST: Duration = Duration::from_secs(1);

/// Counts the attempts of one operation and waits between them: exponential, with full jitter.
pub(crate) struct Backoff {
    attempt: u64,
    max_attempts: u64,
}

impl Backoff {
    pub(crate) fn new(max_attempts: u64) -> Self {
        Self { attempt: 1, max_attempts }
    }

    /// Waits before the next attempt; `false`, at once, when there is none left.
    pub(crate) async fn again(&mut self) -> bool {
        if self.attempt >= self.max_attempts {
            return false;
        }
        let doublings = u32::try_from(self.attempt - 1).unwrap_or(u32::MAX).min(16);
        let ceiling = FIRST.saturating_mul(1 << doublings).min(LONGEST);
        self.attempt += 1;
        crate::sys::clock::sleep(ceiling.mul_f64(fastrand::f64())).await;
        true
    }
}
