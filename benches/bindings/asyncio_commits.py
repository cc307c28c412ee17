"""200 commits at the same time from one event loop, to a server that responds after 200 ms.

Prints the time until all commits are done, in milliseconds, and the longest time for which another coroutine, which wakes
every millisecond, was late. The server is a process of its own, so that it does not use the interpreter that is measured.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from multiprocessing.connection import Connection

import postbox
import postbox.aio

COMMITS = 200
DELAY = 0.2
ROUNDS = 7


async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Responds to the requests of a connection."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
            await reader.readexactly(length)
            await asyncio.sleep(DELAY)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n{}")
    except asyncio.IncompleteReadError:
        writer.close()


def serve(port: Connection) -> None:
    async def main() -> None:
        server = await asyncio.start_server(respond, "127.0.0.1", 0, backlog=2 * COMMITS)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


async def lateness(done: asyncio.Event) -> float:
    """Returns the longest time for which this coroutine was late, in milliseconds."""
    latest = 0.0
    while not done.is_set():
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        latest = max(latest, time.perf_counter() - began - 0.001)
    return latest * 1000


async def measure(box: postbox.aio.Postbox) -> tuple[float, float]:
    done = asyncio.Event()
    other = asyncio.ensure_future(lateness(done))
    began = time.perf_counter()

    async def commit() -> None:
        async with box.unit_of_work() as work:
            work.put("People", {"Name": "Ada", "Greetings": 1})
            work.deposit_post(postbox.Message("greeting.made", b"x" * 100))

    await asyncio.gather(*(commit() for _ in range(COMMITS)))
    took = time.perf_counter() - began
    done.set()
    return took * 1000, await other


async def rounds(port: int) -> None:
    config = postbox.aio.Config(
        endpoint_url=f"http://127.0.0.1:{port}", region="eu-central-1", access_key_id="test", secret_access_key="test"
    )
    async with postbox.aio.open(config) as box:
        # The first round also opens the connections.
        first, *later = [await measure(box) for _ in range(ROUNDS)]
    print(f"first round   {first[0]:6.0f} ms, another coroutine at most {first[1]:5.1f} ms late")
    print(f"median of {ROUNDS - 1}   {statistics.median(took for took, _ in later):6.0f} ms,", end=" ")
    print(f"another coroutine at most {statistics.median(late for _, late in later):5.1f} ms late")


def main() -> None:
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        asyncio.run(rounds(here.recv()))
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
