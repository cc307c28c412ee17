//! Sweeping, parking, lists, replay, archiving and figures.

use crate::dispatch::archive::{Archive, ArchiveReport, JsonLinesArchive};
use crate::dispatch::sweep::{SweepLease, SweepReport};
use crate::error::{Error, ErrorCode, Result};
use crate::ffi::boundary::{fallible, infallible};
use crate::ffi::error::postbox_error;
use crate::ffi::handle::{Handle, check_out, null_argument, write_out};
use crate::ffi::message::postbox_message;
use crate::ffi::postbox::postbox_t;
use crate::ffi::producer::{CallbackData, REASON_BYTES, postbox_release_callback, reason_text};
use crate::ffi::report::postbox_report;
use crate::ffi::text::{c_string, optional_text, text, texts};
use crate::outbox::item::{MessageState, StoredMessage};
use crate::outbox::listing::{Cursor, MessagePage};
use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::SystemTime;

/// Whether a sweep or an archiver had its lease.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum postbox_lease {
    /// It had, to the end.
    Held = 0,
    /// Another one has it: nothing was done.
    HeldByAnother = 1,
    /// It had, and lost it: it stopped at once.
    Lost = 2,
    /// It ran without one: there is no lock table, or no permission for it.
    Alone = 3,
}

impl postbox_lease {
    fn of(lease: &SweepLease) -> Self {
        match lease {
            SweepLease::Held => Self::Held,
            SweepLease::HeldByAnother => Self::HeldByAnother,
            SweepLease::Lost => Self::Lost,
            SweepLease::Alone(_) => Self::Alone,
        }
    }
}

/// Where a stored message is in its life.
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum postbox_state {
    /// Not yet sent.
    Outstanding = 0,
    /// Sent.
    Dispatched = 1,
    /// Set aside after it failed too often or was rejected.
    Parked = 2,
}

/// What a sweep did, in messages.
#[repr(C)]
pub struct postbox_sweep_result {
    /// Shown by the index as outstanding and old enough.
    pub found: u64,
    /// Sent, or accepted by their producer.
    pub dispatched: u64,
    /// Dispatched by somebody else meanwhile: not sent.
    pub already_dispatched: u64,
    /// Could not be sent.
    pub failed: u64,
    /// Waiting: behind one of their partition key, behind an open breaker, for their next attempt.
    pub held_back: u64,
    /// A postbox_lease.
    pub lease: i32,
    /// 0; for later versions.
    pub reserved: [u32; 7],
}

/// What an archiver did, in messages.
#[repr(C)]
pub struct postbox_archive_result {
    /// Kept by the archive and deleted.
    pub archived: u64,
    /// They stay: the archive did not keep them, or they could not be read or deleted. The log says which and why.
    pub failed: u64,
    /// A postbox_lease.
    pub lease: i32,
    /// 0; for later versions.
    pub reserved: [u32; 7],
}

/// What is outstanding.
#[repr(C)]
pub struct postbox_outstanding_result {
    /// How many messages.
    pub count: u64,
    /// How old the oldest of them is, in milliseconds; 0 if there is none.
    pub oldest_age_ms: u64,
    /// 0; for later versions.
    pub reserved: [u64; 4],
}

/// What a Postbox has done since it was opened, in messages where nothing else is said.
#[repr(C)]
pub struct postbox_stats {
    /// Written to the outbox.
    pub deposited: u64,
    /// Sent and marked, or accepted by their producer.
    pub dispatched: u64,
    /// Attempts to send one that failed.
    pub failed: u64,
    /// Parked.
    pub parked: u64,
    /// Deposits of messages that were there already, and messages found dispatched and not sent again.
    pub duplicates_avoided: u64,
    /// Sweeps that ended.
    pub sweeps: u64,
    /// Runs of the background threads that failed.
    pub background_failures: u64,
    /// Topics whose breaker is not closed.
    pub open_breakers: u64,
    /// Outstanding when it was last counted, by postbox_outstanding or in the background; UINT64_MAX if never.
    pub outstanding: u64,
    /// 0; for later versions.
    pub reserved: [u64; 7],
}

/// Keeps one message, durably, before it is deleted from the outbox. Returns 0 if it did; with
/// anything else the message stays, and the callback may write why into the `reason_size` bytes
/// of `reason`, as for postbox_send_callback; the log tells it. A message that was kept and could
/// not be deleted comes again.
///
/// `data` is what was given with the callback. `message` is valid for the time of the call and
/// may be read, not freed. It is called on the thread that called postbox_archive, or on the
/// archiver's (postbox_start_archiver), and may call what a postbox_send_callback may;
/// postbox_stop_archiver on the archiver's thread would wait for this very call. It must return:
/// an exception or a longjmp out of it is undefined behaviour.
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
            // SAFETY: C gave this function for this data; message and buffer live through the call.
            match unsafe { (self.archive)(self.data.data, &raw const handle, buffer, REASON_BYTES) } {
                0 => Ok(()),
                code => Err(reason_text(&reason, &format!("the archive returned {code}"))),
            }
        };
        batch.iter().map(keep).collect()
    }
}

/// Finds the outstanding messages that are older than "sweep_min_age_ms", oldest first, sends
/// them on this thread and up to "sweep_threads" - 1 more, and marks them dispatched, until none is left that can be sent: of one
/// topic, or of all if `topic` is NULL. It holds Brighter's lease while it does; if another sweeper
/// has it, nothing is done. `result`, which may be NULL, gets what was done.
///
/// A message that fails counts an attempt, waits for its next one ("retry_delay_ms"), and is
/// parked after "max_dispatch_attempts", or at once if its producer rejects it or it cannot be read.
/// Later messages of its topic and partition key wait for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_sweep(
    r#box: *mut postbox_t,
    topic: *const c_char,
    result: *mut postbox_sweep_result,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, topic) = unsafe { (postbox_t::borrow(r#box)?.get(), optional_text(topic, "topic")?) };
        let report = match topic {
            Some(topic) => postbox.sweep_topic(topic)?,
            None => postbox.sweep()?,
        };
        // SAFETY: the header asks for NULL or a place for the struct.
        unsafe { write_optional(result, sweep_result(&report)) };
        Ok(())
    })
}

/// Starts the sweeper: a thread that sweeps all topics, as postbox_sweep does, at once and then
/// every "sweep_interval_ms", survives every error and logs it. Producers are called on that
/// thread and, for other topics at the same time, on up to `sweep_threads` - 1 more.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if it is running already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_start_sweeper(r#box: *mut postbox_t) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_t::borrow(r#box) }?.get().start_sweeper())
}

/// Stops the sweeper after what it is sending, and waits "close_timeout_ms" for it at most.
/// Without one running, does nothing. postbox_close and postbox_free stop it too.
///
/// Errors: POSTBOX_ERROR_TIMEOUT: a producer has not returned; the sweeper stops when it does.
/// Call this again to wait longer; until it has stopped, it cannot be started again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_stop_sweeper(r#box: *mut postbox_t) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_t::borrow(r#box) }?.get().stop_sweeper())
}

/// How many messages are outstanding, of one topic or of all if `topic` is NULL, and since when.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_outstanding(
    r#box: *mut postbox_t,
    topic: *const c_char,
    result: *mut postbox_outstanding_result,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, topic) = unsafe { (postbox_t::borrow(r#box)?.get(), optional_text(topic, "topic")?) };
        check_out(result, "result")?;
        let outstanding = postbox.outstanding(topic)?;
        let age = outstanding.oldest.and_then(|oldest| SystemTime::now().duration_since(oldest).ok());
        let oldest_age_ms = age.map_or(0, |age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        let found = postbox_outstanding_result { count: outstanding.count, oldest_age_ms, reserved: [0; 4] };
        // SAFETY: checked above.
        unsafe { write_out(result, "result", found) }
    })
}

/// A page of stored messages, from postbox_list. It does not change, so any number of threads may
/// read it.
///
/// ```c
/// postbox_page *page = NULL;
/// do {
///     postbox_page *next = NULL;
///     err = postbox_list(box, POSTBOX_STATE_PARKED, NULL, 100, postbox_page_next(page), &next);
///     postbox_page_free(page);
///     if (err)
///         return fail(err);
///     page = next;
///     for (size_t i = 0; i < postbox_page_count(page); i++)
///         show(postbox_page_message(page, i));
/// } while (postbox_page_next(page));
/// postbox_page_free(page);
/// ```
pub struct postbox_page {
    messages: Vec<postbox_message>,
    unreadable: Vec<(CString, CString)>,
    next: Option<CString>,
}

impl Handle for postbox_page {
    const NAME: &'static str = "page";
}

impl postbox_page {
    fn of(page: MessagePage) -> Self {
        let unreadable = page.unreadable.iter().map(|(id, error)| (c_string(id), c_string(error.message())));
        Self {
            unreadable: unreadable.collect(),
            next: page.next.map(|cursor| c_string(cursor.as_str())),
            messages: page.messages.into_iter().map(postbox_message::of_stored).collect(),
        }
    }
}

/// Lists about `limit` messages of a postbox_state, of one topic or of all if `topic` is NULL,
/// beginning at `cursor`: NULL, or what postbox_page_next of the page before gave, with the same
/// state and topic. A page may hold fewer, even none, and not be the last. The index lags behind
/// the table a little. Parked messages are in no index: listing them reads the whole table. The
/// caller frees the page with postbox_page_free.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown state or a cursor that no page of this
/// list gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_list(
    r#box: *mut postbox_t,
    state: i32,
    topic: *const c_char,
    limit: u32,
    cursor: *const c_char,
    page: *mut *mut postbox_page,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, topic, cursor) = unsafe {
            (postbox_t::borrow(r#box)?.get(), optional_text(topic, "topic")?, optional_text(cursor, "cursor")?)
        };
        check_out(page, "page")?;
        let listed = postbox.list(state_of(state)?, topic, limit, cursor.map(Cursor::from).as_ref())?;
        // SAFETY: checked above.
        unsafe { write_out(page, "page", postbox_page::of(listed).into_raw()) }
    })
}

fn state_of(state: i32) -> Result<MessageState> {
    [
        (postbox_state::Outstanding, MessageState::Outstanding),
        (postbox_state::Dispatched, MessageState::Dispatched),
        (postbox_state::Parked, MessageState::Parked),
    ]
    .into_iter()
    .find(|(known, _)| *known as i32 == state)
    .map(|(_, state)| state)
    .ok_or_else(|| Error::new(ErrorCode::InvalidArgument, format!("there is no state {state}")))
}

/// How many messages the page has. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_count(page: *const postbox_page) -> usize {
    // SAFETY: the header asks for NULL or a living page.
    infallible(0, || unsafe { postbox_page::borrow(page) }.map_or(0, |page| page.messages.len()))
}

/// A message of the page, `index` from 0; NULL for one that is not there. It belongs to the page
/// and is valid until that is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_message(page: *const postbox_page, index: usize) -> *const postbox_message {
    // SAFETY: the header asks for NULL or a living page.
    infallible(ptr::null(), || match unsafe { postbox_page::borrow(page) } {
        Ok(page) => page.messages.get(index).map_or(ptr::null(), ptr::from_ref),
        Err(_) => ptr::null(),
    })
}

/// How many messages of the page could not be read. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_unreadable_count(page: *const postbox_page) -> usize {
    // SAFETY: the header asks for NULL or a living page.
    infallible(0, || unsafe { postbox_page::borrow(page) }.map_or(0, |page| page.unreadable.len()))
}

/// The id of a message that could not be read, `index` from 0; "" for one that is not there.
/// `why`, which may be NULL, gets the reason. Both are valid until the page is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_unreadable(
    page: *const postbox_page,
    index: usize,
    why: *mut *const c_char,
) -> *const c_char {
    infallible(c"".as_ptr(), || {
        // SAFETY: the header asks for NULL or a living page.
        let page = unsafe { postbox_page::borrow(page) }.ok();
        let (id, reason) = page
            .and_then(|page| page.unreadable.get(index))
            .map_or((c"".as_ptr(), c"".as_ptr()), |(id, reason)| (id.as_ptr(), reason.as_ptr()));
        // SAFETY: the header asks for NULL or a place for a pointer.
        unsafe { write_optional(why, reason) };
        id
    })
}

/// Where the next page begins, to keep or to give to postbox_list, in another process too; NULL
/// after the last one, and for NULL. Valid until the page is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_next(page: *const postbox_page) -> *const c_char {
    // SAFETY: the header asks for NULL or a living page.
    infallible(ptr::null(), || match unsafe { postbox_page::borrow(page) } {
        Ok(page) => page.next.as_ref().map_or(ptr::null(), |next| next.as_ptr()),
        Err(_) => ptr::null(),
    })
}

/// Frees a page and its messages. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_page_free(page: *mut postbox_page) {
    // SAFETY: the header asks for NULL or a page that was not freed.
    infallible((), || unsafe { postbox_page::free(page) });
}

/// Releases a parked message: it is outstanding again, with no failed attempts.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if it is not parked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unpark(r#box: *mut postbox_t, id: *const c_char) -> *mut postbox_error {
    // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
    fallible(|| unsafe { postbox_t::borrow(r#box)?.get().unpark(text(id, "id")?) })
}

/// Makes messages outstanding again, dispatched or parked, with no failed attempts, so that the
/// next sweep or clear sends them: POSTBOX_OUTCOME_REPLAYED. `report` as in postbox_clear_outbox.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_replay(
    r#box: *mut postbox_t,
    ids: *const *const c_char,
    count: usize,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, ids) = unsafe { (postbox_t::borrow(r#box)?.get(), texts(ids, count, "ids")?) };
        let replayed = postbox.replay(&ids)?;
        // SAFETY: the header asks for NULL or a place for a pointer.
        unsafe { postbox_report::hand_over(replayed, report) }
    })
}

/// Replays every message with this causation id, as the index shows them; none is a success.
/// `report` as in postbox_clear_outbox.
///
/// Errors: POSTBOX_ERROR_TABLE_INVALID if the table lacks the index Causation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_replay_causation(
    r#box: *mut postbox_t,
    causation_id: *const c_char,
    report: *mut *mut postbox_report,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, id) = unsafe { (postbox_t::borrow(r#box)?.get(), text(causation_id, "causation_id")?) };
        let replayed = postbox.replay_causation(id)?;
        // SAFETY: the header asks for NULL or a place for a pointer.
        unsafe { postbox_report::hand_over(replayed, report) }
    })
}

/// Hands every message that was dispatched longer than "archive_min_age_ms" ago to `archive`, on
/// this thread, and deletes those that it kept. Never touches one that is not dispatched. It holds
/// Brighter's lease of archivers while it does. `result`, which may be NULL, gets what was done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_archive(
    r#box: *mut postbox_t,
    archive: postbox_archive_callback,
    data: *mut c_void,
    result: *mut postbox_archive_result,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for a living handle or NULL, which is checked.
        let postbox = unsafe { postbox_t::borrow(r#box) }?.get();
        let archive = archive.ok_or_else(|| null_argument("archive"))?;
        let report = postbox.archive(&CallbackArchive { archive, data: Arc::new(CallbackData::new(data, None)) })?;
        // SAFETY: the header asks for NULL or a place for the struct.
        unsafe { write_optional(result, archive_result(&report)) };
        Ok(())
    })
}

/// postbox_archive into a file: one message a line, as DynamoDB JSON of its item. The file is made if
/// it is missing, for its owner only, appended to, and on the disk before a message is deleted.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the file cannot be opened.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_archive_to_file(
    r#box: *mut postbox_t,
    path: *const c_char,
    result: *mut postbox_archive_result,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, archive) = unsafe { (postbox_t::borrow(r#box)?.get(), open_archive(text(path, "path")?)?) };
        let report = postbox.archive(&archive)?;
        // SAFETY: the header asks for NULL or a place for the struct.
        unsafe { write_optional(result, archive_result(&report)) };
        Ok(())
    })
}

/// Starts the archiver: a thread that does what postbox_archive does at once and then every
/// "archive_interval_ms", survives every error and logs it. `release`, which may be NULL, is
/// called once with `data` when the archiver has ended, before postbox_stop_archiver returns
/// NULL. If this function fails, `release` is not called.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if it is running already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_start_archiver(
    r#box: *mut postbox_t,
    archive: postbox_archive_callback,
    data: *mut c_void,
    release: postbox_release_callback,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for a living handle or NULL, which is checked.
        let postbox = unsafe { postbox_t::borrow(r#box) }?.get();
        let archive = archive.ok_or_else(|| null_argument("archive"))?;
        let data = Arc::new(CallbackData::new(data, None));
        postbox.start_archiver(CallbackArchive { archive, data: Arc::clone(&data) })?;
        data.release_with(release);
        Ok(())
    })
}

/// postbox_start_archiver into a file, as postbox_archive_to_file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_start_archiver_to_file(
    r#box: *mut postbox_t,
    path: *const c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for living handles and strings, or NULL, which is checked.
        let (postbox, archive) = unsafe { (postbox_t::borrow(r#box)?.get(), open_archive(text(path, "path")?)?) };
        postbox.start_archiver(archive)
    })
}

/// Stops the archiver, as postbox_stop_sweeper does the sweeper.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_stop_archiver(r#box: *mut postbox_t) -> *mut postbox_error {
    // SAFETY: the header asks for a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_t::borrow(r#box) }?.get().stop_archiver())
}

/// What this Postbox has done since it was opened. Makes no request, and works after
/// postbox_close too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_get_stats(r#box: *mut postbox_t, stats: *mut postbox_stats) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for a living handle or NULL, which is checked.
        let postbox = unsafe { postbox_t::borrow(r#box) }?.get();
        postbox.check()?;
        let found = postbox.stats();
        let result = postbox_stats {
            deposited: found.deposited,
            dispatched: found.dispatched,
            failed: found.failed,
            parked: found.parked,
            duplicates_avoided: found.duplicates_avoided,
            sweeps: found.sweeps,
            background_failures: found.background_failures,
            open_breakers: found.breakers.len() as u64,
            outstanding: found.outstanding.map_or(u64::MAX, |outstanding| outstanding.count),
            reserved: [0; 7],
        };
        // SAFETY: NULL is checked there.
        unsafe { write_out(stats, "stats", result) }
    })
}

/// The same as one JSON object, with the last sweep, the last error and the state of the breakers
/// by topic. The caller frees it with postbox_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_get_stats_json(r#box: *mut postbox_t, json: *mut *mut c_char) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header asks for a living handle or NULL, which is checked.
        let postbox = unsafe { postbox_t::borrow(r#box) }?.get();
        check_out(json, "json")?;
        postbox.check()?;
        let found = postbox.stats();
        // SAFETY: checked above.
        unsafe { write_out(json, "json", c_string(&found.to_json().to_string()).into_raw()) }
    })
}

fn open_archive(path: &str) -> Result<JsonLinesArchive> {
    JsonLinesArchive::open(path).map_err(|error| {
        Error::new(ErrorCode::InvalidArgument, format!("the archive file {path} could not be opened: {error}"))
    })
}

fn sweep_result(report: &SweepReport) -> postbox_sweep_result {
    postbox_sweep_result {
        found: report.found,
        dispatched: report.dispatched,
        already_dispatched: report.already_dispatched,
        failed: report.failed,
        held_back: report.held_back,
        lease: postbox_lease::of(&report.lease) as i32,
        reserved: [0; 7],
    }
}

fn archive_result(report: &ArchiveReport) -> postbox_archive_result {
    postbox_archive_result {
        archived: report.archived,
        failed: report.failed,
        lease: postbox_lease::of(&report.lease) as i32,
        reserved: [0; 7],
    }
}

/// Writes an out-parameter that may be `NULL`.
///
/// # Safety
/// `pointer` is `NULL` or can be written.
unsafe fn write_optional<T>(pointer: *mut T, value: T) {
    if !pointer.is_null() {
        // SAFETY: not NULL, and the caller's promise.
        unsafe { pointer.write(value) };
    }
}
