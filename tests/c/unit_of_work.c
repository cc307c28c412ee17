/* Units of work: atomicity, the limits, and the errors of a closed unit. */
#include "support.h"
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_closed(postbox_unit_of_work *work, const char *reason)
{
    postbox_message *message = message_of("greeting.made", "late", "x");
    FAILS(POSTBOX_ERROR_UNIT_OF_WORK_CLOSED, reason, postbox_unit_of_work_commit(work));
    FAILS(POSTBOX_ERROR_UNIT_OF_WORK_CLOSED, reason, postbox_unit_of_work_rollback(work));
    FAILS(POSTBOX_ERROR_UNIT_OF_WORK_CLOSED, reason, postbox_unit_of_work_put(work, "People", BOB));
    FAILS(POSTBOX_ERROR_UNIT_OF_WORK_CLOSED, reason, postbox_unit_of_work_delete(work, "People", BOB));
    FAILS(POSTBOX_ERROR_UNIT_OF_WORK_CLOSED, reason, postbox_unit_of_work_deposit_post(work, message));
    postbox_message_free(message);
}

void commit_writes_both_and_closes(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_message *message = message_of("greeting.made", "one", "hello");
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_put(work, "People", ADA));
    OK(postbox_unit_of_work_deposit_post(work, message));
    /* The caller owns the message, and may free it before the commit. */
    postbox_message_free(message);
    check_person(box, ADA, NULL);
    check_state(box, "one", NULL);
    OK(postbox_unit_of_work_commit(work));
    check_person(box, ADA, ADA);
    check_state(box, "one", "outstanding");
    check_closed(work, "was committed");
    check_state(box, "late", NULL);
    check_person(box, BOB, NULL);
    postbox_unit_of_work_free(work);
    check_usable(box);
    postbox_free(box);
}

void rollback_and_free_send_nothing(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    postbox_client *box = open_memory(&producer);
    for (int freed_only = 0; freed_only < 2; freed_only++) {
        postbox_message *message = message_of("greeting.made", "never", "hello");
        postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
        OK(postbox_unit_of_work_put(work, "People", ADA));
        OK(postbox_unit_of_work_deposit_post(work, message));
        if (!freed_only) {
            OK(postbox_unit_of_work_rollback(work));
            check_closed(work, "was rolled back");
        }
        postbox_unit_of_work_free(work);
        postbox_message_free(message);
        check_person(box, ADA, NULL);
        check_state(box, "never", NULL);
        CHECK(clear(box, "never", NULL, 0) == POSTBOX_OUTCOME_NOT_FOUND);
    }
    CHECK(producer.sent == 0);
    postbox_free(box);
    CHECK(producer.released == 1);
}

void every_kind_of_action_takes_effect(void)
{
    char *item = NULL;
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_put(work, "People", ADA));
    OK(postbox_unit_of_work_put(work, "People", BOB));
    OK(postbox_unit_of_work_commit(work));
    postbox_unit_of_work_free(work);

    work = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_get_item(work, "People", ADA, &item));
    EQUAL(item, ADA);
    postbox_string_free(item);
    OK(postbox_unit_of_work_get_item(work, "People", "{\"Name\":{\"S\":\"Eve\"}}", &item));
    CHECK(item == NULL);
    OK(postbox_unit_of_work_update(work, "{\"TableName\":\"People\",\"Key\":" ADA ",\"UpdateExpression\":\"SET #a = :a\","
                                         "\"ConditionExpression\":\"attribute_exists(#n)\","
                                         "\"ExpressionAttributeNames\":{\"#a\":\"Age\",\"#n\":\"Name\"},"
                                         "\"ExpressionAttributeValues\":{\":a\":{\"N\":\"36\"}}}"));
    OK(postbox_unit_of_work_delete(work, "People", BOB));
    OK(postbox_unit_of_work_condition_check(work, "{\"TableName\":\"People\",\"Key\":{\"Name\":{\"S\":\"Eve\"}},"
                                                  "\"ConditionExpression\":\"attribute_not_exists(#n)\","
                                                  "\"ExpressionAttributeNames\":{\"#n\":\"Name\"}}"));
    OK(postbox_unit_of_work_add(work, "{\"Put\":{\"TableName\":\"People\",\"Item\":{\"Name\":{\"S\":\"Kay\"}},"
                                      "\"ConditionExpression\":\"attribute_not_exists(#n)\","
                                      "\"ExpressionAttributeNames\":{\"#n\":\"Name\"}}}"));
    OK(postbox_unit_of_work_commit(work));
    check_person(box, ADA, "{\"Age\":{\"N\":\"36\"},\"Name\":{\"S\":\"Ada\"}}");
    check_person(box, BOB, NULL);
    check_person(box, "{\"Name\":{\"S\":\"Kay\"}}", "{\"Name\":{\"S\":\"Kay\"}}");
    postbox_unit_of_work_free(work);
    postbox_free(box);
}

void more_than_100_actions_are_rejected(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    postbox_message *message = message_of("greeting.made", NULL, "x");
    char id[16];
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "many-%d", i);
        OK(postbox_message_set(message, "id", id));
        OK(postbox_unit_of_work_deposit_post(work, message));
    }
    OK(postbox_message_set(message, "id", "many-100"));
    FAILS(POSTBOX_ERROR_TOO_MANY_ACTIONS, "100 actions", postbox_unit_of_work_deposit_post(work, message));
    FAILS(POSTBOX_ERROR_TOO_MANY_ACTIONS, "100 actions", postbox_unit_of_work_put(work, "People", ADA));
    OK(postbox_unit_of_work_commit(work));
    check_state(box, "many-0", "outstanding");
    check_state(box, "many-99", "outstanding");
    check_state(box, "many-100", NULL);
    postbox_message_free(message);
    postbox_unit_of_work_free(work);
    postbox_free(box);
}

void too_large_items_are_rejected_with_the_sizes(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    postbox_message *message = NULL;
    char *body = long_text(413 * 1024), *person = long_person("Ada", 413 * 1024);
    OK(postbox_message_new("greeting.made", (const uint8_t *)body, strlen(body), &message));
    OK(postbox_message_set(message, "id", "large"));
    FAILS(POSTBOX_ERROR_ITEM_TOO_LARGE, "409600", postbox_deposit_post(box, message));
    FAILS(POSTBOX_ERROR_ITEM_TOO_LARGE, "409600", postbox_unit_of_work_deposit_post(work, message));
    FAILS(POSTBOX_ERROR_ITEM_TOO_LARGE, "409600", postbox_unit_of_work_put(work, "People", person));
    free(person);
    free(body);
    for (int i = 0; i < 11; i++) {
        char name[16];
        snprintf(name, sizeof name, "P%d", i);
        person = long_person(name, 390 * 1024);
        if (i < 10)
            OK(postbox_unit_of_work_put(work, "People", person));
        else
            FAILS(POSTBOX_ERROR_TRANSACTION_TOO_LARGE, "4194304", postbox_unit_of_work_put(work, "People", person));
        free(person);
    }
    OK(postbox_message_set_body(message, (const uint8_t *)"small", 5));
    OK(postbox_unit_of_work_deposit_post(work, message));
    OK(postbox_unit_of_work_rollback(work));
    OK(postbox_deposit_post(box, message));
    check_state(box, "large", "outstanding");
    postbox_message_free(message);
    postbox_unit_of_work_free(work);
    postbox_free(box);
}

void the_same_item_twice_is_rejected(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    postbox_message *message = message_of("greeting.made", "twice", "x");
    OK(postbox_unit_of_work_put(work, "People", ADA));
    FAILS(POSTBOX_ERROR_DUPLICATE_ITEM, "action 0 (Put People)",
          postbox_unit_of_work_put(work, "People", "{\"Age\":{\"N\":\"36\"},\"Name\":{\"S\":\"Ada\"}}"));
    FAILS(POSTBOX_ERROR_DUPLICATE_ITEM, "Put People", postbox_unit_of_work_delete(work, "People", ADA));
    OK(postbox_unit_of_work_put(work, "People", BOB));
    OK(postbox_unit_of_work_deposit_post(work, message));
    FAILS(POSTBOX_ERROR_DUPLICATE_ITEM, "action 2", postbox_unit_of_work_deposit_post(work, message));
    OK(postbox_unit_of_work_commit(work));
    check_person(box, ADA, ADA);
    check_state(box, "twice", "outstanding");
    postbox_message_free(message);
    postbox_unit_of_work_free(work);
    postbox_free(box);
}

/* A cancelled transaction reports a reason for each action, and can be retried. */
void cancelled_transaction_gives_reasons(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box), *other = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_put(other, "People", BOB));
    OK(postbox_unit_of_work_commit(other));
    postbox_unit_of_work_free(other);

    OK(postbox_unit_of_work_put(work, "People", ADA));
    OK(postbox_unit_of_work_condition_check(work, "{\"TableName\":\"People\",\"Key\":" BOB ","
                                                  "\"ConditionExpression\":\"attribute_not_exists(#n)\","
                                                  "\"ExpressionAttributeNames\":{\"#n\":\"Name\"},"
                                                  "\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"}"));
    postbox_error *error = ERROR_OF(POSTBOX_ERROR_TRANSACTION_CANCELED, "1 of 2", postbox_unit_of_work_commit(work));
    CHECK(!postbox_error_is_retryable(error));
    CHECK(postbox_error_reason_count(error) == 1);
    CHECK(postbox_error_reason_index(error, 0) == 1);
    EQUAL(postbox_error_reason_subject(error, 0), "ConditionCheck People");
    EQUAL(postbox_error_reason_code(error, 0), "ConditionalCheckFailed");
    HOLDS(postbox_error_reason_message(error, 0), "condition");
    EQUAL(postbox_error_reason_item(error, 0), BOB);
    /* The error has no reason with index 1. */
    CHECK(postbox_error_reason_index(error, 1) == SIZE_MAX);
    EQUAL(postbox_error_reason_subject(error, 1), "");
    EQUAL(postbox_error_reason_code(error, 1), "");
    EQUAL(postbox_error_reason_message(error, 1), "");
    CHECK(postbox_error_reason_item(error, 1) == NULL && postbox_error_reason_item(error, SIZE_MAX) == NULL);
    postbox_error_free(error);
    check_person(box, ADA, NULL);

    other = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_delete(other, "People", BOB));
    OK(postbox_unit_of_work_commit(other));
    OK(postbox_unit_of_work_commit(work));
    check_person(box, ADA, ADA);
    postbox_unit_of_work_free(other);
    postbox_unit_of_work_free(work);
    postbox_free(box);
}

void duplicate_message_takes_effect_once(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_message *message = message_of("greeting.made", "once", "x");
    OK(postbox_deposit_post(box, message));
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_put(work, "People", ADA));
    OK(postbox_unit_of_work_deposit_post(work, message));
    postbox_error *error = ERROR_OF(POSTBOX_ERROR_DUPLICATE_MESSAGE, "once", postbox_unit_of_work_commit(work));
    CHECK(postbox_error_reason_count(error) == 1 && postbox_error_reason_index(error, 0) == 1);
    postbox_error_free(error);
    check_person(box, ADA, NULL);
    OK(postbox_unit_of_work_rollback(work));
    postbox_unit_of_work_free(work);
    postbox_message_free(message);
    check_usable(box);
    postbox_free(box);
}

void unknown_table_is_named(void)
{
    char *item = (char *)"untouched";
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    FAILS(POSTBOX_ERROR_TABLE_NOT_FOUND, "Nowhere", postbox_get_item(box, "Nowhere", ADA, &item));
    FAILS(POSTBOX_ERROR_TABLE_NOT_FOUND, "Nowhere", postbox_unit_of_work_get_item(work, "Nowhere", ADA, &item));
    EQUAL(item, "untouched");
    OK(postbox_unit_of_work_put(work, "Nowhere", ADA));
    FAILS(POSTBOX_ERROR_TABLE_NOT_FOUND, "Nowhere", postbox_unit_of_work_put(work, "Nowhere", BOB));
    FAILS(POSTBOX_ERROR_TABLE_NOT_FOUND, "Nowhere", postbox_unit_of_work_commit(work));
    OK(postbox_unit_of_work_rollback(work));
    postbox_unit_of_work_free(work);
    check_usable(box);
    postbox_free(box);
}

void empty_unit_commits(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_commit(work));
    check_closed(work, "was committed");
    postbox_unit_of_work_free(work);
    postbox_free(box);
}

/* Handles may be freed in any order. Calls that need the Postbox report that it is closed. */
void unit_may_outlive_its_postbox(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    char *item = NULL;
    postbox_client *box = open_memory(&producer);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_put(work, "People", ADA));
    postbox_free(box);
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_unit_of_work_commit(work));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_unit_of_work_get_item(work, "People", ADA, &item));
    CHECK(producer.released == 0);
    postbox_unit_of_work_free(work);
    CHECK(producer.released == 1);
}
