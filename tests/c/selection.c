/* Lists and counts of selected messages, and information for operators. */
#include "support.h"
#include "tests.h"

#include <stdio.h>
#include <string.h>

/* Deposits a message that is this many minutes old. */
static void deposit_old(postbox_client *box, const char *topic, const char *id, int minutes)
{
    postbox_message *message = message_of(topic, id, "x");
    const int64_t now = postbox_message_created_ticks(message);
    OK(postbox_message_set_created_ticks(message, now - minutes * INT64_C(600000000)));
    OK(postbox_deposit_post(box, message));
    postbox_message_free(message);
}

static uint64_t count(postbox_client *box, int32_t state, const postbox_selection *selection)
{
    uint64_t found = 0;
    OK(postbox_count_messages(box, state, selection, &found));
    return found;
}

void messages_are_selected_by_topic_and_age(void)
{
    size_t listed = 0, pages = 0;
    postbox_client *box = open_memory(NULL);
    for (int minutes = 0; minutes < 9; minutes++) {
        char id[16];
        snprintf(id, sizeof id, "old-%d", minutes);
        deposit_old(box, minutes % 3 == 0 ? "bills" : minutes % 3 == 1 ? "orders" : "greetings", id, minutes);
    }
    postbox_selection *selection = postbox_selection_new();
    CHECK(count(box, POSTBOX_STATE_OUTSTANDING, NULL) == 9 && count(box, POSTBOX_STATE_OUTSTANDING, selection) == 9);
    OK(postbox_selection_set(selection, "older_than_ms", "90000"));
    CHECK(count(box, POSTBOX_STATE_OUTSTANDING, selection) == 7);
    OK(postbox_selection_set(selection, "younger_than_ms", "390000"));
    CHECK(count(box, POSTBOX_STATE_OUTSTANDING, selection) == 5);
    OK(postbox_selection_set(selection, "without_topic", "bills"));
    OK(postbox_selection_set(selection, "without_topic", "orders"));
    CHECK(count(box, POSTBOX_STATE_OUTSTANDING, selection) == 2);
    OK(postbox_selection_set(selection, "limit", "1"));
    CHECK(count(box, POSTBOX_STATE_OUTSTANDING, selection) == 1);
    for (const char *cursor = ""; cursor; pages++) {
        static char kept[4096];
        postbox_page *page = NULL;
        OK(postbox_select_messages(box, POSTBOX_STATE_OUTSTANDING, selection, &page));
        CHECK(postbox_page_count(page) <= 1);
        for (size_t i = 0; i < postbox_page_count(page); i++, listed++)
            EQUAL(postbox_message_topic(postbox_page_message(page, i)), "greetings");
        cursor = postbox_page_next(page);
        if (cursor) {
            snprintf(kept, sizeof kept, "%s", cursor);
            OK(postbox_selection_set(selection, "cursor", kept));
        }
        postbox_page_free(page);
    }
    CHECK(listed == 2 && pages >= 2);
    postbox_selection_free(selection);

    selection = postbox_selection_new();
    OK(postbox_selection_set(selection, "topic", "orders"));
    CHECK(count(box, POSTBOX_STATE_OUTSTANDING, selection) == 3 && count(box, POSTBOX_STATE_PARKED, selection) == 0);
    postbox_selection_free(selection);
    postbox_free(box);
}

void impossible_selection_is_rejected(void)
{
    static const struct {
        const char *name, *value, *problem;
    } wrong[] = {
        {"limit", "0", "the limit is 0"},
        {"topic", "", "a topic is empty"},
        {"without_topic", "", "a topic is empty"},
        {"cursor", "nonsense", "cursor"},
    };
    static const char *const not_numbers[] = {"", "-1", "1.5", "NaN", "1e3", "99999999999999999999"};
    uint64_t found = 42;
    postbox_page *page = NULL;
    postbox_client *box = open_memory(NULL);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        postbox_selection *selection = postbox_selection_new();
        OK(postbox_selection_set(selection, wrong[i].name, wrong[i].value));
        FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, wrong[i].problem,
              postbox_select_messages(box, POSTBOX_STATE_OUTSTANDING, selection, &page));
        FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, wrong[i].problem,
              postbox_count_messages(box, POSTBOX_STATE_OUTSTANDING, selection, &found));
        postbox_selection_free(selection);
    }
    postbox_selection *selection = postbox_selection_new();
    for (size_t i = 0; i < COUNT(not_numbers); i++)
        FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "older_than_ms of the selection is",
              postbox_selection_set(selection, "older_than_ms", not_numbers[i]));
    FAILS(POSTBOX_ERROR_UNKNOWN_NAME, "older_than_ms", postbox_selection_set(selection, "older_than", "1"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "unknown message state 3", postbox_count_messages(box, 3, NULL, &found));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "unknown message state -1", postbox_select_messages(box, -1, NULL, &page));
    OK(postbox_close(box));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_count_messages(box, POSTBOX_STATE_OUTSTANDING, NULL, &found));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_select_messages(box, POSTBOX_STATE_OUTSTANDING, NULL, &page));
    CHECK(found == 42 && page == NULL);
    postbox_selection_free(selection);
    postbox_free(box);
}

static int64_t member(const postbox_value *map, const char *name)
{
    int64_t number = -1;
    OK(postbox_value_int64(postbox_value_member(map, name), &number));
    return number;
}

void topics_are_counted_by_state(void)
{
    const char *id = "one";
    uint64_t found = 42;
    char *location = NULL;
    postbox_item *counts = NULL;
    postbox_client *box = open_memory(NULL);
    deposit(box, "one");
    deposit_old(box, "bills", "two", 5);
    const int64_t at = INT64_C(638355968001234567);
    OK(postbox_mark_dispatched_at(box, &id, 1, at, NULL));
    OK(postbox_topic_counts(box, true, &counts));
    const postbox_value *topics = postbox_item_get(counts, "topics");
    CHECK(postbox_value_count(topics) == 2);
    const postbox_value *bills = postbox_value_at(topics, 0), *greetings = postbox_value_at(topics, 1);
    EQUAL(postbox_value_string(postbox_value_member(bills, "topic"), NULL), "bills");
    CHECK(member(bills, "outstanding") == 1 && member(bills, "dispatched") == 0 && member(bills, "oldest_ticks") > at);
    EQUAL(postbox_value_string(postbox_value_member(greetings, "topic"), NULL), "greeting.made");
    CHECK(member(greetings, "outstanding") == 0 && member(greetings, "dispatched") == 1);
    CHECK(postbox_value_member(greetings, "oldest_ticks") == NULL);
    postbox_item_free(counts);
    OK(postbox_topic_counts(box, false, &counts));
    CHECK(postbox_value_count(postbox_item_get(counts, "topics")) == 1);
    postbox_item_free(counts);

    OK(postbox_dispatched_between(box, "greeting.made", at, at + 1, &found));
    CHECK(found == 1);
    OK(postbox_dispatched_between(box, "greeting.made", at + 1, INT64_C(3155378975999999999), &found));
    CHECK(found == 0);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "from_ticks", postbox_dispatched_between(box, "t", -1, 1, &found));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "to_ticks", postbox_dispatched_between(box, "t", 1, INT64_MAX, &found));
    OK(postbox_location(box, &location));
    HOLDS(location, "brighter_outbox");
    HOLDS(location, "memory");
    postbox_string_free(location);
    postbox_free(box);
}

void leases_and_sweepers_are_listed(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    postbox_item *list = NULL;
    postbox_client *box = open_eager(&producer, NULL, NULL);
    deposit(box, "one");
    OK(postbox_leases(box, &list));
    CHECK(postbox_value_kind(postbox_item_get(list, "leases")) == POSTBOX_KIND_LIST);
    CHECK(postbox_value_count(postbox_item_get(list, "leases")) == 0);
    postbox_item_free(list);
    OK(postbox_sweep(box, NULL, NULL, NULL));
    OK(postbox_embedded_execute(box, "PutItem",
                                "{\"TableName\":\"brighter_distributed_lock\",\"Item\":{\"ResourceId\":{\"S\":\"brighter_outbox_Archiver\"},"
                                "\"LockId\":{\"S\":\"them\"},\"LeaseExpiry\":{\"N\":\"1700000000123\"}}}",
                                NULL));
    OK(postbox_leases(box, &list));
    const postbox_value *lease = postbox_value_at(postbox_item_get(list, "leases"), 0);
    EQUAL(postbox_value_string(postbox_value_member(lease, "resource"), NULL), "brighter_outbox_Archiver");
    EQUAL(postbox_value_string(postbox_value_member(lease, "holder"), NULL), "them");
    CHECK(member(lease, "expires_ticks") == INT64_C(17000000001230000) + POSTBOX_UNIX_EPOCH_TICKS);
    CHECK(postbox_value_kind(postbox_value_member(lease, "is_ignored")) == POSTBOX_KIND_BOOL);
    CHECK(postbox_value_member(lease, "paused") == NULL);
    postbox_item_free(list);
    OK(postbox_sweepers(box, &list));
    const postbox_value *sweeper = postbox_value_at(postbox_item_get(list, "sweepers"), 0);
    EQUAL(postbox_value_string(postbox_value_member(sweeper, "version"), NULL), postbox_version());
    CHECK(member(sweeper, "last_sweep_ticks") > POSTBOX_UNIX_EPOCH_TICKS);
    CHECK(member(sweeper, "last_success_ticks") == member(sweeper, "last_sweep_ticks"));
    CHECK(postbox_value_member(sweeper, "last_error") == NULL && postbox_value_member(sweeper, "stopped_ticks") == NULL);
    postbox_item_free(list);
    postbox_free(box);
}
