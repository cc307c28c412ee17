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
