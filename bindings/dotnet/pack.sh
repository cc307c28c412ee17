#!/usr/bin/env bash
# Creates the NuGet packages, with the native library of this machine, in the build directory: bindings/dotnet/pack.sh
# It needs Microsoft's SDK (dotnet). A release puts the libraries of the other platforms into runtimes/ first, and renames
# postbox.dll, the library for Windows, to postbox_native.dll.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
target=$(tools/build_directory.sh)

case $(uname -s)-$(uname -m) in
    Linux-x86_64) rid=linux-x64 library=libpostbox.so ;;
    Linux-aarch64) rid=linux-arm64 library=libpostbox.so ;;
    Darwin-x86_64) rid=osx-x64 library=libpostbox.dylib ;;
    Darwin-arm64) rid=osx-arm64 library=libpostbox.dylib ;;
    *) echo "no package is made on $(uname -sm)" >&2 && exit 1 ;;
esac

"$here/../../tools/release_library.sh"
mkdir -p "$here/runtimes/$rid/native"
cp "$target/release/$library" "$here/runtimes/$rid/native/"
for project in Postbox Postbox.Brighter; do
    dotnet pack "$here/$project" --configuration Release --output "$target/packages"
done
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$here/Directory.Build.props")
"$here/check_package.py" "$target/packages/Postbox.$version.nupkg"
