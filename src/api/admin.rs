//! Calls for operators: counts by topic, leases, deletion.

use crate::api::operations;
use crate::api::postbox::Postbox;
use crate::delivery::backlog::count_topics;
use crate::delivery::lease::lease_states;
use crate::delivery::presence::sweepers;
use crate::model::error::Result;
use crate::model::stats::{CountScope, LeaseInfo, SweeperInfo, TopicCount};
use crate::model::stored_message::MessageState;
use crate::model::ticks::Ticks;
use std::time::SystemTime;

impl Postbox {
    /// Counts the messages of each topic. The result is sorted by the names of the topics.
    ///
    /// # Errors
    /// [Request errors](Postbox).
    pub fn topic_counts(&self, scope: CountScope) -> Result<Vec<TopicCount>> {
        count_topics(&self.engine, scope)
    }

    /// Counts the messages of a topic that were dispatched at or after `from` and before `to`. The messages are
    /// counted in an index, which DynamoDB updates a moment after the table.
    ///
    /// # Errors
    /// [Request errors](Postbox).
    pub fn dispatched_between(&self, topic: &str, from: SystemTime, to: SystemTime) -> Result<u64> {
        let (topic, from, to) = (topic.to_owned(), Ticks::from(from), Ticks::from(to));
        self.engine.run("dispatched_between", |outbox| async move { outbox.dispatched_between(&topic, from, to).await })
    }

    /// Returns the leases of the sweepers and archivers of this outbox, including expired leases. The list is empty if the
    /// lock table does not exist.
    ///
    /// # Errors
    /// [Request errors](Postbox).
    pub fn leases(&self) -> Result<Vec<LeaseInfo>> {
        lease_states(&self.engine)
    }

    /// Returns the processes that have swept this outbox within the last day. The list is sorted by the time of the
    /// last sweep, and begins with the latest. Each process records its sweeps in an item of the lock table. A process
    /// writes this item when it begins to sweep, when its sweeps begin to fail or to succeed, and every 5 minutes, or
    /// every minute if it sends messages. This method deletes items that are older than a day. Brighter's sweepers are
    /// not in the list.
    ///
    /// # Errors
    /// [Request errors](Postbox).
    pub fn sweepers(&self) -> Result<Vec<SweeperInfo>> {
        sweepers(&self.engine)
    }

    /// Describes where the outbox table is, for prompts and logs: with its account and region, its endpoint, or the file of
    /// the embedded database. The account is found with a DescribeTable request. Without the permission for it, the result
    /// states that the account is unknown.
    ///
    /// # Errors
    /// [`ErrorCode::Timeout`](crate::ErrorCode::Timeout) and [`ErrorCode::Closed`](crate::ErrorCode::Closed).
    pub fn location(&self) -> Result<String> {
        self.engine.run("location", |outbox| async move { Ok(outbox.location().await) })
    }

    /// Deletes a message if it is in this state, and returns whether the message was deleted. An outstanding message
    /// that is deleted is never sent.
    ///
    /// # Errors
    /// [Request errors](Postbox).
    pub fn delete_message(&self, id: &str, state: MessageState) -> Result<bool> {
        operations::delete_message(&self.engine, id, state).run(&self.engine)
    }
}
