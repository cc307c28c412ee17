"""Producers, tables and servers of the tests."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import postbox
import postbox.aio

PATIENCE = 30.0
"""Seconds after which a test gives up waiting."""

ADA = {"Name": "Ada"}


class Recorder:
    """A producer that keeps the bodies of its messages."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.threads: set[int] = set()
        self.arrived = threading.Semaphore(0)

    def __call__(self, message: postbox.Message) -> None:
        self.bodies.append(message.body)
        self.threads.add(threading.get_native_id())
        self.arrived.release()

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.arrived.acquire(timeout=PATIENCE), f"only {len(self.bodies)} of {count} messages came"


def make_people(box: postbox.Postbox | postbox.aio.Postbox) -> None:
    box.embedded_execute(
        "CreateTable",
        {
            "TableName": "People",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "Name", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "Name", "KeyType": "HASH"}],
        },
    )


def remote(url: str) -> postbox.Config:
    """The settings for the database at a URL."""
    return postbox.Config(endpoint_url=url, region="eu-central-1", access_key_id="test", secret_access_key="test")


@contextlib.contextmanager
def serve() -> Iterator[str]:
    """Runs examples/serve.rs, a DynamoDB behind a port."""
    with subprocess.Popen(
        [os.environ["POSTBOX_SERVE"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        yield process.stdout.readline().strip()
        # The program ends when its input ends.
        process.stdin.close()
        process.wait(PATIENCE)


@contextlib.contextmanager
def responding(respond: Callable[[], bytes | None]) -> Iterator[str]:
    """Serves an endpoint on a thread of this interpreter, which can respond only while no other thread holds the GIL. If the
    function returns None, the response is lost."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = respond()
            if body is None:
                self.close_connection = True
                return
            with contextlib.suppress(ConnectionError):
                self.send_response(200)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        # Connections that many tasks make at the same time wait for their acceptance.
        request_queue_size = 256

    with Server(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}"
        finally:
            http.shutdown()
            thread.join(PATIENCE)


class OnThread:
    """Runs a function on a thread, and keeps its result or exception."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.result: object = None
        self._function = function
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._function()
        except BaseException as error:
            self.result = error
        del self._function

    def wait(self) -> object:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the call hangs"
        return self.result
