//! The Postbox client.

use crate::dynamodb_json::{item_from_json, item_to_json};
use crate::ffi::config::postbox_config;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, null_argument, write_out};
use crate::ffi::message::postbox_message;
use crate::ffi::panic::infallible;
use crate::ffi::producer::postbox_send_outcome;
use crate::ffi::report::{postbox_report, reported};
use crate::ffi::text::{c_string, optional_text, slice, text, texts};
use crate::{DispatchReport, Error, ErrorCode, Item, Message, Postbox, Result, SendOutcome, UnitOfWork};
use std::ffi::c_char;
use std::ptr;

/// An open Postbox. A program opens one client and shares it between its threads.
///
/// Several threads may call every function on a client at once. The calls block; each operation on
/// DynamoDB takes up to "operation_timeout_ms". After fork(), every call on the client in the child
/// process fails with POSTBOX_ERROR_FORKED; the child must open a new client. The child may free
/// the inherited client and its units of work, which does not affect the parent and calls no
/// `release`.
pub struct postbox_client(Postbox);

impl Handle for postbox_client {
    const NAME: &'static str = "client";
}

impl postbox_client {
    pub(crate) fn get(&self) -> &Postbox {
        &self.0
    }

    pub(crate) fn unit_of_work(&self) -> UnitOfWork {
        self.0.unit_of_work()
    }
}

/// Opens a client with the settings and producers of `config`, which the caller keeps. On DynamoDB
/// this sends no request to the table; with "embedded_path" it creates the outbox table if the
/// table does not exist. The caller frees the client with postbox_free.
///
/// Errors: POSTBOX_ERROR_INVALID_SETTING; POSTBOX_ERROR_NO_AWS_CONFIG if no region is known;
/// POSTBOX_ERROR_EMBEDDED_UNAVAILABLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_open(
    config: *const postbox_config,
    client: *mut *mut postbox_client,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for a living handle or NULL, which is checked.
        let config = unsafe { postbox_config::borrow(config) }?;
        check_out(client, "client")?;
        let opened = postbox_client(config.open()?).into_raw();
        // SAFETY: checked above.
        unsafe { write_out(client, "client", opened) }
    })
}

/// Stops the sweeper and the archiver, rejects new calls, waits for calls in progress, all within
/// "close_timeout_ms", and stops the client's runtime thread. Later calls on the client fail with
/// POSTBOX_ERROR_CLOSED, except those that stop a background thread, close the client or read
/// statistics. The client must still be freed. Calling this function before postbox_free is
/// optional: postbox_free does the same but does not report the result.
///
/// Errors: POSTBOX_ERROR_TIMEOUT if something was still in progress and was abandoned. Committed
/// messages stay outstanding.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_close(client: *mut postbox_client) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(client) }?.0.close())
}

/// Closes and frees a client; does nothing for NULL. This takes up to "close_timeout_ms" and half a
/// second. A producer or an archive on a background thread that has not returned by then may run
/// longer; its `release` is called when it is done. Units of work that still exist fail with
/// POSTBOX_ERROR_CLOSED from then on, and must still be freed. No other call on the client may be
/// in progress, and a producer or an archive of the client must not call this function; either is
/// undefined behaviour.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_free(client: *mut postbox_client) {
    // SAFETY: the header asks for NULL or a handle that was not freed.
    infallible((), || unsafe { postbox_client::free(client) });
}

/// Creates the outbox table if it does not exist, with the keys and indexes that Brighter uses and
/// with time to live on ExpiresAt, waits until the table is active, and verifies it. This may take
/// two minutes.
///
/// Errors: as for postbox_verify_table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_create_table(client: *mut postbox_client) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(client) }?.0.create_table().map(drop))
}

/// Verifies that the table exists and has the keys and indexes of an outbox. `has_causation_index`
/// may be NULL; it receives whether messages can be replayed by causation id. Tables that older
/// versions of Brighter created lack the index for this.
///
/// Errors: POSTBOX_ERROR_TABLE_NOT_FOUND; POSTBOX_ERROR_INVALID_TABLE with a reason for each
/// problem.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_verify_table(
    client: *mut postbox_client,
    has_causation_index: *mut bool,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for a living handle or NULL, which is checked.
        let report = unsafe { postbox_client::borrow(client) }?.0.verify_table()?;
        if !has_causation_index.is_null() {
            // SAFETY: not NULL; the header asks for a place for a bool.
            unsafe { has_causation_index.write(report.has_causation_index) };
        }
        Ok(())
    })
}

/// Deposits one message outside a transaction. Its id is postbox_message_id(message). If a message
/// with this id already exists, the call succeeds and changes nothing; in particular it does not
/// re-send a dispatched message. The caller keeps the message.
///
/// Errors: POSTBOX_ERROR_INVALID_MESSAGE, POSTBOX_ERROR_ITEM_TOO_LARGE, and those of any request.
/// After a retryable error, deposit the same message again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_deposit_post(
    client: *mut postbox_client,
    message: *const postbox_message,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles or NULL, which is checked.
        let (postbox, message) = unsafe { (postbox_client::borrow(client)?, postbox_message::borrow(message)?) };
        postbox.0.deposit_post(message.message()).map(drop)
    })
}

/// Deposits `count` messages outside a transaction, 25 per request. Each message is stored
/// independently; depositing an existing id succeeds and changes nothing. The caller keeps the
/// messages.
///
/// Errors: POSTBOX_ERROR_INVALID_MESSAGE or POSTBOX_ERROR_ITEM_TOO_LARGE for the first invalid
/// message, with nothing stored; POSTBOX_ERROR_DEPOSIT_INCOMPLETE with a reason for each message
/// that could not be stored, after which it is safe to deposit all of them again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_deposit_posts(
    client: *mut postbox_client,
    messages: *const *const postbox_message,
    count: usize,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles or NULL, which is checked.
        let (postbox, handles) = unsafe { (postbox_client::borrow(client)?, slice(messages, count, "messages")?) };
        let own = |(index, handle): (usize, &*const postbox_message)| {
            // SAFETY: the header asks for living handles or NULL, which is checked.
            match unsafe { postbox_message::borrow(*handle) } {
                Ok(message) => Ok(message.message()),
                Err(_) => Err(null_argument(&format!("messages[{index}]"))),
            }
        };
        let messages = handles.iter().enumerate().map(own).collect::<Result<Vec<Message>>>()?;
        postbox.0.deposit_posts(&messages).map(drop)
    })
}

/// Deposits one message outside a transaction, then sends it on this thread. `report` is as in
/// postbox_clear_outbox.
///
/// Errors: as for postbox_deposit_post and postbox_clear_outbox.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_post(
    client: *mut postbox_client,
    message: *const postbox_message,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    // SAFETY: the header asks for living handles or NULL, which is checked, and NULL or a place for `report`.
    unsafe { reported(report, || postbox_client::borrow(client)?.0.post(postbox_message::borrow(message)?.message())) }
}

/// Sends the outstanding messages with these ids on this thread, in this order, and marks them
/// dispatched. Messages that are already dispatched are not sent again. A message that fails holds
/// back only later messages of its topic and partition key; it stays outstanding or is parked, as
/// in postbox_sweep.
///
/// `report` receives the outcome of each message; the caller frees it with postbox_report_free. If
/// `report` is NULL, a failed message is an error instead: POSTBOX_ERROR_CLEAR_INCOMPLETE, with a
/// reason for each failed message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_clear_outbox(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    // SAFETY: the header asks for the same as `report_by_ids`.
    unsafe { report_by_ids(client, ids, count, report, |postbox, ids| postbox.clear_outbox(ids)) }
}

/// Marks messages dispatched without sending them, for programs that send messages themselves. An
/// earlier dispatch time is kept. `report` is as in postbox_clear_outbox.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_mark_dispatched(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    // SAFETY: the header asks for the same as `report_by_ids`.
    unsafe { report_by_ids(client, ids, count, report, |postbox, ids| postbox.mark_dispatched(ids)) }
}

/// Confirms the outcome of a message that its producer had accepted. POSTBOX_SEND_SENT marks the
/// message dispatched; POSTBOX_SEND_RETRY and POSTBOX_SEND_UNAVAILABLE count as a failed attempt, and
/// the message is sent again; POSTBOX_SEND_REJECT parks it. `reason` may be NULL. Any thread may call
/// this function, also inside a producer.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT for another outcome, or for POSTBOX_SEND_SENT with an
/// unknown id; POSTBOX_ERROR_MARK_INCOMPLETE if the message could not be marked and stays
/// outstanding.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_confirm(
    client: *mut postbox_client,
    id: *const c_char,
    outcome: i32,
    reason: *const c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, id, reason) = unsafe {
            (postbox_client::borrow(client)?, text(id, "id")?, optional_text(reason, "reason")?.unwrap_or_default())
        };
        postbox.0.confirm(id, confirmation(id, outcome, reason)?)
    })
}

/// Confirms the outcomes of `count` messages that their producers had accepted, each as postbox_confirm
/// does, with few requests: sent messages are marked, and failed attempts are recorded, 25 in a
/// request. `outcomes` has an outcome for each id. `reasons` may be NULL, and so may each of its
/// texts. An id that is passed twice is confirmed once, as sent if one of its outcomes is
/// POSTBOX_SEND_SENT, else with the first outcome. Any thread may call this function, also inside a
/// producer.
///
/// If three or more messages of a topic are rejected for the same reason, and no message of the call
/// was sent, the rejections count as failed attempts, because a transport that rejects everything is
/// not the fault of the messages.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an outcome that postbox_confirm does not take, with no
/// message confirmed; POSTBOX_ERROR_MARK_INCOMPLETE with a reason for each message whose
/// confirmation was not recorded. It is retryable if confirming these messages again may succeed;
/// the other messages are confirmed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_confirm_many(
    client: *mut postbox_client,
    ids: *const *const c_char,
    outcomes: *const i32,
    reasons: *const *const c_char,
    count: usize,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for a living handle and arrays of strings, or NULL, which is checked.
        let (postbox, ids, outcomes) = unsafe {
            (postbox_client::borrow(client)?, texts(ids, count, "ids")?, slice(outcomes, count, "outcomes")?)
        };
        // SAFETY: as above.
        let reasons = if reasons.is_null() { &[] } else { unsafe { slice(reasons, count, "reasons") }? };
        let confirm = |(index, id): (usize, String)| {
            let reason = reasons.get(index).copied().unwrap_or(ptr::null());
            // SAFETY: the header asks for a string or NULL.
            let reason = unsafe { optional_text(reason, &format!("reasons[{index}]")) }?.unwrap_or_default();
            let outcome = confirmation(&id, outcomes.get(index).copied().unwrap_or_default(), reason)?;
            Ok((id, outcome))
        };
        let outcomes = ids.into_iter().enumerate().map(confirm).collect::<Result<Vec<_>>>()?;
        postbox.0.confirm_many(&outcomes)
    })
}

/// Reads an outcome that can confirm a message.
fn confirmation(id: &str, outcome: i32, reason: &str) -> Result<SendOutcome> {
    match postbox_send_outcome::read(outcome, || reason.to_owned()) {
        Ok(confirmed) if !matches!(confirmed, SendOutcome::Accepted | SendOutcome::NotTried) => Ok(confirmed),
        _ => Err(Error::new(
            ErrorCode::InvalidArgument,
            format!(
                "outcome {outcome} cannot confirm message {id}: use POSTBOX_SEND_SENT, RETRY, UNAVAILABLE or REJECT"
            ),
        )),
    }
}

/// Reads the stored message with this id, with a consistent read. `message` receives the message,
/// or NULL if there is none; the caller frees it with postbox_message_free.
///
/// Errors: POSTBOX_ERROR_MALFORMED_ITEM, which names the attribute.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_get_message(
    client: *mut postbox_client,
    id: *const c_char,
    message: *mut *mut postbox_message,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, id) = unsafe { (postbox_client::borrow(client)?, text(id, "id")?) };
        check_out(message, "message")?;
        let found = postbox.0.get_message(id)?;
        let handle = found.map_or(ptr::null_mut(), |stored| postbox_message::of_stored(stored).into_raw());
        // SAFETY: checked above.
        unsafe { write_out(message, "message", handle) }
    })
}

/// Reads one item of any table, with a consistent read. `key` is DynamoDB JSON: {"Name": {"S":
/// "Ada"}}. `item` receives the item as DynamoDB JSON, or NULL if there is none; the caller frees
/// it with postbox_string_free.
///
/// Errors: POSTBOX_ERROR_INVALID_JSON, which says where; POSTBOX_ERROR_TABLE_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_get_item(
    client: *mut postbox_client,
    table: *const c_char,
    key: *const c_char,
    item: *mut *mut c_char,
) -> *mut postbox_error {
    // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        let postbox = postbox_client::borrow(client)?;
        get_item(table, key, item, |table, key| postbox.0.get_item(table, key))
    })
}

/// Runs a DynamoDB operation, such as "CreateTable", on the embedded database. `request` is the
/// request as JSON. This is meant for development, to set up the program's own tables. `answer` may
/// be NULL; it receives the response as JSON, which the caller frees with postbox_string_free.
///
/// Errors: POSTBOX_ERROR_EMBEDDED_UNAVAILABLE if the client does not use an embedded database;
/// POSTBOX_ERROR_SERVICE_ERROR or POSTBOX_ERROR_TABLE_NOT_FOUND with the message of DynamoDB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_embedded_execute(
    client: *mut postbox_client,
    operation: *const c_char,
    request: *const c_char,
    answer: *mut *mut c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, operation, request) =
            unsafe { (postbox_client::borrow(client)?, text(operation, "operation")?, text(request, "request")?) };
        let answered = postbox.0.embedded_execute(operation, request)?;
        if !answer.is_null() {
            // SAFETY: not NULL; the header asks for a place for a pointer.
            unsafe { answer.write(c_string(&answered).into_raw()) };
        }
        Ok(())
    })
}

/// Reads an item and returns it to C as JSON.
///
/// # Safety
/// `table` and `key` as [`text`], `item` is NULL or can be written.
pub(crate) unsafe fn get_item(
    table: *const c_char,
    key: *const c_char,
    item: *mut *mut c_char,
    read: impl FnOnce(&str, Item) -> Result<Option<Item>>,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let (table, key) = unsafe { (text(table, "table")?, text(key, "key")?) };
    check_out(item, "item")?;
    let found = read(table, item_from_json(key)?)?;
    let json = found.map_or(ptr::null_mut(), |item| c_string(&item_to_json(&item)).into_raw());
    // SAFETY: checked above.
    unsafe { write_out(item, "item", json) }
}

/// Runs a call that takes message ids and returns a report.
///
/// # Safety
/// `client` as [`Handle::borrow`], `ids` as [`texts`], `report` is NULL or can be written.
pub(crate) unsafe fn report_by_ids(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    report: *mut *mut postbox_report,
    call: impl FnOnce(&Postbox, &[String]) -> Result<DispatchReport>,
) -> *mut postbox_error {
    // SAFETY: the caller's promise.
    unsafe { reported(report, || call(postbox_client::borrow(client)?.get(), &texts(ids, count, "ids")?)) }
}
