"""Sends several messages in one call, and confirms many in one call, as brokers do.

The broker of this program accepts two of three messages, since the producer is asked to stop before the third, and confirms
later that it has the first and lost the second. examples/c/batches.c is the same in C.
"""

from collections.abc import Iterator, Sequence

import postbox
from postbox import SendOutcome


def publish(messages: Sequence[postbox.Message]) -> Iterator[postbox.SendResult]:
    print(f"The producer gets {len(messages)} messages in one call")
    for message in messages:
        if message.id == "order-3":
            return  # asked to stop: the rest was not tried
        yield SendOutcome.ACCEPTED


config = postbox.Config(embedded_path=":memory:")
config.batch_producer("order.placed", publish, max_batch=10)
with postbox.open(config) as box:
    ids = box.deposit_posts([postbox.Message("order.placed", id=f"order-{number}") for number in (1, 2, 3)])
    box.clear_outbox(ids, check=False)
    # A real program does this when the broker responds, on any thread.
    box.confirm_many({"order-1": SendOutcome.SENT, "order-2": ConnectionError("no leader")})
    for id in ids:
        message = box.get_message(id)
        assert message
        error = message["last_error"]
        print(f"{id} is {message['state']}" + (": " + error.removeprefix("ConnectionError: ") if error else ""))
