/* Lists, counts, statistics, and messages that are made outstanding again. */
#include "support.h"
#include "tests.h"

#include <stdio.h>
#include <string.h>

/* Reads all pages of a list. Returns the numbers of messages and pages. */
static size_t list_all(postbox_client *box, int32_t state, const char *topic, const char *expected, size_t *pages)
{
    size_t count = 0;
    postbox_page *page = NULL;
    *pages = 0;
    do {
        postbox_page *next = NULL;
        OK(postbox_list_messages(box, state, topic, 3, postbox_page_next(page), &next));
        postbox_page_free(page);
        page = next;
        for (size_t i = 0; i < postbox_page_count(page); i++) {
            const char *found = NULL;
            OK(postbox_message_get(postbox_page_message(page, i), "state", &found));
            EQUAL(found, expected);
        }
        CHECK(postbox_page_message(page, postbox_page_count(page)) == NULL);
        count += postbox_page_count(page);
        ++*pages;
    } while (postbox_page_next(page) && *pages < 100);
    postbox_page_free(page);
    return count;
}

void lists_continue_from_page_to_page(void)
{
    enum { MANY = 20, SENT = 8 };
    char ids[MANY][16];
    const char *sent[SENT];
    size_t pages = 0;
    postbox_client *box = open_memory(NULL);
    for (int i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof ids[i], "listed-%02d", i);
        deposit(box, ids[i]);
        if (i < SENT)
            sent[i] = ids[i];
    }
    OK(postbox_mark_dispatched(box, sent, SENT, NULL));
    for (int all = 0; all < 2; all++) {
        const char *topic = all ? NULL : "greeting.made";
        CHECK(list_all(box, POSTBOX_STATE_OUTSTANDING, topic, "outstanding", &pages) == MANY - SENT);
        CHECK(pages >= (MANY - SENT) / 3);
        CHECK(list_all(box, POSTBOX_STATE_DISPATCHED, topic, "dispatched", &pages) == SENT);
        CHECK(pages >= SENT / 3);
        CHECK(list_all(box, POSTBOX_STATE_PARKED, topic, "parked", &pages) == 0);
    }
    CHECK(list_all(box, POSTBOX_STATE_OUTSTANDING, "nobody's topic", "", &pages) == 0);
    postbox_free(box);
}

/* A page outlives the list and the Postbox that it came from. */
void page_outlives_its_postbox(void)
{
    postbox_page *page = NULL, *none = NULL;
    postbox_client *box = open_memory(NULL);
    deposit(box, "kept");
    OK(postbox_list_messages(box, POSTBOX_STATE_OUTSTANDING, NULL, 1, NULL, &page));
    OK(postbox_list_messages(box, POSTBOX_STATE_DISPATCHED, NULL, UINT32_MAX, NULL, &none));
    CHECK(postbox_page_count(none) == 0 && postbox_page_message(none, 0) == NULL && postbox_page_next(none) == NULL);
    postbox_page_free(none);
    postbox_free(box);
    size_t length = 0;
    const postbox_message *message = postbox_page_message(page, 0);
    CHECK(postbox_page_count(page) == 1);
    EQUAL(postbox_message_id(message), "kept");
    CHECK(memcmp(postbox_message_body(message, &length), "hello", 5) == 0 && length == 5);
    CHECK(postbox_page_message(page, 1) == NULL && postbox_page_message(page, SIZE_MAX) == NULL);
    postbox_page_free(page);
}

void unknown_state_empty_page_and_foreign_cursor_are_rejected(void)
{
    static const char *const foreign[] = {"", "nonsense", ":", "x:", "-1:", "0:{", "0:[]", "1:", "99:",
                                          "0:{\"Name\":{\"S\":\"Ada\"}}", "18446744073709551616:"};
    postbox_page *page = NULL, *untouched = NULL;
    postbox_client *box = open_memory(NULL);
    for (int i = 0; i < 10; i++) {
        char id[16];
        snprintf(id, sizeof id, "listed-%d", i);
        deposit(box, id);
    }
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "unknown message state 3", postbox_list_messages(box, 3, NULL, 1, NULL, &untouched));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "unknown message state -1", postbox_list_messages(box, -1, NULL, 1, NULL, &untouched));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "the limit of the list is 0",
          postbox_list_messages(box, POSTBOX_STATE_OUTSTANDING, NULL, 0, NULL, &untouched));
    for (size_t i = 0; i < COUNT(foreign); i++)
        FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "cursor",
              postbox_list_messages(box, POSTBOX_STATE_OUTSTANDING, NULL, 1, foreign[i], &untouched));
    /* A cursor is rejected if the state or the topic of the list differs. */
    OK(postbox_list_messages(box, POSTBOX_STATE_OUTSTANDING, NULL, 1, NULL, &page));
    CHECK(postbox_page_next(page) != NULL);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "cursor",
          postbox_list_messages(box, POSTBOX_STATE_DISPATCHED, NULL, 1, postbox_page_next(page), &untouched));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "cursor",
          postbox_list_messages(box, POSTBOX_STATE_OUTSTANDING, "greeting.made", 1, postbox_page_next(page), &untouched));
    CHECK(untouched == NULL);
    postbox_page_free(page);
    check_usable(box);
    postbox_free(box);
}

void malformed_messages_are_on_the_page_too(void)
{
    const char *reason = NULL;
    postbox_page *page = NULL;
    postbox_client *box = open_memory(NULL);
    put_malformed(box, "odd");
    deposit(box, "readable");
    OK(postbox_list_messages(box, POSTBOX_STATE_OUTSTANDING, "greeting.made", 10, NULL, &page));
    CHECK(postbox_page_count(page) == 1 && postbox_page_malformed_count(page) == 1);
    EQUAL(postbox_page_malformed(page, 0, &reason), "odd");
    HOLDS(reason, "odd");
    HOLDS(reason, "Body");
    EQUAL(postbox_page_malformed(page, 0, NULL), "odd");
    EQUAL(postbox_page_malformed(page, 1, &reason), "");
    EQUAL(reason, "");
    postbox_page_free(page);
    postbox_free(box);
}

void outstanding_messages_are_counted_with_their_age(void)
{
    const char *id = "new";
    postbox_outstanding_count result;
    postbox_stats stats;
    postbox_client *box = open_memory(NULL);
    memset(&result, 0xff, sizeof result);
    OK(postbox_count_outstanding(box, NULL, &result));
    CHECK(result.count == 0 && result.oldest_age_ms == 0);
    for (size_t i = 0; i < COUNT(result.reserved); i++)
        CHECK(result.reserved[i] == 0);
    postbox_message *old = message_of("other", "old", "x");
    OK(postbox_message_set(old, "created_at", "2020-01-01T00:00:00Z"));
    OK(postbox_deposit_post(box, old));
    deposit(box, id);
    OK(postbox_count_outstanding(box, NULL, &result));
    CHECK(result.count == 2 && result.oldest_age_ms > UINT64_C(150000000000));
    OK(postbox_count_outstanding(box, "greeting.made", &result));
    CHECK(result.count == 1 && result.oldest_age_ms < 600000);
    OK(postbox_mark_dispatched(box, &id, 1, NULL));
    OK(postbox_count_outstanding(box, "greeting.made", &result));
    CHECK(result.count == 0 && result.oldest_age_ms == 0);
    /* The statistics contain the last count of all topics. */
    OK(postbox_get_stats(box, &stats));
    CHECK(stats.outstanding == 2);
    postbox_message_free(old);
    postbox_free(box);
}

void stats_are_a_struct_and_json(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_RETRY, .reason = "broker is gone"};
    postbox_stats stats;
    char *json = NULL;
    postbox_client *box = open_eager(&producer, "breaker_threshold", "1");
    memset(&stats, 0xff, sizeof stats);
    OK(postbox_get_stats(box, &stats));
    CHECK(stats.deposited == 0 && stats.dispatched == 0 && stats.failed == 0 && stats.parked == 0);
    CHECK(stats.duplicates_avoided == 0 && stats.sweeps == 0 && stats.background_failures == 0);
    CHECK(stats.open_breakers == 0 && stats.outstanding == UINT64_MAX);
    for (size_t i = 0; i < COUNT(stats.reserved); i++)
        CHECK(stats.reserved[i] == 0);
    OK(postbox_stats_json(box, &json));
    HOLDS(json, "\"outstanding\":null");
    HOLDS(json, "\"last_sweep\":null");
    HOLDS(json, "\"last_error\":null");
    HOLDS(json, "\"breakers\":{}");
    postbox_string_free(json);

    deposit(box, "counted");
    deposit(box, "counted");
    CHECK(clear(box, "counted", NULL, 0) == POSTBOX_OUTCOME_FAILED);
    CHECK(clear(box, "counted", NULL, 0) == POSTBOX_OUTCOME_BREAKER_OPEN);
    check_field(box, "counted", "dispatch_attempts", "0");
    OK(postbox_sweep(box, NULL, NULL, NULL));
    OK(postbox_get_stats(box, &stats));
    CHECK(stats.deposited == 1 && stats.duplicates_avoided == 1 && stats.dispatched == 0);
    CHECK(stats.failed == 2 && stats.sweeps == 1 && stats.open_breakers == 1);
    OK(postbox_close(box));
    /* The statistics can be read after the Postbox is closed. */
    OK(postbox_stats_json(box, &json));
    HOLDS(json, "\"deposited\":1");
    HOLDS(json, "\"failed\":2");
    HOLDS(json, "\"lease\":\"held\"");
    HOLDS(json, "\"breakers\":{\"greeting.made\":\"open\"}");
    CHECK(json && json[0] == '{' && json[strlen(json) - 1] == '}');
    postbox_string_free(json);
    OK(postbox_get_stats(box, &stats));
    CHECK(stats.sweeps == 1);
    postbox_free(box);
}

void replayed_messages_are_sent_again(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    const char *ids[] = {"one", "nobody", "two", "one"};
    postbox_report *report = NULL;
    postbox_client *box = open_eager(&producer, NULL, NULL);
    deposit(box, "one");
    deposit(box, "two");
    CHECK(clear(box, "one", NULL, 0) == POSTBOX_OUTCOME_DISPATCHED);
    OK(postbox_replay(box, ids, COUNT(ids), &report));
    CHECK(postbox_report_count(report) == 3 && postbox_report_failure_count(report) == 1);
    CHECK(postbox_report_outcome(report, 0) == POSTBOX_OUTCOME_REPLAYED);
    EQUAL(postbox_report_id(report, 1), "nobody");
    CHECK(postbox_report_outcome(report, 1) == POSTBOX_OUTCOME_NOT_FOUND);
    HOLDS(postbox_report_detail(report, 1), "no such message");
    EQUAL(postbox_report_id(report, 2), "two");
    CHECK(postbox_report_outcome(report, 2) == POSTBOX_OUTCOME_REPLAYED);
    postbox_report_free(report);
    check_state(box, "one", "outstanding");
    check_field(box, "one", "dispatched_at", NULL);
    OK(postbox_sweep(box, NULL, NULL, NULL));
    CHECK(producer.sent == 3);
    check_state(box, "one", "dispatched");

    postbox_error *error =
        ERROR_OF(POSTBOX_ERROR_CLEAR_INCOMPLETE, "1 of 2 messages failed", postbox_replay(box, ids, 2, NULL));
    CHECK(postbox_error_reason_count(error) == 1 && postbox_error_reason_index(error, 0) == 1);
    EQUAL(postbox_error_reason_subject(error, 0), "nobody");
    EQUAL(postbox_error_reason_code(error, 0), "NotFound");
    postbox_error_free(error);
    check_state(box, "one", "outstanding");
    OK(postbox_replay(box, NULL, 0, NULL));
    OK(postbox_replay(box, NULL, 0, &report));
    CHECK(postbox_report_count(report) == 0);
    postbox_report_free(report);
    postbox_free(box);
}

void messages_are_replayed_by_their_causation(void)
{
    static const char *const ids[] = {"caused-1", "caused-2", "other"};
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    postbox_report *report = NULL;
    postbox_client *box = open_eager(&producer, NULL, NULL);
    for (size_t i = 0; i < COUNT(ids); i++) {
        postbox_message *message = message_of("greeting.made", ids[i], "x");
        OK(postbox_message_set(message, "causation_id", i < 2 ? "order-1" : "order-2"));
        OK(postbox_post(box, message, NULL));
        postbox_message_free(message);
    }
    OK(postbox_replay_causation(box, "order-1", &report));
    CHECK(postbox_report_count(report) == 2 && postbox_report_failure_count(report) == 0);
    for (size_t i = 0; i < 2; i++)
        CHECK(postbox_report_outcome(report, i) == POSTBOX_OUTCOME_REPLAYED);
    postbox_report_free(report);
    check_state(box, "caused-1", "outstanding");
    check_state(box, "caused-2", "outstanding");
    check_state(box, "other", "dispatched");
    OK(postbox_sweep(box, NULL, NULL, NULL));
    OK(postbox_replay_causation(box, "order-1", NULL));
    check_state(box, "caused-1", "outstanding");
    OK(postbox_replay_causation(box, "nothing", &report));
    CHECK(postbox_report_count(report) == 0);
    postbox_report_free(report);
    postbox_free(box);
}

#define ATTRIBUTE(name, type) "{\"AttributeName\":\"" name "\",\"AttributeType\":\"" type "\"}"
#define KEY(hash, range) \
    "[{\"AttributeName\":\"" hash "\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"" range "\",\"KeyType\":\"RANGE\"}]"
#define INDEX(name, hash, range) \
    "{\"IndexName\":\"" name "\",\"Projection\":{\"ProjectionType\":\"ALL\"},\"KeySchema\":" KEY(hash, range) "}"

/* Only a replay by causation id needs the index that tables of older versions of Brighter lack. */
void replay_by_causation_needs_the_index(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    bool causation = true;
    postbox_report *report = NULL;
    postbox_client *box = open_eager(&producer, NULL, NULL);
    OK(postbox_embedded_execute(box, "DeleteTable", "{\"TableName\":\"brighter_outbox\"}", NULL));
    OK(postbox_embedded_execute(
        box, "CreateTable",
        "{\"TableName\":\"brighter_outbox\",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":["
        ATTRIBUTE("MessageId", "S") "," ATTRIBUTE("TopicShard", "S") "," ATTRIBUTE("DeliveryTime", "N") ","
        ATTRIBUTE("OutstandingCreatedTime", "N") "],"
        "\"KeySchema\":[{\"AttributeName\":\"MessageId\",\"KeyType\":\"HASH\"}],\"GlobalSecondaryIndexes\":["
        INDEX("Outstanding", "TopicShard", "OutstandingCreatedTime") ","
        INDEX("Delivered", "TopicShard", "DeliveryTime") ","
        INDEX("OutstandingAllTopics", "OutstandingCreatedTime", "MessageId") ","
        INDEX("DeliveredAllTopics", "DeliveryTime", "MessageId") "]}",
        NULL));
    OK(postbox_verify_table(box, &causation));
    CHECK(!causation);
    postbox_message *message = message_of("greeting.made", "caused", "x");
    OK(postbox_message_set(message, "causation_id", "order-1"));
    OK(postbox_deposit_post(box, message));
    OK(postbox_sweep(box, NULL, NULL, NULL));
    check_state(box, "caused", "dispatched");
    FAILS(POSTBOX_ERROR_INVALID_TABLE, "no index Causation", postbox_replay_causation(box, "order-1", &report));
    FAILS(POSTBOX_ERROR_INVALID_TABLE, "replay them by id", postbox_replay_causation(box, "order-1", NULL));
    CHECK(report == NULL);
    check_state(box, "caused", "dispatched");
    const char *id = "caused";
    OK(postbox_replay(box, &id, 1, NULL));
    check_state(box, "caused", "outstanding");
    postbox_message_free(message);
    postbox_free(box);
}
