#!/usr/bin/env bash
# Measures the size of the library for several sets of features, and the startup time and memory of a C host.
#
#     benches/footprint.sh        four release builds: a quarter of an hour on two cores
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(tools/build_directory.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The build with all features is last, because the C host below is measured with it.
printf '| libpostbox.so with the features | size |\n|---|---|\n'
for features in sso sso,sns,sqs sso,embedded sso,embedded,sns,sqs; do
    tools/release_library.sh --quiet --no-default-features --features "$features"
    printf '| %s | %s MB |\n' "$features" "$(awk "BEGIN { printf \"%.1f\", $(stat -c %s "$target/release/libpostbox.so") / 1e6 }")"
done

printf '\n| a C host | |\n|---|---|\n'
ln -s "$target/release/libpostbox.so" "$work/$(readelf -d "$target/release/libpostbox.so" | sed -n 's/.*SONAME.*\[\(.*\)\]$/\1/p')"
gcc -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -Wall -Wextra -Werror -I include benches/footprint.c -o "$work/footprint" \
    "$target/release/libpostbox.so" "-Wl,-rpath,$work"
"$work/footprint"
