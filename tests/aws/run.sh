#!/usr/bin/env bash
# The greetings example, in Rust and in C, through SNS and SQS.
#
#     tests/aws/run.sh [DIRECTORY OF THE LIBRARIES]     target/debug unless given
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
libraries=$(cd "${1:-$root/target/debug}" && pwd)
venv=$("$root/tools/venv.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -I "$root/include" "$root/examples/c/greetings.c" \
    "$libraries/libpostbox.so" -o "$work/greetings"
ln -s "$libraries/libpostbox.so" "$work/libpostbox.so.0.1"
export LD_LIBRARY_PATH=$work

"$venv/bin/python" "$root/tests/aws/greetings.py" "$libraries/examples/greetings"
"$venv/bin/python" "$root/tests/aws/greetings.py" "$work/greetings"
