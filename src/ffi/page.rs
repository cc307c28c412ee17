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

/// Where a stored message is in its life.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum postbox_state {
    /// Not yet sent.
    Outstanding = 0,
    /// Sent.
    Dispatched = 1,
    /// Set aside after it failed too often or was rejected.
    Parked = 2,
}

/// A page of stored messages, from postbox_list_messages. It does not change, so any number of threads may
/// read it.
///
/// ```c
/// postbox_page *page = NULL;
/// do {
///     postbox_page *next = NULL;
///     err = postbox_list_messages(box, POSTBOX_STATE_PARKED, NULL, 100, postbox_page_next(page), &next);
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
    next: Option<CString>,
}

impl Handle for postbox_page {
    const NAME: &'static str = "page";
}

impl postbox_page {
    fn of(page: MessagePage) -> Self {
        let malformed = page.malformed.iter().map(|(id, error)| (c_string(id), c_string(error.message())));
        Self {
            malformed: malformed.collect(),
            next: page.next.map(|cursor| c_string(cursor.as_str())),
            messages: page.messages.into_iter().map(postbox_message::of_stored).collect(),
        }
    }
}

/// Lists about `limit` messages of a postbox_state, of one topic or of all if `topic` is NULL,
/// beginning at `cursor`: NULL, or what postbox_page_next of the page before gave, with the same
/// state and topic. A page may hold fewer, even none, and not be the last. The index lags behind
/// the table a little. Parked messages are in no index: listing them reads the whole table. The
/// caller frees the page with postbox_page_free.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown state or a cursor that no page of this
/// list gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_list_messages(
    r#box: *mut postbox_client,
    state: i32,
    topic: *const c_char,
    limit: u32,
    cursor: *const c_char,
    page: *mut *mut postbox_page,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, topic, cursor) = unsafe {
            (postbox_client::borrow(r#box)?.get(), optional_text(topic, "topic")?, optional_text(cursor, "cursor")?)
        };
        check_out(page, "page")?;
        let listed = postbox.list_messages(state_of(state)?, topic, limit, cursor.map(Cursor::from).as_ref())?;
        // SAFETY: checked above.
        unsafe { write_out(page, "page", postbox_page::of(listed).into_raw()) }
    })
}

fn state_of(state: i32) -> Result<MessageState> {
    [
        (postbox_state::Outstanding, MessageState::Outstanding),
        (postbox_state::Dispatched, MessageState::Dispatched),
        (postbox_state::Parked, MessageState::Parked),
    ]
    .into_iter()
    .find(|(known, _)| *known as i32 == state)
    .map(|(_, state)| state)
    .ok_or_else(|| Error::new(ErrorCode::InvalidArgument, format!("there is no state {state}")))
}

/// How many messages the page has. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_count(page: *const postbox_page) -> usize {
    // SAFETY: the header asks for NULL or a living page.
    infallible(0, || unsafe { postbox_page::borrow(page) }.map_or(0, |page| page.messages.len()))
}

/// A message of the page, `index` from 0; NULL for one that is not there. It belongs to the page
/// and is valid until that is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_message(page: *const postbox_page, index: usize) -> *const postbox_message {
    // SAFETY: the header asks for NULL or a living page.
    infallible(ptr::null(), || match unsafe { postbox_page::borrow(page) } {
        Ok(page) => page.messages.get(index).map_or(ptr::null(), ptr::from_ref),
        Err(_) => ptr::null(),
    })
}

/// How many messages of the page could not be read. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_malformed_count(page: *const postbox_page) -> usize {
    // SAFETY: the header asks for NULL or a living page.
    infallible(0, || unsafe { postbox_page::borrow(page) }.map_or(0, |page| page.malformed.len()))
}

/// The id of a message that could not be read, `index` from 0; "" for one that is not there.
/// `why`, which may be NULL, gets the reason. Both are valid until the page is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_malformed(
    page: *const postbox_page,
    index: usize,
    why: *mut *const c_char,
) -> *const c_char {
    infallible(c"".as_ptr(), || {
        // SAFETY: the header asks for NULL or a living page.
        let page = unsafe { postbox_page::borrow(page) }.ok();
        let (id, reason) = page
            .and_then(|page| page.malformed.get(index))
            .map_or((c"".as_ptr(), c"".as_ptr()), |(id, reason)| (id.as_ptr(), reason.as_ptr()));
        // SAFETY: the header asks for NULL or a place for a pointer.
        unsafe { write_optional(why, reason) };
        id
    })
}

/// Where the next page begins, to keep or to give to postbox_list_messages, in another process too; NULL
/// after the last one, and for NULL. Valid until the page is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_next(page: *const postbox_page) -> *const c_char {
    // SAFETY: the header asks for NULL or a living page.
    infallible(ptr::null(), || match unsafe { postbox_page::borrow(page) } {
        Ok(page) => page.next.as_ref().map_or(ptr::null(), |next| next.as_ptr()),
        Err(_) => ptr::null(),
    })
}

/// Frees a page and its messages. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_free(page: *mut postbox_page) {
    // SAFETY: the header asks for NULL or a page that was not freed.
    infallible((), || unsafe { postbox_page::free(page) });
}
