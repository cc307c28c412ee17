/*
 * postbox.h: a transactional outbox on Amazon DynamoDB, with a synchronous (blocking) API.
 *
 * Messages that are committed with your data are sent at least once, or parked if they cannot be
 * sent. Messages that are rolled back are never sent.
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
 *     postbox_item *person = postbox_item_new();
 *     postbox_unit_of_work *work = postbox_unit_of_work_begin(client);
 *     if ((err = postbox_message_new("greeting.made", body, body_length, &message)) ||
 *         (err = postbox_item_set_string(person, "Name", "Ada")) ||
 *         (err = postbox_unit_of_work_put_item(work, "People", person, NULL)) ||
 *         (err = postbox_unit_of_work_deposit_post(work, message)) ||
 *         (err = postbox_unit_of_work_commit(work)))          // all or nothing
 *         return fail(err);
 *
 *     const char *id = postbox_message_id(message);
 *     err = postbox_clear_outbox(client, &id, 1, NULL, NULL);          // send the message now
 *
 * examples/c/greetings.c is the complete program.
 *
 * Terms:
 *
 * - Outbox: the DynamoDB table that stores messages until they are sent.
 * - Outstanding: a stored message that is neither marked as sent nor parked. Dispatched: a message
 *   that was sent and marked. Parked: a message that failed too often, was rejected or cannot be
 *   read, and that is not sent again until it is released.
 * - Clear: to send messages right after their commit, on the calling thread.
 * - Sweep: to find and send the outstanding messages that nobody cleared, for example because the
 *   process that committed them crashed. Any process can sweep.
 * - Producer: the callback that sends a message. Route: a setting that sends the messages of a
 *   topic to SNS or SQS without a callback. Transport: the service to which a producer sends.
 * - Lease: the right to sweep, or to archive, for a limited time. Leases are stored in a second
 *   DynamoDB table, the lock table, so that only one process at a time sweeps the same messages.
 * - Shard: a part of the messages of a topic. Postbox stores all messages with the same partition
 *   key in the same shard. The setting "number_of_shards" sets the number of shards of each topic.
 * - Circuit breaker: after "breaker_threshold" consecutive failures in a topic, postbox_clear_outbox
 *   leaves the messages of that topic to the sweep for a limited time.
 *
 * Conventions, for every function that does not say otherwise:
 *
 * - Errors. A function that can fail returns a postbox_error, which the caller owns and must free,
 *   or NULL for success. Out-parameters are written on success only. Every handle is still usable
 *   after an error. If a function fails before it sends a request, it has changed nothing. An operation
 *   may have taken effect despite POSTBOX_ERROR_OUTCOME_UNKNOWN, POSTBOX_ERROR_TIMEOUT or
 *   POSTBOX_ERROR_UNREACHABLE. An error whose name ends in _INCOMPLETE means that the operation
 *   failed for at least one message and may have succeeded for others. If the function takes several
 *   messages, the reasons of the error name those that failed.
 * - Request errors. Each function that sends a request to DynamoDB can fail with
 *   POSTBOX_ERROR_TABLE_NOT_FOUND, POSTBOX_ERROR_NO_AWS_CONFIG, POSTBOX_ERROR_ACCESS_DENIED,
 *   POSTBOX_ERROR_THROTTLED, POSTBOX_ERROR_UNREACHABLE, POSTBOX_ERROR_TIMEOUT or
 *   POSTBOX_ERROR_SERVICE_ERROR. Each function on a client or a unit of work can fail with
 *   POSTBOX_ERROR_CLOSED, POSTBOX_ERROR_FORKED or POSTBOX_ERROR_REENTRANT_CALL. The functions
 *   below usually list only their other errors.
 * - Ownership. The caller owns every handle that it receives from a _new, _begin or _open function
 *   or through an out-parameter, and must free each handle exactly once with the matching _free
 *   function. Calling a _free function with NULL does nothing. It is undefined behaviour to free a
 *   handle twice, to use a freed handle, or to free a handle during a call that uses it; only a
 *   cancel token may be freed during a call. Handles may be freed in any order. A function copies
 *   the strings, bytes and messages that it receives, so the caller may change or free them as soon
 *   as the function returns.
 * - NULL. A function fails with POSTBOX_ERROR_NULL_ARGUMENT if a required pointer is NULL.
 * - Strings. A string argument is NUL-terminated UTF-8; any other encoding fails with
 *   POSTBOX_ERROR_INVALID_UTF8. A returned const char * belongs to a handle, and is valid until
 *   that handle is changed or freed. A returned char * belongs to the caller, who frees it with
 *   postbox_string_free.
 * - Threads. Every function may be called on any thread. Several threads may use the same handle at
 *   the same time, with two exceptions. A postbox_unit_of_work belongs to one thread at a time, and
 *   a second thread receives POSTBOX_ERROR_CONCURRENT_USE. While a thread uses a string or a body
 *   that belongs to a postbox_message or a postbox_config, no other thread may change that handle.
 * - Blocking. A function that sends a request to DynamoDB waits for the response. The setting
 *   "operation_timeout_ms" limits the time of each operation, including its retries. On a unit of
 *   work, only postbox_unit_of_work_read_item, postbox_unit_of_work_put_item,
 *   postbox_unit_of_work_get_item, postbox_unit_of_work_put, postbox_unit_of_work_add and
 *   postbox_unit_of_work_commit can send a request. The functions whose names end in _async start an
 *   operation, return without waiting, and pass the result to a callback.
 * - Defects. No Rust panic reaches the caller. A defect in Postbox is reported as
 *   POSTBOX_ERROR_INTERNAL.
 *
 * The process that uses the library:
 *
 * - Threads of the library. Each client has a thread named postbox-runtime. Sweepers, archivers and
 *   sweeps of several topics have further threads, whose names begin with "postbox-". The first
 *   operation that is started adds the thread postbox-completion, which calls the callbacks of such
 *   operations. Operations of several requests run on up to 128 threads named postbox-call. Each of these
 *   threads has a stack of 8 MB, because it may call producers, archive callbacks and log callbacks.
 * - Stack of the caller. A call needs at most 128 KB of stack, plus the stack of the callbacks that
 *   run during the call. With musl, a thread has only 128 KB by default, so give it a larger stack if
 *   it runs callbacks or needs much stack itself. Debug builds need up to 400 KB.
 * - Signals. The library installs no signal handler. Its threads block all signals except those that
 *   report an error of the thread itself, such as SIGSEGV, so that the handlers of the program run
 *   on threads of the program. A signal handler may call postbox_cancel_token_cancel and
 *   postbox_cancel_token_is_canceled, and no other function. A program that has no handler for
 *   SIGTERM ends like a program that crashes: no message is lost, and its leases end after
 *   "lease_duration_ms". To shut down cleanly, block SIGTERM and SIGINT before postbox_open, wait with
 *   sigwait on one thread, and then call postbox_close.
 * - Fork. A child process can open its own client at any time, even if other threads of the parent
 *   were in calls when the process was forked. If a child that was forked in a callback returns
 *   from it, the call fails with POSTBOX_ERROR_FORKED in the child, which calls no further producer. A
 *   child that was forked on a thread of the library ends together with that thread.
 * - Cancellation. pthread_cancel does not end a thread during a call to the library, including the
 *   callbacks that run during this call. The thread is canceled after the call has returned.
 * - Memory. If the system has no memory left, the process is aborted.
 * - Limits. If a thread cannot be started, a function fails with POSTBOX_ERROR_NO_RESOURCES, and the
 *   error is retryable. A daemon that closes all file descriptors must do so before its first
 *   postbox_open. If it closes them after that, the next postbox_open fails with
 *   POSTBOX_ERROR_NO_RESOURCES. In this case, the error is not retryable.
 * - Child processes. The library starts a child process only for credential_process in the AWS
 *   profile. This fails while your program ignores SIGCHLD, or if your program reaps this child, for
 *   example with waitpid(-1, ...).
 * - End of the process. A process may end at any time. Functions that are registered with atexit may
 *   call postbox_close and postbox_free. If they call functions that send a request, these fail with
 *   POSTBOX_ERROR_REENTRANT_CALL. A callback that calls exit must call postbox_close_within with a
 *   timeout of 0 before, so that leases are released.
 * - Static linking. libpostbox.a contains SQLite and the Rust standard library with their symbols. A
 *   program that also uses SQLite or another static library in Rust must use the shared library,
 *   which hides these symbols.
 *
 * Generated from src/ffi by build.rs; do not edit.
 */

#ifndef POSTBOX_H
#define POSTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of this header. postbox_version() returns the version of the loaded library. */
#define POSTBOX_VERSION_MAJOR 0
#define POSTBOX_VERSION_MINOR 1
#define POSTBOX_VERSION_PATCH 0
#define POSTBOX_VERSION "0.1.0"

/**
 * The time 1970-01-01T00:00:00Z in ticks. A tick is 100 nanoseconds, and ticks are counted from
 * 0001-01-01T00:00:00Z, as in .NET and in the outbox table. A Unix time in seconds, times 10,000,000,
 * plus this number, is a time in ticks.
 */
#define POSTBOX_UNIX_EPOCH_TICKS INT64_C(621355968000000000)

/** Marks a function that the library exports. On Windows, define POSTBOX_STATIC to link the static library. */
#if defined(_WIN32) && !defined(POSTBOX_STATIC)
#define POSTBOX_API __declspec(dllimport)
#elif defined(__GNUC__)
#define POSTBOX_API __attribute__((visibility("default")))
#else
#define POSTBOX_API
#endif

/** Makes the compiler warn if a caller ignores a returned error, which would leak. */
#if defined(__GNUC__)
#define POSTBOX_MUST_CHECK __attribute__((warn_unused_result))
#else
#define POSTBOX_MUST_CHECK
#endif

/**
 * Declares an enum whose values are passed as int32_t. A later version of the library can add values,
 * so a program must accept values that it does not know.
 */
#if defined(__cplusplus)
#define POSTBOX_ENUM(name) enum name : int32_t
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
#define POSTBOX_ENUM(name) typedef enum name : int32_t name; enum name : int32_t
#else
#define POSTBOX_ENUM(name) typedef int32_t name; enum name
#endif

/**
 * The kind of an error. The meaning of a number never changes. Later versions may add codes, so a program should treat
 * an unknown code as an internal error.
 */
POSTBOX_ENUM(postbox_code)
{
    /**
     * No error: the code that is returned for a `NULL` error (not used in the Rust API).
     */
    POSTBOX_ERROR_NONE = 0,
    /**
     * An argument is invalid.
     */
    POSTBOX_ERROR_INVALID_ARGUMENT = 1,
    /**
     * A required pointer is `NULL` (not used in the Rust API).
     */
    POSTBOX_ERROR_NULL_ARGUMENT = 2,
    /**
     * A string is not valid UTF-8 (not used in the Rust API).
     */
    POSTBOX_ERROR_INVALID_UTF8 = 3,
    /**
     * A message cannot be deposited: it has no topic, an invalid header, or a body that does not match its encoding.
     */
    POSTBOX_ERROR_INVALID_MESSAGE = 4,
    /**
     * DynamoDB JSON is malformed or has the wrong structure. The error text says where the problem is.
     */
    POSTBOX_ERROR_INVALID_JSON = 5,
    /**
     * The name of a setting or header field is unknown. The error text lists similar names.
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
     * The unit of work was committed or rolled back, or the outcome of its commit is unknown. No more actions can be
     * added to it. After an unknown outcome, `commit` can be called again.
     */
    POSTBOX_ERROR_UNIT_OF_WORK_CLOSED = 30,
    /**
     * The client was closed.
     */
    POSTBOX_ERROR_CLOSED = 31,
    /**
     * The process was forked after the client was opened. Open a new client in the child process.
     */
    POSTBOX_ERROR_FORKED = 32,
    /**
     * The handle is in use by another thread.
     */
    POSTBOX_ERROR_CONCURRENT_USE = 33,
    /**
     * The call would deadlock. It was made in a log callback of the same client, or while the calling thread ends, for
     * example in a function that is registered with `atexit`. For `close`: it was called in a producer or an archive.
     */
    POSTBOX_ERROR_REENTRANT_CALL = 34,
    /**
     * DynamoDB canceled the transaction and wrote nothing. The error has a reason for each action that failed.
     */
    POSTBOX_ERROR_TRANSACTION_CANCELED = 40,
    /**
     * A message id of the unit of work already exists in the outbox. Nothing was written.
     */
    POSTBOX_ERROR_DUPLICATE_MESSAGE = 41,
    /**
     * Postbox received no conclusive response to any attempt at the commit, so the transaction may or may not have
     * taken effect. Call `commit` again on the same unit of work to find out.
     */
    POSTBOX_ERROR_OUTCOME_UNKNOWN = 42,
    /**
     * Some messages that were passed to a call could not be sent, marked dispatched or replayed. The error has a
     * reason for each of these messages.
     */
    POSTBOX_ERROR_CLEAR_INCOMPLETE = 50,
    /**
     * Some messages of a bulk deposit could not be stored. The error has a reason for each of these messages.
     */
    POSTBOX_ERROR_DEPOSIT_INCOMPLETE = 51,
    /**
     * Some outcomes could not be recorded after the program had confirmed them, or the client was closed before all
     * sent messages were marked dispatched. If the function takes several messages, the error has a reason for
     * each message that was not recorded.
     */
    POSTBOX_ERROR_MARK_INCOMPLETE = 52,
    /**
     * More messages are outstanding than `max_outstanding` allows. Nothing was deposited.
     */
    POSTBOX_ERROR_OUTBOX_LIMIT_REACHED = 53,
    /**
     * The table does not exist.
     */
    POSTBOX_ERROR_TABLE_NOT_FOUND = 60,
    /**
     * The table exists but is not a valid outbox table. The error has a reason for each problem.
     */
    POSTBOX_ERROR_INVALID_TABLE = 61,
    /**
     * No AWS credentials or no AWS region was found.
     */
    POSTBOX_ERROR_NO_AWS_CONFIG = 62,
    /**
     * AWS rejected the credentials, or the credentials lack a permission.
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
     * DynamoDB rejected the request for another reason. The error text contains the error code and message that
     * DynamoDB returned.
     */
    POSTBOX_ERROR_SERVICE_ERROR = 67,
    /**
     * A stored item cannot be read as a message. The error text names the attribute.
     */
    POSTBOX_ERROR_MALFORMED_ITEM = 68,
    /**
     * The embedded database could not be opened or is not compiled in.
     */
    POSTBOX_ERROR_EMBEDDED_UNAVAILABLE = 69,
    /**
     * A thread could not be started because the process or the machine has reached a limit, or the process has closed
     * the file descriptors of Postbox. The code also means that nothing was written because the disk of the embedded
     * database is full. Repeat the call when resources are free again. If descriptors were closed, the error is not
     * retryable.
     */
    POSTBOX_ERROR_NO_RESOURCES = 70,
    /**
     * The program canceled the operation while it waited for DynamoDB. A write may or may not have taken effect.
     */
    POSTBOX_ERROR_CANCELED = 71,
    /**
     * A defect in Postbox. Please report it.
     */
    POSTBOX_ERROR_INTERNAL = 99,
};

/**
 * The outcome of one message that was passed to a call. The meaning of a number never changes.
 */
POSTBOX_ENUM(postbox_outcome)
{
    /**
     * The message was sent and marked dispatched. If the call only marks messages, the message was marked but not sent
     * by Postbox.
     */
    POSTBOX_OUTCOME_DISPATCHED = 0,
    /**
     * The message was already dispatched and was not sent again.
     */
    POSTBOX_OUTCOME_ALREADY_DISPATCHED = 1,
    /**
     * The producer accepted the message. The program must still confirm whether the message was sent.
     */
    POSTBOX_OUTCOME_ACCEPTED = 2,
    /**
     * Another thread of this process is sending the message, or the message waits for its confirmation.
     */
    POSTBOX_OUTCOME_IN_PROGRESS = 3,
    /**
     * The message was replayed, and is outstanding again.
     */
    POSTBOX_OUTCOME_REPLAYED = 4,
    /**
     * The outbox has no message with this id.
     */
    POSTBOX_OUTCOME_NOT_FOUND = 10,
    /**
     * The message is parked and is not sent until a program or an operator releases it.
     */
    POSTBOX_OUTCOME_PARKED = 11,
    /**
     * The topic has no producer. The message stays outstanding.
     */
    POSTBOX_OUTCOME_NO_PRODUCER = 12,
    /**
     * The producer could not send the message. The message stays outstanding, and a later sweep sends it again or
     * parks it.
     */
    POSTBOX_OUTCOME_FAILED = 13,
    /**
     * The producer rejected the message permanently, and the message is parked.
     */
    POSTBOX_OUTCOME_REJECTED = 14,
    /**
     * The stored item cannot be read as a message. A sweep parks the item if it still cannot be read after a day.
     */
    POSTBOX_OUTCOME_MALFORMED = 15,
    /**
     * The table could not be read, so the message was not sent. The message stays outstanding.
     */
    POSTBOX_OUTCOME_READ_FAILED = 16,
    /**
     * The message could not be marked dispatched after it was sent, or could not be replayed. A message that was sent
     * and not marked stays outstanding and may be sent again.
     */
    POSTBOX_OUTCOME_MARK_FAILED = 17,
    /**
     * The message was not tried. Either an earlier message with the same topic and partition key could not be sent, or
     * the message itself waits for its next attempt, or too many messages of its topic wait for their confirmations,
     * or messages that were sent cannot be marked dispatched. The detail of the outcome names the reason.
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
     * The transport confirmed that it received the message. The message is marked dispatched.
     */
    POSTBOX_SEND_SENT = 0,
    /**
     * The producer handed the message over, but the transport has not yet confirmed that it received the
     * message. The program must call postbox_confirm when it knows the outcome. Until then the message
     * stays outstanding.
     */
    POSTBOX_SEND_ACCEPTED = 1,
    /**
     * Sending failed, and the cause may be the transport or the message. The message stays
     * outstanding. A later sweep sends it again or parks it; see postbox_sweep.
     */
    POSTBOX_SEND_RETRY = 2,
    /**
     * The message can never be sent, for example because it is too large, not permitted or malformed.
     * The message is parked without further attempts. Exception: if three or more messages of a topic
     * are rejected with the same reason and none is sent, they are tried again; see postbox_sweep.
     */
    POSTBOX_SEND_REJECT = 3,
    /**
     * The transport cannot send any message at present, for example because a server is down. The
     * message stays outstanding, and a sweep tries to send it later.
     */
    POSTBOX_SEND_UNAVAILABLE = 4,
    /**
     * The message was not handed to the transport, for example because the producer was asked to stop.
     * Nothing is written: the message stays outstanding, no attempt is counted, and later messages of
     * its topic and partition key are held back. A message for which a batch callback sets no result
     * has this outcome.
     */
    POSTBOX_SEND_NOT_TRIED = 5,
};

/**
 * The severity of a log message. A greater number is less severe.
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
 * Whether a sweep or an archiver held its lease.
 */
POSTBOX_ENUM(postbox_lease)
{
    /**
     * The lease was held for the whole run.
     */
    POSTBOX_LEASE_HELD = 0,
    /**
     * Another sweeper or archiver holds the lease. This run did nothing.
     */
    POSTBOX_LEASE_HELD_ELSEWHERE = 1,
    /**
     * The lease was lost during the run, and the run stopped.
     */
    POSTBOX_LEASE_LOST = 2,
    /**
     * The lock table could not be used, for example because access to it was denied. In this case,
     * a sweep sends nothing unless "sweep_without_lease" is set. An archiver runs in any case, without
     * the lease.
     */
    POSTBOX_LEASE_UNAVAILABLE = 3,
};

/**
 * The state of a stored message.
 */
POSTBOX_ENUM(postbox_state)
{
    /**
     * The message is neither marked as sent nor parked. It may already have been sent.
     */
    POSTBOX_STATE_OUTSTANDING = 0,
    /**
     * The message was sent and marked.
     */
    POSTBOX_STATE_DISPATCHED = 1,
    /**
     * The message is not sent until it is released, because it failed too often, was rejected or is
     * malformed.
     */
    POSTBOX_STATE_PARKED = 2,
};

/**
 * The type of a value in DynamoDB.
 */
POSTBOX_ENUM(postbox_kind)
{
    /**
     * There is no value: the pointer is NULL.
     */
    POSTBOX_KIND_MISSING = 0,
    /**
     * A string (S).
     */
    POSTBOX_KIND_STRING = 1,
    /**
     * A decimal number of up to 38 digits (N).
     */
    POSTBOX_KIND_NUMBER = 2,
    /**
     * Bytes (B).
     */
    POSTBOX_KIND_BINARY = 3,
    /**
     * True or false (BOOL).
     */
    POSTBOX_KIND_BOOL = 4,
    /**
     * Null (NULL).
     */
    POSTBOX_KIND_NULL = 5,
    /**
     * Values by name (M).
     */
    POSTBOX_KIND_MAP = 6,
    /**
     * Values in order (L).
     */
    POSTBOX_KIND_LIST = 7,
    /**
     * Different strings (SS).
     */
    POSTBOX_KIND_STRING_SET = 8,
    /**
     * Different numbers (NS).
     */
    POSTBOX_KIND_NUMBER_SET = 9,
    /**
     * Different byte strings (BS).
     */
    POSTBOX_KIND_BINARY_SET = 10,
};

/**
 * A request to end running calls early. Pass a token to postbox_clear_outbox, postbox_sweep,
 * postbox_archive or postbox_archive_to_file, and call postbox_cancel_token_cancel on another thread, in
 * a producer or archive, or in a signal handler. The calls that use the token finish their current
 * calls to producers and archives, mark the messages that were sent, give back their leases, and
 * return. Cancellation is not an error, with one exception: if messages were skipped and `report` is
 * NULL, postbox_clear_outbox fails with POSTBOX_ERROR_CLEAR_INCOMPLETE.
 *
 * Any number of calls may use one token at the same time.
 */
typedef struct postbox_cancel_token postbox_cancel_token;

/**
 * An open connection to an outbox. A program opens one client and shares it between its threads.
 *
 * Any number of threads may call functions on one client at the same time. After fork(), calls on the
 * inherited client fail with POSTBOX_ERROR_FORKED in the child process, which must open a client of
 * its own. The child may free the inherited client and its units of work. This does not affect the
 * parent process, and does not call any postbox_release_callback.
 */
typedef struct postbox_client postbox_client;

/**
 * The settings and producers with which postbox_open opens a client. CONFIGURATION.md lists the
 * settings. Opening a client does not change the configuration, so one configuration can open
 * several clients.
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
 * The functions on errors accept NULL, which means success. Any number of threads may read an
 * error.
 */
typedef struct postbox_error postbox_error;

/**
 * A lease that the program has obtained with postbox_obtain_lease. Any number of threads may use it.
 *
 * ```c
 * postbox_held_lease *lease = NULL;
 * if ((err = postbox_obtain_lease(client, "nightly-report", 60000, &lease)))
 *     return fail(err);
 * for (bool held = lease != NULL; held && do_some_work();)
 *     if ((err = postbox_held_lease_renew(lease, &held)))
 *         break;
 * postbox_held_lease_free(lease);
 * ```
 */
typedef struct postbox_held_lease postbox_held_lease;

/**
 * An item of a DynamoDB table, the key of an item, or the names or values of an expression. A program
 * builds it attribute by attribute, or reads it value by value.
 *
 * ```c
 * postbox_item *person = postbox_item_new();
 * postbox_error *err;
 * if ((err = postbox_item_set_string(person, "Name", "Ada")) ||
 *     (err = postbox_item_set_int64(person, "Age", 36)) ||
 *     (err = postbox_item_begin(person, "Languages", POSTBOX_KIND_LIST)) ||
 *     (err = postbox_item_set_string(person, NULL, "English")) ||
 *     (err = postbox_item_end(person)) ||
 *     (err = postbox_unit_of_work_put_item(work, "People", person, NULL)))
 *     goto failed;
 * ```
 *
 * An attribute that is set again is replaced. A value that DynamoDB cannot store is rejected when it is
 * set, with POSTBOX_ERROR_INVALID_ARGUMENT and its path inside the item, and the item is unchanged: a
 * number of more than 38 digits or out of range, an empty name, an empty set, a set with values of
 * different kinds, more than 32 nested lists and maps.
 *
 * Any number of threads may read an item at the same time. While one thread changes an item, the calls of
 * other threads on this item fail with POSTBOX_ERROR_CONCURRENT_USE, and postbox_item_get and
 * postbox_item_value return NULL.
 *
 * The functions that read and write items of tables exist in two forms:
 *
 * - with postbox_item: postbox_read_item, postbox_unit_of_work_read_item, postbox_unit_of_work_put_item,
 *   postbox_unit_of_work_update_item, postbox_unit_of_work_delete_item, postbox_unit_of_work_check_item and
 *   postbox_error_reason_read_item. The expressions of an action are a postbox_expression.
 * - with DynamoDB JSON as a string, for programs that have JSON already: postbox_get_item,
 *   postbox_unit_of_work_get_item, postbox_unit_of_work_put, postbox_unit_of_work_update,
 *   postbox_unit_of_work_delete, postbox_unit_of_work_condition_check, postbox_unit_of_work_add and
 *   postbox_error_reason_item.
 */
typedef struct postbox_item postbox_item;

/**
 * A message, with named header fields and a body of bytes. CONFIGURATION.md lists the fields. A
 * deposit copies the message, so the caller can change, deposit again or free the message afterwards.
 */
typedef struct postbox_message postbox_message;

/**
 * An operation that was started. The handle is needed only to cancel the operation. Any number of threads
 * may use it.
 */
typedef struct postbox_operation postbox_operation;

/**
 * A page of stored messages, from postbox_list_messages or postbox_get_messages. Any number of threads may read a page.
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
 * The outcomes of the messages of one call to postbox_clear_outbox, postbox_post,
 * postbox_mark_dispatched, postbox_replay or postbox_replay_causation. If the function receives
 * ids, the outcomes are in the order of the ids, and an id that was passed twice has one outcome. Any number of threads may read a report.
 */
typedef struct postbox_report postbox_report;

/**
 * The result of an operation that was started. The function that starts the operation documents what
 * its result contains. The functions that take a part out of the result return NULL if the result has
 * no such part, if the message or item does not exist, or if the part was already taken. The caller owns
 * the part that it has taken.
 */
typedef struct postbox_result postbox_result;

/**
 * A selection of stored messages, for postbox_select_messages and postbox_count_messages. A new
 * selection contains all messages. Its parts are set by name:
 *
 * - "topic": only messages of this topic.
 * - "without_topic": no messages of this topic. Set it once for each topic, for up to 100 topics.
 * - "older_than_ms": only messages that are not younger than this age. The age of a dispatched message
 *   is the time since its dispatch, and that of any other message the time since its creation.
 * - "younger_than_ms": only messages that are not older than this age.
 * - "limit": the maximum number of messages, at least 1. It is 100 per page of a list unless it is set.
 *   A count has no maximum unless it is set, and ends when it reaches the maximum.
 * - "cursor": the result of postbox_page_next for the previous page of a list.
 *
 * ```c
 * postbox_selection *late = postbox_selection_new();
 * uint64_t count = 0;
 * if ((err = postbox_selection_set(late, "older_than_ms", "60000")) ||
 *     (err = postbox_selection_set(late, "without_topic", "bills")) ||
 *     (err = postbox_count_messages(client, POSTBOX_STATE_OUTSTANDING, late, &count)))
 *     goto failed;
 * ```
 */
typedef struct postbox_selection postbox_selection;

/**
 * The results of the messages of one call to a postbox_send_batch_callback. Each message starts with
 * POSTBOX_SEND_NOT_TRIED. The results belong to the library and are valid until the callback returns.
 */
typedef struct postbox_send_results postbox_send_results;

/**
 * A DynamoDB transaction that collects the caller's writes and the messages that belong to these
 * writes. Either all writes and messages take effect, or none. Only one thread at a time may use a
 * unit of work: if two threads call it at the same time, one call fails with
 * POSTBOX_ERROR_CONCURRENT_USE.
 *
 * An action that would exceed a limit of DynamoDB is rejected when it is added, and the unit of work
 * stays unchanged. The limit errors are POSTBOX_ERROR_TOO_MANY_ACTIONS (more than 100 actions),
 * POSTBOX_ERROR_ITEM_TOO_LARGE (an item over 400 KB), POSTBOX_ERROR_TRANSACTION_TOO_LARGE (over 4 MB
 * in total) and POSTBOX_ERROR_DUPLICATE_ITEM (two actions on one item). After a successful commit or
 * rollback, a call fails with POSTBOX_ERROR_UNIT_OF_WORK_CLOSED if it adds an action, commits, or rolls
 * back.
 *
 * Items and keys are passed as a postbox_item, or as DynamoDB JSON, as in the AWS CLI. Malformed JSON fails with
 * POSTBOX_ERROR_INVALID_JSON, whose error text says where the problem is.
 */
typedef struct postbox_unit_of_work postbox_unit_of_work;

/**
 * A value inside a postbox_item, which owns it. A pointer to a value is valid until the item is freed,
 * also if the item is changed. Any number of threads may read a value while no thread changes the item.
 * All functions accept NULL, which is a value of the kind POSTBOX_KIND_MISSING.
 */
typedef struct postbox_value postbox_value;

/**
 * Sends one message and returns a postbox_send_outcome. Any other number counts as
 * POSTBOX_SEND_RETRY.
 *
 * `data` is the pointer that was registered with the callback. `message` is valid during the call;
 * the callback may read it and must not free it. `reason` is a buffer of `reason_size` bytes that
 * contains an empty string. If the callback returns POSTBOX_SEND_RETRY, POSTBOX_SEND_REJECT or
 * POSTBOX_SEND_UNAVAILABLE, it can write the reason into this buffer, as a NUL-terminated string:
 * snprintf(reason, reason_size, "queue %s is full", name).
 *
 * The callback runs on the thread that called postbox_clear_outbox, postbox_post or postbox_sweep,
 * on the sweeper's thread (postbox_start_sweeper), or on one of the additional threads of a sweep. Several
 * threads may call the callback at the same time.
 *
 * The callback may block. It may call any function of Postbox except postbox_free for its own
 * client. If it calls postbox_close or, on a thread of the sweeper, postbox_stop_sweeper, the client is
 * not closed, and the sweeper does not stop, before the callback has returned; see these functions. The
 * callback must return normally: an exception or a longjmp out of it is undefined behaviour.
 */
typedef int32_t (*postbox_send_callback)(void *data,
                                         const postbox_message *message,
                                         char *reason,
                                         size_t reason_size);

/**
 * Releases the `data` of another callback. Postbox calls this function exactly once, after the last
 * call to the other callback. It may run on any thread, even during a call to Postbox. It must not
 * call Postbox, and must return normally. It is not called in a forked child process.
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
 * A message without a result has the outcome POSTBOX_SEND_NOT_TRIED: nothing is written for it,
 * and it stays outstanding. A call receives at least 1 and at most `max_batch` messages, in the
 * order in which they are to be sent. A batch has at most one message for each topic and partition
 * key, and any number of messages without a partition key.
 *
 * `data` is the pointer that was registered with the callback. `messages` and `results` are valid for
 * the duration of the call. The callback may read the messages and must not free them. The callback
 * runs on the same threads, and may call the same functions, as a postbox_send_callback.
 */
typedef void (*postbox_send_batch_callback)(void *data,
                                            const postbox_message *const *messages,
                                            size_t count,
                                            postbox_send_results *results);

/**
 * Receives one log message: its severity, and a line of text that contains no secrets and no message
 * bodies. The text is valid during the call.
 *
 * The callback runs on the thread that logs the message, which can be the client's own thread.
 * Several threads may call the callback at the same time. The client waits for the callback, which
 * should therefore return quickly. The callback must not call Postbox. It must return normally: an
 * exception or a longjmp out of it is undefined behaviour.
 */
typedef void (*postbox_log_callback)(void *data, postbox_log_level level, const char *text);

/**
 * Is called on a thread that waits; see postbox_cancel_token_on_wait. It may call the same functions as a
 * postbox_send_callback, and must return normally: an exception or a longjmp out of it is undefined
 * behaviour.
 */
typedef void (*postbox_wait_callback)(void *data);

/**
 * The expressions of an action. Members that an action does not need are NULL.
 *
 * ```c
 * postbox_item *names = postbox_item_new(), *values = postbox_item_new();
 * if ((err = postbox_item_set_string(names, "#n", "Name")) ||
 *     (err = postbox_item_set_int64(values, ":one", 1)) ||
 *     (err = postbox_unit_of_work_update_item(
 *          work, "People", key,
 *          &(postbox_expression){.update = "ADD Greetings :one", .condition = "attribute_exists(#n)",
 *                                .names = names, .values = values})))
 *     goto failed;
 * ```
 */
typedef struct postbox_expression {
    /**
     * The update expression, for an update only.
     */
    const char *update;
    /**
     * The condition. If it is not met, the commit fails.
     */
    const char *condition;
    /**
     * The names that begin with "#" in the expressions, as strings.
     */
    const postbox_item *names;
    /**
     * The values that begin with ":" in the expressions.
     */
    const postbox_item *values;
    /**
     * Whether the reason of a condition that was not met contains the item. See
     * postbox_error_reason_read_item.
     */
    bool return_item;
} postbox_expression;

/**
 * The result of a sweep: message counts and the status of the lease.
 */
typedef struct postbox_sweep_result {
    /**
     * Outstanding messages older than "sweep_min_age_ms" that the sweep found in the table.
     */
    uint64_t found;
    /**
     * Messages that were sent, or that were accepted by their producer.
     */
    uint64_t dispatched;
    /**
     * Messages that this sweep did not send, because another process had dispatched, parked or
     * deleted them in the meantime.
     */
    uint64_t already_dispatched;
    /**
     * Messages that could not be sent.
     */
    uint64_t failed;
    /**
     * Messages that this sweep did not try to send. They wait for an earlier message with the same
     * partition key, for the end of a retry delay, for the end of a pause of their lane (see
     * postbox_sweep), for their confirmation, or for the next sweep.
     */
    uint64_t held_back;
    /**
     * Whether the sweep held its lease, as a postbox_lease.
     */
    postbox_lease lease;
    /**
     * Always 0; reserved for later versions.
     */
    uint32_t reserved[7];
} postbox_sweep_result;

/**
 * Stores one message durably before the message is deleted from the outbox.
 *
 * Returns 0 if the message was stored. For any other return value the message is not deleted, and
 * the callback can write a reason into the `reason_size` bytes of `reason`, as described for
 * postbox_send_callback. The reason is logged. If a stored message cannot be deleted, a later run
 * passes the message to the callback again.
 *
 * `data` is the pointer that was registered with the callback. `message` is valid during the call;
 * the callback may read it and must not free it. The callback runs on the thread that called
 * postbox_archive, or on the archiver's thread (postbox_start_archiver). The callback may call the
 * functions that a postbox_send_callback may call. If it calls postbox_stop_archiver on the
 * archiver's thread, the archiver does not stop before the callback has returned. The callback must
 * return normally: an exception or a longjmp out of it is undefined behaviour.
 */
typedef int32_t (*postbox_archive_callback)(void *data,
                                            const postbox_message *message,
                                            char *reason,
                                            size_t reason_size);

/**
 * The result of archiving: message counts and the status of the lease.
 */
typedef struct postbox_archive_result {
    /**
     * Messages that the archive stored and that were then deleted from the outbox.
     */
    uint64_t archived;
    /**
     * Messages that were not deleted from the outbox: the archive did not store them, or they
     * could not be read or deleted. The log has the id and the reason of each message.
     */
    uint64_t failed;
    /**
     * Whether the archiver held its lease, as a postbox_lease.
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
     * The age of the oldest outstanding message, in milliseconds, or 0 if no message is outstanding.
     */
    uint64_t oldest_age_ms;
    /**
     * Always 0; reserved for later versions.
     */
    uint64_t reserved[4];
} postbox_outstanding_count;

/**
 * The statistics of a client since it was opened.
 */
typedef struct postbox_stats {
    /**
     * Messages written to the outbox.
     */
    uint64_t deposited;
    /**
     * Messages that were sent and marked. A message that its producer accepted counts when its
     * confirmation is marked.
     */
    uint64_t dispatched;
    /**
     * Failed attempts to send a message.
     */
    uint64_t failed;
    /**
     * Messages that were parked.
     */
    uint64_t parked;
    /**
     * Deposits of messages that already existed, and messages that were not sent again because
     * they were already dispatched.
     */
    uint64_t duplicates_avoided;
    /**
     * Completed sweeps.
     */
    uint64_t sweeps;
    /**
     * Failed runs of the sweeper, of the archiver, or of the background count of outstanding messages.
     */
    uint64_t background_failures;
    /**
     * Topics whose circuit breaker holds back messages of this client.
     */
    uint64_t open_breakers;
    /**
     * The number of outstanding messages at the last count, or UINT64_MAX before the first count.
     * Each call to postbox_count_outstanding for all topics counts the messages. With the setting
     * "max_outstanding", the client also counts them periodically in the background.
     */
    uint64_t outstanding;
    /**
     * Always 0; reserved for later versions.
     */
    uint64_t reserved[7];
} postbox_stats;

/**
 * Receives the result of an operation that was started, with the `data` that was passed with the
 * callback. If the operation failed, `error` describes why, as if the blocking function had returned it,
 * and `result` is NULL. The callback owns both and frees them with postbox_error_free and
 * postbox_result_free.
 *
 * The callback is called once for each operation that was started, even if the operation is canceled or
 * the client is closed. If the function that starts an operation fails, the callback is not called. The
 * argument `operation` of such a function may be NULL; otherwise, the caller frees the handle with
 * postbox_operation_free. The callback runs on a thread of the client named "postbox-completion", which calls the
 * callbacks of all operations one after another, and may run before the function that starts the
 * operation has returned. The callback may call Postbox, but while it runs, no other operation of the
 * client is reported, so it should return quickly. It must not free the client. postbox_close and
 * postbox_close_within fail in it with POSTBOX_ERROR_REENTRANT_CALL. It must return normally: an
 * exception or a longjmp out of it is undefined behaviour.
 *
 * A close of the client waits for its operations, as it waits for calls. A clear, a count, or another operation
 * of several requests that has not begun by then fails with POSTBOX_ERROR_CLOSED.
 *
 * A child process that was forked receives no results of its parent's operations.
 */
typedef void (*postbox_completion_callback)(void *data,
                                            postbox_error *error,
                                            postbox_result *result);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ============================================================================================
 * Version
 * ============================================================================================ */

/**
 * Returns the version of the library that is loaded, such as "1.2.3". The string is static and never
 * NULL.
 *
 * The library must not be older than the header with which the program was compiled, whose version
 * is POSTBOX_VERSION. The library and the header must have the same major version. Before version
 * 1.0, they must also have the same minor version.
 */
POSTBOX_API
const char *postbox_version(void);

/* ============================================================================================
 * Errors
 * ============================================================================================ */

/**
 * Returns the code of an error, or POSTBOX_ERROR_NONE for NULL. A later version of the library may
 * return codes that this header does not name; treat them as POSTBOX_ERROR_INTERNAL.
 */
POSTBOX_API postbox_code postbox_error_code(const postbox_error *error);

/**
 * Returns the error text, which contains no secrets and no message bodies. Returns "" for NULL. The
 * string is valid until the error is freed.
 */
POSTBOX_API const char *postbox_error_message(const postbox_error *error);

/**
 * Returns whether the same call with the same arguments may succeed if it is repeated. Returns
 * false for NULL. After POSTBOX_ERROR_OUTCOME_UNKNOWN, call postbox_unit_of_work_commit again on
 * the same unit of work.
 */
POSTBOX_API bool postbox_error_is_retryable(const postbox_error *error);

/**
 * Returns the number of reasons in an error. A reason explains why one action of a transaction
 * failed, why one message of a call failed, or which problem a table has. Returns 0 for NULL and
 * for an error without reasons.
 */
POSTBOX_API size_t postbox_error_reason_count(const postbox_error *error);

/**
 * Returns the position of the action or message that failed: its index in the unit of work, or in
 * the array that was passed to the call. The first index is 0. `reason` is the number of the reason,
 * which also starts at 0. Returns SIZE_MAX if `reason` is out of range.
 */
POSTBOX_API
size_t postbox_error_reason_index(const postbox_error *error,
                                  size_t reason);

/**
 * Returns the subject of a reason: an action ("Put People"), a message id, or the name of an
 * index. Returns "" if `reason` is out of range. The string is valid until the error is freed.
 */
POSTBOX_API
const char *postbox_error_reason_subject(const postbox_error *error,
                                         size_t reason);

/**
 * Returns the code of a reason. If DynamoDB returned a code ("ConditionalCheckFailed",
 * "TransactionConflict"), this function returns that code. Otherwise it returns a code that Postbox
 * sets. Returns "" if `reason` is out of range. The string is valid until the error is freed.
 */
POSTBOX_API const char *postbox_error_reason_code(const postbox_error *error, size_t reason);

/**
 * Returns the text of a reason, or "" if `reason` is out of range. The string is valid until the
 * error is freed.
 */
POSTBOX_API
const char *postbox_error_reason_message(const postbox_error *error,
                                         size_t reason);

/**
 * Returns the item whose condition failed, as DynamoDB JSON, if the action requested the item with
 * "ReturnValuesOnConditionCheckFailure": "ALL_OLD" or the member return_item of postbox_expression.
 * Otherwise returns NULL. The string is valid until the error is freed.
 * postbox_error_reason_read_item returns the same item without text.
 */
POSTBOX_API const char *postbox_error_reason_item(const postbox_error *error, size_t reason);

/**
 * Returns the item whose condition failed, as postbox_error_reason_item does, for the functions that read
 * items. The item belongs to the error and is valid until the error is freed: do not free it, and copy it
 * with postbox_item_copy to keep it. Returns NULL if the reason has no item.
 */
POSTBOX_API
const postbox_item *postbox_error_reason_read_item(const postbox_error *error,
                                                          size_t reason);

/**
 * Frees an error. Does nothing for NULL.
 */
POSTBOX_API void postbox_error_free(postbox_error *error);

/* ============================================================================================
 * Settings and producers
 * ============================================================================================ */

/**
 * Creates a configuration with the default settings and no producer. Never returns NULL. The
 * caller frees the configuration with postbox_config_free; postbox_open does not free it.
 */
POSTBOX_API postbox_config *postbox_config_new(void);

/**
 * Sets one setting by name: postbox_config_set(config, "table_name", "orders_outbox"). Numbers are
 * decimal. An empty value unsets an optional setting.
 *
 * Errors: POSTBOX_ERROR_UNKNOWN_NAME, whose error text lists similar names;
 * POSTBOX_ERROR_INVALID_SETTING, whose error text states the allowed range. The configuration is
 * unchanged after an error.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_config_set(postbox_config *config,
                                         const char *name,
                                         const char *value);

/**
 * Reads one setting by name into `value`. An optional setting that is not set is read as "". A secret
 * that is set is read as "***". The string is valid until this setting is changed or the configuration
 * is freed.
 *
 * Errors: POSTBOX_ERROR_UNKNOWN_NAME, whose error text lists similar names.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_config_get(postbox_config *config,
                                         const char *name,
                                         const char **value);

/**
 * Adds the producer of a topic, or of all topics with a prefix if `topic` ends with "*", as in
 * "orders.*". If `topic` is NULL or "*", adds the producer of every topic that has no producer of its
 * own. Exact topics take precedence over prefixes, and longer prefixes over shorter ones. The new
 * producer replaces an earlier producer of the same topic. Messages to SNS and SQS need no producer;
 * see the setting "routes".
 *
 * `send` is called with `data` for each message; see postbox_send_callback.
 *
 * `release` may be NULL. It is called once with `data`, when `send` can no longer be called. This
 * is the case when all of the following are true:
 *
 * - The producer was replaced, or the configuration was freed.
 * - All clients that were opened with the producer, and all units of work of these clients, were
 *   freed.
 * - No call to `send` is in progress.
 *
 * `release` runs on the thread whose call replaces the producer or frees the last handle, or on the
 * background thread on which the last call to `send` returns. If this function fails, `release` is
 * not called.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_config_add_producer(postbox_config *config,
                                                  const char *topic,
                                                  postbox_send_callback send,
                                                  void *data,
                                                  postbox_release_callback release);

/**
 * Adds a producer that sends up to `max_batch` messages in one call; see postbox_send_batch_callback.
 * In all other respects this function behaves like postbox_config_add_producer. A topic has only one
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
 * Sends the log messages of the clients that are opened with `config` to `callback`, if their
 * postbox_log_level is not greater than `level`, and not to the callback of postbox_set_log_callback.
 * The callback receives the messages of each call on the client, of its threads, and of
 * postbox_open itself. It replaces an earlier callback of the configuration. If `callback` is NULL,
 * the clients have no callback of their own, and the other arguments are ignored.
 *
 * After postbox_close has returned, even with an error, no call to `callback` begins for this client.
 *
 * `release` may be NULL. It is called once with `data`, on any thread, when `callback` can no longer be
 * called. This is the case when the callback was replaced or the configuration was freed, all clients
 * that were opened with the callback, and all units of work of these clients, were freed, and no call
 * to `callback` is in progress. If this function fails, `release` is not called.
 *
 * Errors: as for postbox_set_log_callback.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_config_set_log_callback(postbox_config *config,
                                                      postbox_log_level level,
                                                      postbox_log_callback callback,
                                                      void *data,
                                                      postbox_release_callback release);

/**
 * Frees a configuration. Does nothing for NULL.
 */
POSTBOX_API void postbox_config_free(postbox_config *config);

/**
 * Sets the result of the message at `index`, and replaces an earlier result. The first index is 0. A
 * number that is not a postbox_send_outcome counts as POSTBOX_SEND_RETRY. `reason` is used for RETRY,
 * REJECT and UNAVAILABLE. It may be NULL, and is copied. Does nothing if `results` is NULL or `index`
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
 * Creates a message for a topic. Its body is a copy of the `length` bytes at `body`, which may be
 * NULL if `length` is 0. The id is a new UUID v7, and the creation time is the current time. The
 * caller frees the message with postbox_message_free.
 *
 * Unless the header field "character_encoding" is set, the field "content_type" decides whether the body is text in UTF-8
 * (text/..., JSON, XML, URL-encoded forms) or bytes (all other types, such as application/octet-stream). The default is
 * JSON, so a body that is not UTF-8 needs another "content_type". The topic and the body are checked when the message is
 * deposited.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_new(const char *topic,
                                          const uint8_t *body,
                                          size_t length,
                                          postbox_message **message);

/**
 * Sets a header field by name: postbox_message_set(message, "partition_key", "42"). An empty value
 * removes an optional field. The name "bag.NAME" sets the entry NAME of the header bag, which holds
 * the program's own header fields, to a string. The name "bag" replaces the whole bag by a JSON object;
 * see also postbox_message_set_bag.
 *
 * Errors: POSTBOX_ERROR_UNKNOWN_NAME, whose error text lists similar names; POSTBOX_ERROR_INVALID_MESSAGE if the
 * value is invalid for the field. The message is unchanged after an error.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_set(postbox_message *message,
                                          const char *name,
                                          const char *value);

/**
 * Replaces the body with a copy of the `length` bytes at `body`, which may be NULL if `length` is
 * 0.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_set_body(postbox_message *message,
                                               const uint8_t *body,
                                               size_t length);

/**
 * Reads a header field by name into `value`. An optional field that is not set is read as NULL. A
 * message that was read from the outbox (by postbox_get_message, on a postbox_page, or for an
 * archive) also has the fields "state" ("outstanding", "dispatched" or "parked"), "dispatched_at",
 * "expires_at", "parked_at", "dispatch_attempts", "last_error", "next_attempt_at",
 * "first_failed_at" and "accepted_at". Times are in the format of RFC 3339, in UTC, with all digits. The
 * name "bag" reads the whole header bag as a JSON object; see also postbox_message_bag.
 *
 * The string is valid until the message is changed or freed. In a callback, the string is valid until
 * the callback returns.
 *
 * Errors: POSTBOX_ERROR_UNKNOWN_NAME, whose error text lists similar names.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_get(const postbox_message *message,
                                          const char *name,
                                          const char **value);

/**
 * Returns the id of a message, or "" for NULL. The string is valid until the message is changed or
 * freed.
 */
POSTBOX_API const char *postbox_message_id(const postbox_message *message);

/**
 * Returns the topic of a message, or "" for NULL. The string is valid until the message is changed or
 * freed.
 */
POSTBOX_API
const char *postbox_message_topic(const postbox_message *message);

/**
 * Returns the bytes of the body, which are not NUL-terminated. The number of bytes is written to
 * `length`, unless `length` is NULL. If `message` is NULL, returns NULL and writes 0. The bytes are
 * valid until the message is changed or freed.
 */
POSTBOX_API
const uint8_t *postbox_message_body(const postbox_message *message,
                                    size_t *length);

/**
 * Copies a message with all its fields. A producer uses it to keep its message after it has returned. Returns
 * NULL for NULL. The caller frees the copy with postbox_message_free.
 */
POSTBOX_API
postbox_message *postbox_message_copy(const postbox_message *message);

/**
 * Frees a message. Does nothing for NULL. Must not be called for a message that a callback received,
 * or that belongs to a postbox_page.
 */
POSTBOX_API
void postbox_message_free(postbox_message *message);

/**
 * Returns the time at which a message was created, in ticks; see POSTBOX_UNIX_EPOCH_TICKS. Messages with
 * the same partition key are sent in the order of this time. Returns 0 for NULL.
 */
POSTBOX_API
int64_t postbox_message_created_ticks(const postbox_message *message);

/**
 * Sets the time at which a message was created, in ticks; see POSTBOX_UNIX_EPOCH_TICKS. The header field
 * "created_at" is the same time as text.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the time is negative or after the year 9999.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_set_created_ticks(postbox_message *message,
                                                        int64_t ticks);

/**
 * Copies the header bag to `bag`: an item with an attribute for each entry. The bag holds any JSON
 * values: an object is a map, and an array is a list. Numbers have all the digits with which they were
 * stored; postbox_value_string returns them. The caller frees the item with postbox_item_free.
 *
 * ```c
 * postbox_item *bag = NULL;
 * if ((err = postbox_message_bag(message, &bag)))
 *     return fail(err);
 * const postbox_value *entries = postbox_item_value(bag);
 * for (size_t i = 0; i < postbox_value_count(entries); i++)
 *     show(postbox_value_name_at(entries, i, NULL), postbox_value_at(entries, i));
 * ```
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_bag(const postbox_message *message,
                                          postbox_item **bag);

/**
 * Replaces the header bag by the attributes of an item. To change one entry, change the item of
 * postbox_message_bag and pass it to this function.
 *
 * Errors: POSTBOX_ERROR_INVALID_MESSAGE for a set or a binary value, which JSON does not have. The
 * message is unchanged after an error.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_set_bag(postbox_message *message,
                                              const postbox_item *bag);

/* ============================================================================================
 * Cancellation
 * ============================================================================================ */

/**
 * Creates a token that is not canceled. The caller frees the token with postbox_cancel_token_free.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_cancel_token_new(postbox_cancel_token **token);

/**
 * Cancels a token. This cannot be undone. Does nothing for NULL. Any thread may call this function,
 * and it is safe in a signal handler.
 */
POSTBOX_API void postbox_cancel_token_cancel(postbox_cancel_token *token);

/**
 * Returns whether a token was canceled. Returns false for NULL. It is safe in a signal handler.
 */
POSTBOX_API bool postbox_cancel_token_is_canceled(const postbox_cancel_token *token);

/**
 * Sets a function that is called with `data` about every 100 milliseconds while a call of postbox_sweep
 * with this token only waits for its additional threads, which are calling producers. The function runs
 * on the thread that called postbox_sweep. It can cancel the token, for example if the language runtime
 * of the host handles a signal on this thread.
 *
 * `release` may be NULL. It is called once with `data`, when the token was freed and no call uses the
 * token any more. If this function fails, `release` is not called.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the token already has such a function.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_cancel_token_on_wait(postbox_cancel_token *token,
                                                   postbox_wait_callback callback,
                                                   void *data,
                                                   postbox_release_callback release);

/**
 * Frees a token. Does nothing for NULL. Calls that are still running with the token are not affected,
 * and can no longer be canceled.
 */
POSTBOX_API
void postbox_cancel_token_free(postbox_cancel_token *token);

/* ============================================================================================
 * Client: open, deposit, clear, close
 * ============================================================================================ */

/**
 * Opens a client with the settings and producers of `config`. If the outbox is in DynamoDB, this
 * function sends no request to the table. If the setting "embedded_path" is set, this function
 * creates the outbox table in the embedded database, unless the table exists. The caller frees the
 * client with postbox_free.
 *
 * Errors: POSTBOX_ERROR_INVALID_SETTING; POSTBOX_ERROR_NO_AWS_CONFIG if no region is set or found;
 * POSTBOX_ERROR_EMBEDDED_UNAVAILABLE.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_open(const postbox_config *config,
                                   postbox_client **client);

/**
 * Signs the next requests to AWS with these credentials, in place of those of the settings or of AWS's
 * default chain. `session_token` may be NULL. Programs whose credentials come from their own source call
 * this function each time the source has new ones, before the old ones expire. The producers of SNS and
 * SQS use the credentials too. Requests in progress continue, and are repeated with the new credentials
 * if AWS rejects the old ones as expired. This function copies the strings, and sends no request.
 *
 * The default chain already renews the credentials of profiles, roles, containers and instances.
 *
 * Errors: POSTBOX_ERROR_INVALID_SETTING if a value is empty or too long; see the settings
 * "access_key_id", "secret_access_key" and "session_token". The credentials are unchanged after an error.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_set_credentials(postbox_client *client,
                                              const char *access_key_id,
                                              const char *secret_access_key,
                                              const char *session_token);

/**
 * Closes a client: stops the sweeper and the archiver, waits up to "close_timeout_ms" for calls in
 * progress, and stops the client's own thread. As soon as the sweeper and the archiver have
 * stopped, new calls on the client fail with POSTBOX_ERROR_CLOSED, except those that stop a
 * background thread, close the client or read statistics.
 *
 * A call that is sending or archiving messages finishes its current calls to producers and archives,
 * starts no further ones, and returns. After this function has returned, even with an error, no call
 * to a producer or an archive begins. If a producer or an archive has not returned in time, its lease is
 * released nevertheless, so that another process can send the messages.
 *
 * The client must still be freed. postbox_free also closes the client, but does not report whether
 * this succeeded.
 *
 * Errors: POSTBOX_ERROR_TIMEOUT if a call or a background thread did not end in time and was
 * abandoned; committed messages that were not sent stay outstanding. POSTBOX_ERROR_MARK_INCOMPLETE if
 * sent messages were not marked in time; a sweep sends them again. POSTBOX_ERROR_REENTRANT_CALL if a
 * producer or an archive of the same client called this function, which cannot wait for its own caller.
 * Despite this error, the client begins to close, and stops when the callbacks in progress have
 * returned. Call this function again after that, to complete the close.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_close(postbox_client *client);

/**
 * Closes a client as postbox_close does, and waits up to `timeout_ms` milliseconds instead of
 * "close_timeout_ms". This function returns no later than 500 milliseconds after that time. Several
 * threads can close several clients at the same time.
 *
 * A producer or an archive that ends the process calls this function with a `timeout_ms` of 0 first. The
 * function then also releases the leases of the calls in progress. Otherwise, these leases end after
 * "lease_duration_ms".
 *
 * Errors: as for postbox_close.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_close_within(postbox_client *client,
                                           uint64_t timeout_ms);

/**
 * Closes and frees a client. Does nothing for NULL. This function returns no later than 500
 * milliseconds after "close_timeout_ms" has passed. If a background thread is still calling a producer
 * or an archive at that time, the callback continues to run, and its `release` is called after it
 * returns. Units of work of the client that still exist fail with POSTBOX_ERROR_CLOSED, and must still
 * be freed.
 *
 * It is undefined behaviour to call this function during another call on the client, or in a producer
 * or an archive of the client.
 */
POSTBOX_API
void postbox_free(postbox_client *client);

/**
 * Creates the outbox table if it does not exist, waits until the table is active, and verifies the
 * table as postbox_verify_table does. The table has the keys and indexes that Brighter uses, and
 * time to live on the attribute ExpiresAt. This function waits for up to two minutes, or for up to
 * "operation_timeout_ms" if that is longer.
 *
 * Errors: as for postbox_verify_table.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_create_table(postbox_client *client);

/**
 * Verifies that the table exists and has the keys and indexes of an outbox. If
 * `has_causation_index` is not NULL, this function writes to it whether messages can be replayed by
 * causation id. The value is false for a table that an older version of Brighter created, because
 * such a table has no index of causation ids.
 *
 * Errors: POSTBOX_ERROR_TABLE_NOT_FOUND; POSTBOX_ERROR_INVALID_TABLE with a reason for each
 * problem.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_verify_table(postbox_client *client,
                                           bool *has_causation_index);

/**
 * Verifies the table as postbox_verify_table does, and writes to `warnings` one line for each property
 * that does not prevent the use of the table, but costs more or makes some functions unavailable: the
 * billing mode, time to live, the lock table, missing permissions. A line has the form
 * "SUBJECT: MESSAGE". This function writes NULL if there are no warnings. The caller frees the string
 * with postbox_string_free.
 *
 * Errors: as for postbox_verify_table.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_table_warnings(postbox_client *client,
                                             char **warnings);

/**
 * Stores one message in the outbox, without a transaction. Keep the id, postbox_message_id(message),
 * to send the message with postbox_clear_outbox. If the outbox already has a message with this id, the
 * call succeeds and changes nothing. A message that was dispatched is not sent again.
 *
 * Errors: POSTBOX_ERROR_INVALID_MESSAGE, POSTBOX_ERROR_ITEM_TOO_LARGE,
 * POSTBOX_ERROR_OUTBOX_LIMIT_REACHED, and request errors. After a retryable error, the message may or
 * may not be stored, and it is safe to deposit the same message again.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_deposit_post(postbox_client *client,
                                           const postbox_message *message);

/**
 * Stores `count` messages in the outbox, without a transaction, in requests of up to 25 messages.
 * One message can be stored while another is not. Depositing a message whose id already exists
 * succeeds and changes nothing.
 *
 * Errors:
 *
 * - POSTBOX_ERROR_INVALID_MESSAGE, POSTBOX_ERROR_ITEM_TOO_LARGE or
 *   POSTBOX_ERROR_OUTBOX_LIMIT_REACHED. No message was stored.
 * - POSTBOX_ERROR_DEPOSIT_INCOMPLETE. Some messages were not stored, and the error has a reason for
 *   each of them. It is safe to deposit all messages of the call again.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_deposit_posts(postbox_client *client,
                                            const postbox_message *const *messages,
                                            size_t count);

/**
 * Stores one message in the outbox, without a transaction, and sends it on this thread. See
 * postbox_clear_outbox for `report`.
 *
 * Errors: as for postbox_deposit_post and postbox_clear_outbox.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_post(postbox_client *client,
                                   const postbox_message *message,
                                   postbox_report **report);

/**
 * Clears messages: sends the outstanding messages with these ids on the calling thread, in the order
 * in which the ids are passed, and marks the messages dispatched. Messages that are already
 * dispatched are not sent again.
 *
 * If a message cannot be sent, the later messages with the same topic and partition key are held
 * back, and all other messages are sent. The failed message stays outstanding, and a later sweep
 * tries to send it again. A message that its producer rejects is parked. Exception: if the
 * producer rejects three or more messages of the topic in this call with the same reason, and
 * sends no message of the topic, the messages stay outstanding, because the cause may be the
 * target and not the messages. A message is also held back if a previous clear of this client
 * could not send an earlier message with the same topic and partition key, and that message is still
 * outstanding.
 *
 * `cancel` may be NULL. If it is canceled, messages that were not tried have the outcome
 * POSTBOX_OUTCOME_SKIPPED, and stay outstanding.
 *
 * The outcome of each message is written to `report`, which the caller frees with
 * postbox_report_free. If `report` is not NULL, a failed message is not an error. If `report` is
 * NULL and a message failed, this function fails with POSTBOX_ERROR_CLEAR_INCOMPLETE, with a
 * reason for each failed message.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_clear_outbox(postbox_client *client,
                                           const char *const *ids,
                                           size_t count,
                                           const postbox_cancel_token *cancel,
                                           postbox_report **report);

/**
 * Marks messages dispatched without sending them, for programs that send messages without Postbox.
 * The dispatch time of a message that was already dispatched does not change. If
 * `report` is NULL and a message cannot be marked, this function fails with
 * POSTBOX_ERROR_CLEAR_INCOMPLETE, with a reason for each such message. See postbox_clear_outbox for
 * `report`.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_mark_dispatched(postbox_client *client,
                                              const char *const *ids,
                                              size_t count,
                                              postbox_report **report);

/**
 * Confirms the outcome of a message that its producer had accepted. POSTBOX_SEND_SENT marks the
 * message dispatched. POSTBOX_SEND_RETRY and POSTBOX_SEND_UNAVAILABLE count as a failed attempt, after
 * which the message is sent again. POSTBOX_SEND_REJECT parks the message. After POSTBOX_SEND_NOT_TRIED, the
 * message can be sent again, and no attempt is counted. `reason` may be NULL. A producer may call
 * this function too.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT for any other outcome, or for POSTBOX_SEND_SENT with an
 * unknown id; POSTBOX_ERROR_MARK_INCOMPLETE if the message was sent and could not be marked. The
 * message then stays outstanding; call this function again.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_confirm(postbox_client *client,
                                      const char *id,
                                      postbox_send_outcome outcome,
                                      const char *reason);

/**
 * Confirms the outcomes of `count` messages that their producers had accepted, as postbox_confirm
 * does for one message. One request marks up to 25 messages or records up to 25 failed attempts.
 * `outcomes` contains one outcome for each id. `reasons` may be NULL, and each string in it may be
 * NULL. An id that is passed twice is confirmed once: as sent if one of its outcomes is
 * POSTBOX_SEND_SENT, and otherwise with its first outcome. Any thread may call this function, and
 * a producer may call it too.
 *
 * If a call rejects three or more messages of a topic with the same reason, and confirms none of
 * the messages of this topic as sent, the rejections count as failed attempts, because the cause may
 * be the target and not the messages. The messages are then parked only if "park_min_age_ms" has
 * passed since their first failures.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an outcome that postbox_confirm does not accept; in
 * this case, no message is confirmed. POSTBOX_ERROR_MARK_INCOMPLETE with a reason for each message
 * whose confirmation was not recorded; all other messages are confirmed. This error is retryable
 * if Postbox may be able to record the missing confirmations when the program calls this function again.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_confirm_many(postbox_client *client,
                                           const char *const *ids,
                                           const postbox_send_outcome *outcomes,
                                           const char *const *reasons,
                                           size_t count);

/**
 * Uses a consistent read to read the stored message with this id. The message is written to
 * `message`, or NULL if the outbox has no such message. The caller frees the message with
 * postbox_message_free.
 *
 * Errors: POSTBOX_ERROR_MALFORMED_ITEM, whose error text names the attribute.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_get_message(postbox_client *client,
                                          const char *id,
                                          postbox_message **message);

/**
 * Reads one item of any table, with a consistent read. `key` is DynamoDB JSON: {"Name": {"S":
 * "Ada"}}. The item is written to `item` as DynamoDB JSON, or NULL if the table has no such item. The
 * caller frees the string with postbox_string_free. postbox_read_item does the same without text.
 *
 * Errors: POSTBOX_ERROR_INVALID_JSON, whose error text says where the problem is.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_get_item(postbox_client *client,
                                       const char *table,
                                       const char *key,
                                       char **item);

/**
 * Runs a DynamoDB operation, such as "CreateTable", on the embedded database. `request` is the
 * request as JSON. Programs use this function in development, to create their own tables. Unless
 * `answer` is NULL, the response is written to it as JSON. The caller frees the response with
 * postbox_string_free.
 *
 * Errors: POSTBOX_ERROR_EMBEDDED_UNAVAILABLE if the client does not use an embedded database;
 * POSTBOX_ERROR_SERVICE_ERROR or POSTBOX_ERROR_TABLE_NOT_FOUND if the operation fails.
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
 * if `client` is NULL. Functions on a NULL unit of work fail with POSTBOX_ERROR_NULL_ARGUMENT. The
 * caller frees the unit of work with postbox_unit_of_work_free, before or after freeing the client.
 */
POSTBOX_API postbox_unit_of_work *postbox_unit_of_work_begin(postbox_client *client);

/**
 * Begins a unit of work for a thread that must not wait, such as that of an event loop. Functions that add
 * actions send no request. If two items are put into one table whose key this client does not know yet,
 * two puts of the same item are detected only at the commit, which then fails with
 * POSTBOX_ERROR_SERVICE_ERROR. Commit the unit of work with postbox_unit_of_work_commit_async. Otherwise,
 * this function is the same as postbox_unit_of_work_begin.
 */
POSTBOX_API
postbox_unit_of_work *postbox_unit_of_work_begin_async(postbox_client *client);

/**
 * Reads one item of any table immediately, with a consistent read, as postbox_get_item does. The
 * read is not part of the transaction. If the commit must fail when the item has changed since the
 * read, add an action with a condition on the item.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_get_item(postbox_unit_of_work *work,
                                                    const char *table,
                                                    const char *key,
                                                    char **item);

/**
 * Adds a put of an item, which replaces an existing item. `item`: {"Name": {"S": "Ada"}}.
 *
 * Usually this function sends no request. But when two items are put into one table, Postbox has to
 * know the names of the table's key attributes, to detect two puts of the same item. If Postbox
 * does not know the names yet, this function requests them from DynamoDB. It then blocks, and can
 * fail with POSTBOX_ERROR_TABLE_NOT_FOUND.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_put(postbox_unit_of_work *work,
                                               const char *table,
                                               const char *item);

/**
 * Adds an update of one item. `update`: {"TableName": ..., "Key": ..., "UpdateExpression": ...,
 * "ConditionExpression": ..., "ExpressionAttributeNames": ..., "ExpressionAttributeValues": ...,
 * "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}. Only the first three members are required.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_update(postbox_unit_of_work *work,
                                                  const char *update);

/**
 * Adds a delete of the item with this key. A missing item is not an error. `key`: {"Name": {"S":
 * "Ada"}}.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_delete(postbox_unit_of_work *work,
                                                  const char *table,
                                                  const char *key);

/**
 * Adds a condition on an item that the unit of work does not write. The commit fails if the
 * condition is not met. `check`: {"TableName": ..., "Key": ..., "ConditionExpression": ...}, and
 * optionally "ExpressionAttributeNames", "ExpressionAttributeValues" and
 * "ReturnValuesOnConditionCheckFailure".
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_condition_check(postbox_unit_of_work *work,
                                                           const char *check);

/**
 * Adds any action, in the format of aws dynamodb transact-write-items --transact-items: {"Put":
 * {"TableName": ..., "Item": ..., "ConditionExpression": ...}}. The other actions are
 * "Update", "Delete" and "ConditionCheck".
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_add(postbox_unit_of_work *work,
                                               const char *action);

/**
 * Adds an action that stores a copy of this message in the outbox. After the commit, pass
 * postbox_message_id(message) to postbox_clear_outbox to send the message.
 *
 * Errors: POSTBOX_ERROR_INVALID_MESSAGE, POSTBOX_ERROR_OUTBOX_LIMIT_REACHED, and the limit
 * errors of a postbox_unit_of_work.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_deposit_post(postbox_unit_of_work *work,
                                                        const postbox_message *message);

/**
 * Commits all actions in one transaction: either all actions take effect, or none. If a request fails
 * and is safe to repeat, Postbox repeats it with the same token, so that the transaction takes effect
 * at most once. A unit of work without actions commits without a request.
 *
 * Errors:
 * - POSTBOX_ERROR_TRANSACTION_CANCELED: nothing was written. The error has a reason for each action
 *   that failed. The unit of work stays open, and can be changed and committed again.
 * - POSTBOX_ERROR_DUPLICATE_MESSAGE: this call wrote nothing, because the outbox already has a message
 *   with the same id. If the program uses the same message id each time it repeats an operation, this
 *   error means that an earlier attempt at the operation succeeded.
 * - POSTBOX_ERROR_OUTCOME_UNKNOWN: the transaction may or may not have taken effect, because Postbox
 *   received no response that shows the outcome. Call this function again on the same unit
 *   of work to find out. This is safe for 9 minutes after the first commit. After 9 minutes, the error
 *   is not retryable, and this function sends no request. In this case, check whether the outbox has
 *   the message.
 * - A request error: nothing was written, and the unit of work stays open. Errors that leave the
 *   outcome unknown are reported as POSTBOX_ERROR_OUTCOME_UNKNOWN instead.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_commit(postbox_unit_of_work *work);

/**
 * Discards the actions and closes the unit of work, without a request. Freeing a unit of work that
 * was not committed has the same effect.
 *
 * Errors: POSTBOX_ERROR_OUTCOME_UNKNOWN if the last commit failed with this error. The transaction
 * may have taken effect, so it cannot be rolled back.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_rollback(postbox_unit_of_work *work);

/**
 * Frees a unit of work. Does nothing for NULL. The actions of a unit of work that was not committed
 * are discarded.
 */
POSTBOX_API void postbox_unit_of_work_free(postbox_unit_of_work *work);

/**
 * Adds a put of a copy of this item, which replaces an existing item. `expression` may be NULL; only its
 * condition, names, values and return_item are used.
 *
 * Like postbox_unit_of_work_put, this function sends a request when two items are put into one table
 * whose key attributes are not known yet.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_put_item(postbox_unit_of_work *work,
                                                    const char *table,
                                                    const postbox_item *item,
                                                    const postbox_expression *expression);

/**
 * Adds an update of the item with this key. `expression` has at least an update expression.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_update_item(postbox_unit_of_work *work,
                                                       const char *table,
                                                       const postbox_item *key,
                                                       const postbox_expression *expression);

/**
 * Adds a delete of the item with this key. A missing item is not an error, unless `expression`, which
 * may be NULL, has a condition.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_delete_item(postbox_unit_of_work *work,
                                                       const char *table,
                                                       const postbox_item *key,
                                                       const postbox_expression *expression);

/**
 * Adds a condition on the item with this key, which the unit of work does not write. `expression` has at
 * least a condition. The commit fails if the condition is not met.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_check_item(postbox_unit_of_work *work,
                                                      const char *table,
                                                      const postbox_item *key,
                                                      const postbox_expression *expression);

/**
 * Reads one item of any table, with a consistent read. Writes NULL to `item` if the table has no item
 * with this key. The caller frees the item with postbox_item_free. postbox_get_item does the same with
 * DynamoDB JSON.
 *
 * Errors: request errors.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_read_item(postbox_client *client,
                                        const char *table,
                                        const postbox_item *key,
                                        postbox_item **item);

/**
 * Reads one item of any table immediately, as postbox_read_item does. The read is not part of the
 * transaction. If the commit must fail when the item has changed since the read, add an action with a
 * condition on the item.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_read_item(postbox_unit_of_work *work,
                                                     const char *table,
                                                     const postbox_item *key,
                                                     postbox_item **item);

/* ============================================================================================
 * Items
 * ============================================================================================ */

/**
 * Creates an empty item. The caller frees it with postbox_item_free.
 */
POSTBOX_API postbox_item *postbox_item_new(void);

/**
 * Reads an item from DynamoDB JSON, as in the AWS CLI: {"Name": {"S": "Ada"}}. The caller frees the item
 * with postbox_item_free.
 *
 * Errors: POSTBOX_ERROR_INVALID_JSON, whose error text says where the problem is.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_item_from_json(const char *json,
                                             postbox_item **item);

/**
 * Writes the item to `json` as DynamoDB JSON, with the attributes sorted by name. The caller frees the
 * string with postbox_string_free.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if a map, list or set was begun and not ended.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_item_to_json(const postbox_item *item,
                                           char **json);

/**
 * Copies an item with all its values to `copy`. The caller frees the copy with postbox_item_free. A change
 * of one of the two items does not affect the other.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if a map, list or set was begun and not ended.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_item_copy(const postbox_item *item,
                                        postbox_item **copy);

/**
 * Sets an attribute to a string. Inside a list or a set, `name` is NULL, and the value is appended. This
 * applies to all functions that set values.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_item_set_string(postbox_item *item,
                                              const char *name,
                                              const char *value);

/**
 * Sets an attribute to a string of `length` bytes, which can contain NUL characters. The bytes must be
 * UTF-8. If `length` is 0, `value` may be NULL.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_item_set_string_of_length(postbox_item *item,
                                                        const char *name,
                                                        const char *value,
                                                        size_t length);

/**
 * Sets an attribute to a decimal number: "36", "-1.5", "1e20". All digits are kept.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_item_set_number(postbox_item *item,
                                              const char *name,
                                              const char *value);

/**
 * Sets an attribute to an integer.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_item_set_int64(postbox_item *item,
                                             const char *name,
                                             int64_t value);

/**
 * Sets an attribute to the shortest decimal number that is rounded to this double. NaN and infinity are
 * rejected.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_item_set_double(postbox_item *item,
                                              const char *name,
                                              double value);

/**
 * Sets an attribute to true or false.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_item_set_bool(postbox_item *item,
                                            const char *name,
                                            bool value);

/**
 * Sets an attribute to null. To remove an attribute, use postbox_item_remove.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_item_set_null(postbox_item *item,
                                            const char *name);

/**
 * Sets an attribute to `length` bytes. If `length` is 0, `value` may be NULL.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_item_set_binary(postbox_item *item,
                                              const char *name,
                                              const uint8_t *value,
                                              size_t length);

/**
 * Begins a map, a list or a set, which becomes an attribute when postbox_item_end is called. Until then,
 * all functions that set values add values to it. `kind`: POSTBOX_KIND_MAP, POSTBOX_KIND_LIST,
 * POSTBOX_KIND_STRING_SET, POSTBOX_KIND_NUMBER_SET or POSTBOX_KIND_BINARY_SET.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_item_begin(postbox_item *item,
                                         const char *name,
                                         postbox_kind kind);

/**
 * Ends the map, list or set that was begun last.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if there is none, or for a set without values.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_item_end(postbox_item *item);

/**
 * Removes an attribute of the item. Does nothing if the item does not have the attribute.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_item_remove(postbox_item *item, const char *name);

/**
 * Returns the value of an attribute, or NULL if the item does not have it or is NULL. See postbox_value
 * for the lifetime of the pointer.
 */
POSTBOX_API
const postbox_value *postbox_item_get(const postbox_item *item,
                                             const char *name);

/**
 * Returns the whole item as a value of the kind POSTBOX_KIND_MAP, for the functions that read maps.
 * Returns NULL if `item` is NULL.
 */
POSTBOX_API const postbox_value *postbox_item_value(const postbox_item *item);

/**
 * Frees an item and all its values. Does nothing for NULL.
 */
POSTBOX_API void postbox_item_free(postbox_item *item);

/**
 * Returns the kind of a value.
 */
POSTBOX_API int32_t postbox_value_kind(const postbox_value *value);

/**
 * Returns a string, or the decimal digits of a number. If `length` is not NULL, the number of bytes
 * without the NUL character at the end is written to it. A string can contain NUL characters. Returns
 * NULL if the value is missing or of another kind, which postbox_value_kind tells apart.
 */
POSTBOX_API
const char *postbox_value_string(const postbox_value *value,
                                 size_t *length);

/**
 * Returns the bytes of a binary value, and writes their number to `length` if it is not NULL. Returns
 * NULL for values of other kinds.
 */
POSTBOX_API
const uint8_t *postbox_value_binary(const postbox_value *value,
                                    size_t *length);

/**
 * Returns whether a value is the Boolean value true. Returns false for all other values, and for missing
 * values.
 */
POSTBOX_API
bool postbox_value_bool(const postbox_value *value);

/**
 * Writes true or false to `flag`. If the value is missing or null, `missing` is written.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the value is not a Boolean.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_value_bool_or(const postbox_value *value,
                                            bool missing,
                                            bool *flag);

/**
 * Writes a number to `number`.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the value is not a number, or not an integer of 64 bits.
 * POSTBOX_ERROR_NULL_ARGUMENT if the value is missing; see postbox_value_int64_or.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_value_int64(const postbox_value *value,
                                          int64_t *number);

/**
 * Writes a number to `number`. If the value is missing or null, `missing` is written:
 *
 * ```c
 * int64_t greetings;
 * err = postbox_value_int64_or(postbox_item_get(person, "Greetings"), 0, &greetings);
 * ```
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the value is not a number, or not an integer of 64 bits.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_value_int64_or(const postbox_value *value,
                                             int64_t missing,
                                             int64_t *number);

/**
 * Writes a number to `number`, rounded to the nearest double.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the value is not a number. POSTBOX_ERROR_NULL_ARGUMENT if the
 * value is missing; see postbox_value_double_or.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_value_double(const postbox_value *value,
                                           double *number);

/**
 * Writes a number to `number`, rounded to the nearest double. If the value is missing or null, `missing`
 * is written.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the value is not a number.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_value_double_or(const postbox_value *value,
                                              double missing,
                                              double *number);

/**
 * Returns the number of values in a map, a list or a set, and 0 for values of other kinds.
 */
POSTBOX_API size_t postbox_value_count(const postbox_value *value);

/**
 * Returns the value at this position of a map, a list or a set, or NULL if there is none. The first
 * position is 0. The attributes of an item that was read are in the order of their names.
 */
POSTBOX_API
const postbox_value *postbox_value_at(const postbox_value *value,
                                             size_t index);

/**
 * Returns the name of the value at this position of a map, or NULL if there is none. If `length` is not
 * NULL, the number of bytes without the NUL character at the end is written to it. A name that another
 * program has stored can contain NUL characters. The string is valid until the item is freed.
 */
POSTBOX_API
const char *postbox_value_name_at(const postbox_value *value,
                                  size_t index,
                                  size_t *length);

/**
 * Returns the value with this name in a map, or NULL if there is none or if the name is not UTF-8.
 */
POSTBOX_API
const postbox_value *postbox_value_member(const postbox_value *value,
                                                 const char *name);

/* ============================================================================================
 * Messages in transactions of other clients
 * ============================================================================================ */

/**
 * Writes the action that deposits this message to `put`, for a transaction that the program sends
 * itself, with an AWS SDK or with the AWS CLI: {"Put": {"TableName": ..., "Item": ...,
 * "ConditionExpression": ...}}. Nothing is stored before the program sends the transaction. The
 * message is checked as postbox_deposit_post checks it. The caller frees the string with
 * postbox_string_free.
 *
 * The action must be sent unchanged: its condition prevents that a message is stored twice. After the
 * transaction has succeeded, pass the id of the message to postbox_clear_outbox or to
 * postbox_notify_committed, to send the message. If the program does neither, a sweep sends it. If the
 * transaction is cancelled, postbox_cancellation_error returns an error with the cause.
 *
 * Errors: POSTBOX_ERROR_INVALID_MESSAGE, POSTBOX_ERROR_ITEM_TOO_LARGE,
 * POSTBOX_ERROR_OUTBOX_LIMIT_REACHED.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_message_to_put(postbox_client *client,
                                             const postbox_message *message,
                                             char **put);

/**
 * Returns the error of a transaction of another client that DynamoDB cancelled. It is the error that
 * postbox_unit_of_work_commit would return: POSTBOX_ERROR_DUPLICATE_MESSAGE if the outbox had one of the
 * messages already, and POSTBOX_ERROR_TRANSACTION_CANCELED otherwise, with a reason for each action that
 * failed. This function never returns NULL. The caller frees the error with postbox_error_free.
 *
 * `actions` is the JSON list of the actions of the transaction ("TransactItems"), and `reasons` the
 * JSON list of the reasons of the cancellation ("CancellationReasons"), in the same order. Only the
 * verb, the table and the message id of each action are read, so that `actions` may omit all other
 * members.
 *
 * If the program uses the same message id each time it repeats an operation,
 * POSTBOX_ERROR_DUPLICATE_MESSAGE means that an earlier attempt at the operation succeeded.
 *
 * Errors: POSTBOX_ERROR_INVALID_JSON if an argument is not a JSON list.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_cancellation_error(postbox_client *client,
                                                 const char *actions,
                                                 const char *reasons);

/* ============================================================================================
 * Sweeping
 * ============================================================================================ */

/**
 * Sends the outstanding messages of `topic` that are older than "sweep_min_age_ms", and marks them
 * dispatched. If `topic` is NULL, sends the messages of all topics. The oldest messages of each lane
 * (see below) are sent first. `result` may be NULL. `cancel` may be NULL; if it is canceled, the
 * sweep ends after its current calls to producers.
 *
 * The messages of a topic are spread over "number_of_shards" shards. A lane is the part of a topic
 * that one thread sweeps as a unit. A lane consists of one or more shards. If Brighter and Postbox
 * use different shards for the same partition key, both shards belong to the same lane, so that
 * the messages with this key are sent in order. Each thread of a sweep works on one lane at a
 * time. The calling thread is one of these threads. If several topics have outstanding messages,
 * up to "sweep_threads" - 1 additional threads work at the same time. Two threads of one sweep
 * never work on the same topic at the same time. The sweep ends when it finds no more messages
 * that it can send.
 *
 * With "sweep_threads" above 1, a producer that does not return within half of "lease_duration_ms"
 * does not stop the sweep. Another thread sends the messages of the other topics. For the next 5
 * minutes, no process sends the messages that were passed to the slow producer in that call.
 *
 * While the sweep sends, it holds a lease in the lock table. With "lease_mode" = "single", this is one
 * lease for all lanes, which also excludes the sweepers of Brighter. In this mode, if the outbox has
 * messages of topics that have no producer in this process, the sweep does not begin another lane
 * after it has run for 30 seconds. Another sweeper can then take the lease and send these messages.
 * With "per_shard", each lane has its own lease. Messages in a lane whose lease is held by another
 * sweeper are left to that sweeper.
 *
 * A message that could not be sent waits before its next attempt. After the first failure, it
 * waits for "dispatch_retry_delay_ms". After each later failure, the wait is as long as the time
 * since the first failure, up to a limit. The limit is 5 minutes if the failure counts toward
 * "max_dispatch_attempts", and 1 minute if it does not. Later messages with the same topic and partition key wait too.
 *
 * A failure counts toward "max_dispatch_attempts" only if the transport of the topic works: at
 * least half of the recent first attempts in the topic succeeded. A first attempt is an attempt to
 * send a message that was not tried before. A message is parked
 *
 * - when "max_dispatch_attempts" failures have counted and "park_min_age_ms" has passed since its
 *   first failure;
 * - when its producer rejects it. Exception: if the producer rejects three or more messages of the
 *   topic in this sweep with the same reason and sends none, these messages are parked only when
 *   "park_min_age_ms" has passed since their first failures, because the cause may be the target;
 * - when it still cannot be sent and its first failure was at least "park_after_ms" ago,
 *   whether or not its failures count. Exception: the message is not parked if the sweep pauses the
 *   lane of the message (see below) and sends no other message of the topic;
 * - when the stored item is malformed and still cannot be read a day after the first failure to read
 *   it.
 *
 * With "park_keyed" = "false", a message with a partition key is parked only when it is rejected or
 * malformed.
 *
 * The sweep stops working on a lane after ten consecutive failures, after
 * POSTBOX_SEND_UNAVAILABLE, or if sent messages cannot be marked. It then pauses the lane: for a
 * limited time, no process sweeps the lane. The failures that lead to a pause do not
 * count toward "max_dispatch_attempts".
 *
 * Errors: a request error if the messages could not be read, or if a request for the lease failed.
 * If the lock table does not exist and cannot be created, or if access to it was denied, the
 * function succeeds instead, and `result` has the lease status POSTBOX_LEASE_UNAVAILABLE. A
 * message that could not be sent is not an error; `result` counts it.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_sweep(postbox_client *client,
                                    const char *topic,
                                    const postbox_cancel_token *cancel,
                                    postbox_sweep_result *result);

/**
 * Starts the sweeper, a background thread that sweeps all topics as postbox_sweep does. The first
 * sweep begins immediately, and later sweeps follow at intervals of "sweep_interval_ms". The sweeper
 * logs errors and continues. It calls the producers on its own thread. At the same time it calls the
 * producers of other topics on up to "sweep_threads" - 1 further threads.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the sweeper is already running.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_start_sweeper(postbox_client *client);

/**
 * Hands messages over to the sweeper of this client. Use this function for messages that were
 * committed without Postbox, for example with an AWS SDK. A thread of the sweeper sends the
 * messages immediately, as postbox_clear_outbox does. This function does not wait for that thread.
 * If the sweeper is not running, or if 1,000 messages already wait for that thread, the next sweep
 * sends the messages. Ids of messages that do not exist are ignored. For units of work of Postbox,
 * use the setting "dispatch_after_commit" instead.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_notify_committed(postbox_client *client,
                                               const char *const *ids,
                                               size_t count);

/**
 * Tells the sweeper to stop after its current calls to producers, and waits up to "close_timeout_ms"
 * for it to stop. Does nothing if the sweeper is not running. postbox_close and postbox_free stop the
 * sweeper too.
 *
 * Errors: POSTBOX_ERROR_TIMEOUT if a producer has not returned in this time. The sweeper stops when
 * the producer returns, and cannot be started again before that. Call this function again to wait
 * longer. POSTBOX_ERROR_REENTRANT_CALL if a producer that the sweeper has called calls this function,
 * which therefore cannot wait. The sweeper stops as soon as the producer returns.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_stop_sweeper(postbox_client *client);

/* ============================================================================================
 * Lists of messages
 * ============================================================================================ */

/**
 * Lists the stored messages that are in `state`, page by page. If `topic` is NULL, the messages of all
 * topics are listed. `cursor` is NULL for the first page. For every other page, `cursor` is the result
 * of postbox_page_next for the previous page, which must have been read with the same state and topic.
 * The caller frees the page with postbox_page_free.
 *
 * A page has at most `limit` messages. It may have fewer than `limit` messages, or no messages. Only
 * postbox_page_next shows whether a page is the last page. postbox_select_messages also selects the
 * messages by age, and leaves out topics.
 *
 * Outstanding and dispatched messages are read from an index, which DynamoDB updates a moment
 * after the table. There is no index of parked messages, so listing them reads the whole table.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown state, for a limit of 0, or for a cursor that does
 * not belong to this list.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_list_messages(postbox_client *client,
                                            postbox_state state,
                                            const char *topic,
                                            uint32_t limit,
                                            const char *cursor,
                                            postbox_page **page);

/**
 * Returns the number of messages in the page that could be read. Returns 0 for NULL.
 */
POSTBOX_API size_t postbox_page_count(const postbox_page *page);

/**
 * Returns a message of the page, or NULL if `index` is out of range. The first index is 0. The
 * message belongs to the page and is valid until the page is freed.
 */
POSTBOX_API
const postbox_message *postbox_page_message(const postbox_page *page,
                                                   size_t index);

/**
 * Returns the number of messages that could not be read. postbox_page_count does not count them.
 * Returns 0 for NULL.
 */
POSTBOX_API size_t postbox_page_malformed_count(const postbox_page *page);

/**
 * Returns the id of a message that could not be read, or "" if `index` is out of range. The first
 * index is 0. The explanation is written to `reason`, unless `reason` is NULL. The id and the
 * explanation are valid until the page is freed.
 */
POSTBOX_API
const char *postbox_page_malformed(const postbox_page *page,
                                   size_t index,
                                   const char **reason);

/**
 * Returns the number of ids that were passed to postbox_get_messages and that the outbox does not have.
 * Returns 0 for a page of a list and for NULL.
 */
POSTBOX_API
size_t postbox_page_missing_count(const postbox_page *page);

/**
 * Returns an id that the outbox does not have, or "" if `index` is out of range. The first index is 0.
 * The string is valid until the page is freed.
 */
POSTBOX_API
const char *postbox_page_missing(const postbox_page *page,
                                 size_t index);

/**
 * Returns the cursor of the next page, for postbox_list_messages. Returns NULL if this page is the
 * last page or if `page` is NULL. The string is valid until the page is freed. A copy of the string
 * can be stored and used in another process.
 */
POSTBOX_API const char *postbox_page_next(const postbox_page *page);

/**
 * Frees a page and its messages. Does nothing for NULL.
 */
POSTBOX_API void postbox_page_free(postbox_page *page);

/* ============================================================================================
 * Selections of messages
 * ============================================================================================ */

/**
 * Creates a selection of all messages. The caller frees it with postbox_selection_free.
 */
POSTBOX_API postbox_selection *postbox_selection_new(void);

/**
 * Sets a part of a selection by name; see postbox_selection. A selection can be used for any number of
 * calls, and changed between them.
 *
 * Errors: POSTBOX_ERROR_UNKNOWN_NAME, whose error text lists similar names;
 * POSTBOX_ERROR_INVALID_ARGUMENT if the value is not a whole number and must be one.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_selection_set(postbox_selection *selection,
                                            const char *name,
                                            const char *value);

/**
 * Frees a selection. Does nothing for NULL.
 */
POSTBOX_API void postbox_selection_free(postbox_selection *selection);

/**
 * Lists the stored messages in `state` that match `selection`, page by page. If `selection` is NULL, all
 * messages match. The caller frees the page with postbox_page_free. The part "cursor" of the selection
 * continues the list after an earlier page. A page can have fewer messages than the part "limit", or
 * none, and only postbox_page_next shows whether it is the last page.
 *
 * Outstanding and dispatched messages are read from an index, which DynamoDB updates a moment after the
 * table. With a topic, only messages of this topic and of the selected ages are read. Without a topic,
 * the messages that the ages or topics leave out are read too. Parked messages are found by reading the
 * whole table.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown state, for a selection that no message can match,
 * for an empty topic, for a limit of 0, or for a cursor that does not belong to this list.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_select_messages(postbox_client *client,
                                              postbox_state state,
                                              const postbox_selection *selection,
                                              postbox_page **page);

/**
 * Counts the stored messages in `state` that match `selection`, or all messages in `state` if `selection`
 * is NULL. The count reads the same parts of the table as postbox_select_messages.
 *
 * Errors: as for postbox_select_messages, and POSTBOX_ERROR_INVALID_ARGUMENT for a selection with a
 * cursor.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_count_messages(postbox_client *client,
                                             postbox_state state,
                                             const postbox_selection *selection,
                                             uint64_t *count);

/* ============================================================================================
 * Messages by id
 * ============================================================================================ */

/**
 * Reads the stored messages with these ids, with consistent reads of up to 100 messages per request.
 * The messages of the page are in the order of the ids, and an id that is passed twice is read once.
 * postbox_page_missing returns the ids that the outbox does not have, and postbox_page_malformed the
 * messages that cannot be read. The caller frees the page with postbox_page_free.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_get_messages(postbox_client *client,
                                           const char *const *ids,
                                           size_t count,
                                           postbox_page **page);

/**
 * Marks messages dispatched as postbox_mark_dispatched does, with the dispatch time `dispatched_ticks`
 * instead of the current time. The time is in ticks; see POSTBOX_UNIX_EPOCH_TICKS. The settings
 * "dispatched_ttl_seconds" and "archive_min_age_ms" count from this time. See postbox_clear_outbox for
 * `report`.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the time is 0, negative or after the year 9999. No message
 * was marked.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_mark_dispatched_at(postbox_client *client,
                                                 const char *const *ids,
                                                 size_t count,
                                                 int64_t dispatched_ticks,
                                                 postbox_report **report);

/**
 * Deletes a message if it is in `state`. An outstanding message that is deleted is never sent. Unless
 * `deleted` is NULL, this function writes to it whether the message was deleted. The value is false if
 * the outbox has no such message, or if the message is in another state.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown state.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_delete_message(postbox_client *client,
                                             const char *id,
                                             postbox_state state,
                                             bool *deleted);

/* ============================================================================================
 * Unparking and replaying
 * ============================================================================================ */

/**
 * Releases a parked message. The message becomes outstanding again, and its count of failed attempts
 * is reset.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the message is not parked.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unpark(postbox_client *client,
                                     const char *id);

/**
 * Replays messages: makes dispatched or parked messages outstanding again, so that the next sweep or
 * clear sends them. A message that is still outstanding becomes due at once. The counts of failed
 * attempts are reset. The outcome of a replayed message is
 * POSTBOX_OUTCOME_REPLAYED. See postbox_clear_outbox for `report`, and for the error if `report` is
 * NULL.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_replay(postbox_client *client,
                                     const char *const *ids,
                                     size_t count,
                                     postbox_report **report);

/**
 * Replays every message with this causation id, as postbox_replay does. The messages are found in an
 * index, which DynamoDB updates a moment after the table. If no message is found, the call succeeds.
 * See postbox_clear_outbox for `report`.
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
 * Archives old dispatched messages: calls `archive`, on this thread, for each message that has been
 * dispatched for longer than "archive_min_age_ms", and deletes each message that `archive` stored.
 * Messages in other states are not changed. `result` may be NULL.
 *
 * While this function runs, it holds the archivers' lease in the lock table, which excludes other
 * archivers, including those of Brighter. If another archiver holds the lease, this function does
 * nothing. If the lock table cannot be used, this function runs without the lease, and its result has
 * the lease status POSTBOX_LEASE_UNAVAILABLE.
 *
 * `cancel` may be NULL. If it is canceled, this function archives no further messages.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_archive(postbox_client *client,
                                      postbox_archive_callback archive,
                                      void *data,
                                      const postbox_cancel_token *cancel,
                                      postbox_archive_result *result);

/**
 * Archives messages as postbox_archive does, and stores them in a file. Each message is appended
 * as one line, which contains the stored item as DynamoDB JSON. If the file does not exist, it is
 * created so that only its owner can access it. The file is synchronized to disk before a message
 * is deleted.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the file cannot be opened.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_archive_to_file(postbox_client *client,
                                              const char *path,
                                              const postbox_cancel_token *cancel,
                                              postbox_archive_result *result);

/**
 * Starts the archiver, a background thread that archives messages as postbox_archive does. The first
 * run begins immediately, and later runs follow at intervals of "archive_interval_ms". The archiver
 * logs errors and continues.
 *
 * `release` may be NULL. When the archiver has stopped, `release` is called once with `data`, before
 * postbox_stop_archiver returns success. If postbox_start_archiver fails, `release` is not called.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if the archiver is already running.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_start_archiver(postbox_client *client,
                                             postbox_archive_callback archive,
                                             void *data,
                                             postbox_release_callback release);

/**
 * Starts the archiver, as postbox_start_archiver does. The archiver appends the messages to a file,
 * as postbox_archive_to_file does.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_start_archiver_to_file(postbox_client *client,
                                                     const char *path);

/**
 * Stops the archiver, and waits for it as postbox_stop_sweeper waits for the sweeper. Errors: as for
 * postbox_stop_sweeper.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_stop_archiver(postbox_client *client);

/* ============================================================================================
 * Counts and statistics
 * ============================================================================================ */

/**
 * Counts the outstanding messages of one topic, or of all topics if `topic` is NULL, and returns
 * the age of the oldest message.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_count_outstanding(postbox_client *client,
                                                const char *topic,
                                                postbox_outstanding_count *result);

/**
 * Returns the statistics of a client since it was opened. This function sends no request, and can be
 * called even after postbox_close.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_get_stats(postbox_client *client,
                                        postbox_stats *stats);

/**
 * Returns the statistics of postbox_get_stats as one JSON object. The object also contains the last
 * sweep, the last error and the state of the circuit breaker of each topic. The caller frees the
 * string with postbox_string_free.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_stats_json(postbox_client *client, char **json);

/* ============================================================================================
 * Information for operators
 * ============================================================================================ */

/**
 * Counts the messages of each topic, and writes an item to `counts`, which the caller frees with
 * postbox_item_free. If `all_states` is false, only outstanding messages are counted, and the index of
 * outstanding messages is read. If it is true, the whole table is read.
 *
 * The item has the attribute "topics", a list that is sorted by topic. Each element is a map with the
 * members "topic", "outstanding", "dispatched", "parked", "waiting" (messages that wait for their next
 * attempt or for their confirmation), "failing" (outstanding messages of which an attempt has failed) and
 * "invalid_times" (messages whose times are too far in the future to be right). The members
 * "oldest_ticks", "next_attempt_ticks", "failing_since_ticks" and "last_error" exist only if there is
 * such a message. Times are in ticks; see POSTBOX_UNIX_EPOCH_TICKS. Later versions can add members.
 *
 * ```c
 * const postbox_value *topics = postbox_item_get(counts, "topics");
 * for (size_t i = 0; i < postbox_value_count(topics); i++)
 *     show(postbox_value_member(postbox_value_at(topics, i), "outstanding"));
 * ```
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_topic_counts(postbox_client *client,
                                           bool all_states,
                                           postbox_item **counts);

/**
 * Counts the messages of a topic that were dispatched at or after `from_ticks` and before `to_ticks`, in
 * ticks; see POSTBOX_UNIX_EPOCH_TICKS. The messages are counted in an index, which DynamoDB updates a
 * moment after the table.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if a time is negative or after the year 9999.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_dispatched_between(postbox_client *client,
                                                 const char *topic,
                                                 int64_t from_ticks,
                                                 int64_t to_ticks,
                                                 uint64_t *count);

/**
 * Reads the leases of the sweepers and archivers of this outbox, including expired leases, and writes an
 * item to `leases`, which the caller frees with postbox_item_free.
 *
 * The item has the attribute "leases", a list that is sorted by resource. Each element is a map with the
 * members "resource", "holder" (a host and a process id, or an id for a lease of Brighter),
 * "expires_ticks" (see POSTBOX_UNIX_EPOCH_TICKS) and "is_ignored" (whether the lease ends too far in the
 * future to be right). The member "topic" exists for the lease or pause of a lane, and "paused" with the
 * reason for a pause. Later versions can add members.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_leases(postbox_client *client,
                                     postbox_item **leases);

/**
 * Reads the processes that have swept this outbox within the last day, and writes an item to `sweepers`,
 * which the caller frees with postbox_item_free. Brighter's sweepers are not in the list. This function
 * also deletes the entries of processes that have not swept for a day.
 *
 * The item has the attribute "sweepers", a list that begins with the process that swept last. Each
 * element is a map with the members "holder" (a host and a process id), "version", "topics" (a list of
 * topics and prefixes that end in "*") and "last_sweep_ticks" (see POSTBOX_UNIX_EPOCH_TICKS). The members
 * "last_success_ticks", "last_error" and "stopped_ticks" exist if a sweep succeeded, if the last sweep
 * failed, and if the sweeper was stopped. Later versions can add members.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_sweepers(postbox_client *client,
                                       postbox_item **sweepers);

/**
 * Describes where the outbox table is, for prompts and logs: with its account and region, its endpoint,
 * or the file of the embedded database. Without the permission for DescribeTable, the text states that
 * the account is unknown. The caller frees the string with postbox_string_free.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_location(postbox_client *client,
                                       char **location);

/* ============================================================================================
 * Leases of the program
 * ============================================================================================ */

/**
 * Obtains a lease on a resource of the program's own, such as a job that only one process may run at a
 * time. The lease is written to `lease`, or NULL if another holder has it, in this process or in another
 * one. The caller frees the lease with postbox_held_lease_free.
 *
 * The lease is in the lock table, in the format of Brighter's distributed lock on DynamoDB. A program of
 * Brighter that uses the same table, and the setting "lease_group" as its group, therefore sees the lease,
 * and the other way round. If the lock table does not exist, it is created. The lease ends after
 * `length_ms`, which is 1,000 to 3,600,000, unless postbox_held_lease_renew extends it. The resources
 * "OutboxSweeper" and "Archiver" are those of the sweepers and archivers, which wait while the program
 * holds them.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT for a resource that is empty, longer than 1,024 bytes or begins
 * with "Sweeper_", or for a length out of range; POSTBOX_ERROR_INVALID_TABLE if the lock table cannot be
 * used.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_obtain_lease(postbox_client *client,
                                           const char *resource,
                                           uint64_t length_ms,
                                           postbox_held_lease **lease);

/**
 * Extends a lease by its length from now, and writes to `is_held` whether it is still held. If it is not,
 * another process may hold it, and this lease cannot be renewed again: stop the work that it protects, and
 * obtain a new lease. Renew a lease after a third of its length, so that a failed request can be repeated
 * in time. After an error, the lease is held until it expires, and can be renewed again.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_held_lease_renew(postbox_held_lease *lease,
                                               bool *is_held);

/**
 * Returns whether a lease is held for certain: it was neither lost nor released, and it has not expired,
 * even by a clock that is 5 seconds ahead. This function sends no request. Returns false for NULL.
 */
POSTBOX_API
bool postbox_held_lease_is_held(const postbox_held_lease *lease);

/**
 * Returns the name of a lease in the lock table, which begins with the group of the leases, or "" for NULL.
 * The string is valid until the lease is freed.
 */
POSTBOX_API
const char *postbox_held_lease_resource(const postbox_held_lease *lease);

/**
 * Releases a lease, so that another process can obtain it at once. Does nothing if the lease was lost or
 * released. After an error, the lease ends after its length.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_held_lease_release(postbox_held_lease *lease);

/**
 * Frees a lease. Does nothing for NULL. If the lease is held, this function releases it, which sends a
 * request, and does not report a failure. If the client was closed before, the lease ends after its length.
 */
POSTBOX_API
void postbox_held_lease_free(postbox_held_lease *lease);

/* ============================================================================================
 * Reports
 * ============================================================================================ */

/**
 * Returns the number of messages in the report. Returns 0 for NULL.
 */
POSTBOX_API size_t postbox_report_count(const postbox_report *report);

/**
 * Returns the number of failed messages. A message has failed if the number of its outcome is
 * POSTBOX_OUTCOME_NOT_FOUND or greater. Returns 0 for NULL.
 */
POSTBOX_API size_t postbox_report_failure_count(const postbox_report *report);

/**
 * Returns the id of a message, or "" if `index` is out of range. The first index is 0. The
 * string is valid until the report is freed.
 */
POSTBOX_API const char *postbox_report_id(const postbox_report *report, size_t index);

/**
 * Returns the outcome of a message, or POSTBOX_OUTCOME_NOT_FOUND if `index` is out of range.
 */
POSTBOX_API
postbox_outcome postbox_report_outcome(const postbox_report *report,
                                       size_t index);

/**
 * Returns the reason for the outcome of a message, or "" if the outcome has no reason. The string is
 * valid until the report is freed.
 */
POSTBOX_API
const char *postbox_report_detail(const postbox_report *report,
                                  size_t index);

/**
 * Frees a report. Does nothing for NULL.
 */
POSTBOX_API void postbox_report_free(postbox_report *report);

/* ============================================================================================
 * Asynchronous operations
 * ============================================================================================ */

/**
 * Ends the wait for an operation, whose callback then receives POSTBOX_ERROR_CANCELED. A write may or may
 * not have taken effect: for a commit, the error is POSTBOX_ERROR_OUTCOME_UNKNOWN, and the program can
 * commit the unit of work again to find out. An operation that calls producers finishes its current calls
 * and is then reported as usual. Does nothing for NULL, and if the operation is done.
 */
POSTBOX_API
void postbox_operation_cancel(postbox_operation *operation);

/**
 * Frees the handle of an operation. The operation continues, and its callback is called. Does nothing for
 * NULL.
 */
POSTBOX_API
void postbox_operation_free(postbox_operation *operation);

/**
 * Starts postbox_unit_of_work_commit, and returns without waiting for DynamoDB. The operation has no
 * result. Until the callback is called, functions on the unit of work fail with
 * POSTBOX_ERROR_CONCURRENT_USE. The unit of work may be freed at any time: the commit continues.
 *
 * Errors of the operation: as for postbox_unit_of_work_commit. If the operation is canceled, the error is
 * POSTBOX_ERROR_OUTCOME_UNKNOWN. Commit the unit of work again to find out whether it took effect.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unit_of_work_commit_async(postbox_unit_of_work *work,
                                                        postbox_completion_callback callback,
                                                        void *data,
                                                        postbox_operation **operation);

/**
 * Starts postbox_deposit_post, and returns without waiting for DynamoDB. The operation has no result.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_deposit_post_async(postbox_client *client,
                                                 const postbox_message *message,
                                                 postbox_completion_callback callback,
                                                 void *data,
                                                 postbox_operation **operation);

/**
 * Starts postbox_deposit_posts, and returns without waiting for DynamoDB. The messages are copied. The
 * operation has no result.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_deposit_posts_async(postbox_client *client,
                                                  const postbox_message *const *messages,
                                                  size_t count,
                                                  postbox_completion_callback callback,
                                                  void *data,
                                                  postbox_operation **operation);

/**
 * Starts postbox_clear_outbox, and returns without waiting for DynamoDB or for producers, which are called
 * on a thread of the client. The result contains the report. If the operation is canceled, it ends after
 * the current calls to producers. It does not wait for messages that it is reading. The messages that
 * were not tried have the outcome POSTBOX_OUTCOME_SKIPPED.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_clear_outbox_async(postbox_client *client,
                                                 const char *const *ids,
                                                 size_t count,
                                                 postbox_completion_callback callback,
                                                 void *data,
                                                 postbox_operation **operation);

/**
 * Starts postbox_mark_dispatched, and returns without waiting for DynamoDB. The result contains the
 * report.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_mark_dispatched_async(postbox_client *client,
                                                    const char *const *ids,
                                                    size_t count,
                                                    postbox_completion_callback callback,
                                                    void *data,
                                                    postbox_operation **operation);

/**
 * Starts postbox_mark_dispatched_at, and returns without waiting for DynamoDB. The result contains the
 * report.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_mark_dispatched_at_async(postbox_client *client,
                                                       const char *const *ids,
                                                       size_t count,
                                                       int64_t dispatched_ticks,
                                                       postbox_completion_callback callback,
                                                       void *data,
                                                       postbox_operation **operation);

/**
 * Starts postbox_replay, and returns without waiting for DynamoDB. The result contains the report.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_replay_async(postbox_client *client,
                                           const char *const *ids,
                                           size_t count,
                                           postbox_completion_callback callback,
                                           void *data,
                                           postbox_operation **operation);

/**
 * Starts postbox_replay_causation, and returns without waiting for DynamoDB. The result contains the
 * report.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_replay_causation_async(postbox_client *client,
                                                     const char *causation_id,
                                                     postbox_completion_callback callback,
                                                     void *data,
                                                     postbox_operation **operation);

/**
 * Starts postbox_confirm, and returns without waiting for DynamoDB. The operation has no result. The marks
 * of messages that are confirmed at the same time share requests.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_confirm_async(postbox_client *client,
                                            const char *id,
                                            postbox_send_outcome outcome,
                                            const char *reason,
                                            postbox_completion_callback callback,
                                            void *data,
                                            postbox_operation **operation);

/**
 * Starts postbox_confirm_many, and returns without waiting for DynamoDB. The operation has no result.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_confirm_many_async(postbox_client *client,
                                                 const char *const *ids,
                                                 const postbox_send_outcome *outcomes,
                                                 const char *const *reasons,
                                                 size_t count,
                                                 postbox_completion_callback callback,
                                                 void *data,
                                                 postbox_operation **operation);

/**
 * Starts postbox_get_message, and returns without waiting for DynamoDB. The result contains the message, or
 * is NULL if the outbox has no such message.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_get_message_async(postbox_client *client,
                                                const char *id,
                                                postbox_completion_callback callback,
                                                void *data,
                                                postbox_operation **operation);

/**
 * Starts postbox_get_messages, and returns without waiting for DynamoDB. The result contains the page.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_get_messages_async(postbox_client *client,
                                                 const char *const *ids,
                                                 size_t count,
                                                 postbox_completion_callback callback,
                                                 void *data,
                                                 postbox_operation **operation);

/**
 * Starts postbox_delete_message, and returns without waiting for DynamoDB. postbox_result_flag returns whether
 * the message was deleted.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_delete_message_async(postbox_client *client,
                                                   const char *id,
                                                   postbox_state state,
                                                   postbox_completion_callback callback,
                                                   void *data,
                                                   postbox_operation **operation);

/**
 * Starts postbox_read_item, and returns without waiting for DynamoDB. The key is copied. The result
 * contains the item, or is NULL if the table has no such item.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_read_item_async(postbox_client *client,
                                              const char *table,
                                              const postbox_item *key,
                                              postbox_completion_callback callback,
                                              void *data,
                                              postbox_operation **operation);

/**
 * Starts postbox_list_messages, and returns without waiting for DynamoDB. The result contains the page.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_list_messages_async(postbox_client *client,
                                                  postbox_state state,
                                                  const char *topic,
                                                  uint32_t limit,
                                                  const char *cursor,
                                                  postbox_completion_callback callback,
                                                  void *data,
                                                  postbox_operation **operation);

/**
 * Starts postbox_count_outstanding, and returns without waiting for DynamoDB. The result contains the
 * count; see postbox_result_outstanding_count.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_count_outstanding_async(postbox_client *client,
                                                      const char *topic,
                                                      postbox_completion_callback callback,
                                                      void *data,
                                                      postbox_operation **operation);

/**
 * Starts postbox_unpark, and returns without waiting for DynamoDB. The operation has no result.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_unpark_async(postbox_client *client,
                                           const char *id,
                                           postbox_completion_callback callback,
                                           void *data,
                                           postbox_operation **operation);

/**
 * Starts postbox_create_table, and returns without waiting for DynamoDB. The operation has no result.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_create_table_async(postbox_client *client,
                                                 postbox_completion_callback callback,
                                                 void *data,
                                                 postbox_operation **operation);

/**
 * Starts postbox_verify_table, and returns without waiting for DynamoDB. postbox_result_flag returns whether
 * messages can be replayed by causation id.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_verify_table_async(postbox_client *client,
                                                 postbox_completion_callback callback,
                                                 void *data,
                                                 postbox_operation **operation);

/**
 * Starts postbox_table_warnings, and returns without waiting for DynamoDB. The result contains the text, or
 * is NULL if there are no warnings.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_table_warnings_async(postbox_client *client,
                                                   postbox_completion_callback callback,
                                                   void *data,
                                                   postbox_operation **operation);

/**
 * Starts postbox_select_messages, and returns without waiting for DynamoDB. The selection is copied. The
 * result contains the page.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_select_messages_async(postbox_client *client,
                                                    postbox_state state,
                                                    const postbox_selection *selection,
                                                    postbox_completion_callback callback,
                                                    void *data,
                                                    postbox_operation **operation);

/**
 * Starts postbox_count_messages, and returns without waiting for DynamoDB. The selection is copied.
 * postbox_result_number returns the count.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_count_messages_async(postbox_client *client,
                                                   postbox_state state,
                                                   const postbox_selection *selection,
                                                   postbox_completion_callback callback,
                                                   void *data,
                                                   postbox_operation **operation);

/**
 * Starts postbox_dispatched_between, and returns without waiting for DynamoDB. postbox_result_number returns
 * the count.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_dispatched_between_async(postbox_client *client,
                                                       const char *topic,
                                                       int64_t from_ticks,
                                                       int64_t to_ticks,
                                                       postbox_completion_callback callback,
                                                       void *data,
                                                       postbox_operation **operation);

/**
 * Starts postbox_topic_counts, and returns without waiting for DynamoDB. The result contains the item.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_topic_counts_async(postbox_client *client,
                                                 bool all_states,
                                                 postbox_completion_callback callback,
                                                 void *data,
                                                 postbox_operation **operation);

/**
 * Starts postbox_leases, and returns without waiting for DynamoDB. The result contains the item.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_leases_async(postbox_client *client,
                                           postbox_completion_callback callback,
                                           void *data,
                                           postbox_operation **operation);

/**
 * Starts postbox_sweepers, and returns without waiting for DynamoDB. The result contains the item.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_sweepers_async(postbox_client *client,
                                             postbox_completion_callback callback,
                                             void *data,
                                             postbox_operation **operation);

/**
 * Starts postbox_location, and returns without waiting for DynamoDB. The result contains the text.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_location_async(postbox_client *client,
                                             postbox_completion_callback callback,
                                             void *data,
                                             postbox_operation **operation);

/**
 * Starts postbox_obtain_lease, and returns without waiting for DynamoDB. The result contains the lease, or is
 * NULL if another holder has it. If the operation is canceled, a lease that is obtained nevertheless is
 * released.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_obtain_lease_async(postbox_client *client,
                                                 const char *resource,
                                                 uint64_t length_ms,
                                                 postbox_completion_callback callback,
                                                 void *data,
                                                 postbox_operation **operation);

/**
 * Starts postbox_held_lease_renew, and returns without waiting for DynamoDB. postbox_result_flag returns
 * whether the lease is still held.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_held_lease_renew_async(postbox_held_lease *lease,
                                                     postbox_completion_callback callback,
                                                     void *data,
                                                     postbox_operation **operation);

/**
 * Starts postbox_held_lease_release, and returns without waiting for DynamoDB. The operation has no result.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_held_lease_release_async(postbox_held_lease *lease,
                                                       postbox_completion_callback callback,
                                                       void *data,
                                                       postbox_operation **operation);

/**
 * Takes the message out of a result. The caller frees it with postbox_message_free.
 */
POSTBOX_API postbox_message *postbox_result_take_message(postbox_result *result);

/**
 * Takes the item out of a result. The caller frees it with postbox_item_free.
 */
POSTBOX_API postbox_item *postbox_result_take_item(postbox_result *result);

/**
 * Takes the page out of a result. The caller frees it with postbox_page_free.
 */
POSTBOX_API postbox_page *postbox_result_take_page(postbox_result *result);

/**
 * Takes the report out of a result. The caller frees it with postbox_report_free.
 */
POSTBOX_API postbox_report *postbox_result_take_report(postbox_result *result);

/**
 * Takes the lease out of a result. The caller frees it with postbox_held_lease_free.
 */
POSTBOX_API postbox_held_lease *postbox_result_take_lease(postbox_result *result);

/**
 * Takes the text out of a result. The caller frees it with postbox_string_free.
 */
POSTBOX_API char *postbox_result_take_text(postbox_result *result);

/**
 * Returns the boolean value of a result. Returns false for NULL and for a result without one.
 */
POSTBOX_API bool postbox_result_flag(const postbox_result *result);

/**
 * Returns the number of a result. Returns 0 for NULL and for a result without one.
 */
POSTBOX_API uint64_t postbox_result_number(const postbox_result *result);

/**
 * Writes the count of a result to `count`. Returns false, and writes nothing, if `result` is NULL or has no
 * count, or if `count` is NULL.
 */
POSTBOX_API
bool postbox_result_outstanding_count(const postbox_result *result,
                                      postbox_outstanding_count *count);

/**
 * Frees a result, with the parts that were not taken. Does nothing for NULL.
 */
POSTBOX_API void postbox_result_free(postbox_result *result);

/* ============================================================================================
 * Logging
 * ============================================================================================ */

/**
 * Sends the log messages of the process to `callback`, if their postbox_log_level is not greater than
 * `level`. The messages of clients that have a callback of their own are not included; see
 * postbox_config_set_log_callback. The callback replaces the callback that an earlier call to this
 * function has set. If `callback` is NULL, the messages are discarded, and the other arguments are
 * ignored.
 *
 * `release` may be NULL. It is called once with `data`, on any thread, when the callback has been
 * replaced and none of its calls is in progress. If this function fails, `release` is not called.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT for an unknown level. The same error is returned if the
 * process is a Rust program with its own `tracing` subscriber. That subscriber then receives the log
 * messages.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_set_log_callback(postbox_log_level level,
                                               postbox_log_callback callback,
                                               void *data,
                                               postbox_release_callback release);

/* ============================================================================================
 * Tracing
 * ============================================================================================ */

/**
 * Sets the W3C trace context of the calling thread, for all clients. A message that this thread deposits,
 * or turns into a put, gets the context in its header fields "trace_parent" and "trace_state", unless
 * "trace_parent" is set. The context remains until this thread sets another one; if `trace_parent` is
 * NULL, the thread has none. `trace_state` may be NULL.
 *
 * A program calls this function when a span begins and when it ends. It sends no request and never
 * blocks.
 *
 * Errors: POSTBOX_ERROR_INVALID_ARGUMENT if a value does not have the form of W3C Trace Context. The
 * thread then has no context.
 */
POSTBOX_API POSTBOX_MUST_CHECK
postbox_error *postbox_set_trace_context(const char *trace_parent,
                                                const char *trace_state);

/* ============================================================================================
 * Strings
 * ============================================================================================ */

/**
 * Frees a string that the caller owns. Does nothing for NULL.
 */
POSTBOX_API void postbox_string_free(char *string);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* POSTBOX_H */
