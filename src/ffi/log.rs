//! Log messages for a C callback. A `tracing` subscriber passes the events of Postbox to the callback.

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

struct Receiver {
    level: Level,
    callback: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    data: CallbackData,
}

/// The current receiver of log messages. It can be replaced, whereas the `tracing` subscriber stays
/// installed for the life of the process.
static RECEIVER: Mutex<Option<Arc<Receiver>>> = Mutex::new(None);
static INSTALLED: OnceCell<()> = OnceCell::new();

/// Sends the log messages of all clients in the process to `callback`, if their postbox_log_level is
/// not greater than `level`. The callback replaces the callback that an earlier call to this function
/// has set. If `callback` is NULL, logging is turned off, and the other arguments are ignored.
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
        // The earlier receiver is dropped outside the lock, since its `release` is code of the host program.
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
        // The events of the AWS SDK are left out, since they contain requests and therefore message bodies.
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
