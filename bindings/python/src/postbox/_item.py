"""Conversion of DynamoDB JSON to Python values. _values.py has the table of types and the opposite conversion."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

Item: TypeAlias = dict[str, Any]
"""An item that was read: a dict of Python values."""


def item_from_json(text: str) -> Item:
    """Reads an item from DynamoDB JSON."""
    return item_from_tagged(json.loads(text))


def item_from_tagged(members: dict[str, Any]) -> Item:
    """Reads an item from the parsed DynamoDB JSON."""
    return {name: _from_tagged(value) for name, value in members.items()}


_READERS: dict[str, Callable[[Any], object]] = {
    "S": str,
    "N": Decimal,
    "B": base64.b64decode,
    "BOOL": bool,
    "NULL": lambda _: None,
    "M": item_from_tagged,
    "L": lambda elements: [_from_tagged(element) for element in elements],
    "SS": set,
    "NS": lambda numbers: set(map(Decimal, numbers)),
    "BS": lambda values: set(map(base64.b64decode, values)),
}


def _from_tagged(tagged: dict[str, Any]) -> object:
    ((kind, value),) = tagged.items()
    return _READERS[kind](value)
