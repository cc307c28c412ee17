/* Runs the tests of the C++ binding, or those whose names are passed. */
#include "support.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <unistd.h>

static void run(const test &test) {
    try {
        test.run();
    } catch (const std::exception &thrown) {
        failures++;
        std::printf("%s: %s\n", test.name, thrown.what());
    }
}

int main(int argc, char **argv) {
    if (argc == 3 && std::strcmp(argv[1], "exit-with-a-sweeper") == 0)
        return exit_with_a_sweeper(argv[2]);
    /* Ends a run that hangs. The last line of the output names the test before the one that hangs. */
    alarm(300);
    int passed = 0, failed = 0;
    for (const test &test : tests()) {
        if (argc > 1 && std::none_of(argv + 1, argv + argc, [&](const char *name) { return test.name == std::string_view(name); }))
            continue;
        failures = 0;
        run(test);
        (failures ? failed : passed)++;
        std::printf("%s %s\n", failures ? "FAILED" : "ok", test.name);
        std::fflush(stdout);
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed || !passed;
}
