/* Makes the calls of a program on a thread with a stack of 128 KB, the default of musl, and prints how much of it they
 * used. A call that needs more ends the process with SIGSEGV.
 *
 *     stack              on an embedded database
 *     stack ENDPOINT     on a DynamoDB at this URL
 */
#define _GNU_SOURCE
#include "postbox.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STACK (128 * 1024)
#define GUARD (64 * 1024)
#define UNUSED 0xAA

static void ok(postbox_error *error)
{
    if (!error)
        return;
    fprintf(stderr, "%s\n", postbox_error_message(error));
    exit(1);
}

static int32_t send_it(void *data, const postbox_message *message, char *reason, size_t size)
{
    (void)data, (void)message, (void)reason, (void)size;
    return POSTBOX_SEND_SENT;
}

static int32_t archive_it(void *data, const postbox_message *message, char *reason, size_t size)
{
    (void)data, (void)message, (void)reason, (void)size;
    return 0;
}

static postbox_client *open_client(const char *endpoint)
{
    postbox_config *config = postbox_config_new();
    postbox_client *client = NULL;
    ok(postbox_config_set(config, endpoint ? "endpoint_url" : "embedded_path", endpoint ? endpoint : ":memory:"));
    ok(postbox_config_set(config, "region", "eu-central-1"));
    ok(postbox_config_set(config, "access_key_id", "test"));
    ok(postbox_config_set(config, "secret_access_key", "test"));
    ok(postbox_config_set(config, "sweep_min_age_ms", "0"));
    ok(postbox_config_set(config, "archive_min_age_ms", "0"));
    ok(postbox_config_add_producer(config, NULL, send_it, NULL, NULL));
    ok(postbox_open(config, &client));
    postbox_config_free(config);
    return client;
}

static postbox_message *new_message(void)
{
    postbox_message *message = NULL;
    ok(postbox_message_new("greeting.made", (const uint8_t *)"Hello", 5, &message));
    ok(postbox_message_set(message, "bag.deep", "[[[[{\"a\":[1,2,3]}]]]]"));
    return message;
}

static void receive(void *data, postbox_error *error, postbox_result *result)
{
    ok(error);
    postbox_result_free(result);
    sem_post(data);
}

static void *make_calls(void *endpoint)
{
    sem_t done;
    postbox_client *client = open_client(endpoint);
    postbox_message *message = new_message(), *found = NULL;
    postbox_outstanding_count count;
    postbox_page *page = NULL;
    char *json = NULL;
    ok(postbox_create_table(client));
    postbox_unit_of_work *work = postbox_unit_of_work_begin(client);
    ok(postbox_unit_of_work_deposit_post(work, message));
    ok(postbox_unit_of_work_commit(work));
    const char *id = postbox_message_id(message);
    ok(postbox_get_message(client, id, &found));
    ok(postbox_clear_outbox(client, &id, 1, NULL, NULL));
    ok(postbox_replay(client, &id, 1, NULL));
    ok(postbox_sweep(client, NULL, NULL, NULL));
    ok(postbox_list_messages(client, POSTBOX_STATE_DISPATCHED, NULL, 10, NULL, &page));
    ok(postbox_archive(client, archive_it, NULL, NULL, NULL));
    ok(postbox_count_outstanding(client, NULL, &count));
    ok(postbox_stats_json(client, &json));
    postbox_string_free(json);
    postbox_page_free(page);
    postbox_message_free(found);
    postbox_message_free(message);
    postbox_unit_of_work_free(work);
    sem_init(&done, 0, 0);
    work = postbox_unit_of_work_begin_async(client);
    message = new_message();
    id = postbox_message_id(message);
    ok(postbox_unit_of_work_deposit_post(work, message));
    ok(postbox_unit_of_work_commit_async(work, receive, &done, NULL));
    ok(postbox_get_message_async(client, id, receive, &done, NULL));
    ok(postbox_clear_outbox_async(client, &id, 1, receive, &done, NULL));
    for (int i = 0; i < 3; i++)
        sem_wait(&done);
    sem_destroy(&done);
    postbox_unit_of_work_free(work);
    postbox_message_free(message);
    ok(postbox_start_sweeper(client));
    ok(postbox_close(client));
    postbox_free(client);
    return NULL;
}

int main(int count, char **arguments)
{
    pthread_attr_t attributes;
    pthread_t thread;
    unsigned char *memory = mmap(NULL, GUARD + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, GUARD, PROT_NONE))
        return 1;
    memset(memory + GUARD, UNUSED, STACK);
    pthread_attr_init(&attributes);
    if (pthread_attr_setstack(&attributes, memory + GUARD, STACK) ||
        pthread_create(&thread, &attributes, make_calls, count > 1 ? arguments[1] : NULL))
        return 1;
    pthread_join(thread, NULL);
    size_t unused = 0;
    while (unused < STACK && memory[GUARD + unused] == UNUSED)
        unused++;
    printf("%s: %zu of %d KB of stack\n", count > 1 ? arguments[1] : "embedded", (STACK - unused) / 1024, STACK / 1024);
    return 0;
}
