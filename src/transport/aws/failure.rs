//! Failures of SNS and SQS, and whether a retry may succeed.

use crate::sdk::error_chain::{bounded, causes, find_in_chain};
use crate::sdk::failure::{is_key_code, not_from, to_check};
use crate::sdk::rejection::is_about_credentials;
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
    /// The response of the service, if it responded.
    refusal: Option<Refusal>,
}

/// The rejection of a request or of one message of it, with the code and message of the service.
#[derive(Clone, Debug)]
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
    /// The KMS key that encrypts the topic or queue cannot be used.
    Key,
    /// The message itself is invalid, so that no later attempt can succeed.
    Content,
    Other,
}

impl Cause {
    fn of(code: &str) -> Self {
        // The older error codes of SQS have this prefix.
        match code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code) {
            code if is_key_code(code) => Self::Key,
            code if is_about_credentials(code) => Self::Credentials,
            "NotFound" | "NotFoundException" | "ResourceNotFound" | "NonExistentQueue" | "QueueDoesNotExist" => {
                Self::Missing
            }
            "AuthorizationError" | "AuthorizationErrorException" | "AccessDenied" | "AccessDeniedException" => {
                Self::Denied
            }
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
            Self::Key => {
                ". Allow kms:GenerateDataKey and kms:Decrypt on the KMS key of the topic or queue (its KmsMasterKeyId) in the caller's IAM policy and in the policy of the key, and check that the key is enabled"
            }
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
        let (why, refusal) = match error {
            SdkError::ServiceError(response) => match Refusal::of(response.err(), response.raw()) {
                Some(refusal) => (refusal.text(), Some(refusal)),
                None => (not_from("AWS", response.raw(), "transport_endpoint_url"), None),
            },
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
        Self { text: format!("{operation} on {subject}: {why}"), refusal }
    }

    pub(super) fn new(text: String) -> Self {
        Self { text, refusal: None }
    }

    fn cause(&self) -> Cause {
        self.refusal.as_ref().map_or(Cause::Other, Refusal::cause)
    }

    /// Returns the outcome of each message of the request. If the cause is the content of a message, other messages may
    /// still be sent, so the outcome is not `Unavailable`.
    pub(super) fn outcome(&self) -> SendOutcome {
        let text = self.text.clone();
        match &self.refusal {
            Some(refusal) if refusal.is_final() => SendOutcome::Reject(text),
            _ if self.is_content() => SendOutcome::Retry(text),
            _ => SendOutcome::Unavailable(text),
        }
    }

    /// Returns whether the topic or queue does not exist.
    pub(super) fn is_missing(&self) -> bool {
        self.cause() == Cause::Missing
    }

    #[cfg_attr(not(feature = "sns"), allow(dead_code))]
    pub(super) fn is_denied(&self) -> bool {
        self.cause() == Cause::Denied
    }

    /// Returns whether the service rejected the message group.
    pub(super) fn names_group(&self) -> bool {
        self.refusal.as_ref().is_some_and(Refusal::names_group)
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
    fn cause(&self) -> Cause {
        Cause::of(&self.code)
    }

    /// Returns the error of a response, or `None` if the response is not from AWS.
    fn of(error: &impl ProvideErrorMetadata, response: &HttpResponse) -> Option<Self> {
        Some(Self {
            code: error.code()?.to_owned(),
            message: error.message().unwrap_or("no message").to_owned(),
            sender_fault: response.status().is_client_error(),
        })
    }

    fn text(&self) -> String {
        let message = bounded(&self.message);
        let advice = match self.cause() {
            _ if is_about_the_time(message) => ". Correct the clock of this machine",
            cause => cause.advice(),
        };
        format!("{}: {}{advice}", self.code, message.trim_end_matches('.'))
    }

    /// Returns whether the service rejected the message group. The value of a group is always valid, so the service
    /// accepts no group for this topic or queue.
    pub(super) fn names_group(&self) -> bool {
        self.sender_fault && self.message.contains("MessageGroupId")
    }

    /// Returns whether the service would never accept the message unchanged.
    fn is_final(&self) -> bool {
        self.sender_fault && self.cause() == Cause::Content && self.names_content()
    }

    /// Returns whether the same message may be accepted a moment later.
    pub(super) fn is_transient(&self) -> bool {
        !self.sender_fault
    }

    /// Returns whether the service rejected the message because of the message's content. Other rejections with the
    /// same codes are caused by the configuration of the topic or queue.
    fn names_content(&self) -> bool {
        if matches!(self.code.as_str(), "InvalidMessageContents" | "MessageTooLong" | "BatchRequestTooLong") {
            return true;
        }
        let message = self.message.to_ascii_lowercase();
        ["too long", "must be shorter", "empty message", "invalid characters", "message too large"]
            .iter()
            .any(|words| message.contains(words))
    }

    /// Returns the outcome of the message.
    pub(super) fn outcome(&self) -> SendOutcome {
        let text = self.text();
        match self.cause() {
            _ if self.is_final() => SendOutcome::Reject(text),
            Cause::Key => SendOutcome::Unavailable(text),
            _ => SendOutcome::Retry(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_failed_key_is_a_failure_of_the_target() {
        for code in [
            "KMS.AccessDeniedException",
            "KMS.DisabledException",
            "KMS.InvalidStateException",
            "KMS.NotFoundException",
            "KMS.OptInRequired",
            "KMSAccessDenied",
            "KMSDisabledException",
            "KmsAccessDenied",
            "KmsInvalidKeyUsage",
        ] {
            let refusal = Refusal { code: code.into(), message: "no.".into(), sender_fault: true };
            let SendOutcome::Unavailable(text) = refusal.outcome() else { panic!("{code}") };
            assert!(text.contains("KmsMasterKeyId"), "{text}");
        }
        assert_eq!(Cause::of("KMS.ThrottlingException"), Cause::Other);
    }

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
