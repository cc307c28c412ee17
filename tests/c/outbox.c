/* The outbox: deposit, get, clear, mark, reports, the table. */
#include "support.h"
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void message_is_deposited_read_cleared_and_skipped(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    const char *value = NULL, *ids[] = {"one", "nobody", "one", ""};
    char *answer = NULL;
    postbox_report *report = NULL;
    postbox_message *message = NULL;
    postbox_client *box = open_memory(&producer);
    deposit(box, "one");
    OK(postbox_get_message(box, "one", &message));
    OK(postbox_message_get(message, "state", &value));
    EQUAL(value, "outstanding");
    OK(postbox_message_get(message, "dispatched_at", &value));
    CHECK(value == NULL);
    OK(postbox_message_get(message, "dispatch_attempts", &value));
    EQUAL(value, "0");
    OK(postbox_message_get(message, "last_error", &value));
    CHECK(value == NULL);
    postbox_message_free(message);

    OK(postbox_clear_outbox(box, ids, COUNT(ids), NULL, &report));
    CHECK(postbox_report_count(report) == 3 && postbox_report_failure_count(report) == 2);
    EQUAL(postbox_report_id(report, 0), "one");
    CHECK(postbox_report_outcome(report, 0) == POSTBOX_OUTCOME_DISPATCHED);
    EQUAL(postbox_report_detail(report, 0), "");
    EQUAL(postbox_report_id(report, 1), "nobody");
    CHECK(postbox_report_outcome(report, 1) == POSTBOX_OUTCOME_NOT_FOUND);
    HOLDS(postbox_report_detail(report, 1), "no such message");
    CHECK(postbox_report_outcome(report, 2) == POSTBOX_OUTCOME_NOT_FOUND);
    EQUAL(postbox_report_id(report, 3), "");
    EQUAL(postbox_report_detail(report, SIZE_MAX), "");
    CHECK(postbox_report_outcome(report, 3) == POSTBOX_OUTCOME_NOT_FOUND);
    postbox_report_free(report);
    CHECK(producer.sent == 1);

    message = NULL;
    OK(postbox_get_message(box, "one", &message));
    OK(postbox_message_get(message, "state", &value));
    EQUAL(value, "dispatched");
    OK(postbox_message_get(message, "dispatched_at", &value));
    CHECK(value != NULL);
    EQUAL(postbox_message_topic(message), "greeting.made");
    postbox_message_free(message);
    /* The message is not sent again, not even after a second deposit. */
    CHECK(clear(box, "one", NULL, 0) == POSTBOX_OUTCOME_ALREADY_DISPATCHED);
    deposit(box, "one");
    CHECK(clear(box, "one", NULL, 0) == POSTBOX_OUTCOME_ALREADY_DISPATCHED);
    CHECK(producer.sent == 1);
    OK(postbox_embedded_execute(box, "Scan", "{\"TableName\":\"brighter_outbox\"}", &answer));
    HOLDS(answer, "\"Count\":1");
    postbox_string_free(answer);
    postbox_free(box);
}

void without_a_report_a_failed_message_is_an_error(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    const char *ids[] = {"one", "nobody"};
    postbox_client *box = open_memory(&producer);
    deposit(box, "one");
    postbox_error *error =
        ERROR_OF(POSTBOX_ERROR_CLEAR_INCOMPLETE, "1 of 2", postbox_clear_outbox(box, ids, COUNT(ids), NULL, NULL));
    CHECK(postbox_error_reason_count(error) == 1 && postbox_error_reason_index(error, 0) == 1);
    EQUAL(postbox_error_reason_subject(error, 0), "nobody");
    EQUAL(postbox_error_reason_code(error, 0), "NotFound");
    CHECK(postbox_error_reason_item(error, 0) == NULL);
    postbox_error_free(error);
    check_state(box, "one", "dispatched");
    FAILS(POSTBOX_ERROR_CLEAR_INCOMPLETE, "1 of 2", postbox_mark_dispatched(box, ids, COUNT(ids), NULL));
    OK(postbox_clear_outbox(box, NULL, 0, NULL, NULL));
    OK(postbox_mark_dispatched(box, NULL, 0, NULL));
    postbox_free(box);
}

void many_are_deposited_and_marked(void)
{
    enum { MANY = 60 };
    postbox_message *messages[MANY];
    const char *ids[MANY];
    char names[MANY][16];
    postbox_report *report = NULL;
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    postbox_client *box = open_memory(&producer);
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "bulk-%02d", i);
        ids[i] = names[i];
        messages[i] = message_of("greeting.made", ids[i], "x");
    }
    OK(postbox_deposit_posts(box, (const postbox_message *const *)messages, MANY));
    OK(postbox_deposit_posts(box, (const postbox_message *const *)messages, MANY));
    OK(postbox_deposit_posts(box, NULL, 0));
    OK(postbox_mark_dispatched(box, ids, MANY / 2, &report));
    CHECK(postbox_report_count(report) == MANY / 2 && postbox_report_failure_count(report) == 0);
    postbox_report_free(report);
    OK(postbox_clear_outbox(box, ids, MANY, NULL, &report));
    for (int i = 0; i < MANY; i++) {
        CHECK(postbox_report_outcome(report, (size_t)i) ==
              (i < MANY / 2 ? POSTBOX_OUTCOME_ALREADY_DISPATCHED : POSTBOX_OUTCOME_DISPATCHED));
        if (i >= MANY / 2)
            EQUAL(producer.ids[i - MANY / 2], ids[i]);
        postbox_message_free(messages[i]);
    }
    CHECK(producer.sent == MANY / 2);
    postbox_report_free(report);
    postbox_free(box);
}

/* One id that no message can have does not stop the others. */
void impossible_id_is_not_found(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    char *too_long = long_text(2049);
    const char *ids[] = {"", "one", too_long};
    postbox_message *message = NULL;
    postbox_report *report = NULL;
    postbox_client *box = open_memory(&producer);
    deposit(box, "one");
    OK(postbox_get_message(box, too_long, &message));
    CHECK(message == NULL);
    for (int mark = 0; mark < 2; mark++) {
        OK(mark ? postbox_mark_dispatched(box, ids, COUNT(ids), &report) : postbox_clear_outbox(box, ids, COUNT(ids), NULL, &report));
        CHECK(postbox_report_outcome(report, 0) == POSTBOX_OUTCOME_NOT_FOUND);
        CHECK(postbox_report_outcome(report, 1) == (mark ? POSTBOX_OUTCOME_ALREADY_DISPATCHED : POSTBOX_OUTCOME_DISPATCHED));
        CHECK(postbox_report_outcome(report, 2) == POSTBOX_OUTCOME_NOT_FOUND);
        HOLDS(postbox_report_detail(report, 2), "no such message");
        postbox_report_free(report);
    }
    free(too_long);
    postbox_free(box);
}

void post_deposits_and_sends(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    postbox_report *report = NULL;
    postbox_client *box = open_memory(&producer);
    postbox_message *message = message_of("greeting.made", "posted", "x");
    OK(postbox_post(box, message, &report));
    CHECK(postbox_report_outcome(report, 0) == POSTBOX_OUTCOME_DISPATCHED);
    postbox_report_free(report);
    OK(postbox_post(box, message, NULL));
    CHECK(producer.sent == 1);
    check_state(box, "posted", "dispatched");
    producer.outcome = POSTBOX_SEND_RETRY;
    OK(postbox_message_set(message, "id", "posted-2"));
    FAILS(POSTBOX_ERROR_CLEAR_INCOMPLETE, "1 of 1", postbox_post(box, message, NULL));
    check_state(box, "posted-2", "outstanding");
    postbox_message_free(message);
    postbox_free(box);
}

void invalid_message_is_rejected(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    postbox_message *message = message_of("", "bad", "x"), *good = message_of("t", "good", "x");
    const postbox_message *both[] = {good, message};
    FAILS(POSTBOX_ERROR_INVALID_MESSAGE, "topic is empty", postbox_deposit_post(box, message));
    FAILS(POSTBOX_ERROR_INVALID_MESSAGE, "topic is empty", postbox_unit_of_work_deposit_post(work, message));
    FAILS(POSTBOX_ERROR_INVALID_MESSAGE, "topic is empty", postbox_post(box, message, NULL));
    FAILS(POSTBOX_ERROR_INVALID_MESSAGE, "topic is empty", postbox_deposit_posts(box, both, 2));
    check_state(box, "good", NULL);
    OK(postbox_message_set(message, "topic", "t"));
    OK(postbox_message_set(message, "id", ""));
    FAILS(POSTBOX_ERROR_INVALID_MESSAGE, "id is empty", postbox_deposit_post(box, message));
    OK(postbox_message_set(message, "id", "bad"));
    OK(postbox_message_set(message, "character_encoding", "ASCII"));
    OK(postbox_message_set_body(message, (const uint8_t *)"\xe4", 1));
    FAILS(POSTBOX_ERROR_INVALID_MESSAGE, "not valid ASCII", postbox_deposit_post(box, message));
    OK(postbox_message_set(message, "character_encoding", "Raw"));
    OK(postbox_deposit_posts(box, both, 2));
    check_state(box, "good", "outstanding");
    check_state(box, "bad", "outstanding");
    postbox_message_free(good);
    postbox_message_free(message);
    postbox_unit_of_work_free(work);
    postbox_free(box);
}

void body_of_any_bytes_comes_back(void)
{
    static const uint8_t bytes[] = {0, 1, 0xff, 0, 0x80};
    static const uint8_t text[] = "gr\xc3\xbc\xc3\x9f";
    struct { const uint8_t *body; size_t length; const char *type, *encoding; } bodies[] = {
        {bytes, sizeof bytes, "application/octet-stream", "Raw"}, {text, 6, "application/octet-stream", "Raw"},
        {text, 6, "text/plain", "UTF8"}, {NULL, 0, "", "UTF8"}};
    postbox_client *box = open_memory(NULL);
    for (size_t i = 0; i < COUNT(bodies); i++) {
        size_t length = 99;
        const char *encoding = NULL;
        postbox_message *message = NULL, *read = NULL;
        OK(postbox_message_new("t", bodies[i].body, bodies[i].length, &message));
        OK(postbox_message_set(message, "content_type", bodies[i].type));
        OK(postbox_deposit_post(box, message));
        OK(postbox_get_message(box, postbox_message_id(message), &read));
        const uint8_t *body = postbox_message_body(read, &length);
        CHECK(length == bodies[i].length && (length == 0 || memcmp(body, bodies[i].body, length) == 0));
        OK(postbox_message_get(read, "character_encoding", &encoding));
        EQUAL(encoding, bodies[i].encoding);
        postbox_message_free(read);
        postbox_message_free(message);
    }
    postbox_message *message = NULL;
    OK(postbox_message_new("t", bytes, sizeof bytes, &message));
    FAILS(POSTBOX_ERROR_INVALID_MESSAGE, "application/octet-stream", postbox_deposit_post(box, message));
    postbox_message_free(message);
    postbox_free(box);
}

void missing_values_are_null(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_message *kept = message_of("t", NULL, "x"), *message = kept;
    char *item = (char *)"untouched";
    OK(postbox_get_message(box, "nobody", &message));
    CHECK(message == NULL);
    message = kept;
    OK(postbox_get_message(box, "", &message));
    CHECK(message == NULL);
    OK(postbox_get_item(box, "People", ADA, &item));
    CHECK(item == NULL);
    postbox_message_free(kept);
    postbox_free(box);
}

void malformed_item_names_its_attribute(void)
{
    postbox_message *message = NULL;
    char detail[256];
    postbox_client *box = open_memory(NULL);
    OK(postbox_embedded_execute(box, "PutItem", "{\"TableName\":\"brighter_outbox\",\"Item\":{\"MessageId\":{\"S\":\"odd\"}}}", NULL));
    postbox_error *error = postbox_get_message(box, "odd", &message);
    CHECK(postbox_error_code(error) == POSTBOX_ERROR_MALFORMED_ITEM);
    HOLDS(postbox_error_message(error), "Body");
    postbox_error_free(error);
    CHECK(message == NULL);
    CHECK(clear(box, "odd", detail, sizeof detail) == POSTBOX_OUTCOME_MALFORMED);
    HOLDS(detail, "Body");
    check_usable(box);
    postbox_free(box);
}

void table_is_made_and_verified(void)
{
    bool causation = false;
    postbox_client *box = open_memory(NULL);
    OK(postbox_verify_table(box, &causation));
    CHECK(causation);
    OK(postbox_verify_table(box, NULL));
    char *warnings = NULL;
    OK(postbox_table_warnings(box, &warnings));
    HOLDS(warnings, "lock table: ");
    postbox_string_free(warnings);
    OK(postbox_embedded_execute(box, "CreateTable", "{\"TableName\":\"brighter_distributed_lock\",\"BillingMode\":\"PAY_PER_REQUEST\","
        "\"AttributeDefinitions\":[{\"AttributeName\":\"ResourceId\",\"AttributeType\":\"S\"}],"
        "\"KeySchema\":[{\"AttributeName\":\"ResourceId\",\"KeyType\":\"HASH\"}]}", NULL));
    OK(postbox_table_warnings(box, &warnings));
    CHECK(warnings == NULL);
    OK(postbox_create_table(box));
    OK(postbox_embedded_execute(box, "DeleteTable", "{\"TableName\":\"brighter_outbox\"}", NULL));
    FAILS(POSTBOX_ERROR_TABLE_NOT_FOUND, "brighter_outbox", postbox_verify_table(box, &causation));
    postbox_message *message = message_of("t", NULL, "x");
    FAILS(POSTBOX_ERROR_TABLE_NOT_FOUND, "brighter_outbox", postbox_deposit_post(box, message));
    FAILS(POSTBOX_ERROR_DEPOSIT_INCOMPLETE, "1 of 1",
          postbox_deposit_posts(box, (const postbox_message *const *)&message, 1));
    postbox_message_free(message);
    OK(postbox_create_table(box));
    check_usable(box);
    postbox_free(box);
}

void missing_index_is_named(void)
{
    postbox_client *box = open_memory(NULL);
    OK(postbox_embedded_execute(box, "DeleteTable", "{\"TableName\":\"brighter_outbox\"}", NULL));
    OK(postbox_embedded_execute(
        box, "CreateTable",
        "{\"TableName\":\"brighter_outbox\",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":["
        "{\"AttributeName\":\"MessageId\",\"AttributeType\":\"S\"},{\"AttributeName\":\"TopicShard\",\"AttributeType\":\"S\"},"
        "{\"AttributeName\":\"DeliveryTime\",\"AttributeType\":\"N\"}],"
        "\"KeySchema\":[{\"AttributeName\":\"MessageId\",\"KeyType\":\"HASH\"}],"
        "\"GlobalSecondaryIndexes\":[{\"IndexName\":\"Delivered\",\"Projection\":{\"ProjectionType\":\"ALL\"},"
        "\"KeySchema\":[{\"AttributeName\":\"TopicShard\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"DeliveryTime\",\"KeyType\":\"RANGE\"}]}]}",
        NULL));
    for (int create = 0; create < 2; create++) {
        bool outstanding = false, delivered = false;
        postbox_error *error = create ? postbox_create_table(box) : postbox_verify_table(box, NULL);
        CHECK(postbox_error_code(error) == POSTBOX_ERROR_INVALID_TABLE);
        CHECK(postbox_error_reason_count(error) == 3);
        for (size_t i = 0; i < postbox_error_reason_count(error); i++) {
            outstanding = outstanding || strcmp(postbox_error_reason_subject(error, i), "Outstanding") == 0;
            delivered = delivered || strcmp(postbox_error_reason_subject(error, i), "Delivered") == 0;
            HOLDS(postbox_error_reason_message(error, i), "missing");
        }
        CHECK(outstanding && !delivered);
        postbox_error_free(error);
    }
    check_usable(box);
    postbox_free(box);
}

void embedded_database_executes_and_rejects_operations(void)
{
    char *answer = NULL;
    postbox_client *box = open_memory(NULL);
    OK(postbox_embedded_execute(box, "ListTables", "{}", &answer));
    HOLDS(answer, "People");
    postbox_string_free(answer);
    answer = (char *)"untouched";
    FAILS(POSTBOX_ERROR_SERVICE_ERROR, "Dance", postbox_embedded_execute(box, "Dance", "{}", &answer));
    FAILS(POSTBOX_ERROR_SERVICE_ERROR, "SerializationException", postbox_embedded_execute(box, "GetItem", "{", &answer));
    FAILS(POSTBOX_ERROR_TABLE_NOT_FOUND, "ResourceNotFound",
          postbox_embedded_execute(box, "DescribeTable", "{\"TableName\":\"Nowhere\"}", &answer));
    EQUAL(answer, "untouched");
    check_usable(box);
    postbox_free(box);
}

void after_close_every_call_says_so(void)
{
    /* A call that fails leaves its out-parameters unchanged. */
    const char *id = "x";
    const postbox_send_outcome sent = POSTBOX_SEND_SENT;
    char untouched = 0, *item = &untouched;
    postbox_report *report = (void *)&untouched;
    postbox_message *message = message_of("t", "x", "x"), *read = message;
    postbox_client *box = open_memory(NULL);
    bool causation = true;
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box), *late;
    OK(postbox_unit_of_work_put(work, "People", ADA));
    OK(postbox_close(box));
    OK(postbox_close(box));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_create_table(box));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_verify_table(box, &causation));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_deposit_post(box, message));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_deposit_posts(box, (const postbox_message *const *)&message, 1));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_post(box, message, &report));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_clear_outbox(box, &id, 1, NULL, &report));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_mark_dispatched(box, &id, 1, &report));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_confirm(box, id, POSTBOX_SEND_SENT, NULL));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_confirm(box, id, POSTBOX_SEND_RETRY, NULL));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_confirm_many(box, &id, &sent, NULL, 1));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_get_message(box, id, &read));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_get_message(box, "", &read));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_get_item(box, "People", ADA, &item));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_embedded_execute(box, "ListTables", "{}", &item));
    postbox_outstanding_count outstanding = {.count = 42};
    postbox_page *page = (void *)&untouched;
    struct producer archive = {.outcome = 0};
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_sweep(box, NULL, NULL, NULL));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_start_sweeper(box));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_count_outstanding(box, NULL, &outstanding));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_list_messages(box, POSTBOX_STATE_PARKED, NULL, 1, NULL, &page));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_unpark(box, id));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_replay(box, &id, 1, &report));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_replay_causation(box, id, &report));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_archive(box, producer_send, &archive, NULL, NULL));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_archive_to_file(box, "/dev/null", NULL, NULL));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_start_archiver(box, producer_send, &archive, producer_release));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_start_archiver_to_file(box, "/dev/null"));
    OK(postbox_stop_sweeper(box));
    OK(postbox_stop_archiver(box));
    CHECK(page == (void *)&untouched && outstanding.count == 42 && archive.released == 0);
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_unit_of_work_commit(work));
    late = postbox_unit_of_work_begin(box);
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_unit_of_work_put(late, "People", ADA));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_unit_of_work_deposit_post(late, message));
    CHECK(report == (void *)&untouched && read == message && item == &untouched && causation);
    postbox_unit_of_work_free(late);
    postbox_unit_of_work_free(work);
    postbox_message_free(message);
    postbox_free(box);
}
