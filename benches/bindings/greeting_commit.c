/*
 * Measures from C the commit with which the bindings are compared: an item with 10 attributes and a message of 100 bytes on
 * the embedded database in memory, 5,000 times. Prints the median in microseconds. greeting_commit.rs is the same in Rust.
 */
#include "postbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WARM_UP = 500, COMMITS = 5000, BODY = 100 };

static const char CREATE_PEOPLE[] =
    "{\"TableName\":\"People\",\"BillingMode\":\"PAY_PER_REQUEST\","
    "\"AttributeDefinitions\":[{\"AttributeName\":\"Name\",\"AttributeType\":\"S\"}],"
    "\"KeySchema\":[{\"AttributeName\":\"Name\",\"KeyType\":\"HASH\"}]}";

/* Ends the program after an error. */
static void check(postbox_error *error)
{
    if (error) {
        fprintf(stderr, "greeting_commit: %s\n", postbox_error_message(error));
        exit(1);
    }
}

static postbox_item *person(void)
{
    static const uint8_t photo[16] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
    postbox_item *item = postbox_item_new();
    check(postbox_item_set_string(item, "Name", "Ada"));
    check(postbox_item_set_string(item, "Email", "ada@example.com"));
    check(postbox_item_set_string(item, "City", "London"));
    check(postbox_item_set_string(item, "Greeting", "Hello, Countess"));
    check(postbox_item_set_int64(item, "Greetings", 1));
    check(postbox_item_set_int64(item, "Age", 36));
    check(postbox_item_set_bool(item, "Adult", true));
    check(postbox_item_set_null(item, "Friend"));
    check(postbox_item_set_binary(item, "Photo", photo, sizeof photo));
    check(postbox_item_begin(item, "Languages", POSTBOX_KIND_LIST));
    check(postbox_item_set_string(item, NULL, "English"));
    check(postbox_item_set_string(item, NULL, "French"));
    check(postbox_item_end(item));
    return item;
}

static void commit(postbox_client *client, const char *body)
{
    postbox_message *message = NULL;
    postbox_unit_of_work *work = postbox_unit_of_work_begin(client);
    postbox_item *item = person();
    check(postbox_unit_of_work_put_item(work, "People", item, NULL));
    check(postbox_message_new("greeting.made", (const uint8_t *)body, BODY, &message));
    check(postbox_unit_of_work_deposit_post(work, message));
    check(postbox_unit_of_work_commit(work));
    postbox_item_free(item);
    postbox_message_free(message);
    postbox_unit_of_work_free(work);
}

static double microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int by_size(const void *one, const void *other)
{
    const double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

int main(void)
{
    static double times[COMMITS];
    char body[BODY];
    postbox_config *config = postbox_config_new();
    postbox_client *client = NULL;
    memset(body, 'x', BODY);
    check(postbox_config_set(config, "embedded_path", ":memory:"));
    check(postbox_open(config, &client));
    check(postbox_embedded_execute(client, "CreateTable", CREATE_PEOPLE, NULL));
    for (int i = 0; i < WARM_UP; i++)
        commit(client, body);
    for (int i = 0; i < COMMITS; i++) {
        const double began = microseconds();
        commit(client, body);
        times[i] = microseconds() - began;
    }
    qsort(times, COMMITS, sizeof times[0], by_size);
    printf("%.1f\n", times[COMMITS / 2]);
    postbox_free(client);
    postbox_config_free(config);
    return 0;
}
