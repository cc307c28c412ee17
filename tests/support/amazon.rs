//! A fake of AWS, which checks signatures only as far as the tests need: an embedded database in the place of DynamoDB, an SQS
//! that accepts every message, and an STS and an IAM Identity Center that accept every token.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;
use postbox::{Builder, EmbeddedDatabase, ErrorCode};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

/// The time after which temporary credentials expire.
const LIFETIME: Duration = Duration::from_secs(3600);

/// The services of one account. Clones share their state.
#[derive(Clone, Debug)]
pub struct Amazon {
    database: EmbeddedDatabase,
    requests: Arc<Mutex<Vec<Request>>>,
    sent: Arc<Mutex<Vec<String>>>,
    behaviour: Arc<Mutex<Behaviour>>,
}

/// The parts of a request that depend on the configuration of AWS.
#[derive(Clone, Debug)]
pub struct Request {
    pub address: String,
    pub signature: String,
    pub agent: String,
}

/// The behaviour of the services, which a test can change.
#[derive(Debug, Default)]
pub struct Behaviour {
    /// The status and the body of every response, if set.
    pub response: Option<(u16, &'static str)>,
    /// Requests with this key are rejected, unless it is empty.
    pub rejected_key: &'static str,
    /// The number of messages that SQS has to accept before the key is rejected.
    pub rejected_after: usize,
    /// The time by which the clock of the services is ahead.
    pub ahead: Duration,
}

impl Amazon {
    pub fn new() -> Self {
        let database = EmbeddedDatabase::open(":memory:").unwrap();
        Self { database, requests: Arc::default(), sent: Arc::default(), behaviour: Arc::default() }
    }

    /// Returns the only request that reading a message makes.
    pub fn asked_by(builder: Builder) -> Request {
        let amazon = Self::new();
        let postbox = builder.http_client(amazon.clone()).open().unwrap();
        let error = postbox.get_message("id").unwrap_err();
        assert_eq!(error.code(), ErrorCode::TableNotFound, "{error}");
        let mut requests = amazon.take();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    /// Returns the requests since the last call.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// Returns the bodies of the messages that SQS has accepted, in order.
    pub fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }

    /// Returns the response of SQS to a batch, in which every message was accepted.
    fn accept(&self, request: &HttpRequest) -> String {
        let body: serde_json::Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let entries = body["Entries"].as_array().unwrap();
        self.sent.lock().unwrap().extend(entries.iter().map(|entry| entry["MessageBody"].as_str().unwrap().to_owned()));
        let accepted = |entry: &serde_json::Value| serde_json::json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""});
        let accepted: Vec<_> = entries.iter().map(accepted).collect();
        serde_json::json!({"Successful": accepted, "Failed": []}).to_string()
    }

    pub fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        self.behaviour.lock().unwrap()
    }
}

impl Behaviour {
    /// Returns the response to a request that is not executed.
    fn reject(&self, sent: usize, signature: &str, signed_at: &str) -> Option<(u16, &'static str)> {
        if self.response.is_some() {
            return self.response;
        }
        let is_rejected = !self.rejected_key.is_empty() && sent >= self.rejected_after;
        if is_rejected && signature.contains(self.rejected_key) {
            return Some((400, r#"{"__type":"ExpiredTokenException","message":"The security token is expired"}"#));
        }
        let signed_at = DateTime::from_str(&iso(signed_at), Format::DateTime).unwrap();
        let late = self.now().duration_since(signed_at.try_into().unwrap()).unwrap_or_default();
        let rejection = r#"{"__type":"InvalidSignatureException","message":"Signature expired: it is too old"}"#;
        (late > Duration::from_secs(300)).then_some((400, rejection))
    }

    fn now(&self) -> SystemTime {
        SystemTime::now() + self.ahead
    }
}

/// Converts the time in a signature, such as `20261128T101500Z`.
fn iso(time: &str) -> String {
    let part = |from: usize, to: usize| &time[from..to];
    format!("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 6), part(6, 8), part(9, 11), part(11, 13), part(13, 15))
}

/// Returns the response of STS to a web identity, or of IAM Identity Center to the token of a session. The access key of the
/// credentials is the token.
fn credentials(request: &HttpRequest) -> Option<String> {
    if let Some(token) = request.headers().get("x-amz-sso_bearer_token") {
        let expiration = DateTime::from(SystemTime::now() + LIFETIME).to_millis().unwrap();
        let keys = serde_json::json!({"accessKeyId": token, "secretAccessKey": "s", "sessionToken": "t", "expiration": expiration});
        return Some(serde_json::json!({ "roleCredentials": keys }).to_string());
    }
    let form = std::str::from_utf8(request.body().bytes()?).ok()?;
    let token = form.split('&').find_map(|field| field.strip_prefix("WebIdentityToken="))?;
    let expiration = DateTime::from(SystemTime::now() + LIFETIME).fmt(Format::DateTime).unwrap();
    let keys =
        format!("<AccessKeyId>{token}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>");
    let keys = format!("<Credentials>{keys}<Expiration>{expiration}</Expiration></Credentials>");
    let result = format!("<AssumeRoleWithWebIdentityResult>{keys}</AssumeRoleWithWebIdentityResult>");
    Some(format!("<AssumeRoleWithWebIdentityResponse>{result}</AssumeRoleWithWebIdentityResponse>"))
}

fn ready(status: u16, body: impl Into<SdkBody>) -> HttpConnectorFuture {
    HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), body.into())))
}

impl HttpConnector for Amazon {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name: &str| request.headers().get(name).unwrap_or_default().to_owned();
        let signature = header("authorization");
        let behaviour = self.behaviour();
        let credentials = credentials(&request);
        let rejection = match credentials {
            Some(_) => None,
            None => behaviour.reject(self.sent.lock().unwrap().len(), &signature, &header("x-amz-date")),
        };
        self.requests.lock().unwrap().push(Request {
            address: request.uri().to_owned(),
            signature,
            agent: header("x-amz-user-agent"),
        });
        let date = DateTime::from(behaviour.now()).fmt(Format::HttpDate).unwrap();
        // The header of AWS has no fractions of a second.
        let date = date.split('.').next().unwrap().trim_end_matches(" GMT").to_owned() + " GMT";
        let response = match (rejection, credentials) {
            (Some((status, body)), _) => ready(status, body),
            (None, Some(credentials)) => ready(200, credentials),
            (None, None) if header("x-amz-target") == "AmazonSQS.SendMessageBatch" => ready(200, self.accept(&request)),
            (None, None) => self.database.call(request),
        };
        HttpConnectorFuture::new(async move {
            let mut response = response.await?;
            response.headers_mut().insert("date", date);
            response.headers_mut().insert("x-amzn-requestid", "1");
            Ok(response)
        })
    }
}

impl HttpClient for Amazon {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
