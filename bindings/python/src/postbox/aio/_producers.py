"""Coroutine functions that send messages.

The library calls a producer on one of its threads. The producer accepts the message, and a task of the event loop then
runs the coroutine function, and its result is confirmed. No thread waits for the task.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from postbox._callbacks import SendOutcome, SendResult, Unavailable, lossy, outcome_of, said
from postbox._errors import PostboxError
from postbox._message import Message
from postbox._native import NULL, check, lib
from postbox._postbox import Postbox as Blocking
from postbox._results import Dispatch, Outcome
from postbox._text import utf8
from postbox.aio._completion import awaited

Producer: TypeAlias = Callable[[Message], "Awaitable[SendOutcome | None]"]
"""Sends one message. It is a coroutine function, which the event loop runs. If the task is cancelled, the message was not
tried, and stays outstanding."""

BatchProducer: TypeAlias = Callable[[Sequence[Message]], "Awaitable[Iterable[SendResult]]"]
"""Sends messages, and returns a result for each in order. It is a coroutine function, which the event loop runs."""

_OUTCOMES = {
    SendOutcome.SENT: Outcome.DISPATCHED,
    SendOutcome.ACCEPTED: Outcome.ACCEPTED,
    SendOutcome.RETRY: Outcome.FAILED,
    SendOutcome.UNAVAILABLE: Outcome.FAILED,
    SendOutcome.REJECT: Outcome.REJECTED,
    SendOutcome.NOT_TRIED: Outcome.SKIPPED,
}


class Sending:
    """The messages of one Postbox that coroutine functions are sending."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        # The Postbox owns its producers, which must not keep it alive.
        self._box: Callable[[], Blocking | None] = lambda: None
        self._is_closing = False
        self._tasks: set[asyncio.Task[None]] = set()
        # The messages by id, until their results are confirmed.
        self._messages: dict[str, asyncio.Future[Dispatch]] = {}
        # The outcomes for each clear that is in progress, by id.
        self._watched: list[dict[str, Dispatch]] = []

    def belong_to(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Sets the event loop. Returns False if it was set before."""
        if self._loop is not None:
            return False
        self._loop = loop
        return True

    def begin(self, box: Blocking) -> None:
        """Sets the Postbox that calls the producers."""
        self._box = weakref.ref(box)

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
        if self._is_closing or self._loop is None:
            return SendOutcome.NOT_TRIED
        # The messages of the library end with this call.
        kept = [message._copy() for message in messages]
        try:
            self._loop.call_soon_threadsafe(self._start, self._loop, kept, send)
        except RuntimeError:
            # The event loop is closed.
            return SendOutcome.NOT_TRIED
        return SendOutcome.ACCEPTED

    def _start(self, loop: asyncio.AbstractEventLoop, messages: list[Message], send: BatchProducer) -> None:
        box = self._box()
        if box is None:
            return
        self._messages.update((message.id, loop.create_future()) for message in messages)
        task = loop.create_task(self._send(box, messages, send))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, box: Blocking, messages: list[Message], send: BatchProducer) -> None:
        """Sends messages, and confirms the results."""
        # A message without a result was not tried.
        results: dict[str, SendResult] = {}
        if not self._is_closing:
            with contextlib.suppress(asyncio.CancelledError):
                results = await _results_of(messages, send)
        confirmed = [
            asyncio.ensure_future(self._confirm(box, message.id, results.get(message.id, SendOutcome.NOT_TRIED)))
            for message in messages
        ]
        # A second cancellation must not lose the result of a message that was sent.
        while not all(confirmation.done() for confirmation in confirmed):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(confirmed)

    async def _confirm(self, box: Blocking, id: str, result: SendResult) -> None:
        outcome, reason = outcome_of(result)
        dispatch = Dispatch(id, _OUTCOMES[outcome], reason)
        text, why = utf8(id, "id"), lossy(reason)
        try:
            if outcome == SendOutcome.NOT_TRIED:
                # This sends no request.
                check(lib.postbox_confirm(box._pointer, text, outcome, NULL))
            elif outcome != SendOutcome.ACCEPTED:
                confirm = lib.postbox_confirm_async
                await awaited(lambda *completion: confirm(box._pointer, text, outcome, why, *completion))
        except PostboxError as error:
            failed = Outcome.MARK_FAILED if outcome == SendOutcome.SENT else dispatch.outcome
            dispatch = Dispatch(id, failed, str(error))
        self._messages.pop(id).set_result(dispatch)
        for outcomes in self._watched:
            outcomes[id] = dispatch

    @contextlib.contextmanager
    def watched(self) -> Iterator[dict[str, Dispatch]]:
        """Returns a dict that receives the outcomes of the messages whose coroutines end during the block."""
        outcomes: dict[str, Dispatch] = {}
        self._watched.append(outcomes)
        try:
            yield outcomes
        finally:
            self._watched = [others for others in self._watched if others is not outcomes]

    async def settled(self, entry: Dispatch, outcomes: dict[str, Dispatch]) -> Dispatch:
        """Returns the outcome of a message of a report. Waits for a message that is being sent."""
        if entry.outcome == Outcome.ACCEPTED and entry.id in self._messages:
            return await asyncio.shield(self._messages[entry.id])
        return outcomes.get(entry.id, entry) if entry.outcome == Outcome.ACCEPTED else entry

    def accept_no_more(self) -> None:
        """Starts no more coroutines. Messages that the library offers are not tried."""
        self._is_closing = True

    async def end(self, timeout: float) -> None:
        """Waits for the coroutines that run. After the timeout, they are cancelled."""
        self.accept_no_more()
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
