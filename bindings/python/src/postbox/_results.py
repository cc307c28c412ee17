"""Results of calls: reports, pages, statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any, TypeVar, overload

from postbox._errors import ErrorCode, IncompleteError, Reason
from postbox._item import item_from_json
from postbox._message import Message
from postbox._native import NULL, check, ffi, lib, optional_text_of, text_of
from postbox._time import time_of


class Outcome(IntEnum):
    """The outcome of one message. Outcomes from NOT_FOUND upwards are failures."""

    DISPATCHED = 0
    ALREADY_DISPATCHED = 1
    ACCEPTED = 2
    IN_PROGRESS = 3
    REPLAYED = 4
    NOT_FOUND = 10
    PARKED = 11
    NO_PRODUCER = 12
    FAILED = 13
    REJECTED = 14
    MALFORMED = 15
    READ_FAILED = 16
    MARK_FAILED = 17
    HELD_BACK = 18
    BREAKER_OPEN = 19
    SKIPPED = 20


class State(IntEnum):
    """The state of a stored message."""

    OUTSTANDING = 0
    DISPATCHED = 1
    PARKED = 2


class LeaseStatus(IntEnum):
    """Whether a sweep or an archiver held its lease."""

    HELD = 0
    HELD_ELSEWHERE = 1
    LOST = 2
    UNAVAILABLE = 3


@dataclass(frozen=True)
class Dispatch:
    """The outcome of one message."""

    id: str
    outcome: Outcome
    detail: str
    """The reason for the outcome, or an empty string."""


class Report(Sequence[Dispatch]):
    """The outcomes of the messages, in the order in which their ids were passed. An id that was passed twice has one entry."""

    def __init__(self, entries: Sequence[Dispatch]) -> None:
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> Dispatch: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Dispatch]: ...
    def __getitem__(self, index: int | slice) -> Dispatch | Sequence[Dispatch]:
        return self._entries[index]

    def __repr__(self) -> str:
        return f"Report({self._entries!r})"

    def raise_for_failures(self) -> Report:
        """Returns the report. If messages failed, raises IncompleteError with a reason for each failed message."""
        reasons = [
            Reason(index, entry.id, entry.outcome.name, entry.detail)
            for index, entry in enumerate(self._entries)
            if entry.outcome >= Outcome.NOT_FOUND
        ]
        if not reasons:
            return self
        text = f"{len(reasons)} of {len(self)} messages failed: the reasons say which and why"
        raise IncompleteError(ErrorCode.CLEAR_INCOMPLETE, text, True, reasons)


def report_of(pointer: Any) -> Report:
    """Converts a report of the library."""
    report = ffi.gc(pointer, lib.postbox_report_free)
    return Report(
        [
            Dispatch(
                text_of(lib.postbox_report_id(report, index)),
                Outcome(lib.postbox_report_outcome(report, index)),
                text_of(lib.postbox_report_detail(report, index)),
            )
            for index in range(lib.postbox_report_count(report))
        ]
    )


@dataclass(frozen=True)
class Malformed:
    """A stored message that cannot be read."""

    id: str
    reason: str


@dataclass(frozen=True)
class Page:
    """One page of a list of messages, or the messages of Postbox.get_messages."""

    messages: list[Message]
    malformed: list[Malformed]
    missing: list[str]
    """The ids that the outbox does not have, in a page of Postbox.get_messages."""
    next: str | None
    """The cursor of the next page, for Postbox.list_messages in this or another process. None on the last page."""

    def __iter__(self) -> Iterator[Message]:
        return iter(self.messages)


def page_of(pointer: Any) -> Page:
    """Converts a page of the library. Its messages keep the memory of the page alive."""
    page = ffi.gc(pointer, lib.postbox_page_free)
    numbers = range(lib.postbox_page_count(page))
    return Page(
        [Message._of(lib.postbox_page_message(page, number), page) for number in numbers],
        [_malformed(page, number) for number in range(lib.postbox_page_malformed_count(page))],
        [text_of(lib.postbox_page_missing(page, number)) for number in range(lib.postbox_page_missing_count(page))],
        optional_text_of(lib.postbox_page_next(page)),
    )


def _malformed(page: Any, number: int) -> Malformed:
    why = ffi.new("char **", NULL)
    id = lib.postbox_page_malformed(page, number, why)
    return Malformed(text_of(id), text_of(why[0]))


@dataclass(frozen=True)
class SweepResult:
    """The result of a sweep: message counts and the status of the lease."""

    found: int
    dispatched: int
    already_dispatched: int
    failed: int
    held_back: int
    lease: LeaseStatus


@dataclass(frozen=True)
class ArchiveResult:
    """The result of archiving: message counts and the status of the lease."""

    archived: int
    failed: int
    lease: LeaseStatus


@dataclass(frozen=True)
class OutstandingCount:
    """The number and age of outstanding messages."""

    count: int
    oldest_age_ms: int


@dataclass(frozen=True)
class TopicCount:
    """The number of messages of a topic by state. Times are in UTC, rounded down to a microsecond."""

    topic: str
    outstanding: int
    dispatched: int
    """0 if only outstanding messages were counted, as is `parked`."""
    parked: int
    waiting: int
    """The outstanding messages that wait for their next attempt, or for their confirmation."""
    failing: int
    """The outstanding messages of which an attempt has failed."""
    invalid_times: int
    """The outstanding messages whose times are too far in the future to be right."""
    oldest: datetime | None = None
    next_attempt: datetime | None = None
    failing_since: datetime | None = None
    last_error: str | None = None


@dataclass(frozen=True)
class LeaseInfo:
    """A lease in the lock table, or a pause of a lane."""

    resource: str
    holder: str
    """A host and a process id, or an id for a lease of Brighter."""
    expires: datetime
    is_ignored: bool
    """Whether the lease ends too far in the future to be right, and is therefore ignored."""
    topic: str | None = None
    paused: str | None = None
    """The reason for which a lane is paused. None for a lease."""


@dataclass(frozen=True)
class SweeperInfo:
    """A process that has swept the outbox."""

    holder: str
    version: str
    topics: list[str]
    last_sweep: datetime
    last_success: datetime | None = None
    last_error: str | None = None
    stopped: datetime | None = None


Listed = TypeVar("Listed", TopicCount, LeaseInfo, SweeperInfo)


def listed(item: Any, name: str, kind: type[Listed]) -> list[Listed]:
    """Converts a list of the library, and frees the item that contains it."""
    made = ffi.new("char **")
    check(lib.postbox_item_to_json(ffi.gc(item, lib.postbox_item_free), made))
    text = ffi.string(ffi.gc(made[0], lib.postbox_string_free)).decode()
    known = {field.name for field in fields(kind)}
    return [kind(**{key: value for key, value in map(_member, members.items()) if key in known}) for members in item_from_json(text)[name]]


def _member(member: tuple[str, Any]) -> tuple[str, Any]:
    name, value = member
    if name.endswith("_ticks"):
        return name.removesuffix("_ticks"), time_of(int(value))
    return name, int(value) if isinstance(value, Decimal) else value


@dataclass(frozen=True)
class Stats:
    """Statistics of a client since it was opened."""

    deposited: int
    dispatched: int
    failed: int
    parked: int
    duplicates_avoided: int
    sweeps: int
    background_failures: int
    open_breakers: int
    outstanding: int | None
    """The number of outstanding messages when they were last counted. None if they never were."""


def sweep_result(of: Any) -> SweepResult:
    return SweepResult(of.found, of.dispatched, of.already_dispatched, of.failed, of.held_back, LeaseStatus(of.lease))


def archive_result(of: Any) -> ArchiveResult:
    return ArchiveResult(of.archived, of.failed, LeaseStatus(of.lease))


def stats(of: Any) -> Stats:
    never = of.outstanding == 2**64 - 1
    return Stats(
        of.deposited,
        of.dispatched,
        of.failed,
        of.parked,
        of.duplicates_avoided,
        of.sweeps,
        of.background_failures,
        of.open_breakers,
        None if never else of.outstanding,
    )
