#!/usr/bin/env bash
# Format, lints, and the unit and integration tests of Rust, for while you work: it installs nothing. `make check` calls it.
# Left to `make test`: tests that start many processes or servers of others, every other language, the simulation.
set -euo pipefail
cd "$(dirname "$0")/.."
features=cli,capi

# step NAME COMMAND...: runs the command and prints how long it took.
step() {
    local name=$1 began=$SECONDS
    shift
    "$@" || { echo "failed: $name ($*)"; exit 1; }
    echo "ok, $((SECONDS - began)) s: $name"
}

step "formatting" cargo fmt --check
step "prose: no habit grows" python3 tools/prose.py
step "lints" cargo clippy --quiet --features $features --all-targets -- -D warnings
step "unit and integration tests" cargo test --quiet --features $features --lib --test it
