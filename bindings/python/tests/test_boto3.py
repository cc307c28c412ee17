"""boto3, the usual client, and Postbox on one database: each reads what the other wrote."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import boto3

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


def test_boto3_and_postbox_read_items_of_each_other(server: str) -> None:
    session = boto3.Session("test", "test", region_name="eu-central-1")
    database = session.resource("dynamodb", endpoint_url=server)
    people = database.create_table(
        TableName="People",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "Name", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "Name", "KeyType": "HASH"}],
    )
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
