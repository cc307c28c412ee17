"""Checks that the package covers all of the C header."""

from __future__ import annotations

import re
from enum import IntEnum
from importlib.metadata import version
from pathlib import Path

import pytest

import postbox
from postbox._native import lib

PACKAGE = Path(__file__).parents[1] / "src" / "postbox"


# Python builds and reads items and bags as dicts, and passes them as JSON.
OF_ITEMS = re.compile(
    r"postbox_(item|value)_\w+|postbox_message_(set_)?bag|postbox_error_reason_read_item"
    r"|postbox(_unit_of_work)?_(read|put|update|delete|check)_item"
)


# A report of postbox.aio has outcomes that the library does not know, so the package counts the failures itself.
COUNTED_HERE = {"postbox_report_failure_count"}


def test_every_function_of_the_library_is_used() -> None:
    sources = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    used = set(re.findall(r"\blib\.(postbox_\w+)", sources))
    declared = {name for name in dir(lib) if name.startswith("postbox_")}
    assert len(declared) > 70
    assert {name for name in declared - COUNTED_HERE if not OF_ITEMS.fullmatch(name)} <= used <= declared


@pytest.mark.parametrize(
    ("prefix", "enum"),
    [
        ("ERROR", postbox.ErrorCode),
        ("OUTCOME", postbox.Outcome),
        ("SEND", postbox.SendOutcome),
        ("LEASE", postbox.LeaseStatus),
        ("STATE", postbox.State),
    ],
)
def test_every_value_of_the_header_is_known(prefix: str, enum: type[IntEnum]) -> None:
    start = f"POSTBOX_{prefix}_"
    declared = {name.removeprefix(start): getattr(lib, name) for name in dir(lib) if name.startswith(start)}
    declared.pop("NONE", None)
    assert declared == {member.name: member.value for member in enum}


def test_an_unknown_code_is_an_internal_error() -> None:
    from postbox._native import error_of

    error = error_of(1234, "text", False, [])
    assert isinstance(error, postbox.InternalError)
    assert error.code == postbox.ErrorCode.INTERNAL


def test_only_the_internal_code_is_a_defect_of_postbox() -> None:
    from postbox._native import error_of

    defects = [code for code in postbox.ErrorCode if isinstance(error_of(code, "", False, []), postbox.InternalError)]
    assert defects == [postbox.ErrorCode.INTERNAL]


def test_the_version_is_the_library_s() -> None:
    assert postbox.__version__ == postbox.library_version() == version("dynamo-postbox")
    assert postbox.__version__.startswith(f"{lib.POSTBOX_VERSION_MAJOR}.{lib.POSTBOX_VERSION_MINOR}.")
