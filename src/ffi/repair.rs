//! Unparking and replaying messages.

use crate::ffi::client::{postbox_client, report_by_ids};
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::report::{postbox_report, reported};
use crate::ffi::text::text;
use std::ffi::c_char;

/// Releases a parked message. The message becomes outstanding again, and its count of failed attempts
/// is reset.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the message is not parked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unpark(client: *mut postbox_client, id: *const c_char) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(client)?.get().unpark(text(id, "id")?) })
}

/// Replays messages: makes dispatched or parked messages outstanding again, so that the next sweep or
/// clear sends them. A message that is still outstanding becomes due at once. The counts of failed
/// attempts are reset. The outcome of a replayed message is
/// POSTBOX_OUTCOME_REPLAYED. See postbox_clear_outbox for `report`, and for the error if `report` is
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_replay(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `report_by_ids`.
    unsafe { report_by_ids(client, ids, count, report, |postbox, ids| postbox.replay(ids)) }
}

/// Replays every message with this causation id, as postbox_replay does. The messages are found in an
/// index, which DynamoDB updates a moment after the table. If no message is found, the call succeeds.
/// See postbox_clear_outbox for `report`.
///
/// Errors: POSTBOX_ERROR_INVALID_TABLE if the table lacks the index Causation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_replay_causation(
    client: *mut postbox_client,
    causation_id: *const c_char,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked, and NULL or a place for `report`.
    unsafe {
        reported(report, || postbox_client::borrow(client)?.get().replay_causation(text(causation_id, "causation_id")?))
    }
}
