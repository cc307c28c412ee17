#!/usr/bin/env python3
"""Copies the version of Cargo.toml to the files that repeat it.

    tools/versions.py            writes it there
    tools/versions.py --check    fails if one of them has another version
    tools/versions.py --print    prints the version; --print-abi prints the version of the ABI, which ends the SONAME

Builds read Cargo.toml themselves: build.rs for the header and the SONAME, tools/install.sh through the header for pkg-config and
CMake, bindings/python/build_wheel.sh by --print. docs/versions.md lists what a version promises.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]
MAJOR, MINOR = VERSION.split(".")[:2]
ABI = f"0.{MINOR}" if MAJOR == "0" else MAJOR

# Files that repeat the version or the ABI, with the value that replaces the group of the pattern.
WRITTEN = [
    ("bindings/dotnet/Directory.Build.props", r"<Version>(.+)</Version>", VERSION),
    ("bindings/dotnet/Postbox/Library.cs", r'RequiredVersion = "(.+)";', VERSION),
    ("tests/install/cmake/CMakeLists.txt", r"find_package\(postbox (\S+) REQUIRED\)", ABI),
    ("docs/getting-started-c.md", r"find_package\(postbox (\S+) REQUIRED\)", ABI),
    ("docs/getting-started-cpp.md", r"find_package\(postbox (\S+) REQUIRED\)", ABI),
]

# Files that a build or an author writes.
CHECKED = [
    ("Cargo.lock", r'name = "postbox"\nversion = "(.+)"', VERSION),
    ("include/postbox.h", r'#define POSTBOX_VERSION "(.+)"', VERSION),
    ("CHANGELOG.md", r"^## \[(\d\S*)\]", VERSION),
]


def found(path: str, pattern: str) -> re.Match[str]:
    match = re.search(pattern, (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    return match or sys.exit(f"{path} has no version: expected {pattern}")


def check() -> None:
    """Fails, with a line for each file that has another version."""
    wrong = [
        f"{path} has {match[1]}, Cargo.toml demands {expected}"
        for path, pattern, expected in WRITTEN + CHECKED
        if (match := found(path, pattern))[1] != expected
    ]
    if wrong:
        sys.exit("\n".join([*wrong, "Run tools/versions.py and a build with the feature capi; CHANGELOG.md is written by hand."]))
    print(f"version {VERSION}, ABI {ABI}, in {len(WRITTEN + CHECKED)} files")


def write() -> None:
    for path, pattern, version in WRITTEN:
        match = found(path, pattern)
        (ROOT / path).write_text(match.string[: match.start(1)] + version + match.string[match.end(1) :], encoding="utf-8")


def main() -> None:
    actions = {
        (): write,
        ("--check",): check,
        ("--print",): lambda: print(VERSION),
        ("--print-abi",): lambda: print(ABI),
    }
    action = actions.get(tuple(sys.argv[1:])) or sys.exit(__doc__)
    action()


if __name__ == "__main__":
    main()
