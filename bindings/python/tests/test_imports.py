"""The modules of the package import in one direction."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "postbox"

# A module imports only modules before it, in functions and under TYPE_CHECKING too. _header.py is generated.
ORDER = [
    "_header",
    "_item",
    "_errors",
    "_text",
    "_time",
    "_native",
    "_trace",
    "_put",
    "_calls",
    "_values",
    "_bag",
    "_message",
    "_results",
    "_callbacks",
    "_config",
    "_process",
    "_selection",
    "_lease",
    "_unit_of_work",
    "_postbox",
    "__init__",
]


def imported(path: Path) -> set[str]:
    """Returns the modules of the package that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(name.name.partition(".")[2] for name in node.names if name.name.startswith("postbox."))
        elif isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").split(".")[0] == "postbox"):
            module = (node.module or "").removeprefix("postbox").strip(".")
            found.update([module] if module else [name.name for name in node.names])
    return found


# The modules of postbox.aio. They may also import all modules above.
ORDER_OF_AIO = ["_completion", "_producers", "_items", "_lease", "_unit_of_work", "_postbox", "__init__"]


def test_imports_follow_the_order_of_the_modules() -> None:
    modules = {path.stem: path for path in PACKAGE.glob("*.py")}
    assert modules.keys() | {"_header"} == set(ORDER)
    for name, path in modules.items():
        above = imported(path) - set(ORDER[: ORDER.index(name)])
        assert not above, f"{name} imports {above}"


def test_imports_of_aio_follow_the_order_of_its_modules() -> None:
    modules = {path.stem: path for path in (PACKAGE / "aio").glob("*.py")}
    assert modules.keys() == set(ORDER_OF_AIO)
    for name, path in modules.items():
        before = {f"aio.{other}" for other in ORDER_OF_AIO[: ORDER_OF_AIO.index(name)]}
        above = imported(path) - set(ORDER) - before
        assert not above, f"aio.{name} imports {above}"
