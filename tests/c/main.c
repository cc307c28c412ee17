/*
 * Runs the tests of the C interface, or those whose names are passed.
 */
#include "check.h"
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROW(test) {#test, test},
static const struct { const char *name; void (*run)(void); } tests[] = {EACH_TEST(ROW)};

/* Removes variables from the environment, so that no test finds credentials or settings of the machine. */
static void clean_environment(void)
{
    static const char *const unset[] = {
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION",
        "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
    };
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++)
        unsetenv(unset[i]);
    setenv("AWS_CONFIG_FILE", "/dev/null", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
}

static int wanted(const char *name, int count, char **names)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return 1;
    return count == 0;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;
    /* Ends a run that hangs. The last line of the output names the test before the one that hangs. */
    alarm(300);
    clean_environment();
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (!wanted(tests[i].name, argc - 1, argv + 1))
            continue;
        failures = 0;
        tests[i].run();
        failures ? failed++ : passed++;
        printf("%s %s\n", failures ? "FAILED" : "ok", tests[i].name);
        fflush(stdout);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed || !passed;
}
