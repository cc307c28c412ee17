/* Operations that are started with a callback for their result. */
#include "support.h"
#include "tests.h"
#include "server.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The result of an operation, and the event of its arrival. */
struct completion {
    struct event done;
    int calls;
    char thread[32];
    postbox_error *error;
    postbox_result *result;
    /* Called in the callback. May be NULL. */
    void (*then)(struct completion *self);
    void *context;
};

#define NO_COMPLETION {.done = NO_EVENT}
/* Starts an operation, waits for it, and checks that it succeeds. */
#define DONE(completion, call) (OK(call), check_ok(awaited(completion), #call, __FILE__, __LINE__))
/* Starts an operation, waits for it, and checks that it fails. */
#define FAILS_LATER(code, part, completion, call) \
    (OK(call), check_fails(awaited(completion), (code), (part), #call, __FILE__, __LINE__))

static void complete(void *data, postbox_error *error, postbox_result *result)
{
    struct completion *self = data;
    self->calls++;
    self->error = error;
    self->result = result;
    prctl(PR_GET_NAME, self->thread);
    if (self->then)
        self->then(self);
    event_set(&self->done);
}

/* Waits for the callback. Returns its error, and prepares for the next operation. */
static postbox_error *awaited(struct completion *self)
{
    event_wait(&self->done);
    self->done.happened = false;
    CHECK(self->calls == 1);
    self->calls = 0;
    EQUAL(self->thread, "postbox-complet"); /* Linux shows 15 characters. */
    return self->error;
}

/* Frees the result of the last operation. */
static void forget(struct completion *self)
{
    postbox_result_free(self->result);
    self->result = NULL;
}

static postbox_unit_of_work *unit_with_message(postbox_client *box, const char *id)
{
    postbox_unit_of_work *work = postbox_unit_of_work_begin_async(box);
    postbox_message *message = message_of("greeting.made", id, "Hello Ada");
    OK(postbox_unit_of_work_put(work, "People", ADA));
    OK(postbox_unit_of_work_deposit_post(work, message));
    postbox_message_free(message);
    return work;
}

void started_commit_is_reported_once(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    struct completion done = NO_COMPLETION;
    postbox_client *box = open_memory(&producer);
    postbox_unit_of_work *work = unit_with_message(box, "a");
    DONE(&done, postbox_unit_of_work_commit_async(work, complete, &done, NULL));
    CHECK(done.result == NULL);
    check_state(box, "a", "outstanding");
    check_person(box, ADA, ADA);
    FAILS(POSTBOX_ERROR_UNIT_OF_WORK_CLOSED, "committed", postbox_unit_of_work_commit_async(work, complete, &done, NULL));
    postbox_unit_of_work_free(work);
    /* A handle that is freed during the commit does not stop it. */
    work = unit_with_message(box, "a");
    OK(postbox_unit_of_work_commit_async(work, complete, &done, NULL));
    postbox_unit_of_work_free(work);
    check_fails(awaited(&done), POSTBOX_ERROR_DUPLICATE_MESSAGE, "a", "commit", __FILE__, __LINE__);
    CHECK(done.result == NULL);
    postbox_free(box);
}

void two_puts_of_one_item_fail_at_a_started_commit(void)
{
    struct completion done = NO_COMPLETION;
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin_async(box);
    OK(postbox_unit_of_work_put(work, "People", ADA));
    OK(postbox_unit_of_work_put(work, "People", ADA));
    FAILS_LATER(POSTBOX_ERROR_SERVICE_ERROR, "multiple operations", &done,
                postbox_unit_of_work_commit_async(work, complete, &done, NULL));
    postbox_unit_of_work_free(work);
    postbox_free(box);
}

static int32_t outcome_of(struct completion *done)
{
    postbox_report *report = postbox_result_take_report(done->result);
    CHECK(report != NULL && postbox_result_take_report(done->result) == NULL);
    CHECK(postbox_report_count(report) == 1);
    int32_t outcome = postbox_report_outcome(report, 0);
    postbox_report_free(report);
    forget(done);
    return outcome;
}

void messages_are_deposited_read_and_cleared_without_waiting(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    struct completion done = NO_COMPLETION;
    postbox_client *box = open_memory(&producer);
    postbox_message *messages[] = {message_of("t", "a", "one"), message_of("t", "b", "two")};
    const char *const ids[] = {"a", "b"};
    DONE(&done, postbox_deposit_post_async(box, messages[0], complete, &done, NULL));
    DONE(&done, postbox_deposit_posts_async(box, (const postbox_message *const *)messages, 2, complete, &done, NULL));
    for (size_t i = 0; i < 2; i++)
        postbox_message_free(messages[i]);

    DONE(&done, postbox_get_message_async(box, "b", complete, &done, NULL));
    CHECK(postbox_result_take_item(done.result) == NULL && !postbox_result_flag(done.result));
    postbox_message *found = postbox_result_take_message(done.result);
    EQUAL(postbox_message_id(found), "b");
    CHECK(postbox_result_take_message(done.result) == NULL);
    forget(&done);
    postbox_message_free(found);
    DONE(&done, postbox_get_message_async(box, "none", complete, &done, NULL));
    CHECK(done.result == NULL);

    postbox_outstanding_count count = {0};
    DONE(&done, postbox_count_outstanding_async(box, "t", complete, &done, NULL));
    CHECK(postbox_result_outstanding_count(done.result, &count) && count.count == 2);
    CHECK(!postbox_result_outstanding_count(done.result, NULL));
    forget(&done);
    DONE(&done, postbox_clear_outbox_async(box, ids, 1, complete, &done, NULL));
    CHECK(outcome_of(&done) == POSTBOX_OUTCOME_DISPATCHED && producer.sent == 1);
    DONE(&done, postbox_mark_dispatched_async(box, ids + 1, 1, complete, &done, NULL));
    CHECK(outcome_of(&done) == POSTBOX_OUTCOME_DISPATCHED);

    DONE(&done, postbox_list_messages_async(box, POSTBOX_STATE_DISPATCHED, NULL, 10, NULL, complete, &done, NULL));
    postbox_page *page = postbox_result_take_page(done.result);
    CHECK(postbox_page_count(page) == 2);
    postbox_page_free(page);
    forget(&done);
    DONE(&done, postbox_mark_dispatched_at_async(box, ids, 1, 638000000000000000, complete, &done, NULL));
    CHECK(outcome_of(&done) == POSTBOX_OUTCOME_ALREADY_DISPATCHED);
    FAILS_LATER(POSTBOX_ERROR_INVALID_ARGUMENT, "dispatched_ticks", &done,
                postbox_mark_dispatched_at_async(box, ids, 1, -1, complete, &done, NULL));
    DONE(&done, postbox_delete_message_async(box, "b", POSTBOX_STATE_DISPATCHED, complete, &done, NULL));
    CHECK(postbox_result_flag(done.result));
    forget(&done);
    DONE(&done, postbox_get_messages_async(box, ids, 2, complete, &done, NULL));
    page = postbox_result_take_page(done.result);
    CHECK(postbox_page_count(page) == 1 && postbox_page_missing_count(page) == 1);
    postbox_page_free(page);
    forget(&done);
    DONE(&done, postbox_replay_async(box, ids, 1, complete, &done, NULL));
    CHECK(outcome_of(&done) == POSTBOX_OUTCOME_REPLAYED);
    DONE(&done, postbox_replay_causation_async(box, "no cause", complete, &done, NULL));
    forget(&done);
    FAILS_LATER(POSTBOX_ERROR_INVALID_ARGUMENT, "not parked", &done, postbox_unpark_async(box, "a", complete, &done, NULL));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "unknown message state 7",
          postbox_list_messages_async(box, 7, NULL, 10, NULL, complete, &done, NULL));
    postbox_free(box);
}

void items_and_tables_are_read_without_waiting(void)
{
    struct completion done = NO_COMPLETION;
    postbox_client *box = open_memory(NULL);
    postbox_item *key = postbox_item_new();
    OK(postbox_item_set_string(key, "Name", "Ada"));
    DONE(&done, postbox_read_item_async(box, "People", key, complete, &done, NULL));
    CHECK(done.result == NULL);
    postbox_unit_of_work *work = unit_with_message(box, "a");
    DONE(&done, postbox_unit_of_work_commit_async(work, complete, &done, NULL));
    postbox_unit_of_work_free(work);
    DONE(&done, postbox_read_item_async(box, "People", key, complete, &done, NULL));
    postbox_item *found = postbox_result_take_item(done.result);
    EQUAL(postbox_value_string(postbox_item_get(found, "Name"), NULL), "Ada");
    postbox_item_free(found);
    forget(&done);
    FAILS_LATER(POSTBOX_ERROR_TABLE_NOT_FOUND, "Nobody", &done,
                postbox_read_item_async(box, "Nobody", key, complete, &done, NULL));
    postbox_item_free(key);

    DONE(&done, postbox_create_table_async(box, complete, &done, NULL));
    CHECK(done.result == NULL);
    DONE(&done, postbox_verify_table_async(box, complete, &done, NULL));
    CHECK(postbox_result_flag(done.result));
    forget(&done);
    DONE(&done, postbox_table_warnings_async(box, complete, &done, NULL));
    char *expected = NULL, *warnings = postbox_result_take_text(done.result);
    OK(postbox_table_warnings(box, &expected));
    CHECK((warnings == NULL) == (expected == NULL));
    postbox_string_free(expected);
    postbox_string_free(warnings);
    forget(&done);
    postbox_free(box);
}

void accepted_messages_are_confirmed_without_waiting(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_ACCEPTED};
    struct completion done = NO_COMPLETION;
    postbox_client *box = open_eager(&producer, NULL, NULL);
    const char *const ids[] = {"a", "b", "c"};
    const int32_t outcomes[] = {POSTBOX_SEND_SENT, POSTBOX_SEND_REJECT};
    const char *const reasons[] = {NULL, "too large"};
    for (size_t i = 0; i < COUNT(ids); i++) {
        deposit(box, ids[i]);
        CHECK(clear(box, ids[i], NULL, 0) == POSTBOX_OUTCOME_ACCEPTED);
    }
    DONE(&done, postbox_confirm_many_async(box, ids, outcomes, reasons, 2, complete, &done, NULL));
    check_state(box, "a", "dispatched");
    check_state(box, "b", "parked");
    /* A message that was not tried can be sent again at once, and has no failure. */
    DONE(&done, postbox_confirm_async(box, "c", POSTBOX_SEND_NOT_TRIED, NULL, complete, &done, NULL));
    CHECK(clear(box, "c", NULL, 0) == POSTBOX_OUTCOME_ACCEPTED && producer.sent == 4);
    check_field(box, "c", "dispatch_attempts", "0");
    DONE(&done, postbox_confirm_async(box, "c", POSTBOX_SEND_SENT, NULL, complete, &done, NULL));
    check_state(box, "c", "dispatched");
    FAILS_LATER(POSTBOX_ERROR_INVALID_ARGUMENT, "no message none", &done,
                postbox_confirm_async(box, "none", POSTBOX_SEND_SENT, NULL, complete, &done, NULL));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "cannot confirm", postbox_confirm_async(box, "c", POSTBOX_SEND_ACCEPTED, NULL, complete, &done, NULL));
    postbox_free(box);
}

/* Opens a client whose endpoint accepts connections and does not respond. */
static postbox_client *open_silent(int *listener)
{
    int port;
    *listener = listen_on_loopback(&port);
    postbox_config *config = endpoint_config(port, "60000");
    postbox_client *box = NULL;
    OK(postbox_open(config, &box));
    postbox_config_free(config);
    return box;
}

void canceled_operation_is_no_longer_waited_for(void)
{
    int listener;
    struct completion read = NO_COMPLETION, commit = NO_COMPLETION;
    postbox_client *box = open_silent(&listener);
    postbox_operation *reading = NULL, *committing = NULL;
    OK(postbox_get_message_async(box, "a", complete, &read, &reading));
    postbox_operation_cancel(reading);
    check_fails(awaited(&read), POSTBOX_ERROR_CANCELED, "get_message", "read", __FILE__, __LINE__);
    postbox_operation_cancel(reading);
    postbox_operation_free(reading);

    postbox_unit_of_work *work = unit_with_message(box, "a");
    OK(postbox_unit_of_work_commit_async(work, complete, &commit, &committing));
    FAILS(POSTBOX_ERROR_CONCURRENT_USE, "being committed", postbox_unit_of_work_rollback(work));
    FAILS(POSTBOX_ERROR_CONCURRENT_USE, "being committed", postbox_unit_of_work_commit(work));
    postbox_operation_cancel(committing);
    postbox_error *error = awaited(&commit);
    CHECK(postbox_error_code(error) == POSTBOX_ERROR_OUTCOME_UNKNOWN && postbox_error_is_retryable(error));
    HOLDS(postbox_error_message(error), "canceled");
    postbox_error_free(error);
    postbox_operation_free(committing);
    /* The outcome can be asked again, and stays unknown. */
    FAILS(POSTBOX_ERROR_OUTCOME_UNKNOWN, "commit again", postbox_unit_of_work_rollback(work));
    OK(postbox_unit_of_work_commit_async(work, complete, &commit, &committing));
    postbox_operation_cancel(committing);
    check_fails(awaited(&commit), POSTBOX_ERROR_OUTCOME_UNKNOWN, "", "commit", __FILE__, __LINE__);
    postbox_operation_free(committing);
    postbox_unit_of_work_free(work);
    postbox_free(box);
    close(listener);
}

/* The server accepts the connection, and never responds to the read of the message. */
void canceled_clear_does_not_wait_for_a_response(void)
{
    int listener;
    const char *ids[] = {"a"};
    struct completion cleared = NO_COMPLETION;
    postbox_client *box = open_silent(&listener);
    postbox_operation *clearing = NULL;
    OK(postbox_clear_outbox_async(box, ids, 1, complete, &cleared, &clearing));
    int connection = accept(listener, NULL, NULL);
    CHECK(connection >= 0 && cleared.calls == 0);
    postbox_operation_cancel(clearing);
    CHECK(awaited(&cleared) == NULL);
    CHECK(outcome_of(&cleared) == POSTBOX_OUTCOME_SKIPPED);
    postbox_operation_free(clearing);
    postbox_free(box);
    close(connection);
    close(listener);
}

void close_reports_the_operations_that_it_does_not_wait_for(void)
{
    int listener;
    struct completion read = NO_COMPLETION, commit = NO_COMPLETION, late = NO_COMPLETION;
    postbox_client *box = open_silent(&listener);
    postbox_unit_of_work *work = unit_with_message(box, "a");
    OK(postbox_get_message_async(box, "a", complete, &read, NULL));
    OK(postbox_unit_of_work_commit_async(work, complete, &commit, NULL));
    FAILS(POSTBOX_ERROR_TIMEOUT, "abandoned", postbox_close_within(box, 10));
    check_fails(awaited(&read), POSTBOX_ERROR_CLOSED, "closed", "read", __FILE__, __LINE__);
    check_fails(awaited(&commit), POSTBOX_ERROR_OUTCOME_UNKNOWN, "", "commit", __FILE__, __LINE__);
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_get_message_async(box, "a", complete, &late, NULL));
    FAILS(POSTBOX_ERROR_OUTCOME_UNKNOWN, "can no longer be determined",
          postbox_unit_of_work_commit_async(work, complete, &late, NULL));
    CHECK(late.calls == 0);
    postbox_unit_of_work_free(work);
    postbox_free(box);
    close(listener);
}

static void close_in_callback(struct completion *self)
{
    FAILS(POSTBOX_ERROR_REENTRANT_CALL, "completion", postbox_close(self->context));
}

static void read_in_callback(struct completion *self)
{
    postbox_message *message = NULL;
    OK(postbox_get_message(self->context, "a", &message));
    CHECK(message == NULL);
}

void callback_may_call_the_client_but_not_close_it(void)
{
    struct completion done = NO_COMPLETION;
    postbox_client *box = open_memory(NULL);
    done.context = box;
    done.then = read_in_callback;
    DONE(&done, postbox_get_message_async(box, "a", complete, &done, NULL));
    done.then = close_in_callback;
    DONE(&done, postbox_get_message_async(box, "a", complete, &done, NULL));
    OK(postbox_close(box));
    postbox_free(box);
}

static void wait_in_callback(struct completion *self)
{
    struct event *may_return = self->context;
    event_set(&self->done);
    event_wait(may_return);
}

void close_gives_up_a_callback_that_does_not_return(void)
{
    struct event may_return = NO_EVENT;
    struct completion stuck = NO_COMPLETION;
    postbox_client *box = open_memory(NULL);
    stuck.then = wait_in_callback;
    stuck.context = &may_return;
    OK(postbox_get_message_async(box, "a", complete, &stuck, NULL));
    event_wait(&stuck.done);
    FAILS(POSTBOX_ERROR_TIMEOUT, "abandoned", postbox_close_within(box, 10));
    event_set(&may_return);
    OK(postbox_close(box));
    postbox_free(box);
}

void forked_child_starts_no_operation_and_gets_no_result(void)
{
    /* Valgrind reports the memory of the threads that the child does not have. */
    if (!is_alone()) {
        run_alone(__func__);
        return;
    }
    int listener;
    struct completion read = NO_COMPLETION;
    postbox_operation *reading = NULL;
    postbox_client *box = open_silent(&listener);
    OK(postbox_get_message_async(box, "a", complete, &read, &reading));
    pid_t child = fork();
    if (child == 0) {
        failures = 0;
        FAILS(POSTBOX_ERROR_FORKED, "forked", postbox_get_message_async(box, "a", complete, &read, NULL));
        postbox_operation_cancel(reading);
        postbox_operation_free(reading);
        postbox_free(box);
        CHECK(read.calls == 0);
        _exit(failures);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(read.calls == 0);
    postbox_operation_cancel(reading);
    check_fails(awaited(&read), POSTBOX_ERROR_CANCELED, "", "read", __FILE__, __LINE__);
    postbox_operation_free(reading);
    postbox_free(box);
    close(listener);
}

/* The completions of many operations, which are counted. */
struct counted {
    struct event all;
    int left;
};

static void count_down(void *data, postbox_error *error, postbox_result *result)
{
    struct counted *counted = data;
    OK(error);
    postbox_result_free(result);
    if (--counted->left == 0)
        event_set(&counted->all);
}

void two_hundred_operations_run_at_the_same_time(void)
{
    struct counted counted = {NO_EVENT, 200};
    postbox_client *box = open_memory(NULL);
    for (int i = 0; i < 200; i++) {
        char id[8];
        snprintf(id, sizeof id, "%d", i);
        postbox_message *message = message_of("t", id, "x");
        OK(postbox_deposit_post_async(box, message, count_down, &counted, NULL));
        postbox_message_free(message);
    }
    event_wait(&counted.all);
    postbox_outstanding_count count;
    OK(postbox_count_outstanding(box, NULL, &count));
    CHECK(count.count == 200);
    postbox_free(box);
}

void operators_read_without_waiting(void)
{
    struct completion done = NO_COMPLETION;
    postbox_client *box = open_memory(NULL);
    postbox_selection *selection = postbox_selection_new();
    deposit(box, "a");
    OK(postbox_selection_set(selection, "topic", "greeting.made"));
    DONE(&done, postbox_select_messages_async(box, POSTBOX_STATE_OUTSTANDING, selection, complete, &done, NULL));
    postbox_page *page = postbox_result_take_page(done.result);
    CHECK(postbox_page_count(page) == 1);
    postbox_page_free(page);
    forget(&done);
    DONE(&done, postbox_count_messages_async(box, POSTBOX_STATE_OUTSTANDING, selection, complete, &done, NULL));
    CHECK(postbox_result_number(done.result) == 1 && !postbox_result_flag(done.result));
    forget(&done);
    DONE(&done, postbox_dispatched_between_async(box, "greeting.made", 0, 1, complete, &done, NULL));
    CHECK(postbox_result_number(done.result) == 0);
    forget(&done);
    DONE(&done, postbox_topic_counts_async(box, false, complete, &done, NULL));
    postbox_item *counts = postbox_result_take_item(done.result);
    CHECK(postbox_value_count(postbox_item_get(counts, "topics")) == 1);
    postbox_item_free(counts);
    forget(&done);
    DONE(&done, postbox_leases_async(box, complete, &done, NULL));
    forget(&done);
    DONE(&done, postbox_sweepers_async(box, complete, &done, NULL));
    forget(&done);
    DONE(&done, postbox_obtain_lease_async(box, "report", 60000, complete, &done, NULL));
    postbox_held_lease *lease = postbox_result_take_lease(done.result);
    CHECK(postbox_held_lease_is_held(lease));
    forget(&done);
    DONE(&done, postbox_obtain_lease_async(box, "report", 60000, complete, &done, NULL));
    CHECK(done.result == NULL);
    DONE(&done, postbox_held_lease_renew_async(lease, complete, &done, NULL));
    CHECK(postbox_result_flag(done.result));
    forget(&done);
    DONE(&done, postbox_held_lease_release_async(lease, complete, &done, NULL));
    CHECK(!postbox_held_lease_is_held(lease));
    postbox_held_lease_free(lease);
    FAILS_LATER(POSTBOX_ERROR_INVALID_ARGUMENT, "", &done, postbox_obtain_lease_async(box, "", 60000, complete, &done, NULL));
    DONE(&done, postbox_location_async(box, complete, &done, NULL));
    char *location = postbox_result_take_text(done.result);
    HOLDS(location, "in :memory:");
    postbox_string_free(location);
    forget(&done);
    postbox_selection_free(selection);
    postbox_free(box);
}
