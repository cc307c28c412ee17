/*
 * postbox.h: a transactional outbox on Amazon DynamoDB for programs that block.
 *
 * Messages that are committed with your data are sent at least once. Messages that are rolled
 * back are never sent.
 *
 *     postbox_config *config = postbox_config_new();
 *     postbox_client *client = NULL;
 *     postbox_error *err;
 *     if ((err = postbox_config_set(config, "table_name", "brighter_outbox")) ||
 *         (err = postbox_config_add_producer(config, "greeting.made", send_it, NULL, NULL)) ||
 *         (err = postbox_open(config, &client)))
 *         return fail(err);
 *
 *     postbox_message *message = NULL;
 *     postbox_unit_of_work *work = postbox_unit_of_work_begin(client);
 *     if ((err = postbox_message_new("greeting.made", body, body_length, &message)) ||
 *         (err = postbox_unit_of_work_put(work, "People", person_json)) ||
 *         (err = postbox_unit_of_work_deposit_post(work, message)) ||
 *         (err = postbox_unit_of_work_commit(work)))          // both or neither
 *         return fail(err);
 *
 *     const char *id = postbox_message_id(message);
 *     err = postbox_clear_outbox(client, &id, 1, NULL);          // send now
 *
 * examples/c/greetings.c is the complete program.
 *
 * Conventions, for every function that does not say otherwise:
 *
 * - Errors. A function that can fail returns an error that the caller owns, or NULL for
 *   success. Out-parameters are written on success only. After an error, every handle is still
 *   usable and nothing has been changed.
 * - Ownership. The caller owns every handle returned by a _new, _begin or _open function or
 *   through an out-parameter, and must free it exactly once with the matching _free function.
 *   _free(NULL) does nothing. Freeing a handle twice, using it after it was freed, or freeing it
 *   while a call with it is in progress is undefined behaviour. Handles may be freed in any
 *   order. The caller keeps its arguments; the library copies what it needs later.
 * - NULL. A function fails with POSTBOX_ERROR_NULL_ARGUMENT if a required pointer is NULL.
 * - Strings. Arguments are NUL-terminated UTF-8; other text fails with
 *   POSTBOX_ERROR_INVALID_UTF8. A returned const char * is borrowed from its handle, and is valid
 *   until the handle is changed or freed. The caller owns a returned char * and frees it with
 *   postbox_string_free.
 * - Threads. Any thread may call, and a handle may move between threads. Several threads may use
 *   the same postbox_client, postbox_config, postbox_error, postbox_report or postbox_page at
 *   once. A postbox_unit_of_work detects such use (POSTBOX_ERROR_CONCURRENT_USE). A string that
 *   is borrowed from a postbox_message or postbox_config is only safe while no other thread
 *   changes that handle.
 * - Blocking. Functions on a postbox_client, and functions on a unit of work that say so, wait
 *   for DynamoDB, for at most the setting "operation_timeout_ms" per operation.
 * - Panics. No panic crosses this interface. A defect of Postbox is POSTBOX_ERROR_INTERNAL.
 *
 * Generated from src/ffi by build.rs; do not edit.
 */

#ifndef POSTBOX_H
#define POSTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of this header; that of the library is postbox_version(). */
#define POSTBOX_VERSION_MAJOR 0
#define POSTBOX_VERSION_MINOR 1
#define POSTBOX_VERSION_PATCH 0
#define POSTBOX_VERSION "0.1.0"

/** Marks what the shared library exports. Define POSTBOX_STATIC to link the static library on Windows. */
#if defined(_WIN32) && !defined(POSTBOX_STATIC)
#define POSTBOX_API __declspec(dllimport)
#elif defined(__GNUC__)
#define POSTBOX_API __attribute__((visibility("default")))
#else
#define POSTBOX_API
#endif

/** Warns where a returned error is ignored: it would be lost, and leak. */
#if defined(__GNUC__)
#define POSTBOX_MUST_CHECK __attribute__((warn_unused_result))
#else
#define POSTBOX_MUST_CHECK
#endif

/** Opens an enum that is passed as an int32_t, so that a later version can add values. */
#if defined(__cplusplus)
#define POSTBOX_ENUM(name) enum name : int32_t
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
#define POSTBOX_ENUM(name) typedef enum name : int32_t name; enum name : int32_t
#else
#define POSTBOX_ENUM(name) typedef int32_t name; enum name
#endif

/**
 * The kind of an error. The numbers are stable and are the codes of the C ABI. Later versions may add codes, so a
 * program should treat an unknown code as an internal error.
 */
POSTBOX_ENUM(postbox_code)
{
    /**
     * No error; the code of a `NULL` error. C ABI only.
     */
    POSTBOX_ERROR_NONE = 0,
    /**
     * An argument is invalid.
     */
    POSTBOX_ERROR_INVALID_ARGUMENT = 1,
    /**
     * A required pointer is `NULL`. C ABI only.
     */
    POSTBOX_ERROR_NULL_ARGUMENT = 2,
    /**
     * A string is not valid UTF-8. C ABI only.
     */
    POSTBOX_ERROR_INVALID_UTF8 = 3,
    /**
     * A message cannot be deposited: it has no topic, an invalid header, or a body that does not match its encoding.
     */
    POSTBOX_ERROR_INVALID_MESSAGE = 4,
    /**
     * DynamoDB JSON is malformed or has the wrong structure; the message says where.
     */
    POSTBOX_ERROR_INVALID_JSON = 5,
    /**
     * The name of a setting or header field is unknown; the message lists similar names.
     */
    POSTBOX_ERROR_UNKNOWN_NAME = 6,
    /**
     * A setting has an invalid value, or settings contradict each other.
     */
    POSTBOX_ERROR_INVALID_SETTING = 7,
    /**
     * The unit of work would have more than 100 actions, the limit of a DynamoDB transaction.
     */
    POSTBOX_ERROR_TOO_MANY_ACTIONS = 20,
    /**
     * An item is larger than 400 KB, the limit of DynamoDB.
     */
    POSTBOX_ERROR_ITEM_TOO_LARGE = 21,
    /**
     * The unit of work would be larger than 4 MB, the limit of a DynamoDB transaction.
     */
    POSTBOX_ERROR_TRANSACTION_TOO_LARGE = 22,
    /**
     * The unit of work already has an action on this item.
     */
    POSTBOX_ERROR_DUPLICATE_ITEM = 23,
    /**
     * The unit of work was committed or rolled back, or the outcome of its commit is unknown; it cannot be changed.
     */
    POSTBOX_ERROR_UNIT_OF_WORK_CLOSED = 30,
    /**
     * The Postbox was closed.
     */
    POSTBOX_ERROR_CLOSED = 31,
    /**
     * The process was forked after the Postbox was opened; open a new Postbox in the child.
     */
    POSTBOX_ERROR_FORKED = 32,
    /**
     * The handle is in use by another thread.
     */
    POSTBOX_ERROR_CONCURRENT_USE = 33,
    /**
     * The call was made on the Postbox's own runtime thread, for example in a log callback, where it would deadlock.
     */
    POSTBOX_ERROR_REENTRANT_CALL = 34,
    /**
     * DynamoDB canceled the transaction and wrote nothing. There is a reason for each action.
     */
    POSTBOX_ERROR_TRANSACTION_CANCELED = 40,
    /**
     * A message id of the unit of work already exists in the outbox; nothing was written.
     */
    POSTBOX_ERROR_DUPLICATE_MESSAGE = 41,
    /**
     * No response was received, and the transaction may or may not have taken effect. Call `commit` again on the same unit of work.
     */
    POSTBOX_ERROR_OUTCOME_UNKNOWN = 42,
    /**
     * Some messages could not be cleared, marked or replayed. There is a reason for each of them.
     */
    POSTBOX_ERROR_CLEAR_INCOMPLETE = 50,
    /**
     * Some messages of a bulk deposit could not be stored. There is a reason for each of them.
     */
    POSTBOX_ERROR_DEPOSIT_INCOMPLETE = 51,
    /**
     * Some messages could not be marked dispatched, or their confirmations could not be recorded. A call for many
     * messages returns a reason for each of them.
     */
    POSTBOX_ERROR_MARK_INCOMPLETE = 52,
    /**
     * More messages are outstanding than `max_outstanding` allows; nothing was deposited.
     */
    POSTBOX_ERROR_OUTBOX_LIMIT_REACHED = 53,
    /**
     * The table does not exist.
     */
    POSTBOX_ERROR_TABLE_NOT_FOUND = 60,
    /**
     * The table exists but is not a valid outbox table. There is a reason for each problem.
     */
    POSTBOX_ERROR_INVALID_TABLE = 61,
    /**
     * No AWS credentials or no AWS region was found.
     */
    POSTBOX_ERROR_NO_AWS_CONFIG = 62,
    /**
     * AWS rejected the credentials, or they lack a permission.
     */
    POSTBOX_ERROR_ACCESS_DENIED = 63,
    /**
     * DynamoDB throttled the request and all its retries.
     */
    POSTBOX_ERROR_THROTTLED = 64,
    /**
     * The endpoint could not be reached.
     */
    POSTBOX_ERROR_UNREACHABLE = 65,
    /**
     * The operation did not complete within `operation_timeout_ms`.
     */
    POSTBOX_ERROR_TIMEOUT = 66,
    /**
     * DynamoDB rejected the request for another reason; the message contains its code and text.
     */
    POSTBOX_ERROR_SERVICE_ERROR = 67,
    /**
     * A stored item cannot be read as a message; the message names the attribute.
     */
    POSTBOX_ERROR_MALFORMED_ITEM = 68,
    /**
     * The embedded database could not be opened or is not compiled in.
     */
    POSTBOX_ERROR_EMBEDDED_UNAVAILABLE = 69,
    /**
     * An internal error. Please report it.
     */
    POSTBOX_ERROR_INTERNAL = 99,
};

/**
 * The outcome of one message. The numbers are stable and are those of the C ABI.
 */
POSTBOX_ENUM(postbox_outcome)
{
    /**
     * The message was sent and marked dispatched; or only marked, by a call that marks messages.
     */
    POSTBOX_OUTCOME_DISPATCHED = 0,
    /**
     * The message was already dispatched and was not sent again.
     */
    POSTBOX_OUTCOME_ALREADY_DISPATCHED = 1,
    /**
     * The producer accepted the message and will confirm it later.
     */
    POSTBOX_OUTCOME_ACCEPTED = 2,
    /**
     * Another thread of this process is sending the message, or it waits for its confirmation.
     */
    POSTBOX_OUTCOME_IN_PROGRESS = 3,
    /**
     * The message was replayed: it is outstanding again.
     */
    POSTBOX_OUTCOME_REPLAYED = 4,
    /**
     * The outbox has no message with this id.
     */
    POSTBOX_OUTCOME_NOT_FOUND = 10,
    /**
     * The message is parked and is not sent until it is released.
     */
    POSTBOX_OUTCOME_PARKED = 11,
    /**
     * The topic has no producer. The message stays outstanding.
     */
    POSTBOX_OUTCOME_NO_PRODUCER = 12,
    /**
     * The producer failed. The message stays outstanding, or is parked after "max_dispatch_attempts".
     */
    POSTBOX_OUTCOME_FAILED = 13,
    /**
     * The producer rejected the message permanently. The message is parked.
     */
    POSTBOX_OUTCOME_REJECTED = 14,
    /**
     * The stored item cannot be read as a message. It is parked.
     */
    POSTBOX_OUTCOME_MALFORMED = 15,
    /**
     * The table could not be read, so the message was not sent. The message stays outstanding.
     */
    POSTBOX_OUTCOME_READ_FAILED = 16,
    /**
     * The message was sent but could not be marked. It stays outstanding and will be sent again.
     */
    POSTBOX_OUTCOME_MARK_FAILED = 17,
    /**
     * The message was held back, because it or an earlier message of its topic and partition key failed recently.
     */
    POSTBOX_OUTCOME_HELD_BACK = 18,
    /**
     * The message was held back, because the circuit breaker of its topic is open. No attempt is counted.
     */
    POSTBOX_OUTCOME_BREAKER_OPEN = 19,
    /**
     * The operation stopped before the message was tried. The message is unchanged.
     */
    POSTBOX_OUTCOME_SKIPPED = 20,
};

/**
 * The outcome of sending a message.
 */
POSTBOX_ENUM(postbox_send_outcome)
{
    /**
     * The transport has the message; it is marked dispatched.
     */
    POSTBOX_SEND_SENT = 0,
    /**
     * The transport accepted the message, and postbox_confirm will confirm it later; until
     * then the message stays outstanding.
     */
    POSTBOX_SEND_ACCEPTED = 1,
    /**
     * Sending failed, and it is not known whether the transport or the message is to blame: it stays outstanding and will be
     * sent again, until it is parked after "max_dispatch_attempts".
     */
    POSTBOX_SEND_RETRY = 2,
    /**
     * The message can never be sent, for example because it is too large, not permitted or
     * malformed. It is parked at once.
     */
    POSTBOX_SEND_REJECT = 3,
    /**
     * The transport cannot be used now, whatever the message: it stays outstanding and will be sent again.
     */
    POSTBOX_SEND_UNAVAILABLE = 4,
    /**
     * The message was not handed to the transport, for example because the producer was asked to stop. Nothing is
     * written: the message stays outstanding, no attempt is counted, and later messages of its topic and partition key
     * are held back. Messages that a batch callback sets no result for have this outcome.
     */
    POSTBOX_SEND_NOT_TRIED = 5,
};

/**
 * The severity of a log message.
 */
POSTBOX_ENUM(postbox_log_level)
{
    /**
     * An error: something was lost or does not work.
     */
    POSTBOX_LOG_ERROR = 1,
    /**
     * A warning: something failed and will be retried, or needs attention.
     */
    POSTBOX_LOG_WARN = 2,
    /**
     * Information for an operator.
     */
    POSTBOX_LOG_INFO = 3,
    /**
     * The steps of each operation.
     */
    POSTBOX_LOG_DEBUG = 4,
    /**
     * All log messages.
     */
    POSTBOX_LOG_TRACE = 5,
};

/**
 * The status of the lease of a sweep or an archiver.
 */
POSTBOX_ENUM(postbox_lease)
{
    /**
     * The lease was held for the whole run.
     */
    POSTBOX_LEASE_HELD = 0,
    /**
     * Another process holds the lease; nothing was done.
     */
    POSTBOX_LEASE_HELD_ELSEWHERE = 1,
    /**
     * The lease was lost during the run; the run stopped.
     */
    POSTBOX_LEASE_LOST = 2,
    /**
     * The run had no lease, because the lock table does not exist or access to it was denied.
     * Others may have sent the same messages.
     */
    POSTBOX_LEASE_UNAVAILABLE = 3,
};

/**
 * The state of a stored message.
 */
POSTBOX_ENUM(postbox_state)
{
    /**
     * Not yet dispatched.
     */
    POSTBOX_STATE_OUTSTANDING = 0,
    /**
     * Dispatched: sent and marked.
     */
    POSTBOX_STATE_DISPATCHED = 1,
    /**
     * Set aside, because it failed too often, was rejected or is malformed.
     */
    POSTBOX_STATE_PARKED = 2,
};

/**
 * An open Postbox. A program opens one client and shares it between its threads.
 *
 * Several threads may call every function on a client at once. The calls block; each operation on
 * DynamoDB takes up to "operation_timeout_ms". After fork(), every call on the client in the child
 * process fails with POSTBOX_ERROR_FORKED; the child must open a new client. The child may free
 * the inherited client and its units of work, which does not affect the parent and calls no
 * `release`.
 */
typedef struct postbox_client postbox_client;

/**
 * The settings and producers of a client to open. CONFIGURATION.md lists the settings. Several
 * threads may use a configuration. Opening does not change it, so it can open more than one
 * client.
 */
typedef struct postbox_config postbox_config;

/**
 * An error. A function that can fail returns an error that the caller owns, or NULL for success:
 *
 * ```c
 * postbox_error *error = postbox_unit_of_work_commit(work);
 * if (error) {
 *     fprintf(stderr, "%s\n", postbox_error_message(error));
 *     bool again = postbox_error_is_retryable(error);
 *     postbox_error_free(error);
 * }
 * ```
 *
 * The functions on errors accept NULL, which means success. An error does not change, so any
 * number of threads may read it.
 */
typedef struct postbox_error postbox_error;

/**
 * A message: header fields by name, and a body of bytes. CONFIGURATION.md lists the fields.
 * Depositing copies the message, so it can be changed, deposited again or freed afterwards.
 */
typedef struct postbox_message postbox_message;

/**
 * A page of stored messages, from postbox_list_messages. A page does not change, so any number of
 * threads may read it.
 *
 * ```c
 * postbox_page *page = NULL;
 * do {
 *     postbox_page *next = NULL;
 *     err = postbox_list_messages(client, POSTBOX_STATE_PARKED, NULL, 100, postbox_page_next(page), &next);
 *     postbox_page_free(page);
 *     if (err)
 *         return fail(err);
 *     page = next;
 *     for (size_t i = 0; i < postbox_page_count(page); i++)
 *         show(postbox_page_message(page, i));
 * } while (postbox_page_next(page));
 * postbox_page_free(page);
 * ```
 */
typedef struct postbox_page postbox_page;

/**
 * The outcome of each message of postbox_clear_outbox, postbox_post, postbox_mark_dispatched,
 * postbox_replay or postbox_replay_causation, in the order of the ids. An id that was passed twice
 * has one entry. A report does not change, so any number of threads may read it.
 */
typedef struct postbox_report postbox_report;

/**
 * The results of the messages of one call of a postbox_send_batch_callback. Each message starts with
 * POSTBOX_SEND_NOT_TRIED. The results belong to the library and are valid until the callback returns.
 */
typedef struct postbox_send_results postbox_send_results;

/**
 * A DynamoDB transaction that collects the caller's writes and the messages that belong to them;
 * either all of them take effect or none. A unit of work belongs to one thread at a time: a call
 * while another thread is in a call fails with POSTBOX_ERROR_CONCURRENT_USE.
 *
 * An action that exceeds a limit of DynamoDB is rejected when it is added, and the unit is
 * unchanged: POSTBOX_ERROR_TOO_MANY_ACTIONS (over 100), POSTBOX_ERROR_ITEM_TOO_LARGE (over 400
 * KB), POSTBOX_ERROR_TRANSACTION_TOO_LARGE (over 4 MB in all), POSTBOX_ERROR_DUPLICATE_ITEM. After
 * a commit or a rollback, calls fail with POSTBOX_ERROR_UNIT_OF_WORK_CLOSED.
 *
 * Items, keys and actions are DynamoDB JSON, as in the AWS CLI. Malformed JSON fails with
 * POSTBOX_ERROR_INVALID_JSON, which says where.
 */
typedef struct postbox_unit_of_work postbox_unit_of_work;

/**
 * Sends one message and returns a postbox_send_outcome. Any other number counts as
 * POSTBOX_SEND_RETRY.
 *
 * `data` is what was given with the callback. `message` is valid for the time of the call and
 * may be read, not freed. For RETRY, REJECT and UNAVAILABLE the callback may write why, as a NUL-terminated
 * text, into the `reason_size` bytes of `reason`, which come as an empty string:
 * snprintf(reason, reason_size, "queue %s is full", name).
 *
 * The callback runs on the thread that called postbox_clear_outbox or postbox_post. A sweep
 * (postbox_sweep, postbox_start_sweeper) calls it on its own thread and, for other topics at the
 * same time, on up to "sweep_threads" - 1 further threads, so several threads may call it at once.
 * It may block, and it may call any function of Postbox except postbox_free on its own client. A
 * call of postbox_close, or of postbox_stop_sweeper on the sweeper's thread, would wait for this
 * call until "close_timeout_ms". The callback must return normally: an exception or a longjmp out
 * of it is undefined behaviour.
 */
typedef int32_t (*postbox_send_callback)(void *data,
                                         const postbox_message *message,
                                         char *reason,
                                         size_t reason_size);

/**
 * Releases the `data` of a callback. It is called exactly once, after the last call of that
 * callback. It may run on any thread, including inside a Postbox call, so it must not call
 * Postbox. It must return normally. It is not called in a forked child process.
 */
typedef void (*postbox_release_callback)(void *data);

/**
 * Sends `count` messages and sets the result of each with postbox_send_results_set:
 *
 * ```c
 * void send_batch(void *queue, const postbox_message *const *messages, size_t count, postbox_send_results *results)
 * {
 *     for (size_t i = 0; i < count && !must_stop(queue); i++) {
 *         if (publish(queue, messages[i]))
 *             postbox_send_results_set(results, i, POSTBOX_SEND_SENT, NULL);
 *         else
 *             postbox_send_results_set(results, i, POSTBOX_SEND_RETRY, last_error(queue));
 *     }
 * }
 * ```
 *
 * A message without a result is POSTBOX_SEND_NOT_TRIED: nothing is written for it, and it stays
 * outstanding. The messages are in the order in which they are to be sent, and no two of them have
 * the same topic and partition key. There are at least 1 and at most `max_batch` messages.
 *
 * `data` is what was given with the callback. `messages` and `results` are valid for the time of
 * the call. The messages may be read, not freed. Threads and permitted calls are those of
 * postbox_send_callback.
 */
typedef void (*postbox_send_batch_callback)(void *data,
                                            const postbox_message *const *messages,
                                            size_t count,
                                            postbox_send_results *results);

/**
 * The result of a sweep, in messages.
 */
typedef struct postbox_sweep_result {
    /**
     * Messages that the index showed as outstanding and old enough.
     */
    uint64_t found;
    /**
     * Messages sent, or accepted by their producer.
     */
    uint64_t dispatched;
    /**
     * Messages that another process had dispatched, parked or deleted in the meantime; they
     * were not sent.
     */
    uint64_t already_dispatched;
    /**
     * Messages that could not be sent.
     */
    uint64_t failed;
    /**
     * Messages skipped in this sweep: blocked by an earlier message with the same key, an open
     * breaker, a retry delay, or the end of the sweep.
     */
    uint64_t held_back;
    /**
     * A postbox_lease.
     */
    postbox_lease lease;
    /**
     * Always 0; reserved for later versions.
     */
    uint32_t reserved[7];
} postbox_sweep_result;

/**
 * Stores one message durably before it is deleted from the outbox.
 *
 * Returns 0 if the message was stored. With any other return value the message stays in the
 * outbox, and the callback may write a reason into the `reason_size` bytes of `reason`, as
 * described for postbox_send_callback; the reason is logged. A message that was stored but could
 * not be deleted is passed to the callback again.
 *
 * `data` is the pointer that was registered with the callback. `message` is valid during the call;
 * the callback may read it and must not free it. The callback runs on the thread that called
 * postbox_archive, or on the archiver's thread (postbox_start_archiver). It may call the functions
 * that a postbox_send_callback may call. On the archiver's thread it must not call
 * postbox_stop_archiver, which would wait for this call. It must return normally: an exception or
 * a longjmp out of it is undefined behaviour.
 */
typedef int32_t (*postbox_archive_callback)(void *data,
                                            const postbox_message *message,
                                            char *reason,
                                            size_t reason_size);

/**
 * The result of archiving, in messages.
 */
typedef struct postbox_archive_result {
    /**
     * Messages that the archive kept and that were deleted from the outbox.
     */
    uint64_t archived;
    /**
     * Messages that stay in the outbox, because the archive did not keep them, or because they
     * could not be read or deleted. The log has the id and the reason of each.
     */
    uint64_t failed;
    /**
     * A postbox_lease.
     */
    postbox_lease lease;
    /**
     * Always 0; reserved for later versions.
     */
    uint32_t reserved[7];
} postbox_archive_result;

/**
 * The number and age of outstanding messages.
 */
typedef struct postbox_outstanding_count {
    /**
     * The number of outstanding messages.
     */
    uint64_t count;
    /**
     * The age of the oldest outstanding message, in milliseconds; 0 if there is none.
     */
    uint64_t oldest_age_ms;
    /**
     * Always 0; reserved for later versions.
     */
    uint64_t reserved[4];
} postbox_outstanding_count;

/**
 * Statistics of a client since it was opened, in messages unless stated otherwise.
 */
typedef struct postbox_stats {
    /**
     * Messages written to the outbox.
     */
    uint64_t deposited;
    /**
     * Messages sent and marked, or accepted by their producer.
     */
    uint64_t dispatched;
    /**
     * Failed attempts to send a message.
     */
    uint64_t failed;
    /**
     * Messages parked.
     */
    uint64_t parked;
    /**
     * Deposits of existing messages, and messages that were found dispatched and not sent
     * again.
     */
    uint64_t duplicates_avoided;
    /**
     * Completed sweeps.
     */
    uint64_t sweeps;
    /**
     * Failed runs of the background threads.
     */
    uint64_t background_failures;
    /**
     * Topics whose circuit breaker is not closed.
     */
    uint64_t open_breakers;
    /**
     * Outstanding messages at the last count, by postbox_count_outstanding or in the
     * background; UINT64_MAX before the first count.
     */
    uint64_t outstanding;
    /**
     * Always 0; reserved for later versions.
     */
    uint64_t reserved[7];
} postbox_stats;

/**
 * Receives one log message: a postbox_log_level and a line of text, which contains no secrets and
 * no message bodies and is valid during the call.
 *
 * It runs on the thread that logs the message, which can be the client's own runtime thread, and
 * several threads may call it at once. The client waits for it, so it should return quickly. It
 * must not call Postbox. It must return normally: an exception or a longjmp out of it is undefined
 * behaviour.
 */
typedef void (*postbox_log_callback)(void *data, postbox_log_level level, const char *text);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ============================================================================================
 * Version
 * ============================================================================================ */

/**
 * Returns the version of the library that is loaded, such as "1.2.3". The string is static, never
 * NULL. POSTBOX_VERSION is the version of the header. A program needs a library of the same major
 * version as the header (before 1.0, also of the same minor version) that is at least as new.
 *
 * Thread safety: any thread.
 */
POSTBOX_API const char *postbox_version(void);

/* ============================================================================================
 * Errors
 * ============================================================================================ */

/**
 * Returns the code of an error; POSTBOX_ERROR_NONE for NULL. A later version of the library may
 * return codes that this header does not name; treat them as POSTBOX_ERROR_INTERNAL.
 */
POSTBOX_API postbox_code postbox_error_code(const postbox_error *error);

/**
 * Returns the message of an error, which contains no secrets and no message bodies; "" for NULL.
 * The string is valid until the error is freed.
 */
POSTBOX_API const char *postbox_error_message(const postbox_error *error);

/**
 * Returns whether the same call may succeed later without any change; false for NULL. After
 * POSTBOX_ERROR_OUTCOME_UNKNOWN from a commit, call commit again on the same unit of work.
 */
POSTBOX_API bool postbox_error_is_retryable(const postbox_error *error);

/**
 * Returns the number of reasons of an error: one for each failed action of a canceled transaction,
 * each failed message, or each problem of a table. Returns 0 for NULL and for an error that
 * concerns only one thing.
 */
POSTBOX_API size_t postbox_error_reason_count(const postbox_error *error);

/**
 * Returns the index of the action or message that a reason concerns, from 0 in the order in which
 * they were added or passed. `reason` counts from 0. Returns SIZE_MAX if `reason` is out of range.
 */
POSTBOX_API size_t postbox_error_reason_index(const postbox_error *error, size_t reason);

/**
 * Returns the subject of a reason: an action ("Put People"), a message id, or the name of an
 * index. Returns "" if `reason` is out of range. The string is valid until the error is freed.
 */
POSTBOX_API
const char *postbox_error_reason_subject(const postbox_error *error,
                                         size_t reason);

/**
 * Returns the code of a reason: the code of DynamoDB if there is one ("ConditionalCheckFailed",
 * "TransactionConflict"), else a code of Postbox. Returns "" if `reason` is out of range. The
 * string is valid until the error is freed.
 */
POSTBOX_API const char *postbox_error_reason_code(const postbox_error *error, size_t reason);

/**
 * Returns the explanation of a reason; "" if `reason` is out of range. The string is valid until
 * the error is freed.
 */
POSTBOX_API
const char *postbox_error_reason_message(const postbox_error *error,
                                         size_t reason);

/**
 * Returns the item whose condition failed, as DynamoDB JSON, if the action requested it with
 * "ReturnValuesOnConditionCheckFailure": "ALL_OLD"; else NULL. The string is valid until the error
 * is freed.
 */
POSTBOX_API const char *postbox_error_reason_item(const postbox_error *error, size_t reason);

/**
 * Frees an error; does nothing for NULL.
 */
POSTBOX_API void postbox_error_free(postbox_error *error);

/* ============================================================================================
 * Settings and producers
 * ============================================================================================ */

/**
 * Creates a configuration with the default settings and no producer. Never returns NULL. The
 * caller frees it with postbox_config_free, also after opening a client with it.
 */
POSTBOX_API postbox_config *postbox_config_new(void);

/**
 * Sets one setting by name: postbox_config_set(config, "table_name", "orders_outbox"). Numbers are
 * decimal. An empty value unsets an optional setting.
 *
 * Errors: POSTBOX_ERROR_UNKNOWN_NAME with similar names; POSTBOX_ERROR_INVALID_SETTING with the
 * allowed range. The configuration is unchanged after an error.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_config_set(postbox_config *config,
                                         const char *name,
                                         const char *value);

/**
 * Reads one setting by name into `value`: "" for an optional setting that is not set, "***" for a
 * secret that is set. The string is valid until this setting is changed or the configuration is
 * freed.
 *
 * Errors: POSTBOX_ERROR_UNKNOWN_NAME with similar names.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_config_get(postbox_config *config,
                                         const char *name,
                                         const char **value);

/**
 * Adds the producer of a topic, or, if `topic` is NULL, the producer of every topic without a
 * producer of its own. It replaces an earlier producer of the same topic. SNS and SQS need no
 * producer; see the setting "routes".
 *
 * `send` is called with `data` for each message; see postbox_send_callback. `release` may be NULL.
 * It is called once with `data` when no further call of `send` is possible, on the thread that
 * frees the last of three kinds of handles: the configuration, the clients opened with it, and
 * their units of work. If a background thread is still in a call at that time, `release` is called
 * on that thread. If this function fails, `release` is not called.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_config_add_producer(postbox_config *config,
                                                  const char *topic,
                                                  postbox_send_callback send,
                                                  void *data,
                                                  postbox_release_callback release);

/**
 * Adds a producer that sends up to `max_batch` messages in one call; see
 * postbox_send_batch_callback. All else is as in postbox_config_add_producer, and a topic has one
 * producer, of either kind.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if `max_batch` is 0.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_config_add_batch_producer(postbox_config *config,
                                                        const char *topic,
                                                        size_t max_batch,
                                                        postbox_send_batch_callback send,
                                                        void *data,
                                                        postbox_release_callback release);

/**
 * Frees a configuration; does nothing for NULL.
 */
POSTBOX_API void postbox_config_free(postbox_config *config);

/**
 * Sets the result of the message at `index`, from 0, in place of an earlier one. Any other number
 * than a postbox_send_outcome counts as POSTBOX_SEND_RETRY. `reason` is a text for RETRY, REJECT
 * and UNAVAILABLE, which is copied; it may be NULL. Does nothing if `results` is NULL or `index`
 * is out of range.
 *
 * Any thread may call this function until the callback returns.
 */
POSTBOX_API
void postbox_send_results_set(postbox_send_results *results,
                              size_t index,
                              postbox_send_outcome outcome,
                              const char *reason);

/* ============================================================================================
 * Messages
 * ============================================================================================ */

/**
 * Creates a message of a topic with the `length` bytes of `body`, which are copied; (NULL, 0) is
 * an empty body. The message has a new id, a UUID v7, and the current time as its creation time.
 * The caller frees it with postbox_message_free.
 *
 * A body that is valid UTF-8 is stored as text, any other body as bytes, unless
 * "character_encoding" is set. The topic is checked when the message is deposited.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_new(const char *topic,
                                          const uint8_t *body,
                                          size_t length,
                                          postbox_message **message);

/**
 * Sets a header field by name: postbox_message_set(message, "partition_key", "42"). An empty value
 * removes an optional field. "bag.NAME" puts a string into the header bag.
 *
 * Errors: POSTBOX_ERROR_UNKNOWN_NAME with similar names; POSTBOX_ERROR_INVALID_MESSAGE if the
 * value is invalid for the field. The message is unchanged after an error.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_set(postbox_message *message,
                                          const char *name,
                                          const char *value);

/**
 * Replaces the body with the `length` bytes of `body`, which are copied; (NULL, 0) is an empty
 * body.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_set_body(postbox_message *message,
                                               const uint8_t *body,
                                               size_t length);

/**
 * Reads a header field by name into `value`; NULL for an optional field that is not set. A message
 * from postbox_get_message, from a postbox_page or passed to an archive also has the fields
 * "state" ("outstanding", "dispatched" or "parked"), "dispatched_at", "expires_at", "parked_at",
 * "dispatch_attempts" and "last_error".
 *
 * The string is valid until the message is changed or freed; in a callback, during the call.
 *
 * Errors: POSTBOX_ERROR_UNKNOWN_NAME with similar names.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_get(const postbox_message *message,
                                          const char *name,
                                          const char **value);

/**
 * Returns the id of a message; "" for NULL. The string is valid until the message is changed or
 * freed.
 */
POSTBOX_API const char *postbox_message_id(const postbox_message *message);

/**
 * Returns the topic of a message; "" for NULL. The string is valid until the message is changed or
 * freed.
 */
POSTBOX_API const char *postbox_message_topic(const postbox_message *message);

/**
 * Returns the bytes of the body, which are not NUL-terminated, and writes their number to
 * `length`, which may be NULL. Returns NULL and a length of 0 for a NULL message. The bytes are
 * valid until the message is changed or freed.
 */
POSTBOX_API
const uint8_t *postbox_message_body(const postbox_message *message,
                                    size_t *length);

/**
 * Frees a message; does nothing for NULL. Must not be called on the message of a callback or of a
 * postbox_page.
 */
POSTBOX_API void postbox_message_free(postbox_message *message);

/* ============================================================================================
 * Client: open, deposit, clear, close
 * ============================================================================================ */

/**
 * Opens a client with the settings and producers of `config`, which the caller keeps. On DynamoDB
 * this sends no request to the table; with "embedded_path" it creates the outbox table if the
 * table does not exist. The caller frees the client with postbox_free.
 *
 * Errors: POSTBOX_ERROR_INVALID_SETTING; POSTBOX_ERROR_NO_AWS_CONFIG if no region is known;
 * POSTBOX_ERROR_EMBEDDED_UNAVAILABLE.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_open(const postbox_config *config,
                                   postbox_client **client);

/**
 * Stops the sweeper and the archiver, rejects new calls, waits for calls in progress, all within
 * "close_timeout_ms", and stops the client's runtime thread. Later calls on the client fail with
 * POSTBOX_ERROR_CLOSED, except those that stop a background thread, close the client or read
 * statistics. The client must still be freed. Calling this function before postbox_free is
 * optional: postbox_free does the same but does not report the result.
 *
 * Errors: POSTBOX_ERROR_TIMEOUT if something was still in progress and was abandoned. Committed
 * messages stay outstanding.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_close(postbox_client *client);

/**
 * Closes and frees a client; does nothing for NULL. This takes up to "close_timeout_ms" and half a
 * second. A producer or an archive on a background thread that has not returned by then may run
 * longer; its `release` is called when it is done. Units of work that still exist fail with
 * POSTBOX_ERROR_CLOSED from then on, and must still be freed. No other call on the client may be
 * in progress, and a producer or an archive of the client must not call this function; either is
 * undefined behaviour.
 */
POSTBOX_API void postbox_free(postbox_client *client);

/**
 * Creates the outbox table if it does not exist, with the keys and indexes that Brighter uses and
 * with time to live on ExpiresAt, waits until the table is active, and verifies it. This may take
 * two minutes.
 *
 * Errors: as for postbox_verify_table.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_create_table(postbox_client *client);

/**
 * Verifies that the table exists and has the keys and indexes of an outbox. `has_causation_index`
 * may be NULL; it receives whether messages can be replayed by causation id. Tables that older
 * versions of Brighter created lack the index for this.
 *
 * Errors: POSTBOX_ERROR_TABLE_NOT_FOUND; POSTBOX_ERROR_INVALID_TABLE with a reason for each
 * problem.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_verify_table(postbox_client *client,
                                           bool *has_causation_index);

/**
 * Deposits one message outside a transaction. Its id is postbox_message_id(message). If a message
 * with this id already exists, the call succeeds and changes nothing; in particular it does not
 * re-send a dispatched message. The caller keeps the message.
 *
 * Errors: POSTBOX_ERROR_INVALID_MESSAGE, POSTBOX_ERROR_ITEM_TOO_LARGE, and those of any request.
 * After a retryable error, deposit the same message again.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_deposit_post(postbox_client *client,
                                           const postbox_message *message);

/**
 * Deposits `count` messages outside a transaction, 25 per request. Each message is stored
 * independently; depositing an existing id succeeds and changes nothing. The caller keeps the
 * messages.
 *
 * Errors: POSTBOX_ERROR_INVALID_MESSAGE or POSTBOX_ERROR_ITEM_TOO_LARGE for the first invalid
 * message, with nothing stored; POSTBOX_ERROR_DEPOSIT_INCOMPLETE with a reason for each message
 * that could not be stored, after which it is safe to deposit all of them again.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_deposit_posts(postbox_client *client,
                                            const postbox_message *const *messages,
                                            size_t count);

/**
 * Deposits one message outside a transaction, then sends it on this thread. `report` is as in
 * postbox_clear_outbox.
 *
 * Errors: as for postbox_deposit_post and postbox_clear_outbox.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_post(postbox_client *client,
                                   const postbox_message *message,
                                   postbox_report **report);

/**
 * Sends the outstanding messages with these ids on this thread, in this order, and marks them
 * dispatched. Messages that are already dispatched are not sent again. A message that fails holds
 * back only later messages of its topic and partition key; it stays outstanding or is parked, as
 * in postbox_sweep.
 *
 * `report` receives the outcome of each message; the caller frees it with postbox_report_free. If
 * `report` is NULL, a failed message is an error instead: POSTBOX_ERROR_CLEAR_INCOMPLETE, with a
 * reason for each failed message.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_clear_outbox(postbox_client *client,
                                           const char *const *ids,
                                           size_t count,
                                           postbox_report **report);

/**
 * Marks messages dispatched without sending them, for programs that send messages themselves. An
 * earlier dispatch time is kept. `report` is as in postbox_clear_outbox.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_mark_dispatched(postbox_client *client,
                                              const char *const *ids,
                                              size_t count,
                                              postbox_report **report);

/**
 * Confirms the outcome of a message that its producer had accepted. POSTBOX_SEND_SENT marks the
 * message dispatched; POSTBOX_SEND_RETRY and POSTBOX_SEND_UNAVAILABLE count as a failed attempt, and
 * the message is sent again; POSTBOX_SEND_REJECT parks it. `reason` may be NULL. Any thread may call
 * this function, also inside a producer.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT for another outcome, or for POSTBOX_SEND_SENT with an
 * unknown id; POSTBOX_ERROR_MARK_INCOMPLETE if the message could not be marked and stays
 * outstanding.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_confirm(postbox_client *client,
                                      const char *id,
                                      postbox_send_outcome outcome,
                                      const char *reason);

/**
 * Confirms the outcomes of `count` messages that their producers had accepted, each as postbox_confirm
 * does, with few requests: sent messages are marked, and failed attempts are recorded, 25 in a
 * request. `outcomes` has an outcome for each id. `reasons` may be NULL, and so may each of its
 * texts. An id that is passed twice is confirmed once, as sent if one of its outcomes is
 * POSTBOX_SEND_SENT, else with the first outcome. Any thread may call this function, also inside a
 * producer.
 *
 * If three or more messages of a topic are rejected for the same reason, and no message of the call
 * was sent, the rejections count as failed attempts, because a transport that rejects everything is
 * not the fault of the messages.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an outcome that postbox_confirm does not take, with no
 * message confirmed; POSTBOX_ERROR_MARK_INCOMPLETE with a reason for each message whose
 * confirmation was not recorded. It is retryable if confirming these messages again may succeed;
 * the other messages are confirmed.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_confirm_many(postbox_client *client,
                                           const char *const *ids,
                                           const postbox_send_outcome *outcomes,
                                           const char *const *reasons,
                                           size_t count);

/**
 * Reads the stored message with this id, with a consistent read. `message` receives the message,
 * or NULL if there is none; the caller frees it with postbox_message_free.
 *
 * Errors: POSTBOX_ERROR_MALFORMED_ITEM, which names the attribute.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_get_message(postbox_client *client,
                                          const char *id,
                                          postbox_message **message);

/**
 * Reads one item of any table, with a consistent read. `key` is DynamoDB JSON: {"Name": {"S":
 * "Ada"}}. `item` receives the item as DynamoDB JSON, or NULL if there is none; the caller frees
 * it with postbox_string_free.
 *
 * Errors: POSTBOX_ERROR_INVALID_JSON, which says where; POSTBOX_ERROR_TABLE_NOT_FOUND.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_get_item(postbox_client *client,
                                       const char *table,
                                       const char *key,
                                       char **item);

/**
 * Runs a DynamoDB operation, such as "CreateTable", on the embedded database. `request` is the
 * request as JSON. This is meant for development, to set up the program's own tables. `answer` may
 * be NULL; it receives the response as JSON, which the caller frees with postbox_string_free.
 *
 * Errors: POSTBOX_ERROR_EMBEDDED_UNAVAILABLE if the client does not use an embedded database;
 * POSTBOX_ERROR_SERVICE_ERROR or POSTBOX_ERROR_TABLE_NOT_FOUND with the message of DynamoDB.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_embedded_execute(postbox_client *client,
                                               const char *operation,
                                               const char *request,
                                               char **answer);

/* ============================================================================================
 * Units of work
 * ============================================================================================ */

/**
 * Begins a unit of work. Nothing is written before postbox_unit_of_work_commit. Returns NULL only
 * if `client` is NULL; functions on a NULL unit fail with POSTBOX_ERROR_NULL_ARGUMENT. The caller
 * frees the unit with postbox_unit_of_work_free, before or after the client.
 */
POSTBOX_API postbox_unit_of_work *postbox_unit_of_work_begin(postbox_client *client);

/**
 * Reads one item of any table at once, with a consistent read, as postbox_get_item does. To make
 * sure that the item does not change before the commit, add a condition.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_get_item(postbox_unit_of_work *work,
                                                    const char *table,
                                                    const char *key,
                                                    char **item);

/**
 * Adds a put of an item, which replaces an existing item. `item`: {"Name": {"S": "Ada"}}.
 *
 * The second put into a table whose key is not known yet asks DynamoDB for the key, to find out
 * whether both puts are on the same item. That call may block, and may fail with
 * POSTBOX_ERROR_TABLE_NOT_FOUND.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_put(postbox_unit_of_work *work,
                                               const char *table,
                                               const char *item);

/**
 * Adds an update of one item. `update`: {"TableName": ..., "Key": ..., "UpdateExpression": ...,
 * "ConditionExpression": ..., "ExpressionAttributeNames": ..., "ExpressionAttributeValues": ...,
 * "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}. All but the first three are optional.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_update(postbox_unit_of_work *work,
                                                  const char *update);

/**
 * Adds a delete of the item with this key, if it exists. `key`: {"Name": {"S": "Ada"}}.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_delete(postbox_unit_of_work *work,
                                                  const char *table,
                                                  const char *key);

/**
 * Adds a condition on an item that the unit does not write; the commit fails unless the condition
 * holds. `check`: {"TableName": ..., "Key": ..., "ConditionExpression": ...}, and the other
 * members as for an update.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_condition_check(postbox_unit_of_work *work,
                                                           const char *check);

/**
 * Adds any action, in the format of aws dynamodb transact-write-items --transact-items: {"Put":
 * {"TableName": ..., "Item": ..., "ConditionExpression": ...}}, or "Update", "Delete",
 * "ConditionCheck".
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_add(postbox_unit_of_work *work,
                                               const char *action);

/**
 * Adds a deposit of this message in the outbox. Keep postbox_message_id(message) for
 * postbox_clear_outbox after the commit. The caller keeps the message.
 *
 * Errors: POSTBOX_ERROR_INVALID_MESSAGE, POSTBOX_ERROR_OUTBOX_LIMIT_REACHED, and those of the
 * limits of a unit of work.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_deposit_post(postbox_unit_of_work *work,
                                                        const postbox_message *message);

/**
 * Commits all actions in one transaction: either all of them take effect or none. Failures that
 * are safe to retry are retried with the same token. An empty unit commits without a request.
 *
 * Errors:
 * - POSTBOX_ERROR_TRANSACTION_CANCELED: nothing was written. There is a reason for each action
 *   that failed. The unit stays open.
 * - POSTBOX_ERROR_DUPLICATE_MESSAGE: nothing was written, because a message id already exists in
 *   the outbox; this command was already applied.
 * - POSTBOX_ERROR_OUTCOME_UNKNOWN: no response was received. Call this function again on the same
 *   unit. That is safe for 9 minutes, after which the error is no longer retryable.
 * - The errors of any request: nothing was written, and the unit stays open.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_commit(postbox_unit_of_work *work);

/**
 * Closes the unit of work without sending anything; freeing the unit does the same.
 *
 * Errors: POSTBOX_ERROR_OUTCOME_UNKNOWN if the last commit got no response, since it may have
 * taken effect.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_rollback(postbox_unit_of_work *work);

/**
 * Frees a unit of work; does nothing for NULL. A unit that was not committed sends nothing.
 */
POSTBOX_API void postbox_unit_of_work_free(postbox_unit_of_work *work);

/* ============================================================================================
 * Sweeping
 * ============================================================================================ */

/**
 * Sends the outstanding messages that are older than "sweep_min_age_ms", oldest first, of one
 * topic, or of all topics if `topic` is NULL, and marks them dispatched, until none is left that
 * can be sent. It sends on this thread and on up to "sweep_threads" - 1 further threads. It holds
 * the lease of sweepers, shared with Brighter, while it runs; if another sweeper holds the lease,
 * nothing is done. `result` may be NULL.
 *
 * A failure of a message counts as an attempt; the message is retried after
 * "dispatch_retry_delay_ms" and parked after "max_dispatch_attempts". A message that its producer
 * rejects or that cannot be read is parked at once. Later messages of the same topic and partition
 * key wait for a failed message.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_sweep(postbox_client *client,
                                    const char *topic,
                                    postbox_sweep_result *result);

/**
 * Starts the sweeper, a thread that sweeps all topics as postbox_sweep does, first at once and
 * then every "sweep_interval_ms". It logs errors and continues. Producers are called on that
 * thread and, for other topics at the same time, on up to "sweep_threads" - 1 further threads.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the sweeper is already running.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_start_sweeper(postbox_client *client);

/**
 * Stops the sweeper after the messages that it is sending, and waits for it up to
 * "close_timeout_ms". Does nothing if the sweeper is not running. postbox_close and postbox_free
 * stop it too.
 *
 * Errors: POSTBOX_ERROR_TIMEOUT if a producer has not returned; the sweeper stops when it does.
 * Call this function again to wait longer. The sweeper cannot be started again until it has
 * stopped.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_stop_sweeper(postbox_client *client);

/* ============================================================================================
 * Lists of messages
 * ============================================================================================ */

/**
 * Lists about `limit` messages of a postbox_state, of one topic, or of all topics if `topic` is
 * NULL. `cursor` is NULL for the first page, or the result of postbox_page_next on the previous
 * page of the same state and topic. A page may contain fewer messages, or none, without being the
 * last. The index may lag slightly behind the table. Parked messages are not indexed, so listing
 * them reads the whole table. The caller frees the page with postbox_page_free.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown state or for a cursor that does not belong
 * to this list.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_list_messages(postbox_client *client,
                                            postbox_state state,
                                            const char *topic,
                                            uint32_t limit,
                                            const char *cursor,
                                            postbox_page **page);

/**
 * Returns the number of messages of the page; 0 for NULL.
 */
POSTBOX_API size_t postbox_page_count(const postbox_page *page);

/**
 * Returns a message of the page, or NULL if `index` is out of range. `index` counts from 0. The
 * message belongs to the page and is valid until the page is freed.
 */
POSTBOX_API
const postbox_message *postbox_page_message(const postbox_page *page,
                                                   size_t index);

/**
 * Returns the number of messages of the page that could not be read; 0 for NULL.
 */
POSTBOX_API size_t postbox_page_malformed_count(const postbox_page *page);

/**
 * Returns the id of a message that could not be read, or "" if `index` is out of range. `index`
 * counts from 0. `reason` may be NULL; it receives the reason. Both strings are valid until the
 * page is freed.
 */
POSTBOX_API
const char *postbox_page_malformed(const postbox_page *page,
                                   size_t index,
                                   const char **reason);

/**
 * Returns the cursor of the next page, for postbox_list_messages, or NULL after the last page and
 * for NULL. The cursor can be stored and used in another process. The string is valid until the
 * page is freed.
 */
POSTBOX_API const char *postbox_page_next(const postbox_page *page);

/**
 * Frees a page and its messages; does nothing for NULL.
 */
POSTBOX_API void postbox_page_free(postbox_page *page);

/* ============================================================================================
 * Unparking and replaying
 * ============================================================================================ */

/**
 * Releases a parked message, which becomes outstanding again with no failed attempts.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the message is not parked.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unpark(postbox_client *client, const char *id);

/**
 * Makes dispatched or parked messages outstanding again, with no failed attempts, so that the next
 * sweep or clear sends them. Their outcome is POSTBOX_OUTCOME_REPLAYED. `report` is as in
 * postbox_clear_outbox.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_replay(postbox_client *client,
                                     const char *const *ids,
                                     size_t count,
                                     postbox_report **report);

/**
 * Replays every message with this causation id that the index shows; finding none is a success.
 * `report` is as in postbox_clear_outbox.
 *
 * Errors: POSTBOX_ERROR_INVALID_TABLE if the table lacks the index Causation.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_replay_causation(postbox_client *client,
                                               const char *causation_id,
                                               postbox_report **report);

/* ============================================================================================
 * Archiving
 * ============================================================================================ */

/**
 * Passes every message that was dispatched longer than "archive_min_age_ms" ago to `archive`, on
 * this thread, and deletes each message that `archive` stored. Messages that are not dispatched
 * are not touched. The function holds the lease of archivers, shared with Brighter, while it runs.
 * `result` may be NULL.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_archive(postbox_client *client,
                                      postbox_archive_callback archive,
                                      void *data,
                                      postbox_archive_result *result);

/**
 * Archives messages, as postbox_archive does, by appending them to a file, one per line, each item
 * as DynamoDB JSON. The file is created if it does not exist, with access for its owner only. It
 * is synchronized to disk before a message is deleted.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the file cannot be opened.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_archive_to_file(postbox_client *client,
                                              const char *path,
                                              postbox_archive_result *result);

/**
 * Starts the archiver, a thread that does what postbox_archive does, first at once and then every
 * "archive_interval_ms". It logs errors and continues. `release` may be NULL; it is called once
 * with `data` when the archiver has ended, before postbox_stop_archiver returns NULL. If this
 * function fails, `release` is not called.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the archiver is already running.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_start_archiver(postbox_client *client,
                                             postbox_archive_callback archive,
                                             void *data,
                                             postbox_release_callback release);

/**
 * Starts the archiver with a file as the archive, as in postbox_archive_to_file.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_start_archiver_to_file(postbox_client *client,
                                                     const char *path);

/**
 * Stops the archiver, as postbox_stop_sweeper stops the sweeper.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_stop_archiver(postbox_client *client);

/* ============================================================================================
 * Counts and statistics
 * ============================================================================================ */

/**
 * Counts the outstanding messages of one topic, or of all topics if `topic` is NULL, and returns
 * the age of the oldest.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_count_outstanding(postbox_client *client,
                                                const char *topic,
                                                postbox_outstanding_count *result);

/**
 * Returns the statistics of a client since it was opened. Sends no request, and works after
 * postbox_close too.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_get_stats(postbox_client *client,
                                        postbox_stats *stats);

/**
 * Returns the statistics of postbox_get_stats as one JSON object, with the last sweep, the last
 * error and the state of the circuit breakers by topic. The caller frees the string with
 * postbox_string_free.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_stats_json(postbox_client *client, char **json);

/* ============================================================================================
 * Reports
 * ============================================================================================ */

/**
 * Returns the number of messages in the report; 0 for NULL.
 */
POSTBOX_API size_t postbox_report_count(const postbox_report *report);

/**
 * Returns the number of failed messages: those with an outcome of POSTBOX_OUTCOME_NOT_FOUND or
 * above. Returns 0 for NULL.
 */
POSTBOX_API size_t postbox_report_failure_count(const postbox_report *report);

/**
 * Returns the id of a message, or "" if `index` is out of range. `index` counts from 0. The string
 * is valid until the report is freed.
 */
POSTBOX_API const char *postbox_report_id(const postbox_report *report, size_t index);

/**
 * Returns the outcome of a message; POSTBOX_OUTCOME_NOT_FOUND if `index` is out of range.
 */
POSTBOX_API
postbox_outcome postbox_report_outcome(const postbox_report *report,
                                       size_t index);

/**
 * Returns the reason for the outcome of a message, or "" if there is none. The string is valid
 * until the report is freed.
 */
POSTBOX_API const char *postbox_report_detail(const postbox_report *report, size_t index);

/**
 * Frees a report; does nothing for NULL.
 */
POSTBOX_API void postbox_report_free(postbox_report *report);

/* ============================================================================================
 * Logging
 * ============================================================================================ */

/**
 * Sends the log messages of all clients in the process, up to `level`, to `callback`, which
 * replaces an earlier callback. A NULL `callback` turns logging off; the other arguments are then
 * ignored. `release` may be NULL; it is called with `data`, on any thread, when the callback has
 * been replaced and no call of it is in progress. If this function fails, `release` is not called.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown level, or if the program has installed its
 * own subscriber of the Rust crate `tracing`, which then receives the messages.
 *
 * Thread safety: any thread.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_set_log_callback(postbox_log_level level,
                                               postbox_log_callback callback,
                                               void *data,
                                               postbox_release_callback release);

/* ============================================================================================
 * Strings
 * ============================================================================================ */

/**
 * Frees a string that the caller owns; does nothing for NULL.
 *
 * Thread safety: any thread.
 */
POSTBOX_API void postbox_string_free(char *string);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* POSTBOX_H */
