//! The credentials of a client: those that the program has set, or those of the AWS default chain, which are cached, and
//! loaded again when they expire or AWS rejects them.

use crate::model::config::Config;
use crate::sdk::error_chain::causes;
use crate::sdk::server_clock::CorrectedTime;
use crate::sys::clock;
use crate::sys::sync::Mutex;
use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// The name of the provider of credentials that the program has set.
pub(crate) const PROVIDER: &str = "postbox";
/// The minimum time between two loads of rejected credentials, so that wrong credentials are not loaded for each request.
const BETWEEN_LOADS: Duration = Duration::from_secs(5);
/// Credentials are renewed in the background this long before they expire.
const BEFORE_EXPIRY: Duration = Duration::from_secs(60);
/// The time limit of one load. A program that asks its user for a second factor can take longer than a request.
const LOAD_LIMIT: Duration = Duration::from_secs(120);

/// Finds credentials as the AWS CLI does.
///
/// The providers are created for each load, because those of the SDK keep what they read from files. A load is a task of
/// the runtime that all requests share, and that does not end with the time limit of a request.
#[derive(Clone)]
pub(crate) struct Renewable(Arc<Chain>);

struct Chain {
    runtime: Handle,
    /// Region, HTTP client, timeouts and retries of the requests for credentials.
    sdk: SdkConfig,
    /// The profile that the caller asked for. The credentials of the environment are then not used.
    profile: Option<String>,
    one_at_a_time: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The credentials that the program has set, which are used instead of those of the chain.
    set: Option<Credentials>,
    current: Option<Credentials>,
    /// Whether AWS rejected the current credentials.
    is_rejected: bool,
    last_rejection: Option<Instant>,
    loads: u64,
    last_load: Option<Instant>,
    failure: Option<Failure>,
    /// The provider that was asked last.
    asked: Option<&'static str>,
}

/// The failure of the last load.
struct Failure {
    text: String,
    is_not_loaded: bool,
}

/// The credentials with which a request was signed.
#[derive(Clone)]
pub(crate) struct Signer {
    access_key_id: String,
    session_token: Option<String>,
}

impl Signer {
    /// Returns the signer of a request, unless it has no signature.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        let header = |name| request.headers().get(name);
        let (_, credential) = header("authorization")?.split_once("Credential=")?;
        let (access_key_id, _) = credential.split_once('/')?;
        let session_token = header("x-amz-security-token").map(str::to_owned);
        Some(Self { access_key_id: access_key_id.to_owned(), session_token })
    }

    fn is_of(&self, credentials: &Credentials) -> bool {
        self.access_key_id == credentials.access_key_id()
            && self.session_token.as_deref() == credentials.session_token()
    }
}

/// Returns the credentials in the settings, if there are any.
pub(crate) fn set_in(settings: &Config) -> Option<Credentials> {
    let Config { access_key_id, secret_access_key, session_token, .. } = settings;
    let token = Some(session_token.clone()).filter(|token| !token.is_empty());
    (!access_key_id.is_empty()).then(|| Credentials::new(access_key_id, secret_access_key, token, None, PROVIDER))
}

impl Renewable {
    /// Creates credentials of the default chain, or those that the program has set.
    pub(crate) fn new(runtime: Handle, sdk: SdkConfig, profile: Option<String>, set: Option<Credentials>) -> Self {
        Self(Arc::new(Chain {
            runtime,
            sdk,
            profile,
            one_at_a_time: tokio::sync::Mutex::default(),
            state: Mutex::new(State { set, ..State::default() }),
        }))
    }

    /// Uses the credentials in these settings for the next requests.
    pub(crate) fn replace(&self, settings: &Config) {
        self.0.state.lock().set = set_in(settings);
    }

    /// Takes note that AWS rejected these credentials. Returns whether the next attempt may have others.
    pub(crate) fn rejected(&self, signer: &Signer) -> bool {
        let mut state = self.0.state.lock();
        if let Some(set) = &state.set {
            return !signer.is_of(set);
        }
        let is_current = state.current.as_ref().is_some_and(|current| signer.is_of(current));
        if is_current && !state.is_rejected {
            if is_recent(state.last_rejection) {
                return false;
            }
            state.is_rejected = true;
            state.last_rejection = Some(Instant::now());
        }
        true
    }

    /// Returns the provider that was asked last, if there are no usable credentials.
    pub(crate) fn awaited(&self) -> Option<&'static str> {
        let state = self.0.state.lock();
        state.asked.filter(|_| state.set.is_none() && state.usable().is_none())
    }

    async fn provide(&self) -> Result {
        let (loads, current) = {
            let state = self.0.state.lock();
            if let Some(set) = &state.set {
                return Ok(set.clone());
            }
            let renews = state.expires_within(BEFORE_EXPIRY) && !is_recent(state.last_load);
            match state.usable() {
                Some(current) if !renews => return Ok(current.clone()),
                current => (state.loads, current.cloned()),
            }
        };
        let chain = Arc::clone(&self.0);
        let load = self.0.runtime.spawn(async move { chain.load(loads).await });
        match current {
            Some(current) => Ok(current),
            None => load.await.map_err(CredentialsError::unhandled)?,
        }
    }
}

impl Chain {
    /// Loads credentials, unless another task has loaded them since this many loads.
    async fn load(&self, seen: u64) -> Result {
        let _turn = self.one_at_a_time.lock().await;
        if self.state.lock().needs_load(seen) {
            let found = tokio::time::timeout(LOAD_LIMIT, self.first()).await.unwrap_or_else(|_| {
                Err(Failure { text: format!("no credentials within {} s", LOAD_LIMIT.as_secs()), is_not_loaded: false })
            });
            self.state.lock().settle(found);
        }
        self.state.lock().result()
    }

    /// Asks each provider in turn.
    async fn first(&self) -> std::result::Result<Credentials, Failure> {
        let config = &self.provider_config();
        let profile = ProfileFileCredentialsProvider::builder().configure(config);
        let profile = match &self.profile {
            Some(name) => profile.profile_name(name),
            None => profile,
        };
        let environment = self.profile.is_none().then(EnvironmentVariableCredentialsProvider::new);
        let providers: [(&'static str, Option<Box<dyn ProvideCredentials>>); 5] = [
            ("environment", environment.map(|provider| Box::new(provider) as _)),
            ("profile", Some(Box::new(profile.build()))),
            ("web identity", Some(Box::new(WebIdentityTokenCredentialsProvider::builder().configure(config).build()))),
            ("container", Some(Box::new(EcsCredentialsProvider::builder().configure(config).build()))),
            ("instance metadata", Some(Box::new(ImdsCredentialsProvider::builder().configure(config).build()))),
        ];
        let mut texts = Vec::new();
        for (name, provider) in providers.into_iter().filter_map(|(name, provider)| Some((name, provider?))) {
            self.state.lock().asked = Some(name);
            match provider.provide_credentials().await {
                Ok(credentials) => return Ok(credentials),
                Err(error) => {
                    let text = format!("{name}: {}", causes(&error));
                    if !matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
                        return Err(Failure { text, is_not_loaded: false });
                    }
                    texts.push(text);
                }
            }
        }
        Err(Failure { text: texts.join("; "), is_not_loaded: true })
    }

    /// Returns a configuration that has not read the profiles yet, because it keeps what it has read.
    fn provider_config(&self) -> ProviderConfig {
        let mut config = ProviderConfig::empty()
            .with_region(self.sdk.region().cloned())
            .with_sleep_impl(TokioSleep::new())
            .with_time_source(CorrectedTime)
            .with_behavior_version(self.sdk.behavior_version())
            .with_use_fips(self.sdk.use_fips())
            .with_use_dual_stack(self.sdk.use_dual_stack());
        if let Some(client) = self.sdk.http_client() {
            config = config.with_http_client(client);
        }
        if let Some(retries) = self.sdk.retry_config() {
            config = config.with_retry_config(retries.clone());
        }
        if let Some(timeouts) = self.sdk.timeout_config() {
            config = config.with_timeout_config(timeouts.clone());
        }
        config
    }
}

impl State {
    /// Returns whether no other task has loaded credentials since this many loads. Rejected credentials are loaded again
    /// at a limited rate, even if every load fails.
    fn needs_load(&self, seen: u64) -> bool {
        let has_just_failed = self.is_rejected && self.failure.is_some() && is_recent(self.last_load);
        self.loads == seen && !has_just_failed
    }

    /// Returns the current credentials, unless they have expired or were rejected.
    fn usable(&self) -> Option<&Credentials> {
        self.current.as_ref().filter(|_| !self.is_rejected && !self.expires_within(Duration::ZERO))
    }

    fn expires_within(&self, time: Duration) -> bool {
        let expiry = self.current.as_ref().and_then(Credentials::expiry);
        expiry.is_some_and(|expiry| expiry <= clock::system_time() + time)
    }

    fn settle(&mut self, found: std::result::Result<Credentials, Failure>) {
        self.loads += 1;
        self.last_load = Some(Instant::now());
        match found {
            Ok(credentials) => {
                if self.current.as_ref() != Some(&credentials) {
                    tracing::debug!(target: "postbox", "AWS credentials were loaded");
                }
                self.current = Some(credentials);
                self.is_rejected = false;
                self.failure = None;
            }
            Err(failure) => {
                tracing::warn!(target: "postbox", "AWS credentials could not be loaded: {}", failure.text);
                self.failure = Some(failure);
            }
        }
    }

    /// Returns the credentials or the failure of the last load.
    fn result(&self) -> Result {
        match (&self.failure, self.usable()) {
            (_, Some(credentials)) => Ok(credentials.clone()),
            (Some(failure), None) if failure.is_not_loaded => Err(CredentialsError::not_loaded(failure.text.clone())),
            (Some(failure), None) => Err(CredentialsError::provider_error(failure.text.clone())),
            (None, None) => {
                Err(CredentialsError::provider_error("the credentials that were found have expired or were rejected"))
            }
        }
    }
}

fn is_recent(time: Option<Instant>) -> bool {
    time.is_some_and(|time| time.elapsed() < BETWEEN_LOADS)
}

impl ProvideCredentials for Renewable {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }
}

impl fmt::Debug for Renewable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewable").field("profile", &self.0.profile).finish_non_exhaustive()
    }
}
