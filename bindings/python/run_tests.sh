#!/usr/bin/env bash
# Everything of the Python package: types, the wheel in a fresh virtual environment, tests, the example, the page.
#
#     bindings/python/run_tests.sh [arguments of pytest]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=$("$root/tools/venv.sh")
target=$(dirname "$venv")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"

echo "-- the wheel, into a fresh virtual environment"
wheel=$("$here/build_wheel.sh" debug)
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "$wheel"
python=$work/venv/bin/python

echo "-- types"
(cd "$here" && MYPYPATH=src:tests "$venv/bin/mypy" --no-error-summary src tests)
# These see the package as its users do, installed.
"$venv/bin/mypy" --no-error-summary --strict --python-executable "$python" examples/python benches/bindings/greeting_commit.py

echo "-- the package is all that the wheel needs"
(cd / && "$python" -c 'import postbox, sys; assert postbox.__file__.startswith(sys.prefix), postbox.__file__')

echo "-- the example says what that in Rust says"
for language in python rust; do
    example=("$python" examples/python/greetings.py)
    [ $language = python ] || example=("$target/debug/examples/greetings")
    for _ in 1 2; do "${example[@]}" "$work/$language.db"; done >"$work/$language.output"
done
diff "$work/python.output" "$work/rust.output"

echo "-- the page"
python3 tools/doc_code.py docs/getting-started-python.md python >"$work/page.py"
(cd "$work" && "$python" page.py >page.output)
python3 tools/doc_code.py docs/getting-started-python.md text | diff -B - "$work/page.output"

echo "-- tests"
# pytest and boto3 come from the environment of the tests, Postbox from its wheel.
site=$(ls -d "$venv"/lib/python3*/site-packages)
export POSTBOX_SERVE=$target/debug/examples/serve PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$site
cd "$here" && "$python" -m pytest -q -p no:cacheprovider "$@"
