//! The trace context of a thread of the host.

use crate::TraceContext;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::text::optional_text;
use std::cell::RefCell;
use std::ffi::c_char;

thread_local! {
    static CURRENT: RefCell<Option<TraceContext>> = const { RefCell::new(None) };
}

/// Returns the trace context of this thread.
pub(crate) fn current_trace_context() -> Option<TraceContext> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Sets the W3C trace context of the calling thread, for all clients. A message that this thread deposits,
/// or turns into a put, gets the context in its header fields "trace_parent" and "trace_state", unless
/// "trace_parent" is set. The context remains until this thread sets another one; if `trace_parent` is
/// NULL, the thread has none. `trace_state` may be NULL.
///
/// A program calls this function when a span begins and when it ends. It sends no request and never
/// blocks.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if a value does not have the form of W3C Trace Context. The
/// thread then has no context.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_set_trace_context(
    trace_parent: *const c_char,
    trace_state: *const c_char,
) -> *mut postbox_error {
    fallible(|| {
        // An invalid context must not leave that of an earlier span.
        let set = |context| CURRENT.try_with(|current| *current.borrow_mut() = context);
        let _ = set(None);
        // SAFETY: the header requires strings or NULL.
        let (parent, state) =
            unsafe { (optional_text(trace_parent, "trace_parent")?, optional_text(trace_state, "trace_state")?) };
        if let Some(parent) = parent {
            let _ = set(Some(TraceContext::new(parent, state.unwrap_or_default())?));
        }
        Ok(())
    })
}
