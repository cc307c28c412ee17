"""The Postbox of an event loop, on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
import gc
import itertools
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

import pytest
import uvloop

import postbox
import postbox.aio
from postbox import Message, Outcome, SendOutcome, State
from support import ADA, PATIENCE, make_people, responding

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine that may take a minute."""
    return lambda main: request.param(asyncio.wait_for(main, PATIENCE))


def memory(
    producers: dict[str | None, postbox.aio.Producer | postbox.Producer] | None = None, **settings: str | int
) -> postbox.aio.Postbox:
    return postbox.aio.open(postbox.aio.Config(embedded_path=":memory:", **settings), producers=producers)


class Sender:
    """A coroutine function that keeps its messages, and returns when the test lets it."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.sent: list[str] = []
        self.results: dict[str, asyncio.Future[SendOutcome | None]] = {}
        self.arrived = asyncio.Semaphore(0)

    async def __call__(self, message: Message) -> SendOutcome | None:
        assert threading.current_thread() is threading.main_thread()
        self.started.append(message.id)
        self.results[message.id] = asyncio.get_running_loop().create_future()
        self.arrived.release()
        outcome = await self.results[message.id]
        self.sent.append(message.id)
        return outcome

    async def wait_for(self, count: int) -> None:
        for _ in range(count):
            await self.arrived.acquire()


class Delayed:
    """The response of a database that waits until the test lets it respond."""

    def __init__(self) -> None:
        self.arrived, self.may_respond = threading.Semaphore(0), threading.Event()

    def __call__(self) -> bytes:
        self.arrived.release()
        self.may_respond.wait(PATIENCE)
        return b"{}"


def keyed(id: str, key: str = "k") -> Message:
    return Message("t", id, id=id, partition_key=key)


def test_a_unit_of_work_is_committed_and_its_message_sent(run: Run) -> None:
    async def main() -> None:
        bodies: list[bytes] = []

        async def send(message: Message) -> None:
            await asyncio.sleep(0)
            bodies.append(message.body)

        async with memory({"greeting.made": send}) as box:
            make_people(box)
            async with box.unit_of_work() as work:
                assert await work.get_item("People", ADA) is None
                work.put("People", {**ADA, "Greetings": 1})
                id = work.deposit_post(Message("greeting.made", b"Hello Ada"))
            assert await box.get_item("People", ADA) == {**ADA, "Greetings": 1}
            report = await box.clear_outbox([id])
            assert [entry.outcome for entry in report] == [Outcome.DISPATCHED]
            assert bodies == [b"Hello Ada"]
            stored = await box.get_message(id)
            assert stored is not None and stored["state"] == "dispatched"

    run(main())


def test_an_exception_in_the_block_rolls_back(run: Run) -> None:
    async def main() -> None:
        async with memory() as box:
            make_people(box)
            with pytest.raises(ZeroDivisionError):
                async with box.unit_of_work() as work:
                    work.put("People", ADA)
                    raise ZeroDivisionError
            assert await box.get_item("People", ADA) is None

    run(main())


def test_every_method_that_waits_for_the_database_is_a_coroutine(run: Run) -> None:
    async def main() -> None:
        async with memory() as box:
            await box.create_table()
            assert await box.verify_table()
            assert isinstance(await box.table_warnings(), list)
            ids = await box.deposit_posts([Message("t", "1"), Message("t", "2"), Message("t", "3", causation_id="c")])
            with pytest.raises(postbox.IncompleteError) as unsent:
                await box.clear_outbox(ids[:1])
            assert unsent.value.reasons[0].code == "NO_PRODUCER"
            assert (await box.count_outstanding("t")).count == 3
            assert [entry.outcome for entry in await box.mark_dispatched(ids[:2])] == [Outcome.DISPATCHED] * 2
            assert (await box.mark_dispatched_at(ids[:1], 638_000_000_000_000_000))[0].outcome == Outcome.ALREADY_DISPATCHED
            assert {message.id async for message in box.messages(State.DISPATCHED)} == set(ids[:2])
            assert [entry.outcome for entry in await box.replay(ids[:1])] == [Outcome.REPLAYED]
            assert [entry.id for entry in await box.replay_causation("c")] == ids[2:]
            assert await box.delete_message(ids[1], State.DISPATCHED)
            page = await box.get_messages(ids)
            assert [message.id for message in page] == [ids[0], ids[2]] and page.missing == [ids[1]]
            with pytest.raises(postbox.InvalidInputError, match="not parked"):
                await box.unpark(ids[0])
            assert len((await box.select_messages(State.OUTSTANDING, "t")).messages) == 2
            assert await box.count_messages(State.OUTSTANDING, without_topics=["t"]) == 0
            assert [count.outstanding for count in await box.topic_counts()] == [2]
            assert await box.dispatched_between("t", 0, 1) == 0
            assert await box.leases() == [] and await box.sweepers() == []
            assert ":memory:" in await box.location()
            lease = await box.obtain_lease("report", 60)
            assert lease is not None and lease.resource.endswith("report")
            async with lease:
                assert await lease.renew() and await box.obtain_lease("report", 60) is None
            assert not lease.is_held()
            assert (await box.sweep()).dispatched == 0
            assert (await box.archive(lambda message: None)).archived == 0
            assert box.stats().deposited == 3 and box.stats_json()["deposited"] == 3

    run(main())


def test_an_error_of_the_library_is_raised(run: Run) -> None:
    async def main() -> None:
        async with memory() as box:
            make_people(box)
            await box.deposit_post(Message("t", id="a"))
            work = box.unit_of_work()
            work.deposit_post(Message("t", id="a"))
            with pytest.raises(postbox.DuplicateMessageError):
                await work.commit()
            with pytest.raises(postbox.TableError, match="Nobody"):
                await box.get_item("Nobody", ADA)
            with pytest.raises(TypeError, match="not a str"):
                await box.clear_outbox("abc")
        with pytest.raises(postbox.ClosedError):
            await box.get_message("a")

    run(main())


def test_operations_of_many_tasks_wait_at_the_same_time(run: Run) -> None:
    """The database responds only when all requests have arrived."""
    arrived, everybody = itertools.count(1), threading.Event()

    def respond() -> bytes:
        if next(arrived) == 200:
            everybody.set()
        everybody.wait(PATIENCE)
        return b"{}"

    async def main(url: str) -> None:
        async with postbox.aio.open(aio_remote(url)) as box:
            units = [box.unit_of_work() for _ in range(200)]
            for work in units:
                work.deposit_post(Message("t"))
            await asyncio.gather(*(work.commit() for work in units))

    with responding(respond) as url:
        run(main(url))


def aio_remote(url: str) -> postbox.aio.Config:
    """The settings for the database at a URL."""
    return postbox.aio.Config(endpoint_url=url, region="eu-central-1", access_key_id="test", secret_access_key="test")


def test_a_cancelled_commit_ends_in_an_unknown_outcome(run: Run) -> None:
    respond = Delayed()

    async def main(url: str) -> None:
        async with postbox.aio.open(aio_remote(url)) as box:
            work = box.unit_of_work()
            work.deposit_post(Message("t"))
            commit = asyncio.ensure_future(work.commit())
            await asyncio.to_thread(respond.arrived.acquire)
            commit.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await commit
            assert isinstance(cancelled.value.__cause__, postbox.OutcomeUnknownError)
            assert cancelled.value.__cause__.retryable
            with pytest.raises(postbox.OutcomeUnknownError):
                work.rollback()
            respond.may_respond.set()
            await work.commit()
            with pytest.raises(postbox.ClosedError):
                await work.commit()

    with responding(respond) as url:
        run(main(url))


def test_a_cancelled_read_is_no_longer_waited_for(run: Run) -> None:
    respond = Delayed()

    async def main(url: str) -> None:
        async with postbox.aio.open(aio_remote(url)) as box:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.gather(box.get_message("a"), asyncio.to_thread(respond.arrived.acquire)), 0.05)
            await asyncio.to_thread(respond.may_respond.set)
            assert await box.get_message("a") is None

    with responding(respond) as url:
        run(main(url))


def test_operations_that_a_close_does_not_wait_for_fail(run: Run) -> None:
    respond = Delayed()

    async def main(url: str) -> None:
        box = postbox.aio.open(aio_remote(url))
        reads = [asyncio.ensure_future(box.get_message("a")) for _ in range(3)]
        await asyncio.to_thread(respond.arrived.acquire)
        with pytest.raises(postbox.DatabaseError, match="abandoned"):
            await box.close(timeout=0.01)
        for read in reads:
            with pytest.raises(postbox.ClosedError):
                await read
        respond.may_respond.set()

    with responding(respond) as url:
        run(main(url))


def test_messages_of_one_key_are_sent_one_after_another(run: Run) -> None:
    async def main() -> None:
        send = Sender()
        async with memory({None: send}) as box:
            await box.deposit_posts([keyed("a1", "a"), keyed("a2", "a"), keyed("b1", "b"), Message("t", id="c")])
            clear = asyncio.ensure_future(box.clear_outbox(["a1", "a2", "b1", "c"]))
            await send.wait_for(3)
            assert send.started == ["a1", "b1", "c"]
            for id in ("c", "b1", "a1"):
                send.results[id].set_result(None)
            await send.wait_for(1)
            assert not clear.done(), "a clear waits for its messages"
            send.results["a2"].set_result(SendOutcome.SENT)
            assert [entry.outcome for entry in await clear] == [Outcome.DISPATCHED] * 4
            assert (await box.count_outstanding()).count == 0

    run(main())


def test_after_a_failure_the_later_messages_of_the_key_are_not_tried(run: Run) -> None:
    async def main() -> None:
        send = Sender()
        async with memory({None: send}) as box:
            await box.deposit_posts([keyed("1"), keyed("2"), keyed("3")])
            clear = asyncio.ensure_future(box.clear_outbox(["1", "2", "3"], check=False))
            await send.wait_for(1)
            send.results["1"].set_exception(RuntimeError("the broker is away"))
            first, second, third = await clear
            assert first.outcome == Outcome.FAILED and "the broker is away" in first.detail
            assert second.outcome == third.outcome == Outcome.HELD_BACK
            assert send.started == ["1"]
            # A later clear does not send them before the first one.
            assert [entry.outcome for entry in await box.clear_outbox(["2", "3"], check=False)] == [Outcome.HELD_BACK] * 2
            stored = await box.get_message("2")
            assert stored is not None and stored["dispatch_attempts"] == "0"

    run(main())


@pytest.mark.parametrize(
    ("result", "outcome", "state"),
    [
        (postbox.Reject("too large"), Outcome.REJECTED, "parked"),
        (postbox.Unavailable("no leader"), Outcome.FAILED, "outstanding"),
        (SendOutcome.RETRY, Outcome.FAILED, "outstanding"),
        (False, Outcome.FAILED, "outstanding"),
    ],
)
def test_the_result_of_a_coroutine_decides_the_outcome(result: Any, outcome: Outcome, state: str) -> None:
    async def main() -> None:
        async def send(message: Message) -> Any:
            if isinstance(result, Exception):
                raise result
            return result

        async with memory({None: send}) as box:
            report = await box.clear_outbox([await box.deposit_post(Message("t", id="a"))], check=False)
            assert report[0].outcome == outcome
            stored = await box.get_message("a")
            assert stored is not None and stored["state"] == state

    asyncio.run(main())


def test_a_batch_is_sent_by_one_coroutine(run: Run) -> None:
    async def main() -> None:
        batches: list[list[str]] = []

        async def send(messages: Sequence[Message]) -> Iterable[postbox.SendResult]:
            batches.append([message.id for message in messages])
            return [postbox.Reject("no") if message.id == "2" else None for message in messages if message.id != "3"]

        config = postbox.aio.Config(embedded_path=":memory:")
        config.batch_producer("t", send, max_batch=10)
        async with postbox.aio.open(config) as box:
            ids = await box.deposit_posts([Message("t", id=id) for id in ("1", "2", "3")])
            report = await box.clear_outbox(ids, check=False)
            assert batches == [["1", "2", "3"]]
            assert [entry.outcome for entry in report] == [Outcome.DISPATCHED, Outcome.REJECTED, Outcome.SKIPPED]

    run(main())


def test_a_message_whose_task_is_cancelled_was_not_tried(run: Run) -> None:
    async def main() -> None:
        tasks: list[asyncio.Task[Any]] = []

        async def send(message: Message) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.append(task)
            if len(tasks) == 1:
                task.cancel()
                await asyncio.sleep(PATIENCE)

        async with memory({None: send}) as box:
            id = await box.deposit_post(Message("t"))
            assert (await box.clear_outbox([id], check=False))[0].outcome == Outcome.SKIPPED
            stored = await box.get_message(id)
            assert stored is not None and stored["dispatch_attempts"] == "0"
            assert (await box.clear_outbox([id]))[0].outcome == Outcome.DISPATCHED

    run(main())


def test_the_sweeper_sends_through_coroutines(run: Run) -> None:
    async def main() -> None:
        send = Sender()
        async with memory({None: send}, sweep_min_age_ms=0, sweep_interval_ms=10) as box:
            id = await box.deposit_post(Message("t"))
            box.start_sweeper()
            await send.wait_for(1)
            send.results[id].set_result(None)
            await box.stop_sweeper()
        assert send.sent == [id]

    run(main())


def test_a_close_waits_for_coroutines_and_then_cancels_them(run: Run) -> None:
    async def main() -> None:
        send = Sender()
        box = memory({None: send})
        id = await box.deposit_post(Message("t"))
        clear = asyncio.ensure_future(box.clear_outbox([id], check=False))
        await send.wait_for(1)
        await box.close(timeout=0.01)
        assert send.results[id].cancelled()
        assert (await clear)[0].outcome == Outcome.SKIPPED
        await box.close()

    run(main())


def test_a_plain_function_is_called_on_a_thread_of_the_library(run: Run) -> None:
    async def main() -> None:
        names: list[str] = []

        def send(message: Message) -> None:
            names.append(threading.current_thread().name)

        async with memory({None: send}) as box:
            await box.post(Message("t"))
        assert len(names) == 1 and names[0] != threading.main_thread().name

    run(main())


def test_one_config_opens_one_postbox(run: Run) -> None:
    async def main() -> None:
        config = postbox.aio.Config(embedded_path=":memory:")
        async with postbox.aio.open(config):
            with pytest.raises(postbox.UsageError, match="another Config"):
                postbox.aio.open(config)

    run(main())


def test_a_postbox_needs_an_event_loop() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        postbox.aio.open(embedded_path=":memory:")


def test_a_forgotten_postbox_is_freed(run: Run) -> None:
    async def main() -> weakref.ref[postbox.Postbox]:
        async def send(message: Message) -> None:
            pass

        box = memory({None: send})
        await box.post(Message("t"))
        return weakref.ref(box._box)

    freed = asyncio.run(main())
    gc.collect()
    assert freed() is None


def test_an_event_loop_that_ends_during_an_operation_leaves_nothing_behind() -> None:
    respond = Delayed()

    async def main(url: str) -> postbox.aio.Postbox:
        box = postbox.aio.open(aio_remote(url))
        asyncio.ensure_future(box.get_message("a"))
        await asyncio.sleep(0)
        return box

    with responding(respond) as url:
        box = asyncio.run(main(url))
        respond.may_respond.set()
        # The event loop has cancelled the task, which has ended the operation.
        box._box.close()


def test_awaitables_of_the_package_are_awaitable() -> None:
    """A program can use the types of the package in its own annotations."""

    async def send(message: Message) -> SendOutcome | None:
        return None

    producer: postbox.aio.Producer = send
    result: Awaitable[SendOutcome | None] = producer(Message("t"))
    assert asyncio.run(asyncio.wait_for(result, PATIENCE)) is None


def test_every_method_of_a_blocking_postbox_exists() -> None:
    """A method with the same name is a coroutine function if the blocking method can wait for the database."""
    public = {name for name in dir(postbox.Postbox) if not name.startswith("_")}
    assert public <= set(dir(postbox.aio.Postbox))
    units = {name for name in dir(postbox.UnitOfWork) if not name.startswith("_")}
    assert units <= set(dir(postbox.aio.UnitOfWork))
