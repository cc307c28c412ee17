//! The trait of producers, which send messages over a transport.

use crate::model::error::panic_text;
use crate::model::message::Message;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The outcome of sending one message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendOutcome {
    /// The message was sent. The message is marked dispatched.
    Sent,
    /// The transport accepted the message, and its outcome is not known yet. The program passes the outcome to
    /// [`Postbox::confirm`](crate::Postbox::confirm) as soon as the outcome is known. Until then the message stays
    /// outstanding.
    Accepted,
    /// Sending failed, because of either the transport or the message. The message stays outstanding and is sent again
    /// later.
    Retry(String),
    /// The transport cannot be used now, for any message. The message stays outstanding and is sent again later.
    Unavailable(String),
    /// The message can never be sent as it is, for example because it is too large, not permitted or malformed. The
    /// message is parked.
    Reject(String),
    /// The message was not handed to the transport, for example because the producer was canceled or stopped. Nothing
    /// is written: the message stays outstanding, no attempt is counted, and later messages of its topic and
    /// partition key are held back.
    NotTried,
}

/// A sender of messages over a transport. A producer may block, and may call Postbox. Postbox calls a producer on the
/// thread that called [`clear_outbox`](crate::Postbox::clear_outbox), or on a thread of the sweeper, but never on its
/// runtime thread. Several threads may call a producer at the same time.
///
/// A panic counts as [`SendOutcome::Retry`] for the whole batch.
///
/// ```
/// use postbox::{Message, Postbox, Producer, SendOutcome};
///
/// struct Printer;
///
/// impl Producer for Printer {
///     fn send(&self, batch: &[Message]) -> Vec<SendOutcome> {
///         batch.iter().map(|message| {
///             println!("{}: {} bytes", message.topic(), message.body().len());
///             SendOutcome::Sent
///         }).collect()
///     }
/// }
///
/// # fn main() -> postbox::Result<()> {
/// let postbox = Postbox::builder().embedded_path(":memory:").producer("greeting.made", Printer).open()?;
/// postbox.post(Message::new("greeting.made", "hello"))?;
/// # Ok(()) }
/// ```
pub trait Producer: Send + Sync {
    /// Sends the messages in their order and returns an outcome for each message. The batch has one to
    /// [`max_batch`](Self::max_batch) messages. Missing outcomes count as [`SendOutcome::Retry`]; surplus outcomes are
    /// ignored.
    fn send(&self, batch: &[Message]) -> Vec<SendOutcome>;

    /// Returns the maximum number of messages in one call to [`send`](Self::send). The default is 1.
    fn max_batch(&self) -> usize {
        1
    }
}

impl<P: Producer + ?Sized> Producer for std::sync::Arc<P> {
    fn send(&self, batch: &[Message]) -> Vec<SendOutcome> {
        (**self).send(batch)
    }

    fn max_batch(&self) -> usize {
        (**self).max_batch()
    }
}

/// Creates a producer from a function that sends one message.
///
/// ```
/// use postbox::{SendOutcome, producer_fn};
///
/// let producer = producer_fn(|message| {
///     println!("{}", message.id());
///     SendOutcome::Sent
/// });
/// # let _: &dyn postbox::Producer = &producer;
/// ```
pub fn producer_fn<F>(send: F) -> impl Producer
where
    F: Fn(&Message) -> SendOutcome + Send + Sync,
{
    struct Function<F>(F);
    impl<F: Fn(&Message) -> SendOutcome + Send + Sync> Producer for Function<F> {
        fn send(&self, batch: &[Message]) -> Vec<SendOutcome> {
            batch.iter().map(&self.0).collect()
        }
    }
    Function(send)
}

/// Calls the producer and returns exactly one outcome per message, even if the producer panics or returns another
/// number of outcomes.
pub(crate) fn send_batch(producer: &dyn Producer, batch: &[Message]) -> Vec<SendOutcome> {
    let mut outcomes = match catch_unwind(AssertUnwindSafe(|| producer.send(batch))) {
        Ok(outcomes) => outcomes,
        Err(panic) => {
            let text = format!("the producer panicked: {}", panic_text(panic.as_ref()));
            vec![SendOutcome::Retry(text); batch.len()]
        }
    };
    let missing = SendOutcome::Retry("the producer returned no outcome for this message".into());
    outcomes.resize(batch.len(), missing);
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_producer_that_panics_or_miscounts_has_one_outcome_per_message() {
        struct Odd(usize);
        impl Producer for Odd {
            fn send(&self, _: &[Message]) -> Vec<SendOutcome> {
                assert_ne!(self.0, 99, "boom");
                vec![SendOutcome::Sent; self.0]
            }
        }
        let batch = [Message::new("t", "1"), Message::new("t", "2")];
        assert!(matches!(&send_batch(&Odd(1), &batch)[..], [SendOutcome::Sent, SendOutcome::Retry(_)]));
        assert_eq!(send_batch(&Odd(3), &batch), [SendOutcome::Sent, SendOutcome::Sent]);
        let panicked = send_batch(&Odd(99), &batch);
        assert_eq!(panicked.len(), 2);
        assert!(matches!(&panicked[0], SendOutcome::Retry(text) if text.contains("boom")), "{panicked:?}");
    }
}
