//! The producers for Amazon SNS and SQS.

#[cfg_attr(not(all(feature = "sns", feature = "sqs")), allow(dead_code))]
mod address;
mod batch;
mod failure;
mod limits;
mod producer;
#[cfg(feature = "sns")]
pub(super) mod sns;
#[cfg(feature = "sqs")]
pub(super) mod sqs;
mod wire;

use crate::model::config::invalid;
use crate::model::error::{Error, ErrorCode, Result};
use crate::sdk::connector::OnRuntime;
use crate::sdk::rejection::RejectedSignature;
use crate::sdk::{self, ANY_REGION};
use crate::transport::Producer;
use crate::transport::target::Context;
use address::{Address, partition_of};
use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::SharedHttpClient;
use producer::{AwsProducer, Policy, Service};
use std::sync::Arc;
use wire::Transport;

/// The configuration of a client for one address.
struct Connection {
    sdk: SdkConfig,
    region: Region,
    /// An endpoint other than Amazon's.
    endpoint: Option<String>,
    rejected_signature: RejectedSignature,
}

impl Connection {
    /// Returns the connection to a service for an address.
    fn to(service: Transport, address: &Address, context: &Context<'_>) -> Result<Self> {
        let shared = context.shared;
        let known = shared.sdk.region();
        if let (Address::Arn(arn), Some(region)) = (address, known)
            && partition_of(region.as_ref()) != arn.partition
        {
            return Err(invalid(format!(
                "routes: {} is in the partition {}, and the region {region} is in {}: credentials of one are not known in the other",
                arn.text,
                arn.partition,
                partition_of(region.as_ref())
            )));
        }
        let setting = endpoint_setting(service, context);
        let endpoint = match address {
            _ if !setting.is_empty() => Some(setting.to_owned()),
            Address::Url(url) => url.endpoint.clone(),
            _ => None,
        };
        let own = address.region().map(|region| Region::new(region.to_owned()));
        let has_endpoint = endpoint.is_some() || sdk::endpoint(&shared.sdk, service.id()).is_some();
        let any = has_endpoint.then(|| Region::from_static(ANY_REGION));
        let region = own.or_else(|| known.cloned()).or(any).ok_or_else(|| {
            let text = format!(
                "no AWS region is known for the route to {}: set region or AWS_REGION, or a region in the profile, or give an ARN",
                address.text()
            );
            Error::new(ErrorCode::NoAwsConfig, text)
        })?;
        let mut sdk = shared.sdk.clone().into_builder();
        if let Some(client) = context.http_client.clone() {
            sdk.set_http_client(Some(SharedHttpClient::new(OnRuntime::new(
                client,
                context.runtime.handle().clone(),
                None,
            ))));
        }
        Ok(Self { sdk: sdk.build(), region, endpoint, rejected_signature: shared.rejected_signature() })
    }
}

/// Returns the endpoint of a service in the settings, or an empty text.
fn endpoint_setting<'a>(service: Transport, context: &Context<'a>) -> &'a str {
    let config = context.config;
    let own = match service {
        Transport::Sns => &config.sns_endpoint_url,
        Transport::Sqs => &config.sqs_endpoint_url,
    };
    if own.is_empty() { &config.transport_endpoint_url } else { own }
}

/// Creates a producer that sends to an address.
fn producer(service: impl Service + 'static, address: &Address, context: &Context<'_>) -> Arc<dyn Producer> {
    let policy = Policy {
        runtime: Arc::clone(context.runtime),
        timeout: context.config.operation_timeout,
        max_attempts: context.config.max_request_attempts,
        create: context.config.create_missing_targets,
    };
    Arc::new(AwsProducer::new(service, address.clone(), policy))
}
