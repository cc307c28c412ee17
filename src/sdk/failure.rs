//! The conversion of errors of the SDK into errors of Postbox.

use crate::model::error::{Error, ErrorCode};
use crate::sdk::error_chain::{bounded, causes, find_in_chain};
use crate::sdk::rejection::is_about_credentials;
use crate::sdk::server_clock::is_about_the_time;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use std::error::Error as StdError;

/// The address to which a request was sent, attached to its response.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint(String);

impl Endpoint {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        Self(without_path(request.uri()).to_owned())
    }
}

/// Returns the scheme and the host of a URL. The path can contain more than an address.
pub(crate) fn without_path(url: &str) -> &str {
    url.match_indices('/').nth(2).map_or(url, |(end, _)| &url[..end])
}

/// The known effect of a failed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The request did not take effect.
    None,
    /// The request may have taken effect: it was sent, and no reliable response arrived.
    Unknown,
}

/// Returns whether this error code of DynamoDB is transient, so that the same request may succeed a moment later.
pub(crate) fn is_transient(code: &str) -> bool {
    matches!(
        code,
        "TransactionConflict"
            | "TransactionConflictException"
            | "TransactionInProgressException"
            | "ThrottlingError"
            | "ThrottlingException"
            | "Throttling"
            | "ProvisionedThroughputExceeded"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "ReplicatedWriteConflictException"
            | "InternalServerError"
            | "InternalServerErrorException"
            | "ServiceUnavailable"
            | "ServiceUnavailableException"
    )
}

/// Returns the known effect of a failed request. A 5xx response does not show whether the write took effect, and a
/// transaction that is in progress may still take effect.
pub(crate) fn effect<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Effect {
    match error {
        SdkError::ConstructionFailure(_) => Effect::None,
        SdkError::DispatchFailure(_) if never_connected(error_source(error)) => Effect::None,
        SdkError::ServiceError(response) if response.err().code() == Some("TransactionInProgressException") => {
            Effect::Unknown
        }
        // A proxy may have forwarded the request before it replaced the response.
        SdkError::ServiceError(response) if response.err().code().is_none() => Effect::Unknown,
        SdkError::ServiceError(response) if response.raw().status().as_u16() < 500 => Effect::None,
        _ => Effect::Unknown,
    }
}

/// Converts the failure of `operation` (`PutItem`) on `subject` (`table orders`) into an error of Postbox.
pub(crate) fn explain<E>(operation: &str, subject: &str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    if let SdkError::ServiceError(response) = &error {
        let status = response.raw().status().as_u16();
        let metadata = response.err().meta();
        let Some(code) = metadata.code() else { return foreign(operation, subject, response.raw()) };
        let message = metadata.message().unwrap_or("no message");
        let message = match response.raw().body().bytes().and_then(throttling_reasons) {
            Some(reasons) => format!("{} ({reasons})", bounded(message)),
            None => bounded(message).to_owned(),
        };
        return service_error(operation, subject, code, &message, status);
    }
    if let Some(credentials) = find_in_chain::<CredentialsError>(&error) {
        return Error::new(
            ErrorCode::NoAwsConfig,
            format!(
                "{operation} on {subject}: no AWS credentials: {}. Set access_key_id and secret_access_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, or run where a role is attached",
                causes(credentials)
            ),
        )
        .with_source(error);
    }
    match &error {
        SdkError::TimeoutError(_) => {
            Error::new(ErrorCode::Timeout, format!("{operation} on {subject}: no response within the timeout"))
                .retryable()
        }
        // The configuration of this machine prevents the connection, and the text contains the remedy.
        SdkError::DispatchFailure(dispatch) if dispatch.is_user() => {
            Error::new(ErrorCode::NoAwsConfig, format!("{operation} on {subject}: {}", causes(&error)))
        }
        SdkError::DispatchFailure(_) => Error::new(
            ErrorCode::Unreachable,
            format!(
                "{operation} on {subject}: the endpoint could not be reached: {}. Check {}",
                causes(&error),
                to_check(&error, "endpoint_url")
            ),
        )
        .retryable(),
        SdkError::ResponseError(_) => Error::new(
            ErrorCode::Unreachable,
            format!("{operation} on {subject}: the response could not be read: {}", causes(&error)),
        )
        .retryable(),
        _ => Error::new(
            ErrorCode::InvalidArgument,
            format!("{operation} on {subject}: the request could not be built: {}", causes(&error)),
        ),
    }
    .with_source(error)
}

/// Returns what the user should check if a server was not reached. The setting names its endpoint.
pub(crate) fn to_check(error: &(dyn StdError + 'static), setting: &str) -> String {
    match find_in_chain::<rustls::Error>(error) {
        Some(rustls::Error::InvalidCertificate(_)) => {
            "the CA certificates (AWS_CA_BUNDLE or SSL_CERT_FILE) and the host in the certificate".into()
        }
        _ => format!("{setting}, region and the network"),
    }
}

const KEY_ADVICE: &str = "Allow kms:Decrypt and kms:GenerateDataKey on the KMS key of the table (its SSEDescription) in the caller's IAM policy and in the policy of the key, and check that the key is enabled. To create the table, the caller also needs kms:Encrypt, kms:ReEncrypt*, kms:GenerateDataKey*, kms:DescribeKey and kms:CreateGrant";

/// Returns whether this is an error code of any service for a KMS key, such as `KMS.DisabledException`, `KMSAccessDenied`
/// and `KmsInvalidState`. A throttled KMS works again without an operator.
pub(crate) fn is_key_code(code: &str) -> bool {
    let code = code.to_ascii_lowercase();
    code.starts_with("kms") && !code.contains("throttl")
}

/// Returns whether an error response is about the KMS key of a table.
fn is_key_failure(code: &str, message: &str) -> bool {
    let is_denial = code.to_ascii_lowercase().starts_with("accessdenied");
    is_key_code(code) || is_denial && (message.contains("KMS") || message.contains("kms:"))
}

/// Converts an error response of DynamoDB into an error of Postbox. The error code of the response determines the
/// result.
pub(crate) fn service_error(operation: &str, subject: &str, code: &str, message: &str, status: u16) -> Error {
    let (kind, advice) = match code {
        _ if is_key_failure(code, message) => (ErrorCode::AccessDenied, KEY_ADVICE),
        "ResourceNotFoundException" | "ResourceNotFound" => {
            (ErrorCode::TableNotFound, "Check the table's name, the region and the account, or create it")
        }
        "AccessDeniedException" | "AccessDenied" => {
            (ErrorCode::AccessDenied, "Allow the action in the caller's IAM policy")
        }
        _ if is_about_a_full_disk(message) => {
            (ErrorCode::NoResources, "Nothing was written. Free space on the disk of the embedded database")
        }
        _ if is_about_the_time(message) => (ErrorCode::AccessDenied, "Correct the clock of this machine"),
        _ if is_about_credentials(code) => (ErrorCode::AccessDenied, "Renew or correct the AWS credentials"),
        _ if is_transient(code) && status < 500 => (ErrorCode::Throttled, "Try again later"),
        _ if status >= 500 => (ErrorCode::Unreachable, "Try again later"),
        _ => (ErrorCode::ServiceError, ""),
    };
    let error = Error::new(
        kind,
        format!("{operation} on {subject}: DynamoDB says {code}: {message}. {advice}").trim_end().to_owned(),
    );
    match kind {
        ErrorCode::Throttled | ErrorCode::Unreachable | ErrorCode::NoResources => error.retryable(),
        _ => error,
    }
}

/// Returns whether the embedded database could not write for lack of space. DynamoDB has no such error.
pub(crate) fn is_about_a_full_disk(message: &str) -> bool {
    message.contains("database or disk is full")
}

/// Returns the error for a response without an error code of DynamoDB, such as the page of a proxy or a redirect. Its body is
/// not shown, because it can contain anything.
fn foreign(operation: &str, subject: &str, response: &HttpResponse) -> Error {
    let text = format!("{operation} on {subject}: {}", not_from("DynamoDB", response, "endpoint_url"));
    match response.status().as_u16() {
        500.. => Error::new(ErrorCode::Unreachable, text + ". Try again later").retryable(),
        _ => Error::new(ErrorCode::ServiceError, text),
    }
}

/// Returns the text for a response that this service has not sent. The setting names its endpoint.
pub(crate) fn not_from(service: &str, response: &HttpResponse, setting: &str) -> String {
    format!(
        "the response is not from {service}: {}. Check {setting}, region, and the proxies between this machine and the endpoint",
        describe(response)
    )
}

/// Describes a response by its status and the headers that show who sent it.
pub(crate) fn describe(response: &HttpResponse) -> String {
    let header = |name: &str| {
        // The query of a location can contain a secret.
        let value = response.headers().get(name)?.split(['?', '#']).next()?;
        Some(format!("{} {}", name.replace('-', " "), bounded(value)))
    };
    let endpoint =
        response.extension::<Endpoint>().map_or_else(String::new, |endpoint| format!(" from {}", endpoint.0));
    let status = format!("HTTP status {}{endpoint}", response.status().as_u16());
    let mut parts = vec![status, header("content-type").unwrap_or("no content type".into())];
    parts.extend(["location", "server", "via"].into_iter().filter_map(header));
    parts.join(", ")
}

/// Returns the limits that a throttled request exceeded, each with its table or index.
fn throttling_reasons(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    // Some exceptions of DynamoDB spell this name with a capital letter.
    let reasons = body.get("throttlingReasons").or_else(|| body.get("ThrottlingReasons"))?.as_array()?;
    let texts: Vec<String> = reasons
        .iter()
        .filter_map(|reason| match (reason.get("reason")?.as_str()?, reason.get("resource")?.as_str()) {
            (limit, Some(resource)) => Some(format!("{limit} on {resource}")),
            (limit, None) => Some(limit.to_owned()),
        })
        .collect();
    (!texts.is_empty()).then(|| bounded(&texts.join(", ")).to_owned())
}

/// Returns whether DynamoDB rejected a request for lack of a permission, and not for expired credentials or a wrong
/// signature or a key that cannot be used. A retry does not help if a permission is missing.
pub(crate) fn is_denied(error: &Error) -> bool {
    error.code() == ErrorCode::AccessDenied
        && error.message().contains("DynamoDB says AccessDenied")
        && !error.message().contains(KEY_ADVICE)
}

/// Returns whether no connection was established, so that no request can have been sent.
pub(crate) fn never_connected(source: Option<&(dyn StdError + 'static)>) -> bool {
    let mut current = source;
    while let Some(error) = current {
        if let Some(client) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            return client.is_connect();
        }
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && io.kind() == std::io::ErrorKind::ConnectionRefused
        {
            return true;
        }
        if error.is::<CredentialsError>() {
            return true;
        }
        current = error.source();
    }
    false
}

/// Returns whether no request was made because there are no credentials.
pub(crate) fn is_credentials<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: StdError + 'static,
{
    find_in_chain::<CredentialsError>(error).is_some()
}

fn error_source<E>(error: &SdkError<E, HttpResponse>) -> Option<&(dyn StdError + 'static)> {
    match error {
        SdkError::DispatchFailure(failure) => failure.as_connector_error().and_then(|e| e.source()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_cannot_be_used_is_named_and_is_no_missing_permission_on_the_table() {
        let denied = "KMS key access denied error: User is not authorized to perform: kms:Decrypt";
        for (code, message) in [
            ("AccessDeniedException", denied),
            ("KMSAccessDeniedException", "no"),
            ("KMS.DisabledException", "no"),
            ("KMSInvalidStateException", "no"),
            ("KMSNotFoundException", "no"),
        ] {
            let error = service_error("PutItem", "table orders", code, message, 400);
            assert_eq!((error.code(), is_denied(&error)), (ErrorCode::AccessDenied, false), "{error}");
            assert!(error.message().contains("KMS key of the table"), "{error}");
        }
        let error = service_error("PutItem", "table orders", "AccessDeniedException", "dynamodb:PutItem", 400);
        assert!(is_denied(&error) && !error.message().contains("KMS"), "{error}");
    }

    #[test]
    fn rejected_credentials_are_no_missing_permission() {
        for code in [
            "ExpiredTokenException",
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "SignatureDoesNotMatch",
            "MissingAuthenticationTokenException",
        ] {
            let error = service_error("PutItem", "table orders", code, "no", 400);
            assert_eq!((error.code(), is_denied(&error)), (ErrorCode::AccessDenied, false), "{error}");
            assert!(error.message().contains("Renew or correct the AWS credentials"), "{error}");
        }
        assert_eq!(service_error("PutItem", "table orders", "Expired", "no", 400).code(), ErrorCode::ServiceError);
    }
}
