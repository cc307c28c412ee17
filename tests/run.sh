#!/usr/bin/env bash
# Every check and test, in the order in which they are likely to fail. `make test` calls it.
set -uo pipefail
cd "$(dirname "$0")/.."

target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
passed=0

# step NAME COMMAND...: runs the command; the first one that fails ends the run.
step() {
    local name=$1 began=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    if ! "$@"; then
        printf '\nfailed: %s (%s)\n%s passed, 1 failed\n' "$name" "$*" "$passed"
        exit 1
    fi
    passed=$((passed + 1))
    printf '   ok, %s s\n' "$((SECONDS - began))"
}

generated_files_are_committed() {
    # The build wrote the header; a difference to what is committed means that one was forgotten.
    git diff --exit-code --stat -- include/postbox.h CONFIGURATION.md
}

documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --quiet
}

step "formatting" cargo fmt --check
step "lints" cargo clippy --quiet --all-targets -- -D warnings
step "unit, integration and documentation tests" cargo test --quiet
step "simulation" cargo test --quiet --features simulation --test simulation -- --nocapture
step "generated files are committed" generated_files_are_committed
step "documentation without warnings" documentation
step "without default features" cargo check --quiet --no-default-features
step "libraries and examples" make --no-print-directory libraries
step "C: header, symbols, tests, examples, valgrind" tests/c/run.sh "$target/debug"
step "demo" make --no-print-directory demo

printf '\n%s passed, 0 failed\n' "$passed"
