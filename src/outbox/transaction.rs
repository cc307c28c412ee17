//! Sends one transaction with one token, and retries it if this is safe.

use crate::model::error::{Error, ErrorCode, Reason};
use crate::outbox::Outbox;
use crate::outbox::action::{Action, ActionName};
use crate::sdk::failure::{self, Effect, is_transient};
use crate::sdk::retry::Retry;
use crate::sys::clock::Moment;
use crate::sys::random;
use crate::sys::simulation::{Mutation, mutated};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// The code of the reason of an action whose condition was not met.
const CONDITION_FAILED: &str = "ConditionalCheckFailed";

type Failure = SdkError<TransactWriteItemsError, HttpResponse>;

impl Outbox {
    /// Sends the transaction, and retries after transient failures.
    ///
    /// # Errors
    /// Returns [`ErrorCode::OutcomeUnknown`] if an attempt may have taken effect, or may still take effect. After any
    /// other error, no attempt has written or will write anything.
    pub(crate) async fn commit(&self, actions: &[Action], token: &str, token_ends: Moment) -> Result<(), Error> {
        let mut retry = Retry::new(self.max_attempts);
        let mut effect = Effect::None;
        loop {
            let items = actions.iter().map(|action| action.item.clone()).collect();
            let sent = self
                .single_attempt
                .transact_write_items()
                .set_transact_items(Some(items))
                .client_request_token(if mutated(Mutation::NewTokenOnRetry) { random::id() } else { token.to_owned() })
                .send()
                .await;
            let Err(failure) = sent else {
                let messages = actions.iter().filter(|action| action.name.message_id.is_some()).count();
                self.changed_outstanding(i64::try_from(messages).unwrap_or(i64::MAX));
                return Ok(());
            };
            if failure::effect(&failure) == Effect::Unknown {
                effect = Effect::Unknown;
            }
            // After the token has expired, a retry could write twice.
            if is_transient_failure(&failure) && !token_ends.is_past() && retry.again().await {
                tracing::debug!(target: "postbox", { error.message = %explain(actions, failure).message() }, "commit retried");
                continue;
            }
            // An error response, or a cancellation, shows that no earlier attempt has taken effect so far. However, a
            // delayed attempt may still arrive, and its conditions may hold by then. This is impossible only if the
            // error shows that a message of this unit of work already exists, because every attempt has to write that
            // message.
            let error = explain(actions, failure);
            let is_settled = effect == Effect::None || error.code() == ErrorCode::DuplicateMessage;
            return Err(if is_settled { error } else { outcome_unknown(&error) });
        }
    }
}

/// Returns the error of a commit that may or may not have taken effect.
pub(crate) fn outcome_unknown(cause: &Error) -> Error {
    Error::new(
        ErrorCode::OutcomeUnknown,
        format!(
            "the transaction may or may not have taken effect: call commit again on the same unit of work, which is safe. The last attempt: {}",
            cause.message()
        ),
    )
    .with_reasons(cause.reasons().to_vec())
    .retryable()
}

fn is_transient_failure(failure: &Failure) -> bool {
    match failure {
        SdkError::ServiceError(refusal) => match refusal.err() {
            TransactWriteItemsError::TransactionCanceledException(canceled) => {
                is_transient_cancellation(canceled.cancellation_reasons())
            }
            error => refusal.raw().status().as_u16() >= 500 || error.code().is_some_and(is_transient),
        },
        SdkError::ConstructionFailure(_) => false,
        SdkError::DispatchFailure(dispatch) => !dispatch.is_user() && !failure::is_credentials(failure),
        _ => true,
    }
}

fn is_transient_cancellation(reasons: &[CancellationReason]) -> bool {
    let mut causes = causes(reasons).peekable();
    causes.peek().is_some() && causes.all(|(_, reason)| is_transient(reason.code().unwrap_or_default()))
}

/// Returns the reasons that caused a cancellation. DynamoDB lists one reason per action, with the code `None` for
/// actions that did not cause it.
fn causes(reasons: &[CancellationReason]) -> impl Iterator<Item = (usize, &CancellationReason)> {
    reasons.iter().enumerate().filter(|(_, reason)| reason.code().is_some_and(|code| code != "None"))
}

fn explain(actions: &[Action], failure: Failure) -> Error {
    let canceled = match &failure {
        SdkError::ServiceError(refusal) => match refusal.err() {
            TransactWriteItemsError::TransactionCanceledException(canceled) => Some(canceled),
            _ => None,
        },
        _ => None,
    };
    match canceled {
        Some(canceled) => {
            let actions: Vec<_> = actions.iter().map(|action| action.name.clone()).collect();
            cancellation_error(&actions, canceled.cancellation_reasons())
        }
        None => failure::explain("TransactWriteItems", &tables(actions), failure),
    }
}

/// Returns the error of a transaction with these actions that DynamoDB cancelled for these reasons.
pub(crate) fn cancellation_error(actions: &[ActionName], reasons: &[CancellationReason]) -> Error {
    let is_retryable = is_transient_cancellation(reasons);
    let count = actions.len();
    let reasons: Vec<Reason> = causes(reasons)
        .map(|(index, reason)| Reason {
            index,
            subject: actions.get(index).map_or_else(String::new, |action| action.subject.clone()),
            code: reason.code().unwrap_or_default().to_owned(),
            message: reason.message().unwrap_or_default().to_owned(),
            item: reason.item().cloned(),
        })
        .collect();
    let duplicates: Vec<&str> = reasons
        .iter()
        .filter(|reason| reason.code == CONDITION_FAILED)
        .filter_map(|reason| actions.get(reason.index)?.message_id.as_deref())
        .collect();
    let error = if duplicates.is_empty() {
        Error::new(
            ErrorCode::TransactionCanceled,
            format!(
                "DynamoDB cancelled the transaction, nothing was written: {} of {count} actions failed",
                reasons.len()
            ),
        )
    } else {
        Error::new(
            ErrorCode::DuplicateMessage,
            format!(
                "nothing was written: the outbox already has message {}, so this command was already applied",
                duplicates.join(", ")
            ),
        )
    };
    let error = error.with_reasons(reasons);
    if is_retryable { error.retryable() } else { error }
}

/// Lists the tables of the actions, for errors that concern the whole request.
fn tables(actions: &[Action]) -> String {
    let mut names: Vec<&str> =
        actions.iter().filter_map(|action| action.name.subject.split_once(' ').map(|(_, table)| table)).collect();
    names.sort_unstable();
    names.dedup();
    let plural = if names.len() == 1 { "table" } else { "tables" };
    format!("{plural} {}", names.join(", "))
}
