# What the scripts in this directory share, which source it:
#
#     . "$(dirname "$0")/page.sh"
#
# shellcheck shell=bash disable=SC2154
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
cd "$root" || exit 1

# Tools must find their own files with another home directory, and a debug build already exists.
CARGO_TARGET_DIR=$(tools/build_directory.sh)
export CARGO_TARGET_DIR CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} PROFILE=debug

# commands_print PAGE: runs the commands in the file `commands` with the home directory `home`, both in the directory `work`, and
# checks that they succeed and print every line that the page shows (text).
commands_print() {
    local page=$1 line
    tools/doc_code.py "$page" text >"$work/expected" || return 1
    HOME=$work/home bash -euo pipefail "$work/commands" >"$work/printed" 2>&1 </dev/null || { cat "$work/printed"; return 1; }
    while IFS= read -r line; do
        grep -qxF -- "$line" "$work/printed" ||
            { echo "the page shows \"$line\"; this was printed:"; cat "$work/printed"; return 1; }
    done < <(sed "/^$/d" "$work/expected")
}
