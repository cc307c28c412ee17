//! Sweeping, in the foreground and in the background.

use crate::SweepReport;
use crate::ffi::client::postbox_client;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, write_optional};
use crate::ffi::lease::postbox_lease;
use crate::ffi::text::optional_text;
use std::ffi::c_char;

/// What a sweep did, in messages.
#[repr(C)]
pub struct postbox_sweep_result {
    /// Shown by the index as outstanding and old enough.
    pub found: u64,
    /// Sent, or accepted by their producer.
    pub dispatched: u64,
    /// Dispatched by somebody else meanwhile: not sent.
    pub already_dispatched: u64,
    /// Could not be sent.
    pub failed: u64,
    /// Waiting: behind one of their partition key, behind an open breaker, for their next attempt.
    pub held_back: u64,
    /// A postbox_lease.
    pub lease: i32,
    /// 0; for later versions.
    pub reserved: [u32; 7],
}

/// Finds the outstanding messages that are older than "sweep_min_age_ms", oldest first, sends
/// them on this thread and up to "sweep_threads" - 1 more, and marks them dispatched, until none is left that can be sent: of one
/// topic, or of all if `topic` is NULL. It holds Brighter's lease while it does; if another sweeper
/// has it, nothing is done. `result`, which may be NULL, gets what was done.
///
/// A message that fails counts an attempt, waits for its next one ("dispatch_retry_delay_ms"), and is
/// parked after "max_dispatch_attempts", or at once if its producer rejects it or it cannot be read.
/// Later messages of its topic and partition key wait for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_sweep(
    r#box: *mut postbox_client,
    topic: *const c_char,
    result: *mut postbox_sweep_result,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, topic) = unsafe { (postbox_client::borrow(r#box)?.get(), optional_text(topic, "topic")?) };
        let report = match topic {
            Some(topic) => postbox.sweep_topic(topic)?,
            None => postbox.sweep()?,
        };
        // SAFETY: the header asks for NULL or a place for the struct.
        unsafe { write_optional(result, sweep_result(&report)) };
        Ok(())
    })
}

/// Starts the sweeper: a thread that sweeps all topics, as postbox_sweep does, at once and then
/// every "sweep_interval_ms", survives every error and logs it. Producers are called on that
/// thread and, for other topics at the same time, on up to `sweep_threads` - 1 more.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if it is running already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_start_sweeper(r#box: *mut postbox_client) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(r#box) }?.get().start_sweeper())
}

/// Stops the sweeper after what it is sending, and waits "close_timeout_ms" for it at most.
/// Without one running, does nothing. postbox_close and postbox_free stop it too.
///
/// Errors: POSTBOX_ERROR_TIMEOUT: a producer has not returned; the sweeper stops when it does.
/// Call this again to wait longer; until it has stopped, it cannot be started again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_stop_sweeper(r#box: *mut postbox_client) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(r#box) }?.get().stop_sweeper())
}

fn sweep_result(report: &SweepReport) -> postbox_sweep_result {
    postbox_sweep_result {
        found: report.found,
        dispatched: report.dispatched,
        already_dispatched: report.already_dispatched,
        failed: report.failed,
        held_back: report.held_back,
        lease: postbox_lease::of(&report.lease) as i32,
        reserved: [0; 7],
    }
}
