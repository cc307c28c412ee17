//! Sweeping, in the foreground and in the background.

use crate::ffi::cancel::{cancel_token, postbox_cancel_token};
use crate::ffi::client::postbox_client;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::write_optional;
use crate::ffi::lease::postbox_lease;
use crate::ffi::text::{optional_text, texts};
use crate::{SweepOptions, SweepReport};
use std::ffi::c_char;

/// The result of a sweep: message counts and the status of the lease.
#[repr(C)]
pub struct postbox_sweep_result {
    /// Outstanding messages older than "sweep_min_age_ms" that the sweep found in the table.
    pub found: u64,
    /// Messages that were sent, or that were accepted by their producer.
    pub dispatched: u64,
    /// Messages that this sweep did not send, because another process had dispatched, parked or
    /// deleted them in the meantime.
    pub already_dispatched: u64,
    /// Messages that could not be sent.
    pub failed: u64,
    /// Messages that this sweep did not try to send. They wait for an earlier message with the same
    /// partition key, for the end of a retry delay, for the end of a pause of their lane (see
    /// postbox_sweep), for their confirmation, or for the next sweep.
    pub held_back: u64,
    /// Whether the sweep held its lease, as a postbox_lease.
    pub lease: i32,
    /// Always 0; reserved for later versions.
    pub reserved: [u32; 7],
}

/// Sends the outstanding messages of `topic` that are older than "sweep_min_age_ms", and marks them
/// dispatched. If `topic` is NULL, sends the messages of all topics. The oldest messages of each lane
/// (see below) are sent first. `result` may be NULL. `cancel` may be NULL; if it is canceled, the
/// sweep ends after its current calls to producers.
///
/// The messages of a topic are spread over "number_of_shards" shards. A lane is the part of a topic
/// that one thread sweeps as a unit. A lane consists of one or more shards. If Brighter and Postbox
/// use different shards for the same partition key, both shards belong to the same lane, so that
/// the messages with this key are sent in order. Each thread of a sweep works on one lane at a
/// time. The calling thread is one of these threads. If several topics have outstanding messages,
/// up to "sweep_threads" - 1 additional threads work at the same time. Two threads of one sweep
/// never work on the same topic at the same time. The sweep ends when it finds no more messages
/// that it can send.
///
/// With "sweep_threads" above 1, a producer that does not return within half of "lease_duration_ms"
/// does not stop the sweep. Another thread sends the messages of the other topics. For the next 5
/// minutes, no process sends the messages that were passed to the slow producer in that call.
///
/// While the sweep sends, it holds a lease in the lock table. With "lease_mode" = "single", this is one
/// lease for all lanes, which also excludes the sweepers of Brighter. In this mode, if the outbox has
/// messages of topics that have no producer in this process, the sweep does not begin another lane
/// after it has run for 30 seconds. Another sweeper can then take the lease and send these messages.
/// With "per_shard", each lane has its own lease. Messages in a lane whose lease is held by another
/// sweeper are left to that sweeper.
///
/// A message that could not be sent waits before its next attempt. After the first failure, it
/// waits for "dispatch_retry_delay_ms". After each later failure, the wait is as long as the time
/// since the first failure, up to a limit. The limit is 5 minutes if the failure counts toward
/// "max_dispatch_attempts", and 1 minute if it does not. Later messages with the same topic and partition key wait too.
///
/// A failure counts toward "max_dispatch_attempts" only if the transport of the topic works: at
/// least half of the recent first attempts in the topic succeeded. A first attempt is an attempt to
/// send a message that was not tried before. A message is parked
///
/// - when "max_dispatch_attempts" failures have counted and "park_min_age_ms" has passed since its
///   first failure;
/// - when its producer rejects it. Exception: if the producer rejects three or more messages of the
///   topic in this sweep with the same reason and sends none, these messages are parked only when
///   "park_min_age_ms" has passed since their first failures, because the cause may be the target;
/// - when it still cannot be sent and its first failure was at least "park_after_ms" ago,
///   whether or not its failures count. Exception: the message is not parked if the sweep pauses the
///   lane of the message (see below) and sends no other message of the topic;
/// - when the stored item is malformed and still cannot be read a day after the first failure to read
///   it.
///
/// With "park_keyed" = "false", a message with a partition key is parked only when it is rejected or
/// malformed.
///
/// The sweep stops working on a lane after ten consecutive failures, after
/// POSTBOX_SEND_UNAVAILABLE, or if sent messages cannot be marked. It then pauses the lane: for a
/// limited time, no process sweeps the lane. The failures that lead to a pause do not
/// count toward "max_dispatch_attempts".
///
/// Errors: a request error if the messages could not be read, or if a request for the lease failed.
/// If the lock table does not exist and cannot be created, or if access to it was denied, the
/// function succeeds instead, and `result` has the lease status POSTBOX_LEASE_UNAVAILABLE. A
/// message that could not be sent is not an error; `result` counts it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_sweep(
    client: *mut postbox_client,
    topic: *const c_char,
    cancel: *const postbox_cancel_token,
    result: *mut postbox_sweep_result,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (client, topic) = unsafe { (postbox_client::borrow(client)?, optional_text(topic, "topic")?) };
        // SAFETY: the header requires NULL or a living token.
        let options = SweepOptions::new().cancel(&unsafe { cancel_token(cancel) });
        let options = topic.into_iter().fold(options, SweepOptions::topic);
        let report = client.get().sweep_with(options)?;
        // SAFETY: the header requires NULL or a place for the struct.
        unsafe { write_optional(result, sweep_result(&report)) };
        Ok(())
    })
}

/// Starts the sweeper, a background thread that sweeps all topics as postbox_sweep does. The first
/// sweep begins immediately, and later sweeps follow at intervals of "sweep_interval_ms". The sweeper
/// logs errors and continues. It calls the producers on its own thread. At the same time it calls the
/// producers of other topics on up to "sweep_threads" - 1 further threads.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the sweeper is already running.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_start_sweeper(client: *mut postbox_client) -> *mut postbox_error {
    // SAFETY: the header requires a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(client) }?.get().start_sweeper())
}

/// Hands messages over to the sweeper of this client. Use this function for messages that were
/// committed without Postbox, for example with an AWS SDK. A thread of the sweeper sends the
/// messages immediately, as postbox_clear_outbox does. This function does not wait for that thread.
/// If the sweeper is not running, or if 1,000 messages already wait for that thread, the next sweep
/// sends the messages. Ids of messages that do not exist are ignored. For units of work of Postbox,
/// use the setting "dispatch_after_commit" instead.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_notify_committed(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and `count` strings, or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(client)?.get().notify_committed(&texts(ids, count, "ids")?) })
}

/// Tells the sweeper to stop after its current calls to producers, and waits up to "close_timeout_ms"
/// for it to stop. Does nothing if the sweeper is not running. postbox_close and postbox_free stop the
/// sweeper too.
///
/// Errors: POSTBOX_ERROR_TIMEOUT if a producer has not returned in this time. The sweeper stops when
/// the producer returns, and cannot be started again before that. Call this function again to wait
/// longer. POSTBOX_ERROR_REENTRANT_CALL if a producer that the sweeper has called calls this function,
/// which therefore cannot wait. The sweeper stops as soon as the producer returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_stop_sweeper(client: *mut postbox_client) -> *mut postbox_error {
    // SAFETY: the header requires a living handle or NULL, which is checked.
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
