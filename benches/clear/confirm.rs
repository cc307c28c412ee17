//! The requests for the confirmations of messages that the transport has accepted: in one call, and by concurrent
//! callers.

use crate::support::is_measurement;
use crate::support::request::{BODY, TOPIC};
use crate::{network, open};
use postbox::{Message, Postbox, SendOutcome, producer_fn};
use std::time::Instant;

const CALLERS: usize = 32;

pub fn measure() {
    let count = if is_measurement() { 1000 } else { 20 };
    println!(
        "\n| confirming {count} accepted messages, 5 ms a request | requests (goal: up to 60) | time |\n|---|---|---|"
    );
    let network = network();
    let postbox = open(Postbox::builder().default_producer(producer_fn(|_| SendOutcome::Accepted)), &network);
    let measure = |what: &str, confirm: fn(&Postbox, &[String])| {
        let ids = accepted(&postbox, count);
        network.take_requests();
        let start = Instant::now();
        confirm(&postbox, &ids);
        println!("| {what} | {} | {:.0?} |", network.take_requests(), start.elapsed());
        assert_eq!(postbox.count_outstanding(None).expect("they are counted").count, 0);
    };
    measure("confirm_many", |postbox, ids| {
        let outcomes: Vec<_> = ids.iter().map(|id| (id, SendOutcome::Sent)).collect();
        postbox.confirm_many(&outcomes).expect("the messages are confirmed");
    });
    measure("confirm by 32 callers", |postbox, ids| {
        std::thread::scope(|threads| {
            for ids in ids.chunks(ids.len().div_ceil(CALLERS)) {
                threads.spawn(move || {
                    ids.iter().for_each(|id| postbox.confirm(id, SendOutcome::Sent).expect("the message is confirmed"));
                });
            }
        });
    });
}

/// Deposits and clears messages, which the producer accepts. Returns their ids.
fn accepted(postbox: &Postbox, count: usize) -> Vec<String> {
    let messages: Vec<_> = (0..count).map(|_| Message::new(TOPIC, BODY)).collect();
    let ids = postbox.deposit_posts(&messages).expect("the messages are deposited");
    let report = postbox.clear_outbox(&ids).expect("the clear is made");
    assert!(report.is_success(), "{:?}", report.failures().next());
    ids
}
