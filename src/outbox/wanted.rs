//! The messages that a list or a count considers, as conditions of DynamoDB.

use crate::model::item::{AttributeValue, Item};
use crate::model::selection::Selection;
use crate::model::stored_message::MessageState;
use crate::model::ticks::Ticks;
use crate::outbox::attribute::{
    CREATED_TIME, DELIVERY_TIME, MESSAGE_ID, OUTSTANDING_CREATED_TIME, PARKED_AT, TOPIC_SHARD,
};
use crate::outbox::item::{number, text};
use crate::sys::clock;
use std::cmp::Ordering;
use std::collections::HashMap;

/// The state, the topics and the times of the wanted messages.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(super) state: MessageState,
    pub(super) topic: Option<String>,
    without: Vec<String>,
    times: Option<(Ticks, Ticks)>,
}

/// The expressions of a request, and the values of their placeholders.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    all: Vec<String>,
    pub(super) values: HashMap<String, AttributeValue>,
}

impl Conditions {
    fn add(&mut self, condition: impl Into<String>, values: impl IntoIterator<Item = (String, AttributeValue)>) {
        self.all.push(condition.into());
        self.values.extend(values);
    }

    /// Returns the conditions as one expression, or `None` if there are none.
    pub(super) fn expression(&self) -> Option<String> {
        (!self.all.is_empty()).then(|| self.all.join(" AND "))
    }
}

impl Wanted {
    /// Returns the messages of a selection, whose ages are counted from now.
    pub(crate) fn of(state: MessageState, selection: &Selection) -> Self {
        let now = clock::system_time();
        let before = |age| now.checked_sub(age).map_or(Ticks::FIRST, Ticks::from);
        let until = selection.older_than.map(before);
        let from = selection.younger_than.map(before);
        let times =
            (until.is_some() || from.is_some()).then(|| (from.unwrap_or(Ticks::FIRST), until.unwrap_or(Ticks::LAST)));
        Self { state, topic: selection.topic.clone(), without: selection.without_topics.clone(), times }
    }

    /// Returns all messages of this state, of one topic or of all topics.
    pub(super) fn all_of(state: MessageState, topic: Option<String>) -> Self {
        Self { state, topic, without: Vec::new(), times: None }
    }

    /// Returns whether no message can match.
    pub(super) fn is_none(&self) -> bool {
        self.topic.as_ref().is_some_and(|topic| self.without.contains(topic))
    }

    /// Returns the name of the index of one topic or of all topics, or `None` if the table is read.
    pub(super) fn index(&self, of_one_topic: bool) -> Option<&'static str> {
        match (self.state, of_one_topic) {
            (MessageState::Outstanding, true) => Some("Outstanding"),
            (MessageState::Outstanding, false) => Some("OutstandingAllTopics"),
            (MessageState::Dispatched, true) => Some("Delivered"),
            (MessageState::Dispatched, false) => Some("DeliveredAllTopics"),
            (MessageState::Parked, _) => None,
        }
    }

    /// Returns the attribute from which the age is counted.
    fn time(&self) -> &'static str {
        match self.state {
            MessageState::Outstanding => OUTSTANDING_CREATED_TIME,
            MessageState::Dispatched => DELIVERY_TIME,
            MessageState::Parked => CREATED_TIME,
        }
    }

    /// Returns the conditions of a query of a shard.
    pub(super) fn of_shard(&self, shard: &str) -> Conditions {
        let mut conditions = Conditions::default();
        conditions.add(format!("{TOPIC_SHARD} = :shard"), [(":shard".to_owned(), text(shard))]);
        self.add_times(&mut conditions);
        conditions
    }

    /// Returns the conditions of a scan.
    pub(super) fn of_scan(&self) -> Conditions {
        let mut conditions = Conditions::default();
        if self.state == MessageState::Parked {
            conditions.add(format!("attribute_exists({PARKED_AT})"), []);
            if let Some(topic) = &self.topic {
                conditions.add("Topic = :topic", [(":topic".to_owned(), text(topic))]);
            }
        }
        self.add_times(&mut conditions);
        if !self.without.is_empty() {
            let placeholder = |at: usize| format!(":without{at}");
            let names: Vec<String> = (0..self.without.len()).map(placeholder).collect();
            let values = self.without.iter().enumerate().map(|(at, topic)| (placeholder(at), text(topic)));
            conditions.add(format!("NOT (Topic IN ({}))", names.join(", ")), values);
        }
        conditions
    }

    /// Returns the same messages for a count, which does not read the items: a dispatch time of 0 is left out.
    pub(crate) fn counted(mut self) -> Self {
        if self.state == MessageState::Dispatched {
            let (from, until) = self.times.unwrap_or((Ticks::FIRST, Ticks::LAST));
            self.times = Some((from.max(Ticks::SECOND), until));
        }
        self
    }

    /// Adds the conditions with which the items of an index or of the table are counted. They exclude the items that
    /// are in the index but not in the state.
    pub(super) fn count_filter(&self, conditions: &mut Conditions) {
        if self.state != MessageState::Outstanding {
            conditions.add(format!("attribute_not_exists({OUTSTANDING_CREATED_TIME})"), []);
        }
        if self.state == MessageState::Parked {
            let unsent = format!("(attribute_not_exists({DELIVERY_TIME}) OR {DELIVERY_TIME} = :zero)");
            conditions.add(unsent, [(":zero".to_owned(), number(0))]);
        }
    }

    fn add_times(&self, conditions: &mut Conditions) {
        if let Some((from, until)) = self.times {
            let values = [(":from".to_owned(), number(from.raw())), (":until".to_owned(), number(until.raw()))];
            conditions.add(format!("{} BETWEEN :from AND :until", self.time()), values);
        }
    }

    /// Compares the time of a start key with the wanted times. DynamoDB rejects a query with a start key outside of them,
    /// but the times of a selection change between two pages, because the ages are counted from now.
    pub(super) fn compare(&self, key: &Item) -> Ordering {
        let time = key.get(self.time()).and_then(|time| time.as_n().ok()?.parse::<i64>().ok());
        match (time, self.times) {
            (Some(time), Some((from, _))) if time < from.raw() => Ordering::Less,
            (Some(time), Some((_, until))) if time > until.raw() => Ordering::Greater,
            _ => Ordering::Equal,
        }
    }

    /// Returns the key from which a read continues after this item.
    pub(super) fn key_after(&self, item: &Item, of_one_topic: bool) -> Item {
        let mut names = vec![MESSAGE_ID];
        if self.state != MessageState::Parked {
            names.push(self.time());
        }
        if of_one_topic {
            names.push(TOPIC_SHARD);
        }
        names.into_iter().filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect()
    }
}
