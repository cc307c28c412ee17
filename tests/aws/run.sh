#!/usr/bin/env bash
# The greetings example, in Rust and in C, through SNS and SQS.
#
#     tests/aws/run.sh [DIRECTORY OF THE LIBRARIES]     the debug build unless given
. "$(dirname "$0")/../lib.sh"
use_libraries "${1:-}"

venv=$("$root/tools/venv.sh") || exit 1

compile_example() {
    gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -I "$root/include" "$root/examples/c/greetings.c" \
        "$libraries/libpostbox.so" -o "$work/greetings"
}

step "the example in C compiles" compile_example
step "Rust" "$venv/bin/python" "$root/tests/aws/greetings.py" "$libraries/examples/greetings"
step "C" "$venv/bin/python" "$root/tests/aws/greetings.py" "$work/greetings"
finish
