//! Sweeping, in the foreground and in the background.

use crate::SweepReport;
use crate::ffi::client::postbox_client;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, write_optional};
use crate::ffi::lease::postbox_lease;
use crate::ffi::text::{optional_text, texts};
use std::ffi::c_char;

/// The result of a sweep, in messages.
#[repr(C)]
pub struct postbox_sweep_result {
    /// Messages that the index showed as outstanding and old enough.
    pub found: u64,
    /// Messages sent, or accepted by their producer.
    pub dispatched: u64,
    /// Messages that another process had dispatched, parked or deleted in the meantime; they
    /// were not sent.
    pub already_dispatched: u64,
    /// Messages that could not be sent.
    pub failed: u64,
    /// Messages skipped in this sweep: blocked by an earlier message with the same key, an open
    /// breaker, a retry delay, or the end of the sweep.
    pub held_back: u64,
    /// A postbox_lease.
    pub lease: i32,
    /// Always 0; reserved for later versions.
    pub reserved: [u32; 7],
}

/// Sends the outstanding messages that are older than "sweep_min_age_ms", oldest first, of one
/// topic, or of all topics if `topic` is NULL, and marks them dispatched, until none is left that
/// can be sent. It sends on this thread and on up to "sweep_threads" - 1 further threads. It holds
/// the lease of sweepers, shared with Brighter, while it runs; if another sweeper holds the lease,
/// nothing is done. `result` may be NULL.
///
/// A failure of a message counts as an attempt; the message is retried after
/// "dispatch_retry_delay_ms" and parked after "max_dispatch_attempts". A message that its producer
/// rejects or that cannot be read is parked at once. Later messages of the same topic and partition
/// key wait for a failed message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_sweep(
    client: *mut postbox_client,
    topic: *const c_char,
    result: *mut postbox_sweep_result,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, topic) = unsafe { (postbox_client::borrow(client)?.get(), optional_text(topic, "topic")?) };
        let report = match topic {
            Some(topic) => postbox.sweep_topic(topic)?,
            None => postbox.sweep()?,
        };
        // SAFETY: the header asks for NULL or a place for the struct.
        unsafe { write_optional(result, sweep_result(&report)) };
        Ok(())
    })
}

/// Starts the sweeper, a thread that sweeps all topics as postbox_sweep does, first at once and
/// then every "sweep_interval_ms". It logs errors and continues. Producers are called on that
/// thread and, for other topics at the same time, on up to "sweep_threads" - 1 further threads.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the sweeper is already running.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_start_sweeper(client: *mut postbox_client) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(client) }?.get().start_sweeper())
}

/// Hands messages to this process's sweeper whose transaction another program component has
/// committed, for example an AWS SDK. A thread of the sweeper sends them at once, as
/// postbox_clear_outbox does. Returns without waiting for that. If the sweeper is not running, or
/// 1,000 messages wait for it, the next sweep sends the messages. An id without a message is
/// ignored. For units of work of Postbox, the setting "dispatch_after_commit" does the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_notify_committed(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
) -> *mut postbox_error {
    // SAFETY: the header asks for living handles and `count` strings, or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(client)?.get().notify_committed(&texts(ids, count, "ids")?) })
}

/// Stops the sweeper after the messages that it is sending, and waits for it up to
/// "close_timeout_ms". Does nothing if the sweeper is not running. postbox_close and postbox_free
/// stop it too.
///
/// Errors: POSTBOX_ERROR_TIMEOUT if a producer has not returned; the sweeper stops when it does.
/// Call this function again to wait longer. The sweeper cannot be started again until it has
/// stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_stop_sweeper(client: *mut postbox_client) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(client) }?.get().stop_sweeper())
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
