#!/usr/bin/env bash
# Tests the C++ binding: its tests by gcc and by clang, also under AddressSanitizer and
# UndefinedBehaviorSanitizer, and its example.
#
#     bindings/cpp/tests/run.sh [DIRECTORY OF THE LIBRARIES]     the debug build unless given, made by make debug
#
# It needs gcc, g++, clang++, binutils and nlohmann-json3-dev.
. "$(dirname "$0")/../../../tests/lib.sh"
use_libraries "${1:-}"

flags=(-std=c++17 -Wall -Wextra -Wpedantic -Wshadow -Werror -I "$root/include" -I "$root/bindings/cpp" -g -pthread)
sanitized=(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
shared=$libraries/libpostbox.so
# Freed memory is kept for a while, to detect its use. The amount is small, since one test measures the memory.
export ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=1

# compile COMPILER PROGRAM [FLAG...]
compile() {
    local compiler=$1 program=$2
    shift 2
    "$compiler" "${flags[@]}" "$@" "$root"/bindings/cpp/tests/*.cpp "$shared" -o "$program"
}

run_tests() {
    "$1" >"$1.output" 2>&1
    local code=$?
    grep -v '^ok ' "$1.output"
    [ $code = 0 ] && grep -q ' passed, 0 failed$' "$1.output"
}

# caught COMPILER BUG TEXT: compiles a deliberately wrong program with the flags of the tests, and checks that it ends
# with this text.
caught() {
    local compiler=$1 bug=$2 text=$3
    "$compiler" "${flags[@]}" "${sanitized[@]}" "$root/bindings/cpp/tests/bugs/$bug.cpp" "$shared" -o "$work/$bug" || return 1
    if "$work/$bug" >"$work/$bug.output" 2>&1; then
        echo "$bug.cpp was not caught"
        return 1
    fi
    grep -F "$text" "$work/$bug.output"
}

# Through postbox.hpp and postbox_async.hpp, the tests call every function of postbox.h except one, which is not needed since
# a report is a std::vector.
every_function_is_called() {
    declared_functions >"$work/declared"
    nm -D --undefined-only "$work/tests" | awk '{ print $2 }' | grep '^postbox_' | sort >"$work/called"
    echo postbox_report_failure_count | diff - <(comm -23 "$work/declared" "$work/called")
}

compile_example() {
    "$1" "${flags[@]}" "$root/examples/cpp/greetings.cpp" "$shared" -o "$work/greetings" &&
        "$1" "${flags[@]}" "$root/examples/cpp/batches.cpp" "$shared" -o "$work/batches"
}

# The header says that it needs exceptions.
needs_exceptions() {
    ! "$1" "${flags[@]}" -fno-exceptions -fsyntax-only -include "$root/bindings/cpp/postbox.hpp" -x c++ /dev/null 2>"$work/without" &&
        grep -F 'compile it with exceptions enabled' "$work/without"
}

for compiler in g++ clang++; do
    step "$compiler: the tests compile without a warning" compile "$compiler" "$work/tests"
    step "$compiler: a program without exceptions is told so" needs_exceptions "$compiler"
    step "$compiler: the tests pass" run_tests "$work/tests"
    step "$compiler: every function of the C header is called" every_function_is_called
    step "$compiler: the example compiles without a warning" compile_example "$compiler"
    step "$compiler: the example says what it did" greets "$work/greetings"
    step "$compiler: the example tells an error" reports_an_error "$work/greetings"
    step "$compiler: the example of batches" sends_batches "$work/batches"
    step "$compiler: the tests compile with sanitizers" compile "$compiler" "$work/sanitized" "${sanitized[@]}"
    step "$compiler: the tests pass under the sanitizers" run_tests "$work/sanitized"
    step "$compiler: AddressSanitizer catches a bug" caught "$compiler" freed heap-use-after-free
    step "$compiler: LeakSanitizer catches a bug" caught "$compiler" lost 'detected memory leaks'
    step "$compiler: UndefinedBehaviorSanitizer catches a bug" caught "$compiler" overflow 'signed integer overflow'
done
finish
