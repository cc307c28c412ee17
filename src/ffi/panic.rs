//! The panic boundary of every exported function, so that no unwinding reaches C.

use crate::ffi::host_thread::NotCanceled;
use crate::panic_text;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of a function that cannot fail. Returns `fallback` if the body panics.
pub(crate) fn infallible<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    let _not_canceled = NotCanceled::begin();
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        // The text must not be lost, but logging it must not panic either.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            tracing::error!(target: "postbox", text = panic_text(panic.as_ref()), "Postbox panicked");
        }));
        fallback
    })
}
