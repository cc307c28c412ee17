//! The retry of requests that AWS rejected for their signature.

use crate::sdk::credentials::{Renewable, Signer};
use crate::sdk::server_clock::says_that_the_time_is_wrong;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority};

/// The error codes for credentials that have expired or do not exist any more, of DynamoDB, SNS and SQS. Other credentials
/// may have replaced them.
const REPLACEABLE: [&str; 5] =
    ["ExpiredToken", "UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId", "RequestExpired"];
/// The error codes for credentials that sign incorrectly or not at all.
const INVALID: [&str; 5] = [
    "InvalidSignature",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "InvalidSecurity",
];

/// Returns whether this error code of DynamoDB, SNS or SQS is about the credentials. The JSON protocols add `Exception` to some
/// of the codes.
pub(crate) fn is_about_credentials(code: &str) -> bool {
    let code = code.strip_suffix("Exception").unwrap_or(code);
    REPLACEABLE.contains(&code) || INVALID.contains(&code)
}

/// Retries a request that AWS rejected because its credentials have been replaced in the meantime, or because the clock of
/// this machine was wrong and is corrected now. AWS executes no such request, so the retry is safe.
#[derive(Debug)]
pub(crate) struct RejectedSignature {
    credentials: Renewable,
}

impl RejectedSignature {
    pub(crate) fn new(credentials: Renewable) -> Self {
        Self { credentials }
    }
}

/// Returns the verdict of [`RejectedSignature`], which no classifier of the SDK returns.
fn retry() -> RetryAction {
    RetryAction::client_error()
}

impl ClassifyRetry for RejectedSignature {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(response) = context.response().filter(|response| response.status().is_client_error()) else {
            return RetryAction::NoActionIndicated;
        };
        let are_rejected = says_that_credentials_are_rejected(response);
        let is_renewable = || {
            let signer = response.extension::<Signer>();
            signer.is_some_and(|signer| self.credentials.rejected(signer))
        };
        if says_that_the_time_is_wrong(response) || (are_rejected && is_renewable()) {
            return retry();
        }
        RetryAction::NoActionIndicated
    }

    fn name(&self) -> &'static str {
        "RejectedSignature"
    }
}

/// Prevents all retries except those of [`RejectedSignature`], for requests that Postbox retries itself.
#[derive(Debug)]
pub(crate) struct NoOtherRetry;

impl ClassifyRetry for NoOtherRetry {
    fn classify_retry(&self, _: &InterceptorContext) -> RetryAction {
        RetryAction::RetryForbidden
    }

    fn classify_retry_v2(&self, context: &InterceptorContext, previous: &RetryAction) -> RetryAction {
        if *previous == retry() { RetryAction::NoActionIndicated } else { self.classify_retry(context) }
    }

    fn name(&self) -> &'static str {
        "NoOtherRetry"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::default())
    }
}

fn says_that_credentials_are_rejected(response: &HttpResponse) -> bool {
    let body = response.body().bytes().unwrap_or_default();
    let start = String::from_utf8_lossy(&body[..body.len().min(1024)]);
    REPLACEABLE.iter().any(|code| start.contains(code))
}
