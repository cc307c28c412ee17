/* Messages: header fields by name, and the body. */
#include "support.h"
#include "tests.h"

#include <string.h>

void message_is_a_copy_with_an_id(void)
{
    uint8_t body[] = {'a', 0, 0xff, 'b'};
    size_t length = 0;
    postbox_message *message = NULL, *other = NULL;
    OK(postbox_message_new("greeting.made", body, sizeof body, &message));
    OK(postbox_message_new("greeting.made", NULL, 0, &other));
    memset(body, 'x', sizeof body);
    const uint8_t *stored = postbox_message_body(message, &length);
    CHECK(length == 4 && memcmp(stored, "a\0\xff\x62", 4) == 0);
    CHECK(postbox_message_body(message, NULL) == stored);
    EQUAL(postbox_message_topic(message), "greeting.made");
    CHECK(strlen(postbox_message_id(message)) == 36);
    CHECK(strcmp(postbox_message_id(message), postbox_message_id(other)) != 0);
    postbox_message_body(other, &length);
    CHECK(length == 0);
    postbox_message_free(other);
    postbox_message_free(message);
}

void header_fields_are_set_and_read_by_name(void)
{
    static const struct { const char *name, *value; } fields[] = {
        {"id", "id-1"}, {"topic", "other"}, {"message_type", "MT_COMMAND"}, {"content_type", "text/csv"},
        {"character_encoding", "Raw"}, {"source", "urn:x"}, {"spec_version", "1.0"},
        {"created_at", "2026-01-31T12:00:00.000Z"}, {"partition_key", "42"}, {"correlation_id", "c"},
        {"causation_id", "d"}, {"reply_to", "r"}, {"subject", "s"}, {"event_type", "t"}, {"data_schema", "u"},
        {"data_ref", "v"}, {"trace_parent", "w"}, {"trace_state", "x"}, {"baggage", "k=v"}, {"job_id", "y"},
        {"workflow_id", "z"}, {"bag.tenant", "7"},
    };
    const char *value;
    postbox_client *box = open_memory(NULL);
    postbox_message *message = message_of("greeting.made", NULL, "x"), *read = NULL;
    for (size_t i = 0; i < COUNT(fields); i++)
        OK(postbox_message_set(message, fields[i].name, fields[i].value));
    OK(postbox_deposit_post(box, message));
    OK(postbox_get_message(box, "id-1", &read));
    for (size_t i = 0; i < COUNT(fields); i++) {
        value = NULL;
        OK(postbox_message_get(message, fields[i].name, &value));
        EQUAL(value, fields[i].value);
        value = NULL;
        OK(postbox_message_get(read, fields[i].name, &value));
        EQUAL(value, fields[i].value);
    }
    OK(postbox_message_set(message, "partition_key", ""));
    OK(postbox_message_get(message, "partition_key", &value));
    CHECK(value == NULL);
    OK(postbox_message_get(message, "bag.nobody", &value));
    CHECK(value == NULL);
    postbox_message_free(read);
    postbox_message_free(message);
    postbox_free(box);
}

void unknown_header_field_lists_the_near_ones(void)
{
    const char *value = "untouched";
    postbox_message *message = message_of("greeting.made", NULL, "x");
    FAILS(POSTBOX_ERROR_UNKNOWN_NAME, "partition_key", postbox_message_set(message, "partion_key", "1"));
    FAILS(POSTBOX_ERROR_UNKNOWN_NAME, "correlation_id", postbox_message_get(message, "corelation_id", &value));
    EQUAL(value, "untouched");
    OK(postbox_message_set(message, "partition_key", "1"));
    postbox_message_free(message);
}

void invalid_value_leaves_the_message_unchanged(void)
{
    const char *value;
    postbox_message *message = message_of("greeting.made", NULL, "x");
    FAILS(POSTBOX_ERROR_INVALID_MESSAGE, "MT_EVENT", postbox_message_set(message, "message_type", "event"));
    FAILS(POSTBOX_ERROR_INVALID_MESSAGE, "UTF8", postbox_message_set(message, "character_encoding", "latin1"));
    FAILS(POSTBOX_ERROR_INVALID_MESSAGE, "2026-01-31", postbox_message_set(message, "created_at", "yesterday"));
    OK(postbox_message_get(message, "message_type", &value));
    EQUAL(value, "MT_EVENT");
    postbox_message_free(message);
}

void lent_strings_stay_until_their_field_changes(void)
{
    const char *key = NULL, *again = NULL;
    postbox_message *message = message_of("greeting.made", "id-1", "x");
    const char *id = postbox_message_id(message), *topic = postbox_message_topic(message);
    OK(postbox_message_set(message, "partition_key", "42"));
    OK(postbox_message_get(message, "partition_key", &key));
    OK(postbox_message_get(message, "partition_key", &again));
    CHECK(key == again && id == postbox_message_id(message) && topic == postbox_message_topic(message));
    EQUAL(id, "id-1");
    OK(postbox_message_set_body(message, (const uint8_t *)"new", 3));
    EQUAL(key, "42");
    OK(postbox_message_set(message, "id", "id-2"));
    EQUAL(postbox_message_id(message), "id-2");
    size_t length = 0;
    CHECK(memcmp(postbox_message_body(message, &length), "new", 3) == 0 && length == 3);
    postbox_message_free(message);
}

/* A length that is too large for any array in memory is an error, and the array is not read. */
void impossible_lengths_are_errors(void)
{
    postbox_message *message = NULL;
    postbox_client *box = open_memory(NULL);
    const char *id = "x";
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "body", postbox_message_new("t", (const uint8_t *)"x", SIZE_MAX, &message));
    CHECK(message == NULL);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "ids", postbox_clear_outbox(box, &id, SIZE_MAX / 2, NULL, NULL));
    check_usable(box);
    postbox_free(box);
}

void copy_of_a_message_outlives_it(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_message *message = message_of("t", "a", "body"), *stored = NULL;
    const char *value = NULL;
    OK(postbox_message_set(message, "bag.tenant", "7"));
    OK(postbox_deposit_post(box, message));
    OK(postbox_get_message(box, "a", &stored));
    postbox_message *copy = postbox_message_copy(stored);
    OK(postbox_message_set(stored, "subject", "changed"));
    postbox_message_free(stored);
    EQUAL(postbox_message_id(copy), "a");
    size_t length = 0;
    CHECK(memcmp(postbox_message_body(copy, &length), "body", 4) == 0 && length == 4);
    OK(postbox_message_get(copy, "bag.tenant", &value));
    EQUAL(value, "7");
    OK(postbox_message_get(copy, "state", &value));
    EQUAL(value, "outstanding");
    OK(postbox_message_get(copy, "subject", &value));
    CHECK(value == NULL);
    postbox_message_free(copy);
    postbox_message_free(message);
    postbox_free(box);
}
