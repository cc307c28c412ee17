//! A network that delays and counts requests.

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A connector that forwards each request after a delay, and counts the requests.
#[derive(Clone, Debug)]
pub struct Delayed<C> {
    inner: C,
    delay: Duration,
    requests: Arc<AtomicUsize>,
    /// The sum of the times of the requests, in microseconds.
    micros: Arc<AtomicU64>,
}

impl<C> Delayed<C> {
    pub fn new(inner: C, delay: Duration) -> Self {
        Self { inner, delay, requests: Arc::default(), micros: Arc::default() }
    }

    pub fn inner(&self) -> &C {
        &self.inner
    }

    /// Returns the number of requests since the last call of [`take_requests`](Self::take_requests).
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Returns the number of requests since the last call.
    pub fn take_requests(&self) -> usize {
        self.micros.store(0, Ordering::Relaxed);
        self.requests.swap(0, Ordering::Relaxed)
    }

    /// Returns the mean time of the requests since the last call of [`take_requests`](Self::take_requests).
    pub fn round_trip(&self) -> Duration {
        let requests = self.requests.load(Ordering::Relaxed).max(1) as u64;
        Duration::from_micros(self.micros.load(Ordering::Relaxed) / requests)
    }
}

impl<C: HttpConnector + Clone + 'static> HttpConnector for Delayed<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let (inner, delay, micros) = (self.inner.clone(), self.delay, Arc::clone(&self.micros));
        HttpConnectorFuture::new(async move {
            let start = Instant::now();
            tokio::time::sleep(delay).await;
            let response = inner.call(request).await;
            micros.fetch_add(start.elapsed().as_micros() as u64, Ordering::Relaxed);
            response
        })
    }
}

impl<C: HttpConnector + Clone + 'static> HttpClient for Delayed<C> {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
