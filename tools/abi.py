#!/usr/bin/env python3
"""Lists the ABI of include/postbox.h, with a line for each property that a compiled program depends on.

    tools/abi.py           writes include/postbox.abi
    tools/abi.py --check   compares with it: removed or changed lines break programs, and new lines must be committed

The ABI is read from the header by castxml (Debian), since a Rust library contains no types of C.
tests/c/run.sh compares the header with the symbols of the library.
"""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "include" / "postbox.h"
BASELINE = ROOT / "include" / "postbox.abi"


class Header:
    """The declarations in the output of castxml."""

    def __init__(self, path):
        command = ["castxml", "--castxml-output=1", "-x", "c", "-std=c11", str(path), "-o", "-"]
        xml = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        self.elements = list(ElementTree.fromstring(xml))
        self.by_id = {element.get("id"): element for element in self.elements}
        files = {element.get("id") for element in self.elements if element.get("name") == str(path)}
        self.declared = [element for element in self.elements if element.get("file") in files and element.tag != "Comment"]

    def spelled(self, type_id):
        """Returns a type in the syntax of C."""
        element = self.by_id[type_id]
        if element.tag == "PointerType":
            target = self.by_id[element.get("type")]
            return self.function(target, "(*)") if target.tag == "FunctionType" else self.spelled(element.get("type")) + " *"
        if element.tag == "CvQualifiedType":
            inner = self.spelled(element.get("type"))
            return inner + " const" if inner.endswith("*") else "const " + inner
        if element.tag == "ArrayType":
            return f"{self.spelled(element.get('type'))}[{int(element.get('max')) + 1}]"
        if element.tag == "ElaboratedType":
            return self.spelled(element.get("type"))
        return element.get("name")

    def function(self, element, name):
        arguments = ", ".join(self.spelled(argument.get("type")) for argument in element.findall("Argument"))
        return f"{self.spelled(element.get('returns'))} {name}({arguments or 'void'})"

    def layout(self, struct, name):
        """Returns a struct and its fields, with sizes and offsets in bytes."""
        yield f"struct {name}: {int(struct.get('size')) // 8} bytes"
        for field in (self.by_id[member] for member in struct.get("members").split()):
            # Later versions turn reserved bytes into fields. The size does not change.
            if field.tag == "Field" and field.get("name") != "reserved":
                yield f"{name}.{field.get('name')}: {self.spelled(field.get('type'))} at {int(field.get('offset')) // 8}"

    def lines(self):
        for element in self.declared:
            name = element.get("name")
            if element.tag == "Function":
                yield "function " + self.function(element, name)
            elif element.tag == "Enumeration":
                for value in element.findall("EnumValue"):
                    yield f"{name} {value.get('name')} = {value.get('init')}"
            elif element.tag == "Typedef":
                yield from self.typedef(element, name)

    def typedef(self, element, name):
        target = self.by_id[element.get("type")]
        while target.tag == "ElaboratedType":
            target = self.by_id[target.get("type")]
        if target.tag == "Struct" and not target.get("incomplete"):
            yield from self.layout(target, name)
        elif target.tag == "Struct":
            yield f"handle {name}"
        else:
            yield f"type {name}: {self.spelled(element.get('type'))}"


def compare(before, now):
    """Describes the difference. Returns an empty string if there is none."""
    gone, new = [line for line in before if line not in now], [line for line in now if line not in before]
    for line in gone:
        yield f"gone or changed, which breaks compiled programs: {line}"
    for line in new:
        yield f"not in include/postbox.abi: {line}"
    if gone:
        yield "Put it back; only a new SONAME may do this (see CONTRIBUTING.md)."
    elif new:
        yield "Adding is possible: run tools/abi.py and commit include/postbox.abi."


def main():
    now = sorted(Header(HEADER).lines())
    if sys.argv[1:] == ["--check"]:
        findings = list(compare(BASELINE.read_text().splitlines(), now))
        print("\n".join(findings) if findings else f"{len(now)} parts of the ABI are as they were")
        return 1 if findings else 0
    BASELINE.write_text("\n".join(now) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
