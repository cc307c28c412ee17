"""Conversion of Python values to and from DynamoDB, compared with boto3."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

import postbox
from postbox._item import item_from_json
from postbox._values import item_to_json

VALUES: list[Any] = [
    "",
    "text with \0, ü and 🐘",
    0,
    -1,
    10**37,
    Decimal("3.14"),
    Decimal("-0.00010"),
    Decimal("1E+125"),
    Decimal("1E-128"),
    True,
    False,
    None,
    b"",
    b"\0\xff",
    bytearray(b"bytes"),
    Binary(b"binary"),
    {"a"},
    {1, Decimal("2.5")},
    {b"a", b"b"},
    frozenset({"frozen"}),
    [],
    [1, "two", [None, {"three": 3}]],
    {},
    {"nested": {"map": [{"deep": b"bytes"}], "set": {1}}},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_converted_as_boto3_does(value: Any) -> None:
    ours = json.loads(item_to_json({"v": value}, "item"))["v"]
    theirs = TypeSerializer().serialize(value)
    assert json.dumps(ours) == json.dumps(theirs, default=_base64)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_stored_and_read_as_boto3_reads_it(box: postbox.Postbox, value: Any) -> None:
    with box.unit_of_work() as work:
        work.put("People", {"Name": "Ada", "v": value})
    read = box.get_item("People", {"Name": "Ada"})
    assert read and read["v"] == TypeDeserializer().deserialize(TypeSerializer().serialize(value))


def _base64(value: Any) -> str:
    import base64

    return base64.b64encode(bytes(value)).decode()


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.1, TypeError, r"item\['v'\] is a float: .* Use Decimal"),
        ([1, {"x": 0.5}], TypeError, r"item\['v'\]\[1\]\['x'\] is a float"),
        ({0.5}, TypeError, "float"),
        (object(), TypeError, "of type object"),
        ({1: 2}, TypeError, "a name of type int"),
        ({1, "a"}, TypeError, "mixes"),
        ({True}, TypeError, "mixes|bool"),
        ({b"a", 1}, TypeError, "mixes"),
        (set(), postbox.InvalidInputError, "an empty set"),
        (Decimal("NaN"), postbox.InvalidInputError, "not a number that DynamoDB can store"),
        (Decimal("Infinity"), postbox.InvalidInputError, "not a number"),
        (10**38 + 1, postbox.InvalidInputError, "38 digits"),
        (Decimal("1E+127"), postbox.InvalidInputError, "38 digits"),
    ],
)
def test_unsupported_value_is_rejected_with_its_path(
    box: postbox.Postbox, value: Any, kind: type[Exception], text: str
) -> None:
    work = box.unit_of_work()
    with pytest.raises(kind, match=text):
        work.put("People", {"Name": "Ada", "v": value})


@pytest.mark.parametrize("item", ["{", '{"Name": "Ada"}', "[]", '{"Name": {"X": "Ada"}}'])
def test_malformed_dynamodb_json_is_rejected(box: postbox.Postbox, item: str) -> None:
    with pytest.raises(postbox.InvalidInputError) as rejected:
        box.unit_of_work().put("People", item)
    assert rejected.value.code == postbox.ErrorCode.INVALID_JSON
    with pytest.raises(postbox.InvalidInputError) as rejected:
        box.unit_of_work().put("People", item, "attribute_exists(x)")
    assert rejected.value.code == postbox.ErrorCode.INVALID_JSON


def test_items_are_mappings_or_text(box: postbox.Postbox) -> None:
    with pytest.raises(TypeError, match="item must be a mapping or DynamoDB JSON"):
        box.unit_of_work().put("People", [("Name", "Ada")])  # type: ignore[arg-type]


def test_numbers_are_read_as_decimal() -> None:
    read = item_from_json('{"n": {"N": "38.10"}, "s": {"NS": ["1", "2"]}}')
    assert read == {"n": Decimal("38.10"), "s": {Decimal(1), Decimal(2)}}
    assert isinstance(read["n"], Decimal)
