//! Producers that are C functions.

use crate::ffi::handle::Handle;
use crate::ffi::message::postbox_message;
use crate::ffi::panic::infallible;
use crate::sync::Mutex;
use crate::{Message, Producer, SendOutcome};
use std::ffi::{CStr, c_char, c_void};

/// The size of the buffer into which a callback writes its reason, including the terminating NUL.
pub(crate) const REASON_BYTES: usize = 1024;

/// The outcome of sending a message.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum postbox_send_outcome {
    /// The transport confirmed that it received the message. The message is marked dispatched.
    Sent = 0,
    /// The producer handed the message over, but the transport has not yet confirmed that it received the
    /// message. The program must call postbox_confirm when it knows the outcome. Until then the message
    /// stays outstanding.
    Accepted = 1,
    /// Sending failed, and the cause may be the transport or the message. The message stays
    /// outstanding. A later sweep sends it again or parks it; see postbox_sweep.
    Retry = 2,
    /// The message can never be sent, for example because it is too large, not permitted or malformed.
    /// The message is parked without further attempts. Exception: if three or more messages of a topic
    /// are rejected with the same reason and none is sent, they are tried again; see postbox_sweep.
    Reject = 3,
    /// The transport cannot send any message at present, for example because a server is down. The
    /// message stays outstanding, and a sweep tries to send it later.
    Unavailable = 4,
    /// The message was not handed to the transport, for example because the producer was asked to stop.
    /// Nothing is written: the message stays outstanding, no attempt is counted, and later messages of
    /// its topic and partition key are held back. A message for which a batch callback sets no result
    /// has this outcome.
    NotTried = 5,
}

impl postbox_send_outcome {
    /// Returns the outcome with this number, or the number as an error if it is not an outcome.
    /// `reason` is called only for outcomes that have a reason.
    pub(crate) fn read(number: i32, reason: impl FnOnce() -> String) -> Result<SendOutcome, i32> {
        Ok(match number {
            number if number == Self::Sent as i32 => SendOutcome::Sent,
            number if number == Self::Accepted as i32 => SendOutcome::Accepted,
            number if number == Self::Retry as i32 => SendOutcome::Retry(reason()),
            number if number == Self::Reject as i32 => SendOutcome::Reject(reason()),
            number if number == Self::Unavailable as i32 => SendOutcome::Unavailable(reason()),
            number if number == Self::NotTried as i32 => SendOutcome::NotTried,
            other => return Err(other),
        })
    }

    /// Returns the outcome with the number that a producer returned. An unknown number becomes
    /// `Retry`, so that no message is lost.
    fn read_or_retry(number: i32, reason: &str) -> SendOutcome {
        let reason = if reason.is_empty() { "the producer returned no reason" } else { reason };
        Self::read(number, || reason.to_owned()).unwrap_or_else(|number| {
            SendOutcome::Retry(format!("the producer returned {number}, which is not a postbox_send_outcome: {reason}"))
        })
    }
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
/// The callback runs on the thread that called postbox_clear_outbox, postbox_post or postbox_sweep,
/// on the sweeper's thread (postbox_start_sweeper), or on one of the additional threads of a sweep. Several
/// threads may call the callback at the same time.
///
/// The callback may block. It may call any function of Postbox except postbox_free for its own
/// client. If it calls postbox_close or, on a thread of the sweeper, postbox_stop_sweeper, the client is
/// not closed, and the sweeper does not stop, before the callback has returned; see these functions. The
/// callback must return normally: an exception or a longjmp out of it is undefined behaviour.
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

/// The results of the messages of one call to a postbox_send_batch_callback. Each message starts with
/// POSTBOX_SEND_NOT_TRIED. The results belong to the library and are valid until the callback returns.
pub struct postbox_send_results(Mutex<Vec<SendOutcome>>);

impl Handle for postbox_send_results {
    const NAME: &'static str = "results";
}

/// Sends `count` messages and sets the result of each with postbox_send_results_set:
///
/// ```c
/// void send_batch(void *queue, const postbox_message *const *messages, size_t count, postbox_send_results *results)
/// {
///     for (size_t i = 0; i < count && !must_stop(queue); i++) {
///         if (publish(queue, messages[i]))
///             postbox_send_results_set(results, i, POSTBOX_SEND_SENT, NULL);
///         else
///             postbox_send_results_set(results, i, POSTBOX_SEND_RETRY, last_error(queue));
///     }
/// }
/// ```
///
/// A message without a result has the outcome POSTBOX_SEND_NOT_TRIED: nothing is written for it,
/// and it stays outstanding. A call receives at least 1 and at most `max_batch` messages, in the
/// order in which they are to be sent. A batch has at most one message for each topic and partition
/// key, and any number of messages without a partition key.
///
/// `data` is the pointer that was registered with the callback. `messages` and `results` are valid for
/// the duration of the call. The callback may read the messages and must not free them. The callback
/// runs on the same threads, and may call the same functions, as a postbox_send_callback.
pub type postbox_send_batch_callback = Option<
    unsafe extern "C" fn(
        data: *mut c_void,
        messages: *const *const postbox_message,
        count: usize,
        results: *mut postbox_send_results,
    ),
>;

/// A `postbox_send_batch_callback` that is not NULL.
pub(crate) type SendBatchFunction =
    unsafe extern "C" fn(*mut c_void, *const *const postbox_message, usize, *mut postbox_send_results);

/// Sets the result of the message at `index`, and replaces an earlier result. The first index is 0. A
/// number that is not a postbox_send_outcome counts as POSTBOX_SEND_RETRY. `reason` is used for RETRY,
/// REJECT and UNAVAILABLE. It may be NULL, and is copied. Does nothing if `results` is NULL or `index`
/// is out of range.
///
/// Any thread may call this function until the callback returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_send_results_set(
    results: *mut postbox_send_results,
    index: usize,
    outcome: i32,
    reason: *const c_char,
) {
    infallible((), || {
        // SAFETY: the header requires NULL or the results of a callback that has not returned.
        let Ok(results) = (unsafe { postbox_send_results::borrow(results) }) else {
            return;
        };
        let reason = if reason.is_null() {
            String::new()
        } else {
            // SAFETY: not NULL; the header requires a NUL-terminated string.
            unsafe { CStr::from_ptr(reason) }.to_string_lossy().into_owned()
        };
        let outcome = postbox_send_outcome::read_or_retry(outcome, &reason);
        if let Some(result) = results.0.lock().get_mut(index) {
            *result = outcome;
        }
    });
}

/// Releases the `data` of another callback. Postbox calls this function exactly once, after the last
/// call to the other callback. It may run on any thread, even during a call to Postbox. It must not
/// call Postbox, and must return normally. It is not called in a forked child process.
pub type postbox_release_callback = Option<unsafe extern "C" fn(data: *mut c_void)>;

/// The `data` of a callback, and the function that releases it.
pub(crate) struct CallbackData {
    pub(crate) data: *mut c_void,
    release: Mutex<postbox_release_callback>,
    /// The process to which the data belongs. A forked child does not release it.
    process: u32,
}

// SAFETY: the header says that callbacks are called by any thread, so the C program provides data that any thread can
// use.
unsafe impl Send for CallbackData {}
// SAFETY: as above.
unsafe impl Sync for CallbackData {}

impl CallbackData {
    pub(crate) fn new(data: *mut c_void, release: postbox_release_callback) -> Self {
        Self { data, release: Mutex::new(release), process: std::process::id() }
    }

    /// Sets the function that releases the data. Callers do this after the last step that can fail,
    /// because a function that fails does not release the data.
    pub(crate) fn release_with(&self, release: postbox_release_callback) {
        *self.release.lock() = release;
    }
}

impl Drop for CallbackData {
    fn drop(&mut self) {
        let release = *self.release.lock();
        if let Some(release) = release
            && std::process::id() == self.process
        {
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
        postbox_send_outcome::read_or_retry(outcome, &reason_text(&reason, ""))
    }
}

/// Returns the text that a callback wrote into its buffer, or `otherwise` if the buffer is empty.
pub(crate) fn reason_text(buffer: &[u8], otherwise: &str) -> String {
    // A reason that fills the buffer to its last byte has no terminating NUL and is read nevertheless.
    let text = buffer.split(|&byte| byte == 0).next().map(String::from_utf8_lossy).unwrap_or_default();
    if text.is_empty() { otherwise.to_owned() } else { text.into_owned() }
}

impl Producer for CallbackProducer {
    fn send(&self, batch: &[Message]) -> Vec<SendOutcome> {
        batch.iter().map(|message| self.send_one(message)).collect()
    }
}

/// A producer that is a C function for batches.
pub(crate) struct CallbackBatchProducer {
    send: SendBatchFunction,
    max_batch: usize,
    data: CallbackData,
}

impl CallbackBatchProducer {
    pub(crate) fn new(
        send: SendBatchFunction,
        max_batch: usize,
        data: *mut c_void,
        release: postbox_release_callback,
    ) -> Self {
        Self { send, max_batch, data: CallbackData::new(data, release) }
    }
}

impl Producer for CallbackBatchProducer {
    fn send(&self, batch: &[Message]) -> Vec<SendOutcome> {
        let handles: Vec<postbox_message> = batch.iter().cloned().map(postbox_message::of).collect();
        let pointers: Vec<*const postbox_message> = handles.iter().map(std::ptr::from_ref).collect();
        let mut results = postbox_send_results(Mutex::new(vec![SendOutcome::NotTried; batch.len()]));
        // SAFETY: C registered this function for this data; messages and results live through the call.
        unsafe { (self.send)(self.data.data, pointers.as_ptr(), pointers.len(), &raw mut results) };
        std::mem::take(&mut *results.0.lock())
    }

    fn max_batch(&self) -> usize {
        self.max_batch
    }
}
