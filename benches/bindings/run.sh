#!/usr/bin/env bash
# Compares the cost of a commit in each language with the same commit in Rust, on the embedded database in memory. The
# languages are measured in turns, so that a disturbance affects all of them. Prints for each language the median of its
# medians, and the median and the quartiles of its ratios to Rust in the same round.
#
#     benches/bindings/run.sh [ROUNDS]           15 unless given, on a release build
#     benches/bindings/run.sh --instructions     counts the instructions of Rust, C and C++ with Valgrind instead
#
# Each lane in this script is a command that prints the median of 5,000 commits in microseconds. The library and the
# program in Rust are built with the same profile. The script needs g++, and Valgrind to count instructions;
# tools/dotnet_sdk.sh installs an SDK of .NET, and tools/venv.sh installs cffi.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-15}
target=$(tools/build_directory.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Cargo prints the path of the program as JSON.
rust=$(cargo build --quiet --release --features capi --bench greeting_commit --message-format=json |
    sed -n 's/.*"executable":"\([^"]*greeting_commit[^"]*\)".*/\1/p')
tools/release_library.sh --quiet
cp "$rust" "$work/rust"
cp "$target/release/libpostbox.so" "$work/"
ln -s libpostbox.so "$work/$(readelf -d "$target/release/libpostbox.so" | sed -n 's/.*SONAME.*\[\(.*\)\]$/\1/p')"
export LD_LIBRARY_PATH=$work DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1

gcc -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -I include benches/bindings/greeting_commit.c -o "$work/c" -L"$work" -lpostbox
g++ -std=c++17 -O2 -I include -I bindings/cpp benches/bindings/greeting_commit.cpp -o "$work/cpp" -L"$work" -lpostbox

# The number of instructions does not depend on the place of the code in memory and in the caches.
if [ "$rounds" = --instructions ]; then
    for lane in rust c cpp; do
        valgrind --tool=callgrind --callgrind-out-file=/dev/null "$work/$lane" --bench 2>&1 >/dev/null |
            sed -n 's/.*Collected : //p' >"$work/$lane.instructions"
        paste "$work/$lane.instructions" "$work/rust.instructions" |
            awk -v lane="$lane" '{ printf "%-9s %8.0f thousand instructions   %.3f of Rust\n", lane, $1 / 5.5e6, $1 / $2 }'
    done
    exit
fi

venv=$(tools/venv.sh)
sdk=$(tools/dotnet_sdk.sh)
PostboxFrameworks=netcoreapp3.1 PostboxOutput=$work/dotnet "$sdk/build" benches/bindings/dotnet -c Release

cp -r bindings/python/src "$work/python"
ln -sf "$work/libpostbox.so" "$work/python/postbox/libpostbox.so"
"$venv/bin/python" bindings/python/build_header.py include/postbox.h "$work/python/postbox" >/dev/null

lanes=(rust c cpp dotnet python)
run_rust() { "$work/rust" --bench; }
run_c() { "$work/c"; }
run_cpp() { "$work/cpp"; }
run_dotnet() { "$sdk/dotnet" exec "$work/dotnet/bin/Benchmarks/Release/netcoreapp3.1/Benchmarks.dll" greeting; }
run_python() { PYTHONPATH=$work/python "$venv/bin/python" benches/bindings/greeting_commit.py; }

# Copies a file, so that its code is in other pages of the memory in each round. The speed of a program depends on these pages.
move() {
    cp "$1" "$1.copy"
    mv "$1.copy" "$1"
}

for ((round = 0; round < rounds; round++)); do
    move "$work/rust"
    move "$work/libpostbox.so"
    for lane in "${lanes[@]}"; do
        "run_$lane" >>"$work/$lane.times"
    done
done

# quantile FILE PERCENT: prints this quantile of the numbers in a file.
quantile() {
    sort -n "$1" | sed -n "$(((rounds - 1) * $2 / 100 + 1))p"
}

for lane in "${lanes[@]}"; do
    paste "$work/$lane.times" "$work/rust.times" | awk '{ printf "%.3f\n", $1 / $2 }' >"$work/$lane.ratios"
    printf '%-9s %8s us   %s of Rust (%s to %s)\n' "$lane" "$(quantile "$work/$lane.times" 50)" \
        "$(quantile "$work/$lane.ratios" 50)" "$(quantile "$work/$lane.ratios" 25)" "$(quantile "$work/$lane.ratios" 75)"
done
