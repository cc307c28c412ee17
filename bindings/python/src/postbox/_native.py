"""Loads the C library, and converts arguments and results.

The package calls the library through cffi in ABI mode. ctypes would need no dependency, but all functions would have to be
declared a second time by hand, where a mistake is a crash. cffi reads the C header itself when the wheel is built
(build_header.py), and checks every argument against it. A call costs about the same. Installation needs no compiler, and
one wheel serves every Python 3 of a platform. cffi releases the GIL during every call.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from postbox._errors import (
    ClosedError,
    DatabaseError,
    DuplicateMessageError,
    ErrorCode,
    ForkedError,
    IncompleteError,
    InternalError,
    InvalidInputError,
    LimitExceededError,
    NoResourcesError,
    OutboxLimitReachedError,
    OutcomeUnknownError,
    PostboxError,
    Reason,
    TableError,
    TransactionCanceledError,
    UsageError,
)
from postbox._header import ffi as _ffi
from postbox._text import utf8

# cffi has no type stubs for the declarations of a header.
ffi: Any = _ffi
NULL: Any = ffi.NULL
lib: Any = ffi.dlopen(str(Path(__file__).with_name("libpostbox.so")))


class Handle(Protocol):
    """An object that holds a handle of the library."""

    _pointer: Any


def text_of(pointer: Any) -> str:
    """Copies a string of the library."""
    text: str = ffi.string(pointer).decode()
    return text


def optional_text_of(pointer: Any) -> str | None:
    """Copies a string of the library, or returns None for NULL."""
    return text_of(pointer) if pointer else None


def library_version() -> str:
    """Returns the version of the library in this package."""
    return text_of(lib.postbox_version())


def _check_interpreter() -> None:
    # The package relies on the GIL where it keeps callbacks alive.
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        raise ImportError("Postbox does not support Python without the GIL: start it with PYTHON_GIL=1")


def _check_version() -> None:
    major, minor, patch = (int(part) for part in library_version().split("-")[0].split("."))
    needed = (lib.POSTBOX_VERSION_MAJOR, lib.POSTBOX_VERSION_MINOR, lib.POSTBOX_VERSION_PATCH)
    if (major, minor) != needed[:2] or patch < needed[2]:
        wanted = ".".join(map(str, needed))
        raise ImportError(f"the Postbox library is {library_version()}, but this package needs {wanted}: reinstall it")


_check_interpreter()
_check_version()


def optional_utf8(value: str | None, what: str) -> Any:
    """Encodes an optional string for C."""
    return NULL if value is None else utf8(value, what)


def texts(values: Iterable[str], what: str) -> tuple[Any, list[Any]]:
    """Returns an array of strings for C, and the objects that keep its memory alive."""
    kept = [ffi.new("char[]", utf8(value, what)) for value in values]
    return ffi.new("char *[]", kept), kept


def _reason(error: Any, number: int) -> Reason:
    return Reason(
        index=lib.postbox_error_reason_index(error, number),
        subject=text_of(lib.postbox_error_reason_subject(error, number)),
        code=text_of(lib.postbox_error_reason_code(error, number)),
        message=text_of(lib.postbox_error_reason_message(error, number)),
        item_json=optional_text_of(lib.postbox_error_reason_item(error, number)),
    )


_CLASSES: dict[ErrorCode, type[PostboxError]] = {
    ErrorCode.TRANSACTION_CANCELED: TransactionCanceledError,
    ErrorCode.DUPLICATE_MESSAGE: DuplicateMessageError,
    ErrorCode.OUTCOME_UNKNOWN: OutcomeUnknownError,
    ErrorCode.OUTBOX_LIMIT_REACHED: OutboxLimitReachedError,
    ErrorCode.UNIT_OF_WORK_CLOSED: ClosedError,
    ErrorCode.CLOSED: ClosedError,
    ErrorCode.FORKED: ForkedError,
    ErrorCode.TABLE_NOT_FOUND: TableError,
    ErrorCode.INVALID_TABLE: TableError,
    ErrorCode.CANCELED: DatabaseError,
    ErrorCode.INTERNAL: InternalError,
}
# The exception of each group of codes. The group is the code without its last digit.
_GROUPS: dict[int, type[PostboxError]] = {
    0: InvalidInputError,
    2: LimitExceededError,
    3: UsageError,
    5: IncompleteError,
    6: DatabaseError,
    7: NoResourcesError,
}


def error_of(code: int, message: str, retryable: bool, reasons: Sequence[Reason]) -> PostboxError:
    """Returns the exception for an error of the library."""
    known = ErrorCode(code)
    kind = _CLASSES.get(known) or _GROUPS.get(known // 10, InternalError)
    return kind(known, message, retryable, reasons)


class _Thread(threading.local):
    """The state of this thread."""

    token: Any = None
    """The token of the innermost call that may run callbacks, or None on a thread of the library."""
    interruption: BaseException | None = None
    """An exception such as KeyboardInterrupt that was raised in a callback, for the call that runs the callback."""


this_thread = _Thread()


def check(error: Any) -> None:
    """Raises the error that a call returned, if any. Every call may log, and thereby run a handler of the program: if a
    callback was interrupted (Ctrl-C, sys.exit), raises that exception instead."""
    interruption = this_thread.interruption
    if interruption is not None:
        this_thread.interruption = None
        if error:
            lib.postbox_error_free(error)
        raise interruption
    if error:
        raise taken(error)


def taken(error: Any) -> PostboxError:
    """Frees an error of the library and returns it as an exception."""
    error = ffi.gc(error, lib.postbox_error_free)
    return error_of(
        lib.postbox_error_code(error),
        text_of(lib.postbox_error_message(error)),
        lib.postbox_error_is_retryable(error),
        [_reason(error, number) for number in range(lib.postbox_error_reason_count(error))],
    )
