#!/usr/bin/env bash
# Does what a getting-started page says: runs its commands (sh), from the root of the project and in a home of their own,
# and looks for the output that it shows (text).
#
#     tests/docs/run.sh LANGUAGE...     c, cpp: those of docs/getting-started-LANGUAGE.md
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1

# Tools find what is theirs in another home too, and a debug build is there already.
CARGO_TARGET_DIR=$(tools/build_directory.sh)
export CARGO_TARGET_DIR CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} PROFILE=debug

# works PAGE: its commands succeed, and print every line that it shows.
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
