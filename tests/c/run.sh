#!/usr/bin/env bash
# Tests the C interface: the header, the libraries, the C tests and the example, also under valgrind.
#
#     tests/c/run.sh [DIRECTORY OF THE LIBRARIES]     the debug build unless given, made by make debug
#
# It needs gcc, g++, clang, clang++, valgrind, binutils, pkg-config and libcjson-dev, and takes about a minute, most of it in valgrind.
. "$(dirname "$0")/../lib.sh"
use_libraries "${1:-}"

header=$root/include/postbox.h
shared=$libraries/libpostbox.so
static=$libraries/libpostbox.a
soname_of_header=libpostbox.so.$(awk '$2 == "POSTBOX_VERSION_MAJOR" { a = $3 } $2 == "POSTBOX_VERSION_MINOR" { b = $3 }
    END { print (a ? a : a "." b) }' "$header")
strict=(-Wall -Wextra -Wpedantic -Werror -I "$root/include")
c11=(gcc -std=c11 "${strict[@]}" -g -pthread)
read -ra cjson <<<"$(pkg-config --cflags --libs libcjson)"
# The libraries that a program needs in addition to libpostbox.a.
static_needs=(-lm -ldl)

tools_are_there() {
    local tool missing=0
    for tool in gcc g++ clang clang++ valgrind nm readelf pkg-config; do
        command -v "$tool" >/dev/null || { echo "$tool is missing"; missing=1; }
    done
    pkg-config --exists libcjson || { echo "libcjson-dev is missing"; missing=1; }
    local file
    for file in "$shared" "$static" "$libraries/examples/greetings"; do
        [ -e "$file" ] || { echo "$file is missing: run make debug"; missing=1; }
    done
    return $missing
}

header_alone() {
    local language=$1 compiler=$2 standard=$3
    printf '#include "postbox.h"\n#include "postbox.h"\nint main(void) { return 0; }\n' >"$work/alone.$language"
    "$compiler" -std="$standard" "${strict[@]}" -fsyntax-only "$work/alone.$language"
}

symbols_are_the_header() {
    declared_functions >"$work/declared"
    nm -D --defined-only "$shared" | awk '{ print $3 }' | sort >"$work/exported"
    [ -s "$work/declared" ] && diff "$work/declared" "$work/exported"
}

soname_is_set() {
    readelf -d "$shared" | grep -F "SONAME" | grep -F "[$soname_of_header]"
}

# Lists the functions that an object calls, which are its undefined symbols.
called_by() {
    nm --undefined-only "$@" | awk '$1 == "U" { print $2 }' | grep '^postbox_' | sort -u
}

every_function_is_called() {
    called_by "$work"/objects/*.o >"$work/called"
    diff "$work/declared" "$work/called"
}

every_function_gets_null() {
    called_by "$work/objects/bad_pointers.o" >"$work/with_null"
    # These functions have no pointer argument, or only optional ones.
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
    "${c11[@]}" "$work"/objects/*.o "$shared" "${cjson[@]}" -o "$work/tests"
}

compile_examples() {
    "${c11[@]}" "$root/examples/c/batches.c" "$shared" -o "$work/batches" &&
        "${c11[@]}" "$root/examples/c/greetings.c" "$shared" -o "$work/greetings" &&
        "${c11[@]}" "$root/examples/c/greetings.c" "$static" "${static_needs[@]}" -o "$work/greetings-static"
}

static_example_stands_alone() {
    ! readelf -d "$work/greetings-static" | grep -F libpostbox
}

run_tests() {
    "$@" "$work/tests" >"$work/tests.output"
    local code=$?
    grep -v '^ok ' "$work/tests.output"
    return $code
}

fails_without_a_leak() {
    under_valgrind "$work/greetings" /dev/null/none
    [ $? = 1 ] && [ -z "$(cat "$work"/valgrind.*)" ]
}

step "the tools and the libraries are there" tools_are_there
step "the header alone is C11" header_alone c gcc c11
step "the header alone is C++17" header_alone cc g++ c++17
step "the header alone is C11, says clang" header_alone c clang c11
step "the header alone is C++17, says clang" header_alone cc clang++ c++17
step "the symbols of the library are the functions of the header" symbols_are_the_header
step "the SONAME is $soname_of_header" soname_is_set
step "the tests compile without a warning" compile_tests
step "the tests call every function" every_function_is_called
step "the tests give NULL to every function" every_function_gets_null
step "the example compiles, with the shared and the static library" compile_examples
step "the static example needs no libpostbox.so" static_example_stands_alone
step "the tests pass" run_tests
step "the example says what it did (static library)" greets "$work/greetings-static"
step "the example says what it did (shared library)" greets "$work/greetings"
step "the example in Rust says the same" greets "$libraries/examples/greetings"
step "the example tells an error" reports_an_error "$work/greetings"
step "the example of batches under valgrind" sends_batches under_valgrind "$work/batches"
step "the example under valgrind" under_valgrind "$work/greetings" "$work/valgrind-people"
step "the example that fails, under valgrind" fails_without_a_leak
step "the tests under valgrind" run_tests under_valgrind
finish
