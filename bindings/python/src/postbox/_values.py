"""Items: Python values as DynamoDB stores them, converted as boto3 does it, and DynamoDB JSON.

| Python | DynamoDB |
|---|---|
| `str` | S |
| `int`, `Decimal` | N; read as `Decimal` |
| `bytes`, `bytearray`, boto3's `Binary` | B; read as `bytes` |
| `bool` | BOOL |
| `None` | NULL |
| `set` of str, of numbers, of bytes | SS, NS, BS |
| mapping with str keys | M |
| `list`, `tuple` | L |

A `float` is refused, as by boto3: it is a binary fraction and DynamoDB's numbers are decimal ones of 38 digits, so that
0.1 would not be stored as it is.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Set
from decimal import Clamped, Context, Decimal, DecimalException, Inexact, Overflow, Rounded, Underflow
from json.encoder import encode_basestring
from typing import Any, TypeAlias

from postbox._errors import ErrorCode, InvalidInputError
from postbox._text import utf8

ItemLike: TypeAlias = Mapping[str, Any] | str
"""An item or a key to write: a mapping of Python values; or, as a str, DynamoDB JSON."""

# A text as JSON has it. Characters stay as they are, so that a lone surrogate is found.
quoted = encode_basestring

_Path: TypeAlias = tuple[str | int, ...]
"""Where a value is, for errors: the name of the argument, then names and positions."""

_DYNAMODB_NUMBER = Context(prec=38, Emin=-128, Emax=126, traps=[Clamped, Overflow, Inexact, Rounded, Underflow])
_FIRST_INT_OF_39_DIGITS = 10**38


def item_to_json(item: ItemLike, what: str) -> bytes:
    """An item as DynamoDB JSON, for the library."""
    return utf8(item_text(item, what), what)


def item_text(item: ItemLike, what: str) -> str:
    """An item as DynamoDB JSON."""
    if isinstance(item, str):
        return item
    if not isinstance(item, (dict, Mapping)):
        raise TypeError(f"{what} must be a mapping or DynamoDB JSON as a str, not {type(item).__name__}")
    return _members(item, (what,))


def values_text(values: Mapping[str, Any]) -> str:
    """What an expression calls :name, as DynamoDB JSON."""
    return _members(values, ("values",))


def to_json(value: object, what: str) -> bytes:
    """Any JSON for the library."""
    return utf8(json.dumps(value, ensure_ascii=False), what)


# Texts are put together here, instead of dicts for a JSON encoder, and dict is asked for before Mapping, whose check is
# slow: both are in every commit.


def _members(mapping: Mapping[str, Any], path: _Path) -> str:
    members = []
    for name, value in mapping.items():
        if not isinstance(name, str):
            raise TypeError(f"{_told(path)} has a name of type {type(name).__name__}: names are of type str")
        members.append(f"{quoted(name)}:{_tagged(value, (*path, name))}")
    return "{" + ",".join(members) + "}"


def _tagged(value: object, path: _Path) -> str:
    """A Python value as DynamoDB's JSON has it: {"S":"text"}."""
    if isinstance(value, str):
        return f'{{"S":{quoted(value)}}}'
    if value is None:
        return '{"NULL":true}'
    if isinstance(value, bool):
        return '{"BOOL":true}' if value else '{"BOOL":false}'
    if isinstance(value, (int, Decimal)):
        return f'{{"N":{_number(value, path)}}}'
    if _is_binary(value):
        return f'{{"B":{_binary(value, path)}}}'
    if isinstance(value, (dict, Mapping)):
        return f'{{"M":{_members(value, path)}}}'
    if isinstance(value, (list, tuple)):
        return '{"L":[' + ",".join(_tagged(element, (*path, index)) for index, element in enumerate(value)) + "]}"
    if isinstance(value, Set):
        return _set(value, path)
    if isinstance(value, float):
        raise TypeError(
            f"{_told(path)} is a float: DynamoDB stores decimal numbers of 38 digits, which a float only comes near. "
            "Use Decimal, made from a str"
        )
    raise TypeError(f"{_told(path)} is of type {type(value).__name__}, which DynamoDB cannot store")


def _told(path: _Path) -> str:
    return f"{path[0]}" + "".join(f"[{part!r}]" for part in path[1:])


def _number(value: object, path: _Path) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise TypeError(f"{_told(path)} mixes numbers with {type(value).__name__}")
    if type(value) is int and abs(value) < _FIRST_INT_OF_39_DIGITS:
        return f'"{value}"'
    try:
        number = _DYNAMODB_NUMBER.create_decimal(value)
    except DecimalException:
        number = None
    if number is None or not number.is_finite():
        raise InvalidInputError(
            ErrorCode.INVALID_ARGUMENT,
            f"{_told(path)} is not a number that DynamoDB can store: finite, of 38 digits at most, from 1E-130 to 9.9E+125",
        )
    return f'"{number}"'


def _is_binary(value: object) -> bool:
    # boto3's Binary has __bytes__.
    return isinstance(value, (bytes, bytearray)) or hasattr(value, "__bytes__")


def _binary(value: Any, path: _Path) -> str:
    if not _is_binary(value):
        raise TypeError(f"{_told(path)} mixes bytes with {type(value).__name__}")
    return f'"{base64.b64encode(bytes(value)).decode()}"'


def _string(value: object, path: _Path) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{_told(path)} mixes str with {type(value).__name__}")
    return quoted(value)


def _set(value: Set[Any], path: _Path) -> str:
    if not value:
        raise InvalidInputError(ErrorCode.INVALID_ARGUMENT, f"{_told(path)} is an empty set, which DynamoDB cannot store")
    first = next(iter(value))
    if isinstance(first, str):
        kind, convert = "SS", _string
    elif isinstance(first, (int, Decimal)):
        kind, convert = "NS", _number
    elif _is_binary(first):
        kind, convert = "BS", _binary
    else:
        raise TypeError(f"{_told(path)} is a set of {type(first).__name__}, which DynamoDB cannot store")
    return f'{{"{kind}":[' + ",".join(convert(element, path) for element in value) + "]}"
