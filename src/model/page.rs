//! Pages of a list of messages.

use crate::model::error::Error;
use crate::model::stored_message::StoredMessage;

/// A page of messages.
#[derive(Debug)]
#[non_exhaustive]
pub struct MessagePage {
    /// The messages that could be read.
    pub messages: Vec<StoredMessage>,
    /// Those that could not: their ids, and why.
    pub malformed: Vec<(String, Error)>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
}

/// Where a page begins. A text without meaning to others; it may be kept and used by another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub(crate) String);

impl Cursor {
    /// The cursor as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Cursor {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
