//! Units of work.

use crate::dynamodb_json::{
    condition_check_from_json, item_from_json, transact_write_item_from_json, update_from_json,
};
use crate::ffi::client::{get_item, postbox_client};
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::Handle;
use crate::ffi::message::postbox_message;
use crate::ffi::panic::infallible;
use crate::ffi::text::text;
use crate::sync::{Mutex, MutexGuard};
use crate::{Error, ErrorCode, Result, UnitOfWork};
use std::ffi::c_char;
use std::ptr;

/// One DynamoDB transaction being collected: the caller's writes and the messages that go with
/// them; both take effect, or neither. It belongs to one thread at a time: a call while another
/// thread is in one fails with POSTBOX_ERROR_CONCURRENT_USE.
///
/// What DynamoDB would refuse is refused when it is added, and the unit stays as it was:
/// POSTBOX_ERROR_TOO_MANY_ACTIONS (over 100), POSTBOX_ERROR_ITEM_TOO_LARGE (over 400 KB),
/// POSTBOX_ERROR_TRANSACTION_TOO_LARGE (over 4 MB in all), POSTBOX_ERROR_DUPLICATE_ITEM.
/// After a commit or a rollback, POSTBOX_ERROR_UNIT_OF_WORK_CLOSED.
///
/// Items, keys and actions are DynamoDB JSON, as the AWS CLI takes it; what is malformed is
/// POSTBOX_ERROR_INVALID_JSON, saying where.
pub struct postbox_unit_of_work(Mutex<UnitOfWork>);

impl Handle for postbox_unit_of_work {
    const NAME: &'static str = "work";
}

impl postbox_unit_of_work {
    /// The unit, if no other thread is using it.
    ///
    /// # Safety
    /// As [`Handle::borrow`].
    unsafe fn enter<'a>(work: *const Self) -> Result<MutexGuard<'a, UnitOfWork>> {
        // SAFETY: the caller's promise.
        unsafe { Self::borrow(work) }?.0.try_lock().ok_or_else(|| {
            Error::new(
                ErrorCode::ConcurrentUse,
                "this unit of work is in use by another thread: it belongs to one at a time",
            )
        })
    }
}

/// Begins a unit of work. Nothing is written before postbox_unit_of_work_commit. NULL only for a
/// NULL `box`; functions on a NULL unit fail with POSTBOX_ERROR_NULL_ARGUMENT. The caller frees
/// it with postbox_unit_of_work_free, before or after the Postbox.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_begin(r#box: *mut postbox_client) -> *mut postbox_unit_of_work {
    infallible(ptr::null_mut(), || {
        // SAFETY: the header asks for a living handle or NULL, which is checked.
        match unsafe { postbox_client::borrow(r#box) } {
            Ok(postbox) => postbox_unit_of_work(Mutex::new(postbox.unit_of_work())).into_raw(),
            Err(_) => ptr::null_mut(),
        }
    })
}

/// Reads one item of any table now, consistently, as postbox_get_item does. To be sure that it
/// has not changed by the commit, add a condition.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_get_item(
    work: *mut postbox_unit_of_work,
    table: *const c_char,
    key: *const c_char,
    item: *mut *mut c_char,
) -> *mut postbox_error {
    // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        let work = postbox_unit_of_work::enter(work)?;
        get_item(table, key, item, |table, key| work.get_item(table, key))
    })
}

/// Adds: put this item, whatever was there. `item`: {"Name": {"S": "Ada"}}.
///
/// The second put into a table whose key Postbox does not know yet asks DynamoDB for it, to tell
/// whether both are on the same item; that may block, and give POSTBOX_ERROR_TABLE_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_put(
    work: *mut postbox_unit_of_work,
    table: *const c_char,
    item: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        postbox_unit_of_work::enter(work)?.put(text(table, "table")?, item_from_json(text(item, "item")?)?)
    })
}

/// Adds: update one item. `update`: {"TableName": ..., "Key": ..., "UpdateExpression": ...,
/// "ConditionExpression": ..., "ExpressionAttributeNames": ..., "ExpressionAttributeValues": ...,
/// "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}; all but the first three may be left out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_update(
    work: *mut postbox_unit_of_work,
    update: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
    fallible(|| unsafe { postbox_unit_of_work::enter(work)?.update(update_from_json(text(update, "update")?)?) })
}

/// Adds: delete the item of this key, if it is there. `key`: {"Name": {"S": "Ada"}}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_delete(
    work: *mut postbox_unit_of_work,
    table: *const c_char,
    key: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        postbox_unit_of_work::enter(work)?.delete(text(table, "table")?, item_from_json(text(key, "key")?)?)
    })
}

/// Adds: commit only if a condition holds for an item that the unit does not write. `check`:
/// {"TableName": ..., "Key": ..., "ConditionExpression": ...}, and the rest as for an update.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_condition_check(
    work: *mut postbox_unit_of_work,
    check: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        postbox_unit_of_work::enter(work)?.condition_check(condition_check_from_json(text(check, "check")?)?)
    })
}

/// Adds any action, as in the list of aws dynamodb transact-write-items --transact-items:
/// {"Put": {"TableName": ..., "Item": ..., "ConditionExpression": ...}}, or "Update", "Delete",
/// "ConditionCheck".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_add(
    work: *mut postbox_unit_of_work,
    action: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        postbox_unit_of_work::enter(work)?.add(transact_write_item_from_json(text(action, "action")?)?)
    })
}

/// Adds: deposit this message in the outbox. Keep postbox_message_id(message) for
/// postbox_clear_outbox after the commit. The message stays the caller's.
///
/// Errors: POSTBOX_ERROR_INVALID_MESSAGE, and the limits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_deposit_post(
    work: *mut postbox_unit_of_work,
    message: *const postbox_message,
) -> *mut postbox_error {
    // SAFETY: the header asks for living handles or NULL, which is checked.
    fallible(|| unsafe {
        let message = postbox_message::borrow(message)?.message();
        postbox_unit_of_work::enter(work)?.deposit_post(message).map(drop)
    })
}

/// Sends everything in one transaction: all of it takes effect, or none. What is safe to try
/// again is tried again with the same token. An empty unit commits without a request.
///
/// Errors:
/// - POSTBOX_ERROR_TRANSACTION_CANCELED: nothing was written; the reasons tell, action by
///   action, why. The unit stays open.
/// - POSTBOX_ERROR_DUPLICATE_MESSAGE: nothing was written; a message id is in the outbox
///   already, so this command took effect before.
/// - POSTBOX_ERROR_OUTCOME_UNKNOWN: no answer came. Call this again on the same unit: that is
///   safe for 9 minutes, after which the error is no longer retryable.
/// - Those of any request: nothing was written, and the unit stays open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_commit(work: *mut postbox_unit_of_work) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_unit_of_work::enter(work) }?.commit())
}

/// Closes the unit of work without sending anything; so does freeing it.
///
/// Errors: POSTBOX_ERROR_OUTCOME_UNKNOWN if a commit had no answer, since then it may have taken effect.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_rollback(work: *mut postbox_unit_of_work) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_unit_of_work::enter(work) }?.rollback())
}

/// Frees a unit of work; one that was not committed sends nothing. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_free(work: *mut postbox_unit_of_work) {
    // SAFETY: the header asks for NULL or a unit that was not freed.
    infallible((), || unsafe { postbox_unit_of_work::free(work) });
}
