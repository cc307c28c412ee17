"""examples/python/fastapi_service.py under uvicorn and uvloop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support import PATIENCE

EXAMPLES = Path(__file__).parents[3] / "examples" / "python"


def test_each_request_commits_and_sends_one_message() -> None:
    read, write = os.pipe()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLES), "fastapi_service:app"]
        service = subprocess.Popen(
            [*command, "--loop", "uvloop", "--fd", str(listener.fileno()), "--log-level", "warning"],
            stdout=write,
            pass_fds=[listener.fileno()],
        )
    os.close(write)
    try:
        # The connections wait until the service accepts them.
        with ThreadPoolExecutor(20) as threads:
            responses = list(threads.map(lambda number: post(port, f"person-{number}"), range(20)))
        assert [response["greetings"] for response in responses] == [1] * 20
        assert post(port, "person-0")["greetings"] == 2
    finally:
        service.send_signal(signal.SIGTERM)
        code = service.wait(PATIENCE)
    with open(read) as output:
        sent = sorted(output.read().splitlines())
    assert sent == sorted(f"sends to greeting.made: Hello person-{number}" for number in [0, *range(20)])
    # uvicorn ends by the signal after it has closed the Postbox.
    assert code in (0, -signal.SIGTERM)


def post(port: int, name: str) -> dict[str, object]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/people/{name}/greetings", method="POST")
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        body: dict[str, object] = json.load(response)
    return body
