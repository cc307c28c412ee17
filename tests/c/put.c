/* Messages in a transaction that another client sends. */
#include "support.h"
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>

#define PUT_ADA "{\"Put\":{\"TableName\":\"People\",\"Item\":" ADA "}}"

void message_is_put_by_another_client(void)
{
    struct producer producer = {.outcome = POSTBOX_SEND_SENT};
    postbox_client *box = open_memory(&producer);
    postbox_message *message = message_of("greeting.made", "one", "hello");
    char *put = NULL, request[2000];
    OK(postbox_message_to_put(box, message, &put));
    check_state(box, "one", NULL);
    HOLDS(put, "\"ConditionExpression\":\"attribute_not_exists(MessageId)\"");
    CHECK((size_t)snprintf(request, sizeof request, "{\"TransactItems\":[" PUT_ADA ",%s]}", put) < sizeof request);
    OK(postbox_embedded_execute(box, "TransactWriteItems", request, NULL));
    check_person(box, ADA, ADA);
    check_state(box, "one", "outstanding");
    CHECK(clear(box, "one", NULL, 0) == POSTBOX_OUTCOME_DISPATCHED && producer.sent == 1);

    /* The condition prevents that the message is outstanding again. */
    FAILS(POSTBOX_ERROR_SERVICE_ERROR, "ConditionalCheckFailed",
          postbox_embedded_execute(box, "TransactWriteItems", request, NULL));
    check_state(box, "one", "dispatched");
    postbox_string_free(put);
    postbox_message_free(message);
    postbox_free(box);
}

void message_that_cannot_be_deposited_cannot_be_put(void)
{
    postbox_client *box = open_memory(NULL);
    char *put = (char *)"untouched", *body = long_text(500000);
    postbox_message *message = message_of("greeting.made", "large", body);
    FAILS(POSTBOX_ERROR_ITEM_TOO_LARGE, "large", postbox_message_to_put(box, message, &put));
    EQUAL(put, "untouched");
    postbox_message_free(message);
    free(body);
    postbox_free(box);
}

void cancellation_of_another_client_is_explained(void)
{
    postbox_client *box = open_memory(NULL);
    postbox_message *message = message_of("greeting.made", "one", "hello");
    char *put = NULL, actions[2000];
    OK(postbox_message_to_put(box, message, &put));
    CHECK((size_t)snprintf(actions, sizeof actions, "[" PUT_ADA ",%s]", put) < sizeof actions);

    postbox_error *error = ERROR_OF(
        POSTBOX_ERROR_DUPLICATE_MESSAGE, "message one",
        postbox_cancellation_error(box, actions, "[{\"Code\":\"None\"},{\"Code\":\"ConditionalCheckFailed\",\"Message\":\"m\"}]"));
    CHECK(postbox_error_reason_count(error) == 1 && postbox_error_reason_index(error, 0) == 1);
    EQUAL(postbox_error_reason_subject(error, 0), "Put brighter_outbox");
    EQUAL(postbox_error_reason_message(error, 0), "m");
    postbox_error_free(error);

    error = ERROR_OF(POSTBOX_ERROR_TRANSACTION_CANCELED, "1 of 2",
                     postbox_cancellation_error(box, actions, "[{\"Code\":\"ConditionalCheckFailed\"},{\"Code\":\"None\"}]"));
    EQUAL(postbox_error_reason_subject(error, 0), "Put People");
    CHECK(!postbox_error_is_retryable(error));
    postbox_error_free(error);
    error = postbox_cancellation_error(box, actions, "[{\"Code\":\"TransactionConflict\"},{\"Code\":\"None\"}]");
    CHECK(postbox_error_code(error) == POSTBOX_ERROR_TRANSACTION_CANCELED && postbox_error_is_retryable(error));
    postbox_error_free(error);

    /* Lists of other lengths and members of other types are no reason to crash. */
    FAILS(POSTBOX_ERROR_TRANSACTION_CANCELED, "0 of 0", postbox_cancellation_error(box, "[]", "[]"));
    FAILS(POSTBOX_ERROR_TRANSACTION_CANCELED, "1 of 1",
          postbox_cancellation_error(box, "[7]", "[null,{\"Code\":\"ConditionalCheckFailed\"}]"));
    FAILS(POSTBOX_ERROR_INVALID_JSON, "\"actions\"", postbox_cancellation_error(box, "{}", "[]"));
    FAILS(POSTBOX_ERROR_INVALID_JSON, "\"reasons\"", postbox_cancellation_error(box, "[]", "["));
    postbox_string_free(put);
    postbox_message_free(message);
    postbox_free(box);
}
