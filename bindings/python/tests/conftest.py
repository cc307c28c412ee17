"""Fixtures of the tests."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import postbox
from support import Recorder, make_people, serve


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_is_handled() -> None:
    """Handles SIGINT as in an interactive program. A shell ignores the signal in programs that it runs in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def sent() -> Recorder:
    return Recorder()


@pytest.fixture
def box(sent: Recorder) -> Iterator[postbox.Postbox]:
    """A Postbox on a database in memory, with the table People and a producer for every topic."""
    with postbox.open(embedded_path=":memory:", sweep_min_age_ms=0, producers={None: sent}) as box:
        make_people(box)
        yield box


@pytest.fixture
def server() -> Iterator[str]:
    """The URL of a DynamoDB behind a port."""
    with serve() as url:
        yield url


@pytest.fixture
def run_script(tmp_path: Path) -> object:
    """Runs a Python program in a separate process, and returns its output."""

    def run(text: str, *arguments: str) -> str:
        script = tmp_path / "script.py"
        script.write_text(text)
        ran = subprocess.run(
            [sys.executable, "-X", "faulthandler", str(script), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
        return ran.stdout

    return run


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    """Checks that a test ends the threads that it starts."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        # A _DummyThread represents a thread of the library, which the test did not start.
        if not isinstance(thread, threading._DummyThread):
            thread.join(30)
            assert not thread.is_alive(), thread
