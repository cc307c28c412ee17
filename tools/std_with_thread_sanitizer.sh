#!/usr/bin/env bash
# Creates a sysroot in a directory, with a standard library that is instrumented for ThreadSanitizer.
#
#     tools/std_with_thread_sanitizer.sh DIRECTORY
#
# The sanitizer must see the locks and queues of the standard library. Otherwise it reports races between accesses that
# these locks and queues order.
# -Zbuild-std would need the library's sources. The compiled library contains its LLVM bitcode, and the linker
# of Rust belongs to the same LLVM. The linker compiles the bitcode again, with the sanitizer's passes.
# The toolchain is not changed. The sysroot contains links to the files that stay the same.
set -euo pipefail
sysroot=$1
host=x86_64-unknown-linux-gnu
toolchain=$(rustc --print sysroot)
libraries=lib/rustlib/$host/lib
linker=$toolchain/lib/rustlib/$host/bin/gcc-ld/ld.lld
[ -x "$linker" ] || { echo "no linker of LLVM's in the toolchain: $linker" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rm -rf "$sysroot"
mkdir -p "$sysroot/$libraries"
ln -s "$toolchain/lib/rustlib/$host/bin" "$sysroot/lib/rustlib/$host/bin"
ln -s "$toolchain"/lib/*.so "$sysroot/lib/"
ln -s "$toolchain/$libraries"/* "$sysroot/$libraries/"

# compiler_builtins is left out, since the sanitizer's runtime calls it.
for crate in core alloc std std_detect hashbrown panic_unwind unwind test; do
    library=$(basename "$toolchain/$libraries/lib$crate"-*.rlib)
    rm "$sysroot/$libraries/$library"
    cp "$toolchain/$libraries/$library" "$sysroot/$libraries/$library"
    mkdir "$work/$crate"
    cd "$work/$crate"
    ar x "$sysroot/$libraries/$library"
    for object in *.o; do
        objcopy --dump-section .llvmbc=bitcode "$object" unused
        "$linker" -m elf_x86_64 -r bitcode -o "$object" --lto-newpm-passes='forceattrs,function(tsan),tsan-module' \
            -mllvm -force-attribute=sanitize_thread
    done
    ar r "$sysroot/$libraries/$library" ./*.o
done
