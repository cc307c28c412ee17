//! Operations that the C interface starts with a function for their result. The function is called once, on the thread
//! for completions. If a method returns an error, the function is not called.

use crate::api::operations;
use crate::api::postbox::Postbox;
use crate::delivery::confirm;
use crate::model::error::Result;
use crate::model::item::Item;
use crate::model::message::Message;
use crate::model::page::{Cursor, MessagePage};
use crate::model::stored_message::{MessageState, StoredMessage};
use crate::model::table_report::TableReport;
use crate::runtime::Cancel;
use std::sync::Arc;

impl Postbox {
    pub(crate) fn start_deposit_post(
        &self,
        message: Message,
        done: impl FnOnce(Result<String>) + Send + 'static,
    ) -> Result<Cancel> {
        operations::deposit_post(&self.engine, message)?.start(&self.engine, done)
    }

    pub(crate) fn start_get_message(
        &self,
        id: &str,
        done: impl FnOnce(Result<Option<StoredMessage>>) + Send + 'static,
    ) -> Result<Cancel> {
        operations::get_message(&self.engine, id).start(&self.engine, done)
    }

    pub(crate) fn start_get_item(
        &self,
        table: String,
        key: Item,
        done: impl FnOnce(Result<Option<Item>>) + Send + 'static,
    ) -> Result<Cancel> {
        operations::get_item(&self.engine, table, key).start(&self.engine, done)
    }

    pub(crate) fn start_list_messages(
        &self,
        state: MessageState,
        topic: Option<&str>,
        limit: u32,
        cursor: Option<&Cursor>,
        done: impl FnOnce(Result<MessagePage>) + Send + 'static,
    ) -> Result<Cancel> {
        operations::list_messages(&self.engine, state, topic, limit, cursor)?.start(&self.engine, done)
    }

    pub(crate) fn start_verify_table(&self, done: impl FnOnce(Result<TableReport>) + Send + 'static) -> Result<Cancel> {
        operations::verify_table(&self.engine).start(&self.engine, done)
    }

    pub(crate) fn start_unpark(&self, id: &str, done: impl FnOnce(Result<()>) + Send + 'static) -> Result<Cancel> {
        operations::unpark(&self.engine, id).start(&self.engine, done)
    }

    pub(crate) fn start_delete_message(
        &self,
        id: &str,
        state: MessageState,
        done: impl FnOnce(Result<bool>) + Send + 'static,
    ) -> Result<Cancel> {
        operations::delete_message(&self.engine, id, state).start(&self.engine, done)
    }

    /// Starts the confirmation of a message that was sent.
    pub(crate) fn start_confirm_sent(
        &self,
        id: &str,
        done: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<Cancel> {
        confirm::start_sent(&self.engine, id.to_owned(), done)
    }

    /// Starts a call that consists of many requests. It blocks a thread of its own.
    pub(crate) fn start_call<T: Send + 'static>(
        self: &Arc<Self>,
        what: &'static str,
        call: impl FnOnce(&Self) -> Result<T> + Send + 'static,
        done: impl FnOnce(Result<T>) + Send + 'static,
    ) -> Result<Cancel> {
        let postbox = Arc::clone(self);
        self.engine.runtime.start_call(what, move || call(&postbox), done)
    }
}
