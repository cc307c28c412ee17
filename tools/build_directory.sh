#!/usr/bin/env bash
# Prints the directory in which cargo builds this project, which CARGO_TARGET_DIR or a configuration may have moved.
set -euo pipefail
cargo metadata --manifest-path "$(dirname "$0")/../Cargo.toml" --format-version 1 --no-deps --offline |
    sed 's/.*"target_directory":"\([^"]*\)".*/\1/'
