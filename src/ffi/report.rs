//! What became of each message that was to be sent or marked.

use crate::ffi::handle::Handle;
use crate::ffi::panic::infallible;
use crate::ffi::text::c_string;
use crate::{DispatchEntry, DispatchOutcome, DispatchReport, Error, Result};
use std::ffi::{CString, c_char};

/// What became of each message of postbox_clear_outbox, postbox_post, postbox_mark_dispatched or
/// postbox_replay, in the order of the ids; an id that was given twice is there once.
/// It does not change, so any number of threads may read it.
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
    fn of(report: &DispatchReport) -> Self {
        let entry = |entry: &DispatchEntry| Entry {
            id: c_string(&entry.id),
            outcome: entry.outcome,
            detail: c_string(&entry.detail),
        };
        Self(report.entries().iter().map(entry).collect())
    }

    /// Gives the report to C; where C wants none, a message that failed is an error instead.
    ///
    /// # Safety
    /// `out` is NULL or can be written.
    pub(crate) unsafe fn hand_over(report: DispatchReport, out: *mut *mut postbox_report) -> Result<(), Error> {
        if out.is_null() {
            return report.into_result();
        }
        // SAFETY: not NULL, and the caller's promise.
        unsafe { out.write(Self::of(&report).into_raw()) };
        Ok(())
    }
}

/// What `read` gives for the entry, or `none` if there is none.
///
/// # Safety
/// As [`Handle::borrow`].
unsafe fn of_entry<T: Copy>(report: *const postbox_report, index: usize, none: T, read: impl FnOnce(&Entry) -> T) -> T {
    infallible(none, || {
        // SAFETY: the caller's promise.
        unsafe { postbox_report::borrow(report) }.ok().and_then(|report| report.0.get(index)).map_or(none, read)
    })
}

/// How many messages the report has. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_report_count(report: *const postbox_report) -> usize {
    // SAFETY: the header asks for NULL or a living report.
    infallible(0, || unsafe { postbox_report::borrow(report) }.map_or(0, |report| report.0.len()))
}

/// How many of them need care: outcomes from POSTBOX_OUTCOME_NOT_FOUND up. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_report_failure_count(report: *const postbox_report) -> usize {
    infallible(0, || {
        let failed = |report: &postbox_report| report.0.iter().filter(|entry| !entry.outcome.is_success()).count();
        // SAFETY: the header asks for NULL or a living report.
        unsafe { postbox_report::borrow(report) }.map_or(0, failed)
    })
}

/// The id of a message, `index` from 0; "" for one that is not there. Valid until the report is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_report_id(report: *const postbox_report, index: usize) -> *const c_char {
    // SAFETY: the header asks for NULL or a living report.
    unsafe { of_entry(report, index, c"".as_ptr(), |entry| entry.id.as_ptr()) }
}

/// What became of a message; POSTBOX_OUTCOME_NOT_FOUND for one that is not there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_report_outcome(report: *const postbox_report, index: usize) -> DispatchOutcome {
    // SAFETY: the header asks for NULL or a living report.
    unsafe { of_entry(report, index, DispatchOutcome::NotFound, |entry| entry.outcome) }
}

/// Why, where there is more to say; else "". Valid until the report is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_report_detail(report: *const postbox_report, index: usize) -> *const c_char {
    // SAFETY: the header asks for NULL or a living report.
    unsafe { of_entry(report, index, c"".as_ptr(), |entry| entry.detail.as_ptr()) }
}

/// Frees a report. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_report_free(report: *mut postbox_report) {
    // SAFETY: the header asks for NULL or a report that was not freed.
    infallible((), || unsafe { postbox_report::free(report) });
}
