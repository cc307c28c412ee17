//! Log messages for a C callback. A `tracing` subscriber passes the events of Postbox to the callback.

use crate::client_log::ClientLog;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::producer::{CallbackData, postbox_release_callback};
use crate::ffi::text::c_string;
use crate::sync::Mutex;
use crate::{Error, ErrorCode, Result};
use once_cell::sync::OnceCell;
use std::ffi::{c_char, c_void};
use std::fmt::{Debug, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber, span};

/// The severity of a log message. A greater number is less severe.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum postbox_log_level {
    /// An error: something was lost or does not work.
    Error = 1,
    /// A warning: something failed and will be retried, or needs attention.
    Warn = 2,
    /// Information for an operator.
    Info = 3,
    /// The steps of each operation.
    Debug = 4,
    /// All log messages.
    Trace = 5,
}

/// Receives one log message: its severity, and a line of text that contains no secrets and no message
/// bodies. The text is valid during the call.
///
/// The callback runs on the thread that logs the message, which can be the client's own thread.
/// Several threads may call the callback at the same time. The client waits for the callback, which
/// should therefore return quickly. The callback must not call Postbox. It must return normally: an
/// exception or a longjmp out of it is undefined behaviour.
pub type postbox_log_callback = Option<unsafe extern "C" fn(data: *mut c_void, level: i32, text: *const c_char)>;

pub(crate) struct Receiver {
    level: Level,
    callback: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    data: CallbackData,
}

impl Receiver {
    /// Creates a receiver, and installs the subscriber that passes log messages to it. Returns `None` for the callback
    /// NULL.
    pub(crate) fn new(
        level: i32,
        callback: postbox_log_callback,
        data: *mut c_void,
        release: postbox_release_callback,
    ) -> Result<Option<Arc<Self>>> {
        let Some(callback) = callback else {
            return Ok(None);
        };
        let level = level_of(level)?;
        INSTALLED.get_or_try_init(install)?;
        Ok(Some(Arc::new(Self { level, callback, data: CallbackData::new(data, release) })))
    }
}

/// The receiver of one client. Several clients can share the receiver of a configuration.
struct OfClient {
    receiver: Arc<Receiver>,
    has_ended: AtomicBool,
}

/// Creates the log of a client that has this receiver, or that has none.
pub(crate) fn client_log(receiver: Option<Arc<Receiver>>) -> ClientLog {
    let of_client = |receiver| ClientLog::new(Arc::new(OfClient { receiver, has_ended: AtomicBool::new(false) }));
    receiver.map_or_else(ClientLog::default, of_client)
}

/// Ends the log of a client. Its receiver is not called any more on behalf of this client.
pub(crate) fn end_log(log: &ClientLog) {
    if let Some(of_client) = log.receiver().and_then(|receiver| receiver.downcast_ref::<OfClient>()) {
        of_client.has_ended.store(true, Ordering::Relaxed);
    }
}

/// The receiver of the log messages of all clients that have no receiver of their own. It can be replaced, whereas the
/// `tracing` subscriber stays installed for the life of the process.
static RECEIVER: Mutex<Option<Arc<Receiver>>> = Mutex::new(None);
static INSTALLED: OnceCell<()> = OnceCell::new();

/// Sends the log messages of the process to `callback`, if their postbox_log_level is not greater than
/// `level`. The messages of clients that have a callback of their own are not included; see
/// postbox_config_set_log_callback. The callback replaces the callback that an earlier call to this
/// function has set. If `callback` is NULL, the messages are discarded, and the other arguments are
/// ignored.
///
/// `release` may be NULL. It is called once with `data`, on any thread, when the callback has been
/// replaced and none of its calls is in progress. If this function fails, `release` is not called.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown level. The same error is returned if the
/// process is a Rust program with its own `tracing` subscriber. That subscriber then receives the log
/// messages.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_set_log_callback(
    level: i32,
    callback: postbox_log_callback,
    data: *mut c_void,
    release: postbox_release_callback,
) -> *mut postbox_error {
    fallible(|| {
        let receiver = Receiver::new(level, callback, data, release)?;
        let earlier = {
            let mut current = RECEIVER.lock();
            std::mem::replace(&mut *current, receiver)
        };
        // The earlier receiver is dropped outside the lock, since its `release` is code of the host program.
        drop(earlier);
        Ok(())
    })
}

fn level_of(level: i32) -> Result<Level> {
    [
        (postbox_log_level::Error, Level::ERROR),
        (postbox_log_level::Warn, Level::WARN),
        (postbox_log_level::Info, Level::INFO),
        (postbox_log_level::Debug, Level::DEBUG),
        (postbox_log_level::Trace, Level::TRACE),
    ]
    .into_iter()
    .find(|(known, _)| *known as i32 == level)
    .map(|(_, level)| level)
    .ok_or_else(|| {
        Error::new(ErrorCode::InvalidArgument, format!("unknown log level {level}: use 1 (error) to 5 (trace)"))
    })
}

fn number_of(level: Level) -> i32 {
    let level = match level {
        Level::ERROR => postbox_log_level::Error,
        Level::WARN => postbox_log_level::Warn,
        Level::INFO => postbox_log_level::Info,
        Level::DEBUG => postbox_log_level::Debug,
        Level::TRACE => postbox_log_level::Trace,
    };
    level as i32
}

fn install() -> Result<()> {
    tracing::subscriber::set_global_default(ToCallback).map_err(|_| {
        Error::new(
            ErrorCode::InvalidArgument,
            "the log callback cannot be set: the program has installed its own tracing subscriber, which receives the log messages of Postbox",
        )
    })
}

/// Returns the receiver of a log message of this thread: the receiver of the client for which the thread works, or the
/// receiver of the process.
fn receiver() -> Option<Arc<Receiver>> {
    let log = ClientLog::current();
    match log.receiver().and_then(|receiver| receiver.downcast_ref::<OfClient>()) {
        Some(of_client) if of_client.has_ended.load(Ordering::Relaxed) => None,
        Some(of_client) => Some(Arc::clone(&of_client.receiver)),
        None => RECEIVER.lock().clone(),
    }
}

/// Returns whether this is a log message of Postbox. Log messages of the AWS SDK are left out, since they contain requests
/// and therefore message bodies.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && metadata.target().split("::").next() == Some("postbox")
}

struct ToCallback;

impl Subscriber for ToCallback {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // The level depends on the client.
        if is_ours(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_ours(metadata) && receiver().is_some_and(|receiver| *metadata.level() <= receiver.level)
    }

    fn event(&self, event: &Event<'_>) {
        let Some(receiver) = receiver() else {
            return;
        };
        let mut line = Line::default();
        event.record(&mut line);
        let text = c_string(&format!("{}{}", line.message, line.fields));
        let level = number_of(*event.metadata().level());
        // SAFETY: the C program passed this function together with this data, and the text outlives the call.
        unsafe { (receiver.callback)(receiver.data.data, level, text.as_ptr()) };
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        // `enabled` rejects all spans, so this id is never used. `tracing` requires an id other than 0.
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The line of text of an event: the log message, followed by `name=value` for each field.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
