//! Sweeping, in the foreground and in the background.

use crate::SweepReport;
use crate::ffi::client::postbox_client;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, write_optional};
use crate::ffi::lease::postbox_lease;
use crate::ffi::text::{optional_text, texts};
use std::ffi::c_char;

/// The result of a sweep: numbers of messages, and the lease.
#[repr(C)]
pub struct postbox_sweep_result {
    /// Messages that the index showed as outstanding and old enough.
    pub found: u64,
    /// Messages that were sent, or that their producer accepted.
    pub dispatched: u64,
    /// Messages that this sweep did not send, because another process had dispatched, parked or
    /// deleted them in the meantime.
    pub already_dispatched: u64,
    /// Messages that could not be sent.
    pub failed: u64,
    /// Messages that this sweep did not try to send. They wait for an earlier message with the same
    /// partition key, for the end of a retry delay or of a pause after failures, for their
    /// confirmation, or for the next sweep.
    pub held_back: u64,
    /// Whether the sweep held its lease.
    pub lease: i32,
    /// Always 0; reserved for later versions.
    pub reserved: [u32; 7],
}

/// Sends the outstanding messages of `topic` that are older than "sweep_min_age_ms", and marks them
/// dispatched. If `topic` is NULL, sends the messages of all topics. Within a topic, the oldest
/// messages are sent first. `result` may be NULL.
///
/// The sweep works on one lane after another. A lane is a topic and a group of its shards. It sends
/// the first lane on this thread, and lanes of other topics at the same time on up to
/// "sweep_threads" - 1 further threads. It ends when it finds no more messages that it can send;
/// with one lease for all sweepers, it starts no new lane after 30 seconds.
///
/// While the sweep sends, it holds a lease in the lock table. With "lease_mode" = "single", this is
/// one lease for all lanes, which also excludes the sweepers of Brighter; with "per_shard", each
/// lane has a lease. Messages whose lease another sweeper holds are left to that sweeper.
///
/// A message that could not be sent waits before its next attempt: first for
/// "dispatch_retry_delay_ms", later for as long as it has been failing, up to 5 minutes. Later
/// messages with the same topic and partition key wait too. The failure counts only if at least half
/// of the messages of the topic that are tried for the first time are sent. A message is parked
///
/// - when "max_dispatch_attempts" failures have counted and "park_min_age_ms" has passed since its
///   first failure;
/// - when its producer rejects it, unless the producer rejects three or more messages with the same
///   reason and sends none;
/// - "park_after_ms" after its first failure, even if its failures do not count;
/// - a day after the first failure to read it, if the stored item is malformed.
///
/// The sweep stops working on a lane after ten failures in a row, after POSTBOX_SEND_UNAVAILABLE, or
/// if sent messages cannot be marked. The lane is then paused for all processes, and no failure
/// counts.
///
/// Errors: request errors, if the messages or the lease could not be read. `result` counts the
/// messages that could not be sent.
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

/// Starts the sweeper, a background thread that sweeps all topics as postbox_sweep does. The first
/// sweep begins immediately, and the others follow at intervals of "sweep_interval_ms". The sweeper
/// logs errors and continues. It calls the producers on its own thread, and those of other topics at
/// the same time on up to "sweep_threads" - 1 further threads.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the sweeper is already running.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_start_sweeper(client: *mut postbox_client) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(client) }?.get().start_sweeper())
}

/// Hands messages over to the sweeper of this process. Use it for messages that another client has
/// committed, for example an AWS SDK. A thread of the sweeper sends the messages immediately, as
/// postbox_clear_outbox does; this function does not wait for it. If the sweeper is not running, or
/// if 1,000 messages wait for it, the next sweep sends the messages. Ids of messages that do not
/// exist are ignored. For units of work of Postbox, the setting "dispatch_after_commit" does the
/// same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_notify_committed(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
) -> *mut postbox_error {
    // SAFETY: the header asks for living handles and `count` strings, or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(client)?.get().notify_committed(&texts(ids, count, "ids")?) })
}

/// Tells the sweeper to stop after its current calls of producers, and waits up to
/// "close_timeout_ms" until the sweeper has stopped. Does nothing if the sweeper is not running.
/// postbox_close and postbox_free stop the sweeper too.
///
/// Errors: POSTBOX_ERROR_TIMEOUT if a producer has not returned in this time. The sweeper stops when
/// the producer returns, and cannot be started again before that. Call this function again to wait
/// longer.
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
