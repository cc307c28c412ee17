//! The producers of Amazon SNS and SQS.

mod batch;
mod failure;
mod producer;
#[cfg(feature = "sns")]
mod sns;
#[cfg(feature = "sqs")]
mod sqs;
mod wire;

use crate::model::config::{Config, invalid};
use crate::model::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;
use crate::sdk::ANY_REGION;
use crate::sdk::connector::OnRuntime;
use crate::transport::Producer;
use crate::transport::target::{Address, Target, partition_of};
use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::SharedHttpClient;
use producer::{AwsProducer, Policy};
use std::sync::Arc;

/// Makes the producers of routes.
pub(super) struct Factory<'a> {
    config: &'a Config,
    sdk: SdkConfig,
    policy: Policy,
}

impl<'a> Factory<'a> {
    pub(super) fn new(
        config: &'a Config,
        sdk: &SdkConfig,
        runtime: &Arc<Runtime>,
        http_client: Option<SharedHttpClient>,
    ) -> Self {
        let mut sdk = sdk.clone().into_builder();
        if let Some(client) = http_client {
            sdk.set_http_client(Some(SharedHttpClient::new(OnRuntime::new(client, runtime.handle().clone()))));
        }
        let policy = Policy {
            runtime: Arc::clone(runtime),
            timeout: config.operation_timeout,
            max_attempts: config.max_request_attempts,
            create: config.create_missing_targets,
        };
        Self { config, sdk: sdk.build(), policy }
    }

    /// The producer that sends to this target. Makes no request.
    pub(super) fn producer(&self, target: &Target) -> Result<Arc<dyn Producer>> {
        match target {
            #[cfg(feature = "sns")]
            Target::Sns(address) => {
                let (endpoint, region) = self.place(address)?;
                let mut client = aws_sdk_sns::config::Builder::from(&self.sdk).region(region);
                if let Some(endpoint) = endpoint {
                    client = client.endpoint_url(endpoint);
                }
                Ok(self.of(sns::Sns(aws_sdk_sns::Client::from_conf(client.build())), address))
            }
            #[cfg(feature = "sqs")]
            Target::Sqs(address) => {
                let (endpoint, region) = self.place(address)?;
                let mut client = aws_sdk_sqs::config::Builder::from(&self.sdk).region(region);
                if let Some(endpoint) = endpoint {
                    client = client.endpoint_url(endpoint);
                }
                Ok(self.of(sqs::Sqs(aws_sdk_sqs::Client::from_conf(client.build())), address))
            }
            #[cfg(not(all(feature = "sns", feature = "sqs")))]
            other => Err(super::not_compiled_in(other)),
        }
    }

    fn of(&self, service: impl producer::Service + 'static, address: &Address) -> Arc<dyn Producer> {
        Arc::new(AwsProducer::new(service, address.clone(), self.policy.clone()))
    }

    /// Where requests for this address go: another endpoint than Amazon's, if there is one, and the region.
    fn place(&self, address: &Address) -> Result<(Option<String>, Region)> {
        let known = self.sdk.region();
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
        let endpoint = match address {
            _ if !self.config.transport_endpoint_url.is_empty() => Some(self.config.transport_endpoint_url.clone()),
            Address::Url(url) => url.endpoint.clone(),
            _ => None,
        };
        let own = address.region().map(|region| Region::new(region.to_owned()));
        let any = (endpoint.is_some() || self.sdk.endpoint_url().is_some()).then(|| Region::from_static(ANY_REGION));
        let region = own.or_else(|| known.cloned()).or(any).ok_or_else(|| {
            let text = format!(
                "no AWS region is known for the route to {}: set region or AWS_REGION, or a region in the profile, or give an ARN",
                address.text()
            );
            Error::new(ErrorCode::NoAwsConfig, text)
        })?;
        Ok((endpoint, region))
    }
}
