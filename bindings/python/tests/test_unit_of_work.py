"""The unit of work, which commits both data and messages or neither."""

from __future__ import annotations

import gc
import pickle
from decimal import Decimal

import pytest

import postbox
from support import ADA, OnThread, Recorder, responding, remote


def test_happy_path(box: postbox.Postbox, sent: Recorder) -> None:
    with box.unit_of_work() as work:
        assert work.get_item("People", ADA) is None
        work.put("People", {"Name": "Ada", "Greetings": 1})
        id = work.deposit_post(postbox.Message("greeting.made", "hello Ada"))
        assert sent.bodies == []
    report = box.clear_outbox([id])
    assert [(entry.id, entry.outcome) for entry in report] == [(id, postbox.Outcome.DISPATCHED)]
    assert sent.bodies == [b"hello Ada"]
    assert box.get_item("People", ADA) == {"Name": "Ada", "Greetings": Decimal(1)}
    stored = box.get_message(id)
    assert stored and stored["state"] == "dispatched"


def test_an_exception_in_the_block_rolls_back(box: postbox.Postbox) -> None:
    message = postbox.Message("t", id="never")
    with pytest.raises(ZeroDivisionError), box.unit_of_work() as work:
        work.put("People", ADA)
        work.deposit_post(message)
        1 / 0
    assert box.get_item("People", ADA) is None
    assert box.get_message("never") is None
    with pytest.raises(postbox.ClosedError) as closed:
        work.commit()
    assert closed.value.code == postbox.ErrorCode.UNIT_OF_WORK_CLOSED


def test_rollback_in_the_block_is_final(box: postbox.Postbox) -> None:
    with box.unit_of_work() as work:
        work.put("People", ADA)
        work.rollback()
    assert box.get_item("People", ADA) is None


def test_commit_in_the_block_is_not_repeated(box: postbox.Postbox) -> None:
    with box.unit_of_work() as work:
        work.put("People", ADA)
        work.commit()
    assert box.get_item("People", ADA) == ADA


def test_a_unit_that_is_dropped_sends_nothing(box: postbox.Postbox) -> None:
    work = box.unit_of_work()
    work.put("People", ADA)
    del work
    gc.collect()
    assert box.get_item("People", ADA) is None


def test_cancelled_with_reasons(box: postbox.Postbox) -> None:
    with box.unit_of_work() as work:
        work.put("People", {"Name": "Ada", "Greetings": 7})
    with pytest.raises(postbox.TransactionCanceledError) as canceled, box.unit_of_work() as work:
        work.put("People", {"Name": "Bob"})
        work.put("People", ADA, "attribute_not_exists(#name)", names={"#name": "Name"}, return_item=True)
        work.deposit_post(postbox.Message("t", id="never"))
    error = canceled.value
    assert error.code == postbox.ErrorCode.TRANSACTION_CANCELED
    assert not error.retryable
    (reason,) = error.reasons
    assert (reason.index, reason.subject, reason.code) == (1, "Put People", "ConditionalCheckFailed")
    assert reason.item == {"Name": "Ada", "Greetings": Decimal(7)}
    assert "Put People" in str(error)
    assert box.get_item("People", {"Name": "Bob"}) is None
    assert box.get_message("never") is None


def test_a_duplicate_takes_no_effect(box: postbox.Postbox) -> None:
    for greetings in (1, 2):
        work = box.unit_of_work()
        work.put("People", {"Name": "Ada", "Greetings": greetings})
        work.deposit_post(postbox.Message("t", id="command-1"))
        if greetings == 1:
            work.commit()
            continue
        with pytest.raises(postbox.DuplicateMessageError, match="command-1") as duplicate:
            work.commit()
        assert duplicate.value.code == postbox.ErrorCode.DUPLICATE_MESSAGE
    assert box.get_item("People", ADA) == {"Name": "Ada", "Greetings": 1}


def test_exceeded_limit_leaves_the_unit_unchanged(box: postbox.Postbox) -> None:
    def rejected(code: postbox.ErrorCode, item: postbox.Item) -> None:
        with pytest.raises(postbox.LimitExceededError) as refusal:
            work.put("People", item)
        assert refusal.value.code == code

    work = box.unit_of_work()
    rejected(postbox.ErrorCode.ITEM_TOO_LARGE, {"Name": "large", "Text": "x" * 410_000})
    for number in range(100):
        work.put("People", {"Name": str(number)})
    rejected(postbox.ErrorCode.TOO_MANY_ACTIONS, {"Name": "one more"})
    work.commit()
    assert box.get_item("People", {"Name": "99"}) == {"Name": "99"}

    work = box.unit_of_work()
    work.put("People", ADA)
    rejected(postbox.ErrorCode.DUPLICATE_ITEM, ADA)
    for number in range(10):
        work.put("People", {"Name": f"n{number}", "Text": "x" * 390_000})
    rejected(postbox.ErrorCode.TRANSACTION_TOO_LARGE, {"Name": "too much", "Text": "x" * 390_000})


def test_every_kind_of_action(box: postbox.Postbox) -> None:
    with box.unit_of_work() as work:
        work.put("People", {"Name": "Ada", "Greetings": 1})
        work.put("People", {"Name": "Bob", "Greetings": 1})
        work.put("People", '{"Name": {"S": "Eve"}}')
        work.add({"Put": {"TableName": "People", "Item": {"Name": {"S": "Dan"}}}})
        work.add('{"Put": {"TableName": "People", "Item": {"Name": {"S": "Fay"}}}}')
    with box.unit_of_work() as work:
        work.update(
            "People", ADA, "SET Greetings = Greetings + :one", "Greetings = :one", values={":one": 1}, return_item=True
        )
        work.delete("People", {"Name": "Bob"}, "Greetings = :one", values={":one": 1})
        work.delete("People", '{"Name": {"S": "Eve"}}')
        work.condition_check("People", {"Name": "Dan"}, "attribute_exists(#name)", names={"#name": "Name"})
    assert box.get_item("People", ADA) == {"Name": "Ada", "Greetings": 2}
    assert [box.get_item("People", {"Name": name}) for name in ("Bob", "Eve")] == [None, None]
    assert box.get_item("People", '{"Name": {"S": "Fay"}}') == {"Name": "Fay"}
    with pytest.raises(postbox.TransactionCanceledError), box.unit_of_work() as work:
        work.condition_check("People", {"Name": "Bob"}, "attribute_exists(#name)", names={"#name": "Name"})


def test_a_unit_keeps_its_postbox_open(sent: Recorder) -> None:
    work = postbox.open(embedded_path=":memory:", producers={None: sent}).unit_of_work()
    gc.collect()
    work.deposit_post(postbox.Message("t"))
    work.commit()


def test_another_thread_may_take_a_unit_over(box: postbox.Postbox) -> None:
    work = box.unit_of_work()
    work.put("People", ADA)
    assert OnThread(work.commit).wait() is None
    assert box.get_item("People", ADA) == ADA


def test_a_commit_without_a_response_is_repeated_on_the_same_unit() -> None:
    requests = 0

    def lose_two() -> bytes | None:
        nonlocal requests
        requests += 1
        return b"{}" if requests > 2 else None

    with responding(lose_two) as url:
        config = remote(url)
        config["max_request_attempts"] = 2
        with postbox.open(config) as box:
            with pytest.raises(postbox.OutcomeUnknownError) as unknown, box.unit_of_work() as work:
                work.put("People", ADA)
            assert unknown.value.retryable
            work.commit()
    assert requests == 3


def test_an_error_survives_pickling(box: postbox.Postbox) -> None:
    """Checks that errors can be pickled, as multiprocessing does to return them from a worker process."""
    with pytest.raises(postbox.TransactionCanceledError) as canceled, box.unit_of_work() as work:
        work.put("People", ADA, "attribute_exists(#name)", names={"#name": "Name"})
    copy = pickle.loads(pickle.dumps(canceled.value))
    assert type(copy) is postbox.TransactionCanceledError
    assert (str(copy), copy.reasons) == (str(canceled.value), canceled.value.reasons)
