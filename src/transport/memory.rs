//! A producer that keeps its messages in memory, for tests and demos.

use crate::model::message::Message;
use crate::sys::sync::Mutex;
use crate::transport::{Producer, SendOutcome};
use std::collections::VecDeque;
use std::sync::Arc;

/// A producer that keeps its messages in memory, for tests. Clones share the messages.
///
/// ```
/// use postbox::{MemoryProducer, Message, Postbox, SendOutcome};
///
/// # fn main() -> postbox::Result<()> {
/// let producer = MemoryProducer::new();
/// let postbox = Postbox::builder()
///     .embedded_path(":memory:")
///     .default_producer(producer.clone())
///     .open()?;
/// producer.answer_next(SendOutcome::Retry("the transport is down".into()));
/// let message = Message::new("greeting.made", "hello");
/// let id = message.id().to_owned();
/// postbox.post(message)?;
/// assert!(producer.sent().is_empty());
/// postbox.clear_outbox(&[id])?;
/// assert_eq!(producer.sent().len(), 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct MemoryProducer {
    shared: Arc<Mutex<Shared>>,
    max_batch: usize,
}

#[derive(Default)]
struct Shared {
    sent: Vec<Message>,
    answers: VecDeque<SendOutcome>,
    batches: Vec<usize>,
}

impl MemoryProducer {
    /// Creates a producer that takes one message at a time.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a producer that takes up to `max_batch` messages at a time.
    pub fn with_max_batch(max_batch: usize) -> Self {
        Self { max_batch, ..Self::default() }
    }

    /// Returns the messages that were sent or accepted, in order.
    pub fn sent(&self) -> Vec<Message> {
        self.shared.lock().sent.clone()
    }

    /// Returns the number of messages of each call, in order.
    pub fn batches(&self) -> Vec<usize> {
        self.shared.lock().batches.clone()
    }

    /// Sets the outcome of the next message. If this method is called several times, the outcomes apply to the next
    /// messages in this order. All other messages are sent.
    pub fn answer_next(&self, outcome: SendOutcome) {
        self.shared.lock().answers.push_back(outcome);
    }
}

impl Producer for MemoryProducer {
    fn send(&self, batch: &[Message]) -> Vec<SendOutcome> {
        let mut shared = self.shared.lock();
        shared.batches.push(batch.len());
        batch
            .iter()
            .map(|message| {
                let outcome = shared.answers.pop_front().unwrap_or(SendOutcome::Sent);
                if matches!(outcome, SendOutcome::Sent | SendOutcome::Accepted) {
                    shared.sent.push(message.clone());
                }
                outcome
            })
            .collect()
    }

    fn max_batch(&self) -> usize {
        self.max_batch.max(1)
    }
}
