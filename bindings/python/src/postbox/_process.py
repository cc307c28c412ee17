"""The logging of the library, and the end of an interpreter that has open Postboxes."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any, NoReturn, Protocol

from postbox import _callbacks
from postbox._calls import other_threads_may_run_callbacks, threads_ended
from postbox._errors import ErrorCode, ForkedError, PostboxError, UsageError
from postbox._native import NULL, Handle, check, ffi, lib


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
    the level of this logger. Opening the first Postbox does the same with the current level of the logger. The messages of
    a Postbox with a logger of its own (see Config.logger) are not included.

    A message may come from any thread, even from the library's own thread, and the thread waits for the handler. A
    handler must not call Postbox.
    """
    global _logging_process, _log_handle
    _log.setLevel(level)
    _logging_process = os.getpid()
    wanted = _callbacks.level_of(level)
    if wanted is None:
        check(lib.postbox_set_log_callback(0, NULL, NULL, NULL))
        return
    handle = _callbacks.keep(_log)
    error = lib.postbox_set_log_callback(wanted, _callbacks.log, handle, _callbacks.release)
    if error:
        # The end of the interpreter waits for the release of the handle.
        _callbacks.drop(handle)
    else:
        _log_handle = handle
    check(error)


# Held while a Postbox is opened, so that the end of the interpreter finds it.
_opening = threading.RLock()
_is_ending = False


def _after_fork() -> None:
    # A thread of the parent may have held the lock.
    global _opening
    _opening = threading.RLock()


os.register_at_fork(after_in_child=_after_fork)


@contextlib.contextmanager
def opening(postbox: Closable) -> Iterator[None]:
    """Remembers a Postbox that is opened in the block, since it must be closed before the interpreter ends. Raises UsageError
    at the end of the interpreter, when daemon threads still run."""
    with _opening:
        if _is_ending:
            raise UsageError(ErrorCode.CLOSED, "the interpreter is ending: no Postbox can be opened")
        _open.add(postbox)
        yield
    if _logging_process is None:
        set_log_level(_log.getEffectiveLevel())


@atexit.register
def _end() -> None:
    """Stops everything that calls Python before the interpreter ends. If a thread of the library requested the GIL
    later, the interpreter would end the thread in the middle of the library's code, which aborts the process. This
    function waits for callbacks that have not returned, as the interpreter waits for its own threads."""
    global _is_ending
    with _opening:
        _is_ending = True
        boxes = [box for box in _open if box._pointer]
    try:
        _close_all(boxes)
        while other_threads_may_run_callbacks() or not all(threads_ended(box._pointer) for box in boxes):
            time.sleep(0.01)
    except (KeyboardInterrupt, SystemExit) as interruption:
        _exit_now(interruption)
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


def _close_all(boxes: list[Closable]) -> None:
    """Closes every Postbox at the same time, so that the waits for producers that do not return do not add up."""
    threads = []
    for postbox in boxes[1:]:
        thread = threading.Thread(target=_close, args=(postbox,), name="postbox-close", daemon=True)
        try:
            thread.start()
            threads.append(thread)
        except RuntimeError:
            # Python 3.12.0 and 3.12.1 start no thread while the interpreter ends.
            _close(postbox)
    for postbox in boxes[:1]:
        _close(postbox)
    for thread in threads:
        thread.join()


def _close(postbox: Closable) -> None:
    try:
        postbox.close()
    except ForkedError:
        pass
    except PostboxError as error:
        _log.warning("at the end of the interpreter: %s", error)


def _exit_now(interruption: BaseException) -> NoReturn:
    """Ends the process without waiting for callbacks. A signal handler that raises at the end of the interpreter, such as
    that of Ctrl-C, requests this. The interpreter itself cannot end while a callback runs."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    code = interruption.code if isinstance(interruption, SystemExit) else 128 + signal.SIGINT
    os._exit(code if isinstance(code, int) else int(code is not None))
