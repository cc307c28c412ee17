//! Why SNS or SQS did not take messages, and whether they may take them later.

use crate::sdk::error_chain::{bounded, causes, find_in_chain};
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
    /// The service's code, if it answered.
    code: Option<String>,
}

/// One message of a request that was refused, by the service's words.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
    /// Whether the request is at fault, and not the service.
    pub(super) sender_fault: bool,
}

/// What kind of cause a code names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The topic or queue does not exist.
    Missing,
    /// The permission is missing.
    Denied,
    /// The credentials are wrong or have expired.
    Credentials,
    /// The message itself: no later attempt will do.
    Content,
    Other,
}

impl Cause {
    fn of(code: &str) -> Self {
        // Older codes of SQS have the prefix.
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

    /// What to do, for the end of a message.
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
    /// The failure of `operation` (`PublishBatch`) on `subject` (`topic arn:...`).
    pub(super) fn of<E>(operation: &str, subject: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let (why, code) = match error {
            SdkError::ServiceError(refusal) => {
                let metadata = refusal.err().meta();
                let code = metadata.code().unwrap_or("no code");
                let message = bounded(metadata.message().unwrap_or("no message"));
                let advice = Cause::of(code).advice();
                (format!("{code}: {}{advice}", message.trim_end_matches('.')), Some(code.to_owned()))
            }
            _ if find_in_chain::<CredentialsError>(error).is_some() => {
                (format!("no AWS credentials: {}{}", causes(error), Cause::Credentials.advice()), None)
            }
            SdkError::TimeoutError(_) => ("no answer within the timeout".into(), None),
            SdkError::DispatchFailure(_) => {
                let text = causes(error);
                (format!("it could not be reached: {text}. Check transport_endpoint_url, region and the network"), None)
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

    /// Whether the topic or queue is not there.
    pub(super) fn is_missing(&self) -> bool {
        self.cause() == Cause::Missing
    }

    /// Whether a message of the request is to blame, perhaps one only.
    pub(super) fn is_content(&self) -> bool {
        self.cause() == Cause::Content
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::new(format!("the request could not be made: {error}"))
    }
}

impl Refusal {
    /// Whether the same message may be taken a moment later.
    pub(super) fn is_passing(&self) -> bool {
        !self.sender_fault
    }

    /// Only what no change around the message can mend is rejected.
    pub(super) fn outcome(&self) -> SendOutcome {
        let cause = Cause::of(&self.code);
        let message = bounded(&self.message);
        let text = format!("{}: {}{}", self.code, message.trim_end_matches('.'), cause.advice());
        match cause {
            Cause::Content if self.sender_fault => SendOutcome::Reject(text),
            _ => SendOutcome::Retry(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wrong_with_the_message_itself_is_rejected() {
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
