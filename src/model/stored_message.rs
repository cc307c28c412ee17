//! Messages that were read from the outbox.

use crate::model::fate::Fate;
use crate::model::item::Item;
use crate::model::message::Message;
use crate::model::ticks::Ticks;
use std::time::SystemTime;

/// The state of a stored message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageState {
    /// The message is neither marked as sent nor parked. It may already have been sent.
    Outstanding,
    /// The message was sent and marked.
    Dispatched,
    /// The message is not sent until it is released, because it failed too often, was rejected or is malformed.
    Parked,
}

impl MessageState {
    /// Returns `outstanding`, `dispatched` or `parked`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Outstanding => "outstanding",
            Self::Dispatched => "dispatched",
            Self::Parked => "parked",
        }
    }
}

/// A message that was read from the outbox, with its state.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoredMessage {
    /// The message.
    pub message: Message,
    /// The state of the message.
    pub state: MessageState,
    /// The time at which the message was dispatched.
    pub dispatched_at: Option<SystemTime>,
    /// The time after which DynamoDB may delete the message. Postbox sets this time only when it marks the message
    /// dispatched.
    pub expires_at: Option<SystemTime>,
    /// The number of failures of the message that count toward `max_dispatch_attempts`.
    pub dispatch_attempts: u32,
    /// The reason for which the last attempt failed.
    pub last_error: Option<String>,
    /// The time at which the message was parked.
    pub parked_at: Option<SystemTime>,
    /// The time before which no sweep sends the message, because it waits after a failure or for its confirmation.
    pub next_attempt_at: Option<SystemTime>,
    /// The time of the first failed attempt.
    pub first_failed_at: Option<SystemTime>,
    /// The time at which the producer accepted the message.
    pub accepted_at: Option<SystemTime>,
    pub(crate) fate: Fate,
    pub(crate) item: Option<Item>,
}

impl StoredMessage {
    /// Returns the item as it is stored in the table, including attributes that Postbox does not know. Returns `None`
    /// unless the message was passed to an [`Archive`](crate::Archive).
    pub fn item(&self) -> Option<&Item> {
        self.item.as_ref()
    }

    /// The names of [`fields`](Self::fields), in the same order.
    pub(crate) const FIELDS: [&str; 9] = [
        "state",
        "dispatched_at",
        "expires_at",
        "parked_at",
        "dispatch_attempts",
        "last_error",
        "next_attempt_at",
        "first_failed_at",
        "accepted_at",
    ];

    /// Returns the data that the outbox adds to the message, as pairs of a name and a text: `state`, `dispatched_at`,
    /// `expires_at`, `parked_at`, `dispatch_attempts`, `last_error`, `next_attempt_at`, `first_failed_at`,
    /// `accepted_at`.
    pub fn fields(&self) -> [(&'static str, Option<String>); 9] {
        let time = |time: Option<SystemTime>| time.map(|time| Ticks::from(time).to_full_text());
        let [state, dispatched_at, expires_at, parked_at, dispatch_attempts, last_error, next, first, accepted] =
            Self::FIELDS;
        [
            (state, Some(self.state.name().to_owned())),
            (dispatched_at, time(self.dispatched_at)),
            (expires_at, time(self.expires_at)),
            (parked_at, time(self.parked_at)),
            (dispatch_attempts, Some(self.dispatch_attempts.to_string())),
            (last_error, self.last_error.clone()),
            (next, time(self.next_attempt_at)),
            (first, time(self.first_failed_at)),
            (accepted, time(self.accepted_at)),
        ]
    }
}
