// Generated from include/postbox.abi by tools/csharp_native.py; do not edit.
#nullable disable
using System;
using System.Runtime.InteropServices;

namespace Postbox
{
    /// <summary>
    /// The functions of include/postbox.h. Errors and strings are pointers, which Errors and Utf8 convert.
    /// </summary>
    internal static unsafe class Native
    {
        internal const string Library = "postbox";
        private const CallingConvention C = CallingConvention.Cdecl;

        [UnmanagedFunctionPointer(C)]
        internal delegate int postbox_archive_callback(IntPtr data, IntPtr message, IntPtr reason, UIntPtr reasonSize);

        [UnmanagedFunctionPointer(C)]
        internal delegate void postbox_completion_callback(IntPtr data, IntPtr error, IntPtr result);

        [UnmanagedFunctionPointer(C)]
        internal delegate void postbox_log_callback(IntPtr data, int level, IntPtr text);

        [UnmanagedFunctionPointer(C)]
        internal delegate void postbox_release_callback(IntPtr data);

        [UnmanagedFunctionPointer(C)]
        internal delegate void postbox_send_batch_callback(IntPtr data, IntPtr messages, UIntPtr count, IntPtr results);

        [UnmanagedFunctionPointer(C)]
        internal delegate int postbox_send_callback(IntPtr data, IntPtr message, IntPtr reason, UIntPtr reasonSize);

        [UnmanagedFunctionPointer(C)]
        internal delegate void postbox_wait_callback(IntPtr data);

        // The sizes include the reserved fields at the end, which the library writes too.
        [StructLayout(LayoutKind.Sequential, Size = 48)]
        internal struct postbox_archive_result
        {
            internal ulong archived;
            internal ulong failed;
            internal int lease;
        }

        [StructLayout(LayoutKind.Sequential, Size = 40)]
        internal struct postbox_expression
        {
            internal IntPtr update;
            internal IntPtr condition;
            internal IntPtr names;
            internal IntPtr values;
            internal byte return_item;
        }

        [StructLayout(LayoutKind.Sequential, Size = 48)]
        internal struct postbox_outstanding_count
        {
            internal ulong count;
            internal ulong oldest_age_ms;
        }

        [StructLayout(LayoutKind.Sequential, Size = 128)]
        internal struct postbox_stats
        {
            internal ulong deposited;
            internal ulong dispatched;
            internal ulong failed;
            internal ulong parked;
            internal ulong duplicates_avoided;
            internal ulong sweeps;
            internal ulong background_failures;
            internal ulong open_breakers;
            internal ulong outstanding;
        }

        [StructLayout(LayoutKind.Sequential, Size = 72)]
        internal struct postbox_sweep_result
        {
            internal ulong found;
            internal ulong dispatched;
            internal ulong already_dispatched;
            internal ulong failed;
            internal ulong held_back;
            internal int lease;
        }

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_archive(ClientHandle client, postbox_archive_callback archive, IntPtr data, IntPtr cancel, out postbox_archive_result result);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_archive_to_file(ClientHandle client, byte[] path, IntPtr cancel, out postbox_archive_result result);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_cancel_token_cancel(CancelTokenHandle token);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_cancel_token_free(IntPtr token);
        [DllImport(Library, CallingConvention = C)] [return: MarshalAs(UnmanagedType.I1)] internal static extern bool postbox_cancel_token_is_canceled(CancelTokenHandle token);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_cancel_token_new(out IntPtr token);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_cancel_token_on_wait(CancelTokenHandle token, postbox_wait_callback callback, IntPtr data, postbox_release_callback release);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_cancellation_error(ClientHandle client, byte[] actions, byte[] reasons);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_clear_outbox(ClientHandle client, IntPtr[] ids, UIntPtr count, IntPtr cancel, IntPtr noReport);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_clear_outbox(ClientHandle client, IntPtr[] ids, UIntPtr count, IntPtr cancel, out IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_clear_outbox_async(ClientHandle client, IntPtr[] ids, UIntPtr count, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_close(ClientHandle client);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_close_within(ClientHandle client, ulong timeoutMs);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_config_add_batch_producer(ConfigHandle config, byte[] topic, UIntPtr maxBatch, postbox_send_batch_callback send, IntPtr data, postbox_release_callback release);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_config_add_producer(ConfigHandle config, byte[] topic, postbox_send_callback send, IntPtr data, postbox_release_callback release);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_config_free(IntPtr config);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_config_get(ConfigHandle config, byte[] name, out IntPtr value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_config_new();
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_config_set(ConfigHandle config, byte[] name, byte[] value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_config_set_log_callback(ConfigHandle config, int level, postbox_log_callback callback, IntPtr data, postbox_release_callback release);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_confirm(ClientHandle client, byte[] id, int outcome, byte[] reason);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_confirm_async(ClientHandle client, byte[] id, int outcome, byte[] reason, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_confirm_many(ClientHandle client, IntPtr[] ids, int[] outcomes, IntPtr[] reasons, UIntPtr count);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_confirm_many_async(ClientHandle client, IntPtr[] ids, int[] outcomes, IntPtr[] reasons, UIntPtr count, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_count_messages(ClientHandle client, int state, SelectionHandle selection, out ulong count);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_count_messages_async(ClientHandle client, int state, SelectionHandle selection, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_count_outstanding(ClientHandle client, byte[] topic, out postbox_outstanding_count result);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_count_outstanding_async(ClientHandle client, byte[] topic, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_create_table(ClientHandle client);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_create_table_async(ClientHandle client, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_delete_message(ClientHandle client, byte[] id, int state, out byte deleted);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_delete_message_async(ClientHandle client, byte[] id, int state, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_deposit_post(ClientHandle client, MessageHandle message);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_deposit_post_async(ClientHandle client, MessageHandle message, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_deposit_posts(ClientHandle client, IntPtr[] messages, UIntPtr count);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_deposit_posts_async(ClientHandle client, IntPtr[] messages, UIntPtr count, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_dispatched_between(ClientHandle client, byte[] topic, long fromTicks, long toTicks, out ulong count);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_dispatched_between_async(ClientHandle client, byte[] topic, long fromTicks, long toTicks, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_embedded_execute(ClientHandle client, byte[] operation, byte[] request, out IntPtr answer);
        [DllImport(Library, CallingConvention = C)] internal static extern int postbox_error_code(IntPtr error);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_error_free(IntPtr error);
        [DllImport(Library, CallingConvention = C)] [return: MarshalAs(UnmanagedType.I1)] internal static extern bool postbox_error_is_retryable(IntPtr error);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_error_message(IntPtr error);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_error_reason_code(IntPtr error, UIntPtr reason);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_error_reason_count(IntPtr error);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_error_reason_index(IntPtr error, UIntPtr reason);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_error_reason_item(IntPtr error, UIntPtr reason);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_error_reason_message(IntPtr error, UIntPtr reason);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_error_reason_read_item(IntPtr error, UIntPtr reason);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_error_reason_subject(IntPtr error, UIntPtr reason);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_free(IntPtr client);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_get_item(ClientHandle client, byte[] table, byte[] key, out IntPtr item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_get_message(ClientHandle client, byte[] id, out IntPtr message);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_get_message_async(ClientHandle client, byte[] id, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_get_messages(ClientHandle client, IntPtr[] ids, UIntPtr count, out IntPtr page);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_get_messages_async(ClientHandle client, IntPtr[] ids, UIntPtr count, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_get_stats(ClientHandle client, out postbox_stats stats);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_held_lease_free(IntPtr lease);
        [DllImport(Library, CallingConvention = C)] [return: MarshalAs(UnmanagedType.I1)] internal static extern bool postbox_held_lease_is_held(HeldLeaseHandle lease);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_held_lease_release(HeldLeaseHandle lease);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_held_lease_release_async(HeldLeaseHandle lease, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_held_lease_renew(HeldLeaseHandle lease, out byte isHeld);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_held_lease_renew_async(HeldLeaseHandle lease, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_held_lease_resource(HeldLeaseHandle lease);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_begin(IntPtr item, byte* name, int kind);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_copy(IntPtr item, out IntPtr copy);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_end(IntPtr item);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_item_free(IntPtr item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_from_json(byte[] json, out IntPtr item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_get(IntPtr item, byte[] name);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_new();
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_remove(IntPtr item, byte[] name);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_binary(IntPtr item, byte* name, byte* value, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_bool(IntPtr item, byte* name, byte value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_double(IntPtr item, byte* name, double value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_int64(IntPtr item, byte* name, long value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_null(IntPtr item, byte* name);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_number(IntPtr item, byte* name, byte* value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_string(IntPtr item, byte* name, byte* value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_string_of_length(IntPtr item, byte* name, byte* value, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_to_json(IntPtr item, out IntPtr json);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_value(IntPtr item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_leases(ClientHandle client, out IntPtr leases);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_leases_async(ClientHandle client, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_list_messages(ClientHandle client, int state, byte[] topic, uint limit, byte[] cursor, out IntPtr page);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_list_messages_async(ClientHandle client, int state, byte[] topic, uint limit, byte[] cursor, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_location(ClientHandle client, out IntPtr location);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_location_async(ClientHandle client, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_mark_dispatched(ClientHandle client, IntPtr[] ids, UIntPtr count, IntPtr noReport);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_mark_dispatched(ClientHandle client, IntPtr[] ids, UIntPtr count, out IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_mark_dispatched_async(ClientHandle client, IntPtr[] ids, UIntPtr count, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_mark_dispatched_at(ClientHandle client, IntPtr[] ids, UIntPtr count, long dispatchedTicks, IntPtr noReport);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_mark_dispatched_at(ClientHandle client, IntPtr[] ids, UIntPtr count, long dispatchedTicks, out IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_mark_dispatched_at_async(ClientHandle client, IntPtr[] ids, UIntPtr count, long dispatchedTicks, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_bag(MessageHandle message, out IntPtr bag);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_body(MessageHandle message, out UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_copy(MessageHandle message);
        [DllImport(Library, CallingConvention = C)] internal static extern long postbox_message_created_ticks(MessageHandle message);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_message_free(IntPtr message);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_get(MessageHandle message, byte[] name, out IntPtr value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_id(MessageHandle message);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_new(byte[] topic, in byte body, UIntPtr length, out IntPtr message);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_set(MessageHandle message, byte[] name, byte[] value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_set_bag(MessageHandle message, IntPtr bag);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_set_body(MessageHandle message, in byte body, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_set_created_ticks(MessageHandle message, long ticks);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_to_put(ClientHandle client, MessageHandle message, out IntPtr put);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_topic(MessageHandle message);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_notify_committed(ClientHandle client, IntPtr[] ids, UIntPtr count);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_obtain_lease(ClientHandle client, byte[] resource, ulong lengthMs, out IntPtr lease);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_obtain_lease_async(ClientHandle client, byte[] resource, ulong lengthMs, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_open(ConfigHandle config, out IntPtr client);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_operation_cancel(OperationHandle operation);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_operation_free(IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_page_count(PageHandle page);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_page_free(IntPtr page);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_page_malformed(PageHandle page, UIntPtr index, out IntPtr reason);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_page_malformed_count(PageHandle page);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_page_message(PageHandle page, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_page_missing(PageHandle page, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_page_missing_count(PageHandle page);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_page_next(PageHandle page);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_post(ClientHandle client, MessageHandle message, IntPtr noReport);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_post(ClientHandle client, MessageHandle message, out IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_read_item(ClientHandle client, byte[] table, IntPtr key, out IntPtr item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_read_item_async(ClientHandle client, byte[] table, IntPtr key, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_replay(ClientHandle client, IntPtr[] ids, UIntPtr count, IntPtr noReport);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_replay(ClientHandle client, IntPtr[] ids, UIntPtr count, out IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_replay_async(ClientHandle client, IntPtr[] ids, UIntPtr count, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_replay_causation(ClientHandle client, byte[] causationId, IntPtr noReport);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_replay_causation(ClientHandle client, byte[] causationId, out IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_replay_causation_async(ClientHandle client, byte[] causationId, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_report_count(IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_report_detail(IntPtr report, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_report_failure_count(IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_report_free(IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_report_id(IntPtr report, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern int postbox_report_outcome(IntPtr report, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] [return: MarshalAs(UnmanagedType.I1)] internal static extern bool postbox_result_flag(IntPtr result);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_result_free(IntPtr result);
        [DllImport(Library, CallingConvention = C)] internal static extern ulong postbox_result_number(IntPtr result);
        [DllImport(Library, CallingConvention = C)] [return: MarshalAs(UnmanagedType.I1)] internal static extern bool postbox_result_outstanding_count(IntPtr result, out postbox_outstanding_count count);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_result_take_item(IntPtr result);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_result_take_lease(IntPtr result);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_result_take_message(IntPtr result);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_result_take_page(IntPtr result);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_result_take_report(IntPtr result);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_result_take_text(IntPtr result);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_select_messages(ClientHandle client, int state, SelectionHandle selection, out IntPtr page);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_select_messages_async(ClientHandle client, int state, SelectionHandle selection, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_selection_free(IntPtr selection);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_selection_new();
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_selection_set(SelectionHandle selection, byte[] name, byte[] value);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_send_results_set(IntPtr results, UIntPtr index, int outcome, byte[] reason);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_set_credentials(ClientHandle client, byte[] accessKeyId, byte[] secretAccessKey, byte[] sessionToken);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_set_log_callback(int level, postbox_log_callback callback, IntPtr data, postbox_release_callback release);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_set_trace_context(byte[] traceParent, byte[] traceState);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_start_archiver(ClientHandle client, postbox_archive_callback archive, IntPtr data, postbox_release_callback release);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_start_archiver_to_file(ClientHandle client, byte[] path);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_start_sweeper(ClientHandle client);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_stats_json(ClientHandle client, out IntPtr json);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_stop_archiver(ClientHandle client);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_stop_sweeper(ClientHandle client);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_string_free(IntPtr @string);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_sweep(ClientHandle client, byte[] topic, IntPtr cancel, out postbox_sweep_result result);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_sweepers(ClientHandle client, out IntPtr sweepers);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_sweepers_async(ClientHandle client, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_table_warnings(ClientHandle client, out IntPtr warnings);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_table_warnings_async(ClientHandle client, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_topic_counts(ClientHandle client, [MarshalAs(UnmanagedType.I1)] bool allStates, out IntPtr counts);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_topic_counts_async(ClientHandle client, [MarshalAs(UnmanagedType.I1)] bool allStates, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_add(UnitOfWorkHandle work, byte[] action);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_begin(ClientHandle client);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_begin_async(ClientHandle client);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_check_item(UnitOfWorkHandle work, byte[] table, IntPtr key, postbox_expression[] expression);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_commit(UnitOfWorkHandle work);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_commit_async(UnitOfWorkHandle work, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_condition_check(UnitOfWorkHandle work, byte[] check);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_delete(UnitOfWorkHandle work, byte[] table, byte[] key);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_delete_item(UnitOfWorkHandle work, byte[] table, IntPtr key, postbox_expression[] expression);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_deposit_post(UnitOfWorkHandle work, MessageHandle message);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_unit_of_work_free(IntPtr work);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_get_item(UnitOfWorkHandle work, byte[] table, byte[] key, out IntPtr item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_put(UnitOfWorkHandle work, byte[] table, byte[] item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_put_item(UnitOfWorkHandle work, byte[] table, IntPtr item, postbox_expression[] expression);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_read_item(UnitOfWorkHandle work, byte[] table, IntPtr key, out IntPtr item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_rollback(UnitOfWorkHandle work);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_update(UnitOfWorkHandle work, byte[] update);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_update_item(UnitOfWorkHandle work, byte[] table, IntPtr key, postbox_expression[] expression);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unpark(ClientHandle client, byte[] id);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unpark_async(ClientHandle client, byte[] id, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_at(IntPtr value, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_binary(IntPtr value, out UIntPtr length);
        [DllImport(Library, CallingConvention = C)] [return: MarshalAs(UnmanagedType.I1)] internal static extern bool postbox_value_bool(IntPtr value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_bool_or(IntPtr value, [MarshalAs(UnmanagedType.I1)] bool missing, out byte flag);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_value_count(IntPtr value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_double(IntPtr value, out double number);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_double_or(IntPtr value, double missing, out double number);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_int64(IntPtr value, out long number);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_int64_or(IntPtr value, long missing, out long number);
        [DllImport(Library, CallingConvention = C)] internal static extern int postbox_value_kind(IntPtr value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_member(IntPtr value, byte[] name);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_name_at(IntPtr value, UIntPtr index, out UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_string(IntPtr value, out UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_verify_table(ClientHandle client, out byte hasCausationIndex);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_verify_table_async(ClientHandle client, postbox_completion_callback callback, IntPtr data, out IntPtr operation);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_version();
    }
}
