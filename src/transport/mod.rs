//! What sends messages: the trait, and the producers that come with Postbox. Knows no DynamoDB.

#[cfg(any(feature = "sns", feature = "sqs"))]
mod aws;
mod memory;
mod producer;
pub(crate) mod route;
mod router;
#[cfg_attr(not(all(feature = "sns", feature = "sqs")), allow(dead_code))]
mod target;

pub use memory::MemoryProducer;
pub(crate) use producer::send_batch;
pub use producer::{Producer, SendOutcome, producer_fn};
pub(crate) use router::Router;

use crate::model::config::Config;
use crate::model::error::Result;
use crate::runtime::Runtime;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::SharedHttpClient;
use route::Route;
use std::sync::Arc;

/// Adds the producers of these routes; routes to one target share one. Makes no request.
#[cfg(any(feature = "sns", feature = "sqs"))]
pub(crate) fn add_routes(
    router: &mut Router,
    routes: Vec<Route>,
    config: &Config,
    shared: &SdkConfig,
    runtime: &Arc<Runtime>,
    http_client: Option<SharedHttpClient>,
) -> Result<()> {
    let factory = aws::Factory::new(config, shared, runtime, http_client);
    let mut producers: std::collections::HashMap<target::Target, Arc<dyn Producer>> = Default::default();
    for Route { pattern, target } in routes {
        let producer = match producers.get(&target) {
            Some(producer) => Arc::clone(producer),
            None => factory.producer(&target)?,
        };
        router.add_route(pattern, Arc::clone(&producer))?;
        producers.insert(target, producer);
    }
    Ok(())
}

/// Without any transport of AWS.
#[cfg(not(any(feature = "sns", feature = "sqs")))]
pub(crate) fn add_routes(
    _: &mut Router,
    routes: Vec<Route>,
    _: &Config,
    _: &SdkConfig,
    _: &Arc<Runtime>,
    _: Option<SharedHttpClient>,
) -> Result<()> {
    routes.first().map_or(Ok(()), |route| Err(not_compiled_in(&route.target)))
}

/// Why there is no producer for a target.
#[cfg(not(all(feature = "sns", feature = "sqs")))]
fn not_compiled_in(target: &target::Target) -> crate::model::error::Error {
    let (service, feature) = match target {
        target::Target::Sns(_) => ("SNS", "sns"),
        target::Target::Sqs(_) => ("SQS", "sqs"),
    };
    crate::model::config::invalid(format!(
        "routes: a route leads to {service}, which this build of Postbox does not have: build it with the feature \"{feature}\""
    ))
}
