#!/usr/bin/env bash
# Builds the wheel dynamo-postbox, which contains the library, and prints its path.
#
#     bindings/python/build_wheel.sh [release|debug]     release unless given
#
# The wheel is built in the build directory, and the sources are not changed.
set -euo pipefail
profile=${1:-release}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=$("$root/tools/venv.sh")
target=$(dirname "$venv")
stage=$target/python-wheel

cd "$root"
if [ "$profile" = release ]; then
    tools/release_library.sh --quiet >&2
else
    # All other tests use the same build.
    make --no-print-directory debug >&2
fi
library=$target/$profile/libpostbox.so

rm -rf "$stage"
mkdir -p "$stage"
cp -r "$here/pyproject.toml" "$here/setup.py" "$here/README.md" "$here/src" LICENSE-MIT LICENSE-APACHE third-party/NOTICES.txt third-party/sbom.cdx.json "$stage"
strip --strip-debug -o "$stage/src/postbox/libpostbox.so" "$library"
"$venv/bin/python" "$here/build_header.py" include/postbox.h "$stage/src/postbox" >/dev/null

POSTBOX_WHEEL_VERSION=$(tools/versions.py --print)
# The newest version of the C library that a symbol of libpostbox requires is the oldest version on which libpostbox
# runs.
glibc=$(nm -D --undefined-only "$library" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -1)
POSTBOX_WHEEL_PLATFORM=$(tr . _ <<<"manylinux_${glibc#GLIBC_}_$(uname -m)")
export POSTBOX_WHEEL_VERSION POSTBOX_WHEEL_PLATFORM
rm -rf "$target/wheels"
"$venv/bin/python" -m build --wheel --no-isolation --outdir "$target/wheels" "$stage" >"$stage/build.log" 2>&1 ||
    { cat "$stage/build.log" >&2; exit 1; }
ls "$target"/wheels/*.whl
