//! The functions that start an operation and return without waiting for DynamoDB.

use crate::ffi::client::{confirmation, confirmations, owned_messages, postbox_client};
use crate::ffi::error::postbox_error;
use crate::ffi::handle::Handle;
use crate::ffi::item_handle::postbox_item;
use crate::ffi::message::postbox_message;
use crate::ffi::operation::{Canceled, Completion, postbox_completion_callback, postbox_operation, start};
use crate::ffi::page::state_of;
use crate::ffi::result::Content;
use crate::ffi::text::{optional_text, text, texts};
use crate::ffi::time::time_of;
use crate::ffi::unit_of_work::postbox_unit_of_work;
use crate::{CancelToken, Cursor, Postbox, Result, SendOutcome};
use std::ffi::{c_char, c_void};

/// Starts postbox_unit_of_work_commit, and returns without waiting for DynamoDB. The operation has no
/// result. Until the callback is called, functions on the unit of work fail with
/// POSTBOX_ERROR_CONCURRENT_USE. The unit of work may be freed at any time: the commit continues.
///
/// Errors of the operation: as for postbox_unit_of_work_commit. If the operation is canceled, the error is
/// POSTBOX_ERROR_OUTCOME_UNKNOWN. Commit the unit of work again to find out whether it took effect.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_commit_async(
    work: *mut postbox_unit_of_work,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let commit = |completion: Completion| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let work = unsafe { postbox_unit_of_work::borrow(work) }?;
        work.start_commit(move |result| completion.report(result))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, commit) }
}

/// Starts postbox_deposit_post, and returns without waiting for DynamoDB. The operation has no result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_deposit_post_async(
    client: *mut postbox_client,
    message: *const postbox_message,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let deposit = |completion: Completion| {
        // SAFETY: the header requires living handles or NULL, which is checked.
        let (postbox, message) = unsafe { (postbox_client::borrow(client)?, postbox_message::borrow(message)?) };
        let done = move |deposited: Result<String>| completion.report(deposited.map(drop));
        postbox.get().start_deposit_post(message.message(), done)
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, deposit) }
}

/// Starts postbox_deposit_posts, and returns without waiting for DynamoDB. The messages are copied. The
/// operation has no result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_deposit_posts_async(
    client: *mut postbox_client,
    messages: *const *const postbox_message,
    count: usize,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`, and living handles or NULL, which is checked.
    unsafe {
        start_call(client, "deposit_posts", (callback, data), operation, || {
            let messages = owned_messages(messages, count)?;
            Ok(move |postbox: &Postbox| postbox.deposit_posts(&messages).map(drop))
        })
    }
}

/// Starts postbox_clear_outbox, and returns without waiting for DynamoDB or for producers, which are called
/// on a thread of the client. The result contains the report. If the operation is canceled, it ends after
/// the current calls to producers. It does not wait for messages that it is reading. The messages that
/// were not tried have the outcome POSTBOX_OUTCOME_SKIPPED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_clear_outbox_async(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let clear = |completion: Completion| {
        // SAFETY: the header requires a living handle and strings, or NULL, which is checked.
        let (postbox, ids) = unsafe { (postbox_client::borrow(client)?, texts(ids, count, "ids")?) };
        let token = CancelToken::new();
        let cancel = token.clone();
        let call = move |postbox: &Postbox| postbox.clear_outbox_with(&ids, &cancel);
        postbox.get().start_call("clear_outbox", call, move |result| completion.report(result))?;
        Ok(Canceled::Operation(token))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, clear) }
}

/// Starts postbox_mark_dispatched, and returns without waiting for DynamoDB. The result contains the
/// report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_mark_dispatched_async(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`, and strings or NULL, which is checked.
    unsafe {
        start_call(client, "mark_dispatched", (callback, data), operation, || {
            let ids = texts(ids, count, "ids")?;
            Ok(move |postbox: &Postbox| postbox.mark_dispatched(&ids))
        })
    }
}

/// Starts postbox_mark_dispatched_at, and returns without waiting for DynamoDB. The result contains the
/// report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_mark_dispatched_at_async(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    dispatched_ticks: i64,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`, and strings or NULL, which is checked.
    unsafe {
        start_call(client, "mark_dispatched", (callback, data), operation, || {
            let ids = texts(ids, count, "ids")?;
            Ok(move |postbox: &Postbox| {
                postbox.mark_dispatched_at(&ids, time_of(dispatched_ticks, "dispatched_ticks")?)
            })
        })
    }
}

/// Starts postbox_replay, and returns without waiting for DynamoDB. The result contains the report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_replay_async(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`, and strings or NULL, which is checked.
    unsafe {
        start_call(client, "replay", (callback, data), operation, || {
            let ids = texts(ids, count, "ids")?;
            Ok(move |postbox: &Postbox| postbox.replay(&ids))
        })
    }
}

/// Starts postbox_replay_causation, and returns without waiting for DynamoDB. The result contains the
/// report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_replay_causation_async(
    client: *mut postbox_client,
    causation_id: *const c_char,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`, and strings or NULL, which is checked.
    unsafe {
        start_call(client, "replay_causation", (callback, data), operation, || {
            let cause = text(causation_id, "causation_id")?.to_owned();
            Ok(move |postbox: &Postbox| postbox.replay_causation(&cause))
        })
    }
}

/// Starts postbox_confirm, and returns without waiting for DynamoDB. The operation has no result. The marks
/// of messages that are confirmed at the same time share requests.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_confirm_async(
    client: *mut postbox_client,
    id: *const c_char,
    outcome: i32,
    reason: *const c_char,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let confirm = |completion: Completion| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (postbox, id, reason) = unsafe {
            (postbox_client::borrow(client)?, text(id, "id")?, optional_text(reason, "reason")?.unwrap_or_default())
        };
        let done = move |result: Result<()>| completion.report(result);
        match confirmation(id, outcome, reason)? {
            SendOutcome::Sent => postbox.get().start_confirm_sent(id, done),
            outcome => {
                let id = id.to_owned();
                postbox.get().start_call("confirm", move |postbox| postbox.confirm(&id, outcome), done)
            }
        }
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, confirm) }
}

/// Starts postbox_confirm_many, and returns without waiting for DynamoDB. The operation has no result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_confirm_many_async(
    client: *mut postbox_client,
    ids: *const *const c_char,
    outcomes: *const i32,
    reasons: *const *const c_char,
    count: usize,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`, and arrays of strings or NULL, which is checked.
    unsafe {
        start_call(client, "confirm_many", (callback, data), operation, || {
            let outcomes = confirmations(ids, outcomes, reasons, count)?;
            Ok(move |postbox: &Postbox| postbox.confirm_many(&outcomes))
        })
    }
}

/// Starts postbox_get_message, and returns without waiting for DynamoDB. The result contains the message, or
/// is NULL if the outbox has no such message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_get_message_async(
    client: *mut postbox_client,
    id: *const c_char,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let get = |completion: Completion| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (postbox, id) = unsafe { (postbox_client::borrow(client)?, text(id, "id")?) };
        postbox.get().start_get_message(id, move |result| completion.report(result))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, get) }
}

/// Starts postbox_get_messages, and returns without waiting for DynamoDB. The result contains the page.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_get_messages_async(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`, and strings or NULL, which is checked.
    unsafe {
        start_call(client, "get_messages", (callback, data), operation, || {
            let ids = texts(ids, count, "ids")?;
            Ok(move |postbox: &Postbox| postbox.get_messages(&ids))
        })
    }
}

/// Starts postbox_delete_message, and returns without waiting for DynamoDB. postbox_result_flag returns whether
/// the message was deleted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_delete_message_async(
    client: *mut postbox_client,
    id: *const c_char,
    state: i32,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let delete = |completion: Completion| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (postbox, id) = unsafe { (postbox_client::borrow(client)?, text(id, "id")?) };
        postbox.get().start_delete_message(id, state_of(state)?, move |deleted| completion.report(deleted))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, delete) }
}

/// Starts postbox_read_item, and returns without waiting for DynamoDB. The key is copied. The result
/// contains the item, or is NULL if the table has no such item.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_read_item_async(
    client: *mut postbox_client,
    table: *const c_char,
    key: *const postbox_item,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let read = |completion: Completion| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (postbox, table, key) =
            unsafe { (postbox_client::borrow(client)?, text(table, "table")?, postbox_item::read(key)?) };
        postbox.get().start_get_item(table.to_owned(), key, move |result| completion.report(result))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, read) }
}

/// Starts postbox_list_messages, and returns without waiting for DynamoDB. The result contains the page.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_list_messages_async(
    client: *mut postbox_client,
    state: i32,
    topic: *const c_char,
    limit: u32,
    cursor: *const c_char,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let list = |completion: Completion| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (postbox, topic, cursor) = unsafe {
            (postbox_client::borrow(client)?, optional_text(topic, "topic")?, optional_text(cursor, "cursor")?)
        };
        let cursor = cursor.map(Cursor::from);
        postbox
            .get()
            .start_list_messages(state_of(state)?, topic, limit, cursor.as_ref(), move |page| completion.report(page))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, list) }
}

/// Starts postbox_count_outstanding, and returns without waiting for DynamoDB. The result contains the
/// count; see postbox_result_outstanding_count.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_count_outstanding_async(
    client: *mut postbox_client,
    topic: *const c_char,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`, and strings or NULL, which is checked.
    unsafe {
        start_call(client, "count_outstanding", (callback, data), operation, || {
            let topic = optional_text(topic, "topic")?.map(str::to_owned);
            Ok(move |postbox: &Postbox| postbox.count_outstanding(topic.as_deref()))
        })
    }
}

/// Starts postbox_unpark, and returns without waiting for DynamoDB. The operation has no result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unpark_async(
    client: *mut postbox_client,
    id: *const c_char,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let unpark = |completion: Completion| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (postbox, id) = unsafe { (postbox_client::borrow(client)?, text(id, "id")?) };
        postbox.get().start_unpark(id, move |result| completion.report(result))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, unpark) }
}

/// Starts postbox_create_table, and returns without waiting for DynamoDB. The operation has no result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_create_table_async(
    client: *mut postbox_client,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `start_call`.
    unsafe {
        start_call(client, "create_table", (callback, data), operation, || {
            Ok(|postbox: &Postbox| postbox.create_table().map(drop))
        })
    }
}

/// Starts postbox_verify_table, and returns without waiting for DynamoDB. postbox_result_flag returns whether
/// messages can be replayed by causation id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_verify_table_async(
    client: *mut postbox_client,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let verify = |completion: Completion| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let postbox = unsafe { postbox_client::borrow(client) }?;
        postbox
            .get()
            .start_verify_table(move |report| completion.report(report.map(|report| report.has_causation_index)))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, verify) }
}

/// Starts postbox_table_warnings, and returns without waiting for DynamoDB. The result contains the text, or
/// is NULL if there are no warnings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_table_warnings_async(
    client: *mut postbox_client,
    callback: postbox_completion_callback,
    data: *mut c_void,
    operation: *mut *mut postbox_operation,
) -> *mut postbox_error {
    let verify = |completion: Completion| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let postbox = unsafe { postbox_client::borrow(client) }?;
        postbox.get().start_verify_table(move |report| completion.report(report.map(|report| report.warning_lines())))
    };
    // SAFETY: the header requires NULL or a place for the operation.
    unsafe { start((callback, data), operation, verify) }
}

/// Starts a call of several requests, which `prepare` returns after it has read the arguments of C.
///
/// # Safety
/// The rules of [`Handle::borrow`] apply to `client`. `operation` is NULL or can be written.
pub(crate) unsafe fn start_call<T: Into<Content> + Send + 'static, C>(
    client: *mut postbox_client,
    what: &'static str,
    (callback, data): (postbox_completion_callback, *mut c_void),
    operation: *mut *mut postbox_operation,
    prepare: impl FnOnce() -> Result<C>,
) -> *mut postbox_error
where
    C: FnOnce(&Postbox) -> Result<T> + Send + 'static,
{
    let begin = |completion: Completion| {
        // SAFETY: the caller's promise.
        let postbox = unsafe { postbox_client::borrow(client) }?;
        postbox.get().start_call(what, prepare()?, move |result| completion.report(result))
    };
    // SAFETY: the caller's promise.
    unsafe { start((callback, data), operation, begin) }
}
