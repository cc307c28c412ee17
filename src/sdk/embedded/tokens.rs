//! The idempotency tokens of the embedded database.

use crate::sys::clock;
use crate::sys::sync::Mutex;
use dynoxide::DynoxideError;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hasher};
use std::time::{Duration, Instant};

/// The time for which a token protects from a second execution:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>.
const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// The maximum length of a token.
const MAX_LENGTH: usize = 36;

/// The tokens of the transactions of the last ten minutes, with their responses.
///
/// The engine keeps tokens as well, but searches all of them for expired ones at each transaction, so the time of a commit would
/// grow with the number of commits. It is therefore called without them.
pub(super) struct Tokens<Response>(Mutex<Executed<Response>>);

struct Executed<Response> {
    by_token: HashMap<String, Transaction<Response>>,
    /// The tokens in the order in which they expire.
    by_age: VecDeque<(Instant, String)>,
}

struct Transaction<Response> {
    /// The hash of the actions.
    actions: u64,
    response: Response,
}

impl<Response> Default for Tokens<Response> {
    fn default() -> Self {
        Self(Mutex::new(Executed { by_token: HashMap::new(), by_age: VecDeque::new() }))
    }
}

impl<Response> Executed<Response> {
    fn forget_expired(&mut self) {
        while self.by_age.front().is_some_and(|(executed_at, _)| clock::since(*executed_at) >= LIFETIME) {
            if let Some((_, token)) = self.by_age.pop_front() {
                self.by_token.remove(&token);
            }
        }
    }
}

impl<Response: Clone> Tokens<Response> {
    /// Executes the transaction with these actions and returns its response. If a transaction was executed with the same token,
    /// only returns the response of that one.
    ///
    /// `execute` is passed the token only if it is invalid, so that the engine rejects it. The lock is held meanwhile, so that
    /// a second request with the token waits for the first.
    pub(super) fn execute_once(
        &self,
        token: Option<String>,
        actions: serde_json::Result<Value>,
        execute: impl FnOnce(Option<String>) -> Result<Response, DynoxideError>,
    ) -> Result<Response, DynoxideError> {
        let token = match token {
            Some(token) if (1..=MAX_LENGTH).contains(&token.len()) => token,
            invalid => return execute(invalid),
        };
        let actions = hash(actions)?;
        let mut executed = self.0.lock();
        executed.forget_expired();
        match executed.by_token.get(&token) {
            Some(earlier) if earlier.actions == actions => return Ok(earlier.response.clone()),
            Some(_) => {
                return Err(DynoxideError::IdempotentParameterMismatchException(format!(
                    "the token {token} was used for a transaction with other actions"
                )));
            }
            None => {}
        }
        let response = execute(None)?;
        executed.by_age.push_back((clock::now(), token.clone()));
        executed.by_token.insert(token, Transaction { actions, response: response.clone() });
        Ok(response)
    }
}

/// Returns the hash of the actions, which does not depend on the order of the members of an object.
fn hash(actions: serde_json::Result<Value>) -> Result<u64, DynoxideError> {
    let mut actions = actions.map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
    actions.sort_all_objects();
    let mut hasher = DefaultHasher::new();
    hasher.write(actions.to_string().as_bytes());
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Executes a transaction with one action, and counts executions.
    fn execute(tokens: &Tokens<u32>, count: &mut u32, token: &str, action: &str) -> Result<u32, DynoxideError> {
        tokens.execute_once(Some(token.into()), Ok(json!([{"Put": action}])), |_| {
            *count += 1;
            Ok(*count)
        })
    }

    #[test]
    fn a_transaction_is_executed_once_for_its_token() {
        let (tokens, mut count) = (Tokens::default(), 0);
        assert_eq!(execute(&tokens, &mut count, "one", "a").unwrap(), 1);
        assert_eq!(execute(&tokens, &mut count, "two", "a").unwrap(), 2);
        assert_eq!(execute(&tokens, &mut count, "one", "a").unwrap(), 1);
        let error = execute(&tokens, &mut count, "one", "b").unwrap_err();
        assert!(matches!(error, DynoxideError::IdempotentParameterMismatchException(_)), "{error:?}");
        assert_eq!(count, 2);
    }

    #[test]
    fn a_failed_transaction_can_be_executed_again() {
        let (tokens, mut count) = (Tokens::<u32>::default(), 0);
        let failure = || Err(DynoxideError::InternalServerError("a full disk".into()));
        tokens.execute_once(Some("one".into()), Ok(json!([{"Put": "a"}])), |_| failure()).unwrap_err();
        assert_eq!(execute(&tokens, &mut count, "one", "a").unwrap(), 1);
    }

    #[test]
    fn tokens_are_forgotten_in_the_order_in_which_they_expire() {
        let (tokens, mut count) = (Tokens::default(), 0);
        for token in ["one", "two"] {
            execute(&tokens, &mut count, token, "a").unwrap();
        }
        tokens.0.lock().by_age[0].0 -= LIFETIME;
        assert_eq!(execute(&tokens, &mut count, "two", "a").unwrap(), 2);
        assert_eq!(tokens.0.lock().by_token.len(), 1);
        assert_eq!(execute(&tokens, &mut count, "one", "b").unwrap(), 3);
    }

    #[test]
    fn an_invalid_token_is_left_to_the_engine() {
        let tokens = Tokens::default();
        let passed = |token: &str| tokens.execute_once(Some(token.into()), Ok(json!([])), Ok).unwrap();
        assert_eq!(passed(&"t".repeat(36)), None);
        assert_eq!(passed(&"t".repeat(37)), Some("t".repeat(37)));
    }
}
