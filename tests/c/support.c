#include "support.h"

#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int32_t producer_send(void *data, const postbox_message *message, char *reason, size_t reason_size)
{
    struct producer *self = data;
    const char *id = postbox_message_id(message);
    if (self->sent < (int)COUNT(self->ids))
        snprintf(self->ids[self->sent], sizeof self->ids[0], "%s", id);
    self->sent++;
    EQUAL(reason, "");
    if (self->reason)
        snprintf(reason, reason_size, "%s", self->reason);
    if (self->then)
        self->then(self, id);
    return self->outcome;
}

void producer_release(void *data)
{
    ((struct producer *)data)->released++;
}

postbox_config *memory_config(struct producer *producer)
{
    postbox_config *config = postbox_config_new();
    OK(postbox_config_set(config, "embedded_path", ":memory:"));
    if (producer)
        OK(postbox_config_add_producer(config, NULL, producer_send, producer, producer_release));
    return config;
}

postbox_client *open_memory(struct producer *producer)
{
    postbox_client *box = NULL;
    postbox_config *config = memory_config(producer);
    OK(postbox_open(config, &box));
    postbox_config_free(config);
    make_people(box);
    return box;
}

postbox_config *eager_config(struct producer *producer)
{
    static const char *const names[] = {"sweep_min_age_ms", "dispatch_retry_delay_ms", "archive_min_age_ms"};
    postbox_config *config = memory_config(producer);
    for (size_t i = 0; i < COUNT(names); i++)
        OK(postbox_config_set(config, names[i], "0"));
    return config;
}

postbox_client *open_eager(struct producer *producer, const char *name, const char *value)
{
    postbox_client *box = NULL;
    postbox_config *config = eager_config(producer);
    if (name)
        OK(postbox_config_set(config, name, value));
    OK(postbox_open(config, &box));
    postbox_config_free(config);
    return box;
}

void event_set(struct event *event)
{
    pthread_mutex_lock(&event->lock);
    event->happened = true;
    pthread_cond_broadcast(&event->changed);
    pthread_mutex_unlock(&event->lock);
}

void event_wait(struct event *event)
{
    struct timespec end;
    int code = 0;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 60;
    pthread_mutex_lock(&event->lock);
    while (!event->happened && code == 0)
        code = pthread_cond_timedwait(&event->changed, &event->lock, &end);
    CHECK(event->happened);
    pthread_mutex_unlock(&event->lock);
}

void make_people(postbox_client *box)
{
    OK(postbox_embedded_execute(box, "CreateTable",
                                "{\"TableName\":\"People\",\"BillingMode\":\"PAY_PER_REQUEST\","
                                "\"AttributeDefinitions\":[{\"AttributeName\":\"Name\",\"AttributeType\":\"S\"}],"
                                "\"KeySchema\":[{\"AttributeName\":\"Name\",\"KeyType\":\"HASH\"}]}",
                                NULL));
}

postbox_message *message_of(const char *topic, const char *id, const char *body)
{
    postbox_message *message = NULL;
    OK(postbox_message_new(topic, (const uint8_t *)body, strlen(body), &message));
    if (id)
        OK(postbox_message_set(message, "id", id));
    return message;
}

void deposit(postbox_client *box, const char *id)
{
    postbox_message *message = message_of("greeting.made", id, "hello");
    OK(postbox_deposit_post(box, message));
    postbox_message_free(message);
}

postbox_outcome clear(postbox_client *box, const char *id, char *detail, size_t size)
{
    postbox_report *report = NULL;
    OK(postbox_clear_outbox(box, &id, 1, NULL, &report));
    CHECK(postbox_report_count(report) == 1);
    EQUAL(postbox_report_id(report, 0), id);
    postbox_outcome outcome = postbox_report_outcome(report, 0);
    CHECK(postbox_report_failure_count(report) == (outcome >= POSTBOX_OUTCOME_NOT_FOUND ? 1 : 0));
    if (detail)
        snprintf(detail, size, "%s", postbox_report_detail(report, 0));
    postbox_report_free(report);
    return outcome;
}

void check_state(postbox_client *box, const char *id, const char *state)
{
    postbox_message *message = NULL;
    OK(postbox_get_message(box, id, &message));
    CHECK((message != NULL) == (state != NULL));
    if (message) {
        const char *found = NULL;
        OK(postbox_message_get(message, "state", &found));
        EQUAL(found, state);
    }
    postbox_message_free(message);
}

void check_field(postbox_client *box, const char *id, const char *field, const char *expected)
{
    postbox_message *message = NULL;
    const char *found = NULL;
    OK(postbox_get_message(box, id, &message));
    OK(postbox_message_get(message, field, &found));
    if (expected)
        EQUAL(found, expected);
    else
        CHECK(found == NULL);
    postbox_message_free(message);
}

static void add_attribute(cJSON *item, const char *name, const char *type, const char *value)
{
    cJSON_AddStringToObject(cJSON_AddObjectToObject(item, name), type, value);
}

static char *to_text(cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return text;
}

char *person_json(const char *name, const char *text)
{
    cJSON *item = cJSON_CreateObject();
    add_attribute(item, "Name", "S", name);
    if (text)
        add_attribute(item, "Text", "S", text);
    return to_text(item);
}

void put_malformed(postbox_client *box, const char *id)
{
    cJSON *put = cJSON_CreateObject();
    cJSON_AddStringToObject(put, "TableName", "brighter_outbox");
    cJSON *item = cJSON_AddObjectToObject(put, "Item");
    add_attribute(item, "MessageId", "S", id);
    add_attribute(item, "Topic", "S", "greeting.made");
    add_attribute(item, "TopicShard", "S", "greeting.made_0");
    add_attribute(item, "CreatedTime", "N", "1");
    add_attribute(item, "OutstandingCreatedTime", "N", "1");
    char *request = to_text(put);
    OK(postbox_embedded_execute(box, "PutItem", request, NULL));
    free(request);
}

void check_person(postbox_client *box, const char *key, const char *expected)
{
    char *person = NULL;
    OK(postbox_get_item(box, "People", key, &person));
    if (expected)
        EQUAL(person, expected);
    else
        CHECK(person == NULL);
    postbox_string_free(person);
}

void check_usable(postbox_client *box)
{
    static atomic_int number = 0;
    char id[32];
    const char *ids = id;
    snprintf(id, sizeof id, "usable-%d", number++);
    deposit(box, id);
    check_state(box, id, "outstanding");
    OK(postbox_mark_dispatched(box, &ids, 1, NULL));
    check_state(box, id, "dispatched");
}

char *long_text(size_t length)
{
    char *text = malloc(length + 1);
    memset(text, 'x', length);
    text[length] = '\0';
    return text;
}

char *long_person(const char *name, size_t length)
{
    char *text = long_text(length), *item = person_json(name, text);
    free(text);
    return item;
}

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void run_alone(const char *test)
{
    char program[4096] = "";
    int status = -1;
    CHECK(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    pid_t child = fork();
    if (child == 0) {
        setenv("POSTBOX_TEST_ALONE", "1", 1);
        execl(program, program, test, (char *)NULL);
        _exit(127);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

bool is_alone(void)
{
    return getenv("POSTBOX_TEST_ALONE") != NULL;
}
