"""The process: exit, forks, memory and logging."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

import postbox
from support import Recorder

RunScript = Callable[..., str]

OPEN = """
import os, signal, sys, threading, time
import postbox

arrived = threading.Event()

def send(message):
    arrived.set()
    time.sleep(float(sys.argv[1]))
    if sys.argv[3:]:
        print(*sys.argv[3:], flush=True)

box = postbox.open(
    embedded_path=":memory:", sweep_min_age_ms=0, sweep_interval_ms=10, close_timeout_ms=int(sys.argv[2]), producers={None: send}
)
"""

SWEEP = """
postbox.set_log_level(10)
box.deposit_posts([postbox.Message("t", partition_key="k") for _ in range(50)])
box.start_sweeper()
assert arrived.wait(30)
print("leaving")
"""


@pytest.mark.parametrize(
    "end",
    ["", "sys.exit(0)", "del box", "threading.Thread(target=lambda: arrived.wait()).start()"],
    ids=["falls off its end", "sys.exit", "last reference", "another thread left"],
)
def test_exit_with_sweeper_running(run_script: RunScript, end: str) -> None:
    assert run_script(OPEN + SWEEP + end, "0.01", "5000") == "leaving\n"


@pytest.mark.parametrize("end", ["", "import gc; del box; gc.collect()"], ids=["open", "freed"])
def test_exit_waits_for_a_producer(run_script: RunScript, end: str) -> None:
    assert run_script(OPEN + SWEEP + end, "0.3", "0", "returned") == "leaving\nreturned\n"


def test_exit_waits_for_a_producer_on_a_daemon_thread(run_script: RunScript) -> None:
    clear = """
ids = box.deposit_posts([postbox.Message("t") for _ in range(2)])
threading.Thread(target=lambda: box.clear_outbox(ids, check=False), daemon=True).start()
assert arrived.wait(30)
print("leaving")
"""
    assert run_script(OPEN + clear, "0.3", "0", "returned").startswith("leaving\nreturned\n")


FREED_ON_A_DAEMON_THREAD = """
freeing = threading.Event()

class Producer:
    def __call__(self, message):
        pass

    def __del__(self):
        freeing.set()
        time.sleep(0.3)
        print("freed", flush=True)

other = postbox.open(embedded_path=":memory:", producers={None: Producer()})

def lose():
    global other
    del other

threading.Thread(target=lose, daemon=True).start()
assert freeing.wait(30)
print("leaving")
"""


def test_exit_waits_for_a_postbox_that_a_daemon_thread_frees(run_script: RunScript) -> None:
    assert run_script(OPEN + FREED_ON_A_DAEMON_THREAD, "0", "5000") == "leaving\nfreed\n"


CLOSED_TOGETHER = """
go = threading.Event()
called = threading.Semaphore(0)

def hang(message):
    called.release()
    go.wait()

boxes = [box]
for _ in range(3):
    hung = postbox.open(embedded_path=":memory:", sweep_min_age_ms=0, close_timeout_ms=600_000, producers={None: hang})
    hung.deposit_post(postbox.Message("t"))
    hung.start_sweeper()
    assert called.acquire(timeout=30)
    boxes.append(hung)

close, closed = postbox.Postbox.close, []

def close_and_let_go(self):
    closed.append(self)
    if len(closed) == len(boxes):
        go.set()
    close(self)

postbox.Postbox.close = close_and_let_go
"""


def test_exit_closes_every_postbox_at_the_same_time(run_script: RunScript) -> None:
    assert run_script(OPEN + CLOSED_TOGETHER, "0", "5000") == ""


ENDED_BY_A_SIGNAL = """
def hang(message):
    arrived.set()
    threading.Event().wait()

def interrupt_the_exit():
    while True:
        try:
            hung.get_message("m")
        except postbox.ClosedError:
            os.kill(os.getpid(), signal.SIGTERM)

signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
hung = postbox.open(embedded_path=":memory:", sweep_min_age_ms=0, close_timeout_ms=0, producers={None: hang})
hung.deposit_post(postbox.Message("t"))
hung.start_sweeper()
assert arrived.wait(30)
threading.Thread(target=interrupt_the_exit, daemon=True).start()
print("leaving")
"""


def test_a_signal_ends_an_exit_that_waits_for_a_producer(run_script: RunScript) -> None:
    assert run_script(OPEN + ENDED_BY_A_SIGNAL, "0", "5000") == "leaving\n"


def test_sys_exit_in_a_producer_ends_the_process(run_script: RunScript) -> None:
    leave = """
with postbox.open(embedded_path=":memory:", producers={None: lambda message: sys.exit(0)}) as leaving:
    leaving.post(postbox.Message("t"))
    print("not reached")
"""
    assert run_script(OPEN + leave, "0", "600000") == ""


FORK = """
work = box.unit_of_work()
work.deposit_post(postbox.Message("t", id="m"))
box.start_sweeper()
pid = os.fork()
if pid == 0:
    calls = {
        "commit": work.commit,
        "get_message": lambda: box.get_message("m"),
        "clear_outbox": lambda: box.clear_outbox(["m"]),
        "deposit_post": lambda: box.deposit_post(postbox.Message("t")),
        "sweep": box.sweep,
    }
    for name, call in calls.items():
        try:
            call()
        except postbox.ForkedError as error:
            assert error.code == postbox.ErrorCode.FORKED and not error.retryable
        else:
            sys.exit(name + " succeeded in the child")
    with postbox.open(embedded_path=":memory:") as own:
        own.deposit_post(postbox.Message("t"))
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
work.commit()
assert arrived.wait(30)
print("the parent goes on")
"""


def test_a_fork_is_detected(run_script: RunScript) -> None:
    assert run_script(OPEN + FORK, "0", "5000") == "the parent goes on\n"


FORK_DURING_A_CALL = """
id = box.deposit_post(postbox.Message("t"))
call = threading.Thread(target=lambda: box.clear_outbox([id]))
call.start()
assert arrived.wait(30)
if os.fork() == 0:
    signal.alarm(30)
    sys.exit(0)
assert os.wait()[1] == 0
call.join()
print("both ended")
"""


def test_a_child_ends_that_was_forked_during_a_call(run_script: RunScript) -> None:
    assert run_script(OPEN + FORK_DURING_A_CALL, "0.3", "5000") == "both ended\n"


def resident() -> int:
    """Returns the resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_ten_thousand_handles_leave_no_memory(box: postbox.Postbox, sent: Recorder) -> None:
    id = box.deposit_post(postbox.Message("t", "x" * 1000))

    def make_and_free() -> None:
        message = postbox.Message("t", "x" * 1000, partition_key="k")
        message["subject"] = "about"
        assert message["subject"]
        work = box.unit_of_work()
        work.put("People", {"Name": "Ada", "Text": "x" * 1000})
        work.deposit_post(message)
        config = postbox.Config(table_name="orders")
        config.producer(None, sent)
        with pytest.raises(postbox.InvalidInputError):
            config["none"] = "x"

    def grown(function: Callable[[], None], count: int) -> int:
        gc.collect()
        before = resident()
        for _ in range(count):
            function()
        gc.collect()
        return resident() - before

    grown(make_and_free, 2_000)
    assert grown(make_and_free, 10_000) < 2_000_000

    def read() -> None:
        assert box.get_message(id) and box.list_messages(postbox.State.OUTSTANDING).messages and box.stats_json()

    grown(read, 200)
    assert grown(read, 1_000) < 1_000_000


def test_a_hundred_postboxes_leave_no_thread() -> None:
    def threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    before = threads()
    for _ in range(100):
        postbox.open(embedded_path=":memory:")
    gc.collect()
    assert threads() == before


def test_log_messages_go_to_logging(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: postbox.Message) -> None:
        raise ValueError("the queue is gone")

    with postbox.open(embedded_path=":memory:", producers={None: broken}) as box:
        postbox.set_log_level(logging.WARNING)
        box.post(postbox.Message("t", "a secret", id="m"), check=False)
        told = [record for record in caplog.records if "the queue is gone" in record.getMessage()]
        assert told and told[0].name == "postbox" and told[0].levelno == logging.WARNING
        assert "a secret" not in caplog.text

        caplog.clear()
        postbox.set_log_level(logging.CRITICAL)
        box.clear_outbox(["m"], check=False)
        assert caplog.records == []


def test_log_messages_of_a_postbox_go_to_its_own_logger(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: postbox.Message) -> None:
        raise ValueError("the queue is gone")

    postbox.set_log_level(logging.WARNING)
    config = postbox.Config(embedded_path=":memory:")
    config.producer(None, broken)
    config.logger(logging.getLogger("first"))
    first = postbox.open(config)
    config.logger(logging.getLogger("second"), logging.CRITICAL)
    second = postbox.open(config)
    with first, second, postbox.open(embedded_path=":memory:", producers={None: broken}) as third:
        for box, logger in ((first, ["first"]), (second, []), (third, ["postbox"])):
            caplog.clear()
            box.post(postbox.Message("t"), check=False)
            assert [record.name for record in caplog.records] == logger


def test_exit_waits_for_a_handler_of_an_own_logger(run_script: RunScript) -> None:
    script = """
import logging, threading, time
import postbox
class Slow(logging.Handler):
    def emit(self, record):
        logging_now.set()
        time.sleep(0.3)
        print("logged", flush=True)
logging_now = threading.Event()
logger = logging.getLogger("own")
logger.addHandler(Slow())
logger.propagate = False
config = postbox.Config(region="eu-central-1", endpoint_url="http://127.0.0.1:9", close_timeout_ms=0)
config.logger(logger, logging.WARNING)
box = postbox.open(config)
def call():
    try:
        box.deposit_post(postbox.Message("t"))
    except postbox.PostboxError:
        pass
# The handler runs on the thread postbox-runtime, which loads the credentials.
threading.Thread(target=call, daemon=True).start()
logging_now.wait()
"""
    assert "logged" in run_script(script)


def test_a_log_handler_that_raises_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("no disk")

    def broken(_: postbox.Message) -> None:
        raise ValueError("the queue is gone")

    handler = Broken()
    postbox.set_log_level(logging.WARNING)
    logging.getLogger("postbox").addHandler(handler)
    try:
        with postbox.open(embedded_path=":memory:", producers={None: broken}) as box:
            (entry,) = box.post(postbox.Message("t"), check=False)
    finally:
        logging.getLogger("postbox").removeHandler(handler)
    assert entry.outcome == postbox.Outcome.FAILED
    assert "OSError: no disk" in capsys.readouterr().err


KEPT = {
    "a handler of logging": """
class Handler(logging.Handler):
    def emit(self, record): pass
logging.getLogger().addHandler(Handler())
""",
    "a filter of logging": "logging.getLogger('app').addFilter(lambda record: True)",
    "sys.excepthook": "def hook(*error): pass\nsys.excepthook = hook",
    "a thread-local": "local = threading.local(); local.self = sys.modules[__name__]",
}


# The standard library keeps the globals of the script alive until the callbacks are freed.
@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT.keys())
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "open"])
def test_exit_with_a_global_postbox_that_something_keeps_alive(run_script: RunScript, kept: str, closed: bool) -> None:
    use = "box.post(postbox.Message('t', 'x'))\n" + ("box.close()\n" if closed else "")
    assert run_script("import logging\n" + OPEN + kept + "\n" + use + "print('leaving')", "0", "5000") == "leaving\n"


def test_an_interpreter_without_the_gil_is_refused(run_script: RunScript) -> None:
    refused = """
import sys
sys._is_gil_enabled = lambda: False
try:
    import postbox
except ImportError as error:
    print(error)
"""
    assert run_script(refused) == "Postbox does not support Python without the GIL: start it with PYTHON_GIL=1\n"


def test_a_daemon_thread_opens_no_postbox_while_the_interpreter_ends(run_script: RunScript) -> None:
    open_at_the_end = """
ending, refused = threading.Event(), threading.Event()

def slow(message):
    arrived.set()
    ending.wait()
    assert refused.wait(30)

def open_another():
    while True:
        try:
            postbox.open(embedded_path=":memory:").close()
        except postbox.UsageError as error:
            print(error.message, flush=True)
            refused.set()
            return

other = postbox.open(embedded_path=":memory:", producers={None: slow})
id = other.deposit_post(postbox.Message("t"))
threading.Thread(target=lambda: other.clear_outbox([id], check=False), daemon=True).start()
assert arrived.wait(30)
threading.Thread(target=open_another, daemon=True).start()
ending.set()
"""
    assert run_script(OPEN + open_at_the_end, "0", "5000") == "the interpreter is ending: no Postbox can be opened\n"
