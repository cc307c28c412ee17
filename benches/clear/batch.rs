//! The time of clearing 100 messages that were just committed, compared with one BatchGetItem and 100 UpdateItem
//! requests in sequence.

use crate::support::figures::{Comparison, head};
use crate::support::is_measurement;
use crate::support::request::{BODY, OUTBOX, TOPIC, raw_client};
use crate::{network, open};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use postbox::{AttributeValue, Item, MemoryProducer, Message, Postbox};
use std::time::Instant;

const MESSAGES: usize = 100;

pub fn measure() {
    let network = network();
    let postbox = open(Postbox::builder().default_producer(MemoryProducer::new()), &network);
    let client = raw_client(|config| config.endpoint_url("http://embedded.invalid").http_client(network.clone()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");

    let (mut time, mut requests) = (Comparison::default(), Comparison::default());
    for _ in 0..if is_measurement() { 30 } else { 1 } {
        let ids = committed(&postbox);
        network.take_requests();
        let start = Instant::now();
        runtime.block_on(clear_one_by_one(&client, &ids));
        let (raw_time, raw_requests) = (start.elapsed(), network.take_requests());

        let ids = committed(&postbox);
        network.take_requests();
        let start = Instant::now();
        let report = postbox.clear_outbox(&ids).expect("the clear is made");
        let (our_time, our_requests) = (start.elapsed(), network.take_requests());
        assert!(report.is_success(), "{report:?}");

        time.add_round(raw_time.as_secs_f64() * 1e3, our_time.as_secs_f64() * 1e3);
        requests.add_round(raw_requests as f64, our_requests as f64);
    }
    head();
    time.print("time to clear 100 messages, with 5 ms per request", "ms", "<= 0.05");
    requests.print("requests to clear 100 messages", "  ", "<= 4");
    println!("\nPostbox is {:.1} times as fast.", 1.0 / time.ratio());
}

/// Commits messages in one transaction and returns their ids.
fn committed(postbox: &Postbox) -> Vec<String> {
    let mut work = postbox.unit_of_work();
    let deposit = |_| work.deposit_post(Message::new(TOPIC, BODY)).expect("the message is deposited");
    let ids = (0..MESSAGES).map(deposit).collect();
    work.commit().expect("the unit of work is committed");
    ids
}

/// Reads all messages in one request, then marks them one by one.
async fn clear_one_by_one(client: &Client, ids: &[String]) {
    let keys = ids.iter().map(|id| key(id)).collect();
    let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build().expect("the keys");
    let read = client.batch_get_item().request_items(OUTBOX, keys).send().await.expect("the messages are read");
    assert_eq!(read.responses().map_or(0, |tables| tables[OUTBOX].len()), ids.len());
    for id in ids {
        client
            .update_item()
            .table_name(OUTBOX)
            .set_key(Some(key(id)))
            .update_expression(
                "SET DeliveryTime = :deliveryTime, DeliveredAt = :deliveredAt REMOVE OutstandingCreatedTime",
            )
            .expression_attribute_values(":deliveryTime", AttributeValue::N("638713728000000000".into()))
            .expression_attribute_values(":deliveredAt", AttributeValue::S("2025-01-01T00:00:00.000Z".into()))
            .send()
            .await
            .expect("the message is marked");
    }
}

fn key(id: &str) -> Item {
    Item::from([("MessageId".into(), AttributeValue::S(id.to_owned()))])
}
