"""Messages that are read, marked and deleted by id."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import postbox
from postbox import Outcome, State


def deposit(box: postbox.Postbox, count: int) -> list[str]:
    return box.deposit_posts([postbox.Message("t", str(number)) for number in range(count)])


def delivery_time(box: postbox.Postbox, id: str) -> object:
    item = box.get_item("brighter_outbox", {"MessageId": id})
    assert item is not None
    return item["DeliveryTime"]


def test_many_messages_are_read_in_one_call(box: postbox.Postbox) -> None:
    ids = deposit(box, 120)[::-1]
    box.embedded_execute("PutItem", {"TableName": "brighter_outbox", "Item": {"MessageId": {"S": "odd"}}})
    page = box.get_messages([*ids, "nobody", "odd", ids[0]])
    assert [message.id for message in page] == ids
    assert (page.missing, [malformed.id for malformed in page.malformed], page.next) == (["nobody"], ["odd"], None)
    assert box.get_messages([]).messages == []
    wrong: Any
    for wrong in ("an id", [1], None):
        with pytest.raises(TypeError):
            box.get_messages(wrong)
    box.close()
    with pytest.raises(postbox.ClosedError):
        box.get_messages(ids)


def test_messages_are_marked_with_a_given_time(box: postbox.Postbox) -> None:
    one, two = deposit(box, 2)
    wrong: Any
    for wrong in (0, -1, 2**63, -(2**70), 3_155_378_976_000_000_000):
        with pytest.raises(postbox.InvalidInputError, match="the years 1 to 9999"):
            box.mark_dispatched_at([one], wrong)
    for wrong in (1.5, float("nan"), "2026-01-01", True, None):
        with pytest.raises(TypeError, match="must be a datetime or an int"):
            box.mark_dispatched_at([one], wrong)
    with pytest.raises(ValueError, match="no time zone"):
        box.mark_dispatched_at([one], datetime(2026, 1, 1))

    report = box.mark_dispatched_at([one, "nobody"], 638_355_968_001_234_567, check=False)
    assert [entry.outcome for entry in report] == [Outcome.DISPATCHED, Outcome.NOT_FOUND]
    assert delivery_time(box, one) == 638_355_968_001_234_567
    local = timezone(timedelta(hours=2))
    box.mark_dispatched_at([two], datetime(2023, 11, 15, 0, 13, 20, 123456, local))
    assert delivery_time(box, two) == 638_355_968_001_234_560
    with pytest.raises(postbox.IncompleteError):
        box.mark_dispatched_at(["nobody"], 1)


def test_a_message_is_deleted_in_the_given_state_only(box: postbox.Postbox) -> None:
    (id,) = deposit(box, 1)
    assert not box.delete_message(id, State.DISPATCHED)
    stored = box.get_message(id)
    assert stored and stored["state"] == "outstanding"
    assert box.delete_message(id, State.OUTSTANDING)
    assert not box.delete_message(id, State.OUTSTANDING)
    assert box.get_message(id) is None
    wrong: Any = 7
    with pytest.raises(postbox.InvalidInputError, match="unknown message state 7"):
        box.delete_message(id, wrong)
    wrong = None
    with pytest.raises(TypeError):
        box.delete_message(wrong, State.PARKED)
