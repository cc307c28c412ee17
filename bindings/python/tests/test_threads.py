"""Many threads: the GIL, closing while others are in a call, use after closing."""

from __future__ import annotations

import gc
import math
import queue
import threading
from collections.abc import Callable

import pytest

import postbox
from support import ADA, PATIENCE, OnThread, Recorder, responding, make_people, remote


class Held:
    """A response of an endpoint that waits for an event."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go = threading.Event()

    def __call__(self) -> bytes:
        self.asked.set()
        assert self.go.wait(PATIENCE)
        return b'{"Item": {"Name": {"S": "Ada"}}}'


def test_the_gil_is_released_while_a_call_waits() -> None:
    """The response comes from another thread of this interpreter. It would never come if the call held the GIL."""
    with responding(lambda: b'{"Item": {"Name": {"S": "Ada"}}}') as url, postbox.open(remote(url)) as box:
        assert box.get_item("People", ADA) == ADA


def test_dispose_during_call() -> None:
    held = Held()
    with responding(held) as url:
        config = remote(url)
        config["close_timeout_ms"] = 0
        box = postbox.open(config)
        call = OnThread(lambda: box.get_item("People", ADA))
        assert held.asked.wait(PATIENCE)
        with pytest.raises(postbox.DatabaseError) as abandoned:
            box.close()
        assert abandoned.value.code == postbox.ErrorCode.TIMEOUT
        result = call.wait()
        held.go.set()
    assert isinstance(result, postbox.ClosedError), result


def test_close_waits_for_a_call_under_way() -> None:
    held = Held()
    with responding(held) as url:
        box = postbox.open(remote(url))
        call = OnThread(lambda: box.get_item("People", ADA))
        assert held.asked.wait(PATIENCE)
        closing = OnThread(box.close)
        held.go.set()
        assert (call.wait(), closing.wait()) == (ADA, None)


def test_no_producer_is_called_after_close() -> None:
    called, go, calls = threading.Event(), threading.Event(), []

    def wait(message: postbox.Message) -> None:
        calls.append(message.id)
        called.set()
        assert go.wait(PATIENCE)

    box = postbox.open(embedded_path=":memory:", producers={None: wait})
    ids = box.deposit_posts([postbox.Message("t") for _ in range(2)])
    clearing = OnThread(lambda: box.clear_outbox(ids, check=False))
    assert called.wait(PATIENCE)
    with pytest.raises(postbox.DatabaseError, match="longer than 1 ms") as abandoned:
        box.close(timeout=0.0001)
    assert abandoned.value.code == postbox.ErrorCode.TIMEOUT
    go.set()
    clearing.wait()
    assert len(calls) == 1


def test_a_close_in_a_producer_does_not_wait_for_itself() -> None:
    codes: list[postbox.ErrorCode] = []

    def close(_: postbox.Message) -> None:
        with pytest.raises(postbox.UsageError) as reentrant:
            box.close()
        codes.append(reentrant.value.code)

    box = postbox.open(embedded_path=":memory:", producers={None: close})
    ids = box.deposit_posts([postbox.Message("t") for _ in range(2)])
    box.clear_outbox(ids, check=False)
    assert codes == [postbox.ErrorCode.REENTRANT_CALL]
    box.close(timeout=math.inf)


def test_a_producer_that_stops_its_sweeper_does_not_wait_for_itself() -> None:
    codes: queue.Queue[postbox.ErrorCode] = queue.Queue()

    def stop(_: postbox.Message) -> None:
        with pytest.raises(postbox.UsageError) as reentrant:
            box.stop_sweeper()
        codes.put(reentrant.value.code)

    with postbox.open(
        embedded_path=":memory:", sweep_min_age_ms=0, close_timeout_ms=600_000, producers={None: stop}
    ) as box:
        box.deposit_post(postbox.Message("t"))
        box.start_sweeper()
        assert codes.get(timeout=PATIENCE) == postbox.ErrorCode.REENTRANT_CALL
        box.stop_sweeper()


@pytest.mark.parametrize("timeout", [-1, math.nan])
def test_a_timeout_is_not_negative(box: postbox.Postbox, timeout: float) -> None:
    with pytest.raises(ValueError, match=f"0 or more seconds, not {timeout}"):
        box.close(timeout)


def test_a_postbox_lives_for_as_long_as_a_call_on_it() -> None:
    held = Held()
    with responding(held) as url:
        box = postbox.open(remote(url))
        call = OnThread(lambda box=box: box.get_item("People", ADA))  # type: ignore[misc]
        assert held.asked.wait(PATIENCE)
        del box
        gc.collect()
        held.go.set()
        assert call.wait() == ADA


def test_a_unit_of_work_in_use_by_another_thread_says_so() -> None:
    held = Held()
    with responding(held) as url, postbox.open(remote(url)) as box:
        work = box.unit_of_work()
        call = OnThread(lambda: work.get_item("People", ADA))
        assert held.asked.wait(PATIENCE)
        with pytest.raises(postbox.UsageError, match="in use by another thread") as used:
            work.put("People", ADA)
        assert used.value.code == postbox.ErrorCode.CONCURRENT_USE
        held.go.set()
        assert call.wait() == ADA


AFTER_CLOSE: list[Callable[[postbox.Postbox], object]] = [
    lambda box: box.get_message("id"),
    lambda box: box.get_item("People", ADA),
    lambda box: box.deposit_post(postbox.Message("t")),
    lambda box: box.post(postbox.Message("t")),
    lambda box: box.clear_outbox(["id"]),
    lambda box: box.sweep(),
    lambda box: box.list_messages(postbox.State.OUTSTANDING),
    lambda box: box.start_sweeper(),
    lambda box: box.embedded_execute("ListTables", {}),
    lambda box: box.unit_of_work().get_item("People", ADA),
]


@pytest.mark.parametrize("call", AFTER_CLOSE)
def test_use_after_close(box: postbox.Postbox, call: Callable[[postbox.Postbox], object]) -> None:
    box.close()
    with pytest.raises(postbox.ClosedError) as closed:
        call(box)
    assert closed.value.code == postbox.ErrorCode.CLOSED


def test_a_unit_of_work_after_close(box: postbox.Postbox) -> None:
    work = box.unit_of_work()
    work.put("People", ADA)
    box.close()
    with pytest.raises(postbox.ClosedError):
        work.commit()


def test_double_close(box: postbox.Postbox) -> None:
    box.close()
    box.close()
    box.stop_sweeper()
    box.stop_archiver()
    assert box.stats().deposited == 0


def test_many_threads_on_one_postbox(box: postbox.Postbox, sent: Recorder) -> None:
    def commit(number: int) -> str:
        with box.unit_of_work() as work:
            work.put("People", {"Name": str(number)})
            id = work.deposit_post(postbox.Message("t", str(number)))
        box.clear_outbox([id])
        return id

    calls = [OnThread(lambda number=number: commit(number)) for number in range(20)]  # type: ignore[misc]
    ids = {call.wait() for call in calls}
    assert len(ids) == 20
    assert sorted(map(int, sent.bodies)) == list(range(20))


def test_one_message_read_and_changed_by_many_threads() -> None:
    message = postbox.Message("t", subject="a" * 1000)

    def read_and_change() -> bool:
        for letter in "abcdefgh" * 50:
            message["subject"] = letter * 1000
            text = message["subject"]
            if text is None or len(set(text)) != 1 or len(text) != 1000:
                return False
        return True

    assert all(call.wait() for call in [OnThread(read_and_change) for _ in range(4)])


def test_a_whole_conversation_over_http(server: str) -> None:
    with postbox.open(remote(server)) as box:
        box.create_table()
        with pytest.raises(postbox.PostboxError) as rejected:
            make_people(box)
        assert rejected.value.code == postbox.ErrorCode.EMBEDDED_UNAVAILABLE
