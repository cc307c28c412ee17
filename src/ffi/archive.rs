//! Archiving.

use crate::ffi::cancel::{cancel_token, postbox_cancel_token};
use crate::ffi::client::postbox_client;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{null_argument, write_optional};
use crate::ffi::lease::postbox_lease;
use crate::ffi::message::postbox_message;
use crate::ffi::producer::{CallbackData, REASON_BYTES, postbox_release_callback, reason_text};
use crate::ffi::text::text;
use crate::{Archive, ArchiveReport, Error, ErrorCode, JsonLinesArchive, Result, StoredMessage};
use std::ffi::{c_char, c_void};
use std::sync::Arc;

/// The result of archiving: message counts and the status of the lease.
#[repr(C)]
pub struct postbox_archive_result {
    /// Messages that the archive stored and that were then deleted from the outbox.
    pub archived: u64,
    /// Messages that were not deleted from the outbox: the archive did not store them, or they
    /// could not be read or deleted. The log has the id and the reason of each message.
    pub failed: u64,
    /// Whether the archiver held its lease, as a postbox_lease.
    pub lease: i32,
    /// Always 0; reserved for later versions.
    pub reserved: [u32; 7],
}

/// Stores one message durably before the message is deleted from the outbox.
///
/// Returns 0 if the message was stored. For any other return value the message is not deleted, and
/// the callback can write a reason into the `reason_size` bytes of `reason`, as described for
/// postbox_send_callback. The reason is logged. If a stored message cannot be deleted, a later run
/// passes the message to the callback again.
///
/// `data` is the pointer that was registered with the callback. `message` is valid during the call;
/// the callback may read it and must not free it. The callback runs on the thread that called
/// postbox_archive, or on the archiver's thread (postbox_start_archiver). The callback may call the
/// functions that a postbox_send_callback may call. If it calls postbox_stop_archiver on the
/// archiver's thread, the archiver does not stop before the callback has returned. The callback must
/// return normally: an exception or a longjmp out of it is undefined behaviour.
pub type postbox_archive_callback = Option<
    unsafe extern "C" fn(
        data: *mut c_void,
        message: *const postbox_message,
        reason: *mut c_char,
        reason_size: usize,
    ) -> i32,
>;

type ArchiveFunction = unsafe extern "C" fn(*mut c_void, *const postbox_message, *mut c_char, usize) -> i32;

struct CallbackArchive {
    archive: ArchiveFunction,
    data: Arc<CallbackData>,
}

impl Archive for CallbackArchive {
    fn archive(&self, batch: &[StoredMessage]) -> Vec<Result<(), String>> {
        let keep = |stored: &StoredMessage| {
            let handle = postbox_message::of_stored(stored.clone());
            let mut reason = [0_u8; REASON_BYTES];
            let buffer = reason.as_mut_ptr().cast();
            // SAFETY: C registered this function for this data; message and buffer live through the call.
            match unsafe { (self.archive)(self.data.data, &raw const handle, buffer, REASON_BYTES) } {
                0 => Ok(()),
                code => Err(reason_text(&reason, &format!("the archive returned {code}"))),
            }
        };
        batch.iter().map(keep).collect()
    }

    fn max_batch(&self) -> usize {
        1
    }
}

/// Archives old dispatched messages: calls `archive`, on this thread, for each message that has been
/// dispatched for longer than "archive_min_age_ms", and deletes each message that `archive` stored.
/// Messages in other states are not changed. `result` may be NULL.
///
/// While this function runs, it holds the archivers' lease in the lock table, which excludes other
/// archivers, including those of Brighter. If another archiver holds the lease, this function does
/// nothing. If the lock table cannot be used, this function runs without the lease, and its result has
/// the lease status POSTBOX_LEASE_UNAVAILABLE.
///
/// `cancel` may be NULL. If it is canceled, this function archives no further messages.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_archive(
    client: *mut postbox_client,
    archive: postbox_archive_callback,
    data: *mut c_void,
    cancel: *const postbox_cancel_token,
    result: *mut postbox_archive_result,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let client = unsafe { postbox_client::borrow(client) }?;
        let postbox = client.get();
        let archive = archive.ok_or_else(|| null_argument("archive"))?;
        let archive = CallbackArchive { archive, data: Arc::new(CallbackData::new(data, None)) };
        // SAFETY: the header requires NULL or a living token.
        let report = postbox.archive_with(&archive, &unsafe { cancel_token(cancel) })?;
        // SAFETY: the header requires NULL or a place for the struct.
        unsafe { write_optional(result, archive_result(&report)) };
        Ok(())
    })
}

/// Archives messages as postbox_archive does, and stores them in a file. Each message is appended
/// as one line, which contains the stored item as DynamoDB JSON. If the file does not exist, it is
/// created so that only its owner can access it. The file is synchronized to disk before a message
/// is deleted.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the file cannot be opened.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_archive_to_file(
    client: *mut postbox_client,
    path: *const c_char,
    cancel: *const postbox_cancel_token,
    result: *mut postbox_archive_result,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (client, archive) = unsafe { (postbox_client::borrow(client)?, open_archive(text(path, "path")?)?) };
        // SAFETY: the header requires NULL or a living token.
        let report = client.get().archive_with(&archive, &unsafe { cancel_token(cancel) })?;
        // SAFETY: the header requires NULL or a place for the struct.
        unsafe { write_optional(result, archive_result(&report)) };
        Ok(())
    })
}

/// Starts the archiver, a background thread that archives messages as postbox_archive does. The first
/// run begins immediately, and later runs follow at intervals of "archive_interval_ms". The archiver
/// logs errors and continues.
///
/// `release` may be NULL. When the archiver has stopped, `release` is called once with `data`, before
/// postbox_stop_archiver returns success. If postbox_start_archiver fails, `release` is not called.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the archiver is already running.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_start_archiver(
    client: *mut postbox_client,
    archive: postbox_archive_callback,
    data: *mut c_void,
    release: postbox_release_callback,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let client = unsafe { postbox_client::borrow(client) }?;
        let postbox = client.get();
        let archive = archive.ok_or_else(|| null_argument("archive"))?;
        let data = Arc::new(CallbackData::new(data, None));
        postbox.start_archiver(CallbackArchive { archive, data: Arc::clone(&data) })?;
        data.release_with(release);
        Ok(())
    })
}

/// Starts the archiver, as postbox_start_archiver does. The archiver appends the messages to a file,
/// as postbox_archive_to_file does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_start_archiver_to_file(
    client: *mut postbox_client,
    path: *const c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (client, archive) = unsafe { (postbox_client::borrow(client)?, open_archive(text(path, "path")?)?) };
        client.get().start_archiver(archive)
    })
}

/// Stops the archiver, and waits for it as postbox_stop_sweeper waits for the sweeper. Errors: as for
/// postbox_stop_sweeper.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_stop_archiver(client: *mut postbox_client) -> *mut postbox_error {
    // SAFETY: the header requires a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_client::borrow(client) }?.get().stop_archiver())
}

fn open_archive(path: &str) -> Result<JsonLinesArchive> {
    JsonLinesArchive::open(path).map_err(|error| {
        Error::new(ErrorCode::InvalidArgument, format!("the archive file {path} could not be opened: {error}"))
    })
}

fn archive_result(report: &ArchiveReport) -> postbox_archive_result {
    postbox_archive_result {
        archived: report.archived,
        failed: report.failed,
        lease: postbox_lease::of(&report.lease) as i32,
        reserved: [0; 7],
    }
}
