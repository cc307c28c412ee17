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
from collections.abc import Callable, Mapping, Set
from decimal import Clamped, Context, Decimal, DecimalException, Inexact, Overflow, Rounded, Underflow
from typing import Any, TypeAlias

from postbox._errors import ErrorCode, InvalidInputError
from postbox._native import utf8

Item: TypeAlias = dict[str, Any]
"""An item as it is read: a dict of Python values."""

ItemLike: TypeAlias = Mapping[str, Any] | str
"""An item or a key to write: a mapping of Python values; or, as a str, DynamoDB JSON."""

_DYNAMODB_NUMBER = Context(prec=38, Emin=-128, Emax=126, traps=[Clamped, Overflow, Inexact, Rounded, Underflow])


def item_to_json(item: ItemLike, what: str) -> bytes:
    """An item as DynamoDB JSON, for the library."""
    return utf8(item, what) if isinstance(item, str) else to_json(json_value(item, what), what)


def json_value(item: ItemLike, what: str) -> object:
    """An item as DynamoDB JSON, to be part of a larger one."""
    if isinstance(item, str):
        try:
            return json.loads(item)
        except ValueError as error:
            raise InvalidInputError(ErrorCode.INVALID_JSON, f"{what} is not JSON: {error}") from None
    if not isinstance(item, Mapping):
        raise TypeError(f"{what} must be a mapping or DynamoDB JSON as a str, not {type(item).__name__}")
    return _members(item, what)


def to_json(value: object, what: str) -> bytes:
    """JSON for the library."""
    return utf8(json.dumps(value, ensure_ascii=False), what)


def item_from_json(text: str) -> Item:
    """An item from DynamoDB JSON."""
    return {name: _from_tagged(value) for name, value in json.loads(text).items()}


def to_tagged(value: object, where: str) -> dict[str, Any]:
    """A Python value as DynamoDB's JSON has it: {"S": "text"}. `where` is told in errors."""
    if isinstance(value, str):
        return {"S": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, Decimal)):
        return {"N": _number(value, where)}
    if isinstance(value, (bytes, bytearray)) or hasattr(value, "__bytes__"):
        return {"B": _binary(value, where)}
    if isinstance(value, Mapping):
        return {"M": _members(value, where)}
    if isinstance(value, (list, tuple)):
        return {"L": [to_tagged(element, f"{where}[{index}]") for index, element in enumerate(value)]}
    if isinstance(value, Set):
        return _set(value, where)
    if isinstance(value, float):
        raise TypeError(
            f"{where} is a float: DynamoDB stores decimal numbers of 38 digits, which a float only comes near. "
            "Use Decimal, made from a str"
        )
    raise TypeError(f"{where} is of type {type(value).__name__}, which DynamoDB cannot store")


def _members(mapping: Mapping[str, Any], where: str) -> dict[str, Any]:
    tagged = {}
    for name, value in mapping.items():
        if not isinstance(name, str):
            raise TypeError(f"{where} has a name of type {type(name).__name__}: names are of type str")
        tagged[name] = to_tagged(value, f"{where}[{name!r}]")
    return tagged


def _number(value: object, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise TypeError(f"{where} mixes numbers with {type(value).__name__}")
    try:
        number = _DYNAMODB_NUMBER.create_decimal(value)
    except DecimalException:
        number = None
    if number is None or not number.is_finite():
        raise InvalidInputError(
            ErrorCode.INVALID_ARGUMENT,
            f"{where} is not a number that DynamoDB can store: finite, of 38 digits at most, from 1E-130 to 9.9E+125",
        )
    return str(number)


def _binary(value: object, where: str) -> str:
    if not isinstance(value, (bytes, bytearray)) and not hasattr(value, "__bytes__"):
        raise TypeError(f"{where} mixes bytes with {type(value).__name__}")
    return base64.b64encode(bytes(value)).decode()


def _string(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{where} mixes str with {type(value).__name__}")
    return value


def _set(value: Set[Any], where: str) -> dict[str, Any]:
    if not value:
        raise InvalidInputError(ErrorCode.INVALID_ARGUMENT, f"{where} is an empty set, which DynamoDB cannot store")
    first = next(iter(value))
    kind: str
    convert: Callable[[object, str], str]
    if isinstance(first, str):
        kind, convert = "SS", _string
    elif isinstance(first, (int, Decimal)):
        kind, convert = "NS", _number
    else:
        kind, convert = "BS", _binary
    return {kind: [convert(element, where) for element in value]}


_READERS: dict[str, Callable[[Any], object]] = {
    "S": str,
    "N": Decimal,
    "B": base64.b64decode,
    "BOOL": bool,
    "NULL": lambda _: None,
    "M": lambda members: {name: _from_tagged(value) for name, value in members.items()},
    "L": lambda elements: [_from_tagged(element) for element in elements],
    "SS": set,
    "NS": lambda numbers: set(map(Decimal, numbers)),
    "BS": lambda values: set(map(base64.b64decode, values)),
}


def _from_tagged(tagged: dict[str, Any]) -> object:
    ((kind, value),) = tagged.items()
    return _READERS[kind](value)
