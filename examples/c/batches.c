/*
 * Sends several messages in one call, and confirms many in one call, as brokers do.
 *
 * The broker of this program accepts two of three messages, since the producer is asked to stop before the third, and
 * confirms later that it has the first and lost the second. The database is in memory.
 */
#include "postbox.h"

#include <stdio.h>
#include <string.h>

#define COUNT 3

/* The producer. A real producer would pass the messages to a broker. */
static void send_batch(void *data, const postbox_message *const *messages, size_t count, postbox_send_results *results)
{
    (void)data;
    printf("The producer gets %zu messages in one call\n", count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(postbox_message_id(messages[i]), "order-3") == 0)
            return; /* asked to stop: the rest was not tried */
        postbox_send_results_set(results, i, POSTBOX_SEND_ACCEPTED, NULL);
    }
}

static postbox_error *deposit(postbox_client *box, const char *id)
{
    postbox_message *message = NULL;
    postbox_error *error = postbox_message_new("order.placed", NULL, 0, &message);
    if (!error)
        error = postbox_message_set(message, "id", id);
    if (!error)
        error = postbox_deposit_post(box, message);
    postbox_message_free(message);
    return error;
}

static postbox_error *show(postbox_client *box, const char *id)
{
    postbox_message *message = NULL;
    const char *state = NULL, *last_error = NULL;
    postbox_error *error = postbox_get_message(box, id, &message);
    if (!error)
        error = postbox_message_get(message, "state", &state);
    if (!error)
        error = postbox_message_get(message, "last_error", &last_error);
    if (!error)
        printf("%s is %s%s%s\n", id, state, last_error ? ": " : "", last_error ? last_error : "");
    postbox_message_free(message);
    return error;
}

static postbox_error *run(postbox_config *config, postbox_client **box)
{
    static const char *const ids[COUNT] = {"order-1", "order-2", "order-3"};
    /* What the broker of this program confirms: the first message is sent, the second was lost. */
    static const postbox_send_outcome outcomes[] = {POSTBOX_SEND_SENT, POSTBOX_SEND_RETRY};
    static const char *const reasons[] = {NULL, "no leader"};
    postbox_report *report = NULL;
    postbox_error *error = postbox_config_set(config, "embedded_path", ":memory:");
    if (!error)
        error = postbox_config_add_batch_producer(config, "order.placed", 10, send_batch, NULL, NULL);
    if (!error)
        error = postbox_open(config, box);
    for (int i = 0; !error && i < COUNT; i++)
        error = deposit(*box, ids[i]);
    if (!error)
        error = postbox_clear_outbox(*box, ids, COUNT, NULL, &report);
    postbox_report_free(report);
    /* A real program does this when the broker responds, on any thread. */
    if (!error)
        error = postbox_confirm_many(*box, ids, outcomes, reasons, 2);
    for (int i = 0; !error && i < COUNT; i++)
        error = show(*box, ids[i]);
    return error;
}

int main(void)
{
    postbox_client *box = NULL;
    postbox_config *config = postbox_config_new();
    postbox_error *error = run(config, &box);
    int failed = error != NULL;
    if (error)
        fprintf(stderr, "%s\n", postbox_error_message(error));
    postbox_error_free(error);
    postbox_free(box);
    postbox_config_free(config);
    return failed;
}
