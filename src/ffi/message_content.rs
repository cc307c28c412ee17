//! The creation time and the header bag of a message, with all their digits.

use crate::Ticks;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, write_out};
use crate::ffi::item_handle::postbox_item;
use crate::ffi::message::postbox_message;
use crate::ffi::panic::infallible;
use crate::ffi::time::time_of;

/// Returns the time at which a message was created, in ticks; see POSTBOX_UNIX_EPOCH_TICKS. Messages with
/// the same partition key are sent in the order of this time. Returns 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_message_created_ticks(message: *const postbox_message) -> i64 {
    infallible(0, || {
        // SAFETY: the header requires NULL or a living message.
        let message = unsafe { postbox_message::borrow(message) };
        message.map_or(0, |message| message.with(|message| Ticks::from(message.created_at()).raw()))
    })
}

/// Sets the time at which a message was created, in ticks; see POSTBOX_UNIX_EPOCH_TICKS. The header field
/// "created_at" is the same time as text.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the time is negative or after the year 9999.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_message_set_created_ticks(
    message: *mut postbox_message,
    ticks: i64,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let message = unsafe { postbox_message::borrow(message) }?;
        let time = time_of(ticks, "ticks")?;
        message.with(|message| *message = message.clone().with_created_at(time));
        Ok(())
    })
}

/// Copies the header bag to `bag`: an item with an attribute for each entry. The bag holds any JSON
/// values: an object is a map, and an array is a list. Numbers have all the digits with which they were
/// stored; postbox_value_string returns them. The caller frees the item with postbox_item_free.
///
/// ```c
/// postbox_item *bag = NULL;
/// if ((err = postbox_message_bag(message, &bag)))
///     return fail(err);
/// const postbox_value *entries = postbox_item_value(bag);
/// for (size_t i = 0; i < postbox_value_count(entries); i++)
///     show(postbox_value_name_at(entries, i, NULL), postbox_value_at(entries, i));
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_message_bag(
    message: *const postbox_message,
    bag: *mut *mut postbox_item,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let message = unsafe { postbox_message::borrow(message) }?;
        check_out(bag, "bag")?;
        let item = message.with(|message| message.bag_item());
        // SAFETY: checked above.
        unsafe { write_out(bag, "bag", postbox_item::of(&item).into_raw()) }
    })
}

/// Replaces the header bag by the attributes of an item. To change one entry, change the item of
/// postbox_message_bag and pass it to this function.
///
/// Errors: POSTBOX_ERROR_INVALID_MESSAGE for a set or a binary value, which JSON does not have. The
/// message is unchanged after an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_message_set_bag(
    message: *mut postbox_message,
    bag: *const postbox_item,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles or NULL, which is checked.
        let (message, item) = unsafe { (postbox_message::borrow(message)?, postbox_item::read(bag)?) };
        message.with(|message| message.set_bag_item(&item))
    })
}
