"""Finds the name of each function of include/postbox.h in Rust, C++, .NET and Python, for bindings/cases.md.

The names are read from the sources: the public member that calls the C function, or for Rust the public function that the
C function calls. bindings/functions.tsv has the names that cannot be found in this way, or the reason for which a language
has none, as lines "function TAB language TAB text". A function can be a pattern such as postbox_*_free, and the language
can be *. The first matching line counts. A line with the language C states why a method of Rust has no C
function. A line that is not needed is an error, and so is a function or a method without a name.
"""

import ast
import re
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXCUSES = "bindings/functions.tsv"
C_NAME = r"postbox_\w+"


def functions() -> list[str]:
    """Returns the functions of the C header, in its order."""
    lines = (ROOT / "include/postbox.abi").read_text(encoding="utf-8").splitlines()
    names = {match[1] for line in lines if (match := re.match(rf"function .*?({C_NAME})\(", line))}
    header = (ROOT / "include/postbox.h").read_text(encoding="utf-8")
    declared = re.findall(rf"({C_NAME})\(", re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL))
    return sorted(names, key=declared.index)


class Found(dict):
    """The public names of each C function in one language."""

    def add(self, function: str, name: str) -> None:
        names = self.setdefault(function, [])
        if name not in names:
            names.append(name)


def rust_methods() -> dict[str, list[str]]:
    """Returns the public methods of the main types of the crate, by name."""
    methods: dict[str, list[str]] = {}
    for path in sorted((ROOT / "src").rglob("*.rs")):
        kind = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            begun = re.match(r"impl(?:<[^>]*>)? (\w+)", line)
            kind = begun[1] if begun else kind
            method = re.match(r" {4}pub (?:const )?fn (\w+)", line)
            if method and kind in PUBLIC_TYPES:
                methods.setdefault(method[1], []).append(f"{kind}::{method[1]}")
    return methods


def in_rust() -> Found:
    """Returns the methods of the main types that the C functions call."""
    methods, found = rust_methods(), Found()
    for path in sorted((ROOT / "src/ffi").glob("*.rs")):
        text = path.read_text(encoding="utf-8")
        parts = re.split(rf'\npub (?:unsafe )?extern "C" fn ({C_NAME})', text)
        for function, body in zip(parts[1::2], parts[2::2], strict=True):
            for name in re.findall(r"(?:\.|::)(\w+)\(", body.split("\n}\n")[0]):
                if name in methods and name not in TOO_COMMON:
                    of_unit = "postbox_unit_of_work_" in function
                    found.add(function, max(methods[name], key=lambda method: method.startswith("UnitOfWork") == of_unit))
    return found


# Names that the C functions also use for other things.
TOO_COMMON = {"builder", "bytes", "cancel", "get", "id", "is_empty", "item", "len", "message", "new", "set"}
PUBLIC_TYPES = {"Postbox", "UnitOfWork", "Message", "Config", "CancelToken", "HeldLease"}


def in_cpp() -> Found:
    """Returns the public functions and the members of classes in the headers that call the C functions."""
    found = Found()
    for header in ("postbox.hpp", "postbox_async.hpp"):
        find_in_header(ROOT / "bindings/cpp" / header, found)
    return found


def find_in_header(header: Path, found: Found) -> None:
    kind, member, is_public, namespace = "", "", True, ""
    for line in header.read_text(encoding="utf-8").splitlines():
        if begun := re.match(r"(?:namespace (\w+) \{|\} // namespace (\w+))", line):
            namespace = begun[1] or ""
        elif begun := re.match(r"(class|struct) (\w+) .*\{", line):
            kind, member, is_public = begun[2], "", begun[1] == "struct"
        elif line == "};":
            kind, is_public = "", True
        elif re.match(r"(public|private):", line):
            is_public, member = line == "public:", ""
        elif begun := re.match(r"(?: {4}|)(?! |/|\*|return|throw|template)(?:\[\[nodiscard\]\] )?(?:[\w:<>,\*& ]+ [\*&]?)?(~?\w+|operator\S+?)\(", line):
            member = begun[1]
        for function in re.findall(rf"(?<!::)\b({C_NAME})\b(?=[\(,])", re.sub(r"//.*|\*.*\*/|^\s*\*.*", "", line)):
            if namespace != "detail" and is_public and member:
                scope = "async::" if namespace == "async" else ""
                found.add(function, scope + (f"{kind}::{member}" if kind else member))


def in_dotnet() -> Found:
    """Returns the public members of the public classes that call the C functions."""
    found = Found()
    for path in sorted((ROOT / "bindings/dotnet/Postbox").glob("*.cs")):
        kind, member, is_public = "", "", False
        for line in path.read_text(encoding="utf-8").splitlines():
            if begun := re.match(r" {4}(\w+) .*?(?:class|struct|enum) (\w+)", line):
                kind, member, is_public = begun[2], "", begun[1] == "public"
            elif begun := re.match(r" {8}(public|internal|private|protected) (?:[\w<>\[\],\.\? ]+ )?(\w+)(?:\(|\[| =>| \{|$)", line):
                member = begun[2] if begun[1] == "public" and "const " not in line else ""
                member = "this[]" if member == "this" else member
            for function in re.findall(rf"Native\.({C_NAME})", line):
                if is_public and member:
                    found.add(function, kind if member == kind else f"{kind}.{member}")
    return found


# The public functions of the package that are not methods.
PYTHON_FUNCTIONS = {"library_version", "open", "set_log_level"}
# The base classes that are not public, and the public class whose methods they have.
PYTHON_BASES = {"Actions": "UnitOfWork"}


def in_python() -> Found:
    """Returns the public functions and the methods of classes that use the C functions."""
    found = Found()
    package = ROOT / "bindings/python/src/postbox"
    for path in sorted(package.rglob("*.py")):
        scope = "aio." if path.parent.name == "aio" else ""
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            members = node.body if isinstance(node, ast.ClassDef) else [node]
            for member in members:
                if not isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Assign)):
                    continue
                name = "" if isinstance(member, ast.Assign) else member.name
                if isinstance(node, ast.ClassDef):
                    kind = PYTHON_BASES.get(node.name, node.name)
                    name = kind if name == "__init__" else f"{kind}.{name}"
                for part in ast.walk(member):
                    if isinstance(part, ast.Attribute) and re.fullmatch(C_NAME, part.attr) and name[:1] not in ("", "_"):
                        if name in PYTHON_FUNCTIONS or name[:1].isupper() and not re.search(r"\._[a-z]", name):
                            found.add(part.attr, scope + name)
    return found


SOURCES = {"Rust": "src/**/*.rs", "C++": "bindings/cpp/*.hpp", ".NET": "bindings/dotnet/Postbox/*.cs", "Python": "bindings/python/src/**/*.py"}


def stale(excuses: list[tuple[str, ...]]) -> list[str]:
    """Returns a problem for each name in the excuses that the sources of its language do not have."""
    texts = {
        language: "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob(pattern))
        for language, pattern in SOURCES.items()
    }
    return [
        f"{EXCUSES}: {language} has no {name}"
        for _, language, text in excuses
        for name in re.findall(r"`([\w.:]+)`", text)
        if language in texts and not re.search(rf"\b{re.split(r'[.:]+', name)[-1]}\b", texts[language])
    ]


LANGUAGES = {"Rust": in_rust, "C++": in_cpp, ".NET": in_dotnet, "Python": in_python}


def table() -> tuple[list[list[str]], list[str]]:
    """Returns the rows of the table, and the problems."""
    lines = (ROOT / EXCUSES).read_text(encoding="utf-8").splitlines()
    excuses = [tuple(line.split("\t")) for line in lines if line]
    unused, problems, rows = set(excuses), stale(excuses), []
    found = {language: find() for language, find in LANGUAGES.items()}
    for function in functions():
        row = [f"`{function}`"]
        for language, names in found.items():
            excuse = next((it for it in excuses if fnmatchcase(function, it[0]) and it[1] in (language, "*")), None)
            if excuse:
                unused.discard(excuse)
                row.append(excuse[2])
            elif function in names:
                row.append(", ".join(f"`{name}`" for name in names[function]))
            else:
                problems.append(f"{function} has no name in {language}: call it, or give a reason in {EXCUSES}")
        rows.append(row)
    shown = " ".join(" ".join(row) for row in rows)
    for method in sorted(method for methods in rust_methods().values() for method in methods):
        excuse = next((it for it in excuses if fnmatchcase(method, it[0]) and it[1] == "C"), None)
        if excuse:
            unused.discard(excuse)
        elif f"`{method}`" not in shown:
            problems.append(f"{method} has no function in C: add it, or give a reason in {EXCUSES}")
    problems += [f"{EXCUSES}: the line {' '.join(line)!r} is not needed" for line in sorted(unused)]
    return rows, problems


if __name__ == "__main__":
    for row in table()[0]:
        print(" | ".join(row))
    print("\n".join(table()[1]))
