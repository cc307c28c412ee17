/* Messages that are read, marked and deleted by id. */
#include "support.h"
#include "tests.h"

#include <stdio.h>

void many_messages_are_read_in_one_call(void)
{
    /* DynamoDB reads up to 100 items per request. */
    enum { MANY = 130 };
    static char names[MANY][16];
    const char *ids[MANY + 3], *reason = NULL;
    postbox_page *page = NULL;
    postbox_client *box = open_memory(NULL);
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "many-%03d", i);
        ids[i] = names[i];
        if (i % 2 == 0)
            deposit(box, names[i]);
    }
    put_malformed(box, "odd");
    ids[MANY] = "odd";
    ids[MANY + 1] = names[0];
    ids[MANY + 2] = "";
    OK(postbox_get_messages(box, ids, COUNT(ids), &page));
    CHECK(postbox_page_count(page) == MANY / 2);
    for (size_t i = 0; i < MANY / 2; i++)
        EQUAL(postbox_message_id(postbox_page_message(page, i)), names[2 * i]);
    CHECK(postbox_page_missing_count(page) == MANY / 2 + 1);
    EQUAL(postbox_page_missing(page, 0), "many-001");
    EQUAL(postbox_page_missing(page, MANY / 2 - 1), "many-129");
    EQUAL(postbox_page_missing(page, MANY / 2 + 1), "");
    CHECK(postbox_page_malformed_count(page) == 1);
    EQUAL(postbox_page_malformed(page, 0, &reason), "odd");
    HOLDS(reason, "Body");
    CHECK(postbox_page_next(page) == NULL);
    postbox_page_free(page);

    OK(postbox_get_messages(box, NULL, 0, &page));
    CHECK(postbox_page_count(page) == 0 && postbox_page_missing_count(page) == 0);
    postbox_page_free(page);
    page = NULL;
    OK(postbox_close(box));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_get_messages(box, ids, 1, &page));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_get_messages(box, NULL, 0, &page));
    CHECK(page == NULL);
    postbox_free(box);
}

void messages_are_marked_with_a_given_time(void)
{
    static const int64_t impossible[] = {INT64_MIN, -1, 0, INT64_C(3155378976000000000), INT64_MAX};
    const char *ids[] = {"told", "nobody"}, *last = "last";
    postbox_report *report = NULL;
    postbox_client *box = open_memory(NULL);
    deposit(box, "told");
    for (size_t i = 0; i < COUNT(impossible); i++)
        FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "the years 1 to 9999",
              postbox_mark_dispatched_at(box, ids, 2, impossible[i], &report));
    CHECK(report == NULL);
    check_state(box, "told", "outstanding");
    const int64_t told = INT64_C(1700000000) * 10000000 + 1234567 + POSTBOX_UNIX_EPOCH_TICKS;
    OK(postbox_mark_dispatched_at(box, ids, 2, told, &report));
    CHECK(postbox_report_outcome(report, 0) == POSTBOX_OUTCOME_DISPATCHED);
    CHECK(postbox_report_outcome(report, 1) == POSTBOX_OUTCOME_NOT_FOUND);
    postbox_report_free(report);
    check_field(box, "told", "dispatched_at", "2023-11-14T22:13:20.1234567Z");
    /* An earlier time does not change. */
    OK(postbox_mark_dispatched_at(box, ids, 1, told + 1, NULL));
    check_field(box, "told", "dispatched_at", "2023-11-14T22:13:20.1234567Z");
    deposit(box, "last");
    OK(postbox_mark_dispatched_at(box, &last, 1, INT64_C(3155378975999999999), NULL));
    check_field(box, "last", "dispatched_at", "9999-12-31T23:59:59.9999999Z");
    postbox_free(box);
}

void message_is_deleted_in_the_given_state_only(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    bool deleted = true;
    postbox_client *box = open_memory(&producer);
    deposit(box, "one");
    OK(postbox_delete_message(box, "one", POSTBOX_STATE_DISPATCHED, &deleted));
    CHECK(!deleted);
    OK(postbox_delete_message(box, "one", POSTBOX_STATE_PARKED, NULL));
    check_state(box, "one", "outstanding");
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "unknown message state 3", postbox_delete_message(box, "one", 3, &deleted));
    OK(postbox_delete_message(box, "one", POSTBOX_STATE_OUTSTANDING, &deleted));
    CHECK(deleted);
    check_state(box, "one", NULL);
    OK(postbox_delete_message(box, "one", POSTBOX_STATE_OUTSTANDING, &deleted));
    CHECK(!deleted);
    /* A message that was deposited by this client is not sent from memory either. */
    CHECK(clear(box, "one", NULL, 0) == POSTBOX_OUTCOME_NOT_FOUND);
    CHECK(producer.sent == 0);
    deposit(box, "two");
    CHECK(clear(box, "two", NULL, 0) == POSTBOX_OUTCOME_DISPATCHED);
    OK(postbox_delete_message(box, "two", POSTBOX_STATE_DISPATCHED, &deleted));
    CHECK(deleted);
    OK(postbox_delete_message(box, "", POSTBOX_STATE_DISPATCHED, &deleted));
    CHECK(!deleted);
    postbox_free(box);
}
