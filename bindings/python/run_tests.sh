#!/usr/bin/env bash
# Tests the Python package: types, the wheel in a new virtual environment, tests, the example, the page.
#
#     bindings/python/run_tests.sh [arguments of pytest]
. "$(dirname "$0")/../../tests/lib.sh"
cd "$root" || exit 1

here=$root/bindings/python
venv=$(tools/venv.sh) || exit 1
target=$(dirname "$venv")
python=$work/venv/bin/python

# The library in the wheel contains the crates of other authors.
has_licences() {
    local file
    python3 -m zipfile --list "$1" >"$work/files" || return 1
    for file in LICENSE-MIT LICENSE-APACHE NOTICES.txt sbom.cdx.json; do
        grep -F "dist-info/licenses/$file" "$work/files" || return 1
    done
}

installs() {
    local wheel
    wheel=$("$here/build_wheel.sh" debug) && has_licences "$wheel" && python3 -m venv "$work/venv" &&
        "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$wheel"
}

has_types() {
    (cd "$here" && MYPYPATH=src:tests "$venv/bin/mypy" --no-error-summary src tests ../../examples/python/fastapi_service.py)
}

# These steps use the installed package, as its users do.
programs_have_types() {
    "$venv/bin/mypy" --no-error-summary --strict --python-executable "$python" examples/python/{batches,greetings}.py \
        benches/bindings/*.py
}

# The handler in the project's README, which uses a given name, greeting and body.
handler_has_types() {
    {
        printf 'import postbox\n\nname = greeting = body = "Ada"\n\n'
        tools/doc_code.py README.md python
    } >"$work/handler.py" && "$venv/bin/mypy" --no-error-summary --strict --python-executable "$python" "$work/handler.py"
}

stands_alone() {
    (cd / && "$python" -c 'import postbox, sys; assert postbox.__file__.startswith(sys.prefix), postbox.__file__')
}

page_prints_what_it_shows() {
    python3 tools/doc_code.py docs/getting-started-python.md python >"$work/page.py" &&
        (cd "$work" && "$python" page.py >page.output) &&
        python3 tools/doc_code.py docs/getting-started-python.md text | diff -B - "$work/page.output"
}

# pytest and boto3 come from the environment of the tests, Postbox from its wheel.
run_tests() {
    local site
    site=$(ls -d "$venv"/lib/python3*/site-packages)
    export POSTBOX_SERVE=$target/debug/examples/serve PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$site
    (cd "$here" && "$python" -m pytest -q -p no:cacheprovider "$@")
}

step "the wheel, into a fresh virtual environment" installs
step "types of the package" has_types
step "types of programs" programs_have_types
step "types of the handler in the README" handler_has_types
step "the package is all that the wheel needs" stands_alone
step "the example says what it did" greets "$python" examples/python/greetings.py
step "the example of batches" sends_batches "$python" examples/python/batches.py
step "the page prints what it shows" page_prints_what_it_shows
step "tests" run_tests "$@"
finish
