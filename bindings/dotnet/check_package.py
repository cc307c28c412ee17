#!/usr/bin/env python3
"""Checks that a NuGet package contains the licences, the notices and the SBOM: check_package.py FILE.nupkg or FILE.csproj

For a project, which needs Microsoft's SDK to be packed, the files are checked that the project puts into its package.
"""

import pathlib
import sys
import xml.etree.ElementTree
import zipfile

REQUIRED = ["LICENSE-APACHE", "LICENSE-MIT", "NOTICES.txt", "README.md", "sbom.cdx.json"]


def packed_by(project):
    """Returns the names of the existing files that the project puts into the root of its package."""
    items = xml.etree.ElementTree.parse(project).findall("ItemGroup/None[@Pack='true'][@PackagePath='/']")
    included = [project.parent / name for item in items for name in item.get("Include").split(";")]
    return [file.name for file in included if file.is_file()]


def main(path):
    names = packed_by(path) if path.suffix == ".csproj" else zipfile.ZipFile(path).namelist()
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        sys.exit(f"{path} does not contain {', '.join(missing)}")


main(pathlib.Path(sys.argv[1]))
