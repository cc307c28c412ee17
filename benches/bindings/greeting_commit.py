"""The cost of a commit from Python: an item with 10 attributes and a message of 100 bytes in one unit of work, on the embedded
database in memory. Prints the median of 5,000 commits in microseconds."""

import statistics
import time

import postbox

COMMITS = 5_000
WARM_UP = 500
BODY = b"x" * 100
PHOTO = b"\7" * 16


def commit(box: postbox.Postbox) -> None:
    with box.unit_of_work() as work:
        work.put(
            "People",
            {
                "Name": "Ada",
                "Email": "ada@example.com",
                "City": "London",
                "Greeting": "Hello, Countess",
                "Greetings": 1,
                "Age": 36,
                "Adult": True,
                "Friend": None,
                "Photo": PHOTO,
                "Languages": ["English", "French"],
            },
        )
        work.deposit_post(postbox.Message("greeting.made", BODY))


def measure(box: postbox.Postbox) -> float:
    began = time.perf_counter_ns()
    commit(box)
    return (time.perf_counter_ns() - began) / 1000


def main() -> None:
    with postbox.open(embedded_path=":memory:") as box:
        box.embedded_execute(
            "CreateTable",
            {
                "TableName": "People",
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "Name", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "Name", "KeyType": "HASH"}],
            },
        )
        for _ in range(WARM_UP):
            commit(box)
        print(f"{statistics.median(measure(box) for _ in range(COMMITS)):.1f}")


main()
