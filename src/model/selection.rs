//! The selection of messages that a list or a count considers.

use crate::model::error::{Error, ErrorCode, Result, shortened, similar_names};
use crate::model::page::Cursor;
use std::time::Duration;

/// The maximum number of topics that a selection can leave out, which is DynamoDB's limit for the operator `IN`.
const MAX_WITHOUT: usize = 100;
const NAMES: [&str; 6] = ["topic", "without_topic", "older_than_ms", "younger_than_ms", "limit", "cursor"];

/// The messages that [`select_messages`](crate::Postbox::select_messages) lists or
/// [`count_messages`](crate::Postbox::count_messages) counts. The age of a dispatched message is the time since its
/// dispatch. The age of any other message is the time since its creation.
///
/// ```
/// use postbox::Selection;
/// use std::time::Duration;
///
/// let late = Selection::new().without_topics(["bills"]).older_than(Duration::from_secs(60)).limit(20);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "a selection does nothing until it is passed to select_messages or count_messages"]
pub struct Selection {
    pub(crate) topic: Option<String>,
    pub(crate) without_topics: Vec<String>,
    pub(crate) older_than: Option<Duration>,
    pub(crate) younger_than: Option<Duration>,
    pub(crate) limit: Option<u32>,
    pub(crate) cursor: Option<Cursor>,
}

impl Selection {
    /// Selects all messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects only messages of this topic.
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    /// Leaves out the messages of these topics, up to 100. A repeated call adds topics.
    pub fn without_topics(mut self, topics: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.without_topics.extend(topics.into_iter().map(Into::into));
        self
    }

    /// Selects only messages that are not younger than this age.
    pub fn older_than(mut self, age: Duration) -> Self {
        self.older_than = Some(age);
        self
    }

    /// Selects only messages that are not older than this age.
    pub fn younger_than(mut self, age: Duration) -> Self {
        self.younger_than = Some(age);
        self
    }

    /// Sets the maximum number of messages. It is 100 per page of a list unless it is set. A count has no maximum unless
    /// it is set, and ends when it reaches the maximum.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Continues a list after an earlier page, whose state and topic must be the same.
    pub fn cursor(mut self, cursor: Cursor) -> Self {
        self.cursor = Some(cursor);
        self
    }

    /// Sets a part of the selection by name: `topic`, `without_topic` (adds one), `older_than_ms`, `younger_than_ms`,
    /// `limit`, `cursor`.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownName`] with similar names; [`ErrorCode::InvalidArgument`] if the value is invalid.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let age = || whole(name, value).map(Duration::from_millis);
        match name {
            "topic" => self.topic = Some(value.to_owned()),
            "without_topic" => self.without_topics.push(value.to_owned()),
            "older_than_ms" => self.older_than = Some(age()?),
            "younger_than_ms" => self.younger_than = Some(age()?),
            "limit" => self.limit = Some(u32::try_from(whole(name, value)?).unwrap_or(u32::MAX)),
            "cursor" => self.cursor = Some(Cursor::from(value)),
            _ => {
                let similar = similar_names(name, NAMES.into_iter());
                let text = format!("unknown part of a selection \"{}\"; similar names: {similar}", shortened(name));
                return Err(Error::new(ErrorCode::UnknownName, text));
            }
        }
        Ok(())
    }

    /// Checks that the parts of the selection are possible, alone and together.
    pub(crate) fn check(&self) -> Result<()> {
        let mut topics = self.topic.iter().chain(&self.without_topics);
        let problem = if topics.any(String::is_empty) {
            "a topic is empty".to_owned()
        } else if self.without_topics.len() > MAX_WITHOUT {
            format!("{} topics are left out, but at most {MAX_WITHOUT} are allowed", self.without_topics.len())
        } else if self.limit == Some(0) {
            "the limit is 0: it must be at least 1".to_owned()
        } else if let (Some(least), Some(most)) = (self.older_than, self.younger_than)
            && least > most
        {
            format!("no message is older than {} ms and younger than {} ms", least.as_millis(), most.as_millis())
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorCode::InvalidArgument, format!("the selection is impossible: {problem}")))
    }
}

fn whole(name: &str, value: &str) -> Result<u64> {
    value.parse().map_err(|_| {
        Error::new(
            ErrorCode::InvalidArgument,
            format!("{name} of the selection is \"{}\", which is not a whole number from 0", shortened(value)),
        )
    })
}
