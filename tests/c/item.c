/* Items that are built and read attribute by attribute. */
#include "support.h"
#include "tests.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_TYPE                                                                                                     \
    "{\"Adult\":{\"BOOL\":true},\"Age\":{\"N\":\"36\"},\"Friend\":{\"NULL\":true},\"Height\":{\"N\":\"1.7\"},"         \
    "\"Home\":{\"M\":{\"City\":{\"S\":\"London\"},\"Lines\":{\"L\":[{\"S\":\"1\"},{\"N\":\"2\"},{\"M\":{}}]}}},"       \
    "\"Lucky\":{\"NS\":[\"7\",\"13.5\"]},\"Name\":{\"S\":\"Ada\"},\"Photo\":{\"B\":\"AP8=\"},"                         \
    "\"Photos\":{\"BS\":[\"AA==\",\"AQ==\"]},\"Tags\":{\"SS\":[\"a\",\"b\"]}}"

/* An item that several threads read. */
struct readers {
    postbox_item *item;
    atomic_bool stop;
};

/* Sets every type, in another order than that of the names. */
static void set_every_type(postbox_item *item)
{
    static const uint8_t photo[] = {0, 0xff, 1};
    OK(postbox_item_set_string(item, "Name", "Ada"));
    OK(postbox_item_set_int64(item, "Age", 36));
    OK(postbox_item_set_double(item, "Height", 1.7));
    OK(postbox_item_set_bool(item, "Adult", true));
    OK(postbox_item_set_null(item, "Friend"));
    OK(postbox_item_set_binary(item, "Photo", photo, 2));
    OK(postbox_item_begin(item, "Home", POSTBOX_KIND_MAP));
    OK(postbox_item_set_string(item, "City", "London"));
    OK(postbox_item_begin(item, "Lines", POSTBOX_KIND_LIST));
    OK(postbox_item_set_string(item, NULL, "1"));
    OK(postbox_item_set_number(item, NULL, "2"));
    OK(postbox_item_begin(item, NULL, POSTBOX_KIND_MAP));
    OK(postbox_item_end(item));
    OK(postbox_item_end(item));
    OK(postbox_item_end(item));
    OK(postbox_item_begin(item, "Tags", POSTBOX_KIND_STRING_SET));
    OK(postbox_item_set_string(item, NULL, "a"));
    OK(postbox_item_set_string_of_length(item, NULL, "bcd", 1));
    OK(postbox_item_end(item));
    OK(postbox_item_begin(item, "Lucky", POSTBOX_KIND_NUMBER_SET));
    OK(postbox_item_set_int64(item, NULL, 7));
    OK(postbox_item_set_double(item, NULL, 13.5));
    OK(postbox_item_end(item));
    OK(postbox_item_begin(item, "Photos", POSTBOX_KIND_BINARY_SET));
    OK(postbox_item_set_binary(item, NULL, photo, 1));
    OK(postbox_item_set_binary(item, NULL, photo + 2, 1));
    OK(postbox_item_end(item));
}

static void check_json(const postbox_item *item, const char *expected)
{
    char *json = NULL;
    OK(postbox_item_to_json(item, &json));
    EQUAL(json, expected);
    postbox_string_free(json);
}

void item_is_built_and_read_value_by_value(void)
{
    postbox_item *item = postbox_item_new(), *read = NULL;
    set_every_type(item);
    check_json(item, EVERY_TYPE);
    OK(postbox_item_from_json(EVERY_TYPE, &read));
    check_json(read, EVERY_TYPE);

    size_t length = 0;
    int64_t age = 0;
    double height = 0;
    EQUAL(postbox_value_string(postbox_item_get(read, "Name"), &length), "Ada");
    CHECK(length == 3);
    OK(postbox_value_int64(postbox_item_get(read, "Age"), &age));
    OK(postbox_value_double(postbox_item_get(read, "Height"), &height));
    EQUAL(postbox_value_string(postbox_item_get(read, "Height"), NULL), "1.7");
    CHECK(age == 36 && height == 1.7 && postbox_value_bool(postbox_item_get(read, "Adult")));
    const uint8_t *photo = postbox_value_binary(postbox_item_get(read, "Photo"), &length);
    CHECK(length == 2 && photo[0] == 0 && photo[1] == 0xff);
    CHECK(postbox_value_kind(postbox_item_get(read, "Friend")) == POSTBOX_KIND_NULL);

    const postbox_value *home = postbox_item_get(read, "Home"), *lines = postbox_value_member(home, "Lines");
    CHECK(postbox_value_kind(home) == POSTBOX_KIND_MAP && postbox_value_count(home) == 2);
    EQUAL(postbox_value_name_at(home, 0, NULL), "City");
    CHECK(postbox_value_at(home, 1) == lines && postbox_value_count(lines) == 3);
    EQUAL(postbox_value_string(postbox_value_at(lines, 1), NULL), "2");
    const postbox_value *tags = postbox_item_get(read, "Tags");
    CHECK(postbox_value_kind(tags) == POSTBOX_KIND_STRING_SET && postbox_value_count(tags) == 2);
    EQUAL(postbox_value_string(postbox_value_at(tags, 1), NULL), "b");
    CHECK(postbox_value_count(postbox_item_value(read)) == 10);
    EQUAL(postbox_value_name_at(postbox_item_value(read), 9, NULL), "Tags");
    postbox_item_free(item);
    postbox_item_free(read);
}

void names_that_were_stored_can_contain_nul(void)
{
    postbox_item *item = NULL;
    size_t length = 0;
    OK(postbox_item_from_json("{\"a\\u0000b\":{\"S\":\"x\"},\"a\":{\"S\":\"y\"}}", &item));
    const postbox_value *all = postbox_item_value(item);
    CHECK(postbox_value_count(all) == 2);
    EQUAL(postbox_value_name_at(all, 0, &length), "a");
    CHECK(length == 1);
    CHECK(memcmp(postbox_value_name_at(all, 1, &length), "a\0b", 4) == 0 && length == 3);
    CHECK(postbox_value_name_at(all, 2, &length) == NULL && length == 0);
    EQUAL(postbox_value_string(postbox_item_get(item, "a"), NULL), "y");
    postbox_item_free(item);
}

void values_stay_at_their_address_when_an_item_changes(void)
{
    postbox_item *item = postbox_item_new();
    OK(postbox_item_set_string(item, "Name", "Ada"));
    const postbox_value *name = postbox_item_get(item, "Name"), *all = postbox_item_value(item);
    const char *ada = postbox_value_string(name, NULL), *key = postbox_value_name_at(all, 0, NULL);
    for (int i = 0; i < 1000; i++) {
        char other[20];
        snprintf(other, sizeof other, "%d", i);
        OK(postbox_item_set_int64(item, other, i));
    }
    OK(postbox_item_set_string(item, "Name", "Bob"));
    EQUAL(postbox_value_string(postbox_item_get(item, "Name"), NULL), "Bob");
    OK(postbox_item_remove(item, "Name"));
    OK(postbox_item_remove(item, "Name"));
    CHECK(postbox_item_get(item, "Name") == NULL && postbox_value_count(all) == 1000);
    EQUAL(ada, "Ada");
    EQUAL(key, "Name");
    CHECK(postbox_value_kind(name) == POSTBOX_KIND_STRING);
    postbox_item_free(item);
}

void copy_of_an_item_has_its_own_values(void)
{
    postbox_item *item = postbox_item_new(), *copy = NULL, *untouched = item;
    set_every_type(item);
    OK(postbox_item_copy(item, &copy));
    const postbox_value *home = postbox_item_get(copy, "Home");
    OK(postbox_item_set_string(item, "Name", "Bob"));
    OK(postbox_item_remove(item, "Home"));
    check_json(copy, EVERY_TYPE);
    OK(postbox_item_set_int64(copy, "Age", 37));
    EQUAL(postbox_value_string(postbox_item_get(item, "Age"), NULL), "36");
    EQUAL(postbox_value_name_at(postbox_item_value(copy), 0, NULL), "Name");
    postbox_item_free(item);
    EQUAL(postbox_value_string(postbox_value_member(home, "City"), NULL), "London");
    EQUAL(postbox_value_string(postbox_item_get(copy, "Name"), NULL), "Ada");

    OK(postbox_item_begin(copy, "Lines", POSTBOX_KIND_LIST));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "Lines was not ended", postbox_item_copy(copy, &untouched));
    CHECK(untouched == item);
    postbox_item_free(copy);
}

void missing_value_has_a_default(void)
{
    postbox_item *item = postbox_item_new();
    int64_t number = 7;
    double real = 7;
    bool flag = false;
    const postbox_value *missing = postbox_item_get(item, "Age");
    OK(postbox_value_int64_or(missing, -1, &number));
    OK(postbox_value_double_or(missing, 0.5, &real));
    OK(postbox_value_bool_or(missing, true, &flag));
    CHECK(number == -1 && real == 0.5 && flag);

    OK(postbox_item_set_null(item, "Nothing"));
    const postbox_value *nothing = postbox_item_get(item, "Nothing");
    OK(postbox_value_int64_or(nothing, -2, &number));
    OK(postbox_value_double_or(nothing, 1.5, &real));
    OK(postbox_value_bool_or(nothing, false, &flag));
    CHECK(number == -2 && real == 1.5 && !flag);

    OK(postbox_item_set_int64(item, "Age", 36));
    OK(postbox_item_set_bool(item, "Adult", true));
    OK(postbox_value_int64_or(postbox_item_get(item, "Age"), -1, &number));
    OK(postbox_value_double_or(postbox_item_get(item, "Age"), -1, &real));
    OK(postbox_value_bool_or(postbox_item_get(item, "Adult"), false, &flag));
    CHECK(number == 36 && real == 36 && flag);

    /* A value of another kind is not missing. */
    const postbox_value *age = postbox_item_get(item, "Age"), *adult = postbox_item_get(item, "Adult");
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "a Boolean, not a number", postbox_value_int64_or(adult, 0, &number));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "a Boolean, not a number", postbox_value_double_or(adult, 0, &real));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "a number, not a Boolean", postbox_value_bool_or(age, false, &flag));
    CHECK(number == 36 && real == 36 && flag);
    postbox_item_free(item);
}

/* Reads an item until `stop`, and returns a pointer if a value was missing. */
static void *read_until_stopped(void *shared)
{
    struct readers *readers = shared;
    while (!atomic_load(&readers->stop))
        if (!postbox_item_get(readers->item, "Name") || !postbox_item_value(readers->item))
            return shared;
    return NULL;
}

void any_number_of_threads_read_an_item(void)
{
    struct readers readers = {.item = postbox_item_new()};
    pthread_t threads[4];
    set_every_type(readers.item);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, read_until_stopped, &readers) == 0);
    for (int i = 0; i < 1000; i++)
        check_json(readers.item, EVERY_TYPE);
    atomic_store(&readers.stop, true);
    for (int i = 0; i < 4; i++) {
        void *missed = NULL;
        CHECK(pthread_join(threads[i], &missed) == 0 && missed == NULL);
    }
    postbox_item_free(readers.item);
}

void missing_values_are_read_as_nothing(void)
{
    int64_t number = 7;
    double real = 7;
    size_t length = 7;
    postbox_item *item = postbox_item_new();
    const postbox_value *missing = postbox_item_get(item, "Name");
    CHECK(missing == NULL && postbox_value_kind(missing) == POSTBOX_KIND_MISSING);
    CHECK(postbox_value_string(missing, &length) == NULL && length == 0 && postbox_value_binary(missing, NULL) == NULL);
    CHECK(!postbox_value_bool(missing) && postbox_value_count(missing) == 0);
    CHECK(postbox_value_at(missing, 0) == NULL && postbox_value_name_at(missing, 0, NULL) == NULL);
    CHECK(postbox_value_member(missing, "a") == NULL && postbox_item_get(NULL, "a") == NULL);
    CHECK(postbox_item_get(item, NULL) == NULL && postbox_item_value(NULL) == NULL);
    CHECK(postbox_value_at(postbox_item_value(item), 0) == NULL && postbox_value_member(postbox_item_value(item), NULL) == NULL);
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "value", postbox_value_int64(missing, &number));
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "value", postbox_value_double(missing, &real));
    OK(postbox_item_set_string(item, "Name", "36"));
    OK(postbox_item_set_number(item, "Large", "99999999999999999999"));
    OK(postbox_item_set_number(item, "Half", "0.5"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "a string, not a number", postbox_value_int64(postbox_item_get(item, "Name"), &number));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "a string, not a number", postbox_value_double(postbox_item_get(item, "Name"), &real));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "64 bits", postbox_value_int64(postbox_item_get(item, "Large"), &number));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "64 bits", postbox_value_int64(postbox_item_get(item, "Half"), &number));
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "number", postbox_value_int64(postbox_item_get(item, "Half"), NULL));
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "number", postbox_value_double(postbox_item_get(item, "Half"), NULL));
    CHECK(number == 7 && real == 7);
    postbox_item_free(item);
    postbox_item_free(NULL);
}

void value_that_dynamodb_cannot_store_is_rejected_with_its_path(void)
{
    postbox_item *item = postbox_item_new();
    char *json = (char *)"untouched", *digits = long_text(39);
    memset(digits, '9', 39);
    OK(postbox_item_begin(item, "Home", POSTBOX_KIND_MAP));
    OK(postbox_item_begin(item, "Lines", POSTBOX_KIND_LIST));
    OK(postbox_item_set_string(item, NULL, "1"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "Home.Lines[1] is not a decimal number", postbox_item_set_number(item, NULL, "x"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "39 digits", postbox_item_set_number(item, NULL, digits));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "Home.Lines[1]", postbox_item_set_double(item, NULL, NAN));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "Home.Lines[1]", postbox_item_set_double(item, NULL, INFINITY));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "range", postbox_item_set_double(item, NULL, 1e300));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "Home.Lines.a must have NULL as its name", postbox_item_set_null(item, "a"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "Home.Lines was not ended", postbox_item_to_json(item, &json));
    OK(postbox_item_end(item));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "Home needs a name", postbox_item_set_null(item, NULL));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "empty name", postbox_item_set_null(item, ""));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "Home.x cannot be begun", postbox_item_begin(item, "x", POSTBOX_KIND_STRING));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "Home.x cannot be begun", postbox_item_begin(item, "x", 99));
    OK(postbox_item_begin(item, "Set", POSTBOX_KIND_NUMBER_SET));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "Home.Set[0] is a string, but the set contains numbers only",
          postbox_item_set_string(item, NULL, "1"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "but the set", postbox_item_begin(item, NULL, POSTBOX_KIND_LIST));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "Home.Set is an empty set", postbox_item_end(item));
    OK(postbox_item_set_int64(item, NULL, INT64_MIN));
    OK(postbox_item_end(item));
    FAILS(POSTBOX_ERROR_INVALID_UTF8, "the item: Home.City: argument \"value\": invalid UTF-8",
          postbox_item_set_string(item, "City", NOT_UTF8));
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "the item: Home.City: ", postbox_item_set_string(item, "City", NULL));
    FAILS(POSTBOX_ERROR_INVALID_UTF8, "the item: Home: argument \"name\": invalid UTF-8",
          postbox_item_begin(item, NOT_UTF8, POSTBOX_KIND_LIST));
    OK(postbox_item_end(item));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "no map, list or set", postbox_item_end(item));
    FAILS(POSTBOX_ERROR_INVALID_UTF8, "value", postbox_item_set_string(item, "x", NOT_UTF8));
    FAILS(POSTBOX_ERROR_INVALID_UTF8, "value", postbox_item_set_string_of_length(item, "x", NOT_UTF8, 4));
    FAILS(POSTBOX_ERROR_INVALID_UTF8, "name", postbox_item_set_null(item, NOT_UTF8));
    check_json(item, "{\"Home\":{\"M\":{\"Lines\":{\"L\":[{\"S\":\"1\"}]},\"Set\":{\"NS\":[\"-9223372036854775808\"]}}}}");
    EQUAL(json, "untouched");
    free(digits);
    postbox_item_free(item);

    item = postbox_item_new();
    for (int i = 0; i < 32; i++)
        OK(postbox_item_begin(item, i == 0 ? "a" : NULL, POSTBOX_KIND_LIST));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "is nested in 32", postbox_item_begin(item, NULL, POSTBOX_KIND_LIST));
    OK(postbox_item_begin(item, NULL, POSTBOX_KIND_STRING_SET));
    postbox_item_free(item);
}

void unit_of_work_writes_and_reads_items(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    postbox_item *ada = postbox_item_new(), *key = postbox_item_new(), *names = postbox_item_new();
    postbox_item *values = postbox_item_new(), *found = NULL;
    set_every_type(ada);
    OK(postbox_item_set_string(key, "Name", "Ada"));
    OK(postbox_item_set_string(names, "#n", "Name"));
    OK(postbox_item_set_int64(values, ":one", 1));
    const postbox_expression is_new = {.condition = "attribute_not_exists(#n)", .names = names, .return_item = true};
    OK(postbox_unit_of_work_put_item(work, "People", ada, &is_new));
    OK(postbox_unit_of_work_commit(work));
    postbox_unit_of_work_free(work);

    work = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_read_item(work, "People", key, &found));
    check_json(found, EVERY_TYPE);
    postbox_item_free(found);
    OK(postbox_unit_of_work_put_item(work, "People", ada, &is_new));
    postbox_error *error = ERROR_OF(POSTBOX_ERROR_TRANSACTION_CANCELED, "", postbox_unit_of_work_commit(work));
    HOLDS(postbox_error_reason_item(error, 0), "\"London\"");
    const postbox_item *stored = postbox_error_reason_read_item(error, 0);
    check_json(stored, EVERY_TYPE);
    EQUAL(postbox_value_string(postbox_item_get(stored, "Name"), NULL), "Ada");
    CHECK(postbox_error_reason_read_item(error, 1) == NULL);
    OK(postbox_item_copy(stored, &found));
    postbox_error_free(error);
    check_json(found, EVERY_TYPE);
    postbox_item_free(found);
    postbox_unit_of_work_free(work);

    work = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_update_item(
        work, "People", key,
        &(postbox_expression){.update = "ADD Age :one", .condition = "attribute_exists(#n)", .names = names, .values = values}));
    OK(postbox_item_set_string(key, "Name", "Bob"));
    OK(postbox_unit_of_work_check_item(work, "People", key, &is_new));
    OK(postbox_item_set_string(key, "Name", "Eve"));
    OK(postbox_unit_of_work_delete_item(work, "People", key, NULL));
    OK(postbox_unit_of_work_commit(work));
    postbox_unit_of_work_free(work);

    int64_t age = 0;
    OK(postbox_read_item(box, "People", key, &found));
    CHECK(found == NULL);
    OK(postbox_item_set_string(key, "Name", "Ada"));
    OK(postbox_read_item(box, "People", key, &found));
    OK(postbox_value_int64(postbox_item_get(found, "Age"), &age));
    CHECK(age == 37);
    postbox_item_free(found);

    work = postbox_unit_of_work_begin(box);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "update_expression", postbox_unit_of_work_update_item(work, "People", key, NULL));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "condition_expression", postbox_unit_of_work_check_item(work, "People", key, NULL));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, ":one is not a string",
          postbox_unit_of_work_delete_item(work, "People", key, &(postbox_expression){.names = values}));
    OK(postbox_item_begin(key, "open", POSTBOX_KIND_LIST));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "open was not ended", postbox_unit_of_work_put_item(work, "People", key, NULL));
    OK(postbox_unit_of_work_commit(work));
    postbox_unit_of_work_free(work);
    postbox_item_free(ada);
    postbox_item_free(key);
    postbox_item_free(names);
    postbox_item_free(values);
    postbox_free(box);
}
