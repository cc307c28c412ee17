"""Messages as actions of a transaction that boto3 sends."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from postbox._item import item_from_tagged
from postbox._native import ffi, lib


def put_action(text: Any, python_values: bool) -> dict[str, Any]:
    """Converts the JSON of a put, which is freed, to the dict that boto3 takes."""
    text = ffi.gc(text, lib.postbox_string_free)
    action: dict[str, Any] = json.loads(ffi.string(text))
    item = action["Put"]["Item"]
    action["Put"]["Item"] = item_from_tagged(item) if python_values else _with_bytes(item)
    return action


def _with_bytes(value: Any) -> Any:
    """Replaces the base64 text of binary values by bytes, which boto3 encodes itself."""
    if isinstance(value, list):
        return [_with_bytes(element) for element in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"B": str(encoded)}:
            return {"B": base64.b64decode(encoded)}
        case {"BS": list(encoded)}:
            return {"BS": [base64.b64decode(element) for element in encoded]}
    return {name: _with_bytes(member) for name, member in value.items()}


def outline(action: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parts of an action by which the library recognises a message. The item can contain Python values."""
    verb, members = next(iter(action.items()))
    id = members.get("Item", {}).get("MessageId")
    return {
        verb: {
            "TableName": members.get("TableName"),
            "Item": {"MessageId": {"S": id} if isinstance(id, str) else id},
        }
    }
