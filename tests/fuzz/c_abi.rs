//! Calls of the C interface in any order that the header allows. The fuzzer's input is interpreted as a program: its
//! bytes select the calls and their arguments, on a few handles.

mod c_functions;

use c_functions::*;
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// The operations that were started.
#[derive(Default)]
struct Started {
    /// The number of operations that are not reported yet.
    open: AtomicUsize,
    /// The last lease that an operation obtained, until the program takes it.
    lease: AtomicPtr<c_void>,
}

/// Receives the result of an operation. `data` points to [`Started`].
unsafe extern "C" fn report(data: Handle, error: Handle, result: Handle) {
    // SAFETY: the data lives until all operations were reported, and the callback owns the error and the result.
    unsafe {
        let started = &*data.cast::<Started>();
        handle_error(error);
        postbox_message_free(postbox_result_take_message(result));
        assert!(postbox_result_take_message(result).is_null(), "a message is taken once");
        postbox_item_free(postbox_result_take_item(result));
        postbox_report_free(postbox_result_take_report(result));
        let page = postbox_result_take_page(result);
        read_page(page, usize::MAX);
        postbox_page_free(page);
        postbox_string_free(postbox_result_take_text(result));
        let (mut count, lease) = (Count::default(), postbox_result_take_lease(result));
        std::hint::black_box((postbox_result_flag(result), postbox_result_number(result)));
        postbox_result_outstanding_count(result, &mut count);
        assert_eq!(count.reserved, [0; 4]);
        postbox_result_free(result);
        if !lease.is_null() {
            postbox_held_lease_free(started.lease.swap(lease, Ordering::SeqCst));
        }
        assert!(started.open.fetch_sub(1, Ordering::SeqCst) > 0, "an operation is reported once");
    }
}

/// POSTBOX_ERROR_INTERNAL, which no call may return.
const INTERNAL: i32 = 99;
/// Strings that at least one of the functions accepts.
const WORDS: [&str; 32] = [
    "",
    "t",
    "topic",
    "id",
    "partition_key",
    "bag.x",
    "message_type",
    "MT_COMMAND",
    "table_name",
    "number_of_shards",
    "7",
    "brighter_outbox",
    r#"{"MessageId":{"S":"a"}}"#,
    r#"{"Put":{"TableName":"brighter_outbox","Item":{"MessageId":{"S":"b"}}}}"#,
    "character_encoding",
    "UTF8",
    "bag",
    r#"{"":"none","a":[true,null,{"b":[]}],"far":-1.5e400,"long":12345678901234567890.10,"text":"\u0000\u00e4"}"#,
    r#"{"deep":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"#,
    "bag.a",
    "without_topic",
    "older_than_ms",
    "younger_than_ms",
    "limit",
    "cursor",
    "0",
    "1",
    "18446744073709551615",
    "1.5e300",
    "job",
    "OutboxSweeper",
    "Archiver",
];

/// The part of the program that has not been executed yet.
struct Program<'a>(&'a [u8]);

impl<'a> Program<'a> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn number(&mut self) -> usize {
        usize::from(self.next().unwrap_or_default())
    }

    fn bytes(&mut self) -> &'a [u8] {
        let length = self.number().min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    /// Reads a word of [`WORDS`], or any bytes without a NUL. `None` stands for a NULL pointer.
    fn string(&mut self) -> Option<CString> {
        match self.number() {
            0 => None,
            number @ 1..200 => CString::new(WORDS[number % WORDS.len()]).ok(),
            _ => Some(CString::new(self.bytes().split(|byte| *byte == 0).next().unwrap_or_default()).unwrap()),
        }
    }
}

fn pointer(string: &Option<CString>) -> *const c_char {
    string.as_ref().map_or(null(), |string| string.as_ptr())
}

/// The handles of the program. A handle that does not exist is NULL, which every function must accept.
#[derive(Default)]
struct Handles {
    postbox: Slot,
    config: Slot,
    messages: [Slot; 3],
    works: [Slot; 2],
    item: Slot,
    selection: Slot,
    /// The cursor of the page that was read last.
    cursor: Option<CString>,
    leases: [Lease; 2],
    opened: usize,
    started: Box<Started>,
}

struct Slot(Handle);

/// A lease, with the number of the Postbox that obtained it.
#[derive(Default)]
struct Lease {
    handle: Slot,
    opened: usize,
}

impl Default for Slot {
    fn default() -> Self {
        Self(null_mut())
    }
}

impl Slot {
    fn take(&mut self) -> Handle {
        std::mem::replace(&mut self.0, null_mut())
    }
}

/// Reads a value, its name and all values inside it, as a program would.
unsafe fn read_value(value: *const c_void, name: *const c_char) {
    let (mut length, mut whole, mut real, mut flag) = (0, 0, 0.0, false);
    // SAFETY: the value belongs to an item that is not freed meanwhile, or is NULL.
    unsafe {
        assert!((0..=10).contains(&postbox_value_kind(value)));
        assert!(name.is_null() || CStr::from_ptr(name).to_str().is_ok());
        postbox_value_bool(value);
        assert!(postbox_value_member(value, null()).is_null());
        if !name.is_null() {
            postbox_value_member(value, name);
        }
        let text = postbox_value_string(value, &mut length);
        if !text.is_null() {
            assert_eq!(*text.add(length), 0, "a string ends with a NUL character");
        }
        let binary = postbox_value_binary(value, &mut length);
        if !binary.is_null() {
            std::hint::black_box(
                std::slice::from_raw_parts(binary, length).iter().map(|&byte| u32::from(byte)).sum::<u32>(),
            );
        }
        handle_error(postbox_value_int64(value, &mut whole));
        handle_error(postbox_value_double(value, &mut real));
        handle_error(postbox_value_int64_or(value, 1, &mut whole));
        handle_error(postbox_value_double_or(value, 1.0, &mut real));
        handle_error(postbox_value_bool_or(value, true, &mut flag));
        for index in 0..postbox_value_count(value) {
            let name = postbox_value_name_at(value, index, &mut length);
            assert!(name.is_null() || *name.add(length) == 0, "a name ends with a NUL character");
            read_value(postbox_value_at(value, index), name);
        }
        assert!(postbox_value_at(value, postbox_value_count(value)).is_null());
    }
}

/// Reads a page of up to `limit` messages as a program would, and returns their number.
unsafe fn read_page(page: Handle, limit: usize) -> usize {
    // SAFETY: the page is not freed meanwhile, or is NULL.
    unsafe {
        let (count, malformed) = (postbox_page_count(page), postbox_page_malformed_count(page));
        assert!(count + malformed <= limit, "a page has {count} messages and {malformed} malformed ones");
        for index in 0..=count {
            let message = postbox_page_message(page, index);
            assert_eq!(message.is_null(), index == count);
            handle_error(postbox_message_get(message, c"state".as_ptr(), &mut null()));
            read_bag(message);
        }
        for index in 0..=malformed {
            let mut reason = null();
            read_text(postbox_page_malformed(page, index, &mut reason));
            read_text(reason);
        }
        for index in 0..=postbox_page_missing_count(page) {
            read_text(postbox_page_missing(page, index));
        }
        count + malformed
    }
}

unsafe fn read_text(text: *const c_char) {
    // SAFETY: the string belongs to a handle that is not freed meanwhile.
    assert!(unsafe { CStr::from_ptr(text) }.to_str().is_ok());
}

/// Returns the header bag of a message as JSON.
unsafe fn bag_json(message: Handle) -> CString {
    let mut json = null();
    // SAFETY: the message is valid, and the string is copied.
    unsafe {
        handle_error(postbox_message_get(message, c"bag".as_ptr(), &mut json));
        CStr::from_ptr(json).to_owned()
    }
}

/// Reads the header bag of a message as a program would. A message with the same bag has the same values.
unsafe fn read_bag(message: Handle) {
    // SAFETY: the message is valid or NULL, and the handles that are made here are freed once.
    unsafe {
        let (mut bag, mut again) = (null_mut(), null_mut());
        handle_error(postbox_message_bag(message, &mut bag));
        if bag.is_null() {
            return;
        }
        read_value(postbox_item_value(bag), null());
        let copy = postbox_message_copy(message);
        no_error(postbox_message_set_bag(copy, bag));
        no_error(postbox_message_bag(copy, &mut again));
        let json = bag_json(copy);
        no_error(postbox_message_set_bag(copy, again));
        assert_eq!(
            bag_json(copy),
            json,
            "the bag {:?} is not the same after writing and reading it",
            bag_json(message)
        );
        postbox_message_free(copy);
        postbox_item_free(bag);
        postbox_item_free(again);
    }
}

/// Checks that a function that cannot fail here has not failed.
unsafe fn no_error(error: Handle) {
    // SAFETY: a function has just returned the error, which may be NULL.
    unsafe { assert!(error.is_null(), "{:?}", CStr::from_ptr(postbox_error_message(error))) };
}

/// Reads an error as a program would, and frees it.
unsafe fn handle_error(error: Handle) {
    // SAFETY: a function has just returned the error, which may be NULL.
    unsafe {
        assert!(postbox_error_code(error) != INTERNAL, "{:?}", CStr::from_ptr(postbox_error_message(error)));
        for reason in 0..=postbox_error_reason_count(error) {
            postbox_error_reason_message(error, reason);
            let item = postbox_error_reason_read_item(error, reason);
            if !item.is_null() {
                read_value(postbox_item_value(item), null());
            }
        }
        postbox_error_free(error);
    }
}

impl Handles {
    fn call(&mut self, which: u8, program: &mut Program<'_>) {
        let slot = program.number();
        let (one, two) = (program.string(), program.string());
        let (one, two) = (pointer(&one), pointer(&two));
        let body = program.bytes();
        let (box_, config) = (self.postbox.0, self.config.0);
        let message = &mut self.messages[slot % 3];
        let work = &mut self.works[slot % 2];
        let mut out = null_mut();
        let mut text = null();
        // SAFETY: every handle is valid or NULL, every string is NUL-terminated or NULL, and no freed handle is used.
        unsafe {
            let error = match which % 66 {
                0 => {
                    let error = postbox_message_new(one, body.as_ptr(), body.len(), &mut out);
                    postbox_message_free(std::mem::replace(&mut message.0, out));
                    error
                }
                1 | 2 => postbox_message_set(message.0, one, two),
                3 => postbox_message_set_body(message.0, body.as_ptr(), body.len()),
                4 => postbox_message_get(message.0, one, &mut text),
                5 => {
                    postbox_message_id(message.0);
                    postbox_message_free(message.take());
                    null_mut()
                }
                6 | 7 => {
                    postbox_unit_of_work_free(std::mem::replace(&mut work.0, postbox_unit_of_work_begin(box_)));
                    null_mut()
                }
                8 => postbox_unit_of_work_put(work.0, one, two),
                9 => postbox_unit_of_work_add(work.0, one),
                10 | 11 => postbox_unit_of_work_deposit_post(work.0, message.0),
                12 => postbox_unit_of_work_commit(work.0),
                13 => postbox_unit_of_work_rollback(work.0),
                14 => {
                    postbox_unit_of_work_free(work.take());
                    null_mut()
                }
                15 => postbox_deposit_post(box_, message.0),
                16 => {
                    let id = postbox_message_id(message.0);
                    let error = postbox_clear_outbox(box_, &id, 1, std::ptr::null_mut(), &mut out);
                    for index in 0..=postbox_report_count(out) {
                        postbox_report_detail(out, index);
                    }
                    postbox_report_free(out);
                    error
                }
                17 => {
                    let error = postbox_get_message(box_, one, &mut out);
                    if !out.is_null() {
                        postbox_message_free(std::mem::replace(&mut message.0, out));
                    }
                    error
                }
                18 => postbox_config_set(config, one, two),
                19 => postbox_config_get(config, one, &mut text),
                20 => postbox_close(box_),
                21 => self.reopen(),
                22 => {
                    let mut put = null_mut();
                    let error = postbox_message_to_put(box_, message.0, &mut put);
                    handle_error(postbox_cancellation_error(box_, put, one));
                    postbox_string_free(put);
                    error
                }
                23 => postbox_cancellation_error(box_, one, two),
                which @ 24..33 => self.item(which, one, two, body, slot),
                which @ 33..39 => self.start(which, one, slot),
                which @ 39..44 => self.content(which, one, two, body, slot),
                which @ 44..57 => self.selected(which, one, two, slot),
                which => self.lease(which, one, slot, body),
            };
            handle_error(error);
        }
    }

    /// Builds, reads or writes the item.
    unsafe fn item(&mut self, which: u8, one: *const c_char, two: *const c_char, body: &[u8], number: usize) -> Handle {
        let (item, mut out) = (self.item.0, null_mut());
        // SAFETY: every handle is valid or NULL, every string is NUL-terminated or NULL, and no freed handle is used.
        unsafe {
            match which {
                24 => {
                    postbox_item_free(std::mem::replace(&mut self.item.0, postbox_item_new()));
                    null_mut()
                }
                25 => {
                    let error = postbox_item_from_json(one, &mut out);
                    postbox_item_free(std::mem::replace(&mut self.item.0, out));
                    error
                }
                26 => postbox_item_set_string(item, one, two),
                27 => postbox_item_set_number(item, one, two),
                28 => postbox_item_set_binary(item, one, body.as_ptr(), body.len()),
                29 => {
                    let bytes = std::array::from_fn(|at| body.get(at).copied().unwrap_or_default());
                    postbox_item_set_double(item, one, f64::from_le_bytes(bytes))
                }
                30 => postbox_item_begin(item, one, (number % 12) as i32),
                31 if number.is_multiple_of(2) => postbox_item_end(item),
                31 => postbox_item_remove(item, one),
                _ => {
                    let mut json = null_mut();
                    let error = postbox_item_to_json(item, &mut json);
                    postbox_string_free(json);
                    read_value(postbox_item_value(item), null());
                    handle_error(postbox_item_copy(item, &mut out));
                    read_value(postbox_item_value(out), null());
                    postbox_item_free(out);
                    handle_error(postbox_unit_of_work_put_item(self.works[number % 2].0, one, item, null()));
                    error
                }
            }
        }
    }

    /// Builds or reads the values that a header bag can have.
    unsafe fn content(
        &mut self,
        which: u8,
        one: *const c_char,
        two: *const c_char,
        body: &[u8],
        number: usize,
    ) -> Handle {
        let (box_, item, message, mut out) = (self.postbox.0, self.item.0, self.messages[number % 3].0, null_mut());
        // SAFETY: every handle is valid or NULL, every string is NUL-terminated or NULL, and no freed handle is used.
        unsafe {
            match which {
                39 => match number % 4 {
                    0 => postbox_item_set_null(item, one),
                    1 => postbox_item_set_bool(item, one, body.is_empty()),
                    2 => postbox_item_set_int64(item, one, number as i64 - 128),
                    _ => postbox_item_set_string_of_length(item, one, body.as_ptr().cast(), body.len()),
                },
                40 => {
                    read_bag(message);
                    let error = postbox_message_bag(message, &mut out);
                    if !out.is_null() {
                        postbox_item_free(std::mem::replace(&mut self.item.0, out));
                    }
                    read_value(postbox_item_get(self.item.0, one), null());
                    error
                }
                41 => {
                    let error = postbox_message_set_bag(message, item);
                    read_bag(message);
                    error
                }
                42 => postbox_message_set(message, c"bag".as_ptr(), two),
                _ => {
                    let id = postbox_message_id(message);
                    let error = postbox_get_message(box_, id, &mut out);
                    let is_new = error.is_null() && out.is_null() && self.is_idle();
                    handle_error(error);
                    postbox_message_free(std::mem::replace(&mut out, null_mut()));
                    let error = postbox_deposit_post(box_, message);
                    if is_new && error.is_null() {
                        no_error(postbox_get_message(box_, id, &mut out));
                        assert_eq!(bag_json(out), bag_json(message), "a message is read with the bag that it had");
                        postbox_message_free(out);
                    }
                    error
                }
            }
        }
    }

    /// Returns whether no operation is running.
    fn is_idle(&self) -> bool {
        self.started.open.load(Ordering::SeqCst) == 0
    }

    /// Changes the selection, or lists, counts, deletes or marks messages.
    unsafe fn selected(&mut self, which: u8, one: *const c_char, two: *const c_char, number: usize) -> Handle {
        let (box_, selection, state, limit) = (self.postbox.0, self.selection.0, number as i32 % 4, number as u32 % 5);
        let (mut out, mut count, mut deleted) = (null_mut(), 0, false);
        let message = self.messages[number % 3].0;
        // SAFETY: every handle is valid or NULL, every string is NUL-terminated or NULL, and no freed handle is used.
        unsafe {
            let id = postbox_message_id(message);
            match which {
                44 => {
                    postbox_selection_free(std::mem::replace(&mut self.selection.0, postbox_selection_new()));
                    null_mut()
                }
                45 | 46 => postbox_selection_set(selection, one, two),
                47 => postbox_selection_set(selection, c"cursor".as_ptr(), pointer(&self.cursor)),
                48 => {
                    let error = postbox_select_messages(box_, state, selection, &mut out);
                    read_page(out, usize::MAX);
                    self.finish_page(out);
                    error
                }
                49 => postbox_count_messages(box_, state, selection, &mut count),
                // Deletes the messages that the selection contains.
                50 => {
                    let error = postbox_select_messages(box_, state, selection, &mut out);
                    for index in 0..postbox_page_count(out) {
                        let id = postbox_message_id(postbox_page_message(out, index));
                        handle_error(postbox_delete_message(box_, id, state, &mut deleted));
                    }
                    self.finish_page(out);
                    error
                }
                51 => {
                    let error = postbox_list_messages(box_, state, one, limit, pointer(&self.cursor), &mut out);
                    read_page(out, limit as usize);
                    self.finish_page(out);
                    error
                }
                52 => self.compare_list_and_count(state, one, limit.max(1)),
                53 => postbox_count_outstanding(box_, one, &mut Count::default()),
                54 => {
                    let ids = [id, one];
                    let error = postbox_get_messages(box_, ids.as_ptr(), number % 3, &mut out);
                    read_page(out, number % 3);
                    postbox_page_free(out);
                    error
                }
                55 => {
                    let error = postbox_mark_dispatched(box_, &id, 1, &mut out);
                    postbox_report_free(out);
                    error
                }
                _ => postbox_confirm(box_, id, number as i32 % 7, one),
            }
        }
    }

    /// Keeps the cursor of a page, and frees the page.
    unsafe fn finish_page(&mut self, page: Handle) {
        // SAFETY: the page is valid or NULL, and is not used again. The cursor is copied.
        unsafe {
            let next = postbox_page_next(page);
            if !next.is_null() {
                self.cursor = Some(CStr::from_ptr(next).to_owned());
            }
            postbox_page_free(page);
        }
    }

    /// Lists all messages of a topic page by page, and compares their number with the count.
    unsafe fn compare_list_and_count(&self, state: i32, topic: *const c_char, limit: u32) -> Handle {
        let (mut listed, mut counted, mut cursor) = (0, 0, None);
        let is_idle = self.is_idle();
        // SAFETY: every handle is valid or NULL, every string is NUL-terminated or NULL, and no freed handle is used.
        unsafe {
            loop {
                let mut page = null_mut();
                let error = postbox_list_messages(self.postbox.0, state, topic, limit, pointer(&cursor), &mut page);
                if !error.is_null() {
                    return error;
                }
                listed += read_page(page, limit as usize);
                let next = postbox_page_next(page);
                cursor = (!next.is_null()).then(|| CStr::from_ptr(next).to_owned());
                postbox_page_free(page);
                if cursor.is_none() {
                    break;
                }
            }
            let selection = postbox_selection_new();
            if !topic.is_null() {
                no_error(postbox_selection_set(selection, c"topic".as_ptr(), topic));
            }
            let error = postbox_count_messages(self.postbox.0, state, selection, &mut counted);
            postbox_selection_free(selection);
            assert!(!is_idle || !error.is_null() || counted == listed as u64, "{listed} listed, {counted} counted");
            error
        }
    }

    /// Obtains, renews, releases, reads or frees a lease.
    unsafe fn lease(&mut self, which: u8, one: *const c_char, number: usize, body: &[u8]) -> Handle {
        let (box_, mut out, mut is_held) = (self.postbox.0, null_mut(), false);
        let lease = self.leases[number % 2].handle.0;
        // From an hour, which is the maximum, down to less than the minimum.
        let length = 3_600_000 >> (body.len() % 16);
        let is_started = which >= 62;
        let data = std::ptr::from_ref(&*self.started).cast_mut().cast();
        self.started.open.fetch_add(usize::from(is_started), Ordering::SeqCst);
        // SAFETY: every handle is valid or NULL, every string is NUL-terminated or NULL, and no freed handle is used.
        unsafe {
            let mut operation = null_mut();
            let error = match which {
                57 => {
                    let error = postbox_obtain_lease(box_, one, length, &mut out);
                    self.keep_lease(number, out);
                    error
                }
                58 => postbox_held_lease_renew(lease, &mut is_held),
                59 => {
                    let error = postbox_held_lease_release(lease);
                    assert!(!error.is_null() || !postbox_held_lease_is_held(lease), "a released lease is held");
                    error
                }
                60 => {
                    postbox_held_lease_free(self.leases[number % 2].handle.take());
                    null_mut()
                }
                61 => {
                    let obtained = self.started.lease.swap(null_mut(), Ordering::SeqCst);
                    self.keep_lease(number, obtained);
                    let error = postbox_leases(box_, &mut out);
                    read_value(postbox_item_value(out), null());
                    postbox_item_free(out);
                    out = null_mut();
                    handle_error(postbox_topic_counts(box_, number.is_multiple_of(3), &mut out));
                    read_value(postbox_item_value(out), null());
                    postbox_item_free(out);
                    error
                }
                62 => postbox_obtain_lease_async(box_, one, length, Some(report), data, &mut operation),
                63 => postbox_held_lease_renew_async(lease, Some(report), data, &mut operation),
                64 => postbox_held_lease_release_async(lease, Some(report), data, &mut operation),
                _ => self.start_selected(one, number, data, &mut operation),
            };
            if is_started && !error.is_null() {
                self.started.open.fetch_sub(1, Ordering::SeqCst);
            }
            if number.is_multiple_of(5) {
                postbox_operation_cancel(operation);
            }
            postbox_operation_free(operation);
            error
        }
    }

    /// Keeps a lease, or frees the earlier one if `obtained` is NULL. Two handles never hold the same lease.
    unsafe fn keep_lease(&mut self, number: usize, obtained: Handle) {
        let opened = self.opened;
        let other = &self.leases[(number + 1) % 2];
        // SAFETY: every handle is valid or NULL, and no freed handle is used.
        unsafe {
            let of = |lease| CStr::from_ptr(postbox_held_lease_resource(lease));
            let both = other.opened == opened && of(other.handle.0) == of(obtained);
            assert!(
                !both || !postbox_held_lease_is_held(other.handle.0) || !postbox_held_lease_is_held(obtained),
                "two handles hold the lease {:?}",
                of(obtained)
            );
            let lease = &mut self.leases[number % 2];
            postbox_held_lease_free(std::mem::replace(&mut lease.handle.0, obtained));
            lease.opened = opened;
        }
    }

    /// Starts a list, a count or a delete of messages.
    unsafe fn start_selected(&self, one: *const c_char, number: usize, data: Handle, operation: *mut Handle) -> Handle {
        let (box_, selection, state) = (self.postbox.0, self.selection.0, number as i32 % 4);
        let (limit, cursor) = (number as u32 % 3, pointer(&self.cursor));
        // SAFETY: every handle is valid or NULL, every string is NUL-terminated or NULL, and no freed handle is used.
        unsafe {
            match number / 4 % 5 {
                0 => postbox_select_messages_async(box_, state, selection, Some(report), data, operation),
                1 => postbox_count_messages_async(box_, state, selection, Some(report), data, operation),
                2 => postbox_list_messages_async(box_, state, one, limit, cursor, Some(report), data, operation),
                3 => postbox_count_outstanding_async(box_, one, Some(report), data, operation),
                _ => {
                    let id = postbox_message_id(self.messages[number % 3].0);
                    postbox_delete_message_async(box_, id, state, Some(report), data, operation)
                }
            }
        }
    }

    /// Starts an operation, and cancels it or lets it run.
    unsafe fn start(&mut self, which: u8, one: *const c_char, number: usize) -> Handle {
        let (box_, message, mut operation) = (self.postbox.0, self.messages[number % 3].0, null_mut());
        let data = std::ptr::from_ref(&*self.started).cast_mut().cast();
        self.started.open.fetch_add(1, Ordering::SeqCst);
        // SAFETY: every handle is valid or NULL, every string is NUL-terminated or NULL, and no freed handle is used.
        unsafe {
            let work = &mut self.works[number % 2];
            let error = match which {
                33 => postbox_unit_of_work_commit_async(work.0, Some(report), data, &mut operation),
                34 => postbox_deposit_post_async(box_, message, Some(report), data, &mut operation),
                35 => postbox_get_message_async(box_, one, Some(report), data, &mut operation),
                36 => {
                    let id = postbox_message_id(message);
                    postbox_clear_outbox_async(box_, &id, 1, Some(report), data, &mut operation)
                }
                37 => postbox_read_item_async(box_, one, self.item.0, Some(report), data, &mut operation),
                _ => {
                    let copy = postbox_message_copy(message);
                    let next = postbox_unit_of_work_begin_async(box_);
                    postbox_unit_of_work_free(std::mem::replace(&mut work.0, next));
                    let error = postbox_deposit_post_async(box_, copy, Some(report), data, null_mut());
                    postbox_message_free(copy);
                    error
                }
            };
            if !error.is_null() {
                self.started.open.fetch_sub(1, Ordering::SeqCst);
            }
            if number.is_multiple_of(3) {
                postbox_operation_cancel(operation);
            }
            postbox_operation_free(operation);
            error
        }
    }

    /// Opens a new Postbox with default settings, and frees the old one even if it still has units of work.
    unsafe fn reopen(&mut self) -> Handle {
        // Opening takes longer than all other calls, so an input opens at most two Postboxes.
        if self.opened == 2 {
            return null_mut();
        }
        self.opened += 1;
        // SAFETY: every handle is valid or NULL, and no freed handle is used.
        unsafe {
            postbox_config_free(self.config.take());
            self.config.0 = postbox_config_new();
            handle_error(postbox_config_set(self.config.0, c"embedded_path".as_ptr(), c":memory:".as_ptr()));
            postbox_free(self.postbox.take());
            // A lease of the former database says nothing about the new one.
            postbox_held_lease_free(self.started.lease.swap(null_mut(), Ordering::SeqCst));
            postbox_open(self.config.0, &mut self.postbox.0)
        }
    }
}

impl Drop for Handles {
    fn drop(&mut self) {
        // SAFETY: each handle is valid or NULL, and not used again. The Postbox may be freed before its units of work.
        unsafe {
            postbox_free(self.postbox.take());
            assert_eq!(
                self.started.open.load(Ordering::SeqCst),
                0,
                "each operation is reported before the end of the close"
            );
            postbox_held_lease_free(self.started.lease.swap(null_mut(), Ordering::SeqCst));
            self.leases.iter_mut().for_each(|lease| postbox_held_lease_free(lease.handle.take()));
            postbox_selection_free(self.selection.take());
            postbox_config_free(self.config.take());
            self.messages.iter_mut().for_each(|message| postbox_message_free(message.take()));
            self.works.iter_mut().for_each(|work| postbox_unit_of_work_free(work.take()));
            postbox_item_free(self.item.take());
        }
    }
}

pub fn run(data: &[u8]) {
    let mut handles = Handles::default();
    // SAFETY: there is no handle yet.
    unsafe { handle_error(handles.reopen()) };
    let mut program = Program(data);
    while let Some(which) = program.next() {
        handles.call(which, &mut program);
    }
}
