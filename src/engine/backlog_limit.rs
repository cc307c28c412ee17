//! The limit of outstanding messages: as counted in the table last, and since then as this process deposits and
//! dispatches them.

use crate::model::error::{Error, ErrorCode, Result};
use crate::sys::sync::Mutex;
use std::sync::Arc;

/// The limit, and what is known of the messages that count.
pub(crate) struct BacklogLimit {
    /// 0: none.
    most: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last count; 0 before the first one.
    counted: i64,
    /// The changes by this process, as [`Outbox::outstanding_change`](crate::outbox::Outbox::outstanding_change) has
    /// them, when that count began.
    change_then: i64,
    /// Messages that are being deposited.
    reserved: i64,
}

impl BacklogLimit {
    pub(crate) fn new(most: u64) -> Arc<Self> {
        Arc::new(Self { most, state: Mutex::default() })
    }

    /// Notes a count, which was started when this process had made this change.
    pub(crate) fn counted(&self, count: u64, change_then: i64) {
        let mut state = self.state.lock();
        state.counted = i64::try_from(count).unwrap_or(i64::MAX);
        state.change_then = change_then;
    }
}

/// Room for messages that are being deposited, until it is dropped: once they are written, they count as such.
pub(crate) struct Reserved {
    limit: Arc<BacklogLimit>,
    messages: i64,
}

impl Reserved {
    pub(crate) fn none(limit: &Arc<BacklogLimit>) -> Self {
        Self { limit: Arc::clone(limit), messages: 0 }
    }

    /// Reserves room for more messages, if there is.
    ///
    /// # Errors
    /// [`ErrorCode::OutboxLimitReached`].
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
                    "{promised} messages are outstanding, and with {messages} more they would be more than max_outstanding allows ({most}): see why they are not sent, or raise it"
                ),
            )
            .retryable());
        }
        state.reserved += messages;
        self.messages += messages;
        Ok(())
    }

    /// Takes the room of another over.
    pub(crate) fn append(&mut self, other: &mut Self) {
        self.messages += std::mem::take(&mut other.messages);
    }

    /// Gives all of the room back.
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
        let refused = |messages, change| Reserved::none(&limit).add(messages, change).is_err();
        assert!(!refused(5, 0) && refused(6, 0), "it holds before the first count");
        limit.counted(3, 10);
        assert!(!refused(2, 10) && refused(3, 10));
        assert!(!refused(1, 11) && refused(2, 11), "one was deposited since");
        assert!(!refused(4, 8) && refused(5, 8), "two were dispatched since");
        assert!(!refused(5, 0), "more were dispatched than were counted: there are none, and not fewer");
        let mut reserved = Reserved::none(&limit);
        reserved.add(1, 10).unwrap();
        reserved.add(1, 10).unwrap();
        assert!(refused(1, 10));
        reserved.release();
        assert!(!refused(2, 10));
        reserved.add(2, 10).unwrap();
        drop(reserved);
        assert!(!refused(2, 10), "what is dropped is given back once");
        assert!(Reserved::none(&BacklogLimit::new(0)).add(usize::MAX, 0).is_ok());
    }
}
