"""The logging of the library, and the end of an interpreter that has open Postboxes."""

from __future__ import annotations

import atexit
import logging
import os
import time
import weakref
from typing import Any, Protocol

from postbox import _callbacks
from postbox._errors import ForkedError, PostboxError
from postbox._native import NULL, Handle, background_threads_ended, calls_with_callbacks, check, ffi, lib


class Closable(Handle, Protocol):
    """An object that is closed when the interpreter exits."""

    def close(self) -> None: ...


_log = logging.getLogger("postbox")
_log.addHandler(logging.NullHandler())
_open: weakref.WeakSet[Closable] = weakref.WeakSet()
# The process that set the log callback of the library, and the handle that it passed.
_logging_process: int | None = None
_log_handle: Any = None


def set_log_level(level: int) -> None:
    """Sends the library's log messages from this level of the module logging upwards to the logger "postbox", and sets
    the level of this logger. Opening the first Postbox does the same with the current level of the logger.

    A message may come from any thread, even from the library's own thread, and the thread waits for the handler. A
    handler must not call Postbox.
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
    """Remembers a Postbox that must be closed before the interpreter ends."""
    if _logging_process is None:
        set_log_level(_log.getEffectiveLevel())
    _open.add(postbox)


@atexit.register
def _end() -> None:
    """Stops everything that calls Python before the interpreter ends. If a thread of the library requested the GIL
    later, the interpreter would end the thread in the middle of the library's code, which aborts the process. This
    function waits for callbacks that have not returned, as the interpreter waits for its own threads."""
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
    # The interpreter frees the callbacks before other objects that may refer to a Postbox, such as a handler of
    # logging. Freeing the Postbox after that would call freed callbacks, so the Postbox is left to the end of the
    # process.
    for postbox in boxes:
        ffi.gc(postbox._pointer, None)
    # In a forked child, a thread of the parent may hold the lock of the log forever.
    if _logging_process == os.getpid():
        check(lib.postbox_set_log_callback(0, NULL, NULL, NULL))
        while _callbacks.is_kept(_log_handle):
            time.sleep(0.001)
