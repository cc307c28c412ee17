//! Strings and bytes that cross the ABI.

use crate::ffi::handle::null_argument;
use crate::ffi::panic::infallible;
use crate::{Error, ErrorCode, Result};
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};

/// Reads the text of an argument.
///
/// # Safety
/// `pointer` is `NULL` or a NUL-terminated string that lives as long as the call.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    unsafe { optional_text(pointer, name) }?.ok_or_else(|| null_argument(name))
}

/// Reads the text of an argument that may be `NULL`.
///
/// # Safety
/// The rules of [`text`] apply.
pub(crate) unsafe fn optional_text<'a>(pointer: *const c_char, name: &str) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and the caller's promise.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map(Some).map_err(|error| {
        Error::new(
            ErrorCode::InvalidUtf8,
            format!("argument \"{name}\": invalid UTF-8 at byte {}", error.valid_up_to()),
        )
    })
}

/// Reads the bytes of an argument. If `length` is 0, `pointer` may be `NULL`.
///
/// # Safety
/// `pointer` is `NULL` or has `length` bytes that live as long as the call.
pub(crate) unsafe fn bytes<'a>(pointer: *const u8, length: usize, name: &str) -> Result<&'a [u8]> {
    // SAFETY: the caller's promise.
    unsafe { slice(pointer, length, name) }
}

/// Reads the elements of an argument. If `length` is 0, `pointer` may be `NULL`.
///
/// # Safety
/// `pointer` is `NULL` or has `length` elements that live as long as the call.
pub(crate) unsafe fn slice<'a, T>(pointer: *const T, length: usize, name: &str) -> Result<&'a [T]> {
    if length == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(null_argument(name));
    }
    if length.checked_mul(size_of::<T>()).is_none_or(|bytes| bytes > isize::MAX as usize) || !pointer.is_aligned() {
        return Err(Error::new(
            ErrorCode::InvalidArgument,
            format!("argument \"{name}\": {length} elements exceed the address space, or the pointer is misaligned"),
        ));
    }
    // SAFETY: not NULL, aligned, of a possible size, and the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(pointer, length) })
}

/// Reads an array of texts.
///
/// # Safety
/// The rules of [`slice`] apply, and those of [`text`] to each element.
pub(crate) unsafe fn texts(pointer: *const *const c_char, length: usize, name: &str) -> Result<Vec<String>> {
    // SAFETY: the caller's promise.
    let pointers = unsafe { slice(pointer, length, name) }?;
    let own = |(index, text_pointer): (usize, &*const c_char)| {
        // SAFETY: the caller's promise.
        unsafe { text(*text_pointer, &format!("{name}[{index}]")) }.map(str::to_owned)
    };
    pointers.iter().enumerate().map(own).collect()
}

/// Converts a text to a C string. A NUL character in the text becomes U+FFFD, because C would end
/// the string there.
pub(crate) fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_else(|_| {
        let mut bytes = text.replace('\0', "\u{fffd}").into_bytes();
        bytes.retain(|&byte| byte != 0);
        CString::new(bytes).unwrap_or_default()
    })
}

/// Stores a value by name in `lent`, which belongs to a handle, and returns a pointer to it for C.
/// An unchanged value keeps its address, so that an earlier pointer to it stays valid.
pub(crate) fn lend(lent: &mut HashMap<String, CString>, name: &str, value: CString) -> *const c_char {
    match lent.get(name) {
        Some(earlier) if *earlier == value => earlier.as_ptr(),
        _ => lent.entry(name.to_owned()).insert_entry(value).get().as_ptr(),
    }
}

/// Frees a string that the caller owns. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_string_free(string: *mut c_char) {
    infallible((), || {
        if !string.is_null() {
            // SAFETY: the header requires a string that came from CString::into_raw.
            drop(unsafe { CString::from_raw(string) });
        }
    });
}
