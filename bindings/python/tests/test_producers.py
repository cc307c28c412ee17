"""Producers: what they return and raise, and on which thread."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator, Sequence

import pytest

import postbox
from postbox import Outcome, SendOutcome
from support import OnThread, Recorder


def outcome_of(producer: object) -> tuple[postbox.Dispatch, postbox.Postbox]:
    """Sends a message with this producer, and returns the outcome and the Postbox."""
    box = postbox.open(embedded_path=":memory:", producers={"t": producer})  # type: ignore[dict-item]
    (entry,) = box.post(postbox.Message("t", id="m"), check=False)
    return entry, box


def raiser(error: BaseException) -> object:
    def producer(_: postbox.Message) -> None:
        raise error

    return producer


def test_a_producer_that_throws(box: postbox.Postbox) -> None:
    entry, failing = outcome_of(raiser(ValueError("queue \0 full \ud800")))
    assert entry.outcome == Outcome.FAILED
    assert "ValueError: queue   full ?" in entry.detail
    stored = failing.get_message("m")
    assert stored and stored["state"] == "outstanding"
    with pytest.raises(postbox.IncompleteError, match="1 of 1 messages failed") as incomplete:
        failing.clear_outbox(["m"])
    assert incomplete.value.retryable
    (reason,) = incomplete.value.reasons
    assert (reason.subject, reason.code) == ("m", "FAILED")
    assert "queue" in reason.message


def test_a_long_message_is_cut() -> None:
    entry, _ = outcome_of(raiser(ValueError("ü" * 5000)))
    assert 400 < len(entry.detail) < 1100


def test_an_exception_whose_message_fails_is_a_failed_dispatch() -> None:
    class Spiteful(Exception):
        def __str__(self) -> str:
            raise ValueError("no text")

    entry, _ = outcome_of(raiser(Spiteful()))
    assert (entry.outcome, "Spiteful" in entry.detail) == (Outcome.FAILED, True)


@pytest.mark.parametrize("producer", [raiser(postbox.Reject("too large")), lambda _: SendOutcome.REJECT])
def test_a_rejected_message_is_parked(producer: object) -> None:
    entry, box = outcome_of(producer)
    assert entry.outcome == Outcome.REJECTED
    stored = box.get_message("m")
    assert stored and stored["state"] == "parked"
    if "too large" in entry.detail:
        assert entry.detail == stored["last_error"] == "too large"


def test_retry_and_sent_can_be_returned() -> None:
    assert outcome_of(lambda _: SendOutcome.RETRY)[0].outcome == Outcome.FAILED
    assert outcome_of(lambda _: SendOutcome.SENT)[0].outcome == Outcome.DISPATCHED
    assert outcome_of(lambda _: None)[0].outcome == Outcome.DISPATCHED


def test_returning_no_outcome_is_a_failure() -> None:
    entry, _ = outcome_of(lambda _: False)
    assert entry.outcome == Outcome.FAILED
    assert "must return None or a SendOutcome, not bool" in entry.detail


async def send_later(_: object) -> None:
    raise AssertionError("no event loop runs this function")


def test_a_producer_that_is_not_awaited_has_failed() -> None:
    gc.collect()
    entry, _ = outcome_of(send_later)
    reason = "not coroutine: Postbox does not await an async function, so nothing was done"
    assert (entry.outcome, entry.detail) == (Outcome.FAILED, f"a producer must return None or a SendOutcome, {reason}")
    for producer in (send_later, lambda messages: map(send_later, messages)):
        outcomes, details, _ = outcomes_of_batch(producer, 1)
        assert outcomes == [Outcome.FAILED] and details[0].endswith(reason)
    # Another test would report the warning about a coroutine that was never awaited.
    gc.collect()


def test_an_accepted_message_is_confirmed_later() -> None:
    entry, box = outcome_of(lambda _: SendOutcome.ACCEPTED)
    assert entry.outcome == Outcome.ACCEPTED
    box.confirm("m")
    stored = box.get_message("m")
    assert stored and stored["state"] == "dispatched"


def test_an_unavailable_transport_fails_with_its_reason() -> None:
    entry, _ = outcome_of(raiser(postbox.Unavailable("no leader")))
    assert (entry.outcome, entry.detail) == (Outcome.FAILED, "no leader")
    assert outcome_of(lambda _: SendOutcome.NOT_TRIED)[0].outcome == Outcome.SKIPPED


def outcomes_of_batch(producer: object, count: int) -> tuple[list[Outcome], list[str], postbox.Postbox]:
    """Sends messages in one call of a batch producer. Returns their outcomes, the details and the Postbox."""
    config = postbox.Config(embedded_path=":memory:", breaker_threshold=0)
    config.batch_producer("t", producer, max_batch=10)  # type: ignore[arg-type]
    box = postbox.open(config)
    ids = box.deposit_posts([postbox.Message("t", id=f"m{number}") for number in range(count)])
    report = box.clear_outbox(ids, check=False)
    return [entry.outcome for entry in report], [entry.detail for entry in report], box


def test_a_batch_producer_returns_a_result_for_each_message() -> None:
    batches: list[list[str]] = []
    results: list[object] = [
        None,
        SendOutcome.SENT,
        ValueError("queue \0 full \ud800"),
        postbox.Unavailable("no leader"),
        postbox.Reject("too large"),
        SendOutcome.NOT_TRIED,
        False,
    ]

    def producer(messages: Sequence[postbox.Message]) -> list[object]:
        batches.append([message.id for message in messages])
        return results

    outcomes, details, box = outcomes_of_batch(producer, 8)
    assert batches == [[f"m{number}" for number in range(8)]]
    assert outcomes == [
        Outcome.DISPATCHED,
        Outcome.DISPATCHED,
        Outcome.FAILED,
        Outcome.FAILED,
        Outcome.REJECTED,
        Outcome.SKIPPED,
        Outcome.FAILED,
        Outcome.SKIPPED,
    ]
    assert details[2:5] == ["ValueError: queue   full ?", "no leader", "too large"]
    assert "None, a SendOutcome or an exception, not bool" in details[6]
    stored = box.get_message("m7")
    assert stored and (stored["state"], stored["dispatch_attempts"]) == ("outstanding", "0")


def test_an_exception_of_a_batch_producer_fails_the_messages_without_a_result() -> None:
    lent: list[postbox.Message] = []

    def producer(messages: Sequence[postbox.Message]) -> Iterator[SendOutcome]:
        lent.extend(messages)
        yield SendOutcome.SENT
        raise postbox.Reject("this one")

    outcomes, details, _ = outcomes_of_batch(producer, 3)
    assert outcomes == [Outcome.DISPATCHED, Outcome.FAILED, Outcome.FAILED]
    assert details == ["", "this one", "this one"]
    with pytest.raises(postbox.UsageError, match="has returned"):
        _ = lent[0].id
    assert outcomes_of_batch(lambda _: None, 1)[:2] == (
        [Outcome.FAILED],
        ["TypeError: a batch producer must return a result for each message, not NoneType"],
    )


def test_a_batch_producer_is_checked_and_released() -> None:
    config = postbox.Config(embedded_path=":memory:")
    with pytest.raises(ValueError, match="at least 1 message, not 0"):
        config.batch_producer("t", lambda _: [], max_batch=0)
    with pytest.raises(TypeError, match="callable, not str"):
        config.batch_producer("t", "send", max_batch=1)  # type: ignore[arg-type]
    producer = Recorder()
    gone = weakref.ref(producer)
    config.batch_producer("t", producer, max_batch=1)  # type: ignore[arg-type]
    del producer
    gc.collect()
    assert gone() is not None
    del config
    gc.collect()
    assert gone() is None


def test_many_messages_are_confirmed_in_one_call() -> None:
    with postbox.open(embedded_path=":memory:", producers={"t": lambda _: SendOutcome.ACCEPTED}) as box:
        ids = box.deposit_posts([postbox.Message("t") for _ in range(30)])
        box.clear_outbox(ids)
        results: dict[str, postbox.SendResult] = dict.fromkeys(ids, SendOutcome.SENT)
        results[ids[0]] = ConnectionError("no \0 leader")
        results[ids[1]] = postbox.Reject("too large")
        results[ids[2]] = None
        box.confirm_many(results)
        stored = [box.get_message(id) for id in ids]
        states = [message["state"] for message in stored if message]
        assert states == ["outstanding", "parked"] + ["dispatched"] * 28
        assert stored[0] and stored[0]["last_error"] == "ConnectionError: no   leader"

        with pytest.raises(postbox.IncompleteError, match="1 of 2") as incomplete:
            box.confirm_many({"nobody": None, ids[0]: None})
        assert not incomplete.value.retryable
        assert [(reason.subject, reason.code) for reason in incomplete.value.reasons] == [("nobody", "NotFound")]
        with pytest.raises(postbox.InvalidInputError, match=ids[0]):
            box.confirm_many({ids[0]: SendOutcome.ACCEPTED})
        with pytest.raises(TypeError, match="not bool"):
            box.confirm_many({ids[0]: True})  # type: ignore[dict-item]
        box.confirm_many({})


def test_a_producer_may_use_its_postbox() -> None:
    seen: list[str | None] = []

    def producer(message: postbox.Message) -> None:
        stored = box.get_message(message.id)
        seen.append(stored["state"] if stored else None)
        if message.topic == "t":
            box.post(postbox.Message("follow-up"))

    with postbox.open(embedded_path=":memory:", producers={None: producer}) as box:
        box.post(postbox.Message("t"))
    assert seen == ["outstanding", "outstanding"]


def test_callback_from_another_thread(box: postbox.Postbox, sent: Recorder) -> None:
    ids = [box.deposit_post(postbox.Message("t", str(number))) for number in range(3)]
    box.clear_outbox(ids[:1])
    assert sent.threads == {threading.get_native_id()}
    OnThread(lambda: box.clear_outbox(ids[1:2])).wait()
    box.start_sweeper()
    sent.wait_for(3)
    assert len(sent.threads) == 3
    assert sent.bodies == [b"0", b"1", b"2"]


def test_an_unreachable_producer_is_released() -> None:
    producer, config = Recorder(), postbox.Config(embedded_path=":memory:")
    gone = weakref.ref(producer)
    config.producer("t", producer)
    box = postbox.open(config)
    del producer, config
    gc.collect()
    assert gone() is not None
    del box
    gc.collect()
    assert gone() is None


def test_a_postbox_is_collected_inside_its_own_callback() -> None:
    """If the garbage collector runs on the sweeper's thread, that thread must not wait for itself."""
    collected, errors = threading.Event(), []

    class Cycle:
        box: postbox.Postbox

    def producer(_: postbox.Message) -> None:
        try:
            gc.collect()
            collected.set()
        except BaseException as error:
            errors.append(error)

    cycle = Cycle()
    cycle.box = postbox.open(
        embedded_path=":memory:", sweep_min_age_ms=0, close_timeout_ms=600_000, producers={None: producer}
    )
    cycle.box.cycle = cycle  # type: ignore[attr-defined]
    gc.disable()
    try:
        cycle.box.deposit_post(postbox.Message("t"))
        cycle.box.start_sweeper()
        del cycle
        assert collected.wait(30)
    finally:
        gc.enable()
    assert errors == []


def test_a_postbox_of_a_producer_is_freed_outside_the_release() -> None:
    """The library may not be called while it releases a producer, which may own another Postbox."""
    freed, threads = threading.Event(), []

    class Inner(Recorder):
        def __del__(self) -> None:
            threads.append(threading.current_thread().name)
            freed.set()

    class Outer(Recorder):
        def __init__(self) -> None:
            super().__init__()
            self.inner = postbox.open(embedded_path=":memory:", producers={None: Inner()})

    outer = Outer()
    box = postbox.open(embedded_path=":memory:", producers={None: outer})
    del outer, box
    gc.collect()
    assert freed.wait(30)
    assert threads == ["postbox-free"]


def test_a_producer_must_be_callable() -> None:
    with pytest.raises(TypeError, match="callable, not str"):
        postbox.open(embedded_path=":memory:", producers={"t": "send"})  # type: ignore[dict-item]
