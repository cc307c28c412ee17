#!/usr/bin/env bash
# What a commit costs in each language over the same commit in Rust, on the embedded database in memory. The lanes run
# in turns, so that a disturbance hits all; printed are each lane's median of medians, and its ratio to Rust's.
#
#     benches/bindings/run.sh [ROUNDS]     5 unless given, on a release build
#
# A lane is a command that prints the median of 5,000 commits in microseconds.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-5}
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo build --release --lib
cargo bench --quiet --no-run --bench greeting_commit
g++ -std=c++17 -O2 -I include -I bindings/cpp benches/bindings/greeting_commit.cpp -o "$work/cpp" \
    "$target/release/libpostbox.so" "-Wl,-rpath,$work"
ln -s "$target/release/libpostbox.so" "$work/$(readelf -d "$target/release/libpostbox.so" | sed -n 's/.*SONAME.*\[\(.*\)\]$/\1/p')"

lanes=(rust cpp)
run_rust() { cargo bench --quiet --bench greeting_commit; }
run_cpp() { "$work/cpp"; }

for ((round = 0; round < rounds; round++)); do
    for lane in "${lanes[@]}"; do
        "run_$lane" >>"$work/$lane.times"
    done
done

for lane in "${lanes[@]}"; do
    median=$(sort -n "$work/$lane.times" | sed -n "$((rounds / 2 + 1))p")
    [ "$lane" = rust ] && rust=$median
    awk -v lane="$lane" -v median="$median" -v rust="$rust" 'BEGIN { printf "%-8s %8.1f us   %.3f of Rust\n", lane, median, median / rust }'
done
