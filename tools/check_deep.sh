#!/usr/bin/env bash
# Runs the third tier: checks that take long, or need a separate build. `make check-deep` calls it; tests/run.sh has the others.
#
#     tools/check_deep.sh [PART...]        address thread fuzz soak simulation rust release browser deny; all unless given
#
# The part `hosts` is the end of `address`: only the processes of tests/deep/host.c and host.py.
#
# It needs the tools that tools/setup.sh installs, and the stable toolchain (RUSTC_BOOTSTRAP=1 unlocks -Zsanitizer). The first run
# builds all dependencies five times: for each sanitizer, for the simulation, for the Rust library and for the release.
# HOST_SECONDS (600) is the time for the processes of tests/deep/host.c and host.py, which run side by side, FUZZ_SECONDS (60)
# that for each fuzz target, and SOAK_SECONDS (600) that for the simulation. SOAK_KILLS (1000) is the number of killed processes,
# and ORDER_SECONDS (300) the time for the service in a .NET host.
set -uo pipefail
cd "$(dirname "$0")/.."

root=$PWD
host=x86_64-unknown-linux-gnu
target=$(tools/build_directory.sh)
runtimes=$(rustc --print sysroot)/lib/rustlib/$host/lib
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The additional flags of a sanitizer.
rust_flags=
link_arguments=()
# Skips tests that start many processes or measure time precisely.
library_tests=(api::blocking api::unit_of_work delivery::clear delivery::sweep:: sdk::network transport::producers)

# say TEXT: ends a step with its time, and starts the next one.
began=
say() {
    [ -z "$began" ] || printf '   ok, %s s\n' $((SECONDS - began))
    began=$SECONDS
    printf '\n== %s\n' "$*"
}
fail() { printf '\nfailed: %s\n' "$*"; exit 1; }

# runs_tests COMMAND...: fails also if the command ran no test.
runs_tests() {
    "$@" 2>&1 | tee "$work/output" && grep -qE '^test result: ok\. [1-9]' "$work/output"
}

# rust_tests CARGO_ARGUMENTS...: runs tests with the features of all other tests.
rust_tests() {
    runs_tests cargo test --quiet --features cli,capi "$@"
}

# with SANITIZER COMMAND CARGO_ARGUMENTS...: runs a command of cargo with the sanitizer, in a separate build directory.
with() {
    local sanitizer=$1 command=$2
    shift 2
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=$sanitizer -Cunsafe-allow-abi-mismatch=sanitizer $rust_flags" \
        CARGO_TARGET_DIR="$target/$sanitizer" cargo "$command" --target "$host" "$@"
}

# c_program SANITIZER NAME SOURCE...: builds a C program and the static library, both with the sanitizer.
c_program() {
    local sanitizer=$1 name=$2 runtime source
    shift 2
    runtime=$runtimes/librustc-stable_rt.${sanitizer:0:1}san.a
    mkdir -p "$work/$sanitizer-$name"
    for source in "$@"; do
        gcc -std=c11 -D_POSIX_C_SOURCE=200809L -fsanitize="$sanitizer" -g -I include -c "$source" \
            -o "$work/$sanitizer-$name/$(basename "$source" .c).o" || return 1
    done
    # The program and the library both use the sanitizer's runtime of the library's compiler.
    gcc "$work/$sanitizer-$name"/*.o "${link_arguments[@]}" "$target/$sanitizer/$host/debug/libpostbox.a" \
        -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive -lcjson -lm -ldl -lpthread -lrt -o "$work/$sanitizer-$name/run"
}

# python_program: builds a Python interpreter with the sanitizer's runtime, and the package with the shared library.
python_program() {
    local package=$work/python/package venv
    venv=$(tools/venv.sh) && mkdir -p "$package" || return 1
    # shellcheck disable=SC2046 # Several arguments.
    gcc -g $(python3-config --embed --cflags) tests/deep/interpreter.c -rdynamic -Wl,--whole-archive \
        "$runtimes/librustc-stable_rt.asan.a" -Wl,--no-whole-archive $(python3-config --embed --ldflags) -lm -ldl -lpthread -lrt \
        -o "$work/python/run" || return 1
    cp -r bindings/python/src/postbox "$package" && cp "$target/address/$host/debug/libpostbox.so" "$package/postbox" &&
        "$venv/bin/python" bindings/python/build_header.py include/postbox.h "$package/postbox" >/dev/null || return 1
    PYTHONPATH=$package:$(echo "$venv"/lib/python3*/site-packages)
}

# in_python SCRIPT ARGUMENTS...: runs a script in this interpreter. Python's own allocator would hide misuse of memory.
in_python() {
    PYTHONPATH=$PYTHONPATH PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0,handle_abort=1,exitcode=77 "$work/python/run" "$@"
}

# notices SANITIZER MISUSE TEXT: checks that the sanitizer reports a deliberate misuse.
notices() {
    "$work/$1-misuse/run" "$2" >"$work/output" 2>&1 && return 1
    grep -F "$3" "$work/output"
}

sanitize() {
    local sanitizer=$1
    say "$sanitizer sanitizer: build"
    with "$sanitizer" build --quiet --features capi --lib --example greetings || fail "build"
    c_program "$sanitizer" misuse tests/deep/misuse.c && c_program "$sanitizer" tests tests/c/*.c || fail "build of the C tests"
    say "$sanitizer sanitizer: it reports what is wrong on purpose"
    if [ "$sanitizer" = address ]; then
        notices address after heap-use-after-free || fail "use after free was not noticed"
        notices address leak "detected memory leaks" || fail "a leak was not noticed"
    else
        notices thread race "data race" || fail "a race was not noticed"
    fi
    say "$sanitizer sanitizer: C tests"
    "$work/$sanitizer-tests/run" >"$work/output" 2>&1 || { grep -v '^ok ' "$work/output"; fail "C tests"; }
    tail -n 1 "$work/output"
    say "$sanitizer sanitizer: library tests"
    runs_tests with "$sanitizer" test --quiet --features capi --lib || fail "library tests"
    # Some of these tests abandon calls, whose memory is never freed. The C tests check for leaks.
    ASAN_OPTIONS=detect_leaks=0 runs_tests with "$sanitizer" test --quiet --features capi --test it -- "${library_tests[@]}" ||
        fail "integration tests"
}

address() {
    sanitize address
    hosts
}

hosts() {
    local seconds=${HOST_SECONDS:-600} in_c in_c_failed=0 in_python_failed=0
    say "address sanitizer: it reports what is wrong on purpose in Python"
    with address build --quiet --features capi --lib || fail "build"
    c_program address host tests/deep/host.c || fail "build"
    python_program || fail "build of the interpreter"
    in_python tests/deep/misuse.py >"$work/output" 2>&1 && fail "use after free was not noticed"
    grep -F heap-use-after-free "$work/output" || fail "use after free was not noticed"
    say "address sanitizer: C and Python processes that end, fork, are interrupted and close at random moments, for $seconds s each"
    # A process that exits in the middle of its calls leaves memory behind.
    ASAN_OPTIONS=detect_leaks=0 "$work/address-host/run" "$seconds" >"$work/in-c" 2>&1 &
    in_c=$!
    in_python tests/deep/host.py "$seconds" >"$work/in-python" 2>&1 || in_python_failed=1
    wait $in_c || in_c_failed=1
    tail -n 40 "$work/in-c" "$work/in-python"
    [ "$in_c_failed$in_python_failed" = 00 ] || fail "hosts"
}

thread() {
    local link_arguments=("$target/thread/fences.o" -Wl,--wrap=__tsan_atomic64_fetch_sub)
    local rust_flags="--sysroot=$target/thread/sysroot ${link_arguments[*]/#/-Clink-arg=}"
    say "thread sanitizer: standard library"
    tools/std_with_thread_sanitizer.sh "$target/thread/sysroot" || fail "standard library"
    gcc -O2 -c tests/deep/fences.c -o "$target/thread/fences.o" || fail "fences"
    # Some tests start threads in a forked child, at which ThreadSanitizer would otherwise end the child.
    TSAN_OPTIONS=die_after_fork=0 sanitize thread
}

# Only the crate itself is instrumented for libFuzzer. The dependencies are those of the build with AddressSanitizer.
fuzz() {
    local target_name
    say "libFuzzer: build"
    cp Cargo.lock fuzz/Cargo.lock
    (cd fuzz && RUSTC_WRAPPER=$root/tests/deep/rustc_with_coverage.sh with address build --quiet -Zprofile-rustflags \
        --config 'profile.dev.package.postbox.rustflags=["--cfg", "fuzzing"]' \
        --config 'profile.dev.package.postbox-fuzz.rustflags=["--cfg", "fuzzing"]') || fail "build"
    for target_name in json settings answers c_abi; do
        say "libFuzzer: $target_name"
        mkdir -p "$target/corpus/$target_name"
        POSTBOX_FUZZ_TARGET=$target_name ASAN_OPTIONS=detect_leaks=0 "$target/address/$host/debug/fuzz" \
            -max_total_time="${FUZZ_SECONDS:-60}" -max_len=4096 -timeout=20 -artifact_prefix="$target/corpus/" -print_final_stats=1 \
            "$target/corpus/$target_name" "tests/fuzz/corpus/$target_name" >"$work/output" 2>&1 ||
            { tail -n 40 "$work/output"; fail "$target_name"; }
        grep -E 'stat::number_of_executed_units|DONE' "$work/output"
    done
}

soak() {
    say "processes killed, stopped and cut off"
    POSTBOX_KILLS=${SOAK_KILLS:-1000} rust_tests --test it reliability::kill -- --nocapture --test-threads=1 || fail "kill"
    say "sweepers suspended beyond their lease"
    POSTBOX_ZOMBIES=100 rust_tests --test it lease_fencing -- --nocapture || fail "lease_fencing"
    say "a service in a .NET host, killed, stopped and started again under load"
    cargo build --quiet --features cli,capi && bindings/dotnet/tests/order_service.sh "${ORDER_SECONDS:-300}" || fail "order_service"
    say "fuzz targets on random changes of their corpus, 20 times as many as in make test"
    POSTBOX_FUZZ_FACTOR=20 rust_tests --test it reliability::fuzz -- --nocapture || fail "fuzz"
}

simulation() {
    say "simulation with new seeds"
    runs_tests make --no-print-directory soak SECONDS="${SOAK_SECONDS:-600}" || fail "simulation"
}

# The functions of the C interface that these files define.
c_functions() {
    nm --defined-only "$@" 2>/dev/null | grep ' T postbox_'
}

# A Rust program that defines functions of the C interface could not be linked with a C library that uses Postbox.
rust() {
    say "a Rust program defines no function of the C interface"
    cargo build --quiet --features cli,capi --lib || fail "build"
    c_functions "$target/debug/libpostbox.rlib" >"$work/output" || fail "no function was found in the build with the C interface"
    CARGO_TARGET_DIR="$target/rust" cargo build --quiet --lib --example greetings || fail "build"
    c_functions "$target/rust/debug/libpostbox.rlib" "$target/rust/debug/examples/greetings" &&
        fail "the functions above are in the library or in a program"
    say "the package can be published"
    CARGO_TARGET_DIR="$target/rust" cargo publish --dry-run --quiet || fail "publish"
}

release() {
    say "release build: installation, and programs that use it"
    VALGRIND_OPTS=--suppressions=$PWD/tests/deep/release.supp PROFILE=release VALGRIND=all tests/install/run.sh || fail "release"
    say "release build: calls need at most 128 KB of stack"
    tests/deep/stack.sh "$target/release" || fail "stack"
}

browser() {
    say "web pages in a browser cannot use the served database"
    command -v chromium >/dev/null || fail "there is no chromium: install the package chromium of Debian"
    cargo build --quiet --features cli,capi --bin postbox --example serve || fail "build"
    tests/deep/browser.py "$target/debug/postbox" "$target/debug/examples/serve" || fail "browser"
}

# advisory VERSION: writes a database with a made-up advisory for the versions of serde_json before VERSION.
advisory() {
    local file=$work/advisories/crates/serde_json/RUSTSEC-2000-0001.md
    rm -rf "$work/advisories" && mkdir -p "$(dirname "$file")"
    printf '%s\n' '```toml' '[advisory]' 'id = "RUSTSEC-2000-0001"' 'package = "serde_json"' 'date = "2000-01-01"' \
        '[versions]' "patched = [\">= $1\"]" '```' '# Made up' 'For a test.' >"$file"
    git -C "$work/advisories" init --quiet && git -C "$work/advisories" add . &&
        git -C "$work/advisories" -c user.name=test -c user.email=test@localhost commit --quiet -m advisory
}

# The real database is on GitHub, which not every machine reaches: `make advisories DB=DIRECTORY` uses a clone of it.
deny() {
    command -v cargo-deny >/dev/null || cargo install --quiet --locked cargo-deny || fail "cargo-deny cannot be installed"
    say "licences, sources and banned crates"
    cargo deny --all-features check licenses bans sources || fail "cargo-deny"
    say "make advisories finds an advisory"
    advisory 1.0.0 && tools/advisories.sh "$work/advisories" || fail "an advisory for other versions was reported"
    advisory 99.0.0 && ! tools/advisories.sh "$work/advisories" >"$work/output" 2>&1 && grep -F RUSTSEC-2000-0001 "$work/output" ||
        fail "an advisory was not reported"
}

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(address thread fuzz soak simulation rust release browser deny)
for part in "${parts[@]}"; do
    "$part"
done
say "all passed: ${parts[*]}"
