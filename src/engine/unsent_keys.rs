//! The partition keys for which a clear of this process left a message unsent. A later clear uses them, so that it does
//! not send a later message of the key first.

use crate::model::message::Message;
use crate::model::ticks::Ticks;
use crate::sys::sync::Mutex;
use std::collections::{BTreeSet, HashMap};

/// The maximum number of messages. If there are more, the earliest message is forgotten. A sweep has probably sent it.
const MOST_MESSAGES: usize = 10_000;

/// A topic and a partition key.
pub(crate) type Key = (String, String);

#[derive(Default)]
pub(crate) struct UnsentKeys(Mutex<State>);

#[derive(Default)]
struct State {
    /// The unsent messages of each key, the earliest first.
    keys: HashMap<Key, BTreeSet<(Ticks, String)>>,
    /// The key and the creation time of each of these messages by id.
    ids: HashMap<String, (Key, Ticks)>,
    /// All of these messages, the earliest first.
    order: BTreeSet<(Ticks, String)>,
}

impl State {
    fn remove(&mut self, id: &str) {
        let Some((key, created)) = self.ids.remove(id) else { return };
        let message = (created, id.to_owned());
        self.order.remove(&message);
        if let Some(unsent) = self.keys.get_mut(&key) {
            unsent.remove(&message);
            if unsent.is_empty() {
                self.keys.remove(&key);
            }
        }
    }
}

impl UnsentKeys {
    /// Notes that a clear left a message unsent.
    pub(crate) fn note(&self, message: &Message) {
        let Some(key) = key_of(message) else { return };
        let (id, created) = (message.id().to_owned(), message.created());
        let mut state = self.0.lock();
        if state.ids.contains_key(&id) {
            return;
        }
        if state.ids.len() == MOST_MESSAGES
            && let Some((_, earliest)) = state.order.first().cloned()
        {
            state.remove(&earliest);
        }
        state.keys.entry(key.clone()).or_default().insert((created, id.clone()));
        state.order.insert((created, id.clone()));
        state.ids.insert(id, (key, created));
    }

    /// Notes that a message was sent, or is no longer outstanding.
    pub(crate) fn settle(&self, id: &str) {
        self.0.lock().remove(id);
    }

    /// Returns the id of the earliest unsent message with the key of this message that was created before it, if one is
    /// known.
    pub(crate) fn earlier(&self, message: &Message) -> Option<String> {
        let state = self.0.lock();
        let (created, id) = state.keys.get(&key_of(message)?)?.first()?;
        (*created < message.created()).then(|| id.clone())
    }
}

/// Returns the topic and the partition key of the message, or `None` if it has no partition key. Messages with the same
/// topic and partition key are sent in order.
pub(crate) fn key_of(message: &Message) -> Option<Key> {
    message.is_keyed().then(|| (message.topic().to_owned(), message.partition_key().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(key: &str) -> Message {
        Message::new("t", "x").with_partition_key(key)
    }

    #[test]
    fn the_oldest_unsent_message_of_a_key_is_known_until_it_is_settled() {
        let unsent = UnsentKeys::default();
        let (first, second, third, other) = (message("k"), message("k"), message("k"), message("l"));
        unsent.note(&second);
        assert_eq!(unsent.earlier(&first), None);
        assert_eq!(unsent.earlier(&second), None);
        assert_eq!(unsent.earlier(&third).as_deref(), Some(second.id()));
        unsent.note(&first);
        unsent.note(&third);
        assert_eq!(unsent.earlier(&third).as_deref(), Some(first.id()));
        assert_eq!(unsent.earlier(&other), None);
        unsent.settle(first.id());
        assert_eq!(unsent.earlier(&third).as_deref(), Some(second.id()));
        unsent.settle(second.id());
        assert_eq!(unsent.earlier(&third), None);
        unsent.settle(third.id());
        assert!(unsent.0.lock().keys.is_empty());
    }

    #[test]
    fn messages_without_a_key_and_the_earliest_of_too_many_are_not_remembered() {
        let unsent = UnsentKeys::default();
        unsent.note(&message(""));
        assert_eq!(unsent.earlier(&message("")), None);
        for n in 0..MOST_MESSAGES + 1 {
            unsent.note(&message(&n.to_string()));
        }
        let is_known = |n: usize| unsent.earlier(&message(&n.to_string())).is_some();
        assert!(!is_known(0) && is_known(1) && is_known(MOST_MESSAGES));
        assert_eq!(unsent.0.lock().keys.len(), MOST_MESSAGES);
    }
}
