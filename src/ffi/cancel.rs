//! Cancel tokens.

use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, null_argument, write_out};
use crate::ffi::panic::infallible;
use crate::ffi::producer::{CallbackData, postbox_release_callback};
use crate::{CancelToken, Error, ErrorCode};
use std::ffi::c_void;
use std::sync::Arc;

/// A request to end running calls early. Pass a token to postbox_clear_outbox, postbox_sweep,
/// postbox_archive or postbox_archive_to_file, and call postbox_cancel_token_cancel on another thread, in
/// a producer or archive, or in a signal handler. The calls that use the token finish their current
/// calls to producers and archives, mark the messages that were sent, give back their leases, and
/// return. Cancellation is not an error, with one exception: if messages were skipped and `report` is
/// NULL, postbox_clear_outbox fails with POSTBOX_ERROR_CLEAR_INCOMPLETE.
///
/// Any number of calls may use one token at the same time.
pub struct postbox_cancel_token(CancelToken);

impl Handle for postbox_cancel_token {
    const NAME: &'static str = "token";
}

/// Creates a token that is not canceled. The caller frees the token with postbox_cancel_token_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_cancel_token_new(token: *mut *mut postbox_cancel_token) -> *mut postbox_error {
    fallible(|| {
        check_out(token, "token")?;
        // SAFETY: checked above.
        unsafe { write_out(token, "token", postbox_cancel_token(CancelToken::new()).into_raw()) }
    })
}

/// Cancels a token. This cannot be undone. Does nothing for NULL. Any thread may call this function,
/// and it is safe in a signal handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_cancel_token_cancel(token: *mut postbox_cancel_token) {
    // SAFETY: the header requires NULL or a token that was not freed. Nothing here can panic, allocate or lock, so that
    // a signal handler may call this function.
    if let Some(token) = unsafe { token.as_ref() } {
        token.0.cancel();
    }
}

/// Returns whether a token was canceled. Returns false for NULL. It is safe in a signal handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_cancel_token_is_canceled(token: *const postbox_cancel_token) -> bool {
    // SAFETY: the header requires NULL or a token that was not freed.
    unsafe { token.as_ref() }.is_some_and(|token| token.0.is_canceled())
}

/// Is called on a thread that waits; see postbox_cancel_token_on_wait. It may call the same functions as a
/// postbox_send_callback, and must return normally: an exception or a longjmp out of it is undefined
/// behaviour.
pub type postbox_wait_callback = Option<unsafe extern "C" fn(data: *mut c_void)>;

/// Sets a function that is called with `data` about every 100 milliseconds while a call of postbox_sweep
/// with this token only waits for its additional threads, which are calling producers. The function runs
/// on the thread that called postbox_sweep. It can cancel the token, for example if the language runtime
/// of the host handles a signal on this thread.
///
/// `release` may be NULL. It is called once with `data`, when the token was freed and no call uses the
/// token any more. If this function fails, `release` is not called.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the token already has such a function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_cancel_token_on_wait(
    token: *mut postbox_cancel_token,
    callback: postbox_wait_callback,
    data: *mut c_void,
    release: postbox_release_callback,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires NULL, which is checked, or a token that was not freed.
        let token = unsafe { postbox_cancel_token::borrow(token) }?;
        let callback = callback.ok_or_else(|| null_argument("callback"))?;
        let data = Arc::new(CallbackData::new(data, None));
        let kept = Arc::clone(&data);
        // SAFETY: the C program passed this function together with this data.
        let on_wait = Box::new(move || unsafe { callback(kept.data) });
        if !token.0.on_wait(on_wait) {
            return Err(Error::new(ErrorCode::InvalidArgument, "this token already has a function for waits"));
        }
        data.release_with(release);
        Ok(())
    })
}

/// Frees a token. Does nothing for NULL. Calls that are still running with the token are not affected,
/// and can no longer be canceled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_cancel_token_free(token: *mut postbox_cancel_token) {
    // SAFETY: the header requires NULL or a token that was not freed.
    infallible((), || unsafe { postbox_cancel_token::free(token) });
}

/// Returns the token that a call uses. For NULL, returns a token that is never canceled.
///
/// # Safety
/// The rules of [`Handle::borrow`] apply, except that NULL is allowed.
pub(crate) unsafe fn cancel_token(token: *const postbox_cancel_token) -> CancelToken {
    // SAFETY: the caller's promise.
    unsafe { token.as_ref() }.map(|token| token.0.clone()).unwrap_or_default()
}
