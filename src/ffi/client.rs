//! The Postbox itself.

use crate::dynamodb_json::{item_from_json, item_to_json};
use crate::ffi::config::postbox_config;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, null_argument, write_out};
use crate::ffi::message::postbox_message;
use crate::ffi::panic::infallible;
use crate::ffi::producer::postbox_send_outcome;
use crate::ffi::report::postbox_report;
use crate::ffi::text::{c_string, optional_text, slice, text, texts};
use crate::{Error, ErrorCode, Item, Message, Postbox, Result, SendOutcome, UnitOfWork};
use std::ffi::c_char;
use std::ptr;

/// An open Postbox: the handle that a program opens once and shares between its threads. Every
/// function on it may be called by several threads at once; the calls block, at most for
/// "operation_timeout_ms" per operation on DynamoDB. After fork(), every call on it in the child
/// fails with POSTBOX_ERROR_FORKED; open a new one there. The child may free it, and its units of
/// work: that disturbs nothing of the parent's, and calls no `release`.
pub struct postbox_client(Postbox);

impl Handle for postbox_client {
    const NAME: &'static str = "box";
}

impl postbox_client {
    pub(crate) fn get(&self) -> &Postbox {
        &self.0
    }

    pub(crate) fn unit_of_work(&self) -> UnitOfWork {
        self.0.unit_of_work()
    }
}

/// Opens a Postbox with the settings and producers of `config`, which stays the caller's. On
/// DynamoDB this makes no request to the table; with "embedded_path" it makes the outbox table
/// if it is missing. The caller frees it with postbox_free.
///
/// Errors: POSTBOX_ERROR_INVALID_SETTING; POSTBOX_ERROR_NO_AWS_CONFIG if no region is known;
/// POSTBOX_ERROR_EMBEDDED_UNAVAILABLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_open(
    config: *const postbox_config,
    r#box: *mut *mut postbox_client,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for a living handle or NULL, which is checked.
        let config = unsafe { postbox_config::borrow(config) }?;
        check_out(r#box, "box")?;
        let opened = postbox_client(config.open()?).into_raw();
        // SAFETY: checked above.
        unsafe { write_out(r#box, "box", opened) }
    })
}

/// Stops the sweeper and the archiver, refuses new calls, waits for those under way, all within
/// "close_timeout_ms", and stops the Postbox's thread. Later calls on the handle fail with
/// POSTBOX_ERROR_CLOSED, but for those that stop, close, or read statistics; it still has to be
/// freed. Not needed before postbox_free, which does the same without telling how it went.
///
/// Errors: POSTBOX_ERROR_TIMEOUT: something was still under way and was abandoned. What was
/// committed stays outstanding.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_close(r#box: *mut postbox_client) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(r#box) }?.0.close())
}

/// Closes and frees a Postbox. NULL is fine. It takes "close_timeout_ms" and half a second at most; a producer or
/// an archive of a background thread that has not returned by then may be in its call for longer,
/// and its `release` tells when it is over. Units of work that are still there fail with
/// POSTBOX_ERROR_CLOSED from then on, and still have to be freed. No other call on the handle may
/// be under way: that would be undefined behaviour, as would a call of it by a producer or an
/// archive of the same Postbox.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_free(r#box: *mut postbox_client) {
    // SAFETY: the header asks for NULL or a handle that was not freed.
    infallible((), || unsafe { postbox_client::free(r#box) });
}

/// Makes the outbox table if it is missing, as Brighter makes it and with time to live on
/// ExpiresAt, waits until it can be used, and checks it. It may take two minutes.
///
/// Errors: as postbox_verify_table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_create_table(r#box: *mut postbox_client) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(r#box) }?.0.create_table().map(drop))
}

/// Checks that the table exists and has the keys and indexes of an outbox. `has_causation_index`,
/// which may be NULL, gets whether messages can be replayed by causation: tables of older
/// versions of Brighter lack the index for it.
///
/// Errors: POSTBOX_ERROR_TABLE_NOT_FOUND; POSTBOX_ERROR_INVALID_TABLE with a reason for each fault.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_verify_table(
    r#box: *mut postbox_client,
    has_causation_index: *mut bool,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for a living handle or NULL, which is checked.
        let report = unsafe { postbox_client::borrow(r#box) }?.0.verify_table()?;
        if !has_causation_index.is_null() {
            // SAFETY: not NULL; the header asks for a place for a bool.
            unsafe { has_causation_index.write(report.has_causation_index) };
        }
        Ok(())
    })
}

/// Deposits one message outside of a transaction. Its id is postbox_message_id(message). That a
/// message of this id is there already is a success that changes nothing: a dispatched one is
/// not brought back. The message stays the caller's.
///
/// Errors: POSTBOX_ERROR_INVALID_MESSAGE, POSTBOX_ERROR_ITEM_TOO_LARGE, and those of any
/// request. After a retryable one, deposit the same message again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_deposit_post(
    r#box: *mut postbox_client,
    message: *const postbox_message,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles or NULL, which is checked.
        let (postbox, message) = unsafe { (postbox_client::borrow(r#box)?, postbox_message::borrow(message)?) };
        postbox.0.deposit_post(message.message()).map(drop)
    })
}

/// Deposits `count` messages outside of a transaction, 25 a request. Each is stored on its own;
/// one that is there already is a success that changes nothing. The messages stay the caller's.
///
/// Errors: POSTBOX_ERROR_INVALID_MESSAGE or POSTBOX_ERROR_ITEM_TOO_LARGE for the first one that
/// is wrong, with nothing stored; POSTBOX_ERROR_DEPOSIT_INCOMPLETE with a reason for each that
/// could not be stored: depositing all of them again is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_deposit_posts(
    r#box: *mut postbox_client,
    messages: *const *const postbox_message,
    count: usize,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles or NULL, which is checked.
        let (postbox, handles) = unsafe { (postbox_client::borrow(r#box)?, slice(messages, count, "messages")?) };
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

/// Deposits one message outside of a transaction, then sends it now, on this thread. `report`
/// as in postbox_clear_outbox.
///
/// Errors: as postbox_deposit_post and postbox_clear_outbox.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_post(
    r#box: *mut postbox_client,
    message: *const postbox_message,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles or NULL, which is checked.
        let (postbox, message) = unsafe { (postbox_client::borrow(r#box)?, postbox_message::borrow(message)?) };
        let posted = postbox.0.post(message.message())?;
        // SAFETY: the header asks for NULL or a place for a pointer.
        unsafe { postbox_report::hand_over(posted, report) }
    })
}

/// Sends the outstanding messages of these ids now, on this thread, in this order, and marks
/// them dispatched. Messages that are already dispatched are not sent again. One that fails holds back
/// only later ones of its topic and partition key; it stays outstanding, or is parked, as in
/// postbox_sweep.
///
/// `report` gets what became of each message; the caller frees it with postbox_report_free. With
/// `report` NULL, a message that failed is an error instead: POSTBOX_ERROR_CLEAR_INCOMPLETE,
/// with a reason for each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_clear_outbox(
    r#box: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, ids) = unsafe { (postbox_client::borrow(r#box)?, texts(ids, count, "ids")?) };
        let cleared = postbox.0.clear_outbox(&ids)?;
        // SAFETY: the header asks for NULL or a place for a pointer.
        unsafe { postbox_report::hand_over(cleared, report) }
    })
}

/// Marks messages dispatched without sending them: for a host that sends them itself. An earlier
/// dispatch time stays. `report` as in postbox_clear_outbox.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_mark_dispatched(
    r#box: *mut postbox_client,
    ids: *const *const c_char,
    count: usize,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, ids) = unsafe { (postbox_client::borrow(r#box)?, texts(ids, count, "ids")?) };
        let marked = postbox.0.mark_dispatched(&ids)?;
        // SAFETY: the header asks for NULL or a place for a pointer.
        unsafe { postbox_report::hand_over(marked, report) }
    })
}

/// Tells what became of a message that its producer had accepted: POSTBOX_SEND_SENT, and it is
/// marked dispatched; POSTBOX_SEND_RETRY, which counts as a failed attempt, and it is sent again;
/// POSTBOX_SEND_REJECT, and it is parked.
/// `reason`, which may be NULL, says why. Any thread may call it, from inside a producer too.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT for another outcome, or for an unknown id that is said
/// to be sent; POSTBOX_ERROR_MARK_INCOMPLETE: it could not be marked and stays outstanding.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_confirm(
    r#box: *mut postbox_client,
    id: *const c_char,
    outcome: i32,
    reason: *const c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, id, reason) = unsafe {
            (postbox_client::borrow(r#box)?, text(id, "id")?, optional_text(reason, "reason")?.unwrap_or_default())
        };
        let outcome = match outcome {
            outcome if outcome == postbox_send_outcome::Sent as i32 => SendOutcome::Sent,
            outcome if outcome == postbox_send_outcome::Retry as i32 => SendOutcome::Retry(reason.into()),
            outcome if outcome == postbox_send_outcome::Reject as i32 => SendOutcome::Reject(reason.into()),
            other => {
                let text = format!("a message cannot be confirmed with outcome {other}: say whether it was sent");
                return Err(Error::new(ErrorCode::InvalidArgument, text));
            }
        };
        postbox.0.confirm(id, outcome)
    })
}

/// Reads the message of this id as it is in the outbox, consistently. `message` gets it, NULL if
/// there is none; the caller frees it with postbox_message_free.
///
/// Errors: POSTBOX_ERROR_MALFORMED_ITEM, naming the attribute.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_get_message(
    r#box: *mut postbox_client,
    id: *const c_char,
    message: *mut *mut postbox_message,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, id) = unsafe { (postbox_client::borrow(r#box)?, text(id, "id")?) };
        check_out(message, "message")?;
        let found = postbox.0.get_message(id)?;
        let handle = found.map_or(ptr::null_mut(), |stored| postbox_message::of_stored(stored).into_raw());
        // SAFETY: checked above.
        unsafe { write_out(message, "message", handle) }
    })
}

/// Reads one item of any table, consistently. `key` is DynamoDB JSON: {"Name": {"S": "Ada"}}.
/// `item` gets the item as DynamoDB JSON, NULL if there is none; the caller frees it with
/// postbox_string_free.
///
/// Errors: POSTBOX_ERROR_INVALID_JSON, saying where; POSTBOX_ERROR_TABLE_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_get_item(
    r#box: *mut postbox_client,
    table: *const c_char,
    key: *const c_char,
    item: *mut *mut c_char,
) -> *mut postbox_error {
    // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        let postbox = postbox_client::borrow(r#box)?;
        get_item(table, key, item, |table, key| postbox.0.get_item(table, key))
    })
}

/// Runs one operation of DynamoDB's by name on the embedded database, with its request and answer
/// as JSON: for what a program sets up in development, such as its own tables ("CreateTable").
/// `answer`, which may be NULL, gets the answer; the caller frees it with postbox_string_free.
///
/// Errors: POSTBOX_ERROR_EMBEDDED_UNAVAILABLE if this Postbox is not on an embedded database;
/// POSTBOX_ERROR_SERVICE_ERROR, POSTBOX_ERROR_TABLE_NOT_FOUND with the text that DynamoDB gives.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_embedded_execute(
    r#box: *mut postbox_client,
    operation: *const c_char,
    request: *const c_char,
    answer: *mut *mut c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, operation, request) =
            unsafe { (postbox_client::borrow(r#box)?, text(operation, "operation")?, text(request, "request")?) };
        let answered = postbox.0.embedded_execute(operation, request)?;
        if !answer.is_null() {
            // SAFETY: not NULL; the header asks for a place for a pointer.
            unsafe { answer.write(c_string(&answered).into_raw()) };
        }
        Ok(())
    })
}

/// Reads an item and gives it to C as JSON.
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
