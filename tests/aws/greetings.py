"""Runs a greetings example against a server of SNS and SQS, with the environment variables of the AWS CLI."""

import json
import logging
import os
import subprocess
import sys

import boto3
from moto.server import ThreadedMotoServer

program = sys.argv[1]
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
os.environ.update(
    AWS_ENDPOINT_URL="http://{}:{}".format(*server.get_host_and_port()),
    AWS_REGION="eu-central-1",
    AWS_DEFAULT_REGION="eu-central-1",
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
)
sns, sqs = boto3.client("sns"), boto3.client("sqs")


def greet(target: str) -> subprocess.CompletedProcess:
    return subprocess.run([program, ":memory:", target], capture_output=True, text=True, timeout=60)


def make_topic() -> tuple[str, str]:
    """Creates a topic and a subscribed queue, both called `greetings`. Returns the ARN and the URL."""
    topic = sns.create_topic(Name="greetings")["TopicArn"]
    queue = sqs.create_queue(QueueName="greetings")["QueueUrl"]
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=topic.replace(":sns:", ":sqs:"), Attributes=raw)
    return topic, queue


try:
    topic, queue = make_topic()
    for target, destination in [("sns:greetings", topic), ("sqs:greetings", queue), (f"sqs:{queue}", queue)]:
        said = greet(target)
        assert said.returncode == 0, said
        assert "Cleared: message greeting-1 is dispatched.\n" in said.stdout, said
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])["Messages"]
        assert len(found) == 1, found
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=found[0]["ReceiptHandle"])
        assert found[0]["Body"] == "Ada was greeted 1 time", found
        attributes = {name: value["StringValue"] for name, value in found[0]["MessageAttributes"].items()}
        assert (attributes["id"], attributes["topic"]) == ("greeting-1", destination), attributes
        assert json.loads(attributes["bag"]) == {"handled-count": "0"}, attributes
        print(f"ok     {os.path.basename(program)} to {target}")
    for target, told in [("kafka:greetings", "is not a transport"), ("sns:elsewhere", "there is no topic elsewhere")]:
        said = greet(target)
        assert said.returncode == 1 and told in said.stderr, said
        print(f"ok     {os.path.basename(program)} to {target} is told what is wrong")
finally:
    server.stop()
