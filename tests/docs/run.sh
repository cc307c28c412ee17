#!/usr/bin/env bash
# Runs the commands (sh) of a getting-started page, from the root of the project and with an empty home directory, and checks
# that they print the output that the page shows (text).
#
#     tests/docs/run.sh LANGUAGE...     c, cpp: those of docs/getting-started-LANGUAGE.md
. "$(dirname "$0")/page.sh"

works() {
    local page=$1
    rm -rf "$work/home" && mkdir "$work/home"
    tools/doc_code.py "$page" sh >"$work/commands" && commands_print "$page"
}

for language in "$@"; do
    step "docs/getting-started-$language.md" works "docs/getting-started-$language.md"
done
finish
