//! Lists and counts of messages by state, a page at a time. A cursor is valid for the same state and topic only.

use crate::model::dynamodb_json::{item_from_json, item_to_json};
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::Item;
use crate::model::page::{Cursor, MessagePage};
use crate::model::stored_message::MessageState;
use crate::outbox::Outbox;
use crate::outbox::item::{decode, message_id};
use crate::outbox::pages::PageStart;
use crate::outbox::wanted::{Conditions, Wanted};
use crate::sdk::failure::explain;
use crate::sys::clock;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::types::Select;
use serde_json::json;
use std::cmp::Ordering;
use std::time::Duration;

/// The time after which a page is returned even if it is not full. A filter may match few items of a large table, so
/// that reading until the page is full could exceed the timeout of the call.
const LONG_ENOUGH: Duration = Duration::from_secs(2);

/// The parts of a cursor: the name of the list, the number of the part, the last key read from it, and the state that shows
/// whether the server repeats itself.
type Parts = (String, usize, String, (u64, u64, u64));

/// A place within a list: the number of the part, and the last key read from the part.
#[derive(Debug, Default)]
struct Place {
    part: usize,
    after: Option<PageStart>,
}

impl Place {
    /// Parses a cursor of the list of this state and topic, which has `parts` parts.
    fn read(cursor: &Cursor, state: MessageState, topic: Option<&str>, parts: usize) -> Result<Self> {
        let place = || {
            let (listed, part, after, progress) = serde_json::from_str::<Parts>(&cursor.0).ok()?;
            let start = |key: &str| Some(PageStart::resumed(item_from_json(key).ok()?, progress));
            let after = if after.is_empty() { None } else { Some(start(&after)?) };
            (listed == list_name(state, topic) && part < parts).then_some(Self { part, after })
        };
        place().ok_or_else(|| {
            Error::new(
                ErrorCode::InvalidArgument,
                "the cursor is not from a page of this list: list the same state and topic as before",
            )
        })
    }

    fn write(&self, state: MessageState, topic: Option<&str>) -> Cursor {
        let after = PageStart::key(self.after.as_ref()).map(|key| item_to_json(&key)).unwrap_or_default();
        let progress = self.after.as_ref().map(PageStart::progress).unwrap_or_default();
        Cursor(json!([list_name(state, topic), self.part, after, progress]).to_string())
    }
}

/// Returns the name of a list in its cursors.
fn list_name(state: MessageState, topic: Option<&str>) -> String {
    topic.map_or_else(|| state.name().to_owned(), |topic| format!("{} {topic}", state.name()))
}

impl Outbox {
    /// Returns a page of up to `limit` messages of this state, of one topic or of all topics. Within a topic, each
    /// shard is sorted by time.
    pub(crate) async fn list(
        &self,
        state: MessageState,
        topic: Option<String>,
        limit: i32,
        cursor: Option<Cursor>,
    ) -> Result<MessagePage> {
        self.list_wanted(&Wanted::all_of(state, topic), limit, cursor).await
    }

    /// Returns a page of up to `limit` of the wanted messages.
    pub(crate) async fn list_wanted(&self, wanted: &Wanted, limit: i32, cursor: Option<Cursor>) -> Result<MessagePage> {
        let (state, topic) = (wanted.state, wanted.topic.as_deref());
        let parts = self.parts(wanted);
        let mut place = match &cursor {
            Some(cursor) => Place::read(cursor, state, topic, parts.len().max(1))?,
            None => Place::default(),
        };
        let mut page = MessagePage::default();
        let mut missing = limit;
        let began = clock::now();
        // A cursor does not record that pages were empty, so the call continues until a page is not.
        let is_idle = |place: &Place| place.after.as_ref().is_some_and(PageStart::is_idle);
        while missing > 0 && (clock::since(began) < LONG_ENOUGH || is_idle(&place)) {
            let Some(part) = parts.get(place.part) else { break };
            let (items, next) = self.read_page(wanted, part.as_deref(), missing, place.after.take()).await?;
            missing = missing.saturating_sub(i32::try_from(items.len()).unwrap_or(i32::MAX));
            for item in &items {
                match decode(item) {
                    // The indexes of dispatched messages contain outstanding rows of Brighter 9.
                    Ok(message) if message.state != state => {}
                    Ok(message) => page.messages.push(message),
                    Err(error) => page.malformed.push((message_id(item).unwrap_or_default().to_owned(), error)),
                }
            }
            place = match next {
                Some(next) => Place { part: place.part, after: Some(next) },
                None => Place { part: place.part + 1, after: None },
            };
        }
        page.next = (place.part < parts.len()).then(|| place.write(state, topic));
        Ok(page)
    }

    /// Returns the parts of the table that contain the wanted messages: the shards of a topic, or one part without a
    /// shard, which is scanned.
    pub(crate) fn parts(&self, wanted: &Wanted) -> Vec<Option<String>> {
        match &wanted.topic {
            _ if wanted.is_none() => Vec::new(),
            // Parked messages are not in the index, so the whole table is scanned.
            Some(topic) if wanted.state != MessageState::Parked => {
                self.topic_shards(topic).into_iter().map(Some).collect()
            }
            _ => vec![None],
        }
    }

    /// Reads up to `most` items of a part, and returns where the next page starts.
    async fn read_page(
        &self,
        wanted: &Wanted,
        shard: Option<&str>,
        most: i32,
        after: Option<PageStart>,
    ) -> Result<(Vec<Item>, Option<PageStart>)> {
        let (operation, subject) = self.names(wanted, shard);
        let key = PageStart::key(after.as_ref());
        let (items, last, evaluated) = match shard {
            Some(shard) => {
                let place = key.as_ref().map_or(Ordering::Equal, |key| wanted.compare(key));
                if place == Ordering::Greater {
                    return Ok((Vec::new(), None));
                }
                let key = key.filter(|_| place == Ordering::Equal);
                let request =
                    self.query_wanted(wanted, wanted.of_shard(shard)).set_exclusive_start_key(key).limit(most);
                let response = request.send().await.map_err(|failure| explain(operation, &subject, failure))?;
                (response.items, response.last_evaluated_key, response.scanned_count)
            }
            None => {
                let conditions = wanted.of_scan();
                // A limit would also count the items that do not match the filter.
                let limit = conditions.expression().is_none().then_some(most);
                let request = self.scan_wanted(wanted, conditions).set_exclusive_start_key(key).set_limit(limit);
                let response = request.send().await.map_err(|failure| explain(operation, &subject, failure))?;
                (response.items, response.last_evaluated_key, response.scanned_count)
            }
        };
        let mut items = items.unwrap_or_default();
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        // The next page begins after the last item that is returned.
        let last = match items.get(most.saturating_sub(1)) {
            Some(cut) if items.len() > most => Some(wanted.key_after(cut, shard.is_some())),
            _ => last,
        };
        items.truncate(most);
        Ok((items, PageStart::next(after, last, evaluated, operation, &subject)?))
    }

    /// Counts the wanted messages in a page of a part, and returns where the next page starts.
    pub(crate) async fn count_page(
        &self,
        wanted: &Wanted,
        shard: Option<&str>,
        after: Option<PageStart>,
    ) -> Result<(u64, Option<PageStart>)> {
        let (operation, subject) = self.names(wanted, shard);
        let key = PageStart::key(after.as_ref());
        let mut filter = Conditions::default();
        wanted.count_filter(&mut filter);
        let (count, last, evaluated) = match shard {
            Some(shard) => {
                let request = self
                    .query_wanted(wanted, wanted.of_shard(shard))
                    .set_filter_expression(filter.expression())
                    .select(Select::Count)
                    .set_exclusive_start_key(key);
                let response = request.send().await.map_err(|failure| explain(operation, &subject, failure))?;
                (response.count, response.last_evaluated_key, response.scanned_count)
            }
            None => {
                let mut conditions = wanted.of_scan();
                wanted.count_filter(&mut conditions);
                let request = self.scan_wanted(wanted, conditions).select(Select::Count).set_exclusive_start_key(key);
                let response = request.send().await.map_err(|failure| explain(operation, &subject, failure))?;
                (response.count, response.last_evaluated_key, response.scanned_count)
            }
        };
        let next = PageStart::next(after, last, evaluated, operation, &subject)?;
        Ok((u64::try_from(count).unwrap_or(0), next))
    }

    /// Returns the names of the operation and of the index or table, for errors.
    fn names(&self, wanted: &Wanted, shard: Option<&str>) -> (&'static str, String) {
        let operation = if shard.is_some() { "Query" } else { "Scan" };
        (operation, wanted.index(shard.is_some()).map_or_else(|| self.subject(), |index| self.index(index)))
    }

    fn query_wanted(&self, wanted: &Wanted, conditions: Conditions) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .set_index_name(wanted.index(true).map(str::to_owned))
            .set_key_condition_expression(conditions.expression())
            .set_expression_attribute_values(Some(conditions.values))
    }

    fn scan_wanted(&self, wanted: &Wanted, conditions: Conditions) -> ScanFluentBuilder {
        self.client
            .scan()
            .table_name(&self.table)
            .set_index_name(wanted.index(false).map(str::to_owned))
            .set_filter_expression(conditions.expression())
            .set_expression_attribute_values(Some(conditions.values).filter(|values| !values.is_empty()))
    }
}
