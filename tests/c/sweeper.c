/* The background threads: started once, stopped, and waited for within the timeout. */
#include "support.h"
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A producer or an archive that signals its call, and returns when the test lets it. */
struct held {
    struct event called, may_return, released;
    pthread_t thread;
    int calls, releases;
};

#define HELD {.called = NO_EVENT, .may_return = NO_EVENT, .released = NO_EVENT}

static int32_t hold(void *data, const postbox_message *message, char *reason, size_t reason_size)
{
    struct held *self = data;
    (void)message, (void)reason, (void)reason_size;
    self->thread = pthread_self();
    self->calls++;
    event_set(&self->called);
    event_wait(&self->may_return);
    return 0;
}

static void let_go(void *data)
{
    struct held *self = data;
    self->releases++;
    event_set(&self->released);
}

/* Opens a Postbox whose background threads run once at the start, and not again during the test. */
static postbox_client *open_held(struct held *held, const char *close_timeout_ms)
{
    postbox_client *box = NULL;
    postbox_config *config = eager_config(NULL);
    OK(postbox_config_set(config, "close_timeout_ms", close_timeout_ms));
    OK(postbox_config_set(config, "sweep_interval_ms", "600000"));
    OK(postbox_config_set(config, "archive_interval_ms", "600000"));
    OK(postbox_config_add_producer(config, NULL, hold, held, let_go));
    OK(postbox_open(config, &box));
    postbox_config_free(config);
    return box;
}

void sweeper_is_a_thread_that_is_started_once(void)
{
    struct held held = HELD;
    postbox_sweep_result result;
    postbox_client *box = open_held(&held, "60000");
    OK(postbox_stop_sweeper(box));
    deposit(box, "swept");
    OK(postbox_start_sweeper(box));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "sweeper of this Postbox is running already", postbox_start_sweeper(box));
    event_wait(&held.called);
    CHECK(!pthread_equal(held.thread, pthread_self()));
    /* The sweeper holds the lease, so another sweep does nothing. */
    OK(postbox_sweep(box, NULL, NULL, &result));
    CHECK(result.lease == POSTBOX_LEASE_HELD_ELSEWHERE && result.dispatched == 0);
    event_set(&held.may_return);
    OK(postbox_stop_sweeper(box));
    check_state(box, "swept", "dispatched");
    OK(postbox_stop_sweeper(box));
    /* A stopped sweeper can be started again. Freeing the Postbox stops it. */
    OK(postbox_start_sweeper(box));
    postbox_free(box);
    CHECK(held.calls == 1 && held.releases == 1);
}

void sweeper_sends_messages_committed_by_another_client(void)
{
    static const char *const ids[] = {"committed", "nobody"};
    struct held held = HELD;
    postbox_client *box = open_held(&held, "60000");
    event_set(&held.may_return);
    OK(postbox_notify_committed(box, NULL, 0));
    OK(postbox_start_sweeper(box));
    /* The next periodic sweep is ten minutes away, so only the notification can cause the send. */
    deposit(box, "committed");
    OK(postbox_notify_committed(box, ids, COUNT(ids)));
    event_wait(&held.called);
    CHECK(!pthread_equal(held.thread, pthread_self()));
    OK(postbox_stop_sweeper(box));
    check_state(box, "committed", "dispatched");
    postbox_free(box);
    CHECK(held.calls == 1);
}

void sweeper_in_a_call_is_waited_for_as_long_as_asked(void)
{
    struct held held = HELD;
    postbox_client *box = open_held(&held, "50");
    deposit(box, "slow");
    OK(postbox_start_sweeper(box));
    event_wait(&held.called);
    int64_t began = now_ms();
    FAILS(POSTBOX_ERROR_TIMEOUT, "sweeper did not stop", postbox_stop_sweeper(box));
    CHECK(now_ms() - began >= 50 && now_ms() - began < 30000);
    /* A second stop waits for the sweeper again, and a second sweeper cannot be started. */
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "running already", postbox_start_sweeper(box));
    FAILS(POSTBOX_ERROR_TIMEOUT, "sweeper did not stop", postbox_stop_sweeper(box));
    check_state(box, "slow", "outstanding");
    FAILS(POSTBOX_ERROR_TIMEOUT, "close_timeout_ms", postbox_close(box));
    postbox_free(box);
    /* The producer is still in its call, so its data must not be released yet. */
    CHECK(held.releases == 0);
    event_set(&held.may_return);
    event_wait(&held.released);
    CHECK(held.calls == 1 && held.releases == 1);
}

/* Ends the program while its sweeper calls a producer, without closing or freeing anything. */
static void end_in_a_sweep(void)
{
    static struct held held = HELD;
    postbox_client *box = open_held(&held, "60000");
    deposit(box, "under way");
    OK(postbox_start_sweeper(box));
    event_wait(&held.called);
    exit(failures);
}

void program_may_end_while_its_sweeper_runs(void)
{
    if (is_alone())
        end_in_a_sweep();
    run_alone(__func__);
}

static postbox_client *closed_at_exit;

static void close_at_exit(void)
{
    OK(postbox_close(closed_at_exit));
    postbox_free(closed_at_exit);
    /* The process executes another program, since valgrind would report the memory of the Postbox's ending thread at exit. */
    execlp(failures ? "false" : "true", "end of the process", (char *)NULL);
    _exit(1);
}

void program_may_close_at_its_exit(void)
{
    if (is_alone()) {
        closed_at_exit = open_eager(NULL, "lease_mode", "per_shard");
        OK(postbox_start_sweeper(closed_at_exit));
        CHECK(atexit(close_at_exit) == 0);
        exit(failures);
    }
    run_alone(__func__);
}

static void *stop_both(void *box)
{
    OK(postbox_stop_sweeper(box));
    OK(postbox_stop_archiver(box));
    return NULL;
}

void archiver_releases_its_data_once_when_it_has_ended(void)
{
    struct held held = HELD, none = HELD;
    const char *id = "old";
    pthread_t thread;
    postbox_client *box = open_held(&none, "60000");
    event_set(&none.may_return);
    deposit(box, id);
    OK(postbox_mark_dispatched(box, &id, 1, NULL));
    OK(postbox_stop_archiver(box));
    OK(postbox_start_archiver(box, hold, &held, let_go));
    event_wait(&held.called);
    CHECK(!pthread_equal(held.thread, pthread_self()));
    /* A background thread that cannot be started does not take ownership. */
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "archiver of this Postbox is running already",
          postbox_start_archiver(box, hold, &none, let_go));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "running already", postbox_start_archiver_to_file(box, "/dev/null"));
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "archive", postbox_start_archiver(box, NULL, &none, let_go));
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "client", postbox_start_archiver(NULL, hold, &none, let_go));
    CHECK(none.releases == 0 && held.releases == 0);
    /* The sweeper runs at the same time. Another thread stops both. */
    OK(postbox_start_sweeper(box));
    CHECK(pthread_create(&thread, NULL, stop_both, box) == 0);
    event_set(&held.may_return);
    pthread_join(thread, NULL);
    CHECK(held.calls == 1 && held.releases == 1);
    check_state(box, id, NULL);
    OK(postbox_stop_archiver(box));
    /* A restarted archiver ends with the Postbox. */
    OK(postbox_start_archiver(box, hold, &held, let_go));
    postbox_free(box);
    CHECK(held.calls == 1 && held.releases == 2 && none.calls == 0);
}

void archiver_without_a_release_ends_too(void)
{
    struct producer archive = {.outcome = 0};
    postbox_client *box = open_eager(NULL, NULL, NULL);
    OK(postbox_start_archiver(box, producer_send, &archive, NULL));
    OK(postbox_stop_archiver(box));
    OK(postbox_start_archiver_to_file(box, "/dev/null"));
    OK(postbox_stop_archiver(box));
    CHECK(archive.released == 0);
    postbox_free(box);
}

/* Both threads are waited for at the same time, so the timeouts do not add up. */
void closing_waits_for_both_threads_at_once(void)
{
    struct held sweeping = HELD, archiving = HELD;
    const char *id = "old";
    postbox_client *box = open_held(&sweeping, "1000");
    deposit(box, id);
    OK(postbox_mark_dispatched(box, &id, 1, NULL));
    deposit(box, "new");
    OK(postbox_start_sweeper(box));
    OK(postbox_start_archiver(box, hold, &archiving, let_go));
    event_wait(&sweeping.called);
    event_wait(&archiving.called);
    int64_t began = now_ms();
    FAILS(POSTBOX_ERROR_TIMEOUT, "abandoned", postbox_close(box));
    CHECK(now_ms() - began < 2500);
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_start_sweeper(box));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_start_archiver(box, hold, &archiving, let_go));
    CHECK(archiving.releases == 0);
    event_set(&sweeping.may_return);
    event_set(&archiving.may_return);
    OK(postbox_stop_sweeper(box));
    OK(postbox_stop_archiver(box));
    CHECK(archiving.releases == 1);
    postbox_free(box);
    CHECK(sweeping.releases == 1);
}

struct failed_runs {
    struct event both;
    int sweeper, archiver;
};

static void see_failed_run(void *data, int32_t level, const char *text)
{
    struct failed_runs *self = data;
    (void)level;
    if (!strstr(text, "a background run failed"))
        return;
    pthread_mutex_lock(&self->both.lock);
    self->sweeper += strstr(text, "sweeper") != NULL;
    self->archiver += strstr(text, "archiver") != NULL;
    bool both = self->sweeper && self->archiver;
    pthread_mutex_unlock(&self->both.lock);
    if (both)
        event_set(&self->both);
}

/* A background thread survives failures; the log and the statistics report them. */
void background_threads_survive_errors_and_report_them(void)
{
    struct held held = HELD;
    struct producer archive = {.outcome = 0};
    struct failed_runs failed = {.both = NO_EVENT};
    char *json = NULL;
    postbox_client *box = open_held(&held, "60000");
    OK(postbox_embedded_execute(box, "DeleteTable", "{\"TableName\":\"brighter_outbox\"}", NULL));
    OK(postbox_set_log_callback(POSTBOX_LOG_WARN, see_failed_run, &failed, NULL));
    OK(postbox_start_sweeper(box));
    OK(postbox_start_archiver(box, producer_send, &archive, NULL));
    event_wait(&failed.both);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "running already", postbox_start_sweeper(box));
    OK(postbox_stop_sweeper(box));
    OK(postbox_stop_archiver(box));
    OK(postbox_set_log_callback(0, NULL, NULL, NULL));
    OK(postbox_stats_json(box, &json));
    HOLDS(json, "\"background_failures\":2");
    HOLDS(json, "\"last_error\":\"");
    HOLDS(json, "brighter_outbox");
    postbox_string_free(json);
    OK(postbox_create_table(box));
    event_set(&held.may_return);
    check_usable(box);
    postbox_free(box);
}
