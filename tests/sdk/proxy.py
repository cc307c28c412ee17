"""A proxy in front of a served database, which holds the requests of one program at the steps that the program cannot see."""

from __future__ import annotations

import http.client
import json
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Resume = Callable[[], None]
"""Lets a held request continue."""


def kind_of(target: str, body: bytes) -> str | None:
    """Returns the kind of a request that the tests hold: the program's transaction, or the mark of its message."""
    if target.endswith(".TransactWriteItems"):
        return "transaction"
    return "mark" if b"DeliveryTime" in body and b"Statement" in body else None


class Proxy(ThreadingHTTPServer):
    """Calls `on_step` with the name of each step and a function that ends the wait at this step. The steps are "transaction
    received", "transaction executed", "mark received" and "mark executed"."""

    daemon_threads = True

    def __init__(self, database: str, on_step: Callable[[str, Resume], None], loses_response: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.database = urlsplit(database).netloc
        self.on_step = on_step
        self.loses_response = loses_response
        self.tokens: list[str | None] = []
        """The tokens of the transactions that were received."""
        self.is_cut = threading.Event()
        """Set when no request may reach the database any more, because the program was killed."""
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def hold(self, step: str) -> bool:
        """Waits until the harness resumes the request. Returns whether the connection still exists."""
        if not self.is_cut.is_set():
            resumed = threading.Event()
            self.on_step(step, resumed.set)
            resumed.wait()
        return not self.is_cut.is_set()

    def cut(self) -> None:
        """Cuts the connections of the program, which was killed: no further request reaches the database."""
        self.is_cut.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores that the killed program does not read a response."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = kind_of(self.headers["X-Amz-Target"], body)
        if kind == "transaction":
            self.server.tokens.append(json.loads(body).get("ClientRequestToken"))
        self.close_connection = True
        if not self.passes(kind, "received"):
            return
        response = self.forward(body)
        is_lost = self.server.loses_response and kind == "transaction" and len(self.server.tokens) == 1
        if self.passes(kind, "executed") and not is_lost:
            self.respond(*response)

    def passes(self, kind: str | None, point: str) -> bool:
        """Holds a request of this kind. Returns whether the request or its response may pass."""
        return self.server.hold(f"{kind} {point}") if kind else not self.server.is_cut.is_set()

    def respond(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = False

    def forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.server.database, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        connection.request("POST", self.path, body, headers)
        response = connection.getresponse()
        result = response.status, response.getheaders(), response.read()
        connection.close()
        return result

    def log_message(self, format: str, *arguments: Any) -> None:
        """Logs nothing. The output of the harness would contain every request."""
