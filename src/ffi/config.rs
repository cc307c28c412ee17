//! The configuration: the settings and producers with which a client is opened.

use crate::client_log::ClientLog;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, null_argument, write_out};
use crate::ffi::log::{Receiver, client_log, postbox_log_callback};
use crate::ffi::panic::infallible;
use crate::ffi::producer::{
    CallbackBatchProducer, CallbackProducer, postbox_release_callback, postbox_send_batch_callback,
    postbox_send_callback,
};
use crate::ffi::text::{c_string, lend, optional_text, text};
use crate::ffi::trace::current_trace_context;
use crate::sync::Mutex;
use crate::{Builder, Config, Error, ErrorCode, Postbox, Producer, Result};
use std::collections::HashMap;
use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

/// The settings and producers with which postbox_open opens a client. CONFIGURATION.md lists the
/// settings. Opening a client does not change the configuration, so one configuration can open
/// several clients.
pub struct postbox_config(Mutex<Collected>);

#[derive(Default)]
struct Collected {
    settings: Config,
    producers: Vec<(Option<String>, Arc<dyn Producer>)>,
    receiver: Option<Arc<Receiver>>,
    /// The strings that `postbox_config_get` returned, by name. They are kept, because C holds
    /// pointers to them.
    lent: HashMap<String, CString>,
}

impl Handle for postbox_config {
    const NAME: &'static str = "config";
}

impl postbox_config {
    /// Returns the log of a client that is opened with this configuration.
    pub(crate) fn log(&self) -> ClientLog {
        client_log(self.0.lock().receiver.clone())
    }

    /// Opens a Postbox with these settings and producers.
    pub(crate) fn open(&self) -> Result<Postbox> {
        let collected = self.0.lock();
        let mut builder = Builder::default().config(collected.settings.clone());
        for (topic, producer) in &collected.producers {
            let producer = Arc::clone(producer);
            builder = match topic {
                Some(topic) => builder.producer(topic, producer),
                None => builder.default_producer(producer),
            };
        }
        drop(collected);
        builder.trace_context(current_trace_context).open()
    }
}

/// Creates a configuration with the default settings and no producer. Never returns NULL. The
/// caller frees the configuration with postbox_config_free; postbox_open does not free it.
#[unsafe(no_mangle)]
pub extern "C" fn postbox_config_new() -> *mut postbox_config {
    infallible(std::ptr::null_mut(), || postbox_config(Mutex::default()).into_raw())
}

/// Sets one setting by name: postbox_config_set(config, "table_name", "orders_outbox"). Numbers are
/// decimal. An empty value unsets an optional setting.
///
/// Errors: POSTBOX_ERROR_UNKNOWN_NAME, whose error text lists similar names;
/// POSTBOX_ERROR_INVALID_SETTING, whose error text states the allowed range. The configuration is
/// unchanged after an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_config_set(
    config: *mut postbox_config,
    name: *const c_char,
    value: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        postbox_config::borrow(config)?.0.lock().settings.set(text(name, "name")?, text(value, "value")?)
    })
}

/// Reads one setting by name into `value`. An optional setting that is not set is read as "". A secret
/// that is set is read as "***". The string is valid until this setting is changed or the configuration
/// is freed.
///
/// Errors: POSTBOX_ERROR_UNKNOWN_NAME, whose error text lists similar names.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_config_get(
    config: *mut postbox_config,
    name: *const c_char,
    value: *mut *const c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (config, name) = unsafe { (postbox_config::borrow(config)?, text(name, "name")?) };
        check_out(value, "value")?;
        let mut collected = config.0.lock();
        let found = c_string(&collected.settings.get(name)?);
        // SAFETY: checked above; the string lives in the handle until it is replaced.
        unsafe { write_out(value, "value", lend(&mut collected.lent, name, found)) }
    })
}

/// Adds the producer of a topic, or of all topics with a prefix if `topic` ends with "*", as in
/// "orders.*". If `topic` is NULL or "*", adds the producer of every topic that has no producer of its
/// own. Exact topics take precedence over prefixes, and longer prefixes over shorter ones. The new
/// producer replaces an earlier producer of the same topic. Messages to SNS and SQS need no producer;
/// see the setting "routes".
///
/// `send` is called with `data` for each message; see postbox_send_callback.
///
/// `release` may be NULL. It is called once with `data`, when `send` can no longer be called. This
/// is the case when all of the following are true:
///
/// - The producer was replaced, or the configuration was freed.
/// - All clients that were opened with the producer, and all units of work of these clients, were
///   freed.
/// - No call to `send` is in progress.
///
/// `release` runs on the thread whose call replaces the producer or frees the last handle, or on the
/// background thread on which the last call to `send` returns. If this function fails, `release` is
/// not called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_config_add_producer(
    config: *mut postbox_config,
    topic: *const c_char,
    send: postbox_send_callback,
    data: *mut c_void,
    release: postbox_release_callback,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `add_producer`.
    unsafe {
        add_producer(config, topic, || {
            let send = send.ok_or_else(|| null_argument("send"))?;
            Ok(Arc::new(CallbackProducer::new(send, data, release)))
        })
    }
}

/// Adds a producer that sends up to `max_batch` messages in one call; see postbox_send_batch_callback.
/// In all other respects this function behaves like postbox_config_add_producer. A topic has only one
/// producer, of either kind.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if `max_batch` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_config_add_batch_producer(
    config: *mut postbox_config,
    topic: *const c_char,
    max_batch: usize,
    send: postbox_send_batch_callback,
    data: *mut c_void,
    release: postbox_release_callback,
) -> *mut postbox_error {
    // SAFETY: the header requires the same as `add_producer`.
    unsafe {
        add_producer(config, topic, || {
            let send = send.ok_or_else(|| null_argument("send"))?;
            if max_batch == 0 {
                let text = "max_batch is 0: a batch has at least 1 message";
                return Err(Error::new(ErrorCode::InvalidArgument, text));
            }
            Ok(Arc::new(CallbackBatchProducer::new(send, max_batch, data, release)))
        })
    }
}

/// Adds the producer that `make` returns. `make` is called last, because dropping a producer
/// releases its `data`, which must not happen if the function fails.
///
/// # Safety
/// `config` is a living handle or NULL; `topic` is a string or NULL.
unsafe fn add_producer(
    config: *mut postbox_config,
    topic: *const c_char,
    make: impl FnOnce() -> Result<Arc<dyn Producer>>,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the caller's promise.
        let (config, topic) = unsafe { (postbox_config::borrow(config)?, optional_text(topic, "topic")?) };
        let producer = make()?;
        config.0.lock().producers.push((topic.map(str::to_owned), producer));
        Ok(())
    })
}

/// Sends the log messages of the clients that are opened with `config` to `callback`, if their
/// postbox_log_level is not greater than `level`, and not to the callback of postbox_set_log_callback.
/// The callback receives the messages of each call on the client, of its threads, and of
/// postbox_open itself. It replaces an earlier callback of the configuration. If `callback` is NULL,
/// the clients have no callback of their own, and the other arguments are ignored.
///
/// After postbox_close has returned, even with an error, no call to `callback` begins for this client.
///
/// `release` may be NULL. It is called once with `data`, on any thread, when `callback` can no longer be
/// called. This is the case when the callback was replaced or the configuration was freed, all clients
/// that were opened with the callback, and all units of work of these clients, were freed, and no call
/// to `callback` is in progress. If this function fails, `release` is not called.
///
/// Errors: as for postbox_set_log_callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_config_set_log_callback(
    config: *mut postbox_config,
    level: i32,
    callback: postbox_log_callback,
    data: *mut c_void,
    release: postbox_release_callback,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let config = unsafe { postbox_config::borrow(config) }?;
        let receiver = Receiver::new(level, callback, data, release)?;
        let earlier = std::mem::replace(&mut config.0.lock().receiver, receiver);
        // The earlier receiver is dropped outside the lock, since its `release` is code of the host program.
        drop(earlier);
        Ok(())
    })
}

/// Frees a configuration. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_config_free(config: *mut postbox_config) {
    // SAFETY: the header requires NULL or a configuration that was not freed.
    infallible((), || unsafe { postbox_config::free(config) });
}
