/* Processes that use the library and end, fork, are interrupted, lose threads or close at random moments.
 *
 *     host SECONDS [SEED]     runs processes one after another for this time, or one process again
 *
 * Each process is derived from a seed. It must end by itself within a minute, without a crash and without a report of a
 * sanitizer. The seed of a process that does not is printed.
 */
#define _GNU_SOURCE
#include "postbox.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_WORKERS = 3, LIMIT_SECONDS = 60 };

static postbox_client *client;
static postbox_cancel_token *token;
static volatile sig_atomic_t is_over;

struct worker {
    pthread_t thread;
    unsigned seed;
};

static unsigned below(unsigned *seed, unsigned end)
{
    return (unsigned)rand_r(seed) % end;
}

/* Calls may fail in any way, but every error is freed. */
static bool done(postbox_error *error)
{
    bool is_done = error == NULL;
    postbox_error_free(error);
    return is_done;
}

static int32_t send_it(void *data, const postbox_message *message, char *reason, size_t size)
{
    static _Thread_local unsigned seed = 1;
    (void)data;
    snprintf(reason, size, "message %s was not sent", postbox_message_id(message));
    switch (below(&seed, 12)) {
    case 0: return POSTBOX_SEND_RETRY;
    case 1: return POSTBOX_SEND_REJECT;
    case 2: return POSTBOX_SEND_NOT_TRIED;
    case 3: usleep(below(&seed, 5000)); break;
    case 4: postbox_cancel_token_cancel(token); break;
    case 5: done(postbox_deposit_post(client, message)); break;
    }
    return POSTBOX_SEND_SENT;
}

static int32_t archive_it(void *data, const postbox_message *message, char *reason, size_t size)
{
    (void)data, (void)reason, (void)size;
    return strlen(postbox_message_id(message)) == 0;
}

static void log_it(void *data, int32_t level, const char *text)
{
    (void)level;
    if (strlen(text) > 1 << 20 || (data && strcmp(data, "log") != 0))
        abort();
}

static void wait_for_others(void *data)
{
    static _Thread_local unsigned seed = 1;
    (void)data;
    if (below(&seed, 20) == 0)
        postbox_cancel_token_cancel(token);
}

static postbox_message *new_message(unsigned *seed)
{
    postbox_message *message = NULL;
    const char *topics[] = {"made", "sold", "lost"};
    char body[1000];
    memset(body, 'x', sizeof body);
    done(postbox_message_new(topics[below(seed, 3)], (const uint8_t *)body, below(seed, sizeof body), &message));
    done(postbox_message_set(message, "partition_key", below(seed, 2) ? "ada" : ""));
    return message;
}

/* The operations that were started, and those that were reported. */
static atomic_int started, reported;

static void receive(void *data, postbox_error *error, postbox_result *result)
{
    reported++;
    done(error);
    postbox_report_free(postbox_result_take_report(result));
    postbox_message_free(postbox_result_take_message(result));
    postbox_result_free(result);
    free(data);
}

/* Starts an operation, which may be canceled, may outlive its handles, or may be abandoned by a close. */
static void start(unsigned *seed, const postbox_message *message)
{
    const char *id = postbox_message_id(message);
    postbox_operation *operation = NULL;
    postbox_error *error;
    /* The callback must be able to free its data, whatever happens to this thread. */
    void *data = malloc(16);
    if (!data)
        _exit(7);
    started++;
    switch (below(seed, 5)) {
    case 0: error = postbox_deposit_post_async(client, message, receive, data, &operation); break;
    case 1: error = postbox_clear_outbox_async(client, &id, 1, receive, data, &operation); break;
    case 2: error = postbox_get_message_async(client, id, receive, data, &operation); break;
    case 3: error = postbox_mark_dispatched_async(client, &id, 1, receive, data, &operation); break;
    default: {
        postbox_unit_of_work *work = postbox_unit_of_work_begin_async(client);
        done(postbox_unit_of_work_deposit_post(work, message));
        error = postbox_unit_of_work_commit_async(work, receive, data, &operation);
        postbox_unit_of_work_free(work);
    }
    }
    if (error) {
        started--;
        free(data);
    }
    done(error);
    if (below(seed, 3) == 0)
        postbox_operation_cancel(operation);
    postbox_operation_free(operation);
}

static void call(unsigned *seed)
{
    postbox_message *message = new_message(seed);
    const char *id = postbox_message_id(message);
    switch (below(seed, 10)) {
    case 7:
    case 8:
    case 9: start(seed, message); break;
    case 0: done(postbox_post(client, message, NULL)); break;
    case 1: done(postbox_sweep(client, NULL, below(seed, 2) ? token : NULL, NULL)); break;
    case 2: done(postbox_archive(client, archive_it, NULL, token, NULL)); break;
    case 3: {
        postbox_page *page = NULL;
        if (done(postbox_list_messages(client, POSTBOX_STATE_OUTSTANDING, NULL, 10, NULL, &page)))
            postbox_page_free(page);
        break;
    }
    default: {
        postbox_unit_of_work *work = postbox_unit_of_work_begin(client);
        if (done(postbox_unit_of_work_deposit_post(work, message)) && done(postbox_unit_of_work_commit(work)))
            done(postbox_clear_outbox(client, &id, 1, token, NULL));
        postbox_unit_of_work_free(work);
    }
    }
    postbox_message_free(message);
}

static void *work(void *data)
{
    struct worker *worker = data;
    while (!is_over) {
        call(&worker->seed);
        pthread_testcancel();
    }
    return NULL;
}

static postbox_client *open_client(unsigned *seed)
{
    postbox_config *config = postbox_config_new();
    postbox_client *opened = NULL;
    done(postbox_config_set(config, "embedded_path", ":memory:"));
    done(postbox_config_set(config, "sweep_min_age_ms", "0"));
    done(postbox_config_set(config, "archive_min_age_ms", "0"));
    done(postbox_config_set(config, "sweep_interval_ms", "100"));
    done(postbox_config_set(config, "close_timeout_ms", below(seed, 2) ? "100" : "5000"));
    done(postbox_config_add_producer(config, NULL, send_it, NULL, NULL));
    if (below(seed, 2)) {
        /* A message after the release would use freed memory. */
        char *context = strdup("log");
        if (!done(postbox_config_set_log_callback(config, POSTBOX_LOG_TRACE, log_it, context, free)))
            free(context);
    }
    if (!done(postbox_open(config, &opened)))
        _exit(3);
    postbox_config_free(config);
    return opened;
}

static void on_signal(int number)
{
    (void)number;
    postbox_cancel_token_cancel(token);
}

/* A child of a process with threads in calls uses a client of its own. */
static void fork_once(unsigned *seed)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(LIMIT_SECONDS);
        postbox_free(client);
        client = open_client(seed);
        call(seed);
        postbox_free(client);
        _exit(0);
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        _exit(4);
}

static void disturb(unsigned *seed, struct worker *workers, unsigned count, bool *canceled)
{
    unsigned one = below(seed, count);
    switch (below(seed, 6)) {
    case 0: exit(0);
    case 1: fork_once(seed); break;
    case 2:
        if (!canceled[one])
            pthread_cancel(workers[one].thread);
        canceled[one] = true;
        break;
    case 3: kill(getpid(), SIGUSR1); break;
    case 4: done(postbox_stop_sweeper(client)); break;
    case 5: done(postbox_close_within(client, below(seed, 50))); break;
    }
}

static int live(unsigned seed)
{
    struct worker workers[MOST_WORKERS];
    bool canceled[MOST_WORKERS] = {false};
    unsigned count = 1 + below(&seed, MOST_WORKERS);
    alarm(LIMIT_SECONDS);
    signal(SIGUSR1, on_signal);
    if (below(&seed, 2))
        done(postbox_set_log_callback(POSTBOX_LOG_DEBUG, log_it, NULL, NULL));
    done(postbox_cancel_token_new(&token));
    if (below(&seed, 2))
        done(postbox_cancel_token_on_wait(token, wait_for_others, NULL, NULL));
    client = open_client(&seed);
    if (below(&seed, 2))
        done(postbox_start_sweeper(client));
    if (below(&seed, 3) == 0)
        done(postbox_start_archiver(client, archive_it, NULL, NULL));
    for (unsigned i = 0; i < count; i++) {
        workers[i].seed = seed + i;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
            return 5;
    }
    for (unsigned turns = 1 + below(&seed, 4); turns > 0; turns--) {
        usleep(below(&seed, 30000));
        disturb(&seed, workers, count, canceled);
    }
    is_over = 1;
    for (unsigned i = 0; i < count; i++)
        pthread_join(workers[i].thread, NULL);
    bool is_closed = done(postbox_close(client));
    postbox_free(client);
    postbox_cancel_token_free(token);
    return is_closed && started != reported ? 6 : 0;
}

int main(int count, char **arguments)
{
    time_t end = time(NULL) + (count > 1 ? atoi(arguments[1]) : 60);
    if (count > 2)
        return live((unsigned)atoi(arguments[2]));
    unsigned seed = (unsigned)time(NULL), first = seed;
    for (; time(NULL) < end; seed++) {
        int status = -1;
        fflush(NULL);
        pid_t process = fork();
        if (process == 0)
            _exit(live(seed));
        if (process < 0 || waitpid(process, &status, 0) != process || status != 0) {
            printf("seed %u: status %x\n", seed, (unsigned)status);
            return 1;
        }
    }
    printf("%u processes\n", seed - first);
    return seed == first;
}
