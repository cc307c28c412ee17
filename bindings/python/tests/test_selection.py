"""Lists and counts of selected messages, and information for operators."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import postbox
from postbox import State


def deposit(box: postbox.Postbox, topic: str, minutes: int) -> str:
    message = postbox.Message(topic)
    message.created_at = datetime.now(timezone.utc) - timedelta(minutes=minutes)
    return box.deposit_post(message)


def test_messages_are_selected_by_topic_and_age(box: postbox.Postbox) -> None:
    for minutes in range(6):
        deposit(box, "odd" if minutes % 2 else "even", minutes)
    assert box.count_messages(State.OUTSTANDING) == 6
    assert box.count_messages(State.DISPATCHED) == 0
    assert box.count_messages(State.OUTSTANDING, "odd") == 3
    assert box.count_messages(State.OUTSTANDING, older_than=90, younger_than=timedelta(seconds=270)) == 3
    assert box.count_messages(State.OUTSTANDING, older_than=90.0, limit=2) == 2
    assert box.count_messages(State.OUTSTANDING, younger_than=float("inf")) == 6
    found, cursor = [], None
    while True:
        page = box.select_messages(
            State.OUTSTANDING, without_topics=["odd", "none"], older_than=90, limit=1, cursor=cursor
        )
        assert len(page.messages) <= 1
        found += [message.topic for message in page]
        cursor = page.next
        if cursor is None:
            break
    assert found == ["even", "even"]


def test_an_impossible_selection_is_rejected(box: postbox.Postbox) -> None:
    wrong: Any
    for part, wrong in {"limit": 0, "topic": "", "without_topics": [""], "cursor": "nonsense"}.items():
        with pytest.raises(postbox.InvalidInputError):
            box.select_messages(State.PARKED, **{part: wrong})
    for part, wrong in (("limit", -1), ("without_topics", [str(number) for number in range(101)])):
        with pytest.raises(postbox.InvalidInputError):
            box.count_messages(State.PARKED, **{part: wrong})
    for part, wrong in (
        ("limit", 1.5),
        ("limit", True),
        ("older_than", "1m"),
        ("older_than", False),
        ("topic", 1),
        ("without_topics", "topic"),
        ("without_topics", [None]),
    ):
        with pytest.raises(TypeError):
            box.count_messages(State.PARKED, **{part: wrong})
    for wrong in (float("nan"), -1, timedelta(seconds=-1)):
        with pytest.raises(ValueError, match="must be 0 or more seconds"):
            box.count_messages(State.PARKED, older_than=wrong)
    with pytest.raises(postbox.InvalidInputError, match="older than 2000 ms and younger than 1000 ms"):
        box.count_messages(State.PARKED, older_than=2, younger_than=1)
    wrong = 9
    with pytest.raises(postbox.InvalidInputError, match="unknown message state 9"):
        box.select_messages(wrong)
    box.close()
    with pytest.raises(postbox.ClosedError):
        box.count_messages(State.PARKED)


def test_topics_leases_and_sweepers_are_listed(box: postbox.Postbox) -> None:
    before = datetime.now(timezone.utc) - timedelta(minutes=1)
    deposit(box, "bills", 0)
    deposit(box, "other", 0)
    assert box.sweep("other").dispatched == 1
    assert [count.topic for count in box.topic_counts()] == ["bills"]
    bills, other = box.topic_counts(all_states=True)
    assert bills.oldest and bills.oldest > before
    assert bills == postbox.TopicCount("bills", 1, 0, 0, 0, 0, 0, oldest=bills.oldest)
    assert other == postbox.TopicCount("other", 0, 1, 0, 0, 0, 0)
    assert box.dispatched_between("other", before, before + timedelta(minutes=10)) == 1
    assert box.dispatched_between("other", 1, 2) == 0
    with pytest.raises(postbox.InvalidInputError, match="from_ticks"):
        box.dispatched_between("other", -1, 2)
    with pytest.raises(ValueError, match="no time zone"):
        box.dispatched_between("other", datetime(2026, 1, 1), before)

    (sweeper,) = box.sweepers()
    assert (sweeper.version, sweeper.topics, sweeper.last_error, sweeper.stopped) == (postbox.__version__, ["*"], None, None)
    assert sweeper.last_success == sweeper.last_sweep > before
    lease = {"ResourceId": {"S": "brighter_outbox_Archiver"}, "LockId": {"S": "them"}, "LeaseExpiry": {"N": "1700000000123"}}
    box.embedded_execute("PutItem", {"TableName": "brighter_distributed_lock", "Item": lease})
    expires = datetime(2023, 11, 14, 22, 13, 20, 123000, timezone.utc)
    assert box.leases() == [postbox.LeaseInfo("brighter_outbox_Archiver", "them", expires, False)]
    assert "brighter_outbox" in box.location()
