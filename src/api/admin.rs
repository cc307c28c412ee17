//! What only an operator asks for: counts by topic, leases, deletion.

use crate::api::postbox::Postbox;
use crate::delivery::backlog::count_topics;
use crate::delivery::lease::lease_states;
use crate::model::error::Result;
use crate::model::stats::{CountScope, LeaseInfo, TopicCount};
use crate::model::stored_message::MessageState;
use crate::model::ticks::Ticks;
use std::time::SystemTime;

impl Postbox {
    /// Counts the messages of each topic, in the order of the topics' names.
    ///
    /// # Errors
    /// Those of any request.
    pub fn topic_counts(&self, scope: CountScope) -> Result<Vec<TopicCount>> {
        count_topics(&self.engine, scope)
    }

    /// How many messages of a topic were dispatched from this time on and before that one, as the index shows them.
    ///
    /// # Errors
    /// Those of any request.
    pub fn dispatched_between(&self, topic: &str, from: SystemTime, to: SystemTime) -> Result<u64> {
        let (topic, from, to) = (topic.to_owned(), Ticks::from(from), Ticks::from(to));
        self.engine.run("dispatched_between", |outbox| async move { outbox.dispatched_between(&topic, from, to).await })
    }

    /// The leases of sweepers and archivers of this outbox, those that have run out included; none without a lock table.
    ///
    /// # Errors
    /// Those of any request.
    pub fn leases(&self) -> Result<Vec<LeaseInfo>> {
        lease_states(&self.engine)
    }

    /// Deletes a message that is in this state, and says whether it did: one that is in another
    /// state by now stays. An outstanding message that is deleted is never sent.
    ///
    /// # Errors
    /// Those of any request.
    pub fn delete(&self, id: &str, state: MessageState) -> Result<bool> {
        let id = id.to_owned();
        self.engine.run("delete", |outbox| async move { outbox.delete_in_state(id, state).await })
    }
}
