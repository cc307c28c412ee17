//! Log messages to a C function: a subscriber of `tracing` for the events of Postbox itself.

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

/// How important a log message is.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum postbox_log_level {
    /// Something is lost or broken.
    Error = 1,
    /// Something failed and will be tried again, or needs a look.
    Warn = 2,
    /// Something that an operator wants to know.
    Info = 3,
    /// What Postbox does, step by step.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

/// Gets one log message: a postbox_log_level and a line of text, valid for the time of the call,
/// without secrets and message bodies.
///
/// It is called by whatever thread has something to say, the Postbox's own included, and by
/// several at once. It should return soon, since the Postbox waits for it, and may not call
/// Postbox. It must return: an exception or a longjmp out of it is undefined behaviour.
pub type postbox_log_callback = Option<unsafe extern "C" fn(data: *mut c_void, level: i32, text: *const c_char)>;

struct Receiver {
    level: Level,
    callback: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    data: CallbackData,
}

/// Whoever listens now. The subscriber stays installed for the life of the process.
static RECEIVER: Mutex<Option<Arc<Receiver>>> = Mutex::new(None);
static INSTALLED: OnceCell<()> = OnceCell::new();

/// Sends the log messages of all Postboxes of the process, up to `level`, to `callback`, in place
/// of an earlier one; NULL turns logging off, and the other arguments are not used then. `release`,
/// which may be NULL, is called with `data` when the callback has been replaced and no call of it
/// is under way, by whichever thread that is. If this function fails, `release` is not called.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown level, or when the program has
/// installed a subscriber of the Rust crate `tracing` of its own, which gets the messages then.
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
        // Outside of the lock: releasing is the host's code.
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
        Error::new(ErrorCode::InvalidArgument, format!("there is no log level {level}: 1 (error) to 5 (trace)"))
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
            "the program has installed a tracing subscriber of its own: it gets the log messages of Postbox",
        )
    })
}

fn receiver() -> Option<Arc<Receiver>> {
    RECEIVER.lock().clone()
}

struct ToCallback;

impl Subscriber for ToCallback {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Only our own: the events of the SDK hold requests, and so bodies.
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
        // SAFETY: C gave this function for this data; the text lives through the call.
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
