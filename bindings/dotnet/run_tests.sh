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
# A stub in place of the AWS SDK, for which there is no package source.
export AwsSdkStub=4
# Debian's Json.NET, for the tests.
export JsonNet=/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll
# The assemblies for .NET Standard, which programs for every runtime use.
assemblies=$work/built/bin/Postbox.Tests/Debug/netstandard2.1

tools_are_there() {
    [ -x "$sdk/dotnet" ] && [ -x "$coreclr3" ] && [ -e "$libraries/libpostbox.so" ] && [ -e "$JsonNet" ]
}

# Builds a project of this repository for all targets.
build() {
    "$sdk/build" "$root/$1"
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
    python3 "$root/tools/doc_code.py" "$page" csharp >"$work/$name.cs" && program "$name" -nullable:enable "$work/$name.cs"
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

# Runs the tests that the page shows on the handler that it shows, with a part of xUnit.
page_tests_pass() {
    {
        printf 'using %s;\n' System System.Collections.Generic System.Threading.Tasks Postbox
        echo 'public sealed class PageTests {'
        python3 "$root/tools/doc_code.py" "$root/docs/getting-started-dotnet.md" cs
        echo '}'
    } >"$work/PageTests.cs" &&
        program PageTests -nullable:enable -main:RunTests "$work/PageTests.cs" "$work/Start.cs" "$here/tests/PageTests/Xunit.cs" &&
        on CoreCLR-8.0 PageTests
}

# The sources for .NET Standard, which this SDK builds for .NET Standard 2.1, compile for 2.0 too: against its reference, the package
# System.Memory (the SDK has its assembly), and a stub of the other packages.
compiles_for_netstandard20() {
    local files compile
    files=$(echo "$sdk"/../sdk/*)
    compile=("$sdk/dotnet" exec "$files/Roslyn/bincore/csc.dll" -nologo -noconfig -nostdlib -langversion:8 -warnaserror -target:library
        -define:NETSTANDARD,NETSTANDARD2_0 -nullable:annotations -unsafe
        -r:"$files/ref/netstandard.dll" -r:"$files/ref/mscorlib.dll" -r:"$files/Sdks/Microsoft.NET.Sdk.WindowsDesktop/tools/net472/System.Memory.dll")
    mkdir -p "$work/netstandard20" && "${compile[@]}" -out:"$work/netstandard20/Stub.dll" "$here/tests/NetStandard20/Stub.cs" &&
        "${compile[@]}" -r:"$work/netstandard20/Stub.dll" -out:"$work/netstandard20/Postbox.dll" "$here"/Postbox/*.cs &&
        "${compile[@]}" -r:"$work/netstandard20/Stub.dll" -r:"$work/netstandard20/Postbox.dll" -out:"$work/netstandard20/Postbox.Brighter.dll" \
            "$here"/Postbox.Brighter/*.cs
}

# Runs the page's commands in the clone, with the debug library without its symbols. The page's command builds the library for release.
packages_are_made() {
    local commands
    commands=$(python3 "$root/tools/doc_code.py" "$page" console) || return 1
    mkdir -p "$work/stripped" && strip -o "$work/stripped/libpostbox.so" "$libraries/libpostbox.so" &&
        grep -qx 'dotnet nuget add source "$PWD/target/packages" --name Postbox' <<<"$commands" &&
        (cd "$root" && bash -eu -c "$(sed "s|^bindings/dotnet/pack.sh$|& $work/stripped|; /^dotnet nuget add source/d" <<<"$commands")")
}

# Builds the sources in another directory, and compares each assembly, its symbols and its documentation.
packages_do_not_depend_on_the_directory() (
    local copy=$work/another/directory file
    mkdir -p "$copy/bindings" && cp -r "$here" "$copy/bindings/" && cp -r "$root"/{CHANGELOG.md,LICENSE-*,third-party} "$copy/" &&
        PostboxOutput=$work/another/built dotnet build "$copy/bindings/dotnet/Postbox.Brighter" --configuration Release -nologo -verbosity:quiet &&
        cd "$work/another/built/bin/Postbox.Brighter/Release" || return 1
    for file in */Postbox*.*; do
        [ "${file##*.}" = json ] || cmp "$file" "$PostboxOutput/bin/Postbox.Brighter/Release/$file" || return 1
    done
)

# Runs the page's commands as a newcomer does, whose source of packages has those of this clone. The SDK of the tests cannot add a
# source by a command.
newcomer_succeeds() {
    cat >"$HOME/.nuget/NuGet/NuGet.Config" <<END
<configuration><packageSources><clear /><add key="Postbox" value="$CARGO_TARGET_DIR/packages" /></packageSources></configuration>
END
    python3 "$root/tools/doc_code.py" "$page" csharp >"$work/Program.cs" &&
        python3 "$root/tools/doc_code.py" "$page" sh | sed "s|^dotnet run$|cp '$work/Program.cs' . \&\& & >'$work/printed'|" >"$work/commands" &&
        (cd "$work" && bash -eu commands) && what_it_prints "$page" | diff - "$work/printed"
}

# prints_the_same COMMAND...
prints_the_same() {
    "$@" | diff "$work/printed" -
}

# The programs with the runtime in them, trimmed ones and native ones need packages that the SDK of the tests does not have.
publishes() (
    cd "$work/Greetings" && dotnet publish --configuration Release --output published && prints_the_same dotnet published/Greetings.dll &&
        [ -e published/runtimes/linux-x64/native/libpostbox.so ]
)

publishes_a_single_file() (
    cd "$work/Greetings" &&
        dotnet publish --configuration Release --runtime linux-x64 --self-contained false -p:PublishSingleFile=true --output single &&
        [ "$(find single -name '*.dll' -o -name '*.so')" = "" ] &&
        DOTNET_ROOT=$sdk/.. DOTNET_ROLL_FORWARD=LatestMajor prints_the_same single/Greetings
)

# for_platform RID [OPTION]: builds the newcomer's program for this platform, for which the SDK has no host.
for_platform() {
    dotnet build "$work/Greetings" --runtime "$1" -p:UseAppHost=false -p:SelfContained=false -nologo -verbosity:quiet "${@:2}" >"$work/error" 2>&1
}

other_platforms_are_rejected() {
    local platform
    for platform in linux-musl-x64 linux-arm64; do
        ! for_platform "$platform" && grep -F "has no native library for $platform" "$work/error" || return 1
    done
    for_platform linux-arm64 -p:PostboxNativeLibrary=/opt/postbox/libpostbox.so || { cat "$work/error"; return 1; }
}

# The tests of the packages. They have directories of their own, so that they can run beside other tests.
packages() {
    local page=$root/docs/getting-started-dotnet.md
    export HOME=$work/home PATH=$sdk:$PATH CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
    export CARGO_TARGET_DIR=$work/target PostboxOutput=$work/built
    unset LD_LIBRARY_PATH
    mkdir -p "$HOME/.nuget/NuGet"
    step "the page's command makes packages with all they need" packages_are_made
    step "the packages do not depend on the directory of the build" packages_do_not_depend_on_the_directory
    step "the page's commands work with the packages as shown" newcomer_succeeds
    step "the program can be published" publishes
    step "the program can be published as a single file" publishes_a_single_file
    step "a program for a platform that the package lacks is not built" other_platforms_are_rejected
}

# start LANE, join LANE: run a function with steps beside others, and wait for it.
start() {
    mkdir "$work/$1"
    (work=$work/$1 passed=0 failed=0; "$1"; echo "$passed $failed" >"$work/result") >"$work/$1.output" 2>&1 &
}

join() {
    local lane_passed=0 lane_failed=1
    wait "$2"
    cat "$work/$1.output"
    read -r lane_passed lane_failed <"$work/$1/result"
    passed=$((passed + lane_passed)) failed=$((failed + lane_failed))
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

aws_sdk_passes() {
    local tests=$PostboxOutput/bin/Postbox.AWSSDK.Tests/Debug name=Postbox.AWSSDK.Tests
    runs_everywhere "$tests/netstandard2.1/$name" && "$coreclr3" exec "$tests/netstandard2.1/$name.dll" &&
        "$sdk/dotnet" exec "$tests/netcoreapp3.1/$name.dll"
}

# The sources of Postbox.AWSSDK compile for version 3.7 of the SDK too.
older_aws_sdk_passes() {
    local AwsSdkStub=3.7 PostboxOutput=$work/older
    build bindings/dotnet/tests/Postbox.AWSSDK.Tests && aws_sdk_passes
}

# The program of the page about hosts, in a project as a reader would have it.
hosting_page_works() {
    local page=$root/docs/hosting-dotnet.md project=$work/hosting
    mkdir -p "$project" && python3 "$root/tools/doc_code.py" "$page" csharp >"$project/Program.cs" &&
        python3 "$root/tools/doc_code.py" "$page" json >"$project/appsettings.json" &&
        cp "$root/examples/dotnet/OrderService/Directory.Build.props" "$project/" && sed -i "s:\.\./\.\./\.\./bindings:$root/bindings:" "$project/Directory.Build.props" &&
        sed "s:\.\./\.\./\.\./bindings:$root/bindings:" "$root/examples/dotnet/OrderService/OrderService.csproj" >"$project/Hosting.csproj" &&
        "$sdk/build" "$project" &&
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

# On Windows, postbox.dll would have the name of the assembly, Postbox.dll.
library_has_a_name_of_its_own() {
    mkdir -p "$work/own" && ln -sf "$libraries/libpostbox.so" "$work/own/libpostbox_native.so" &&
        LD_LIBRARY_PATH=$work/own greets on CoreCLR-8.0 Greetings &&
        LD_LIBRARY_PATH=$work/own "$sdk/dotnet" exec "${assemblies/netstandard2.1/netcoreapp3.1}/Postbox.Tests.dll" ItemTests.Every_type
}

# Builds for the targets of a release, with the analyzers of Microsoft's current SDK.
with_the_sdk() {
    local project tests
    unset PostboxFrameworks JsonNet AwsSdkStub
    export PostboxOutput=$work/current
    CARGO_TARGET_DIR=$work/current "$here/pack.sh" "$libraries" || return 1
    for project in "$here"/tests/*.Tests; do
        tests=$(basename "$project")
        dotnet build "$project" --framework net8.0 --output "$work/current/$tests" &&
            POSTBOX_TEST_HOST="dotnet exec" dotnet exec "$work/current/$tests/$tests.dll" || return 1
    done
}

export POSTBOX_HEADER=$root/include/postbox.h
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1

step "the tools and the library are there" tools_are_there
step "the libraries and the tests compile without a warning, documented throughout" build_for_every_runtime bindings/dotnet/tests/Postbox.Tests
step "the tests with Microsoft's extensions compile without a warning" build bindings/dotnet/tests/Postbox.Extensions.Tests
step "the tests with the AWS SDK compile without a warning" build bindings/dotnet/tests/Postbox.AWSSDK.Tests
step "a consumer is warned of every null" nullable_references_are_declared
start packages
packages=$!
step "the libraries compile for .NET Standard 2.0" compiles_for_netstandard20
step "the example compiles" program Greetings "$root/examples/dotnet/Greetings.cs"
step "the example of batches compiles" program Batches "$root/examples/dotnet/Batches.cs"
step "the benchmarks compile" build benches/bindings/dotnet
step "the page's code compiles" compile_page Start "$root/docs/getting-started-dotnet.md"
step "the README's code compiles" compile_page Readme "$here/README.md"
step "the code in the README for Brighter compiles" compile_page Brighter "$here/Postbox.Brighter/README.md"
step "the handler in the project's README compiles" compile_handler
step "the page's tests pass" page_tests_pass
step "the tests pass under CoreCLR 3.1 and 8.0" run_tests_on_both
step "the tests with Microsoft's extensions pass" extensions_pass
step "the tests with the AWS SDK pass under CoreCLR 3.1 and 8.0" aws_sdk_passes
step "they pass with version 3.7 of the AWS SDK" older_aws_sdk_passes
step "the program of the page about hosts works as shown" hosting_page_works
for runtime in CoreCLR-3.1 CoreCLR-8.0; do
    step "the example says under $runtime what it did" greets on $runtime Greetings
    step "the example tells an error under $runtime" reports_an_error on $runtime Greetings
    step "the example of batches under $runtime" sends_batches on $runtime Batches
    step "the page's code prints under $runtime what the page says" prints_what_the_page_says $runtime Start "$root/docs/getting-started-dotnet.md"
    step "the README's code prints under $runtime what the README says" prints_what_the_page_says $runtime Readme "$here/README.md"
    step "the code for Brighter prints under $runtime what the README says" prints_what_the_page_says $runtime Brighter "$here/Postbox.Brighter/README.md"
    step "a missing library is told under $runtime" library_is_missing $runtime
    step "a library that is too old is told under $runtime" is_rejected $runtime 'has version 0.0.9' '-DVERSION="0.0.9"'
    step "a version that is none is told under $runtime" is_rejected $runtime 'reports the version "unknown"' '-DVERSION="unknown"'
    step "another library of this name is told under $runtime" is_rejected $runtime 'is another library of this name' '-DVERSION=""' -Dpostbox_version=another_version
done
step "CoreCLR loads the library by a name of its own" library_has_a_name_of_its_own
join packages $packages
if command -v dotnet >/dev/null && [ -n "$(dotnet --list-sdks)" ]; then
    step "Microsoft's SDK builds, packs and tests" with_the_sdk
fi
finish
