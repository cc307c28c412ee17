using System;
using System.Runtime.InteropServices;

namespace Postbox
{
    /// <summary>
    /// The functions of include/postbox.h. Errors and strings are pointers, which Errors and Utf8 convert.
    /// </summary>
    internal static class Native
    {
        internal const string Library = "postbox";
        private const CallingConvention C = CallingConvention.Cdecl;

        [UnmanagedFunctionPointer(C)]
        internal delegate int MessageCallback(IntPtr data, IntPtr message, IntPtr reason, UIntPtr reasonSize);

        [UnmanagedFunctionPointer(C)]
        internal delegate void BatchCallback(IntPtr data, IntPtr messages, UIntPtr count, IntPtr results);

        [UnmanagedFunctionPointer(C)]
        internal delegate void ReleaseCallback(IntPtr data);

        [UnmanagedFunctionPointer(C)]
        internal delegate void LogCallback(IntPtr data, int level, IntPtr text);

        // The sizes include the reserved fields at the end, which the library writes too.
        [StructLayout(LayoutKind.Sequential, Size = 72)]
        internal struct SweepCounts
        {
            internal ulong Found, Dispatched, AlreadyDispatched, Failed, HeldBack;
            internal int Lease;
        }

        [StructLayout(LayoutKind.Sequential, Size = 48)]
        internal struct OutstandingCounts
        {
            internal ulong Count, OldestAgeMs;
        }

        [StructLayout(LayoutKind.Sequential, Size = 48)]
        internal struct ArchiveCounts
        {
            internal ulong Archived, Failed;
            internal int Lease;
        }

        [StructLayout(LayoutKind.Sequential, Size = 128)]
        internal struct Counters
        {
            internal ulong Deposited, Dispatched, Failed, Parked, DuplicatesAvoided, Sweeps, BackgroundFailures, OpenBreakers, Outstanding;
        }

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_version();

        [DllImport(Library, CallingConvention = C)] internal static extern int postbox_error_code(IntPtr error);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_error_message(IntPtr error);
        [DllImport(Library, CallingConvention = C)] [return: MarshalAs(UnmanagedType.I1)] internal static extern bool postbox_error_is_retryable(IntPtr error);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_error_reason_count(IntPtr error);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_error_reason_index(IntPtr error, UIntPtr reason);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_error_reason_subject(IntPtr error, UIntPtr reason);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_error_reason_code(IntPtr error, UIntPtr reason);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_error_reason_message(IntPtr error, UIntPtr reason);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_error_reason_item(IntPtr error, UIntPtr reason);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_error_free(IntPtr error);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_config_new();
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_config_set(ConfigHandle config, byte[] name, byte[] value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_config_get(ConfigHandle config, byte[] name, out IntPtr value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_config_add_producer(ConfigHandle config, byte[] topic, MessageCallback send, IntPtr data, ReleaseCallback release);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_config_add_batch_producer(ConfigHandle config, byte[] topic, UIntPtr maxBatch, BatchCallback send, IntPtr data, ReleaseCallback release);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_send_results_set(IntPtr results, UIntPtr index, int outcome, byte[] reason);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_config_free(IntPtr config);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_new(byte[] topic, byte[] body, UIntPtr length, out IntPtr message);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_set(MessageHandle message, byte[] name, byte[] value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_set_body(MessageHandle message, byte[] body, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_get(MessageHandle message, byte[] name, out IntPtr value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_id(MessageHandle message);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_topic(MessageHandle message);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_body(MessageHandle message, out UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_message_free(IntPtr message);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_set_trace_context(byte[] traceParent, byte[] traceState);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_new();
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_from_json(byte[] json, out IntPtr item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_to_json(ItemHandle item, out IntPtr json);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_string(ItemHandle item, byte[] name, byte[] value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_string_of_length(ItemHandle item, byte[] name, byte[] value, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_number(ItemHandle item, byte[] name, byte[] value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_int64(ItemHandle item, byte[] name, long value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_double(ItemHandle item, byte[] name, double value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_bool(ItemHandle item, byte[] name, [MarshalAs(UnmanagedType.I1)] bool value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_null(ItemHandle item, byte[] name);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_set_binary(ItemHandle item, byte[] name, byte[] value, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_begin(ItemHandle item, byte[] name, int kind);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_end(ItemHandle item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_remove(ItemHandle item, byte[] name);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_get(ItemHandle item, byte[] name);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_item_value(ItemHandle item);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_item_free(IntPtr item);
        [DllImport(Library, CallingConvention = C)] internal static extern int postbox_value_kind(IntPtr value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_string(IntPtr value, out UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_binary(IntPtr value, out UIntPtr length);
        [DllImport(Library, CallingConvention = C)] [return: MarshalAs(UnmanagedType.I1)] internal static extern bool postbox_value_bool(IntPtr value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_int64(IntPtr value, out long number);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_double(IntPtr value, out double number);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_value_count(IntPtr value);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_at(IntPtr value, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_name_at(IntPtr value, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_value_member(IntPtr value, byte[] name);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_read_item(ClientHandle box, byte[] table, ItemHandle key, out IntPtr item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_read_item(UnitOfWorkHandle work, byte[] table, ItemHandle key, out IntPtr item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_put_item(UnitOfWorkHandle work, byte[] table, ItemHandle item, NativeExpression[] expression);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_update_item(UnitOfWorkHandle work, byte[] table, ItemHandle key, NativeExpression[] expression);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_delete_item(UnitOfWorkHandle work, byte[] table, ItemHandle key, NativeExpression[] expression);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_check_item(UnitOfWorkHandle work, byte[] table, ItemHandle key, NativeExpression[] expression);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_cancel_token_new(out IntPtr token);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_cancel_token_cancel(CancelTokenHandle token);
        [DllImport(Library, CallingConvention = C)] [return: MarshalAs(UnmanagedType.I1)] internal static extern bool postbox_cancel_token_is_canceled(CancelTokenHandle token);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_cancel_token_free(IntPtr token);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_open(ConfigHandle config, out IntPtr box);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_close(ClientHandle box);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_close_within(ClientHandle box, ulong timeoutMs);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_free(IntPtr box);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_create_table(ClientHandle box);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_table_warnings(ClientHandle box, out IntPtr warnings);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_verify_table(ClientHandle box, out byte hasCausationIndex);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_deposit_post(ClientHandle box, MessageHandle message);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_deposit_posts(ClientHandle box, IntPtr[] messages, UIntPtr count);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_post(ClientHandle box, MessageHandle message, IntPtr noReport);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_post(ClientHandle box, MessageHandle message, out IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_clear_outbox(ClientHandle box, IntPtr[] ids, UIntPtr count, IntPtr cancel, IntPtr noReport);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_clear_outbox(ClientHandle box, IntPtr[] ids, UIntPtr count, IntPtr cancel, out IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_mark_dispatched(ClientHandle box, IntPtr[] ids, UIntPtr count, IntPtr noReport);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_mark_dispatched(ClientHandle box, IntPtr[] ids, UIntPtr count, out IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_confirm(ClientHandle box, byte[] id, int outcome, byte[] reason);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_confirm_many(ClientHandle box, IntPtr[] ids, int[] outcomes, IntPtr[] reasons, UIntPtr count);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_get_message(ClientHandle box, byte[] id, out IntPtr message);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_get_item(ClientHandle box, byte[] table, byte[] key, out IntPtr item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_embedded_execute(ClientHandle box, byte[] operation, byte[] request, out IntPtr answer);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_begin(ClientHandle box);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_get_item(UnitOfWorkHandle work, byte[] table, byte[] key, out IntPtr item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_put(UnitOfWorkHandle work, byte[] table, byte[] item);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_update(UnitOfWorkHandle work, byte[] update);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_delete(UnitOfWorkHandle work, byte[] table, byte[] key);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_condition_check(UnitOfWorkHandle work, byte[] check);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_add(UnitOfWorkHandle work, byte[] action);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_deposit_post(UnitOfWorkHandle work, MessageHandle message);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_commit(UnitOfWorkHandle work);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unit_of_work_rollback(UnitOfWorkHandle work);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_unit_of_work_free(IntPtr work);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_sweep(ClientHandle box, byte[] topic, IntPtr cancel, out SweepCounts result);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_start_sweeper(ClientHandle box);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_message_to_put(ClientHandle box, MessageHandle message, out IntPtr put);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_cancellation_error(ClientHandle box, byte[] actions, byte[] reasons);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_notify_committed(ClientHandle box, IntPtr[] ids, UIntPtr count);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_stop_sweeper(ClientHandle box);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_count_outstanding(ClientHandle box, byte[] topic, out OutstandingCounts result);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_list_messages(ClientHandle box, int state, byte[] topic, uint limit, byte[] cursor, out IntPtr page);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_page_count(PageHandle page);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_page_message(PageHandle page, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_page_malformed_count(PageHandle page);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_page_malformed(PageHandle page, UIntPtr index, out IntPtr reason);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_page_next(PageHandle page);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_page_free(IntPtr page);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_unpark(ClientHandle box, byte[] id);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_replay(ClientHandle box, IntPtr[] ids, UIntPtr count, IntPtr noReport);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_replay(ClientHandle box, IntPtr[] ids, UIntPtr count, out IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_replay_causation(ClientHandle box, byte[] causationId, out IntPtr report);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_archive(ClientHandle box, MessageCallback archive, IntPtr data, IntPtr cancel, out ArchiveCounts result);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_archive_to_file(ClientHandle box, byte[] path, IntPtr cancel, out ArchiveCounts result);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_start_archiver(ClientHandle box, MessageCallback archive, IntPtr data, ReleaseCallback release);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_start_archiver_to_file(ClientHandle box, byte[] path);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_stop_archiver(ClientHandle box);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_get_stats(ClientHandle box, out Counters stats);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_stats_json(ClientHandle box, out IntPtr json);

        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_report_count(IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr postbox_report_failure_count(IntPtr report);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_report_id(IntPtr report, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern int postbox_report_outcome(IntPtr report, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_report_detail(IntPtr report, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_report_free(IntPtr report);

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr postbox_set_log_callback(int level, LogCallback callback, IntPtr data, ReleaseCallback release);
        [DllImport(Library, CallingConvention = C)] internal static extern void postbox_string_free(IntPtr text);
    }
}
