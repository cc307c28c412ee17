//! The ids of committed messages that are to be sent without a call to clear.

use crate::model::cancel::CancelToken;
use crate::sys::clock;
use crate::sys::sync::{Condvar, Mutex};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The maximum number of ids that wait. Further messages are left to the sweeps.
const MAX_WAITING: usize = 1000;
/// The maximum time for which an id waits. After this time, its message is left to the sweeps.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// A bounded queue from the threads that commit to the thread that sends.
#[derive(Default)]
pub(crate) struct Committed {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ids: VecDeque<(String, Instant)>,
    /// Whether a thread is running that takes ids from the queue.
    is_served: bool,
}

impl Committed {
    /// Allows ids to be added, because a thread now takes them.
    pub(crate) fn open(&self) {
        self.state.lock().is_served = true;
    }

    /// Forgets the ids, and wakes the thread that takes them. Call this after the token of the thread was canceled.
    pub(crate) fn close(&self) {
        // The lock ensures that the thread has either not checked the token yet or is already waiting.
        let mut state = self.state.lock();
        state.is_served = false;
        state.ids.clear();
        self.changed.notify_all();
    }

    /// Adds ids, if there is a thread that takes them.
    pub(crate) fn add(&self, ids: impl IntoIterator<Item = String>) {
        let now = clock::now();
        let mut state = self.state.lock();
        if !state.is_served {
            return;
        }
        let room = MAX_WAITING.saturating_sub(state.ids.len());
        state.ids.extend(ids.into_iter().take(room).map(|id| (id, now)));
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for ids and returns up to this number of them. Returns `None` once the token is canceled.
    pub(crate) fn next(&self, limit: usize, cancel: &CancelToken) -> Option<Vec<String>> {
        const LONG: Duration = Duration::from_secs(3600);
        loop {
            let mut state = self.state.lock();
            if cancel.is_canceled() {
                return None;
            }
            let now = clock::now();
            let next = state.ids.len().min(limit);
            let young = state.ids.drain(..next).filter(|(_, since)| now.saturating_duration_since(*since) <= MAX_WAIT);
            let ids: Vec<String> = young.map(|(id, _)| id).collect();
            if !ids.is_empty() {
                return Some(ids);
            }
            if state.ids.is_empty() {
                drop(
                    self.changed.wait_timeout_while(state, LONG, |state| state.ids.is_empty() && !cancel.is_canceled()),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|id| id.to_string()).collect()
    }

    #[test]
    fn ids_are_taken_in_order_while_a_thread_serves_them() {
        let (committed, cancel) = (Committed::default(), CancelToken::new());
        committed.add(ids(0..1));
        committed.open();
        assert!(committed.state.lock().ids.is_empty(), "nobody took them then");
        committed.add(ids(0..5));
        assert_eq!(committed.next(3, &cancel), Some(ids(0..3)));
        assert_eq!(committed.next(3, &cancel), Some(ids(3..5)));
        committed.add(ids(0..2));
        cancel.cancel();
        committed.close();
        assert_eq!(committed.next(3, &cancel), None);
        committed.add(ids(0..1));
        assert!(committed.state.lock().ids.is_empty(), "nobody takes them any more");
    }

    #[test]
    fn the_queue_is_bounded_and_forgets_old_ids() {
        let (committed, cancel) = (Committed::default(), CancelToken::new());
        committed.open();
        committed.add(ids(0..MAX_WAITING + 1));
        assert_eq!(committed.state.lock().ids.len(), MAX_WAITING);
        let long_ago = clock::now() - MAX_WAIT * 2;
        committed.state.lock().ids.iter_mut().take(10).for_each(|(_, since)| *since = long_ago);
        assert_eq!(committed.next(20, &cancel), Some(ids(10..20)));
    }
}
