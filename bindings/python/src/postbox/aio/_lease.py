"""A lease of the program, whose renewal is awaited."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from postbox._lease import HeldLease as Blocking
from postbox._native import lib
from postbox.aio._completion import awaited


class HeldLease:
    """A lease that the program has obtained with Postbox.obtain_lease. Leaving the `async with` block releases the lease. See
    postbox.HeldLease."""

    def __init__(self, pointer: Any) -> None:
        self._lease = Blocking(pointer)

    async def __aenter__(self) -> HeldLease:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.release()

    @property
    def resource(self) -> str:
        """The name of the lease in the lock table: the group of the leases, _ and the resource."""
        return self._lease.resource

    def is_held(self) -> bool:
        """Returns whether the lease is held for certain. Sends no request. See postbox.HeldLease.is_held."""
        return self._lease.is_held()

    async def renew(self) -> bool:
        """Extends the lease by its length from now, and returns whether it is still held. See postbox.HeldLease.renew."""
        renew = lib.postbox_held_lease_renew_async
        result = await awaited(lambda *completion: renew(self._lease._pointer, *completion))
        return bool(lib.postbox_result_flag(result))

    async def release(self) -> None:
        """Releases the lease, so that another process can obtain it at once. Does nothing if the lease was lost or
        released."""
        release = lib.postbox_held_lease_release_async
        await awaited(lambda *completion: release(self._lease._pointer, *completion))
