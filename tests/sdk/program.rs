//! Puts a message into a transaction of the AWS SDK for Rust, and waits at each step until `tests/sdk/kills.py` lets it
//! continue or kills it.
//!
//! The arguments are `clear` or `notify`, the id of the message, the outbox table, and the file to which the producer appends
//! the ids of messages.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use postbox::{Message, Postbox, SendOutcome, producer_fn};
use std::error::Error;
use std::fs::File;
use std::io::{Write, stdin};
use std::sync::mpsc::channel;
use std::time::Duration;

fn step(name: &str) {
    println!("{name}");
    stdin().read_line(&mut String::new()).expect("the harness lets the program continue");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, id, outbox, sent] = &arguments[..] else { return Err("four arguments are needed".into()) };
    let notify = mode == "notify";
    let sent = File::options().append(true).create(true).open(sent)?;
    let (report, was_sent) = channel();
    let send = move |message: &Message| {
        step("producing");
        writeln!(&sent, "{}", message.id()).expect("the file can be written");
        step("sent");
        report.send(()).expect("the program waits");
        SendOutcome::Sent
    };
    let postbox = Postbox::builder()
        .table_name(outbox)
        .lease_duration(Duration::from_secs(1))
        .producer("greeting.made", producer_fn(send))
        .open()?;
    if notify {
        postbox.start_sweeper()?;
    }
    let client = Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await);

    step("started");
    let message = postbox.message_to_put(&Message::new("greeting.made", "Hello").with_id(id))?;
    step("put made");
    let person = Put::builder().table_name("People").item("Name", AttributeValue::S(id.clone())).build()?;
    let person = TransactWriteItem::builder().put(person).build();
    client.transact_write_items().transact_items(person).transact_items(message).send().await?;
    step("committed");
    if notify {
        postbox.notify_committed(&[id])?;
    } else {
        postbox.clear_outbox(&[id])?.into_result()?;
    }
    step("handed over");
    was_sent.recv()?;
    Ok(())
}
