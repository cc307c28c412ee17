/* Tests and checks. A failed check is printed with its place and counted, and the test continues. */
#ifndef CHECK_HPP
#define CHECK_HPP

#include "postbox.hpp"

#include <string>
#include <string_view>
#include <vector>

struct test {
    const char *name;
    void (*run)();
};

/* Returns the tests of the program, which TEST adds. */
std::vector<test> &tests();
bool add(test test);

void check(bool holds, const char *what, const char *file, int line);
void check_error(const postbox::error &error, postbox_code code, std::string_view part, const char *file, int line);

/* The number of failed checks. */
extern int failures;

#define TEST(name)                                             \
    static void name();                                        \
    [[maybe_unused]] static const bool added_##name = add({#name, name}); \
    static void name()

/* Checks that a condition holds. */
#define CHECK(condition) check(static_cast<bool>(condition), #condition, __FILE__, __LINE__)

/* Checks that a call throws a postbox::error with this code and a message that contains `part`. */
#define FAILS(code, part, call)                                       \
    try {                                                             \
        static_cast<void>(call);                                      \
        check(false, #call " throws", __FILE__, __LINE__);            \
    } catch (const postbox::error &thrown) {                          \
        check_error(thrown, (code), (part), __FILE__, __LINE__);      \
    }

#endif
