#!/usr/bin/env bash
# Kills programs that put a message into a transaction of an AWS SDK, at each step: in Rust, Python and Node.
#
#     tests/sdk/run.sh [DIRECTORY OF THE LIBRARIES]     the debug build unless given
. "$(dirname "$0")/../lib.sh"
use_libraries "${1:-}"

here=$root/tests/sdk
python=$work/venv/bin/python

# The program in Node uses the module of the page.
prepare_node() {
    local modules
    modules=$("$root/tools/node_modules.sh") && mkdir "$work/node" && ln -s "$modules" "$work/node/node_modules" &&
        cp "$here/program.mjs" "$work/node/" && "$root/tools/doc_code.py" "$root/docs/aws-sdk-node.md" mjs >"$work/node/postbox.mjs"
}

harness_has_types() {
    "$("$root/tools/venv.sh")/bin/mypy" --no-error-summary --strict --ignore-missing-imports --python-executable "$python" "$here"/*.py
}

kills() {
    "$python" "$here/kills.py" "$libraries/postbox" rust="$libraries/examples/aws_sdk_steps" \
        python="$python $here/program.py" node="node $work/node/program.mjs"
}

step "wheel" install_wheel "$work/venv"
step "Node" prepare_node
step "types" harness_has_types
step "kills" kills
finish
