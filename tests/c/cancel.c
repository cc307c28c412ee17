/*
 * Cancel tokens, and calls that end early because the client is closed. After both, no further producer or archive is
 * called, messages that were sent are marked, and leases are given back.
 */
#include "support.h"
#include "tests.h"

static const char *const three[] = {"first", "second", "third"};

static void cancel_token(struct producer *self, const char *id)
{
    (void)id;
    postbox_cancel_token_cancel(self->context);
}

/* Returns a Postbox with three messages. Its producer cancels a new token when it sends the first. */
static postbox_client *open_with_token(struct producer *producer, postbox_cancel_token **token)
{
    OK(postbox_cancel_token_new(token));
    CHECK(!postbox_cancel_token_is_canceled(*token));
    *producer = (struct producer){.outcome = POSTBOX_SEND_SENT, .then = cancel_token, .context = *token};
    postbox_client *box = open_eager(producer, NULL, NULL);
    for (size_t i = 0; i < COUNT(three); i++)
        deposit(box, three[i]);
    return box;
}

void canceled_sweep_ends_after_the_current_producer(void)
{
    struct producer producer;
    postbox_cancel_token *token;
    postbox_client *box = open_with_token(&producer, &token);
    postbox_sweep_result result;
    OK(postbox_sweep(box, NULL, token, &result));
    CHECK(postbox_cancel_token_is_canceled(token));
    CHECK(result.dispatched == 1 && producer.sent == 1 && result.failed == 0);
    /* A canceled token also stops a sweep before its first message. */
    OK(postbox_sweep(box, "greeting.made", token, NULL));
    CHECK(producer.sent == 1);
    postbox_cancel_token_free(token);
    producer.then = NULL;
    /* The lease was given back, so that another sweep sends the rest at once. */
    OK(postbox_sweep(box, NULL, NULL, &result));
    CHECK(result.lease == POSTBOX_LEASE_HELD && result.dispatched == 2);
    postbox_free(box);
}

/* The threads of a sweep whose caller waits for another thread. */
struct waiting_sweep {
    pthread_t caller;
    struct event other_called, canceled;
    postbox_cancel_token *token;
    postbox_client *box;
    bool closes;
    int sent, waits, released;
};

/* Returns at once on the thread of the caller, and waits for the cancellation on the other thread. */
static int32_t send_on_two_threads(void *data, const postbox_message *message, char *reason, size_t reason_size)
{
    struct waiting_sweep *self = data;
    (void)message, (void)reason, (void)reason_size;
    if (pthread_equal(pthread_self(), self->caller)) {
        event_wait(&self->other_called);
        return POSTBOX_SEND_SENT;
    }
    self->sent++;
    event_set(&self->other_called);
    event_wait(&self->canceled);
    return POSTBOX_SEND_SENT;
}

static void cancel_while_waiting(void *data)
{
    struct waiting_sweep *self = data;
    CHECK(pthread_equal(pthread_self(), self->caller));
    if (self->waits++ > 0)
        return;
    if (self->closes)
        FAILS(POSTBOX_ERROR_REENTRANT_CALL, "close was called by", postbox_close(self->box));
    else
        postbox_cancel_token_cancel(self->token);
    event_set(&self->canceled);
}

static void count_release(void *data)
{
    ((struct waiting_sweep *)data)->released++;
}

/* Sweeps four messages of two topics, and checks that one of them is not sent. */
static void sweep_until_canceled(bool closes)
{
    struct waiting_sweep self = {
        .caller = pthread_self(), .other_called = NO_EVENT, .canceled = NO_EVENT, .closes = closes};
    postbox_config *config = eager_config(NULL);
    postbox_sweep_result result;
    OK(postbox_config_set(config, "sweep_threads", "2"));
    OK(postbox_config_add_producer(config, NULL, send_on_two_threads, &self, NULL));
    OK(postbox_open(config, &self.box));
    postbox_config_free(config);
    for (int i = 0; i < 4; i++) {
        postbox_message *message = message_of(i < 2 ? "one" : "two", NULL, "x");
        OK(postbox_message_set(message, "partition_key", "same"));
        OK(postbox_deposit_post(self.box, message));
        postbox_message_free(message);
    }
    OK(postbox_cancel_token_new(&self.token));
    OK(postbox_cancel_token_on_wait(self.token, cancel_while_waiting, &self, count_release));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "already",
          postbox_cancel_token_on_wait(self.token, cancel_while_waiting, &self, count_release));
    OK(postbox_sweep(self.box, NULL, self.token, &result));
    CHECK(self.waits > 0 && self.sent == 1 && result.dispatched == 3);
    CHECK(self.released == 0);
    postbox_cancel_token_free(self.token);
    CHECK(self.released == 1);
    postbox_free(self.box);
}

void caller_of_a_sweep_can_cancel_it_while_it_waits(void)
{
    sweep_until_canceled(false);
}

void caller_of_a_sweep_can_close_the_client_while_it_waits(void)
{
    sweep_until_canceled(true);
}

void canceled_clear_leaves_the_rest_outstanding(void)
{
    struct producer producer;
    postbox_cancel_token *token;
    postbox_client *box = open_with_token(&producer, &token);
    postbox_report *report;
    OK(postbox_clear_outbox(box, three, COUNT(three), token, &report));
    CHECK(postbox_report_outcome(report, 0) == POSTBOX_OUTCOME_DISPATCHED);
    CHECK(postbox_report_outcome(report, 1) == POSTBOX_OUTCOME_SKIPPED);
    CHECK(postbox_report_outcome(report, 2) == POSTBOX_OUTCOME_SKIPPED);
    postbox_report_free(report);
    check_state(box, "first", "dispatched");
    check_state(box, "second", "outstanding");
    postbox_cancel_token_free(token);
    postbox_free(box);
}

struct cancelling_archive {
    postbox_cancel_token *token;
    int archived;
};

static int32_t archive_and_cancel(void *data, const postbox_message *message, char *reason, size_t reason_size)
{
    struct cancelling_archive *archive = data;
    (void)message, (void)reason, (void)reason_size;
    archive->archived++;
    postbox_cancel_token_cancel(archive->token);
    return 0;
}

void canceled_archive_deletes_only_stored_messages(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    struct cancelling_archive archive = {NULL, 0};
    postbox_client *box = open_eager(&producer, NULL, NULL);
    postbox_archive_result result;
    for (size_t i = 0; i < COUNT(three); i++)
        deposit(box, three[i]);
    OK(postbox_clear_outbox(box, three, COUNT(three), NULL, NULL));
    for (int run = 1; run <= 2; run++) {
        OK(postbox_cancel_token_new(&archive.token));
        OK(postbox_archive(box, archive_and_cancel, &archive, archive.token, &result));
        CHECK(archive.archived == run && result.archived == 1 && result.failed == 0);
        postbox_cancel_token_free(archive.token);
    }
    postbox_free(box);
}

/* A producer that waits until it may return. */
struct waiting {
    postbox_client *box;
    struct event called, may_return;
    int calls;
};

static int32_t wait_to_send(void *data, const postbox_message *message, char *reason, size_t reason_size)
{
    struct waiting *waiting = data;
    (void)message, (void)reason, (void)reason_size;
    waiting->calls++;
    event_set(&waiting->called);
    event_wait(&waiting->may_return);
    return POSTBOX_SEND_SENT;
}

static postbox_client *open_with(postbox_send_callback send, struct waiting *waiting)
{
    postbox_config *config = eager_config(NULL);
    OK(postbox_config_set(config, "close_timeout_ms", "60000"));
    OK(postbox_config_add_producer(config, NULL, send, waiting, NULL));
    OK(postbox_open(config, &waiting->box));
    postbox_config_free(config);
    for (size_t i = 0; i < COUNT(three); i++)
        deposit(waiting->box, three[i]);
    return waiting->box;
}

static void *clear_three(void *data)
{
    struct waiting *waiting = data;
    postbox_report *report = NULL;
    OK(postbox_clear_outbox(waiting->box, three, COUNT(three), NULL, &report));
    CHECK(postbox_report_outcome(report, 2) == POSTBOX_OUTCOME_SKIPPED);
    postbox_report_free(report);
    return NULL;
}

void no_producer_is_called_after_close(void)
{
    struct waiting waiting = {NULL, NO_EVENT, NO_EVENT, 0};
    postbox_client *box = open_with(wait_to_send, &waiting);
    pthread_t clearing;
    CHECK(pthread_create(&clearing, NULL, clear_three, &waiting) == 0);
    event_wait(&waiting.called);
    FAILS(POSTBOX_ERROR_TIMEOUT, "longer than 10 ms; running calls were abandoned (1), and producers or archives "
          "have not returned (1)", postbox_close_within(box, 10));
    event_set(&waiting.may_return);
    pthread_join(clearing, NULL);
    CHECK(waiting.calls == 1);
    /* The message was sent after the runtime of the client had stopped. */
    FAILS(POSTBOX_ERROR_MARK_INCOMPLETE, "sent and not marked: 1", postbox_close_within(box, 60000));
    postbox_free(box);
}

static void *close_box(void *data)
{
    OK(postbox_close(((struct waiting *)data)->box));
    return NULL;
}

void close_ends_a_clear_between_two_messages(void)
{
    struct waiting waiting = {NULL, NO_EVENT, NO_EVENT, 0};
    postbox_client *box = open_with(wait_to_send, &waiting);
    pthread_t clearing, closing;
    CHECK(pthread_create(&clearing, NULL, clear_three, &waiting) == 0);
    event_wait(&waiting.called);
    CHECK(pthread_create(&closing, NULL, close_box, &waiting) == 0);
    /* The close has begun as soon as it rejects other calls. */
    postbox_error *error;
    postbox_message *message;
    while ((error = postbox_get_message(box, "nobody", &message)) == NULL)
        ;
    CHECK(postbox_error_code(error) == POSTBOX_ERROR_CLOSED);
    postbox_error_free(error);
    event_set(&waiting.may_return);
    pthread_join(clearing, NULL);
    pthread_join(closing, NULL);
    CHECK(waiting.calls == 1);
    postbox_free(box);
}

static int32_t close_in_callback(void *data, const postbox_message *message, char *reason, size_t reason_size)
{
    struct waiting *waiting = data;
    (void)message, (void)reason, (void)reason_size;
    waiting->calls++;
    FAILS(POSTBOX_ERROR_REENTRANT_CALL, "called by a producer", postbox_close(waiting->box));
    return POSTBOX_SEND_SENT;
}

void close_in_a_producer_does_not_wait_for_itself(void)
{
    struct waiting waiting = {NULL, NO_EVENT, NO_EVENT, 0};
    postbox_client *box = open_with(close_in_callback, &waiting);
    postbox_report *report;
    int64_t began = now_ms();
    OK(postbox_clear_outbox(box, three, COUNT(three), NULL, &report));
    CHECK(now_ms() - began < 30000);
    CHECK(waiting.calls == 1 && postbox_report_outcome(report, 0) == POSTBOX_OUTCOME_DISPATCHED);
    CHECK(postbox_report_outcome(report, 1) == POSTBOX_OUTCOME_SKIPPED);
    postbox_report_free(report);
    OK(postbox_close(box));
    postbox_free(box);
}

/* A callback that stops the thread which calls it. */
struct stopping {
    postbox_client *box;
    postbox_error *(*stop)(postbox_client *box);
    struct event called;
};

static int32_t stop_in_callback(void *data, const postbox_message *message, char *reason, size_t reason_size)
{
    struct stopping *stopping = data;
    (void)message, (void)reason, (void)reason_size;
    FAILS(POSTBOX_ERROR_REENTRANT_CALL, "as soon as the callback returns", stopping->stop(stopping->box));
    event_set(&stopping->called);
    return 0;
}

void stop_in_a_callback_does_not_wait_for_itself(void)
{
    struct stopping sweeping = {NULL, postbox_stop_sweeper, NO_EVENT};
    struct stopping archiving = {NULL, postbox_stop_archiver, NO_EVENT};
    postbox_config *config = eager_config(NULL);
    OK(postbox_config_set(config, "close_timeout_ms", "60000"));
    OK(postbox_config_add_producer(config, NULL, stop_in_callback, &sweeping, NULL));
    OK(postbox_open(config, &sweeping.box));
    postbox_config_free(config);
    archiving.box = sweeping.box;
    int64_t began = now_ms();
    deposit(sweeping.box, "first");
    OK(postbox_start_sweeper(sweeping.box));
    event_wait(&sweeping.called);
    OK(postbox_stop_sweeper(sweeping.box));
    check_state(sweeping.box, "first", "dispatched");
    OK(postbox_start_archiver(archiving.box, stop_in_callback, &archiving, NULL));
    event_wait(&archiving.called);
    OK(postbox_stop_archiver(archiving.box));
    check_state(archiving.box, "first", NULL);
    CHECK(now_ms() - began < 30000);
    postbox_free(sweeping.box);
}
