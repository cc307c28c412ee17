"""The Postbox, which a program opens once and shares between its threads."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, TypeVar

from postbox import _callbacks, _process
from postbox._callbacks import Archive, Producer, SendOutcome, SendResult, lossy, outcome_of
from postbox._calls import CancelToken, call_with_callbacks, free_postbox
from postbox._config import Config
from postbox._errors import TransactionCanceledError
from postbox._item import Item
from postbox._lease import HeldLease
from postbox._message import Message
from postbox._native import NULL, check, ffi, lib, optional_utf8, taken, text_of, texts
from postbox._put import outline, put_action
from postbox._results import (
    ArchiveResult,
    LeaseInfo,
    OutstandingCount,
    Page,
    Report,
    State,
    Stats,
    SweeperInfo,
    SweepResult,
    TopicCount,
    archive_result,
    listed,
    page_of,
    report_of,
    stats,
    sweep_result,
)
from postbox._selection import Age, selection
from postbox._text import utf8
from postbox._time import Time, ticks_of
from postbox._trace import carry_trace_context
from postbox._unit_of_work import UnitOfWork, read_item
from postbox._values import ItemLike, to_json


AnyConfig = TypeVar("AnyConfig", bound=Config)


def open(
    config: Config | None = None, *, producers: Mapping[str | None, Producer] | None = None, **settings: str | int
) -> Postbox:
    """Opens a Postbox with settings and producers by topic. None stands for every topic without its own producer.

    with postbox.open(table_name="brighter_outbox", producers={"greeting.made": send}) as box: ...

    With DynamoDB, this function sends no request. With embedded_path, it creates the outbox table if the table does not
    exist.
    """
    return Postbox(configured(config or Config(), producers, settings))


def configured(config: AnyConfig, producers: Mapping[str | None, Any] | None, settings: Mapping[str, str | int]) -> AnyConfig:
    """Adds settings and producers to a configuration, and returns it."""
    for name, value in settings.items():
        config[name] = value
    for topic, send in (producers or {}).items():
        config.producer(topic, send)
    return config


def texts_of_ids(ids: Iterable[str]) -> tuple[Any, list[Any]]:
    """Returns an array of ids for C, and the objects that keep its memory alive."""
    if isinstance(ids, str):
        raise TypeError("ids must be a list of ids, not a str: pass [id] for a single message")
    return texts(ids, "id")


@contextmanager
def locked(messages: Iterable[Message]) -> Iterator[Any]:
    """Returns an array of messages for C, which no other thread changes until the end of the block."""
    with ExitStack() as held:
        # The messages are locked in a fixed order, so that two calls with the same messages cannot wait for each other.
        for message in sorted(set(messages), key=id):
            held.enter_context(message._lock)
        yield ffi.new("postbox_message *[]", [message._valid() for message in messages])


@contextmanager
def confirmations(results: Mapping[str, SendResult]) -> Iterator[tuple[Any, Any, Any, int]]:
    """Returns the arguments of a confirmation of many messages, which are valid until the end of the block."""
    outcomes = [outcome_of(result) for result in results.values()]
    ids, kept = texts(results, "id")
    reasons = [ffi.new("char[]", lossy(reason)) for _, reason in outcomes]
    numbers = ffi.new("postbox_send_outcome[]", [outcome for outcome, _ in outcomes])
    yield ids, numbers, ffi.new("char *[]", reasons), len(kept)


class Postbox:
    """An open Postbox, which any number of threads may use. Calls block without the GIL, for up to operation_timeout_ms per
    operation. After a fork, every call in the child raises ForkedError: open a new Postbox there.

    Leaving the `with` block closes the Postbox, as do close() and the end of the interpreter. A Python signal handler,
    including that of Ctrl-C, runs when the current call returns, when it calls Python on the main thread, or while a sweep
    waits for its other threads. If the handler then raises KeyboardInterrupt or SystemExit, the call ends early and raises it.
    """

    # The garbage collector frees the library's handle; close does not free it. A call on another thread refers to this
    # object, so the handle stays valid during the call, and after close the library itself reports that the Postbox is
    # closed.

    def __init__(self, config: Config) -> None:
        made = ffi.new("postbox_client **")
        self._pointer: Any = None
        with _process.opening(self):
            error = lib.postbox_open(config._pointer, made)
            # The handle is freed even if check raises the interruption of a log message.
            self._pointer = ffi.gc(made[0], free_postbox) if made[0] else None
        check(error)

    def close(self, timeout: float | None = None) -> None:
        """Closes the Postbox: stops the sweeper and the archiver, rejects new calls, and waits for calls in progress, up to
        `timeout` seconds, or up to close_timeout_ms if `timeout` is None. Closing twice is harmless.

        Calls that send or archive messages end between two messages. No producer and no archive is called after this method
        has returned or raised an exception.

        In a producer or an archive of the same Postbox, this method cannot wait. It raises a UsageError with the code
        REENTRANT_CALL immediately, and the Postbox stops as soon as they return.
        """
        if timeout is None:
            check(lib.postbox_close(self._pointer))
        else:
            check(lib.postbox_close_within(self._pointer, milliseconds_of(timeout)))

    def __enter__(self) -> Postbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def create_table(self) -> None:
        """Creates the outbox table if it does not exist, waits until it is active, and verifies it."""
        check(lib.postbox_create_table(self._pointer))

    def verify_table(self) -> bool:
        """Checks that the table can serve as an outbox. Raises TableError with a reason for each problem. Returns
        whether messages can be replayed by causation id. Tables that older versions of Brighter created lack the index
        that this requires."""
        has_causation_index = ffi.new("bool *")
        check(lib.postbox_verify_table(self._pointer, has_causation_index))
        return bool(has_causation_index[0])

    def table_warnings(self) -> list[str]:
        """Verifies the table as verify_table does. Returns a text for each property that does not prevent the use of the
        table, but costs more or makes some functions unavailable."""
        warnings = ffi.new("char **")
        check(lib.postbox_table_warnings(self._pointer, warnings))
        return lines_of(warnings[0])

    def unit_of_work(self) -> UnitOfWork:
        """Begins a unit of work. Nothing is written before its commit."""
        return UnitOfWork(self)

    def get_item(self, table: str, key: ItemLike) -> Item | None:
        """Reads one item of any table, with a consistent read. Returns None if the item does not exist."""
        return read_item(lib.postbox_get_item, self._pointer, table, key)

    def get_message(self, id: str) -> Message | None:
        """Reads a message from the outbox, with a consistent read. Returns None if the message does not exist."""
        found = ffi.new("postbox_message **")
        check(lib.postbox_get_message(self._pointer, utf8(id, "id"), found))
        return Message._of(ffi.gc(found[0], lib.postbox_message_free)) if found[0] else None

    def get_messages(self, ids: Iterable[str]) -> Page:
        """Reads messages from the outbox by id, with consistent reads of up to 100 messages per request. The messages are in
        the order of the ids, and an id that is passed twice is read once. Page.missing has the ids that the outbox does not
        have, and Page.malformed the messages that cannot be read."""
        array, kept = texts_of_ids(ids)
        made = ffi.new("postbox_page **")
        check(lib.postbox_get_messages(self._pointer, array, len(kept), made))
        return page_of(made[0])

    def delete_message(self, id: str, state: State) -> bool:
        """Deletes a message if it is in this state, and returns whether it was deleted. An outstanding message that is
        deleted is never sent."""
        deleted = ffi.new("bool *")
        check(lib.postbox_delete_message(self._pointer, utf8(id, "id"), state, deleted))
        return bool(deleted[0])

    def deposit_post(self, message: Message) -> str:
        """Deposits one message outside a transaction, and returns its id. Depositing an existing id
        succeeds and changes nothing."""
        with message._lock:
            carry_trace_context()
            check(lib.postbox_deposit_post(self._pointer, message._valid()))
            return message.id

    def deposit_posts(self, messages: Iterable[Message]) -> list[str]:
        """Deposits messages outside a transaction, up to 25 per request, and returns their ids. Raises IncompleteError,
        with a reason for each message that could not be stored; it is safe to deposit all messages again."""
        messages = list(messages)
        with locked(messages) as array:
            carry_trace_context()
            check(lib.postbox_deposit_posts(self._pointer, array, len(messages)))
            return [message.id for message in messages]

    def post(self, message: Message, *, check: bool = True) -> Report:
        """Deposits one message outside a transaction, then sends it on this thread. See clear_outbox for `check`."""
        made = ffi.new("postbox_report **")
        with message._lock:
            pointer = message._valid()
            carry_trace_context()
            call_with_callbacks(lambda _: lib.postbox_post(self._pointer, pointer, made))
        return _checked(made, check)

    def clear_outbox(self, ids: Iterable[str], *, check: bool = True, cancel: CancelToken | None = None) -> Report:
        """Sends the outstanding messages with these ids on this thread, in this order, and marks them dispatched.

        If a message failed, raises IncompleteError; with `check=False`, only the report shows the failure. The failed message
        stays outstanding or is parked. Later messages with the same topic and partition key are held back. If `cancel` is
        canceled, messages that were not tried have the outcome SKIPPED, and stay outstanding.
        """
        clear = lib.postbox_clear_outbox
        return self._report(lambda ids, count, token, made: clear(self._pointer, ids, count, token, made), ids, check, cancel)

    def mark_dispatched(self, ids: Iterable[str], *, check: bool = True) -> Report:
        """Marks messages dispatched without sending them, for a program that sends them itself."""
        mark = lib.postbox_mark_dispatched
        return self._report(lambda ids, count, _, made: mark(self._pointer, ids, count, made), ids, check)

    def mark_dispatched_at(self, ids: Iterable[str], time: Time, *, check: bool = True) -> Report:
        """Marks messages dispatched as mark_dispatched does, with this dispatch time instead of the current time.

        The time is a datetime with a time zone, or an int in ticks: intervals of 100 ns since the year 1, as in .NET and in the
        table. dispatched_ttl_seconds and archive_min_age_ms count from it. Raises InvalidInputError if the time is not within
        the years 1 to 9999.
        """
        mark, at = lib.postbox_mark_dispatched_at, ticks_of(time, "time")
        return self._report(lambda ids, count, _, made: mark(self._pointer, ids, count, at, made), ids, check)

    def replay(self, ids: Iterable[str], *, check: bool = True) -> Report:
        """Makes dispatched or parked messages outstanding again, so that the next sweep or clear sends them."""
        replay = lib.postbox_replay
        return self._report(lambda ids, count, _, made: replay(self._pointer, ids, count, made), ids, check)

    def _report(
        self, call: Callable[..., Any], ids: Iterable[str], check: bool, cancel: CancelToken | None = None
    ) -> Report:
        array, kept = texts_of_ids(ids)
        made = ffi.new("postbox_report **")
        call_with_callbacks(lambda token: call(array, len(kept), token, made), cancel)
        return _checked(made, check)

    def replay_causation(self, causation_id: str, *, check: bool = True) -> Report:
        """Replays every message with this causation id that the index shows. Succeeds if the index shows no such
        message."""
        made = ffi.new("postbox_report **")
        text = utf8(causation_id, "causation id")
        call_with_callbacks(lambda _: lib.postbox_replay_causation(self._pointer, text, made))
        return _checked(made, check)

    def confirm(self, id: str, outcome: SendOutcome = SendOutcome.SENT, reason: str | None = None) -> None:
        """Reports the outcome of a message for which its producer returned ACCEPTED."""
        check(lib.postbox_confirm(self._pointer, utf8(id, "id"), outcome, optional_utf8(reason, "reason")))

    def confirm_many(self, results: Mapping[str, SendResult]) -> None:
        """Confirms the results, by id, of many messages for which their producers returned ACCEPTED. Up to 25 messages
        are marked, or their failed attempts recorded, per request.

        box.confirm_many(dict.fromkeys(ids, SendOutcome.SENT) | {broken: postbox.Reject("too large")})

        Raises IncompleteError with a reason for each message whose confirmation was not recorded. All other messages
        are confirmed. If three or more messages of a topic are rejected with the same reason, they are parked only if a
        message of the call was sent, or if `park_min_age_ms` has passed since their first failures.
        """
        with confirmations(results) as arguments:
            check(lib.postbox_confirm_many(self._pointer, *arguments))

    def sweep(self, topic: str | None = None, *, cancel: CancelToken | None = None) -> SweepResult:
        """Sends the outstanding messages of one topic or of all topics that are older than sweep_min_age_ms, and marks them
        dispatched. In each lane (a group of shards of a topic), the oldest messages are sent first.

        The producer of one topic is called on this thread, and the producers of other topics at the same time on up to
        sweep_threads - 1 further threads. If `cancel` is canceled, the sweep ends after its current calls to producers. See
        postbox_sweep in postbox.h for leases, failed attempts and parking.
        """
        result = ffi.new("postbox_sweep_result *")
        name = optional_utf8(topic, "topic")
        call_with_callbacks(lambda token: lib.postbox_sweep(self._pointer, name, token, result), cancel)
        return sweep_result(result)

    def start_sweeper(self) -> None:
        """Starts the sweeper, a background thread that sweeps all topics. The first sweep begins immediately, and later
        sweeps follow at intervals of sweep_interval_ms. The sweeper logs errors and continues. It stops when the
        Postbox is closed or garbage-collected."""
        check(lib.postbox_start_sweeper(self._pointer))

    def message_to_put(self, message: Message, *, python_values: bool = False) -> dict[str, Any]:
        """Returns the action that deposits a message, for a transaction that the program sends itself with boto3. Nothing is
        stored before the program sends the transaction. The message is checked as deposit_post checks it.

            client.transact_write_items(TransactItems=[put, box.message_to_put(message)])

        With `python_values`, the item contains Python values, as the client of a boto3 resource (resource.meta.client)
        expects them, and otherwise values such as {"S": "text"}.

        The action must be sent unchanged: its condition prevents that a message is stored twice. After the transaction has
        succeeded, pass the id of the message to clear_outbox or notify_committed. If the program does neither, a sweep sends
        the message.
        """
        made = ffi.new("char **")
        with message._lock:
            carry_trace_context()
            check(lib.postbox_message_to_put(self._pointer, message._valid(), made))
        return put_action(made[0], python_values)

    def cancellation_error(
        self, actions: Iterable[Mapping[str, Any]], reasons: Iterable[Mapping[str, Any]]
    ) -> TransactionCanceledError:
        """Returns the error of a transaction that boto3 has sent and DynamoDB has cancelled. It is the error that
        UnitOfWork.commit would raise: a DuplicateMessageError if the outbox had one of the messages already, and a
        TransactionCanceledError otherwise, with a reason for each action that failed.

        `actions` is the list of the actions (TransactItems). `reasons` is the list of the reasons, in the same order:
        `error.response["CancellationReasons"]` of the ClientError.
        """
        sent = to_json([outline(action) for action in actions], "actions")
        failed = to_json([{name: reason.get(name) for name in ("Code", "Message")} for reason in reasons], "reasons")
        error = taken(lib.postbox_cancellation_error(self._pointer, sent, failed))
        if not isinstance(error, TransactionCanceledError):
            raise error
        return error

    def set_credentials(self, access_key_id: str, secret_access_key: str, session_token: str | None = None) -> None:
        """Signs the next requests to AWS with these credentials, in place of those of the configuration or of the default
        chain. Programs whose credentials come from their own source, for example from
        `boto3.Session().get_credentials().get_frozen_credentials()`, call this method each time the source has new ones,
        before the old ones expire. Sends no request. Raises ConfigError if a value is empty or too long, and the
        credentials are unchanged then."""
        key, secret = utf8(access_key_id, "access_key_id"), utf8(secret_access_key, "secret_access_key")
        token = optional_utf8(session_token, "session_token")
        check(lib.postbox_set_credentials(self._pointer, key, secret, token))

    def notify_committed(self, ids: Iterable[str]) -> None:
        """Notifies the sweeper of this Postbox that another client, for example boto3, has committed messages. A thread
        of the sweeper sends the messages immediately. If the sweeper is not running, the next sweep of any process
        sends them."""
        array, kept = texts_of_ids(ids)
        check(lib.postbox_notify_committed(self._pointer, array, len(kept)))

    def stop_sweeper(self) -> None:
        """Tells the sweeper to stop when its current calls to producers return, and waits for it. Does nothing if no
        sweeper is running. If a producer that the sweeper has called calls this method, it does not wait and raises
        UsageError. The sweeper stops as soon as the producer returns."""
        check(lib.postbox_stop_sweeper(self._pointer))

    def count_outstanding(self, topic: str | None = None) -> OutstandingCount:
        """Returns the number of outstanding messages, in one topic or in all topics, and the age of the oldest
        message."""
        result = ffi.new("postbox_outstanding_count *")
        check(lib.postbox_count_outstanding(self._pointer, optional_utf8(topic, "topic"), result))
        return OutstandingCount(result.count, result.oldest_age_ms)

    def list_messages(self, state: State, topic: str | None = None, *, limit: int = 100, cursor: str | None = None) -> Page:
        """Returns a page of stored messages that are in this state. A page has up to `limit` messages. It may
        have fewer messages, or no messages. Page.next is None on the last page. See select_messages for ages.
        Listing parked messages reads the whole table."""
        made = ffi.new("postbox_page **")
        begin = optional_utf8(cursor, "cursor")
        check(lib.postbox_list_messages(self._pointer, state, optional_utf8(topic, "topic"), limit, begin, made))
        return page_of(made[0])

    def pages(
        self, state: State, topic: str | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Iterator[Page]:
        """Returns all pages of a list. Each page is read when the iterator reaches it."""
        while True:
            page = self.list_messages(state, topic, limit=limit, cursor=cursor)
            yield page
            cursor = page.next
            if cursor is None:
                return

    def messages(self, state: State, topic: str | None = None) -> Iterator[Message]:
        """Returns all messages in a state that can be read. pages() also returns the ids of messages that cannot be
        read."""
        for page in self.pages(state, topic):
            yield from page

    def select_messages(
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
        """Returns a page of stored messages that are in this state and match a selection.

        `older_than` and `younger_than` are ages, as a timedelta or a number of seconds. The age of a dispatched message is the
        time since its dispatch, and that of any other message the time since its creation. `without_topics` leaves out up to
        100 topics. `limit` is the maximum number of messages of the page, 100 unless it is set. A page may have fewer
        messages, or none. Page.next is the `cursor` of the next page, and None on the last page.

        With a topic, only messages of this topic and of the selected ages are read. Without a topic, the messages that the
        ages or topics leave out are read too. Parked messages are found by reading the whole table.
        """
        selected = selection(topic, without_topics, older_than, younger_than, limit, cursor)
        made = ffi.new("postbox_page **")
        check(lib.postbox_select_messages(self._pointer, state, selected, made))
        return page_of(made[0])

    def count_messages(
        self,
        state: State,
        topic: str | None = None,
        *,
        without_topics: Iterable[str] = (),
        older_than: Age | None = None,
        younger_than: Age | None = None,
        limit: int | None = None,
    ) -> int:
        """Counts the stored messages that are in this state and match a selection; see select_messages. If `limit` is set,
        the count ends when it reaches it."""
        selected = selection(topic, without_topics, older_than, younger_than, limit, None)
        count = ffi.new("uint64_t *")
        check(lib.postbox_count_messages(self._pointer, state, selected, count))
        return int(count[0])

    def topic_counts(self, *, all_states: bool = False) -> list[TopicCount]:
        """Counts the messages of each topic, sorted by topic: the outstanding messages, or with `all_states` all messages,
        for which the whole table is read."""
        made = ffi.new("postbox_item **")
        check(lib.postbox_topic_counts(self._pointer, all_states, made))
        return listed(made[0], "topics", TopicCount)

    def dispatched_between(self, topic: str, start: Time, end: Time) -> int:
        """Counts the messages of a topic that were dispatched at or after `start` and before `end`. The messages are counted
        in an index, which DynamoDB updates a moment after the table."""
        count = ffi.new("uint64_t *")
        times = ticks_of(start, "start"), ticks_of(end, "end")
        check(lib.postbox_dispatched_between(self._pointer, utf8(topic, "topic"), *times, count))
        return int(count[0])

    def leases(self) -> list[LeaseInfo]:
        """Returns the leases of the sweepers and archivers of this outbox, including expired leases, sorted by resource."""
        made = ffi.new("postbox_item **")
        check(lib.postbox_leases(self._pointer, made))
        return listed(made[0], "leases", LeaseInfo)

    def sweepers(self) -> list[SweeperInfo]:
        """Returns the processes that have swept this outbox within the last day, the latest first. Brighter's sweepers are
        not in the list."""
        made = ffi.new("postbox_item **")
        check(lib.postbox_sweepers(self._pointer, made))
        return listed(made[0], "sweepers", SweeperInfo)

    def obtain_lease(self, resource: str, length: float) -> HeldLease | None:
        """Obtains a lease on a resource of the program's own, such as a job that only one process may run at a time. Returns
        None if another holder has the lease, in this process or in another one.

            if lease := box.obtain_lease("nightly-report", 60):
                with lease:
                    while lease.renew() and do_some_work(): ...

        The lease ends after `length` seconds, which is 1 to 3600, unless it is renewed. It is in the lock table, in the format
        of Brighter's distributed lock on DynamoDB. A program of Brighter that uses the same table, and the setting lease_group
        as its group, therefore sees the lease, and the other way round. If the lock table does not exist, it is created. The
        resources "OutboxSweeper" and "Archiver" are those of the sweepers and archivers, which wait while the program holds
        them.
        """
        made = ffi.new("postbox_held_lease **")
        check(lib.postbox_obtain_lease(self._pointer, utf8(resource, "resource"), min(milliseconds_of(length), 2**63), made))
        return HeldLease(made[0]) if made[0] else None

    def location(self) -> str:
        """Describes where the outbox table is, for prompts and logs: with its account and region, its endpoint, or the file
        of the embedded database."""
        made = ffi.new("char **")
        check(lib.postbox_location(self._pointer, made))
        return text_of(ffi.gc(made[0], lib.postbox_string_free))

    def unpark(self, id: str) -> None:
        """Releases a parked message. The message becomes outstanding again, and its count of failed attempts is reset."""
        check(lib.postbox_unpark(self._pointer, utf8(id, "id")))

    def archive(
        self, archive: Archive | str | os.PathLike[str], *, cancel: CancelToken | None = None
    ) -> ArchiveResult:
        """Archives the messages that have been dispatched for longer than archive_min_age_ms, and deletes each message that
        was archived. If `archive` is a function, it receives each message, and a message for which it raises is not
        deleted. If `archive` is a path, each message is appended to the file as one line of DynamoDB JSON. If `cancel` is
        canceled, no further messages are archived."""
        result = ffi.new("postbox_archive_result *")
        if callable(archive):
            # The handle must live until the call returns.
            handle, function = ffi.new_handle(archive), _callbacks.archive
            call_with_callbacks(lambda token: lib.postbox_archive(self._pointer, function, handle, token, result), cancel)
        else:
            path = utf8(os.fspath(archive), "path")
            call_with_callbacks(lambda token: lib.postbox_archive_to_file(self._pointer, path, token, result), cancel)
        return archive_result(result)

    def start_archiver(self, archive: Archive | str | os.PathLike[str]) -> None:
        """Starts the archiver, a background thread that archives messages as archive() does. The first run begins
        immediately, and later runs follow at intervals of archive_interval_ms."""
        if not callable(archive):
            check(lib.postbox_start_archiver_to_file(self._pointer, utf8(os.fspath(archive), "path")))
            return
        handle = _callbacks.keep(archive)
        error = lib.postbox_start_archiver(self._pointer, _callbacks.archive, handle, _callbacks.release)
        if error:
            _callbacks.drop(handle)
        check(error)

    def stop_archiver(self) -> None:
        """Tells the archiver to stop after the messages that it is archiving, and waits for it. Does nothing if no
        archiver is running. If the archiver's own function calls this method, it does not wait and raises UsageError.
        The archiver stops as soon as the function returns."""
        check(lib.postbox_stop_archiver(self._pointer))

    def stats(self) -> Stats:
        """Returns the statistics of this client since it was opened. Sends no request, and can be called even after
        close()."""
        result = ffi.new("postbox_stats *")
        check(lib.postbox_get_stats(self._pointer, result))
        return stats(result)

    def stats_json(self) -> dict[str, Any]:
        """Returns the statistics of stats() with the last sweep, the last error and the state of the breakers by topic."""
        made = ffi.new("char **")
        check(lib.postbox_stats_json(self._pointer, made))
        return _json(made)

    def embedded_execute(self, operation: str, request: Mapping[str, Any] | str) -> dict[str, Any]:
        """Runs one operation of DynamoDB by name on the embedded database, with its request and response as JSON. Programs
        use it in development, for example to create their own tables ("CreateTable")."""
        text = utf8(request, "request") if isinstance(request, str) else to_json(request, "request")
        made = ffi.new("char **")
        check(lib.postbox_embedded_execute(self._pointer, utf8(operation, "operation"), text, made))
        return _json(made)


def milliseconds_of(seconds: float) -> int:
    """Converts a time for C."""
    if not seconds >= 0:
        raise ValueError(f"a time must be 0 or more seconds, not {seconds}")
    return math.ceil(min(seconds, threading.TIMEOUT_MAX) * 1000)


def _checked(made: Any, check: bool) -> Report:
    report = report_of(made[0])
    return report.raise_for_failures() if check else report


def lines_of(text: Any) -> list[str]:
    """Frees a text of the library, and returns its lines."""
    if text == NULL:
        return []
    lines: list[str] = ffi.string(ffi.gc(text, lib.postbox_string_free)).decode().split("\n")
    return lines


def _json(made: Any) -> dict[str, Any]:
    text = ffi.gc(made[0], lib.postbox_string_free)
    response: dict[str, Any] = json.loads(ffi.string(text))
    return response
