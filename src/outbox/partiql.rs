//! Many single-item writes in one request, with BatchExecuteStatement. Single statements are retried, which the SDK
//! does not do.

use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::{AttributeValue, Item};
use crate::outbox::Outbox;
use crate::sdk::error_chain::bounded;
use crate::sdk::failure::{explain, is_transient, service_error};
use crate::sdk::retry::Retry;
use aws_sdk_dynamodb::types::{BatchStatementRequest, BatchStatementResponse, ReturnValuesOnConditionCheckFailure};
use std::sync::atomic::Ordering;

/// DynamoDB's limit for one BatchExecuteStatement.
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

    /// Returns whether a PartiQL request was rejected for lack of permission.
    pub(crate) fn partiql_denied(&self) -> bool {
        self.partiql_denied.load(Ordering::Relaxed)
    }

    /// Runs up to [`MAX_STATEMENTS`] statements on different items, and retries after transient failures. Returns one
    /// result for each, in order, or `None` if PartiQL is not allowed, so that the caller makes single requests.
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
        if self.partiql_denied() {
            return None;
        }
        let count = statements.len();
        let responses = match self.execute(statements).await {
            Ok(responses) => responses,
            Err(error) if error.code() == ErrorCode::AccessDenied => return self.deny_partiql(),
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
        let is_denied =
            |result: &Executed| matches!(result, Executed::Failed(error) if error.code() == ErrorCode::AccessDenied);
        // Some statements may have taken effect. Single requests repeat them safely, because their conditions then
        // fail.
        if results.iter().any(is_denied) { self.deny_partiql() } else { Some(results) }
    }

    fn deny_partiql(&self) -> Option<Vec<Executed>> {
        tracing::info!(
            target: "postbox", { db.collection.name = %self.table },
            "PartiQL is not allowed on the outbox table: single requests are used instead; allow dynamodb:PartiQLInsert and dynamodb:PartiQLUpdate for fewer requests"
        );
        self.partiql_denied.store(true, Ordering::Relaxed);
        None
    }

    async fn execute(&self, statements: impl Iterator<Item = &Statement>) -> Result<Vec<BatchStatementResponse>> {
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
        self.client
            .batch_execute_statement()
            .set_statements(Some(requests))
            .send()
            .await
            .map(|response| response.responses.unwrap_or_default())
            .map_err(|failure| explain("BatchExecuteStatement", &self.subject(), failure))
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

/// Returns the results, with this error for each statement that has none.
fn filled(results: Vec<Option<Executed>>, error: &Error) -> Vec<Executed> {
    results.into_iter().map(|result| result.unwrap_or_else(|| Executed::Failed(error.clone()))).collect()
}
