//! One business write and one message in one transaction: by hand with the SDK, and with Postbox.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, Put, ScalarAttributeType, StreamSpecification,
    TransactWriteItem,
};
use postbox::{AttributeValue, Item, Message, Postbox};
use std::time::{SystemTime, UNIX_EPOCH};

pub const OUTBOX: &str = "brighter_outbox";
pub const PEOPLE: &str = "People";
pub const TOPIC: &str = "greeting.made";
pub const BODY: &str =
    r#"{"name":"Ada","greeting":"Hello Ada, how do you do?","made_by":"the greeting service","language":"en"}"#;

/// Creates the table of the business writes.
pub async fn create_people(client: Client) {
    let name = AttributeDefinition::builder().attribute_name("Name").attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder().attribute_name("Name").key_type(KeyType::Hash);
    client
        .create_table()
        .table_name(PEOPLE)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(name.build().expect("an attribute"))
        .key_schema(key.build().expect("a key"))
        .send()
        .await
        .expect("the table is created");
}

/// Removes the stream of the outbox table. The database keeps every change of a stream, and becomes slower with each.
pub async fn drop_stream(client: Client) {
    let off = StreamSpecification::builder().stream_enabled(false).build().expect("a stream specification");
    client.update_table().table_name(OUTBOX).stream_specification(off).send().await.expect("the stream is dropped");
}

/// Returns the caller's own item, whose key is `name`.
pub fn person(name: &str) -> Item {
    Item::from([
        ("Name".into(), text(name)),
        ("Street".into(), text("12 St James's Square")),
        ("City".into(), text("London")),
        ("Born".into(), AttributeValue::N("1815".into())),
        ("Greetings".into(), AttributeValue::L(vec![text("Good morning"), text("Good evening")])),
    ])
}

/// Commits through Postbox.
pub fn commit(postbox: &Postbox, name: &str) {
    let mut work = postbox.unit_of_work();
    work.put(PEOPLE, person(name)).expect("the item is put");
    work.deposit_post(Message::new(TOPIC, BODY)).expect("the message is deposited");
    work.commit().expect("the unit of work is committed");
}

/// Commits the same two items with the SDK alone. The items are built each time, and the token is new.
pub async fn raw_commit(client: &Client, name: &str) {
    let put = Put::builder().table_name(PEOPLE).set_item(Some(person(name))).build().expect("a Put");
    let message = Put::builder()
        .table_name(OUTBOX)
        .set_item(Some(message_item(&uuid::Uuid::now_v7().to_string())))
        .condition_expression("attribute_not_exists(MessageId)")
        .build()
        .expect("a Put");
    client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().put(put).build())
        .transact_items(TransactWriteItem::builder().put(message).build())
        .client_request_token(uuid::Uuid::new_v4().to_string())
        .send()
        .await
        .expect("the transaction is committed");
}

/// Returns the item that Postbox writes for a message without optional headers.
fn message_item(id: &str) -> Item {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ticks = (621_355_968_000_000_000 + unix.as_nanos() / 100).to_string();
    Item::from([
        ("MessageId".into(), text(id)),
        ("Topic".into(), text(TOPIC)),
        ("TopicShard".into(), text("greeting.made_1")),
        ("MessageType".into(), text("MT_EVENT")),
        ("Body".into(), AttributeValue::B(Blob::new(BODY))),
        ("CharacterEncoding".into(), text("UTF8")),
        ("ContentType".into(), text("application/json; charset=utf-8")),
        ("HeaderBag".into(), text("{}")),
        ("CreatedAt".into(), text("2025-01-01T00:00:00.000Z")),
        ("CreatedTime".into(), AttributeValue::N(ticks.clone())),
        ("OutstandingCreatedTime".into(), AttributeValue::N(ticks)),
        ("Source".into(), text("http://goparamore.io")),
        ("SpecVersion".into(), text("1.0")),
        ("HandledCount".into(), AttributeValue::N("0".into())),
        ("DelayedMilliseconds".into(), AttributeValue::N("0".into())),
    ])
}

/// Creates a client of the SDK with its default settings.
pub fn raw_client(
    configure: impl FnOnce(aws_sdk_dynamodb::config::Builder) -> aws_sdk_dynamodb::config::Builder,
) -> Client {
    let builder = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "benchmark"));
    Client::from_conf(configure(builder).build())
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}
