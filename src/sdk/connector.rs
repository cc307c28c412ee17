//! An HTTP client that runs its exchanges on the runtime thread, no matter which thread makes the request.

use crate::runtime::AbortOnDrop;
use crate::sdk::credentials::Signer;
use crate::sdk::failure::{Endpoint, describe};
use crate::sdk::server_clock::{Reading, ServerClock, is_aws};
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::runtime::Handle;

/// The maximum size of a response. A response contains up to 16 MB of items, and JSON can encode one byte as six.
const MAX_RESPONSE_BYTES: usize = 128 * 1024 * 1024;

/// An HTTP client whose exchanges are tasks of a runtime, from the connection to the last byte of the response.
/// Connections therefore do not end with the runtime of a caller, and a caller on another thread is woken only once,
/// when the whole response has arrived.
#[derive(Debug)]
pub(crate) struct OnRuntime<C> {
    inner: C,
    runtime: Handle,
    /// The clock that the responses correct, if any.
    clock: Option<&'static ServerClock>,
}

impl<C> OnRuntime<C> {
    pub(crate) fn new(inner: C, runtime: Handle, clock: Option<&'static ServerClock>) -> Self {
        Self { inner, runtime, clock }
    }
}

impl HttpClient for OnRuntime<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(OnRuntime::new(inner, self.runtime.clone(), self.clock))
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.inner.validate_base_client_config(components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        self.inner.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

impl HttpConnector for OnRuntime<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let inner = self.inner.clone();
        let clock = self.clock.filter(|_| is_aws(request.uri()));
        let signer = Signer::of(&request);
        let endpoint = Endpoint::of(&request);
        let needs_body = needs_body(&request);
        let exchange = self.runtime.spawn(async move {
            let sent = Reading::now();
            let response = inner.call(request).await?;
            let received = Reading::now();
            let mut response = whole(response).await?;
            if response.status().is_client_error()
                && let Some(signer) = signer
            {
                response.add_extension(signer);
            }
            response.add_extension(endpoint);
            if needs_body && response.status().is_success() && is_empty(&response) {
                return Err(ConnectorError::io(
                    format!("the response is not from DynamoDB: {}, no body", describe(&response)).into(),
                ));
            }
            if let Some(clock) = clock {
                clock.observe(sent, received, &response);
            }
            Ok(response)
        });
        let mut exchange = AbortOnDrop(exchange);
        HttpConnectorFuture::new(async move {
            (&mut exchange.0).await.unwrap_or_else(|ended| Err(ConnectorError::other(ended.into(), None)))
        })
    }
}

/// Returns whether every successful response to this request has a body. The SDK takes a response without a body, such as that
/// of a proxy, for a success. DynamoDB returns at least `{}`, except to the operations on tags.
fn needs_body(request: &HttpRequest) -> bool {
    let operation = request.headers().get("x-amz-target").unwrap_or_default();
    operation.starts_with("DynamoDB_") && !operation.contains("Tag")
}

fn is_empty(response: &HttpResponse) -> bool {
    response.body().bytes().unwrap_or_default().iter().all(u8::is_ascii_whitespace)
}

/// Reads the body of the response into memory, which the SDK would do anyway for DynamoDB.
async fn whole(mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let mut body = ByteStream::new(std::mem::replace(response.body_mut(), SdkBody::taken()));
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| ConnectorError::io(error.into()))?);
        if bytes.len() > MAX_RESPONSE_BYTES {
            let text = format!("the response is larger than the maximum of {MAX_RESPONSE_BYTES} bytes");
            return Err(ConnectorError::io(text.into()));
        }
    }
    *response.body_mut() = SdkBody::from(bytes);
    Ok(response)
}
