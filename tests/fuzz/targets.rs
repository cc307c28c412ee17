//! The fuzz targets: functions that accept any bytes, and must not panic, hang or lose data.
//!
//! `tests/it/reliability/fuzz.rs` runs them on a corpus and on random changes of it; `fuzz/` is for libFuzzer.

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use postbox::{Config, ErrorCode, MemoryProducer, Message, Postbox, dynamodb_json};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// A fuzz target.
pub type Target = fn(&[u8]);

/// The targets with their names, which are also the names of their corpora.
pub const TARGETS: [(&str, Target); 4] =
    [("json", json), ("settings", settings), ("answers", answers), ("c_abi", super::c_abi::run)];

/// Parses DynamoDB JSON. An item that can be parsed is the same after writing and parsing it again.
pub fn json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(item) = dynamodb_json::item_from_json(text) {
        let written = dynamodb_json::item_to_json(&item);
        assert_eq!(dynamodb_json::item_from_json(&written).unwrap(), item, "{written}");
    }
    let _ = dynamodb_json::transact_write_item_from_json(text);
    let _ = dynamodb_json::update_from_json(text);
    let _ = dynamodb_json::condition_check_from_json(text);
}

/// Sets settings and header fields by name, one per line: `name=value`.
pub fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (mut config, mut message) = (Config::default(), Message::new("t", "body"));
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        if config.set(name, value).is_ok() {
            let shown = config.get(name).unwrap();
            assert!(shown == value || shown == "***" || shown.parse::<u64>().ok() == value.parse().ok(), "{name}");
        }
        if message.set_header(name, value).is_ok() {
            message.header(name).unwrap();
        }
    }
    let _ = format!("{config:?}{message:?}");
}

/// A connector that returns the same response to every request until it is changed.
#[derive(Clone, Debug, Default)]
struct Anything(Arc<Mutex<(u16, Vec<u8>)>>);

impl HttpConnector for Anything {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = self.0.lock().unwrap().clone();
        let mut response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body));
        response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
        HttpConnectorFuture::ready(Ok(response))
    }
}

impl HttpClient for Anything {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Responds to every request with the input: its first byte selects the status, and the other bytes are the body. No
/// operation may fail with an internal error.
pub fn answers(data: &[u8]) {
    static OPENED: OnceLock<(Postbox, Anything)> = OnceLock::new();
    let (postbox, anything) = OPENED.get_or_init(|| {
        let anything = Anything::default();
        let builder =
            Postbox::builder().endpoint_url("http://anything.invalid").region("us-east-1").max_request_attempts(1);
        let builder = builder.access_key_id("test").secret_access_key("test").http_client(anything.clone());
        // Limits the time for retries of unusable responses.
        let builder = builder.operation_timeout(Duration::from_millis(20)).default_producer(MemoryProducer::new());
        (builder.open().unwrap(), anything)
    });
    let Some((&first, body)) = data.split_first() else { return };
    let status = if first == b'4' { 400 } else { 200 };
    *anything.0.lock().unwrap() = (status, body.to_vec());
    match postbox.get_message("id") {
        Ok(Some(stored)) => {
            let again = stored.message.clone();
            assert_eq!(again, stored.message);
            let _ = format!("{stored:?}");
        }
        Ok(None) => {}
        Err(error) => assert!(error.code() != ErrorCode::Internal, "{error}"),
    }
    for result in [
        postbox.clear_outbox(&["id", "other"]).map(|_| ()),
        postbox.get_item("People", Default::default()).map(|_| ()),
        postbox.count_outstanding(None).map(|_| ()),
        postbox.verify_table().map(|_| ()),
    ] {
        if let Err(error) = result {
            assert!(error.code() != ErrorCode::Internal, "{error}");
        }
    }
}
