//! Dispatched messages found and deleted, for the archiver. Nothing without a dispatch time is
//! ever deleted (W19).

use crate::Item;
use crate::error::Result;
use crate::outbox::Outbox;
use crate::outbox::deposit::{CONCURRENT_REQUESTS, all_in_order};
use crate::outbox::failure::explain;
use crate::outbox::item::attribute::{DELIVERY_TIME, MESSAGE_ID};
use crate::outbox::item::{key, message_id, number};
use crate::ticks::Ticks;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use std::sync::Arc;

/// The index of everything that was dispatched, over all topics.
const ALL_TOPICS: &str = "DeliveredAllTopics";

impl Outbox {
    /// A page of the ids of messages that were dispatched before this time, and where the next begins.
    pub(crate) async fn dispatched_before(
        &self,
        time: Ticks,
        from: Option<Item>,
    ) -> Result<(Vec<String>, Option<Item>)> {
        let answer = self
            .client
            .scan()
            .table_name(&self.table)
            .index_name(ALL_TOPICS)
            .filter_expression(format!("{DELIVERY_TIME} <= :time"))
            .expression_attribute_values(":time", number(time.raw()))
            .projection_expression(MESSAGE_ID)
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(|failure| explain("Scan", &self.index(ALL_TOPICS), failure))?;
        let ids = answer.items().iter().filter_map(message_id).map(str::to_owned).collect();
        Ok((ids, answer.last_evaluated_key.filter(|key| !key.is_empty())))
    }

    /// Deletes messages if they were dispatched before this time and not replayed since: for each
    /// whether it is gone, in order.
    pub(crate) async fn delete_dispatched(self: Arc<Self>, ids: Vec<String>, time: Ticks) -> Vec<Result<bool>> {
        let deletes = ids.into_iter().map(|id| {
            let outbox = Arc::clone(&self);
            async move { outbox.delete_one(&id, time).await }
        });
        all_in_order(deletes, CONCURRENT_REQUESTS).await
    }

    async fn delete_one(&self, id: &str, time: Ticks) -> Result<bool> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(id)))
            .condition_expression(format!("{DELIVERY_TIME} <= :time"))
            .expression_attribute_values(":time", number(time.raw()))
            .send()
            .await;
        match delete {
            Ok(_) => Ok(true),
            Err(failure) if failure.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(failure) => Err(explain("DeleteItem", &self.subject(), failure)),
        }
    }
}
