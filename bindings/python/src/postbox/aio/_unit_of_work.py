"""The unit of work, whose commit is awaited."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from postbox._errors import PostboxError
from postbox._item import Item
from postbox._message import Message
from postbox._native import Handle, lib
from postbox._unit_of_work import UnitOfWork as Blocking
from postbox._values import ItemLike
from postbox.aio._completion import awaited
from postbox.aio._items import read_item


class UnitOfWork:
    """A DynamoDB transaction that collects actions until its commit. Only one task at a time may use it.

        async with box.unit_of_work() as work:
            person = await work.get_item("People", {"Name": "Ada"})
            work.put("People", greeted(person))
            id = work.deposit_post(Message("greeting.made", b"{}"))

    The end of the block commits; an exception that leaves the block rolls back. The methods that add actions do not wait. If two
    items are put into one table, two puts of the same item may be detected only at the commit.

    A commit may have taken effect if it raises an OutcomeUnknownError, or if its task is cancelled: the CancelledError then has
    an OutcomeUnknownError as its cause. Await commit() again on the same unit of work to find out.
    """

    def __init__(self, postbox: Handle) -> None:
        self._work = Blocking(postbox, lib.postbox_unit_of_work_begin_async)
        self._postbox = postbox

    async def get_item(self, table: str, key: ItemLike) -> Item | None:
        """Reads one item of any table immediately, with a consistent read. Returns None if the item does not exist. Add a
        condition to make sure that the item is still unchanged at the commit."""
        return await read_item(self._postbox, table, key)

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
        """Adds a put of an item. See postbox.UnitOfWork.put."""
        self._work.put(table, item, condition, names=names, values=values, return_item=return_item)

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
        """Adds an update of one item by an update expression. See postbox.UnitOfWork.update."""
        self._work.update(table, key, update, condition, names=names, values=values, return_item=return_item)

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
        """Adds a delete of the item with this key. See postbox.UnitOfWork.delete."""
        self._work.delete(table, key, condition, names=names, values=values, return_item=return_item)

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
        """Adds a condition on an item that the unit of work does not write. See postbox.UnitOfWork.condition_check."""
        self._work.condition_check(table, key, condition, names=names, values=values, return_item=return_item)

    def add(self, action: Mapping[str, Any] | str) -> None:
        """Adds any action of a transaction. See postbox.UnitOfWork.add."""
        self._work.add(action)

    def deposit_post(self, message: Message) -> str:
        """Adds a deposit of this message in the outbox. Returns the message id, for clear_outbox after the commit."""
        return self._work.deposit_post(message)

    async def commit(self) -> None:
        """Commits all actions in one transaction: either all actions take effect, or none. The end of an `async with` block
        commits too."""
        commit = lib.postbox_unit_of_work_commit_async
        # If many tasks commit at the same time, other tasks run between their preparations and their commits.
        await asyncio.sleep(0)
        await awaited(lambda *completion: commit(self._work._pointer, *completion))
        self._work._ended = True

    def rollback(self) -> None:
        """Discards the actions and closes the unit of work."""
        self._work.rollback()

    async def __aenter__(self) -> UnitOfWork:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._work._ended:
            return
        if kind is None:
            await self.commit()
        else:
            # The exception of the block is more useful than a failure of the rollback.
            with contextlib.suppress(PostboxError):
                self.rollback()
