//! Items and bodies as types of the program, through `serde`.

use crate::api::postbox::Postbox;
use crate::api::unit_of_work::UnitOfWork;
use crate::model::error::{Error, ErrorCode, Result};
use crate::model::item::Item;
use crate::model::message::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

impl UnitOfWork {
    /// Adds a put of a value that serializes to a map, such as a struct, as [`put`](Self::put) does. `serde_dynamo` converts
    /// the value. Requires the `serde` feature.
    ///
    /// ```
    /// # fn main() -> postbox::Result<()> {
    /// # let postbox = postbox::Postbox::builder().embedded_path(":memory:").open()?;
    /// # postbox.embedded().unwrap().execute("CreateTable", r#"{"TableName":"People","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"Name","AttributeType":"S"}],"KeySchema":[{"AttributeName":"Name","KeyType":"HASH"}]}"#)?;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// #[serde(rename_all = "PascalCase")]
    /// struct Person {
    ///     name: String,
    ///     greetings: u64,
    /// }
    ///
    /// #[derive(serde::Serialize)]
    /// #[serde(rename_all = "PascalCase")]
    /// struct Key<'a> {
    ///     name: &'a str,
    /// }
    ///
    /// let mut work = postbox.unit_of_work();
    /// let person: Option<Person> = work.get_item_as("People", &Key { name: "Ada" })?;
    /// let greetings = person.map_or(0, |person| person.greetings) + 1;
    /// let person = Person { name: "Ada".into(), greetings };
    /// work.put_as("People", &person)?;
    /// work.deposit_post(postbox::Message::json("greeting.made", &person)?)?;
    /// work.commit()?;
    /// # assert_eq!(postbox.get_item_as::<Person>("People", &Key { name: "Ada" })?.unwrap().greetings, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The same as for [`put`](Self::put), and [`ErrorCode::InvalidArgument`] if the value cannot be an item.
    pub fn put_as(&mut self, table: impl Into<String>, value: &impl Serialize) -> Result<()> {
        let table = table.into();
        let item = to_item(&table, value)?;
        self.put(table, item)
    }

    /// Reads one item as [`get_item`](Self::get_item) does, and deserializes it. The key is a value that serializes to a map.
    /// Requires the `serde` feature.
    ///
    /// # Errors
    /// The same as for [`Postbox::get_item_as`].
    pub fn get_item_as<T: DeserializeOwned>(
        &self,
        table: impl Into<String>,
        key: &impl Serialize,
    ) -> Result<Option<T>> {
        read_as(table.into(), key, |table, key| self.get_item(table, key))
    }
}

impl Postbox {
    /// Reads one item as [`get_item`](Self::get_item) does, and deserializes it. The key is a value that serializes to a map.
    /// Requires the `serde` feature.
    ///
    /// # Errors
    /// Request errors, and [`ErrorCode::InvalidArgument`] if the key cannot be an item, or if the item does not have the
    /// form of `T`.
    pub fn get_item_as<T: DeserializeOwned>(
        &self,
        table: impl Into<String>,
        key: &impl Serialize,
    ) -> Result<Option<T>> {
        read_as(table.into(), key, |table, key| self.get_item(table, key))
    }
}

impl Message {
    /// Creates a message whose body is this value as JSON, with the content type `application/json`. Requires the `serde`
    /// feature.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidMessage`] if the value cannot be JSON.
    pub fn json(topic: impl Into<String>, value: &impl Serialize) -> Result<Self> {
        let topic = topic.into();
        let body = serde_json::to_vec(value).map_err(|error| {
            let text = format!("the body of a message for the topic {topic} cannot be JSON: {error}");
            Error::new(ErrorCode::InvalidMessage, text)
        })?;
        Ok(Self::new(topic, body).with_content_type("application/json"))
    }
}

fn to_item(table: &str, value: &impl Serialize) -> Result<Item> {
    serde_dynamo::to_item(value).map_err(|error| {
        let text = format!("a value for the table {table} cannot be an item: {error}");
        Error::new(ErrorCode::InvalidArgument, text)
    })
}

/// Converts the key, reads the item with `read`, and converts the item.
fn read_as<T: DeserializeOwned>(
    table: String,
    key: &impl Serialize,
    read: impl FnOnce(&str, Item) -> Result<Option<Item>>,
) -> Result<Option<T>> {
    let item = read(&table, to_item(&table, key)?)?;
    item.map(serde_dynamo::from_item).transpose().map_err(|error| {
        let text = format!("an item of the table {table} cannot be read as {}: {error}", std::any::type_name::<T>());
        Error::new(ErrorCode::InvalidArgument, text)
    })
}
