//! The handle of an item, and its lock.

use crate::ffi::handle::Handle;
use crate::ffi::item_tree::Tree;
use crate::{Error, ErrorCode, Item, Result};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError, TryLockResult};

/// An item of a DynamoDB table, the key of an item, or the names or values of an expression. A program
/// builds it attribute by attribute, or reads it value by value.
///
/// ```c
/// postbox_item *person = postbox_item_new();
/// postbox_error *err;
/// if ((err = postbox_item_set_string(person, "Name", "Ada")) ||
///     (err = postbox_item_set_int64(person, "Age", 36)) ||
///     (err = postbox_item_begin(person, "Languages", POSTBOX_KIND_LIST)) ||
///     (err = postbox_item_set_string(person, NULL, "English")) ||
///     (err = postbox_item_end(person)) ||
///     (err = postbox_unit_of_work_put_item(work, "People", person, NULL)))
///     goto failed;
/// ```
///
/// An attribute that is set again is replaced. A value that DynamoDB cannot store is rejected when it is
/// set, with POSTBOX_ERROR_INVALID_ARGUMENT and its path inside the item, and the item is unchanged: a
/// number of more than 38 digits or out of range, an empty name, an empty set, a set with values of
/// different kinds, more than 32 nested lists and maps.
///
/// Any number of threads may read an item at the same time. While one thread changes an item, the calls of
/// other threads on this item fail with POSTBOX_ERROR_CONCURRENT_USE, and postbox_item_get and
/// postbox_item_value return NULL.
///
/// The functions that read and write items of tables exist in two forms:
///
/// - with postbox_item: postbox_read_item, postbox_unit_of_work_read_item, postbox_unit_of_work_put_item,
///   postbox_unit_of_work_update_item, postbox_unit_of_work_delete_item, postbox_unit_of_work_check_item and
///   postbox_error_reason_read_item. The expressions of an action are a postbox_expression.
/// - with DynamoDB JSON as a string, for programs that have JSON already: postbox_get_item,
///   postbox_unit_of_work_get_item, postbox_unit_of_work_put, postbox_unit_of_work_update,
///   postbox_unit_of_work_delete, postbox_unit_of_work_condition_check, postbox_unit_of_work_add and
///   postbox_error_reason_item.
pub struct postbox_item(RwLock<Tree>);

impl Handle for postbox_item {
    const NAME: &'static str = "item";
}

impl postbox_item {
    pub(crate) fn of(item: &Item) -> Self {
        Self::containing(Tree::of(item))
    }

    pub(crate) fn containing(tree: Tree) -> Self {
        Self(RwLock::new(tree))
    }

    /// Locks the item for a change, if no other thread is using it.
    ///
    /// # Safety
    /// The rules of [`Handle::borrow`] apply.
    pub(crate) unsafe fn enter<'a>(item: *const Self) -> Result<RwLockWriteGuard<'a, Tree>> {
        // SAFETY: the caller's promise.
        unless_locked(unsafe { Self::borrow(item) }?.0.try_write())
    }

    /// Locks the item for reading, if no other thread is changing it.
    ///
    /// # Safety
    /// The rules of [`Handle::borrow`] apply.
    pub(crate) unsafe fn look<'a>(item: *const Self) -> Result<RwLockReadGuard<'a, Tree>> {
        // SAFETY: the caller's promise.
        unless_locked(unsafe { Self::borrow(item) }?.0.try_read())
    }

    /// Returns a copy of the item for the SDK.
    ///
    /// # Safety
    /// The rules of [`Handle::borrow`] apply.
    pub(crate) unsafe fn read(item: *const Self) -> Result<Item> {
        // SAFETY: the caller's promise.
        unsafe { Self::look(item) }?.item()
    }
}

fn unless_locked<Guard>(attempt: TryLockResult<Guard>) -> Result<Guard> {
    match attempt {
        Ok(guard) => Ok(guard),
        // A panic leaves the item usable.
        Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorCode::ConcurrentUse,
            "this item is in use by another thread; only one thread at a time may use an item that is being changed",
        )),
    }
}
