//! The results of operations that were started.

use crate::ffi::handle::Handle;
use crate::ffi::held_lease::postbox_held_lease;
use crate::ffi::item_handle::postbox_item;
use crate::ffi::message::postbox_message;
use crate::ffi::page::postbox_page;
use crate::ffi::panic::infallible;
use crate::ffi::report::postbox_report;
use crate::ffi::stats::postbox_outstanding_count;
use crate::ffi::text::c_string;
use crate::sync::Mutex;
use crate::{DispatchReport, HeldLease, Item, MessagePage, OutstandingCount, StoredMessage};
use std::ffi::c_char;
use std::ptr;

/// The result of an operation that was started. The function that starts the operation documents what
/// its result contains. The functions that take a part out of the result return NULL if the result has
/// no such part, if the message or item does not exist, or if the part was already taken. The caller owns
/// the part that it has taken.
pub struct postbox_result(Mutex<Content>);

impl Handle for postbox_result {
    const NAME: &'static str = "result";
}

/// The content of a result. A part that was taken leaves `Nothing` behind.
#[derive(Default)]
pub(crate) enum Content {
    #[default]
    Nothing,
    Message(Box<postbox_message>),
    Item(Box<postbox_item>),
    Page(Box<postbox_page>),
    Report(Box<postbox_report>),
    Lease(Box<postbox_held_lease>),
    Text(String),
    Flag(bool),
    Number(u64),
    Count(OutstandingCount),
}

impl Content {
    /// Returns a handle for C, or NULL if there is no content.
    pub(crate) fn into_raw(self) -> *mut postbox_result {
        match self {
            Self::Nothing => ptr::null_mut(),
            content => postbox_result(Mutex::new(content)).into_raw(),
        }
    }
}

impl From<()> for Content {
    fn from((): ()) -> Self {
        Self::Nothing
    }
}

impl From<bool> for Content {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<u64> for Content {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<Option<StoredMessage>> for Content {
    fn from(found: Option<StoredMessage>) -> Self {
        found.map_or(Self::Nothing, |stored| Self::Message(Box::new(postbox_message::of_stored(stored))))
    }
}

impl From<Option<Item>> for Content {
    fn from(found: Option<Item>) -> Self {
        found.map_or(Self::Nothing, |item| Self::Item(Box::new(postbox_item::of(&item))))
    }
}

impl From<Option<String>> for Content {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Nothing, Self::Text)
    }
}

impl From<Option<HeldLease>> for Content {
    fn from(obtained: Option<HeldLease>) -> Self {
        obtained.map_or(Self::Nothing, |lease| Self::Lease(Box::new(postbox_held_lease::of(lease))))
    }
}

impl From<MessagePage> for Content {
    fn from(page: MessagePage) -> Self {
        Self::Page(Box::new(postbox_page::of(page)))
    }
}

impl From<DispatchReport> for Content {
    fn from(report: DispatchReport) -> Self {
        Self::Report(Box::new(postbox_report::of(&report)))
    }
}

impl From<OutstandingCount> for Content {
    fn from(count: OutstandingCount) -> Self {
        Self::Count(count)
    }
}

/// Takes a part out of the result. Returns NULL if `part` does not accept the content.
///
/// # Safety
/// The rules of [`Handle::borrow`] apply.
unsafe fn take<T>(result: *mut postbox_result, part: impl FnOnce(Content) -> Result<*mut T, Content>) -> *mut T {
    infallible(ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let Ok(result) = (unsafe { postbox_result::borrow(result) }) else { return ptr::null_mut() };
        let mut content = result.0.lock();
        match part(std::mem::take(&mut *content)) {
            Ok(taken) => taken,
            Err(other) => {
                *content = other;
                ptr::null_mut()
            }
        }
    })
}

/// Takes the message out of a result. The caller frees it with postbox_message_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_result_take_message(result: *mut postbox_result) -> *mut postbox_message {
    // SAFETY: the header requires NULL or a living result.
    unsafe {
        take(result, |content| match content {
            Content::Message(message) => Ok(Box::into_raw(message)),
            other => Err(other),
        })
    }
}

/// Takes the item out of a result. The caller frees it with postbox_item_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_result_take_item(result: *mut postbox_result) -> *mut postbox_item {
    // SAFETY: the header requires NULL or a living result.
    unsafe {
        take(result, |content| match content {
            Content::Item(item) => Ok(Box::into_raw(item)),
            other => Err(other),
        })
    }
}

/// Takes the page out of a result. The caller frees it with postbox_page_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_result_take_page(result: *mut postbox_result) -> *mut postbox_page {
    // SAFETY: the header requires NULL or a living result.
    unsafe {
        take(result, |content| match content {
            Content::Page(page) => Ok(Box::into_raw(page)),
            other => Err(other),
        })
    }
}

/// Takes the report out of a result. The caller frees it with postbox_report_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_result_take_report(result: *mut postbox_result) -> *mut postbox_report {
    // SAFETY: the header requires NULL or a living result.
    unsafe {
        take(result, |content| match content {
            Content::Report(report) => Ok(Box::into_raw(report)),
            other => Err(other),
        })
    }
}

/// Takes the lease out of a result. The caller frees it with postbox_held_lease_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_result_take_lease(result: *mut postbox_result) -> *mut postbox_held_lease {
    // SAFETY: the header requires NULL or a living result.
    unsafe {
        take(result, |content| match content {
            Content::Lease(lease) => Ok(Box::into_raw(lease)),
            other => Err(other),
        })
    }
}

/// Takes the text out of a result. The caller frees it with postbox_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_result_take_text(result: *mut postbox_result) -> *mut c_char {
    // SAFETY: the header requires NULL or a living result.
    unsafe {
        take(result, |content| match content {
            Content::Text(text) => Ok(c_string(&text).into_raw()),
            other => Err(other),
        })
    }
}

/// Returns the boolean value of a result. Returns false for NULL and for a result without one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_result_flag(result: *const postbox_result) -> bool {
    infallible(false, || {
        // SAFETY: the header requires NULL or a living result.
        unsafe { postbox_result::borrow(result) }.is_ok_and(|result| matches!(*result.0.lock(), Content::Flag(true)))
    })
}

/// Returns the number of a result. Returns 0 for NULL and for a result without one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_result_number(result: *const postbox_result) -> u64 {
    infallible(0, || {
        // SAFETY: the header requires NULL or a living result.
        match unsafe { postbox_result::borrow(result) } {
            Ok(result) => match *result.0.lock() {
                Content::Number(number) => number,
                _ => 0,
            },
            Err(_) => 0,
        }
    })
}

/// Writes the count of a result to `count`. Returns false, and writes nothing, if `result` is NULL or has no
/// count, or if `count` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_result_outstanding_count(
    result: *const postbox_result,
    count: *mut postbox_outstanding_count,
) -> bool {
    infallible(false, || {
        // SAFETY: the header requires NULL or a living result.
        let Ok(result) = (unsafe { postbox_result::borrow(result) }) else { return false };
        let Content::Count(counted) = &*result.0.lock() else { return false };
        if count.is_null() {
            return false;
        }
        // SAFETY: not NULL; the header requires a place for a count.
        unsafe { count.write(postbox_outstanding_count::of(counted)) };
        true
    })
}

/// Frees a result, with the parts that were not taken. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_result_free(result: *mut postbox_result) {
    // SAFETY: the header requires NULL or a result that was not freed.
    infallible((), || unsafe { postbox_result::free(result) });
}
