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
