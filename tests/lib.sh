# The harness of the shell tests, which source it:
#
#     . "$(dirname "$0")/../lib.sh"
#
# It sets `root`, the directory of the project, and `work`, an empty directory that is removed at the end.
# shellcheck shell=bash disable=SC2034
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# No test may find credentials or settings of the machine that it runs on.
for name in $(compgen -e | grep '^AWS_'); do unset "$name"; done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true

# step NAME COMMAND...: runs a command and shows what it printed if it fails. Tests that the command counted count too.
step() {
    local name=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        echo "ok     $name"
        passed=$((passed + 1 + $(tests_in "$work/output")))
    else
        echo "FAILED $name"
        sed 's/^/       /' "$work/output"
        failed=$((failed + 1))
    fi
}

# Counts the passed tests in the output of a test program, cargo or pytest.
tests_in() {
    sed -nE 's/^(test result: ok\. )?([0-9]+) passed.*/\2/p' "$1" | awk '{ sum += $1 } END { print sum + 0 }'
}

# Prints the result. Its exit status is that of the script.
finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}

# use_libraries [DIRECTORY]: sets `libraries` to the directory, or to the debug build, and lets programs find the shared
# library there by its SONAME.
use_libraries() {
    libraries=$(cd "${1:-$("$root/tools/build_directory.sh")/debug}" && pwd) || exit 1
    soname=$(readelf -d "$libraries/libpostbox.so" | sed -n 's/.*SONAME.*\[\(.*\)\]$/\1/p')
    mkdir -p "$work/native"
    ln -s "$libraries/libpostbox.so" "$work/native/libpostbox.so"
    ln -s "$libraries/libpostbox.so" "$work/native/$soname"
    export LD_LIBRARY_PATH=$work/native
}

# install_wheel DIRECTORY: creates a virtual environment with the wheel of Postbox. Programs in it also find the packages of
# tests/requirements.txt.
install_wheel() {
    local wheel packages
    packages=$(echo "$("$root/tools/venv.sh")"/lib/python3*/site-packages) &&
        wheel=$("$root/bindings/python/build_wheel.sh" debug) && python3 -m venv "$1" &&
        "$1/bin/pip" install --quiet --disable-pip-version-check "$wheel" &&
        echo "$packages" >"$(echo "$1"/lib/python3*/site-packages)/tests.pth"
}

# Lists the functions that the header declares outside comments.
declared_functions() {
    gcc -fpreprocessed -dD -E -P "$root/include/postbox.h" | grep -oE '\bpostbox_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u
}

# Only definite leaks count. The tables that the AWS SDK and SQLite's layer create once per process
# are "possibly lost", since the only pointer to them points to their middle.
# Each process writes its own file, so that leaks of a forked child are reported too.
under_valgrind() {
    rm -f "$work"/valgrind.*
    valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect \
        --errors-for-leak-kinds=definite,indirect --log-file="$work/valgrind.%p" "$@"
    local code=$?
    cat "$work"/valgrind.*
    [ $code = 0 ] && [ -z "$(cat "$work"/valgrind.*)" ]
}

# greets PROGRAM...: checks that a greetings example, run twice with one file, prints the same as in every language.
greets() {
    rm -rf "$work/people" && mkdir "$work/people"
    { "$@" "$work/people/db" && "$@" "$work/people/db"; } | diff "$root/tests/greetings.expected" -
}

# sends_batches PROGRAM...: checks what an example of batches prints.
sends_batches() {
    "$@" | diff "$root/tests/batches.expected" -
}

# reports_an_error PROGRAM...: checks that a greetings example ends with an error if it cannot open its database.
reports_an_error() {
    ! "$@" /dev/null/none 2>"$work/error" && grep -F '/dev/null/none' "$work/error"
}
