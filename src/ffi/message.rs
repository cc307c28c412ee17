//! Messages.

use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, write_out};
use crate::ffi::panic::infallible;
use crate::ffi::text::{bytes, c_string, lend, text};
use crate::sync::Mutex;
use crate::{Message, Result, StoredMessage};
use std::collections::HashMap;
use std::ffi::{CString, c_char};
use std::ptr;

/// A message, with named header fields and a body of bytes. CONFIGURATION.md lists the fields. A
/// deposit copies the message, so the caller can change, deposit again or free the message afterwards.
pub struct postbox_message(Mutex<Content>);

struct Content {
    message: Message,
    /// The fields that the outbox adds, if the message was read from there.
    stored: HashMap<&'static str, String>,
    /// The strings that `postbox_message_get` returned, by name. They are kept, because C holds
    /// pointers to them.
    lent: HashMap<String, CString>,
}

impl Handle for postbox_message {
    const NAME: &'static str = "message";
}

impl postbox_message {
    pub(crate) fn of(message: Message) -> Self {
        Self(Mutex::new(Content { message, stored: HashMap::new(), lent: HashMap::new() }))
    }

    pub(crate) fn of_stored(stored: StoredMessage) -> Self {
        let fields = stored.fields().into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Self(Mutex::new(Content { message: stored.message, stored: fields, lent: HashMap::new() }))
    }

    pub(crate) fn message(&self) -> Message {
        self.0.lock().message.clone()
    }

    /// Runs a function with the message, which it can change.
    pub(crate) fn with<T>(&self, function: impl FnOnce(&mut Message) -> T) -> T {
        function(&mut self.0.lock().message)
    }
}

impl Content {
    /// Returns the value of a field as a string that the message owns, or NULL if the field is not
    /// set.
    fn lend(&mut self, name: &str) -> Result<*const c_char> {
        let value = match self.stored.get(name) {
            Some(value) => Some(c_string(value)),
            None if StoredMessage::FIELDS.contains(&name) => None,
            None => self.message.header(name)?.map(|value| c_string(&value)),
        };
        Ok(match value {
            Some(value) => lend(&mut self.lent, name, value),
            None => ptr::null(),
        })
    }
}

/// Creates a message for a topic. Its body is a copy of the `length` bytes at `body`, which may be
/// NULL if `length` is 0. The id is a new UUID v7, and the creation time is the current time. The
/// caller frees the message with postbox_message_free.
///
/// Unless the header field "character_encoding" is set, the field "content_type" decides whether the body is text in UTF-8
/// (text/..., JSON, XML, URL-encoded forms) or bytes (all other types, such as application/octet-stream). The default is
/// JSON, so a body that is not UTF-8 needs another "content_type". The topic and the body are checked when the message is
/// deposited.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_message_new(
    topic: *const c_char,
    body: *const u8,
    length: usize,
    message: *mut *mut postbox_message,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a string and bytes, or NULL, which is checked.
        let (topic, body) = unsafe { (text(topic, "topic")?, bytes(body, length, "body")?) };
        check_out(message, "message")?;
        let made = postbox_message::of(Message::new(topic, body)).into_raw();
        // SAFETY: checked above.
        unsafe { write_out(message, "message", made) }
    })
}

/// Sets a header field by name: postbox_message_set(message, "partition_key", "42"). An empty value
/// removes an optional field. The name "bag.NAME" sets the entry NAME of the header bag, which holds
/// the program's own header fields, to a string. The name "bag" replaces the whole bag by a JSON object;
/// see also postbox_message_set_bag.
///
/// Errors: POSTBOX_ERROR_UNKNOWN_NAME, whose error text lists similar names; POSTBOX_ERROR_INVALID_MESSAGE if the
/// value is invalid for the field. The message is unchanged after an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_message_set(
    message: *mut postbox_message,
    name: *const c_char,
    value: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        postbox_message::borrow(message)?.0.lock().message.set_header(text(name, "name")?, text(value, "value")?)
    })
}

/// Replaces the body with a copy of the `length` bytes at `body`, which may be NULL if `length` is
/// 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_message_set_body(
    message: *mut postbox_message,
    body: *const u8,
    length: usize,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle and bytes, or NULL, which is checked.
        let (message, body) = unsafe { (postbox_message::borrow(message)?, bytes(body, length, "body")?) };
        let mut content = message.0.lock();
        content.message = content.message.clone().with_body(body);
        Ok(())
    })
}

/// Reads a header field by name into `value`. An optional field that is not set is read as NULL. A
/// message that was read from the outbox (by postbox_get_message, on a postbox_page, or for an
/// archive) also has the fields "state" ("outstanding", "dispatched" or "parked"), "dispatched_at",
/// "expires_at", "parked_at", "dispatch_attempts", "last_error", "next_attempt_at",
/// "first_failed_at" and "accepted_at". Times are in the format of RFC 3339, in UTC, with all digits. The
/// name "bag" reads the whole header bag as a JSON object; see also postbox_message_bag.
///
/// The string is valid until the message is changed or freed. In a callback, the string is valid until
/// the callback returns.
///
/// Errors: POSTBOX_ERROR_UNKNOWN_NAME, whose error text lists similar names.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_message_get(
    message: *const postbox_message,
    name: *const c_char,
    value: *mut *const c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (message, name) = unsafe { (postbox_message::borrow(message)?, text(name, "name")?) };
        check_out(value, "value")?;
        let lent = message.0.lock().lend(name)?;
        // SAFETY: checked above; the string lives in the handle until it is replaced.
        unsafe { write_out(value, "value", lent) }
    })
}

/// Returns the id of a message, or "" for NULL. The string is valid until the message is changed or
/// freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_message_id(message: *const postbox_message) -> *const c_char {
    // SAFETY: the header requires NULL or a living message.
    unsafe { lend_or_empty(message, "id") }
}

/// Returns the topic of a message, or "" for NULL. The string is valid until the message is changed or
/// freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_message_topic(message: *const postbox_message) -> *const c_char {
    // SAFETY: the header requires NULL or a living message.
    unsafe { lend_or_empty(message, "topic") }
}

/// Returns the bytes of the body, which are not NUL-terminated. The number of bytes is written to
/// `length`, unless `length` is NULL. If `message` is NULL, returns NULL and writes 0. The bytes are
/// valid until the message is changed or freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_message_body(message: *const postbox_message, length: *mut usize) -> *const u8 {
    infallible(ptr::null(), || {
        // SAFETY: the header requires NULL or a living message.
        let (body, size) = match unsafe { postbox_message::borrow(message) } {
            Ok(message) => {
                let content = message.0.lock();
                (content.message.body().as_ptr(), content.message.body().len())
            }
            Err(_) => (ptr::null(), 0),
        };
        if !length.is_null() {
            // SAFETY: the header requires NULL or a place for a size_t.
            unsafe { length.write(size) };
        }
        body
    })
}

/// Copies a message with all its fields. A producer uses it to keep its message after it has returned. Returns
/// NULL for NULL. The caller frees the copy with postbox_message_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_message_copy(message: *const postbox_message) -> *mut postbox_message {
    infallible(ptr::null_mut(), || {
        // SAFETY: the header requires NULL or a living message.
        let Ok(message) = (unsafe { postbox_message::borrow(message) }) else { return ptr::null_mut() };
        let content = message.0.lock();
        let copy = Content { message: content.message.clone(), stored: content.stored.clone(), lent: HashMap::new() };
        postbox_message(Mutex::new(copy)).into_raw()
    })
}

/// Frees a message. Does nothing for NULL. Must not be called for a message that a callback received,
/// or that belongs to a postbox_page.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_message_free(message: *mut postbox_message) {
    // SAFETY: the header requires NULL or a message that was not freed.
    infallible((), || unsafe { postbox_message::free(message) });
}

/// Returns a field as a string that the message owns, or an empty string.
///
/// # Safety
/// The same rules apply as for [`Handle::borrow`].
unsafe fn lend_or_empty(message: *const postbox_message, name: &str) -> *const c_char {
    infallible(c"".as_ptr(), || {
        // SAFETY: the caller's promise.
        unsafe { postbox_message::borrow(message) }
            .and_then(|message| message.0.lock().lend(name))
            .ok()
            .filter(|lent| !lent.is_null())
            .unwrap_or(c"".as_ptr())
    })
}
