//! A producer for SNS or SQS: batches, retries, and an outcome per message.

use crate::model::message::Message;
use crate::runtime::Runtime;
use crate::sdk::retry::Retry;
use crate::sys::sync::Mutex;
use crate::transport::aws::address::Address;
use crate::transport::aws::batch::{Numbered, all, split};
use crate::transport::aws::failure::{Failure, Refusal};
use crate::transport::aws::limits::MAX_ENTRIES;
use crate::transport::aws::wire::{Entry, Transport};
use crate::transport::{Producer, SendOutcome};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The maximum number of concurrent requests of one call.
const REQUESTS_AT_ONCE: usize = 10;

/// The operations that a producer needs. SNS and SQS implement them with their own clients.
pub(super) trait Service: Send + Sync {
    const TRANSPORT: Transport;
    /// The number of bytes that every topic or queue of this service accepts, unless it is configured otherwise.
    const KNOWN_BYTES: usize;

    /// Returns the limit of this topic or queue.
    async fn limit(&self, destination: &str) -> Result<Limit, Failure>;

    /// Returns the ARN of the topic or the URL of the queue, or `None` if it does not exist.
    async fn find(&self, address: &Address) -> Result<Option<String>, Failure>;

    /// Creates a topic or a queue and returns its ARN or URL.
    async fn create(&self, name: &str) -> Result<String, Failure>;

    /// Sends one batch and returns one result per message, in the same order.
    async fn send(&self, destination: &str, batch: &[Numbered]) -> Result<Vec<Result<(), Refusal>>, Failure>;
}

/// The maximum size of one message and of all messages of a batch together.
pub(super) struct Limit {
    pub(super) bytes: usize,
    /// The advice for a larger message, for the end of an error message.
    pub(super) advice: &'static str,
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
    /// The last known limit of the topic or queue, in bytes.
    max_bytes: Mutex<usize>,
    /// Whether the standard topic or queue has rejected a message group.
    rejects_groups: AtomicBool,
}

/// The outcomes that are known so far. They are kept if the call times out before all outcomes are known.
type Outcomes = RefCell<Vec<Option<SendOutcome>>>;

impl<S: Service> AwsProducer<S> {
    pub(super) fn new(service: S, address: Address, policy: Policy) -> Self {
        Self {
            service,
            address,
            policy,
            destination: Mutex::default(),
            max_bytes: Mutex::new(S::KNOWN_BYTES),
            rejects_groups: AtomicBool::new(false),
        }
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
        if self.rejects_groups.load(Ordering::Relaxed) {
            self.leave_out_groups(&destination, &mut entries);
        }
        let most = self.drop_larger(&destination, &mut entries, outcomes).await;
        // A call has at most one message for each topic and partition key, so requests at the same time do not change
        // the order.
        all(split(entries, most).into_iter().map(|batch| self.send_batch(&destination, batch, outcomes))).await;
    }

    /// Removes the messages that are larger than the topic or queue accepts, and returns its limit. The limit is asked
    /// for only if a message is larger than the last known limit, so that an increase takes effect.
    async fn drop_larger(&self, destination: &str, entries: &mut Vec<Numbered>, outcomes: &Outcomes) -> usize {
        let known = *self.max_bytes.lock();
        if entries.iter().all(|numbered| numbered.entry.bytes() <= known) {
            return known;
        }
        let limit = self.service.limit(destination).await;
        let most = limit.as_ref().map_or(known, |limit| limit.bytes);
        *self.max_bytes.lock() = most;
        entries.retain(|Numbered { index, entry }| {
            let bytes = entry.bytes();
            if bytes <= most {
                return true;
            }
            outcomes.borrow_mut()[*index] = Some(match &limit {
                Ok(Limit { advice, .. }) => SendOutcome::Reject(format!(
                    "the message has {bytes} bytes with its attributes, more than the maximum of {most}: {advice}"
                )),
                Err(failure) => failure.outcome(),
            });
            false
        });
        most
    }

    /// Returns whether the message has a group that its target does not need.
    fn can_leave_out_group(&self, numbered: &Numbered) -> bool {
        !self.address.is_fifo() && numbered.entry.group.is_some()
    }

    /// Removes the message groups of messages for a standard topic or queue that rejects message groups, such as an
    /// older emulator. Returns whether a message had a group.
    fn leave_out_groups(&self, destination: &str, batch: &mut [Numbered]) -> bool {
        if !batch.iter().any(|numbered| self.can_leave_out_group(numbered)) {
            return false;
        }
        if !self.rejects_groups.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                target: "postbox", { messaging.destination.name = destination },
                "the target rejects MessageGroupId, so messages are sent to it without their partition keys as message groups"
            );
        }
        for numbered in batch {
            numbered.entry.group = None;
        }
        true
    }

    /// Sends one batch, and retries the messages that failed for a transient cause.
    async fn send_batch(&self, destination: &str, mut batch: Vec<Numbered>, outcomes: &Outcomes) {
        let mut retry = Retry::new(self.policy.max_attempts);
        while !batch.is_empty() {
            let results = match self.service.send(destination, &batch).await {
                Ok(results) => results,
                Err(failure) if failure.names_group() && self.leave_out_groups(destination, &mut batch) => continue,
                Err(failure) => return self.batch_failed(destination, batch, &failure, outcomes).await,
            };
            let (mut remaining, mut group_rejected) = (Vec::new(), false);
            for (numbered, result) in batch.into_iter().zip(results) {
                let refusal = result.as_ref().err();
                let without_group = refusal.is_some_and(Refusal::names_group) && self.can_leave_out_group(&numbered);
                let again = without_group || refusal.is_some_and(Refusal::is_transient);
                group_rejected |= without_group;
                outcomes.borrow_mut()[numbered.index] =
                    Some(result.map_or_else(|refusal| refusal.outcome(), |()| SendOutcome::Sent));
                if again {
                    remaining.push(numbered);
                }
            }
            let changed = group_rejected && self.leave_out_groups(destination, &mut remaining);
            if remaining.is_empty() || !changed && !retry.again().await {
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
