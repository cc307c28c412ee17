//! Unparking and replaying messages.

use crate::ffi::client::postbox_client;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::Handle;
use crate::ffi::report::postbox_report;
use crate::ffi::text::{text, texts};

use std::ffi::c_char;

/// Releases a parked message: it is outstanding again, with no failed attempts.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if it is not parked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unpark(r#box: *mut postbox_client, id: *const c_char) -> *mut postbox_error {
    // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(r#box)?.get().unpark(text(id, "id")?) })
}

/// Makes messages outstanding again, dispatched or parked, with no failed attempts, so that the
/// next sweep or clear sends them: POSTBOX_OUTCOME_REPLAYED. `report` as in postbox_clear_outbox.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_replay(
    r#box: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, ids) = unsafe { (postbox_client::borrow(r#box)?.get(), texts(ids, count, "ids")?) };
        let replayed = postbox.replay(&ids)?;
        // SAFETY: the header asks for NULL or a place for a pointer.
        unsafe { postbox_report::hand_over(replayed, report) }
    })
}

/// Replays every message with this causation id, as the index shows them; none is a success.
/// `report` as in postbox_clear_outbox.
///
/// Errors: POSTBOX_ERROR_INVALID_TABLE if the table lacks the index Causation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_replay_causation(
    r#box: *mut postbox_client,
    causation_id: *const c_char,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, id) = unsafe { (postbox_client::borrow(r#box)?.get(), text(causation_id, "causation_id")?) };
        let replayed = postbox.replay_causation(id)?;
        // SAFETY: the header asks for NULL or a place for a pointer.
        unsafe { postbox_report::hand_over(replayed, report) }
    })
}
