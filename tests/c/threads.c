/* Threads and processes. */
#include "support.h"
#include "tests.h"
#include "server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void *commit(void *work)
{
    return postbox_unit_of_work_commit(work);
}

/*
 * One thread commits to an endpoint that accepts the connection and does not respond. Once the
 * connection exists, the commit is in progress.
 */
void unit_used_by_two_threads_is_an_error(void)
{
    int port = 0, listener = listen_on_loopback(&port);
    char *item = NULL;
    void *committed = NULL;
    pthread_t thread;
    postbox_client *box = NULL;
    postbox_config *config = endpoint_config(port, "20000");
    postbox_message *message = message_of("t", "x", "x");
    OK(postbox_open(config, &box));
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_put(work, "People", ADA));
    CHECK(pthread_create(&thread, NULL, commit, work) == 0);
    int connection = accept(listener, NULL, NULL);
    CHECK(connection >= 0);

    FAILS(POSTBOX_ERROR_CONCURRENT_USE, "another thread", postbox_unit_of_work_put(work, "People", BOB));
    FAILS(POSTBOX_ERROR_CONCURRENT_USE, "another thread", postbox_unit_of_work_deposit_post(work, message));
    FAILS(POSTBOX_ERROR_CONCURRENT_USE, "another thread", postbox_unit_of_work_get_item(work, "People", ADA, &item));
    FAILS(POSTBOX_ERROR_CONCURRENT_USE, "another thread", postbox_unit_of_work_commit(work));
    FAILS(POSTBOX_ERROR_CONCURRENT_USE, "another thread", postbox_unit_of_work_rollback(work));

    /* The request was sent and its response is lost, so its effect is unknown. */
    close(listener);
    close(connection);
    pthread_join(thread, &committed);
    postbox_error *error = ERROR_OF(POSTBOX_ERROR_OUTCOME_UNKNOWN, "call commit again", committed);
    CHECK(postbox_error_is_retryable(error));
    postbox_error_free(error);
    FAILS(POSTBOX_ERROR_OUTCOME_UNKNOWN, "cannot be rolled back", postbox_unit_of_work_rollback(work));
    FAILS(POSTBOX_ERROR_UNIT_OF_WORK_CLOSED, "outcome of the last commit is unknown", postbox_unit_of_work_put(work, "People", BOB));
    FAILS(POSTBOX_ERROR_OUTCOME_UNKNOWN, "call commit again", postbox_unit_of_work_commit(work));
    postbox_message_free(message);
    postbox_unit_of_work_free(work);
    postbox_config_free(config);
    postbox_free(box);
}

struct worker {
    postbox_client *box;
    int number;
    pthread_t thread;
};

static void *work_and_clear(void *data)
{
    struct worker *self = data;
    for (int i = 0; i < 5; i++) {
        char id[32];
        const char *ids = id;
        snprintf(id, sizeof id, "thread-%d-%d", self->number, i);
        char *person = person_json(id, NULL);
        postbox_message *message = message_of("greeting.made", id, "x");
        postbox_unit_of_work *work = postbox_unit_of_work_begin(self->box);
        OK(postbox_unit_of_work_put(work, "People", person));
        OK(postbox_unit_of_work_deposit_post(work, message));
        OK(postbox_unit_of_work_commit(work));
        OK(postbox_clear_outbox(self->box, &ids, 1, NULL, NULL));
        postbox_unit_of_work_free(work);
        postbox_message_free(message);
        free(person);
    }
    return NULL;
}

static int32_t send_quietly(void *data, const postbox_message *message, char *reason, size_t reason_size)
{
    (void)data, (void)message, (void)reason, (void)reason_size;
    return POSTBOX_SEND_SENT;
}

void threads_share_one_postbox(void)
{
    struct worker workers[4];
    postbox_client *box = NULL;
    postbox_config *config = memory_config(NULL);
    OK(postbox_config_add_producer(config, NULL, send_quietly, NULL, NULL));
    OK(postbox_open(config, &box));
    make_people(box);
    for (size_t i = 0; i < COUNT(workers); i++) {
        workers[i].box = box;
        workers[i].number = (int)i;
        CHECK(pthread_create(&workers[i].thread, NULL, work_and_clear, &workers[i]) == 0);
    }
    for (size_t i = 0; i < COUNT(workers); i++)
        pthread_join(workers[i].thread, NULL);
    check_state(box, "thread-0-0", "dispatched");
    check_state(box, "thread-3-4", "dispatched");
    postbox_config_free(config);
    postbox_free(box);
}

static void *free_unit(void *work)
{
    postbox_unit_of_work_free(work);
    return NULL;
}

void unit_may_move_between_threads(void)
{
    pthread_t thread;
    void *committed = NULL;
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_put(work, "People", ADA));
    CHECK(pthread_create(&thread, NULL, commit, work) == 0);
    pthread_join(thread, &committed);
    OK(committed);
    CHECK(pthread_create(&thread, NULL, free_unit, work) == 0);
    pthread_join(thread, NULL);
    check_person(box, ADA, ADA);
    postbox_free(box);
}

/* In a forked child every call fails at once, and freeing does not disturb the parent. */
static void in_the_child(postbox_client *box, postbox_unit_of_work *work, const struct producer *producer)
{
    const char *id = "x";
    char *item = NULL;
    postbox_report *report = NULL;
    postbox_message *message = message_of("t", "x", "x"), *read = NULL;
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_create_table(box));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_verify_table(box, NULL));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_table_warnings(box, &item));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_deposit_post(box, message));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_message_to_put(box, message, &item));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_deposit_posts(box, (const postbox_message *const *)&message, 1));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_post(box, message, &report));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_clear_outbox(box, &id, 1, NULL, &report));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_mark_dispatched(box, &id, 1, &report));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_confirm(box, id, POSTBOX_SEND_RETRY, NULL));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_get_message(box, id, &read));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_get_message(box, "", &read));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_get_item(box, "People", ADA, &item));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_embedded_execute(box, "ListTables", "{}", &item));
    struct producer archive = {.outcome = 0};
    postbox_outstanding_count outstanding;
    postbox_stats stats;
    postbox_page *page = NULL;
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_sweep(box, NULL, NULL, NULL));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_start_sweeper(box));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_stop_sweeper(box));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_count_outstanding(box, NULL, &outstanding));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_list_messages(box, POSTBOX_STATE_PARKED, NULL, 1, NULL, &page));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_unpark(box, id));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_replay(box, &id, 1, &report));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_replay_causation(box, id, &report));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_archive(box, producer_send, &archive, NULL, NULL));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_archive_to_file(box, "/dev/null", NULL, NULL));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_start_archiver(box, producer_send, &archive, producer_release));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_start_archiver_to_file(box, "/dev/null"));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_stop_archiver(box));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_get_stats(box, &stats));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_stats_json(box, &item));
    CHECK(archive.released == 0);
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_unit_of_work_commit(work));
    FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_close(box));
    postbox_unit_of_work_free(work);
    postbox_free(box);
    postbox_message_free(message);
    CHECK(producer->released == 0);
    /* A new Postbox works. */
    postbox_client *own = open_memory(NULL);
    check_usable(own);
    postbox_free(own);
}

void forked_child_gets_errors_and_can_open_its_own(void)
{
    int status = -1;
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    postbox_client *box = open_memory(&producer);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_put(work, "People", ADA));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        failures = 0;
        alarm(60);
        in_the_child(box, work, &producer);
        fflush(stdout);
        /*
         * The child executes another program, since valgrind would report leaks at _exit: memory on the stack
         * of the parent's postbox-runtime thread cannot be freed in the child, which does not have that thread.
         */
        execlp(failures ? "false" : "true", "end of the child", (char *)NULL);
        _exit(1);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK(postbox_unit_of_work_commit(work));
    check_person(box, ADA, ADA);
    check_usable(box);
    postbox_unit_of_work_free(work);
    postbox_free(box);
    CHECK(producer.released == 1);
}
