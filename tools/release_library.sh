#!/usr/bin/env bash
# Builds the shared and the static library for release, with the features of the C interface.
#
#     tools/release_library.sh [ARGUMENTS OF CARGO]
#
# Cargo optimises a library together with its dependencies (LTO) only if it is not built as a Rust library at the same time,
# so the crate types are named here.
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${CARGO:-cargo}" rustc --release --locked --lib --crate-type cdylib,staticlib --features capi "$@"
