//! The functions that start the operations of operators, and return without waiting for DynamoDB.

use crate::ffi::client::postbox_client;
use crate::ffi::error::postbox_error;
use crate::ffi::handle::Handle;
use crate::ffi::held_lease::postbox_held_lease;
use crate::ffi::operation::{Completion, postbox_completion_callback, postbox_operation, start};
use crate::ffi::operator::{lease_items, sweeper_items, topic_counts};
use crate::ffi::page::state_of;
use crate::ffi::result::Content;
use crate::ffi::selection::postbox_selection;
use crate::ffi::text::text;
use crate::ffi::time::time_of;
use crate::{CountScope, HeldLease, Postbox, Result};
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
    let select = |completion: Completion| {
        // SAFETY: the header requires living handles or NULL, which is checked or allowed.
        let (postbox, selection) = unsafe { (postbox_client::borrow(client)?, postbox_selection::read(selection)) };
        let state = state_of(state)?;
        let call = move |postbox: &Postbox| postbox.select_messages(state, &selection);
        postbox.get().start_call("select_messages", call, move |page| completion.report(page))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, select) }
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
    let count = |completion: Completion| {
        // SAFETY: the header requires living handles or NULL, which is checked or allowed.
        let (postbox, selection) = unsafe { (postbox_client::borrow(client)?, postbox_selection::read(selection)) };
        let state = state_of(state)?;
        let call = move |postbox: &Postbox| postbox.count_messages(state, &selection);
        postbox.get().start_call("count_messages", call, move |count| completion.report(count))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, count) }
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
    let count = |completion: Completion| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (postbox, topic) = unsafe { (postbox_client::borrow(client)?, text(topic, "topic")?.to_owned()) };
        let (from, to) = (time_of(from_ticks, "from_ticks")?, time_of(to_ticks, "to_ticks")?);
        let call = move |postbox: &Postbox| postbox.dispatched_between(&topic, from, to);
        postbox.get().start_call("dispatched_between", call, move |count| completion.report(count))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, count) }
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
    // SAFETY: the header requires the same as `start_read`.
    unsafe {
        start_read(
            client,
            "topic_counts",
            move |postbox| topic_counts(postbox, scope).map(Some),
            (callback, data),
            operation,
        )
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
    // SAFETY: the header requires the same as `start_read`.
    unsafe { start_read(client, "leases", |postbox| lease_items(postbox).map(Some), (callback, data), operation) }
}

/// Starts postbox_sweepers, and returns without waiting for DynamoDB. The result contains the item.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_sweepers_async(
    client: *mut postbox_client,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_read`.
    unsafe { start_read(client, "sweepers", |postbox| sweeper_items(postbox).map(Some), (callback, data), operation) }
}

/// Starts postbox_location, and returns without waiting for DynamoDB. The result contains the text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_location_async(
    client: *mut postbox_client,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_read`.
    unsafe { start_read(client, "location", |postbox| postbox.location().map(Some), (callback, data), operation) }
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
    let obtain = |completion: Completion| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (postbox, resource) = unsafe { (postbox_client::borrow(client)?, text(resource, "resource")?.to_owned()) };
        let call = move |postbox: &Postbox| postbox.obtain_lease(&resource, Duration::from_millis(length_ms));
        postbox.get().start_call("obtain_lease", call, move |lease| completion.report(lease))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, obtain) }
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

/// Starts a call without arguments from C.
///
/// # Safety
/// The rules of [`Handle::borrow`](crate::ffi::handle::Handle::borrow) apply to `client`. `operation` is NULL or can be
/// written.
unsafe fn start_read<T: Into<Content> + Send + 'static>(
    client: *mut postbox_client,
    what: &'static str,
    call: impl FnOnce(&Postbox) -> Result<T> + Send + 'static,
    (callback, data): (postbox_completion_callback, *mut c_void),
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let begin = |completion: Completion| {
        // SAFETY: the caller's promise.
        let postbox = unsafe { postbox_client::borrow(client) }?;
        postbox.get().start_call(what, call, move |result| completion.report(result))
    };
    // SAFETY: the caller's promise.
    unsafe { start((callback, data), operation, begin) }
}
