"""The process around the library: where its log messages go, and how the interpreter ends with Postboxes open."""

from __future__ import annotations

import atexit
import logging
import os
import time
import weakref
from typing import Any, Protocol

from postbox import _callbacks
from postbox._errors import ForkedError, PostboxError
from postbox._native import NULL, Handle, background_threads_ended, calls_with_callbacks, check, lib


class Closable(Handle, Protocol):
    """A Postbox, as far as the end of the interpreter is concerned."""

    def close(self) -> None: ...


_log = logging.getLogger("postbox")
_log.addHandler(logging.NullHandler())
_open: weakref.WeakSet[Closable] = weakref.WeakSet()
# The process that asked the library for its log, and what it gave it.
_logging_process: int | None = None
_log_handle: Any = None


def set_log_level(level: int) -> None:
    """Sends the library's messages from this level of the module logging on to the logger "postbox", and sets the level of
    that. Opening the first Postbox does it with the level that the logger has then.

    A message may come from any thread, the library's own included, which waits for it: a handler must not call Postbox.
    """
    global _logging_process, _log_handle
    _log.setLevel(level)
    _logging_process = os.getpid()
    known = [number for number, of_logging in _callbacks.LEVELS.items() if of_logging >= level]
    if not known:
        check(lib.postbox_set_log_callback(0, NULL, NULL, NULL))
        return
    _log_handle = _callbacks.keep(_log)
    check(lib.postbox_set_log_callback(max(known), _callbacks.log, _log_handle, _callbacks.release))


def opened(postbox: Closable) -> None:
    """Notes what has to be closed before the interpreter ends."""
    if _logging_process is None:
        set_log_level(_log.getEffectiveLevel())
    _open.add(postbox)


@atexit.register
def _end() -> None:
    """Stops everything that calls Python, before the interpreter ends: a thread that wants its lock after that is ended in
    the middle of the library's code, which aborts the process. A callback that has not returned is waited for, as the
    interpreter waits for its own threads."""
    boxes = list(_open)
    for postbox in boxes:
        try:
            postbox.close()
        except ForkedError:
            continue
        except PostboxError as error:
            _log.warning("at the end of the interpreter: %s", error)
    while os.getpid() in calls_with_callbacks or not all(background_threads_ended(postbox._pointer) for postbox in boxes):
        time.sleep(0.01)
    # The lock of the log may be held, in a forked child, by a thread that it does not have.
    if _logging_process == os.getpid():
        check(lib.postbox_set_log_callback(0, NULL, NULL, NULL))
        while _callbacks.is_kept(_log_handle):
            time.sleep(0.001)
