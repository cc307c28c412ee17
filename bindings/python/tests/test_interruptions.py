"""Ctrl-C, sys.exit and other exceptions that arrive while the library calls Python."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, FrameType
from typing import Any

import pytest

import postbox
from postbox import SendOutcome, _callbacks, _calls
from postbox._native import lib
from support import PATIENCE, OnThread, Recorder


class Interrupted(Recorder):
    """A producer or archive that receives a Ctrl-C during its second message."""

    interrupted = False

    def __call__(self, message: postbox.Message) -> None:
        if len(self.bodies) == 1 and not self.interrupted:
            self.interrupted = True
            signal.raise_signal(signal.SIGINT)
        super().__call__(message)

    def batch(self, messages: Sequence[postbox.Message]) -> Iterator[None]:
        for message in messages:
            self(message)
            yield None


def open_interrupted() -> tuple[postbox.Postbox, list[str]]:
    """Opens a Postbox whose producer is interrupted, with three messages."""
    config = postbox.Config(embedded_path=":memory:", sweep_min_age_ms=0, sweep_threads=1, max_dispatch_attempts=1)
    box = postbox.open(config, producers={None: Interrupted()})
    return box, box.deposit_posts([postbox.Message("t", str(number)) for number in range(3)])


def check_one_was_sent(box: postbox.Postbox, ids: list[str]) -> None:
    """Checks that the message before the Ctrl-C is marked, and that the others are unchanged."""
    stored = [box.get_message(id) for id in ids]
    states = [(message["state"], message["dispatch_attempts"], message["last_error"]) for message in stored if message]
    assert sorted(states, key=str) == [("dispatched", "0", None)] + [("outstanding", "0", None)] * 2


def test_a_ctrl_c_ends_a_sweep() -> None:
    box, ids = open_interrupted()
    with pytest.raises(KeyboardInterrupt):
        box.sweep()
    check_one_was_sent(box, ids)


def test_a_ctrl_c_ends_a_clear() -> None:
    box, ids = open_interrupted()
    with pytest.raises(KeyboardInterrupt):
        box.clear_outbox(ids)
    check_one_was_sent(box, ids)


def test_a_ctrl_c_ends_a_batch() -> None:
    config = postbox.Config(embedded_path=":memory:", sweep_min_age_ms=0, max_dispatch_attempts=1)
    config.batch_producer(None, Interrupted().batch, max_batch=10)
    with postbox.open(config) as box:
        ids = box.deposit_posts([postbox.Message("t") for _ in range(3)])
        with pytest.raises(KeyboardInterrupt):
            box.clear_outbox(ids)
        check_one_was_sent(box, ids)


def test_a_ctrl_c_ends_a_post() -> None:
    box, ids = open_interrupted()
    box.clear_outbox(ids[:1])
    with pytest.raises(KeyboardInterrupt):
        box.post(postbox.Message("t", id="posted"))
    check_one_was_sent(box, [ids[0], ids[1], "posted"])


def test_a_ctrl_c_ends_an_archive(sent: Recorder) -> None:
    archive = Interrupted()
    with postbox.open(embedded_path=":memory:", archive_min_age_ms=0, producers={None: sent}) as box:
        ids = box.deposit_posts([postbox.Message("t") for _ in range(3)])
        box.clear_outbox(ids)
        with pytest.raises(KeyboardInterrupt):
            box.archive(archive)
        assert len(archive.bodies) == 1
        assert sum(box.get_message(id) is None for id in ids) == 1


def test_an_interruption_does_not_cancel_other_calls() -> None:
    cancel = postbox.CancelToken()
    box, ids = open_interrupted()
    with pytest.raises(KeyboardInterrupt):
        box.clear_outbox(ids, cancel=cancel)
    assert not cancel.is_canceled()
    assert len(box.clear_outbox(ids, cancel=cancel)) == 3


@pytest.fixture
def interrupted() -> Iterator[threading.Event]:
    """An event that the handler of Ctrl-C sets."""
    event = threading.Event()

    def handle(*_: object) -> None:
        event.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handle)
    yield event
    signal.signal(signal.SIGINT, before)


def test_a_ctrl_c_ends_a_sweep_that_waits_for_another_thread(interrupted: threading.Event) -> None:
    main, other_called = threading.get_ident(), threading.Event()
    called: list[str] = []

    def send(message: postbox.Message) -> None:
        if threading.get_ident() == main:
            assert other_called.wait(PATIENCE)
            return
        called.append(message.topic)
        other_called.set()
        # When the other topic is marked, the main thread has left its producer for the last time.
        while sum(stored["topic"] != message.topic for stored in box.messages(postbox.State.DISPATCHED)) < 2:
            pass
        # The threads of the library block signals.
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupted.wait(PATIENCE)
        (token,) = (token for _, thread, token in _calls._running if thread == main)
        while not lib.postbox_cancel_token_is_canceled(token):
            pass

    config = postbox.Config(embedded_path=":memory:", sweep_min_age_ms=0, sweep_threads=2)
    with postbox.open(config, producers={None: send}) as box:
        for topic in ("a", "a", "b", "b"):
            box.deposit_post(postbox.Message(topic, partition_key="k"))
        with pytest.raises(KeyboardInterrupt):
            box.sweep()
        assert len(called) == 1
        assert box.count_outstanding().count == 1


def test_sys_exit_on_a_thread_of_the_library_is_a_failed_attempt() -> None:
    exits: list[None] = []

    def producer(_: postbox.Message) -> None:
        exits.append(None)
        stopping.release()
        sys.exit("no license")

    stopping = Recorder().arrived
    with postbox.open(embedded_path=":memory:", sweep_min_age_ms=0, producers={None: producer}) as box:
        id = box.deposit_post(postbox.Message("t"))
        box.start_sweeper()
        assert stopping.acquire(timeout=30)
        box.stop_sweeper()
        stored = box.get_message(id)
        assert stored and (stored["state"], stored["last_error"]) == ("outstanding", "SystemExit: no license")


class InterruptedHandler(logging.Handler):
    """A handler of logging that receives a Ctrl-C with the first message."""

    interrupted = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self.interrupted:
            self.interrupted = True
            signal.raise_signal(signal.SIGINT)


@pytest.fixture
def interrupted_log() -> Iterator[None]:
    handler = InterruptedHandler()
    postbox.set_log_level(logging.WARNING)
    logging.getLogger("postbox").addHandler(handler)
    yield
    logging.getLogger("postbox").removeHandler(handler)


@pytest.mark.usefixtures("interrupted_log")
def test_a_ctrl_c_in_a_log_handler_ends_a_sweep() -> None:
    called: list[str] = []

    def fail(message: postbox.Message) -> None:
        called.append(message.id)
        raise ConnectionError

    config = postbox.Config(embedded_path=":memory:", sweep_min_age_ms=0, sweep_threads=1)
    with postbox.open(config, producers={None: fail}) as box:
        box.deposit_posts([postbox.Message("t") for _ in range(5)])
        with pytest.raises(KeyboardInterrupt):
            box.sweep()
        assert len(called) == 1


@pytest.mark.usefixtures("interrupted_log")
def test_a_ctrl_c_in_a_log_handler_reaches_the_caller() -> None:
    with postbox.open(embedded_path=":memory:", producers={None: lambda _: SendOutcome.ACCEPTED}) as box:
        (entry,) = box.post(postbox.Message("t"))
        with pytest.raises(KeyboardInterrupt):
            box.confirm(entry.id, SendOutcome.RETRY)
        assert box.count_outstanding().count == 1


class Late(Exception):
    """The exception of a signal handler that limits the time of a block."""


def interrupt_at_each_instruction(codes: set[CodeType], run: Callable[[], object]) -> Iterator[None]:
    """Runs a function once for each instruction of the functions with these codes, and raises an exception there, as a
    signal handler can. Yields after each run."""

    def at(number: int) -> bool:
        reached = 0

        def trace(frame: FrameType, event: str, _: object) -> Any:
            nonlocal reached
            if frame.f_code not in codes:
                return None if event == "call" else trace
            frame.f_trace_opcodes = True
            if event == "opcode":
                reached += 1
                if reached == number:
                    raise Late
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            run()
        except (Late, postbox.PostboxError):
            pass
        finally:
            sys.settrace(before)
        return reached >= number

    number = 1
    while at(number):
        yield
        number += 1
    assert number > 10


def test_an_exception_of_a_signal_handler_leaves_no_call_counted(box: postbox.Postbox) -> None:
    run = lambda: box.clear_outbox([])  # noqa: E731
    for _ in interrupt_at_each_instruction({_calls.call_with_callbacks.__code__}, run):
        assert OnThread(_calls.other_threads_may_run_callbacks).wait() is False


def test_an_exception_of_a_signal_handler_leaves_no_message_lent() -> None:
    lent: list[postbox.Message] = []
    config = postbox.Config(embedded_path=":memory:", breaker_threshold=0)
    config.batch_producer("batch", lambda messages: [lent.append(message) for message in messages], max_batch=2)  # type: ignore[func-returns-value]
    config.producer("single", lent.append)
    codes = {_callbacks._lend.__code__, _callbacks._take_back.__code__, postbox.Message._take_back.__code__}
    with postbox.open(config) as box:
        for topic in ("single", "batch"):
            for _ in interrupt_at_each_instruction(codes, lambda: box.post(postbox.Message(topic), check=False)):
                while lent:
                    with pytest.raises(postbox.UsageError, match="has returned"):
                        _ = lent.pop().id
