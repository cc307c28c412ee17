"""boto3, the usual client, and Postbox on one database: each reads what the other wrote."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import boto3
import pytest

import postbox
from support import Recorder, remote

PERSON: dict[str, Any] = {
    "Name": "Ada",
    "Greetings": Decimal("3"),
    "Photo": b"\0\xff",
    "Tags": {"a", "b"},
    "Lucky": {Decimal("7"), Decimal("13.5")},
    "Friend": None,
    "Adult": True,
    "Address": {"City": "London", "Lines": ["1", Decimal("2")]},
}

PEOPLE: dict[str, Any] = {
    "TableName": "People",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "Name", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "Name", "KeyType": "HASH"}],
}


def test_a_client_signs_with_the_credentials_of_boto3(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    config = remote(server)
    config["access_key_id"] = config["secret_access_key"] = ""
    frozen = boto3.Session("key", "secret", "token").get_credentials().get_frozen_credentials()
    with postbox.open(config) as box:
        with pytest.raises(postbox.PostboxError) as missing:
            box.create_table()
        assert missing.value.code == postbox.ErrorCode.NO_AWS_CONFIG
        with pytest.raises(postbox.PostboxError) as empty:
            box.set_credentials(frozen.access_key, "", frozen.token)
        assert empty.value.code == postbox.ErrorCode.INVALID_SETTING
        box.set_credentials(frozen.access_key, frozen.secret_key, frozen.token)
        box.create_table()
        assert box.verify_table()


def test_boto3_and_postbox_read_items_of_each_other(server: str) -> None:
    session = boto3.Session("test", "test", region_name="eu-central-1")
    database = session.resource("dynamodb", endpoint_url=server)
    people = database.create_table(**PEOPLE)
    people.put_item(Item=PERSON)
    sent, config = Recorder(), remote(server)
    config.producer("greeting.made", sent)
    with postbox.open(config) as box:
        box.create_table()
        with box.unit_of_work() as work:
            person = work.get_item("People", {"Name": "Ada"})
            assert person == PERSON
            work.put("People", {**person, "Greetings": person["Greetings"] + 1})
            id = work.deposit_post(postbox.Message("greeting.made", "hello", partition_key="Ada"))

        assert people.get_item(Key={"Name": "Ada"})["Item"] == {**PERSON, "Greetings": 4}
        message = database.Table("brighter_outbox").get_item(Key={"MessageId": id})["Item"]
        assert (message["Topic"], bytes(message["Body"]), message["PartitionKey"]) == ("greeting.made", b"hello", "Ada")
        assert message["OutstandingCreatedTime"] == message["CreatedTime"]

        box.clear_outbox([id])
        message = database.Table("brighter_outbox").get_item(Key={"MessageId": id})["Item"]
        assert "OutstandingCreatedTime" not in message and message["DeliveryTime"] > message["CreatedTime"]

        # Postbox can write an item that boto3 has read, including a Binary of boto3.
        read = people.get_item(Key={"Name": "Ada"})["Item"]
        with box.unit_of_work() as work:
            work.put("People", {**read, "Name": "Bob"})
        assert people.get_item(Key={"Name": "Bob"})["Item"] == {**read, "Name": "Bob"}
    assert sent.bodies == [b"hello"]


def test_a_message_is_put_by_a_client_of_boto3(server: str) -> None:
    session = boto3.Session("test", "test", region_name="eu-central-1")
    client = session.client("dynamodb", endpoint_url=server)
    with postbox.open(remote(server)) as box:
        box.create_table()
        client.create_table(**PEOPLE)
        body = b"\0\xff"
        message = postbox.Message("greeting.made", body, content_type="application/octet-stream")
        person: dict[str, Any] = {"Put": {"TableName": "People", "Item": {"Name": {"S": "Ada"}}}}
        actions = [person, box.message_to_put(message)]
        assert box.get_message(message.id) is None
        client.transact_write_items(TransactItems=actions)
        stored = box.get_message(message.id)
        assert stored is not None and stored.body == body

        with pytest.raises(client.exceptions.TransactionCanceledException) as canceled:
            client.transact_write_items(TransactItems=actions)
        error = box.cancellation_error(actions, canceled.value.response["CancellationReasons"])
        assert isinstance(error, postbox.DuplicateMessageError)
        assert [(reason.index, reason.subject) for reason in error.reasons] == [(1, "Put brighter_outbox")]


def test_a_message_is_put_by_a_resource_of_boto3(server: str) -> None:
    session = boto3.Session("test", "test", region_name="eu-central-1")
    people = session.resource("dynamodb", endpoint_url=server).create_table(**PEOPLE)
    with postbox.open(remote(server)) as box:
        box.create_table()
        message = postbox.Message("greeting.made", "hello")
        put = box.message_to_put(message, python_values=True)
        client = people.meta.client
        actions = [{"Put": {"TableName": "People", "Item": PERSON}}, put]
        client.transact_write_items(TransactItems=actions)
        assert people.get_item(Key={"Name": "Ada"})["Item"] == PERSON
        stored = box.get_message(message.id)
        assert stored is not None and stored.body == b"hello"

        with pytest.raises(client.exceptions.TransactionCanceledException) as canceled:
            client.transact_write_items(TransactItems=actions)
        assert isinstance(
            box.cancellation_error(actions, canceled.value.response["CancellationReasons"]), postbox.DuplicateMessageError
        )
        failed = [{"Code": "ConditionalCheckFailed", "Message": "no"}, {"Code": "None"}]
        error = box.cancellation_error(actions, failed)
        assert (type(error), error.code) == (postbox.TransactionCanceledError, postbox.ErrorCode.TRANSACTION_CANCELED)
