"""Selections of stored messages."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, TypeAlias

from postbox._native import check, ffi, lib
from postbox._text import utf8

Age: TypeAlias = timedelta | float
"""An age: a timedelta, or a number of seconds."""

_MOST_SECONDS = 2**53
"""The maximum number of seconds. Every message is younger."""


def selection(
    topic: str | None,
    without_topics: Iterable[str],
    older_than: Age | None,
    younger_than: Age | None,
    limit: int | None,
    cursor: str | None,
) -> Any:
    """Returns a postbox_selection."""
    if isinstance(without_topics, str):
        raise TypeError("without_topics must be a list of topics, not a str: pass [topic] for a single topic")
    made = ffi.gc(lib.postbox_selection_new(), lib.postbox_selection_free)
    parts = [
        ("topic", topic),
        ("older_than_ms", _milliseconds(older_than, "older_than")),
        ("younger_than_ms", _milliseconds(younger_than, "younger_than")),
        ("limit", _limit(limit)),
        ("cursor", cursor),
    ]
    for name, value in parts:
        if value is not None:
            _set(made, name, value)
    for left_out in without_topics:
        _set(made, "without_topic", left_out)
    return made


def _set(made: Any, name: str, value: str) -> None:
    check(lib.postbox_selection_set(made, utf8(name, "name"), utf8(value, name)))


def _limit(limit: int | None) -> str | None:
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise TypeError(f"limit must be an int, not {type(limit).__name__}")
    return str(limit)


def _milliseconds(age: Age | None, what: str) -> str | None:
    if age is None:
        return None
    if isinstance(age, bool) or not isinstance(age, (timedelta, int, float)):
        raise TypeError(f"{what} must be a timedelta or a number of seconds, not {type(age).__name__}")
    seconds = age.total_seconds() if isinstance(age, timedelta) else age
    if not seconds >= 0:
        raise ValueError(f"{what} must be 0 or more seconds, not {seconds}")
    return str(math.floor(min(seconds, _MOST_SECONDS) * 1000))
