//! Reading, marking and deleting messages by id.

use crate::ffi::client::{postbox_client, report_by_ids};
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, write_optional, write_out};
use crate::ffi::page::{postbox_page, state_of};
use crate::ffi::report::postbox_report;
use crate::ffi::text::{text, texts};
use crate::ffi::time::time_of;
use std::ffi::c_char;

/// Reads the stored messages with these ids, with consistent reads of up to 100 messages per request.
/// The messages of the page are in the order of the ids, and an id that is passed twice is read once.
/// postbox_page_missing returns the ids that the outbox does not have, and postbox_page_malformed the
/// messages that cannot be read. The caller frees the page with postbox_page_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_get_messages(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    page: *mut *mut postbox_page,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle and an array of strings, or NULL, which is checked.
        let (postbox, ids) = unsafe { (postbox_client::borrow(client)?, texts(ids, count, "ids")?) };
        check_out(page, "page")?;
        let read = postbox.get().get_messages(&ids)?;
        // SAFETY: checked above.
        unsafe { write_out(page, "page", postbox_page::of(read).into_raw()) }
    })
}

/// Marks messages dispatched as postbox_mark_dispatched does, with the dispatch time `dispatched_ticks`
/// instead of the current time. The time is in ticks; see POSTBOX_UNIX_EPOCH_TICKS. The settings
/// "dispatched_ttl_seconds" and "archive_min_age_ms" count from this time. See postbox_clear_outbox for
/// `report`.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the time is 0, negative or after the year 9999. No message
/// was marked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_mark_dispatched_at(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    dispatched_ticks: i64,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `report_by_ids`.
    unsafe {
        report_by_ids(client, ids, count, report, |postbox, ids| {
            postbox.mark_dispatched_at(ids, time_of(dispatched_ticks, "dispatched_ticks")?)
        })
    }
}

/// Deletes a message if it is in `state`. An outstanding message that is deleted is never sent. Unless
/// `deleted` is NULL, this function writes to it whether the message was deleted. The value is false if
/// the outbox has no such message, or if the message is in another state.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_delete_message(
    client: *mut postbox_client,
    id: *const c_char,
    state: i32,
    deleted: *mut bool,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (postbox, id) = unsafe { (postbox_client::borrow(client)?, text(id, "id")?) };
        let was_deleted = postbox.get().delete_message(id, state_of(state)?)?;
        // SAFETY: the header requires NULL or a place for a bool.
        unsafe { write_optional(deleted, was_deleted) };
        Ok(())
    })
}
