//! The functions of the C interface that the fuzz target calls. All handles have one type.

use std::ffi::{c_char, c_void};

pub type Handle = *mut c_void;
pub type Callback = unsafe extern "C" fn(data: Handle, error: Handle, result: Handle);

/// The struct `postbox_outstanding_count`.
#[derive(Default)]
#[repr(C)]
pub struct Count {
    pub count: u64,
    pub oldest_age_ms: u64,
    pub reserved: [u64; 4],
}

unsafe extern "C" {
    pub fn postbox_error_code(error: Handle) -> i32;
    pub fn postbox_error_message(error: Handle) -> *const c_char;
    pub fn postbox_error_reason_count(error: Handle) -> usize;
    pub fn postbox_error_reason_message(error: Handle, reason: usize) -> *const c_char;
    pub fn postbox_error_reason_read_item(error: Handle, reason: usize) -> Handle;
    pub fn postbox_error_free(error: Handle);
    pub fn postbox_config_new() -> Handle;
    pub fn postbox_config_set(config: Handle, name: *const c_char, value: *const c_char) -> Handle;
    pub fn postbox_config_get(config: Handle, name: *const c_char, value: *mut *const c_char) -> Handle;
    pub fn postbox_config_free(config: Handle);
    pub fn postbox_message_new(topic: *const c_char, body: *const u8, length: usize, message: *mut Handle) -> Handle;
    pub fn postbox_message_set(message: Handle, name: *const c_char, value: *const c_char) -> Handle;
    pub fn postbox_message_set_body(message: Handle, body: *const u8, length: usize) -> Handle;
    pub fn postbox_message_get(message: Handle, name: *const c_char, value: *mut *const c_char) -> Handle;
    pub fn postbox_message_id(message: Handle) -> *const c_char;
    pub fn postbox_message_free(message: Handle);
    pub fn postbox_open(config: Handle, postbox: *mut Handle) -> Handle;
    pub fn postbox_close(postbox: Handle) -> Handle;
    pub fn postbox_free(postbox: Handle);
    pub fn postbox_deposit_post(postbox: Handle, message: Handle) -> Handle;
    pub fn postbox_clear_outbox(
        postbox: Handle,
        ids: *const *const c_char,
        count: usize,
        cancel: Handle,
        report: *mut Handle,
    ) -> Handle;
    pub fn postbox_get_message(postbox: Handle, id: *const c_char, message: *mut Handle) -> Handle;
    pub fn postbox_report_count(report: Handle) -> usize;
    pub fn postbox_report_detail(report: Handle, index: usize) -> *const c_char;
    pub fn postbox_report_free(report: Handle);
    pub fn postbox_unit_of_work_begin(postbox: Handle) -> Handle;
    pub fn postbox_unit_of_work_put(work: Handle, table: *const c_char, item: *const c_char) -> Handle;
    pub fn postbox_unit_of_work_add(work: Handle, action: *const c_char) -> Handle;
    pub fn postbox_unit_of_work_deposit_post(work: Handle, message: Handle) -> Handle;
    pub fn postbox_unit_of_work_commit(work: Handle) -> Handle;
    pub fn postbox_unit_of_work_rollback(work: Handle) -> Handle;
    pub fn postbox_unit_of_work_free(work: Handle);
    pub fn postbox_message_to_put(postbox: Handle, message: Handle, put: *mut *mut c_char) -> Handle;
    pub fn postbox_cancellation_error(postbox: Handle, actions: *const c_char, reasons: *const c_char) -> Handle;
    pub fn postbox_string_free(string: *mut c_char);
    pub fn postbox_item_new() -> Handle;
    pub fn postbox_item_from_json(json: *const c_char, item: *mut Handle) -> Handle;
    pub fn postbox_item_copy(item: Handle, copy: *mut Handle) -> Handle;
    pub fn postbox_item_to_json(item: Handle, json: *mut *mut c_char) -> Handle;
    pub fn postbox_item_set_string(item: Handle, name: *const c_char, value: *const c_char) -> Handle;
    pub fn postbox_item_set_number(item: Handle, name: *const c_char, value: *const c_char) -> Handle;
    pub fn postbox_item_set_double(item: Handle, name: *const c_char, value: f64) -> Handle;
    pub fn postbox_item_set_binary(item: Handle, name: *const c_char, value: *const u8, length: usize) -> Handle;
    pub fn postbox_item_begin(item: Handle, name: *const c_char, kind: i32) -> Handle;
    pub fn postbox_item_end(item: Handle) -> Handle;
    pub fn postbox_item_remove(item: Handle, name: *const c_char) -> Handle;
    pub fn postbox_item_value(item: Handle) -> *const c_void;
    pub fn postbox_item_free(item: Handle);
    pub fn postbox_value_kind(value: *const c_void) -> i32;
    pub fn postbox_value_string(value: *const c_void, length: *mut usize) -> *const c_char;
    pub fn postbox_value_bool_or(value: *const c_void, missing: bool, flag: *mut bool) -> Handle;
    pub fn postbox_value_double(value: *const c_void, number: *mut f64) -> Handle;
    pub fn postbox_value_double_or(value: *const c_void, missing: f64, number: *mut f64) -> Handle;
    pub fn postbox_value_int64(value: *const c_void, number: *mut i64) -> Handle;
    pub fn postbox_value_int64_or(value: *const c_void, missing: i64, number: *mut i64) -> Handle;
    pub fn postbox_value_binary(value: *const c_void, length: *mut usize) -> *const u8;
    pub fn postbox_value_count(value: *const c_void) -> usize;
    pub fn postbox_value_at(value: *const c_void, index: usize) -> *const c_void;
    pub fn postbox_value_name_at(value: *const c_void, index: usize, length: *mut usize) -> *const c_char;
    pub fn postbox_unit_of_work_put_item(
        work: Handle,
        table: *const c_char,
        item: Handle,
        expression: *const c_void,
    ) -> Handle;
    pub fn postbox_unit_of_work_begin_async(postbox: Handle) -> Handle;
    pub fn postbox_unit_of_work_commit_async(
        work: Handle,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    pub fn postbox_deposit_post_async(
        postbox: Handle,
        message: Handle,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    pub fn postbox_get_message_async(
        postbox: Handle,
        id: *const c_char,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    pub fn postbox_clear_outbox_async(
        postbox: Handle,
        ids: *const *const c_char,
        count: usize,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    pub fn postbox_read_item_async(
        postbox: Handle,
        table: *const c_char,
        key: Handle,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    pub fn postbox_operation_cancel(operation: Handle);
    pub fn postbox_operation_free(operation: Handle);
    pub fn postbox_message_copy(message: Handle) -> Handle;
    pub fn postbox_result_take_message(result: Handle) -> Handle;
    pub fn postbox_result_take_report(result: Handle) -> Handle;
    pub fn postbox_result_take_item(result: Handle) -> Handle;
    pub fn postbox_result_free(result: Handle);
    pub fn postbox_message_bag(message: Handle, bag: *mut Handle) -> Handle;
    pub fn postbox_message_set_bag(message: Handle, bag: Handle) -> Handle;
    pub fn postbox_item_set_string_of_length(
        item: Handle,
        name: *const c_char,
        value: *const c_char,
        length: usize,
    ) -> Handle;
    pub fn postbox_item_set_int64(item: Handle, name: *const c_char, value: i64) -> Handle;
    pub fn postbox_item_set_bool(item: Handle, name: *const c_char, value: bool) -> Handle;
    pub fn postbox_item_set_null(item: Handle, name: *const c_char) -> Handle;
    pub fn postbox_item_get(item: Handle, name: *const c_char) -> *const c_void;
    pub fn postbox_value_bool(value: *const c_void) -> bool;
    pub fn postbox_value_member(value: *const c_void, name: *const c_char) -> *const c_void;
    pub fn postbox_selection_new() -> Handle;
    pub fn postbox_selection_set(selection: Handle, name: *const c_char, value: *const c_char) -> Handle;
    pub fn postbox_selection_free(selection: Handle);
    pub fn postbox_select_messages(postbox: Handle, state: i32, selection: Handle, page: *mut Handle) -> Handle;
    pub fn postbox_select_messages_async(
        postbox: Handle,
        state: i32,
        selection: Handle,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    pub fn postbox_count_messages(postbox: Handle, state: i32, selection: Handle, count: *mut u64) -> Handle;
    pub fn postbox_count_messages_async(
        postbox: Handle,
        state: i32,
        selection: Handle,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    pub fn postbox_list_messages(
        postbox: Handle,
        state: i32,
        topic: *const c_char,
        limit: u32,
        cursor: *const c_char,
        page: *mut Handle,
    ) -> Handle;
    pub fn postbox_list_messages_async(
        postbox: Handle,
        state: i32,
        topic: *const c_char,
        limit: u32,
        cursor: *const c_char,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    pub fn postbox_get_messages(postbox: Handle, ids: *const *const c_char, count: usize, page: *mut Handle) -> Handle;
    pub fn postbox_count_outstanding(postbox: Handle, topic: *const c_char, result: *mut Count) -> Handle;
    pub fn postbox_count_outstanding_async(
        postbox: Handle,
        topic: *const c_char,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    pub fn postbox_delete_message(postbox: Handle, id: *const c_char, state: i32, deleted: *mut bool) -> Handle;
    pub fn postbox_delete_message_async(
        postbox: Handle,
        id: *const c_char,
        state: i32,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    pub fn postbox_mark_dispatched(
        postbox: Handle,
        ids: *const *const c_char,
        count: usize,
        report: *mut Handle,
    ) -> Handle;
    pub fn postbox_confirm(postbox: Handle, id: *const c_char, outcome: i32, reason: *const c_char) -> Handle;
    pub fn postbox_page_count(page: Handle) -> usize;
    pub fn postbox_page_message(page: Handle, index: usize) -> Handle;
    pub fn postbox_page_malformed_count(page: Handle) -> usize;
    pub fn postbox_page_malformed(page: Handle, index: usize, reason: *mut *const c_char) -> *const c_char;
    pub fn postbox_page_missing_count(page: Handle) -> usize;
    pub fn postbox_page_missing(page: Handle, index: usize) -> *const c_char;
    pub fn postbox_page_next(page: Handle) -> *const c_char;
    pub fn postbox_page_free(page: Handle);
    pub fn postbox_obtain_lease(postbox: Handle, resource: *const c_char, length_ms: u64, lease: *mut Handle)
    -> Handle;
    pub fn postbox_obtain_lease_async(
        postbox: Handle,
        resource: *const c_char,
        length_ms: u64,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    pub fn postbox_held_lease_renew(lease: Handle, is_held: *mut bool) -> Handle;
    pub fn postbox_held_lease_renew_async(
        lease: Handle,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    pub fn postbox_held_lease_release(lease: Handle) -> Handle;
    pub fn postbox_held_lease_release_async(
        lease: Handle,
        callback: Option<Callback>,
        data: Handle,
        operation: *mut Handle,
    ) -> Handle;
    pub fn postbox_held_lease_is_held(lease: Handle) -> bool;
    pub fn postbox_held_lease_resource(lease: Handle) -> *const c_char;
    pub fn postbox_held_lease_free(lease: Handle);
    pub fn postbox_leases(postbox: Handle, leases: *mut Handle) -> Handle;
    pub fn postbox_topic_counts(postbox: Handle, all_states: bool, counts: *mut Handle) -> Handle;
    pub fn postbox_result_take_page(result: Handle) -> Handle;
    pub fn postbox_result_take_lease(result: Handle) -> Handle;
    pub fn postbox_result_take_text(result: Handle) -> *mut c_char;
    pub fn postbox_result_flag(result: Handle) -> bool;
    pub fn postbox_result_number(result: Handle) -> u64;
    pub fn postbox_result_outstanding_count(result: Handle, count: *mut Count) -> bool;
}
