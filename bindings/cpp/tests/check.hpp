/* Tests and checks: what is not so is printed with its place and counted, and the test goes on. */
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

/* Every test of the program, as TEST adds them. */
std::vector<test> &tests();
bool add(test test);

void check(bool holds, const char *what, const char *file, int line);
void check_error(const postbox::error &error, postbox_code code, std::string_view part, const char *file, int line);

/* How many checks have failed. */
extern int failures;

#define TEST(name)                                             \
    static void name();                                        \
    [[maybe_unused]] static const bool added_##name = add({#name, name}); \
    static void name()

/* It is so. */
#define CHECK(condition) check(static_cast<bool>(condition), #condition, __FILE__, __LINE__)

/* The call throws a postbox::error with this code and a text that holds `part`. */
#define FAILS(code, part, call)                                       \
    try {                                                             \
        static_cast<void>(call);                                      \
        check(false, #call " throws", __FILE__, __LINE__);            \
    } catch (const postbox::error &thrown) {                          \
        check_error(thrown, (code), (part), __FILE__, __LINE__);      \
    }

#endif
