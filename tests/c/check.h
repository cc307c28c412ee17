/*
 * Checks for the C tests: what is not so is printed with its place and counted, and the test
 * goes on. The functions of Postbox take NULL where an earlier step has failed.
 */
#ifndef CHECK_H
#define CHECK_H

#include "postbox.h"

#include <stdbool.h>

/* It is so. */
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
/* The texts are equal; NULL equals no text. */
#define EQUAL(actual, expected) check_equal((actual), (expected), #actual, __FILE__, __LINE__)
/* The text holds the part. */
#define HOLDS(text, part) check_holds((text), (part), #text, __FILE__, __LINE__)
/* The call succeeds; frees the error if not. */
#define OK(call) check_ok((call), #call, __FILE__, __LINE__)
/* The call fails with this code and a text that holds `part`; frees the error. */
#define FAILS(code, part, call) check_fails((call), (code), (part), #call, __FILE__, __LINE__)
/* The same, and returns the error for more checks. */
#define ERROR_OF(code, part, call) check_error((call), (code), (part), #call, __FILE__, __LINE__)

void check(bool holds, const char *what, const char *file, int line);
void check_equal(const char *actual, const char *expected, const char *what, const char *file, int line);
void check_holds(const char *text, const char *part, const char *what, const char *file, int line);
void check_ok(postbox_error *error, const char *what, const char *file, int line);
void check_fails(postbox_error *error, postbox_code code, const char *part, const char *what, const char *file,
                 int line);
postbox_error *check_error(postbox_error *error, postbox_code code, const char *part, const char *what,
                           const char *file, int line);

/* How many checks have failed. */
extern int failures;

#endif
