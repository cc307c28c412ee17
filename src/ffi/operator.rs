//! Calls for operators: counts by topic, leases, sweepers, and the place of the table.

use crate::ffi::client::postbox_client;
use crate::ffi::error::{fallible, postbox_error};
use crate::ffi::handle::{Handle, check_out, write_out};
use crate::ffi::item_handle::postbox_item;
use crate::ffi::text::{c_string, text};
use crate::ffi::time::time_of;
use crate::{AttributeValue, CountScope, Item, LeaseInfo, Postbox, Result, SweeperInfo, Ticks, TopicCount};
use std::ffi::c_char;
use std::time::SystemTime;

/// Counts the messages of each topic, and writes an item to `counts`, which the caller frees with
/// postbox_item_free. If `all_states` is false, only outstanding messages are counted, and the index of
/// outstanding messages is read. If it is true, the whole table is read.
///
/// The item has the attribute "topics", a list that is sorted by topic. Each element is a map with the
/// members "topic", "outstanding", "dispatched", "parked", "waiting" (messages that wait for their next
/// attempt or for their confirmation), "failing" (outstanding messages of which an attempt has failed) and
/// "invalid_times" (messages whose times are too far in the future to be right). The members
/// "oldest_ticks", "next_attempt_ticks", "failing_since_ticks" and "last_error" exist only if there is
/// such a message. Times are in ticks; see POSTBOX_UNIX_EPOCH_TICKS. Later versions can add members.
///
/// ```c
/// const postbox_value *topics = postbox_item_get(counts, "topics");
/// for (size_t i = 0; i < postbox_value_count(topics); i++)
///     show(postbox_value_member(postbox_value_at(topics, i), "outstanding"));
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_topic_counts(
    client: *mut postbox_client,
    all_states: bool,
    counts: *mut *mut postbox_item,
) -> *mut postbox_error {
    let scope = if all_states { CountScope::All } else { CountScope::Outstanding };
    // SAFETY: the header requires a living handle and a place for a pointer, or NULL, which is checked.
    unsafe { listed(client, counts, "counts", |postbox| topic_counts(postbox, scope)) }
}

/// Returns the item with the counts by topic.
pub(crate) fn topic_counts(postbox: &Postbox, scope: CountScope) -> Result<Item> {
    Ok(list("topics", postbox.topic_counts(scope)?, topic_count))
}

/// Counts the messages of a topic that were dispatched at or after `from_ticks` and before `to_ticks`, in
/// ticks; see POSTBOX_UNIX_EPOCH_TICKS. The messages are counted in an index, which DynamoDB updates a
/// moment after the table.
///
/// Errors: POSTBOX_ERROR_INVALID_ARGUMENT if a time is negative or after the year 9999.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_dispatched_between(
    client: *mut postbox_client,
    topic: *const c_char,
    from_ticks: i64,
    to_ticks: i64,
    count: *mut u64,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires living handles and strings, or NULL, which is checked.
        let (postbox, topic) = unsafe { (postbox_client::borrow(client)?, text(topic, "topic")?) };
        check_out(count, "count")?;
        let (from, to) = (time_of(from_ticks, "from_ticks")?, time_of(to_ticks, "to_ticks")?);
        let counted = postbox.get().dispatched_between(topic, from, to)?;
        // SAFETY: checked above.
        unsafe { write_out(count, "count", counted) }
    })
}

/// Reads the leases of the sweepers and archivers of this outbox, including expired leases, and writes an
/// item to `leases`, which the caller frees with postbox_item_free.
///
/// The item has the attribute "leases", a list that is sorted by resource. Each element is a map with the
/// members "resource", "holder" (a host and a process id, or an id for a lease of Brighter),
/// "expires_ticks" (see POSTBOX_UNIX_EPOCH_TICKS) and "is_ignored" (whether the lease ends too far in the
/// future to be right). The member "topic" exists for the lease or pause of a lane, and "paused" with the
/// reason for a pause. Later versions can add members.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_leases(
    client: *mut postbox_client,
    leases: *mut *mut postbox_item,
) -> *mut postbox_error {
    // SAFETY: the header requires a living handle and a place for a pointer, or NULL, which is checked.
    unsafe { listed(client, leases, "leases", lease_items) }
}

/// Returns the item with the leases.
pub(crate) fn lease_items(postbox: &Postbox) -> Result<Item> {
    Ok(list("leases", postbox.leases()?, lease))
}

/// Reads the processes that have swept this outbox within the last day, and writes an item to `sweepers`,
/// which the caller frees with postbox_item_free. Brighter's sweepers are not in the list. This function
/// also deletes the entries of processes that have not swept for a day.
///
/// The item has the attribute "sweepers", a list that begins with the process that swept last. Each
/// element is a map with the members "holder" (a host and a process id), "version", "topics" (a list of
/// topics and prefixes that end in "*") and "last_sweep_ticks" (see POSTBOX_UNIX_EPOCH_TICKS). The members
/// "last_success_ticks", "last_error" and "stopped_ticks" exist if a sweep succeeded, if the last sweep
/// failed, and if the sweeper was stopped. Later versions can add members.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_sweepers(
    client: *mut postbox_client,
    sweepers: *mut *mut postbox_item,
) -> *mut postbox_error {
    // SAFETY: the header requires a living handle and a place for a pointer, or NULL, which is checked.
    unsafe { listed(client, sweepers, "sweepers", sweeper_items) }
}

/// Returns the item with the sweepers.
pub(crate) fn sweeper_items(postbox: &Postbox) -> Result<Item> {
    Ok(list("sweepers", postbox.sweepers()?, sweeper))
}

/// Describes where the outbox table is, for prompts and logs: with its account and region, its endpoint,
/// or the file of the embedded database. Without the permission for DescribeTable, the text states that
/// the account is unknown. The caller frees the string with postbox_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postbox_location(
    client: *mut postbox_client,
    location: *mut *mut c_char,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the header requires a living handle or NULL, which is checked.
        let postbox = unsafe { postbox_client::borrow(client) }?;
        check_out(location, "location")?;
        let found = postbox.get().location()?;
        // SAFETY: checked above.
        unsafe { write_out(location, "location", c_string(&found).into_raw()) }
    })
}

/// Passes an item with a list to C.
///
/// # Safety
/// The rules of [`Handle::borrow`] apply to `client`. `out` is `NULL` or can be written.
unsafe fn listed(
    client: *mut postbox_client,
    out: *mut *mut postbox_item,
    argument: &str,
    read: impl FnOnce(&Postbox) -> Result<Item>,
) -> *mut postbox_error {
    fallible(|| {
        // SAFETY: the caller's promise.
        let postbox = unsafe { postbox_client::borrow(client) }?;
        check_out(out, argument)?;
        let item = read(postbox.get())?;
        // SAFETY: checked above.
        unsafe { write_out(out, argument, postbox_item::of(&item).into_raw()) }
    })
}

/// Returns an item whose only attribute is a list of maps.
fn list<T>(name: &str, all: Vec<T>, members: impl Fn(T) -> Vec<(&'static str, Option<AttributeValue>)>) -> Item {
    let map = |one: T| {
        let members = members(one).into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        AttributeValue::M(members.collect())
    };
    Item::from([(name.to_owned(), AttributeValue::L(all.into_iter().map(map).collect()))])
}

fn string(text: String) -> Option<AttributeValue> {
    Some(AttributeValue::S(text))
}

fn number(number: u64) -> Option<AttributeValue> {
    Some(AttributeValue::N(number.to_string()))
}

fn ticks(time: SystemTime) -> Option<AttributeValue> {
    Some(AttributeValue::N(Ticks::from(time).raw().to_string()))
}

fn topic_count(count: TopicCount) -> Vec<(&'static str, Option<AttributeValue>)> {
    vec![
        ("topic", string(count.topic)),
        ("outstanding", number(count.outstanding)),
        ("oldest_ticks", count.oldest.and_then(ticks)),
        ("dispatched", number(count.dispatched)),
        ("parked", number(count.parked)),
        ("waiting", number(count.waiting)),
        ("next_attempt_ticks", count.next_attempt.and_then(ticks)),
        ("failing", number(count.failing)),
        ("failing_since_ticks", count.failing_since.and_then(ticks)),
        ("last_error", count.last_error.and_then(string)),
        ("invalid_times", number(count.invalid_times)),
    ]
}

fn lease(lease: LeaseInfo) -> Vec<(&'static str, Option<AttributeValue>)> {
    vec![
        ("resource", string(lease.resource)),
        ("holder", string(lease.holder)),
        ("expires_ticks", ticks(lease.expires_at)),
        ("topic", lease.topic.and_then(string)),
        ("paused", lease.paused.and_then(string)),
        ("is_ignored", Some(AttributeValue::Bool(lease.is_ignored))),
    ]
}

fn sweeper(sweeper: SweeperInfo) -> Vec<(&'static str, Option<AttributeValue>)> {
    let topics = sweeper.topics.into_iter().map(AttributeValue::S).collect();
    vec![
        ("holder", string(sweeper.holder)),
        ("version", string(sweeper.version)),
        ("topics", Some(AttributeValue::L(topics))),
        ("last_sweep_ticks", ticks(sweeper.last_sweep)),
        ("last_success_ticks", sweeper.last_success.and_then(ticks)),
        ("last_error", sweeper.last_error.and_then(string)),
        ("stopped_ticks", sweeper.stopped_at.and_then(ticks)),
    ]
}
