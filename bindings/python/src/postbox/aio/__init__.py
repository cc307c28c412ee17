"""Postbox for asyncio: the names of the package postbox, as coroutines.

    import postbox.aio

    async def send(message: postbox.Message) -> None: ...

    async with postbox.aio.open(table_name="brighter_outbox", producers={"greeting.made": send}) as box:
        async with box.unit_of_work() as work:               # commits at its end, or rolls back
            person = await work.get_item("People", {"Name": "Ada"})
            work.put("People", greeted(person))
            id = work.deposit_post(postbox.Message("greeting.made", body))
        await box.clear_outbox([id])                         # send now; or leave it to a sweeper

A producer is a coroutine function. The library hands a message over on one of its threads, and a task of the event loop sends the
message. The message is marked when the coroutine function has returned. Set confirm_timeout_ms to more than a coroutine function
can take: after this time, a sweep sends the message again.
"""

from postbox.aio._lease import HeldLease
from postbox.aio._postbox import Config, Postbox, open
from postbox.aio._producers import BatchProducer, Producer
from postbox.aio._unit_of_work import UnitOfWork

__all__ = ["BatchProducer", "Config", "HeldLease", "Postbox", "Producer", "UnitOfWork", "open"]
