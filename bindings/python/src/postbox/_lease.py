"""Leases of the program's own."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from postbox._native import check, ffi, lib, text_of


class HeldLease:
    """A lease that the program has obtained with Postbox.obtain_lease. Leaving the `with` block releases the lease, as does the
    garbage collector. If the process ends before, or if the Postbox is closed before, the lease ends by itself after its
    length. Any number of threads may use a lease.
    """

    def __init__(self, pointer: Any) -> None:
        self._pointer = ffi.gc(pointer, lib.postbox_held_lease_free)

    def __enter__(self) -> HeldLease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    @property
    def resource(self) -> str:
        """The name of the lease in the lock table: the group of the leases, _ and the resource."""
        return text_of(lib.postbox_held_lease_resource(self._pointer))

    def is_held(self) -> bool:
        """Returns whether the lease is held for certain: it was neither lost nor released, and it has not expired, even by a
        clock that is 5 seconds ahead. Sends no request."""
        return bool(lib.postbox_held_lease_is_held(self._pointer))

    def renew(self) -> bool:
        """Extends the lease by its length from now, and returns whether it is still held. If it is not, another process may
        hold it, and this lease cannot be renewed again: stop the work that it protects, and obtain a new lease. Renew a lease
        after a third of its length, so that a failed request can be repeated in time."""
        is_held = ffi.new("bool *")
        check(lib.postbox_held_lease_renew(self._pointer, is_held))
        return bool(is_held[0])

    def release(self) -> None:
        """Releases the lease, so that another process can obtain it at once. Does nothing if the lease was lost or
        released."""
        check(lib.postbox_held_lease_release(self._pointer))
