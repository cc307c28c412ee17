#!/usr/bin/env bash
# Creates the virtual environment of tests/requirements.txt in the build directory if it does not exist, and prints its path.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
venv=$("$root/tools/build_directory.sh")/venv
if ! cmp -s "$root/tests/requirements.txt" "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$root/tests/requirements.txt" >&2
    # The package of .NET 8 lacks the permission to run its program.
    chmod +x "$venv"/lib/python3*/site-packages/dnv/net/runtime/.net/dotnet
    cp "$root/tests/requirements.txt" "$venv/requirements.txt"
fi
echo "$venv"
