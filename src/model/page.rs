//! Pages of a list of messages.

use crate::model::error::Error;
use crate::model::stored_message::StoredMessage;

/// A page of messages.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct MessagePage {
    /// The messages that could be read.
    pub messages: Vec<StoredMessage>,
    /// The ids of the messages that could not be read, each with the error.
    pub malformed: Vec<(String, Error)>,
    /// The ids that the outbox does not have, in a page of [`get_messages`](crate::Postbox::get_messages).
    pub missing: Vec<String>,
    /// The cursor of the next page; `None` after the last page.
    pub next: Option<Cursor>,
}

/// An opaque page cursor. It can be stored and used from another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub(crate) String);

impl Cursor {
    /// Returns the cursor as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Cursor {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
