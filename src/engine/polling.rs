//! The positions in the index of outstanding messages at which the polls of this process continue. A poll reads a few
//! small pages of the index to find the lanes that have messages to send.

use crate::outbox::pages::PageStart;
use crate::sys::sync::{Mutex, MutexGuard};

/// The number of pages that a poll reads one after another. The index is divided into more segments, which are read at
/// the same time, if it has more pages.
pub(crate) const PAGES_IN_SEQUENCE: usize = 8;
/// The maximum number of segments.
pub(crate) const MAX_SEGMENTS: usize = 8;
/// The interval at which a poll reads pages of the usual size although the last poll found nothing new, as a number of
/// polls. A page can then show a message with another producer behind messages that this process cannot send.
const USUAL_PAGES_EVERY: u64 = 60;
/// The number of messages in a page of the index.
pub(crate) const PAGE: i32 = 25;
/// The number of messages in a page if the last poll found nothing new.
pub(crate) const SMALL_PAGE: i32 = 5;
/// The interval at which a poll also searches for messages without a shard, as a number of polls.
const UNSHARDED_EVERY: u64 = 12;

/// The positions of the polls, and what the polls have found out about the index.
#[derive(Default)]
pub(crate) struct Polling(Mutex<State>);

#[derive(Default)]
struct State {
    polls: u64,
    /// The start of the next page of each segment, which is `None` at the start of the segment.
    segments: Vec<Option<PageStart>>,
    /// The start of the next search for messages without a shard.
    unsharded_from: Option<PageStart>,
    /// Whether the last search found messages without a shard.
    has_unsharded: bool,
    /// Whether DynamoDB has rejected a start key that Postbox had constructed, so that only the keys that pages return
    /// are used.
    reads_page_by_page: bool,
    /// Whether the last poll found only messages that are known to wait, or that this process cannot send.
    is_quiet: bool,
}

/// The positions at which a poll starts.
#[derive(Debug)]
pub(crate) struct Starts {
    /// The starts of the next pages of the segments.
    pub(crate) segments: Vec<Option<PageStart>>,
    /// The search for messages without a shard, or `None` if this poll does not search for them.
    pub(crate) unsharded: Option<UnshardedSearch>,
    /// Whether this is the first poll of this process.
    pub(crate) is_first: bool,
    /// The maximum number of messages in a page.
    pub(crate) page_size: i32,
}

/// A search for messages without a shard.
#[derive(Debug)]
pub(crate) enum UnshardedSearch {
    /// The search reads the page with this start.
    From(Option<PageStart>),
    /// The search reads all pages, because an earlier search found such a message, which may not be sent yet.
    All,
}

impl Polling {
    /// Starts a poll.
    pub(crate) fn start(&self) -> Starts {
        let mut state = self.lock();
        let is_first = state.polls == 0;
        let unsharded = state.polls.is_multiple_of(UNSHARDED_EVERY).then(|| match state.has_unsharded {
            true => UnshardedSearch::All,
            false => UnshardedSearch::From(state.unsharded_from.clone()),
        });
        state.polls += 1;
        // A poll that fails does not end, so that the next poll reads the index from its start.
        let segments = std::mem::take(&mut state.segments);
        // Without jumps, small pages would need more requests.
        let is_small =
            state.is_quiet && !state.reads_page_by_page && !(state.polls - 1).is_multiple_of(USUAL_PAGES_EVERY);
        Starts {
            segments: if segments.is_empty() { vec![None] } else { segments },
            unsharded,
            is_first,
            page_size: if is_small { SMALL_PAGE } else { PAGE },
        }
    }

    /// Notes the end of a search for messages without a shard: the start of the next search, and whether messages
    /// were found.
    pub(crate) fn searched(&self, next: Option<PageStart>, has_found: bool) {
        let mut state = self.lock();
        state.unsharded_from = next;
        state.has_unsharded = has_found;
    }

    /// Notes the end of a poll that read this number of pages, with the starts of the next poll. If the poll has
    /// read all segments to their ends, the number of pages determines the number of segments of the next poll.
    pub(crate) fn end(&self, segments: Vec<Option<PageStart>>, pages: usize, is_complete: bool) {
        let count = pages.div_ceil(PAGES_IN_SEQUENCE).clamp(1, MAX_SEGMENTS);
        // The segments differ if their number differs, so the next poll reads them from their start.
        let keeps = !is_complete || count == segments.len();
        self.lock().segments = if keeps { segments } else { vec![None; count] };
    }

    /// Notes whether a poll found only messages that are known to wait, or that this process cannot send. The pages of
    /// the next poll are then smaller, because they only show whether there are other lanes.
    pub(crate) fn found_nothing_new(&self, is_quiet: bool) {
        self.lock().is_quiet = is_quiet;
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
    use crate::model::item::Item;

    fn start() -> PageStart {
        PageStart::at(Item::new())
    }

    #[test]
    fn the_number_of_segments_follows_the_number_of_pages() {
        let polling = Polling::default();
        for (pages, segments) in [(1, 1), (8, 1), (9, 2), (64, 8), (71, 8), (0, 1)] {
            polling.end(Vec::new(), pages, true);
            assert_eq!(polling.start().segments.len(), segments, "{pages}");
        }
    }

    #[test]
    fn a_poll_continues_where_an_incomplete_one_ended() {
        let polling = Polling::default();
        let keys = vec![Some(start()), None];
        polling.end(keys.clone(), 50, false);
        assert_eq!(polling.start().segments, keys);
        assert_eq!(polling.start().segments, [None], "a poll that failed has no end");
    }

    #[test]
    fn a_search_reads_all_pages_while_messages_without_a_shard_are_found() {
        let polling = Polling::default();
        polling.searched(Some(start()), false);
        assert!(matches!(polling.start().unsharded, Some(UnshardedSearch::From(Some(_)))));
        polling.searched(None, true);
        let later = (0..12).filter_map(|_| polling.start().unsharded).last();
        assert!(matches!(later, Some(UnshardedSearch::All)));
    }

    #[test]
    fn pages_are_small_after_a_poll_that_found_nothing_new() {
        let polling = Polling::default();
        polling.found_nothing_new(true);
        let sizes = || (0..60).map(|_| polling.start().page_size).collect::<Vec<_>>();
        assert_eq!(sizes(), [vec![PAGE], vec![SMALL_PAGE; 59]].concat());
        polling.found_nothing_new(false);
        assert_eq!(sizes(), [PAGE; 60]);
    }

    #[test]
    fn every_twelfth_poll_searches_for_messages_without_a_shard() {
        let polling = Polling::default();
        let searches: Vec<bool> = (0..25).map(|_| polling.start().unsharded.is_some()).collect();
        let expected: Vec<bool> = (0..25).map(|poll| poll % 12 == 0).collect();
        assert_eq!(searches, expected);
    }
}
