//! A producer that is a C function.

use crate::ffi::message::postbox_message;
use crate::ffi::panic::infallible;
use crate::sync::Mutex;
use crate::{Message, Producer, SendOutcome};
use std::ffi::{c_char, c_void};

/// How many bytes a callback has for its reason, the terminating NUL included.
pub(crate) const REASON_BYTES: usize = 1024;

/// What became of a message that a producer was given.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum postbox_send_outcome {
    /// The transport has it: it is marked dispatched.
    Sent = 0,
    /// The transport accepted it and will confirm it later, by postbox_confirm; until then it stays outstanding.
    Accepted = 1,
    /// It failed for a passing reason: it stays outstanding and will be sent again, "max_dispatch_attempts" in all.
    Retry = 2,
    /// It can never be sent as it is, being too large, not permitted, malformed: it is parked at once.
    Reject = 3,
}

/// Sends one message and returns a postbox_send_outcome; any other number counts as
/// POSTBOX_SEND_RETRY.
///
/// `data` is what was given with the callback. `message` is valid for the time of the call and
/// may be read, not freed. For RETRY and REJECT the callback may write why, as a NUL-terminated
/// text, into the `reason_size` bytes of `reason`, which come as an empty string:
/// snprintf(reason, reason_size, "queue %s is full", name).
///
/// It is called on the thread that called postbox_clear_outbox or postbox_post; a sweep
/// (postbox_sweep, postbox_start_sweeper) calls it on its own thread and, for other topics at
/// the same time, on up to "sweep_threads" - 1 more. So several threads may call it at once. It
/// may take its time, and it may call any function of Postbox but postbox_free of the postbox_client
/// that it serves; postbox_close, and postbox_stop_sweeper on the sweeper's thread, would wait
/// for this very call, until "close_timeout_ms". It must return: an exception or a longjmp out
/// of it is undefined behaviour.
pub type postbox_send_callback = Option<
    unsafe extern "C" fn(
        data: *mut c_void,
        message: *const postbox_message,
        reason: *mut c_char,
        reason_size: usize,
    ) -> i32,
>;

/// The same, known not to be NULL.
pub(crate) type SendFunction = unsafe extern "C" fn(*mut c_void, *const postbox_message, *mut c_char, usize) -> i32;

/// Called once with the `data` of a callback when that is not called any more, on any thread: also
/// on one of Postbox's own, or inside of a call on it, so that it may not call Postbox. It must
/// return, as every callback. It is not called in a child that was forked.
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

    /// Sets the finalizer once it is sure that the data is ours to release.
    pub(crate) fn release_with(&self, release: postbox_release_callback) {
        *self.release.lock() = release;
    }
}

impl Drop for CallbackData {
    fn drop(&mut self) {
        let release = *self.release.lock();
        if let Some(release) = release {
            // SAFETY: C gave this function for this data, and it is called this once.
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
        // SAFETY: C gave this function for this data; message and buffer live through the call.
        let outcome =
            unsafe { (self.send)(self.data.data, &raw const handle, reason.as_mut_ptr().cast(), REASON_BYTES) };
        let reason = |otherwise: &str| reason_text(&reason, otherwise);
        match outcome {
            outcome if outcome == postbox_send_outcome::Sent as i32 => SendOutcome::Sent,
            outcome if outcome == postbox_send_outcome::Accepted as i32 => SendOutcome::Accepted,
            outcome if outcome == postbox_send_outcome::Retry as i32 => {
                SendOutcome::Retry(reason("the producer gave no reason"))
            }
            outcome if outcome == postbox_send_outcome::Reject as i32 => {
                SendOutcome::Reject(reason("the producer gave no reason"))
            }
            other => SendOutcome::Retry(format!(
                "the producer returned {other}, which is not an outcome: {}",
                reason("it gave no reason")
            )),
        }
    }
}

/// What a callback wrote into its buffer, or `otherwise` if that is nothing.
pub(crate) fn reason_text(buffer: &[u8], otherwise: &str) -> String {
    // A callback that filled the buffer to its last byte still gave a reason.
    let text = buffer.split(|&byte| byte == 0).next().map(String::from_utf8_lossy).unwrap_or_default();
    if text.is_empty() { otherwise.to_owned() } else { text.into_owned() }
}

impl Producer for CallbackProducer {
    fn send(&self, batch: &[Message]) -> Vec<SendOutcome> {
        batch.iter().map(|message| self.send_one(message)).collect()
    }
}
