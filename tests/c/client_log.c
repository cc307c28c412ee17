/* Log messages of one client to a C function of its own. */
#define _GNU_SOURCE
#include "support.h"
#include "tests.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A receiver that counts its lines. It can hold the thread that logs. */
struct own_log {
    const char *expected;
    atomic_int lines, expected_lines, released;
    bool holds;
    struct event called, may_return, is_released;
};

#define OWN_LOG(text) \
    {.expected = (text), .called = NO_EVENT, .may_return = NO_EVENT, .is_released = NO_EVENT}

static void receive(void *data, int32_t level, const char *text)
{
    struct own_log *log = data;
    CHECK(level >= POSTBOX_LOG_ERROR && level <= POSTBOX_LOG_TRACE);
    log->lines++;
    if (strstr(text, log->expected))
        log->expected_lines++;
    if (log->holds) {
        event_set(&log->called);
        event_wait(&log->may_return);
    }
}

static void released(void *data)
{
    struct own_log *log = data;
    log->released++;
    event_set(&log->is_released);
}

/* Opens a client whose producer returns RETRY, with its own receiver, or with none if `log` is NULL. */
static postbox_client *open_with_log(struct producer *producer, struct own_log *log, const char *close_timeout_ms)
{
    postbox_client *box = NULL;
    postbox_config *config = eager_config(producer);
    OK(postbox_config_set(config, "close_timeout_ms", close_timeout_ms));
    OK(postbox_config_set(config, "sweep_interval_ms", "600000"));
    if (log)
        OK(postbox_config_set_log_callback(config, POSTBOX_LOG_WARN, receive, log, released));
    OK(postbox_open(config, &box));
    postbox_config_free(config);
    return box;
}

void log_messages_go_to_the_receiver_of_their_client(void)
{
    struct own_log first = OWN_LOG("id-1"), second = OWN_LOG("id-2"), process = OWN_LOG("id-3");
    struct producer producer = {.outcome = POSTBOX_SEND_RETRY, .reason = "no"};
    postbox_client *box1 = open_with_log(&producer, &first, "60000");
    postbox_client *box2 = open_with_log(&producer, &second, "60000");
    postbox_client *box3 = open_with_log(&producer, NULL, "60000");
    OK(postbox_set_log_callback(POSTBOX_LOG_WARN, receive, &process, released));
    deposit(box1, "id-1");
    CHECK(clear(box1, "id-1", NULL, 0) == POSTBOX_OUTCOME_FAILED);
    CHECK(first.lines == 1 && first.expected_lines == 1 && second.lines == 0 && process.lines == 0);
    deposit(box2, "id-2");
    OK(postbox_sweep(box2, NULL, NULL, NULL));
    CHECK(first.lines == 1 && second.expected_lines == 1 && process.lines == 0);
    deposit(box3, "id-3");
    CHECK(clear(box3, "id-3", NULL, 0) == POSTBOX_OUTCOME_FAILED);
    CHECK(first.lines == 1 && second.lines == second.expected_lines && process.expected_lines == 1);
    OK(postbox_set_log_callback(0, NULL, NULL, NULL));
    CHECK(process.released == 1);
    /* Without a receiver of the process, the others receive their lines. */
    deposit(box1, "id-1b");
    CHECK(clear(box1, "id-1b", NULL, 0) == POSTBOX_OUTCOME_FAILED);
    CHECK(first.expected_lines == 2 && process.lines == 1);
    CHECK(first.released == 0 && second.released == 0);
    postbox_free(box1);
    CHECK(first.released == 1 && second.released == 0);
    postbox_free(box2);
    CHECK(second.released == 1);
    postbox_free(box3);
}

/* Clears a message of another client. */
static void clear_elsewhere(struct producer *self, const char *id)
{
    (void)id;
    CHECK(clear(self->context, "inner", NULL, 0) == POSTBOX_OUTCOME_FAILED);
}

void a_call_inside_of_a_producer_logs_to_its_own_client(void)
{
    struct own_log outer = OWN_LOG("outer"), process = OWN_LOG("inner");
    struct producer inner_producer = {.outcome = POSTBOX_SEND_RETRY, .reason = "no"};
    postbox_client *inner = open_with_log(&inner_producer, NULL, "60000");
    struct producer outer_producer = {.outcome = POSTBOX_SEND_RETRY, .then = clear_elsewhere, .context = inner};
    postbox_client *box = open_with_log(&outer_producer, &outer, "60000");
    OK(postbox_set_log_callback(POSTBOX_LOG_WARN, receive, &process, released));
    deposit(inner, "inner");
    deposit(box, "outer");
    CHECK(clear(box, "outer", NULL, 0) == POSTBOX_OUTCOME_FAILED);
    CHECK(process.lines == 1 && process.expected_lines == 1);
    CHECK(outer.lines == 1 && outer.expected_lines == 1);
    OK(postbox_set_log_callback(0, NULL, NULL, NULL));
    postbox_free(box);
    postbox_free(inner);
    CHECK(outer.released == 1);
}

void threads_of_a_client_log_to_its_receiver(void)
{
    struct own_log log = OWN_LOG("swept"), process = OWN_LOG("swept");
    struct producer producer = {.outcome = POSTBOX_SEND_RETRY, .reason = "no"};
    log.holds = true;
    OK(postbox_set_log_callback(POSTBOX_LOG_TRACE, receive, &process, released));
    postbox_client *box = open_with_log(&producer, &log, "60000");
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    postbox_message *other = message_of("another topic", "swept too", "x");
    OK(postbox_deposit_post(box, other));
    postbox_message_free(other);
    deposit(box, "swept");
    OK(postbox_start_sweeper(box));
    /* The sweeper and its second thread are in the receiver, each with the failure of one topic. */
    for (int i = 0; i < 60000 && log.lines < 2; i++)
        usleep(1000);
    event_set(&log.may_return);
    postbox_free(box);
    CHECK(log.expected_lines > 1 && log.released == 0);
    CHECK(process.lines == 0);
    /* The unit of work is the last that refers to the client. */
    postbox_unit_of_work_free(work);
    CHECK(log.released == 1);
    OK(postbox_set_log_callback(0, NULL, NULL, NULL));
}

void the_runtime_thread_logs_to_the_receiver_of_its_client(void)
{
    struct own_log log = OWN_LOG("credentials"), process = OWN_LOG("credentials");
    postbox_config *config = postbox_config_new();
    postbox_client *box = NULL;
    postbox_message *message = message_of("t", "unstored", "x");
    OK(postbox_set_log_callback(POSTBOX_LOG_TRACE, receive, &process, released));
    OK(postbox_config_set(config, "region", "eu-central-1"));
    OK(postbox_config_set(config, "endpoint_url", "http://127.0.0.1:9"));
    OK(postbox_config_set_log_callback(config, POSTBOX_LOG_WARN, receive, &log, released));
    OK(postbox_open(config, &box));
    postbox_config_free(config);
    /* Credentials are loaded on the thread postbox-runtime. */
    FAILS(POSTBOX_ERROR_NO_AWS_CONFIG, "credentials", postbox_deposit_post(box, message));
    CHECK(log.expected_lines > 0 && process.lines == 0);
    postbox_message_free(message);
    postbox_free(box);
    CHECK(log.released == 1);
    OK(postbox_set_log_callback(0, NULL, NULL, NULL));
}

void a_receiver_is_released_after_its_last_call(void)
{
    struct own_log log = OWN_LOG("held");
    struct producer producer = {.outcome = POSTBOX_SEND_RETRY, .reason = "no"};
    log.holds = true;
    postbox_client *box = open_with_log(&producer, &log, "1");
    deposit(box, "held");
    deposit(box, "held too");
    OK(postbox_start_sweeper(box));
    event_wait(&log.called);
    /* The receiver has not returned, so the sweeper does not end in time. */
    FAILS(POSTBOX_ERROR_TIMEOUT, "abandoned", postbox_close(box));
    postbox_free(box);
    CHECK(log.released == 0 && log.lines == 1);
    event_set(&log.may_return);
    event_wait(&log.is_released);
    CHECK(log.released == 1 && log.lines == 1);
}

struct two_events {
    struct event called, may_return;
};

static void hold(struct producer *self, const char *id)
{
    struct two_events *events = self->context;
    (void)id;
    event_set(&events->called);
    event_wait(&events->may_return);
}

void nothing_is_logged_after_the_close(void)
{
    struct own_log log = OWN_LOG("");
    struct two_events events = {NO_EVENT, NO_EVENT};
    struct producer producer = {.outcome = POSTBOX_SEND_RETRY, .reason = "no", .then = hold, .context = &events};
    postbox_client *box = open_with_log(&producer, &log, "1");
    deposit(box, "late");
    OK(postbox_start_sweeper(box));
    event_wait(&events.called);
    FAILS(POSTBOX_ERROR_TIMEOUT, "abandoned", postbox_close(box));
    int before = log.lines;
    /* The producer fails after the close, which is usually a warning. */
    event_set(&events.may_return);
    postbox_free(box);
    event_wait(&log.is_released);
    CHECK(log.lines == before && log.released == 1);
}

void a_receiver_of_a_configuration_can_be_replaced(void)
{
    struct own_log first = OWN_LOG("replaced"), second = OWN_LOG("replaced");
    struct producer producer = {.outcome = POSTBOX_SEND_RETRY, .reason = "no"};
    postbox_config *config = memory_config(&producer);
    postbox_client *box = NULL;
    OK(postbox_config_set_log_callback(config, POSTBOX_LOG_WARN, receive, &first, released));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "level 6", postbox_config_set_log_callback(config, 6, receive, &second, released));
    CHECK(first.released == 0 && second.released == 0);
    OK(postbox_config_set_log_callback(config, POSTBOX_LOG_ERROR, receive, &second, released));
    CHECK(first.released == 1);
    OK(postbox_open(config, &box));
    OK(postbox_config_set_log_callback(config, 0, NULL, NULL, NULL));
    postbox_config_free(config);
    deposit(box, "replaced");
    CHECK(clear(box, "replaced", NULL, 0) == POSTBOX_OUTCOME_FAILED);
    CHECK(second.lines == 0 && second.released == 0);
    postbox_free(box);
    CHECK(second.released == 1);
}

static int free_in_a_child(void)
{
    struct own_log log = OWN_LOG("forked");
    postbox_client *box = open_with_log(NULL, &log, "60000");
    OK(postbox_close(box));
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        postbox_free(box);
        _exit(log.released);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    CHECK(log.released == 0);
    postbox_free(box);
    CHECK(log.released == 1);
    return failures;
}

void a_forked_child_does_not_release_a_receiver(void)
{
    if (is_alone())
        _exit(free_in_a_child());
    run_alone(__func__);
}
