//! The receiver of the log messages of one client. Each thread that works for the client carries the receiver, so that a
//! log message of the thread can be passed to the receiver of the right client.

use std::any::Any;
use std::cell::RefCell;
use std::sync::{Arc, Weak};

/// A receiver, of which only the C interface knows the type.
type Receiver = dyn Any + Send + Sync;

thread_local! {
    /// The receiver of the client for which this thread works. Only the guard keeps it alive, because the guards of a host
    /// that switches stacks end in any order.
    static CURRENT: RefCell<Option<Weak<Receiver>>> = const { RefCell::new(None) };
}

/// The receiver of a client, or nothing for a client without one.
#[derive(Clone, Default)]
pub(crate) struct ClientLog(Option<Arc<Receiver>>);

/// A guard that marks this thread as working for a client, until the guard is dropped.
pub(crate) struct Entered {
    before: Option<Weak<Receiver>>,
    _log: ClientLog,
}

impl ClientLog {
    #[cfg(feature = "capi")]
    pub(crate) fn new(receiver: Arc<Receiver>) -> Self {
        Self(Some(receiver))
    }

    /// Returns the receiver of the client for which this thread works.
    pub(crate) fn current() -> Self {
        let current = CURRENT.try_with(|current| current.borrow().as_ref().and_then(Weak::upgrade));
        Self(current.ok().flatten())
    }

    #[cfg(feature = "capi")]
    pub(crate) fn receiver(&self) -> Option<&Arc<Receiver>> {
        self.0.as_ref()
    }

    /// Lets this thread work for the client, until the guard is dropped.
    pub(crate) fn enter(self) -> Entered {
        Entered { before: replace(self.0.as_ref().map(Arc::downgrade)), _log: self }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        replace(self.before.take());
    }
}

/// Sets the receiver of this thread, and returns the earlier one. Does nothing while the thread ends.
fn replace(receiver: Option<Weak<Receiver>>) -> Option<Weak<Receiver>> {
    CURRENT.try_with(|current| current.replace(receiver)).ok().flatten()
}
