//! The pages of a query or a scan. DynamoDB ends every read: the last keys of its pages are in the order of the index, so that
//! none occurs twice. Another server, or a proxy that repeats a response, could return pages for ever.

use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::Item;
use sha2::{Digest, Sha256};

/// The maximum number of consecutive pages for which the server evaluated no item. DynamoDB evaluates items for almost every
/// page; a filter that no item matches leaves a page empty, but its items were evaluated.
const MAX_IDLE_PAGES: u32 = 100;

/// The start of a page, with the state that shows whether the read makes progress.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PageStart {
    key: Item,
    /// The fingerprint of an earlier key. It is replaced after 1, 2, 4, 8 pages and so on, so that a cycle of any length is
    /// found with a single fingerprint.
    checkpoint: u64,
    /// The number of pages after which the checkpoint is replaced.
    distance: u64,
    /// The number of pages since the checkpoint.
    pages: u64,
    /// The number of last pages for which no item was evaluated.
    idle: u32,
}

impl PageStart {
    pub(crate) fn at(key: Item) -> Self {
        Self { checkpoint: fingerprint(&key), key, distance: 1, pages: 0, idle: 0 }
    }

    /// Returns the start of a page after a cursor, which contains a key and the numbers of [`progress`](Self::progress).
    pub(crate) fn resumed(key: Item, (checkpoint, distance, pages): (u64, u64, u64)) -> Self {
        Self { key, checkpoint, distance, pages, idle: 0 }
    }

    /// Returns the state that shows a cycle of pages.
    pub(crate) fn progress(&self) -> (u64, u64, u64) {
        (self.checkpoint, self.distance, self.pages)
    }

    /// Returns the start key of the request for a page.
    pub(crate) fn key(from: Option<&Self>) -> Option<Item> {
        from.map(|from| from.key.clone())
    }

    /// Returns this start with a key that the caller has constructed to skip items.
    pub(crate) fn skip_to(self, key: Item) -> Self {
        Self { key, ..self }
    }

    /// Returns whether no item was evaluated for the last page.
    pub(crate) fn is_idle(&self) -> bool {
        self.idle > 0
    }

    /// Returns the start of the next page after a response with this last key, for which this number of items was evaluated.
    /// Returns `None` after the last page.
    ///
    /// # Errors
    /// [`ErrorCode::ServiceError`] if the server repeats itself.
    pub(crate) fn next(
        from: Option<Self>,
        last: Option<Item>,
        evaluated: i32,
        operation: &str,
        subject: &str,
    ) -> Result<Option<Self>> {
        let Some(key) = last.filter(|key| !key.is_empty()) else { return Ok(None) };
        let repeated = from.as_ref().is_some_and(|from| from.checkpoint == fingerprint(&key));
        let next = match from {
            Some(from) => from.advance(key),
            None => Self::at(key),
        };
        let next = Self { idle: if evaluated == 0 { next.idle + 1 } else { 0 }, ..next };
        if repeated || next.idle > MAX_IDLE_PAGES {
            let why = if repeated { "a page ends where an earlier page ended" } else { "all pages are empty" };
            let text = format!("{operation} on {subject} does not end: {why}. Check that the endpoint is DynamoDB");
            return Err(Error::new(ErrorCode::ServiceError, text));
        }
        Ok(Some(next))
    }

    fn advance(self, key: Item) -> Self {
        let pages = self.pages.saturating_add(1);
        if pages == self.distance {
            let distance = self.distance.saturating_mul(2);
            return Self { checkpoint: fingerprint(&key), key, distance, pages: 0, idle: self.idle };
        }
        Self { key, pages, ..self }
    }
}

/// Returns a number that differs for different keys, and is the same in every process.
fn fingerprint(key: &Item) -> u64 {
    let mut attributes: Vec<_> = key.iter().collect();
    attributes.sort_by_key(|(name, _)| *name);
    let text = format!("{attributes:?}");
    Sha256::digest(text.as_bytes()).iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::item::number;

    /// Reads pages with these last keys, and returns the error and the number of pages.
    fn read(keys: impl IntoIterator<Item = i64>, evaluated: i32) -> (Option<Error>, usize) {
        let (mut from, mut pages) = (None, 0);
        for key in keys {
            pages += 1;
            let last = Some(Item::from([("N".to_owned(), number(key))]));
            match PageStart::next(from, last, evaluated, "Scan", "table t") {
                Ok(next) => from = next,
                Err(error) => return (Some(error), pages),
            }
        }
        (None, pages)
    }

    #[test]
    fn cycles_of_last_keys_are_errors() {
        for (length, most) in [(1, 2), (2, 4), (3, 8), (1000, 4000)] {
            let (error, pages) = read((0..).map(|page| page % length), 1);
            let text = error.expect("the read ends").to_string();
            assert!(text.contains("Scan on table t does not end: a page ends where"), "{text}");
            assert!(pages <= most, "{length}: {pages}");
        }
    }

    #[test]
    fn pages_without_evaluated_items_are_limited() {
        assert!(read(0..100, 0).0.is_none());
        let (error, pages) = read(0.., 0);
        assert!(error.unwrap().message().contains("all pages are empty") && pages == 101);
        assert!(read(0..100_000, 1).0.is_none());
    }
}
