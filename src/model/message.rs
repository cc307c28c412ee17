//! A message: a header and a body, as it is deposited and as it is sent.

use crate::model::bag::{Bag, MAX_DEPTH};
use crate::model::error::{Error, ErrorCode, Result, shortened};
use crate::model::header::{CharacterEncoding, MessageType, with_optional_headers};
use crate::model::media_type::is_text;
use crate::model::ticks::Ticks;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::time::SystemTime;
use uuid::timestamp::context::{ContextV7, ThreadLocalContext};
use uuid::{Timestamp, Uuid};

thread_local! {
    /// The state with which the ids of one thread are in order. The state that all threads can share has a lock, which a
    /// forked child could find locked forever.
    static IDS: ContextV7 = const { ContextV7::new() };
}

/// Brighter's default for the CloudEvents `source` attribute.
const DEFAULT_SOURCE: &str = "http://goparamore.io";
/// The name of an entry in the header bag of a reply. The topic of a reply has no producer, so this entry names the topic
/// whose producer sends the reply. Brighter stores the entry in the outbox, but does not send it with the message.
pub(crate) const PRODUCER_TOPIC: &str = "paramore.brighter.ProducerTopic";
/// Brighter's default content type.
const DEFAULT_CONTENT_TYPE: &str = "application/json; charset=utf-8";
const DEFAULT_SPEC_VERSION: &str = "1.0";
/// The content type that is stored and sent for a message without one.
pub(crate) const NO_CONTENT_TYPE: &str = "text/plain";
/// The limit of DynamoDB for a partition key, as of November 2026. Two values are partition keys of indexes: the topic with its
/// shard, and the causation id.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
pub(crate) const MAX_KEY_BYTES: usize = 2048;
/// The limit of DynamoDB for a sort key, from the same page. The id is the sort key of the indexes that contain all topics.
const MAX_ID_BYTES: usize = 1024;
/// The number of bytes that `TopicShard` adds to the topic: `_` and up to two digits.
const SHARD_SUFFIX_BYTES: usize = 3;

/// Defines the message from the list of its optional text headers.
macro_rules! define_message {
    ($($field:ident $setter:ident $attribute:literal $about:literal;)*) => {
        /// A message to deposit, or a message that was read from the outbox. It has a header and a body of bytes.
        ///
        /// ```
        /// use postbox::Message;
        ///
        /// let message = Message::new("greeting.made", r#"{"name":"Ada"}"#)
        ///     .with_partition_key("Ada")
        ///     .with_bag_entry("tenant", "42");
        /// assert_eq!(message.topic(), "greeting.made");
        /// assert_eq!(message.id().len(), 36); // a UUID v7, unless with_id sets another id
        /// ```
        #[derive(Clone, PartialEq)]
        pub struct Message {
            pub(super) id: String,
            pub(super) topic: String,
            body: Vec<u8>,
            pub(super) message_type: MessageType,
            pub(super) character_encoding: Option<CharacterEncoding>,
            pub(super) content_type: Cow<'static, str>,
            pub(super) source: Cow<'static, str>,
            pub(super) spec_version: Cow<'static, str>,
            pub(super) created: Ticks,
            /// The time at which the message was last made outstanding again, if it was.
            replayed: Option<Ticks>,
            pub(super) bag: Bag,
            handled_count: i64,
            delayed_milliseconds: i64,
            $($field: String,)*
        }

        impl Message {
            /// Creates a message of the topic with this body, of type [`MessageType::Event`], with a new id and the
            /// current time.
            pub fn new(topic: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
                Self {
                    id: Uuid::new_v7(Timestamp::now(ThreadLocalContext::new(&IDS))).to_string(),
                    topic: topic.into(),
                    body: body.into(),
                    message_type: MessageType::Event,
                    character_encoding: None,
                    content_type: DEFAULT_CONTENT_TYPE.into(),
                    source: DEFAULT_SOURCE.into(),
                    spec_version: DEFAULT_SPEC_VERSION.into(),
                    created: Ticks::next(),
                    replayed: None,
                    bag: Bag::default(),
                    handled_count: 0,
                    delayed_milliseconds: 0,
                    $($field: String::new(),)*
                }
            }

            $(
                #[doc = $about]
                ///
                /// Returns an empty string if the field is not set.
                pub fn $field(&self) -> &str {
                    &self.$field
                }

                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), "). An empty value removes it.")]
                pub fn $setter(mut self, value: impl Into<String>) -> Self {
                    self.$field = value.into();
                    self
                }
            )*

            /// Returns the optional text headers as attributes of the table, including empty ones.
            pub(crate) fn optional_attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
                [$(($attribute, self.$field.as_str()),)*].into_iter()
            }

            /// Sets an optional text header from the attribute that holds it.
            pub(crate) fn set_optional_attribute(&mut self, attribute: &str, value: &str) {
                match attribute {
                    $($attribute => self.$field = value.into(),)*
                    _ => {}
                }
            }

            pub(super) fn optional_field(&mut self, name: &str) -> Option<&mut String> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)*
                    _ => None,
                }
            }

            pub(super) fn optional_value(&self, name: &str) -> Option<&str> {
                match name {
                    $(stringify!($field) => Some(&self.$field),)*
                    _ => None,
                }
            }
        }
    };
}

with_optional_headers!(define_message);

impl Message {
    /// Returns the id, which is a UUID v7 unless [`with_id`](Self::with_id) sets another id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Sets the id, which can have up to 1,024 bytes. If a
    /// program uses the same id each time that it retries an operation, the message is stored only once.
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Returns the routing key.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Returns the bytes of the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Replaces the body.
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Returns the purpose of the message.
    pub fn message_type(&self) -> MessageType {
        self.message_type.clone()
    }

    /// Sets the [`message_type`](Self::message_type).
    pub fn with_message_type(mut self, message_type: MessageType) -> Self {
        self.message_type = message_type;
        self
    }

    /// Returns the media type of the body.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Sets the [`content_type`](Self::content_type). An empty value is stored as `text/plain`.
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Cow::Owned(content_type.into());
        self
    }

    /// Returns the encoding of the body: the value that was set, or otherwise [`CharacterEncoding::Utf8`] if the
    /// [`content_type`](Self::content_type) is text (`text/*`, JSON, XML or a URL-encoded form) and
    /// [`CharacterEncoding::Raw`] if it is not.
    pub fn character_encoding(&self) -> CharacterEncoding {
        self.character_encoding.clone().unwrap_or_else(|| match is_text(self.content_type_or_default()) {
            true => CharacterEncoding::Utf8,
            false => CharacterEncoding::Raw,
        })
    }

    /// Sets the [`character_encoding`](Self::character_encoding).
    pub fn with_character_encoding(mut self, encoding: CharacterEncoding) -> Self {
        self.character_encoding = Some(encoding);
        self
    }

    /// Returns the CloudEvents `source`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Sets the [`source`](Self::source).
    pub fn with_source(mut self, source: impl Into<String>) -> Self {
        self.source = Cow::Owned(source.into());
        self
    }

    /// Returns the CloudEvents `specversion`.
    pub fn spec_version(&self) -> &str {
        &self.spec_version
    }

    /// Returns the time at which the message was created, to 100 ns.
    pub fn created_at(&self) -> SystemTime {
        self.created.to_system_time()
    }

    /// Sets the time at which the message was created, which is kept to 100 ns.
    pub fn with_created_at(mut self, time: SystemTime) -> Self {
        self.created = Ticks::from(time);
        self
    }

    /// Returns the header bag: the headers that the program has added. Each value can be any JSON value. In the
    /// returned map, numbers are rounded to the precision of an `f64`, and an entry that a [`Value`] cannot represent,
    /// such as a number outside the range of `f64`, is a string that contains its JSON. The stored and sent message
    /// keeps all digits of each number, and [`bag_json`](Self::bag_json) returns them.
    pub fn bag(&self) -> &Map<String, Value> {
        self.bag.values()
    }

    /// Returns the header bag as a JSON object. Numbers have all the digits with which they were stored.
    pub fn bag_json(&self) -> String {
        self.bag.to_json()
    }

    /// Adds a header to the header bag, or replaces the header with this name.
    pub fn with_bag_entry(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.bag.insert(name.into(), value.into());
        self
    }

    /// Returns the number of times that a consumer has handled the message, or 0 for a new message.
    pub fn handled_count(&self) -> i64 {
        self.handled_count
    }

    /// Returns the delay that a consumer requested, in milliseconds, or 0 for a new message.
    pub fn delayed_milliseconds(&self) -> i64 {
        self.delayed_milliseconds
    }

    /// Returns the content type that is stored and sent, which is never empty.
    pub(crate) fn content_type_or_default(&self) -> &str {
        or_default(&self.content_type, NO_CONTENT_TYPE)
    }

    pub(crate) fn source_or_default(&self) -> &str {
        or_default(&self.source, DEFAULT_SOURCE)
    }

    pub(crate) fn spec_version_or_default(&self) -> &str {
        or_default(&self.spec_version, DEFAULT_SPEC_VERSION)
    }

    /// Returns whether the message has a partition key, so that its order matters.
    pub(crate) fn is_keyed(&self) -> bool {
        !self.partition_key.is_empty()
    }

    /// Returns the topic whose producer sends the message. The topic of a reply has no producer, so the bag of the
    /// reply names another topic.
    pub(crate) fn producer_topic(&self) -> &str {
        match self.bag.values().get(PRODUCER_TOPIC) {
            Some(Value::String(topic)) if !topic.is_empty() => topic,
            _ => &self.topic,
        }
    }

    pub(crate) fn created(&self) -> Ticks {
        self.created
    }

    pub(crate) fn set_created(&mut self, created: Ticks) {
        self.created = created;
    }

    #[cfg(any(feature = "sns", feature = "sqs"))]
    pub(crate) fn replayed(&self) -> Option<Ticks> {
        self.replayed
    }

    pub(crate) fn set_replayed(&mut self, replayed: Option<Ticks>) {
        self.replayed = replayed;
    }

    pub(crate) fn set_bag(&mut self, bag: Bag) {
        self.bag = bag;
    }

    /// Returns the header bag with the exact JSON text of each entry, which [`bag`](Self::bag) does not keep.
    pub(crate) fn exact_bag(&self) -> &Bag {
        &self.bag
    }

    pub(crate) fn set_spec_version(&mut self, version: &str) {
        self.spec_version = Cow::Owned(version.into());
    }

    pub(crate) fn set_counts(&mut self, handled_count: i64, delayed_milliseconds: i64) {
        self.handled_count = handled_count;
        self.delayed_milliseconds = delayed_milliseconds;
    }

    /// Checks that the message can be stored and read again.
    pub(crate) fn validate(&self) -> Result<()> {
        let reject = |problem: String| Err(invalid(format!("message {}: {problem}", shortened(&self.id))));
        for (name, value, most) in
            [("id", &self.id, MAX_ID_BYTES), ("topic", &self.topic, MAX_KEY_BYTES - SHARD_SUFFIX_BYTES)]
        {
            if value.is_empty() {
                return reject(format!("the {name} is empty"));
            }
            if value.len() > most {
                return reject(format!("the {name} has {} bytes, but at most {most} are allowed", value.len()));
            }
        }
        if self.causation_id.len() > MAX_KEY_BYTES {
            return reject(format!(
                "the causation_id has {} bytes, but at most {MAX_KEY_BYTES} are allowed",
                self.causation_id.len()
            ));
        }
        let encoding = self.character_encoding();
        let fits = match encoding {
            CharacterEncoding::Utf8 => std::str::from_utf8(&self.body).is_ok(),
            CharacterEncoding::Ascii => self.body.is_ascii(),
            CharacterEncoding::Utf16 => self.body.len().is_multiple_of(2),
            CharacterEncoding::Base64 | CharacterEncoding::Raw | CharacterEncoding::Other(_) => true,
        };
        if !fits && self.character_encoding.is_none() {
            return reject(format!(
                "the body is not valid UTF-8, and its content type {} is text; set content_type to application/octet-stream or another type of bytes, or set character_encoding",
                shortened(self.content_type_or_default())
            ));
        }
        if !fits {
            return reject(format!(
                "the body is not valid {}; set character_encoding to Raw for bytes",
                encoding.name()
            ));
        }
        if !self.bag.is_within_depth() {
            return reject(format!("the bag is nested deeper than {MAX_DEPTH}, which JSON readers do not accept"));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Message {
    /// Formats the message without its body and bag, which do not belong in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("topic", &self.topic)
            .field("message_type", &self.message_type)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Returns `value`, or `default` if `value` is empty. Brighter's reader requires a content type, a source and a version of
/// the CloudEvents specification.
fn or_default<'a>(value: &'a str, default: &'a str) -> &'a str {
    if value.is_empty() { default } else { value }
}

pub(super) fn invalid(message: String) -> Error {
    Error::new(ErrorCode::InvalidMessage, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::header::HEADER_FIELDS;

    #[test]
    fn every_named_field_can_be_set_and_read() {
        for field in HEADER_FIELDS {
            let mut message = Message::new("t", "b");
            let value = match field.name {
                "message_type" => "MT_COMMAND",
                "character_encoding" => "ASCII",
                "created_at" => "2024-02-29T12:34:56.789Z",
                _ => "v=1",
            };
            message.set_header(field.name, value).unwrap();
            assert_eq!(message.header(field.name).unwrap().as_deref(), Some(value), "{}", field.name);
        }
        let mut message = Message::new("t", "b");
        message.set_header("bag.tenant", "42").unwrap();
        assert_eq!(message.header("bag.tenant").unwrap().as_deref(), Some("42"));
        assert_eq!(message.header("bag.other").unwrap(), None);
        assert_eq!(message.header("subject").unwrap(), None);
    }

    #[test]
    fn unknown_name_lists_similar_names() {
        let error = Message::new("t", "b").set_header("partitionkey", "1").unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnknownName);
        assert!(error.message().contains("partition_key"), "{error}");
        assert!(Message::new("t", "b").header("topik").unwrap_err().message().contains("topic"));
    }

    #[test]
    fn messages_that_cannot_be_stored_or_read_are_rejected() {
        let message = || Message::new("t", "b");
        let cases = [
            (Message::new("", "b"), "topic is empty"),
            (message().with_id(""), "id is empty"),
            (message().with_id("x".repeat(1025)), "at most 1024"),
            (Message::new("t".repeat(2046), "b"), "at most 2045"),
            (message().with_causation_id("x".repeat(2049)), "causation_id"),
            (message().with_body([0xff]).with_character_encoding(CharacterEncoding::Utf8), "UTF8"),
            (message().with_body("ä").with_character_encoding(CharacterEncoding::Ascii), "ASCII"),
            (message().with_body("abc").with_character_encoding(CharacterEncoding::Utf16), "UTF16"),
        ];
        for (message, expected) in cases {
            let error = message.validate().unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidMessage);
            assert!(error.message().contains(expected), "{error}");
        }
        message().with_id("x".repeat(1024)).validate().unwrap();
    }

    #[test]
    fn the_encoding_follows_the_content_type_unless_set() {
        let encoding = |content_type: &str, body: &[u8]| {
            Message::new("t", body).with_content_type(content_type).character_encoding()
        };
        for body in [&b"text"[..], &[0xff, 0x00]] {
            for text in ["text/plain", "application/json", "application/vnd.a+xml", ""] {
                assert_eq!(encoding(text, body), CharacterEncoding::Utf8, "{text}");
            }
            for bytes in ["application/octet-stream", "application/avro", "image/png", "json"] {
                assert_eq!(encoding(bytes, body), CharacterEncoding::Raw, "{bytes}");
            }
        }
        assert_eq!(Message::new("t", "text").character_encoding(), CharacterEncoding::Utf8);
        let set = Message::new("t", "aGk=").with_character_encoding(CharacterEncoding::Base64);
        assert_eq!(set.character_encoding(), CharacterEncoding::Base64);
    }

    #[test]
    fn a_body_of_bytes_with_a_content_type_of_text_is_rejected_with_advice() {
        let error = Message::new("t", [0xff]).validate().unwrap_err();
        for expected in ["application/json", "application/octet-stream", "character_encoding"] {
            assert!(error.message().contains(expected), "{error}");
        }
        Message::new("t", [0xff]).with_content_type("application/octet-stream").validate().unwrap();
        Message::new("t", [0xff]).with_character_encoding(CharacterEncoding::Raw).validate().unwrap();
    }

    #[test]
    fn the_body_is_not_shown() {
        let message = Message::new("t", "a secret").with_bag_entry("h", "another secret");
        assert!(!format!("{message:?}").contains("secret"));
    }

    #[test]
    fn messages_made_one_after_the_other_are_in_order() {
        let first = Message::new("t", "");
        let second = Message::new("t", "");
        assert!(first.created_at() < second.created_at());
        assert!(first.id() < second.id());
    }
}
