"""Producers, archives and log messages: Python functions that the library calls.

No exception crosses into the library: an exception counts as a failure, with the text of the exception as the reason. An
interruption is an exception such as KeyboardInterrupt or SystemExit, which is not an Exception. It ends the call that runs
the callback, and the call raises it. The objects of a callback are kept alive until the library releases it.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterable, Sequence
from enum import IntEnum
from typing import Any, TypeAlias

from postbox._calls import callback_codes, has_caller, interrupt_call
from postbox._message import Message
from postbox._native import ffi, lib


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
"""Stores one message durably before the message is deleted from the outbox. If the function raises or returns another value
than None, the message is not deleted."""


def _interrupted(error: BaseException | None) -> bool:
    """If the exception interrupts the call that runs a producer or an archive, ends the call early. On a thread of the
    library, nobody waits for the exception, which is a failure there."""
    if error is None or isinstance(error, Exception) or not has_caller():
        return False
    interrupt_call(error)
    return True


def _on_error(_kind: object, error: BaseException | None, _traceback: object) -> int | None:
    """Returns the result of a function that raised, or None for its `of_failure`."""
    return SendOutcome.NOT_TRIED if _interrupted(error) else None


def _on_error_of_batch(_kind: object, error: BaseException | None, _traceback: object) -> None:
    _interrupted(error)


def _on_error_of_log(_kind: object, error: BaseException | None, _traceback: object) -> None:
    """Handles an exception of a handler of logging. Any call may log, so this thread may be in a call without a token."""
    is_in_call = sys._getframe().f_back is not None
    if is_in_call and error is not None and not isinstance(error, Exception):
        interrupt_call(error)
    elif logging.raiseExceptions and sys.stderr:
        # The same as for an exception in Handler.emit.
        traceback.print_exception(error)


def callback(signature: str, on_error: Any = _on_error, of_failure: int | None = None) -> Any:
    """Declares a function that the library calls. Without `of_failure`, cffi would return 0 for a function that raises, and
    0 means success, so that an exception of the code around a producer would lose the message."""

    def declare(function: Any) -> Any:
        callback_codes.add(function.__code__)
        return ffi.callback(signature, function, error=of_failure, onerror=on_error)

    return declare


# The handles that the library has not released yet.
_kept: set[Any] = set()


def keep(callback: object) -> Any:
    """Keeps a callback alive, and returns the pointer that the library passes to each call of the callback."""
    handle = ffi.new_handle(callback)
    _kept.add(handle)
    return handle


@callback("void(void *)", _on_error_of_log)  # type: ignore[untyped-decorator]
def release(data: Any) -> None:
    """Frees a callback that the library will not call again."""
    _kept.discard(data)


def drop(data: Any) -> None:
    """Frees a callback that the library did not accept."""
    _kept.discard(data)


def is_kept(data: Any) -> bool:
    """Returns whether the library may still call the callback."""
    return data in _kept


def said(error: BaseException) -> str:
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


def _rejected(result: object, wanted: str) -> str:
    """Returns the reason for a failure because of a result of the wrong type. Taking any value for a success would lose
    messages of a producer that returns False, or of a function that was not awaited."""
    kind = type(result).__name__
    if not isinstance(result, Coroutine):
        return f"{wanted}, not {kind}"
    # Without this, Python would warn that the coroutine was never awaited.
    result.close()
    return f"{wanted}, not {kind}: Postbox does not await an async function, so nothing was done"


_SEND_RESULT_IS = "a result must be None, a SendOutcome or an exception"


def _known_outcome(result: object) -> tuple[SendOutcome, str] | None:
    if result is None:
        return SendOutcome.SENT, ""
    if isinstance(result, SendOutcome):
        return result, ""
    if isinstance(result, BaseException):
        kinds = {Reject: SendOutcome.REJECT, Unavailable: SendOutcome.UNAVAILABLE}
        return next((kinds[kind] for kind in kinds if isinstance(result, kind)), SendOutcome.RETRY), said(result)
    return None


def outcome_of(result: object) -> tuple[SendOutcome, str]:
    """Returns the outcome and the reason of a result. Raises TypeError for an object that is no SendResult."""
    known = _known_outcome(result)
    if known is None:
        raise TypeError(_rejected(result, _SEND_RESULT_IS))
    return known


def _write(text: str, reason: Any, size: int) -> None:
    content = lossy(text)[: size - 1]
    ffi.memmove(reason, content + b"\0", len(content) + 1)


def _lend(messages: Sequence[Message], use: Callable[[], object]) -> object:
    """Calls a function that uses messages of the library. The messages are unusable afterwards."""
    try:
        try:
            return use()
        finally:
            _take_back(messages)
    finally:
        # A signal handler may have raised an exception before the messages were taken back.
        _take_back(messages)


def _take_back(messages: Sequence[Message]) -> None:
    for message in messages:
        message._take_back()


_ONE = "int32_t(void *, const postbox_message *, char *, size_t)"
_MANY = "void(void *, const postbox_message *const *, size_t, postbox_send_results *)"


def _run(data: Any, pointer: Any) -> object:
    """Returns the result of a producer or archive, or the exception that it raised."""
    try:
        message = Message._of(pointer)
        return _lend([message], lambda: ffi.from_handle(data)(message))
    except BaseException as error:
        return error


@callback(_ONE, of_failure=SendOutcome.RETRY)  # type: ignore[untyped-decorator]
def send(data: Any, pointer: Any, reason: Any, size: int) -> int:
    """Calls a producer."""
    result = _run(data, pointer)
    if isinstance(result, BaseException) and _interrupted(result):
        return SendOutcome.NOT_TRIED
    outcome, why = _outcome_or_failure(result, "a producer must return None or a SendOutcome")
    _write(why, reason, size)
    return outcome


@callback(_MANY, _on_error_of_batch)  # type: ignore[untyped-decorator]
def send_batch(data: Any, pointers: Any, count: int, results: Any) -> None:
    """Calls a batch producer. Messages without a result were not tried, even if these lines are interrupted."""
    messages = [Message._of(pointers[index]) for index in range(count)]
    done = 0

    def send_all() -> None:
        nonlocal done
        returned = ffi.from_handle(data)(messages)
        if not isinstance(returned, Iterable):
            raise TypeError(_rejected(returned, "a batch producer must return a result for each message"))
        for result in returned:
            outcome, why = _outcome_or_failure(result)
            lib.postbox_send_results_set(results, done, outcome, lossy(why))
            done += 1

    try:
        _lend(messages, send_all)
    except BaseException as error:
        if _interrupted(error):
            return
        outcome = SendOutcome.UNAVAILABLE if isinstance(error, Unavailable) else SendOutcome.RETRY
        for index in range(done, count):
            lib.postbox_send_results_set(results, index, outcome, lossy(said(error)))


def _outcome_or_failure(result: object, wanted: str = _SEND_RESULT_IS) -> tuple[SendOutcome, str]:
    """Returns the outcome and the reason of a result. An object that is no SendResult is a failure."""
    outcome = _known_outcome(result)
    return outcome or (SendOutcome.RETRY, _rejected(result, wanted))


@callback(_ONE, of_failure=1)  # type: ignore[untyped-decorator]
def archive(data: Any, pointer: Any, reason: Any, size: int) -> int:
    """Calls an archive."""
    result = _run(data, pointer)
    if result is None:
        return 0
    if isinstance(result, BaseException):
        _interrupted(result)
        _write(said(result), reason, size)
    else:
        _write(_rejected(result, "an archive must return None"), reason, size)
    return 1


# The level of the module logging for each level of the library.
LEVELS = {
    lib.POSTBOX_LOG_ERROR: logging.ERROR,
    lib.POSTBOX_LOG_WARN: logging.WARNING,
    lib.POSTBOX_LOG_INFO: logging.INFO,
    lib.POSTBOX_LOG_DEBUG: logging.DEBUG,
    lib.POSTBOX_LOG_TRACE: 5,
}


def level_of(level: int) -> int | None:
    """Returns the least severe level of the library from this level of logging upwards, or None for no level."""
    return max((number for number, of_logging in LEVELS.items() if of_logging >= level), default=None)


@callback("void(void *, int32_t, const char *)", _on_error_of_log)  # type: ignore[untyped-decorator]
def log(data: Any, level: int, text: Any) -> None:
    """Hands a log message to a logger of logging."""
    ffi.from_handle(data).log(LEVELS.get(level, logging.ERROR), "%s", ffi.string(text).decode())
