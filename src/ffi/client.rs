//! The Postbox client.

use crate::client_log::{ClientLog, Entered};
use crate::dynamodb_json::{item_from_json, item_to_json};
use crate::ffi::cancel::{cancel_token, postbox_cancel_token};
use crate::ffi::config::postbox_config;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, null_argument, write_out};
use crate::ffi::log::end_log;
use crate::ffi::message::postbox_message;
use crate::ffi::panic::infallible;
use crate::ffi::producer::postbox_send_outcome;
use crate::ffi::report::{postbox_report, reported};
use crate::ffi::text::{c_string, optional_text, slice, text, texts};
use crate::{DispatchReport, Error, ErrorCode, Item, Message, Postbox, Result, SendOutcome, UnitOfWork};
use std::ffi::c_char;
use std::ops::Deref;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

/// An open connection to an outbox. A program opens one client and shares it between its threads.
///
/// Any number of threads may call functions on one client at the same time. After fork(), calls on the
/// inherited client fail with POSTBOX_ERROR_FORKED in the child process, which must open a client of
/// its own. The child may free the inherited client and its units of work. This does not affect the
/// parent process, and does not call any postbox_release_callback.
pub struct postbox_client(Arc<Postbox>, ClientLog);

impl Handle for postbox_client {
    const NAME: &'static str = "client";
}

impl Drop for postbox_client {
    fn drop(&mut self) {
        // An operation that still runs shares the client, which its own drop would close only after the operation.
        if Arc::strong_count(&self.0) > 1
            && let Err(error) = self.0.close()
        {
            tracing::debug!(target: "postbox", { error.message = %error }, "a client was freed");
        }
    }
}

/// A client that this thread uses. Until this value is dropped, the log messages of the thread go to the receiver of the
/// client.
pub(crate) struct InUse<'a> {
    client: &'a postbox_client,
    _log: Entered,
}

impl Deref for InUse<'_> {
    type Target = postbox_client;

    fn deref(&self) -> &postbox_client {
        self.client
    }
}

impl postbox_client {
    /// Borrows the client behind a pointer that C passed, for the time of a call.
    ///
    /// # Safety
    /// The rules of [`Handle::borrow`] apply.
    pub(crate) unsafe fn borrow<'a>(client: *const Self) -> Result<InUse<'a>> {
        // SAFETY: the caller's promise.
        let client = unsafe { Handle::borrow(client) }?;
        Ok(InUse { client, _log: client.1.clone().enter() })
    }

    pub(crate) fn get(&self) -> &Arc<Postbox> {
        &self.0
    }

    pub(crate) fn log(&self) -> &ClientLog {
        &self.1
    }

    pub(crate) fn unit_of_work(&self) -> UnitOfWork {
        self.0.unit_of_work()
    }
}

/// Opens a client with the settings and producers of `config`. If the outbox is in DynamoDB, this
/// function sends no request to the table. If the setting "embedded_path" is set, this function
/// creates the outbox table in the embedded database, unless the table exists. The caller frees the
/// client with postbox_free.
///
/// Errors: POSTBOX_ERROR_INVALID_SETTING; POSTBOX_ERROR_NO_AWS_CONFIG if no region is set or found;
/// POSTBOX_ERROR_EMBEDDED_UNAVAILABLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_open(
    config: *const postbox_config,
    client: *mut *mut postbox_client,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let config = unsafe { postbox_config::borrow(config) }?;
        check_out(client, "client")?;
        let log = config.log();
        let entered = log.clone().enter();
        let opened = postbox_client(Arc::new(config.open()?), log).into_raw();
        drop(entered);
        // SAFETY: checked above.
        unsafe { write_out(client, "client", opened) }
    })
}

/// Signs the next requests to AWS with these credentials, in place of those of the settings or of AWS's
/// default chain. `session_token` may be NULL. Programs whose credentials come from their own source call
/// this function each time the source has new ones, before the old ones expire. The producers of SNS and
/// SQS use the credentials too. Requests in progress continue, and are repeated with the new credentials
/// if AWS rejects the old ones as expired. This function copies the strings, and sends no request.
///
/// The default chain already renews the credentials of profiles, roles, containers and instances.
///
/// Errors: POSTBOX_ERROR_INVALID_SETTING if a value is empty or too long; see the settings
/// "access_key_id", "secret_access_key" and "session_token". The credentials are unchanged after an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_set_credentials(
    client: *mut postbox_client,
    access_key_id: *const c_char,
    secret_access_key: *const c_char,
    session_token: *const c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle and strings, or NULL, which is checked.
        unsafe {
            let key = text(access_key_id, "access_key_id")?;
            let secret = text(secret_access_key, "secret_access_key")?;
            let token = optional_text(session_token, "session_token")?;
            postbox_client::borrow(client)?.get().set_credentials(key, secret, token)
        }
    })
}

/// Closes a client: stops the sweeper and the archiver, waits up to "close_timeout_ms" for calls in
/// progress, and stops the client's own thread. As soon as the sweeper and the archiver have
/// stopped, new calls on the client fail with POSTBOX_ERROR_CLOSED, except those that stop a
/// background thread, close the client or read statistics.
///
/// A call that is sending or archiving messages finishes its current calls to producers and archives,
/// starts no further ones, and returns. After this function has returned, even with an error, no call
/// to a producer or an archive begins. If a producer or an archive has not returned in time, its lease is
/// released nevertheless, so that another process can send the messages.
///
/// The client must still be freed. postbox_free also closes the client, but does not report whether
/// this succeeded.
///
/// Errors: POSTBOX_ERROR_TIMEOUT if a call or a background thread did not end in time and was
/// abandoned; committed messages that were not sent stay outstanding. POSTBOX_ERROR_MARK_INCOMPLETE if
/// sent messages were not marked in time; a sweep sends them again. POSTBOX_ERROR_REENTRANT_CALL if a
/// producer or an archive of the same client called this function, which cannot wait for its own caller.
/// Despite this error, the client begins to close, and stops when the callbacks in progress have
/// returned. Call this function again after that, to complete the close.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_close(client: *mut postbox_client) -> *mut postbox_error {
    // SAFETY: the header requires a living handle or NULL, which is checked.
    unsafe { close(client, Postbox::close) }
}

/// Closes a client as postbox_close does, and waits up to `timeout_ms` milliseconds instead of
/// "close_timeout_ms". This function returns no later than 500 milliseconds after that time. Several
/// threads can close several clients at the same time.
///
/// A producer or an archive that ends the process calls this function with a `timeout_ms` of 0 first. The
/// function then also releases the leases of the calls in progress. Otherwise, these leases end after
/// "lease_duration_ms".
///
/// Errors: as for postbox_close.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_close_within(client: *mut postbox_client, timeout_ms: u64) -> *mut postbox_error {
    let timeout = Duration::from_millis(timeout_ms);
    // SAFETY: the header requires a living handle or NULL, which is checked.
    unsafe { close(client, |postbox| postbox.close_within(timeout)) }
}

/// Closes a client. After that, its log receiver is not called any more.
///
/// # Safety
/// The rules of [`Handle::borrow`] apply.
unsafe fn close(client: *mut postbox_client, close: impl FnOnce(&Postbox) -> Result<()>) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the caller's promise.
        let client = unsafe { postbox_client::borrow(client) }?;
        let closed = close(client.get());
        end_log(client.log());
        closed
    })
}

/// Closes and frees a client. Does nothing for NULL. This function returns no later than 500
/// milliseconds after "close_timeout_ms" has passed. If a background thread is still calling a producer
/// or an archive at that time, the callback continues to run, and its `release` is called after it
/// returns. Units of work of the client that still exist fail with POSTBOX_ERROR_CLOSED, and must still
/// be freed.
///
/// It is undefined behaviour to call this function during another call on the client, or in a producer
/// or an archive of the client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_free(client: *mut postbox_client) {
    // SAFETY: the header requires NULL or a handle that was not freed.
    infallible((), || unsafe {
        let log = Handle::borrow(client).map(|client: &postbox_client| client.log().clone()).unwrap_or_default();
        let _log = log.enter();
        postbox_client::free(client);
    });
}

/// Creates the outbox table if it does not exist, waits until the table is active, and verifies the
/// table as postbox_verify_table does. The table has the keys and indexes that Brighter uses, and
/// time to live on the attribute ExpiresAt. This function waits for up to two minutes, or for up to
/// "operation_timeout_ms" if that is longer.
///
/// Errors: as for postbox_verify_table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_create_table(client: *mut postbox_client) -> *mut postbox_error {
    // SAFETY: the header requires a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(client) }?.0.create_table().map(drop))
}

/// Verifies that the table exists and has the keys and indexes of an outbox. If
/// `has_causation_index` is not NULL, this function writes to it whether messages can be replayed by
/// causation id. The value is false for a table that an older version of Brighter created, because
/// such a table has no index of causation ids.
///
/// Errors: POSTBOX_ERROR_TABLE_NOT_FOUND; POSTBOX_ERROR_INVALID_TABLE with a reason for each
/// problem.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_verify_table(
    client: *mut postbox_client,
    has_causation_index: *mut bool,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let report = unsafe { postbox_client::borrow(client) }?.0.verify_table()?;
        if !has_causation_index.is_null() {
            // SAFETY: not NULL; the header requires a place for a bool.
            unsafe { has_causation_index.write(report.has_causation_index) };
        }
        Ok(())
    })
}

/// Verifies the table as postbox_verify_table does, and writes to `warnings` one line for each property
/// that does not prevent the use of the table, but costs more or makes some functions unavailable: the
/// billing mode, time to live, the lock table, missing permissions. A line has the form
/// "SUBJECT: MESSAGE". This function writes NULL if there are no warnings. The caller frees the string
/// with postbox_string_free.
///
/// Errors: as for postbox_verify_table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_table_warnings(
    client: *mut postbox_client,
    warnings: *mut *mut c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let postbox = &unsafe { postbox_client::borrow(client) }?.0;
        check_out(warnings, "warnings")?;
        let lines = postbox.verify_table()?.warning_lines();
        let text = lines.map_or(ptr::null_mut(), |lines| c_string(&lines).into_raw());
        // SAFETY: checked above.
        unsafe { write_out(warnings, "warnings", text) }
    })
}

/// Stores one message in the outbox, without a transaction. Keep the id, postbox_message_id(message),
/// to send the message with postbox_clear_outbox. If the outbox already has a message with this id, the
/// call succeeds and changes nothing. A message that was dispatched is not sent again.
///
/// Errors: POSTBOX_ERROR_INVALID_MESSAGE, POSTBOX_ERROR_ITEM_TOO_LARGE,
/// POSTBOX_ERROR_OUTBOX_LIMIT_REACHED, and request errors. After a retryable error, the message may or
/// may not be stored, and it is safe to deposit the same message again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_deposit_post(
    client: *mut postbox_client,
    message: *const postbox_message,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles or NULL, which is checked.
        let (postbox, message) = unsafe { (postbox_client::borrow(client)?, postbox_message::borrow(message)?) };
        postbox.0.deposit_post(message.message()).map(drop)
    })
}

/// Stores `count` messages in the outbox, without a transaction, in requests of up to 25 messages.
/// One message can be stored while another is not. Depositing a message whose id already exists
/// succeeds and changes nothing.
///
/// Errors:
///
/// - POSTBOX_ERROR_INVALID_MESSAGE, POSTBOX_ERROR_ITEM_TOO_LARGE or
///   POSTBOX_ERROR_OUTBOX_LIMIT_REACHED. No message was stored.
/// - POSTBOX_ERROR_DEPOSIT_INCOMPLETE. Some messages were not stored, and the error has a reason for
///   each of them. It is safe to deposit all messages of the call again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_deposit_posts(
    client: *mut postbox_client,
    messages: *const *const postbox_message,
    count: usize,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles or NULL, which is checked.
        let (postbox, messages) = unsafe { (postbox_client::borrow(client)?, owned_messages(messages, count)?) };
        postbox.0.deposit_posts(&messages).map(drop)
    })
}

/// Returns copies of the messages that C passed.
///
/// # Safety
/// The rules of [`slice`] apply, and those of [`Handle::borrow`] to each element.
pub(crate) unsafe fn owned_messages(messages: *const *const postbox_message, count: usize) -> Result<Vec<Message>> {
    // SAFETY: the caller's promise.
    let handles = unsafe { slice(messages, count, "messages") }?;
    let own = |(index, handle): (usize, &*const postbox_message)| {
        // SAFETY: the caller's promise.
        match unsafe { postbox_message::borrow(*handle) } {
            Ok(message) => Ok(message.message()),
            Err(_) => Err(null_argument(&format!("messages[{index}]"))),
        }
    };
    handles.iter().enumerate().map(own).collect()
}

/// Stores one message in the outbox, without a transaction, and sends it on this thread. See
/// postbox_clear_outbox for `report`.
///
/// Errors: as for postbox_deposit_post and postbox_clear_outbox.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_post(
    client: *mut postbox_client,
    message: *const postbox_message,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles or NULL, which is checked, and NULL or a place for `report`.
    unsafe { reported(report, || postbox_client::borrow(client)?.0.post(postbox_message::borrow(message)?.message())) }
}

/// Clears messages: sends the outstanding messages with these ids on the calling thread, in the order
/// in which the ids are passed, and marks the messages dispatched. Messages that are already
/// dispatched are not sent again.
///
/// If a message cannot be sent, the later messages with the same topic and partition key are held
/// back, and all other messages are sent. The failed message stays outstanding, and a later sweep
/// tries to send it again. A message that its producer rejects is parked. Exception: if the
/// producer rejects three or more messages of the topic in this call with the same reason, and
/// sends no message of the topic, the messages stay outstanding, because the cause may be the
/// target and not the messages. A message is also held back if a previous clear of this client
/// could not send an earlier message with the same topic and partition key, and that message is still
/// outstanding.
///
/// `cancel` may be NULL. If it is canceled, messages that were not tried have the outcome
/// POSTBOX_OUTCOME_SKIPPED, and stay outstanding.
///
/// The outcome of each message is written to `report`, which the caller frees with
/// postbox_report_free. If `report` is not NULL, a failed message is not an error. If `report` is
/// NULL and a message failed, this function fails with POSTBOX_ERROR_CLEAR_INCOMPLETE, with a
/// reason for each failed message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_clear_outbox(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    cancel: *const postbox_cancel_token,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    // SAFETY: the header requires NULL or a living token, and for the same as `report_by_ids`.
    unsafe {
        let cancel = cancel_token(cancel);
        report_by_ids(client, ids, count, report, |postbox, ids| postbox.clear_outbox_with(ids, &cancel))
    }
}

/// Marks messages dispatched without sending them, for programs that send messages without Postbox.
/// The dispatch time of a message that was already dispatched does not change. If
/// `report` is NULL and a message cannot be marked, this function fails with
/// POSTBOX_ERROR_CLEAR_INCOMPLETE, with a reason for each such message. See postbox_clear_outbox for
/// `report`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_mark_dispatched(
    client: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `report_by_ids`.
    unsafe { report_by_ids(client, ids, count, report, |postbox, ids| postbox.mark_dispatched(ids)) }
}

/// Confirms the outcome of a message that its producer had accepted. POSTBOX_SEND_SENT marks the
/// message dispatched. POSTBOX_SEND_RETRY and POSTBOX_SEND_UNAVAILABLE count as a failed attempt, after
/// which the message is sent again. POSTBOX_SEND_REJECT parks the message. After POSTBOX_SEND_NOT_TRIED, the
/// message can be sent again, and no attempt is counted. `reason` may be NULL. A producer may call
/// this function too.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT for any other outcome, or for POSTBOX_SEND_SENT with an
/// unknown id; POSTBOX_ERROR_MARK_INCOMPLETE if the message was sent and could not be marked. The
/// message then stays outstanding; call this function again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_confirm(
    client: *mut postbox_client,
    id: *const c_char,
    outcome: i32,
    reason: *const c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (postbox, id, reason) = unsafe {
            (postbox_client::borrow(client)?, text(id, "id")?, optional_text(reason, "reason")?.unwrap_or_default())
        };
        postbox.0.confirm(id, confirmation(id, outcome, reason)?)
    })
}

/// Confirms the outcomes of `count` messages that their producers had accepted, as postbox_confirm
/// does for one message. One request marks up to 25 messages or records up to 25 failed attempts.
/// `outcomes` contains one outcome for each id. `reasons` may be NULL, and each string in it may be
/// NULL. An id that is passed twice is confirmed once: as sent if one of its outcomes is
/// POSTBOX_SEND_SENT, and otherwise with its first outcome. Any thread may call this function, and
/// a producer may call it too.
///
/// If a call rejects three or more messages of a topic with the same reason, and confirms none of
/// the messages of this topic as sent, the rejections count as failed attempts, because the cause may
/// be the target and not the messages. The messages are then parked only if "park_min_age_ms" has
/// passed since their first failures.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an outcome that postbox_confirm does not accept; in
/// this case, no message is confirmed. POSTBOX_ERROR_MARK_INCOMPLETE with a reason for each message
/// whose confirmation was not recorded; all other messages are confirmed. This error is retryable
/// if Postbox may be able to record the missing confirmations when the program calls this function again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_confirm_many(
    client: *mut postbox_client,
    ids: *const *const c_char,
    outcomes: *const i32,
    reasons: *const *const c_char,
    count: usize,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle and arrays of strings, or NULL, which is checked.
        let (postbox, outcomes) =
            unsafe { (postbox_client::borrow(client)?, confirmations(ids, outcomes, reasons, count)?) };
        postbox.0.confirm_many(&outcomes)
    })
}

/// Reads the arguments of a confirmation of many messages.
///
/// # Safety
/// The rules of [`texts`] and [`slice`] apply. `reasons` is NULL, or an array of strings or NULL.
pub(crate) unsafe fn confirmations(
    ids: *const *const c_char,
    outcomes: *const i32,
    reasons: *const *const c_char,
    count: usize,
) -> Result<Vec<(String, SendOutcome)>> {
    // SAFETY: the caller's promise.
    let (ids, outcomes) = unsafe { (texts(ids, count, "ids")?, slice(outcomes, count, "outcomes")?) };
    // SAFETY: as above.
    let reasons = if reasons.is_null() { &[] } else { unsafe { slice(reasons, count, "reasons") }? };
    let confirm = |(index, id): (usize, String)| {
        let reason = reasons.get(index).copied().unwrap_or(ptr::null());
        // SAFETY: as above.
        let reason = unsafe { optional_text(reason, &format!("reasons[{index}]")) }?.unwrap_or_default();
        let outcome = confirmation(&id, outcomes.get(index).copied().unwrap_or_default(), reason)?;
        Ok((id, outcome))
    };
    ids.into_iter().enumerate().map(confirm).collect()
}

/// Reads the number of an outcome, and rejects outcomes that cannot confirm a message.
pub(crate) fn confirmation(id: &str, outcome: i32, reason: &str) -> Result<SendOutcome> {
    match postbox_send_outcome::read(outcome, || reason.to_owned()) {
        Ok(confirmed) if confirmed != SendOutcome::Accepted => Ok(confirmed),
        _ => Err(Error::new(
            ErrorCode::InvalidArgument,
            format!(
                "outcome {outcome} cannot confirm message {id}: use POSTBOX_SEND_SENT, RETRY, UNAVAILABLE, REJECT or NOT_TRIED"
            ),
        )),
    }
}

/// Uses a consistent read to read the stored message with this id. The message is written to
/// `message`, or NULL if the outbox has no such message. The caller frees the message with
/// postbox_message_free.
///
/// Errors: POSTBOX_ERROR_MALFORMED_ITEM, whose error text names the attribute.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_get_message(
    client: *mut postbox_client,
    id: *const c_char,
    message: *mut *mut postbox_message,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (postbox, id) = unsafe { (postbox_client::borrow(client)?, text(id, "id")?) };
        check_out(message, "message")?;
        let found = postbox.0.get_message(id)?;
        let handle = found.map_or(ptr::null_mut(), |stored| postbox_message::of_stored(stored).into_raw());
        // SAFETY: checked above.
        unsafe { write_out(message, "message", handle) }
    })
}

/// Reads one item of any table, with a consistent read. `key` is DynamoDB JSON: {"Name": {"S":
/// "Ada"}}. The item is written to `item` as DynamoDB JSON, or NULL if the table has no such item. The
/// caller frees the string with postbox_string_free. postbox_read_item does the same without text.
///
/// Errors: POSTBOX_ERROR_INVALID_JSON, whose error text says where the problem is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_get_item(
    client: *mut postbox_client,
    table: *const c_char,
    key: *const c_char,
    item: *mut *mut c_char,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        let postbox = postbox_client::borrow(client)?;
        get_item(table, key, item, |table, key| postbox.0.get_item(table, key))
    })
}

/// Runs a DynamoDB operation, such as "CreateTable", on the embedded database. `request` is the
/// request as JSON. Programs use this function in development, to create their own tables. Unless
/// `answer` is NULL, the response is written to it as JSON. The caller frees the response with
/// postbox_string_free.
///
/// Errors: POSTBOX_ERROR_EMBEDDED_UNAVAILABLE if the client does not use an embedded database;
/// POSTBOX_ERROR_SERVICE_ERROR or POSTBOX_ERROR_TABLE_NOT_FOUND if the operation fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_embedded_execute(
    client: *mut postbox_client,
    operation: *const c_char,
    request: *const c_char,
    answer: *mut *mut c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (postbox, operation, request) =
            unsafe { (postbox_client::borrow(client)?, text(operation, "operation")?, text(request, "request")?) };
        let answered = postbox.0.embedded_execute(operation, request)?;
        if !answer.is_null() {
            // SAFETY: not NULL; the header requires a place for a pointer.
            unsafe { answer.write(c_string(&answered).into_raw()) };
        }
        Ok(())
    })
}

/// Reads an item and returns it to C as JSON.
///
/// # Safety
/// The rules of [`text`] apply to `table` and `key`. `item` is NULL or can be written.
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
/// The rules of [`Handle::borrow`] apply to `client`, and those of [`texts`] to `ids`. `report` is
/// NULL or can be written.
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
