//! A producer for SNS or SQS: batches, retries, and an outcome per message.

use crate::model::message::Message;
use crate::runtime::Runtime;
use crate::sdk::retry::Retry;
use crate::sys::sync::Mutex;
use crate::transport::aws::address::Address;
use crate::transport::aws::batch::{Numbered, all, split};
use crate::transport::aws::failure::{Failure, Refusal};
use crate::transport::aws::wire::{Entry, MAX_ENTRIES, Transport};
use crate::transport::{Producer, SendOutcome};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

/// The maximum number of concurrent requests of one call.
const REQUESTS_AT_ONCE: usize = 10;

/// The operations that a producer needs. SNS and SQS implement them with their own clients.
pub(super) trait Service: Send + Sync {
    const TRANSPORT: Transport;

    /// Returns the ARN of the topic or the URL of the queue, or `None` if it does not exist.
    async fn find(&self, address: &Address) -> Result<Option<String>, Failure>;

    /// Creates a topic or a queue and returns its ARN or URL.
    async fn create(&self, name: &str) -> Result<String, Failure>;

    /// Sends one batch and returns one result per message, in the same order.
    async fn send(&self, destination: &str, batch: &[Numbered]) -> Result<Vec<Result<(), Refusal>>, Failure>;
}

/// The settings for the waits and retries of producers, and for the creation of missing targets.
#[derive(Clone)]
pub(super) struct Policy {
    pub(super) runtime: Arc<Runtime>,
    pub(super) timeout: Duration,
    pub(super) max_attempts: u64,
    pub(super) create: bool,
}

/// Sends messages to one topic or queue.
pub(super) struct AwsProducer<S> {
    service: S,
    address: Address,
    policy: Policy,
    /// The ARN of the topic or the URL of the queue, after it was found.
    destination: Mutex<Option<String>>,
}

/// The outcomes that are known so far. They are kept if the call times out before all outcomes are known.
type Outcomes = RefCell<Vec<Option<SendOutcome>>>;

impl<S: Service> AwsProducer<S> {
    pub(super) fn new(service: S, address: Address, policy: Policy) -> Self {
        Self { service, address, policy, destination: Mutex::default() }
    }

    async fn deliver(&self, messages: &[Message], outcomes: &Outcomes) {
        let destination = match self.destination().await {
            Ok(destination) => destination,
            Err(failure) => return outcomes.borrow_mut().fill(Some(SendOutcome::Unavailable(failure.text))),
        };
        let mut entries = Vec::with_capacity(messages.len());
        for (index, message) in messages.iter().enumerate() {
            match Entry::new(message, S::TRANSPORT, &destination, self.address.is_fifo()) {
                Ok(entry) => entries.push(Numbered { index, entry }),
                Err(why) => outcomes.borrow_mut()[index] = Some(SendOutcome::Reject(why)),
            }
        }
        // A call has at most one message for each topic and partition key, so requests at the same time do not change
        // the order.
        all(split(entries).into_iter().map(|batch| self.send_batch(&destination, batch, outcomes))).await;
    }

    /// Sends one batch, and retries the messages that failed for a transient cause.
    async fn send_batch(&self, destination: &str, mut batch: Vec<Numbered>, outcomes: &Outcomes) {
        let mut retry = Retry::new(self.policy.max_attempts);
        while !batch.is_empty() {
            let results = match self.service.send(destination, &batch).await {
                Ok(results) => results,
                Err(failure) => return self.batch_failed(destination, batch, &failure, outcomes).await,
            };
            let mut remaining = Vec::new();
            for (numbered, result) in batch.into_iter().zip(results) {
                let again = result.as_ref().is_err_and(Refusal::is_transient);
                outcomes.borrow_mut()[numbered.index] =
                    Some(result.map_or_else(|refusal| refusal.outcome(), |()| SendOutcome::Sent));
                if again {
                    remaining.push(numbered);
                }
            }
            if remaining.is_empty() || !retry.again().await {
                return;
            }
            batch = remaining;
        }
    }

    /// Handles a failed request, which the SDK has already retried. If the service rejected the request for its
    /// content, sends each message in a separate request, because the content of a single message may be the cause.
    async fn batch_failed(&self, destination: &str, batch: Vec<Numbered>, failure: &Failure, outcomes: &Outcomes) {
        if failure.is_content() && batch.len() > 1 {
            for numbered in batch {
                Box::pin(self.send_batch(destination, vec![numbered], outcomes)).await;
            }
            return;
        }
        if failure.is_missing() {
            self.set_destination(None);
        }
        for numbered in batch {
            outcomes.borrow_mut()[numbered.index] = Some(failure.outcome());
        }
    }

    /// Returns the ARN of the topic or the URL of the queue, which is looked up once.
    async fn destination(&self) -> Result<String, Failure> {
        if let Some(known) = self.destination.lock().clone() {
            return Ok(known);
        }
        let found = match (self.service.find(&self.address).await?, &self.address) {
            (Some(found), _) => found,
            (None, Address::Name(name)) if self.policy.create => self.service.create(name).await?,
            (None, address) => {
                let what = match S::TRANSPORT {
                    Transport::Sns => "topic",
                    Transport::Sqs => "queue",
                };
                return Err(Failure::new(format!(
                    "there is no {what} {} in the account and region: create it, correct the route, or set create_missing_targets = true",
                    address.text()
                )));
            }
        };
        self.set_destination(Some(found.clone()));
        Ok(found)
    }

    fn set_destination(&self, destination: Option<String>) {
        *self.destination.lock() = destination;
    }
}

impl<S: Service> Producer for AwsProducer<S> {
    fn send(&self, batch: &[Message]) -> Vec<SendOutcome> {
        let outcomes = RefCell::new(vec![None; batch.len()]);
        let what = format!("sending to {}", self.address.text());
        let sent = self.policy.runtime.run_inside(&what, self.policy.timeout, self.deliver(batch, &outcomes));
        let unknown =
            sent.err().map_or_else(|| format!("{what} returned no result"), |error| error.message().to_owned());
        let outcome = |known: Option<SendOutcome>| known.unwrap_or_else(|| SendOutcome::Unavailable(unknown.clone()));
        outcomes.into_inner().into_iter().map(outcome).collect()
    }

    fn max_batch(&self) -> usize {
        MAX_ENTRIES * REQUESTS_AT_ONCE
    }
}
