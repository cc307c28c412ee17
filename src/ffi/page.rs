//! Lists of messages, a page at a time.

use crate::ffi::client::postbox_client;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, write_optional, write_out};
use crate::ffi::message::postbox_message;
use crate::ffi::panic::infallible;
use crate::ffi::text::{c_string, optional_text};
use crate::{Cursor, Error, ErrorCode, MessagePage, MessageState, Result};
use std::ffi::{CString, c_char};
use std::ptr;

/// The state of a stored message.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum postbox_state {
    /// The message is neither marked as sent nor parked. It may already have been sent.
    Outstanding = 0,
    /// The message was sent and marked.
    Dispatched = 1,
    /// The message is not sent until it is released, because it failed too often, was rejected or is
    /// malformed.
    Parked = 2,
}

/// A page of stored messages, from postbox_list_messages or postbox_get_messages. Any number of threads may read a page.
///
/// ```c
/// postbox_page *page = NULL;
/// do {
///     postbox_page *next = NULL;
///     err = postbox_list_messages(client, POSTBOX_STATE_PARKED, NULL, 100, postbox_page_next(page), &next);
///     postbox_page_free(page);
///     if (err)
///         return fail(err);
///     page = next;
///     for (size_t i = 0; i < postbox_page_count(page); i++)
///         show(postbox_page_message(page, i));
/// } while (postbox_page_next(page));
/// postbox_page_free(page);
/// ```
pub struct postbox_page {
    messages: Vec<postbox_message>,
    malformed: Vec<(CString, CString)>,
    missing: Vec<CString>,
    next: Option<CString>,
}

impl Handle for postbox_page {
    const NAME: &'static str = "page";
}

impl postbox_page {
    pub(crate) fn of(page: MessagePage) -> Self {
        let malformed = page.malformed.iter().map(|(id, error)| (c_string(id), c_string(error.message())));
        Self {
            malformed: malformed.collect(),
            missing: page.missing.iter().map(|id| c_string(id)).collect(),
            next: page.next.map(|cursor| c_string(cursor.as_str())),
            messages: page.messages.into_iter().map(postbox_message::of_stored).collect(),
        }
    }
}

/// Lists the stored messages that are in `state`, page by page. If `topic` is NULL, the messages of all
/// topics are listed. `cursor` is NULL for the first page. For every other page, `cursor` is the result
/// of postbox_page_next for the previous page, which must have been read with the same state and topic.
/// The caller frees the page with postbox_page_free.
///
/// A page has at most `limit` messages. It may have fewer than `limit` messages, or no messages. Only
/// postbox_page_next shows whether a page is the last page. postbox_select_messages also selects the
/// messages by age, and leaves out topics.
///
/// Outstanding and dispatched messages are read from an index, which DynamoDB updates a moment
/// after the table. There is no index of parked messages, so listing them reads the whole table.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown state, for a limit of 0, or for a cursor that does
/// not belong to this list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_list_messages(
    client: *mut postbox_client,
    state: i32,
    topic: *const c_char,
    limit: u32,
    cursor: *const c_char,
    page: *mut *mut postbox_page,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (client, topic, cursor) = unsafe {
            (postbox_client::borrow(client)?, optional_text(topic, "topic")?, optional_text(cursor, "cursor")?)
        };
        check_out(page, "page")?;
        let listed = client.get().list_messages(state_of(state)?, topic, limit, cursor.map(Cursor::from).as_ref())?;
        // SAFETY: checked above.
        unsafe { write_out(page, "page", postbox_page::of(listed).into_raw()) }
    })
}

pub(crate) fn state_of(state: i32) -> Result<MessageState> {
    [
        (postbox_state::Outstanding, MessageState::Outstanding),
        (postbox_state::Dispatched, MessageState::Dispatched),
        (postbox_state::Parked, MessageState::Parked),
    ]
    .into_iter()
    .find(|(known, _)| *known as i32 == state)
    .map(|(_, state)| state)
    .ok_or_else(|| Error::new(ErrorCode::InvalidArgument, format!("unknown message state {state}")))
}

/// Returns the number of messages in the page that could be read. Returns 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_count(page: *const postbox_page) -> usize {
    // SAFETY: the header requires NULL or a living page.
    infallible(0, || unsafe { postbox_page::borrow(page) }.map_or(0, |page| page.messages.len()))
}

/// Returns a message of the page, or NULL if `index` is out of range. The first index is 0. The
/// message belongs to the page and is valid until the page is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_message(page: *const postbox_page, index: usize) -> *const postbox_message {
    // SAFETY: the header requires NULL or a living page.
    infallible(ptr::null(), || match unsafe { postbox_page::borrow(page) } {
        Ok(page) => page.messages.get(index).map_or(ptr::null(), ptr::from_ref),
        Err(_) => ptr::null(),
    })
}

/// Returns the number of messages that could not be read. postbox_page_count does not count them.
/// Returns 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_malformed_count(page: *const postbox_page) -> usize {
    // SAFETY: the header requires NULL or a living page.
    infallible(0, || unsafe { postbox_page::borrow(page) }.map_or(0, |page| page.malformed.len()))
}

/// Returns the id of a message that could not be read, or "" if `index` is out of range. The first
/// index is 0. The explanation is written to `reason`, unless `reason` is NULL. The id and the
/// explanation are valid until the page is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_malformed(
    page: *const postbox_page,
    index: usize,
    reason: *mut *const c_char,
) -> *const c_char {
    infallible(c"".as_ptr(), || {
        // SAFETY: the header requires NULL or a living page.
        let page = unsafe { postbox_page::borrow(page) }.ok();
        let (id, text) = page
            .and_then(|page| page.malformed.get(index))
            .map_or((c"".as_ptr(), c"".as_ptr()), |(id, reason)| (id.as_ptr(), reason.as_ptr()));
        // SAFETY: the header requires NULL or a place for a pointer.
        unsafe { write_optional(reason, text) };
        id
    })
}

/// Returns the number of ids that were passed to postbox_get_messages and that the outbox does not have.
/// Returns 0 for a page of a list and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_missing_count(page: *const postbox_page) -> usize {
    // SAFETY: the header requires NULL or a living page.
    infallible(0, || unsafe { postbox_page::borrow(page) }.map_or(0, |page| page.missing.len()))
}

/// Returns an id that the outbox does not have, or "" if `index` is out of range. The first index is 0.
/// The string is valid until the page is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_missing(page: *const postbox_page, index: usize) -> *const c_char {
    infallible(c"".as_ptr(), || {
        // SAFETY: the header requires NULL or a living page.
        let page = unsafe { postbox_page::borrow(page) }.ok();
        page.and_then(|page| page.missing.get(index)).map_or(c"".as_ptr(), |id| id.as_ptr())
    })
}

/// Returns the cursor of the next page, for postbox_list_messages. Returns NULL if this page is the
/// last page or if `page` is NULL. The string is valid until the page is freed. A copy of the string
/// can be stored and used in another process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_next(page: *const postbox_page) -> *const c_char {
    // SAFETY: the header requires NULL or a living page.
    infallible(ptr::null(), || match unsafe { postbox_page::borrow(page) } {
        Ok(page) => page.next.as_ref().map_or(ptr::null(), |next| next.as_ptr()),
        Err(_) => ptr::null(),
    })
}

/// Frees a page and its messages. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_free(page: *mut postbox_page) {
    // SAFETY: the header requires NULL or a page that was not freed.
    infallible((), || unsafe { postbox_page::free(page) });
}
