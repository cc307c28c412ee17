"""Puts a message into a transaction of boto3, and waits at each step until tests/sdk/kills.py lets it continue or kills it.

    program.py clear|notify ID OUTBOX SENT      SENT is the file to which the producer appends the ids of messages
"""

import os
import sys
import threading

import boto3

import postbox

mode, id, outbox, sent = sys.argv[1:]
was_sent = threading.Event()


def step(name: str) -> None:
    # Two threads may be at a step. Each writes one line, and reads only its own line.
    os.write(1, f"{name}\n".encode())
    os.read(0, 1)


def send(message: postbox.Message) -> None:
    step("producing")
    with open(sent, "a", encoding="utf-8") as file:
        print(message.id, file=file)
    step("sent")
    was_sent.set()


def main() -> None:
    with postbox.open(table_name=outbox, lease_duration_ms=1000, producers={"greeting.made": send}) as box:
        if mode == "notify":
            box.start_sweeper()
        client = boto3.client("dynamodb")
        step("started")
        put = box.message_to_put(postbox.Message("greeting.made", "Hello", id=id))
        step("put made")
        person = {"Put": {"TableName": "People", "Item": {"Name": {"S": id}}}}
        client.transact_write_items(TransactItems=[person, put])
        step("committed")
        if mode == "notify":
            box.notify_committed([id])
        else:
            box.clear_outbox([id])
        step("handed over")
        was_sent.wait()


main()
