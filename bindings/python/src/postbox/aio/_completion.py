"""Operations of the library that an event loop awaits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from postbox._callbacks import callback
from postbox._native import NULL, check, ffi, lib, taken

Start = Callable[[Any, Any, Any], Any]
"""Starts an operation of the library with a callback, its data, and a place for the operation. Returns an error."""


class _Pending:
    """An operation that is awaited."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.done: asyncio.Future[Any] = loop.create_future()
        # The library has this handle until it reports the operation.
        self.handle = ffi.new_handle(self)

    def settle(self, error: Any, result: Any) -> None:
        """Receives the error and the result, on the thread of the event loop."""
        if self.done.cancelled():
            _free(error, result)
        elif error:
            self.done.set_exception(taken(error))
        else:
            self.done.set_result(ffi.gc(result, lib.postbox_result_free) if result else NULL)


_pending: set[_Pending] = set()


def _free(error: Any, result: Any) -> None:
    lib.postbox_error_free(error)
    lib.postbox_result_free(result)


@callback("void(void *, postbox_error *, postbox_result *)")  # type: ignore[untyped-decorator]
def _complete(data: Any, error: Any, result: Any) -> None:
    pending: _Pending = ffi.from_handle(data)
    _pending.discard(pending)
    try:
        pending.loop.call_soon_threadsafe(pending.settle, error, result)
    except RuntimeError:
        # The event loop is closed, so nobody awaits the result.
        _free(error, result)


async def awaited(start: Start) -> Any:
    """Starts an operation and awaits its result, which is NULL for an operation without one. If the task is cancelled, the
    operation is cancelled too, and the CancelledError is raised after the library has reported the end of the operation."""
    pending = _Pending(asyncio.get_running_loop())
    made = ffi.new("postbox_operation **")
    _pending.add(pending)
    error = start(_complete, pending.handle, made)
    if error:
        _pending.discard(pending)
    check(error)
    operation = ffi.gc(made[0], lib.postbox_operation_free)
    try:
        return await asyncio.shield(pending.done)
    except asyncio.CancelledError as cancelled:
        lib.postbox_operation_cancel(operation)
        failure = await _end_of(pending.done)
        raise cancelled from failure


async def _end_of(done: asyncio.Future[Any]) -> BaseException | None:
    """Waits for the end of an operation, even if the task is cancelled again. Returns the error of the operation."""
    while not done.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([done])
    return done.exception()
