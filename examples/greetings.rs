//! The main job of Postbox: change your data and send a message about it, both or neither.
//!
//! ```sh
//! cargo run --example greetings [database-file [target]]
//! ```
//!
//! The example uses the embedded database, in memory unless a file is given. Run it twice with one file:
//! the second run finds the data of the first. With a target, such as `sns:greetings` or `sqs:greetings`, the
//! message goes there, with the region and credentials that the AWS CLI would use. `examples/c/greetings.c` is the same in C.

use postbox::{AttributeValue, ErrorCode, Item, Message, Postbox, Result, SendOutcome, UnitOfWork, producer_fn};

fn ada() -> Item {
    Item::from([("Name".into(), AttributeValue::S("Ada".into()))])
}

/// The producer. A real producer would pass the message to a broker.
fn print_message(message: &Message) -> SendOutcome {
    println!("  The producer of {} sends: {}", message.topic(), String::from_utf8_lossy(message.body()));
    SendOutcome::Sent
}

/// Creates the table of the program if it does not exist.
fn make_people(postbox: &Postbox) -> Result<()> {
    let database = postbox.embedded().expect("this program works on the embedded database");
    match database.execute("DescribeTable", r#"{"TableName":"People"}"#) {
        Err(error) if error.code() == ErrorCode::TableNotFound => {}
        described => return described.map(drop),
    }
    let table = r#"{"TableName":"People","BillingMode":"PAY_PER_REQUEST",
        "AttributeDefinitions":[{"AttributeName":"Name","AttributeType":"S"}],
        "KeySchema":[{"AttributeName":"Name","KeyType":"HASH"}]}"#;
    database.execute("CreateTable", table).map(drop)
}

/// Returns the number of greetings of the person.
fn greetings_of(person: Option<&Item>) -> u32 {
    let greetings = person.and_then(|person| person.get("Greetings")?.as_n().ok()?.parse().ok());
    greetings.unwrap_or(0)
}

fn times(count: u32) -> &'static str {
    if count == 1 { "time" } else { "times" }
}

/// Reads Ada, counts one greeting more, and adds the person and the message to the unit of work.
fn add_greeting(work: &mut UnitOfWork, id: &str) -> Result<u32> {
    let mut person = work.get_item("People", ada())?.unwrap_or_else(ada);
    let greetings = greetings_of(Some(&person)) + 1;
    person.insert("Greetings".into(), AttributeValue::N(greetings.to_string()));

    work.put("People", person)?;
    let body = format!("Ada was greeted {greetings} {}", times(greetings));
    work.deposit_post(Message::new("greeting.made", body).with_content_type("text/plain").with_id(id))?;
    Ok(greetings)
}

/// The handler. Greets Ada and announces it, both or neither.
fn greet(postbox: &Postbox, id: &str) -> Result<()> {
    let mut work = postbox.unit_of_work();
    let greetings = add_greeting(&mut work, id)?;
    work.commit()?;
    println!("Committed: Ada was greeted {greetings} {}, and message {id} is in the outbox.", times(greetings));
    postbox.clear_outbox(&[id])?.into_result()?;
    println!("Cleared: message {id} is dispatched.");
    Ok(())
}

/// Greets Ada and rolls back, so that nothing is written or sent.
fn greet_and_roll_back(postbox: &Postbox, id: &str) -> Result<()> {
    let mut work = postbox.unit_of_work();
    add_greeting(&mut work, id)?;
    work.rollback()?;
    let found = postbox.get_message(id)?;
    println!("Rolled back: the outbox has {} message {id}.", if found.is_some() { "a" } else { "no" });
    Ok(())
}

/// Repeats the command, whose message already exists in the outbox, so that it has no effect.
fn greet_again(postbox: &Postbox, id: &str) -> Result<()> {
    match greet(postbox, id) {
        Err(error) if error.code() == ErrorCode::DuplicateMessage => {
            println!("Rejected: {}.", error.message());
            Ok(())
        }
        other => other,
    }
}

fn main() -> Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| ":memory:".into());
    let builder = Postbox::builder().embedded_path(path);
    let builder = match std::env::args().nth(2) {
        Some(target) => builder.route("greeting.made", &target),
        None => builder.producer("greeting.made", producer_fn(print_message)),
    };
    let postbox = builder.open()?;

    make_people(&postbox)?;
    let before = greetings_of(postbox.get_item("People", ada())?.as_ref());
    println!("Ada was greeted {before} {} before.", times(before));

    // The id of the command that is handled, such as that of a request. The command takes effect once.
    let id = format!("greeting-{}", before + 1);
    let next_id = format!("greeting-{}", before + 2);
    greet(&postbox, &id)?;
    greet_and_roll_back(&postbox, &next_id)?;
    greet_again(&postbox, &id)?;

    let greetings = greetings_of(postbox.get_item("People", ada())?.as_ref());
    println!("Ada was greeted {greetings} {} in all.", times(greetings));
    postbox.close()
}
