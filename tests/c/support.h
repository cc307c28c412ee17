/* The fixtures of the C tests: an open Postbox, a table of the program, messages, a producer. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include "check.h"

#include <pthread.h>
#include <stddef.h>

#define ADA "{\"Name\":{\"S\":\"Ada\"}}"
#define BOB "{\"Name\":{\"S\":\"Bob\"}}"
/* A text that is not UTF-8. */
#define NOT_UTF8 "abc\xff"
/* The number of elements of an array. */
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A producer that returns the result that the test sets, and records its messages. */
struct producer {
    /* The result to return and the reason to write. If the reason is NULL, none is written. */
    int32_t outcome;
    const char *reason;
    /* Called before the producer returns, with the id of the message. May be NULL. */
    void (*then)(struct producer *self, const char *id);
    void *context;
    int sent, released;
    char ids[128][64];
};

int32_t producer_send(void *producer, const postbox_message *message, char *reason, size_t reason_size);
void producer_release(void *producer);

/* An event that one thread waits for and another one triggers. */
struct event {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool happened;
};

#define NO_EVENT {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false}
void event_set(struct event *event);
/* Waits for the event. After a minute, the check fails. */
void event_wait(struct event *event);

/* Returns a configuration of the embedded database in memory, with the producer as the default unless it is NULL. */
postbox_config *memory_config(struct producer *producer);
/* Opens a Postbox with memory_config, and creates a table People with the key Name. */
postbox_client *open_memory(struct producer *producer);
void make_people(postbox_client *box);
/* Returns memory_config with settings for which messages are swept, retried and archived at once. */
postbox_config *eager_config(struct producer *producer);
/* Opens a Postbox with eager_config and one more setting, or none if `name` is NULL. */
postbox_client *open_eager(struct producer *producer, const char *name, const char *value);

/* Returns a message with this id, or with a new one if `id` is NULL. */
postbox_message *message_of(const char *topic, const char *id, const char *body);
/* Deposits a message with this id and the topic "greeting.made". */
void deposit(postbox_client *box, const char *id);
/* Clears one message. Returns its outcome, and writes the reason to `detail` if `size` is not 0. */
postbox_outcome clear(postbox_client *box, const char *id, char *detail, size_t size);
/* Checks the state of a message in the outbox; NULL means that it does not exist. */
void check_state(postbox_client *box, const char *id, const char *state);
/* Checks a field of a message in the outbox; NULL means that it has none. */
void check_field(postbox_client *box, const char *id, const char *field, const char *expected);
/* Checks an item of People; NULL means that it does not exist. */
void check_person(postbox_client *box, const char *key, const char *expected);
/* Returns an item of People as DynamoDB JSON, which the caller frees. If `text` is NULL, the item has no Text. */
char *person_json(const char *name, const char *text);
/* Puts an item into the outbox that cannot be read as a message, and that sweeps and lists of outstanding messages find. */
void put_malformed(postbox_client *box, const char *id);
/* Checks that the Postbox still works: deposits, reads and marks a message. */
void check_usable(postbox_client *box);
/* Returns a text of this many characters, which the caller frees. */
char *long_text(size_t length);
/* Returns an item of People with an attribute of this many characters, which the caller frees. */
char *long_person(const char *name, size_t length);
/* Runs this test again in another process, in which is_alone() returns true, and checks that it exits with 0. The other
 * process does not run under valgrind. */
void run_alone(const char *test);
bool is_alone(void);
/* Returns the time of a monotonic clock, in milliseconds. */
int64_t now_ms(void);

#endif
