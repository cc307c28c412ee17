#!/usr/bin/env bash
# Checks and tests the command `postbox`, which is behind the feature cli.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo clippy --quiet --features cli --bin postbox --test cli -- -D warnings
tools/venv.sh >/dev/null
cargo test --quiet --features cli --bin postbox --test cli
