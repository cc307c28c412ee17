/* The creation time and the header bag of a message. */
#include "support.h"
#include "tests.h"

void creation_time_keeps_all_its_digits(void)
{
    static const int64_t impossible[] = {INT64_MIN, -1, INT64_C(3155378976000000000), INT64_MAX};
    static const int64_t possible[] = {0, INT64_C(638355968001234567), INT64_C(3155378975999999999)};
    const char *text = NULL;
    postbox_message *message = message_of("greeting.made", "exact", "x"), *stored = NULL;
    postbox_client *box = open_memory(NULL);
    CHECK(postbox_message_created_ticks(message) > INT64_C(1700000000) * 10000000 + POSTBOX_UNIX_EPOCH_TICKS);
    for (size_t i = 0; i < COUNT(possible); i++) {
        OK(postbox_message_set_created_ticks(message, possible[i]));
        CHECK(postbox_message_created_ticks(message) == possible[i]);
    }
    for (size_t i = 0; i < COUNT(impossible); i++)
        FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "the years 1 to 9999",
              postbox_message_set_created_ticks(message, impossible[i]));
    CHECK(postbox_message_created_ticks(message) == possible[2]);

    OK(postbox_message_set_created_ticks(message, possible[1]));
    OK(postbox_message_get(message, "created_at", &text));
    EQUAL(text, "2023-11-14T22:13:20.1234567Z");
    OK(postbox_deposit_post(box, message));
    OK(postbox_get_message(box, "exact", &stored));
    CHECK(postbox_message_created_ticks(stored) == possible[1]);
    postbox_message_free(stored);
    OK(postbox_message_set(message, "created_at", "2023-11-14T22:13:20.0000001Z"));
    CHECK(postbox_message_created_ticks(message) == possible[1] - 1234566);
    postbox_message_free(message);
    postbox_free(box);
}

/* Sets a bag with a value of each kind, deposits the message, and returns it as it is stored. */
static postbox_message *stored_with_bag(postbox_client *box)
{
    postbox_message *message = message_of("greeting.made", "bagged", "x"), *stored = NULL;
    postbox_item *bag = postbox_item_new();
    OK(postbox_message_set(message, "bag.dropped", "x"));
    OK(postbox_item_set_string(bag, "text", "a \"b\""));
    OK(postbox_item_set_number(bag, "precise", "1234567890.1234567890123456789012345678"));
    OK(postbox_item_set_int64(bag, "whole", INT64_MIN));
    OK(postbox_item_set_bool(bag, "flag", true));
    OK(postbox_item_set_null(bag, "nothing"));
    OK(postbox_item_begin(bag, "list", POSTBOX_KIND_LIST));
    OK(postbox_item_begin(bag, NULL, POSTBOX_KIND_MAP));
    OK(postbox_item_set_number(bag, "inner", "+.5"));
    OK(postbox_item_end(bag));
    OK(postbox_item_end(bag));
    OK(postbox_message_set_bag(message, bag));
    postbox_item_free(bag);
    OK(postbox_deposit_post(box, message));
    OK(postbox_get_message(box, "bagged", &stored));
    postbox_message_free(message);
    return stored;
}

void bag_has_values_of_any_json_type(void)
{
    static const char *const names[] = {"flag", "list", "nothing", "precise", "text", "whole"};
    const char *text = NULL;
    int64_t whole = 0;
    postbox_item *bag = NULL;
    postbox_client *box = open_memory(NULL);
    postbox_message *stored = stored_with_bag(box);
    OK(postbox_message_bag(stored, &bag));
    const postbox_value *entries = postbox_item_value(bag);
    CHECK(postbox_value_count(entries) == COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++)
        EQUAL(postbox_value_name_at(entries, i, NULL), names[i]);
    EQUAL(postbox_value_string(postbox_item_get(bag, "precise"), NULL), "1234567890.1234567890123456789012345678");
    EQUAL(postbox_value_string(postbox_item_get(bag, "text"), NULL), "a \"b\"");
    OK(postbox_value_int64(postbox_item_get(bag, "whole"), &whole));
    CHECK(whole == INT64_MIN);
    CHECK(postbox_value_bool(postbox_item_get(bag, "flag")));
    CHECK(postbox_value_kind(postbox_item_get(bag, "nothing")) == POSTBOX_KIND_NULL);
    const postbox_value *inner = postbox_value_at(postbox_item_get(bag, "list"), 0);
    EQUAL(postbox_value_string(postbox_value_member(inner, "inner"), NULL), "0.5");
    postbox_item_free(bag);
    OK(postbox_message_get(stored, "bag.precise", &text));
    EQUAL(text, "1234567890.1234567890123456789012345678");
    postbox_message_free(stored);
    postbox_free(box);
}

void bag_is_read_and_replaced_as_json(void)
{
    const char *text = NULL;
    postbox_item *bag = NULL;
    postbox_message *message = message_of("t", NULL, "x");
    OK(postbox_message_get(message, "bag", &text));
    EQUAL(text, "{}");
    OK(postbox_message_set(message, "bag", "{\"far\":1e400,\"many\":[12345678901234567890123456789012345678]}"));
    OK(postbox_message_get(message, "bag", &text));
    EQUAL(text, "{\"far\":1e400,\"many\":[12345678901234567890123456789012345678]}");
    OK(postbox_message_bag(message, &bag));
    EQUAL(postbox_value_string(postbox_item_get(bag, "far"), NULL), "1e400");
    postbox_item_free(bag);
    FAILS(POSTBOX_ERROR_INVALID_MESSAGE, "the bag is not a JSON object", postbox_message_set(message, "bag", "[1]"));
    FAILS(POSTBOX_ERROR_INVALID_MESSAGE, "the bag is not a JSON object", postbox_message_set(message, "bag", "{\"a\":NaN}"));
    OK(postbox_message_set(message, "bag", ""));
    OK(postbox_message_get(message, "bag", &text));
    EQUAL(text, "{}");
    postbox_message_free(message);
}

void value_that_json_lacks_is_rejected_in_a_bag(void)
{
    const char *text = NULL;
    postbox_item *bag = postbox_item_new();
    postbox_message *message = message_of("t", NULL, "x");
    OK(postbox_message_set(message, "bag.kept", "yes"));
    OK(postbox_item_set_binary(bag, "bytes", (const uint8_t *)"x", 1));
    FAILS(POSTBOX_ERROR_INVALID_MESSAGE, "bag.bytes is a set or binary", postbox_message_set_bag(message, bag));
    OK(postbox_item_remove(bag, "bytes"));
    OK(postbox_item_begin(bag, "open", POSTBOX_KIND_MAP));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "open was not ended", postbox_message_set_bag(message, bag));
    OK(postbox_message_get(message, "bag", &text));
    EQUAL(text, "{\"kept\":\"yes\"}");
    postbox_item_free(bag);
    postbox_message_free(message);
}
