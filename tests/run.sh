#!/usr/bin/env bash
# Every check and test, in the order in which they are likely to fail. `make test` calls it.
set -uo pipefail
cd "$(dirname "$0")/.."

target=$(tools/build_directory.sh)
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
step "prose: no habit grows" python3 tools/prose.py
step "pages: links, index, names of files and tests" python3 tests/docs/pages.py
step "lints" cargo clippy --quiet --features cli,capi --all-targets -- -D warnings
step "unit, integration and documentation tests" cargo test --quiet --features cli,capi
step "the command postbox: lints and tests" tests/cli/run.sh
step "simulation" env POSTBOX_SIMULATION=1 cargo test --quiet --features cli,capi --test simulation -- --nocapture
step "generated files are committed" generated_files_are_committed
step "the enums of C# are those of the header" tools/csharp_enums.py --check
step "documentation without warnings" documentation
for features in "" sns sqs; do
    step "lints without default features but \"$features\"" \
        cargo clippy --quiet --no-default-features --features "$features" -- -D warnings
done
step "libraries and examples" make --no-print-directory libraries
step "C: header, symbols, tests, examples, valgrind" tests/c/run.sh "$target/debug"
step "the C ABI is as it was" tools/abi.py --check
step "C++: tests, sanitizers, example" bindings/cpp/tests/run.sh "$target/debug"
step ".NET: tests, example and pages under Mono and CoreCLR" bindings/dotnet/run_tests.sh "$target/debug"
step "Python: types, wheel, tests, example, page" bindings/python/run_tests.sh
step "SNS and SQS: the examples" tests/aws/run.sh "$target/debug"
step "installation, and programs that use it" tests/install/run.sh
step "getting-started pages" tests/docs/run.sh c cpp
step "every binding tests every case" python3 tools/cases.py --check
# Where cJSON is missing, the demo leaves the example in C out; here it must not.
step "demo" make --no-print-directory demo demo-c

printf '\n%s passed, 0 failed\n' "$passed"
