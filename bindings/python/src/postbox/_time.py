"""Times in ticks, in which the outbox table stores them: intervals of 100 ns since the year 1, as in .NET."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TypeAlias

from postbox._errors import ErrorCode, InvalidInputError

Time: TypeAlias = datetime | int
"""A time: a datetime with a time zone, or an int with the ticks, which has digits that a datetime cannot represent."""

_FIRST = datetime(1, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_END = 2**63


def ticks_of(time: Time, what: str) -> int:
    """Returns a time in ticks."""
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise ValueError(f"{what} has no time zone: pass a time such as datetime.now(timezone.utc)")
        return (time - _FIRST) // _MICROSECOND * 10
    if isinstance(time, bool) or not isinstance(time, int):
        raise TypeError(f"{what} must be a datetime or an int, not {type(time).__name__}")
    if not -_END <= time < _END:
        raise InvalidInputError(ErrorCode.INVALID_ARGUMENT, f"{what} is {time}, which is not a time within the years 1 to 9999")
    return time


def time_of(ticks: int) -> datetime:
    """Returns a time in ticks as a datetime in UTC, rounded down to a microsecond."""
    return _FIRST + timedelta(microseconds=ticks // 10)
