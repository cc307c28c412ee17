#!/usr/bin/env bash
# Creates the NuGet packages in the directory packages/ of the build directory, with the native library of this machine.
#
#     bindings/dotnet/pack.sh [DIRECTORY OF THE LIBRARY]     builds the library for release unless a directory is given
#
# It needs the SDK of .NET 8 or later. A release puts the libraries of the other platforms into runtimes/ first, and renames
# postbox.dll, the library for Windows, to postbox_native.dll.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=$("$root/tools/build_directory.sh")
packages=$target/packages

case $(uname -s)-$(uname -m) in
    Linux-x86_64) rid=linux-x64 library=libpostbox.so ;;
    Linux-aarch64) rid=linux-arm64 library=libpostbox.so ;;
    Darwin-x86_64) rid=osx-x64 library=libpostbox.dylib ;;
    Darwin-arm64) rid=osx-arm64 library=libpostbox.dylib ;;
    *) echo "no package is made on $(uname -sm)" >&2 && exit 1 ;;
esac
# The library of a musl system, such as Alpine, is one of its own.
if [ "${rid%%-*}" = linux ] && ldd --version 2>&1 | grep -qi musl; then
    rid=linux-musl-${rid#linux-}
fi

if [ $# = 0 ]; then
    "$root/tools/release_library.sh"
    set -- "$target/release"
fi
native=$target/native-libraries
rm -rf "$native" "$packages"/*.nupkg "$packages"/*.snupkg
mkdir -p "$native/$rid/native"
[ ! -d "$here/runtimes" ] || cp -r "$here/runtimes/." "$native/"
cp "$1/$library" "$native/$rid/native/"

# The SDK finds the commit in a clone; this is for SDKs without Source Link.
commit=$(git -C "$root" rev-parse HEAD 2>/dev/null || true)
for project in "$here"/*/*.csproj; do
    dotnet pack "$project" --configuration Release --output "$packages" -nologo -verbosity:minimal \
        -p:NativeLibraries="$native" -p:RepositoryCommit="$commit"
done
"$here/check_package.py" "$packages"/*.nupkg
echo "The packages are in $packages"
