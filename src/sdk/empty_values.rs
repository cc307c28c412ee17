//! Empty values in the configuration of AWS, which count as not set, as in the AWS CLI. A container often sets variables that
//! have no value.

use aws_types::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

/// Returns the configuration without empty endpoints, for which the SDK panics.
pub(super) fn without_empty_endpoints(sdk: &SdkConfig) -> SdkConfig {
    let mut builder = sdk.clone().into_builder();
    builder.set_endpoint_url(sdk.endpoint_url().filter(|url| !url.is_empty()).map(str::to_owned));
    builder.set_service_config(sdk.service_config().map(|_| NonEmpty(sdk.clone())));
    builder.build()
}

/// The values for single services, without those that are empty.
#[derive(Debug)]
struct NonEmpty(SdkConfig);

impl LoadServiceConfig for NonEmpty {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        self.0.service_config()?.load_config(key).filter(|value| !value.is_empty())
    }
}
