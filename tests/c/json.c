/* DynamoDB JSON that is malformed or has the wrong shape is rejected, with the position of the mistake. */
#include "support.h"
#include "tests.h"

#define TABLE "\"TableName\":\"People\""
#define KEY "\"Key\":" ADA

struct wrong { const char *json, *place; };

static const struct wrong items[] = {
    {"", "not JSON"},
    {"{", "not JSON"},
    {"{} {}", "not JSON"},
    {"[]", "needs a JSON object"},
    {"null", "needs a JSON object"},
    {"{\"Age\":36}", "Age needs an attribute value"},
    {"{\"Age\":{}}", "Age needs an attribute value"},
    {"{\"Age\":{\"N\":36}}", "Age.N needs a number as a string"},
    {"{\"Age\":{\"S\":\"1\",\"N\":\"1\"}}", "Age needs an attribute value"},
    {"{\"Age\":{\"Q\":\"1\"}}", "Age.Q is not a type of DynamoDB"},
    {"{\"Pets\":{\"L\":[{\"S\":\"Cat\"},{\"M\":{\"Age\":{\"BOOL\":\"old\"}}}]}}", "Pets.L[1].M.Age.BOOL needs true or false"},
    {"{\"Data\":{\"B\":\"%\"}}", "Data.B needs base64"},
    {"{\"Name\":{\"SS\":\"x\"}}", "Name.SS needs a list"},
};

static const struct wrong updates[] = {
    {"{", "not JSON"},
    {"{" KEY ",\"UpdateExpression\":\"SET A = :a\"}", "TableName is missing"},
    {"{" TABLE ",\"UpdateExpression\":\"SET A = :a\"}", "Key is missing"},
    {"{" TABLE "," KEY "}", "UpdateExpression is missing"},
    {"{" TABLE "," KEY ",\"UpdateExpression\":7}", "UpdateExpression needs a string"},
    {"{" TABLE "," KEY ",\"UpdateExpression\":\"SET A = :a\",\"Kye\":1}", "Kye is not a member"},
    {"{" TABLE "," KEY ",\"UpdateExpression\":\"SET A = :a\",\"ExpressionAttributeValues\":{\":a\":1}}",
     "ExpressionAttributeValues.:a needs an attribute value"},
    {"{" TABLE "," KEY ",\"UpdateExpression\":\"SET A = :a\",\"ReturnValuesOnConditionCheckFailure\":\"ALL\"}",
     "ReturnValuesOnConditionCheckFailure is neither"},
};

static const struct wrong checks[] = {
    {"{" TABLE "," KEY "}", "ConditionExpression is missing"},
    {"{" TABLE ",\"Key\":7,\"ConditionExpression\":\"x\"}", "Key needs a JSON object"},
};

static const struct wrong actions[] = {
    {"{\"Patch\":{}}", "Patch is not one of"},
    {"{\"Put\":7}", "Put needs a JSON object"},
    {"{\"Put\":{" TABLE "}}", "Put.Item is missing"},
    {"{\"Delete\":{" TABLE ",\"Key\":{\"Name\":1}}}", "Delete.Key.Name needs an attribute value"},
};

/* Bad input is an error, never a crash, and leaves the unit of work unchanged. */
void malformed_json_is_rejected_with_its_place(void)
{
    char *item = NULL;
    postbox_client *box = open_memory(NULL);
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    for (size_t i = 0; i < COUNT(items); i++) {
        const char *json = items[i].json, *place = items[i].place;
        FAILS(POSTBOX_ERROR_INVALID_JSON, place, postbox_unit_of_work_put(work, "People", json));
        FAILS(POSTBOX_ERROR_INVALID_JSON, place, postbox_unit_of_work_delete(work, "People", json));
        FAILS(POSTBOX_ERROR_INVALID_JSON, place, postbox_unit_of_work_get_item(work, "People", json, &item));
        FAILS(POSTBOX_ERROR_INVALID_JSON, place, postbox_get_item(box, "People", json, &item));
    }
    CHECK(item == NULL);
    for (size_t i = 0; i < COUNT(updates); i++)
        FAILS(POSTBOX_ERROR_INVALID_JSON, updates[i].place, postbox_unit_of_work_update(work, updates[i].json));
    for (size_t i = 0; i < COUNT(checks); i++)
        FAILS(POSTBOX_ERROR_INVALID_JSON, checks[i].place, postbox_unit_of_work_condition_check(work, checks[i].json));
    for (size_t i = 0; i < COUNT(actions); i++)
        FAILS(POSTBOX_ERROR_INVALID_JSON, actions[i].place, postbox_unit_of_work_add(work, actions[i].json));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "exactly one", postbox_unit_of_work_add(work, "{}"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "exactly one",
          postbox_unit_of_work_add(work, "{\"Put\":{" TABLE ",\"Item\":" ADA "},\"Delete\":{" TABLE "," KEY "}}"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "table name", postbox_unit_of_work_put(work, "", ADA));
    OK(postbox_unit_of_work_put(work, "People", ADA));
    OK(postbox_unit_of_work_commit(work));
    check_person(box, ADA, ADA);
    postbox_unit_of_work_free(work);
    postbox_free(box);
}

void wrong_key_is_rejected(void)
{
    char *item = NULL;
    postbox_client *box = open_memory(NULL);
    FAILS(POSTBOX_ERROR_SERVICE_ERROR, "ValidationException", postbox_get_item(box, "People", "{\"Id\":{\"S\":\"1\"}}", &item));
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_put(work, "People", "{\"Id\":{\"S\":\"1\"}}"));
    postbox_error *error = postbox_unit_of_work_commit(work);
    CHECK(postbox_error_code(error) == POSTBOX_ERROR_SERVICE_ERROR || postbox_error_code(error) == POSTBOX_ERROR_TRANSACTION_CANCELED);
    CHECK(!postbox_error_is_retryable(error));
    postbox_error_free(error);
    OK(postbox_unit_of_work_rollback(work));
    check_usable(box);
    postbox_unit_of_work_free(work);
    postbox_free(box);
}
