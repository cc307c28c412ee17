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
    /// The transport accepted the message, and postbox_confirm will confirm it later; until
    /// then the message stays outstanding.
    Accepted = 1,
    /// It failed, and it is not known whether the transport or the message is to blame: it stays outstanding and will be
    /// sent again, until it is parked after "max_dispatch_attempts".
    Retry = 2,
    /// The message can never be sent, for example because it is too large, not permitted or
    /// malformed. It is parked at once.
    Reject = 3,
    /// The transport cannot be used now, whatever the message: it stays outstanding and will be sent again.
    Unavailable = 4,
}

/// Sends one message and returns a postbox_send_outcome. Any other number counts as
/// POSTBOX_SEND_RETRY.
///
/// `data` is what was given with the callback. `message` is valid for the time of the call and
/// may be read, not freed. For RETRY, REJECT and UNAVAILABLE the callback may write why, as a NUL-terminated
/// text, into the `reason_size` bytes of `reason`, which come as an empty string:
/// snprintf(reason, reason_size, "queue %s is full", name).
///
/// The callback runs on the thread that called postbox_clear_outbox or postbox_post. A sweep
/// (postbox_sweep, postbox_start_sweeper) calls it on its own thread and, for other topics at the
/// same time, on up to "sweep_threads" - 1 further threads, so several threads may call it at once.
/// It may block, and it may call any function of Postbox except postbox_free on its own client. A
/// call of postbox_close, or of postbox_stop_sweeper on the sweeper's thread, would wait for this
/// call until "close_timeout_ms". The callback must return normally: an exception or a longjmp out
/// of it is undefined behaviour.
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

/// Releases the `data` of a callback. It is called exactly once, after the last call of that
/// callback. It may run on any thread, including inside a Postbox call, so it must not call
/// Postbox. It must return normally. It is not called in a forked child process.
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
