"""The main job of Postbox: change your data and send a message about it, both or neither.

    python greetings.py [database-file]

It works on the embedded database, in memory unless a file is given. Run it twice on one file: the second run finds what the
first has written. examples/c/greetings.c and examples/greetings.rs are the same in C and in Rust.
"""

import sys

import postbox

ADA = {"Name": "Ada"}


def print_message(message: postbox.Message) -> None:
    """The producer. A real producer would pass the message to a broker."""
    print(f"  The producer of {message.topic} sends: {message.body.decode()}")


def make_people(box: postbox.Postbox) -> None:
    """Creates the table of the program if it does not exist."""
    try:
        box.embedded_execute("DescribeTable", {"TableName": "People"})
    except postbox.TableError:
        box.embedded_execute(
            "CreateTable",
            {
                "TableName": "People",
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "Name", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "Name", "KeyType": "HASH"}],
            },
        )


def greetings_of(person: postbox.Item | None) -> int:
    """Returns the number of greetings of the person."""
    return int(person["Greetings"]) if person else 0


def times(count: int) -> str:
    return f"{count} time" if count == 1 else f"{count} times"


def add_greeting(work: postbox.UnitOfWork, id: str) -> int:
    """Reads Ada, counts one greeting more, and adds the person and the message to the unit of work."""
    greetings = greetings_of(work.get_item("People", ADA)) + 1
    work.put("People", {**ADA, "Greetings": greetings})
    body = f"Ada was greeted {times(greetings)}"
    work.deposit_post(postbox.Message("greeting.made", body, content_type="text/plain", id=id))
    return greetings


def greet(box: postbox.Postbox, id: str) -> None:
    """The handler. Greets Ada and announces it, both or neither."""
    with box.unit_of_work() as work:
        greetings = add_greeting(work, id)
    print(f"Committed: Ada was greeted {times(greetings)}, and message {id} is in the outbox.")
    box.clear_outbox([id])
    print(f"Cleared: message {id} is dispatched.")


def greet_and_roll_back(box: postbox.Postbox, id: str) -> None:
    """Greets Ada and rolls back, so that nothing is written or sent."""
    with box.unit_of_work() as work:
        add_greeting(work, id)
        work.rollback()
    print(f"Rolled back: the outbox has {'a' if box.get_message(id) else 'no'} message {id}.")


def greet_again(box: postbox.Postbox, id: str) -> None:
    """Repeats the command, whose message already exists in the outbox, so that it has no effect."""
    try:
        greet(box, id)
    except postbox.DuplicateMessageError as error:
        print(f"Rejected: {error.message}.")


def run(box: postbox.Postbox) -> None:
    make_people(box)
    before = greetings_of(box.get_item("People", ADA))
    print(f"Ada was greeted {times(before)} before.")

    # The id of the command that is handled, such as that of a request. The command takes effect once.
    id, next_id = f"greeting-{before + 1}", f"greeting-{before + 2}"
    greet(box, id)
    greet_and_roll_back(box, next_id)
    greet_again(box, id)

    print(f"Ada was greeted {times(greetings_of(box.get_item('People', ADA)))} in all.")


def main() -> None:
    path = sys.argv[1] if len(sys.argv) > 1 else ":memory:"
    try:
        with postbox.open(embedded_path=path, producers={"greeting.made": print_message}) as box:
            run(box)
    except postbox.PostboxError as error:
        sys.exit(f"greetings: {error}")


if __name__ == "__main__":
    main()
