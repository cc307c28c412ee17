//! Lists and counts of selected messages.

use crate::ffi::client::postbox_client;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, write_out};
use crate::ffi::page::{postbox_page, state_of};
use crate::ffi::panic::infallible;
use crate::ffi::text::text;
use crate::sync::Mutex;
use crate::{Result, Selection};
use std::ffi::c_char;
use std::ptr;

/// A selection of stored messages, for postbox_select_messages and postbox_count_messages. A new
/// selection contains all messages. Its parts are set by name:
///
/// - "topic": only messages of this topic.
/// - "without_topic": no messages of this topic. Set it once for each topic, for up to 100 topics.
/// - "older_than_ms": only messages that are not younger than this age. The age of a dispatched message
///   is the time since its dispatch, and that of any other message the time since its creation.
/// - "younger_than_ms": only messages that are not older than this age.
/// - "limit": the maximum number of messages, at least 1. It is 100 per page of a list unless it is set.
///   A count has no maximum unless it is set, and ends when it reaches the maximum.
/// - "cursor": the result of postbox_page_next for the previous page of a list.
///
/// ```c
/// postbox_selection *late = postbox_selection_new();
/// uint64_t count = 0;
/// if ((err = postbox_selection_set(late, "older_than_ms", "60000")) ||
///     (err = postbox_selection_set(late, "without_topic", "bills")) ||
///     (err = postbox_count_messages(client, POSTBOX_STATE_OUTSTANDING, late, &count)))
///     goto failed;
/// ```
pub struct postbox_selection(Mutex<Selection>);

impl Handle for postbox_selection {
    const NAME: &'static str = "selection";
}

impl postbox_selection {
    /// Copies a selection. For `NULL`, returns one that contains all messages.
    ///
    /// # Safety
    /// The rules of [`Handle::borrow`] apply, except that NULL is allowed.
    pub(crate) unsafe fn read(selection: *const Self) -> Selection {
        // SAFETY: the caller's promise.
        unsafe { selection.as_ref() }.map(|selection| selection.0.lock().clone()).unwrap_or_default()
    }
}

/// Creates a selection of all messages. The caller frees it with postbox_selection_free.
#[unsafe(no_mangle)]
pub extern "C" fn postbox_selection_new() -> *mut postbox_selection {
    infallible(ptr::null_mut(), || postbox_selection(Mutex::new(Selection::new())).into_raw())
}

/// Sets a part of a selection by name; see postbox_selection. A selection can be used for any number of
/// calls, and changed between them.
///
/// Errors: POSTBOX_ERROR_UNKNOWN_NAME, whose error text lists similar names;
/// POSTBOX_ERROR_INVALID_ARGUMENT if the value is not a whole number and must be one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_selection_set(
    selection: *mut postbox_selection,
    name: *const c_char,
    value: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        postbox_selection::borrow(selection)?.0.lock().set(text(name, "name")?, text(value, "value")?)
    })
}

/// Frees a selection. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_selection_free(selection: *mut postbox_selection) {
    // SAFETY: the header requires NULL or a selection that was not freed.
    infallible((), || unsafe { postbox_selection::free(selection) });
}

/// Lists the stored messages in `state` that match `selection`, page by page. If `selection` is NULL, all
/// messages match. The caller frees the page with postbox_page_free. The part "cursor" of the selection
/// continues the list after an earlier page. A page can have fewer messages than the part "limit", or
/// none, and only postbox_page_next shows whether it is the last page.
///
/// Outstanding and dispatched messages are read from an index, which DynamoDB updates a moment after the
/// table. With a topic, only messages of this topic and of the selected ages are read. Without a topic,
/// the messages that the ages or topics leave out are read too. Parked messages are found by reading the
/// whole table.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown state, for a selection that no message can match,
/// for an empty topic, for a limit of 0, or for a cursor that does not belong to this list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_select_messages(
    client: *mut postbox_client,
    state: i32,
    selection: *const postbox_selection,
    page: *mut *mut postbox_page,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles or NULL, which is checked or allowed.
        let (postbox, selection) = unsafe { (postbox_client::borrow(client)?, postbox_selection::read(selection)) };
        check_out(page, "page")?;
        let listed = postbox.get().select_messages(state_of(state)?, &selection)?;
        // SAFETY: checked above.
        unsafe { write_out(page, "page", postbox_page::of(listed).into_raw()) }
    })
}

/// Counts the stored messages in `state` that match `selection`, or all messages in `state` if `selection`
/// is NULL. The count reads the same parts of the table as postbox_select_messages.
///
/// Errors: as for postbox_select_messages, and POSTBOX_ERROR_INVALID_ARGUMENT for a selection with a
/// cursor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_count_messages(
    client: *mut postbox_client,
    state: i32,
    selection: *const postbox_selection,
    count: *mut u64,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles or NULL, which is checked or allowed.
        let (postbox, selection) = unsafe { (postbox_client::borrow(client)?, postbox_selection::read(selection)) };
        check_out(count, "count")?;
        let counted: Result<u64> = postbox.get().count_messages(state_of(state)?, &selection);
        // SAFETY: checked above.
        unsafe { write_out(count, "count", counted?) }
    })
}
