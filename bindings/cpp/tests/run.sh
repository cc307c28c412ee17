#!/usr/bin/env bash
# Tests the C++ binding: its tests by gcc and by clang, also under AddressSanitizer and
# UndefinedBehaviorSanitizer, and its example.
#
#     bindings/cpp/tests/run.sh [DIRECTORY OF THE LIBRARIES]     target/debug unless given, made by make libraries
#
# It needs gcc, g++, clang++ and binutils.
set -uo pipefail

root=$(cd "$(dirname "$0")/../../.." && pwd)
libraries=$(cd "${1:-$root/target/debug}" && pwd) || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

flags=(-std=c++17 -Wall -Wextra -Wpedantic -Werror -I "$root/include" -I "$root/bindings/cpp" -g -pthread)
sanitized=(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
shared=("$libraries/libpostbox.so" "-Wl,-rpath,$libraries")
# What was freed is kept for a while, to find its use; a little of it, as one test watches the memory.
export ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=1
# No test may find credentials or settings of the machine that it runs on.
for name in $(compgen -e | grep -E '^AWS_'); do unset "$name"; done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
passed=0 failed=0

step() {
    local name=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        echo "ok     $name"
        passed=$((passed + 1))
    else
        echo "FAILED $name"
        sed 's/^/       /' "$work/output"
        failed=$((failed + 1))
    fi
}

# compile COMPILER PROGRAM [FLAG...]
compile() {
    local compiler=$1 program=$2
    shift 2
    "$compiler" "${flags[@]}" "$@" "$root"/bindings/cpp/tests/*.cpp "${shared[@]}" -o "$program"
}

run_tests() {
    "$1" >"$1.output" 2>&1
    local code=$?
    grep -v '^ok ' "$1.output"
    [ $code = 0 ] && grep -q ' passed, 0 failed$' "$1.output"
}

# caught COMPILER BUG TEXT: the program that is wrong on purpose is compiled as the tests are, and ended with this text.
caught() {
    local compiler=$1 bug=$2 text=$3
    "$compiler" "${flags[@]}" "${sanitized[@]}" "$root/bindings/cpp/tests/bugs/$bug.cpp" "${shared[@]}" -o "$work/$bug" || return 1
    if "$work/$bug" >"$work/$bug.output" 2>&1; then
        echo "$bug.cpp was not caught"
        return 1
    fi
    grep -F "$text" "$work/$bug.output"
}

# The tests call, through postbox.hpp, every function of postbox.h, but the one that a report as a std::vector needs not.
every_function_is_called() {
    gcc -fpreprocessed -dD -E -P "$root/include/postbox.h" | grep -oE '\bpostbox_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u >"$work/declared"
    nm -D --undefined-only "$work/tests" | awk '{ print $2 }' | grep '^postbox_' | sort >"$work/called"
    echo postbox_report_failure_count | diff - <(comm -23 "$work/declared" "$work/called")
}

# Twice on one file, where C prints the same.
example_says_what_c_says() {
    local language
    "$1" "${flags[@]}" "$root/examples/cpp/greetings.cpp" "${shared[@]}" -o "$work/cpp" &&
        gcc -I "$root/include" "$root/examples/c/greetings.c" "${shared[@]}" -o "$work/c" || return 1
    for language in c cpp; do
        rm -f "$work/people.db"*
        { "$work/$language" "$work/people.db" && "$work/$language" "$work/people.db"; } >"$work/$language.said" || return 1
    done
    grep -qx 'Ada was greeted 2 times in all.' "$work/cpp.said" && diff "$work/c.said" "$work/cpp.said"
}

example_tells_an_error() {
    ! "$work/cpp" /dev/null/none 2>"$work/error" && grep -F '/dev/null/none' "$work/error"
}

for compiler in g++ clang++; do
    step "$compiler: the tests compile without a warning" compile "$compiler" "$work/tests"
    step "$compiler: the tests pass" run_tests "$work/tests"
    step "$compiler: every function of the C header is called" every_function_is_called
    step "$compiler: the example says what the one in C says" example_says_what_c_says "$compiler"
    step "$compiler: the example tells an error" example_tells_an_error
    step "$compiler: the tests compile with sanitizers" compile "$compiler" "$work/sanitized" "${sanitized[@]}"
    step "$compiler: the tests pass under the sanitizers" run_tests "$work/sanitized"
    step "$compiler: AddressSanitizer catches a bug" caught "$compiler" freed heap-use-after-free
    step "$compiler: LeakSanitizer catches a bug" caught "$compiler" lost 'detected memory leaks'
    step "$compiler: UndefinedBehaviorSanitizer catches a bug" caught "$compiler" overflow 'signed integer overflow'
done
tests=$(sed -n 's/ passed, 0 failed$//p' "$work/tests.output")
echo "$passed steps of ${tests:-0} tests passed, $failed failed"
[ "$failed" = 0 ]
