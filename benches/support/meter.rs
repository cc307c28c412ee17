//! A network that adds up the capacity units that DynamoDB charges for each request, as the responses report them.

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The requests of one kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub requests: u64,
    /// The read units of these requests, or the write units if they write.
    pub units: f64,
    /// The highest number of units of a single request.
    pub most: f64,
    /// The number of responses that reject a write because its condition is not met.
    pub rejected: u64,
}

impl Usage {
    fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            units: self.units + other.units,
            most: self.most.max(other.most),
            rejected: self.rejected + other.rejected,
        }
    }
}

/// The requests by operation, such as `PutItem`. The name of a request to an index contains the index, as in
/// `Query Delivered`.
pub type Usages = BTreeMap<String, Usage>;

/// Adds up the requests whose name matches.
pub fn sum(usages: &Usages, matches: impl Fn(&str) -> bool) -> Usage {
    usages.iter().filter(|(name, _)| matches(name)).fold(Usage::default(), |sum, (_, usage)| sum.plus(*usage))
}

/// Adds the requests of `other` to those of `usages`.
pub fn add(usages: &mut Usages, other: Usages) {
    for (name, usage) in other {
        let sum = usages.entry(name).or_default();
        *sum = sum.plus(usage);
    }
}

/// Returns whether requests of this name read an index.
pub fn reads_index(name: &str) -> bool {
    name.contains(' ')
}

/// Returns whether requests of this name read tables or indexes.
pub fn reads(name: &str) -> bool {
    ["Query", "Scan", "GetItem", "BatchGetItem"].iter().any(|read| name.starts_with(read))
}

/// A connector to a database in this process that asks for the consumed capacity of each request and adds it up.
#[derive(Clone, Debug)]
pub struct Metered<C> {
    inner: C,
    usages: Arc<Mutex<Usages>>,
}

impl<C> Metered<C> {
    pub fn new(inner: C) -> Self {
        Self { inner, usages: Arc::default() }
    }

    /// Returns the requests since the last call.
    pub fn take(&self) -> Usages {
        std::mem::take(&mut *self.usages.lock().expect("no thread panics"))
    }
}

/// Adds up the units in a response, which reports them for each table. The response is not parsed, since this would
/// change the memory and the time that are measured.
fn units(response: &str) -> f64 {
    let reported = response.split("\"CapacityUnits\":").skip(1);
    let number = |rest: &str| rest.split([',', '}']).next().and_then(|number| number.parse::<f64>().ok());
    reported.filter_map(number).sum()
}

impl<C: HttpConnector + Clone + 'static> HttpConnector for Metered<C> {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let body = str::from_utf8(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let index = body.split_once("\"IndexName\":\"").and_then(|(_, rest)| rest.split('"').next());
        let name = index.map_or_else(|| operation.to_owned(), |index| format!("{operation} {index}"));
        if let Some(rest) = body.strip_prefix('{').filter(|_| !operation.contains("Table")) {
            let body = format!("{{\"ReturnConsumedCapacity\":\"TOTAL\",{rest}");
            *request.body_mut() = SdkBody::from(body);
        }
        let (inner, usages) = (self.inner.clone(), Arc::clone(&self.usages));
        HttpConnectorFuture::new(async move {
            let response = inner.call(request).await?;
            let body = str::from_utf8(response.body().bytes().unwrap_or_default()).unwrap_or_default();
            let (units, is_rejected) = (units(body), body.contains("ConditionalCheckFailed"));
            let mut usages = usages.lock().expect("no thread panics");
            let usage = usages.entry(name).or_default();
            *usage = usage.plus(Usage { requests: 1, units, most: units, rejected: u64::from(is_rejected) });
            drop(usages);
            Ok(response)
        })
    }
}

impl<C: HttpConnector + Clone + 'static> HttpClient for Metered<C> {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
