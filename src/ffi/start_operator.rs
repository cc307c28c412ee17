//! The functions that start the operations of operators, and return without waiting for DynamoDB.

use crate::ffi::client::postbox_client;
use crate::ffi::error::postbox_error;
use crate::ffi::handle::Handle;
use crate::ffi::held_lease::postbox_held_lease;
use crate::ffi::operation::{Completion, postbox_completion_callback, postbox_operation, start};
use crate::ffi::operator::{lease_items, sweeper_items, topic_counts};
use crate::ffi::page::state_of;
use crate::ffi::selection::postbox_selection;
use crate::ffi::start::start_call;
use crate::ffi::text::text;
use crate::ffi::time::time_of;
use crate::{CountScope, HeldLease, Postbox};
use std::ffi::{c_char, c_void};
use std::time::Duration;

/// Starts postbox_select_messages, and returns without waiting for DynamoDB. The selection is copied. The
/// result contains the page.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_select_messages_async(
    client: *mut postbox_client,
    state: i32,
    selection: *const postbox_selection,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`, and a living selection or NULL.
    unsafe {
        start_call(client, "select_messages", (callback, data), operation, || {
            let (state, selection) = (state_of(state)?, postbox_selection::read(selection));
            Ok(move |postbox: &Postbox| postbox.select_messages(state, &selection))
        })
    }
}

/// Starts postbox_count_messages, and returns without waiting for DynamoDB. The selection is copied.
/// postbox_result_number returns the count.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_count_messages_async(
    client: *mut postbox_client,
    state: i32,
    selection: *const postbox_selection,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`, and a living selection or NULL.
    unsafe {
        start_call(client, "count_messages", (callback, data), operation, || {
            let (state, selection) = (state_of(state)?, postbox_selection::read(selection));
            Ok(move |postbox: &Postbox| postbox.count_messages(state, &selection))
        })
    }
}

/// Starts postbox_dispatched_between, and returns without waiting for DynamoDB. postbox_result_number returns
/// the count.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_dispatched_between_async(
    client: *mut postbox_client,
    topic: *const c_char,
    from_ticks: i64,
    to_ticks: i64,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`, and strings or NULL, which is checked.
    unsafe {
        start_call(client, "dispatched_between", (callback, data), operation, || {
            let topic = text(topic, "topic")?.to_owned();
            let (from, to) = (time_of(from_ticks, "from_ticks")?, time_of(to_ticks, "to_ticks")?);
            Ok(move |postbox: &Postbox| postbox.dispatched_between(&topic, from, to))
        })
    }
}

/// Starts postbox_topic_counts, and returns without waiting for DynamoDB. The result contains the item.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_topic_counts_async(
    client: *mut postbox_client,
    all_states: bool,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let scope = if all_states { CountScope::All } else { CountScope::Outstanding };
    // SAFETY: the header requires the same as `start_call`.
    unsafe {
        start_call(client, "topic_counts", (callback, data), operation, || {
            Ok(move |postbox: &Postbox| topic_counts(postbox, scope).map(Some))
        })
    }
}

/// Starts postbox_leases, and returns without waiting for DynamoDB. The result contains the item.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_leases_async(
    client: *mut postbox_client,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`.
    unsafe {
        start_call(client, "leases", (callback, data), operation, || {
            Ok(|postbox: &Postbox| lease_items(postbox).map(Some))
        })
    }
}

/// Starts postbox_sweepers, and returns without waiting for DynamoDB. The result contains the item.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_sweepers_async(
    client: *mut postbox_client,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`.
    unsafe {
        start_call(client, "sweepers", (callback, data), operation, || {
            Ok(|postbox: &Postbox| sweeper_items(postbox).map(Some))
        })
    }
}

/// Starts postbox_location, and returns without waiting for DynamoDB. The result contains the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_location_async(
    client: *mut postbox_client,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`.
    unsafe {
        start_call(client, "location", (callback, data), operation, || {
            Ok(|postbox: &Postbox| postbox.location().map(Some))
        })
    }
}

/// Starts postbox_obtain_lease, and returns without waiting for DynamoDB. The result contains the lease, or is
/// NULL if another holder has it. If the operation is canceled, a lease that is obtained nevertheless is
/// released.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_obtain_lease_async(
    client: *mut postbox_client,
    resource: *const c_char,
    length_ms: u64,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`, and strings or NULL, which is checked.
    unsafe {
        start_call(client, "obtain_lease", (callback, data), operation, || {
            let resource = text(resource, "resource")?.to_owned();
            Ok(move |postbox: &Postbox| postbox.obtain_lease(&resource, Duration::from_millis(length_ms)))
        })
    }
}

/// Starts postbox_held_lease_renew, and returns without waiting for DynamoDB. postbox_result_flag returns
/// whether the lease is still held.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_held_lease_renew_async(
    lease: *mut postbox_held_lease,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let renew = |completion: Completion| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let lease = &unsafe { postbox_held_lease::borrow(lease) }?.lease;
        lease.start_call("renew", HeldLease::renew, move |is_held| completion.report(is_held))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, renew) }
}

/// Starts postbox_held_lease_release, and returns without waiting for DynamoDB. The operation has no result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_held_lease_release_async(
    lease: *mut postbox_held_lease,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let release = |completion: Completion| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let lease = &unsafe { postbox_held_lease::borrow(lease) }?.lease;
        lease.start_call("release", HeldLease::release, move |released| completion.report(released))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, release) }
}
