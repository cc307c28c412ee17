#!/usr/bin/env python3
"""Generates the enums of the .NET library, with their documentation, from include/postbox.h.

    tools/csharp_enums.py            writes bindings/dotnet/Postbox/Enums.cs
    tools/csharp_enums.py --check    fails if that file is not what it would write
"""

import re
import sys
import textwrap
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "include" / "postbox.h"
OUTPUT = ROOT / "bindings" / "dotnet" / "Postbox" / "Enums.cs"

# The enum of C, the prefix of its values, and its name in C#.
ENUMS = {
    "postbox_code": ("POSTBOX_ERROR_", "PostboxErrorCode"),
    "postbox_outcome": ("POSTBOX_OUTCOME_", "Outcome"),
    "postbox_send_outcome": ("POSTBOX_SEND_", "SendOutcome"),
    "postbox_log_level": ("POSTBOX_LOG_", "PostboxLogLevel"),
    "postbox_lease": ("POSTBOX_LEASE_", "LeaseStatus"),
    "postbox_state": ("POSTBOX_STATE_", "MessageState"),
    "postbox_kind": ("POSTBOX_KIND_", "ValueKind"),
}

# The names of functions in the documentation, and the corresponding members of C#.
MEMBERS = {
    "commit": "UnitOfWork.Commit",
    "postbox_confirm": "PostboxClient.Confirm",
    "postbox_sweep": "PostboxClient.Sweep",
}

WIDTH = 120

COMMENT = r"/\*\*((?:(?!\*/).)*)\*/\s*"
ENUM = re.compile(COMMENT + r"POSTBOX_ENUM\((\w+)\)\s*\{(.*?)\n\};", re.DOTALL)
VALUE = re.compile(COMMENT + r"(\w+) = (-?\d+),", re.DOTALL)
NAME = re.compile(r"""`(.*?)`|"(.*?)"|(postbox_[a-z0-9_]+)""")


def summary(comment: str, indent: str) -> str:
    """Returns the text of a comment of the header as a summary of C#, in lines of up to 120 characters."""
    text = escape(" ".join(line.strip(" *") for line in comment.splitlines()).strip(), quote=False)
    text = NAME.sub(markup, text)
    prefix = f"{indent}/// "
    line = f"{prefix}<summary>{text}</summary>"
    if len(line) <= WIDTH:
        return line
    # A line must not end inside a reference.
    lines = textwrap.wrap(text.replace("<see cref", "<see\0cref"), WIDTH - len(prefix), break_on_hyphens=False)
    return "\n".join(prefix + part.replace("\0", " ") for part in ["<summary>", *lines, "</summary>"])


def markup(name: re.Match[str]) -> str:
    """Returns a member of C#, or the code that the header has in quotation marks or backquotes."""
    word = next(group for group in name.groups() if group is not None)
    if word in MEMBERS:
        return f'<see cref="{MEMBERS[word]}"/>'
    if word.startswith("postbox_"):
        sys.exit(f"{HEADER.name} names {word}: add its member of C# to MEMBERS")
    return f"<c>{word}</c>"


def pascal_case(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def values(enum: str, body: str) -> list[str]:
    """Returns the values of an enum, each with its summary."""
    prefix, _ = ENUMS[enum]
    found = VALUE.findall(body)
    if len(found) != body.count(" = ") or not all(name.startswith(prefix) for _, name, _ in found):
        sys.exit(f"{HEADER.name}: a value of {enum} has no comment, or another prefix than {prefix}")
    return [
        f"{summary(comment, ' ' * 8)}\n        {pascal_case(name.removeprefix(prefix))} = {value},\n"
        for comment, name, value in found
    ]


def generated() -> str:
    enums = ENUM.findall(HEADER.read_text(encoding="utf-8"))
    if {name for _, name, _ in enums} != ENUMS.keys():
        sys.exit(f"{HEADER.name} has the enums {sorted(name for _, name, _ in enums)}, not {sorted(ENUMS)}")
    declarations = [
        f"{summary(comment, ' ' * 4)}\n    public enum {ENUMS[name][1]}\n    {{\n" + "\n".join(values(name, body)) + "    }\n"
        for comment, name, body in enums
    ]
    head = "// Generated from include/postbox.h by tools/csharp_enums.py; do not edit.\nnamespace Postbox\n{\n"
    return head + "\n".join(declarations) + "}\n"


def main() -> None:
    text = generated()
    if sys.argv[1:] != ["--check"]:
        OUTPUT.write_text(text, encoding="utf-8")
    elif OUTPUT.read_text(encoding="utf-8") != text:
        sys.exit(f"{OUTPUT.relative_to(ROOT)} is out of date: run tools/csharp_enums.py and commit it")


if __name__ == "__main__":
    main()
