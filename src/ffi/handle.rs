//! Ownership of handles. A handle is a boxed Rust value. C owns it by pointer until C frees it.

use crate::{Error, ErrorCode, Result};

/// A type that C holds by pointer. The functions use a handle through a shared reference, so that
/// simultaneous calls from two threads are not undefined behaviour. Any thread can free a handle.
pub(crate) trait Handle: Sized + Send + Sync {
    /// The name that a parameter of this type has in the header, for error messages.
    const NAME: &'static str;

    /// Passes the value to C, which must return it to [`free`](Self::free).
    fn into_raw(self) -> *mut Self {
        Box::into_raw(Box::new(self))
    }

    /// Borrows the value behind a pointer that C passed, for the time of a call.
    ///
    /// # Safety
    /// `pointer` is `NULL`, or came from [`into_raw`](Self::into_raw) (or points to a value that
    /// outlives the call) and was not freed.
    unsafe fn borrow<'a>(pointer: *const Self) -> Result<&'a Self> {
        // SAFETY: the caller's promise, and `as_ref` checks for NULL.
        unsafe { pointer.as_ref() }.ok_or_else(|| null_argument(Self::NAME))
    }

    /// Takes the value back from C and drops it; does nothing for `NULL`.
    ///
    /// # Safety
    /// `pointer` is `NULL`, or came from [`into_raw`](Self::into_raw) and was not freed, and no
    /// other call with it is in progress.
    unsafe fn free(pointer: *mut Self) {
        if !pointer.is_null() {
            // SAFETY: the caller's promise: it is the only pointer to this Box.
            drop(unsafe { Box::from_raw(pointer) });
        }
    }
}

/// Returns the error for a required pointer that is `NULL`.
pub(crate) fn null_argument(name: &str) -> Error {
    Error::new(ErrorCode::NullArgument, format!("argument \"{name}\" is NULL"))
}

/// Writes an out-parameter.
///
/// # Safety
/// `pointer` is `NULL` or can be written.
pub(crate) unsafe fn write_out<T>(pointer: *mut T, name: &str, value: T) -> Result<()> {
    check_out(pointer, name)?;
    // SAFETY: not NULL, and the caller's promise.
    unsafe { pointer.write(value) };
    Ok(())
}

/// Checks that an out-parameter is not `NULL`. Callers check this before they do any work, so that
/// no result is lost.
pub(crate) fn check_out<T>(pointer: *mut T, name: &str) -> Result<()> {
    if pointer.is_null() { Err(null_argument(name)) } else { Ok(()) }
}

/// Writes an out-parameter that may be `NULL`.
///
/// # Safety
/// `pointer` is `NULL` or can be written.
pub(crate) unsafe fn write_optional<T>(pointer: *mut T, value: T) {
    if !pointer.is_null() {
        // SAFETY: not NULL, and the caller's promise.
        unsafe { pointer.write(value) };
    }
}
