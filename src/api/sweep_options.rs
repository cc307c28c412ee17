//! Options of a sweep.

use crate::model::cancel::CancelToken;
use crate::model::report::{DispatchReport, OnBatch};

/// Options of [`Postbox::sweep_with`](crate::Postbox::sweep_with).
///
/// ```
/// use postbox::{CancelToken, Postbox, SweepOptions};
///
/// # fn main() -> postbox::Result<()> {
/// # let postbox = Postbox::builder().embedded_path(":memory:").open()?;
/// let cancel = CancelToken::new(); // another thread may cancel a clone of it
/// let mut batches = 0;
/// let report = postbox.sweep_with(
///     SweepOptions::new().topic("greeting.made").cancel(&cancel).on_batch(|_| batches += 1),
/// )?;
/// assert_eq!((report.found, batches), (0, 0));
/// # Ok(()) }
/// ```
#[must_use = "options do nothing until they are passed to sweep_with"]
pub struct SweepOptions<'a> {
    pub(super) topic: Option<&'a str>,
    pub(super) cancel: CancelToken,
    pub(super) on_batch: Box<OnBatch<'a>>,
}

impl<'a> SweepOptions<'a> {
    /// Creates options for a sweep of all topics.
    pub fn new() -> Self {
        Self { topic: None, cancel: CancelToken::new(), on_batch: Box::new(|_| {}) }
    }

    /// Sweeps only this topic.
    pub fn topic(mut self, topic: &'a str) -> Self {
        self.topic = Some(topic);
        self
    }

    /// Stops the sweep when the token is canceled. Any thread can cancel the token. Messages that were found and not
    /// tried have the outcome [`DispatchOutcome::Skipped`](crate::DispatchOutcome::Skipped).
    pub fn cancel(mut self, cancel: &CancelToken) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// Calls a function with the report of each batch, on the thread that sent the batch.
    pub fn on_batch(mut self, on_batch: impl FnMut(&DispatchReport) + Send + 'a) -> Self {
        self.on_batch = Box::new(on_batch);
        self
    }
}

impl Default for SweepOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for SweepOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SweepOptions").field("topic", &self.topic).field("cancel", &self.cancel).finish_non_exhaustive()
    }
}
