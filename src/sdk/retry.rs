//! The delays between the attempts of a request.

use std::time::Duration;

const FIRST_DELAY: Duration = Duration::from_millis(25);
const MAX_DELAY: Duration = Duration::from_secs(1);

/// The attempts of one operation, with exponential delays and full jitter between them.
pub(crate) struct Retry {
    attempt: u64,
    max_attempts: u64,
}

impl Retry {
    pub(crate) fn new(max_attempts: u64) -> Self {
        Self { attempt: 1, max_attempts }
    }

    /// Waits before the next attempt. Returns `false` immediately if no attempt is left.
    pub(crate) async fn again(&mut self) -> bool {
        if self.attempt >= self.max_attempts {
            return false;
        }
        Self::pause(self.attempt).await;
        self.attempt += 1;
        true
    }

    /// Waits for the delay that follows this number of attempts.
    pub(crate) async fn pause(attempts: u64) {
        let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
        let ceiling = FIRST_DELAY.saturating_mul(1 << doublings).min(MAX_DELAY);
        crate::sys::clock::sleep(ceiling.mul_f64(fastrand::f64())).await;
    }
}
