/* Archiving: dispatched messages are passed to an archive, and deleted once they are archived. */
#include "support.h"
#include "tests.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const sent[] = {"kept", "refused", "failed"};

/* Stores three dispatched messages and an outstanding one. */
static postbox_client *open_filled(struct producer *producer)
{
    postbox_client *box = open_eager(producer, NULL, NULL);
    for (size_t i = 0; i < COUNT(sent); i++)
        deposit(box, sent[i]);
    OK(postbox_mark_dispatched(box, sent, COUNT(sent), NULL));
    deposit(box, "outstanding");
    return box;
}

struct archive {
    pthread_t caller;
    int calls;
};

static int32_t keep_some(void *data, const postbox_message *message, char *reason, size_t reason_size)
{
    struct archive *self = data;
    const char *value = NULL, *id = postbox_message_id(message);
    self->calls++;
    CHECK(pthread_equal(pthread_self(), self->caller));
    CHECK(reason[0] == '\0' && reason_size >= 256);
    OK(postbox_message_get(message, "state", &value));
    EQUAL(value, "dispatched");
    OK(postbox_message_get(message, "dispatched_at", &value));
    CHECK(value != NULL);
    if (strcmp(id, "refused") == 0)
        snprintf(reason, reason_size, "the shelf is full");
    return strcmp(id, "refused") == 0 ? 1 : strcmp(id, "failed") == 0 ? -7 : 0;
}

struct reasons {
    int full, returned;
};

static void see_reasons(void *data, int32_t level, const char *text)
{
    struct reasons *self = data;
    (void)level;
    self->full += strstr(text, "refused") && strstr(text, "the shelf is full");
    self->returned += strstr(text, "the archive returned -7") != NULL;
}

void archive_deletes_archived_messages(void)
{
    struct archive archive = {.caller = pthread_self()};
    struct reasons reasons = {0};
    struct producer keeps_all = {.outcome = 0};
    postbox_archive_result result;
    postbox_client *box = open_filled(NULL);
    memset(&result, 0xff, sizeof result);
    OK(postbox_set_log_callback(POSTBOX_LOG_WARN, see_reasons, &reasons, NULL));
    OK(postbox_archive(box, keep_some, &archive, NULL, &result));
    OK(postbox_set_log_callback(0, NULL, NULL, NULL));
    CHECK(archive.calls == 3 && result.archived == 1 && result.failed == 2 && result.lease == POSTBOX_LEASE_HELD);
    for (size_t i = 0; i < COUNT(result.reserved); i++)
        CHECK(result.reserved[i] == 0);
    CHECK(reasons.full == 1 && reasons.returned == 1);
    check_state(box, "kept", NULL);
    check_state(box, "refused", "dispatched");
    check_state(box, "failed", "dispatched");
    check_state(box, "outstanding", "outstanding");
    /* Messages are passed again until they are archived. Outstanding messages are never passed. */
    OK(postbox_archive(box, producer_send, &keeps_all, NULL, NULL));
    CHECK(keeps_all.sent == 2);
    check_state(box, "refused", NULL);
    check_state(box, "failed", NULL);
    check_state(box, "outstanding", "outstanding");
    OK(postbox_archive(box, producer_send, &keeps_all, NULL, &result));
    CHECK(keeps_all.sent == 2 && result.archived == 0 && result.failed == 0);
    postbox_free(box);
}

void young_dispatched_messages_are_not_archived(void)
{
    struct producer archive = {.outcome = 0};
    const char *id = "young";
    postbox_archive_result result = {0};
    postbox_client *box = open_eager(NULL, "archive_min_age_ms", "600000");
    deposit(box, id);
    OK(postbox_mark_dispatched(box, &id, 1, NULL));
    OK(postbox_archive(box, producer_send, &archive, NULL, &result));
    CHECK(archive.sent == 0 && result.archived == 0 && result.failed == 0);
    check_state(box, id, "dispatched");
    postbox_free(box);
}

/* Returns the number of lines of a file that contain the part. */
static int count_lines(const char *path, const char *part)
{
    char line[4096];
    int count = 0;
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    while (file && fgets(line, sizeof line, file)) {
        CHECK(line[0] == '{' && strcmp(line + strlen(line) - 2, "}\n") == 0);
        count += strstr(line, part) != NULL;
    }
    if (file)
        fclose(file);
    return count;
}

void archive_file_has_a_message_a_line(void)
{
    char directory[] = "/tmp/postbox-XXXXXX", path[64];
    struct stat status = {0};
    postbox_archive_result result = {0};
    postbox_client *box = open_filled(NULL);
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/archive.jsonl", directory);
    OK(postbox_archive_to_file(box, path, NULL, &result));
    CHECK(result.archived == 3 && result.failed == 0 && result.lease == POSTBOX_LEASE_HELD);
    CHECK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600);
    CHECK(count_lines(path, "") == 3);
    for (size_t i = 0; i < COUNT(sent); i++) {
        char id[64];
        snprintf(id, sizeof id, "\"MessageId\":{\"S\":\"%s\"}", sent[i]);
        CHECK(count_lines(path, id) == 1);
        check_state(box, sent[i], NULL);
    }
    CHECK(count_lines(path, "\"Topic\":{\"S\":\"greeting.made\"}") == 3);
    CHECK(count_lines(path, "\"DeliveryTime\":{\"N\":\"") == 3);
    CHECK(count_lines(path, "OutstandingCreatedTime") == 0);
    /* A further run appends to the file. */
    const char *id = "outstanding";
    OK(postbox_mark_dispatched(box, &id, 1, NULL));
    OK(postbox_archive_to_file(box, path, NULL, NULL));
    CHECK(count_lines(path, "") == 4);
    CHECK(count_lines(path, "\"MessageId\":{\"S\":\"outstanding\"}") == 1);
    unlink(path);
    rmdir(directory);
    postbox_free(box);
}

static void see_full_disk(void *data, int32_t level, const char *text)
{
    (void)level;
    *(int *)data += strstr(text, "No space left") != NULL;
}

void archive_file_that_cannot_be_written_keeps_the_messages(void)
{
    int full = 0;
    postbox_archive_result result = {.archived = 42};
    postbox_client *box = open_filled(NULL);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "/nowhere/archive could not be opened: No such file",
          postbox_archive_to_file(box, "/nowhere/archive", NULL, &result));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "/tmp could not be opened", postbox_archive_to_file(box, "/tmp", NULL, &result));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "could not be opened", postbox_archive_to_file(box, "", NULL, &result));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "/nowhere/archive",
          postbox_start_archiver_to_file(box, "/nowhere/archive"));
    CHECK(result.archived == 42);
    /* A full disk is reported when a message is archived. */
    OK(postbox_set_log_callback(POSTBOX_LOG_WARN, see_full_disk, &full, NULL));
    OK(postbox_archive_to_file(box, "/dev/full", NULL, &result));
    OK(postbox_set_log_callback(0, NULL, NULL, NULL));
    CHECK(result.archived == 0 && result.failed == 3 && full == 3);
    for (size_t i = 0; i < COUNT(sent); i++)
        check_state(box, sent[i], "dispatched");
    postbox_free(box);
}
