//! Splits messages into batches that fit into one request each, and runs several requests at the same time.

use crate::transport::aws::failure::Refusal;
use crate::transport::aws::limits::MAX_ENTRIES;
use crate::transport::aws::wire::Entry;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// A message in the format of the service, with its position among the messages that the producer received.
pub(super) struct Numbered {
    pub(super) index: usize,
    pub(super) entry: Entry,
}

/// Splits the messages, in their order, into batches that fit into one request of up to `most` bytes.
pub(super) fn split(entries: impl IntoIterator<Item = Numbered>, most: usize) -> Vec<Vec<Numbered>> {
    let mut batches: Vec<Vec<Numbered>> = Vec::new();
    let mut bytes = 0;
    for numbered in entries {
        let more = numbered.entry.bytes();
        match batches.last_mut() {
            Some(batch) if batch.len() < MAX_ENTRIES && bytes + more <= most => {
                bytes += more;
                batch.push(numbered);
            }
            _ => {
                bytes = more;
                batches.push(vec![numbered]);
            }
        }
    }
    batches
}

/// Returns the result of each of the `count` messages of a request. In a response, each message is identified by its
/// position in the request.
pub(super) fn results<'a>(
    count: usize,
    sent: impl Iterator<Item = &'a str>,
    failed: impl Iterator<Item = (&'a str, Refusal)>,
) -> Vec<Result<(), Refusal>> {
    let no_result = || {
        let message = "the response has no result for this message".into();
        Err(Refusal { code: "NoResult".into(), message, sender_fault: false })
    };
    let mut results: Vec<_> = std::iter::repeat_with(no_result).take(count).collect();
    let given = sent.map(|id| (id, Ok(()))).chain(failed.map(|(id, refusal)| (id, Err(refusal))));
    for (id, result) in given {
        if let Some(place) = id.parse::<usize>().ok().and_then(|position| results.get_mut(position)) {
            *place = result;
        }
    }
    results
}

/// Runs the futures at the same time, on this thread, until all are done.
pub(super) async fn all<F: Future<Output = ()>>(futures: impl IntoIterator<Item = F>) {
    let mut running: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    poll_fn(|context| {
        running.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Message;
    use crate::transport::aws::limits::{MAX_BYTES, TOPIC_BYTES};
    use crate::transport::aws::wire::Transport;

    fn numbered(sizes: &[usize]) -> Vec<Numbered> {
        let entry = |size: usize| Entry::new(&Message::new("t", "x".repeat(size)), Transport::Sqs, "q", false).unwrap();
        sizes.iter().enumerate().map(|(index, size)| Numbered { index, entry: entry(*size) }).collect()
    }

    #[test]
    fn a_batch_is_limited_to_ten_messages_and_to_the_bytes_of_the_target() {
        let lengths = |sizes: &[usize], most| split(numbered(sizes), most).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(&[1; 25], MAX_BYTES), [10, 10, 5]);
        assert_eq!(lengths(&[100_000; 5], TOPIC_BYTES), [2, 2, 1]);
        assert_eq!(lengths(&[1, 261_500, 1, 1], TOPIC_BYTES), [1, 1, 2]);
        assert_eq!(lengths(&[400_000; 5], MAX_BYTES), [2, 2, 1]);
        assert_eq!(lengths(&[], MAX_BYTES), [0; 0]);
        let order: Vec<usize> =
            split(numbered(&[1; 25]), MAX_BYTES).iter().flatten().map(|numbered| numbered.index).collect();
        assert_eq!(order, (0..25).collect::<Vec<_>>());
    }

    #[test]
    fn a_message_without_a_result_may_be_sent_again() {
        let refusal = Refusal { code: "c".into(), message: "m".into(), sender_fault: true };
        let found = results(4, ["0", "9", "x"].into_iter(), [("2", refusal)].into_iter());
        assert!(found[0].is_ok());
        assert!(found[1].as_ref().is_err_and(Refusal::is_transient));
        assert!(found[2].as_ref().is_err_and(|refusal| refusal.code == "c"));
        assert!(found[3].as_ref().is_err_and(Refusal::is_transient));
    }
}
