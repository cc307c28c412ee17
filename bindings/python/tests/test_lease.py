"""Leases of the program's own."""

from __future__ import annotations

import gc
from typing import Any

import pytest

import postbox


def test_a_lease_is_obtained_renewed_and_released(box: postbox.Postbox) -> None:
    lease = box.obtain_lease("report", 60)
    assert lease is not None
    assert lease.resource == "brighter_outbox_report"
    with lease:
        assert lease.is_held() and lease.renew()
        assert box.obtain_lease("report", 60) is None
    assert not lease.is_held() and not lease.renew()
    lease.release()
    again = box.obtain_lease("report", 1.5)
    assert again is not None and again.is_held()
    # The garbage collector releases a lease, too.
    del again
    gc.collect()
    third = box.obtain_lease("report", 60)
    assert third is not None
    third.release()


def test_a_lost_lease_is_reported(box: postbox.Postbox) -> None:
    lease = box.obtain_lease("report", 60)
    assert lease is not None
    theirs = {"ResourceId": {"S": lease.resource}, "LockId": {"S": "them"}, "LeaseExpiry": {"N": "99999999999999"}}
    box.embedded_execute("PutItem", {"TableName": "brighter_distributed_lock", "Item": theirs})
    assert not lease.renew()
    assert not lease.is_held()


def test_an_impossible_lease_is_rejected(box: postbox.Postbox) -> None:
    for seconds in (0, 0.999, 3601, 1e300, float("inf")):
        with pytest.raises(postbox.InvalidInputError, match="1000 to 3600000 ms"):
            box.obtain_lease("x", seconds)
    for seconds in (-1, float("nan")):
        with pytest.raises(ValueError, match="0 or more seconds"):
            box.obtain_lease("x", seconds)
    with pytest.raises(postbox.InvalidInputError, match="has 0 bytes"):
        box.obtain_lease("", 60)
    wrong: Any = None
    with pytest.raises(TypeError):
        box.obtain_lease(wrong, 60)
    lease = box.obtain_lease("x", 60)
    assert lease is not None
    box.close()
    for call in (lambda: box.obtain_lease("y", 60), lease.renew, lease.release):
        with pytest.raises(postbox.ClosedError):
            call()
