//! An HTTP client for the SDK's SQS client. In the first batch, it reports a failure for chosen messages.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A client with scheduled failures. Clones are the same client.
#[derive(Clone, Debug)]
pub struct PartialFailure {
    inner: SharedHttpClient,
    /// The scheduled failures: the id of an entry, the code, and whether the sender is at fault.
    failures: Arc<Mutex<Vec<(String, String, bool)>>>,
    batches: Arc<Mutex<Vec<usize>>>,
}

impl PartialFailure {
    pub fn new(failures: &[(&str, &str, bool)]) -> Self {
        let owned = |(id, code, fault): &(&str, &str, bool)| ((*id).to_owned(), (*code).to_owned(), *fault);
        Self {
            inner: SharedHttpClient::new(aws_smithy_http_client::Builder::new().build_http()),
            failures: Arc::new(Mutex::new(failures.iter().map(owned).collect())),
            batches: Arc::default(),
        }
    }

    /// Returns the number of messages of each batch.
    pub fn batches(&self) -> Vec<usize> {
        self.batches.lock().unwrap().clone()
    }
}

impl HttpClient for PartialFailure {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let connector = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { client: self.clone(), connector })
    }
}

#[derive(Debug)]
struct Connector {
    client: PartialFailure,
    connector: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let mut batch: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let entries = batch["Entries"].as_array_mut().unwrap();
        self.client.batches.lock().unwrap().push(entries.len());
        let failures = std::mem::take(&mut *self.client.failures.lock().unwrap());
        entries.retain(|entry| failures.iter().all(|(id, ..)| entry["Id"] != id.as_str()));
        let body = batch.to_string();
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = SdkBody::from(body);
        let connector = self.connector.clone();
        HttpConnectorFuture::new(async move {
            let mut response = connector.call(request).await?;
            let body = std::mem::replace(response.body_mut(), SdkBody::taken());
            let mut answer: Value =
                serde_json::from_slice(&ByteStream::new(body).collect().await.unwrap().into_bytes()).unwrap();
            let failed = failures.iter().map(|(id, code, sender_fault)| {
                json!({ "Id": id, "Code": code, "Message": "injected", "SenderFault": sender_fault })
            });
            answer["Failed"] = failed.collect();
            let answer = answer.to_string();
            response.headers_mut().insert("content-length", answer.len().to_string());
            *response.body_mut() = SdkBody::from(answer);
            Ok(response)
        })
    }
}
