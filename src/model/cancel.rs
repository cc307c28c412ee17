//! Cancellation of an operation, from any thread.

use std::fmt::{self, Debug, Formatter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

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
#[derive(Clone, Default)]
pub struct CancelToken(Arc<Request>);

#[derive(Default)]
struct Request {
    is_canceled: AtomicBool,
    /// A function that the thread of an operation calls while it waits for other threads. It may cancel the token.
    on_wait: OnceLock<Box<OnWait>>,
}

type OnWait = dyn Fn() + Send + Sync;

impl CancelToken {
    /// Creates a token that is not canceled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the operations that hold this token to stop. They finish the current call to a producer or archive, and
    /// start no further calls.
    pub fn cancel(&self) {
        self.0.is_canceled.store(true, Ordering::Relaxed);
    }

    /// Returns whether [`cancel`](Self::cancel) was called.
    pub fn is_canceled(&self) -> bool {
        self.0.is_canceled.load(Ordering::Relaxed)
    }

    /// Sets the function that the thread of an operation calls while it waits for other threads. Returns whether it was
    /// set, which is possible only once.
    #[cfg(feature = "capi")]
    pub(crate) fn on_wait(&self, function: Box<OnWait>) -> bool {
        self.0.on_wait.set(function).is_ok()
    }

    /// Calls the function of the host program for a thread that waits, if there is one.
    pub(crate) fn waits(&self) {
        if let Some(on_wait) = self.0.on_wait.get() {
            on_wait();
        }
    }
}

impl Debug for CancelToken {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelToken").field(&self.is_canceled()).finish()
    }
}
