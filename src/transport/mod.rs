//! The trait of producers, and the producers that are part of Postbox. This module does not depend on DynamoDB.

#[cfg(any(feature = "sns", feature = "sqs"))]
mod aws;
#[cfg(test)]
mod loopback;
mod memory;
mod producer;
pub(crate) mod route;
mod router;
mod scheme;
mod target;

pub use memory::MemoryProducer;
pub(crate) use producer::send_batch;
pub use producer::{Producer, SendOutcome, producer_fn};
pub(crate) use router::Router;

use crate::model::config::Config;
use crate::model::error::Result;
use crate::runtime::Runtime;
use crate::sdk::Shared;
use aws_sdk_dynamodb::config::SharedHttpClient;
use route::Route;
use std::collections::HashMap;
use std::sync::Arc;
use target::Context;

/// Adds the producers of these routes. Routes to the same target share a producer. Makes no requests.
pub(crate) fn add_routes(
    router: &mut Router,
    routes: Vec<Route>,
    config: &Config,
    shared: &Shared,
    runtime: &Arc<Runtime>,
    http_client: Option<SharedHttpClient>,
) -> Result<()> {
    let context = Context { config, shared, runtime, http_client };
    let mut producers: HashMap<String, Arc<dyn Producer>> = HashMap::new();
    for Route { pattern, address, target } in routes {
        let producer = match producers.get(&address) {
            Some(producer) => Arc::clone(producer),
            None => target.open(&context)?,
        };
        router.add_route(pattern, Arc::clone(&producer))?;
        producers.insert(address, producer);
    }
    Ok(())
}
