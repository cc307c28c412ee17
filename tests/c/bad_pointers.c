/*
 * Passes NULL for every pointer argument of every function, and text that is not UTF-8 for every
 * string. Each call returns a clear error or the documented result, and never crashes.
 */
#include "support.h"
#include "tests.h"

#define IS_NULL(name, call) FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "\"" name "\"", call)
#define NOT_TEXT(name, call) FAILS(POSTBOX_ERROR_INVALID_UTF8, "\"" name "\"", call)

void null_handles_have_documented_results(void)
{
    size_t length = 99;
    CHECK(postbox_error_code(NULL) == POSTBOX_ERROR_NONE);
    EQUAL(postbox_error_message(NULL), "");
    CHECK(!postbox_error_is_retryable(NULL));
    CHECK(postbox_error_reason_count(NULL) == 0);
    CHECK(postbox_error_reason_index(NULL, 0) == SIZE_MAX);
    EQUAL(postbox_error_reason_subject(NULL, 0), "");
    EQUAL(postbox_error_reason_code(NULL, 0), "");
    EQUAL(postbox_error_reason_message(NULL, 0), "");
    CHECK(postbox_error_reason_item(NULL, 0) == NULL && postbox_error_reason_read_item(NULL, 0) == NULL);
    EQUAL(postbox_message_id(NULL), "");
    EQUAL(postbox_message_topic(NULL), "");
    CHECK(postbox_message_body(NULL, &length) == NULL && length == 0);
    CHECK(postbox_message_body(NULL, NULL) == NULL);
    CHECK(postbox_message_copy(NULL) == NULL);
    CHECK(postbox_message_created_ticks(NULL) == 0);
    CHECK(postbox_unit_of_work_begin(NULL) == NULL);
    CHECK(postbox_report_count(NULL) == 0 && postbox_report_failure_count(NULL) == 0);
    EQUAL(postbox_report_id(NULL, 0), "");
    EQUAL(postbox_report_detail(NULL, 0), "");
    CHECK(postbox_report_outcome(NULL, 0) == POSTBOX_OUTCOME_NOT_FOUND);
    const char *reason = "untouched";
    CHECK(postbox_page_count(NULL) == 0 && postbox_page_malformed_count(NULL) == 0);
    CHECK(postbox_page_message(NULL, 0) == NULL && postbox_page_next(NULL) == NULL);
    EQUAL(postbox_page_malformed(NULL, 0, NULL), "");
    EQUAL(postbox_page_malformed(NULL, 0, &reason), "");
    EQUAL(reason, "");
    CHECK(postbox_page_missing_count(NULL) == 0);
    EQUAL(postbox_page_missing(NULL, 0), "");
    postbox_page_free(NULL);
    postbox_selection_free(NULL);
    CHECK(!postbox_held_lease_is_held(NULL));
    EQUAL(postbox_held_lease_resource(NULL), "");
    postbox_held_lease_free(NULL);
    postbox_error_free(NULL);
    postbox_config_free(NULL);
    postbox_message_free(NULL);
    postbox_unit_of_work_free(NULL);
    postbox_report_free(NULL);
    postbox_string_free(NULL);
    postbox_cancel_token_cancel(NULL);
    CHECK(!postbox_cancel_token_is_canceled(NULL));
    postbox_cancel_token_free(NULL);
    postbox_free(NULL);
}

void null_settings_and_messages_are_errors(void)
{
    const char *value = "untouched";
    postbox_message *message = NULL;
    postbox_client *box = NULL;
    postbox_config *config = memory_config(NULL);
    IS_NULL("config", postbox_config_set(NULL, "region", "x"));
    IS_NULL("name", postbox_config_set(config, NULL, "x"));
    IS_NULL("value", postbox_config_set(config, "region", NULL));
    IS_NULL("config", postbox_config_get(NULL, "region", &value));
    IS_NULL("name", postbox_config_get(config, NULL, &value));
    IS_NULL("value", postbox_config_get(config, "region", NULL));
    IS_NULL("config", postbox_config_add_producer(NULL, "t", producer_send, NULL, NULL));
    IS_NULL("send", postbox_config_add_producer(config, "t", NULL, NULL, NULL));
    IS_NULL("config", postbox_config_add_batch_producer(NULL, "t", 1, NULL, NULL, NULL));
    IS_NULL("send", postbox_config_add_batch_producer(config, "t", 1, NULL, NULL, NULL));
    IS_NULL("config", postbox_config_set_log_callback(NULL, 0, NULL, NULL, NULL));
    postbox_send_results_set(NULL, 0, POSTBOX_SEND_SENT, NULL);
    IS_NULL("config", postbox_open(NULL, &box));
    postbox_cancel_token *token = NULL;
    IS_NULL("token", postbox_cancel_token_new(NULL));
    IS_NULL("token", postbox_cancel_token_on_wait(NULL, NULL, NULL, NULL));
    OK(postbox_cancel_token_new(&token));
    IS_NULL("callback", postbox_cancel_token_on_wait(token, NULL, NULL, NULL));
    postbox_cancel_token_free(token);
    IS_NULL("client", postbox_close_within(NULL, 0));
    IS_NULL("client", postbox_open(config, NULL));
    IS_NULL("topic", postbox_message_new(NULL, NULL, 0, &message));
    IS_NULL("body", postbox_message_new("t", NULL, 1, &message));
    IS_NULL("message", postbox_message_new("t", NULL, 0, NULL));
    CHECK(message == NULL && box == NULL);
    message = message_of("t", NULL, "x");
    IS_NULL("message", postbox_message_set(NULL, "subject", "x"));
    IS_NULL("name", postbox_message_set(message, NULL, "x"));
    IS_NULL("value", postbox_message_set(message, "subject", NULL));
    IS_NULL("message", postbox_message_set_body(NULL, NULL, 0));
    IS_NULL("body", postbox_message_set_body(message, NULL, 1));
    IS_NULL("message", postbox_message_get(NULL, "subject", &value));
    IS_NULL("name", postbox_message_get(message, NULL, &value));
    IS_NULL("value", postbox_message_get(message, "subject", NULL));
    EQUAL(value, "untouched");
    postbox_item *bag = NULL;
    IS_NULL("message", postbox_message_set_created_ticks(NULL, POSTBOX_UNIX_EPOCH_TICKS));
    IS_NULL("message", postbox_message_bag(NULL, &bag));
    IS_NULL("bag", postbox_message_bag(message, NULL));
    CHECK(bag == NULL);
    OK(postbox_message_bag(message, &bag));
    IS_NULL("message", postbox_message_set_bag(NULL, bag));
    IS_NULL("item", postbox_message_set_bag(message, NULL));
    postbox_item_free(bag);
    OK(postbox_open(config, &box));
    OK(postbox_deposit_post(box, message));
    postbox_message_free(message);
    postbox_config_free(config);
    postbox_free(box);
}

void null_arguments_of_a_postbox_are_errors(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_message *message = message_of("t", "x", "x"), *read = message;
    const postbox_message *messages[] = {message, NULL};
    const char *ids[] = {"x", NULL};
    const postbox_send_outcome outcomes[] = {POSTBOX_SEND_SENT, POSTBOX_SEND_SENT};
    char *item = (char *)"untouched";
    postbox_report *report = NULL;
    bool causation = true;
    IS_NULL("client", postbox_close(NULL));
    IS_NULL("client", postbox_create_table(NULL));
    IS_NULL("client", postbox_verify_table(NULL, &causation));
    IS_NULL("client", postbox_table_warnings(NULL, &item));
    IS_NULL("warnings", postbox_table_warnings(box, NULL));
    IS_NULL("client", postbox_deposit_post(NULL, message));
    IS_NULL("message", postbox_deposit_post(box, NULL));
    IS_NULL("client", postbox_message_to_put(NULL, message, &item));
    IS_NULL("message", postbox_message_to_put(box, NULL, &item));
    IS_NULL("put", postbox_message_to_put(box, message, NULL));
    IS_NULL("client", postbox_cancellation_error(NULL, "[]", "[]"));
    IS_NULL("actions", postbox_cancellation_error(box, NULL, "[]"));
    IS_NULL("reasons", postbox_cancellation_error(box, "[]", NULL));
    IS_NULL("client", postbox_deposit_posts(NULL, messages, 1));
    IS_NULL("messages", postbox_deposit_posts(box, NULL, 1));
    IS_NULL("messages[1]", postbox_deposit_posts(box, messages, 2));
    IS_NULL("client", postbox_post(NULL, message, &report));
    IS_NULL("message", postbox_post(box, NULL, &report));
    IS_NULL("client", postbox_clear_outbox(NULL, ids, 1, NULL, &report));
    IS_NULL("ids", postbox_clear_outbox(box, NULL, 1, NULL, &report));
    IS_NULL("ids[1]", postbox_clear_outbox(box, ids, 2, NULL, &report));
    IS_NULL("client", postbox_mark_dispatched(NULL, ids, 1, &report));
    IS_NULL("ids", postbox_mark_dispatched(box, NULL, 1, &report));
    IS_NULL("ids[1]", postbox_mark_dispatched(box, ids, 2, &report));
    OK(postbox_set_trace_context(NULL, NULL));
    IS_NULL("client", postbox_set_credentials(NULL, "key", "secret", NULL));
    IS_NULL("access_key_id", postbox_set_credentials(box, NULL, "secret", NULL));
    IS_NULL("secret_access_key", postbox_set_credentials(box, "key", NULL, NULL));
    IS_NULL("client", postbox_notify_committed(NULL, ids, 1));
    IS_NULL("ids", postbox_notify_committed(box, NULL, 1));
    IS_NULL("ids[1]", postbox_notify_committed(box, ids, 2));
    IS_NULL("client", postbox_confirm(NULL, "x", POSTBOX_SEND_SENT, NULL));
    IS_NULL("id", postbox_confirm(box, NULL, POSTBOX_SEND_SENT, NULL));
    IS_NULL("client", postbox_confirm_many(NULL, ids, outcomes, NULL, 1));
    IS_NULL("ids", postbox_confirm_many(box, NULL, outcomes, NULL, 1));
    IS_NULL("ids[1]", postbox_confirm_many(box, ids, outcomes, NULL, 2));
    IS_NULL("outcomes", postbox_confirm_many(box, ids, NULL, NULL, 1));
    IS_NULL("client", postbox_get_message(NULL, "x", &read));
    IS_NULL("id", postbox_get_message(box, NULL, &read));
    IS_NULL("message", postbox_get_message(box, "x", NULL));
    IS_NULL("client", postbox_get_item(NULL, "People", ADA, &item));
    IS_NULL("table", postbox_get_item(box, NULL, ADA, &item));
    IS_NULL("key", postbox_get_item(box, "People", NULL, &item));
    IS_NULL("item", postbox_get_item(box, "People", ADA, NULL));
    IS_NULL("client", postbox_embedded_execute(NULL, "ListTables", "{}", &item));
    IS_NULL("operation", postbox_embedded_execute(box, NULL, "{}", &item));
    IS_NULL("request", postbox_embedded_execute(box, "ListTables", NULL, &item));
    CHECK(read == message && report == NULL);
    EQUAL(item, "untouched");
    check_state(box, "x", NULL);
    check_usable(box);
    postbox_message_free(message);
    postbox_free(box);
}

void null_arguments_of_a_unit_are_errors(void)
{
    static const char update[] = "{\"TableName\":\"People\",\"Key\":" ADA ",\"UpdateExpression\":\"REMOVE Age\"}";
    char *item = (char *)"untouched";
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    postbox_message *message = message_of("t", "x", "x");
    IS_NULL("work", postbox_unit_of_work_get_item(NULL, "People", ADA, &item));
    IS_NULL("table", postbox_unit_of_work_get_item(work, NULL, ADA, &item));
    IS_NULL("key", postbox_unit_of_work_get_item(work, "People", NULL, &item));
    IS_NULL("item", postbox_unit_of_work_get_item(work, "People", ADA, NULL));
    EQUAL(item, "untouched");
    IS_NULL("work", postbox_unit_of_work_put(NULL, "People", ADA));
    IS_NULL("table", postbox_unit_of_work_put(work, NULL, ADA));
    IS_NULL("item", postbox_unit_of_work_put(work, "People", NULL));
    IS_NULL("work", postbox_unit_of_work_update(NULL, update));
    IS_NULL("update", postbox_unit_of_work_update(work, NULL));
    IS_NULL("work", postbox_unit_of_work_delete(NULL, "People", ADA));
    IS_NULL("table", postbox_unit_of_work_delete(work, NULL, ADA));
    IS_NULL("key", postbox_unit_of_work_delete(work, "People", NULL));
    IS_NULL("work", postbox_unit_of_work_condition_check(NULL, "{}"));
    IS_NULL("check", postbox_unit_of_work_condition_check(work, NULL));
    IS_NULL("work", postbox_unit_of_work_add(NULL, "{}"));
    IS_NULL("action", postbox_unit_of_work_add(work, NULL));
    IS_NULL("work", postbox_unit_of_work_deposit_post(NULL, message));
    IS_NULL("message", postbox_unit_of_work_deposit_post(work, NULL));
    IS_NULL("work", postbox_unit_of_work_commit(NULL));
    IS_NULL("work", postbox_unit_of_work_rollback(NULL));
    OK(postbox_unit_of_work_deposit_post(work, message));
    OK(postbox_unit_of_work_commit(work));
    check_state(box, "x", "outstanding");
    postbox_message_free(message);
    postbox_unit_of_work_free(work);
    postbox_free(box);
}

void null_arguments_of_delivery_are_errors(void)
{
    const char *ids[] = {"x", NULL};
    char *json = (char *)"untouched";
    struct producer archive = {.outcome = 0};
    postbox_sweep_result swept = {.found = 42};
    postbox_outstanding_count outstanding = {.count = 42};
    postbox_archive_result archived = {.archived = 42};
    postbox_stats stats = {.deposited = 42};
    postbox_page *page = NULL;
    postbox_report *report = NULL;
    postbox_client *box = open_memory(NULL);
    IS_NULL("client", postbox_sweep(NULL, NULL, NULL, &swept));
    IS_NULL("client", postbox_start_sweeper(NULL));
    IS_NULL("client", postbox_stop_sweeper(NULL));
    IS_NULL("client", postbox_count_outstanding(NULL, NULL, &outstanding));
    IS_NULL("result", postbox_count_outstanding(box, NULL, NULL));
    IS_NULL("client", postbox_list_messages(NULL, POSTBOX_STATE_PARKED, NULL, 1, NULL, &page));
    IS_NULL("page", postbox_list_messages(box, POSTBOX_STATE_PARKED, NULL, 1, NULL, NULL));
    uint64_t count = 42;
    postbox_item *item = NULL;
    postbox_selection *selection = postbox_selection_new();
    IS_NULL("selection", postbox_selection_set(NULL, "topic", "x"));
    IS_NULL("name", postbox_selection_set(selection, NULL, "x"));
    IS_NULL("value", postbox_selection_set(selection, "topic", NULL));
    NOT_TEXT("name", postbox_selection_set(selection, NOT_UTF8, "x"));
    NOT_TEXT("value", postbox_selection_set(selection, "topic", NOT_UTF8));
    IS_NULL("client", postbox_select_messages(NULL, POSTBOX_STATE_PARKED, selection, &page));
    IS_NULL("page", postbox_select_messages(box, POSTBOX_STATE_PARKED, selection, NULL));
    IS_NULL("client", postbox_count_messages(NULL, POSTBOX_STATE_PARKED, selection, &count));
    IS_NULL("count", postbox_count_messages(box, POSTBOX_STATE_PARKED, selection, NULL));
    postbox_selection_free(selection);
    IS_NULL("client", postbox_topic_counts(NULL, false, &item));
    IS_NULL("counts", postbox_topic_counts(box, false, NULL));
    IS_NULL("client", postbox_dispatched_between(NULL, "t", 0, 1, &count));
    IS_NULL("topic", postbox_dispatched_between(box, NULL, 0, 1, &count));
    IS_NULL("count", postbox_dispatched_between(box, "t", 0, 1, NULL));
    IS_NULL("client", postbox_leases(NULL, &item));
    IS_NULL("leases", postbox_leases(box, NULL));
    IS_NULL("client", postbox_sweepers(NULL, &item));
    IS_NULL("sweepers", postbox_sweepers(box, NULL));
    IS_NULL("client", postbox_location(NULL, &json));
    IS_NULL("location", postbox_location(box, NULL));
    bool held = true;
    postbox_held_lease *lease = NULL;
    IS_NULL("client", postbox_obtain_lease(NULL, "x", 60000, &lease));
    IS_NULL("resource", postbox_obtain_lease(box, NULL, 60000, &lease));
    NOT_TEXT("resource", postbox_obtain_lease(box, NOT_UTF8, 60000, &lease));
    IS_NULL("lease", postbox_obtain_lease(box, "x", 60000, NULL));
    CHECK(lease == NULL);
    OK(postbox_obtain_lease(box, "x", 60000, &lease));
    IS_NULL("lease", postbox_held_lease_renew(NULL, &held));
    IS_NULL("is_held", postbox_held_lease_renew(lease, NULL));
    IS_NULL("lease", postbox_held_lease_release(NULL));
    CHECK(held && postbox_held_lease_is_held(lease));
    postbox_held_lease_free(lease);
    CHECK(count == 42 && item == NULL);
    IS_NULL("client", postbox_get_messages(NULL, ids, 1, &page));
    IS_NULL("ids", postbox_get_messages(box, NULL, 1, &page));
    IS_NULL("ids[1]", postbox_get_messages(box, ids, 2, &page));
    IS_NULL("page", postbox_get_messages(box, ids, 1, NULL));
    IS_NULL("client", postbox_mark_dispatched_at(NULL, ids, 1, POSTBOX_UNIX_EPOCH_TICKS, &report));
    IS_NULL("ids", postbox_mark_dispatched_at(box, NULL, 1, POSTBOX_UNIX_EPOCH_TICKS, &report));
    IS_NULL("ids[1]", postbox_mark_dispatched_at(box, ids, 2, POSTBOX_UNIX_EPOCH_TICKS, &report));
    IS_NULL("client", postbox_delete_message(NULL, "x", POSTBOX_STATE_PARKED, NULL));
    IS_NULL("id", postbox_delete_message(box, NULL, POSTBOX_STATE_PARKED, NULL));
    IS_NULL("client", postbox_unpark(NULL, "x"));
    IS_NULL("id", postbox_unpark(box, NULL));
    IS_NULL("client", postbox_replay(NULL, ids, 1, &report));
    IS_NULL("ids", postbox_replay(box, NULL, 1, &report));
    IS_NULL("ids[1]", postbox_replay(box, ids, 2, &report));
    IS_NULL("client", postbox_replay_causation(NULL, "x", &report));
    IS_NULL("causation_id", postbox_replay_causation(box, NULL, &report));
    IS_NULL("client", postbox_archive(NULL, producer_send, &archive, NULL, &archived));
    IS_NULL("archive", postbox_archive(box, NULL, &archive, NULL, &archived));
    IS_NULL("client", postbox_archive_to_file(NULL, "/dev/null", NULL, &archived));
    IS_NULL("path", postbox_archive_to_file(box, NULL, NULL, &archived));
    IS_NULL("client", postbox_start_archiver(NULL, producer_send, &archive, producer_release));
    IS_NULL("archive", postbox_start_archiver(box, NULL, &archive, producer_release));
    IS_NULL("client", postbox_start_archiver_to_file(NULL, "/dev/null"));
    IS_NULL("path", postbox_start_archiver_to_file(box, NULL));
    IS_NULL("client", postbox_stop_archiver(NULL));
    IS_NULL("client", postbox_get_stats(NULL, &stats));
    IS_NULL("stats", postbox_get_stats(box, NULL));
    IS_NULL("client", postbox_stats_json(NULL, &json));
    IS_NULL("json", postbox_stats_json(box, NULL));
    CHECK(swept.found == 42 && outstanding.count == 42 && archived.archived == 42 && stats.deposited == 42);
    CHECK(page == NULL && report == NULL && archive.released == 0);
    EQUAL(json, "untouched");
    /* `data` may be NULL, as every value that Postbox only passes on. */
    OK(postbox_archive(box, producer_send, NULL, NULL, NULL));
    check_usable(box);
    postbox_free(box);
}

void text_that_is_not_utf8_is_rejected(void)
{
    const char *value = NULL, *ids[] = {"x", NOT_UTF8};
    char *item = NULL;
    postbox_message *message = NULL;
    postbox_report *report = NULL;
    postbox_config *config = memory_config(NULL);
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    NOT_TEXT("name", postbox_config_set(config, NOT_UTF8, "x"));
    NOT_TEXT("value", postbox_config_set(config, "region", NOT_UTF8));
    NOT_TEXT("name", postbox_config_get(config, NOT_UTF8, &value));
    NOT_TEXT("topic", postbox_config_add_producer(config, NOT_UTF8, producer_send, NULL, NULL));
    NOT_TEXT("topic", postbox_message_new(NOT_UTF8, NULL, 0, &message));
    CHECK(message == NULL);
    message = message_of("t", "x", "x");
    NOT_TEXT("name", postbox_message_set(message, NOT_UTF8, "x"));
    NOT_TEXT("value", postbox_message_set(message, "subject", NOT_UTF8));
    NOT_TEXT("name", postbox_message_get(message, NOT_UTF8, &value));
    NOT_TEXT("ids[1]", postbox_clear_outbox(box, ids, 2, NULL, &report));
    NOT_TEXT("ids[1]", postbox_mark_dispatched(box, ids, 2, &report));
    NOT_TEXT("ids[1]", postbox_notify_committed(box, ids, 2));
    NOT_TEXT("id", postbox_confirm(box, NOT_UTF8, POSTBOX_SEND_SENT, NULL));
    NOT_TEXT("reason", postbox_confirm(box, "x", POSTBOX_SEND_RETRY, NOT_UTF8));
    postbox_message *read = NULL;
    NOT_TEXT("id", postbox_get_message(box, NOT_UTF8, &read));
    postbox_sweep_result swept = {.found = 42};
    postbox_outstanding_count outstanding = {.count = 42};
    postbox_archive_result archived = {.archived = 42};
    postbox_page *page = NULL;
    NOT_TEXT("topic", postbox_sweep(box, NOT_UTF8, NULL, &swept));
    NOT_TEXT("topic", postbox_count_outstanding(box, NOT_UTF8, &outstanding));
    NOT_TEXT("topic", postbox_list_messages(box, POSTBOX_STATE_PARKED, NOT_UTF8, 1, NULL, &page));
    NOT_TEXT("cursor", postbox_list_messages(box, POSTBOX_STATE_PARKED, NULL, 1, NOT_UTF8, &page));
    NOT_TEXT("ids[1]", postbox_get_messages(box, ids, 2, &page));
    NOT_TEXT("ids[1]", postbox_mark_dispatched_at(box, ids, 2, POSTBOX_UNIX_EPOCH_TICKS, &report));
    NOT_TEXT("id", postbox_delete_message(box, NOT_UTF8, POSTBOX_STATE_PARKED, NULL));
    NOT_TEXT("id", postbox_unpark(box, NOT_UTF8));
    NOT_TEXT("ids[1]", postbox_replay(box, ids, 2, &report));
    NOT_TEXT("causation_id", postbox_replay_causation(box, NOT_UTF8, &report));
    NOT_TEXT("path", postbox_archive_to_file(box, NOT_UTF8, NULL, &archived));
    NOT_TEXT("path", postbox_start_archiver_to_file(box, NOT_UTF8));
    CHECK(swept.found == 42 && outstanding.count == 42 && archived.archived == 42 && page == NULL);
    NOT_TEXT("table", postbox_get_item(box, NOT_UTF8, ADA, &item));
    NOT_TEXT("key", postbox_get_item(box, "People", NOT_UTF8, &item));
    NOT_TEXT("operation", postbox_embedded_execute(box, NOT_UTF8, "{}", &item));
    NOT_TEXT("request", postbox_embedded_execute(box, "ListTables", NOT_UTF8, &item));
    NOT_TEXT("actions", postbox_cancellation_error(box, NOT_UTF8, "[]"));
    NOT_TEXT("reasons", postbox_cancellation_error(box, "[]", NOT_UTF8));
    NOT_TEXT("table", postbox_unit_of_work_get_item(work, NOT_UTF8, ADA, &item));
    NOT_TEXT("key", postbox_unit_of_work_get_item(work, "People", NOT_UTF8, &item));
    NOT_TEXT("table", postbox_unit_of_work_put(work, NOT_UTF8, ADA));
    NOT_TEXT("item", postbox_unit_of_work_put(work, "People", NOT_UTF8));
    NOT_TEXT("update", postbox_unit_of_work_update(work, NOT_UTF8));
    NOT_TEXT("table", postbox_unit_of_work_delete(work, NOT_UTF8, ADA));
    NOT_TEXT("key", postbox_unit_of_work_delete(work, "People", NOT_UTF8));
    NOT_TEXT("check", postbox_unit_of_work_condition_check(work, NOT_UTF8));
    NOT_TEXT("action", postbox_unit_of_work_add(work, NOT_UTF8));
    CHECK(value == NULL && report == NULL && read == NULL && item == NULL);
    OK(postbox_unit_of_work_deposit_post(work, message));
    OK(postbox_unit_of_work_commit(work));
    check_state(box, "x", "outstanding");
    postbox_message_free(message);
    postbox_config_free(config);
    postbox_unit_of_work_free(work);
    postbox_free(box);
}

void null_arguments_of_items_are_errors(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    postbox_item *item = postbox_item_new(), *read = item;
    char *json = NULL;
    CHECK(postbox_item_get(NULL, "a") == NULL && postbox_item_value(NULL) == NULL);
    CHECK(postbox_value_kind(NULL) == POSTBOX_KIND_MISSING && postbox_value_string(NULL, NULL) == NULL);
    CHECK(postbox_value_binary(NULL, NULL) == NULL && !postbox_value_bool(NULL) && postbox_value_count(NULL) == 0);
    CHECK(postbox_value_at(NULL, 0) == NULL && postbox_value_name_at(NULL, 0, NULL) == NULL && postbox_value_member(NULL, "a") == NULL);
    IS_NULL("number", postbox_value_int64(postbox_item_get(item, "a"), NULL));
    IS_NULL("number", postbox_value_double(postbox_item_get(item, "a"), NULL));
    IS_NULL("number", postbox_value_int64_or(NULL, 0, NULL));
    IS_NULL("number", postbox_value_double_or(NULL, 0, NULL));
    IS_NULL("flag", postbox_value_bool_or(NULL, false, NULL));
    IS_NULL("item", postbox_item_copy(NULL, &read));
    IS_NULL("copy", postbox_item_copy(item, NULL));
    postbox_item_free(NULL);
    IS_NULL("json", postbox_item_from_json(NULL, &read));
    IS_NULL("item", postbox_item_from_json("{}", NULL));
    FAILS(POSTBOX_ERROR_INVALID_JSON, "a needs an attribute value", postbox_item_from_json("{\"a\":1}", &read));
    IS_NULL("item", postbox_item_to_json(NULL, &json));
    IS_NULL("json", postbox_item_to_json(item, NULL));
    IS_NULL("item", postbox_item_set_string(NULL, "a", "b"));
    IS_NULL("value", postbox_item_set_string(item, "a", NULL));
    IS_NULL("item", postbox_item_set_string_of_length(NULL, "a", "b", 1));
    IS_NULL("value", postbox_item_set_string_of_length(item, "a", NULL, 1));
    IS_NULL("item", postbox_item_set_number(NULL, "a", "1"));
    IS_NULL("value", postbox_item_set_number(item, "a", NULL));
    IS_NULL("item", postbox_item_set_int64(NULL, "a", 1));
    IS_NULL("item", postbox_item_set_double(NULL, "a", 1));
    IS_NULL("item", postbox_item_set_bool(NULL, "a", true));
    IS_NULL("item", postbox_item_set_null(NULL, "a"));
    IS_NULL("item", postbox_item_set_binary(NULL, "a", NULL, 0));
    IS_NULL("value", postbox_item_set_binary(item, "a", NULL, 1));
    IS_NULL("item", postbox_item_begin(NULL, "a", POSTBOX_KIND_MAP));
    IS_NULL("item", postbox_item_end(NULL));
    IS_NULL("item", postbox_item_remove(NULL, "a"));
    IS_NULL("name", postbox_item_remove(item, NULL));
    OK(postbox_item_to_json(item, &json));
    EQUAL(json, "{}");
    IS_NULL("work", postbox_unit_of_work_put_item(NULL, "People", item, NULL));
    IS_NULL("table", postbox_unit_of_work_put_item(work, NULL, item, NULL));
    IS_NULL("item", postbox_unit_of_work_put_item(work, "People", NULL, NULL));
    IS_NULL("work", postbox_unit_of_work_delete_item(NULL, "People", item, NULL));
    IS_NULL("item", postbox_unit_of_work_delete_item(work, "People", NULL, NULL));
    IS_NULL("item", postbox_unit_of_work_update_item(work, "People", NULL, NULL));
    IS_NULL("item", postbox_unit_of_work_check_item(work, "People", NULL, NULL));
    IS_NULL("work", postbox_unit_of_work_read_item(NULL, "People", item, &read));
    IS_NULL("item", postbox_unit_of_work_read_item(work, "People", item, NULL));
    IS_NULL("client", postbox_read_item(NULL, "People", item, &read));
    IS_NULL("item", postbox_read_item(box, "People", NULL, &read));
    CHECK(read == item);
    postbox_string_free(json);
    postbox_item_free(item);
    postbox_unit_of_work_free(work);
    postbox_free(box);
}

static void never(void *data, postbox_error *error, postbox_result *result)
{
    (void)data, (void)error, (void)result;
    CHECK(!"an operation that was not started is reported");
}

/* A start without a callback, and one without a client. The other arguments are valid. */
#define STARTS_NOTHING(function, ...) \
    do { \
        IS_NULL("callback", function(box, __VA_ARGS__, NULL, NULL, NULL)); \
        IS_NULL("client", function(NULL, __VA_ARGS__, never, NULL, NULL)); \
    } while (0)

void null_arguments_of_started_operations_are_errors(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_message *message = message_of("t", "x", "x");
    const postbox_message *messages[] = {message, NULL};
    const char *ids[] = {"x", NULL};
    const postbox_send_outcome outcomes[] = {POSTBOX_SEND_SENT, POSTBOX_SEND_SENT};
    postbox_item *key = postbox_item_new();
    CHECK(postbox_unit_of_work_begin_async(NULL) == NULL);
    IS_NULL("work", postbox_unit_of_work_commit_async(NULL, never, NULL, NULL));
    STARTS_NOTHING(postbox_deposit_post_async, message);
    IS_NULL("message", postbox_deposit_post_async(box, NULL, never, NULL, NULL));
    STARTS_NOTHING(postbox_deposit_posts_async, messages, 1);
    IS_NULL("messages[1]", postbox_deposit_posts_async(box, messages, 2, never, NULL, NULL));
    STARTS_NOTHING(postbox_clear_outbox_async, ids, 1);
    IS_NULL("ids[1]", postbox_clear_outbox_async(box, ids, 2, never, NULL, NULL));
    STARTS_NOTHING(postbox_mark_dispatched_async, ids, 1);
    IS_NULL("ids", postbox_mark_dispatched_async(box, NULL, 1, never, NULL, NULL));
    STARTS_NOTHING(postbox_mark_dispatched_at_async, ids, 1, 1);
    IS_NULL("ids[1]", postbox_mark_dispatched_at_async(box, ids, 2, 1, never, NULL, NULL));
    STARTS_NOTHING(postbox_get_messages_async, ids, 1);
    IS_NULL("ids[1]", postbox_get_messages_async(box, ids, 2, never, NULL, NULL));
    STARTS_NOTHING(postbox_delete_message_async, "x", POSTBOX_STATE_PARKED);
    IS_NULL("id", postbox_delete_message_async(box, NULL, POSTBOX_STATE_PARKED, never, NULL, NULL));
    STARTS_NOTHING(postbox_replay_async, ids, 1);
    IS_NULL("ids[1]", postbox_replay_async(box, ids, 2, never, NULL, NULL));
    STARTS_NOTHING(postbox_replay_causation_async, "x");
    IS_NULL("causation_id", postbox_replay_causation_async(box, NULL, never, NULL, NULL));
    STARTS_NOTHING(postbox_confirm_async, "x", POSTBOX_SEND_SENT, NULL);
    IS_NULL("id", postbox_confirm_async(box, NULL, POSTBOX_SEND_SENT, NULL, never, NULL, NULL));
    STARTS_NOTHING(postbox_confirm_many_async, ids, outcomes, NULL, 1);
    IS_NULL("outcomes", postbox_confirm_many_async(box, ids, NULL, NULL, 1, never, NULL, NULL));
    STARTS_NOTHING(postbox_get_message_async, "x");
    IS_NULL("id", postbox_get_message_async(box, NULL, never, NULL, NULL));
    NOT_TEXT("id", postbox_get_message_async(box, NOT_UTF8, never, NULL, NULL));
    STARTS_NOTHING(postbox_read_item_async, "People", key);
    IS_NULL("table", postbox_read_item_async(box, NULL, key, never, NULL, NULL));
    IS_NULL("item", postbox_read_item_async(box, "People", NULL, never, NULL, NULL));
    STARTS_NOTHING(postbox_list_messages_async, POSTBOX_STATE_PARKED, NULL, 1, NULL);
    NOT_TEXT("topic", postbox_list_messages_async(box, POSTBOX_STATE_PARKED, NOT_UTF8, 1, NULL, never, NULL, NULL));
    STARTS_NOTHING(postbox_count_outstanding_async, NULL);
    NOT_TEXT("topic", postbox_count_outstanding_async(box, NOT_UTF8, never, NULL, NULL));
    STARTS_NOTHING(postbox_unpark_async, "x");
    IS_NULL("id", postbox_unpark_async(box, NULL, never, NULL, NULL));
    STARTS_NOTHING(postbox_select_messages_async, POSTBOX_STATE_PARKED, NULL);
    STARTS_NOTHING(postbox_count_messages_async, POSTBOX_STATE_PARKED, NULL);
    STARTS_NOTHING(postbox_dispatched_between_async, "t", 0, 1);
    IS_NULL("topic", postbox_dispatched_between_async(box, NULL, 0, 1, never, NULL, NULL));
    STARTS_NOTHING(postbox_topic_counts_async, false);
    STARTS_NOTHING(postbox_obtain_lease_async, "x", 1000);
    IS_NULL("resource", postbox_obtain_lease_async(box, NULL, 1000, never, NULL, NULL));
    IS_NULL("lease", postbox_held_lease_renew_async(NULL, never, NULL, NULL));
    IS_NULL("lease", postbox_held_lease_release_async(NULL, never, NULL, NULL));
    CHECK(postbox_result_take_lease(NULL) == NULL);
    IS_NULL("client", postbox_leases_async(NULL, never, NULL, NULL));
    IS_NULL("callback", postbox_leases_async(box, NULL, NULL, NULL));
    IS_NULL("client", postbox_sweepers_async(NULL, never, NULL, NULL));
    IS_NULL("callback", postbox_sweepers_async(box, NULL, NULL, NULL));
    IS_NULL("client", postbox_location_async(NULL, never, NULL, NULL));
    IS_NULL("callback", postbox_location_async(box, NULL, NULL, NULL));
    IS_NULL("client", postbox_create_table_async(NULL, never, NULL, NULL));
    IS_NULL("callback", postbox_create_table_async(box, NULL, NULL, NULL));
    IS_NULL("client", postbox_verify_table_async(NULL, never, NULL, NULL));
    IS_NULL("callback", postbox_verify_table_async(box, NULL, NULL, NULL));
    IS_NULL("client", postbox_table_warnings_async(NULL, never, NULL, NULL));
    IS_NULL("callback", postbox_table_warnings_async(box, NULL, NULL, NULL));

    postbox_outstanding_count count;
    CHECK(postbox_result_take_message(NULL) == NULL && postbox_result_take_item(NULL) == NULL);
    CHECK(postbox_result_take_page(NULL) == NULL && postbox_result_take_report(NULL) == NULL);
    CHECK(postbox_result_take_text(NULL) == NULL && !postbox_result_flag(NULL));
    CHECK(postbox_result_number(NULL) == 0);
    CHECK(!postbox_result_outstanding_count(NULL, &count));
    postbox_result_free(NULL);
    postbox_operation_cancel(NULL);
    postbox_operation_free(NULL);
    postbox_item_free(key);
    postbox_message_free(message);
    postbox_free(box);
}
