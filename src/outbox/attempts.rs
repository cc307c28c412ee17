//! Writes the state of an attempt to send a message: the attempt failed, or the message was claimed, accepted or
//! parked. A claim is a wait that is written to an item before its message is sent, so that no other process sends the
//! message.

use crate::model::fate::Fate;
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::attribute::{
    ACCEPTED_AT, DISPATCH_ATTEMPTS, EXPIRES_AT, FIRST_FAILED_AT, LAST_ERROR, NEXT_ATTEMPT_AT, OUTSTANDING_CREATED_TIME,
    PARKED_AT,
};
use crate::outbox::change::{Change, Changed, Condition};
use crate::outbox::item::{number, text};
use crate::outbox::state::fate;
use std::sync::Arc;

/// The maximum number of bytes of an error text that are stored. A deposit leaves enough room for them in the item: see
/// `ROOM_BYTES`.
const MAX_ERROR_BYTES: usize = 600;

/// The state of an attempt, in absolute values, so that writing it twice has the same effect as writing it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The attempt failed. No process takes the message before `next`.
    Failed { next: Ticks, first: Ticks, counted: u32, error: String },
    /// A process is about to send the message, and may crash while it does.
    Claimed { next: Ticks, first: Ticks, counted: u32 },
    /// The producer accepted the message at `since`, and the message waits for its confirmation until `next`.
    /// `failures` contains the time of the first failure and the number of failures, if they are to be written.
    Accepted { since: Ticks, next: Ticks, failures: Option<(Ticks, u32)> },
    /// The message is parked.
    Parked { at: Ticks, first: Ticks, counted: u32, error: String },
}

impl Outbox {
    /// Writes the states of attempts on up to 25 different messages. A message that another process has changed since
    /// it was read stays unchanged.
    pub(crate) async fn record(self: Arc<Self>, attempts: Vec<(String, Fate, Attempt)>) -> Vec<Changed> {
        let changes = attempts.iter().map(|(id, seen, attempt)| attempt.change(id, seen)).collect();
        self.apply(changes).await
    }
}

impl Attempt {
    /// Returns whether the attempt is on the item, even if it was written by an earlier request of this process whose
    /// response was lost.
    pub(crate) fn is_written(&self, changed: &Changed) -> bool {
        match (changed, self) {
            (Changed::Done, _) => true,
            (Changed::Refused(Some(item)), Self::Claimed { next, .. }) => fate(item).next_attempt == Some(*next),
            _ => false,
        }
    }

    /// Returns the fate of a message after this failed attempt was written to its item. The fate is the set of
    /// attributes that decide when the message is sent next.
    pub(crate) fn applied_to(&self, before: Fate) -> Fate {
        match *self {
            Self::Failed { next, first, counted, .. } => Fate {
                next_attempt: Some(next),
                first_failed: Some(first),
                attempts: Some(counted),
                accepted: None,
                before_claim: None,
                ..before
            },
            Self::Parked { at, .. } => Fate { next_attempt: None, parked: Some(at), ..before },
            Self::Claimed { .. } | Self::Accepted { .. } => before,
        }
    }

    fn change(&self, id: &str, seen: &Fate) -> Change {
        let ticks = |time: &Ticks| number(time.raw());
        let mut conditions =
            vec![Condition::Exists(OUTSTANDING_CREATED_TIME), Condition::same(NEXT_ATTEMPT_AT, seen.next_attempt)];
        let (set, remove) = match self {
            Self::Failed { next, first, counted, error } => (
                vec![
                    (NEXT_ATTEMPT_AT, ticks(next)),
                    (FIRST_FAILED_AT, ticks(first)),
                    (DISPATCH_ATTEMPTS, number(counted)),
                    (LAST_ERROR, text(shown(error))),
                ],
                vec![ACCEPTED_AT, EXPIRES_AT],
            ),
            Self::Claimed { next, first, counted } => (
                vec![
                    (NEXT_ATTEMPT_AT, ticks(next)),
                    (FIRST_FAILED_AT, ticks(first)),
                    (DISPATCH_ATTEMPTS, number(counted)),
                ],
                vec![EXPIRES_AT],
            ),
            Self::Accepted { since, next, failures } => {
                let mut set = vec![(NEXT_ATTEMPT_AT, ticks(next)), (ACCEPTED_AT, ticks(since))];
                if let Some((first, counted)) = failures {
                    set.extend([(FIRST_FAILED_AT, ticks(first)), (DISPATCH_ATTEMPTS, number(counted))]);
                }
                (set, vec![EXPIRES_AT])
            }
            Self::Parked { at, first, counted, error } => {
                conditions.push(match seen.attempts {
                    None => Condition::Missing(DISPATCH_ATTEMPTS),
                    Some(attempts) => Condition::Equals(DISPATCH_ATTEMPTS, number(attempts)),
                });
                (
                    vec![
                        (PARKED_AT, ticks(at)),
                        (FIRST_FAILED_AT, ticks(first)),
                        (DISPATCH_ATTEMPTS, number(counted)),
                        (LAST_ERROR, text(shown(error))),
                    ],
                    vec![OUTSTANDING_CREATED_TIME, NEXT_ATTEMPT_AT, ACCEPTED_AT, EXPIRES_AT],
                )
            }
        };
        let outstanding = -i64::from(matches!(self, Self::Parked { .. }));
        Change { id: id.to_owned(), set, remove, conditions, outstanding }
    }
}

/// Returns the error text to store, which is never empty and is cut after `MAX_ERROR_BYTES`.
fn shown(error: &str) -> &str {
    let mut end = error.len().min(MAX_ERROR_BYTES);
    while !error.is_char_boundary(end) {
        end -= 1;
    }
    if end == 0 { "no text" } else { &error[..end] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_never_empty() {
        assert_eq!(shown(""), "no text");
        assert_eq!(shown("refused"), "refused");
        let long = "é".repeat(MAX_ERROR_BYTES);
        assert_eq!(shown(&format!("x{long}")).len(), MAX_ERROR_BYTES - 1);
    }
}
