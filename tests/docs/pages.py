#!/usr/bin/env python3
"""Checks the pages of the repository: relative links, and absolute ones into this repository, lead to files and headings that exist,
docs/README.md links every page under docs/, README.md has at most 150 lines, and the files and tests that pages name in backticks
exist."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 150
# The start of links on pages that are also shown elsewhere, such as those of packages.
HERE = "https://github.com/postbox-outbox/postbox/blob/main/"
FOLDERS = "(?:benches|bindings|docs|examples|include|src|tests|tools)"


def pages() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in sorted(listed.stdout.splitlines()) if (ROOT / name).is_file()]


def without_code(text: str) -> str:
    return re.sub(r"^(```+).*?^\1$", "", text, flags=re.S | re.M)


def anchors(page: Path) -> set[str]:
    """Returns the anchors that GitHub creates for the headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.*)$", without_code(page.read_text(encoding="utf-8")), re.M):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", text).replace(" ", "-"))
    return found


def links(page: Path) -> list[tuple[str, str]]:
    """Returns the links of a page into this repository, each as path and anchor."""
    text = re.sub(r"`[^`\n]*`", "", without_code(page.read_text(encoding="utf-8")))
    targets = [target.replace(HERE, f"{ROOT}/", 1) for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    return [tuple(target.partition("#")[::2]) for target in targets if not re.match(r"[a-z]+:", target)]


def missing_names(page: Path) -> list[str]:
    """Returns the files and tests that a page names in backticks and that do not exist: `tests/FILE` or `tests/FILE` (`TEST`, ...)."""
    found = []
    text = without_code(page.read_text(encoding="utf-8"))
    for path, names in re.findall(rf"`({FOLDERS}/[\w./-]+)`(?: \(((?:`\w+`(?:, )?)+)\))?", text):
        file = ROOT / path
        if not file.exists():
            found.append(f"{page.relative_to(ROOT)}: there is no {path}")
            continue
        for name in re.findall(r"\w+", names):
            if not re.search(rf"\bfn {name}\b", file.read_text(encoding="utf-8")):
                found.append(f"{page.relative_to(ROOT)}: {path} has no test {name}")
    return found


def problems() -> list[str]:
    found = []
    for page in pages():
        found += missing_names(page)
        name = page.relative_to(ROOT)
        for path, anchor in links(page):
            target = (page.parent / path).resolve() if path else page
            if not target.exists():
                found.append(f"{name}: the link {path} leads nowhere")
            elif anchor and anchor not in anchors(target):
                found.append(f"{name}: {path} has no heading #{anchor}")
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / path).resolve() for path, _ in links(index)}
    for page in sorted((ROOT / "docs").glob("*.md")):
        if page != index and page not in linked:
            found.append(f"docs/README.md does not link {page.name}")
    lines = len((ROOT / "README.md").read_text(encoding="utf-8").splitlines())
    if lines > MOST_LINES:
        found.append(f"README.md has {lines} lines; the limit is {MOST_LINES}")
    return found


if __name__ == "__main__":
    sys.exit("\n".join(problems()) or None)
