#!/usr/bin/env bash
# Checks and tests the command `postbox`, which is behind the feature cli.
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1

step "lints" cargo clippy --quiet --features cli,capi --bin postbox --test cli -- -D warnings
step "the Python environment of the tests" tools/venv.sh
step "tests" cargo test --quiet --features cli,capi --bin postbox --test cli
finish
