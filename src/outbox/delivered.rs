//! Reads the dispatched messages of each shard from the index `Delivered`. The index sorts a shard by dispatch time, so
//! old messages are found without reading newer ones.

use crate::model::error::Result;
use crate::model::item::Item;
use crate::model::ticks::Ticks;
use crate::outbox::Outbox;
use crate::outbox::attribute::{DELIVERY_TIME, MESSAGE_ID, TOPIC_SHARD};
use crate::outbox::decimal::ticks;
use crate::outbox::item::{message_id, number, text};
use crate::outbox::pages::PageStart;
use crate::sdk::failure::explain;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use std::collections::HashSet;
use std::sync::atomic::Ordering;

const DELIVERED: &str = "Delivered";
/// The largest number of DynamoDB, which is after every time of a shard.
const LAST_TIME: &str = "9.9999999999999999999999999999999999999E+125";

/// An iteration over the shards in the index.
#[derive(Debug, Default)]
pub(crate) struct ShardWalk {
    seen: HashSet<String>,
    from: Option<PageStart>,
    /// Whether the start key of this request was constructed to skip the rest of the last shard.
    jumped: bool,
}

/// A shard of the index, and the dispatch time of its oldest message. The time is 0 if the oldest item was stored by
/// Brighter 9 and was not sent.
#[derive(Debug)]
pub(crate) struct DeliveredShard {
    pub(crate) name: String,
    pub(crate) oldest: Ticks,
}

impl Outbox {
    /// Returns the next shards of the iteration, and the rest of the iteration if there is more.
    ///
    /// Reads one item of each shard: the start key of a scan can be constructed to skip the rest of a shard. DynamoDB
    /// documents this for tables but not for indexes. If the request fails, or the index repeats a shard, the index is
    /// read page by page.
    pub(crate) async fn next_delivered_shards(
        &self,
        walk: ShardWalk,
    ) -> Result<(Vec<DeliveredShard>, Option<ShardWalk>)> {
        let ShardWalk { mut seen, from, jumped } = walk;
        let jumps = !self.index_jumps_refused.load(Ordering::Relaxed);
        let request =
            self.scan_delivered().set_exclusive_start_key(PageStart::key(from.as_ref())).set_limit(jumps.then_some(1));
        let response = match request.send().await {
            Ok(response) => response,
            Err(failure) if jumped && failure.code() == Some("ValidationException") => {
                return Ok((Vec::new(), Some(self.walk_plainly(seen))));
            }
            Err(failure) => return Err(explain("Scan", &self.index(DELIVERED), failure)),
        };
        let mut shards = Vec::new();
        let mut again = false;
        for item in response.items() {
            let (Some(name), Some(oldest)) = (shard(item), ticks(item, DELIVERY_TIME)) else { continue };
            match seen.insert(name.clone()) {
                true => shards.push(DeliveredShard { name, oldest }),
                false => again = true,
            }
        }
        if jumped && again {
            return Ok((shards, Some(self.walk_plainly(seen))));
        }
        let last = response.last_evaluated_key;
        let behind = last.clone().filter(|last| jumps && last.contains_key(TOPIC_SHARD)).map(behind);
        let next = match PageStart::next(from, last, response.scanned_count, "Scan", &self.index(DELIVERED)) {
            Ok(next) => next,
            Err(_) if jumped => return Ok((shards, Some(self.walk_plainly(seen)))),
            Err(error) => return Err(error),
        };
        let jumped = behind.is_some();
        let skip = |next: PageStart| match behind {
            Some(behind) => next.skip_to(behind),
            None => next,
        };
        Ok((shards, next.map(|next| ShardWalk { seen, from: Some(skip(next)), jumped })))
    }

    /// Restarts the iteration. From now on, this Postbox reads the index page by page.
    fn walk_plainly(&self, seen: HashSet<String>) -> ShardWalk {
        if !self.index_jumps_refused.swap(true, Ordering::Relaxed) {
            tracing::warn!(target: "postbox", "the index Delivered does not accept constructed start keys, and is read page by page");
        }
        ShardWalk { seen, from: None, jumped: false }
    }

    fn scan_delivered(&self) -> ScanFluentBuilder {
        self.client
            .scan()
            .table_name(&self.table)
            .index_name(DELIVERED)
            .projection_expression(format!("{TOPIC_SHARD}, {DELIVERY_TIME}"))
    }

    /// Returns a page of the ids of a shard's messages that were dispatched up to this time, oldest first, and where
    /// the next page starts.
    pub(crate) async fn dispatched_until(
        &self,
        shard: String,
        until: Ticks,
        from: Option<PageStart>,
    ) -> Result<(Vec<String>, Option<PageStart>)> {
        let subject = self.index(DELIVERED);
        let response = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(DELIVERED)
            .key_condition_expression(format!("{TOPIC_SHARD} = :shard AND {DELIVERY_TIME} BETWEEN :first AND :until"))
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":first", number(Ticks::FIRST.raw() + 1))
            .expression_attribute_values(":until", number(until.raw()))
            .projection_expression(MESSAGE_ID)
            .set_exclusive_start_key(PageStart::key(from.as_ref()))
            .send()
            .await
            .map_err(|failure| explain("Query", &subject, failure))?;
        let ids = response.items().iter().filter_map(message_id).map(str::to_owned).collect();
        let next = PageStart::next(from, response.last_evaluated_key, response.scanned_count, "Query", &subject)?;
        Ok((ids, next))
    }

    /// Returns the first dispatch time of a shard after this time.
    pub(crate) async fn first_dispatched_after(&self, shard: String, after: Ticks) -> Result<Option<Ticks>> {
        let response = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(DELIVERED)
            .key_condition_expression(format!("{TOPIC_SHARD} = :shard AND {DELIVERY_TIME} > :after"))
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":after", number(after.raw()))
            .projection_expression(DELIVERY_TIME)
            .limit(1)
            .send()
            .await
            .map_err(|failure| explain("Query", &self.index(DELIVERED), failure))?;
        Ok(response.items().first().and_then(|item| ticks(item, DELIVERY_TIME)))
    }
}

fn shard(item: &Item) -> Option<String> {
    item.get(TOPIC_SHARD)?.as_s().ok().cloned()
}

/// Returns a start key after all items of the shard of this key.
fn behind(mut key: Item) -> Item {
    key.insert(DELIVERY_TIME.to_owned(), number(LAST_TIME));
    key
}
