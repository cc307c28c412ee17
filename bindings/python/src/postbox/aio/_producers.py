"""Coroutine functions that send messages.

The library calls a producer on one of its threads, and is told that the message was accepted. A task of the event loop then
runs the coroutine function, and its result is confirmed. No thread waits for the task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeAlias

from postbox._callbacks import SendOutcome, SendResult, Unavailable, lossy, outcome_of, said
from postbox._errors import PostboxError
from postbox._message import Message
from postbox._native import NULL, check, ffi, lib
from postbox._results import Dispatch, Outcome
from postbox._text import utf8
from postbox.aio._completion import awaited

Producer: TypeAlias = Callable[[Message], "Awaitable[SendOutcome | None]"]
"""Sends one message. It is a coroutine function, which the event loop runs. If the task is cancelled, the message was not
tried, and stays outstanding."""

BatchProducer: TypeAlias = Callable[[Sequence[Message]], "Awaitable[Iterable[SendResult]]"]
"""Sends messages, and returns a result for each in order. It is a coroutine function, which the event loop runs."""

_Key = tuple[str, str]

_OUTCOMES = {
    SendOutcome.SENT: Outcome.DISPATCHED,
    SendOutcome.ACCEPTED: Outcome.ACCEPTED,
    SendOutcome.RETRY: Outcome.FAILED,
    SendOutcome.UNAVAILABLE: Outcome.FAILED,
    SendOutcome.REJECT: Outcome.REJECTED,
    SendOutcome.NOT_TRIED: Outcome.SKIPPED,
}


def _key_of(message: Message) -> _Key | None:
    key = message["partition_key"]
    return (message.topic, key) if key else None


class Sending:
    """The messages that coroutine functions are sending."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._postbox: Any = None
        self._is_closing = False
        self._tasks: set[asyncio.Task[None]] = set()
        # The messages by id, until their results are confirmed.
        self._messages: dict[str, asyncio.Future[Dispatch]] = {}
        # The last message of each key that is being sent.
        self._last: dict[_Key, asyncio.Future[Dispatch]] = {}

    def begin(self, pointer: Any) -> None:
        """Sets the handle of the Postbox, which calls the producers."""
        self._postbox = pointer

    def one(self, send: Producer) -> Callable[[Message], SendOutcome]:
        """Returns the producer for the library that starts a coroutine function for a message."""

        async def send_all(messages: Sequence[Message]) -> Iterable[SendResult]:
            return [await send(messages[0])]

        return lambda message: self._accept([message], send_all)

    def many(self, send: BatchProducer) -> Callable[[Sequence[Message]], list[SendResult]]:
        """Returns the batch producer for the library that starts a coroutine function for its messages."""
        return lambda messages: [self._accept(messages, send)] * len(messages)

    def _accept(self, messages: Sequence[Message], send: BatchProducer) -> SendOutcome:
        """Lets the event loop send messages. A thread of the library calls this method."""
        if self._is_closing:
            return SendOutcome.NOT_TRIED
        # The messages of the library end with this call.
        kept = [message._copy() for message in messages]
        try:
            self._loop.call_soon_threadsafe(self._start, kept, send)
        except RuntimeError:
            # The event loop is closed.
            return SendOutcome.NOT_TRIED
        return SendOutcome.ACCEPTED

    def _start(self, messages: list[Message], send: BatchProducer) -> None:
        earlier = []
        for message in messages:
            done = self._loop.create_future()
            self._messages[message.id] = done
            key = _key_of(message)
            earlier.append(self._last.get(key) if key else None)
            if key:
                self._last[key] = done
        task = self._loop.create_task(self._send(messages, earlier, send))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(
        self, messages: list[Message], earlier: list[asyncio.Future[Dispatch] | None], send: BatchProducer
    ) -> None:
        """Sends messages after the earlier messages with their keys, and confirms the results."""
        results: dict[str, SendResult] = {message.id: SendOutcome.NOT_TRIED for message in messages}
        try:
            tried = [
                message
                for message, before in zip(messages, earlier, strict=True)
                if before is None or (await asyncio.shield(before)).outcome == Outcome.DISPATCHED
            ]
            if tried and not self._is_closing:
                results.update(await _results_of(tried, send))
        except asyncio.CancelledError:
            # The messages without a result were not tried.
            pass
        for message in messages:
            # A second cancellation must not lose the result of a message that was sent.
            confirmation = self._loop.create_task(self._confirm(message, results[message.id]))
            while not confirmation.done():
                try:
                    await asyncio.wait([confirmation])
                except asyncio.CancelledError:
                    continue

    async def _confirm(self, message: Message, result: SendResult) -> None:
        outcome, reason = outcome_of(result)
        dispatch = Dispatch(message.id, _OUTCOMES[outcome], reason)
        id, why = utf8(message.id, "id"), lossy(reason)
        try:
            if outcome == SendOutcome.NOT_TRIED:
                # This sends no request.
                check(lib.postbox_confirm(self._postbox, id, outcome, NULL))
            elif outcome != SendOutcome.ACCEPTED:
                confirm = lib.postbox_confirm_async
                await awaited(lambda *completion: confirm(self._postbox, id, outcome, why, *completion))
        except PostboxError as error:
            failed = Outcome.MARK_FAILED if outcome == SendOutcome.SENT else dispatch.outcome
            dispatch = Dispatch(message.id, failed, str(error))
        self._end(message, dispatch)

    def _end(self, message: Message, dispatch: Dispatch) -> None:
        done = self._messages.pop(message.id)
        key = _key_of(message)
        if key and self._last.get(key) is done:
            del self._last[key]
        done.set_result(dispatch)

    async def settled(self, entry: Dispatch) -> Dispatch:
        """Returns the outcome of a message of a report. Waits for a message that is being sent."""
        done = self._messages.get(entry.id)
        if entry.outcome != Outcome.ACCEPTED or done is None:
            return entry
        return await asyncio.shield(done)

    async def end(self, timeout: float) -> None:
        """Starts no more coroutines, and waits for those that run. After the timeout, they are cancelled."""
        self._is_closing = True
        # The messages that the library handed over before this call are in the queue of the event loop.
        await asyncio.sleep(0)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


async def _results_of(messages: Sequence[Message], send: BatchProducer) -> dict[str, SendResult]:
    """Returns the result of each message. An exception is the result of all messages."""
    ids = [message.id for message in messages]
    try:
        results = [_valid(result) for result in await send(messages)]
    except Exception as error:
        # A Reject concerns a single message.
        concerns_all = isinstance(error, Unavailable) or len(ids) == 1
        return dict.fromkeys(ids, error if concerns_all else RuntimeError(said(error)))
    # A message without a result was not tried.
    return dict(zip(ids, results, strict=False))


def _valid(result: object) -> SendResult:
    try:
        outcome_of(result)
    except TypeError as error:
        return error
    return result  # type: ignore[return-value]
