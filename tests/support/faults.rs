//! A connector that records every request and injects faults: throttling, conflicts, lost
//! requests, responses lost after the write took effect, delays, errors, partial results.
//!
//! ```ignore
//! let faults = Faults::new(database.clone());
//! let postbox = Postbox::builder().embedded(database).http_client(faults.clone()).open()?;
//! faults.next("TransactWriteItems", Fault::AnswerLost);          // the next one
//! faults.always("BatchExecuteStatement", Fault::access_denied()); // each one until heal()
//! faults.when(|request| (request.number >= 7).then_some(Fault::Hang)); // by a rule
//! ```

use super::fault::{Fault, Request, answer};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

type Rule = Box<dyn FnMut(&Request) -> Option<Fault> + Send>;

/// A connector with faults. Clones are the same connector.
#[derive(Clone)]
pub struct Faults {
    inner: SharedHttpClient,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    queues: HashMap<String, VecDeque<Fault>>,
    rules: Vec<Rule>,
}

impl Faults {
    /// Creates a connector in front of an embedded database or of any other HTTP client of the SDK.
    pub fn new(inner: impl HttpClient + 'static) -> Self {
        Self { inner: SharedHttpClient::new(inner), shared: Arc::default() }
    }

    /// Queues a fault for this operation. Each request of the operation takes the first fault of the queue.
    pub fn next(&self, operation: &str, fault: Fault) {
        self.state().queues.entry(operation.to_owned()).or_default().push_back(fault);
    }

    /// Queues the fault for `times` requests of this operation.
    pub fn next_times(&self, times: usize, operation: &str, fault: Fault) {
        for _ in 0..times {
            self.next(operation, fault.clone());
        }
    }

    /// Injects a fault into every request of this operation for which [`next`](Self::next) has queued none.
    pub fn always(&self, operation: &'static str, fault: Fault) {
        self.when(move |request| (request.operation == operation).then(|| fault.clone()));
    }

    /// Injects the fault that the rule returns for a request, unless [`next`](Self::next) has queued a fault for the
    /// request. Rules are tried in the order in which they were added.
    pub fn when(&self, rule: impl FnMut(&Request) -> Option<Fault> + Send + 'static) {
        self.state().rules.push(Box::new(rule));
    }

    /// Removes all queued faults and all rules.
    pub fn heal(&self) {
        let mut state = self.state();
        state.queues.clear();
        state.rules.clear();
    }

    /// Forgets the recorded requests.
    pub fn forget(&self) {
        self.state().requests.clear();
    }

    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Returns the operations of all requests, in order.
    pub fn operations(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.operation).collect()
    }

    /// Returns the bodies of the requests of this operation, in order.
    pub fn bodies(&self, operation: &str) -> Vec<Value> {
        let requests = self.requests().into_iter();
        requests.filter(|request| request.operation == operation).map(|request| request.body).collect()
    }

    /// Returns the number of requests of this operation, retries included.
    pub fn count(&self, operation: &str) -> usize {
        self.state().requests.iter().filter(|request| request.operation == operation).count()
    }

    /// Blocks until `count` requests of this operation are recorded, and fails the test after `TEST_TIMEOUT`.
    pub fn wait_for(&self, count: usize, operation: &str) {
        let (state, timeout) = self
            .shared
            .arrived
            .wait_timeout_while(self.state(), super::TEST_TIMEOUT, |state| {
                state.requests.iter().filter(|request| request.operation == operation).count() < count
            })
            .unwrap();
        let requests = state.requests.clone();
        drop(state);
        assert!(!timeout.timed_out(), "no {count} requests {operation} came: {requests:?}");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// Records a request and returns its fault.
    fn arrive(&self, request: &HttpRequest) -> (Request, Fault) {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        let mut state = self.state();
        let request = Request::new(state.requests.len() + 1, target, body);
        let queued = state.queues.get_mut(&request.operation).and_then(VecDeque::pop_front);
        let fault = queued.or_else(|| state.rules.iter_mut().find_map(|rule| rule(&request)));
        state.requests.push(request.clone());
        self.shared.arrived.notify_all();
        (request, fault.unwrap_or(Fault::Pass))
    }
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faults")
    }
}

impl HttpClient for Faults {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { faults: self.clone(), inner })
    }
}

#[derive(Debug)]
struct Connector {
    faults: Faults,
    inner: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (recorded, fault) = self.faults.arrive(&request);
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move { answer(&inner, request, &recorded, fault).await })
    }
}
