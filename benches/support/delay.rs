//! A network that delays and counts requests.

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A connector that forwards each request after a delay, and counts the requests.
#[derive(Clone, Debug)]
pub struct Delayed<C> {
    inner: C,
    delay: Duration,
    requests: Arc<AtomicUsize>,
}

impl<C> Delayed<C> {
    pub fn new(inner: C, delay: Duration) -> Self {
        Self { inner, delay, requests: Arc::default() }
    }

    pub fn inner(&self) -> &C {
        &self.inner
    }

    /// Returns the number of requests since the last call.
    pub fn take_requests(&self) -> usize {
        self.requests.swap(0, Ordering::Relaxed)
    }
}

impl<C: HttpConnector + Clone + 'static> HttpConnector for Delayed<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let (inner, delay) = (self.inner.clone(), self.delay);
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(delay).await;
            inner.call(request).await
        })
    }
}

impl<C: HttpConnector + Clone + 'static> HttpClient for Delayed<C> {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
