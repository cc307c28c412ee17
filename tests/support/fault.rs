//! A fault of one request, and the response that its sender gets.

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// A fault of one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The request takes its normal course.
    Pass,
    /// DynamoDB responds with an error; the request has no effect.
    Refuse { status: u16, code: &'static str, message: &'static str },
    /// The sender gets this response, which the test has written; the request has no effect.
    Answer { status: u16, body: Value },
    /// The request takes effect, and the sender gets this response, which the test has written.
    AnswerAfter { status: u16, body: Value },
    /// The sender gets this response of SNS, which the test has written in XML; the request has no effect.
    Xml { status: u16, body: String },
    /// The transaction is cancelled with these codes, one per action, and has no effect. Further actions get the last
    /// code.
    Cancel(&'static [&'static str]),
    /// The sender gets a connection refused error.
    ConnectionRefused,
    /// The connection breaks before the request arrives. To the sender this looks like [`Fault::AnswerLost`].
    RequestLost,
    /// The request takes effect, then the connection breaks.
    AnswerLost,
    /// The request never arrives, and no response ever comes.
    Hang,
    /// The request takes effect, and no response ever comes.
    HangAfter,
    /// The request waits for this time, then takes its normal course.
    Delay(Duration),
    /// The request waits until the test opens the gate, then takes its normal course.
    Wait(Gate),
    /// The sender gets no response. The request takes effect after the test opens `from`; then `arrived` opens.
    Late { from: Gate, arrived: Gate },
    /// The request takes its normal course, and the test sets the member at this JSON pointer of the response.
    Edit { pointer: &'static str, value: Value },
    /// BatchGetItem looks up only this many keys and returns the others as UnprocessedKeys.
    Unprocessed { after: usize },
    /// BatchExecuteStatement fails the statements at these positions with this code in a response
    /// of status 200, and executes the others.
    Statements { at: Vec<usize>, code: &'static str },
}

impl Fault {
    pub fn throttle() -> Self {
        Self::Refuse { status: 400, code: "ThrottlingException", message: "Rate of requests exceeds the limit" }
    }

    /// Another transaction is writing one of the items.
    pub fn conflict() -> Self {
        Self::Cancel(&["TransactionConflict"])
    }

    /// An earlier request with the same token is still in progress.
    pub fn in_progress() -> Self {
        Self::Refuse { status: 400, code: "TransactionInProgressException", message: "The transaction is in progress" }
    }

    pub fn access_denied() -> Self {
        Self::Refuse { status: 400, code: "AccessDeniedException", message: "User is not authorized to perform this" }
    }

    pub fn expired_token() -> Self {
        Self::Refuse { status: 400, code: "ExpiredTokenException", message: "The security token is expired" }
    }

    /// An error that does not show whether the request took effect.
    pub fn server_error() -> Self {
        Self::Refuse { status: 500, code: "InternalServerError", message: "Internal server error" }
    }
}

/// A gate that holds requests back until the test opens it. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// Creates a closed gate.
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets all requests through, now and later.
    pub fn open(&self) {
        self.0.close();
    }

    pub async fn pass(&self) {
        // The semaphore never has a permit. `open` closes the semaphore, which ends this call with an error.
        let _ = self.0.acquire().await;
    }
}

/// A recorded request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The position of the request among the recorded requests, from 1.
    pub number: usize,
    /// Such as `PutItem`.
    pub operation: String,
    /// The body in JSON. The parameters of a request to SNS, which are a form, are the fields of an object.
    pub body: Value,
}

impl Request {
    pub fn new(number: usize, target: &str, body: &[u8]) -> Self {
        match target.rsplit_once('.') {
            Some((_, operation)) => {
                Self { number, operation: operation.into(), body: serde_json::from_slice(body).unwrap_or_default() }
            }
            None => {
                let form = String::from_utf8_lossy(body);
                let fields: serde_json::Map<_, _> = form
                    .split('&')
                    .filter_map(|field| field.split_once('='))
                    .map(|(name, value)| (name.into(), value.into()))
                    .collect();
                let operation = fields.get("Action").and_then(Value::as_str).unwrap_or_default().to_owned();
                Self { number, operation, body: Value::Object(fields) }
            }
        }
    }
}

pub type Answer = Result<HttpResponse, ConnectorError>;

/// Returns the response to this request under this fault.
pub async fn answer(inner: &SharedHttpConnector, request: HttpRequest, recorded: &Request, fault: Fault) -> Answer {
    match fault {
        Fault::Pass => inner.call(request).await,
        Fault::Refuse { status, code, message } => respond(status, &refusal(code, message)),
        Fault::Answer { status, body } => respond(status, &body),
        Fault::AnswerAfter { status, body } => {
            inner.call(request).await?;
            respond(status, &body)
        }
        Fault::Xml { status, body } => {
            Ok(HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body)))
        }
        Fault::Cancel(codes) => respond(400, &cancellation(recorded, codes)),
        Fault::ConnectionRefused => {
            Err(ConnectorError::io(std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into()))
        }
        Fault::RequestLost => Err(connection_reset()),
        Fault::AnswerLost => {
            inner.call(request).await?;
            Err(connection_reset())
        }
        Fault::Hang => std::future::pending().await,
        Fault::HangAfter => {
            inner.call(request).await?;
            std::future::pending().await
        }
        Fault::Delay(time) => {
            tokio::time::sleep(time).await;
            inner.call(request).await
        }
        Fault::Wait(gate) => {
            gate.pass().await;
            inner.call(request).await
        }
        Fault::Late { from, arrived } => {
            let inner = inner.clone();
            tokio::spawn(async move {
                from.pass().await;
                let _ = inner.call(request).await;
                arrived.open();
            });
            std::future::pending().await
        }
        Fault::Edit { pointer, value } => {
            let mut body = read(inner.call(request).await?).await;
            let (object, name) = pointer.rsplit_once('/').expect("a pointer to a member");
            let object = body.pointer_mut(object).and_then(Value::as_object_mut).expect("an object");
            object.insert(name.to_owned(), value);
            respond(200, &body)
        }
        Fault::Unprocessed { after } => unprocessed(inner, request, recorded, after).await,
        Fault::Statements { at, code } => statements(inner, request, recorded, &at, code).await,
    }
}

async fn unprocessed(inner: &SharedHttpConnector, request: HttpRequest, recorded: &Request, after: usize) -> Answer {
    let mut asked = recorded.body.clone();
    let mut left = recorded.body["RequestItems"].clone();
    for (table, rest) in left.as_object_mut().expect("a BatchGetItem") {
        let keys = rest["Keys"].as_array_mut().expect("keys");
        let kept = keys.drain(..after.min(keys.len())).collect::<Vec<_>>();
        asked["RequestItems"][table]["Keys"] = Value::Array(kept);
    }
    let mut found = match after {
        0 => json!({ "Responses": {} }),
        _ => read(inner.call(with_body(request, &asked)).await?).await,
    };
    found["UnprocessedKeys"] = left;
    respond(200, &found)
}

async fn statements(
    inner: &SharedHttpConnector,
    request: HttpRequest,
    recorded: &Request,
    at: &[usize],
    code: &str,
) -> Answer {
    let all = recorded.body["Statements"].as_array().expect("a BatchExecuteStatement").clone();
    let passed: Vec<Value> = all
        .iter()
        .enumerate()
        .filter(|(index, _)| !at.contains(index))
        .map(|(_, statement)| statement.clone())
        .collect();
    let mut answers = VecDeque::new();
    if !passed.is_empty() {
        let mut body = recorded.body.clone();
        body["Statements"] = Value::Array(passed);
        let executed = read(inner.call(with_body(request, &body)).await?).await;
        answers.extend(executed["Responses"].as_array().expect("responses").iter().cloned());
    }
    let responses: Vec<Value> = (0..all.len())
        .map(|index| match at.contains(&index) {
            true => json!({ "Error": { "Code": code, "Message": "injected" } }),
            false => answers.pop_front().expect("an answer per statement"),
        })
        .collect();
    respond(200, &json!({ "Responses": responses }))
}

fn with_body(mut request: HttpRequest, body: &Value) -> HttpRequest {
    let body = body.to_string();
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
    request
}

/// Parses the body of a response. The responses of a server are not in memory yet.
async fn read(mut response: HttpResponse) -> Value {
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let bytes = ByteStream::new(body).collect().await.expect("the whole response").into_bytes();
    serde_json::from_slice(&bytes).expect("JSON")
}

fn refusal(code: &str, message: &str) -> Value {
    json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message })
}

fn cancellation(recorded: &Request, codes: &[&str]) -> Value {
    let actions = recorded.body["TransactItems"].as_array().map_or(0, Vec::len);
    let reasons: Vec<Value> = (0..actions)
        .map(|index| match codes.get(index).or(codes.last()) {
            Some(&code) if code != "None" => json!({ "Code": code, "Message": format!("injected {code}") }),
            _ => json!({ "Code": "None" }),
        })
        .collect();
    let mut body = refusal("TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons");
    body["CancellationReasons"] = Value::Array(reasons);
    body
}

fn respond(status: u16, body: &Value) -> Answer {
    let status = StatusCode::try_from(status).expect("a status");
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    Ok(response)
}

fn connection_reset() -> ConnectorError {
    ConnectorError::io(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into())
}
