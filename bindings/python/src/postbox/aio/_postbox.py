"""The Postbox of an event loop."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar

import postbox
from postbox._callbacks import Archive, SendOutcome, SendResult
from postbox._calls import CancelToken
from postbox._errors import ErrorCode, TransactionCanceledError, UsageError
from postbox._item import Item
from postbox._message import Message
from postbox._native import ffi, lib, optional_utf8, text_of
from postbox._postbox import Postbox as Blocking
from postbox._postbox import configured, confirmations, lines_of, locked, milliseconds_of, texts_of_ids
from postbox._results import (
    ArchiveResult,
    Dispatch,
    LeaseInfo,
    Outcome,
    OutstandingCount,
    Page,
    Report,
    State,
    Stats,
    SweeperInfo,
    SweepResult,
    TopicCount,
    listed,
    page_of,
    report_of,
)
from postbox._selection import Age, selection
from postbox._text import utf8
from postbox._time import Time, ticks_of
from postbox._trace import carry_trace_context
from postbox._values import ItemLike
from postbox.aio._completion import awaited
from postbox.aio._items import read_item
from postbox.aio._lease import HeldLease
from postbox.aio._producers import BatchProducer, Producer, Sending
from postbox.aio._unit_of_work import UnitOfWork

T = TypeVar("T")


class Config(postbox.Config):
    """The settings of a Postbox by name, and its producers by topic. A coroutine function is a producer whose messages are sent
    by tasks of the event loop. Any other function is called on a thread of the library, as by a blocking Postbox. One Config
    opens one Postbox.

    config = postbox.aio.Config(table_name="orders_outbox")
    config.producer("order.placed", send)
    """

    def __init__(self, **settings: str | int) -> None:
        super().__init__(**settings)
        self._sending = Sending()

    def producer(self, topic: str | None, send: Producer | postbox.Producer) -> None:
        """Adds the producer of a topic, or of every topic without its own producer if `topic` is None. See
        postbox.Config.producer for the results of a producer."""
        super().producer(topic, self._sending.one(send) if _is_async(send) else send)  # type: ignore[arg-type]

    def batch_producer(self, topic: str | None, send: BatchProducer | postbox.BatchProducer, max_batch: int) -> None:
        """Adds a producer that receives up to `max_batch` messages in one call, and returns a result for each message. See
        postbox.Config.batch_producer."""
        super().batch_producer(topic, self._sending.many(send) if _is_async(send) else send, max_batch)  # type: ignore[arg-type]


def _is_async(send: object) -> bool:
    return inspect.iscoroutinefunction(send) or inspect.iscoroutinefunction(getattr(send, "__call__", None))


def open(
    config: Config | None = None,
    *,
    producers: Mapping[str | None, Producer | postbox.Producer] | None = None,
    **settings: str | int,
) -> Postbox:
    """Opens a Postbox with settings and producers by topic, for the running event loop. None stands for every topic without its
    own producer.

    async with postbox.aio.open(table_name="brighter_outbox", producers={"greeting.made": send}) as box: ...

    With DynamoDB, this function sends no request. With embedded_path, it creates the outbox table if the table does not
    exist.
    """
    return Postbox(configured(config or Config(), producers, settings))


class Postbox:
    """An open Postbox for the tasks of one event loop. Its methods have the names of postbox.Postbox. The methods that wait for
    DynamoDB are coroutines, and no thread waits for a single request.

    If a task is cancelled while it awaits a method, the operation is cancelled too. A write may or may not have taken effect
    then. The CancelledError is raised as soon as the operation has ended.

    Leaving the `async with` block closes the Postbox.
    """

    def __init__(self, config: Config) -> None:
        loop = asyncio.get_running_loop()
        self._sending = config._sending
        if not self._sending.belong_to(loop):
            raise UsageError(ErrorCode.INVALID_ARGUMENT, "this Config has opened a Postbox already: create another Config")
        self._box = Blocking(config)
        self._pointer = self._box._pointer
        self._sending.begin(self._box)
        self._close_timeout = int(config["close_timeout_ms"]) / 1000

    async def close(self, timeout: float | None = None) -> None:
        """Closes the Postbox: stops the sweeper and the archiver, waits for messages that are being sent and for operations in
        progress, up to `timeout` seconds, or up to close_timeout_ms if `timeout` is None. Messages that are still being sent then
        are cancelled. Closing twice is harmless."""
        limit = self._close_timeout if timeout is None else timeout
        self._sending.accept_no_more()
        try:
            await self._on_thread(lambda _: self._box.stop_sweeper())
        except postbox.PostboxError:
            # The close reports a sweeper that does not stop, or a Postbox that is closed.
            pass
        await self._sending.end(limit)
        await self._on_thread(lambda _: self._box.close(timeout))

    async def __aenter__(self) -> Postbox:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _on_thread(self, call: Callable[[CancelToken], T]) -> T:
        """Runs a call on a thread of the event loop's executor. If the task is cancelled, the call ends early."""
        token = CancelToken()
        try:
            running = asyncio.get_running_loop().run_in_executor(None, call, token)
        except RuntimeError:
            # The interpreter is ending, and starts no more threads.
            return call(token)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            token.cancel()
            await asyncio.wait([running])
            raise

    async def create_table(self) -> None:
        """Creates the outbox table if it does not exist, waits until it is active, and verifies it."""
        await awaited(lambda *completion: lib.postbox_create_table_async(self._pointer, *completion))

    async def verify_table(self) -> bool:
        """Checks that the table can serve as an outbox. See postbox.Postbox.verify_table."""
        result = await awaited(lambda *completion: lib.postbox_verify_table_async(self._pointer, *completion))
        return bool(lib.postbox_result_flag(result))

    async def table_warnings(self) -> list[str]:
        """Verifies the table as verify_table does. Returns a text for each property that costs more or makes some functions
        unavailable."""
        result = await awaited(lambda *completion: lib.postbox_table_warnings_async(self._pointer, *completion))
        return lines_of(lib.postbox_result_take_text(result))

    def unit_of_work(self) -> UnitOfWork:
        """Begins a unit of work. Nothing is written before its commit."""
        return UnitOfWork(self)

    async def get_item(self, table: str, key: ItemLike) -> Item | None:
        """Reads one item of any table, with a consistent read. Returns None if the item does not exist."""
        return await read_item(self, table, key)

    async def get_message(self, id: str) -> Message | None:
        """Reads a message from the outbox, with a consistent read. Returns None if the message does not exist."""
        get, text = lib.postbox_get_message_async, utf8(id, "id")
        result = await awaited(lambda *completion: get(self._pointer, text, *completion))
        found = lib.postbox_result_take_message(result)
        return Message._of(ffi.gc(found, lib.postbox_message_free)) if found else None

    async def get_messages(self, ids: Iterable[str]) -> Page:
        """Reads messages from the outbox by id, with consistent reads of up to 100 messages per request. See
        postbox.Postbox.get_messages."""
        get, (array, kept) = lib.postbox_get_messages_async, texts_of_ids(ids)
        result = await awaited(lambda *completion: get(self._pointer, array, len(kept), *completion))
        return page_of(lib.postbox_result_take_page(result))

    async def delete_message(self, id: str, state: State) -> bool:
        """Deletes a message if it is in this state, and returns whether it was deleted. An outstanding message that is
        deleted is never sent."""
        delete, text = lib.postbox_delete_message_async, utf8(id, "id")
        result = await awaited(lambda *completion: delete(self._pointer, text, state, *completion))
        return bool(lib.postbox_result_flag(result))

    async def deposit_post(self, message: Message) -> str:
        """Deposits one message outside a transaction, and returns its id. Depositing an existing id succeeds and changes
        nothing."""

        def start(*completion: Any) -> Any:
            with message._lock:
                carry_trace_context()
                return lib.postbox_deposit_post_async(self._pointer, message._valid(), *completion)

        id = message.id
        await awaited(start)
        return id

    async def deposit_posts(self, messages: Iterable[Message]) -> list[str]:
        """Deposits messages outside a transaction, up to 25 per request, and returns their ids. Raises IncompleteError,
        with a reason for each message that could not be stored; it is safe to deposit all messages again."""
        messages = list(messages)

        def start(*completion: Any) -> Any:
            with locked(messages) as array:
                carry_trace_context()
                return lib.postbox_deposit_posts_async(self._pointer, array, len(messages), *completion)

        ids = [message.id for message in messages]
        await awaited(start)
        return ids

    async def post(self, message: Message, *, check: bool = True) -> Report:
        """Deposits one message outside a transaction, then sends it. See clear_outbox for `check`."""
        return await self.clear_outbox([await self.deposit_post(message)], check=check)

    async def clear_outbox(self, ids: Iterable[str], *, check: bool = True) -> Report:
        """Sends the outstanding messages with these ids in this order, and marks them dispatched. Waits for the coroutines that
        send the messages. Messages with the same topic and partition key are sent one after another.

        If a message failed, raises IncompleteError; with `check=False`, only the report shows the failure. The failed message
        stays outstanding or is parked. Later messages with the same topic and partition key are not sent. If the task is
        cancelled, no further message is handed to a producer, and the tasks that send messages continue.
        """
        entries = {entry.id: entry for entry in await self._clear(ids)}
        while True:
            # Messages whose key waited for the coroutine of an earlier message can be sent now.
            held = [id for id, entry in entries.items() if entry.outcome == Outcome.HELD_BACK]
            again = await self._clear(held) if held else []
            entries.update((entry.id, entry) for entry in again)
            if all(entry.outcome == Outcome.HELD_BACK for entry in again):
                break
        report = Report(list(entries.values()))
        return report.raise_for_failures() if check else report

    async def _clear(self, ids: Iterable[str]) -> list[Dispatch]:
        """Clears messages once, and waits for the coroutines that send them."""
        clear, (array, kept) = lib.postbox_clear_outbox_async, texts_of_ids(ids)
        with self._sending.watched() as outcomes:
            result = await awaited(lambda *completion: clear(self._pointer, array, len(kept), *completion))
            report = report_of(lib.postbox_result_take_report(result))
            return [await self._sending.settled(entry, outcomes) for entry in report]

    async def mark_dispatched(self, ids: Iterable[str], *, check: bool = True) -> Report:
        """Marks messages dispatched without sending them, for a program that sends them itself."""
        return await self._report(lib.postbox_mark_dispatched_async, ids, check)

    async def mark_dispatched_at(self, ids: Iterable[str], time: Time, *, check: bool = True) -> Report:
        """Marks messages dispatched as mark_dispatched does, with this dispatch time instead of the current time. See
        postbox.Postbox.mark_dispatched_at."""
        return await self._report(lib.postbox_mark_dispatched_at_async, ids, check, ticks_of(time, "time"))

    async def replay(self, ids: Iterable[str], *, check: bool = True) -> Report:
        """Makes dispatched or parked messages outstanding again, so that the next sweep or clear sends them."""
        return await self._report(lib.postbox_replay_async, ids, check)

    async def _report(self, call: Any, ids: Iterable[str], check: bool, *arguments: int) -> Report:
        array, kept = texts_of_ids(ids)
        result = await awaited(lambda *completion: call(self._pointer, array, len(kept), *arguments, *completion))
        report = report_of(lib.postbox_result_take_report(result))
        return report.raise_for_failures() if check else report

    async def replay_causation(self, causation_id: str, *, check: bool = True) -> Report:
        """Replays every message with this causation id that the index shows. Succeeds if the index shows no such
        message."""
        replay, text = lib.postbox_replay_causation_async, utf8(causation_id, "causation id")
        result = await awaited(lambda *completion: replay(self._pointer, text, *completion))
        report = report_of(lib.postbox_result_take_report(result))
        return report.raise_for_failures() if check else report

    async def confirm(self, id: str, outcome: SendOutcome = SendOutcome.SENT, reason: str | None = None) -> None:
        """Reports the outcome of a message for which its producer returned ACCEPTED."""
        confirm, text, why = lib.postbox_confirm_async, utf8(id, "id"), optional_utf8(reason, "reason")
        await awaited(lambda *completion: confirm(self._pointer, text, outcome, why, *completion))

    async def confirm_many(self, results: Mapping[str, SendResult]) -> None:
        """Confirms the results, by id, of many messages for which their producers returned ACCEPTED. See
        postbox.Postbox.confirm_many."""
        with confirmations(results) as arguments:
            await awaited(lambda *completion: lib.postbox_confirm_many_async(self._pointer, *arguments, *completion))

    async def sweep(self, topic: str | None = None) -> SweepResult:
        """Sends the outstanding messages of one topic or of all topics that are older than sweep_min_age_ms. A thread of the
        event loop's executor runs the sweep. If the task is cancelled, the sweep ends early. Messages that coroutines are still
        sending when this method returns count as dispatched. See postbox.Postbox.sweep."""
        return await self._on_thread(lambda token: self._box.sweep(topic, cancel=token))

    def start_sweeper(self) -> None:
        """Starts the sweeper, a background thread that sweeps all topics. See postbox.Postbox.start_sweeper."""
        self._box.start_sweeper()

    async def stop_sweeper(self) -> None:
        """Tells the sweeper to stop when its current calls to producers return, and waits for it. The coroutines that send
        messages continue."""
        await self._on_thread(lambda _: self._box.stop_sweeper())

    def set_credentials(self, access_key_id: str, secret_access_key: str, session_token: str | None = None) -> None:
        """Signs the next requests to AWS with these credentials. See postbox.Postbox.set_credentials."""
        self._box.set_credentials(access_key_id, secret_access_key, session_token)

    def notify_committed(self, ids: Iterable[str]) -> None:
        """Notifies the sweeper of this Postbox that another client has committed messages. See
        postbox.Postbox.notify_committed."""
        self._box.notify_committed(ids)

    def message_to_put(self, message: Message, *, python_values: bool = False) -> dict[str, Any]:
        """Returns the action that deposits a message, for a transaction that the program sends itself. See
        postbox.Postbox.message_to_put."""
        return self._box.message_to_put(message, python_values=python_values)

    def cancellation_error(
        self, actions: Iterable[Mapping[str, Any]], reasons: Iterable[Mapping[str, Any]]
    ) -> TransactionCanceledError:
        """Returns the error of a transaction that another client has sent and DynamoDB has cancelled. See
        postbox.Postbox.cancellation_error."""
        return self._box.cancellation_error(actions, reasons)

    async def count_outstanding(self, topic: str | None = None) -> OutstandingCount:
        """Returns the number of outstanding messages, in one topic or in all topics, and the age of the oldest
        message."""
        count, name = lib.postbox_count_outstanding_async, optional_utf8(topic, "topic")
        result = await awaited(lambda *completion: count(self._pointer, name, *completion))
        counted = ffi.new("postbox_outstanding_count *")
        lib.postbox_result_outstanding_count(result, counted)
        return OutstandingCount(counted.count, counted.oldest_age_ms)

    async def list_messages(
        self, state: State, topic: str | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page:
        """Returns a page of stored messages that are in this state. See postbox.Postbox.list_messages."""
        list, name, begin = lib.postbox_list_messages_async, optional_utf8(topic, "topic"), optional_utf8(cursor, "cursor")
        result = await awaited(lambda *completion: list(self._pointer, state, name, limit, begin, *completion))
        return page_of(lib.postbox_result_take_page(result))

    async def pages(
        self, state: State, topic: str | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> AsyncIterator[Page]:
        """Returns all pages of a list. Each page is read when the iterator reaches it."""
        while True:
            page = await self.list_messages(state, topic, limit=limit, cursor=cursor)
            yield page
            cursor = page.next
            if cursor is None:
                return

    async def messages(self, state: State, topic: str | None = None) -> AsyncIterator[Message]:
        """Returns all messages in a state that can be read. pages() also returns the ids of messages that cannot be
        read."""
        async for page in self.pages(state, topic):
            for message in page:
                yield message

    async def select_messages(
        self,
        state: State,
        topic: str | None = None,
        *,
        without_topics: Iterable[str] = (),
        older_than: Age | None = None,
        younger_than: Age | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page:
        """Returns a page of the stored messages in this state that match a selection. See postbox.Postbox.select_messages."""
        select = lib.postbox_select_messages_async
        selected = selection(topic, without_topics, older_than, younger_than, limit, cursor)
        result = await awaited(lambda *completion: select(self._pointer, state, selected, *completion))
        return page_of(lib.postbox_result_take_page(result))

    async def count_messages(
        self,
        state: State,
        topic: str | None = None,
        *,
        without_topics: Iterable[str] = (),
        older_than: Age | None = None,
        younger_than: Age | None = None,
        limit: int | None = None,
    ) -> int:
        """Counts the stored messages in this state that match a selection. See postbox.Postbox.count_messages."""
        count = lib.postbox_count_messages_async
        selected = selection(topic, without_topics, older_than, younger_than, limit, None)
        result = await awaited(lambda *completion: count(self._pointer, state, selected, *completion))
        return int(lib.postbox_result_number(result))

    async def topic_counts(self, *, all_states: bool = False) -> list[TopicCount]:
        """Counts the messages of each topic. See postbox.Postbox.topic_counts."""
        count = lib.postbox_topic_counts_async
        result = await awaited(lambda *completion: count(self._pointer, all_states, *completion))
        return listed(lib.postbox_result_take_item(result), "topics", TopicCount)

    async def dispatched_between(self, topic: str, start: Time, end: Time) -> int:
        """Counts the messages of a topic that were dispatched in this time. See postbox.Postbox.dispatched_between."""
        count, name = lib.postbox_dispatched_between_async, utf8(topic, "topic")
        times = ticks_of(start, "start"), ticks_of(end, "end")
        result = await awaited(lambda *completion: count(self._pointer, name, *times, *completion))
        return int(lib.postbox_result_number(result))

    async def leases(self) -> list[LeaseInfo]:
        """Returns the leases of the sweepers and archivers of this outbox. See postbox.Postbox.leases."""
        result = await awaited(lambda *completion: lib.postbox_leases_async(self._pointer, *completion))
        return listed(lib.postbox_result_take_item(result), "leases", LeaseInfo)

    async def sweepers(self) -> list[SweeperInfo]:
        """Returns the processes that have swept this outbox within a day. See postbox.Postbox.sweepers."""
        result = await awaited(lambda *completion: lib.postbox_sweepers_async(self._pointer, *completion))
        return listed(lib.postbox_result_take_item(result), "sweepers", SweeperInfo)

    async def obtain_lease(self, resource: str, length: float) -> HeldLease | None:
        """Obtains a lease on a resource of the program's own. Returns None if another holder has it. If the task is cancelled, a
        lease that is obtained nevertheless is released. See postbox.Postbox.obtain_lease."""
        obtain, name, limit = lib.postbox_obtain_lease_async, utf8(resource, "resource"), min(milliseconds_of(length), 2**63)
        result = await awaited(lambda *completion: obtain(self._pointer, name, limit, *completion))
        return HeldLease(lib.postbox_result_take_lease(result)) if result else None

    async def location(self) -> str:
        """Describes where the outbox table is, for prompts and logs. See postbox.Postbox.location."""
        result = await awaited(lambda *completion: lib.postbox_location_async(self._pointer, *completion))
        return text_of(ffi.gc(lib.postbox_result_take_text(result), lib.postbox_string_free))

    async def unpark(self, id: str) -> None:
        """Releases a parked message. The message becomes outstanding again, and its count of failed attempts is reset."""
        unpark, text = lib.postbox_unpark_async, utf8(id, "id")
        await awaited(lambda *completion: unpark(self._pointer, text, *completion))

    async def archive(self, archive: Archive | str | os.PathLike[str]) -> ArchiveResult:
        """Archives the messages that have been dispatched for longer than archive_min_age_ms, and deletes each message that
        was archived. A function is called on a thread of the event loop's executor. If the task is cancelled, no further
        messages are archived. See postbox.Postbox.archive."""
        return await self._on_thread(lambda token: self._box.archive(archive, cancel=token))

    def start_archiver(self, archive: Archive | str | os.PathLike[str]) -> None:
        """Starts the archiver, a background thread that archives messages. See postbox.Postbox.start_archiver."""
        self._box.start_archiver(archive)

    async def stop_archiver(self) -> None:
        """Tells the archiver to stop after the messages that it is archiving, and waits for it."""
        await self._on_thread(lambda _: self._box.stop_archiver())

    def stats(self) -> Stats:
        """Returns the statistics of this client since it was opened. Sends no request."""
        return self._box.stats()

    def stats_json(self) -> dict[str, Any]:
        """Returns the statistics of stats() with the last sweep, the last error and the state of the breakers by topic."""
        return self._box.stats_json()

    def embedded_execute(self, operation: str, request: Mapping[str, Any] | str) -> dict[str, Any]:
        """Runs one operation of DynamoDB by name on the embedded database. See postbox.Postbox.embedded_execute."""
        return self._box.embedded_execute(operation, request)
