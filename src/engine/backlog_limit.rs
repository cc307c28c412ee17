//! The limit for outstanding messages. The current number is estimated as the last count in the table plus the deposits
//! of this process since that count, minus its dispatches.

use crate::model::error::{Error, ErrorCode, Result};
use crate::sys::sync::Mutex;
use std::sync::Arc;

/// The limit, and the known number of outstanding messages.
pub(crate) struct BacklogLimit {
    /// The maximum number of outstanding messages, or 0 for no limit.
    most: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last count in the table, or 0 before the first count.
    counted: i64,
    /// The value of [`Outbox::outstanding_change`](crate::outbox::Outbox::outstanding_change) when that count started.
    change_then: i64,
    /// The number of messages that are being deposited.
    reserved: i64,
}

impl BacklogLimit {
    pub(crate) fn new(most: u64) -> Arc<Self> {
        Arc::new(Self { most, state: Mutex::default() })
    }

    /// Notes a count in the table. `change_then` is the value of the change by this process when the count started.
    pub(crate) fn counted(&self, count: u64, change_then: i64) {
        let mut state = self.state.lock();
        state.counted = i64::try_from(count).unwrap_or(i64::MAX);
        state.change_then = change_then;
    }
}

/// Reserved room for messages that are being deposited. The room is released when this value is dropped. Messages that
/// were written by then are counted in the change by this process.
pub(crate) struct Reserved {
    limit: Arc<BacklogLimit>,
    messages: i64,
}

impl Reserved {
    pub(crate) fn none(limit: &Arc<BacklogLimit>) -> Self {
        Self { limit: Arc::clone(limit), messages: 0 }
    }

    /// Reserves room for more messages.
    ///
    /// # Errors
    /// Returns [`ErrorCode::OutboxLimitReached`] if there is not enough room.
    pub(crate) fn add(&mut self, messages: usize, change: i64) -> Result<()> {
        if self.limit.most == 0 {
            return Ok(());
        }
        let messages = i64::try_from(messages).unwrap_or(i64::MAX);
        let most = i64::try_from(self.limit.most).unwrap_or(i64::MAX);
        let mut state = self.limit.state.lock();
        let outstanding = state.counted.saturating_add(change.saturating_sub(state.change_then)).max(0);
        let promised = outstanding.saturating_add(state.reserved);
        if promised.saturating_add(messages) > most {
            return Err(Error::new(
                ErrorCode::OutboxLimitReached,
                format!(
                    "{promised} messages are outstanding, and with {messages} more they would be more than max_outstanding allows ({most}): find out why they are not sent, or raise max_outstanding"
                ),
            )
            .retryable());
        }
        state.reserved += messages;
        self.messages += messages;
        Ok(())
    }

    /// Moves the room of another reservation into this reservation.
    pub(crate) fn append(&mut self, other: &mut Self) {
        self.messages += std::mem::take(&mut other.messages);
    }

    /// Releases the room.
    pub(crate) fn release(&mut self) {
        self.limit.state.lock().reserved -= std::mem::take(&mut self.messages);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_later_changes_and_reserved_room_add_up() {
        let limit = BacklogLimit::new(5);
        let rejected = |messages, change| Reserved::none(&limit).add(messages, change).is_err();
        assert!(!rejected(5, 0) && rejected(6, 0), "the limit applies before the first count");
        limit.counted(3, 10);
        assert!(!rejected(2, 10) && rejected(3, 10));
        assert!(!rejected(1, 11) && rejected(2, 11), "one message was deposited since");
        assert!(!rejected(4, 8) && rejected(5, 8), "two messages were dispatched since");
        assert!(!rejected(5, 0), "the number is never negative");
        let mut reserved = Reserved::none(&limit);
        reserved.add(1, 10).unwrap();
        reserved.add(1, 10).unwrap();
        assert!(rejected(1, 10));
        reserved.release();
        assert!(!rejected(2, 10));
        reserved.add(2, 10).unwrap();
        drop(reserved);
        assert!(!rejected(2, 10), "a dropped reservation is released once");
        assert!(Reserved::none(&BacklogLimit::new(0)).add(usize::MAX, 0).is_ok());
    }
}
