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

# Without a build of the package, which takes minutes: `cargo publish --dry-run` does one before a release.
packages() {
    cargo package --offline --no-verify --allow-dirty >"$target/package.output" 2>&1 || { cat "$target/package.output"; return 1; }
    ! grep '^warning' "$target/package.output"
}

documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --quiet --features "$features"
}

features=cli,capi

step "formatting" cargo fmt --check
step "prose: no habit grows" python3 tools/prose.py
step "pages: links, index, names of files and tests" python3 tests/docs/pages.py
step "lints" cargo clippy --quiet --features $features --all-targets -- -D warnings
step "build" cargo test --quiet --features $features --no-run
step "the Python environment of the tests" tools/venv.sh
step "unit and integration tests" cargo test --quiet --features $features --lib --bins --tests
step "documentation tests" cargo test --quiet --features $features --doc
step "generated files are committed" generated_files_are_committed
step "the enums of C# are those of the header" tools/csharp_enums.py --check
step "one version everywhere" tools/versions.py --check
step "the crate can be packaged" packages
step "documentation without warnings" documentation
step "the programs and libraries of the tests" make --no-print-directory debug
step "the handlers of the README" tests/docs/readme.sh "$target/debug"
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
step "demo" make --no-print-directory demo-run demo-c BUILT="$target/debug"
for other in "" sns sqs; do
    step "lints without default features but \"$other\"" \
        cargo clippy --quiet --no-default-features --features "$other" -- -D warnings
done
# Last, since it compiles the crate again, for the simulation.
step "simulation" env POSTBOX_SIMULATION=1 cargo test --quiet --features $features --test simulation -- --nocapture

printf '\n%s passed, 0 failed\n' "$passed"
