#!/usr/bin/env bash
# Runs the checks and tests of a tier, starting with those that are likely to fail. The first failure ends the run.
#
#     tests/run.sh check     format, lints, unit and integration tests of Rust; for use while you work; installs nothing
#     tests/run.sh test      all checks for a change; tools/setup.sh installs the tools
#
# The third tier is tools/check_deep.sh.
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1

target=$(tools/build_directory.sh)
# Everything is built and tested with one set of features, so that each crate is compiled once.
features=cli,capi
# Clippy's driver compiles this crate, so that the build of the tests also lints it, and no dependency is compiled twice.
export RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-Dwarnings
# What the current step printed.
printed=$work/printed

# step NAME COMMAND...: runs the command, shows what it prints, and prints its time.
step() {
    local name=$1 began=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    "$@" 2>&1 | tee "$printed" || fail "$name ($*)"
    passed=$((passed + 1 + $(tests_in "$printed")))
    printf '   ok, %s s\n' "$((SECONDS - began))"
}

# tests NAME COMMAND...: does the same for a command that runs tests, and fails if it ran none.
tests() {
    step "$@"
    [ "$(tests_in "$printed")" != 0 ] || fail "$1: no test was run"
}

# at_once LANE OTHER: runs two functions with steps at the same time. What OTHER printed is shown when both have ended.
at_once() {
    local lane=$1 other=$2
    (
        passed=0 printed=$work/other.printed
        fail() { printf '\nfailed: %s\n' "$1"; exit 1; }
        "$other" && echo "$passed" >"$work/other.passed"
    ) >"$work/other.output" 2>&1 &
    "$lane"
    wait
    cat "$work/other.output"
    [ -e "$work/other.passed" ] || fail "$other"
    passed=$((passed + $(<"$work/other.passed")))
    rm "$work/other.passed"
}

# A lane that is still running must not outlive the directory in which it works.
fail() {
    wait
    printf '\nfailed: %s\n%s passed, 1 failed\n' "$1" "$passed"
    exit 1
}

rust_tests() {
    cargo test --quiet --features $features "$@"
}

# The package is not built, which takes minutes. `cargo publish --dry-run` builds it before a release.
packages() {
    cargo package --offline --no-verify --allow-dirty >"$work/package.output" 2>&1 || { cat "$work/package.output"; return 1; }
    ! grep '^warning' "$work/package.output"
}

documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --quiet --features $features
}

# The build wrote the header. A difference from the committed one means that the commit lacks it.
generated_files_are_committed() {
    git diff --exit-code --stat -- include/postbox.h CONFIGURATION.md
}

format_and_prose() {
    step "formatting" cargo fmt --check
    step "prose: no habit grows" python3 tools/prose.py
}

build() {
    step "build and lints: tests and benchmarks" rust_tests --all-targets --no-run
}

# The programs are built first, so that a mistake in the library is reported early.
build_all() {
    step "build and lints: dependencies, library and programs" make --no-print-directory debug
    build
}

# Skips tests with a server or a client in Python (SNS and SQS, and boto3), and those that kill processes for a minute.
check_tier() {
    format_and_prose
    build
    tests "unit tests, order of the rooms, interleavings" rust_tests --lib --bins --test house --test interleavings
    tests "integration tests" rust_tests --test it -- --skip transport::aws:: --skip reliability::kill
    tests "the command" rust_tests --test cli -- --skip transport:: --skip boto3
}

environment() {
    step "the Python environment of the tests" tools/venv.sh
    step "the Node packages of the tests" tools/node_modules.sh
}

# These tests wait for most of their time.
rust_suites() {
    tests "unit and integration tests" rust_tests --lib --bins --tests
    tests "documentation tests" rust_tests --doc
}

pages_and_features() {
    step "documentation without warnings" documentation
    for other in "" sns sqs,capi; do
        step "lints without default features but \"$other\"" cargo check --quiet --no-default-features --features "$other"
    done
}

c_cpp_and_python() {
    tests "C: header, symbols, tests, examples, valgrind" tests/c/run.sh "$target/debug"
    tests "C++: tests, sanitizers, example" bindings/cpp/tests/run.sh "$target/debug"
    tests "Python: types, wheel, tests, example, page" bindings/python/run_tests.sh
    tests "pages about AWS SDKs" tests/docs/aws_sdk.sh
    tests "programs with AWS SDKs, killed at each step" tests/sdk/run.sh "$target/debug"
}

dotnet_and_installation() {
    tests ".NET: tests, example and pages under CoreCLR" bindings/dotnet/run_tests.sh "$target/debug"
    tests "SNS and SQS: the examples" tests/aws/run.sh "$target/debug"
    tests "installation, and programs that use it" tests/install/run.sh
    tests "getting-started pages" tests/docs/run.sh c cpp
}

test_tier() {
    format_and_prose
    step "pages: links, index, names of files and tests" python3 tests/docs/pages.py
    step "the enums of C# are those of the header" tools/csharp_enums.py --check
    step "the options of C# are the settings" tools/csharp_options.py --check
    step "the declarations of C# are those of the ABI" tools/csharp_native.py --check
    step "every binding tests every case" python3 tools/cases.py --check
    step "one version everywhere" tools/versions.py --check
    step "the crate can be packaged" packages
    at_once build_all environment
    step "generated files are committed" generated_files_are_committed
    step "notices and SBOM contain the linked crates" tools/third_party.py --check
    at_once rust_suites pages_and_features
    step "the handlers of the README" tests/docs/readme.sh "$target/debug"
    step "the C ABI is as it was" tools/abi.py --check
    at_once c_cpp_and_python dotnet_and_installation
    step "demo" make --no-print-directory demo-run BUILT="$target/debug"
    # The simulation is last, since it compiles the crate again.
    tests "simulation" env POSTBOX_SIMULATION=1 cargo test --quiet --features $features \
        --config profile.dev.package.postbox.opt-level=1 --test simulation -- --nocapture
}

case ${1:-} in
check) check_tier ;;
test) test_tier ;;
*) echo "usage: tests/run.sh check|test" >&2; exit 2 ;;
esac
printf '\nin %s min %s s:\n%s passed, 0 failed\n' $((SECONDS / 60)) $((SECONDS % 60)) "$passed"
