#!/usr/bin/env bash
# Installs into an empty prefix, and builds the greetings examples against it as a user's program would: with pkg-config
# and with CMake, shared and static, by gcc and by clang. The examples of gcc and CMake also run under valgrind. The
# other examples use the same library, so they run under valgrind only with VALGRIND=all.
#
# It installs the debug build, or that of PROFILE. It needs gcc, g++, clang, clang++, cmake, pkg-config, valgrind and binutils.
. "$(dirname "$0")/../lib.sh"

prefix=$work/prefix
profile=${PROFILE:-debug}
# Lists the files below a directory, sorted.
tree() {
    (cd "$1" && find . -not -type d | sort)
}

installs() {
    make -C "$root" --no-print-directory install PROFILE=$profile PREFIX="$prefix" || return 1
    tree "$prefix" >"$work/tree"
    cat "$work/tree"
    local file
    for file in include/postbox.h include/postbox.hpp include/postbox_async.hpp \
        lib/libpostbox.a lib/libpostbox.so lib/pkgconfig/postbox.pc \
        lib/cmake/postbox/postbox-config.cmake lib/cmake/postbox/postbox-config-version.cmake \
        bin/postbox share/man/man1/postbox.1 share/bash-completion/completions/postbox \
        share/zsh/site-functions/_postbox share/fish/vendor_completions.d/postbox.fish \
        share/doc/postbox/NOTICES.txt share/doc/postbox/sbom.cdx.json share/doc/postbox/LICENSE-MIT; do
        grep -qx "./$file" "$work/tree" || { echo "$file is missing"; return 1; }
    done
}

links_lead_to_the_version() {
    local version soname
    version=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --modversion postbox)
    soname=$(readelf -d "$prefix/lib/libpostbox.so" | sed -n 's/.*SONAME.*\[\(.*\)\]$/\1/p')
    ls -l "$prefix/lib"
    [ "$(readlink "$prefix/lib/libpostbox.so")" = "$soname" ] &&
        [ "$(readlink "$prefix/lib/$soname")" = "libpostbox.so.$version" ] && [ -f "$prefix/lib/libpostbox.so.$version" ]
}

# Checks that pkg-config, CMake, the library and the command report the version of Cargo.toml.
one_version_is_installed() {
    local version
    version=$("$root/tools/versions.py" --print)
    printf 'cmake_minimum_required(VERSION 3.16)\nproject(version C)\nfind_package(postbox REQUIRED)\nmessage(STATUS "postbox ${postbox_VERSION}")\n' \
        >"$work/CMakeLists.txt"
    [ "$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --modversion postbox)" = "$version" ] &&
        cmake -S "$work" -B "$work/build-version" -DCMAKE_PREFIX_PATH="$prefix" | grep -F -- "-- postbox $version" &&
        "$prefix/bin/postbox" --version | grep -F "$version" &&
        grep -F "\"$version\"" "$prefix/include/postbox.h"
}

only_our_symbols_are_exported() {
    nm -D --defined-only "$prefix/lib/libpostbox.so" | awk '{ print $3 }' >"$work/exported"
    grep -q '^postbox_open$' "$work/exported" && ! grep -v '^postbox_' "$work/exported"
}

# Checks that an installation below DESTDIR has the same files, and that their content names only the PREFIX.
destdir_holds_the_prefix() {
    local destination=$work/destdir
    make -C "$root" --no-print-directory install PROFILE=$profile PREFIX=/opt/postbox DESTDIR="$destination" || return 1
    tree "$destination/opt/postbox" | diff "$work/tree" - || return 1
    [ "$(ls "$destination")" = opt ] && grep -x 'prefix=/opt/postbox' "$destination/opt/postbox/lib/pkgconfig/postbox.pc" &&
        ! grep -rIl "$work" "$destination/opt/postbox/lib/pkgconfig" "$destination/opt/postbox/lib/cmake"
}

libdir_is_elsewhere() {
    local destination=$work/libdir
    make -C "$root" --no-print-directory install PROFILE=$profile PREFIX="$destination" LIBDIR="$destination/lib/$(gcc -dumpmachine)" &&
        cmake_builds gcc g++ "$destination" "$work/build-libdir"
}

# Uses the quotes that pkg-config prints around blanks, as make and eval do.
prefix_may_contain_blanks() {
    local other="$work/a prefix & more"
    make -C "$root" --no-print-directory install PROFILE=$profile PREFIX="$other" &&
        eval "gcc -Wall -Werror '$root/examples/c/greetings.c' -o '$work/program' $(PKG_CONFIG_PATH="$other/lib/pkgconfig" pkg-config --cflags --libs postbox)" &&
        LD_LIBRARY_PATH="$other/lib" greets "$work/program" && rm -r "$other"
}

# with_pkg_config COMPILER LANGUAGE KIND: builds an example as in docs/getting-started-c.md.
with_pkg_config() {
    local compiler=$1 language=$2 kind=$3 flags=()
    [ "$language" = cpp ] && flags=(-std=c++17)
    export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
    # shellcheck disable=SC2046
    if [ "$kind" = shared ]; then
        "$compiler" "${flags[@]}" -Wall -Wextra -Wpedantic -Werror "$root/examples/$language/greetings.$language" -o "$work/program" \
            $(pkg-config --cflags --libs postbox)
    else
        "$compiler" "${flags[@]}" -Wall -Wextra -Wpedantic -Werror "$root/examples/$language/greetings.$language" -o "$work/program" \
            $(pkg-config --static --cflags --libs postbox | sed 's/-lpostbox/-l:libpostbox.a/')
    fi
}

# cmake_builds C C++ PREFIX BUILD_DIRECTORY: with debug information that valgrind 3.19 can read, also from clang.
cmake_builds() {
    CC=$1 CXX=$2 CFLAGS=-gdwarf-4 CXXFLAGS=-gdwarf-4 cmake -S "$root/tests/install/cmake" -B "$4" -DCMAKE_PREFIX_PATH="$3" -DEXAMPLES="$root/examples" \
        -DCMAKE_BUILD_TYPE=Debug && cmake --build "$4"
}

cmake_refuses_another_abi() {
    mkdir -p "$work/other"
    sed 's/postbox 0.1 REQUIRED/postbox 0.2 REQUIRED/' "$root/tests/install/cmake/CMakeLists.txt" >"$work/other/CMakeLists.txt"
    ! cmake -S "$work/other" -B "$work/build-other" -DCMAKE_PREFIX_PATH="$prefix" -DEXAMPLES="$root/examples" 2>"$work/refused" &&
        grep -F 'requested version "0.2"' "$work/refused"
}

# Returns whether a program loads libpostbox.
is_of_kind() {
    local program=$1 kind=$2 count
    count=$(readelf -d "$program" | grep -c 'NEEDED.*libpostbox')
    if [ "$kind" = static ]; then [ "$count" = 0 ]; else [ "$count" = 1 ]; fi
}

# runs PROGRAM KIND COMPILER TOOL: checks that an example works.
runs() {
    local program=$1 kind=$2 compiler=$3 tool=$4
    is_of_kind "$program" "$kind" || { echo "$program is not $kind"; return 1; }
    greets "$program" || return 1
    [ "$compiler-$tool" != gcc-CMake ] && [ "${VALGRIND:-}" != all ] || under_valgrind "$program"
}

step "make install fills an empty prefix" installs
step "the links lead to the version" links_lead_to_the_version
step "one version is installed" one_version_is_installed
step "only postbox_* is exported" only_our_symbols_are_exported
step "the installed command works" "$prefix/bin/postbox" --version
step "DESTDIR holds the prefix" destdir_holds_the_prefix
step "LIBDIR may be elsewhere" libdir_is_elsewhere
step "the prefix may contain blanks" prefix_may_contain_blanks
step "CMake refuses another ABI" cmake_refuses_another_abi

# Uses the shared library of a prefix that the loader does not know.
export LD_LIBRARY_PATH=$prefix/lib
for compilers in "gcc g++" "clang clang++"; do
    read -r c cpp <<<"$compilers"
    for kind in shared static; do
        step "$c, pkg-config, $kind: C" with_pkg_config "$c" c $kind
        step "$c, pkg-config, $kind: C runs" runs "$work/program" $kind "$c" pkg-config
        step "$cpp, pkg-config, $kind: C++" with_pkg_config "$cpp" cpp $kind
        step "$cpp, pkg-config, $kind: C++ runs" runs "$work/program" $kind "$c" pkg-config
    done
    step "$c, CMake" cmake_builds "$c" "$cpp" "$prefix" "$work/build-$c"
    for kind in shared static; do
        for language in c cpp; do
            step "$c, CMake, $kind: $language runs" \
                runs "$work/build-$c/$language-${kind/shared/postbox}" $kind "$c" CMake
        done
    done
done
finish
