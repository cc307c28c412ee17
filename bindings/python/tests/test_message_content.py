"""The creation time and the header bag of a message."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

import postbox

DIGITS = "1234567890.1234567890123456789012345678"
EXACT = 638_355_968_001_234_567


def stored(box: postbox.Postbox, message: postbox.Message) -> postbox.Message:
    found = box.get_message(box.deposit_post(message))
    assert found is not None
    return found


def test_the_creation_time_keeps_all_its_digits(box: postbox.Postbox) -> None:
    message = postbox.Message("t")
    assert abs((message.created_at - datetime.now(timezone.utc)).total_seconds()) < 60
    message.created_ticks = EXACT
    assert message["created_at"] == "2023-11-14T22:13:20.1234567Z"
    found = stored(box, message)
    assert found.created_ticks == EXACT
    assert found.created_at == datetime(2023, 11, 14, 22, 13, 20, 123456, timezone.utc)
    for time in (datetime(1, 1, 1, tzinfo=timezone.utc), datetime(9999, 12, 31, 23, 59, 59, 999999, timezone.utc)):
        message.created_at = time
        assert message.created_at == time
    wrong: Any
    for wrong in (-1, 2**63, 3_155_378_976_000_000_000):
        with pytest.raises(postbox.InvalidInputError, match="the years 1 to 9999"):
            message.created_ticks = wrong
    for wrong in (1.0, "now", None, False):
        with pytest.raises(TypeError, match="must be a datetime or an int"):
            message.created_at = wrong
    with pytest.raises(ValueError, match="no time zone"):
        message.created_at = datetime(2026, 1, 1)
    assert message.created_at == time


def test_the_bag_has_values_of_any_json_type(box: postbox.Postbox) -> None:
    bag = {
        "precise": Decimal(DIGITS),
        "price": Decimal("1.10"),
        "whole": -(10**27),
        "list": [True, None, "text \u00e4 \"quoted\"", {"inner": []}],
        "real": 0.1,
        "n\0l": "a\0b",
    }
    found = stored(box, postbox.Message("t", bag=bag))
    assert found.bag == {**bag, "real": Decimal("0.1")}
    assert str(found.bag["price"]) == "1.10"
    assert found["bag.precise"] == DIGITS
    message = postbox.Message("t")
    assert message.bag == {}
    message["bag.tenant"] = "7"
    message.bag = {**message.bag, "far": Decimal("1E+400")}
    assert message["bag"] == '{"far":1E+400,"tenant":"7"}'
    message["bag"] = '{"long":' + "9" * 5000 + "}"
    assert message.bag == {"long": Decimal("9" * 5000)}
    message.bag = {"long": 10**5000}
    assert message.bag == {"long": Decimal(10**5000)}
    message.bag = {}
    assert message["bag"] == "{}"


def test_a_value_that_json_lacks_is_rejected_in_a_bag() -> None:
    message = postbox.Message("t", bag={"kept": 1})
    wrong: Any
    for wrong in (b"x", {1}, object()):
        with pytest.raises(TypeError, match=r"bag\['list'\]\[0\] is of type"):
            message.bag = {"list": [wrong]}
    for wrong in (float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")):
        with pytest.raises(ValueError, match="which JSON does not have"):
            message.bag = {"number": wrong}
    for wrong in ("{}", None, [1]):
        with pytest.raises(TypeError, match="must be a mapping"):
            message.bag = wrong
    wrong = {1: "x"}
    with pytest.raises(TypeError, match="names are of type str"):
        message.bag = wrong
    with pytest.raises(postbox.InvalidInputError, match="not a JSON object"):
        message["bag"] = "[]"
    assert message.bag == {"kept": 1}
