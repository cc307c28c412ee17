#!/usr/bin/env bash
# Runs the programs of the pages about AWS SDKs, docs/aws-sdk-LANGUAGE.md, each on a served database of its own, and checks that
# they print the output that the page shows (text).
#
#     tests/docs/aws_sdk.sh [LANGUAGE...]     all languages unless given
. "$(dirname "$0")/page.sh"

venv=$(tools/venv.sh) && modules=$(tools/node_modules.sh) || exit 1
export PATH=$work/home/postbox/bin:$venv/bin:$PATH

installs() {
    make --no-print-directory install PREFIX="$work/home/postbox"
}

# Serves the database of docs/aws-sdk.md, and sets `url` and `server`.
serve() {
    local command
    command=$(tools/doc_code.py docs/aws-sdk.md console) || return 1
    # shellcheck disable=SC2086
    coproc database { cd "$work" && exec ${command/greetings.db/"$1.db"} --port 0 2>/dev/null; }
    # shellcheck disable=SC2154
    server=$database_PID
    IFS= read -r url <&"${database[0]}"
}

# Prints the commands of a page. The packages of Node are those of the lock file, and the page about Python has no commands.
commands_of() {
    case $1 in
        python) tools/doc_code.py docs/aws-sdk-python.md python >"$work/page.py" && echo "$work/venv/bin/python $work/page.py" ;;
        node) ln -sfn "$modules" "$work/home/node_modules" && tools/doc_code.py docs/aws-sdk-node.md sh | grep -v '^npm install' ;;
        *) tools/doc_code.py "docs/aws-sdk-$1.md" sh ;;
    esac
}

works() {
    serve "$1" || return 1
    { tools/doc_code.py docs/aws-sdk.md sh | sed "s|http://127.0.0.1:8000|$url|"; commands_of "$1"; } >"$work/commands"
    commands_print "docs/aws-sdk-$1.md"
    local code=$?
    kill "$server" && wait "$server"
    return $code
}

rust_page_shows_the_example() {
    tools/doc_code.py docs/aws-sdk-rust.md rust | diff -B - <(grep -v '^//!' examples/aws_sdk.rs)
}

mkdir "$work/home"
step "installation" installs
step "wheel" install_wheel "$work/venv"
step "docs/aws-sdk-rust.md shows examples/aws_sdk.rs" rust_page_shows_the_example
[ $# != 0 ] || set -- rust python node c cpp dotnet
for language in "$@"; do
    step "docs/aws-sdk-$language.md" works "$language"
done
finish
