//! Many single-item writes in one request, with BatchExecuteStatement. Single statements are retried, which the SDK
//! does not do.

use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::{AttributeValue, Item};
use crate::outbox::Outbox;
use crate::sdk::error_chain::bounded;
use crate::sdk::failure::{explain, is_denied, is_transient, service_error};
use crate::sdk::retry::Retry;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::batch_execute_statement::BatchExecuteStatementError;
use aws_sdk_dynamodb::types::{BatchStatementRequest, BatchStatementResponse, ReturnValuesOnConditionCheckFailure};
use std::sync::atomic::Ordering;

/// DynamoDB's limit for one BatchExecuteStatement, as of November 2026.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html>
pub(crate) const MAX_STATEMENTS: usize = 25;

/// A PartiQL statement on one item.
#[derive(Clone)]
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) parameters: Vec<AttributeValue>,
}

/// The result of one statement.
pub(crate) enum Executed {
    Done,
    /// The condition failed. Contains the current item, if it exists.
    ConditionFailed(Option<Item>),
    /// The item to insert already exists.
    Duplicate,
    Failed(Error),
}

impl Outbox {
    /// Returns the name of the table, quoted for PartiQL.
    pub(crate) fn quoted_table(&self) -> String {
        format!("\"{}\"", self.table.replace('"', "\"\""))
    }

    /// Runs up to [`MAX_STATEMENTS`] statements on different items, and retries after transient failures. Returns one
    /// result for each, in order, or `None` if PartiQL cannot be used, so that the caller makes single requests.
    pub(crate) async fn execute_batch(&self, statements: &[Statement]) -> Option<Vec<Executed>> {
        let mut results: Vec<Option<Executed>> = statements.iter().map(|_| None).collect();
        let mut retry = Retry::new(self.max_attempts);
        loop {
            let pending: Vec<usize> = (0..results.len()).filter(|&at| results[at].is_none()).collect();
            let responses = self.execute_once(pending.iter().map(|&at| &statements[at])).await?;
            let mut last_transient = None;
            for (&at, response) in pending.iter().zip(responses) {
                match response {
                    Executed::Failed(error) if error.code() == ErrorCode::Throttled => last_transient = Some(error),
                    other => results[at] = Some(other),
                }
            }
            match last_transient {
                None => return Some(filled(results, &Error::new(ErrorCode::Internal, "no result"))),
                Some(error) if !retry.again().await => return Some(filled(results, &error)),
                Some(_) => {}
            }
        }
    }

    /// Runs the statements with one request, so that no statement waits for the retry of another.
    pub(crate) async fn execute_batch_once(&self, statements: &[Statement]) -> Option<Vec<Executed>> {
        self.execute_once(statements.iter()).await
    }

    async fn execute_once(&self, statements: impl ExactSizeIterator<Item = &Statement>) -> Option<Vec<Executed>> {
        if self.without_partiql.load(Ordering::Relaxed) {
            return None;
        }
        let count = statements.len();
        let responses = match self.execute(statements).await {
            Ok(responses) => responses?,
            Err(error) => return Some((0..count).map(|_| Executed::Failed(error.clone())).collect()),
        };
        let missing = || {
            Executed::Failed(Error::new(
                ErrorCode::Internal,
                "BatchExecuteStatement: the response has fewer results than the request has statements",
            ))
        };
        let read = |at: usize| responses.get(at).map_or_else(missing, |response| self.read_response(response));
        let results: Vec<Executed> = (0..count).map(read).collect();
        // Some statements may have taken effect. Single requests repeat them safely, because their conditions then
        // fail.
        for result in &results {
            if let Executed::Failed(error) = result
                && is_denied(error)
            {
                self.stop_using_partiql(error);
                return None;
            }
        }
        Some(results)
    }

    fn stop_using_partiql(&self, error: &Error) {
        if !self.without_partiql.swap(true, Ordering::Relaxed) {
            tracing::info!(
                target: "postbox", { db.collection.name = %self.table, error.message = %error },
                "PartiQL cannot be used on the outbox table: single requests are used instead, one for each message; allow dynamodb:PartiQLInsert and dynamodb:PartiQLUpdate if the server has PartiQL"
            );
        }
    }

    /// Sends the statements. Returns `None` if PartiQL cannot be used.
    async fn execute(
        &self,
        statements: impl Iterator<Item = &Statement>,
    ) -> Result<Option<Vec<BatchStatementResponse>>> {
        let requests = statements
            .map(|statement| {
                BatchStatementRequest::builder()
                    .statement(&statement.text)
                    .set_parameters(Some(statement.parameters.clone()))
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                    .build()
                    .map_err(|error| crate::outbox::internal("BatchExecuteStatement", error))
            })
            .collect::<Result<Vec<_>>>()?;
        match self.client.batch_execute_statement().set_statements(Some(requests)).send().await {
            Ok(response) => Ok(Some(response.responses.unwrap_or_default())),
            Err(failure) => {
                let unsupported = is_unsupported(&failure);
                let error = explain("BatchExecuteStatement", &self.subject(), failure);
                if !unsupported && !is_denied(&error) {
                    return Err(error);
                }
                self.stop_using_partiql(&error);
                Ok(None)
            }
        }
    }

    fn read_response(&self, response: &BatchStatementResponse) -> Executed {
        let Some(error) = response.error() else {
            return Executed::Done;
        };
        match error.code().map_or("no code", |code| code.as_str()) {
            "ConditionalCheckFailed" => {
                let item = error.item().or(response.item()).filter(|item| !item.is_empty());
                Executed::ConditionFailed(item.cloned())
            }
            "DuplicateItem" => Executed::Duplicate,
            code => {
                // Throttling and conflicts are reported inside a response of status 200.
                let status = if is_transient(code) { 400 } else { 200 };
                let message = bounded(error.message().unwrap_or_default());
                Executed::Failed(service_error("BatchExecuteStatement", &self.subject(), code, message, status))
            }
        }
    }
}

/// Returns whether the server does not have PartiQL. Servers other than DynamoDB report this in different ways. After a
/// response of status 500 the effect of the statements is unknown; single requests repeat them safely, because their
/// conditions then fail.
fn is_unsupported(failure: &SdkError<BatchExecuteStatementError, HttpResponse>) -> bool {
    let SdkError::ServiceError(response) = failure else { return false };
    let message = response.err().message().unwrap_or_default().to_ascii_lowercase();
    match (response.raw().status().as_u16(), response.err().code()) {
        (_, Some("UnknownOperationException")) | (501, _) => true,
        (_, Some("ValidationException")) => message.contains("unsupported") || message.contains("not supported"),
        // DynamoDB's own failures have a code.
        (500, code) => !code.is_some_and(is_transient),
        _ => false,
    }
}

/// Returns the results, with this error for each statement that has none.
fn filled(results: Vec<Option<Executed>>, error: &Error) -> Vec<Executed> {
    results.into_iter().map(|result| result.unwrap_or_else(|| Executed::Failed(error.clone()))).collect()
}
