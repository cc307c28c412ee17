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

/// A DynamoDB transaction that collects the caller's writes and the messages that belong to them;
/// either all of them take effect or none. A unit of work belongs to one thread at a time: a call
/// while another thread is in a call fails with POSTBOX_ERROR_CONCURRENT_USE.
///
/// An action that exceeds a limit of DynamoDB is rejected when it is added, and the unit is
/// unchanged: POSTBOX_ERROR_TOO_MANY_ACTIONS (over 100), POSTBOX_ERROR_ITEM_TOO_LARGE (over 400
/// KB), POSTBOX_ERROR_TRANSACTION_TOO_LARGE (over 4 MB in all), POSTBOX_ERROR_DUPLICATE_ITEM. After
/// a commit or a rollback, calls fail with POSTBOX_ERROR_UNIT_OF_WORK_CLOSED.
///
/// Items, keys and actions are DynamoDB JSON, as in the AWS CLI. Malformed JSON fails with
/// POSTBOX_ERROR_INVALID_JSON, which says where.
pub struct postbox_unit_of_work(Mutex<UnitOfWork>);

impl Handle for postbox_unit_of_work {
    const NAME: &'static str = "work";
}

impl postbox_unit_of_work {
    /// Locks the unit, if no other thread is using it.
    ///
    /// # Safety
    /// As [`Handle::borrow`].
    unsafe fn enter<'a>(work: *const Self) -> Result<MutexGuard<'a, UnitOfWork>> {
        // SAFETY: the caller's promise.
        unsafe { Self::borrow(work) }?.0.try_lock().ok_or_else(|| {
            Error::new(
                ErrorCode::ConcurrentUse,
                "this unit of work is in use by another thread; only one thread at a time may use it",
            )
        })
    }
}

/// Begins a unit of work. Nothing is written before postbox_unit_of_work_commit. Returns NULL only
/// if `client` is NULL; functions on a NULL unit fail with POSTBOX_ERROR_NULL_ARGUMENT. The caller
/// frees the unit with postbox_unit_of_work_free, before or after the client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_begin(client: *mut postbox_client) -> *mut postbox_unit_of_work {
    infallible(ptr::null_mut(), || {
        // SAFETY: the header asks for a living handle or NULL, which is checked.
        match unsafe { postbox_client::borrow(client) } {
            Ok(postbox) => postbox_unit_of_work(Mutex::new(postbox.unit_of_work())).into_raw(),
            Err(_) => ptr::null_mut(),
        }
    })
}

/// Reads one item of any table at once, with a consistent read, as postbox_get_item does. To make
/// sure that the item does not change before the commit, add a condition.
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

/// Adds a put of an item, which replaces an existing item. `item`: {"Name": {"S": "Ada"}}.
///
/// The second put into a table whose key is not known yet asks DynamoDB for the key, to find out
/// whether both puts are on the same item. That call may block, and may fail with
/// POSTBOX_ERROR_TABLE_NOT_FOUND.
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

/// Adds an update of one item. `update`: {"TableName": ..., "Key": ..., "UpdateExpression": ...,
/// "ConditionExpression": ..., "ExpressionAttributeNames": ..., "ExpressionAttributeValues": ...,
/// "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}. All but the first three are optional.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_update(
    work: *mut postbox_unit_of_work,
    update: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
    fallible(|| unsafe { postbox_unit_of_work::enter(work)?.update(update_from_json(text(update, "update")?)?) })
}

/// Adds a delete of the item with this key, if it exists. `key`: {"Name": {"S": "Ada"}}.
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

/// Adds a condition on an item that the unit does not write; the commit fails unless the condition
/// holds. `check`: {"TableName": ..., "Key": ..., "ConditionExpression": ...}, and the other
/// members as for an update.
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

/// Adds any action, in the format of aws dynamodb transact-write-items --transact-items: {"Put":
/// {"TableName": ..., "Item": ..., "ConditionExpression": ...}}, or "Update", "Delete",
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

/// Adds a deposit of this message in the outbox. Keep postbox_message_id(message) for
/// postbox_clear_outbox after the commit. The caller keeps the message.
///
/// Errors: POSTBOX_ERROR_INVALID_MESSAGE, POSTBOX_ERROR_OUTBOX_LIMIT_REACHED, and those of the
/// limits of a unit of work.
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

/// Commits all actions in one transaction: either all of them take effect or none. Failures that
/// are safe to retry are retried with the same token. An empty unit commits without a request.
///
/// Errors:
/// - POSTBOX_ERROR_TRANSACTION_CANCELED: nothing was written. There is a reason for each action
///   that failed. The unit stays open.
/// - POSTBOX_ERROR_DUPLICATE_MESSAGE: nothing was written, because a message id already exists in
///   the outbox; this command was already applied.
/// - POSTBOX_ERROR_OUTCOME_UNKNOWN: no response was received. Call this function again on the same
///   unit. That is safe for 9 minutes, after which the error is no longer retryable.
/// - The errors of any request: nothing was written, and the unit stays open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_commit(work: *mut postbox_unit_of_work) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_unit_of_work::enter(work) }?.commit())
}

/// Closes the unit of work without sending anything; freeing the unit does the same.
///
/// Errors: POSTBOX_ERROR_OUTCOME_UNKNOWN if the last commit got no response, since it may have
/// taken effect.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_rollback(work: *mut postbox_unit_of_work) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_unit_of_work::enter(work) }?.rollback())
}

/// Frees a unit of work; does nothing for NULL. A unit that was not committed sends nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_free(work: *mut postbox_unit_of_work) {
    // SAFETY: the header asks for NULL or a unit that was not freed.
    infallible((), || unsafe { postbox_unit_of_work::free(work) });
}
