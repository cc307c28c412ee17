#!/usr/bin/env python3
"""Counts the habits of prose that docs/style.md asks to avoid. The counts may only fall.

    tools/prose.py                  fails if a count is above that of tools/prose_baseline.json
    tools/prose.py --list HABIT     prints where a habit occurs, with the words that match
    tools/prose.py --update         lowers the baseline to the counts of today
    tools/prose.py --compare        prints the counts before the rewriting, today's, and the goal: a tenth
    tools/prose.py --root DIR ...   counts another checkout

It reads comments, pages, docstrings, the preamble of the header, string literals of more than one word in src (error
messages, the table of settings, command help) and the names of tests. Code in backticks and in blocks is not prose.

The patterns are narrow, so that almost every match is worth a rewrite: all of rust-postgres has 13 matches and all of
rustls-ffi 18, other than docs of functions without a verb in the third person (52 and 136).
"""

import argparse
import ast
import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

HERE = Path(__file__).resolve().parent
BASELINE = HERE / "prose_baseline.json"
# The commit at which the rewriting began; its counts are in the baseline file.
BEFORE = "4187056"

# Files that are not read: generated from files that are read, or about the habits.
SKIPPED = {
    "CONFIGURATION.md",
    "include/postbox.h",
    "bindings/dotnet/Postbox/PostboxOptions.Settings.cs",
    "docs/style.md",
    "bindings/cases.md",
    "tools/prose.py",
}

THINGS = "(?:table|file|topic|queue|target|index|database|directory)"

# Each key names a word and the better one; the value is a pattern for the first.
FALSE_FRIENDS = {
    "mend: fix": r"\bmend(?:s|ed|ing)?\b",
    "anew: again": r"\banew\b",
    "near names: similar names": r"\bnear(?:est)? (?:names?|ones?)\b|; near: ",
    "is there already: already exists": r"\bthere already\b|\balready there\b|\bin the outbox already\b",
    "goes before: takes precedence over": r"\bgo(?:es)? before\b",
    "so many, so long, so often: up to N": r"\bso (?:many|often|long)\b(?! as\b| that\b)",
    "of ours, of yours: our, your": r"\bof (?:ours|yours|theirs)\b",
    "tells: reports": r"\b(?:tells?|told)\b(?! (?:\w+ )?(?:\w+ )?apart)",
    "lies in: is in": r"\blies? (?:in|under|behind|between|beyond)\b",
    "goes on: continues": r"\b(?:go|goes|went) on\b",
    "N at most: at most N": r"\bat most\b(?! (?:\d+|about|once|twice|one|two|a|an|the|for|half|as|CODE)\b)(?! \{)",
    "gives: returns": r"\b(?:gives|gave)\b(?! up\b)",
    "makes: creates": rf"\b{THINGS}s?\b[^.:;]{{0,40}} (?:is|are|was|were) made\b"
    rf"|\b[Mm]akes? (?:the|a|an|its|one) (?:\w+ )?{THINGS}\b|\bmade if\b",
    "beginning: prefix, start": r"\bbeginnings?\b|\bbegins? so\b",
    "figures: statistics": r"\bfigures\b",
    "answer: response": r"\banswer(?:s|ed|ing)?\b",
    "the text says: the message says": r"\bthe text (?:lists|names|says)\b",
    "passing: transient": r"\bpassing (?:one|cause|failure|error|fault|kind)s?\b|\bis passing\b",
    "look: poll": r"\b(?:a|two|one|each|every|its|between|next|last) looks?\b(?! like)",
    "refuse: reject": r"\b(?<!connection )refus(?:e|es|ed|ing|al|als)\b",
    "how often at most: maximum number": r"\b[Hh]ow often\b",
    "inside of: inside": r"\binside of\b",
    "lately: recently": r"\blately\b",
    "as it was, as they were: unchanged": r"\bas (?:it was|they were)\b",
}

METAPHORS = {
    "died with": r"\bdie[sd]? with\b",
    "zombie": r"\bzombies?\b",
    "bite": r"\bbites?\b",
    "judge": r"\bjudges?\b",
    "weather": r"\bweather\b",
    "world": r"\bworlds?\b(?!'s time)",
    "swallow": r"\bswallow(?:s|ed)?\b",
    "stand still": r"\bstands? still\b",
    "in the way": r"\bin nobody's way\b|\bin the way of\b",
}

THAT_OPENS = r"That (?:a|an|the|it|its|no|one|each|every|they|there|nothing|nobody|messages|this)\b"
# In the middle of a sentence a clause with "what" can be idiomatic; after these prepositions it seldom is.
HEADLESS_INSIDE = (
    r"\b(?:of|for|to|from|by|behind|beyond|beside|with) (?:what|whoever|whatever)\b"
    r"|\bwho has no\b|; those (?:of|that)\b"
)
HEADLESS_OPENS = r"(?:What|Who|Whoever|Whatever|One that|Those) [^?]*$"
# These words also open good sentences, such as "When the lease ends, the sweep stops", but seldom a whole comment
# without a comma.
HEADLESS_COMMENT = r"(?:Where|When|How|Why) (?!to )[^,:?]*\.$"
RIDDLE = (
    r"^(?:test_)?(?:what|who|whoever|whatever|those|that|it|so|only_what|only_who|one_that|nobody|somebody|neither)_"
    r"|_(?:nobodys?|of_anyone|what|whatever|whoever|anew|mend|goes_before|lately|without_end)(?:_|$)"
)

# First words of the documentation of functions that end in s and are no verbs.
NOUNS = set(
    "As Always Attributes Bytes Events Ids Its Items Keys Leases Messages Milliseconds Names Numbers Others Ours"
    " Perhaps Processes Rows Settings Shards Texts This Those Threads Times Topics Units Values Yes".split()
)
# "Like [`other`], but ..." is idiomatic too.
VERB = ("s", "Like")
FUNCTION = re.compile(
    r"\s*(?:#\[[^\n]*\]\s*)*(?:pub(?:\([a-z]+\))? )?(?:(?:const|async|unsafe|extern \"C\") )*fn "
)


@dataclass(frozen=True)
class Passage:
    """A paragraph of prose. `kind`: doc, fn (the documentation of a function), page, comment, literal, test."""

    path: str
    line: int
    kind: str
    text: str
    opens: bool = False  # the first paragraph of its comment


# ---- reading ----

RUST_TOKEN = re.compile(
    r"""(?P<doc>//[/!](?!/)[^\n]*)|(?P<comment>//[^\n]*)|/\*.*?\*/|b?r(?P<hashes>\#*)"(?P<raw>.*?)"(?P=hashes)"""
    r"""|b?"(?P<string>(?:\\.|[^"\\])*)"|'(?:\\[^\n']+|[^'\\\n])'""",
    re.S,
)


def prose(text: str) -> str:
    """The text without code and links, in one line."""
    text = re.sub(r"``.*?``|`[^`]*`", "CODE", text, flags=re.S)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>]*>|https?://\S+|\*\*", "", text)
    return " ".join(text.split())


def paragraphs(lines: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Paragraphs, list items and table cells of Markdown, each with the number of its first line."""
    gathered: list[str] = []
    first, fence = 0, ""

    def taken() -> Iterator[tuple[int, str]]:
        if gathered:
            yield first, prose("\n".join(gathered))
            gathered.clear()

    for number, line in lines:
        text = line.strip().lstrip(">").strip()
        mark = re.match(r"(```+|~~~+)", text)
        if mark and not (fence and not text.startswith(fence)):
            yield from taken()
            fence = "" if fence else mark.group(1)
            continue
        if fence or re.match(r" {4,}(?![-*+ ])", line) and not gathered:
            continue
        item = re.match(r"(?:[-*+]|\d+\.) +(.*)", text)
        if not text or item or text.startswith(("#", "|", "<!--")) or re.fullmatch(r"[-=|: ]+", text):
            yield from taken()
        if text.startswith("|"):
            for cell in text.strip("|").split("|"):
                if cell.strip(" -:"):
                    yield number, prose(cell)
        elif text and not text.startswith(("#", "<!--")) and not re.fullmatch(r"[-=|: ]+", text):
            if not gathered:
                first = number
            gathered.append(item.group(1) if item else text)
    yield from taken()


def comment_passages(path: str, kind: str, lines: list[tuple[int, str]]) -> Iterator[Passage]:
    for position, (number, text) in enumerate(paragraphs(lines)):
        yield Passage(path, number, kind, text, position == 0)


def rust_passages(path: str, source: str) -> Iterator[Passage]:
    library = path.startswith("src/") or "/src/" in path
    end_of_code = source.find("#[cfg(test)]\nmod tests {") if library else -1
    code = source[:end_of_code] if end_of_code >= 0 else source
    block: list[tuple[int, str]] = []
    block_kind, block_end = "", 0

    def taken(following: str) -> Iterator[Passage]:
        kind = block_kind
        if kind == "doc" and FUNCTION.match(following):
            kind = "fn"
        yield from comment_passages(path, kind, block)
        block.clear()

    for token in RUST_TOKEN.finditer(code):
        line = code.count("\n", 0, token.start()) + 1
        kind = token.lastgroup
        if kind not in ("doc", "comment"):
            if block:
                yield from taken(code[block_end:])
            text = token.group("raw") or token.group("string")
            if library and text and " " in text.strip():
                text = text if token.group("raw") else re.sub(r"\\n|\\\n\s*", " ", text).replace('\\"', '"')
                yield Passage(path, line, "literal", prose(text), True)
            continue
        if block and (kind != block_kind or line != block[-1][0] + 1):
            yield from taken(code[block_end:])
        block_kind, block_end = kind, token.end()
        block.append((line, token.group(kind)[3 if kind == "doc" else 2 :].removeprefix(" ")))
    if block:
        yield from taken(code[block_end:])
    for found in re.finditer(r"#\[test\][^{]*?\bfn (\w+)|\bfn (\w+)\(backend: Backend\)", source):
        yield Passage(path, source.count("\n", 0, found.end()) + 1, "test", found.group(1) or found.group(2))


def python_passages(path: str, source: str) -> Iterator[Passage]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            first = node.body[0].lineno
            yield from comment_passages(path, "doc", list(enumerate(text.split("\n"), first)))
    for found in re.finditer(r"\bdef (test_\w+)", source):
        yield Passage(path, source.count("\n", 0, found.start()) + 1, "test", found.group(1))


def slash_passages(path: str, source: str) -> Iterator[Passage]:
    """C++ and C#: comments of three slashes."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate(source.split("\n") + [""], 1):
        found = re.match(r"\s*///(?!/) ?(.*)", line)
        if found:
            block.append((number, re.sub(r"</?\w+[^>]*>", "", found.group(1))))
        elif block:
            yield from comment_passages(path, "doc", block)
            block = []


def c_passages(path: str, source: str) -> Iterator[Passage]:
    """The preamble of the header; of C tests their names."""
    if path == "include/preamble.h":
        lines = [(n, re.sub(r"^ ?\*/?|^/\*", "", line)[1:]) for n, line in enumerate(source.split("\n"), 1)]
        yield from comment_passages(path, "page", lines)
    for found in re.finditer(r"^\s*TEST\((\w+)\)", source, re.M):
        yield Passage(path, source.count("\n", 0, found.start()) + 1, "test", found.group(1))


def passages(root: Path) -> Iterator[Passage]:
    readers = {".rs": rust_passages, ".py": python_passages, ".h": c_passages, ".hpp": slash_passages}
    readers[".cs"] = slash_passages
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    for path in sorted(set(listed.splitlines()) - SKIPPED):
        file = root / path
        if not file.is_file() or path.startswith((".ci/", "target/")):
            continue
        if file.suffix == ".md":
            lines = list(enumerate(file.read_text(encoding="utf-8").split("\n"), 1))
            yield from (Passage(path, number, "page", text, True) for number, text in paragraphs(lines))
        elif file.suffix in readers:
            yield from readers[file.suffix](path, file.read_text(encoding="utf-8"))


# ---- counting ----


def sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?])\s+(?=[A-Z`\"(])", text) if part]


def words(patterns: dict[str, str], text: str) -> list[str]:
    return [found.group(0) for pattern in patterns.values() for found in re.finditer(pattern, text)]


def habits(passage: Passage) -> Iterator[tuple[str, str]]:
    """The habits that a passage has, each with the words that show it."""
    text, kind = passage.text, passage.kind
    if kind == "test":
        if number := re.search(r"(?:_w\d+)+$", text):
            yield "test names that end in _wN", number.group(0)
        if re.search(RIDDLE, text):
            yield "test names that read like riddles", text
        return
    documented = kind in ("doc", "fn")
    if documented and passage.opens and re.match(r"What\b", text):
        yield "doc comments that open with What", text
    if kind == "fn" and passage.opens and "src/" in passage.path:
        first = re.match(r"[A-Za-z]+", text)
        if not first or not first.group(0).endswith(VERB) or first.group(0) in NOUNS:
            yield "docs of functions that do not begin with a verb", text
    for number, sentence in enumerate(sentences(text)):
        opens_comment = documented and passage.opens and number == 0
        if re.match(THAT_OPENS, sentence):
            yield "that-clauses as subjects", sentence
        headless = re.match(HEADLESS_OPENS, sentence) or opens_comment and re.match(HEADLESS_COMMENT, sentence)
        if headless and not (opens_comment and sentence.startswith("What")):
            yield "headless clauses", sentence
        for found in re.finditer(HEADLESS_INSIDE, sentence):
            yield "headless clauses", found.group(0)
        pronoun = re.match(r"(?:It|Its|They|Their|He|She|it|its|they|their)\b", sentence)
        if pronoun and number == 0 and passage.opens and kind in ("doc", "fn"):
            yield "doc comments that open with a pronoun", sentence
        if pronoun and number == 0 and kind == "literal":
            yield "messages that open with a pronoun", sentence
        # The colon after the first word of a message names its subject.
        statement = re.sub(r"^(?:Errors|SAFETY): " if kind != "literal" else r"^[\w.{}]+: ", "", sentence)
        colons = re.findall(r"(?<=[\w)\]])(?<!sns)(?<!sqs): ", statement)
        if len(colons) >= 2 or len(colons) + statement.count("; ") >= 3:
            yield "telegrams", sentence
    for word in words(FALSE_FRIENDS, text):
        yield "false friends", word
    for word in words(METAPHORS, text):
        yield "metaphors", word


def counted(root: Path) -> tuple[Counter[str], dict[str, list[str]]]:
    counts: Counter[str] = Counter()
    places: dict[str, list[str]] = {}
    for passage in passages(root):
        for habit, shown in habits(passage):
            counts[habit] += 1
            context = passage.text if shown == passage.text else f"{shown}  --  {passage.text}"
            places.setdefault(habit, []).append(f"{passage.path}:{passage.line}: {context[:200]}")
    return counts, places


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--root", type=Path, default=HERE.parent)
    arguments.add_argument("--list", metavar="HABIT", help="prints the places of the habits whose name contains this")
    arguments.add_argument("--update", action="store_true")
    arguments.add_argument("--compare", action="store_true")
    given = arguments.parse_args()
    counts, places = counted(given.root)
    stored = json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.exists() else {}
    before, ceiling = stored.get(BEFORE, {}), stored.get("ceiling", {})
    names = sorted(counts.keys() | before.keys() | ceiling.keys())
    if given.list is not None:
        for name in (name for name in names if given.list in name):
            print(f"== {name}: {counts[name]}", *places.get(name, []), sep="\n")
        return
    columns = ["before", "now", "goal"] if given.compare else ["ceiling", "now"]
    print(f"{'habit':50}" + "".join(f"{column:>8}" for column in columns))
    for name in names:
        was = before.get(name, 0)
        numbers = [was, counts[name], was // 10] if given.compare else [ceiling.get(name, 0), counts[name]]
        print(f"{name:50}" + "".join(f"{number:8}" for number in numbers))
    above = [name for name in names if counts[name] > ceiling.get(name, 0)]
    if given.update:
        lowered = {name: min(counts[name], ceiling.get(name, counts[name])) for name in names}
        BASELINE.write_text(json.dumps({**stored, "ceiling": lowered}, indent=2) + "\n", encoding="utf-8")
    elif above and not given.compare:
        sys.exit("\n".join(f"more than before: {name}; see tools/prose.py --list '{name}'" for name in above))
    elif not given.compare and any(counts[name] < ceiling.get(name, 0) for name in names):
        print("Some counts have fallen: lower the baseline with tools/prose.py --update.")


if __name__ == "__main__":
    main()
