//! The messages that this process committed recently. Clearing them needs no read.

use crate::model::config::Config;
use crate::model::message::Message;
use crate::sys::clock;
use crate::sys::simulation::{Mutation, mutated};
use crate::sys::sync::Mutex;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// The estimated size of a message without its body, in bytes.
const OVERHEAD_BYTES: usize = 1024;

/// A cache with limits for the number, size and age of messages. The maximum age is below the minimum age of a message
/// in a sweep, so that no sweeper can have sent a cached message.
pub(crate) struct Recent {
    max_messages: usize,
    max_bytes: usize,
    max_age: Duration,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    messages: HashMap<String, (Message, Instant)>,
    /// The ids in the order of arrival, including the ids of messages that were taken in the meantime.
    order: VecDeque<(String, Instant)>,
    bytes: usize,
}

impl Recent {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            max_messages: config.cache_max_messages as usize,
            max_bytes: config.cache_max_bytes as usize,
            max_age: config.cache_max_age,
            kept: Mutex::default(),
        }
    }

    /// Adds messages that were just written, and removes the oldest messages if a limit is exceeded.
    pub(crate) fn add(&self, messages: impl IntoIterator<Item = Message>) {
        if self.max_messages == 0 {
            return;
        }
        let now = clock::now();
        let mut kept = self.kept.lock();
        for message in messages {
            let id = message.id().to_owned();
            kept.remove(&id);
            kept.bytes += cost(&message);
            kept.order.push_back((id.clone(), now));
            kept.messages.insert(id, (message, now));
        }
        while kept.messages.len() > self.max_messages
            || kept.bytes > self.max_bytes
            // The ids of messages that were taken stay in this list until they are old, so the length of the list is
            // limited too.
            || kept.order.len() > self.max_messages.saturating_mul(2)
            || kept.order.front().is_some_and(|(_, at)| now.duration_since(*at) > self.max_age)
        {
            let Some((oldest, at)) = kept.order.pop_front() else {
                break;
            };
            if kept.messages.get(&oldest).is_some_and(|(_, kept_at)| *kept_at == at) {
                kept.remove(&oldest);
            }
        }
    }

    /// Removes the message. If the message is young enough, returns it with the time until which it may be sent without
    /// a read.
    pub(crate) fn take(&self, id: &str) -> Option<(Message, Instant)> {
        if mutated(Mutation::CacheNotInvalidated) {
            let until = clock::now() + Duration::from_secs(3600);
            return self.kept.lock().messages.get(id).map(|(message, _)| (message.clone(), until));
        }
        let (message, at) = self.kept.lock().remove(id)?;
        // A sweeper uses the creation time of the message, which may be long before the commit.
        let age = clock::system_time().duration_since(message.created_at()).unwrap_or_default();
        let age = age.max(clock::since(at));
        (age <= self.max_age).then(|| (message, clock::now() + (self.max_age - age)))
    }
}

impl Kept {
    fn remove(&mut self, id: &str) -> Option<(Message, Instant)> {
        let removed = self.messages.remove(id)?;
        self.bytes -= cost(&removed.0);
        Some(removed)
    }
}

fn cost(message: &Message) -> usize {
    message.body().len() + OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent(messages: u64, bytes: u64, age_ms: u64) -> Recent {
        Recent::new(&Config {
            cache_max_messages: messages,
            cache_max_bytes: bytes,
            cache_max_age: Duration::from_millis(age_ms),
            ..Config::default()
        })
    }

    fn message(id: &str) -> Message {
        Message::new("t", vec![0; 1000]).with_id(id)
    }

    #[test]
    fn a_message_is_taken_once() {
        let recent = recent(10, 1 << 20, 4000);
        recent.add([message("a")]);
        assert_eq!(recent.take("a").unwrap().0.id(), "a");
        assert!(recent.take("a").is_none());
    }

    #[test]
    fn count_and_bytes_are_bounded_and_the_oldest_goes_first() {
        for recent in [recent(2, 1 << 20, 4000), recent(10, 2 * 2024, 4000)] {
            recent.add(["a", "b", "c"].map(message));
            assert!(recent.take("a").is_none());
            assert!(recent.take("b").is_some() && recent.take("c").is_some());
            assert_eq!(recent.kept.lock().bytes, 0);
        }
        let none = recent(0, 1 << 20, 4000);
        none.add([message("a")]);
        assert!(none.take("a").is_none());
    }

    #[test]
    fn a_message_that_is_too_old_is_read_again() {
        let recent = recent(10, 1 << 20, 0);
        recent.add([message("a")]);
        std::thread::yield_now();
        assert!(recent.take("a").is_none());
    }

    #[test]
    fn taken_messages_do_not_accumulate() {
        let recent = recent(10, 1 << 20, 4000);
        for id in 0..100 {
            recent.add([message(&id.to_string())]);
            assert!(recent.take(&id.to_string()).is_some());
        }
        assert!(recent.kept.lock().order.len() <= 20, "{}", recent.kept.lock().order.len());
    }
}
