#!/usr/bin/env bash
# Installs the headers, the libraries, their pkg-config and CMake files, the command with its manual, and the licences.
#
#     [DESTDIR=DIR] [LIBDIR=DIR] tools/install.sh PREFIX BUILD_DIRECTORY
#
# PREFIX is the final directory, such as /usr/local. DESTDIR is put before every path, for packagers.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
prefix=$1 built=$2
[[ $prefix = /* ]] || { echo "PREFIX is $prefix: pass an absolute path" >&2; exit 1; }
libdir=${LIBDIR:-$prefix/lib}
destination=${DESTDIR:-}

version=$(sed -n 's/^#define POSTBOX_VERSION "\(.*\)"$/\1/p' "$root/include/postbox.h")
soname=$(readelf -d "$built/libpostbox.so" | sed -n 's/.*SONAME.*\[\(.*\)\]$/\1/p')
abi=${soname#libpostbox.so.}
# The output of rustc --print native-static-libs, without the libraries that every C compiler adds.
static_needs="-lutil -lrt -lpthread -lm -ldl"

# literal TEXT: prints the text for the right side of a substitution by sed.
literal() {
    printf '%s' "$1" | sed 's/[&|\\]/\\&/g'
}

# from_template FILE DIRECTORY: writes FILE.in with its @NAMES@ replaced.
from_template() {
    install -d "$destination$2"
    sed -e "s|@PREFIX@|$(literal "$prefix")|g" -e "s|@LIBDIR@|$(literal "$libdir")|g" -e "s|@VERSION@|$version|g" -e "s|@ABI@|$abi|g" \
        -e "s|@SONAME@|$soname|g" -e "s|@STATIC_NEEDS@|$static_needs|g" \
        -e "s|@UP_TO_PREFIX@|$(literal "$(realpath -ms --relative-to="$libdir/cmake/postbox" "$prefix")")|g" \
        "$root/tools/install/$1.in" >"$destination$2/$1"
    chmod 644 "$destination$2/$1"
}

# printed FILE COMMAND...: writes the output of the command to a file.
printed() {
    local file=$1
    shift
    install -d "$(dirname "$destination$file")"
    "$@" >"$destination$file"
    chmod 644 "$destination$file"
}

install -d "$destination$prefix/include" "$destination$libdir"
install -m 644 "$root/include/postbox.h" "$root/bindings/cpp/postbox.hpp" "$root/bindings/cpp/postbox_async.hpp" \
    "$destination$prefix/include/"
install -m 755 "$built/libpostbox.so" "$destination$libdir/libpostbox.so.$version"
ln -sf "libpostbox.so.$version" "$destination$libdir/$soname"
ln -sf "$soname" "$destination$libdir/libpostbox.so"
install -m 644 "$built/libpostbox.a" "$destination$libdir/"
from_template postbox.pc "$libdir/pkgconfig"
from_template postbox-config.cmake "$libdir/cmake/postbox"
from_template postbox-config-version.cmake "$libdir/cmake/postbox"

command=$built/postbox share=$prefix/share
install -d "$destination$prefix/bin" "$destination$share/man/man1" "$destination$share/doc/postbox"
install -m 644 "$root/LICENSE-MIT" "$root/LICENSE-APACHE" "$root/third-party/NOTICES.txt" "$root/third-party/sbom.cdx.json" \
    "$destination$share/doc/postbox/"
install -m 755 "$command" "$destination$prefix/bin/"
"$command" man "$destination$share/man/man1"
printed "$share/bash-completion/completions/postbox" "$command" completions bash
printed "$share/zsh/site-functions/_postbox" "$command" completions zsh
printed "$share/fish/vendor_completions.d/postbox.fish" "$command" completions fish
