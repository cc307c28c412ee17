"""Prints the fenced code blocks of one language on a page, one after the other: doc_code.py PAGE LANGUAGE."""

import re
import sys


def main(page: str, language: str) -> None:
    with open(page, encoding="utf-8") as file:
        text = file.read()
    blocks = re.findall(rf"^```{re.escape(language)}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    if not blocks:
        sys.exit(f"{page} has no block of {language}")
    print("\n".join(block.rstrip("\n") for block in blocks))


main(*sys.argv[1:])
