//! The HTTP client for AWS: its connections, and the proxy and the CA certificates of each.

use crate::sdk::certificates::{self, Bundle, Trust};
use crate::sdk::error_chain::find_in_chain;
use crate::sdk::failure::{never_connected, without_path};
use crate::sdk::proxy::{Proxies, Proxy};
use crate::sys::sync::Mutex;
use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, proxy::ProxyConfig};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use http::Uri;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// An HTTP client with pools of connections. A pool is replaced when a request gets no response.
///
/// If a router has forgotten the connections of a pool, or if this process was suspended, all of them are dead. A retry
/// must not take another dead connection, because each of them costs the time limit of an attempt.
#[derive(Clone, Debug)]
pub(crate) struct PooledClient(Arc<Pools>);

#[derive(Debug)]
struct Pools {
    proxies: Proxies,
    trust: Trust,
    pools: Mutex<HashMap<Kind, Arc<Connector>>>,
}

/// The kind of the connections in a pool.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    is_encrypted: bool,
    proxy: Option<Proxy>,
    connect_timeout: Option<Duration>,
    read_timeout: Option<Duration>,
}

impl PooledClient {
    /// Creates a client with the proxies of the environment. The bundle replaces the CA certificates of the machine.
    pub(crate) fn new(bundle: Option<Bundle>) -> Self {
        let proxies = Proxies::from_environment();
        Self(Arc::new(Pools { proxies, trust: Trust::new(bundle), pools: Mutex::default() }))
    }
}

impl HttpClient for PooledClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Attempts {
            pools: Arc::clone(&self.0),
            settings: settings.clone(),
            sleep: components.sleep_impl(),
        })
    }
}

/// The requests of an operation.
#[derive(Clone, Debug)]
struct Attempts {
    pools: Arc<Pools>,
    settings: HttpConnectorSettings,
    sleep: Option<SharedAsyncSleep>,
}

impl HttpConnector for Attempts {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().exchange(request))
    }
}

impl Attempts {
    async fn exchange(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let url: Uri =
            request.uri().parse().map_err(|error: http::uri::InvalidUri| ConnectorError::user(error.into()))?;
        let kind = self.kind(&url);
        let connector = self.connector(&kind).map_err(|text| ConnectorError::user(text.into()))?;
        let call = connector.call(request);
        // The next attempt finds a new pool also if the time limit of this one ends it here.
        let mut pool = Unanswered { pools: &self.pools, kind: &kind, connector: &connector, is_answered: false };
        let result = call.await;
        pool.is_answered = match &result {
            Ok(_) => true,
            Err(error) => never_connected(std::error::Error::source(error)),
        };
        // The pools keep the certificates with which they were created.
        if result.as_ref().is_err_and(has_rejected_certificate) && self.pools.trust.has_changed() {
            self.pools.pools.lock().retain(|kind, _| !kind.is_encrypted);
        }
        result.map_err(|error| with_place(error, &url, kind.proxy.as_ref()))
    }

    fn kind(&self, url: &Uri) -> Kind {
        let proxy = self.pools.proxies.of(url).cloned();
        Kind {
            is_encrypted: url.scheme_str() == Some("https") || proxy.as_ref().is_some_and(Proxy::is_https),
            proxy,
            connect_timeout: self.settings.connect_timeout(),
            read_timeout: self.settings.read_timeout(),
        }
    }

    /// Returns the pool of this kind. The error is a text for the user.
    fn connector(&self, kind: &Kind) -> Result<Arc<Connector>, String> {
        let mut pools = self.pools.pools.lock();
        if let Some(connector) = pools.get(kind) {
            return Ok(Arc::clone(connector));
        }
        let tls = if kind.is_encrypted { self.pools.trust.context()? } else { certificates::no_context() };
        let proxy = kind.proxy.as_ref().map_or_else(|| Ok(ProxyConfig::disabled()), Proxy::config)?;
        let mut builder = Connector::builder().connector_settings(self.settings.clone()).proxy_config(proxy);
        builder.set_sleep_impl(self.sleep.clone());
        let connector = Arc::new(builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(tls).build());
        pools.insert(kind.clone(), Arc::clone(&connector));
        Ok(connector)
    }
}

/// Returns whether the certificate of the server was rejected. Another CA with the name of a known one is not reported as an
/// unknown issuer, but as a wrong signature.
fn has_rejected_certificate(error: &ConnectorError) -> bool {
    matches!(find_in_chain(error), Some(rustls::Error::InvalidCertificate(_)))
}

/// A request without a response. If it is dropped before the response has arrived, its pool is discarded: later requests
/// use a new one, and the connections of the old one end with their current requests.
struct Unanswered<'a> {
    pools: &'a Pools,
    kind: &'a Kind,
    connector: &'a Arc<Connector>,
    is_answered: bool,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        let mut pools = self.pools.pools.lock();
        // Other requests of the pool may have discarded it already.
        if pools.get(self.kind).is_some_and(|current| Arc::ptr_eq(current, self.connector)) {
            pools.remove(self.kind);
        }
    }
}

/// The server of a request that failed, for the messages of errors.
#[derive(Debug)]
struct At {
    place: String,
    source: BoxError,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl std::error::Error for At {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

fn with_place(error: ConnectorError, url: &Uri, proxy: Option<&Proxy>) -> ConnectorError {
    let mut place = without_path(&url.to_string()).to_owned();
    if let Some(proxy) = proxy {
        place += &format!(" through the proxy {proxy}");
    }
    let (is_timeout, is_io, is_user) = (error.is_timeout(), error.is_io(), error.is_user());
    let kind = error.as_other();
    let source = At { place, source: error.into_source() }.into();
    match () {
        () if is_timeout => ConnectorError::timeout(source),
        () if is_io => ConnectorError::io(source),
        () if is_user => ConnectorError::user(source),
        () => ConnectorError::other(source, kind),
    }
}
