/*
 * The main job of Postbox: change your data and send a message about it, both or neither.
 *
 *     greetings [database-file [target]]
 *
 * The example uses the embedded database, in memory unless a file is given. Run it twice with one
 * file: the second run finds the data of the first. With a target, such as sns:greetings or
 * sqs:greetings, the message goes there, with the region and credentials that the AWS CLI would use.
 * examples/greetings.rs is the same in Rust.
 */
#include "postbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prints an error with its reasons, and frees it. */
static int fail(postbox_error *err)
{
    fprintf(stderr, "greetings: %s\n", postbox_error_message(err));
    for (size_t i = 0; i < postbox_error_reason_count(err); i++)
        fprintf(stderr, "  %s: %s: %s\n", postbox_error_reason_subject(err, i),
                postbox_error_reason_code(err, i), postbox_error_reason_message(err, i));
    postbox_error_free(err);
    return EXIT_FAILURE;
}

/* The producer. A real producer would pass the message to a broker. */
static int32_t print_message(void *data, const postbox_message *message, char *reason, size_t reason_size)
{
    (void)data, (void)reason, (void)reason_size;
    size_t length;
    const uint8_t *body = postbox_message_body(message, &length);
    printf("  The producer of %s sends: %.*s\n", postbox_message_topic(message), (int)length, (const char *)body);
    return POSTBOX_SEND_SENT;
}

/* Creates the table of the program if it does not exist. */
static postbox_error *make_people(postbox_client *box)
{
    postbox_error *err = postbox_embedded_execute(box, "DescribeTable", "{\"TableName\":\"People\"}", NULL);
    if (postbox_error_code(err) != POSTBOX_ERROR_TABLE_NOT_FOUND)
        return err;
    postbox_error_free(err);
    return postbox_embedded_execute(box, "CreateTable",
                                    "{\"TableName\":\"People\",\"BillingMode\":\"PAY_PER_REQUEST\","
                                    "\"AttributeDefinitions\":[{\"AttributeName\":\"Name\",\"AttributeType\":\"S\"}],"
                                    "\"KeySchema\":[{\"AttributeName\":\"Name\",\"KeyType\":\"HASH\"}]}",
                                    NULL);
}

/* Creates the key of a person, which is also the item of a new person. The caller frees it, also after an error. */
static postbox_error *key_of(const char *name, postbox_item **key)
{
    *key = postbox_item_new();
    return postbox_item_set_string(*key, "Name", name);
}

/* Reads the number of greetings of the person, which is 0 if the table does not have the person. */
static postbox_error *greetings_of(const postbox_item *person, int64_t *greetings)
{
    return postbox_value_int64_or(postbox_item_get(person, "Greetings"), 0, greetings);
}

static const char *times(int64_t count)
{
    return count == 1 ? "time" : "times";
}

/* Adds a message to the unit of work. */
static postbox_error *deposit(postbox_unit_of_work *work, const char *name, const char *id, int64_t greetings)
{
    postbox_error *err;
    postbox_message *message = NULL;
    char body[128];

    snprintf(body, sizeof body, "%s was greeted %" PRId64 " %s", name, greetings, times(greetings));
    if (!(err = postbox_message_new("greeting.made", (const uint8_t *)body, strlen(body), &message)) &&
        !(err = postbox_message_set(message, "content_type", "text/plain")) &&
        !(err = postbox_message_set(message, "id", id)))
        err = postbox_unit_of_work_deposit_post(work, message);
    postbox_message_free(message);
    return err;
}

/* Reads the person, counts one greeting more, and adds the person and the message to the unit of work. */
static postbox_error *add_greeting(postbox_unit_of_work *work, const char *name, const char *id, int64_t *greetings)
{
    postbox_error *err;
    postbox_item *key, *stored = NULL;

    if (!(err = key_of(name, &key)) && !(err = postbox_unit_of_work_read_item(work, "People", key, &stored)) &&
        !(err = greetings_of(stored, greetings))) {
        /* A stored person is changed, so that its other attributes are kept. */
        postbox_item *person = stored ? stored : key;
        *greetings += 1;
        if (!(err = postbox_item_set_int64(person, "Greetings", *greetings)) &&
            !(err = postbox_unit_of_work_put_item(work, "People", person, NULL)))
            err = deposit(work, name, id, *greetings);
    }
    postbox_item_free(stored);
    postbox_item_free(key);
    return err;
}

/* The handler. Greets a person and announces it, both or neither. */
static postbox_error *greet(postbox_client *box, const char *name, const char *id)
{
    postbox_error *err;
    int64_t greetings = 0;
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);

    if (!(err = add_greeting(work, name, id, &greetings)) && !(err = postbox_unit_of_work_commit(work))) {
        printf("Committed: %s was greeted %" PRId64 " %s, and message %s is in the outbox.\n", name, greetings,
               times(greetings), id);
        if (!(err = postbox_clear_outbox(box, &id, 1, NULL, NULL)))
            printf("Cleared: message %s is dispatched.\n", id);
    }
    postbox_unit_of_work_free(work);
    return err;
}

/* Greets a person and rolls back, so that nothing is written or sent. */
static postbox_error *greet_and_roll_back(postbox_client *box, const char *name, const char *id)
{
    postbox_error *err;
    int64_t greetings;
    postbox_message *found = NULL;
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);

    if (!(err = add_greeting(work, name, id, &greetings)) && !(err = postbox_unit_of_work_rollback(work)) &&
        !(err = postbox_get_message(box, id, &found)))
        printf("Rolled back: the outbox has %s message %s.\n", found ? "a" : "no", id);
    postbox_message_free(found);
    postbox_unit_of_work_free(work);
    return err;
}

/* Repeats the command, whose message already exists in the outbox, so that it has no effect. */
static postbox_error *greet_again(postbox_client *box, const char *name, const char *id)
{
    postbox_error *err = greet(box, name, id);
    if (postbox_error_code(err) != POSTBOX_ERROR_DUPLICATE_MESSAGE)
        return err;
    printf("Rejected: %s.\n", postbox_error_message(err));
    postbox_error_free(err);
    return NULL;
}

/* Reads the number of greetings of the person. */
static postbox_error *read_greetings(postbox_client *box, const char *name, int64_t *greetings)
{
    postbox_error *err;
    postbox_item *key, *person = NULL;

    if (!(err = key_of(name, &key)) && !(err = postbox_read_item(box, "People", key, &person)))
        err = greetings_of(person, greetings);
    postbox_item_free(person);
    postbox_item_free(key);
    return err;
}

static postbox_error *run(postbox_client *box, const char *name)
{
    postbox_error *err;
    int64_t before = 0, after = 0;
    char id[64], next_id[64];

    if ((err = make_people(box)) || (err = read_greetings(box, name, &before)))
        return err;
    printf("%s was greeted %" PRId64 " %s before.\n", name, before, times(before));

    /* The id of the command that is handled, such as that of a request. The command takes effect once. */
    snprintf(id, sizeof id, "greeting-%" PRId64, before + 1);
    snprintf(next_id, sizeof next_id, "greeting-%" PRId64, before + 2);
    if ((err = greet(box, name, id)) || (err = greet_and_roll_back(box, name, next_id)) ||
        (err = greet_again(box, name, id)) || (err = read_greetings(box, name, &after)))
        return err;
    printf("%s was greeted %" PRId64 " %s in all.\n", name, after, times(after));
    return NULL;
}

/* Sends the messages to the target, if there is one, else to the producer above. */
static postbox_error *send_to(postbox_config *config, const char *target)
{
    char routes[512];
    if (!target)
        return postbox_config_add_producer(config, "greeting.made", print_message, NULL, NULL);
    snprintf(routes, sizeof routes, "greeting.made = %s", target);
    return postbox_config_set(config, "routes", routes);
}

int main(int argc, char **argv)
{
    postbox_error *err;
    postbox_client *box = NULL;
    postbox_config *config = postbox_config_new();

    if (!(err = postbox_config_set(config, "embedded_path", argc > 1 ? argv[1] : ":memory:")) &&
        !(err = send_to(config, argc > 2 ? argv[2] : NULL)) && !(err = postbox_open(config, &box)) &&
        !(err = run(box, "Ada")))
        err = postbox_close(box);
    postbox_free(box);
    postbox_config_free(config);
    return err ? fail(err) : EXIT_SUCCESS;
}
