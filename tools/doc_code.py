#!/usr/bin/env python3
#!/usr/bin/env python3
"""Prints the code blocks of one language of a page, in order.

    tools/doc_code.py PAGE LANGUAGE >FILE
"""

import sys


def blocks(lines, language):
    """Returns the lines of all blocks between ```language and ```, as one text."""
    inside = False
    for line in lines:
        if inside and line.rstrip() == "```":
            inside = False
            yield "\n"
        elif inside:
            yield line
        elif line.rstrip() == "```" + language:
            inside = True


def main():
    page, language = sys.argv[1:]
    with open(page, encoding="utf-8") as lines:
        code = "".join(blocks(lines, language)).rstrip()
    if not code:
        sys.exit(f"{page} has no block of the language {language}")
    print(code)


if __name__ == "__main__":
    main()
