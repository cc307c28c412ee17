//! The actions of a unit of work on items that C has built, and reads of such items.

use crate::ffi::client::postbox_client;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, write_out};
use crate::ffi::item_handle::postbox_item;
use crate::ffi::text::{optional_text, text};
use crate::ffi::unit_of_work::postbox_unit_of_work;
use crate::{AttributeValue, Error, ErrorCode, Expression, Item, Result, incomplete};
use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use std::collections::HashMap;
use std::ffi::c_char;
use std::ptr;

/// The expressions of an action. Members that an action does not need are NULL.
///
/// ```c
/// postbox_item *names = postbox_item_new(), *values = postbox_item_new();
/// if ((err = postbox_item_set_string(names, "#n", "Name")) ||
///     (err = postbox_item_set_int64(values, ":one", 1)) ||
///     (err = postbox_unit_of_work_update_item(
///          work, "People", key,
///          &(postbox_expression){.update = "ADD Greetings :one", .condition = "attribute_exists(#n)",
///                                .names = names, .values = values})))
///     goto failed;
/// ```
#[repr(C)]
pub struct postbox_expression {
    /// The update expression, for an update only.
    pub update: *const c_char,
    /// The condition. If it is not met, the commit fails.
    pub condition: *const c_char,
    /// The names that begin with "#" in the expressions, as strings.
    pub names: *const postbox_item,
    /// The values that begin with ":" in the expressions.
    pub values: *const postbox_item,
    /// Whether the reason of a condition that was not met contains the item. See
    /// postbox_error_reason_read_item.
    pub return_item: bool,
}

impl postbox_expression {
    /// Copies the expressions that C passed.
    ///
    /// # Safety
    /// `expression` is NULL, or its members are NULL or living strings and items.
    unsafe fn read(expression: *const Self) -> Result<Expression> {
        // SAFETY: the caller's promise.
        let Some(given) = (unsafe { expression.as_ref() }) else {
            return Ok(Expression::default());
        };
        // SAFETY: the caller's promise.
        let own =
            |text: *const c_char, name: &str| unsafe { optional_text(text, name) }.map(|text| text.map(str::to_owned));
        // SAFETY: the caller's promise, and NULL is not read.
        let item =
            |item: *const postbox_item| (!item.is_null()).then(|| unsafe { postbox_item::read(item) }).transpose();
        Ok(Expression {
            update: own(given.update, "update")?,
            condition: own(given.condition, "condition")?,
            names: item(given.names)?.map(names).transpose()?,
            values: item(given.values)?,
            return_values: given.return_item.then_some(ReturnValuesOnConditionCheckFailure::AllOld),
        })
    }
}

fn names(item: Item) -> Result<HashMap<String, String>> {
    let name = |(placeholder, value): (String, AttributeValue)| match value {
        AttributeValue::S(name) => Ok((placeholder, name)),
        _ => Err(Error::new(
            ErrorCode::InvalidArgument,
            format!("argument \"names\": {placeholder} is not a string: set it to the name of an attribute"),
        )),
    };
    item.into_iter().map(name).collect()
}

/// Adds an action that `action` makes of the table, the item or key, and the expressions.
///
/// # Safety
/// The rules of [`Handle::borrow`] apply to the handles, those of [`text`] to `table`, and those of [`postbox_expression::read`] to
/// `expression`.
unsafe fn add(
    work: *mut postbox_unit_of_work,
    table: *const c_char,
    item: *const postbox_item,
    expression: *const postbox_expression,
    action: impl FnOnce(String, Item, Expression) -> Result<TransactWriteItem>,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the caller's promise.
        let (table, item, expression) =
            unsafe { (text(table, "table")?, postbox_item::read(item)?, postbox_expression::read(expression)?) };
        // SAFETY: the caller's promise.
        unsafe { postbox_unit_of_work::enter(work) }?.add(action(table.to_owned(), item, expression)?)
    })
}

/// Adds a put of a copy of this item, which replaces an existing item. `expression` may be NULL; only its
/// condition, names, values and return_item are used.
///
/// Like postbox_unit_of_work_put, this function sends a request when two items are put into one table
/// whose key attributes are not known yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_put_item(
    work: *mut postbox_unit_of_work,
    table: *const c_char,
    item: *const postbox_item,
    expression: *const postbox_expression,
) -> *mut postbox_error {
    let action = |table, item, expression: Expression| {
        let put = expression.put(table, item).map_err(incomplete)?;
        Ok(TransactWriteItem::builder().put(put).build())
    };
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    unsafe { add(work, table, item, expression, action) }
}

/// Adds an update of the item with this key. `expression` has at least an update expression.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_update_item(
    work: *mut postbox_unit_of_work,
    table: *const c_char,
    key: *const postbox_item,
    expression: *const postbox_expression,
) -> *mut postbox_error {
    let action = |table, key, expression: Expression| {
        let update = expression.update(table, key).map_err(incomplete)?;
        Ok(TransactWriteItem::builder().update(update).build())
    };
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    unsafe { add(work, table, key, expression, action) }
}

/// Adds a delete of the item with this key. A missing item is not an error, unless `expression`, which
/// may be NULL, has a condition.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_delete_item(
    work: *mut postbox_unit_of_work,
    table: *const c_char,
    key: *const postbox_item,
    expression: *const postbox_expression,
) -> *mut postbox_error {
    let action = |table, key, expression: Expression| {
        let delete = expression.delete(table, key).map_err(incomplete)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    };
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    unsafe { add(work, table, key, expression, action) }
}

/// Adds a condition on the item with this key, which the unit of work does not write. `expression` has at
/// least a condition. The commit fails if the condition is not met.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_check_item(
    work: *mut postbox_unit_of_work,
    table: *const c_char,
    key: *const postbox_item,
    expression: *const postbox_expression,
) -> *mut postbox_error {
    let action = |table, key, expression: Expression| {
        let check = expression.condition_check(table, key).map_err(incomplete)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    };
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    unsafe { add(work, table, key, expression, action) }
}

/// Reads one item of any table, with a consistent read. Writes NULL to `item` if the table has no item
/// with this key. The caller frees the item with postbox_item_free. postbox_get_item does the same with
/// DynamoDB JSON.
///
/// Errors: request errors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_read_item(
    client: *mut postbox_client,
    table: *const c_char,
    key: *const postbox_item,
    item: *mut *mut postbox_item,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        let client = postbox_client::borrow(client)?;
        read_item(table, key, item, |table, key| client.get().get_item(table, key))
    })
}

/// Reads one item of any table immediately, as postbox_read_item does. The read is not part of the
/// transaction. If the commit must fail when the item has changed since the read, add an action with a
/// condition on the item.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_unit_of_work_read_item(
    work: *mut postbox_unit_of_work,
    table: *const c_char,
    key: *const postbox_item,
    item: *mut *mut postbox_item,
) -> *mut postbox_error {
    // SAFETY: the header requires living handles and strings, or NULL, which is checked.
    fallible(|| unsafe {
        let work = postbox_unit_of_work::enter(work)?;
        read_item(table, key, item, |table, key| work.get_item(table, key))
    })
}

/// Reads one item by its key.
///
/// # Safety
/// The rules of [`text`] apply to `table`, and those of [`Handle::borrow`] to `key`. `item` is NULL or can be written.
unsafe fn read_item(
    table: *const c_char,
    key: *const postbox_item,
    item: *mut *mut postbox_item,
    read: impl FnOnce(&str, Item) -> Result<Option<Item>>,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let (table, key) = unsafe { (text(table, "table")?, postbox_item::read(key)?) };
    check_out(item, "item")?;
    let found = read(table, key)?;
    let handle = found.map_or(ptr::null_mut(), |item| postbox_item::of(&item).into_raw());
    // SAFETY: checked above.
    unsafe { write_out(item, "item", handle) }
}
