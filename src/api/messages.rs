//! Iteration over the messages of the outbox.

use crate::api::postbox::Postbox;
use crate::model::error::Result;
use crate::model::page::Cursor;
use crate::model::stored_message::{MessageState, StoredMessage};
use std::collections::VecDeque;

const PAGE: u32 = 100;

impl Postbox {
    /// Returns an iterator over the messages in this state, in one topic or in all topics. The iterator reads the pages
    /// one after another, as needed. See [`list_messages`](Self::list_messages) for the order and the cost.
    ///
    /// A message that cannot be read is returned as an error, and the iteration continues. An error of a request ends
    /// the iteration.
    ///
    /// ```
    /// use postbox::{Message, MessageState, Postbox};
    ///
    /// # fn main() -> postbox::Result<()> {
    /// let postbox = Postbox::builder().embedded_path(":memory:").open()?;
    /// postbox.deposit_post(Message::new("greeting.made", "Hello Ada"))?;
    /// for stored in postbox.messages(MessageState::Outstanding, None) {
    ///     assert_eq!(stored?.message.topic(), "greeting.made");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn messages<'a>(
        &'a self,
        state: MessageState,
        topic: Option<&'a str>,
    ) -> impl Iterator<Item = Result<StoredMessage>> + 'a {
        Messages { postbox: self, state, topic, page: VecDeque::new(), next: Some(None) }
    }
}

struct Messages<'a> {
    postbox: &'a Postbox,
    state: MessageState,
    topic: Option<&'a str>,
    page: VecDeque<Result<StoredMessage>>,
    /// The cursor of the next page. The value is `Some(None)` before the first page, and `None` after the last page.
    next: Option<Option<Cursor>>,
}

impl Iterator for Messages<'_> {
    type Item = Result<StoredMessage>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(message) = self.page.pop_front() {
                return Some(message);
            }
            let cursor = self.next.take()?;
            match self.postbox.list_messages(self.state, self.topic, PAGE, cursor.as_ref()) {
                Ok(page) => {
                    self.page.extend(page.messages.into_iter().map(Ok));
                    self.page.extend(page.malformed.into_iter().map(|(_, error)| Err(error)));
                    self.next = page.next.map(Some);
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
