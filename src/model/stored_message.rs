//! A message as it is in the outbox.

use crate::model::message::Message;
use crate::model::ticks::Ticks;
use std::time::SystemTime;

/// Where a stored message is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageState {
    /// Not yet sent.
    Outstanding,
    /// Sent.
    Dispatched,
    /// Set aside after it failed too often or was rejected.
    Parked,
}

impl MessageState {
    /// `outstanding`, `dispatched` or `parked`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Outstanding => "outstanding",
            Self::Dispatched => "dispatched",
            Self::Parked => "parked",
        }
    }
}

/// A message as it is in the outbox.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoredMessage {
    /// The message.
    pub message: Message,
    /// Outstanding, dispatched or parked.
    pub state: MessageState,
    /// When it was dispatched.
    pub dispatched_at: Option<SystemTime>,
    /// When DynamoDB may delete it; never set before it is dispatched by Postbox.
    pub expires_at: Option<SystemTime>,
    /// How often sending it has failed.
    pub dispatch_attempts: u32,
    /// Why sending it failed last.
    pub last_error: Option<String>,
    /// When it was parked.
    pub parked_at: Option<SystemTime>,
}

impl StoredMessage {
    /// The names of [`fields`](Self::fields).
    pub(crate) const FIELDS: [&str; 6] =
        ["state", "dispatched_at", "expires_at", "parked_at", "dispatch_attempts", "last_error"];

    /// What the outbox tells of the message, as text by name: `state`, `dispatched_at`,
    /// `expires_at`, `parked_at`, `dispatch_attempts`, `last_error`.
    pub fn fields(&self) -> [(&'static str, Option<String>); 6] {
        let time = |time: Option<SystemTime>| time.map(|time| Ticks::from(time).to_text());
        let [state, dispatched_at, expires_at, parked_at, dispatch_attempts, last_error] = Self::FIELDS;
        [
            (state, Some(self.state.name().to_owned())),
            (dispatched_at, time(self.dispatched_at)),
            (expires_at, time(self.expires_at)),
            (parked_at, time(self.parked_at)),
            (dispatch_attempts, Some(self.dispatch_attempts.to_string())),
            (last_error, self.last_error.clone()),
        ]
    }
}
