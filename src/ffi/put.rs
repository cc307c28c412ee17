//! Messages as actions of a transaction that another client sends.

use crate::dynamodb_json::put_to_json;
use crate::ffi::client::postbox_client;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, write_out};
use crate::ffi::message::postbox_message;
use crate::ffi::text::{c_string, text};
use crate::{Error, ErrorCode, Result};
use aws_sdk_dynamodb::types::CancellationReason;
use serde_json::Value;
use std::ffi::c_char;

/// Writes the action that deposits this message to `put`, for a transaction that the program sends
/// itself, with an AWS SDK or with the AWS CLI: {"Put": {"TableName": ..., "Item": ...,
/// "ConditionExpression": ...}}. Nothing is stored before the program sends the transaction. The
/// message is checked as postbox_deposit_post checks it. The caller frees the string with
/// postbox_string_free.
///
/// The action must be sent unchanged: its condition prevents that a message is stored twice. After the
/// transaction has succeeded, pass the id of the message to postbox_clear_outbox or to
/// postbox_notify_committed, to send the message. If the program does neither, a sweep sends it. If the
/// transaction is cancelled, postbox_cancellation_error returns an error with the cause.
///
/// Errors: POSTBOX_ERROR_INVALID_MESSAGE, POSTBOX_ERROR_ITEM_TOO_LARGE,
/// POSTBOX_ERROR_OUTBOX_LIMIT_REACHED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_message_to_put(
    client: *mut postbox_client,
    message: *const postbox_message,
    put: *mut *mut c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles or NULL, which is checked.
        let (postbox, message) = unsafe { (postbox_client::borrow(client)?, postbox_message::borrow(message)?) };
        check_out(put, "put")?;
        let action = postbox.get().message_to_put(&message.message())?;
        let json = action.put().map(put_to_json).unwrap_or_default();
        // SAFETY: checked above.
        unsafe { write_out(put, "put", c_string(&json).into_raw()) }
    })
}

/// Returns the error of a transaction of another client that DynamoDB cancelled. It is the error that
/// postbox_unit_of_work_commit would return: POSTBOX_ERROR_DUPLICATE_MESSAGE if the outbox had one of the
/// messages already, and POSTBOX_ERROR_TRANSACTION_CANCELED otherwise, with a reason for each action that
/// failed. This function never returns NULL. The caller frees the error with postbox_error_free.
///
/// `actions` is the JSON list of the actions of the transaction ("TransactItems"), and `reasons` the
/// JSON list of the reasons of the cancellation ("CancellationReasons"), in the same order. Only the
/// verb, the table and the message id of each action are read, so that `actions` may omit all other
/// members.
///
/// If the program uses the same message id each time it repeats an operation,
/// POSTBOX_ERROR_DUPLICATE_MESSAGE means that an earlier attempt at the operation succeeded.
///
/// Errors: POSTBOX_ERROR_INVALID_JSON if an argument is not a JSON list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_cancellation_error(
    client: *mut postbox_client,
    actions: *const c_char,
    reasons: *const c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (client, actions, reasons) =
            unsafe { (postbox_client::borrow(client)?, text(actions, "actions")?, text(reasons, "reasons")?) };
        let (actions, reasons) = (list(actions, "actions")?, list(reasons, "reasons")?);
        let reasons: Vec<_> = reasons.iter().map(reason).collect();
        Err(client.get().cancellation_error_of(actions.iter().map(action), &reasons))
    })
}

fn list(json: &str, name: &str) -> Result<Vec<Value>> {
    serde_json::from_str(json).map_err(|error| {
        Error::new(ErrorCode::InvalidJson, format!("argument \"{name}\": the text is not a JSON list: {error}"))
    })
}

/// Reads the verb, the table, and the message id of a put: `{"Put": {"TableName": ..., "Item": {"MessageId": {"S": ...}}}}`.
fn action(action: &Value) -> (&str, &str, Option<&str>) {
    let Some((verb, members)) = action.as_object().and_then(|action| action.iter().next()) else {
        return ("", "", None);
    };
    let id = members["Item"]["MessageId"]["S"].as_str().filter(|_| verb == "Put");
    (verb, members["TableName"].as_str().unwrap_or_default(), id)
}

fn reason(reason: &Value) -> CancellationReason {
    let text = |name: &str| reason[name].as_str().map(str::to_owned);
    CancellationReason::builder().set_code(text("Code")).set_message(text("Message")).build()
}
