/* Producers: the arguments, results and permitted calls of a callback. */
#include "support.h"
#include "tests.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_t caller;

static int32_t look(void *data, const postbox_message *message, char *reason, size_t reason_size)
{
    size_t length = 0;
    const char *key = NULL, *other = "untouched";
    CHECK(pthread_equal(pthread_self(), caller));
    EQUAL(postbox_message_topic(message), "greeting.made");
    EQUAL(postbox_message_id(message), "seen");
    CHECK(memcmp(postbox_message_body(message, &length), "hello", 5) == 0 && length == 5);
    OK(postbox_message_get(message, "partition_key", &key));
    EQUAL(key, "42");
    FAILS(POSTBOX_ERROR_UNKNOWN_NAME, "topic", postbox_message_get(message, "topik", &other));
    CHECK(reason[0] == '\0' && reason_size >= 256);
    ++*(int *)data;
    return POSTBOX_SEND_SENT;
}

void producer_gets_the_message_on_the_callers_thread(void)
{
    int calls = 0;
    postbox_client *box = NULL;
    postbox_config *config = memory_config(NULL);
    postbox_message *message = message_of("greeting.made", "seen", "hello");
    OK(postbox_message_set(message, "partition_key", "42"));
    OK(postbox_config_add_producer(config, "greeting.made", look, &calls, NULL));
    OK(postbox_open(config, &box));
    caller = pthread_self();
    OK(postbox_post(box, message, NULL));
    CHECK(calls == 1);
    postbox_message_free(message);
    postbox_config_free(config);
    postbox_free(box);
}

void the_result_of_a_producer_decides_the_outcome(void)
{
    static const struct { int32_t returned; const char *reason; postbox_outcome outcome; const char *detail; } cases[] = {
        {POSTBOX_SEND_RETRY, "queue is full", POSTBOX_OUTCOME_FAILED, "queue is full"},
        {POSTBOX_SEND_RETRY, NULL, POSTBOX_OUTCOME_FAILED, "returned no reason"},
        {POSTBOX_SEND_REJECT, "too large", POSTBOX_OUTCOME_REJECTED, "too large"},
        {POSTBOX_SEND_REJECT, NULL, POSTBOX_OUTCOME_REJECTED, "returned no reason"},
        {POSTBOX_SEND_RETRY, "not \xff UTF-8", POSTBOX_OUTCOME_FAILED, "not \xef\xbf\xbd UTF-8"},
        {42, NULL, POSTBOX_OUTCOME_FAILED, "returned 42"},
        {42, "confused", POSTBOX_OUTCOME_FAILED, "confused"},
        {-1, NULL, POSTBOX_OUTCOME_FAILED, "returned -1"},
        {INT32_MIN, NULL, POSTBOX_OUTCOME_FAILED, "not a postbox_send_outcome"},
    };
    char detail[2048];
    struct producer producer = {0};
    /* The cases fail so often that the breaker would open, so the breaker is turned off. */
    postbox_client *box = open_eager(&producer, "breaker_threshold", "0");
    deposit(box, "stubborn");
    for (size_t i = 0; i < COUNT(cases); i++) {
        producer.outcome = cases[i].returned;
        producer.reason = cases[i].reason;
        CHECK(clear(box, "stubborn", detail, sizeof detail) == cases[i].outcome);
        HOLDS(detail, cases[i].detail);
        /* A rejected message is parked until it is released. */
        check_state(box, "stubborn", cases[i].outcome == POSTBOX_OUTCOME_REJECTED ? "parked" : "outstanding");
        if (cases[i].outcome == POSTBOX_OUTCOME_REJECTED)
            OK(postbox_unpark(box, "stubborn"));
    }
    /* The message is sent as soon as the producer works. */
    producer.outcome = POSTBOX_SEND_SENT;
    CHECK(clear(box, "stubborn", NULL, 0) == POSTBOX_OUTCOME_DISPATCHED);
    postbox_free(box);
}

static int32_t fill_reason(void *data, const postbox_message *message, char *reason, size_t reason_size)
{
    (void)message;
    memset(reason, 'r', reason_size);
    *(size_t *)data = reason_size;
    return POSTBOX_SEND_REJECT;
}

void reason_that_fills_its_buffer_is_kept_whole(void)
{
    size_t size = 0;
    char detail[4096];
    postbox_client *box = NULL;
    postbox_config *config = memory_config(NULL);
    OK(postbox_config_add_producer(config, NULL, fill_reason, &size, NULL));
    OK(postbox_open(config, &box));
    deposit(box, "long");
    CHECK(clear(box, "long", detail, sizeof detail) == POSTBOX_OUTCOME_REJECTED);
    CHECK(size > 0 && strlen(detail) == size && strspn(detail, "r") == size);
    check_usable(box);
    postbox_config_free(config);
    postbox_free(box);
}

/* A batch producer that sets the results that a test lists, and records its batches. */
struct batch_producer {
    struct { int32_t outcome; const char *reason; } results[8];
    size_t result_count, batches[8];
    int calls, released;
    char ids[32][64];
    size_t sent;
};

static void send_batch(void *data, const postbox_message *const *messages, size_t count, postbox_send_results *results)
{
    struct batch_producer *self = data;
    CHECK(self->calls < (int)COUNT(self->batches));
    self->batches[self->calls++] = count;
    for (size_t i = 0; i < count; i++)
        snprintf(self->ids[self->sent++], sizeof self->ids[0], "%s", postbox_message_id(messages[i]));
    for (size_t i = 0; i < self->result_count; i++)
        postbox_send_results_set(results, i, self->results[i].outcome, self->results[i].reason);
}

static void release_batch(void *data)
{
    ((struct batch_producer *)data)->released++;
}

static postbox_client *open_batching(struct batch_producer *producer, size_t max_batch)
{
    postbox_client *box = NULL;
    postbox_config *config = eager_config(NULL);
    OK(postbox_config_set(config, "breaker_threshold", "0"));
    OK(postbox_config_add_batch_producer(config, NULL, max_batch, send_batch, producer, release_batch));
    OK(postbox_open(config, &box));
    postbox_config_free(config);
    return box;
}

void batch_producer_sets_a_result_for_each_message(void)
{
    static const struct { postbox_outcome outcome; const char *detail, *state; } expected[] = {
        {POSTBOX_OUTCOME_DISPATCHED, "", "dispatched"},
        {POSTBOX_OUTCOME_FAILED, "queue is \xef\xbf\xbd full", "outstanding"},
        {POSTBOX_OUTCOME_FAILED, "no leader", "outstanding"},
        {POSTBOX_OUTCOME_REJECTED, "returned no reason", "parked"},
        {POSTBOX_OUTCOME_ACCEPTED, "", "outstanding"},
        {POSTBOX_OUTCOME_FAILED, "returned 42", "outstanding"},
        {POSTBOX_OUTCOME_DISPATCHED, "", "dispatched"},
    };
    struct batch_producer producer = {
        .results = {{POSTBOX_SEND_SENT, NULL}, {POSTBOX_SEND_RETRY, "queue is \xff full"}, {POSTBOX_SEND_UNAVAILABLE, "no leader"},
                    {POSTBOX_SEND_REJECT, NULL}, {POSTBOX_SEND_ACCEPTED, "ignored"}, {42, "confused"},
                    /* The first batch has seven messages, so the last result is out of range. */
                    {POSTBOX_SEND_SENT, NULL}, {POSTBOX_SEND_SENT, NULL}},
        .result_count = 8};
    const char *ids[] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    postbox_report *report = NULL;
    postbox_client *box = open_batching(&producer, 7);
    for (size_t i = 0; i < COUNT(ids); i++)
        deposit(box, ids[i]);
    OK(postbox_clear_outbox(box, ids, COUNT(ids), NULL, &report));
    CHECK(producer.calls == 2 && producer.batches[0] == 7 && producer.batches[1] == 1);
    for (size_t i = 0; i < COUNT(ids); i++)
        EQUAL(producer.ids[i], ids[i]);
    for (size_t i = 0; i < COUNT(expected); i++) {
        CHECK(postbox_report_outcome(report, i) == expected[i].outcome);
        HOLDS(postbox_report_detail(report, i), expected[i].detail);
        check_state(box, ids[i], expected[i].state);
    }
    check_state(box, "7", "dispatched");
    postbox_report_free(report);
    postbox_free(box);
    CHECK(producer.released == 1);
}

void message_without_a_result_stays_as_it_was(void)
{
    struct batch_producer producer = {.results = {{POSTBOX_SEND_SENT, NULL}, {POSTBOX_SEND_NOT_TRIED, "ignored"}}, .result_count = 2};
    const char *ids[] = {"0", "1", "2"};
    postbox_sweep_result swept;
    postbox_report *report = NULL;
    postbox_client *box = open_batching(&producer, 10);
    for (size_t i = 0; i < COUNT(ids); i++)
        deposit(box, ids[i]);
    OK(postbox_clear_outbox(box, ids, COUNT(ids), NULL, &report));
    CHECK(postbox_report_outcome(report, 0) == POSTBOX_OUTCOME_DISPATCHED);
    for (size_t i = 1; i < COUNT(ids); i++) {
        CHECK(postbox_report_outcome(report, i) == POSTBOX_OUTCOME_SKIPPED);
        HOLDS(postbox_report_detail(report, i), "did not try");
    }
    postbox_report_free(report);
    producer.result_count = 0;
    OK(postbox_sweep(box, NULL, NULL, &swept));
    CHECK(swept.dispatched == 0 && swept.failed == 0 && swept.held_back == 2);
    check_field(box, "1", "dispatch_attempts", "0");
    check_field(box, "1", "last_error", NULL);
    producer.result_count = 1;
    OK(postbox_sweep(box, NULL, NULL, &swept));
    /* A sweep continues as long as it sends something, so one sweep sends both messages. */
    CHECK(swept.dispatched == 2 && producer.released == 0);
    postbox_free(box);
}

/* A callback for single messages may also report that a message was not tried. */
void batch_producer_is_released_as_any_other(void)
{
    struct batch_producer producer = {.result_count = 0};
    struct producer single = {.outcome = POSTBOX_SEND_NOT_TRIED};
    postbox_config *config = memory_config(&single);
    postbox_client *box = NULL;
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "max_batch",
          postbox_config_add_batch_producer(config, "t", 0, send_batch, &producer, release_batch));
    FAILS(POSTBOX_ERROR_INVALID_UTF8, "topic",
          postbox_config_add_batch_producer(config, NOT_UTF8, 1, send_batch, &producer, release_batch));
    CHECK(producer.released == 0);
    OK(postbox_config_add_batch_producer(config, "t", SIZE_MAX, send_batch, &producer, release_batch));
    OK(postbox_open(config, &box));
    postbox_config_free(config);
    CHECK(producer.released == 0);
    deposit(box, "single");
    CHECK(clear(box, "single", NULL, 0) == POSTBOX_OUTCOME_SKIPPED);
    check_field(box, "single", "dispatch_attempts", "0");
    postbox_free(box);
    CHECK(producer.released == 1 && single.released == 1);
}

void many_are_confirmed_in_one_call(void)
{
    enum { MANY = 60 };
    const char *ids[MANY], *reasons[MANY] = {NULL};
    postbox_send_outcome outcomes[MANY];
    char names[MANY][16];
    struct producer producer = {.outcome = POSTBOX_SEND_ACCEPTED};
    postbox_client *box = open_memory(&producer);
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "many-%02d", i);
        ids[i] = names[i];
        outcomes[i] = POSTBOX_SEND_SENT;
        deposit(box, ids[i]);
    }
    OK(postbox_clear_outbox(box, ids, MANY, NULL, NULL));
    outcomes[0] = POSTBOX_SEND_RETRY;
    reasons[0] = "no leader";
    outcomes[1] = POSTBOX_SEND_UNAVAILABLE;
    outcomes[2] = POSTBOX_SEND_REJECT;
    reasons[2] = "too large";
    OK(postbox_confirm_many(box, ids, outcomes, reasons, MANY));
    check_state(box, ids[0], "outstanding");
    check_field(box, ids[0], "last_error", "no leader");
    check_state(box, ids[1], "outstanding");
    check_state(box, ids[2], "parked");
    check_field(box, ids[2], "last_error", "too large");
    for (int i = 3; i < MANY; i++)
        check_state(box, ids[i], "dispatched");
    OK(postbox_confirm_many(box, ids + 3, outcomes + 3, NULL, MANY - 3));
    OK(postbox_confirm_many(box, NULL, NULL, NULL, 0));
    postbox_free(box);
}

void confirmations_that_are_not_recorded_have_reasons(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_ACCEPTED};
    const char *ids[] = {"nobody", "later"};
    postbox_send_outcome outcomes[] = {POSTBOX_SEND_SENT, POSTBOX_SEND_ACCEPTED};
    postbox_client *box = open_memory(&producer);
    deposit(box, "later");
    CHECK(clear(box, "later", NULL, 0) == POSTBOX_OUTCOME_ACCEPTED);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "outcome 1", postbox_confirm_many(box, ids, outcomes, NULL, COUNT(ids)));
    outcomes[1] = (postbox_send_outcome)99;
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "outcome 99", postbox_confirm_many(box, ids, outcomes, NULL, COUNT(ids)));
    check_state(box, "later", "outstanding");
    outcomes[1] = POSTBOX_SEND_SENT;
    postbox_error *error =
        ERROR_OF(POSTBOX_ERROR_MARK_INCOMPLETE, "1 of 2", postbox_confirm_many(box, ids, outcomes, NULL, COUNT(ids)));
    CHECK(!postbox_error_is_retryable(error));
    CHECK(postbox_error_reason_count(error) == 1 && postbox_error_reason_index(error, 0) == 0);
    EQUAL(postbox_error_reason_subject(error, 0), "nobody");
    EQUAL(postbox_error_reason_code(error, 0), "NotFound");
    postbox_error_free(error);
    check_state(box, "later", "dispatched");
    postbox_free(box);
}

void accepted_message_waits_for_its_confirmation(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_ACCEPTED};
    postbox_client *box = open_eager(&producer, NULL, NULL);
    deposit(box, "later");
    CHECK(clear(box, "later", NULL, 0) == POSTBOX_OUTCOME_ACCEPTED);
    check_state(box, "later", "outstanding");
    CHECK(clear(box, "later", NULL, 0) == POSTBOX_OUTCOME_IN_PROGRESS);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "outcome 1", postbox_confirm(box, "later", POSTBOX_SEND_ACCEPTED, NULL));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "outcome 42", postbox_confirm(box, "later", 42, "why"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "nobody", postbox_confirm(box, "nobody", POSTBOX_SEND_SENT, NULL));
    CHECK(clear(box, "later", NULL, 0) == POSTBOX_OUTCOME_IN_PROGRESS);
    OK(postbox_confirm(box, "later", POSTBOX_SEND_RETRY, "broker is gone"));
    CHECK(clear(box, "later", NULL, 0) == POSTBOX_OUTCOME_ACCEPTED);
    OK(postbox_confirm(box, "later", POSTBOX_SEND_REJECT, NULL));
    check_state(box, "later", "parked");
    OK(postbox_unpark(box, "later"));
    CHECK(clear(box, "later", NULL, 0) == POSTBOX_OUTCOME_ACCEPTED);
    OK(postbox_confirm(box, "later", POSTBOX_SEND_SENT, NULL));
    check_state(box, "later", "dispatched");
    CHECK(clear(box, "later", NULL, 0) == POSTBOX_OUTCOME_ALREADY_DISPATCHED);
    CHECK(producer.sent == 3);
    postbox_free(box);
}

static void confirm_retry(struct producer *self, const char *id)
{
    OK(postbox_confirm(self->context, id, POSTBOX_SEND_RETRY, "gone at once"));
}

static void confirm_sent(struct producer *self, const char *id)
{
    OK(postbox_confirm(self->context, id, POSTBOX_SEND_SENT, NULL));
}

/* A transport may confirm a message before the producer has returned POSTBOX_SEND_ACCEPTED. */
void confirmation_may_come_first(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_ACCEPTED, .then = confirm_retry};
    postbox_client *box = open_eager(&producer, NULL, NULL);
    producer.context = box;
    deposit(box, "fast");
    CHECK(clear(box, "fast", NULL, 0) == POSTBOX_OUTCOME_ACCEPTED);
    producer.then = confirm_sent;
    CHECK(clear(box, "fast", NULL, 0) == POSTBOX_OUTCOME_ACCEPTED);
    check_state(box, "fast", "dispatched");
    CHECK(clear(box, "fast", NULL, 0) == POSTBOX_OUTCOME_ALREADY_DISPATCHED);
    CHECK(producer.sent == 2);
    postbox_free(box);
}

static void call_postbox(struct producer *self, const char *id)
{
    self->then = NULL;
    CHECK(clear(self->context, id, NULL, 0) == POSTBOX_OUTCOME_IN_PROGRESS);
    check_state(self->context, id, "outstanding");
    deposit(self->context, "inner");
    CHECK(clear(self->context, "inner", NULL, 0) == POSTBOX_OUTCOME_DISPATCHED);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(self->context);
    OK(postbox_unit_of_work_put(work, "People", ADA));
    OK(postbox_unit_of_work_commit(work));
    postbox_unit_of_work_free(work);
}

void producer_may_call_postbox(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT, .then = call_postbox};
    postbox_client *box = open_memory(&producer);
    producer.context = box;
    deposit(box, "outer");
    CHECK(clear(box, "outer", NULL, 0) == POSTBOX_OUTCOME_DISPATCHED);
    CHECK(producer.sent == 2);
    check_state(box, "inner", "dispatched");
    check_state(box, "outer", "dispatched");
    check_person(box, ADA, ADA);
    postbox_free(box);
}

void topics_go_to_their_producers(void)
{
    struct producer greetings = {.outcome = POSTBOX_SEND_SENT}, others = {.outcome = POSTBOX_SEND_RETRY};
    struct producer earlier = {.outcome = POSTBOX_SEND_SENT};
    char detail[256];
    const char *ids[] = {"1", "2", "3"};
    postbox_report *report = NULL;
    postbox_client *box = NULL;
    postbox_config *config = memory_config(NULL);
    OK(postbox_config_add_producer(config, "greeting.made", producer_send, &earlier, producer_release));
    OK(postbox_config_add_producer(config, "greeting.made", producer_send, &greetings, producer_release));
    OK(postbox_open(config, &box));
    postbox_message *message = message_of("other", "2", "x");
    deposit(box, "1");
    OK(postbox_deposit_post(box, message));
    deposit(box, "3");
    postbox_message_free(message);
    CHECK(clear(box, "2", detail, sizeof detail) == POSTBOX_OUTCOME_NO_PRODUCER);
    HOLDS(detail, "topic other");
    postbox_free(box);
    postbox_config_free(config);
    CHECK(greetings.released == 1 && earlier.released == 1 && earlier.sent == 0);

    /* A failed message does not stop the others. */
    config = memory_config(&others);
    OK(postbox_config_add_producer(config, "greeting.made", producer_send, &greetings, NULL));
    OK(postbox_open(config, &box));
    message = message_of("other", "2", "x");
    deposit(box, "1");
    OK(postbox_deposit_post(box, message));
    deposit(box, "3");
    OK(postbox_clear_outbox(box, ids, COUNT(ids), NULL, &report));
    CHECK(postbox_report_failure_count(report) == 1);
    CHECK(postbox_report_outcome(report, 1) == POSTBOX_OUTCOME_FAILED);
    CHECK(greetings.sent == 2 && others.sent == 1);
    EQUAL(greetings.ids[0], "1");
    EQUAL(greetings.ids[1], "3");
    postbox_report_free(report);
    postbox_message_free(message);
    postbox_config_free(config);
    postbox_free(box);
}

void release_is_called_once_with_the_last_handle(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    postbox_client *one = NULL, *two = NULL;
    /* This configuration is never opened. */
    postbox_config *config = memory_config(&producer);
    CHECK(producer.released == 0);
    postbox_config_free(config);
    CHECK(producer.released == 1);
    /* The configuration is freed first, then both clients that were opened with it. */
    producer.released = 0;
    config = memory_config(&producer);
    OK(postbox_open(config, &one));
    OK(postbox_open(config, &two));
    postbox_config_free(config);
    OK(postbox_close(one));
    postbox_free(one);
    CHECK(producer.released == 0);
    postbox_free(two);
    CHECK(producer.released == 1);
    /* The configuration is freed last. */
    producer.released = 0;
    config = memory_config(&producer);
    OK(postbox_open(config, &one));
    postbox_free(one);
    CHECK(producer.released == 0);
    postbox_config_free(config);
    CHECK(producer.released == 1);
    /* A call that fails does not take ownership. */
    producer.released = 0;
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "config",
          postbox_config_add_producer(NULL, "t", producer_send, &producer, producer_release));
    config = postbox_config_new();
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "send", postbox_config_add_producer(config, "t", NULL, &producer, producer_release));
    FAILS(POSTBOX_ERROR_INVALID_UTF8, "topic",
          postbox_config_add_producer(config, NOT_UTF8, producer_send, &producer, producer_release));
    postbox_config_free(config);
    CHECK(producer.released == 0);
}
