"""Python processes that use the library and end, fork, are interrupted, lose their client or close at random moments.

    host.py SECONDS [SEED]     runs processes one after another for this time, or one process again

Each process is derived from a seed. It must end by itself within a minute, without a crash and without a report of a
sanitizer. The seed of a process that does not is printed. The producers and archives of a process keep messages, copy them
and pass them to other threads, which must be harmless.
"""

from __future__ import annotations

import asyncio
import copy
import gc
import logging
import os
import queue
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Never

import postbox
import postbox.aio
from postbox import Message, PostboxError, SendOutcome

logging.getLogger("own").addHandler(logging.NullHandler())
LIMIT_SECONDS = 60
TOPICS = ("made", "sold", "lost")


class Life:
    """One process: its client, its threads, and the messages that its callbacks have kept."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.is_over = threading.Event()
        self.kept: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.cancel = postbox.CancelToken()
        self.client: postbox.Postbox | None = None

    def open(self) -> None:
        config = postbox.Config(
            embedded_path=":memory:",
            sweep_min_age_ms=0,
            archive_min_age_ms=0,
            sweep_interval_ms=100,
            close_timeout_ms=self.random.choice((100, 5000)),
        )
        config.batch_producer("sold", self.send_batch, max_batch=5)
        config.producer(None, self.send)
        if self.random.randrange(2):
            config.logger(logging.getLogger("own"), logging.DEBUG)
        self.client = postbox.open(config)

    def choose(self, *actions: str) -> None:
        """Takes one of these actions, which may fail in any way that the library documents."""
        try:
            getattr(self, self.random.choice(actions))()
        except PostboxError:
            pass

    # Callbacks.

    def use(self, message: Message) -> None:
        """Uses a message as no callback should, or disturbs the call that called the callback."""
        match self.random.randrange(12):
            case 0:
                self.kept.put(message)
            case 1:
                try:
                    self.kept.put(copy.copy(message))
                except TypeError:
                    pass
            case 2:
                self.choose("close", "stop", "read_kept", "cancel_calls")
            case 3:
                raise self.random.choice((KeyError("t"), postbox.Reject("t"), postbox.Unavailable("t"), SystemExit(0)))
            case 4:
                time.sleep(self.random.random() / 200)

    def send(self, message: Message) -> SendOutcome:
        self.use(message)
        return self.random.choice((SendOutcome.SENT, SendOutcome.SENT, *SendOutcome))

    def send_batch(self, messages: Sequence[Message]) -> Iterator[SendOutcome]:
        for message in messages:
            yield self.send(message)

    def archive(self, message: Message) -> None:
        self.use(message)

    # Calls on the threads of the program.

    def work(self) -> None:
        while not self.is_over.is_set():
            self.choose("post", "commit", "sweep", "store", "list_all", "read_kept", "deposit_kept", "interrupt", "run_tasks")

    def new(self) -> Message:
        return Message(self.random.choice(TOPICS), b"x" * self.random.randrange(1000), partition_key=self.random.choice(("ada", "")))

    def post(self) -> None:
        self.box.post(self.new(), check=False)

    def commit(self) -> None:
        with self.box.unit_of_work() as work:
            id = work.deposit_post(self.new())
        self.box.clear_outbox([id], check=False, cancel=self.cancel)

    def run_tasks(self) -> None:
        """Runs tasks on an event loop of this thread, some of which are cancelled."""

        async def send(message: Message) -> SendOutcome:
            await asyncio.sleep(self.random.random() / 200)
            return self.random.choice((SendOutcome.SENT, SendOutcome.RETRY, SendOutcome.NOT_TRIED))

        async def commit(box: postbox.aio.Postbox) -> None:
            async with box.unit_of_work() as work:
                id = work.deposit_post(self.new())
            await box.clear_outbox([id], check=False)

        async def main() -> None:
            async with postbox.aio.open(embedded_path=":memory:", close_timeout_ms=100, producers={None: send}) as box:
                tasks = [asyncio.ensure_future(commit(box)) for _ in range(self.random.randrange(10))]
                await asyncio.sleep(self.random.random() / 100)
                for task in tasks:
                    if self.random.randrange(3) == 0:
                        task.cancel()
                if self.random.randrange(3):
                    await asyncio.wait([*tasks, asyncio.ensure_future(asyncio.sleep(0))])
                for task in tasks:
                    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

        asyncio.run(main())

    def sweep(self) -> None:
        self.box.sweep(cancel=self.cancel)

    def store(self) -> None:
        self.box.archive(self.archive)

    def list_all(self) -> None:
        for message in self.box.messages(postbox.State.OUTSTANDING):
            self.kept.put(message)

    def read_kept(self) -> None:
        message = self.kept.get_nowait() if not self.kept.empty() else self.new()
        assert len(message.body) < 1000 and message.id

    def deposit_kept(self) -> None:
        messages = [self.new() for _ in range(3)]
        if not self.kept.empty():
            messages.append(self.kept.get_nowait())
        self.box.deposit_posts(messages)

    def interrupt(self) -> None:
        """Sends a Ctrl-C in one of a hundred calls, since the other threads do nothing after it."""
        if self.random.randrange(100) == 0:
            os.kill(os.getpid(), signal.SIGINT)

    # Disturbances of the process.

    def close(self) -> None:
        self.box.close(self.random.choice((0, 0.01, 0.05)))

    def stop(self) -> None:
        self.box.stop_sweeper()
        self.box.stop_archiver()

    def cancel_calls(self) -> None:
        self.cancel.cancel()

    def lose(self) -> None:
        """Drops the client. The threads use it until their calls have ended."""
        self.client = None
        gc.collect()

    def fork(self) -> None:
        """Forks while other threads are in calls. The child uses a client of its own."""
        child = os.fork()
        if child == 0:
            signal.alarm(LIMIT_SECONDS)
            try:
                self.post()
            except postbox.ForkedError:
                self.open()
            self.choose("post", "commit", "sweep", "list_all")
            end(self.random)
        if not is_right(os.waitpid(child, 0)[1]):
            os._exit(4)

    def end(self) -> Never:
        end(self.random)

    @property
    def box(self) -> postbox.Postbox:
        """Returns the client, or ends the thread or the process that has lost it."""
        client = self.client
        if client is None:
            raise SystemExit
        return client

    def run(self) -> None:
        if self.random.randrange(2):
            postbox.set_log_level(logging.DEBUG)
        self.open()
        if self.random.randrange(2):
            self.box.start_sweeper()
        if self.random.randrange(3) == 0:
            self.box.start_archiver(self.archive)
        threads = [threading.Thread(target=self.work, daemon=self.random.randrange(2) == 0) for _ in range(self.random.randrange(3))]
        for thread in threads:
            thread.start()
        try:
            for _ in range(self.random.randrange(1, 6)):
                time.sleep(self.random.random() / 50)
                self.choose("close", "stop", "lose", "fork", "end", "sweep", "commit", "store")
        finally:
            self.is_over.set()


def end(chance: random.Random) -> Never:
    if chance.randrange(4) == 0:
        os._exit(0)
    sys.exit(0)


def is_right(status: int) -> bool:
    """Returns whether a process ended normally, or as Python ends after a Ctrl-C."""
    code = os.waitstatus_to_exitcode(status)
    return code in (0, 128 + signal.SIGINT, -signal.SIGINT)


def live(seed: int) -> None:
    signal.alarm(LIMIT_SECONDS)
    try:
        Life(seed).run()
    except KeyboardInterrupt:
        pass


def main() -> None:
    if len(sys.argv) > 2:
        return live(int(sys.argv[2]))
    until = time.monotonic() + float(sys.argv[1])
    first = seed = int(time.time())
    while time.monotonic() < until:
        process = os.fork()
        if process == 0:
            return live(seed)
        status = os.waitpid(process, 0)[1]
        if not is_right(status):
            sys.exit(f"seed {seed}: status {status:x}")
        seed += 1
    print(seed - first, "processes")
    sys.exit(seed == first)


main()
