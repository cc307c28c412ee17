//! Producers that are C functions.

use crate::ffi::message::postbox_message;
use crate::ffi::panic::infallible;
use crate::sync::Mutex;
use crate::{Message, Producer, SendOutcome};
use std::ffi::{c_char, c_void};

/// The size of a callback's buffer for its reason, including the terminating NUL.
pub(crate) const REASON_BYTES: usize = 1024;

/// The outcome of sending a message.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum postbox_send_outcome {
    /// The transport has the message; it is marked dispatched.
    Sent = 0,
    /// The transport accepted the message. The program must call postbox_confirm when it knows
    /// whether the message was sent. Until then the message stays outstanding.
    Accepted = 1,
    /// Sending failed, and the cause may be the transport or the message. The message stays
    /// outstanding. A later sweep sends it again or parks it; see postbox_sweep.
    Retry = 2,
    /// The message can never be sent, for example because it is too large, not permitted or
    /// malformed. It is parked immediately.
    Reject = 3,
    /// The transport cannot send any message at present, for example because a server is down. The
    /// message stays outstanding and will be sent again.
    Unavailable = 4,
}

/// Sends one message and returns a postbox_send_outcome. Any other number counts as
/// POSTBOX_SEND_RETRY.
///
/// `data` is the pointer that was registered with the callback. `message` is valid during the call;
/// the callback may read it and must not free it. `reason` is a buffer of `reason_size` bytes that
/// contains an empty string. If the callback returns POSTBOX_SEND_RETRY, POSTBOX_SEND_REJECT or
/// POSTBOX_SEND_UNAVAILABLE, it can write the reason into this buffer, as a NUL-terminated string:
/// snprintf(reason, reason_size, "queue %s is full", name).
///
/// The callback runs on the thread that called postbox_clear_outbox, postbox_post or postbox_sweep, on
/// the thread of postbox_start_sweeper, or on one of the further threads that a sweep uses. Several
/// threads may call the callback at the same time.
///
/// The callback may block. It may call any function of Postbox except postbox_free for its own
/// client. It should not call postbox_close or, during a sweep, postbox_stop_sweeper: these functions
/// would wait for the callback itself, until "close_timeout_ms" has passed. The callback must return
/// normally: an exception or a longjmp out of it is undefined behaviour.
pub type postbox_send_callback = Option<
    unsafe extern "C" fn(
        data: *mut c_void,
        message: *const postbox_message,
        reason: *mut c_char,
        reason_size: usize,
    ) -> i32,
>;

/// A `postbox_send_callback` that is not NULL.
pub(crate) type SendFunction = unsafe extern "C" fn(*mut c_void, *const postbox_message, *mut c_char, usize) -> i32;

/// Releases the `data` of another callback. Postbox calls this function exactly once, after the last
/// call of the other callback. It may run on any thread, also inside a call of Postbox. It must not
/// call Postbox, and must return normally. It is not called in a forked child process.
pub type postbox_release_callback = Option<unsafe extern "C" fn(data: *mut c_void)>;

/// The `data` of a callback, with its finalizer.
pub(crate) struct CallbackData {
    pub(crate) data: *mut c_void,
    release: Mutex<postbox_release_callback>,
}

// SAFETY: the header says that callbacks are called by any thread, so C vouches for its data.
unsafe impl Send for CallbackData {}
// SAFETY: as above.
unsafe impl Sync for CallbackData {}

impl CallbackData {
    pub(crate) fn new(data: *mut c_void, release: postbox_release_callback) -> Self {
        Self { data, release: Mutex::new(release) }
    }

    /// Sets the finalizer. This happens after the last step that can fail, since the data is
    /// not released on failure.
    pub(crate) fn release_with(&self, release: postbox_release_callback) {
        *self.release.lock() = release;
    }
}

impl Drop for CallbackData {
    fn drop(&mut self) {
        let release = *self.release.lock();
        if let Some(release) = release {
            // SAFETY: C registered this function for this data, and it is called this once.
            infallible((), || unsafe { release(self.data) });
        }
    }
}

pub(crate) struct CallbackProducer {
    send: SendFunction,
    data: CallbackData,
}

impl CallbackProducer {
    pub(crate) fn new(send: SendFunction, data: *mut c_void, release: postbox_release_callback) -> Self {
        Self { send, data: CallbackData::new(data, release) }
    }

    fn send_one(&self, message: &Message) -> SendOutcome {
        let handle = postbox_message::of(message.clone());
        let mut reason = [0_u8; REASON_BYTES];
        // SAFETY: C registered this function for this data; message and buffer live through the call.
        let outcome =
            unsafe { (self.send)(self.data.data, &raw const handle, reason.as_mut_ptr().cast(), REASON_BYTES) };
        let reason = |otherwise: &str| reason_text(&reason, otherwise);
        match outcome {
            outcome if outcome == postbox_send_outcome::Sent as i32 => SendOutcome::Sent,
            outcome if outcome == postbox_send_outcome::Accepted as i32 => SendOutcome::Accepted,
            outcome if outcome == postbox_send_outcome::Retry as i32 => {
                SendOutcome::Retry(reason("the producer gave no reason"))
            }
            outcome if outcome == postbox_send_outcome::Unavailable as i32 => {
                SendOutcome::Unavailable(reason("the producer gave no reason"))
            }
            outcome if outcome == postbox_send_outcome::Reject as i32 => {
                SendOutcome::Reject(reason("the producer gave no reason"))
            }
            other => SendOutcome::Retry(format!(
                "the producer returned {other}, which is not a postbox_send_outcome: {}",
                reason("the producer gave no reason")
            )),
        }
    }
}

/// Returns the text that a callback wrote into its buffer, or `otherwise` if the buffer is empty.
pub(crate) fn reason_text(buffer: &[u8], otherwise: &str) -> String {
    // A callback that filled the buffer to its last byte still wrote a reason.
    let text = buffer.split(|&byte| byte == 0).next().map(String::from_utf8_lossy).unwrap_or_default();
    if text.is_empty() { otherwise.to_owned() } else { text.into_owned() }
}

impl Producer for CallbackProducer {
    fn send(&self, batch: &[Message]) -> Vec<SendOutcome> {
        batch.iter().map(|message| self.send_one(message)).collect()
    }
}
