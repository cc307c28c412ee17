#!/usr/bin/env bash
# Tests the C interface: the header, the libraries, the C tests and the example, also under valgrind.
#
#     tests/c/run.sh [DIRECTORY OF THE LIBRARIES]     target/debug unless given, made by
#                                                     cargo build --features capi --lib --examples
#
# It needs gcc, g++, valgrind and binutils, and takes about a minute, most of it in valgrind.
set -uo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
libraries=$(cd "${1:-$root/target/debug}" && pwd) || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

header=$root/include/postbox.h
shared=$libraries/libpostbox.so
static=$libraries/libpostbox.a
soname=libpostbox.so.$(awk '$2 == "POSTBOX_VERSION_MAJOR" { a = $3 } $2 == "POSTBOX_VERSION_MINOR" { b = $3 }
    END { print (a ? a : a "." b) }' "$header")
strict=(-Wall -Wextra -Wpedantic -Werror -I "$root/include")
c11=(gcc -std=c11 "${strict[@]}" -g -pthread)
# What a program needs beside libpostbox.a.
static_needs=(-lm -ldl)
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

tools_are_there() {
    local tool missing=0
    for tool in gcc g++ valgrind nm readelf; do
        command -v "$tool" >/dev/null || { echo "$tool is missing"; missing=1; }
    done
    local file
    for file in "$shared" "$static" "$libraries/examples/greetings"; do
        [ -e "$file" ] || { echo "$file is missing: run cargo build --features capi --lib --examples"; missing=1; }
    done
    return $missing
}

header_alone() {
    local language=$1 compiler=$2 standard=$3
    printf '#include "postbox.h"\n#include "postbox.h"\nint main(void) { return 0; }\n' >"$work/alone.$language"
    "$compiler" -std="$standard" "${strict[@]}" -fsyntax-only "$work/alone.$language"
}

# The functions that the header declares, comments left out.
declared() {
    gcc -fpreprocessed -dD -E -P "$header" | grep -oE '\bpostbox_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u
}

symbols_are_the_header() {
    declared >"$work/declared"
    nm -D --defined-only "$shared" | awk '{ print $3 }' | sort >"$work/exported"
    [ -s "$work/declared" ] && diff "$work/declared" "$work/exported"
}

soname_is_set() {
    readelf -d "$shared" | grep -F "SONAME" | grep -F "[$soname]"
}

# What is undefined in an object is what it calls.
called_by() {
    nm --undefined-only "$@" | awk '$1 == "U" { print $2 }' | grep '^postbox_' | sort -u
}

every_function_is_called() {
    called_by "$work"/objects/*.o >"$work/called"
    diff "$work/declared" "$work/called"
}

every_function_gets_null() {
    called_by "$work/objects/bad_pointers.o" >"$work/with_null"
    # These take no pointer, or only optional ones.
    grep -vxE 'postbox_version|postbox_config_new|postbox_set_log_callback' "$work/declared" | comm -23 - "$work/with_null" >"$work/without"
    cat "$work/without"
    [ ! -s "$work/without" ]
}

compile_tests() {
    mkdir "$work/objects"
    local source
    for source in "$root"/tests/c/*.c; do
        "${c11[@]}" -D_POSIX_C_SOURCE=200809L -c "$source" -o "$work/objects/$(basename "$source" .c).o" || return 1
    done
    "${c11[@]}" "$work"/objects/*.o "$shared" -o "$work/tests"
}

compile_examples() {
    "${c11[@]}" "$root/examples/c/greetings.c" "$shared" -o "$work/greetings" &&
        "${c11[@]}" "$root/examples/c/greetings.c" "$static" "${static_needs[@]}" -o "$work/greetings-static"
}

static_example_stands_alone() {
    ! readelf -d "$work/greetings-static" | grep -F libpostbox
}

# Only what is certainly lost counts. "Possibly lost" are the tables that the AWS SDK and SQLite's
# layer make once per process and keep until its end: they are referred to by a pointer to their middle.
# A file per process, so that what happens in a forked child is seen too.
under_valgrind() {
    rm -f "$work"/valgrind.*
    valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect \
        --errors-for-leak-kinds=definite,indirect --log-file="$work/valgrind.%p" "$@"
    local code=$?
    cat "$work"/valgrind.*
    [ $code = 0 ] && [ -z "$(cat "$work"/valgrind.*)" ]
}

run_tests() {
    "$@" "$work/tests" >"$work/tests.output"
    local code=$?
    grep -v '^ok ' "$work/tests.output"
    return $code
}

# Twice on one file: the first run's data is found, the message that was rolled back is never sent.
greet_twice() {
    local greetings=$1
    rm -rf "$work/people" && mkdir "$work/people"
    "$greetings" "$work/people/db" >"$work/first" && "$greetings" "$work/people/db" >"$work/second" || return 1
    cat "$work/first" "$work/second"
    grep -qx 'Ada was greeted 0 times before.' "$work/first" &&
        grep -qx 'Committed: Ada was greeted 1 time, and message greeting-1 is in the outbox.' "$work/first" &&
        grep -qx 'Cleared: message greeting-1 is dispatched.' "$work/first" &&
        grep -qx 'Rolled back: the outbox has no message greeting-2.' "$work/first" &&
        grep -q '^Refused: .*greeting-1 already' "$work/first" &&
        [ "$(grep -c 'producer of greeting.made sends' "$work/first")" = 1 ] &&
        grep -qx 'Ada was greeted 1 time before.' "$work/second" &&
        grep -qx '  The producer of greeting.made sends: {"name":"Ada","greetings":2}' "$work/second" &&
        [ "$(grep -c 'producer of greeting.made sends' "$work/second")" = 1 ] &&
        grep -qx 'Ada was greeted 2 times in all.' "$work/second"
}

rust_says_the_same() {
    cat "$work/first" "$work/second" >"$work/c.output"
    greet_twice "$libraries/examples/greetings" >"$work/rust.output" && diff "$work/c.output" "$work/rust.output"
}

example_tells_an_error() {
    ! "$work/greetings" /dev/null/none 2>"$work/error" && grep -F '/dev/null/none' "$work/error"
}

fails_without_a_leak() {
    under_valgrind "$work/greetings" /dev/null/none
    [ $? = 1 ] && [ -z "$(cat "$work"/valgrind.*)" ]
}

# So that a program finds the library under the name that it asks for.
ln -s "$shared" "$work/$soname"
export LD_LIBRARY_PATH=$work

step "the tools and the libraries are there" tools_are_there
step "the header alone is C11" header_alone c gcc c11
step "the header alone is C++17" header_alone cc g++ c++17
if command -v clang >/dev/null; then
    step "the header alone is C11, says clang" header_alone c clang c11
    step "the header alone is C++17, says clang" header_alone cc clang++ c++17
fi
step "the symbols of the library are the functions of the header" symbols_are_the_header
step "the SONAME is $soname" soname_is_set
step "the tests compile without a warning" compile_tests
step "the tests call every function" every_function_is_called
step "the tests give NULL to every function" every_function_gets_null
step "the example compiles, with the shared and the static library" compile_examples
step "the static example needs no libpostbox.so" static_example_stands_alone
step "the tests pass" run_tests
count=$(sed -n 's/ passed, 0 failed$//p' "$work/tests.output" 2>/dev/null)
passed=$((passed + ${count:-0}))
step "the example says what it did (static library)" greet_twice "$work/greetings-static"
step "the example says what it did (shared library)" greet_twice "$work/greetings"
step "the example in Rust says the same" rust_says_the_same
step "the example tells an error" example_tells_an_error
step "the example under valgrind" under_valgrind "$work/greetings" "$work/people/valgrind"
step "the example that fails, under valgrind" fails_without_a_leak
step "the tests under valgrind" run_tests under_valgrind
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
