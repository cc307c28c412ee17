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

# Builds the package for .NET and the program of its page. A stub takes the place of the AWS SDK, since there is no package source.
build_dotnet() {
    local sdk built=$work/dotnet
    sdk=$(tools/dotnet_sdk.sh) || return 1
    local program=$built/bin/Postbox.AWSSDK/Debug/netstandard2.1
    export JsonNet=/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
    PostboxFrameworks="netstandard2.1;netcoreapp3.1" PostboxOutput=$built AwsSdkStub=4 "$sdk/build" bindings/dotnet/Postbox.AWSSDK || return 1
    cp "$built/bin/AWSSDK.Stub/Debug/netstandard2.1/AWSSDK.Stub.dll" "$JsonNet" "$program" &&
        tools/doc_code.py docs/aws-sdk-dotnet.md csharp >"$work/Greet.cs" &&
        "$sdk/csc" -warnaserror -r:"$program/Postbox.dll" -r:"$program/Postbox.AWSSDK.dll" -r:"$program/AWSSDK.Stub.dll" \
            -out:"$program/Greet.dll" "$work/Greet.cs" &&
        echo '{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"8.0.0"}}}' >"$program/Greet.runtimeconfig.json"
    dotnet_program="$sdk/dotnet exec $program/Greet.dll"
}

# Prints the commands of a page. The packages of Node are those of the lock file, and the pages about Python and .NET have no
# commands for a clone.
commands_of() {
    case $1 in
        python) tools/doc_code.py docs/aws-sdk-python.md python >"$work/page.py" && echo "$work/venv/bin/python $work/page.py" ;;
        dotnet) printf '%s\n' "export LD_LIBRARY_PATH=$work/home/postbox/lib" "$dotnet_program" "$dotnet_program" ;;
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
    [ "$language" != dotnet ] || step "the package for .NET and the program of its page" build_dotnet
    step "docs/aws-sdk-$language.md" works "$language"
done
finish
