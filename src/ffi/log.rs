//! Passes log messages to a C function, through a `tracing` subscriber for the events of Postbox itself.

use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::producer::{CallbackData, postbox_release_callback};
use crate::ffi::text::c_string;
use crate::sync::Mutex;
use crate::{Error, ErrorCode, Result};
use once_cell::sync::OnceCell;
use std::ffi::{c_char, c_void};
use std::fmt::{Debug, Write};
use std::sync::Arc;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// The severity of a log message.
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

/// Receives one log message: a postbox_log_level and a line of text, which contains no secrets and
/// no message bodies and is valid during the call.
///
/// It runs on the thread that logs the message, which can be the client's own runtime thread, and
/// several threads may call it at once. The client waits for it, so it should return quickly. It
/// must not call Postbox. It must return normally: an exception or a longjmp out of it is undefined
/// behaviour.
pub type postbox_log_callback = Option<unsafe extern "C" fn(data: *mut c_void, level: i32, text: *const c_char)>;

struct Receiver {
    level: Level,
    callback: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    data: CallbackData,
}

/// The current receiver. The subscriber stays installed for the life of the process.
static RECEIVER: Mutex<Option<Arc<Receiver>>> = Mutex::new(None);
static INSTALLED: OnceCell<()> = OnceCell::new();

/// Sends the log messages of all clients in the process, up to `level`, to `callback`, which
/// replaces an earlier callback. A NULL `callback` turns logging off; the other arguments are then
/// ignored. `release` may be NULL; it is called with `data`, on any thread, when the callback has
/// been replaced and no call of it is in progress. If this function fails, `release` is not called.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown level, or if the program has installed its
/// own subscriber of the Rust crate `tracing`, which then receives the messages.
///
/// Thread safety: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_set_log_callback(
    level: i32,
    callback: postbox_log_callback,
    data: *mut c_void,
    release: postbox_release_callback,
) -> *mut postbox_error {
    fallible(|| {
        let receiver = match callback {
            None => None,
            Some(callback) => {
                let level = level_of(level)?;
                INSTALLED.get_or_try_init(install)?;
                Some(Arc::new(Receiver { level, callback, data: CallbackData::new(data, release) }))
            }
        };
        let earlier = {
            let mut current = RECEIVER.lock();
            std::mem::replace(&mut *current, receiver)
        };
        // Dropped outside the lock, since releasing runs the host's code.
        drop(earlier);
        tracing::callsite::rebuild_interest_cache();
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

fn receiver() -> Option<Arc<Receiver>> {
    RECEIVER.lock().clone()
}

struct ToCallback;

impl Subscriber for ToCallback {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Only the events of Postbox: those of the SDK contain requests, and so message bodies.
        metadata.is_event()
            && metadata.target().split("::").next() == Some("postbox")
            && receiver().is_some_and(|receiver| *metadata.level() <= receiver.level)
    }

    fn event(&self, event: &Event<'_>) {
        let Some(receiver) = receiver() else {
            return;
        };
        let mut line = Line::default();
        event.record(&mut line);
        let text = c_string(&format!("{}{}", line.message, line.fields));
        let level = number_of(*event.metadata().level());
        // SAFETY: C registered this function for this data; the text lives through the call.
        unsafe { (receiver.callback)(receiver.data.data, level, text.as_ptr()) };
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        // Spans are not enabled; `tracing` asks for an id that is not 0.
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// An event as one line: the message, then `name=value` for each field.
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
