//! Measures from Rust the commit with which the bindings are compared: an item with 10 attributes and a message of 100 bytes on
//! the embedded database in memory, 5,000 times. Prints the median in microseconds. `greeting_commit.c` is the same in C.

#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod support;

use aws_sdk_dynamodb::primitives::Blob;
use postbox::{AttributeValue, Item, Message, Postbox};
use std::time::Instant;
use support::figures::Series;

const COMMITS: usize = 5_000;
/// The number of commits before the measurement. It is the same in all languages, because the database becomes slower
/// with every token that it remembers.
const WARM_UP: usize = 500;
const CREATE_PEOPLE: &str = r#"{"TableName":"People","BillingMode":"PAY_PER_REQUEST",
    "AttributeDefinitions":[{"AttributeName":"Name","AttributeType":"S"}],
    "KeySchema":[{"AttributeName":"Name","KeyType":"HASH"}]}"#;

fn main() -> postbox::Result<()> {
    let postbox = Postbox::builder().embedded_path(":memory:").open()?;
    postbox.embedded().expect("an embedded database").execute("CreateTable", CREATE_PEOPLE)?;
    let body = "x".repeat(100);
    for _ in 0..if support::is_measurement() { WARM_UP } else { 0 } {
        commit(&postbox, &body)?;
    }
    let mut times = Series::default();
    for _ in 0..if support::is_measurement() { COMMITS } else { 10 } {
        let start = Instant::now();
        commit(&postbox, &body)?;
        times.add_micros(start.elapsed());
    }
    println!("{:.1}", times.median());
    Ok(())
}

fn commit(postbox: &Postbox, body: &str) -> postbox::Result<()> {
    let mut work = postbox.unit_of_work();
    let text = |text: &str| AttributeValue::S(text.into());
    let number = |digits: &str| AttributeValue::N(digits.into());
    let ada = [
        ("Name", text("Ada")),
        ("Email", text("ada@example.com")),
        ("City", text("London")),
        ("Greeting", text("Hello, Countess")),
        ("Greetings", number("1")),
        ("Age", number("36")),
        ("Adult", AttributeValue::Bool(true)),
        ("Friend", AttributeValue::Null(true)),
        ("Photo", AttributeValue::B(Blob::new([7; 16]))),
        ("Languages", AttributeValue::L(vec![text("English"), text("French")])),
    ];
    work.put("People", Item::from(ada.map(|(name, value)| (name.to_owned(), value))))?;
    work.deposit_post(Message::new("greeting.made", body))?;
    work.commit()
}
