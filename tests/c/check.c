#include "check.h"

#include <stdio.h>
#include <string.h>

int failures = 0;

void check(bool holds, const char *what, const char *file, int line)
{
    if (!holds) {
        failures++;
        printf("%s:%d: not so: %s\n", file, line, what);
    }
}

void check_equal(const char *actual, const char *expected, const char *what, const char *file, int line)
{
    bool equal = actual && expected && strcmp(actual, expected) == 0;
    check(equal, what, file, line);
    if (!equal)
        printf("  is:       %s\n  expected: %s\n", actual ? actual : "NULL", expected ? expected : "NULL");
}

void check_holds(const char *text, const char *part, const char *what, const char *file, int line)
{
    bool holds = text && strstr(text, part);
    check(holds, what, file, line);
    if (!holds)
        printf("  is:       %s\n  lacks:    %s\n", text ? text : "NULL", part);
}

void check_ok(postbox_error *error, const char *what, const char *file, int line)
{
    check(error == NULL, what, file, line);
    if (error)
        printf("  error %d: %s\n", (int)postbox_error_code(error), postbox_error_message(error));
    postbox_error_free(error);
}

void check_fails(postbox_error *error, postbox_code code, const char *part, const char *what, const char *file,
                 int line)
{
    postbox_error_free(check_error(error, code, part, what, file, line));
}

postbox_error *check_error(postbox_error *error, postbox_code code, const char *part, const char *what,
                           const char *file, int line)
{
    check(postbox_error_code(error) == code, what, file, line);
    if (postbox_error_code(error) != code)
        printf("  error %d, expected %d: %s\n", (int)postbox_error_code(error), (int)code,
               postbox_error_message(error));
    check_holds(postbox_error_message(error), part, what, file, line);
    return error;
}
