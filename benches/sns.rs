//! The time of clearing 1,000 messages to SNS just after their commit, when each request to SNS and to DynamoDB takes 5
//! ms. It is compared with the time of the same requests in sequence, and with the lower bound if requests overlap.

#[allow(dead_code)]
mod support;

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use postbox::{EmbeddedDatabase, MemoryProducer, Message, Postbox};
use std::time::{Duration, Instant};
use support::delay::Delayed;
use support::figures::Series;
use support::request::{BODY, TOPIC};

const MESSAGES: usize = 1000;
const DELAY: Duration = Duration::from_millis(5);
/// The number of concurrent requests to SNS.
const AT_ONCE: f64 = 10.0;

fn main() {
    let database = EmbeddedDatabase::open(":memory:").expect("the database opens");
    let dynamodb = Delayed::new(database.clone(), DELAY);
    let sns = Delayed::new(Sns, DELAY);
    let to_sns = Postbox::builder()
        .embedded(database.clone())
        .http_client(dynamodb.clone())
        .transport_http_client(sns.clone())
        .region("eu-central-1")
        .access_key_id("id")
        .secret_access_key("secret")
        .route(TOPIC, "sns:arn:aws:sns:eu-central-1:123456789012:greetings")
        .open()
        .expect("the Postbox opens");
    // Measures the time of the marks in the embedded database, without a delay.
    let marks_only = Postbox::builder().embedded(database).default_producer(MemoryProducer::with_max_batch(100)).open();
    let marks_only = marks_only.expect("the Postbox opens");

    let [mut time, mut to_topic, mut to_table, mut database_time] = std::array::from_fn(|_| Series::default());
    for _ in 0..if support::is_measurement() { 20 } else { 1 } {
        let ids = committed(&to_sns);
        dynamodb.take_requests();
        sns.take_requests();
        time.add(clear(&to_sns, &ids));
        to_topic.add(sns.take_requests() as f64);
        to_table.add(dynamodb.take_requests() as f64);
        database_time.add(clear(&marks_only, &committed(&marks_only)));
    }
    let delay = DELAY.as_secs_f64() * 1e3;
    let (topic, table) = (to_topic.median(), to_table.median());
    let bound = (topic / AT_ONCE + 1.0) * delay;
    println!("\n| clearing 1,000 messages to SNS, 5 ms a request | | goal |\n|---|---|---|");
    println!("| requests to SNS | {topic} | <= 100 |");
    println!("| requests to DynamoDB | {table} | <= 40 |");
    println!("| time | {:.0} ms | <= 1.5 times the overlap one by one |", time.median());
    println!("| requests, one after the other | {:.0} ms | |", (topic + table) * delay);
    println!("| overlap of SNS and DynamoDB, each one by one | {:.0} ms | |", topic.max(table) * delay + delay);
    println!("| overlap with {AT_ONCE} requests to SNS at once | {bound:.0} ms | |");
    println!("| of it the database in this process, without a network | {:.0} ms | |", database_time.median());
}

/// Deposits messages and returns their ids.
fn committed(postbox: &Postbox) -> Vec<String> {
    let messages: Vec<_> = (0..MESSAGES).map(|_| Message::new(TOPIC, BODY)).collect();
    postbox.deposit_posts(&messages).expect("the messages are deposited")
}

/// Clears messages and returns the duration in milliseconds.
fn clear(postbox: &Postbox, ids: &[String]) -> f64 {
    let start = Instant::now();
    let report = postbox.clear_outbox(ids).expect("the clear is made");
    let time = start.elapsed();
    assert!(report.is_success(), "{:?}", report.failures().next());
    time.as_secs_f64() * 1e3
}

/// A server that reports every message of a PublishBatch as sent.
#[derive(Clone, Debug)]
struct Sns;

impl HttpConnector for Sns {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let entries = (1..=10).filter(|n| body.contains(&format!("PublishBatchRequestEntries.member.{n}.Id=")));
        let sent: String =
            entries.map(|n| format!("<member><Id>{}</Id><MessageId>m</MessageId></member>", n - 1)).collect();
        let answer = format!(
            "<PublishBatchResponse><PublishBatchResult><Failed/><Successful>{sent}</Successful></PublishBatchResult></PublishBatchResponse>"
        );
        let status = StatusCode::try_from(200).expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(answer))))
    }
}

impl HttpClient for Sns {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
