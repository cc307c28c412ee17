"""The process around the library: where its log messages go, and how the interpreter ends with Postboxes open."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import weakref
from typing import TYPE_CHECKING

from postbox import _callbacks
from postbox._errors import PostboxError
from postbox._native import NULL, check, lib

if TYPE_CHECKING:
    from postbox._postbox import Postbox

_log = logging.getLogger("postbox")
_log.addHandler(logging.NullHandler())
_open: weakref.WeakSet[Postbox] = weakref.WeakSet()
_logging_since: int | None = None


def set_log_level(level: int) -> None:
    """Sends the library's messages from this level of the module logging on to the logger "postbox", and sets the level of
    that. Opening the first Postbox does it with the level that the logger has then.

    A message may come from any thread, the library's own included, which waits for it: a handler must not call Postbox.
    """
    global _logging_since
    _log.setLevel(level)
    known = [number for number, of_logging in _callbacks.LEVELS.items() if of_logging >= level]
    if known:
        check(lib.postbox_log_set(max(known), _callbacks.log, NULL, NULL))
    else:
        check(lib.postbox_log_set(0, NULL, NULL, NULL))
    _logging_since = os.getpid()


def opened(postbox: Postbox) -> None:
    """Notes what has to be closed before the interpreter ends."""
    if _logging_since is None:
        set_log_level(_log.getEffectiveLevel())
    _open.add(postbox)


@atexit.register
def _close_all() -> None:
    """A thread of the library's that calls Python after its end would crash: stop them all before."""
    for postbox in list(_open):
        try:
            postbox.close()
        except PostboxError as error:
            # In a forked child there is nothing to stop.
            if error.code.name != "FORKED":
                _log.warning("at the end of the interpreter: %s", error)
    # The locks of a forked child may be held by threads that it does not have.
    if _logging_since == os.getpid():
        with contextlib.suppress(PostboxError):
            check(lib.postbox_log_set(0, NULL, NULL, NULL))
