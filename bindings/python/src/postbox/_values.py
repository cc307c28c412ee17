"""Conversion of Python values to DynamoDB JSON, with the same types as boto3.

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

A `float` is rejected, as by boto3. It is a binary fraction and DynamoDB stores decimal numbers of 38 digits, so that 0.1
would not be stored exactly.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Mapping, Sequence, Set
from decimal import Clamped, Context, Decimal, DecimalException, Inexact, Overflow, Rounded, Underflow
from json.encoder import encode_basestring
from typing import Any, TypeAlias

from postbox._errors import ErrorCode, InvalidInputError
from postbox._text import utf8

ItemLike: TypeAlias = Mapping[str, Any] | str
"""An item or a key: a mapping of Python values, or DynamoDB JSON as a str."""

# Quotes a string for JSON. Characters are not escaped as ASCII, so that the encoding to UTF-8 detects a lone surrogate.
quoted = encode_basestring

_Path: TypeAlias = tuple[str | int, ...]
"""The place of a value, for errors: the name of the argument, then names and positions."""

_DYNAMODB_NUMBER = Context(prec=38, Emin=-128, Emax=126, traps=[Clamped, Overflow, Inexact, Rounded, Underflow])
_MAX_INT = 10**38 - 1
_MIN_INT = -_MAX_INT


def item_to_json(item: ItemLike, what: str) -> bytes:
    """Formats an item as DynamoDB JSON in UTF-8."""
    return utf8(item_text(item, what), what)


def item_text(item: ItemLike, what: str) -> str:
    """Formats an item as DynamoDB JSON."""
    if isinstance(item, str):
        return item
    if not isinstance(item, (dict, Mapping)):
        raise TypeError(f"{what} must be a mapping or DynamoDB JSON as a str, not {type(item).__name__}")
    return _members(item, (what,))


def values_text(values: Mapping[str, Any]) -> str:
    """Formats the :name values of an expression as DynamoDB JSON."""
    return _members(values, ("values",))


def to_json(value: object, what: str) -> bytes:
    """Formats any value as JSON in UTF-8."""
    return utf8(json.dumps(value, ensure_ascii=False), what)


# Every commit runs this code, so it is written for speed: it builds strings instead of dicts for a JSON encoder, compares the
# type with the common types before it checks for subclasses, and checks for dict before Mapping, because a check for Mapping
# is slow.


def _members(mapping: Mapping[str, Any], path: _Path) -> str:
    members = []
    for name, value in mapping.items():
        if not isinstance(name, str):
            raise TypeError(f"{_shown(path)} has a name of type {type(name).__name__}: names are of type str")
        members.append(f"{quoted(name)}:{_tagged(value, path, name)}")
    return "{" + ",".join(members) + "}"


def _elements(values: Sequence[Any], path: _Path) -> str:
    return "[" + ",".join([_tagged(value, path, index) for index, value in enumerate(values)]) + "]"


def _tagged(value: Any, path: _Path, step: str | int) -> str:
    """Formats the value at one step of a path as DynamoDB JSON: {"S":"text"}."""
    kind = type(value)
    if kind is str:
        return f'{{"S":{quoted(value)}}}'
    if kind is int and _MIN_INT <= value <= _MAX_INT:
        return f'{{"N":"{value}"}}'
    if kind is bool:
        return '{"BOOL":true}' if value else '{"BOOL":false}'
    if value is None:
        return '{"NULL":true}'
    if kind is bytes:
        return f'{{"B":"{b2a_base64(value, newline=False).decode()}"}}'
    path = (*path, step)
    if isinstance(value, str):
        return f'{{"S":{quoted(value)}}}'
    if isinstance(value, (int, Decimal)):
        return f'{{"N":{_number(value, path)}}}'
    if isinstance(value, (list, tuple)):
        return f'{{"L":{_elements(value, path)}}}'
    if isinstance(value, (dict, Mapping)):
        return f'{{"M":{_members(value, path)}}}'
    if isinstance(value, Set):
        return _set(value, path)
    if _is_binary(value):
        return f'{{"B":{_binary(value, path)}}}'
    if isinstance(value, float):
        raise TypeError(
            f"{_shown(path)} is a float: DynamoDB stores decimal numbers of 38 digits, which a float only approximates. "
            "Use Decimal, created from a str"
        )
    raise TypeError(f"{_shown(path)} is of type {kind.__name__}, which DynamoDB cannot store")


def _shown(path: _Path) -> str:
    return f"{path[0]}" + "".join(f"[{part!r}]" for part in path[1:])


def _number(value: object, path: _Path) -> str:
    if type(value) is int and _MIN_INT <= value <= _MAX_INT:
        return f'"{value}"'
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise TypeError(f"{_shown(path)} mixes numbers with {type(value).__name__}")
    try:
        number = _DYNAMODB_NUMBER.create_decimal(value)
    except DecimalException:
        number = None
    if number is None or not number.is_finite():
        raise InvalidInputError(
            ErrorCode.INVALID_ARGUMENT,
            f"{_shown(path)} is not a number that DynamoDB can store: finite, of up to 38 digits, from 1E-130 to 9.9E+125",
        )
    return f'"{number}"'


def _is_binary(value: object) -> bool:
    # boto3's Binary has __bytes__.
    return isinstance(value, (bytes, bytearray)) or hasattr(value, "__bytes__")


def _binary(value: Any, path: _Path) -> str:
    if not _is_binary(value):
        raise TypeError(f"{_shown(path)} mixes bytes with {type(value).__name__}")
    return f'"{b2a_base64(bytes(value), newline=False).decode()}"'


def _string(value: object, path: _Path) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{_shown(path)} mixes str with {type(value).__name__}")
    return quoted(value)


def _set(value: Set[Any], path: _Path) -> str:
    if not value:
        raise InvalidInputError(ErrorCode.INVALID_ARGUMENT, f"{_shown(path)} is an empty set, which DynamoDB cannot store")
    first = next(iter(value))
    if isinstance(first, str):
        kind, convert = "SS", _string
    elif isinstance(first, (int, Decimal)):
        kind, convert = "NS", _number
    elif _is_binary(first):
        kind, convert = "BS", _binary
    else:
        raise TypeError(f"{_shown(path)} is a set of {type(first).__name__}, which DynamoDB cannot store")
    return f'{{"{kind}":[' + ",".join(convert(element, path) for element in value) + "]}"
