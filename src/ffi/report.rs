//! Reports: the outcome of each message of a call.

use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::Handle;
use crate::ffi::panic::infallible;
use crate::ffi::text::c_string;
use crate::{DispatchEntry, DispatchOutcome, DispatchReport, Result};
use std::ffi::{CString, c_char};

/// The outcomes of the messages of one call to postbox_clear_outbox, postbox_post,
/// postbox_mark_dispatched, postbox_replay or postbox_replay_causation. If the function receives
/// ids, the outcomes are in the order of the ids, and an id that was passed twice has one outcome. Any number of threads may read a report.
pub struct postbox_report(Vec<Entry>);

struct Entry {
    id: CString,
    outcome: DispatchOutcome,
    detail: CString,
}

impl Handle for postbox_report {
    const NAME: &'static str = "report";
}

impl postbox_report {
    pub(crate) fn of(report: &DispatchReport) -> Self {
        let entry = |entry: &DispatchEntry| Entry {
            id: c_string(&entry.id),
            outcome: entry.outcome,
            detail: c_string(&entry.detail),
        };
        Self(report.entries().iter().map(entry).collect())
    }
}

/// Runs a call that returns a report, and passes the report to C. If `out` is NULL, returns an
/// error if a message failed.
///
/// # Safety
/// `out` is NULL or can be written.
pub(crate) unsafe fn reported(
    out: *mut *mut postbox_report,
    call: impl FnOnce() -> Result<DispatchReport>,
) -> *mut postbox_error {
    fallible(|| {
        let report = call()?;
        if out.is_null() {
            return report.into_result();
        }
        // SAFETY: not NULL, and the caller's promise.
        unsafe { out.write(postbox_report::of(&report).into_raw()) };
        Ok(())
    })
}

/// Returns the result of `read` for the entry, or `none` if there is no such entry.
///
/// # Safety
/// The rules of [`Handle::borrow`] apply.
unsafe fn of_entry<T: Copy>(report: *const postbox_report, index: usize, none: T, read: impl FnOnce(&Entry) -> T) -> T {
    infallible(none, || {
        // SAFETY: the caller's promise.
        unsafe { postbox_report::borrow(report) }.ok().and_then(|report| report.0.get(index)).map_or(none, read)
    })
}

/// Returns the number of messages in the report. Returns 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_report_count(report: *const postbox_report) -> usize {
    // SAFETY: the header requires NULL or a living report.
    infallible(0, || unsafe { postbox_report::borrow(report) }.map_or(0, |report| report.0.len()))
}

/// Returns the number of failed messages. A message has failed if the number of its outcome is
/// POSTBOX_OUTCOME_NOT_FOUND or greater. Returns 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_report_failure_count(report: *const postbox_report) -> usize {
    infallible(0, || {
        let failed = |report: &postbox_report| report.0.iter().filter(|entry| !entry.outcome.is_success()).count();
        // SAFETY: the header requires NULL or a living report.
        unsafe { postbox_report::borrow(report) }.map_or(0, failed)
    })
}

/// Returns the id of a message, or "" if `index` is out of range. The first index is 0. The
/// string is valid until the report is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_report_id(report: *const postbox_report, index: usize) -> *const c_char {
    // SAFETY: the header requires NULL or a living report.
    unsafe { of_entry(report, index, c"".as_ptr(), |entry| entry.id.as_ptr()) }
}

/// Returns the outcome of a message, or POSTBOX_OUTCOME_NOT_FOUND if `index` is out of range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_report_outcome(report: *const postbox_report, index: usize) -> DispatchOutcome {
    // SAFETY: the header requires NULL or a living report.
    unsafe { of_entry(report, index, DispatchOutcome::NotFound, |entry| entry.outcome) }
}

/// Returns the reason for the outcome of a message, or "" if the outcome has no reason. The string is
/// valid until the report is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_report_detail(report: *const postbox_report, index: usize) -> *const c_char {
    // SAFETY: the header requires NULL or a living report.
    unsafe { of_entry(report, index, c"".as_ptr(), |entry| entry.detail.as_ptr()) }
}

/// Frees a report. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_report_free(report: *mut postbox_report) {
    // SAFETY: the header requires NULL or a report that was not freed.
    infallible((), || unsafe { postbox_report::free(report) });
}
