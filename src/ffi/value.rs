//! Values of an item, for reading.

use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{check_out, null_argument, write_optional, write_out};
use crate::ffi::item_tree::{Named, Text, Value};
use crate::ffi::panic::infallible;
use crate::ffi::text::text;
use crate::ffi::value_kind::postbox_kind;
use crate::{Error, ErrorCode, Result};
use std::ffi::c_char;
use std::marker::PhantomData;
use std::ptr;

/// A value inside a postbox_item, which owns it. A pointer to a value is valid until the item is freed,
/// also if the item is changed. Any number of threads may read a value while no thread changes the item.
/// All functions accept NULL, which is a value of the kind POSTBOX_KIND_MISSING.
pub struct postbox_value(PhantomData<Value>);

impl postbox_value {
    /// Lends a value to C. The pointer is to a [`Value`], whose layout C does not know.
    pub(crate) fn lend(value: Option<&Value>) -> *const Self {
        value.map_or(ptr::null(), |value| ptr::from_ref(value).cast())
    }

    /// Borrows the value behind a pointer that C passed.
    ///
    /// # Safety
    /// `value` is `NULL`, or points to a value of an item that was not freed.
    unsafe fn borrow<'a>(value: *const Self) -> Option<&'a Value> {
        // SAFETY: the caller's promise.
        unsafe { value.cast::<Value>().as_ref() }
    }
}

/// Returns the kind of a value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_value_kind(value: *const postbox_value) -> i32 {
    // SAFETY: the header requires NULL or a value of a living item.
    infallible(0, || unsafe { postbox_value::borrow(value) }.map_or(postbox_kind::Missing, Value::kind) as i32)
}

/// Returns a string, or the decimal digits of a number. If `length` is not NULL, the number of bytes
/// without the NUL character at the end is written to it. A string can contain NUL characters. Returns
/// NULL if the value is missing or of another kind, which postbox_value_kind tells apart.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_value_string(value: *const postbox_value, length: *mut usize) -> *const c_char {
    infallible(ptr::null(), || {
        // SAFETY: the header requires NULL or a value of a living item.
        let text = unsafe { postbox_value::borrow(value) }.and_then(Value::text);
        // SAFETY: the header requires NULL or a place for the length.
        unsafe { lend_text(text, length) }
    })
}

/// Returns a text, and writes its length to `length`.
///
/// # Safety
/// The rules of [`write_optional`] apply to `length`.
unsafe fn lend_text(text: Option<&Text>, length: *mut usize) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { write_optional(length, text.map_or(0, |text| text.as_str().len())) };
    text.map_or(ptr::null(), Text::as_ptr)
}

/// Returns the bytes of a binary value, and writes their number to `length` if it is not NULL. Returns
/// NULL for values of other kinds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_value_binary(value: *const postbox_value, length: *mut usize) -> *const u8 {
    infallible(ptr::null(), || {
        // SAFETY: the header requires NULL or a value of a living item.
        let bytes = match unsafe { postbox_value::borrow(value) } {
            Some(Value::Binary(bytes)) => Some(bytes),
            _ => None,
        };
        // SAFETY: the header requires NULL or a place for the length.
        unsafe { write_optional(length, bytes.map_or(0, Vec::len)) };
        bytes.map_or(ptr::null(), |bytes| bytes.as_ptr())
    })
}

/// Returns whether a value is the Boolean value true. Returns false for all other values, and for missing
/// values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_value_bool(value: *const postbox_value) -> bool {
    // SAFETY: the header requires NULL or a value of a living item.
    infallible(false, || matches!(unsafe { postbox_value::borrow(value) }, Some(Value::Bool(true))))
}

/// Writes true or false to `flag`. If the value is missing or null, `missing` is written.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the value is not a Boolean.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_value_bool_or(
    value: *const postbox_value,
    missing: bool,
    flag: *mut bool,
) -> *mut postbox_error {
    // SAFETY: the header requires NULL or a value of a living item, and NULL or a place for the result.
    fallible(|| unsafe { write_value(present(value).map_or(Ok(missing), bool_of), flag, "flag") })
}

/// Writes a number to `number`.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the value is not a number, or not an integer of 64 bits.
/// POSTBOX_ERROR_NULL_ARGUMENT if the value is missing; see postbox_value_int64_or.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_value_int64(value: *const postbox_value, number: *mut i64) -> *mut postbox_error {
    // SAFETY: the header requires NULL or a value of a living item, and NULL or a place for the number.
    fallible(|| unsafe { write_value(required(value).and_then(int64_of), number, "number") })
}

/// Writes a number to `number`. If the value is missing or null, `missing` is written:
///
/// ```c
/// int64_t greetings;
/// err = postbox_value_int64_or(postbox_item_get(person, "Greetings"), 0, &greetings);
/// ```
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the value is not a number, or not an integer of 64 bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_value_int64_or(
    value: *const postbox_value,
    missing: i64,
    number: *mut i64,
) -> *mut postbox_error {
    // SAFETY: the header requires NULL or a value of a living item, and NULL or a place for the number.
    fallible(|| unsafe { write_value(present(value).map_or(Ok(missing), int64_of), number, "number") })
}

/// Writes a number to `number`, rounded to the nearest double.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the value is not a number. POSTBOX_ERROR_NULL_ARGUMENT if the
/// value is missing; see postbox_value_double_or.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_value_double(value: *const postbox_value, number: *mut f64) -> *mut postbox_error {
    // SAFETY: the header requires NULL or a value of a living item, and NULL or a place for the number.
    fallible(|| unsafe { write_value(required(value).and_then(double_of), number, "number") })
}

/// Writes a number to `number`, rounded to the nearest double. If the value is missing or null, `missing`
/// is written.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the value is not a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_value_double_or(
    value: *const postbox_value,
    missing: f64,
    number: *mut f64,
) -> *mut postbox_error {
    // SAFETY: the header requires NULL or a value of a living item, and NULL or a place for the number.
    fallible(|| unsafe { write_value(present(value).map_or(Ok(missing), double_of), number, "number") })
}

/// Writes a value that was read to an out-parameter. A missing out-parameter is reported first.
///
/// # Safety
/// `place` is `NULL` or can be written.
unsafe fn write_value<T>(read: Result<T>, place: *mut T, name: &str) -> Result<()> {
    check_out(place, name)?;
    // SAFETY: the caller's promise.
    unsafe { write_out(place, name, read?) }
}

/// Borrows a value that must exist.
///
/// # Safety
/// The rules of [`postbox_value::borrow`] apply.
unsafe fn required<'a>(value: *const postbox_value) -> Result<&'a Value> {
    // SAFETY: the caller's promise.
    unsafe { postbox_value::borrow(value) }.ok_or_else(|| null_argument("value"))
}

/// Borrows a value that is neither missing nor null.
///
/// # Safety
/// The rules of [`postbox_value::borrow`] apply.
unsafe fn present<'a>(value: *const postbox_value) -> Option<&'a Value> {
    // SAFETY: the caller's promise.
    unsafe { postbox_value::borrow(value) }.filter(|value| !matches!(value, Value::Null))
}

fn bool_of(value: &Value) -> Result<bool> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        other => Err(wrong(format!("the value is a {}, not a Boolean", other.kind().name()))),
    }
}

fn int64_of(value: &Value) -> Result<i64> {
    let digits = digits(value)?;
    digits
        .parse()
        .map_err(|_| wrong(format!("the number {digits} is not an integer of 64 bits: use postbox_value_string")))
}

fn double_of(value: &Value) -> Result<f64> {
    let digits = digits(value)?;
    digits.parse().map_err(|_| wrong(format!("\"{digits}\" is not a number")))
}

fn digits(value: &Value) -> Result<&str> {
    match value {
        Value::Number(number) => Ok(number.as_str()),
        other => Err(wrong(format!("the value is a {}, not a number", other.kind().name()))),
    }
}

fn wrong(problem: String) -> Error {
    Error::new(ErrorCode::InvalidArgument, problem)
}

/// Returns the number of values in a map, a list or a set, and 0 for values of other kinds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_value_count(value: *const postbox_value) -> usize {
    infallible(0, || {
        // SAFETY: the header requires NULL or a value of a living item.
        unsafe { postbox_value::borrow(value) }
            .map_or(0, |value| value.members().map_or_else(|| value.elements().len(), |members| members.len()))
    })
}

/// Returns the value at this position of a map, a list or a set, or NULL if there is none. The first
/// position is 0. The attributes of an item that was read are in the order of their names.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_value_at(value: *const postbox_value, index: usize) -> *const postbox_value {
    infallible(ptr::null(), || {
        // SAFETY: the header requires NULL or a value of a living item.
        let Some(value) = (unsafe { postbox_value::borrow(value) }) else {
            return ptr::null();
        };
        postbox_value::lend(match value.members() {
            Some(members) => members.get_index(index).map(Named::value),
            None => value.elements().get(index),
        })
    })
}

/// Returns the name of the value at this position of a map, or NULL if there is none. If `length` is not
/// NULL, the number of bytes without the NUL character at the end is written to it. A name that another
/// program has stored can contain NUL characters. The string is valid until the item is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_value_name_at(
    value: *const postbox_value,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    infallible(ptr::null(), || {
        // SAFETY: the header requires NULL or a value of a living item.
        let members = unsafe { postbox_value::borrow(value) }.and_then(Value::members);
        let name = members.and_then(|members| members.get_index(index)).map(Named::name);
        // SAFETY: the header requires NULL or a place for the length.
        unsafe { lend_text(name, length) }
    })
}

/// Returns the value with this name in a map, or NULL if there is none or if the name is not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_value_member(
    value: *const postbox_value,
    name: *const c_char,
) -> *const postbox_value {
    infallible(ptr::null(), || {
        // SAFETY: the header requires NULL or a value of a living item, and NULL or a string.
        let (value, name) = unsafe { (postbox_value::borrow(value), text(name, "name")) };
        let members = value.and_then(Value::members);
        postbox_value::lend(members.zip(name.ok()).and_then(|(members, name)| members.get(name)).map(Named::value))
    })
}
