#!/usr/bin/env python3
"""Writes or checks the notices and the SBOM of the crates that Postbox links.

    tools/third_party.py            writes third-party/NOTICES.txt with cargo-about and third-party/sbom.cdx.json with cargo-cyclonedx
    tools/third_party.py --check    compares both with Cargo.lock, and with the crates that are linked on this machine
    tools/third_party.py --c-libraries    prints the linked libraries that are written in C, as in SECURITY.md

Both files contain the crates of the library and the command on every platform, without those that only build or test them.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOTICES = ROOT / "third-party/NOTICES.txt"
SBOM = ROOT / "third-party/sbom.cdx.json"
SECURITY = ROOT / "SECURITY.md"
FEATURES = "cli,capi"
# The linked libraries that are written in C: name, purpose, crate, and where the crate's sources state the version.
C_LIBRARIES = [
    ("SQLite", "the embedded database", "libsqlite3-sys", "sqlite3/sqlite3.h", r'#define SQLITE_VERSION +"(.+)"'),
    ("AWS-LC", "TLS, and signatures of requests", "aws-lc-sys", "aws-lc/include/openssl/base.h",
     r'#define AWSLC_VERSION_NUMBER_STRING "(.+)"'),
]


def run(*command, directory=ROOT, **environment):
    return subprocess.run(command, cwd=directory, env=os.environ | environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def without_tests(manifest):
    """Returns the manifest without the sections of tests and benchmarks. cargo-about would otherwise leave out a crate that is a
    dependency both of the library and of its tests."""
    sections = re.split(r"(?m)^(?=\[)", manifest)
    return "".join(section for section in sections if not section.startswith(("[dev-dependencies]", "[[test]]", "[[bench]]")))


def write():
    for tool in ("cargo-about", "cargo-cyclonedx"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing: cargo install --locked cargo-about --features cli, cargo install --locked cargo-cyclonedx")
    with tempfile.TemporaryDirectory() as name:
        package = pathlib.Path(name)
        (package / "Cargo.toml").write_text(without_tests((ROOT / "Cargo.toml").read_text()))
        shutil.copy(ROOT / "Cargo.lock", package)
        shutil.copy(ROOT / "build.rs", package)
        shutil.copytree(ROOT / "src", package / "src")
        run("cargo", "about", "generate", "--fail", "--features", FEATURES, "--config", ROOT / "third-party/about.toml",
            "--output-file", NOTICES, ROOT / "third-party/about.hbs", directory=package)
        # Without this variable, the SBOM contains a random number, and would change without a change of a crate.
        run("cargo", "cyclonedx", "--quiet", "--format", "json", "--spec-version", "1.5", "--features", FEATURES, "--target", "all",
            "--no-build-deps", "--override-filename", "sbom", directory=package, SOURCE_DATE_EPOCH="0")
        text = (package / "sbom.json").read_text().replace(f"path+file://{package}#", "").replace("?download_url=file://.", "")
        del (sbom := json.loads(text))["metadata"]["timestamp"]
        SBOM.write_text(json.dumps(sbom, indent=1) + "\n")


def in_notices():
    listed = NOTICES.read_text().split("\n====", 1)[0]
    return set(re.findall(r"(?m)^([\w-]+) (\d\S*)$", listed))


def in_sbom():
    return {(component["name"], component["version"]) for component in json.loads(SBOM.read_text())["components"]}


def in_lock():
    lock = (ROOT / "Cargo.lock").read_text()
    return set(re.findall(r'(?m)^name = "(.*)"\nversion = "(.*)"$', lock))


def linked():
    tree = run("cargo", "tree", "--offline", "--locked", "--edges", "normal", "--features", FEATURES, "--prefix", "none")
    return set(re.findall(r"(?m)^(\S+) v(\S+)", tree)) - {postbox()}


def postbox():
    return next(crate for crate in in_lock() if crate[0] == "postbox")


def c_libraries():
    """Returns a row of a table for each library that is written in C."""
    host = re.search("host: (.*)", run("rustc", "-vV"))[1]
    metadata = run("cargo", "metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", host)
    sources = {package["name"]: package for package in json.loads(metadata)["packages"]}
    rows = []
    for name, purpose, crate, header, pattern in C_LIBRARIES:
        package = sources[crate]
        text = (pathlib.Path(package["manifest_path"]).parent / header).read_text(encoding="utf-8")
        rows.append(f"| {name} | {purpose} | `{crate}` {package['version']} | {re.search(pattern, text)[1]} |")
    return rows


def check():
    """Returns the problems of the two files."""
    notices, sbom, lock, needed = in_notices(), in_sbom(), in_lock(), linked()
    problems = []
    for file, crates in (("third-party/NOTICES.txt", notices), ("third-party/sbom.cdx.json", sbom)):
        problems += [f"{file} lists {name} {version}, which is not in Cargo.lock" for name, version in sorted(crates - lock)]
        problems += [f"{file} lacks {name} {version}, which is linked" for name, version in sorted(needed - crates)]
    security = SECURITY.read_text()
    problems += [f"SECURITY.md lacks the line {row}" for row in c_libraries() if row not in security]
    return problems


def main():
    if sys.argv[1:] == ["--c-libraries"]:
        return print("\n".join(c_libraries()))
    if sys.argv[1:] != ["--check"]:
        return write()
    problems = check()
    if problems:
        sys.exit("\n".join(problems) + "\nrun make third-party, and commit third-party/ and SECURITY.md")
    return print(f"{len(in_sbom())} crates, as in Cargo.lock")


main()
