//! The one panic boundary of every exported function: no unwinding reaches C.

use crate::panic_text;
use std::panic::{AssertUnwindSafe, catch_unwind};

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
