//! The error object, which the caller owns. NULL means success.

use crate::dynamodb_json::item_to_json;
use crate::ffi::handle::Handle;
use crate::ffi::host_thread::NotCanceled;
use crate::ffi::item_handle::postbox_item;
use crate::ffi::panic::infallible;
use crate::ffi::text::c_string;
use crate::{Error, ErrorCode, Result, panic_text};
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// An error. A function that can fail returns an error that the caller owns, or NULL for success:
///
/// ```c
/// postbox_error *error = postbox_unit_of_work_commit(work);
/// if (error) {
///     fprintf(stderr, "%s\n", postbox_error_message(error));
///     bool again = postbox_error_is_retryable(error);
///     postbox_error_free(error);
/// }
/// ```
///
/// The functions on errors accept NULL, which means success. Any number of threads may read an
/// error.
pub struct postbox_error {
    code: ErrorCode,
    retryable: bool,
    message: CString,
    reasons: Vec<Reason>,
}

struct Reason {
    index: usize,
    subject: CString,
    code: CString,
    message: CString,
    item: Option<(CString, postbox_item)>,
}

impl Handle for postbox_error {
    const NAME: &'static str = "error";
}

impl postbox_error {
    /// Returns the error that C receives if the conversion of another error panicked.
    fn fallback() -> Self {
        let message = c"Postbox panicked while reporting an error".to_owned();
        Self { code: ErrorCode::Internal, retryable: false, message, reasons: Vec::new() }
    }
}

impl From<Error> for postbox_error {
    fn from(error: Error) -> Self {
        let reasons = error.reasons().iter().map(|reason| Reason {
            index: reason.index,
            subject: c_string(&reason.subject),
            code: c_string(&reason.code),
            message: c_string(&reason.message),
            item: reason.item.as_ref().map(|item| (c_string(&item_to_json(item)), postbox_item::of(item))),
        });
        Self {
            code: error.code(),
            retryable: error.is_retryable(),
            message: c_string(error.message()),
            reasons: reasons.collect(),
        }
    }
}

/// Returns the result of `read` for the error, or `none` for NULL.
///
/// # Safety
/// The rules of [`Handle::borrow`] apply.
unsafe fn of_error<T>(error: *const postbox_error, none: T, read: impl FnOnce(&postbox_error) -> Option<T>) -> T
where
    T: Copy,
{
    // SAFETY: the caller's promise.
    infallible(none, || unsafe { postbox_error::borrow(error) }.ok().and_then(read).unwrap_or(none))
}

/// Returns the code of an error, or POSTBOX_ERROR_NONE for NULL. A later version of the library may
/// return codes that this header does not name; treat them as POSTBOX_ERROR_INTERNAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_error_code(error: *const postbox_error) -> ErrorCode {
    // SAFETY: the header requires NULL or a living error.
    unsafe { of_error(error, ErrorCode::None, |error| Some(error.code)) }
}

/// Returns the error text, which contains no secrets and no message bodies. Returns "" for NULL. The
/// string is valid until the error is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_error_message(error: *const postbox_error) -> *const c_char {
    // SAFETY: the header requires NULL or a living error.
    unsafe { of_error(error, c"".as_ptr(), |error| Some(error.message.as_ptr())) }
}

/// Returns whether the same call with the same arguments may succeed if it is repeated. Returns
/// false for NULL. After POSTBOX_ERROR_OUTCOME_UNKNOWN, call postbox_unit_of_work_commit again on
/// the same unit of work.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_error_is_retryable(error: *const postbox_error) -> bool {
    // SAFETY: the header requires NULL or a living error.
    unsafe { of_error(error, false, |error| Some(error.retryable)) }
}

/// Returns the number of reasons in an error. A reason explains why one action of a transaction
/// failed, why one message of a call failed, or which problem a table has. Returns 0 for NULL and
/// for an error without reasons.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_error_reason_count(error: *const postbox_error) -> usize {
    // SAFETY: the header requires NULL or a living error.
    unsafe { of_error(error, 0, |error| Some(error.reasons.len())) }
}

/// Returns the position of the action or message that failed: its index in the unit of work, or in
/// the array that was passed to the call. The first index is 0. `reason` is the number of the reason,
/// which also starts at 0. Returns SIZE_MAX if `reason` is out of range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_error_reason_index(error: *const postbox_error, reason: usize) -> usize {
    // SAFETY: the header requires NULL or a living error.
    unsafe { of_error(error, usize::MAX, |error| Some(error.reasons.get(reason)?.index)) }
}

/// Returns the subject of a reason: an action ("Put People"), a message id, or the name of an
/// index. Returns "" if `reason` is out of range. The string is valid until the error is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_error_reason_subject(error: *const postbox_error, reason: usize) -> *const c_char {
    // SAFETY: the header requires NULL or a living error.
    unsafe { of_error(error, c"".as_ptr(), |error| Some(error.reasons.get(reason)?.subject.as_ptr())) }
}

/// Returns the code of a reason. If DynamoDB returned a code ("ConditionalCheckFailed",
/// "TransactionConflict"), this function returns that code. Otherwise it returns a code that Postbox
/// sets. Returns "" if `reason` is out of range. The string is valid until the error is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_error_reason_code(error: *const postbox_error, reason: usize) -> *const c_char {
    // SAFETY: the header requires NULL or a living error.
    unsafe { of_error(error, c"".as_ptr(), |error| Some(error.reasons.get(reason)?.code.as_ptr())) }
}

/// Returns the text of a reason, or "" if `reason` is out of range. The string is valid until the
/// error is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_error_reason_message(error: *const postbox_error, reason: usize) -> *const c_char {
    // SAFETY: the header requires NULL or a living error.
    unsafe { of_error(error, c"".as_ptr(), |error| Some(error.reasons.get(reason)?.message.as_ptr())) }
}

/// Returns the item whose condition failed, as DynamoDB JSON, if the action requested the item with
/// "ReturnValuesOnConditionCheckFailure": "ALL_OLD" or the member return_item of postbox_expression.
/// Otherwise returns NULL. The string is valid until the error is freed.
/// postbox_error_reason_read_item returns the same item without text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_error_reason_item(error: *const postbox_error, reason: usize) -> *const c_char {
    // SAFETY: the header requires NULL or a living error.
    unsafe { of_error(error, ptr::null(), |error| Some(error.reasons.get(reason)?.item.as_ref()?.0.as_ptr())) }
}

/// Returns the item whose condition failed, as postbox_error_reason_item does, for the functions that read
/// items. The item belongs to the error and is valid until the error is freed: do not free it, and copy it
/// with postbox_item_copy to keep it. Returns NULL if the reason has no item.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_error_reason_read_item(
    error: *const postbox_error,
    reason: usize,
) -> *const postbox_item {
    // SAFETY: the header requires NULL or a living error.
    unsafe { of_error(error, ptr::null(), |error| Some(ptr::from_ref(&error.reasons.get(reason)?.item.as_ref()?.1))) }
}

/// Frees an error. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_error_free(error: *mut postbox_error) {
    // SAFETY: the header requires NULL or an error that was not freed.
    infallible((), || unsafe { postbox_error::free(error) });
}

/// Runs the body of a function that can fail. Returns `NULL` for success, else an error that the
/// caller owns.
pub(crate) fn fallible(body: impl FnOnce() -> Result<()>) -> *mut postbox_error {
    let _not_canceled = NotCanceled::begin();
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        Err(Error::new(
            ErrorCode::Internal,
            format!("Postbox panicked: {}. Please report it", panic_text(panic.as_ref())),
        ))
    });
    match result {
        Ok(()) => std::ptr::null_mut(),
        Err(error) => catch_unwind(AssertUnwindSafe(|| postbox_error::from(error)))
            .unwrap_or_else(|_| postbox_error::fallback())
            .into_raw(),
    }
}
