"""The unit of work, which commits the caller's writes and messages in one transaction."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from postbox._errors import PostboxError
from postbox._item import Item, item_from_json
from postbox._message import Message
from postbox._native import Handle, check, ffi, lib, text_of
from postbox._text import utf8
from postbox._trace import carry_trace_context
from postbox._values import ItemLike, item_text, item_to_json, quoted, to_json, values_text


def read_item(get_item: Any, pointer: Any, table: str, key: ItemLike) -> Item | None:
    """Reads an item with one of the library's functions."""
    found = ffi.new("char **")
    check(get_item(pointer, utf8(table, "table"), item_to_json(key, "key"), found))
    if not found[0]:
        return None
    text = ffi.gc(found[0], lib.postbox_string_free)
    return item_from_json(ffi.string(text).decode())


class Actions:
    """The actions of a unit of work, and its end without a commit."""

    _begin: Any
    """The function of the library that begins the unit of work."""

    def __init__(self, postbox: Handle) -> None:
        # Keeps the Postbox open for as long as a unit of work refers to it.
        self._postbox = postbox
        self._pointer = ffi.gc(self._begin(postbox._pointer), lib.postbox_unit_of_work_free)
        self._ended = False

    def put(
        self,
        table: str,
        item: ItemLike,
        condition: str | None = None,
        *,
        names: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
        return_item: bool = False,
    ) -> None:
        """Adds a put of an item, which replaces an existing item, with an optional condition on that item.

        `names` and `values` are the #name and :value placeholders of the expressions. With `return_item`, the reason of a
        failed condition contains the item for which it failed.
        """
        if condition is None:
            check(lib.postbox_unit_of_work_put(self._pointer, utf8(table, "table"), item_to_json(item, "item")))
        else:
            self.add(f'{{"Put":{_action(table, "Item", item, names, values, return_item, condition)}}}')

    def update(
        self,
        table: str,
        key: ItemLike,
        update: str,
        condition: str | None = None,
        *,
        names: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
        return_item: bool = False,
    ) -> None:
        """Adds an update of one item by an update expression, such as "SET Greetings = Greetings + :one" with
        values={":one": 1}."""
        action = _action(table, "Key", key, names, values, return_item, condition, update)
        check(lib.postbox_unit_of_work_update(self._pointer, utf8(action, "update")))

    def delete(
        self,
        table: str,
        key: ItemLike,
        condition: str | None = None,
        *,
        names: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
        return_item: bool = False,
    ) -> None:
        """Adds a delete of the item with this key, with an optional condition. A missing item is not an error."""
        if condition is None:
            check(lib.postbox_unit_of_work_delete(self._pointer, utf8(table, "table"), item_to_json(key, "key")))
        else:
            self.add(f'{{"Delete":{_action(table, "Key", key, names, values, return_item, condition)}}}')

    def condition_check(
        self,
        table: str,
        key: ItemLike,
        condition: str,
        *,
        names: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
        return_item: bool = False,
    ) -> None:
        """Adds a condition on an item that the unit of work does not write. The commit fails if the condition is not
        met."""
        action = _action(table, "Key", key, names, values, return_item, condition)
        check(lib.postbox_unit_of_work_condition_check(self._pointer, utf8(action, "condition check")))

    def add(self, action: Mapping[str, Any] | str) -> None:
        """Adds any action in the form of transact_write_items of boto3's client, with items in DynamoDB JSON:
        {"Put": {"TableName": "People", "Item": {"Name": {"S": "Ada"}}}}."""
        text = utf8(action, "action") if isinstance(action, str) else to_json(action, "action")
        check(lib.postbox_unit_of_work_add(self._pointer, text))

    def deposit_post(self, message: Message) -> str:
        """Adds a deposit of this message in the outbox. Returns the message id, for clear_outbox after the commit."""
        with message._lock:
            carry_trace_context()
            pointer = message._valid()
            check(lib.postbox_unit_of_work_deposit_post(self._pointer, pointer))
            return text_of(lib.postbox_message_id(pointer))

    def rollback(self) -> None:
        """Discards the actions and closes the unit of work."""
        check(lib.postbox_unit_of_work_rollback(self._pointer))
        self._ended = True

    def _roll_back_unless_ended(self) -> None:
        """Rolls back after an exception, which is more useful than a failure of the rollback."""
        if not self._ended:
            with contextlib.suppress(PostboxError):
                self.rollback()


class UnitOfWork(Actions):
    """A DynamoDB transaction that collects actions until its commit. Only one thread at a time may use it.

    with box.unit_of_work() as work:
        work.put("People", {"Name": "Ada", "Greetings": 1})
        id = work.deposit_post(Message("greeting.made", b"{}"))

    The end of the block commits; an exception that leaves the block rolls back. Without `with`, a unit that is not
    committed sends nothing. An action that exceeds a limit of DynamoDB raises LimitExceededError when it is added.
    The unit is then unchanged.

    After an OutcomeUnknownError, call commit() again on the same unit of work to find out whether it took effect.
    """

    _begin = lib.postbox_unit_of_work_begin

    def get_item(self, table: str, key: ItemLike) -> Item | None:
        """Reads one item of any table immediately, with a consistent read. Returns None if the item does not exist. Add
        a condition to make sure that the item is still unchanged at the commit."""
        return read_item(lib.postbox_unit_of_work_get_item, self._pointer, table, key)

    def commit(self) -> None:
        """Commits all actions in one transaction: either all actions take effect, or none. The end of a `with` block
        commits too."""
        check(lib.postbox_unit_of_work_commit(self._pointer))
        self._ended = True

    def __enter__(self) -> UnitOfWork:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self._roll_back_unless_ended()
        elif not self._ended:
            self.commit()


def _action(
    table: str,
    part: str,
    item: ItemLike,
    names: Mapping[str, str] | None,
    values: Mapping[str, Any] | None,
    return_item: bool,
    condition: str | None,
    update: str | None = None,
) -> str:
    """Formats an action as DynamoDB JSON, without the parts that are None or empty."""
    parts = [f'"TableName":{quoted(table)}', f'"{part}":{item_text(item, part)}']
    if condition is not None:
        parts.append(f'"ConditionExpression":{quoted(condition)}')
    if update is not None:
        parts.append(f'"UpdateExpression":{quoted(update)}')
    if names:
        parts.append(f'"ExpressionAttributeNames":{json.dumps(dict(names), ensure_ascii=False)}')
    if values:
        parts.append(f'"ExpressionAttributeValues":{values_text(values)}')
    if return_item:
        parts.append('"ReturnValuesOnConditionCheckFailure":"ALL_OLD"')
    return "{" + ",".join(parts) + "}"
