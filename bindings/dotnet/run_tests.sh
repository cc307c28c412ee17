#!/usr/bin/env bash
# Tests the .NET libraries, the examples and the pages with the SDK that tools/dotnet_sdk.sh assembles.
#
#     bindings/dotnet/run_tests.sh [DIRECTORY OF THE LIBRARIES]     the debug build unless given
#
# The libraries are built for two targets. The one for net8.0 runs under CoreCLR 8.0, and the one for .NET Standard under CoreCLR
# 3.1, from the Python package dotnetcore2. Where Microsoft's current SDK is on the PATH, it builds, packs and runs the tests too.
. "$(dirname "$0")/../../tests/lib.sh"
use_libraries "${1:-}"

here=$root/bindings/dotnet
sdk=$("$root/tools/dotnet_sdk.sh") || exit 1
coreclr3=$(echo "$("$root/tools/venv.sh")"/lib/python3*/site-packages/dotnetcore2/bin/dotnet)
# The targets of this SDK that take the place of netstandard2.0 and net8.0, and the directory of what is built.
export PostboxFrameworks="netstandard2.1;netcoreapp3.1" PostboxOutput=$work/built
# Debian's Json.NET, for the tests.
export JsonNet=/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll
# The assemblies for .NET Standard, which programs for every runtime use.
assemblies=$work/built/bin/Postbox.Tests/Debug/netstandard2.1

tools_are_there() {
    [ -x "$sdk/dotnet" ] && [ -x "$coreclr3" ] && [ -e "$libraries/libpostbox.so" ] && [ -e "$JsonNet" ]
}

# Builds a project for all targets. The SDK cannot write two of its caches on this runtime, and warns about that.
build() {
    "$sdk/dotnet" build "$here/$1" -nologo -verbosity:quiet -clp:NoSummary -nowarn:MSB3088 -nowarn:MSB3101
}

build_for_every_runtime() {
    build "$1" && runs_everywhere "$assemblies/${1##*/}"
}

# With this file, a program for .NET Standard runs under every CoreCLR.
runs_everywhere() {
    echo '{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"3.1.0"},"rollForward":"LatestMajor"}}' >"$1.runtimeconfig.json"
}

# program NAME FILE...: compiles a program in the directory of the assemblies.
program() {
    local name=$1
    shift
    "$sdk/csc" -warn:4 -warnaserror -r:"$assemblies/Postbox.dll" -r:"$assemblies/Postbox.Brighter.dll" -out:"$assemblies/$name.dll" "$@" &&
        runs_everywhere "$assemblies/$name"
}

# Compiles a consumer with nullable references enabled, and compares the warnings with those that its lines name.
nullable_references_are_declared() {
    local consumer=$here/tests/Nullable/Consumer.cs
    "$sdk/csc" -nullable:enable -target:library -r:"$assemblies/Postbox.dll" -out:"$work/Nullable.dll" "$consumer" |
        sed -E 's/.*\(([0-9]+),.*(CS[0-9]+):.*/\1 \2/' | sort -n | uniq >"$work/warnings"
    awk '/\/\/ CS[0-9]+$/ { print NR, $NF }' "$consumer" >"$work/expected"
    diff "$work/expected" "$work/warnings"
}

compile_page() {
    local name=$1 page=$2
    python3 "$root/tools/doc_code.py" "$page" csharp >"$work/$name.cs" && program "$name" "$work/$name.cs"
}

# Compiles the handler in the project's README, without its using declarations: it shows statements only.
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
        CoreCLR-3.1) "$coreclr3" exec "$assemblies/$name.dll" "$@" ;;
        CoreCLR-8.0) "$sdk/dotnet" exec "$assemblies/$name.dll" "$@" ;;
    esac
}

# run_tests RUNTIME DIRECTORY HOST...: runs the tests in a directory. The limit only ends a run that hangs.
run_tests() {
    local runtime=$1 tests=$2/Postbox.Tests.dll
    shift 2
    POSTBOX_TEST_HOST=$* timeout --foreground 600 "$@" "$tests" >"$work/tests.$runtime" 2>&1
    local code=$?
    grep -v '^ok ' "$work/tests.$runtime"
    return $code
}

# The tests wait for most of their time, so both runtimes run them at the same time.
run_tests_on_both() {
    run_tests CoreCLR-3.1 "$assemblies" "$coreclr3" exec >"$work/lane" 2>&1 &
    local other=$! code=0
    run_tests CoreCLR-8.0 "${assemblies/netstandard2.1/netcoreapp3.1}" "$sdk/dotnet" exec || code=1
    wait $other || code=1
    cat "$work/lane"
    return $code
}

# Microsoft's extensions are assemblies of the SDK, for CoreCLR 8.0.
extensions_pass() {
    POSTBOX_TEST_HOST="$sdk/dotnet exec" timeout --foreground 600 "$sdk/dotnet" exec "$work/built/bin/Postbox.Extensions.Tests/Debug/netcoreapp3.1/Postbox.Extensions.Tests.dll"
}

# The program of the page about hosts, in a project as a reader would have it.
hosting_page_works() {
    local page=$root/docs/hosting-dotnet.md project=$work/hosting
    mkdir -p "$project" && python3 "$root/tools/doc_code.py" "$page" csharp >"$project/Program.cs" &&
        python3 "$root/tools/doc_code.py" "$page" json >"$project/appsettings.json" &&
        cp "$root/examples/dotnet/OrderService/Directory.Build.props" "$project/" && sed -i "s:\.\./\.\./\.\./bindings:$root/bindings:" "$project/Directory.Build.props" &&
        sed "s:\.\./\.\./\.\./bindings:$root/bindings:" "$root/examples/dotnet/OrderService/OrderService.csproj" >"$project/Hosting.csproj" &&
        "$sdk/dotnet" build "$project" -nologo -verbosity:quiet -clp:NoSummary -nowarn:MSB3088 -nowarn:MSB3101 &&
        (cd "$project" && "$sdk/dotnet" exec "$work/built/bin/Hosting/Debug/netcoreapp3.1/Hosting.dll" >"$work/printed") &&
        what_it_prints "$page" | diff - "$work/printed"
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
    mkdir -p "$work/wrong" && "${CC:-cc}" -shared -fPIC "$@" "$here/tests/Postbox.Tests/old_library.c" -o "$work/wrong/libpostbox.so" &&
        ! LD_LIBRARY_PATH=$work/wrong on "$runtime" Greetings 2>"$work/error" && grep -F "$text" "$work/error"
}

# builds_for RID: builds a program for this platform, with the package of a library for linux-x64.
builds_for() {
    local package=$work/package
    mkdir -p "$package/runtimes/linux-x64/native" && cp -r "$here/Postbox/buildTransitive" "$package" &&
        cat >"$package/Program.csproj" <<'END' && "$sdk/dotnet" msbuild -nologo "-p:RuntimeIdentifier=$1" "$package/Program.csproj"
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
    unset PostboxFrameworks PostboxOutput JsonNet
    mkdir -p "$work/runtimes/linux-x64/native" && cp "$libraries/libpostbox.so" "$work/runtimes/linux-x64/native/" &&
        dotnet pack "$here/Postbox" -p:NativeLibraries="$work/runtimes" --output "$work/packages" &&
        "$here/check_package.py" "$work"/packages/Postbox.*.nupkg &&
        dotnet build "$here/tests/Postbox.Tests" --output "$work/sdk" &&
        POSTBOX_TEST_HOST="dotnet exec" dotnet exec "$work/sdk/Postbox.Tests.dll" &&
        dotnet build "$here/tests/Postbox.Extensions.Tests" --output "$work/sdk-extensions" &&
        dotnet exec "$work/sdk-extensions/Postbox.Extensions.Tests.dll"
}

export POSTBOX_HEADER=$root/include/postbox.h
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1

step "the tools and the library are there" tools_are_there
step "the libraries and the tests compile without a warning, documented throughout" build_for_every_runtime tests/Postbox.Tests
step "the tests with Microsoft's extensions compile without a warning" build tests/Postbox.Extensions.Tests
step "the package contains licences, notices and SBOM" "$here/check_package.py" "$here/Postbox/Postbox.csproj"
step "a program for a platform that the package lacks is not built" other_platforms_are_rejected
step "a consumer is warned of every null" nullable_references_are_declared
step "the example compiles" program Greetings "$root/examples/dotnet/Greetings.cs"
step "the example of batches compiles" program Batches "$root/examples/dotnet/Batches.cs"
step "the benchmark compiles" program GreetingCommit "$root/benches/bindings/GreetingCommit.cs"
step "the benchmark of asynchronous commits compiles" program AsyncCommits "$root/benches/bindings/AsyncCommits.cs"
step "the page's code compiles" compile_page Start "$root/docs/getting-started-dotnet.md"
step "the README's code compiles" compile_page Readme "$here/README.md"
step "the handler in the project's README compiles" compile_handler
step "the page's commands work as shown" page_works_as_shown
step "the tests pass under CoreCLR 3.1 and 8.0" run_tests_on_both
step "the tests with Microsoft's extensions pass" extensions_pass
step "the program of the page about hosts works as shown" hosting_page_works
for runtime in CoreCLR-3.1 CoreCLR-8.0; do
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
