/* Settings by name, and the version. */
#include "support.h"
#include "tests.h"

#include <stdio.h>

void version_of_header_and_library_agree(void)
{
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", POSTBOX_VERSION_MAJOR, POSTBOX_VERSION_MINOR, POSTBOX_VERSION_PATCH);
    EQUAL(POSTBOX_VERSION, version);
    EQUAL(postbox_version(), POSTBOX_VERSION);
}

void settings_are_set_and_read_by_name(void)
{
    const char *value = NULL, *again = NULL;
    postbox_config *config = postbox_config_new();
    CHECK(config != NULL);
    OK(postbox_config_get(config, "table_name", &value));
    EQUAL(value, "brighter_outbox");
    OK(postbox_config_set(config, "table_name", "orders_outbox"));
    OK(postbox_config_get(config, "table_name", &value));
    EQUAL(value, "orders_outbox");
    OK(postbox_config_get(config, "region", &again));
    EQUAL(again, "");
    OK(postbox_config_set(config, "secret_access_key", "hush"));
    OK(postbox_config_get(config, "secret_access_key", &again));
    EQUAL(again, "***");
    /* Reading the setting again returns the same pointer. */
    OK(postbox_config_get(config, "table_name", &again));
    CHECK(again == value);
    postbox_config_free(config);
}

void unknown_setting_lists_the_near_ones(void)
{
    const char *value = "untouched";
    postbox_config *config = memory_config(NULL);
    FAILS(POSTBOX_ERROR_UNKNOWN_NAME, "table_name", postbox_config_set(config, "tabel_name", "x"));
    FAILS(POSTBOX_ERROR_UNKNOWN_NAME, "max_request_attempts", postbox_config_get(config, "max_request_attempt", &value));
    EQUAL(value, "untouched");
    postbox_client *box = NULL;
    OK(postbox_open(config, &box));
    check_usable(box);
    postbox_free(box);
    postbox_config_free(config);
}

void setting_out_of_range_says_the_range(void)
{
    const char *value = NULL, *wrong[] = {"0", "21", "-1", "many", "3 ", "", "99999999999999999999999"};
    postbox_config *config = postbox_config_new();
    for (size_t i = 0; i < COUNT(wrong); i++)
        FAILS(POSTBOX_ERROR_INVALID_SETTING, "1 to 20", postbox_config_set(config, "number_of_shards", wrong[i]));
    OK(postbox_config_get(config, "number_of_shards", &value));
    EQUAL(value, "3");
    FAILS(POSTBOX_ERROR_INVALID_SETTING, "3 to 255", postbox_config_set(config, "table_name", "ab"));
    OK(postbox_config_set(config, "number_of_shards", "20"));
    postbox_config_free(config);
}

void settings_that_contradict_each_other_fail_at_the_opening(void)
{
    postbox_client *box = NULL;
    postbox_config *config = memory_config(NULL);
    OK(postbox_config_set(config, "endpoint_url", "http://localhost:8000"));
    FAILS(POSTBOX_ERROR_INVALID_SETTING, "exclude each other", postbox_open(config, &box));
    CHECK(box == NULL);
    OK(postbox_config_set(config, "endpoint_url", ""));
    OK(postbox_open(config, &box));
    check_usable(box);
    postbox_free(box);
    postbox_config_free(config);
}

void embedded_path_that_cannot_be_opened_is_named(void)
{
    postbox_client *box = NULL;
    postbox_config *config = memory_config(NULL);
    OK(postbox_config_set(config, "embedded_path", "/dev/null/outbox"));
    FAILS(POSTBOX_ERROR_EMBEDDED_UNAVAILABLE, "/dev/null/outbox", postbox_open(config, &box));
    CHECK(box == NULL);
    postbox_config_free(config);
}

void one_configuration_opens_many(void)
{
    postbox_client *boxes[3] = {NULL, NULL, NULL};
    postbox_config *config = memory_config(NULL);
    for (size_t i = 0; i < COUNT(boxes); i++)
        OK(postbox_open(config, &boxes[i]));
    postbox_config_free(config);
    for (size_t i = 0; i < COUNT(boxes); i++) {
        check_usable(boxes[i]);
        postbox_free(boxes[i]);
    }
}
