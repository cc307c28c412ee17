/*
 * postbox.h: a transactional outbox on Amazon DynamoDB for programs that block.
 *
 * What you commit with your data is sent at least once; what you roll back is never sent.
 *
 *     postbox_config *config = postbox_config_new();
 *     postbox_client *box = NULL;
 *     postbox_error *err;
 *     if ((err = postbox_config_set(config, "table_name", "brighter_outbox")) ||
 *         (err = postbox_config_add_producer(config, "greeting.made", send_it, NULL, NULL)) ||
 *         (err = postbox_open(config, &box)))
 *         return fail(err);
 *
 *     postbox_message *message = NULL;
 *     postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
 *     if ((err = postbox_message_new("greeting.made", body, body_length, &message)) ||
 *         (err = postbox_unit_of_work_put(work, "People", person_json)) ||
 *         (err = postbox_unit_of_work_deposit_post(work, message)) ||
 *         (err = postbox_unit_of_work_commit(work)))          // both or neither
 *         return fail(err);
 *
 *     const char *id = postbox_message_id(message);
 *     err = postbox_clear_outbox(box, &id, 1, NULL);          // send now
 *
 * examples/c/greetings.c is the whole program.
 *
 * Conventions, for every function that does not say otherwise:
 *
 * - Errors. A function that can fail returns an error that the caller owns, or NULL for
 *   success. Out-parameters are written on success only. After an error, all handles can be
 *   used on, and what was to be changed is as it was.
 * - Ownership. What a _new, _begin or _open function or an out-parameter of a handle type
 *   gives, the caller frees with the _free function of its type, once. _free(NULL) does
 *   nothing. Freeing twice, using a handle after freeing it, or freeing it while a call with
 *   it is under way is undefined behaviour. Handles may be freed in any order.
 *   Arguments stay the caller's and are copied where they are kept.
 * - NULL. A pointer that must not be NULL and is fails with POSTBOX_ERROR_NULL_ARGUMENT.
 * - Strings. In: NUL-terminated UTF-8, else POSTBOX_ERROR_INVALID_UTF8. Out: const char * is
 *   borrowed from the handle that was asked, and valid until that is changed or freed; char *
 *   is the caller's, to free with postbox_string_free.
 * - Threads. Any thread may call; a handle may move between threads. Two threads may use one
 *   postbox_client, postbox_config, postbox_error, postbox_report and postbox_page at once; a
 *   postbox_unit_of_work detects it (POSTBOX_ERROR_CONCURRENT_USE); a string borrowed from a
 *   postbox_message or postbox_config is only safe while no other thread changes that.
 * - Blocking. Functions on a postbox_client, and those of a unit of work that say so, wait for
 *   DynamoDB, at most for the setting "operation_timeout_ms" per operation.
 * - Panics. None crosses this interface: a defect of Postbox is POSTBOX_ERROR_INTERNAL.
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
 * What kind of error it is. The numbers are stable and are the codes of the C ABI; later
 * versions add codes, so treat one that you do not know as an internal error.
 */
POSTBOX_ENUM(postbox_code)
{
    /**
     * No error. Only the C ABI gives it: the code of a `NULL` error.
     */
    POSTBOX_ERROR_NONE = 0,
    /**
     * An argument has a value that the call cannot work with.
     */
    POSTBOX_ERROR_INVALID_ARGUMENT = 1,
    /**
     * A pointer that must not be `NULL` is `NULL`. C ABI only.
     */
    POSTBOX_ERROR_NULL_ARGUMENT = 2,
    /**
     * A string is not valid UTF-8. C ABI only.
     */
    POSTBOX_ERROR_INVALID_UTF8 = 3,
    /**
     * A message cannot be deposited as it is: no topic, a bad header, a body that contradicts its encoding.
     */
    POSTBOX_ERROR_INVALID_MESSAGE = 4,
    /**
     * DynamoDB JSON is malformed or has the wrong shape; the text says where.
     */
    POSTBOX_ERROR_INVALID_JSON = 5,
    /**
     * No setting or header field has this name; the text lists the near ones.
     */
    POSTBOX_ERROR_UNKNOWN_NAME = 6,
    /**
     * A setting has a value that it cannot have, or settings contradict each other.
     */
    POSTBOX_ERROR_INVALID_SETTING = 7,
    /**
     * The unit of work would have more than 100 actions.
     */
    POSTBOX_ERROR_TOO_MANY_ACTIONS = 20,
    /**
     * An item is larger than DynamoDB's 400 KB.
     */
    POSTBOX_ERROR_ITEM_TOO_LARGE = 21,
    /**
     * The unit of work would be larger than DynamoDB's 4 MB.
     */
    POSTBOX_ERROR_TRANSACTION_TOO_LARGE = 22,
    /**
     * The unit of work has an action on this item already.
     */
    POSTBOX_ERROR_DUPLICATE_ITEM = 23,
    /**
     * The unit of work was committed or rolled back, or its outcome is open and it cannot be changed.
     */
    POSTBOX_ERROR_UNIT_OF_WORK_CLOSED = 30,
    /**
     * The Postbox was closed.
     */
    POSTBOX_ERROR_CLOSED = 31,
    /**
     * The process was forked after the Postbox was opened: open a new one in the child.
     */
    POSTBOX_ERROR_FORKED = 32,
    /**
     * The handle is in use by another thread.
     */
    POSTBOX_ERROR_CONCURRENT_USE = 33,
    /**
     * The call came from the Postbox's own runtime thread (for instance from a log callback), where it would wait for itself.
     */
    POSTBOX_ERROR_REENTRANT_CALL = 34,
    /**
     * DynamoDB cancelled the transaction: nothing was written. The reasons say why, action by action.
     */
    POSTBOX_ERROR_TRANSACTION_CANCELED = 40,
    /**
     * A message id of the unit of work is in the outbox already: nothing was written.
     */
    POSTBOX_ERROR_DUPLICATE_MESSAGE = 41,
    /**
     * No answer came: the transaction took effect or it did not. Call `commit` again on the same unit of work.
     */
    POSTBOX_ERROR_OUTCOME_UNKNOWN = 42,
    /**
     * Some messages could not be cleared, marked or replayed; the reasons say which and why.
     */
    POSTBOX_ERROR_CLEAR_INCOMPLETE = 50,
    /**
     * Some messages of a bulk deposit could not be stored; the reasons say which and why.
     */
    POSTBOX_ERROR_DEPOSIT_INCOMPLETE = 51,
    /**
     * Some messages could not be marked dispatched; the reasons say which and why.
     */
    POSTBOX_ERROR_MARK_INCOMPLETE = 52,
    /**
     * More messages are outstanding than `max_outstanding` allows: nothing was deposited.
     */
    POSTBOX_ERROR_OUTBOX_LIMIT_REACHED = 53,
    /**
     * The table does not exist.
     */
    POSTBOX_ERROR_TABLE_NOT_FOUND = 60,
    /**
     * The table exists and cannot serve as an outbox; the reasons say what is wrong with it.
     */
    POSTBOX_ERROR_INVALID_TABLE = 61,
    /**
     * No AWS credentials or no region were found.
     */
    POSTBOX_ERROR_NO_AWS_CONFIG = 62,
    /**
     * AWS refused the credentials or the permission.
     */
    POSTBOX_ERROR_ACCESS_DENIED = 63,
    /**
     * DynamoDB throttled the request, also after retries.
     */
    POSTBOX_ERROR_THROTTLED = 64,
    /**
     * The endpoint could not be reached.
     */
    POSTBOX_ERROR_UNREACHABLE = 65,
    /**
     * No answer within `operation_timeout_ms`.
     */
    POSTBOX_ERROR_TIMEOUT = 66,
    /**
     * DynamoDB refused the request for another reason; its code and text are in the message.
     */
    POSTBOX_ERROR_SERVICE_ERROR = 67,
    /**
     * A stored item cannot be read as a message; the text names the attribute.
     */
    POSTBOX_ERROR_MALFORMED_ITEM = 68,
    /**
     * The embedded database could not be opened or is not compiled in.
     */
    POSTBOX_ERROR_EMBEDDED_UNAVAILABLE = 69,
    /**
     * Something that should not happen. Please report it.
     */
    POSTBOX_ERROR_INTERNAL = 99,
};

/**
 * What became of one message. The numbers are stable and are those of the C ABI.
 */
POSTBOX_ENUM(postbox_outcome)
{
    /**
     * It was sent and marked dispatched; or only marked, if that was asked for.
     */
    POSTBOX_OUTCOME_DISPATCHED = 0,
    /**
     * It had been dispatched before and was not sent again.
     */
    POSTBOX_OUTCOME_ALREADY_DISPATCHED = 1,
    /**
     * Its producer accepted it and will confirm it later.
     */
    POSTBOX_OUTCOME_ACCEPTED = 2,
    /**
     * Another thread of this process is sending it, or waits for its confirmation.
     */
    POSTBOX_OUTCOME_IN_PROGRESS = 3,
    /**
     * It is outstanding again, as was asked for.
     */
    POSTBOX_OUTCOME_REPLAYED = 4,
    /**
     * The outbox has no message of this id.
     */
    POSTBOX_OUTCOME_NOT_FOUND = 10,
    /**
     * It is parked: not sent until it is released.
     */
    POSTBOX_OUTCOME_PARKED = 11,
    /**
     * No producer serves its topic. It stays outstanding.
     */
    POSTBOX_OUTCOME_NO_PRODUCER = 12,
    /**
     * Its producer failed. It stays outstanding, or is parked after "max_dispatch_attempts".
     */
    POSTBOX_OUTCOME_FAILED = 13,
    /**
     * Its producer can never send it as it is. It is parked.
     */
    POSTBOX_OUTCOME_REJECTED = 14,
    /**
     * Its stored item cannot be read. It is parked.
     */
    POSTBOX_OUTCOME_MALFORMED = 15,
    /**
     * The table could not be read, so it was not sent. It stays outstanding.
     */
    POSTBOX_OUTCOME_READ_FAILED = 16,
    /**
     * It was sent, and could not be marked: it stays outstanding and will be sent again.
     */
    POSTBOX_OUTCOME_MARK_FAILED = 17,
    /**
     * It waits: an earlier message of its topic and partition key failed, or it did so lately itself.
     */
    POSTBOX_OUTCOME_HELD_BACK = 18,
    /**
     * The breaker of its topic is open: it waits, and no attempt is counted.
     */
    POSTBOX_OUTCOME_BREAKER_OPEN = 19,
    /**
     * The operation was stopped before the message was tried; it stays as it was.
     */
    POSTBOX_OUTCOME_SKIPPED = 20,
};

/**
 * What became of a message that a producer was given.
 */
POSTBOX_ENUM(postbox_send_outcome)
{
    /**
     * The transport has it: it is marked dispatched.
     */
    POSTBOX_SEND_SENT = 0,
    /**
     * The transport accepted it and will confirm it later, by postbox_confirm; until then it stays outstanding.
     */
    POSTBOX_SEND_ACCEPTED = 1,
    /**
     * It failed for a passing reason: it stays outstanding and will be sent again, "max_dispatch_attempts" in all.
     */
    POSTBOX_SEND_RETRY = 2,
    /**
     * It can never be sent as it is, being too large, not permitted, malformed: it is parked at once.
     */
    POSTBOX_SEND_REJECT = 3,
};

/**
 * How important a log message is.
 */
POSTBOX_ENUM(postbox_log_level)
{
    /**
     * Something is lost or broken.
     */
    POSTBOX_LOG_ERROR = 1,
    /**
     * Something failed and will be tried again, or needs a look.
     */
    POSTBOX_LOG_WARN = 2,
    /**
     * Something that an operator wants to know.
     */
    POSTBOX_LOG_INFO = 3,
    /**
     * What Postbox does, step by step.
     */
    POSTBOX_LOG_DEBUG = 4,
    /**
     * Everything.
     */
    POSTBOX_LOG_TRACE = 5,
};

/**
 * Whether a sweep or an archiver had its lease.
 */
POSTBOX_ENUM(postbox_lease)
{
    /**
     * It had, to the end.
     */
    POSTBOX_LEASE_HELD = 0,
    /**
     * Another one has it: nothing was done.
     */
    POSTBOX_LEASE_HELD_ELSEWHERE = 1,
    /**
     * It had, and lost it: it stopped at once.
     */
    POSTBOX_LEASE_LOST = 2,
    /**
     * It ran without one: there is no lock table, or no permission for it.
     */
    POSTBOX_LEASE_UNAVAILABLE = 3,
};

/**
 * Where a stored message is in its life.
 */
POSTBOX_ENUM(postbox_state)
{
    /**
     * Not yet sent.
     */
    POSTBOX_STATE_OUTSTANDING = 0,
    /**
     * Sent.
     */
    POSTBOX_STATE_DISPATCHED = 1,
    /**
     * Set aside after it failed too often or was rejected.
     */
    POSTBOX_STATE_PARKED = 2,
};

/**
 * An open Postbox: the handle that a program opens once and shares between its threads. Every
 * function on it may be called by several threads at once; the calls block, at most for
 * "operation_timeout_ms" per operation on DynamoDB. After fork(), every call on it in the child
 * fails with POSTBOX_ERROR_FORKED; open a new one there. The child may free it, and its units of
 * work: that disturbs nothing of the parent's, and calls no `release`.
 */
typedef struct postbox_client postbox_client;

/**
 * The settings and producers of a postbox_client to open. CONFIGURATION.md lists the settings.
 * It may be used by several threads; opening leaves it as it is, so that it can open more.
 */
typedef struct postbox_config postbox_config;

/**
 * An error. Every function that can fail returns one that the caller owns, or NULL for success:
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
 * The functions on errors take NULL, as the error of a success. An error does not change, so
 * any number of threads may read it.
 */
typedef struct postbox_error postbox_error;

/**
 * A message: header fields by name, and a body of bytes. CONFIGURATION.md lists the fields.
 * Depositing copies it, so that it can be changed, deposited again or freed at once.
 */
typedef struct postbox_message postbox_message;

/**
 * A page of stored messages, from postbox_list_messages. It does not change, so any number of threads may
 * read it.
 *
 * ```c
 * postbox_page *page = NULL;
 * do {
 *     postbox_page *next = NULL;
 *     err = postbox_list_messages(box, POSTBOX_STATE_PARKED, NULL, 100, postbox_page_next(page), &next);
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
 * What became of each message of postbox_clear_outbox, postbox_post, postbox_mark_dispatched or
 * postbox_replay, in the order of the ids; an id that was given twice is there once.
 * It does not change, so any number of threads may read it.
 */
typedef struct postbox_report postbox_report;

/**
 * One DynamoDB transaction being collected: the caller's writes and the messages that go with
 * them; both take effect, or neither. It belongs to one thread at a time: a call while another
 * thread is in one fails with POSTBOX_ERROR_CONCURRENT_USE.
 *
 * What DynamoDB would refuse is refused when it is added, and the unit stays as it was:
 * POSTBOX_ERROR_TOO_MANY_ACTIONS (over 100), POSTBOX_ERROR_ITEM_TOO_LARGE (over 400 KB),
 * POSTBOX_ERROR_TRANSACTION_TOO_LARGE (over 4 MB in all), POSTBOX_ERROR_DUPLICATE_ITEM.
 * After a commit or a rollback, POSTBOX_ERROR_UNIT_OF_WORK_CLOSED.
 *
 * Items, keys and actions are DynamoDB JSON, as the AWS CLI takes it; what is malformed is
 * POSTBOX_ERROR_INVALID_JSON, saying where.
 */
typedef struct postbox_unit_of_work postbox_unit_of_work;

/**
 * Sends one message and returns a postbox_send_outcome; any other number counts as
 * POSTBOX_SEND_RETRY.
 *
 * `data` is what was given with the callback. `message` is valid for the time of the call and
 * may be read, not freed. For RETRY and REJECT the callback may write why, as a NUL-terminated
 * text, into the `reason_size` bytes of `reason`, which come as an empty string:
 * snprintf(reason, reason_size, "queue %s is full", name).
 *
 * It is called on the thread that called postbox_clear_outbox or postbox_post; a sweep
 * (postbox_sweep, postbox_start_sweeper) calls it on its own thread and, for other topics at
 * the same time, on up to "sweep_threads" - 1 more. So several threads may call it at once. It
 * may take its time, and it may call any function of Postbox but postbox_free of the postbox_client
 * that it serves; postbox_close, and postbox_stop_sweeper on the sweeper's thread, would wait
 * for this very call, until "close_timeout_ms". It must return: an exception or a longjmp out
 * of it is undefined behaviour.
 */
typedef int32_t (*postbox_send_callback)(void *data,
                                         const postbox_message *message,
                                         char *reason,
                                         size_t reason_size);

/**
 * Called once with the `data` of a callback when that is not called any more, on any thread: also
 * on one of Postbox's own, or inside of a call on it, so that it may not call Postbox. It must
 * return, as every callback. It is not called in a child that was forked.
 */
typedef void (*postbox_release_callback)(void *data);

/**
 * What a sweep did, in messages.
 */
typedef struct postbox_sweep_result {
    /**
     * Shown by the index as outstanding and old enough.
     */
    uint64_t found;
    /**
     * Sent, or accepted by their producer.
     */
    uint64_t dispatched;
    /**
     * Dispatched by somebody else meanwhile: not sent.
     */
    uint64_t already_dispatched;
    /**
     * Could not be sent.
     */
    uint64_t failed;
    /**
     * Waiting: behind one of their partition key, behind an open breaker, for their next attempt.
     */
    uint64_t held_back;
    /**
     * A postbox_lease.
     */
    postbox_lease lease;
    /**
     * 0; for later versions.
     */
    uint32_t reserved[7];
} postbox_sweep_result;

/**
 * Keeps one message, durably, before it is deleted from the outbox. Returns 0 if it did; with
 * anything else the message stays, and the callback may write why into the `reason_size` bytes
 * of `reason`, as for postbox_send_callback; the log tells it. A message that was kept and could
 * not be deleted comes again.
 *
 * `data` is what was given with the callback. `message` is valid for the time of the call and
 * may be read, not freed. It is called on the thread that called postbox_archive, or on the
 * archiver's (postbox_start_archiver), and may call what a postbox_send_callback may;
 * postbox_stop_archiver on the archiver's thread would wait for this very call. It must return:
 * an exception or a longjmp out of it is undefined behaviour.
 */
typedef int32_t (*postbox_archive_callback)(void *data,
                                            const postbox_message *message,
                                            char *reason,
                                            size_t reason_size);

/**
 * What an archiver did, in messages.
 */
typedef struct postbox_archive_result {
    /**
     * Kept by the archive and deleted.
     */
    uint64_t archived;
    /**
     * They stay: the archive did not keep them, or they could not be read or deleted. The log says which and why.
     */
    uint64_t failed;
    /**
     * A postbox_lease.
     */
    postbox_lease lease;
    /**
     * 0; for later versions.
     */
    uint32_t reserved[7];
} postbox_archive_result;

/**
 * What is outstanding.
 */
typedef struct postbox_outstanding_count {
    /**
     * How many messages.
     */
    uint64_t count;
    /**
     * How old the oldest of them is, in milliseconds; 0 if there is none.
     */
    uint64_t oldest_age_ms;
    /**
     * 0; for later versions.
     */
    uint64_t reserved[4];
} postbox_outstanding_count;

/**
 * What a Postbox has done since it was opened, in messages where nothing else is said.
 */
typedef struct postbox_stats {
    /**
     * Written to the outbox.
     */
    uint64_t deposited;
    /**
     * Sent and marked, or accepted by their producer.
     */
    uint64_t dispatched;
    /**
     * Attempts to send one that failed.
     */
    uint64_t failed;
    /**
     * Parked.
     */
    uint64_t parked;
    /**
     * Deposits of messages that were there already, and messages found dispatched and not sent again.
     */
    uint64_t duplicates_avoided;
    /**
     * Sweeps that ended.
     */
    uint64_t sweeps;
    /**
     * Runs of the background threads that failed.
     */
    uint64_t background_failures;
    /**
     * Topics whose breaker is not closed.
     */
    uint64_t open_breakers;
    /**
     * Outstanding when it was last counted, by postbox_count_outstanding or in the background; UINT64_MAX if never.
     */
    uint64_t outstanding;
    /**
     * 0; for later versions.
     */
    uint64_t reserved[7];
} postbox_stats;

/**
 * Gets one log message: a postbox_log_level and a line of text, valid for the time of the call,
 * without secrets and message bodies.
 *
 * It is called by whatever thread has something to say, the Postbox's own included, and by
 * several at once. It should return soon, since the Postbox waits for it, and may not call
 * Postbox. It must return: an exception or a longjmp out of it is undefined behaviour.
 */
typedef void (*postbox_log_callback)(void *data, postbox_log_level level, const char *text);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ============================================================================================
 * Version
 * ============================================================================================ */

/**
 * The version of the library that is loaded, such as "1.2.3": a static string, never NULL.
 * POSTBOX_VERSION is that of the header; a program needs a library of the same major version
 * (before 1.0 also of the same minor version), and at least as new as the header.
 *
 * Thread safety: any thread.
 */
POSTBOX_API const char *postbox_version(void);

/* ============================================================================================
 * Errors
 * ============================================================================================ */

/**
 * What kind of error it is; POSTBOX_ERROR_NONE for NULL. A later library may give codes that
 * this header does not name: treat them as POSTBOX_ERROR_INTERNAL.
 */
POSTBOX_API postbox_code postbox_error_code(const postbox_error *error);

/**
 * What happened, to which thing, and what to do, without secrets and message bodies. "" for
 * NULL. Valid until the error is freed.
 */
POSTBOX_API const char *postbox_error_message(const postbox_error *error);

/**
 * Whether the same call may succeed later without any change. For POSTBOX_ERROR_OUTCOME_UNKNOWN
 * of a commit: call commit again on the same unit of work. false for NULL.
 */
POSTBOX_API bool postbox_error_is_retryable(const postbox_error *error);

/**
 * How many reasons the error has: one for each action of a cancelled transaction that could
 * not be done, each message that failed, each fault of a table. 0 for NULL and for an error
 * that concerns one thing only.
 */
POSTBOX_API size_t postbox_error_reason_count(const postbox_error *error);

/**
 * Which action or message of the call a reason concerns, counted from 0 in the order in which
 * they were added or given. `reason` counts from 0; SIZE_MAX for one that is not there.
 */
POSTBOX_API size_t postbox_error_reason_index(const postbox_error *error, size_t reason);

/**
 * What a reason concerns: an action ("Put People"), a message id, an index of a table. ""
 * for one that is not there. Valid until the error is freed.
 */
POSTBOX_API
const char *postbox_error_reason_subject(const postbox_error *error,
                                         size_t reason);

/**
 * The code of a reason: DynamoDB's own where there is one ("ConditionalCheckFailed",
 * "TransactionConflict"), else a word of Postbox. "" for one that is not there. Valid until
 * the error is freed.
 */
POSTBOX_API const char *postbox_error_reason_code(const postbox_error *error, size_t reason);

/**
 * The explanation of a reason. "" for one that is not there. Valid until the error is freed.
 */
POSTBOX_API
const char *postbox_error_reason_message(const postbox_error *error,
                                         size_t reason);

/**
 * The item whose condition failed, as DynamoDB JSON, if the action asked for it by
 * "ReturnValuesOnConditionCheckFailure": "ALL_OLD"; else NULL. Valid until the error is freed.
 */
POSTBOX_API const char *postbox_error_reason_item(const postbox_error *error, size_t reason);

/**
 * Frees an error. NULL is fine.
 */
POSTBOX_API void postbox_error_free(postbox_error *error);

/* ============================================================================================
 * Settings and producers
 * ============================================================================================ */

/**
 * Makes a configuration with the default settings and no producer. Never NULL; the caller
 * frees it with postbox_config_free, also after opening with it.
 */
POSTBOX_API postbox_config *postbox_config_new(void);

/**
 * Sets one setting by name, numbers in decimal: postbox_config_set(config, "table_name",
 * "orders_outbox"). An empty value unsets an optional setting.
 *
 * Errors: POSTBOX_ERROR_UNKNOWN_NAME with the near names, POSTBOX_ERROR_INVALID_SETTING with
 * the range; the configuration stays as it was.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_config_set(postbox_config *config,
                                         const char *name,
                                         const char *value);

/**
 * Reads one setting by name into `value`: "" for an optional one that is not set, "***" for a
 * secret that is. The string is valid until this setting is changed or the configuration is freed.
 *
 * Errors: POSTBOX_ERROR_UNKNOWN_NAME with the near names.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_config_get(postbox_config *config,
                                         const char *name,
                                         const char **value);

/**
 * Adds the producer of a topic, or, with `topic` NULL, of every topic that has none of its
 * own. A later one for the same topic takes the place of an earlier one. SNS and SQS need none:
 * see the setting "routes".
 *
 * `send` is called with `data` for each message; see postbox_send_callback. `release` may be
 * NULL; it is called once with `data` when no call of `send` can follow: on the thread that
 * frees the last of the configuration, the postbox_client that were opened with it, and their units
 * of work, or on a background thread's if that was still in a call then. If this function fails, `release` is not called.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_config_add_producer(postbox_config *config,
                                                  const char *topic,
                                                  postbox_send_callback send,
                                                  void *data,
                                                  postbox_release_callback release);

/**
 * Frees a configuration. NULL is fine.
 */
POSTBOX_API void postbox_config_free(postbox_config *config);

/* ============================================================================================
 * Messages
 * ============================================================================================ */

/**
 * Makes a message of a topic with the `length` bytes of `body`, which are copied; (NULL, 0) is
 * an empty body. It has a new id, a UUID v7, and was made now. The caller frees it with
 * postbox_message_free.
 *
 * A body that is valid UTF-8 is stored as text, any other as bytes, unless
 * "character_encoding" is set. The topic is checked when the message is deposited.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_new(const char *topic,
                                          const uint8_t *body,
                                          size_t length,
                                          postbox_message **message);

/**
 * Sets a header field by name: postbox_message_set(message, "partition_key", "42"). An empty
 * value takes an optional field away. "bag.NAME" puts a text into the header bag.
 *
 * Errors: POSTBOX_ERROR_UNKNOWN_NAME with the near names; POSTBOX_ERROR_INVALID_MESSAGE for a
 * value that the field cannot have. The message stays as it was.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_set(postbox_message *message,
                                          const char *name,
                                          const char *value);

/**
 * Replaces the body by the `length` bytes of `body`, which are copied; (NULL, 0) is an empty one.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_set_body(postbox_message *message,
                                               const uint8_t *body,
                                               size_t length);

/**
 * Reads a header field by name into `value`: NULL for an optional one that is not there. A
 * message that came from postbox_get_message or a postbox_page, or to an archive, also has "state"
 * ("outstanding", "dispatched" or "parked"), "dispatched_at", "expires_at", "parked_at",
 * "dispatch_attempts" and "last_error".
 *
 * The string is valid until the message is changed or freed; in a callback, for the time of the call.
 *
 * Errors: POSTBOX_ERROR_UNKNOWN_NAME with the near names.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_get(const postbox_message *message,
                                          const char *name,
                                          const char **value);

/**
 * The id of a message; "" for NULL. Valid until the message is changed or freed.
 */
POSTBOX_API const char *postbox_message_id(const postbox_message *message);

/**
 * The topic of a message; "" for NULL. Valid until the message is changed or freed.
 */
POSTBOX_API const char *postbox_message_topic(const postbox_message *message);

/**
 * The bytes of the body, not NUL-terminated; their number is written to `length`, which may be
 * NULL. NULL and 0 for a NULL message. Valid until the message is changed or freed.
 */
POSTBOX_API
const uint8_t *postbox_message_body(const postbox_message *message,
                                    size_t *length);

/**
 * Frees a message. NULL is fine. Not for the message of a callback or of a postbox_page.
 */
POSTBOX_API void postbox_message_free(postbox_message *message);

/* ============================================================================================
 * Client: open, deposit, clear, close
 * ============================================================================================ */

/**
 * Opens a Postbox with the settings and producers of `config`, which stays the caller's. On
 * DynamoDB this makes no request to the table; with "embedded_path" it makes the outbox table
 * if it is missing. The caller frees it with postbox_free.
 *
 * Errors: POSTBOX_ERROR_INVALID_SETTING; POSTBOX_ERROR_NO_AWS_CONFIG if no region is known;
 * POSTBOX_ERROR_EMBEDDED_UNAVAILABLE.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_open(const postbox_config *config,
                                   postbox_client **box);

/**
 * Stops the sweeper and the archiver, refuses new calls, waits for those under way, all within
 * "close_timeout_ms", and stops the Postbox's thread. Later calls on the handle fail with
 * POSTBOX_ERROR_CLOSED, but for those that stop, close, or read statistics; it still has to be
 * freed. Not needed before postbox_free, which does the same without telling how it went.
 *
 * Errors: POSTBOX_ERROR_TIMEOUT: something was still under way and was abandoned. What was
 * committed stays outstanding.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_close(postbox_client *box);

/**
 * Closes and frees a Postbox. NULL is fine. It takes "close_timeout_ms" and half a second at most; a producer or
 * an archive of a background thread that has not returned by then may be in its call for longer,
 * and its `release` tells when it is over. Units of work that are still there fail with
 * POSTBOX_ERROR_CLOSED from then on, and still have to be freed. No other call on the handle may
 * be under way: that would be undefined behaviour, as would a call of it by a producer or an
 * archive of the same Postbox.
 */
POSTBOX_API
void postbox_free(postbox_client *box);

/**
 * Makes the outbox table if it is missing, as Brighter makes it and with time to live on
 * ExpiresAt, waits until it can be used, and checks it. It may take two minutes.
 *
 * Errors: as postbox_verify_table.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_create_table(postbox_client *box);

/**
 * Checks that the table exists and has the keys and indexes of an outbox. `has_causation_index`,
 * which may be NULL, gets whether messages can be replayed by causation: tables of older
 * versions of Brighter lack the index for it.
 *
 * Errors: POSTBOX_ERROR_TABLE_NOT_FOUND; POSTBOX_ERROR_INVALID_TABLE with a reason for each fault.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_verify_table(postbox_client *box,
                                           bool *has_causation_index);

/**
 * Deposits one message outside of a transaction. Its id is postbox_message_id(message). That a
 * message of this id is there already is a success that changes nothing: a dispatched one is
 * not brought back. The message stays the caller's.
 *
 * Errors: POSTBOX_ERROR_INVALID_MESSAGE, POSTBOX_ERROR_ITEM_TOO_LARGE, and those of any
 * request. After a retryable one, deposit the same message again.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_deposit_post(postbox_client *box,
                                           const postbox_message *message);

/**
 * Deposits `count` messages outside of a transaction, 25 a request. Each is stored on its own;
 * one that is there already is a success that changes nothing. The messages stay the caller's.
 *
 * Errors: POSTBOX_ERROR_INVALID_MESSAGE or POSTBOX_ERROR_ITEM_TOO_LARGE for the first one that
 * is wrong, with nothing stored; POSTBOX_ERROR_DEPOSIT_INCOMPLETE with a reason for each that
 * could not be stored: depositing all of them again is safe.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_deposit_posts(postbox_client *box,
                                            const postbox_message *const *messages,
                                            size_t count);

/**
 * Deposits one message outside of a transaction, then sends it now, on this thread. `report`
 * as in postbox_clear_outbox.
 *
 * Errors: as postbox_deposit_post and postbox_clear_outbox.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_post(postbox_client *box,
                                   const postbox_message *message,
                                   postbox_report **report);

/**
 * Sends the outstanding messages of these ids now, on this thread, in this order, and marks
 * them dispatched. Messages that are already dispatched are not sent again. One that fails holds back
 * only later ones of its topic and partition key; it stays outstanding, or is parked, as in
 * postbox_sweep.
 *
 * `report` gets what became of each message; the caller frees it with postbox_report_free. With
 * `report` NULL, a message that failed is an error instead: POSTBOX_ERROR_CLEAR_INCOMPLETE,
 * with a reason for each.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_clear_outbox(postbox_client *box,
                                           const char *const *ids,
                                           size_t count,
                                           postbox_report **report);

/**
 * Marks messages dispatched without sending them: for a host that sends them itself. An earlier
 * dispatch time stays. `report` as in postbox_clear_outbox.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_mark_dispatched(postbox_client *box,
                                              const char *const *ids,
                                              size_t count,
                                              postbox_report **report);

/**
 * Tells what became of a message that its producer had accepted: POSTBOX_SEND_SENT, and it is
 * marked dispatched; POSTBOX_SEND_RETRY, which counts as a failed attempt, and it is sent again;
 * POSTBOX_SEND_REJECT, and it is parked.
 * `reason`, which may be NULL, says why. Any thread may call it, from inside a producer too.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT for another outcome, or for an unknown id that is said
 * to be sent; POSTBOX_ERROR_MARK_INCOMPLETE: it could not be marked and stays outstanding.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_confirm(postbox_client *box,
                                      const char *id,
                                      postbox_send_outcome outcome,
                                      const char *reason);

/**
 * Reads the message of this id as it is in the outbox, consistently. `message` gets it, NULL if
 * there is none; the caller frees it with postbox_message_free.
 *
 * Errors: POSTBOX_ERROR_MALFORMED_ITEM, naming the attribute.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_get_message(postbox_client *box,
                                          const char *id,
                                          postbox_message **message);

/**
 * Reads one item of any table, consistently. `key` is DynamoDB JSON: {"Name": {"S": "Ada"}}.
 * `item` gets the item as DynamoDB JSON, NULL if there is none; the caller frees it with
 * postbox_string_free.
 *
 * Errors: POSTBOX_ERROR_INVALID_JSON, saying where; POSTBOX_ERROR_TABLE_NOT_FOUND.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_get_item(postbox_client *box,
                                       const char *table,
                                       const char *key,
                                       char **item);

/**
 * Runs one operation of DynamoDB's by name on the embedded database, with its request and answer
 * as JSON: for what a program sets up in development, such as its own tables ("CreateTable").
 * `answer`, which may be NULL, gets the answer; the caller frees it with postbox_string_free.
 *
 * Errors: POSTBOX_ERROR_EMBEDDED_UNAVAILABLE if this Postbox is not on an embedded database;
 * POSTBOX_ERROR_SERVICE_ERROR, POSTBOX_ERROR_TABLE_NOT_FOUND with the text that DynamoDB gives.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_embedded_execute(postbox_client *box,
                                               const char *operation,
                                               const char *request,
                                               char **answer);

/* ============================================================================================
 * Units of work
 * ============================================================================================ */

/**
 * Begins a unit of work. Nothing is written before postbox_unit_of_work_commit. NULL only for a
 * NULL `box`; functions on a NULL unit fail with POSTBOX_ERROR_NULL_ARGUMENT. The caller frees
 * it with postbox_unit_of_work_free, before or after the Postbox.
 */
POSTBOX_API postbox_unit_of_work *postbox_unit_of_work_begin(postbox_client *box);

/**
 * Reads one item of any table now, consistently, as postbox_get_item does. To be sure that it
 * has not changed by the commit, add a condition.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_get_item(postbox_unit_of_work *work,
                                                    const char *table,
                                                    const char *key,
                                                    char **item);

/**
 * Adds: put this item, whatever was there. `item`: {"Name": {"S": "Ada"}}.
 *
 * The second put into a table whose key Postbox does not know yet asks DynamoDB for it, to tell
 * whether both are on the same item; that may block, and give POSTBOX_ERROR_TABLE_NOT_FOUND.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_put(postbox_unit_of_work *work,
                                               const char *table,
                                               const char *item);

/**
 * Adds: update one item. `update`: {"TableName": ..., "Key": ..., "UpdateExpression": ...,
 * "ConditionExpression": ..., "ExpressionAttributeNames": ..., "ExpressionAttributeValues": ...,
 * "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}; all but the first three may be left out.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_update(postbox_unit_of_work *work,
                                                  const char *update);

/**
 * Adds: delete the item of this key, if it is there. `key`: {"Name": {"S": "Ada"}}.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_delete(postbox_unit_of_work *work,
                                                  const char *table,
                                                  const char *key);

/**
 * Adds: commit only if a condition holds for an item that the unit does not write. `check`:
 * {"TableName": ..., "Key": ..., "ConditionExpression": ...}, and the rest as for an update.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_condition_check(postbox_unit_of_work *work,
                                                           const char *check);

/**
 * Adds any action, as in the list of aws dynamodb transact-write-items --transact-items:
 * {"Put": {"TableName": ..., "Item": ..., "ConditionExpression": ...}}, or "Update", "Delete",
 * "ConditionCheck".
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_add(postbox_unit_of_work *work,
                                               const char *action);

/**
 * Adds: deposit this message in the outbox. Keep postbox_message_id(message) for
 * postbox_clear_outbox after the commit. The message stays the caller's.
 *
 * Errors: POSTBOX_ERROR_INVALID_MESSAGE, and the limits.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_deposit_post(postbox_unit_of_work *work,
                                                        const postbox_message *message);

/**
 * Sends everything in one transaction: all of it takes effect, or none. What is safe to try
 * again is tried again with the same token. An empty unit commits without a request.
 *
 * Errors:
 * - POSTBOX_ERROR_TRANSACTION_CANCELED: nothing was written; the reasons tell, action by
 *   action, why. The unit stays open.
 * - POSTBOX_ERROR_DUPLICATE_MESSAGE: nothing was written; a message id is in the outbox
 *   already, so this command took effect before.
 * - POSTBOX_ERROR_OUTCOME_UNKNOWN: no answer came. Call this again on the same unit: that is
 *   safe for 9 minutes, after which the error is no longer retryable.
 * - Those of any request: nothing was written, and the unit stays open.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_commit(postbox_unit_of_work *work);

/**
 * Closes the unit of work without sending anything; so does freeing it.
 *
 * Errors: POSTBOX_ERROR_OUTCOME_UNKNOWN if a commit had no answer, since then it may have taken effect.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_rollback(postbox_unit_of_work *work);

/**
 * Frees a unit of work; one that was not committed sends nothing. NULL is fine.
 */
POSTBOX_API void postbox_unit_of_work_free(postbox_unit_of_work *work);

/* ============================================================================================
 * Sweeping
 * ============================================================================================ */

/**
 * Finds the outstanding messages that are older than "sweep_min_age_ms", oldest first, sends
 * them on this thread and up to "sweep_threads" - 1 more, and marks them dispatched, until none is left that can be sent: of one
 * topic, or of all if `topic` is NULL. It holds Brighter's lease while it does; if another sweeper
 * has it, nothing is done. `result`, which may be NULL, gets what was done.
 *
 * A message that fails counts an attempt, waits for its next one ("dispatch_retry_delay_ms"), and is
 * parked after "max_dispatch_attempts", or at once if its producer rejects it or it cannot be read.
 * Later messages of its topic and partition key wait for it.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_sweep(postbox_client *box,
                                    const char *topic,
                                    postbox_sweep_result *result);

/**
 * Starts the sweeper: a thread that sweeps all topics, as postbox_sweep does, at once and then
 * every "sweep_interval_ms", survives every error and logs it. Producers are called on that
 * thread and, for other topics at the same time, on up to `sweep_threads` - 1 more.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if it is running already.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_start_sweeper(postbox_client *box);

/**
 * Stops the sweeper after what it is sending, and waits "close_timeout_ms" for it at most.
 * Without one running, does nothing. postbox_close and postbox_free stop it too.
 *
 * Errors: POSTBOX_ERROR_TIMEOUT: a producer has not returned; the sweeper stops when it does.
 * Call this again to wait longer; until it has stopped, it cannot be started again.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_stop_sweeper(postbox_client *box);

/* ============================================================================================
 * Lists of messages
 * ============================================================================================ */

/**
 * Lists about `limit` messages of a postbox_state, of one topic or of all if `topic` is NULL,
 * beginning at `cursor`: NULL, or what postbox_page_next of the page before gave, with the same
 * state and topic. A page may hold fewer, even none, and not be the last. The index lags behind
 * the table a little. Parked messages are in no index: listing them reads the whole table. The
 * caller frees the page with postbox_page_free.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown state or a cursor that no page of this
 * list gave.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_list_messages(postbox_client *box,
                                            postbox_state state,
                                            const char *topic,
                                            uint32_t limit,
                                            const char *cursor,
                                            postbox_page **page);

/**
 * How many messages the page has. 0 for NULL.
 */
POSTBOX_API size_t postbox_page_count(const postbox_page *page);

/**
 * A message of the page, `index` from 0; NULL for one that is not there. It belongs to the page
 * and is valid until that is freed.
 */
POSTBOX_API
const postbox_message *postbox_page_message(const postbox_page *page,
                                                   size_t index);

/**
 * How many messages of the page could not be read. 0 for NULL.
 */
POSTBOX_API size_t postbox_page_malformed_count(const postbox_page *page);

/**
 * The id of a message that could not be read, `index` from 0; "" for one that is not there.
 * `why`, which may be NULL, gets the reason. Both are valid until the page is freed.
 */
POSTBOX_API
const char *postbox_page_malformed(const postbox_page *page,
                                   size_t index,
                                   const char **why);

/**
 * Where the next page begins, to keep or to give to postbox_list_messages, in another process too; NULL
 * after the last one, and for NULL. Valid until the page is freed.
 */
POSTBOX_API
const char *postbox_page_next(const postbox_page *page);

/**
 * Frees a page and its messages. NULL is fine.
 */
POSTBOX_API void postbox_page_free(postbox_page *page);

/* ============================================================================================
 * Unparking and replaying
 * ============================================================================================ */

/**
 * Releases a parked message: it is outstanding again, with no failed attempts.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if it is not parked.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unpark(postbox_client *box, const char *id);

/**
 * Makes messages outstanding again, dispatched or parked, with no failed attempts, so that the
 * next sweep or clear sends them: POSTBOX_OUTCOME_REPLAYED. `report` as in postbox_clear_outbox.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_replay(postbox_client *box,
                                     const char *const *ids,
                                     size_t count,
                                     postbox_report **report);

/**
 * Replays every message with this causation id, as the index shows them; none is a success.
 * `report` as in postbox_clear_outbox.
 *
 * Errors: POSTBOX_ERROR_INVALID_TABLE if the table lacks the index Causation.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_replay_causation(postbox_client *box,
                                               const char *causation_id,
                                               postbox_report **report);

/* ============================================================================================
 * Archiving
 * ============================================================================================ */

/**
 * Hands every message that was dispatched longer than "archive_min_age_ms" ago to `archive`, on
 * this thread, and deletes those that it kept. Never touches one that is not dispatched. It holds
 * Brighter's lease of archivers while it does. `result`, which may be NULL, gets what was done.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_archive(postbox_client *box,
                                      postbox_archive_callback archive,
                                      void *data,
                                      postbox_archive_result *result);

/**
 * postbox_archive into a file: one message a line, as DynamoDB JSON of its item. The file is made if
 * it is missing, for its owner only, appended to, and on the disk before a message is deleted.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the file cannot be opened.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_archive_to_file(postbox_client *box,
                                              const char *path,
                                              postbox_archive_result *result);

/**
 * Starts the archiver: a thread that does what postbox_archive does at once and then every
 * "archive_interval_ms", survives every error and logs it. `release`, which may be NULL, is
 * called once with `data` when the archiver has ended, before postbox_stop_archiver returns
 * NULL. If this function fails, `release` is not called.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if it is running already.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_start_archiver(postbox_client *box,
                                             postbox_archive_callback archive,
                                             void *data,
                                             postbox_release_callback release);

/**
 * postbox_start_archiver into a file, as postbox_archive_to_file.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_start_archiver_to_file(postbox_client *box,
                                                     const char *path);

/**
 * Stops the archiver, as postbox_stop_sweeper does the sweeper.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_stop_archiver(postbox_client *box);

/* ============================================================================================
 * Counts and statistics
 * ============================================================================================ */

/**
 * How many messages are outstanding, of one topic or of all if `topic` is NULL, and since when.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_count_outstanding(postbox_client *box,
                                                const char *topic,
                                                postbox_outstanding_count *result);

/**
 * What this Postbox has done since it was opened. Makes no request, and works after
 * postbox_close too.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_get_stats(postbox_client *box,
                                        postbox_stats *stats);

/**
 * The same as one JSON object, with the last sweep, the last error and the state of the breakers
 * by topic. The caller frees it with postbox_string_free.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_stats_json(postbox_client *box, char **json);

/* ============================================================================================
 * Reports
 * ============================================================================================ */

/**
 * How many messages the report has. 0 for NULL.
 */
POSTBOX_API size_t postbox_report_count(const postbox_report *report);

/**
 * How many of them need care: outcomes from POSTBOX_OUTCOME_NOT_FOUND up. 0 for NULL.
 */
POSTBOX_API size_t postbox_report_failure_count(const postbox_report *report);

/**
 * The id of a message, `index` from 0; "" for one that is not there. Valid until the report is freed.
 */
POSTBOX_API
const char *postbox_report_id(const postbox_report *report,
                              size_t index);

/**
 * What became of a message; POSTBOX_OUTCOME_NOT_FOUND for one that is not there.
 */
POSTBOX_API
postbox_outcome postbox_report_outcome(const postbox_report *report,
                                       size_t index);

/**
 * Why, where there is more to say; else "". Valid until the report is freed.
 */
POSTBOX_API const char *postbox_report_detail(const postbox_report *report, size_t index);

/**
 * Frees a report. NULL is fine.
 */
POSTBOX_API void postbox_report_free(postbox_report *report);

/* ============================================================================================
 * Logging
 * ============================================================================================ */

/**
 * Sends the log messages of all Postboxes of the process, up to `level`, to `callback`, in place
 * of an earlier one; NULL turns logging off, and the other arguments are not used then. `release`,
 * which may be NULL, is called with `data` when the callback has been replaced and no call of it
 * is under way, by whichever thread that is. If this function fails, `release` is not called.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown level, or when the program has
 * installed a subscriber of the Rust crate `tracing` of its own, which gets the messages then.
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
 * Frees a string that Postbox gave to the caller to own. NULL is fine.
 *
 * Thread safety: any thread.
 */
POSTBOX_API void postbox_string_free(char *string);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* POSTBOX_H */
