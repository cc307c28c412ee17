"""Reads and writes the outbox behind an endpoint with boto3, as any other program on AWS would."""

import sys

import boto3

table = boto3.resource(
    "dynamodb",
    endpoint_url=sys.argv[1],
    region_name="eu-central-1",
    aws_access_key_id="any",
    aws_secret_access_key="any",
).Table("brighter_outbox")

for item in table.scan()["Items"]:
    print(item["MessageId"])
table.put_item(
    Item={
        "MessageId": "from-boto3",
        "Topic": "orders.placed",
        "TopicShard": "orders.placed_0",
        "MessageType": "MT_EVENT",
        "Body": b"an order",
        "CreatedTime": 639000000000000000,
        "OutstandingCreatedTime": 639000000000000000,
        "HeaderBag": "{}",
    }
)
