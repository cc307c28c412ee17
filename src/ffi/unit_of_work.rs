//! Units of work.

use crate::client_log::{ClientLog, Entered};
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
use crate::{Cancel, Error, ErrorCode, Result, UnitOfWork};
use std::ffi::c_char;
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::Arc;

/// A DynamoDB transaction that collects the caller's writes and the messages that belong to these
/// writes. Either all writes and messages take effect, or none. Only one thread at a time may use a
/// unit of work: if two threads call it at the same time, one call fails with
/// POSTBOX_ERROR_CONCURRENT_USE.
///
/// An action that would exceed a limit of DynamoDB is rejected when it is added, and the unit of work
/// stays unchanged. The limit errors are POSTBOX_ERROR_TOO_MANY_ACTIONS (more than 100 actions),
/// POSTBOX_ERROR_ITEM_TOO_LARGE (an item over 400 KB), POSTBOX_ERROR_TRANSACTION_TOO_LARGE (over 4 MB
/// in total) and POSTBOX_ERROR_DUPLICATE_ITEM (two actions on one item). After a successful commit or
/// rollback, a call fails with POSTBOX_ERROR_UNIT_OF_WORK_CLOSED if it adds an action, commits, or rolls
/// back.
///
/// Items and keys are passed as a postbox_item, or as DynamoDB JSON, as in the AWS CLI. Malformed JSON fails with
/// POSTBOX_ERROR_INVALID_JSON, whose error text says where the problem is.
pub struct postbox_unit_of_work(Arc<Mutex<Unit>>, ClientLog);

struct Unit {
    work: UnitOfWork,
    /// Whether a commit that was started is not done yet.
    is_committing: bool,
}

impl Handle for postbox_unit_of_work {
    const NAME: &'static str = "work";
}

/// A unit of work that this thread uses. Until this value is dropped, the log messages of the thread go to the receiver of
/// the client.
pub(crate) struct InUse<'a> {
    unit: MutexGuard<'a, Unit>,
    _log: Entered,
}

impl Deref for InUse<'_> {
    type Target = UnitOfWork;

    fn deref(&self) -> &UnitOfWork {
        &self.unit.work
    }
}

impl DerefMut for InUse<'_> {
    fn deref_mut(&mut self) -> &mut UnitOfWork {
        &mut self.unit.work
    }
}

impl postbox_unit_of_work {
    fn of(work: UnitOfWork, log: &ClientLog) -> Self {
        Self(Arc::new(Mutex::new(Unit { work, is_committing: false })), log.clone())
    }

    /// Locks the unit, if no other thread is using it.
    ///
    /// # Safety
    /// The rules of [`Handle::borrow`] apply.
    pub(crate) unsafe fn enter<'a>(work: *const Self) -> Result<InUse<'a>> {
        // SAFETY: the caller's promise.
        unsafe { Self::borrow(work) }?.lock()
    }

    fn lock(&self) -> Result<InUse<'_>> {
        let Some(unit) = self.0.try_lock() else {
            return Err(Error::new(
                ErrorCode::ConcurrentUse,
                "this unit of work is in use by another thread; only one thread at a time may use it",
            ));
        };
        if unit.is_committing {
            return Err(Error::new(
                ErrorCode::ConcurrentUse,
                "this unit of work is being committed; wait for the completion of the commit",
            ));
        }
        Ok(InUse { unit, _log: self.1.clone().enter() })
    }

    /// Starts a commit. Until `done` is called, the unit rejects all calls.
    pub(crate) fn start_commit(&self, done: impl FnOnce(Result<()>) + Send + 'static) -> Result<Cancel> {
        let mut unit = self.lock()?;
        let commit = unit.begin_commit()?;
        let (token_ends, shared) = (commit.token_ends, Arc::clone(&self.0));
        let started = commit.start(move |sent| {
            let result = {
                let mut unit = shared.lock();
                unit.is_committing = false;
                unit.work.end_commit(token_ends, true, sent)
            };
            // The callback may free the handle, or use the unit again.
            drop(shared);
            done(result);
        });
        match started {
            Ok(cancel) => {
                unit.unit.is_committing = true;
                Ok(cancel)
            }
            Err(error) => Err(unit.end_commit(token_ends, false, Err(error.clone())).err().unwrap_or(error)),
        }
    }
}

/// Begins a unit of work. Nothing is written before postbox_unit_of_work_commit. Returns NULL only
/// if `client` is NULL. Functions on a NULL unit of work fail with POSTBOX_ERROR_NULL_ARGUMENT. The
/// caller frees the unit of work with postbox_unit_of_work_free, before or after freeing the client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_begin(client: *mut postbox_client) -> *mut postbox_unit_of_work {
    infallible(ptr::null_mut(), || {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        match unsafe { postbox_client::borrow(client) } {
            Ok(client) => postbox_unit_of_work::of(client.unit_of_work(), client.log()).into_raw(),
            Err(_) => ptr::null_mut(),
        }
    })
}

/// Begins a unit of work for a thread that must not wait, such as that of an event loop. Functions that add
/// actions send no request. If two items are put into one table whose key this client does not know yet,
/// two puts of the same item are detected only at the commit, which then fails with
/// POSTBOX_ERROR_SERVICE_ERROR. Commit the unit of work with postbox_unit_of_work_commit_async. Otherwise,
/// this function is the same as postbox_unit_of_work_begin.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_begin_async(client: *mut postbox_client) -> *mut postbox_unit_of_work {
    infallible(ptr::null_mut(), || {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        match unsafe { postbox_client::borrow(client) } {
            Ok(client) => postbox_unit_of_work::of(client.unit_of_work().without_requests(), client.log()).into_raw(),
            Err(_) => ptr::null_mut(),
        }
    })
}

/// Reads one item of any table immediately, with a consistent read, as postbox_get_item does. The
/// read is not part of the transaction. If the commit must fail when the item has changed since the
/// read, add an action with a condition on the item.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_get_item(
    work: *mut postbox_unit_of_work,
    table: *const c_char,
    key: *const c_char,
    item: *mut *mut c_char,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        let work = postbox_unit_of_work::enter(work)?;
        get_item(table, key, item, |table, key| work.get_item(table, key))
    })
}

/// Adds a put of an item, which replaces an existing item. `item`: {"Name": {"S": "Ada"}}.
///
/// Usually this function sends no request. But when two items are put into one table, Postbox has to
/// know the names of the table's key attributes, to detect two puts of the same item. If Postbox
/// does not know the names yet, this function requests them from DynamoDB. It then blocks, and can
/// fail with POSTBOX_ERROR_TABLE_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_put(
    work: *mut postbox_unit_of_work,
    table: *const c_char,
    item: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        postbox_unit_of_work::enter(work)?.put(text(table, "table")?, item_from_json(text(item, "item")?)?)
    })
}

/// Adds an update of one item. `update`: {"TableName": ..., "Key": ..., "UpdateExpression": ...,
/// "ConditionExpression": ..., "ExpressionAttributeNames": ..., "ExpressionAttributeValues": ...,
/// "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}. Only the first three members are required.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_update(
    work: *mut postbox_unit_of_work,
    update: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    fallible(|| unsafe { postbox_unit_of_work::enter(work)?.update(update_from_json(text(update, "update")?)?) })
}

/// Adds a delete of the item with this key. A missing item is not an error. `key`: {"Name": {"S":
/// "Ada"}}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_delete(
    work: *mut postbox_unit_of_work,
    table: *const c_char,
    key: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        postbox_unit_of_work::enter(work)?.delete(text(table, "table")?, item_from_json(text(key, "key")?)?)
    })
}

/// Adds a condition on an item that the unit of work does not write. The commit fails if the
/// condition is not met. `check`: {"TableName": ..., "Key": ..., "ConditionExpression": ...}, and
/// optionally "ExpressionAttributeNames", "ExpressionAttributeValues" and
/// "ReturnValuesOnConditionCheckFailure".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_condition_check(
    work: *mut postbox_unit_of_work,
    check: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        postbox_unit_of_work::enter(work)?.condition_check(condition_check_from_json(text(check, "check")?)?)
    })
}

/// Adds any action, in the format of aws dynamodb transact-write-items --transact-items: {"Put":
/// {"TableName": ..., "Item": ..., "ConditionExpression": ...}}. The other actions are
/// "Update", "Delete" and "ConditionCheck".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_add(
    work: *mut postbox_unit_of_work,
    action: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        postbox_unit_of_work::enter(work)?.add(transact_write_item_from_json(text(action, "action")?)?)
    })
}

/// Adds an action that stores a copy of this message in the outbox. After the commit, pass
/// postbox_message_id(message) to postbox_clear_outbox to send the message.
///
/// Errors: POSTBOX_ERROR_INVALID_MESSAGE, POSTBOX_ERROR_OUTBOX_LIMIT_REACHED, and the limit
/// errors of a postbox_unit_of_work.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_deposit_post(
    work: *mut postbox_unit_of_work,
    message: *const postbox_message,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles or NULL, which is checked.
    fallible(|| unsafe {
        let message = postbox_message::borrow(message)?.message();
        postbox_unit_of_work::enter(work)?.deposit_post(message).map(drop)
    })
}

/// Commits all actions in one transaction: either all actions take effect, or none. If a request fails
/// and is safe to repeat, Postbox repeats it with the same token, so that the transaction takes effect
/// at most once. A unit of work without actions commits without a request.
///
/// Errors:
/// - POSTBOX_ERROR_TRANSACTION_CANCELED: nothing was written. The error has a reason for each action
///   that failed. The unit of work stays open, and can be changed and committed again.
/// - POSTBOX_ERROR_DUPLICATE_MESSAGE: this call wrote nothing, because the outbox already has a message
///   with the same id. If the program uses the same message id each time it repeats an operation, this
///   error means that an earlier attempt at the operation succeeded.
/// - POSTBOX_ERROR_OUTCOME_UNKNOWN: the transaction may or may not have taken effect, because Postbox
///   received no response that shows the outcome. Call this function again on the same unit
///   of work to find out. This is safe for 9 minutes after the first commit. After 9 minutes, the error
///   is not retryable, and this function sends no request. In this case, check whether the outbox has
///   the message.
/// - A request error: nothing was written, and the unit of work stays open. Errors that leave the
///   outcome unknown are reported as POSTBOX_ERROR_OUTCOME_UNKNOWN instead.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_commit(work: *mut postbox_unit_of_work) -> *mut postbox_error {
    // SAFETY: the header requires a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_unit_of_work::enter(work) }?.commit())
}

/// Discards the actions and closes the unit of work, without a request. Freeing a unit of work that
/// was not committed has the same effect.
///
/// Errors: POSTBOX_ERROR_OUTCOME_UNKNOWN if the last commit failed with this error. The transaction
/// may have taken effect, so it cannot be rolled back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_rollback(work: *mut postbox_unit_of_work) -> *mut postbox_error {
    // SAFETY: the header requires a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_unit_of_work::enter(work) }?.rollback())
}

/// Frees a unit of work. Does nothing for NULL. The actions of a unit of work that was not committed
/// are discarded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_free(work: *mut postbox_unit_of_work) {
    // SAFETY: the header requires NULL or a unit that was not freed.
    infallible((), || unsafe { postbox_unit_of_work::free(work) });
}
