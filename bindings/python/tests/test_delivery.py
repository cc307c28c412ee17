"""Sweeping, lists, parking, replay, archiving, statistics."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import pytest

import postbox
from postbox import Outcome, State
from support import PATIENCE, OnThread, Recorder


def deposit(box: postbox.Postbox, count: int, cause: str = "") -> list[str]:
    return box.deposit_posts([postbox.Message("t", str(number), causation_id=cause) for number in range(count)])


def test_sweeper_started_and_stopped(box: postbox.Postbox, sent: Recorder) -> None:
    deposit(box, 3)
    box.start_sweeper()
    sent.wait_for(3)
    with pytest.raises(postbox.InvalidInputError, match="running"):
        box.start_sweeper()
    box.stop_sweeper()
    box.stop_sweeper()
    deposit(box, 1)
    assert box.count_outstanding().count == 1
    box.start_sweeper()
    sent.wait_for(1)


def test_sweeper_sends_messages_committed_by_another_client(sent: Recorder) -> None:
    with postbox.open(embedded_path=":memory:", sweep_interval_ms=600_000, producers={None: sent}) as box:
        box.start_sweeper()
        ids = deposit(box, 1)
        box.notify_committed([*ids, "nobody"])
        sent.wait_for(1)
        with pytest.raises(TypeError):
            box.notify_committed(ids[0])


def test_sweep(box: postbox.Postbox, sent: Recorder) -> None:
    deposit(box, 3)
    box.deposit_post(postbox.Message("other"))
    result = box.sweep("t")
    assert (result.found, result.dispatched, result.failed, result.lease) == (3, 3, 0, postbox.LeaseStatus.HELD)
    assert box.count_outstanding("t") == postbox.OutstandingCount(0, 0)
    assert box.count_outstanding().count == 1
    assert box.sweep().dispatched == 1


def test_a_canceled_sweep_leaves_the_rest_outstanding() -> None:
    cancel, again = postbox.CancelToken(), postbox.CancelToken()
    with postbox.open(embedded_path=":memory:", sweep_min_age_ms=0, producers={None: lambda _: cancel.cancel()}) as box:
        ids = deposit(box, 3)
        assert not cancel.is_canceled()
        assert box.sweep(cancel=cancel).dispatched == 1
        assert cancel.is_canceled()
        assert box.sweep(cancel=cancel).dispatched == 0
        report = box.clear_outbox(ids, check=False, cancel=cancel)
        assert [entry.outcome for entry in report] == [Outcome.SKIPPED] * 3
        # The lease was given back, so that another sweep sends the rest.
        assert box.sweep(cancel=again).dispatched == 2


def test_a_canceled_archive_deletes_only_the_archived_messages(tmp_path: Path, sent: Recorder) -> None:
    cancel = postbox.CancelToken()
    with postbox.open(embedded_path=":memory:", archive_min_age_ms=0, producers={None: sent}) as box:
        ids = deposit(box, 3)
        box.clear_outbox(ids)
        assert box.archive(lambda _: cancel.cancel(), cancel=cancel).archived == 1
        assert box.archive(tmp_path / "archive.jsonl", cancel=cancel).archived == 0
        assert sum(box.get_message(id) is None for id in ids) == 1


def test_a_token_ends_every_call_that_uses_it(sent: Recorder) -> None:
    cancel, arrived, go = postbox.CancelToken(), threading.Semaphore(0), threading.Event()

    def wait(message: postbox.Message) -> None:
        arrived.release()
        assert go.wait(PATIENCE)

    boxes = [postbox.open(embedded_path=":memory:", sweep_min_age_ms=0, producers={None: wait}) for _ in range(2)]
    for box in boxes:
        deposit(box, 2)
    sweeps = [OnThread(lambda box=box: box.sweep(cancel=cancel)) for box in boxes]  # type: ignore[misc]
    for _ in boxes:
        assert arrived.acquire(timeout=PATIENCE)
    cancel.cancel()
    go.set()
    results = [sweep.wait() for sweep in sweeps]
    assert [isinstance(result, postbox.SweepResult) and result.dispatched for result in results] == [1, 1]


def test_clear_reports_the_outcome_of_each_message(box: postbox.Postbox) -> None:
    ids = deposit(box, 2)
    box.clear_outbox(ids[:1])
    report = box.clear_outbox([*ids, "missing"], check=False)
    assert [entry.outcome for entry in report] == [Outcome.ALREADY_DISPATCHED, Outcome.DISPATCHED, Outcome.NOT_FOUND]
    with pytest.raises(postbox.IncompleteError, match="missing: NOT_FOUND") as incomplete:
        report.raise_for_failures()
    assert incomplete.value.reasons[0].index == 2
    with pytest.raises(TypeError, match=r"\[id\] for a single message"):
        box.clear_outbox(ids[0])
    assert list(box.clear_outbox([])) == []


def test_mark_dispatched_sends_nothing(box: postbox.Postbox, sent: Recorder) -> None:
    box.mark_dispatched(deposit(box, 2))
    assert sent.bodies == []
    assert box.count_outstanding().count == 0


def test_bulk_deposit_rejects_an_invalid_message(box: postbox.Postbox) -> None:
    with pytest.raises(postbox.InvalidInputError) as rejected:
        box.deposit_posts([postbox.Message("t"), postbox.Message("")])
    assert rejected.value.code == postbox.ErrorCode.INVALID_MESSAGE
    assert box.count_outstanding().count == 0


def test_lists_continue_at_a_cursor(box: postbox.Postbox) -> None:
    ids = deposit(box, 7)
    first = box.list_messages(State.OUTSTANDING, "t", limit=3)
    assert first.next is not None
    rest = [message.id for page in box.pages(State.OUTSTANDING, "t", limit=3, cursor=first.next) for message in page]
    assert sorted([message.id for message in first] + rest) == sorted(ids)
    assert [message.id for message in box.messages(State.DISPATCHED)] == []
    with pytest.raises(postbox.InvalidInputError, match="cursor"):
        box.list_messages(State.OUTSTANDING, cursor="nonsense")


def test_a_malformed_message_is_listed_with_the_reason(box: postbox.Postbox) -> None:
    (id,) = deposit(box, 1)
    box.embedded_execute(
        "UpdateItem",
        {"TableName": "brighter_outbox", "Key": {"MessageId": {"S": id}}, "UpdateExpression": "REMOVE Body"},
    )
    (page,) = box.pages(State.OUTSTANDING)
    (malformed,) = page.malformed
    assert (page.messages, malformed.id) == ([], id)
    assert "Body" in malformed.reason


def test_a_parked_message_is_released() -> None:
    broken = True

    def producer(_: postbox.Message) -> None:
        if broken:
            raise postbox.Reject("too large")

    with postbox.open(embedded_path=":memory:", producers={None: producer}) as box:
        id = box.deposit_post(postbox.Message("t"))
        box.clear_outbox([id], check=False)
        (parked,) = box.messages(State.PARKED)
        assert (parked.id, parked["last_error"]) == (id, "too large")
        broken = False
        box.unpark(id)
        box.clear_outbox([id])
        with pytest.raises(postbox.InvalidInputError, match="not parked"):
            box.unpark(id)


def test_replay(box: postbox.Postbox, sent: Recorder) -> None:
    ids = deposit(box, 2, "cause")
    box.clear_outbox(ids)
    assert [entry.outcome for entry in box.replay(ids[:1])] == [Outcome.REPLAYED]
    box.clear_outbox(ids)
    assert len(box.replay_causation("cause")) == 2
    box.clear_outbox(ids)
    assert sent.bodies == [b"0", b"1", b"0", b"0", b"1"]


def test_archive_to_a_function_deletes_archived_messages(sent: Recorder) -> None:
    kept: list[bytes] = []

    def archive(message: postbox.Message) -> None:
        if message.body == b"1":
            raise OSError("the disk is full")
        kept.append(message.body)

    with postbox.open(embedded_path=":memory:", archive_min_age_ms=0, producers={None: sent}) as box:
        ids = deposit(box, 3)
        box.clear_outbox(ids[:2])
        result = box.archive(archive)
        assert (result.archived, result.failed, kept) == (1, 1, [b"0"])
        assert [box.get_message(id) is not None for id in ids] == [False, True, True]


async def store_later(_: postbox.Message) -> None:
    raise AssertionError("no event loop runs this function")


@pytest.mark.parametrize(("archive", "kind"), [(lambda _: True, "bool"), (store_later, "coroutine")])
def test_an_archive_that_returns_a_value_deletes_nothing(
    archive: postbox.Archive, kind: str, sent: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    postbox.set_log_level(logging.WARNING)
    with postbox.open(embedded_path=":memory:", archive_min_age_ms=0, producers={None: sent}) as box:
        ids = deposit(box, 1)
        box.clear_outbox(ids)
        result = box.archive(archive)
        assert (result.archived, result.failed) == (0, 1)
        assert box.get_message(ids[0])
        assert f"an archive must return None, not {kind}" in caplog.text


def test_archive_to_a_file(tmp_path: Path, sent: Recorder) -> None:
    path = tmp_path / "archive.jsonl"
    with postbox.open(embedded_path=":memory:", archive_min_age_ms=0, producers={None: sent}) as box:
        box.clear_outbox(deposit(box, 2))
        assert box.archive(path).archived == 2
    items = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(item["Body"]["S"] if "S" in item["Body"] else item["Body"]["B"] for item in items) == ["MA==", "MQ=="]


def test_archiver_started_and_stopped(tmp_path: Path, sent: Recorder) -> None:
    archived = threading.Event()
    with postbox.open(
        embedded_path=":memory:", archive_min_age_ms=0, archive_interval_ms=10, producers={None: sent}
    ) as box:
        box.clear_outbox(deposit(box, 1))
        box.start_archiver(lambda _: archived.set())
        assert archived.wait(PATIENCE)
        with pytest.raises(postbox.InvalidInputError, match="running"):
            box.start_archiver(lambda _: None)
        box.stop_archiver()
        box.start_archiver(str(tmp_path / "archive.jsonl"))
        box.stop_archiver()


def test_stats(box: postbox.Postbox) -> None:
    assert box.stats().outstanding is None
    box.clear_outbox(deposit(box, 2))
    box.count_outstanding()
    stats = box.stats()
    assert (stats.deposited, stats.dispatched, stats.failed, stats.outstanding) == (2, 2, 0, 0)
    assert box.stats_json()["deposited"] == 2


def test_outbox_limit(sent: Recorder) -> None:
    with postbox.open(embedded_path=":memory:", max_outstanding=1, producers={None: sent}) as box:
        deposit(box, 1)
        assert box.count_outstanding().count == 1
        with pytest.raises(postbox.OutboxLimitReachedError):
            deposit(box, 1)


def test_table_is_created_and_verified(box: postbox.Postbox) -> None:
    box.create_table()
    assert box.verify_table() is True
    assert [warning.split(":")[0] for warning in box.table_warnings()] == ["lock table"]
    deposit(box, 1)
    box.sweep()
    assert box.table_warnings() == []
    with postbox.open(embedded_path=":memory:") as other:
        other.embedded_execute("DeleteTable", {"TableName": "brighter_outbox"})
        with pytest.raises(postbox.TableError) as missing:
            other.verify_table()
    assert missing.value.code == postbox.ErrorCode.TABLE_NOT_FOUND


def test_settings_are_read_and_checked() -> None:
    config = postbox.Config(table_name="orders", number_of_shards=5, secret_access_key="secret")
    assert (config["table_name"], config["number_of_shards"], config["secret_access_key"]) == ("orders", "5", "***")
    with pytest.raises(postbox.InvalidInputError, match="20") as rejected:
        config["number_of_shards"] = 21
    assert rejected.value.code == postbox.ErrorCode.INVALID_SETTING
    with pytest.raises(postbox.InvalidInputError, match="table_name"):
        postbox.open(table_nam="orders")
