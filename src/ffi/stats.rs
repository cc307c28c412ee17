//! Counts and statistics.

use crate::OutstandingCount;
use crate::ffi::client::postbox_client;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{check_out, write_out};
use crate::ffi::text::{c_string, optional_text};
use std::ffi::c_char;
use std::time::SystemTime;

/// The number and age of outstanding messages.
#[repr(C)]
pub struct postbox_outstanding_count {
    /// The number of outstanding messages.
    pub count: u64,
    /// The age of the oldest outstanding message, in milliseconds, or 0 if no message is outstanding.
    pub oldest_age_ms: u64,
    /// Always 0; reserved for later versions.
    pub reserved: [u64; 4],
}

impl postbox_outstanding_count {
    pub(crate) fn of(outstanding: &OutstandingCount) -> Self {
        let age = outstanding.oldest.and_then(|oldest| SystemTime::now().duration_since(oldest).ok());
        let oldest_age_ms = age.map_or(0, |age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        Self { count: outstanding.count, oldest_age_ms, reserved: [0; 4] }
    }
}

/// The statistics of a client since it was opened.
#[repr(C)]
pub struct postbox_stats {
    /// Messages written to the outbox.
    pub deposited: u64,
    /// Messages that were sent and marked. A message that its producer accepted counts when its
    /// confirmation is marked.
    pub dispatched: u64,
    /// Failed attempts to send a message.
    pub failed: u64,
    /// Messages that were parked.
    pub parked: u64,
    /// Deposits of messages that already existed, and messages that were not sent again because
    /// they were already dispatched.
    pub duplicates_avoided: u64,
    /// Completed sweeps.
    pub sweeps: u64,
    /// Failed runs of the sweeper, of the archiver, or of the background count of outstanding messages.
    pub background_failures: u64,
    /// Topics whose circuit breaker holds back messages of this client.
    pub open_breakers: u64,
    /// The number of outstanding messages at the last count, or UINT64_MAX before the first count.
    /// Each call to postbox_count_outstanding for all topics counts the messages. With the setting
    /// "max_outstanding", the client also counts them periodically in the background.
    pub outstanding: u64,
    /// Always 0; reserved for later versions.
    pub reserved: [u64; 7],
}

/// Counts the outstanding messages of one topic, or of all topics if `topic` is NULL, and returns
/// the age of the oldest message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_count_outstanding(
    client: *mut postbox_client,
    topic: *const c_char,
    result: *mut postbox_outstanding_count,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (client, topic) = unsafe { (postbox_client::borrow(client)?, optional_text(topic, "topic")?) };
        check_out(result, "result")?;
        let found = postbox_outstanding_count::of(&client.get().count_outstanding(topic)?);
        // SAFETY: checked above.
        unsafe { write_out(result, "result", found) }
    })
}

/// Returns the statistics of a client since it was opened. This function sends no request, and can be
/// called even after postbox_close.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_get_stats(
    client: *mut postbox_client,
    stats: *mut postbox_stats,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let client = unsafe { postbox_client::borrow(client) }?;
        let postbox = client.get();
        postbox.check()?;
        let found = postbox.stats();
        let result = postbox_stats {
            deposited: found.deposited,
            dispatched: found.dispatched,
            failed: found.failed,
            parked: found.parked,
            duplicates_avoided: found.duplicates_avoided,
            sweeps: found.sweeps,
            background_failures: found.background_failures,
            open_breakers: found.breakers.len() as u64,
            outstanding: found.outstanding.map_or(u64::MAX, |outstanding| outstanding.count),
            reserved: [0; 7],
        };
        // SAFETY: NULL is checked there.
        unsafe { write_out(stats, "stats", result) }
    })
}

/// Returns the statistics of postbox_get_stats as one JSON object. The object also contains the last
/// sweep, the last error and the state of the circuit breaker of each topic. The caller frees the
/// string with postbox_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_stats_json(client: *mut postbox_client, json: *mut *mut c_char) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let client = unsafe { postbox_client::borrow(client) }?;
        let postbox = client.get();
        check_out(json, "json")?;
        postbox.check()?;
        let found = postbox.stats();
        // SAFETY: checked above.
        unsafe { write_out(json, "json", c_string(&found.to_json().to_string()).into_raw()) }
    })
}
