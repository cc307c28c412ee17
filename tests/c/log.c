/* Log messages to a C function. */
#include "support.h"
#include "tests.h"

#include <pthread.h>
#include <string.h>

struct log {
    pthread_mutex_t lock;
    int32_t highest;
    int lines, with_id, with_body, released;
};

static void keep(void *data, int32_t level, const char *text)
{
    struct log *log = data;
    pthread_mutex_lock(&log->lock);
    log->lines++;
    log->highest = level > log->highest ? level : log->highest;
    log->with_id += strstr(text, "logged-id") != NULL;
    log->with_body += strstr(text, "a secret body") != NULL;
    pthread_mutex_unlock(&log->lock);
}

static void release(void *data)
{
    ((struct log *)data)->released++;
}

static void fail_to_send(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_RETRY, .reason = "no"};
    postbox_client *box = open_memory(&producer);
    postbox_message *message = message_of("t", "logged-id", "a secret body");
    FAILS(POSTBOX_ERROR_CLEAR_INCOMPLETE, "1 of 1", postbox_post(box, message, NULL));
    postbox_message_free(message);
    postbox_free(box);
}

void log_callback_gets_lines_up_to_its_level(void)
{
    struct log warnings = {.lock = PTHREAD_MUTEX_INITIALIZER}, errors = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct log all = {.lock = PTHREAD_MUTEX_INITIALIZER};
    OK(postbox_set_log_callback(POSTBOX_LOG_WARN, keep, &warnings, release));
    fail_to_send();
    CHECK(warnings.lines > 0 && warnings.with_id > 0 && warnings.highest <= POSTBOX_LOG_WARN);
    CHECK(warnings.released == 0);
    /* Another callback replaces the first, which is released once. */
    OK(postbox_set_log_callback(POSTBOX_LOG_ERROR, keep, &errors, release));
    CHECK(warnings.released == 1);
    int before = warnings.lines;
    fail_to_send();
    CHECK(warnings.lines == before && errors.lines == 0);
    OK(postbox_set_log_callback(POSTBOX_LOG_TRACE, keep, &all, release));
    fail_to_send();
    CHECK(errors.released == 1 && all.lines > 0 && all.with_body == 0);
    OK(postbox_set_log_callback(0, NULL, NULL, NULL));
    CHECK(all.released == 1);
    before = all.lines;
    fail_to_send();
    CHECK(all.lines == before);
    OK(postbox_set_log_callback(POSTBOX_LOG_INFO, keep, &all, NULL));
    OK(postbox_set_log_callback(POSTBOX_LOG_DEBUG, NULL, NULL, release));
    CHECK(warnings.released == 1 && errors.released == 1 && all.released == 1);
}

void unknown_log_level_is_rejected(void)
{
    struct log log = {.lock = PTHREAD_MUTEX_INITIALIZER};
    OK(postbox_set_log_callback(POSTBOX_LOG_WARN, keep, &log, release));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "1 (error) to 5 (trace)", postbox_set_log_callback(0, keep, &log, release));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "level 6", postbox_set_log_callback(6, keep, &log, release));
    CHECK(log.released == 0);
    fail_to_send();
    CHECK(log.lines > 0);
    OK(postbox_set_log_callback(0, NULL, NULL, NULL));
    CHECK(log.released == 1);
}
