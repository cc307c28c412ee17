//! Cancel tokens.

use crate::CancelToken;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, write_out};
use crate::ffi::panic::infallible;

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
