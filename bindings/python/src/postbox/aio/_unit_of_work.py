"""The unit of work, whose commit is awaited."""

from __future__ import annotations

import asyncio
from types import TracebackType

from postbox._item import Item
from postbox._native import lib
from postbox._unit_of_work import Actions
from postbox._values import ItemLike
from postbox.aio._completion import awaited
from postbox.aio._items import read_item


class UnitOfWork(Actions):
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

    _begin = lib.postbox_unit_of_work_begin_async

    async def get_item(self, table: str, key: ItemLike) -> Item | None:
        """Reads one item of any table immediately, with a consistent read. Returns None if the item does not exist. Add a
        condition to make sure that the item is still unchanged at the commit."""
        return await read_item(self._postbox, table, key)

    async def commit(self) -> None:
        """Commits all actions in one transaction: either all actions take effect, or none. The end of an `async with` block
        commits too."""
        commit = lib.postbox_unit_of_work_commit_async
        # If many tasks commit at the same time, other tasks run between their preparations and their commits.
        await asyncio.sleep(0)
        await awaited(lambda *completion: commit(self._pointer, *completion))
        self._ended = True

    async def __aenter__(self) -> UnitOfWork:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self._roll_back_unless_ended()
        elif not self._ended:
            await self.commit()
