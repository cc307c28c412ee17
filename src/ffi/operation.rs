//! Operations that were started, and the callback that receives their results.

use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, null_argument};
use crate::ffi::panic::infallible;
use crate::ffi::result::{Content, postbox_result};
use crate::{Cancel, CancelToken, Result};
use std::ffi::c_void;
use std::ptr;

/// Receives the result of an operation that was started, with the `data` that was passed with the
/// callback. If the operation failed, `error` describes why, as if the blocking function had returned it,
/// and `result` is NULL. The callback owns both and frees them with postbox_error_free and
/// postbox_result_free.
///
/// The callback is called once for each operation that was started, even if the operation is canceled or
/// the client is closed. If the function that starts an operation fails, the callback is not called. The
/// argument `operation` of such a function may be NULL; otherwise, the caller frees the handle with
/// postbox_operation_free. The callback runs on a thread of the client named "postbox-completion", which calls the
/// callbacks of all operations one after another, and may run before the function that starts the
/// operation has returned. The callback may call Postbox, but while it runs, no other operation of the
/// client is reported, so it should return quickly. It must not free the client. postbox_close and
/// postbox_close_within fail in it with POSTBOX_ERROR_REENTRANT_CALL. It must return normally: an
/// exception or a longjmp out of it is undefined behaviour.
///
/// A close of the client waits for its operations, as it waits for calls. A clear, a count, or another operation
/// of several requests that has not begun by then fails with POSTBOX_ERROR_CLOSED.
///
/// A child process that was forked receives no results of its parent's operations.
pub type postbox_completion_callback =
    Option<unsafe extern "C" fn(data: *mut c_void, error: *mut postbox_error, result: *mut postbox_result)>;

/// An operation that was started. The handle is needed only to cancel the operation. Any number of threads
/// may use it.
pub struct postbox_operation(Canceled);

/// The effect of a cancellation.
pub(crate) enum Canceled {
    /// The wait for the operation ends.
    Wait(Cancel),
    /// The operation ends early, and is then reported as usual.
    Operation(CancelToken),
}

impl From<Cancel> for Canceled {
    fn from(cancel: Cancel) -> Self {
        Self::Wait(cancel)
    }
}

impl Handle for postbox_operation {
    const NAME: &'static str = "operation";
}

/// Ends the wait for an operation, whose callback then receives POSTBOX_ERROR_CANCELED. A write may or may
/// not have taken effect: for a commit, the error is POSTBOX_ERROR_OUTCOME_UNKNOWN, and the program can
/// commit the unit of work again to find out. An operation that calls producers finishes its current calls
/// and is then reported as usual. Does nothing for NULL, and if the operation is done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_operation_cancel(operation: *mut postbox_operation) {
    infallible((), || {
        // SAFETY: the header requires NULL or a living operation.
        let Ok(operation) = (unsafe { postbox_operation::borrow(operation) }) else { return };
        match &operation.0 {
            Canceled::Wait(cancel) => cancel.cancel(),
            Canceled::Operation(token) => token.cancel(),
        }
    });
}

/// Frees the handle of an operation. The operation continues, and its callback is called. Does nothing for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_operation_free(operation: *mut postbox_operation) {
    // SAFETY: the header requires NULL or an operation that was not freed.
    infallible((), || unsafe { postbox_operation::free(operation) });
}

/// The callback of one operation.
pub(crate) struct Completion {
    callback: unsafe extern "C" fn(*mut c_void, *mut postbox_error, *mut postbox_result),
    data: *mut c_void,
}

// SAFETY: the header requires data that may be used on the thread that calls the callback.
unsafe impl Send for Completion {}

impl Completion {
    /// Passes the result to C. This is done once.
    pub(crate) fn report<T: Into<Content>>(self, result: Result<T>) {
        let mut content = Content::Nothing;
        let error = fallible(|| result.map(|value| content = value.into()));
        let result = if error.is_null() { content.into_raw() } else { ptr::null_mut() };
        // SAFETY: the C program passed this function together with this data.
        unsafe { (self.callback)(self.data, error, result) };
    }
}

/// Starts an operation, and passes its handle to C, unless `operation` is NULL.
///
/// # Safety
/// `operation` is NULL or can be written.
pub(crate) unsafe fn start<C: Into<Canceled>>(
    (callback, data): (postbox_completion_callback, *mut c_void),
    operation: *mut *mut postbox_operation,
    start: impl FnOnce(Completion) -> Result<C>,
) -> *mut postbox_error {
    fallible(|| {
        let callback = callback.ok_or_else(|| null_argument("callback"))?;
        let canceled = start(Completion { callback, data })?.into();
        if !operation.is_null() {
            // SAFETY: not NULL, and the caller's promise.
            unsafe { operation.write(postbox_operation(canceled).into_raw()) };
        }
        Ok(())
    })
}
