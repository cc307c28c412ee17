/* Sweeping: outstanding messages are found and sent, failures are counted, and failed messages are parked. */
#include "support.h"
#include "tests.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Commits one unit of work, rolls back another, and leaves a third one open when the process ends. */
static void deposit_and_die(postbox_config *config)
{
    static const char *const ids[] = {"left", "rolled back", "open"};
    postbox_client *box = NULL;
    /* Nothing is freed, as in a process that crashes. */
    postbox_message *messages[COUNT(ids)];
    postbox_unit_of_work *works[COUNT(ids)];
    OK(postbox_open(config, &box));
    make_people(box);
    for (size_t i = 0; i < COUNT(ids); i++) {
        messages[i] = message_of("greeting.made", ids[i], "hello");
        works[i] = postbox_unit_of_work_begin(box);
        OK(postbox_unit_of_work_put(works[i], "People", ADA));
        OK(postbox_unit_of_work_deposit_post(works[i], messages[i]));
    }
    OK(postbox_unit_of_work_commit(works[0]));
    OK(postbox_unit_of_work_rollback(works[1]));
    fflush(stdout);
    if (!failures)
        raise(SIGKILL);
    _exit(1);
}

void sweep_sends_messages_of_a_crashed_process(void)
{
    static const char *const files[] = {"/db", "/db-wal", "/db-shm", "/db-journal"};
    char directory[] = "/tmp/postbox-XXXXXX", path[64];
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    postbox_sweep_result result = {0};
    postbox_client *box = NULL;
    int status = 0;
    postbox_config *config = eager_config(&producer);
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/db", directory);
    OK(postbox_config_set(config, "embedded_path", path));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        failures = 0;
        alarm(60);
        deposit_and_die(config);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

    OK(postbox_open(config, &box));
    check_state(box, "left", "outstanding");
    OK(postbox_sweep(box, NULL, NULL, &result));
    CHECK(result.found == 1 && result.dispatched == 1 && result.failed == 0 && result.held_back == 0);
    CHECK(result.lease == POSTBOX_LEASE_HELD);
    CHECK(producer.sent == 1);
    EQUAL(producer.ids[0], "left");
    check_state(box, "left", "dispatched");
    check_state(box, "rolled back", NULL);
    OK(postbox_sweep(box, NULL, NULL, &result));
    CHECK(result.found == 0 && result.dispatched == 0 && producer.sent == 1);
    postbox_config_free(config);
    postbox_free(box);
    for (size_t i = 0; i < COUNT(files); i++) {
        snprintf(path, sizeof path, "%s%s", directory, files[i]);
        unlink(path);
    }
    CHECK(rmdir(directory) == 0);
}

void sweep_is_of_one_topic_or_of_all(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    postbox_sweep_result result;
    postbox_client *box = open_eager(&producer, NULL, NULL);
    postbox_message *other = message_of("other", "of other", "x");
    OK(postbox_deposit_post(box, other));
    deposit(box, "of greeting.made");
    memset(&result, 0xff, sizeof result);
    OK(postbox_sweep(box, "other", NULL, &result));
    CHECK(result.found == 1 && result.dispatched == 1 && result.already_dispatched == 0);
    for (size_t i = 0; i < COUNT(result.reserved); i++)
        CHECK(result.reserved[i] == 0);
    check_state(box, "of greeting.made", "outstanding");
    OK(postbox_sweep(box, "nobody's topic", NULL, &result));
    CHECK(result.found == 0);
    OK(postbox_sweep(box, NULL, NULL, NULL));
    check_state(box, "of greeting.made", "dispatched");
    postbox_message_free(other);
    postbox_free(box);
}

void young_messages_are_left_alone(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    postbox_sweep_result result;
    postbox_client *box = open_eager(&producer, "sweep_min_age_ms", "600000");
    deposit(box, "young");
    OK(postbox_sweep(box, NULL, NULL, &result));
    CHECK(result.found == 0 && producer.sent == 0);
    check_state(box, "young", "outstanding");
    postbox_free(box);
}

void failed_message_holds_back_its_key(void)
{
    static const char *const ids[] = {"key-1", "key-2", "key-3"};
    struct producer producer = {.outcome = POSTBOX_SEND_RETRY, .reason = "broker is gone"};
    postbox_sweep_result result;
    postbox_client *box = open_eager(&producer, NULL, NULL);
    for (size_t i = 0; i < COUNT(ids); i++) {
        postbox_message *message = message_of("greeting.made", ids[i], "x");
        OK(postbox_message_set(message, "partition_key", "42"));
        OK(postbox_deposit_post(box, message));
        postbox_message_free(message);
    }
    OK(postbox_sweep(box, NULL, NULL, &result));
    CHECK(result.found == 3 && result.failed == 1 && result.held_back == 2 && producer.sent == 1);
    /* A failure counts only while other messages of the topic are sent. */
    check_field(box, "key-1", "dispatch_attempts", "0");
    check_field(box, "key-1", "last_error", "broker is gone");
    check_field(box, "key-2", "dispatch_attempts", "0");
    producer.outcome = POSTBOX_SEND_SENT;
    OK(postbox_sweep(box, NULL, NULL, &result));
    CHECK(result.dispatched == 3 && producer.sent == 4);
    for (size_t i = 0; i < COUNT(ids); i++)
        EQUAL(producer.ids[i + 1], ids[i]);
    postbox_free(box);
}

/* Checks the only parked message and its fields. */
static void check_parked(postbox_client *box, const char *id, const char *attempts, const char *error)
{
    postbox_page *page = NULL;
    const char *value = NULL;
    check_state(box, id, "parked");
    OK(postbox_list_messages(box, POSTBOX_STATE_PARKED, NULL, 10, NULL, &page));
    CHECK(postbox_page_count(page) == 1 && postbox_page_malformed_count(page) == 0);
    const postbox_message *message = postbox_page_message(page, 0);
    EQUAL(postbox_message_id(message), id);
    OK(postbox_message_get(message, "state", &value));
    EQUAL(value, "parked");
    OK(postbox_message_get(message, "parked_at", &value));
    CHECK(value != NULL);
    OK(postbox_message_get(message, "dispatch_attempts", &value));
    EQUAL(value, attempts);
    OK(postbox_message_get(message, "last_error", &value));
    EQUAL(value, error);
    postbox_page_free(page);
}

static void check_no_parked(postbox_client *box)
{
    postbox_page *page = NULL;
    OK(postbox_list_messages(box, POSTBOX_STATE_PARKED, NULL, 10, NULL, &page));
    CHECK(postbox_page_count(page) == 0 && postbox_page_malformed_count(page) == 0);
    CHECK(postbox_page_next(page) == NULL);
    postbox_page_free(page);
}

static void fail_only_the_stubborn_one(struct producer *self, const char *id)
{
    self->outcome = strcmp(id, "stubborn") == 0 ? POSTBOX_SEND_RETRY : POSTBOX_SEND_SENT;
}

void message_that_fails_too_often_is_parked_and_released(void)
{
    static const char *const settings[][2] = {
        {"max_dispatch_attempts", "2"}, {"park_min_age_ms", "0"}, {"number_of_shards", "1"}};
    struct producer producer = {.then = fail_only_the_stubborn_one, .reason = "broker is gone"};
    postbox_sweep_result result;
    postbox_stats stats;
    postbox_client *box = NULL;
    postbox_config *config = eager_config(&producer);
    for (size_t i = 0; i < COUNT(settings); i++)
        OK(postbox_config_set(config, settings[i][0], settings[i][1]));
    OK(postbox_open(config, &box));
    postbox_config_free(config);
    deposit(box, "stubborn");
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "stubborn is not parked", postbox_unpark(box, "stubborn"));
    check_no_parked(box);
    /* The failures count, because another message of the topic is sent. */
    deposit(box, "healthy");
    OK(postbox_sweep(box, NULL, NULL, &result));
    CHECK(result.failed == 2 && result.dispatched == 1);
    check_parked(box, "stubborn", "2", "broker is gone");
    /* Neither a sweep nor a clear sends a parked message. */
    OK(postbox_sweep(box, NULL, NULL, &result));
    CHECK(result.found == 0);
    CHECK(clear(box, "stubborn", NULL, 0) == POSTBOX_OUTCOME_PARKED);
    CHECK(producer.sent == 3);
    OK(postbox_get_stats(box, &stats));
    CHECK(stats.failed == 2 && stats.parked == 1 && stats.dispatched == 1 && stats.sweeps == 2);

    OK(postbox_unpark(box, "stubborn"));
    check_state(box, "stubborn", "outstanding");
    check_field(box, "stubborn", "dispatch_attempts", "0");
    check_field(box, "stubborn", "parked_at", NULL);
    check_no_parked(box);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "not parked", postbox_unpark(box, "stubborn"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "not parked", postbox_unpark(box, "nobody"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "not parked", postbox_unpark(box, ""));
    producer.then = NULL;
    producer.outcome = POSTBOX_SEND_SENT;
    OK(postbox_sweep(box, NULL, NULL, &result));
    CHECK(result.dispatched == 1);
    check_state(box, "stubborn", "dispatched");
    postbox_free(box);
}

void unsendable_messages_are_parked_at_once(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_REJECT, .reason = "too large"};
    postbox_sweep_result result;
    postbox_client *box = open_eager(&producer, NULL, NULL);
    deposit(box, "large");
    OK(postbox_sweep(box, NULL, NULL, &result));
    CHECK(result.failed == 1 && result.dispatched == 0);
    check_parked(box, "large", "1", "too large");
    OK(postbox_unpark(box, "large"));
    check_no_parked(box);
    /* A clear parks messages as a sweep does. */
    CHECK(clear(box, "large", NULL, 0) == POSTBOX_OUTCOME_REJECTED);
    check_parked(box, "large", "1", "too large");
    /* A replay also resets the number of failed attempts. */
    const char *id = "large";
    OK(postbox_replay(box, &id, 1, NULL));
    check_state(box, "large", "outstanding");
    check_field(box, "large", "dispatch_attempts", "0");

    /* A malformed item waits, and does not stop other messages. */
    producer.outcome = POSTBOX_SEND_SENT;
    put_malformed(box, "odd");
    OK(postbox_sweep(box, NULL, NULL, &result));
    CHECK(result.failed >= 1 && result.dispatched == 1);
    check_state(box, "large", "dispatched");
    postbox_page *page = NULL;
    const char *reason = NULL;
    OK(postbox_list_messages(box, POSTBOX_STATE_OUTSTANDING, "greeting.made", 10, NULL, &page));
    CHECK(postbox_page_count(page) == 0 && postbox_page_malformed_count(page) == 1);
    EQUAL(postbox_page_malformed(page, 0, &reason), "odd");
    HOLDS(reason, "odd");
    postbox_page_free(page);
    postbox_free(box);
}
