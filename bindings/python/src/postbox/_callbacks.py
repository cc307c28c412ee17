"""Producers, archives and log messages: Python functions that the library calls.

No exception crosses into the library: an exception counts as a failure, with the text of the exception as the reason.
The objects of a callback are kept alive until the library releases it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from typing import Any, TypeAlias

from postbox._message import Message
from postbox._native import ffi, lib, this_thread

_log = logging.getLogger("postbox")


class SendOutcome(IntEnum):
    """The outcome of sending a message."""

    SENT = 0
    """The transport has the message. The message is marked dispatched. Returning None has the same meaning."""
    ACCEPTED = 1
    """The transport accepted the message. Call Postbox.confirm when the program knows whether the message was sent."""
    RETRY = 2
    """Sending failed, and may succeed at another time. An exception has the same meaning; its text is the reason."""
    REJECT = 3
    """The message can never be sent. It is parked immediately. Raising Reject(reason) has the same meaning."""
    UNAVAILABLE = 4
    """The transport cannot send any message at present. The message will be sent again. Raising Unavailable(reason) has the
    same meaning."""
    NOT_TRIED = 5
    """The message was not handed to the transport, for example because the producer was asked to stop. Nothing is written
    for it, and it stays outstanding."""


class Reject(Exception):
    """Raised by a producer if the message can never be sent as it is. The message is parked immediately."""


class Unavailable(Exception):
    """Raised by a producer if the transport cannot send any message at present. The message will be sent again."""


Producer: TypeAlias = Callable[[Message], "SendOutcome | None"]
"""Sends one message. It is called on the thread that clears or sweeps. Several threads may call it at the same time."""

SendResult: TypeAlias = SendOutcome | Exception | None
"""The result of one message of a batch, or of a confirmation: an outcome, None for a sent message, or an exception that
says why it was not sent: Reject, Unavailable, or any other one for a failed attempt."""

BatchProducer: TypeAlias = Callable[[Sequence[Message]], Iterable[SendResult]]
"""Sends messages, and returns or yields a result for each in order. It is called on the same threads as a Producer.

    def send(messages):
        for message in messages:
            if stopping.is_set():
                return
            yield postbox.SendOutcome.SENT if publish(message) else RuntimeError("the queue is full")

A message without a result was not tried: nothing is written for it, and it stays outstanding. If the function raises an
exception, the exception is the result of each message that has no result yet. A Reject concerns a single message, so a
Reject that the function raises counts as a failed attempt."""

Archive: TypeAlias = Callable[[Message], None]
"""Stores one message durably before the message is deleted from the outbox. If the function raises, the message is not
deleted."""

# The handles that the library has not released yet.
_kept: set[Any] = set()


def keep(callback: object) -> Any:
    """Keeps a callback alive, and returns the pointer that the library passes to each call of the callback."""
    handle = ffi.new_handle(callback)
    _kept.add(handle)
    return handle


@ffi.callback("void(void *)")  # type: ignore[untyped-decorator]
def release(data: Any) -> None:
    """Frees a callback that the library will not call again."""
    _kept.discard(data)


def drop(data: Any) -> None:
    """Frees a callback that the library did not accept."""
    _kept.discard(data)


def is_kept(data: Any) -> bool:
    """Returns whether the library may still call the callback."""
    return data in _kept


def _said(error: BaseException) -> str:
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:
        return name
    if isinstance(error, (Reject, Unavailable)):
        return text
    return f"{name}: {text}" if text else name


def lossy(text: str) -> bytes:
    """Encodes a reason for C. A reason is never rejected, so characters that C cannot represent are replaced."""
    return text.encode(errors="replace").replace(b"\0", b" ")


def outcome_of(result: object) -> tuple[SendOutcome, str]:
    """Returns the outcome and the reason of a result. Raises TypeError for an object that is no SendResult."""
    if result is None:
        return SendOutcome.SENT, ""
    if isinstance(result, SendOutcome):
        return result, ""
    if isinstance(result, BaseException):
        kinds = {Reject: SendOutcome.REJECT, Unavailable: SendOutcome.UNAVAILABLE}
        return next((kinds[kind] for kind in kinds if isinstance(result, kind)), SendOutcome.RETRY), _said(result)
    raise TypeError(f"a result must be None, a SendOutcome or an exception, not {type(result).__name__}")


def _write(text: str, reason: Any, size: int) -> None:
    content = lossy(text)[: size - 1]
    ffi.memmove(reason, content + b"\0", len(content) + 1)


def _note_interruption(error: BaseException | None) -> None:
    """Remembers a Ctrl-C or sys.exit in a producer, so that it is raised in the caller when the call returns."""
    if error is not None and not isinstance(error, Exception):
        this_thread.interruption = error


def _on_error(_kind: object, error: BaseException | None, _traceback: object) -> None:
    _note_interruption(error)


# Without `error`, cffi returns 0 for a function that raises, and 0 means success. An interruption of the code around
# the callback would then lose the message.
def _callback(of_failure: int) -> Any:
    signature = "int32_t(void *, const postbox_message *, char *, size_t)"
    return ffi.callback(signature, error=of_failure, onerror=_on_error)


def _run(callback: Callable[[Message], object], pointer: Any, reason: Any, size: int) -> object:
    """Returns the result of the callback, or writes the exception that it raised to `reason`."""
    message = Message._of(pointer)
    this_thread.callbacks += 1
    try:
        return callback(message)
    except BaseException as error:
        _note_interruption(error)
        _write(_said(error), reason, size)
        return error
    finally:
        this_thread.callbacks -= 1
        message._take_back()


@_callback(of_failure=SendOutcome.RETRY)  # type: ignore[untyped-decorator]
def send(data: Any, pointer: Any, reason: Any, size: int) -> int:
    """Calls a producer."""
    outcome = _run(ffi.from_handle(data), pointer, reason, size)
    if outcome is None:
        return SendOutcome.SENT
    if isinstance(outcome, SendOutcome):
        return outcome
    if isinstance(outcome, BaseException):
        return outcome_of(outcome)[0]
    # Taking any value for a success would lose messages of a producer that returns False.
    _write(f"the producer returned a {type(outcome).__name__}: it must return None or a SendOutcome", reason, size)
    return SendOutcome.RETRY


@ffi.callback(  # type: ignore[untyped-decorator]
    "void(void *, const postbox_message *const *, size_t, postbox_send_results *)", onerror=_on_error
)
def send_batch(data: Any, pointers: Any, count: int, results: Any) -> None:
    """Calls a batch producer. Messages without a result were not tried, even if these lines are interrupted."""
    messages = [Message._of(pointers[index]) for index in range(count)]
    done = 0
    this_thread.callbacks += 1
    try:
        returned = ffi.from_handle(data)(messages)
        if not isinstance(returned, Iterable):
            raise TypeError(f"the producer returned a {type(returned).__name__}: it must return a result for each message")
        for result in returned:
            _set_result(results, done, result)
            done += 1
    except BaseException as error:
        _note_interruption(error)
        outcome = SendOutcome.UNAVAILABLE if isinstance(error, Unavailable) else SendOutcome.RETRY
        for index in range(done, count):
            lib.postbox_send_results_set(results, index, outcome, lossy(_said(error)))
    finally:
        this_thread.callbacks -= 1
        for message in messages:
            message._take_back()


def _set_result(results: Any, index: int, result: object) -> None:
    try:
        outcome, reason = outcome_of(result)
    except TypeError as error:
        # Taking any value for a success would lose messages of a producer that returns False.
        outcome, reason = SendOutcome.RETRY, str(error)
    lib.postbox_send_results_set(results, index, outcome, lossy(reason))


@_callback(of_failure=1)  # type: ignore[untyped-decorator]
def archive(data: Any, pointer: Any, reason: Any, size: int) -> int:
    """Calls an archive."""
    return 1 if isinstance(_run(ffi.from_handle(data), pointer, reason, size), BaseException) else 0


# The level of the module logging for each level of the library.
LEVELS = {
    lib.POSTBOX_LOG_ERROR: logging.ERROR,
    lib.POSTBOX_LOG_WARN: logging.WARNING,
    lib.POSTBOX_LOG_INFO: logging.INFO,
    lib.POSTBOX_LOG_DEBUG: logging.DEBUG,
    lib.POSTBOX_LOG_TRACE: 5,
}


@ffi.callback("void(void *, int32_t, const char *)")  # type: ignore[untyped-decorator]
def log(_data: Any, level: int, text: Any) -> None:
    """Hands a log message to logging."""
    this_thread.callbacks += 1
    try:
        # An exception in a handler is passed to sys.unraisablehook.
        _log.log(LEVELS.get(level, logging.ERROR), "%s", ffi.string(text).decode())
    finally:
        this_thread.callbacks -= 1
