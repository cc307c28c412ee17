//! One transaction: sent with one token, tried again where that is safe.

use crate::model::error::{Error, ErrorCode, Reason};
use crate::outbox::Outbox;
use crate::outbox::action::Action;
use crate::sdk::failure::{self, Effect, is_transient};
use crate::sdk::retry::Retry;
use crate::sys::clock::Moment;
use crate::sys::random;
use crate::sys::simulation::{Mutation, mutated};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

type Failure = SdkError<TransactWriteItemsError, HttpResponse>;

impl Outbox {
    /// Sends the transaction until it has an answer that counts.
    ///
    /// # Errors
    /// [`ErrorCode::OutcomeUnknown`] if an attempt may have taken effect, or may still do so; any other code means
    /// that these attempts have written nothing, and will not.
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
                let messages = actions.iter().filter(|action| action.message_id.is_some()).count();
                self.changed_outstanding(i64::try_from(messages).unwrap_or(i64::MAX));
                return Ok(());
            };
            if failure::effect(&failure) == Effect::Unknown {
                effect = Effect::Unknown;
            }
            let passing = is_transient_failure(&failure);
            // Without its token, a retry could write twice.
            if passing && !token_ends.is_past() && retry.again().await {
                tracing::debug!(target: "postbox", { error.message = %explain(actions, failure).message() }, "commit tried again");
                continue;
            }
            // An error response, a cancellation too, excludes that an earlier attempt has taken effect, and not that
            // it will: it may still arrive and find the condition met. Only a duplicate of the unit's own message
            // excludes that, since every attempt would have to write that message.
            let error = explain(actions, failure);
            let is_settled = effect == Effect::None || error.code() == ErrorCode::DuplicateMessage;
            return Err(if is_settled { error } else { outcome_unknown(&error) });
        }
    }
}

/// The error of a commit of which nobody knows whether it took effect.
pub(crate) fn outcome_unknown(cause: &Error) -> Error {
    Error::new(
        ErrorCode::OutcomeUnknown,
        format!(
            "it is not known whether the transaction took effect: call commit again on the same unit of work, which is safe. The last attempt: {}",
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
                let mut causes = causes(canceled.cancellation_reasons()).peekable();
                causes.peek().is_some() && causes.all(|(_, reason)| is_transient(reason.code().unwrap_or_default()))
            }
            error => refusal.raw().status().as_u16() >= 500 || error.code().is_some_and(is_transient),
        },
        SdkError::ConstructionFailure(_) => false,
        SdkError::DispatchFailure(dispatch) => !dispatch.is_user() && !failure::is_credentials(failure),
        _ => true,
    }
}

/// The reasons that caused a cancellation: DynamoDB lists one per action, `None` for the innocent.
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
    let Some(canceled) = canceled else {
        return failure::explain("TransactWriteItems", &tables(actions), failure);
    };
    let passing = is_transient_failure(&failure);
    let reasons: Vec<Reason> = causes(canceled.cancellation_reasons())
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
        .filter(|reason| reason.code == "ConditionalCheckFailed")
        .filter_map(|reason| actions.get(reason.index)?.message_id.as_deref())
        .collect();
    let error = if duplicates.is_empty() {
        Error::new(
            ErrorCode::TransactionCanceled,
            format!(
                "DynamoDB cancelled the transaction, nothing was written: {} of {} actions could not be done",
                reasons.len(),
                actions.len()
            ),
        )
    } else {
        Error::new(
            ErrorCode::DuplicateMessage,
            format!(
                "nothing was written: the outbox has message {} already, so this command took effect before",
                duplicates.join(", ")
            ),
        )
    };
    let error = error.with_reasons(reasons);
    if passing { error.retryable() } else { error }
}

/// The tables of the actions, for errors that concern the whole request.
fn tables(actions: &[Action]) -> String {
    let mut names: Vec<&str> =
        actions.iter().filter_map(|action| action.subject.split_once(' ').map(|(_, table)| table)).collect();
    names.sort_unstable();
    names.dedup();
    let plural = if names.len() == 1 { "table" } else { "tables" };
    format!("{plural} {}", names.join(", "))
}
