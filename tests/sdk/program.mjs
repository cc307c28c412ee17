// Puts a message into a transaction of the AWS SDK for JavaScript, and waits at each step until tests/sdk/kills.py lets it continue
// or kills it. The module postbox.mjs is the one of docs/aws-sdk-node.md.
//
//     program.mjs clear|notify ID OUTBOX SENT      SENT is the file to which the producer appends the ids of messages

import { DynamoDBClient, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { appendFileSync, readSync, writeSync } from "node:fs";
import { clearOutbox, close, messageToPut, notifyCommitted, open, startSweeper } from "./postbox.mjs";

const [mode, id, outbox, sent] = process.argv.slice(2);

function step(name) {
  writeSync(1, `${name}\n`);
  readSync(0, Buffer.alloc(1));
}

let resolveSent;
const wasSent = new Promise((resolve) => (resolveSent = resolve));

function send() {
  step("producing");
  appendFileSync(sent, `${id}\n`);
  step("sent");
  resolveSent();
}

const postbox = open({ table_name: outbox, lease_duration_ms: "1000" }, { "greeting.made": send });
if (mode === "notify") startSweeper(postbox);
const client = new DynamoDBClient();
step("started");
const put = messageToPut(postbox, "greeting.made", "Hello", { id });
step("put made");
const person = { Put: { TableName: "People", Item: { Name: { S: id } } } };
await client.send(new TransactWriteItemsCommand({ TransactItems: [person, put] }));
step("committed");
if (mode === "notify") notifyCommitted(postbox, [id]);
else await clearOutbox(postbox, [id]);
step("handed over");
// A callback that is registered with koffi does not keep the process alive.
const keepAlive = setInterval(() => {}, 1000);
await wasSent;
clearInterval(keepAlive);
await close(postbox);
