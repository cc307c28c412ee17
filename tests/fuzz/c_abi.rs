//! Calls of the C interface in any order that the header allows. The fuzzer's input is interpreted as a program: its
//! bytes select the calls and their arguments, on a few handles.

use std::ffi::{CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};

type Handle = *mut c_void;

unsafe extern "C" {
    fn postbox_error_code(error: Handle) -> i32;
    fn postbox_error_message(error: Handle) -> *const c_char;
    fn postbox_error_reason_count(error: Handle) -> usize;
    fn postbox_error_reason_message(error: Handle, reason: usize) -> *const c_char;
    fn postbox_error_reason_read_item(error: Handle, reason: usize) -> Handle;
    fn postbox_error_free(error: Handle);
    fn postbox_config_new() -> Handle;
    fn postbox_config_set(config: Handle, name: *const c_char, value: *const c_char) -> Handle;
    fn postbox_config_get(config: Handle, name: *const c_char, value: *mut *const c_char) -> Handle;
    fn postbox_config_free(config: Handle);
    fn postbox_message_new(topic: *const c_char, body: *const u8, length: usize, message: *mut Handle) -> Handle;
    fn postbox_message_set(message: Handle, name: *const c_char, value: *const c_char) -> Handle;
    fn postbox_message_set_body(message: Handle, body: *const u8, length: usize) -> Handle;
    fn postbox_message_get(message: Handle, name: *const c_char, value: *mut *const c_char) -> Handle;
    fn postbox_message_id(message: Handle) -> *const c_char;
    fn postbox_message_free(message: Handle);
    fn postbox_open(config: Handle, postbox: *mut Handle) -> Handle;
    fn postbox_close(postbox: Handle) -> Handle;
    fn postbox_free(postbox: Handle);
    fn postbox_deposit_post(postbox: Handle, message: Handle) -> Handle;
    fn postbox_clear_outbox(
        postbox: Handle,
        ids: *const *const c_char,
        count: usize,
        cancel: Handle,
        report: *mut Handle,
    ) -> Handle;
    fn postbox_get_message(postbox: Handle, id: *const c_char, message: *mut Handle) -> Handle;
    fn postbox_report_count(report: Handle) -> usize;
    fn postbox_report_detail(report: Handle, index: usize) -> *const c_char;
    fn postbox_report_free(report: Handle);
    fn postbox_unit_of_work_begin(postbox: Handle) -> Handle;
    fn postbox_unit_of_work_put(work: Handle, table: *const c_char, item: *const c_char) -> Handle;
    fn postbox_unit_of_work_add(work: Handle, action: *const c_char) -> Handle;
    fn postbox_unit_of_work_deposit_post(work: Handle, message: Handle) -> Handle;
    fn postbox_unit_of_work_commit(work: Handle) -> Handle;
    fn postbox_unit_of_work_rollback(work: Handle) -> Handle;
    fn postbox_unit_of_work_free(work: Handle);
    fn postbox_message_to_put(postbox: Handle, message: Handle, put: *mut *mut c_char) -> Handle;
    fn postbox_cancellation_error(postbox: Handle, actions: *const c_char, reasons: *const c_char) -> Handle;
    fn postbox_string_free(string: *mut c_char);
    fn postbox_item_new() -> Handle;
    fn postbox_item_from_json(json: *const c_char, item: *mut Handle) -> Handle;
    fn postbox_item_copy(item: Handle, copy: *mut Handle) -> Handle;
    fn postbox_item_to_json(item: Handle, json: *mut *mut c_char) -> Handle;
    fn postbox_item_set_string(item: Handle, name: *const c_char, value: *const c_char) -> Handle;
    fn postbox_item_set_number(item: Handle, name: *const c_char, value: *const c_char) -> Handle;
    fn postbox_item_set_double(item: Handle, name: *const c_char, value: f64) -> Handle;
    fn postbox_item_set_binary(item: Handle, name: *const c_char, value: *const u8, length: usize) -> Handle;
    fn postbox_item_begin(item: Handle, name: *const c_char, kind: i32) -> Handle;
    fn postbox_item_end(item: Handle) -> Handle;
    fn postbox_item_remove(item: Handle, name: *const c_char) -> Handle;
    fn postbox_item_value(item: Handle) -> *const c_void;
    fn postbox_item_free(item: Handle);
    fn postbox_value_kind(value: *const c_void) -> i32;
    fn postbox_value_string(value: *const c_void, length: *mut usize) -> *const c_char;
    fn postbox_value_bool_or(value: *const c_void, missing: bool, flag: *mut bool) -> Handle;
    fn postbox_value_double(value: *const c_void, number: *mut f64) -> Handle;
    fn postbox_value_double_or(value: *const c_void, missing: f64, number: *mut f64) -> Handle;
    fn postbox_value_int64(value: *const c_void, number: *mut i64) -> Handle;
    fn postbox_value_int64_or(value: *const c_void, missing: i64, number: *mut i64) -> Handle;
    fn postbox_value_binary(value: *const c_void, length: *mut usize) -> *const u8;
    fn postbox_value_count(value: *const c_void) -> usize;
    fn postbox_value_at(value: *const c_void, index: usize) -> *const c_void;
    fn postbox_value_name_at(value: *const c_void, index: usize) -> *const c_char;
    fn postbox_unit_of_work_put_item(
        work: Handle,
        table: *const c_char,
        item: Handle,
        expression: *const c_void,
    ) -> Handle;
    fn postbox_unit_of_work_begin_async(postbox: Handle) -> Handle;
    fn postbox_unit_of_work_commit_async(
        work: Handle,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    fn postbox_deposit_post_async(
        postbox: Handle,
        message: Handle,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    fn postbox_get_message_async(
        postbox: Handle,
        id: *const c_char,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    fn postbox_clear_outbox_async(
        postbox: Handle,
        ids: *const *const c_char,
        count: usize,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    fn postbox_read_item_async(
        postbox: Handle,
        table: *const c_char,
        key: Handle,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    fn postbox_operation_cancel(operation: Handle);
    fn postbox_operation_free(operation: Handle);
    fn postbox_message_copy(message: Handle) -> Handle;
    fn postbox_result_take_message(result: Handle) -> Handle;
    fn postbox_result_take_report(result: Handle) -> Handle;
    fn postbox_result_take_item(result: Handle) -> Handle;
    fn postbox_result_free(result: Handle);
}

type Callback = unsafe extern "C" fn(data: Handle, error: Handle, result: Handle);

/// Receives the result of an operation. `data` counts the operations that are not reported yet.
unsafe extern "C" fn report(data: Handle, error: Handle, result: Handle) {
    // SAFETY: the counter lives until all operations were reported, and the callback owns the error and the result.
    unsafe {
        handle_error(error);
        postbox_message_free(postbox_result_take_message(result));
        assert!(postbox_result_take_message(result).is_null(), "a message is taken once");
        postbox_item_free(postbox_result_take_item(result));
        postbox_report_free(postbox_result_take_report(result));
        postbox_result_free(result);
        assert!((*data.cast::<AtomicUsize>()).fetch_sub(1, Ordering::SeqCst) > 0, "an operation is reported once");
    }
}

/// POSTBOX_ERROR_INTERNAL, which no call may return.
const INTERNAL: i32 = 99;
/// Strings that at least one of the functions accepts.
const WORDS: [&str; 16] = [
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
    opened: usize,
    /// The operations that are not reported yet.
    started: Box<AtomicUsize>,
}

struct Slot(Handle);

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
        assert!(name.is_null() || std::ffi::CStr::from_ptr(name).to_str().is_ok());
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
            read_value(postbox_value_at(value, index), postbox_value_name_at(value, index));
        }
        assert!(postbox_value_at(value, postbox_value_count(value)).is_null());
    }
}

/// Reads an error as a program would, and frees it.
unsafe fn handle_error(error: Handle) {
    // SAFETY: a function has just returned the error, which may be NULL.
    unsafe {
        assert!(postbox_error_code(error) != INTERNAL, "{:?}", std::ffi::CStr::from_ptr(postbox_error_message(error)));
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
            let error = match which % 39 {
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
                33..39 => self.start(which % 39, one, slot),
                _ => self.item(which % 39, one, two, body, slot),
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

    /// Starts an operation, and cancels it or lets it run.
    unsafe fn start(&mut self, which: u8, one: *const c_char, number: usize) -> Handle {
        let (box_, message, mut operation) = (self.postbox.0, self.messages[number % 3].0, null_mut());
        let data = std::ptr::from_ref(&*self.started).cast_mut().cast();
        self.started.fetch_add(1, Ordering::SeqCst);
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
                self.started.fetch_sub(1, Ordering::SeqCst);
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
                self.started.load(Ordering::SeqCst),
                0,
                "each operation is reported before the end of the close"
            );
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
