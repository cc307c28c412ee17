"""A web service with FastAPI and postbox.aio: each request changes data and sends a message about it, both or neither.

    pip install fastapi uvicorn
    uvicorn --app-dir examples/python fastapi_service:app
    curl -X POST http://127.0.0.1:8000/people/Ada/greetings

It works on the embedded database in memory. With DynamoDB, leave out embedded_path and the function make_people.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, Request

import postbox
import postbox.aio


async def send(message: postbox.Message) -> None:
    """The producer. A real producer would await a client of its broker."""
    print(f"sends to {message.topic}: {message.body.decode()}", flush=True)


def make_people(box: postbox.aio.Postbox) -> None:
    box.embedded_execute(
        "CreateTable",
        {
            "TableName": "People",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "Name", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "Name", "KeyType": "HASH"}],
        },
    )


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Opens the Postbox when the service starts. At its end, waits for messages that are being sent."""
    async with postbox.aio.open(embedded_path=":memory:", producers={"greeting.made": send}) as box:
        make_people(box)
        # The sweeper sends messages that were not cleared, for example because a request was cancelled.
        box.start_sweeper()
        app.state.box = box
        yield


app = FastAPI(lifespan=lifespan)


def postbox_of(request: Request) -> postbox.aio.Postbox:
    box: postbox.aio.Postbox = request.app.state.box
    return box


@app.post("/people/{name}/greetings")
async def greet(name: str, box: postbox.aio.Postbox = Depends(postbox_of)) -> dict[str, int | str]:
    async with box.unit_of_work() as work:
        person = await work.get_item("People", {"Name": name})
        greetings = int(person["Greetings"]) + 1 if person else 1
        condition = "Greetings = :before" if person else "attribute_not_exists(Greetings)"
        # A request that greets the same person at the same time fails with 500, and can be repeated.
        work.put(
            "People",
            {"Name": name, "Greetings": greetings},
            condition,
            values={":before": greetings - 1} if person else None,
        )
        id = work.deposit_post(postbox.Message("greeting.made", f"Hello {name}", content_type="text/plain"))
    await box.clear_outbox([id], check=False)  # If this fails, the sweeper sends the message.
    return {"greetings": greetings, "message": id}
