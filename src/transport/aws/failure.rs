//! Failures of SNS and SQS, and whether a retry may succeed.

use crate::sdk::error_chain::{bounded, causes, find_in_chain};
use crate::sdk::failure::{describe, to_check};
use crate::sdk::server_clock::is_about_the_time;
use crate::transport::SendOutcome;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;
use std::error::Error as StdError;

/// A request that failed as a whole.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) text: String,
    /// The code of the service, if it responded.
    code: Option<String>,
}

/// The rejection of one message of a request, with the code and message of the service.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
    /// Whether the cause is the request and not the service.
    pub(super) sender_fault: bool,
}

/// The cause of a failure, as far as the error code of SNS or SQS shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The topic or queue does not exist.
    Missing,
    /// The permission is missing.
    Denied,
    /// The credentials are wrong or have expired.
    Credentials,
    /// The message itself is invalid, so that no later attempt can succeed.
    Content,
    Other,
}

impl Cause {
    fn of(code: &str) -> Self {
        // The older error codes of SQS have this prefix.
        match code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code) {
            "NotFound" | "NotFoundException" | "ResourceNotFound" | "NonExistentQueue" | "QueueDoesNotExist" => {
                Self::Missing
            }
            "AuthorizationError"
            | "AuthorizationErrorException"
            | "AccessDenied"
            | "AccessDeniedException"
            | "KMSAccessDenied"
            | "KMSAccessDeniedException"
            | "KmsAccessDenied" => Self::Denied,
            "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "InvalidAccessKeyId"
            | "MissingAuthenticationToken"
            | "InvalidSecurity"
            | "RequestExpired" => Self::Credentials,
            "InvalidMessageContents"
            | "InvalidParameter"
            | "InvalidParameterException"
            | "InvalidParameterValue"
            | "ParameterValueInvalid"
            | "InvalidAttributeValue"
            | "MessageTooLong"
            | "BatchRequestTooLong" => Self::Content,
            _ => Self::Other,
        }
    }

    /// Returns the advice for the end of an error message.
    fn advice(self) -> &'static str {
        match self {
            Self::Missing => ". Create it, or correct the route",
            Self::Denied => ". Allow the action in the caller's IAM policy and in the policy of the topic or queue",
            Self::Credentials => ". Renew or correct the AWS credentials",
            Self::Content | Self::Other => "",
        }
    }
}

impl Failure {
    /// Creates the failure of `operation` (`PublishBatch`) on `subject` (`topic arn:...`).
    pub(super) fn of<E>(operation: &str, subject: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let (why, code) = match error {
            SdkError::ServiceError(refusal) => {
                let metadata = refusal.err().meta();
                match metadata.code() {
                    Some(code) => {
                        let message = bounded(metadata.message().unwrap_or("no message"));
                        let advice = match Cause::of(code) {
                            _ if is_about_the_time(message) => ". Correct the clock of this machine",
                            cause => cause.advice(),
                        };
                        (format!("{code}: {}{advice}", message.trim_end_matches('.')), Some(code.to_owned()))
                    }
                    None => {
                        let text = describe(refusal.raw());
                        (
                            format!(
                                "the response is not from AWS: {text}. Check transport_endpoint_url, region, and the proxies between this machine and the endpoint"
                            ),
                            None,
                        )
                    }
                }
            }
            _ if find_in_chain::<CredentialsError>(error).is_some() => {
                (format!("no AWS credentials: {}{}", causes(error), Cause::Credentials.advice()), None)
            }
            SdkError::TimeoutError(_) => ("no response within the timeout".into(), None),
            SdkError::DispatchFailure(dispatch) if !dispatch.is_user() => {
                let (text, check) = (causes(error), to_check(error, "transport_endpoint_url"));
                (format!("the endpoint could not be reached: {text}. Check {check}"), None)
            }
            _ => (causes(error), None),
        };
        Self { text: format!("{operation} on {subject}: {why}"), code }
    }

    pub(super) fn new(text: String) -> Self {
        Self { text, code: None }
    }

    fn cause(&self) -> Cause {
        self.code.as_deref().map_or(Cause::Other, Cause::of)
    }

    /// Returns the outcome of each message of the request. If the cause is the content of a message, other messages may
    /// still be sent, so the outcome is `Retry` and not `Unavailable`.
    pub(super) fn outcome(&self) -> SendOutcome {
        if self.is_content() {
            SendOutcome::Retry(self.text.clone())
        } else {
            SendOutcome::Unavailable(self.text.clone())
        }
    }

    /// Returns whether the topic or queue does not exist.
    pub(super) fn is_missing(&self) -> bool {
        self.cause() == Cause::Missing
    }

    /// Returns whether the cause is the content of at least one message of the request.
    pub(super) fn is_content(&self) -> bool {
        self.cause() == Cause::Content
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::new(format!("the request could not be built: {error}"))
    }
}

impl Refusal {
    /// Returns whether the same message may be accepted a moment later.
    pub(super) fn is_transient(&self) -> bool {
        !self.sender_fault
    }

    /// Returns whether the service rejected the message because of the message's content. Other rejections with the
    /// same codes are caused by the configuration of the topic or queue.
    fn names_content(&self) -> bool {
        if matches!(self.code.as_str(), "InvalidMessageContents" | "MessageTooLong") {
            return true;
        }
        let message = self.message.to_ascii_lowercase();
        ["too long", "must be shorter", "empty message", "invalid characters", "message too large"]
            .iter()
            .any(|words| message.contains(words))
    }

    /// Returns the outcome of the message. The message is rejected only if the service would never accept it unchanged.
    pub(super) fn outcome(&self) -> SendOutcome {
        let cause = Cause::of(&self.code);
        let message = bounded(&self.message);
        let text = format!("{}: {}{}", self.code, message.trim_end_matches('.'), cause.advice());
        match cause {
            Cause::Content if self.sender_fault && self.names_content() => SendOutcome::Reject(text),
            _ => SendOutcome::Retry(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_invalid_messages_are_rejected() {
        let outcome =
            |code: &str, sender_fault| Refusal { code: code.into(), message: "no.".into(), sender_fault }.outcome();
        assert_eq!(outcome("InvalidMessageContents", true), SendOutcome::Reject("InvalidMessageContents: no".into()));
        for (code, sender_fault, advice) in [
            ("InternalError", false, ""),
            ("InvalidParameter", false, ""),
            ("AuthorizationError", true, "IAM"),
            ("AWS.SimpleQueueService.NonExistentQueue", true, "Create it"),
            ("ExpiredToken", true, "Renew"),
            ("SomethingNew", true, ""),
        ] {
            let SendOutcome::Retry(text) = outcome(code, sender_fault) else { panic!("{code}") };
            assert!(text.contains(code) && text.contains(advice), "{text}");
        }
    }
}
