/*
 * Checks for the C tests. A failed check is printed with its place and counted, and the test
 * continues. The functions of Postbox accept NULL if an earlier step has failed.
 */
#ifndef CHECK_H
#define CHECK_H

#include "postbox.h"

#include <stdbool.h>

/* Checks that a condition holds. */
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
/* Checks that texts are equal. NULL is not equal to any text, not even to NULL. */
#define EQUAL(actual, expected) check_equal((actual), (expected), #actual, __FILE__, __LINE__)
/* Checks that a text contains the part. */
#define HOLDS(text, part) check_holds((text), (part), #text, __FILE__, __LINE__)
/* Checks that a call succeeds, and frees its error. */
#define OK(call) check_ok((call), #call, __FILE__, __LINE__)
/* Checks that a call fails with this code and a message that contains `part`, and frees the error. */
#define FAILS(code, part, call) check_fails((call), (code), (part), #call, __FILE__, __LINE__)
/* Checks the same, and returns the error, which the test checks further and frees. */
#define ERROR_OF(code, part, call) check_error((call), (code), (part), #call, __FILE__, __LINE__)

void check(bool holds, const char *what, const char *file, int line);
void check_equal(const char *actual, const char *expected, const char *what, const char *file, int line);
void check_holds(const char *text, const char *part, const char *what, const char *file, int line);
void check_ok(postbox_error *error, const char *what, const char *file, int line);
void check_fails(postbox_error *error, postbox_code code, const char *part, const char *what, const char *file,
                 int line);
postbox_error *check_error(postbox_error *error, postbox_code code, const char *part, const char *what,
                           const char *file, int line);

/* The number of failed checks. */
extern int failures;

#endif
