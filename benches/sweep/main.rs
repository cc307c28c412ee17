//! The cost of finding and sending the messages that were not cleared, and of archiving. Arguments select parts:
//! `cargo bench --bench sweep -- backlog idle`.

#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod support;

mod archive;
mod backlog;
mod idle;
mod processes;
mod waiting;

use postbox::{Builder, LeaseMode, MessageState, Postbox, SendOutcome, producer_fn};
use std::time::Duration;
use support::is_wanted;

fn main() {
    support::server::serve_if_asked();
    if processes::sweep_if_asked() {
        return;
    }
    let parts: [(&str, fn()); 10] = [
        ("backlog", backlog::measure),
        ("large", backlog::measure_large),
        ("memory", processes::measure_memory),
        ("idle", idle::measure),
        ("fleet", idle::measure_fleet),
        ("waiting", waiting::measure),
        ("archive", archive::measure),
        ("processes", processes::measure),
        ("one_topic", processes::measure_one_topic),
        ("once", processes::measure_once),
    ];
    for (_, measure) in parts.iter().filter(|(name, _)| is_wanted(name)) {
        measure();
    }
}

/// The lease modes with their names in the configuration.
const LEASE_MODES: [(LeaseMode, &str); 2] = [(LeaseMode::Single, "single"), (LeaseMode::PerShard, "per_shard")];

/// Returns a builder of a Postbox that sweeps messages of any age, and whose producer sends each message at once.
fn sweeping() -> Builder {
    Postbox::builder().sweep_min_age(Duration::ZERO).default_producer(producer_fn(|_| SendOutcome::Sent))
}

fn is_anything_outstanding(postbox: &Postbox) -> bool {
    let page = postbox.list_messages(MessageState::Outstanding, None, 1, None).expect("they are listed");
    !page.messages.is_empty() || page.next.is_some()
}
