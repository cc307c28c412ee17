#!/usr/bin/env bash
# Compiles the handlers of README.md in Rust, C and C++. Each excerpt becomes the body of a function, whose parameters are the
# values that the excerpt assumes. The tests of the .NET and Python packages check the other two.
#
#     tests/docs/readme.sh [DIRECTORY OF THE LIBRARIES]     the debug build unless given
. "$(dirname "$0")/../lib.sh"
use_libraries "${1:-}"
cd "$root" || exit 1

code() { tools/doc_code.py README.md "$1"; }
strict=(-Wall -Wextra -Wpedantic -Werror -I include -fsyntax-only)

rust_compiles() {
    {
        echo 'use postbox::{AttributeValue, Item, Message, Postbox};'
        echo 'pub fn greet(key: Item, greeting: String, body: String) -> postbox::Result<()> {'
        code rust
        echo 'Ok(()) }'
    } >"$work/greet.rs"
    rustc --edition 2024 --crate-type lib --emit metadata -D warnings --out-dir "$work" \
        --extern "postbox=$libraries/libpostbox.rlib" -L "dependency=$libraries/deps" "$work/greet.rs"
}

c_compiles() {
    {
        echo '#include <postbox.h>'
        echo 'int fail(postbox_error *err);'
        echo 'int greet(postbox_config *config, postbox_item *key, const char *greeting, const uint8_t *body, size_t length);'
        echo 'int greet(postbox_config *config, postbox_item *key, const char *greeting, const uint8_t *body, size_t length) {'
        echo 'postbox_client *client = NULL; postbox_message *message = NULL; postbox_item *stored = NULL;'
        echo 'postbox_error *err;'
        code c
        echo 'done: postbox_item_free(stored); postbox_message_free(message);'
        echo 'postbox_unit_of_work_free(work); postbox_free(client); return err ? fail(err) : 0; }'
    } >"$work/greet.c"
    "${CC:-cc}" -std=c11 "${strict[@]}" "$work/greet.c"
}

cpp_compiles() {
    {
        echo '#include <postbox.hpp>'
        echo 'void greet(const postbox::item &key, const std::string &greeting, const std::string &body) {'
        code cpp
        echo '}'
    } >"$work/greet.cpp"
    "${CXX:-c++}" -std=c++17 "${strict[@]}" -I bindings/cpp "$work/greet.cpp"
}

step "README.md: the handler in Rust compiles" rust_compiles
step "README.md: the handler in C compiles" c_compiles
step "README.md: the handler in C++ compiles" cpp_compiles
finish
