//! Cancellation of an operation, from any thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request to stop an operation early. Any thread can make the request.
///
/// Clones share the request. Keep one clone to cancel the operation, and pass another clone to
/// [`Postbox::clear_outbox_with`](crate::Postbox::clear_outbox_with), [`sweep_with`](crate::Postbox::sweep_with) or
/// [`archive_with`](crate::Postbox::archive_with).
///
/// ```
/// let cancel = postbox::CancelToken::new();
/// let elsewhere = cancel.clone();
/// std::thread::spawn(move || elsewhere.cancel()).join().unwrap();
/// assert!(cancel.is_canceled());
/// ```
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Creates a token that is not canceled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the operations that hold this token to stop. They finish the current call to a producer or archive, and
    /// start no further calls.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether [`cancel`](Self::cancel) was called.
    pub fn is_canceled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
