//! The positions in the index of outstanding messages at which the polls of this process continue. A poll reads a few
//! small pages of the index to find the lanes that have messages to send.

use crate::model::item::Item;
use crate::sys::sync::{Mutex, MutexGuard};

/// The number of pages that a poll reads one after another. The index is divided into more segments, which are read at
/// the same time, if it has more pages.
pub(crate) const PAGES_IN_SEQUENCE: usize = 8;
/// The maximum number of segments.
pub(crate) const MAX_SEGMENTS: usize = 8;
/// The interval at which a poll also searches for messages without a shard, as a number of polls.
const UNSHARDED_EVERY: u64 = 12;

/// The positions of the polls, and what the polls have found out about the index.
#[derive(Default)]
pub(crate) struct Polling(Mutex<State>);

#[derive(Default)]
struct State {
    polls: u64,
    /// The start key of each segment, which is `None` at the start of the segment.
    segments: Vec<Option<Item>>,
    /// The start key of the next search for messages without a shard.
    unsharded_from: Option<Item>,
    /// Whether DynamoDB has rejected a start key that Postbox had constructed, so that only the keys that pages return
    /// are used.
    reads_page_by_page: bool,
}

/// The positions at which a poll starts.
#[derive(Debug)]
pub(crate) struct Starts {
    /// The start keys of the segments.
    pub(crate) segments: Vec<Option<Item>>,
    /// The start key of a search for messages without a shard, or `None` if this poll does not search for them.
    pub(crate) unsharded: Option<Option<Item>>,
    /// Whether this is the first poll of this process.
    pub(crate) is_first: bool,
}

impl Polling {
    /// Starts a poll.
    pub(crate) fn start(&self) -> Starts {
        let mut state = self.lock();
        let is_first = state.polls == 0;
        let unsharded = state.polls.is_multiple_of(UNSHARDED_EVERY).then(|| state.unsharded_from.take());
        state.polls += 1;
        // A poll that fails does not end, so that the next poll reads the index from its start.
        let segments = std::mem::take(&mut state.segments);
        Starts { segments: if segments.is_empty() { vec![None] } else { segments }, unsharded, is_first }
    }

    /// Notes the start key of the next search for messages without a shard.
    pub(crate) fn searched(&self, next: Option<Item>) {
        self.lock().unsharded_from = next;
    }

    /// Notes the end of a poll that read this number of pages, with the start keys of the next poll. The number of
    /// pages determines the number of segments of the next poll.
    pub(crate) fn end(&self, segments: Vec<Option<Item>>, pages: usize) {
        let count = pages.div_ceil(PAGES_IN_SEQUENCE).clamp(1, MAX_SEGMENTS);
        // The segments differ if their number differs, so the next poll reads them from their start.
        self.lock().segments = if count == segments.len() { segments } else { vec![None; count] };
    }

    pub(crate) fn reads_page_by_page(&self) -> bool {
        self.lock().reads_page_by_page
    }

    pub(crate) fn read_page_by_page(&self) {
        self.lock().reads_page_by_page = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_segments_follows_the_number_of_pages() {
        let polling = Polling::default();
        for (pages, segments) in [(1, 1), (8, 1), (9, 2), (64, 8), (71, 8), (0, 1)] {
            polling.end(Vec::new(), pages);
            assert_eq!(polling.start().segments.len(), segments, "{pages}");
        }
    }

    #[test]
    fn a_poll_continues_where_the_last_one_ended() {
        let polling = Polling::default();
        let key = Some(Item::new());
        polling.end(vec![key.clone()], 5);
        assert_eq!(polling.start().segments, [key]);
    }

    #[test]
    fn every_twelfth_poll_searches_for_messages_without_a_shard() {
        let polling = Polling::default();
        let searches: Vec<bool> = (0..25).map(|_| polling.start().unsharded.is_some()).collect();
        let expected: Vec<bool> = (0..25).map(|poll| poll % 12 == 0).collect();
        assert_eq!(searches, expected);
    }
}
