/* Calls when DynamoDB cannot be reached, or credentials are missing. */
#include "support.h"
#include "tests.h"
#include "server.h"

#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void unreachable_endpoint_is_an_error_within_the_timeout(void)
{
    const char *id = "x";
    char detail[512];
    postbox_message *message = message_of("t", "x", "x"), *read = NULL;
    postbox_config *config = endpoint_config(unused_port(), "1500");
    postbox_client *box = NULL;
    OK(postbox_open(config, &box));
    double start = now();
    postbox_error *error = postbox_get_message(box, id, &read);
    CHECK(postbox_error_code(error) == POSTBOX_ERROR_UNREACHABLE && postbox_error_is_retryable(error));
    HOLDS(postbox_error_message(error), "endpoint_url");
    postbox_error_free(error);
    FAILS(POSTBOX_ERROR_UNREACHABLE, "could not be reached", postbox_deposit_post(box, message));
    CHECK(clear(box, id, detail, sizeof detail) == POSTBOX_OUTCOME_READ_FAILED);
    HOLDS(detail, "could not be reached");
    FAILS(POSTBOX_ERROR_EMBEDDED_UNAVAILABLE, "embedded_path", postbox_embedded_execute(box, "ListTables", "{}", NULL));

    /* No connection was made, so nothing was written: the unit stays open. */
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_deposit_post(work, message));
    FAILS(POSTBOX_ERROR_UNREACHABLE, "could not be reached", postbox_unit_of_work_commit(work));
    OK(postbox_unit_of_work_put(work, "People", ADA));
    FAILS(POSTBOX_ERROR_UNREACHABLE, "could not be reached", postbox_unit_of_work_commit(work));
    OK(postbox_unit_of_work_rollback(work));
    CHECK(now() - start < 5 * (1.5 + 1.0));
    CHECK(read == NULL);
    postbox_unit_of_work_free(work);
    postbox_message_free(message);
    postbox_config_free(config);
    postbox_free(box);
}

void missing_credentials_are_an_error(void)
{
    postbox_message *message = message_of("t", "x", "x"), *read = NULL;
    postbox_client *box = NULL;
    postbox_config *config = postbox_config_new();
    FAILS(POSTBOX_ERROR_NO_AWS_CONFIG, "region", postbox_open(config, &box));
    CHECK(box == NULL);
    OK(postbox_config_set(config, "region", "eu-central-1"));
    OK(postbox_open(config, &box));
    FAILS(POSTBOX_ERROR_NO_AWS_CONFIG, "access_key_id", postbox_get_message(box, "x", &read));
    FAILS(POSTBOX_ERROR_NO_AWS_CONFIG, "access_key_id", postbox_deposit_post(box, message));
    postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
    OK(postbox_unit_of_work_deposit_post(work, message));
    FAILS(POSTBOX_ERROR_NO_AWS_CONFIG, "access_key_id", postbox_unit_of_work_commit(work));
    OK(postbox_unit_of_work_rollback(work));
    CHECK(read == NULL);
    postbox_unit_of_work_free(work);
    postbox_message_free(message);
    OK(postbox_close(box));
    postbox_free(box);
    postbox_config_free(config);
}

/* Nobody listens at the endpoint, which shows that the request was signed. */
void credentials_can_be_set_while_a_client_is_open(void)
{
    postbox_message *read = NULL;
    postbox_client *box = NULL;
    postbox_config *config = endpoint_config(unused_port(), "1500");
    OK(postbox_config_set(config, "access_key_id", ""));
    OK(postbox_config_set(config, "secret_access_key", ""));
    OK(postbox_open(config, &box));
    FAILS(POSTBOX_ERROR_NO_AWS_CONFIG, "access_key_id", postbox_get_message(box, "x", &read));
    FAILS(POSTBOX_ERROR_INVALID_SETTING, "secret_access_key", postbox_set_credentials(box, "key", "", "token"));
    FAILS(POSTBOX_ERROR_NO_AWS_CONFIG, "access_key_id", postbox_get_message(box, "x", &read));
    OK(postbox_set_credentials(box, "key", "secret", NULL));
    FAILS(POSTBOX_ERROR_UNREACHABLE, "could not be reached", postbox_get_message(box, "x", &read));
    OK(postbox_set_credentials(box, "key", "secret", "token"));
    FAILS(POSTBOX_ERROR_UNREACHABLE, "could not be reached", postbox_get_message(box, "x", &read));
    OK(postbox_close(box));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_set_credentials(box, "key", "secret", NULL));
    postbox_free(box);
    postbox_config_free(config);
}
