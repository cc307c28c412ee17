#!/usr/bin/env python3
"""Checks the contents of NuGet packages: check_package.py FILE.nupkg...

Beside each package is its package of symbols (.snupkg). In packages with the targets of a release, netstandard2.0 and
net8.0, the check expects the parts that only the current SDK writes, too.
"""

import re
import struct
import subprocess
import sys
import xml.etree.ElementTree
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
VERSION = re.search("<Version>(.+)</Version>", (HERE / "Directory.Build.props").read_text(encoding="utf-8"))[1]
REPOSITORY = "https://github.com/postbox-outbox/postbox"
EVERY_PACKAGE = {"LICENSE-APACHE", "LICENSE-MIT", "README.md", "icon.png"}
WITH_NATIVE_LIBRARY = {"NOTICES.txt", "sbom.cdx.json", "buildTransitive/Postbox.targets"}
RELEASE_TARGETS = {"netstandard2.0", "net8.0"}
# The packages of others that a package needs for a target of a release. The SDK of the tests has their assemblies, or a stub.
DEPENDENCIES = {
    ("Postbox", "netstandard2.0"): {"Microsoft.Bcl.AsyncInterfaces", "System.Memory"},
    ("Postbox.AWSSDK", "netstandard2.0"): {"AWSSDK.DynamoDBv2"},
    ("Postbox.AWSSDK", "net8.0"): {"AWSSDK.DynamoDBv2"},
    ("Postbox.Extensions.Hosting", "net8.0"): {
        "Microsoft.Extensions.Diagnostics.HealthChecks",
        "Microsoft.Extensions.Hosting.Abstractions",
        "Microsoft.Extensions.Logging.Abstractions",
        "Microsoft.Extensions.Options.ConfigurationExtensions",
    },
}


class Nuspec:
    def __init__(self, text):
        self.metadata = xml.etree.ElementTree.fromstring(text)[0]
        self.namespace = self.metadata.tag.removesuffix("metadata")

    def element(self, name):
        return self.metadata.find(self.namespace + name)

    def text(self, name):
        element = self.element(name)
        return "" if element is None else (element.text or "")

    def dependencies(self):
        """Returns the dependencies of each target, with their versions."""
        groups = self.element("dependencies").findall(self.namespace + "group")
        return [
            (group.get("targetFramework").lstrip(".").lower(), {entry.get("id"): entry.get("version") for entry in group})
            for group in groups
        ]


class Assembly:
    """The parts of a .NET assembly that the compiler's options determine."""

    def __init__(self, data):
        self.data = data
        (pe,) = struct.unpack_from("<I", data, 0x3C)
        (sections,) = struct.unpack_from("<H", data, pe + 6)
        (optional_size,) = struct.unpack_from("<H", data, pe + 20)
        self.sections = [
            struct.unpack_from("<IIII", data, pe + 24 + optional_size + 40 * index + 8) for index in range(sections)
        ]
        wide = struct.unpack_from("<H", data, pe + 24)[0] == 0x20B
        self.directories = pe + 24 + (112 if wide else 96)

    def offset(self, address):
        for size, virtual, raw_size, raw in self.sections:
            if virtual <= address < virtual + max(size, raw_size):
                return address - virtual + raw
        raise ValueError(f"no section contains the address {address:#x}")

    def path_of_symbols(self):
        """Returns the path of the PDB file that is written in the assembly for debuggers."""
        marker = self.data.index(b"RSDS")
        return self.data[marker + 24 : self.data.index(b"\0", marker + 24)].decode()

    def has_strong_name(self):
        header = self.offset(struct.unpack_from("<I", self.data, self.directories + 14 * 8)[0])
        (flags,) = struct.unpack_from("<I", self.data, header + 16)
        address, size = struct.unpack_from("<II", self.data, header + 32)
        return bool(flags & 8) and any(self.data[self.offset(address) :][:size])


def is_cloned_from_github():
    remote = subprocess.run(["git", "-C", HERE, "remote", "get-url", "origin"], capture_output=True, text=True, check=False)
    return "github.com" in remote.stdout


def nuspec_problems(nuspec, release):
    expected = {"version": VERSION, "license": "MIT OR Apache-2.0", "icon": "icon.png", "projectUrl": REPOSITORY}
    if release:
        expected["readme"] = "README.md"
    for name, value in expected.items():
        if nuspec.text(name) != value:
            yield f"its {name} is {nuspec.text(name)!r} instead of {value!r}"
    for name in ("authors", "description", "releaseNotes", "tags"):
        if not nuspec.text(name):
            yield f"it has no {name}"
    repository = nuspec.element("repository")
    if repository is None or (repository.get("type"), repository.get("url")) != ("git", REPOSITORY):
        yield f"it does not name the repository {REPOSITORY}"
    elif not re.fullmatch("[0-9a-f]{40}", repository.get("commit", "")):
        yield "it does not name the commit from which it was built"


def dependency_problems(nuspec, targets):
    name, groups = nuspec.text("id"), nuspec.dependencies()
    if len(groups) != len(targets):
        yield f"it has dependencies for {len(groups)} targets, but assemblies for {len(targets)}"
    for target, dependencies in groups:
        if name != "Postbox" and dependencies.pop("Postbox", None) != VERSION:
            yield f"for {target}, it does not depend on Postbox {VERSION}"
        if set(dependencies) != DEPENDENCIES.get((name, target), set()):
            yield f"for {target}, it depends on {', '.join(sorted(dependencies)) or 'no package of others'}"


def file_problems(name, files, targets):
    expected = {f"lib/{target}/{name}.{kind}" for target in targets for kind in ("dll", "xml")} | EVERY_PACKAGE
    native = {file for file in files if re.fullmatch(r"runtimes/[a-z0-9-]+/native/[^/]+", file)}
    if name == "Postbox":
        expected |= WITH_NATIVE_LIBRARY | native
        if not native:
            yield "it contains no native library"
        if any(file.lower().endswith("/postbox.dll") for file in native):
            yield "its library for Windows has the name of the assembly"
    # NuGet's own files.
    actual = {file for file in files if not file.startswith(("_rels/", "package/")) and not file.endswith((".nuspec", "[Content_Types].xml"))}
    yield from (f"it does not contain {file}" for file in sorted(expected - actual))
    yield from (f"it contains {file}" for file in sorted(actual - expected))


def assembly_problems(file, data, release):
    assembly = Assembly(data)
    for name in ("RepositoryUrl", "IsTrimmable") if release and "net8.0" in file else ():
        if name.encode() not in data:
            yield f"{file} has no AssemblyMetadata attribute {name}"
    if not assembly.path_of_symbols().startswith("/_/"):
        yield f"{file} contains a path of the build machine, {assembly.path_of_symbols()}"
    if not assembly.has_strong_name():
        yield f"{file} has no strong name"


def symbol_problems(package, name, targets, release):
    with zipfile.ZipFile(package.with_suffix(".snupkg")) as symbols:
        for target in targets:
            file = f"lib/{target}/{name}.pdb"
            if file not in symbols.namelist():
                yield f"its symbols do not contain {file}"
            elif release and is_cloned_from_github() and b'{"documents":{"/_/' not in symbols.read(file):
                yield f"{file} has no Source Link"


def problems(package):
    with zipfile.ZipFile(package) as archive:
        files = archive.namelist()
        nuspec = Nuspec(archive.read(next(file for file in files if file.endswith(".nuspec"))))
        name = nuspec.text("id")
        targets = {file.split("/")[1] for file in files if file.startswith("lib/")}
        release = targets <= RELEASE_TARGETS
        yield from nuspec_problems(nuspec, release)
        yield from dependency_problems(nuspec, targets)
        yield from file_problems(name, set(files), targets)
        for file in files:
            if re.fullmatch(r"lib/.*\.dll", file):
                yield from assembly_problems(file, archive.read(file), release)
        if "icon.png" in files and not archive.read("icon.png").startswith(b"\x89PNG"):
            yield "icon.png is not a PNG file"
    yield from symbol_problems(package, name, targets, release)


def main():
    packages = [Path(name) for name in sys.argv[1:]] or sys.exit(__doc__)
    found = [f"{package.name}: {problem}" for package in packages for problem in problems(package)]
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
