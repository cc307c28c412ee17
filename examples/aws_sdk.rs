//! A message in a transaction that the AWS SDK sends. `docs/aws-sdk-rust.md` explains the program, and
//! `docs/aws-sdk.md` starts the database that it needs.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use postbox::{ErrorCode, Message, Postbox, SendOutcome, producer_fn};
use serde::Serialize;
use std::error::Error;
use std::sync::Arc;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Person {
    name: String,
    greetings: u32,
}

async fn greet(client: &Client, postbox: &Arc<Postbox>, id: &str, name: &str) -> Result<(), Box<dyn Error>> {
    let person = Person { name: name.into(), greetings: 1 };
    let put = Put::builder().table_name("People").set_item(Some(serde_dynamo::to_item(&person)?)).build()?;
    let message = Message::new("greeting.made", serde_json::to_vec(&person)?).with_id(id);
    let actions = vec![TransactWriteItem::builder().put(put).build(), postbox.message_to_put(&message)?];

    let sent = client.transact_write_items().set_transact_items(Some(actions.clone())).send().await;
    match sent.map_err(SdkError::into_service_error) {
        Ok(_) => println!("{name} was greeted"),
        Err(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
            let error = postbox.cancellation_error(&actions, canceled.cancellation_reasons());
            if error.code() != ErrorCode::DuplicateMessage {
                return Err(error.into());
            }
            println!("{}", error.message());
        }
        // The transaction failed, or its outcome is unknown. The caller repeats the operation.
        Err(error) => return Err(error.into()),
    }

    let (postbox, id) = (Arc::clone(postbox), id.to_owned());
    tokio::task::spawn_blocking(move || postbox.clear_outbox(&[id])).await??.into_result()?;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let postbox = Postbox::builder()
        .producer(
            "greeting.made",
            producer_fn(|message: &Message| {
                println!("sent {}: {}", message.topic(), String::from_utf8_lossy(message.body()));
                SendOutcome::Sent
            }),
        )
        .open()?;
    let postbox = Arc::new(postbox);
    let client = Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await);
    greet(&client, &postbox, "greeting-1", "Ada").await
}
