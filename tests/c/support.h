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

/* A producer with a set result, which records its messages. */
struct producer {
    /* The result and the reason; NULL writes no reason. */
    int32_t outcome;
    const char *reason;
    /* Called before it returns, with the id of the message; may be NULL. */
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
/* Waits until it has happened; after a minute, the check fails. */
void event_wait(struct event *event);

/* A configuration of the embedded database in memory; with the default producer, if one is given. */
postbox_config *memory_config(struct producer *producer);
/* A Postbox on it, with a table People of the key Name. */
postbox_client *open_memory(struct producer *producer);
void make_people(postbox_client *box);
/* The same configuration, with which nothing has to be old: what is there is swept, tried again and archived at once. */
postbox_config *eager_config(struct producer *producer);
/* A Postbox on it, with one more setting, or none if `name` is NULL. */
postbox_client *open_eager(struct producer *producer, const char *name, const char *value);

/* A message with this id, or with one of its own if `id` is NULL. */
postbox_message *message_of(const char *topic, const char *id, const char *body);
/* Deposits such a message of the topic "greeting.made". */
void deposit(postbox_client *box, const char *id);
/* Clears one message; returns its outcome, and the reason if `detail` has room. */
postbox_outcome clear(postbox_client *box, const char *id, char *detail, size_t size);
/* Checks the state of a message in the outbox; NULL means that it does not exist. */
void check_state(postbox_client *box, const char *id, const char *state);
/* Checks a field of a message in the outbox; NULL means that it has none. */
void check_field(postbox_client *box, const char *id, const char *field, const char *expected);
/* Checks an item of People; NULL means that it does not exist. */
void check_person(postbox_client *box, const char *key, const char *expected);
/* An item of People as DynamoDB JSON, to free; NULL: it has no Text. */
char *person_json(const char *name, const char *text);
/* Puts an item that no message can be read from into the outbox, where a sweep and a list of outstanding ones find it. */
void put_malformed(postbox_client *box, const char *id);
/* Checks that the Postbox still works: deposits, reads and marks a message. */
void check_usable(postbox_client *box);
/* Returns a text of this many characters, to be freed. */
char *long_text(size_t length);
/* An item of People with an attribute of this many characters, to be freed. */
char *long_person(const char *name, size_t length);

#endif
