//! Counts and statistics.

use crate::ffi::client::postbox_client;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, write_out};
use crate::ffi::text::{c_string, optional_text};

use std::ffi::c_char;
use std::time::SystemTime;

/// What is outstanding.
#[repr(C)]
pub struct postbox_outstanding_count {
    /// How many messages.
    pub count: u64,
    /// How old the oldest of them is, in milliseconds; 0 if there is none.
    pub oldest_age_ms: u64,
    /// 0; for later versions.
    pub reserved: [u64; 4],
}

/// What a Postbox has done since it was opened, in messages where nothing else is said.
#[repr(C)]
pub struct postbox_stats {
    /// Written to the outbox.
    pub deposited: u64,
    /// Sent and marked, or accepted by their producer.
    pub dispatched: u64,
    /// Attempts to send one that failed.
    pub failed: u64,
    /// Parked.
    pub parked: u64,
    /// Deposits of messages that were there already, and messages found dispatched and not sent again.
    pub duplicates_avoided: u64,
    /// Sweeps that ended.
    pub sweeps: u64,
    /// Runs of the background threads that failed.
    pub background_failures: u64,
    /// Topics whose breaker is not closed.
    pub open_breakers: u64,
    /// Outstanding when it was last counted, by postbox_count_outstanding or in the background; UINT64_MAX if never.
    pub outstanding: u64,
    /// 0; for later versions.
    pub reserved: [u64; 7],
}

/// How many messages are outstanding, of one topic or of all if `topic` is NULL, and since when.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_count_outstanding(
    r#box: *mut postbox_client,
    topic: *const c_char,
    result: *mut postbox_outstanding_count,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, topic) = unsafe { (postbox_client::borrow(r#box)?.get(), optional_text(topic, "topic")?) };
        check_out(result, "result")?;
        let outstanding = postbox.count_outstanding(topic)?;
        let age = outstanding.oldest.and_then(|oldest| SystemTime::now().duration_since(oldest).ok());
        let oldest_age_ms = age.map_or(0, |age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        let found = postbox_outstanding_count { count: outstanding.count, oldest_age_ms, reserved: [0; 4] };
        // SAFETY: checked above.
        unsafe { write_out(result, "result", found) }
    })
}

/// What this Postbox has done since it was opened. Makes no request, and works after
/// postbox_close too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_get_stats(
    r#box: *mut postbox_client,
    stats: *mut postbox_stats,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for a living handle or NULL, which is checked.
        let postbox = unsafe { postbox_client::borrow(r#box) }?.get();
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

/// The same as one JSON object, with the last sweep, the last error and the state of the breakers
/// by topic. The caller frees it with postbox_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_stats_json(r#box: *mut postbox_client, json: *mut *mut c_char) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for a living handle or NULL, which is checked.
        let postbox = unsafe { postbox_client::borrow(r#box) }?.get();
        check_out(json, "json")?;
        postbox.check()?;
        let found = postbox.stats();
        // SAFETY: checked above.
        unsafe { write_out(json, "json", c_string(&found.to_json().to_string()).into_raw()) }
    })
}
