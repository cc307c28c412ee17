"""Kills programs that put a message into a transaction of an AWS SDK, at each step, and checks the promise of the outbox.

The data is written if and only if the message is stored. A committed message is sent at least once and marked. A message that was not
committed is never sent.

    kills.py POSTBOX NAME=COMMAND...      POSTBOX is the command that serves the database

The programs are program.rs, program.py and program.mjs in this directory. Each writes the name of a step to its standard output and
continues when it receives a line. The proxy adds the steps between the program and the database.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from proxy import Proxy, Resume

import postbox

PATIENCE = 60.0
"""Seconds after which a test gives up waiting."""

BEFORE_THE_COMMIT = ["started", "put made", "transaction received"]
AFTER_THE_COMMIT = [
    "transaction executed",
    "committed",
    "producing",
    "sent",
    "mark received",
    "mark executed",
    "handed over",
]
END = "end"
LOST_RESPONSE = "lost response"


@dataclass(frozen=True)
class Case:
    """One run of a program, which is killed at a step. At the steps END and LOST_RESPONSE it is not killed."""

    program: str
    mode: str
    step: str

    @property
    def id(self) -> str:
        return f"{self.program}-{self.mode}-{self.step.replace(' ', '-')}"

    @property
    def is_committed(self) -> bool:
        return self.step not in BEFORE_THE_COMMIT

    @property
    def is_killed(self) -> bool:
        return self.step not in (END, LOST_RESPONSE)


class Run:
    """A program between its start and its end. Its steps and those of the proxy arrive in one queue."""

    def __init__(self, case: Case, command: list[str], database: str, sent: Path) -> None:
        self.case = case
        self.steps: queue.Queue[tuple[str, Resume]] = queue.Queue()
        self.proxy = Proxy(database, lambda *step: self.steps.put(step), case.step == LOST_RESPONSE)
        self.process = subprocess.Popen(
            [*command, case.mode, case.id, case.id, str(sent)],
            env=os.environ | {"AWS_ENDPOINT_URL_DYNAMODB": self.proxy.url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.steps.put((line.strip(), self._resume))
        self.steps.put((END, lambda: None))

    def _resume(self) -> None:
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write("\n")
            self.process.stdin.flush()

    def until_killed(self) -> None:
        """Lets the program continue until it reaches the step of the case, and kills it there."""
        try:
            held = self._reach_step()
            if not self.case.is_killed:
                code = self.process.wait(PATIENCE)
                assert code == 0, f"the program ended with {code}"
        finally:
            self.process.kill()
            self.process.wait(PATIENCE)
            self.proxy.cut()
        held()

    def _reach_step(self) -> Resume:
        while True:
            step, resume = self.steps.get(timeout=PATIENCE)
            if step in (self.case.step, END):
                break
            resume()
        expected = self.case.step if self.case.is_killed else END
        assert step == expected, f"the program ended before the step {expected}"
        return resume


class Harness:
    """The database, and the checks of one case."""

    def __init__(self, database: str, programs: dict[str, list[str]], directory: Path) -> None:
        self.database, self.programs, self.directory = database, programs, directory
        self.client: Any = boto3.client("dynamodb", endpoint_url=database)
        self.client.create_table(
            TableName="People",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "Name", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "Name", "KeyType": "HASH"}],
        )

    def check(self, case: Case) -> None:
        sent = self.directory / case.id
        sent.touch()
        with postbox.open(endpoint_url=self.database, table_name=case.id) as box:
            box.create_table()
            run = Run(case, self.programs[case.program], self.database, sent)
            run.until_killed()
            self.check_together(case, box)
            self.recover(case, sent)
            self.check_promise(case, box, sent.read_text(encoding="utf-8").split())
        if case.step == LOST_RESPONSE:
            assert len(run.proxy.tokens) == 2, "the SDK repeats a request without a response"
            assert run.proxy.tokens[0] and run.proxy.tokens[0] == run.proxy.tokens[1], run.proxy.tokens

    def check_together(self, case: Case, box: postbox.Postbox) -> None:
        person = self.client.get_item(TableName="People", Key={"Name": {"S": case.id}}, ConsistentRead=True).get("Item")
        stored = box.get_message(case.id)
        assert (person is not None) == (stored is not None), f"data: {person}, message: {stored}"
        assert (stored is not None) == case.is_committed, f"message: {stored}"

    def recover(self, case: Case, sent: Path) -> None:
        """Sweeps in a fresh process."""
        program = Path(__file__).with_name("recover.py")
        environment = os.environ | {"AWS_ENDPOINT_URL_DYNAMODB": self.database}
        subprocess.run([sys.executable, program, case.id, sent], env=environment, timeout=PATIENCE, check=True)

    def check_promise(self, case: Case, box: postbox.Postbox, sent: list[str]) -> None:
        stored = box.get_message(case.id)
        if not case.is_committed:
            assert stored is None and sent == [], f"a message that was not committed was sent: {sent}"
            return
        assert sent and set(sent) == {case.id}, f"a committed message was not sent: {sent}"
        marked = [message.id for message in box.messages(postbox.State.DISPATCHED)]
        assert stored and marked == [case.id], "a message that was sent is not marked"
        assert case.is_killed or len(sent) == 1, "without a crash, the message is sent once"


def cases(programs: list[str]) -> list[Case]:
    steps = [*BEFORE_THE_COMMIT, *AFTER_THE_COMMIT, END, LOST_RESPONSE]
    return [Case(program, mode, step) for step in steps for mode in ("clear", "notify") for program in programs]


@contextlib.contextmanager
def served(command: str, directory: Path) -> Iterator[str]:
    """Serves a database, and yields its URL."""
    arguments = [command, "--embedded-db", str(directory / "database"), "serve", "--port", "0"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def passes(harness: Harness, case: Case) -> bool:
    try:
        harness.check(case)
    except (AssertionError, queue.Empty, subprocess.SubprocessError, postbox.PostboxError) as error:
        print(f"FAILED {case.id}: {error!r}", flush=True)
        return False
    return True


def main() -> None:
    command, *named = sys.argv[1:]
    programs = {name: shlex.split(text) for name, _, text in (argument.partition("=") for argument in named)}
    os.environ |= {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"}
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with tempfile.TemporaryDirectory() as name, served(command, Path(name)) as database:
        harness = Harness(database, programs, Path(name))
        # The cases mostly wait for processes to start and for leases to expire.
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda case: passes(harness, case), cases(list(programs))))
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    sys.exit(not all(results))


main()
