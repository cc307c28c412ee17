#!/usr/bin/env bash
# Does what a getting-started page says: runs its commands (sh), from the root of the project and in a home of their own,
# and looks for the output that it shows (text).
#
#     tests/docs/run.sh LANGUAGE...     c, cpp: those of docs/getting-started-LANGUAGE.md
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# Tools find what is theirs in another home too, and a debug build is there already.
export CARGO_TARGET_DIR=$target CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} PROFILE=debug
failed=0

# works PAGE: its commands succeed, and print every line that it shows.
works() {
    local page=$1 line
    rm -rf "$work/home" && mkdir "$work/home"
    tools/doc_code.py "$page" sh >"$work/commands" && tools/doc_code.py "$page" text >"$work/expected" || return 1
    HOME=$work/home bash -euo pipefail "$work/commands" >"$work/output" 2>&1 </dev/null || return 1
    while IFS= read -r line; do
        grep -qxF -- "$line" "$work/output" || { echo "the page shows \"$line\"; this was printed:" && return 1; }
    done <"$work/expected"
}

for language in "$@"; do
    page=docs/getting-started-$language.md
    if works "$page"; then
        echo "ok     $page"
    else
        echo "FAILED $page"
        cat "$work/output"
        failed=1
    fi
done
exit $failed
