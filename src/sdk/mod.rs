//! Creates the clients of the AWS SDK, for AWS or for the embedded database. Missing settings for AWS come from the
//! default chain of the AWS SDK.

pub(crate) mod connector;
#[cfg(feature = "embedded")]
pub(crate) mod embedded;
pub(crate) mod error_chain;
pub(crate) mod failure;
pub(crate) mod retry;
pub(crate) mod server_clock;

use crate::model::config::Config;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::settings::ClockSource;
use crate::sdk::connector::OnRuntime;
use crate::sdk::server_clock::{CorrectedTime, SERVER_CLOCK};
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_dynamodb::config::{Credentials, SharedHttpClient};
use std::time::Duration;
use tokio::runtime::Handle;

/// The region for the embedded database and for custom endpoints, which ignore it.
pub(crate) const ANY_REGION: &str = "us-east-1";
/// The name of the provider of credentials that come from the settings.
const PROVIDER: &str = "postbox";

/// Loads the configuration that all clients share: region, credentials, timeouts, retries and the HTTP client, whose
/// exchanges run on the runtime of this future. Values for settings that are not set are found in the same way as in
/// the AWS CLI.
pub(crate) async fn load(config: &Config, http_client: Option<SharedHttpClient>) -> SdkConfig {
    let http_client = http_client.unwrap_or_else(|| {
        use aws_smithy_http_client::{Builder, tls};
        Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc)).build_https()
    });
    let clock = (config.clock == ClockSource::Server).then_some(&SERVER_CLOCK);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(OnRuntime::new(http_client, Handle::current(), clock))
        .time_source(CorrectedTime)
        .retry_config(retries(config))
        .timeout_config(timeouts(config));
    if !config.profile.is_empty() {
        loader = loader.profile_name(&config.profile);
    }
    if !config.region.is_empty() {
        loader = loader.region(Region::new(config.region.clone()));
    }
    if !config.access_key_id.is_empty() {
        let token = Some(config.session_token.clone()).filter(|token| !token.is_empty());
        let credentials = Credentials::new(&config.access_key_id, &config.secret_access_key, token, None, PROVIDER);
        loader = loader.credentials_provider(credentials);
    }
    loader.load().await
}

/// Creates a client of Amazon DynamoDB or of the endpoint in the settings.
pub(crate) fn aws(config: &Config, shared: &SdkConfig) -> Result<Client> {
    let mut client = aws_sdk_dynamodb::config::Builder::from(shared);
    if !config.endpoint_url.is_empty() {
        client = client.endpoint_url(&config.endpoint_url);
    }
    if shared.region().is_none() {
        if config.endpoint_url.is_empty() && shared.endpoint_url().is_none() {
            return Err(Error::new(
                ErrorCode::NoAwsConfig,
                "no AWS region is set: set region or AWS_REGION, or a region in the profile",
            ));
        }
        client = client.region(Region::new(ANY_REGION));
    }
    Ok(Client::from_conf(client.retry_partition(own_retry_budget()).build()))
}

/// Creates a client of the embedded database, or of the HTTP client that the program has set instead. The client needs
/// no network and no credentials.
pub(crate) fn embedded(config: &Config, http_client: SharedHttpClient) -> Client {
    let client = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(Region::new(ANY_REGION))
        .endpoint_url("http://embedded.invalid")
        .credentials_provider(Credentials::new("embedded", "embedded", None, None, PROVIDER))
        .http_client(http_client)
        .retry_config(retries(config))
        .retry_partition(own_retry_budget())
        .timeout_config(timeouts(config));
    #[cfg(postbox_simulation)]
    let client = simulated(client);
    Client::from_conf(client.build())
}

/// Adds the timer of the simulation of this thread, if there is one, to the client.
#[cfg(postbox_simulation)]
fn simulated(mut client: aws_sdk_dynamodb::config::Builder) -> aws_sdk_dynamodb::config::Builder {
    use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
    match crate::sys::simulation::sleeper() {
        None => client,
        Some(sleeper) => {
            client.set_sleep_impl(Some(sleeper));
            client.stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        }
    }
}

/// Returns a retry budget for one client. By default, all clients of a process share one budget per service and region,
/// so that the failures of one client would end the retries of the others.
pub(crate) fn own_retry_budget() -> RetryPartition {
    RetryPartition::custom("postbox").build()
}

fn retries(config: &Config) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(u32::try_from(config.max_request_attempts).unwrap_or(u32::MAX))
        .with_initial_backoff(Duration::from_millis(50))
}

fn timeouts(config: &Config) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(config.connect_timeout)
        .operation_attempt_timeout(config.attempt_timeout)
        .build()
}
