"""Sweeps an outbox until no message is outstanding, as a fresh process after a crash.

    recover.py OUTBOX SENT      SENT is the file to which the producer appends the ids of messages
"""

import sys
import time

import postbox

outbox, sent = sys.argv[1:]


def send(message: postbox.Message) -> None:
    with open(sent, "a", encoding="utf-8") as file:
        print(message.id, file=file)


def is_done(box: postbox.Postbox) -> bool:
    return box.sweep().lease == postbox.LeaseStatus.HELD and box.count_outstanding().count == 0


# The sweep has to wait until the lease of the killed process expires.
with postbox.open(
    table_name=outbox, lease_duration_ms=1000, sweep_min_age_ms=0, producers={"greeting.made": send}
) as box:
    while not is_done(box):
        time.sleep(0.05)
