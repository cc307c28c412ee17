"""Calls that may run callbacks: how they are canceled and interrupted, and on which threads they run."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from postbox._native import NULL, check, ffi, lib, this_thread


def _new_token() -> Any:
    made = ffi.new("postbox_cancel_token **")
    check(lib.postbox_cancel_token_new(made))
    return ffi.gc(made[0], lib.postbox_cancel_token_free)


class CancelToken:
    """A request to stop running calls early.

    cancel = postbox.CancelToken()
    threading.Thread(target=box.sweep, kwargs={"cancel": cancel}).start()
    cancel.cancel()

    The calls that use the token finish their current calls to producers and archives, mark the messages that were sent,
    give back their leases, and return without an error. Any number of calls may use one token.
    """

    def __init__(self) -> None:
        self._pointer = _new_token()
        # Each call has its own token in the library, so that an interruption ends only the interrupted call.
        self._tokens: set[Any] = set()

    def cancel(self) -> None:
        """Cancels the token. This cannot be undone. Any thread may call this method, also in a producer, an archive or a
        signal handler."""
        # There is no lock, because a signal handler may interrupt any method of this class. A call that is not in the
        # set yet finds that this token is canceled.
        lib.postbox_cancel_token_cancel(self._pointer)
        for token in list(self._tokens):
            lib.postbox_cancel_token_cancel(token)

    def is_canceled(self) -> bool:
        """Returns whether the token was canceled."""
        return bool(lib.postbox_cancel_token_is_canceled(self._pointer))

    def _enter(self, token: Any) -> None:
        self._tokens.add(token)
        if self.is_canceled():
            lib.postbox_cancel_token_cancel(token)

    def _leave(self, token: Any) -> None:
        self._tokens.discard(token)


# The process and the thread of each call that may run callbacks, and the token or the Postbox of the call. A forked child inherits the calls of its parent in
# this set, but not the threads that run them.
_running: set[tuple[int, int, Any]] = set()


def call_with_callbacks(function: Callable[[Any], Any], cancel: CancelToken | None = None) -> None:
    """Calls a function that may run callbacks, with a token that an interruption of a callback cancels, and raises the
    error or the interruption."""
    token, outer = _new_token(), this_thread.token
    call = (os.getpid(), threading.get_ident(), token)
    check(lib.postbox_cancel_token_on_wait(token, _waits, NULL, NULL))
    try:
        try:
            _running.add(call)
            this_thread.token = token
            if cancel is not None:
                cancel._enter(token)
            error = function(token)
        finally:
            _running.discard(call)
            this_thread.token = outer
            if cancel is not None:
                cancel._leave(token)
    finally:
        # A signal handler may have raised an exception before the call was removed.
        _running.discard(call)
    check(error)


def has_caller() -> bool:
    """Returns whether a call of the program runs the current producer or archive. A thread of the library has none."""
    return this_thread.token is not None


def interrupt_call(interruption: BaseException) -> None:
    """Ends the innermost call on this thread early, and lets it raise this exception."""
    this_thread.interruption = interruption
    if this_thread.token is not None:
        lib.postbox_cancel_token_cancel(this_thread.token)


def _on_error_of_wait(_kind: object, error: BaseException | None, _traceback: object) -> None:
    if error is not None:
        interrupt_call(error)


@ffi.callback("void(void *)", onerror=_on_error_of_wait)  # type: ignore[untyped-decorator]
def _waits(_data: Any) -> None:
    """Lets Python run its signal handlers while a sweep waits for its other threads. A handler that raises, such as that of
    Ctrl-C, raises here."""


callback_codes: set[CodeType] = set()
"""The code of the functions that the library calls."""


def _is_in_callback() -> bool:
    # The stack shows the callbacks of this thread. An exception of a signal handler could leave a counter wrong.
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code in callback_codes:
            return True
        frame = frame.f_back
    return False


def other_threads_may_run_callbacks() -> bool:
    """Returns whether a call that may run callbacks is in progress on another thread of the interpreter."""
    # The stacks of other threads are not read: Python 3.11 can crash when a program does so.
    here = (os.getpid(), threading.get_ident())
    return any(process == here[0] and thread != here[1] for process, thread, _ in list(_running))


def background_threads_ended(pointer: Any) -> bool:
    """Stops the sweeper and the archiver of a Postbox. Returns whether both have left their callbacks."""
    return all(_has_ended(stop(pointer)) for stop in (lib.postbox_stop_sweeper, lib.postbox_stop_archiver))


def threads_ended(pointer: Any) -> bool:
    """Closes a Postbox. Returns whether no thread of the library calls Python for it any more. The thread that runs the
    requests calls a logger."""
    return background_threads_ended(pointer) and _has_ended(lib.postbox_close_within(pointer, 0))


def _has_ended(error: Any) -> bool:
    """Frees the error of a function that stops threads, and returns whether the threads have ended."""
    waiting = error and lib.postbox_error_code(error) in (lib.POSTBOX_ERROR_TIMEOUT, lib.POSTBOX_ERROR_REENTRANT_CALL)
    lib.postbox_error_free(error)
    return not waiting


def free_postbox(pointer: Any) -> None:
    """Frees an open Postbox that the garbage collector found. Uses another thread if this thread runs a callback, or if a
    callback of a background thread has not returned. The interpreter waits for that thread before it ends, and also for
    this function, which releases the callbacks of the Postbox on a thread that may be a daemon."""
    call = (os.getpid(), threading.get_ident(), pointer)
    try:
        _running.add(call)
        if _is_in_callback() or not background_threads_ended(pointer):
            threading.Thread(target=_free_when_ended, args=(pointer,), name="postbox-free").start()
        else:
            lib.postbox_free(pointer)
    finally:
        _running.discard(call)


def _free_when_ended(pointer: Any) -> None:
    while not background_threads_ended(pointer):
        time.sleep(0.01)
    lib.postbox_free(pointer)
