//! Creates the clients of the AWS SDK, for AWS or for the embedded database. Missing settings for AWS come from the
//! default chain of the AWS SDK.

mod certificates;
pub(crate) mod connector;
pub(crate) mod credentials;
#[cfg(feature = "embedded")]
pub(crate) mod embedded;
mod empty_values;
pub(crate) mod error_chain;
pub(crate) mod failure;
mod http;
mod profile;
mod proxy;
pub(crate) mod rejection;
pub(crate) mod retry;
pub(crate) mod server_clock;

use crate::model::config::{Config, check_region};
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::settings::ClockSource;
use crate::sdk::connector::OnRuntime;
use crate::sdk::credentials::{PROVIDER, Renewable};
use crate::sdk::empty_values::without_empty_endpoints;
use crate::sdk::http::PooledClient;
pub(crate) use crate::sdk::profile::with_backoff;
use crate::sdk::profile::{DEFAULT_ATTEMPTS, Profile};
use crate::sdk::rejection::RejectedSignature;
use crate::sdk::server_clock::{CorrectedTime, SERVER_CLOCK};
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_dynamodb::config::{Credentials, IdentityCache, SharedHttpClient};
use aws_types::service_config::ServiceConfigKey;
use tokio::runtime::Handle;

/// The region for the embedded database and for custom endpoints, which ignore it.
pub(crate) const ANY_REGION: &str = "us-east-1";

/// The configuration that all clients of AWS share.
pub(crate) struct Shared {
    /// Region, credentials, timeouts, retries and the HTTP client.
    pub(crate) sdk: SdkConfig,
    pub(crate) credentials: Renewable,
}

/// Loads the configuration that all clients share. Exchanges run on the runtime of this future. Values for settings that
/// are not set are found in the same way as in the AWS CLI.
pub(crate) async fn load(config: &Config, http_client: Option<SharedHttpClient>) -> Result<Shared> {
    let profile = Profile::load(config).await?;
    let http_client = http_client.unwrap_or_else(|| SharedHttpClient::new(PooledClient::new(profile.ca_bundle())));
    let clock = (config.clock == ClockSource::Server).then_some(&SERVER_CLOCK);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(OnRuntime::new(http_client, Handle::current(), clock))
        .time_source(CorrectedTime)
        .retry_config(profile.retries(config)?)
        .timeout_config(timeouts(config))
        .no_credentials();
    if clock.is_some() {
        // The SDK would correct a time that is corrected already.
        loader = loader.disable_clock_skew_correction(true);
    }
    if let Some(name) = &profile.from_setting {
        loader = loader.profile_name(name);
    }
    if !config.region.is_empty() {
        loader = loader.region(Region::new(config.region.clone()));
    }
    let sdk = without_empty_endpoints(&loader.load().await);
    if let Some(region) = sdk.region() {
        check_region("the region of AWS_REGION or of the AWS profile", region.as_ref())?;
    }
    let credentials = Renewable::new(Handle::current(), sdk.clone(), profile.from_setting, credentials::set_in(config));
    let provider = SharedCredentialsProvider::new(credentials.clone());
    let sdk = sdk.into_builder().credentials_provider(provider).identity_cache(IdentityCache::no_cache()).build();
    Ok(Shared { sdk, credentials })
}

impl Shared {
    /// Returns the retry of requests that AWS rejected for their signature, for one client.
    pub(crate) fn rejected_signature(&self) -> RejectedSignature {
        RejectedSignature::new(self.credentials.clone())
    }
}

/// Returns the number of attempts of a request, from the settings or from the configuration of AWS.
pub(crate) fn max_attempts(config: &Config, shared: Option<&Shared>) -> u64 {
    match shared.and_then(|shared| shared.sdk.retry_config()) {
        Some(retries) => retries.max_attempts().into(),
        None if config.max_request_attempts > 0 => config.max_request_attempts,
        None => DEFAULT_ATTEMPTS,
    }
}

/// Creates a client of Amazon DynamoDB or of the endpoint in the settings.
pub(crate) fn aws(config: &Config, shared: &Shared) -> Result<Client> {
    let mut client = aws_sdk_dynamodb::config::Builder::from(&shared.sdk).retry_classifier(shared.rejected_signature());
    if !config.endpoint_url.is_empty() {
        client = client.endpoint_url(&config.endpoint_url);
    }
    if shared.sdk.region().is_none() {
        if dynamodb_endpoint(config, shared).is_none() {
            return Err(Error::new(
                ErrorCode::NoAwsConfig,
                "no AWS region is set: set region or AWS_REGION, or a region in the profile",
            ));
        }
        client = client.region(Region::new(ANY_REGION));
    }
    Ok(Client::from_conf(client.retry_partition(own_retry_budget()).build()))
}

/// The database in which the outbox table is.
#[derive(Debug)]
pub(crate) enum Server {
    /// The embedded database in this file, or one that the program has opened.
    Embedded(Option<String>),
    /// Another endpoint than that of Amazon, and the region for which requests are signed.
    Endpoint { url: String, region: String },
    /// Amazon DynamoDB in this region.
    Amazon { region: String },
}

/// Returns the server to which a client of AWS sends its requests.
pub(crate) fn server_of(config: &Config, shared: &Shared, client: &Client) -> Server {
    let region = client.config().region().map_or_else(String::new, ToString::to_string);
    match dynamodb_endpoint(config, shared) {
        Some(url) => Server::Endpoint { url, region },
        None => Server::Amazon { region },
    }
}

/// Returns the endpoint of DynamoDB in the settings, in the environment or in the profile, if any.
fn dynamodb_endpoint(config: &Config, shared: &Shared) -> Option<String> {
    let url = Some(config.endpoint_url.clone()).filter(|url| !url.is_empty());
    url.or_else(|| endpoint(&shared.sdk, "DynamoDB"))
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
        .retry_config(with_backoff(RetryConfig::standard(), config.max_request_attempts))
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

/// Returns the endpoint of a service in the environment or in the profile, if any.
pub(crate) fn endpoint(sdk: &SdkConfig, service: &str) -> Option<String> {
    let key =
        ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build().ok()?;
    let own = sdk.service_config().and_then(|values| values.load_config(key));
    own.or_else(|| sdk.endpoint_url().map(str::to_owned))
}

fn timeouts(config: &Config) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(config.connect_timeout)
        .operation_attempt_timeout(config.attempt_timeout)
        .build()
}
