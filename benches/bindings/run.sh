#!/usr/bin/env bash
# Compares the cost of a commit in each language with the same commit in Rust, on the embedded database in memory. The
# languages are measured in turns, so that a disturbance affects all of them. Prints the median of the medians of each
# language, and its ratio to the median of Rust.
#
#     benches/bindings/run.sh [ROUNDS]     5 unless given, on a release build
#
# Each lane in this script is a command that prints the median of 5,000 commits in microseconds. The script needs g++,
# mcs and mono; tools/venv.sh installs CoreCLR.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-5}
target=$(tools/build_directory.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo build --release --features capi --lib
cargo bench --quiet --no-run --bench greeting_commit
ln -s "$target/release/libpostbox.so" "$work/libpostbox.so"
ln -s libpostbox.so "$work/$(readelf -d "$target/release/libpostbox.so" | sed -n 's/.*SONAME.*\[\(.*\)\]$/\1/p')"
export LD_LIBRARY_PATH=$work DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1

g++ -std=c++17 -O2 -I include -I bindings/cpp benches/bindings/greeting_commit.cpp -o "$work/cpp" -L"$work" -lpostbox

venv=$(tools/venv.sh)
mcs -langversion:7 -optimize -unsafe -target:library -out:"$work/Postbox.dll" bindings/dotnet/Postbox/*.cs
mcs -langversion:7 -optimize -r:"$work/Postbox.dll" -out:"$work/dotnet.exe" benches/bindings/GreetingCommit.cs
echo '{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"3.1.0"}}}' >"$work/dotnet.runtimeconfig.json"

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "$(bindings/python/build_wheel.sh)"

lanes=(rust cpp coreclr mono python)
run_rust() { cargo bench --quiet --bench greeting_commit; }
run_cpp() { "$work/cpp"; }
run_coreclr() { "$venv"/lib/python3*/site-packages/dotnetcore2/bin/dotnet exec "$work/dotnet.exe"; }
run_mono() { mono "$work/dotnet.exe"; }
run_python() { "$work/venv/bin/python" benches/bindings/greeting_commit.py; }

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
