//! The gate of a Postbox. It counts the running calls, and rejects new calls after it was closed.

use crate::sys::clock::now;
use crate::sys::sync::{Condvar, Mutex};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A gate. A new gate is open.
#[derive(Default)]
pub(crate) struct Gate(Arc<Calls>);

#[derive(Default)]
struct Calls {
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    calls: usize,
}

/// A running call, which ends when this value is dropped.
pub(crate) struct Call(Arc<Calls>);

impl Drop for Call {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.calls -= 1;
        if state.closed && state.calls == 0 {
            self.0.idle.notify_all();
        }
    }
}

impl Gate {
    /// Registers a running call, or returns `None` if the gate is closed.
    pub(crate) fn enter(&self) -> Option<Call> {
        let mut state = self.0.state.lock();
        if state.closed {
            return None;
        }
        state.calls += 1;
        Some(Call(Arc::clone(&self.0)))
    }

    /// Closes the gate and waits for the running calls. Returns whether they ended by the deadline.
    pub(crate) fn close(&self, deadline: Instant) -> bool {
        let mut state = self.0.state.lock();
        state.closed = true;
        let remaining: Duration = deadline.saturating_duration_since(now());
        let state = self.0.idle.wait_timeout_while(state, remaining, |state| state.calls > 0);
        state.calls == 0
    }

    /// Closes the gate without waiting for the running calls.
    pub(crate) fn shut(&self) {
        self.0.state.lock().closed = true;
    }

    /// Returns the number of running calls.
    pub(crate) fn count(&self) -> usize {
        self.0.state.lock().calls
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.state.lock().closed
    }
}
