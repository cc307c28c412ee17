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
