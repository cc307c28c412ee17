#!/usr/bin/env bash
# Installs the missing tools of `make test` on Debian and Ubuntu.
set -euo pipefail

# command: Debian package
needed="
    g++:g++ valgrind:valgrind nm:binutils
    clang++:clang castxml:castxml cmake:cmake pkg-config:pkg-config
    python3-config:python3-dev
    node:nodejs npm:npm curl:curl
"
missing=()
for entry in $needed; do
    command -v "${entry%%:*}" >/dev/null || missing+=("${entry##*:}")
done
# The JSON libraries of the tests and of the pages about AWS SDKs.
for entry in /usr/include/cjson/cJSON.h:libcjson-dev /usr/include/nlohmann/json.hpp:nlohmann-json3-dev \
    /usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll:libnewtonsoft-json5.0-cil; do
    [ -e "${entry%%:*}" ] || missing+=("${entry##*:}")
done
# The HTTP client of docs/aws-sdk-c.md.
pkg-config --exists libcurl 2>/dev/null || missing+=(libcurl4-openssl-dev)
# valgrind needs the symbols of the C library's loader.
if [ ! -e /usr/lib/debug/.build-id ] && ! dpkg -s libc6-dbg >/dev/null 2>&1; then
    missing+=(libc6-dbg)
fi
# The packages that tools/venv.sh needs.
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root=sudo
    echo "installing ${missing[*]}"
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
fi

for component in rustfmt clippy; do
    cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 || rustup component add "$component"
done
