//! The one panic boundary of every exported function: no unwinding reaches C.

use crate::error::{Error, ErrorCode, Result, panic_text};
use crate::ffi::error::postbox_error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The body of a function that can fail: `NULL` for success, else an error that the caller owns.
pub(crate) fn fallible(body: impl FnOnce() -> Result<()>) -> *mut postbox_error {
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        Err(Error::new(
            ErrorCode::Internal,
            format!("Postbox panicked: {}. Please report it", panic_text(panic.as_ref())),
        ))
    });
    match result {
        Ok(()) => std::ptr::null_mut(),
        Err(error) => catch_unwind(AssertUnwindSafe(|| postbox_error::raise(error)))
            .unwrap_or_else(|_| postbox_error::out_of_words()),
    }
}

/// The body of a function that cannot fail: `fallback` if it panics all the same.
pub(crate) fn infallible<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        // The text may not be lost, but telling it may not panic either.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            tracing::error!(target: "postbox", text = panic_text(panic.as_ref()), "Postbox panicked");
        }));
        fallback
    })
}
