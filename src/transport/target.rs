//! The target of a route, for any transport.

use crate::model::config::Config;
use crate::model::error::Result;
use crate::runtime::Runtime;
use crate::sdk::Shared;
use crate::transport::Producer;
use aws_sdk_dynamodb::config::SharedHttpClient;
use std::fmt::Debug;
use std::sync::Arc;

/// A parsed address of a transport, before its producer is created.
pub(super) trait Target: Debug {
    /// Creates the producer that sends to this target. Makes no request.
    fn open(&self, context: &Context<'_>) -> Result<Arc<dyn Producer>>;
}

/// The settings and clients of the Postbox for which a producer is created.
#[cfg_attr(not(any(feature = "sns", feature = "sqs")), allow(dead_code))]
pub(super) struct Context<'a> {
    pub(super) config: &'a Config,
    pub(super) shared: &'a Shared,
    pub(super) runtime: &'a Arc<Runtime>,
    pub(super) http_client: Option<SharedHttpClient>,
}
