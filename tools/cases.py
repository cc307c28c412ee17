"""Writes bindings/cases.md, the tables of the test cases and of the functions of every binding, or with --check fails if it is
out of date. tools/functions.py finds the functions.

Each binding has a file with lines "key TAB file:test", which name the test of each case. The check also fails if a case
has no test, or if a test is not in the file that the line names.
"""

import re
import sys
from pathlib import Path

import functions

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "bindings" / "cases.md"

BINDINGS = {
    "C": "tests/c/cases.tsv",
    "C++": "bindings/cpp/cases.tsv",
    ".NET": "bindings/dotnet/cases.tsv",
    "Python": "bindings/python/cases.tsv",
}

CASES = {
    "happy-path": "A unit of work commits an item and a message; the message is cleared, sent and marked.",
    "rollback": "A unit that is rolled back or left by an exception writes and sends nothing.",
    "cancelled-with-reasons": "A failed condition cancels the transaction, and the error has a reason for each action that failed.",
    "duplicate": "If the message id already exists in the outbox, nothing is written, so that the command takes effect once.",
    "items": "Items with every type of DynamoDB are built, written and read without JSON text.",
    "trace-context": "A message gets the trace context of the thread or span that deposits it, unless it has its own.",
    "message-to-put": "Another client writes a message in its own transaction; a duplicate is recognised by its cancellation.",
    "limits": "An action over a limit (100 actions, 4 MB, 400 KB, one action per item) is rejected, and the unit is unchanged.",
    "null-and-invalid-text": "NULL, a NUL character in a string and invalid Unicode are clear errors.",
    "producer-throws": "An exception or error of a producer is a failed dispatch with its message.",
    "batch-producer": "A producer gets several messages in one call and sets a result for each; a message without one is unchanged.",
    "confirm-many": "Many messages are confirmed in one call, and a confirmation that is not recorded has a reason.",
    "by-id": "Many messages are read in one call; missing and malformed messages are reported; a message is deleted in one state.",
    "created-time": "The creation time of a message is set and read in units of 100 ns, and no digits are lost.",
    "bag": "The header bag has values of any JSON type, and numbers keep all their digits.",
    "selection": "Messages are listed and counted by age, with a maximum, and without given topics.",
    "operator": "Messages are counted by topic and by time of dispatch; leases, sweepers and the place of the table are shown.",
    "held-lease": "A program obtains, renews and releases a lease of its own; a lost lease is reported.",
    "callback-from-another-thread": "A producer is called on the thread that clears or sweeps.",
    "sweeper": "The sweeper is started, sends messages that were not cleared, and is stopped.",
    "sent-after-commit": "The sweeper sends a message at once that another client has committed, when it is named.",
    "started-operations": "An operation is started, and its result is received once, also when the client is closed before.",
    "use-after-close": "A call after close is an error.",
    "ten-thousand-handles": "Creating and freeing 10,000 handles leaks no memory.",
    "double-free": "Freeing a handle twice is documented as undefined in C, and impossible or harmless elsewhere.",
    "dispose-during-call": "If a client is closed while another thread is in a call, the call ends with a result or an error.",
    "cancel": "A producer cancels the call that called it: the rest stays outstanding, and the lease is given back.",
    "close-ends-calls": "A close ends a clear between two messages, and no producer is called after it.",
    "exit-with-sweeper-running": "The process ends cleanly with the sweeper running.",
}


def fail(text: str) -> None:
    sys.exit(f"cases: {text}")


def tests_of(binding: str, path: str) -> dict[str, str]:
    """Returns the tests of a binding by case, after checks."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    tests = dict(line.split("\t") for line in lines if line.strip())
    for key in CASES.keys() ^ tests.keys():
        fail(f"{path} lacks {key}" if key in CASES else f"{path}: there is no case {key}")
    for key, where in tests.items():
        file, _, name = where.rpartition(":")
        if not (ROOT / file).is_file():
            fail(f"{path}, {key}: there is no file {file}")
        if not name or not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", (ROOT / file).read_text(encoding="utf-8")):
            fail(f"{path}, {key}: {file} has no test {name!r}")
    return tests


def page() -> str:
    columns = {binding: tests_of(binding, path) for binding, path in BINDINGS.items()}
    rows = [["case", "what it means", *columns], ["---"] * (2 + len(columns))]
    for key, meaning in CASES.items():
        rows.append([f"`{key}`", meaning, *(cell(tests[key]) for tests in columns.values())])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"<!-- Generated by tools/cases.py. -->\n# What every binding is tested for\n\n{table}\n\n{names()}\n"


def names() -> str:
    """Returns the table of the names of each function, after checks."""
    rows, problems = functions.table()
    if problems:
        fail("\n".join(problems))
    header = [["C", *functions.LANGUAGES], ["---"] * (1 + len(functions.LANGUAGES))]
    table = "\n".join(f"| {' | '.join(row)} |" for row in header + rows)
    return f"## The functions in every language\n\n{table}"


def cell(where: str) -> str:
    file, _, name = where.rpartition(":")
    return f"[{name}](../{file})"


def main() -> None:
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        fail(f"{PAGE.relative_to(ROOT)} is out of date: run python3 tools/cases.py and commit it")


main()
