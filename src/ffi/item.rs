//! Items that C builds and reads.

use crate::dynamodb_json::{item_from_json, item_to_json};
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, write_out};
use crate::ffi::item_handle::postbox_item;
use crate::ffi::item_tree::{Named, Text, Tree, Value};
use crate::ffi::panic::infallible;
use crate::ffi::text::{bytes, c_string, optional_text, text};
use crate::ffi::value::postbox_value;
use crate::ffi::value_kind::postbox_kind;
use crate::{Error, ErrorCode, Result};
use std::ffi::c_char;
use std::ptr;

/// Creates an empty item. The caller frees it with postbox_item_free.
#[unsafe(no_mangle)]
pub extern "C" fn postbox_item_new() -> *mut postbox_item {
    infallible(ptr::null_mut(), || postbox_item::containing(Tree::new()).into_raw())
}

/// Reads an item from DynamoDB JSON, as in the AWS CLI: {"Name": {"S": "Ada"}}. The caller frees the item
/// with postbox_item_free.
///
/// Errors: POSTBOX_ERROR_INVALID_JSON, whose error text says where the problem is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_from_json(
    json: *const c_char,
    item: *mut *mut postbox_item,
) -> *mut postbox_error {
    fallible(|| {
        check_out(item, "item")?;
        // SAFETY: the header requires a string or NULL, which is checked.
        let read = item_from_json(unsafe { text(json, "json") }?)?;
        // SAFETY: checked above.
        unsafe { write_out(item, "item", postbox_item::of(&read).into_raw()) }
    })
}

/// Writes the item to `json` as DynamoDB JSON, with the attributes sorted by name. The caller frees the
/// string with postbox_string_free.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if a map, list or set was begun and not ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_to_json(item: *const postbox_item, json: *mut *mut c_char) -> *mut postbox_error {
    fallible(|| {
        check_out(json, "json")?;
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let text = item_to_json(&unsafe { postbox_item::read(item) }?);
        // SAFETY: checked above.
        unsafe { write_out(json, "json", c_string(&text).into_raw()) }
    })
}

/// Copies an item with all its values to `copy`. The caller frees the copy with postbox_item_free. A change
/// of one of the two items does not affect the other.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if a map, list or set was begun and not ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_copy(
    item: *const postbox_item,
    copy: *mut *mut postbox_item,
) -> *mut postbox_error {
    fallible(|| {
        check_out(copy, "copy")?;
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let tree = unsafe { postbox_item::look(item) }?.copy()?;
        // SAFETY: checked above.
        unsafe { write_out(copy, "copy", postbox_item::containing(tree).into_raw()) }
    })
}

/// Adds a value under this name. In a list or a set, `name` is NULL and the value is appended.
///
/// # Safety
/// The rules of [`Handle::borrow`] apply to `item`, and those of [`optional_text`] to `name`.
unsafe fn set(
    item: *mut postbox_item,
    name: *const c_char,
    value: impl FnOnce() -> Result<Value>,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the caller's promise.
        let mut tree = unsafe { postbox_item::enter(item) }?;
        // SAFETY: the caller's promise.
        let name = unsafe { optional_text(name, "name") }.map_err(|error| tree.invalid_name(error))?;
        let value = value().map_err(|error| tree.invalid_value(name, error))?;
        tree.add(name, value)
    })
}

/// Sets an attribute to a string. Inside a list or a set, `name` is NULL, and the value is appended. This
/// applies to all functions that set values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_set_string(
    item: *mut postbox_item,
    name: *const c_char,
    value: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    unsafe { set(item, name, || Ok(Value::String(Text::new(text(value, "value")?)))) }
}

/// Sets an attribute to a string of `length` bytes, which can contain NUL characters. The bytes must be
/// UTF-8. If `length` is 0, `value` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_set_string_of_length(
    item: *mut postbox_item,
    name: *const c_char,
    value: *const c_char,
    length: usize,
) -> *mut postbox_error {
    let value = || {
        // SAFETY: the header requires this many bytes.
        let bytes = unsafe { bytes(value.cast(), length, "value") }?;
        let text = str::from_utf8(bytes).map_err(|error| {
            let problem = format!("argument \"value\": invalid UTF-8 at byte {}", error.valid_up_to());
            Error::new(ErrorCode::InvalidUtf8, problem)
        })?;
        Ok(Value::String(Text::new(text)))
    };
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    unsafe { set(item, name, value) }
}

/// Sets an attribute to a decimal number: "36", "-1.5", "1e20". All digits are kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_set_number(
    item: *mut postbox_item,
    name: *const c_char,
    value: *const c_char,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    unsafe { set(item, name, || Ok(Value::Number(Text::new(text(value, "value")?)))) }
}

/// Sets an attribute to an integer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_set_int64(
    item: *mut postbox_item,
    name: *const c_char,
    value: i64,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    unsafe { set(item, name, || Ok(Value::Number(Text::new(&value.to_string())))) }
}

/// Sets an attribute to the shortest decimal number that is rounded to this double. NaN and infinity are
/// rejected.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_set_double(
    item: *mut postbox_item,
    name: *const c_char,
    value: f64,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    unsafe { set(item, name, || Ok(Value::Number(Text::new(&format!("{value:?}"))))) }
}

/// Sets an attribute to true or false.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_set_bool(
    item: *mut postbox_item,
    name: *const c_char,
    value: bool,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    unsafe { set(item, name, || Ok(Value::Bool(value))) }
}

/// Sets an attribute to null. To remove an attribute, use postbox_item_remove.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_set_null(item: *mut postbox_item, name: *const c_char) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    unsafe { set(item, name, || Ok(Value::Null)) }
}

/// Sets an attribute to `length` bytes. If `length` is 0, `value` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_set_binary(
    item: *mut postbox_item,
    name: *const c_char,
    value: *const u8,
    length: usize,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles, strings and this many bytes, or NULL, which is checked.
    unsafe { set(item, name, || Ok(Value::Binary(bytes(value, length, "value")?.to_vec()))) }
}

/// Begins a map, a list or a set, which becomes an attribute when postbox_item_end is called. Until then,
/// all functions that set values add values to it. `kind`: POSTBOX_KIND_MAP, POSTBOX_KIND_LIST,
/// POSTBOX_KIND_STRING_SET, POSTBOX_KIND_NUMBER_SET or POSTBOX_KIND_BINARY_SET.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_begin(
    item: *mut postbox_item,
    name: *const c_char,
    kind: i32,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (mut tree, name) = unsafe { (postbox_item::enter(item)?, optional_text(name, "name")) };
        let name = name.map_err(|error| tree.invalid_name(error))?;
        tree.begin(name, postbox_kind::of(kind))
    })
}

/// Ends the map, list or set that was begun last.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if there is none, or for a set without values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_end(item: *mut postbox_item) -> *mut postbox_error {
    // SAFETY: the header requires a living handle or NULL, which is checked.
    fallible(|| unsafe { postbox_item::enter(item) }?.end())
}

/// Removes an attribute of the item. Does nothing if the item does not have the attribute.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_remove(item: *mut postbox_item, name: *const c_char) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        unsafe { postbox_item::enter(item)?.remove(text(name, "name")?) };
        Ok(())
    })
}

/// Returns the value of an attribute, or NULL if the item does not have it or is NULL. See postbox_value
/// for the lifetime of the pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_get(item: *const postbox_item, name: *const c_char) -> *const postbox_value {
    infallible(ptr::null(), || {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (tree, name) = unsafe { (postbox_item::look(item), text(name, "name")) };
        let (Ok(tree), Ok(name)) = (tree, name) else {
            return ptr::null();
        };
        let found = tree.root().members().and_then(|members| members.get(name));
        postbox_value::lend(found.map(Named::value))
    })
}

/// Returns the whole item as a value of the kind POSTBOX_KIND_MAP, for the functions that read maps.
/// Returns NULL if `item` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_value(item: *const postbox_item) -> *const postbox_value {
    infallible(ptr::null(), || {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let tree = unsafe { postbox_item::look(item) };
        postbox_value::lend(tree.as_ref().ok().map(|tree| tree.root()))
    })
}

/// Frees an item and all its values. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_item_free(item: *mut postbox_item) {
    // SAFETY: the header requires NULL or a handle that was not freed.
    infallible((), || unsafe { postbox_item::free(item) });
}
