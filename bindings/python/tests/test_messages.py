"""Messages: fields, bodies, invalid text, and the lifetime of a message."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
from collections.abc import Callable

import pytest

import postbox
from support import Recorder


def test_fields_and_body(box: postbox.Postbox) -> None:
    message = postbox.Message("t", "gräß", partition_key="42", bag={"tenant": "7"})
    message["subject"] = "about"
    assert (message.topic, message.body, message["partition_key"]) == ("t", "gräß".encode(), "42")
    assert (message["bag.tenant"], message["subject"], message["reply_to"]) == ("7", "about", None)
    message["subject"] = ""
    message.body = b"\0\xff"
    with pytest.raises(postbox.PostboxError, match="application/octet-stream"):
        box.deposit_post(message)
    message["content_type"] = "application/octet-stream"
    id = box.deposit_post(message)
    stored = box.get_message(id)
    assert stored and (stored.id, stored.body, stored["subject"]) == (id, b"\0\xff", None)
    assert (stored["state"], stored["character_encoding"]) == ("outstanding", "Raw")
    assert box.get_message("none") is None


def test_each_message_has_an_id_of_its_own() -> None:
    assert postbox.Message("t").id != postbox.Message("t").id
    assert postbox.Message("t", id="mine").id == "mine"


def test_a_message_shows_neither_body_nor_bag() -> None:
    text = repr(postbox.Message("t", "secret", id="i", bag={"key": "secret"}))
    assert text == "<Message 'i' to 't'>"


def test_a_wrong_field_name_lists_similar_names() -> None:
    with pytest.raises(postbox.InvalidInputError, match="partition_key") as unknown:
        postbox.Message("t", partition_kee="42")
    assert unknown.value.code == postbox.ErrorCode.UNKNOWN_NAME


def test_a_body_of_another_type_is_rejected() -> None:
    with pytest.raises(TypeError, match="bytes or str, not dict"):
        postbox.Message("t", {})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="topic must be a str, not None"):
        postbox.Message(None)  # type: ignore[arg-type]


CALLS_WITH_TEXT: dict[str, Callable[[postbox.Postbox, str], object]] = {
    "topic": lambda box, text: postbox.Message(text),
    "field": lambda box, text: postbox.Message("t", subject=text),
    "field name": lambda box, text: postbox.Message("t")[text],
    "bag entry": lambda box, text: postbox.Message("t").__setitem__("bag.name", text),
    "setting": lambda box, text: postbox.Config(table_name=text),
    "setting name": lambda box, text: postbox.Config()[text],
    "producer's topic": lambda box, text: postbox.Config().producer(text, Recorder()),
    "id": lambda box, text: box.get_message(text),
    "ids": lambda box, text: box.clear_outbox(["fine", text]),
    "causation id": lambda box, text: box.replay_causation(text),
    "table": lambda box, text: box.get_item(text, {"Name": "Ada"}),
    "put": lambda box, text: box.unit_of_work().put(text, {"Name": "Ada"}),
    "DynamoDB JSON": lambda box, text: box.get_item("People", text),
    "cursor": lambda box, text: box.list_messages(postbox.State.PARKED, cursor=text),
    "path": lambda box, text: box.archive(text),
    "reason": lambda box, text: box.confirm("id", postbox.SendOutcome.RETRY, text),
    "operation": lambda box, text: box.embedded_execute(text, {}),
}


@pytest.mark.parametrize("call", CALLS_WITH_TEXT.values(), ids=CALLS_WITH_TEXT.keys())
def test_null_and_invalid_text(box: postbox.Postbox, call: Callable[[postbox.Postbox, str], object]) -> None:
    with pytest.raises(postbox.InvalidInputError, match="NUL character at position 1") as rejected:
        call(box, "a\0b")
    assert rejected.value.code == postbox.ErrorCode.INVALID_ARGUMENT
    with pytest.raises(postbox.InvalidInputError, match="lone surrogate at position 2") as rejected:
        call(box, "ab\ud800")
    assert rejected.value.code == postbox.ErrorCode.INVALID_UTF8


def test_lone_surrogates_in_bodies_and_items_are_rejected(box: postbox.Postbox) -> None:
    with pytest.raises(postbox.InvalidInputError, match="body cannot be written as UTF-8"):
        postbox.Message("t", "\udfff")
    with pytest.raises(postbox.InvalidInputError, match="lone surrogate"):
        box.unit_of_work().put("People", {"Name": "\udfff"})
    with pytest.raises(postbox.InvalidInputError, match="lone surrogate"):
        postbox.Message("t", bag={"name": "\udfff"})


def test_a_lent_message_fails_after_the_callback(box: postbox.Postbox) -> None:
    kept: list[postbox.Message] = []
    config = postbox.Config(embedded_path=":memory:")
    config.producer(None, kept.append)
    with postbox.open(config) as lender:
        lender.post(postbox.Message("t", "body"))
    (message,) = kept
    for use in (lambda: message.id, lambda: message.body, lambda: message["subject"], lambda: box.deposit_post(message)):
        with pytest.raises(postbox.UsageError, match="has returned"):
            use()
    assert repr(message) == "<Message of a callback that has returned>"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_message_is_not_copied_by_python(copied: Callable[[postbox.Message], object]) -> None:
    with pytest.raises(TypeError, match="copy its fields and its body"):
        copied(postbox.Message("t", "body"))


def test_a_lent_message_is_valid_for_as_long_as_a_deposit_of_it_takes() -> None:
    """The deposit takes a while, because it has many other messages, and fails, because one of these has no topic."""
    errors: list[Exception] = []
    many = [postbox.Message("t", "y") for _ in range(100_000)] + [postbox.Message("", "no topic")]
    threads: list[threading.Thread] = []

    def lend(message: postbox.Message) -> None:
        begun = threading.Event()

        def deposit() -> None:
            begun.set()
            try:
                box.deposit_posts([message, *many])
            except postbox.PostboxError as error:
                errors.append(error)

        threads.append(threading.Thread(target=deposit))
        threads[-1].start()
        begun.wait()

    with postbox.open(embedded_path=":memory:", producers={None: lend}) as box:
        for _ in range(3):
            box.post(postbox.Message("lent", "z" * 3000))
        for thread in threads:
            thread.join()
    assert len(errors) == 3


def test_a_message_of_a_page_outlives_the_page(box: postbox.Postbox) -> None:
    box.deposit_posts([postbox.Message("t", str(number), id=str(number)) for number in range(3)])
    messages = [message for page in box.pages(postbox.State.OUTSTANDING, limit=1) for message in page]
    gc.collect()
    assert sorted(message.body for message in messages) == [b"0", b"1", b"2"]
