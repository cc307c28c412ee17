#!/usr/bin/env bash
# Runs the commands (sh) of a getting-started page, from the root of the project and with an empty home directory, and checks
# that they print the output that the page shows (text).
#
#     tests/docs/run.sh LANGUAGE...     c, cpp: those of docs/getting-started-LANGUAGE.md
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1

# Tools must find their own files with another home directory, and a debug build already exists.
CARGO_TARGET_DIR=$(tools/build_directory.sh)
export CARGO_TARGET_DIR CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} PROFILE=debug

# works PAGE: checks that the commands of a page succeed, and print every line that the page shows.
works() {
    local page=$1 line
    rm -rf "$work/home" && mkdir "$work/home"
    tools/doc_code.py "$page" sh >"$work/commands" && tools/doc_code.py "$page" text >"$work/expected" || return 1
    HOME=$work/home bash -euo pipefail "$work/commands" >"$work/printed" 2>&1 </dev/null || { cat "$work/printed"; return 1; }
    while IFS= read -r line; do
        grep -qxF -- "$line" "$work/printed" ||
            { echo "the page shows \"$line\"; this was printed:"; cat "$work/printed"; return 1; }
    done <"$work/expected"
}

for language in "$@"; do
    step "docs/getting-started-$language.md" works "docs/getting-started-$language.md"
done
finish
