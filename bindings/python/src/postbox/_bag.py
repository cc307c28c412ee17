"""Conversion of Python values to JSON for the header bag of a message, and back. Numbers keep all their digits."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from postbox._values import quoted

Bag: TypeAlias = dict[str, Any]
"""The header bag of a message: str, bool, None, int, Decimal, list and dict."""

_MAX_DIGITS = 4300
"""The maximum number of digits that Python converts to an int and back by default."""
_FIRST_LONG_INT = 10**_MAX_DIGITS


def bag_from_json(text: str) -> Bag:
    """Reads a bag. Numbers with a fraction or an exponent are read as Decimal."""
    bag: Bag = json.loads(text, parse_float=Decimal, parse_int=_whole)
    return bag


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < _MAX_DIGITS else Decimal(digits)


def bag_to_json(bag: Mapping[str, Any]) -> str:
    """Formats a bag as a JSON object."""
    if not isinstance(bag, Mapping):
        raise TypeError(f"bag must be a mapping, not {type(bag).__name__}")
    return _object(bag, "bag")


def _object(members: Mapping[Any, Any], path: str) -> str:
    texts = []
    for name, value in members.items():
        if not isinstance(name, str):
            raise TypeError(f"{path} has a name of type {type(name).__name__}: names are of type str")
        texts.append(f"{quoted(name)}:{_value(value, f'{path}[{name!r}]')}")
    return "{" + ",".join(texts) + "}"


def _value(value: object, path: str) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int):
        return str(value) if abs(value) < _FIRST_LONG_INT else str(Decimal(value))
    if isinstance(value, (float, Decimal)):
        if not (math.isfinite(value) if isinstance(value, float) else value.is_finite()):
            raise ValueError(f"{path} is {value}, which JSON does not have")
        return str(value)
    if isinstance(value, Mapping):
        return _object(value, path)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_value(element, f"{path}[{index}]") for index, element in enumerate(value)) + "]"
    raise TypeError(f"{path} is of type {type(value).__name__}, which JSON does not have")
