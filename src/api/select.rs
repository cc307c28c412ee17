//! Lists and counts of selected messages.

use crate::api::postbox::Postbox;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::page::MessagePage;
use crate::model::selection::Selection;
use crate::model::stored_message::MessageState;
use crate::outbox::wanted::Wanted;

/// The maximum number of messages of a page, unless it is set.
const PAGE: u32 = 100;

impl Postbox {
    /// Lists the stored messages in this state that match a selection, page by page. [`Selection::cursor`] continues the
    /// list after [`MessagePage::next`] of the previous page. A page can have fewer messages than the limit, or none, and
    /// only [`MessagePage::next`] shows whether it is the last page.
    ///
    /// Outstanding and dispatched messages are read from an index, which DynamoDB updates a moment after the table. With a
    /// topic, only messages of this topic and of the selected ages are read. Without a topic, the messages that the ages
    /// or topics leave out are read too. Parked messages are found by reading the whole table.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for an impossible selection, such as a limit of 0, or for a cursor that does not
    /// belong to this list; and [request errors](Postbox).
    pub fn select_messages(&self, state: MessageState, selection: &Selection) -> Result<MessagePage> {
        selection.check()?;
        let (wanted, cursor) = (Wanted::of(state, selection), selection.cursor.clone());
        let limit = i32::try_from(selection.limit.unwrap_or(PAGE)).unwrap_or(i32::MAX);
        self.engine.run("select_messages", |outbox| async move { outbox.list_wanted(&wanted, limit, cursor).await })
    }

    /// Counts the stored messages in this state that match a selection. The count ends when it reaches the limit of the
    /// selection. It reads the same parts of the table as [`select_messages`](Self::select_messages).
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for an impossible selection, or for a selection with a cursor; and
    /// [request errors](Postbox).
    pub fn count_messages(&self, state: MessageState, selection: &Selection) -> Result<u64> {
        selection.check()?;
        if selection.cursor.is_some() {
            let text = "the selection of a count has a cursor: a cursor continues a list, and a count has no pages";
            return Err(Error::new(ErrorCode::InvalidArgument, text));
        }
        self.engine.runtime.check_open()?;
        let wanted = Wanted::of(state, selection).counted();
        let most = selection.limit.map_or(u64::MAX, u64::from);
        let mut count = 0;
        for part in self.engine.outbox.parts(&wanted) {
            let mut from = None;
            loop {
                let (wanted, part) = (wanted.clone(), part.clone());
                // The operation timeout applies to each page.
                let (found, next) = self.engine.run("count_messages", |outbox| async move {
                    outbox.count_page(&wanted, part.as_deref(), from).await
                })?;
                count += found;
                if count >= most {
                    return Ok(most);
                }
                match next {
                    None => break,
                    next => from = next,
                }
            }
        }
        Ok(count)
    }
}
