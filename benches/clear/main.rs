//! The cost of sending messages that were just committed, when each request takes 5 ms. Arguments select parts:
//! `cargo bench --bench clear -- batch callers`.

#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod support;

mod after_commit;
mod batch;
mod callers;
mod confirm;

use postbox::{Builder, Message, Postbox};
use std::time::Duration;
use support::delay::Delayed;
use support::is_wanted;
use support::request::{BODY, TOPIC};

/// The time of each request.
const DELAY: Duration = Duration::from_millis(5);

fn main() {
    let parts: [(&str, fn()); 4] = [
        ("batch", batch::measure),
        ("callers", callers::measure),
        ("confirm", confirm::measure),
        ("after_commit", after_commit::measure),
    ];
    for (_, measure) in parts.iter().filter(|(name, _)| is_wanted(name)) {
        measure();
    }
}

/// Opens a Postbox on an embedded database that is reached over this network.
fn open(builder: Builder, network: &Delayed<postbox::EmbeddedDatabase>) -> Postbox {
    let builder = builder.embedded(network.inner().clone()).http_client(network.clone());
    builder.open().expect("the Postbox opens")
}

/// Commits one message and returns its id.
fn commit(postbox: &Postbox) -> String {
    let mut work = postbox.unit_of_work();
    let id = work.deposit_post(Message::new(TOPIC, BODY)).expect("the message is deposited");
    work.commit().expect("the unit of work is committed");
    id
}

/// Returns a network with an embedded database in memory.
fn network() -> Delayed<postbox::EmbeddedDatabase> {
    Delayed::new(postbox::EmbeddedDatabase::open(":memory:").expect("the database opens"), DELAY)
}
